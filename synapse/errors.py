"""Every error that the SDK raises on purpose.

SynapseError
├── ClientError                  the backend answered, and refused
│   ├── AuthenticationError      401
│   ├── PermissionDeniedError    403
│   ├── NotFoundError            404        └── Task.DoesNotExist, one per entity
│   ├── ConflictError            409, and what `save(check=True)` finds
│   ├── ValidationError          400, 422
│   ├── RateLimitError           429
│   ├── ServerError              5xx; a write may have happened
│   └── WriteIgnoredError        2xx, but a field that was sent was not changed
├── TransportError               no answer, or none that could be read
│   ├── OriginError              following it would carry the token to another host
│   └── WriteUnconfirmedError    a write was sent, its outcome is unknown
├── QueryError                   a query that the backend cannot answer, refused before it is sent
│   ├── ArgumentTypeError        an argument of the wrong type; a `TypeError` as well
│   ├── SynchronousOnlyError     a request in a coroutine that is not awaited
│   ├── WrongHostError           an object or a query of another backend
│   ├── UnsupportedError         the API generation that is spoken lacks it
│   └── MultipleObjectsReturned  └── Task.MultipleObjectsReturned, one per entity
├── MappingError                 a value that does not fit its field
│   └── FieldError               a name that is unknown, or that cannot be read or set now
├── TransferError                a file could not be sent or fetched
│   └── StorageError             a storage could not be reached, read or written
│       └── StorageNotFoundError   a path that is not there; a `FileNotFoundError` as well
├── WaitTimeoutError             the time to wait is over
├── ConfigError                  no session, no token, or a setting that cannot be used
└── BulkError                    some rows of a bulk operation failed
"""

from __future__ import annotations

import traceback

from collections.abc import Callable, Iterable, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, ClassVar, Final, NamedTuple, NoReturn, Protocol
from weakref import WeakValueDictionary

from synapse.showing import asks_for_traceback, bounded, place_of, printable, shortened


def _rebuild(cls: type[SynapseError], args: tuple[Any, ...], state: dict[str, Any]) -> SynapseError:
    error = cls.__new__(cls)
    error.args = args  # `OSError` would take them in its `__init__` only
    error.__dict__.update(state)
    return error


class SynapseError(Exception):
    """Base of everything the SDK raises on purpose.

    `code` names the kind of error for programs; `synapse explain CODE` explains it. An error that interrupted the
    reading of rows has a `checkpoint`: `queryset.resume(checkpoint)` continues there. If `unconfirmed` is True, a write
    may have happened despite the error.
    """

    code: str = "error"
    checkpoint: str | None = None
    unconfirmed: bool = False

    def __init_subclass__(cls, *, code: str | None = None, **rest: Any) -> None:
        super().__init_subclass__(**rest)
        cls.code = code or cls.code

    def __init__(self, *args: Any, code: str | None = None) -> None:
        super().__init__(*(_clean(each) if isinstance(each, str) else each for each in args))
        if code is not None:
            self.code = code

    def __reduce__(self) -> tuple[Any, ...]:
        # Keyword-only constructors cannot be called again by pickle, so the state travels instead.
        return _rebuild, (type(self), self.args, self.__dict__)

    def __str__(self) -> str:
        return shortened(super().__str__())

    def __repr__(self) -> str:
        return shortened(super().__repr__())

    def _render_traceback_(self) -> list[str]:
        """Give IPython one line, and the frames as well where `%tb` asks for them."""
        if asks_for_traceback():
            return "".join(traceback.format_exception(self)).splitlines()
        words = " ".join(str(self).split())
        return [f"{type(self).__qualname__}: {words}{place_of(self)}"]


@bounded
class Resolution(NamedTuple):
    """What the backend shows of a write whose outcome was unknown.

    `done`: it happened. `repeatable`: it did not, and sending it again is safe. If neither is True, the outcome is
    still unknown, and `reason` says why. `rows` are the objects that were created or changed, or that may have been.
    """

    done: bool = False
    repeatable: bool = False
    rows: tuple[Any, ...] = ()
    reason: str = ""

    def __bool__(self) -> NoReturn:
        raise TypeError("a resolution has three outcomes: look at .done and .repeatable")

    def __str__(self) -> str:
        undone = "not done, safe to send again" if self.repeatable else "cannot be told"
        verdict = "done" if self.done else undone
        return shortened(f"{verdict}: {self.reason}") if self.reason else verdict


