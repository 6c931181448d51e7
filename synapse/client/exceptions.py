"""The errors of the flat client: what got no answer is a `ClientError` here as well, as its scripts expect."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, ClassVar

from synapse.errors import (
    AuthenticationError,
    BulkError,
    ClientError,
    NotFoundError,
    OriginError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SynapseError,
    TransferError,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)


class _NoAnswerError(ClientError, TransportError, code="no-answer"):  # type: ignore[misc]
    """What has no answer is told of in its own words."""

    _usual_status: ClassVar[int | None] = None

    @property
    def detail(self) -> object:
        """The sentence that says what happened."""
        return str(self)

    @property
    def reason(self) -> object:
        """The sentence that says what happened."""
        return str(self)


class ClientConnectionError(_NoAnswerError):
    """No answer came, or none that could be read; `status_code` is None unless an answer had begun."""


class ClientTimeoutError(_NoAnswerError, code="answer-timed-out"):
    """No answer came in time; `status_code` is 408."""

    _usual_status = HTTPStatus.REQUEST_TIMEOUT.value


class ClientResponseIncompleteError(ClientConnectionError, WriteUnconfirmedError, code="write-unconfirmed"):  # type: ignore[misc]
    """A write was sent and its answer never came: it may or may not have happened, and was not repeated."""


class ClientOriginError(ClientConnectionError, OriginError, code="other-origin"):  # type: ignore[misc]
    """A link led away from the host that the token is for; nothing was sent there."""


class ClientBulkError(ClientError, BulkError, code="part-failed"):
    """Some items failed, the first with what is its `__cause__`; `succeeded`, `failed` and `untried` name all."""

    _usual_status = None


class FileMissingError(TransferError, FileNotFoundError, code="file-missing"):
    """There is no such file."""


HTTPError = ClientError
AuthorizationError = PermissionDeniedError
StreamError = ClientConnectionError
StreamLimitExceededError = RateLimitError
WebSocketError = ClientConnectionError

__all__ = [
    "AuthenticationError",
    "AuthorizationError",
    "ClientBulkError",
    "ClientConnectionError",
    "ClientError",
    "ClientOriginError",
    "ClientResponseIncompleteError",
    "ClientTimeoutError",
    "FileMissingError",
    "HTTPError",
    "NotFoundError",
    "RateLimitError",
    "ServerError",
    "StreamError",
    "StreamLimitExceededError",
    "ValidationError",
    "WebSocketError",
]


@contextmanager
def told() -> Iterator[None]:
    """Raise what fails inside as scripts for the flat client catch it."""

    try:
        yield
    except SynapseError as error:
        other = _other(error)
        if other is None:
            raise
        raise other.with_traceback(error.__traceback__) from (error.__cause__ or error)


def _other(error: SynapseError) -> SynapseError | None:
    """Build the error that is both what it was and what scripts catch; None where it is that already."""
    if isinstance(error, ClientError):
        return None
    if isinstance(error, TransportError):
        return _as(_class_of(error), error, status_code=_status(error))
    if isinstance(error, BulkError):
        cause = error.__cause__
        known = cause if isinstance(cause, ClientError) else None
        return _as(ClientBulkError, error, **_facts(known))
    if isinstance(error, TransferError) and isinstance(error.__cause__, FileNotFoundError):
        return _as(FileMissingError, error)
    return None


def _class_of(error: TransportError) -> type[SynapseError]:
    if isinstance(error, WriteUnconfirmedError):
        return ClientResponseIncompleteError
    if isinstance(error, OriginError):
        return ClientOriginError
    return ClientTimeoutError if _timed_out(error) else ClientConnectionError


def _timed_out(error: TransportError) -> bool:
    return error.timed_out or isinstance(error.__cause__, TimeoutError)


def _status(error: TransportError) -> int | None:
    # An answer that began with 200 and was not whole in time is no success to a script that looks at the status.
    if not isinstance(error, WriteUnconfirmedError) and _timed_out(error):
        return HTTPStatus.REQUEST_TIMEOUT.value
    return error.status_code


def _facts(error: ClientError | None) -> dict[str, Any]:
    return {} if error is None else dict(vars(error))


def _as(cls: type[SynapseError], error: SynapseError, **facts: Any) -> SynapseError:
    blank: dict[str, Any] = {"status_code": None, "response": None, "errors": {}, "request_id": None}
    made = cls.__new__(cls)
    made.args = error.args  # `OSError` would take them in its `__init__` only
    made.__dict__.update({**(blank if issubclass(cls, ClientError) else {}), **vars(error), **facts})
    return made
