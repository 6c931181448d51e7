"""Why an attempt has no answer, by the types of the exceptions of requests, urllib3 and the standard library."""

from __future__ import annotations

import http.client
import os
import ssl

from http import HTTPStatus
from typing import Any, Final

import attrs
import requests.exceptions

from urllib3 import exceptions as urllib3

from synapse.session import connections, response_body
from synapse.session.connections import HandshakeError, TunnelError
from synapse.session.retry import tunnel_may_open

_WRAPPERS: Final = (urllib3.ProtocolError, urllib3.SSLError)
_CONNECTING: Final = (urllib3.ConnectTimeoutError, urllib3.NewConnectionError, HandshakeError)
# The texts of these quote the answer, and an answer may repeat the token that it was sent.
_REPEATING: Final = (http.client.BadStatusLine, http.client.UnknownProtocol, ValueError)
ERRORS: Final = (
    requests.exceptions.RequestException,
    urllib3.HTTPError,
    http.client.HTTPException,
    OSError,
    ValueError,
)
_ASKS: Final = (
    "asks for a name and a password (407): give http://name:password@host:port in proxies=… or HTTPS_PROXY"
)
# The package `responses` has no answer to this in a test. Further lines may quote the headers.
_UNMOCKED: Final = "Connection refused by Responses"
_PLAIN: Final = frozenset(
    {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG", "RECORD_LAYER_FAILURE"}
)
_UNNAMED: Final = frozenset({"TLSV13_ALERT_CERTIFICATE_REQUIRED"})
# TLS alerts about the client certificate; many servers send the last one if there is none.
_NAMED: Final = frozenset(
    {
        "SSLV3_ALERT_BAD_CERTIFICATE",
        "SSLV3_ALERT_CERTIFICATE_EXPIRED",
        "SSLV3_ALERT_CERTIFICATE_REVOKED",
        "SSLV3_ALERT_CERTIFICATE_UNKNOWN",
        "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE",
        "TLSV1_ALERT_ACCESS_DENIED",
        "TLSV1_ALERT_UNKNOWN_CA",
        "SSLV3_ALERT_HANDSHAKE_FAILURE",
    }
)


@attrs.frozen
class Failure:
    """An attempt without a readable answer.

    `acted`: the backend may have received the request. `passing`: the next attempt may succeed. `status` is that of an
    answer that broke off; `too_large`: it is larger than what is read into memory.
    """

    reason: str
    acted: bool
    passing: bool
    cause: BaseException | None = attrs.field(default=None, repr=False)
    status: int | None = None
    too_large: bool = False

    @property
    def timed_out(self) -> bool:
        """Whether the backend received the request and did not answer in time."""
        return self.acted and isinstance(self.cause, TimeoutError)


def failure_of(
    error: Exception,
    *,
    connect: float,
    read: float | None,
    status: int | None = None,
    proxy: str | None = None,
) -> Failure:
    """Classify an exception of the HTTP stack; *connect* and *read* are the timeouts that it was sent with."""
    reason = _reason(error)
    # The frames below hold the headers in their variables.
    root = _root(reason).with_traceback(None)
    if type(root) in _REPEATING:
        root = type(root)("")
    if isinstance(reason, urllib3.ConnectTimeoutError) and not isinstance(reason, urllib3.NewConnectionError):
        return Failure(f"no connection within {connect:g} s", False, True, root)
    if isinstance(root, connections.DeadlineError):
        return Failure(f"the answer was not whole within {read or 0:g} s", True, root.stalled, root, status)
    if isinstance(reason, urllib3.ReadTimeoutError | TimeoutError):
        return Failure(f"nothing came within {read or 0:g} s", True, True, root, status)
    text, acted, passing = _classify(reason, root, proxy=proxy_named(proxy))
    return Failure(text, acted or status is not None, passing, root, status)


def proxy_named(address: str | None) -> str:
    """Name the proxy in a sentence."""
    return f"the proxy {address}" if address else "the proxy"


def anonymous(address: str | None) -> Failure:
    """Return the failure of a proxy that asks for a name and a password."""
    return Failure(f"{proxy_named(address)} {_ASKS}", acted=False, passing=False, status=407)


def _classify(reason: BaseException, root: BaseException, *, proxy: str) -> tuple[str, bool, bool]:
    match reason:
        case requests.exceptions.ConnectionError() if str(reason).startswith(_UNMOCKED):
            return str(reason).partition("\n")[0], False, False
        case TunnelError():
            return _tunnel(reason.status, root, proxy=proxy)
        case urllib3.ProxyError():
            return _unreached(reason.original_error, root, proxy=proxy)
        case urllib3.NameResolutionError():
            return f"the host name {reason.conn.host} could not be resolved", False, True
        case urllib3.NewConnectionError():
            return f"no connection to {_place(reason.conn)}{_detail(root)}", False, True
        case HandshakeError():
            return _handshake(root, behind=proxy if reason.tunnelled else "")
        case urllib3.SSLError() | ssl.SSLError() if _refused_certificate(root):
            return _refused_certificate(root), False, False
        case ValueError():
            return f"the request could not be built ({type(reason).__name__})", False, False
        case connections.IncompleteHeadError():
            return "the answer broke off within its headers", True, True
        case http.client.IncompleteRead():
            return "the answer broke off", True, True
        case response_body.UnexpectedEncodingError():
            return f"the answer came {reason}, which was not asked for", True, False
        case urllib3.DecodeError():
            return "the answer could not be decompressed", True, True
        case http.client.RemoteDisconnected():
            return "the connection was lost", True, True
        case http.client.HTTPException() | urllib3.InvalidHeader():
            return "the answer does not keep to HTTP", True, True
        case _:
            return f"the connection was lost{_detail(root)}", True, True


def _reason(error: BaseException) -> BaseException:
    """Unwrap the exception that requests and urllib3 have wrapped."""
    while True:
        inner: object = None
        if isinstance(error, urllib3.MaxRetryError):
            inner = error.reason
        elif type(error) is urllib3.ProxyError and not isinstance(error.original_error, _CONNECTING):
            # Behind a proxy, urllib3 reports every closed connection as a proxy error, even if the backend closed it.
            inner = error.original_error
        elif isinstance(error, requests.exceptions.RequestException) or type(error) in _WRAPPERS:
            inner = next((item for item in error.args if isinstance(item, Exception)), None)
        if not isinstance(inner, BaseException):
            return error
        error = inner


def _root(error: BaseException) -> BaseException:
    """Return the innermost cause: the texts of the outer ones hold whole addresses."""
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


def _place(connection: Any) -> str:
    host = f"[{connection.host}]" if ":" in connection.host else connection.host
    return f"{host}:{connection.port}"


def _handshake(root: BaseException, *, behind: str) -> tuple[str, bool, bool]:
    if isinstance(root, ssl.SSLCertVerificationError):
        return f"the certificate was not accepted: {root.verify_message} (see verify=…)", False, False
    if isinstance(root, ssl.SSLError) and root.reason in _PLAIN:
        if behind:
            return f"what answers behind {behind} does not speak TLS", False, False
        return "the server does not speak TLS here (is it http:// rather than https://?)", False, False
    refused = _refused_certificate(root)
    return refused or "TLS could not be agreed on", False, not refused


def _refused_certificate(root: BaseException) -> str:
    """Explain an alert about the client certificate: the server read no request, even if one was sent."""
    reason = getattr(root, "reason", None) if isinstance(root, ssl.SSLError) else None
    if reason in _UNNAMED:
        return "the server asks for a client certificate (see cert=…)"
    if reason in _NAMED:
        return "the server does not accept the client certificate, or asks for one (see cert=…)"
    return ""


def _tunnel(status: int | None, root: BaseException, *, proxy: str) -> tuple[str, bool, bool]:
    if status is None:
        return f"{proxy} broke off before it opened a tunnel{_detail(root)}", False, True
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        return f"{proxy} {_ASKS}", False, False
    return f"{proxy} opened no tunnel ({status})", False, tunnel_may_open(status)


def _unreached(error: BaseException, root: BaseException, *, proxy: str) -> tuple[str, bool, bool]:
    """Say why there is no connection to a proxy."""
    if isinstance(root, ssl.SSLCertVerificationError):
        return (
            f"the certificate of {proxy} was not accepted: {root.verify_message} (see verify=…)",
            False,
            False,
        )
    if isinstance(root, ssl.SSLError) and root.reason in _PLAIN:
        return f"{proxy} does not speak TLS: is its address http:// rather than https://?", False, False
    if isinstance(error, urllib3.NameResolutionError):
        return f"the host name of {proxy} could not be resolved", False, True
    if isinstance(error, urllib3.ConnectTimeoutError) and not isinstance(error, urllib3.NewConnectionError):
        return f"{proxy} could not be used: it did not answer in time", False, True
    return f"{proxy} could not be used{_detail(root)}", False, True