class Question(Protocol):
    """What to ask the backend about one write."""

    def answered(self, *, using: Any, wait: float | None) -> Resolution:
        """Ask, through the session *using* or the one that it was sent by."""
        ...

    async def aresolve(self, *, using: Any, wait: float | None) -> Resolution:
        """Ask in a coroutine."""
        ...


class _Resolvable:
    """Shared by errors after which a write may have happened: `resolve()` asks the backend."""

    args: tuple[Any, ...]
    question: Question | None = None

    def resolve(self, *, using: Any = None, wait: float | None = None) -> Resolution:
        """Ask the backend whether the write happened; nothing is written.

        The backend may still be working on the write. If there is no trace of it yet, this looks again until the read
        timeout has passed since the error, or for *wait* seconds at most. It uses the session *using*, by default the
        one that sent the write; after unpickling, the current one.
        """
        if self.question is None:
            return Resolution(reason=f"it cannot be asked about by itself; {self}")
        return self.question.answered(using=using, wait=wait)

    async def aresolve(self, *, using: Any = None, wait: float | None = None) -> Resolution:
        """The asynchronous twin of `resolve()`, with the same arguments."""
        return await self.question.aresolve(using=using, wait=wait) if self.question else self.resolve()

    def _told(self, said: str) -> str:
        if self.question is None:
            return said
        return shortened(f"{said.rstrip('.')}; resolve() of this error asks whether it did")


class ClientError(SynapseError, code="refused"):
    """The backend answered, and refused.

    `status_code` is the HTTP status, `response` the parsed body (or its text), `errors` maps a field to its
    messages; `request_id` is the backend's name for the request and `backend_code` its code of the refusal, if it gives
    them. `status` is another name of `status_code`, as `detail` and `reason` are of `response`: other clients use them.
    `retry_after` is the pause in seconds that the backend asked for, if it did; `too_long` is True if
    `Retry(max_wait=...)` does not allow it.
    """

    retry_after: float | None = None
    too_long: bool = False
    backend_code: str | None = None
    _usual_status: ClassVar[Any] = 400
    status_code: int

    def __init__(
        self,
        *args: Any,
        status_code: int | None = None,
        response: object = None,
        errors: Mapping[str, Sequence[str]] | None = None,
        request_id: str | None = None,
    ) -> None:
        super().__init__(*args)
        self.status_code = self._usual_status if status_code is None else status_code
        self.response = response
        self.errors = {name: list(texts) for name, texts in (errors or {}).items()}
        self.request_id = request_id

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.status_code

    @property
    def detail(self) -> object:
        """The parsed body, or its text."""
        return self.response

    @property
    def reason(self) -> object:
        """The parsed body, or its text."""
        return self.response


class AuthenticationError(ClientError, code="token-refused"):
    """401: the token is missing, wrong or expired."""

    _usual_status = 401


class PermissionDeniedError(ClientError, code="permission-denied"):
    """403: the token is good, but may not do this."""

    _usual_status = 403


class NotFoundError(ClientError, code="not-found"):
    """404: no such object, or no right to see it."""

    _usual_status = 404


@bounded
class Conflict(NamedTuple):
    """One field that somebody else changed: the value that was loaded, the one in the backend, and the one to be set.

    `loaded` is `UNSET` if the field was never loaded. All three are `UNSET` for a secret field.
    """

    loaded: Any
    theirs: Any
    mine: Any


class ConflictError(ClientError, code="conflict"):
    """409: the object is not in the state that the request needs.

    Raised by `save(check=True)`, before anything is sent, `conflicts` maps each field to its `Conflict`.
    """

    _usual_status = 409
    conflicts: Mapping[str, Conflict] = {}


class ValidationError(ClientError, code="values-refused"):
    """400 or 422: the backend refused the values; `errors` says which."""


