"""Why an attempt brought no answer, told by the type of the exception and never by its text."""

from __future__ import annotations

import http.client
import os
import ssl

from typing import Final

import attrs
import requests.exceptions

from urllib3 import exceptions as urllib3

from synapse.session import bounded
from synapse.session.connections import HandshakeError

ERRORS: Final = (
    requests.exceptions.RequestException,
    urllib3.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
_PLAIN: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST"})


@attrs.frozen
class Failure:
    """An attempt without a readable answer.

    `acted` tells whether the backend may have acted on it, `passing` whether the next attempt may go better;
    `status` is the status that came before the answer broke off; `too_large` that it is more than is read into memory.
    """

    reason: str
    acted: bool
    passing: bool
    cause: BaseException | None = attrs.field(default=None, repr=False)
    status: int | None = None
    too_large: bool = False

    @property
    def timed_out(self) -> bool:
        """Whether the backend took the request and did not answer in time."""
        return self.acted and isinstance(self.cause, TimeoutError)


def failure_of(error: Exception, *, connect: float, read: float | None, status: int | None = None) -> Failure:
    """Classify an exception of the HTTP stack; the limits are those that were set, in seconds."""
    reason = _reason(error)
    # The frames below would show the headers to whatever lists their variables.
    root = _root(reason).with_traceback(None)
    if isinstance(reason, urllib3.ConnectTimeoutError) and not isinstance(reason, urllib3.NewConnectionError):
        return Failure(f"no connection within {connect:g} s", False, True, root)
    if isinstance(root, bounded.TricklingError):
        return Failure(
            f"the answer was not whole after {bounded.PATIENCE * (read or 0):g} s", True, False, root, status
        )
    if isinstance(reason, urllib3.ReadTimeoutError | TimeoutError):
        return Failure(f"nothing came within {read or 0:g} s", True, True, root, status)
    text, acted, passing = _classify(reason, root)
    return Failure(text, acted or status is not None, passing, root, status)


def _classify(reason: BaseException, root: BaseException) -> tuple[str, bool, bool]:
    match reason:
        case urllib3.ProxyError():
            return f"the proxy could not be used{_detail(root)}", False, True
        case urllib3.NameResolutionError():
            return "the host name could not be resolved", False, True
        case urllib3.NewConnectionError():
            return f"no connection{_detail(root)}", False, True
        case HandshakeError():
            return _handshake(root)
        case ValueError():
            return f"the request could not be built ({type(reason).__name__})", False, False
        case bounded.BrokenHeadError():
            return "the answer broke off within its headers", True, True
        case http.client.IncompleteRead():
            return "the answer broke off", True, True
        case urllib3.DecodeError():
            return "the answer could not be decompressed", True, True
        case _:
            return f"the connection was lost{_detail(root)}", True, True


def _reason(error: BaseException) -> BaseException:
    """Unwrap what requests and urllib3 put around the exception that tells the reason."""
    while True:
        inner: object = None
        if isinstance(error, urllib3.MaxRetryError):
            inner = error.reason
        elif isinstance(error, requests.exceptions.RequestException) or type(error) is urllib3.ProtocolError:
            inner = next((item for item in error.args if isinstance(item, Exception)), None)
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause: the outer ones carry whole addresses in their texts."""
    seen = {id(error)}
    while True:
        inner = error.__cause__ or error.__context__
        if inner is None or id(inner) in seen:
            return error
        seen.add(id(inner))
        error = inner


def _detail(error: BaseException) -> str:
    known = isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno
    return f": {os.strerror(known).lower()}" if known else ""


def _handshake(root: BaseException) -> tuple[str, bool, bool]:
    if isinstance(root, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {root.verify_message} (see verify=…)", False, False
    if isinstance(root, ssl.SSLError) and root.reason in _PLAIN:
        return "the server does not speak TLS here (is it http:// rather than https://?)", False, False
    return "TLS could not be agreed on", False, True