class RateLimitError(ClientError, code="rate-limited"):
    """429: too many requests; `retry_after` is the pause in seconds that the backend asked for, if it did."""

    _usual_status = 429


class ServerError(ClientError, _Resolvable, code="server-failed"):
    """5xx: the backend failed, but a write may have happened: `resolve()` asks whether it did.

    If it is certain that nothing was written, as after a 503 with `Retry-After`, `unconfirmed` is False.
    """

    unconfirmed = True
    _usual_status = 500

    def __str__(self) -> str:
        return self._told(super().__str__())


class WriteIgnoredError(ClientError, code="write-ignored"):
    """The backend answered a change with success, but did not take over every field.

    `fields` names those that it ignored; the others are changed. The row is known, so there is nothing to resolve.
    """

    fields: Sequence[str] = ()
    _is_doubtful = False


class TransportError(SynapseError, code="no-answer"):
    """No answer came, or none that could be read; `method` and `url` name the request.

    `timed_out`: the backend received the request and did not answer in time. `too_large`: the answer was larger than
    the session reads into memory.
    """

    def __init__(
        self,
        *args: Any,
        method: str = "",
        url: str = "",
        status_code: int | None = None,
        timed_out: bool = False,
        too_large: bool = False,
    ) -> None:
        super().__init__(*args)
        if timed_out and not self.unconfirmed:
            self.code = "answer-timed-out"
        elif too_large:
            self.code = "answer-too-large"
        self.method = method
        self.url = url
        self.status_code = status_code
        self.timed_out = timed_out
        self.too_large = too_large


class OriginError(TransportError, code="other-origin"):
    """A link led away from the session's origin; nothing was sent there."""


class WriteUnconfirmedError(TransportError, _Resolvable, code="write-unconfirmed"):
    """A write was sent, but no answer confirms it: it may or may not have happened, and was not repeated.

    If an answer came and shows other rows than the ones that were sent, `answered` holds their keys.
    """

    unconfirmed = True
    answered: Sequence[Any] = ()

    def __str__(self) -> str:
        return self._told(super().__str__())


class QueryError(SynapseError, code="wrong-query"):
    """A query that the backend cannot answer, refused before anything is sent."""


class ArgumentTypeError(QueryError, TypeError, code="wrong-argument-type"):
    """An argument is of a type that the call does not take; a `TypeError` as well."""


class SynchronousOnlyError(QueryError, code="blocks-event-loop"):
    """A coroutine asked in a way that would keep its event loop waiting; nothing was sent."""


class WrongHostError(QueryError, code="wrong-host"):
    """An object or a query of one backend was about to be sent to another one, where its keys name other objects.

    `host` is the backend that it belongs to, `session_host` the other one, if known. Nothing was sent.
    """

    host: str = ""
    session_host: str = ""


class UnsupportedError(QueryError, code="unsupported"):
    """The API generation that is spoken lacks what was asked for; nothing was sent."""


class MultipleObjectsReturned(QueryError, code="several-found"):  # noqa: N818 - Django's name
    """`get()` matched more than one object."""


class MappingError(SynapseError, code="wrong-value"):
    """A value does not fit its field; the message starts with the path, such as `Task.created of row 17`.

    For a row of the backend, `path` is the field (`Task.created`), `row` the number of the row in the result, starting
    with 1, and `key` its key, if known.
    """

    path: str = ""
    row: int | None = None
    key: int | str | None = None


class FieldError(MappingError, QueryError, AttributeError, TypeError, code="wrong-field"):
    """A name is unknown, or can't be read or set now, such as a relation of an object that is not saved yet.

    It is an `AttributeError` and a `TypeError` as well, which Python raises for unknown attributes and arguments.
    """

    def __init__(self, *args: Any, name: str | None = None, say: Callable[[], str] | None = None) -> None:
        super().__init__(*args)
        # With an object, Python would add a suggestion of its own.
        self.name, self.obj = name, None
        self._say = say

    def __str__(self) -> str:
        # Looking for a near name takes longer than all the rest, and `hasattr()` never reads the text.
        if self._say is not None:
            self.args, self._say = (_clean(self._say()),), None
        return super().__str__()

    def __repr__(self) -> str:
        str(self)
        return super().__repr__()

    def __reduce__(self) -> tuple[Any, ...]:
        str(self)
        return super().__reduce__()


class TransferError(SynapseError, code="transfer-failed"):
    """A file could not be sent or fetched."""


class StorageError(TransferError, code="storage-failed"):
    """A storage could not be reached, read or written."""


class StorageNotFoundError(StorageError, FileNotFoundError, code="storage-file-not-found"):
    """There is nothing at a path of a storage; a `FileNotFoundError` as well, which libraries ask for."""


class WaitTimeoutError(SynapseError, TimeoutError, code="wait-timed-out"):
    """The wait timed out; what it waited for goes on."""


class ConfigError(SynapseError, code="wrong-setting"):
    """There is no session or no token, or a setting has a value that cannot be used."""


class BulkError(SynapseError, code="part-failed"):
    """Some rows of a bulk operation failed; the others are done.

    `succeeded` holds the rows that are done and `failed` pairs every other row that was tried with its error. `untried`
    holds the rest, if the run ended early because the token was refused or no answers came. Each is in the order given.
    Failed rows that may be done nevertheless are also in `unknown`: check before you send them again.
    """

    def __init__(
        self,
        *args: Any,
        succeeded: Sequence[object] = (),
        failed: Sequence[tuple[object, Exception]] = (),
        untried: Sequence[object] = (),
    ) -> None:
        super().__init__(*args)
        self.succeeded = list(succeeded)
        self.failed = list(failed)
        self.untried = list(untried)
        self.unconfirmed = bool(self.unknown)

    @property
    def unknown(self) -> list[tuple[object, Exception]]:
        """The failed rows that may be done, each with its error."""
        return [(row, error) for row, error in self.failed if may_have_happened(error)]


def may_have_happened(error: Exception | None) -> bool:
    """Whether a write that ended with this error may have happened.

    >>> may_have_happened(ServerError("500", status_code=500)), may_have_happened(QueryError("no lookup"))
    (True, False)
    """
    return isinstance(error, SynapseError) and error.unconfirmed


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Return ` (did you mean 'project'?)` for the nearest known name, or nothing.

    >>> did_you_mean("projct", ["project", "id"])
    " (did you mean 'project'?)"
    """
    spelled = {each.casefold(): each for each in sorted(known)}
    close = get_close_matches(name.casefold(), spelled, n=1, cutoff=0.6)
    return f" (did you mean {spelled[close[0]]!r}?)" if close else ""


def describe(value: object) -> str:
    """Name a value in a message by its type and a short repr; a dict shows only its keys, since it may hold secrets.

    >>> describe("no number"), describe({"token": "x"})
    ("str 'no number'", "dict with 'token'")
    """
    try:
        keys = f"with {', '.join(map(repr, value))}" if isinstance(value, dict) and value else ""
        text = hidden(keys or repr(value))
    except Exception:  # no integer of thousands of digits can be printed, nor what is nested too deeply
        return type(value).__name__
    return f"{type(value).__name__} {text if len(text) <= 60 else text[:57] + '...'}"


def _clean(text: str) -> str:
    """Mask secrets in a message, and shorten it."""
    return shortened(printable(hidden(text), lines=True))


class Hiding(Protocol):
    """Knows the secrets of one session."""

    def text(self, text: str, /) -> str:
        """Return *text* without them."""
        ...


_HIDING: Final[WeakValueDictionary[int, Hiding]] = WeakValueDictionary()


def hide(hiding: Hiding) -> None:
    """Mask these secrets in every error that is made from now on, as long as *hiding* exists."""
    _HIDING[id(hiding)] = hiding


def hidden(text: str) -> str:
    """Return *text* without the secrets of any session."""
    for reference in _HIDING.valuerefs():
        hiding = reference()
        if hiding is not None:
            text = hiding.text(text)
    return text


def quoted(name: str) -> str:
    """Quote a name that a user gave; a very long one is cut."""
    return repr(name if len(name) <= 100 else f"{name[:97]}...")
