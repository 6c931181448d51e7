"""Connections to hosts and proxies, and the responses that they read: within a deadline, and strictly by HTTP."""

from __future__ import annotations

import base64
import http.client
import io
import logging
import socket
import ssl
import threading
import time

from functools import cache
from http.client import HTTPException
from typing import Any, Final, cast
from urllib.parse import unquote, urlsplit

import requests
import requests.adapters

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, ProxyError, SSLError

from synapse.errors import ConfigError
from synapse.masking import Masker
from synapse.session.interrupts import reraise_from_signal
from synapse.session.throttle import cancellation

BLOCK: Final = 128 * 1024
_SWITCHING: Final = 101
_INTERIM: Final = 100
"""The most interim answers that are skipped."""


class DeadlineError(TimeoutError):
    """An answer began to arrive, but was not complete in time; `stalled`: nothing arrived in the last half of it."""

    def __init__(self, *, stalled: bool) -> None:
        super().__init__()
        self.stalled = stalled


class _DeadlineReader(io.RawIOBase):
    """Reads a socket within one deadline for the whole answer, rather than with one timeout for each read."""

    def __init__(self, sock: Any, source: io.RawIOBase) -> None:
        self._sock, self._source = sock, source
        # urllib3 sets the read timeout on the socket right before it makes the response.
        self._limit: float | None = sock.gettimeout()
        self._bounded = self._limit is not None
        self._until = time.monotonic() + (self._limit or 0)
        self._came: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._bounded:
            return self._receive(buffer)
        left = self._until - time.monotonic()
        if left > 0:
            self._sock.settimeout(left)
            try:
                count = self._receive(buffer)
            except TimeoutError as error:
                reraise_from_signal(error)
            else:
                self._came = time.monotonic()
                return count
        if self._came is None:
            raise TimeoutError
        raise DeadlineError(stalled=2 * (time.monotonic() - self._came) >= (self._limit or 0))

    def _receive(self, buffer: Any) -> int | None:
        call = cancellation.get()
        if call is None:
            return self._source.readinto(buffer)
        with call.receiving(self._sock):
            return self._source.readinto(buffer)

    def stop(self) -> None:
        """Replace the deadline by the timeout, for each read."""
        self.allow(self._limit)

    def allow(self, seconds: float | None) -> None:
        """Replace the deadline by a timeout of this many seconds for each read."""
        self._bounded, self._limit = False, seconds
        self._sock.settimeout(seconds)

    def close(self) -> None:
        self._source.close()
        super().close()


class IncompleteHeadError(http.client.HTTPException):
    """The connection ended within the headers of an answer."""


class InvalidResponseError(http.client.HTTPException):
    """An answer violates HTTP."""


class _HeadReader(io.BufferedReader):
    """Remembers the last line, since `http.client` takes the end of the stream for that of the headers."""

    last = b""

    def readline(self, size: int | None = -1) -> bytes:
        self.last = super().readline(size)
        return self.last

    def read(self, size: int | None = -1) -> bytes:
        return super().read(_counted(size))

    def read1(self, size: int = -1) -> bytes:
        return super().read1(_counted(size))


def _counted(size: int | None) -> int:
    # `http.client` reads a chunk of negative size without end.
    if size is None or size < 0:
        raise InvalidResponseError("a chunk of negative size")
    return size


class _ResponseSocket:
    """What a response needs of a socket: to open it as a file."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        self.clock = _DeadlineReader(self._sock, self._sock.makefile(mode, buffering=0))
        self.lines = _HeadReader(self.clock)
        return self.lines


class DeadlineResponse(http.client.HTTPResponse):
    """An HTTP response whose head and body must arrive within one read timeout altogether."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        timed = _ResponseSocket(sock)
        super().__init__(timed, *args, **kwargs)  # type: ignore[arg-type]
        self._clock, self._lines = timed.clock, timed.lines

    def begin(self) -> None:
        """Read the head; refuse one that is cut off, and a switch to another protocol."""
        super().begin()
        if not self._lines.last.endswith(b"\n"):
            raise IncompleteHeadError
        if self.status == _SWITCHING:
            raise InvalidResponseError("another protocol")

    def _read_status(self) -> tuple[str, int, str]:
        """Skip interim answers such as 103: taken for the answer, they would leave it to the next request."""
        for _ in range(_INTERIM):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= found[1] < 200 or found[1] == _SWITCHING:
                return found
            http.client.parse_headers(self._lines)
        raise InvalidResponseError("no answer behind its announcements")

    def lift_deadline(self) -> None:
        """Replace the deadline by the timeout, for each read."""
        self._clock.stop()

    def allow(self, seconds: float | None) -> None:
        """Replace the deadline by a timeout for each read; None means no timeout."""
        self._clock.allow(seconds)


_POOLS: Final = 32
# Seconds that one block of a body may take. urllib3 would give it the timeout for connecting, and a server that pauses
# to write to its disk would break an upload.
SENDING: Final = 60.0


# TCP probes a peer that is silent for a minute, and gives up after another minute. Without that, a stream would wait
# for ever once a router in between has forgotten the connection.
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


def _socket_options() -> list[tuple[int, int, int]]:
    # macOS has the first option under the name of the second, and lacks the other.
    named = [(name, value) for name, value in _KEEP_ALIVE if hasattr(socket, name)]
    tuned = [(socket.IPPROTO_TCP, getattr(socket, name), value) for name, value in named]
    usual: list[tuple[int, int, int]] = list(cast("Any", HTTPConnection).default_socket_options)
    return [*usual, (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1), *tuned]


class _PlainConnection(HTTPConnection):
    response_class: Any = DeadlineResponse

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)
        self.sock.settimeout(SENDING)


class HandshakeError(SSLError):
    """The TLS handshake failed, directly or in a tunnel; no request was sent."""

    def __init__(self, error: Exception, *, tunnelled: bool) -> None:
        super().__init__(error)
        self.tunnelled = tunnelled


class TunnelError(ProxyError):
    """A proxy opened no tunnel; `status` is what it answered, if it did. No request was sent."""

    def __init__(self, error: Exception, *, status: int | None = None) -> None:
        super().__init__("no tunnel", error)
        self.status = status


class _TLSConnection(HTTPSConnection):
    response_class: Any = DeadlineResponse

    def connect(self) -> None:
        # urllib3 reports a failed handshake like a lost answer; but nothing was sent, and a POST may be repeated.
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no handshake") from error
        except (ssl.SSLError, SSLError) as error:
            raise HandshakeError(error, tunnelled=self.proxy_is_tunneling) from error
        except OSError as error:
            raise NewConnectionError(self, "no handshake") from error
        # The session warned once about `verify=False`; urllib3 would warn for each request.
        self.is_verified = True

    def _tunnel(self) -> None:
        # http.client reports a refused CONNECT as text only, with the words of the proxy in it: the status is lost.
        host = f"[{self._tunnel_host}]" if ":" in str(self._tunnel_host) else self._tunnel_host
        fields = {"Host": f"{host}:{self._tunnel_port}", **self._tunnel_headers}  # type: ignore[attr-defined]
        lines = [f"CONNECT {host}:{self._tunnel_port} HTTP/1.1", *map(": ".join, fields.items()), "", ""]
        try:
            self.sock.sendall("\r\n".join(lines).encode("latin-1"))
            answer = self.response_class(self.sock, method="CONNECT")
            with answer:
                answer.begin()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no tunnel") from error
        except (OSError, HTTPException) as error:
            raise TunnelError(error) from error
        if not 200 <= answer.status < 300:
            raise TunnelError(OSError("refused"), status=answer.status)

    def send(self, data: Any) -> None:
        try:
            super().send(data)
        except ssl.SSLEOFError as error:
            # The server stopped reading, and may have said why: after a broken pipe, urllib3 reads the answer.
            raise BrokenPipeError from error

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)
        self.sock.settimeout(SENDING)


class _Targets:
    """Lets what wraps `urlopen()`, such as a tracer, see an address without a query, which may hold a signature."""

    _asked: Final = threading.local()

    def urlopen(self, method: str, url: str, *args: Any, **kwargs: Any) -> Any:
        self._asked.target = url
        return super().urlopen(method, url.partition("?")[0], *args, **kwargs)  # type: ignore[misc]

    def _make_request(self, *args: Any, **kwargs: Any) -> Any:
        conn, method, _, *rest = args
        if not isinstance(conn, _PlainConnection | _TLSConnection):
            # A tool that records what travels writes it down, which a `Secret` refuses.
            kwargs["headers"] = {name: str(value) for name, value in kwargs["headers"].items()}
        return super()._make_request(conn, method, self._asked.target, *rest, **kwargs)  # type: ignore[misc]


class _PlainPool(_Targets, HTTPConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]
        return _unless_replaced(HTTPConnectionPool.ConnectionCls, _PlainConnection)


class _TLSPool(_Targets, HTTPSConnectionPool):
    @property
    def ConnectionCls(self) -> Any:  # type: ignore[override]
        return _unless_replaced(HTTPSConnectionPool.ConnectionCls, _TLSConnection)


def _unless_replaced(found: Any, own: Any) -> Any:
    """Choose our connections, unless a tool that records what travels has put its own in the place of urllib3's."""
    return own if found.__module__.startswith("urllib3.") else found


_KINDS: Final = {"http": _PlainPool, "https": _TLSPool}


@cache
def _socks_kinds() -> dict[str, Any]:
    """Make the pools behind a SOCKS proxy, once PySocks is known to be installed."""
    from urllib3.contrib import socks

    class SocksConnection(socks.SOCKSConnection):
        response_class: Any = DeadlineResponse

    class SocksTLSConnection(socks.SOCKSHTTPSConnection):
        response_class: Any = DeadlineResponse

    class SocksPool(socks.SOCKSHTTPConnectionPool):
        ConnectionCls: Any = SocksConnection

    class SocksTLSPool(socks.SOCKSHTTPSConnectionPool):
        ConnectionCls: Any = SocksTLSConnection

    return {"http": SocksPool, "https": SocksTLSPool}


class _LogMask(logging.Filter):
    """Masks what urllib3 logs while this thread sends for a session; other records stay as they are."""

    sending: Final = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        masker: Masker | None = getattr(self.sending, "masker", None)
        if masker is not None:
            # The formatted message is masked: a secret may be in any of its arguments, and in the exception.
            said = Masker((self.sending.secret,)).text(record.getMessage())
            record.msg, record.args = masker.words(said), ()
            record.exc_info = None
        return True


_LOG_MASK: Final = _LogMask()


class LogMask:
    """Masks addresses in the log of urllib3 for as long as a block lasts, and *secret* as well."""

    __slots__ = ("_masker", "_secret")

    def __init__(self, masker: Masker, secret: str) -> None:
        self._masker, self._secret = masker, secret

    def __enter__(self) -> None:
        _LOG_MASK.sending.secret, _LOG_MASK.sending.masker = self._secret, self._masker

    def __exit__(self, *_: object) -> None:
        _LOG_MASK.sending.masker = None


for _name in ("urllib3.connectionpool", "urllib3.connection"):
    logging.getLogger(_name).addFilter(_LOG_MASK)


class Connections(requests.adapters.HTTPAdapter):
    """Pools of connections that keep no cookies, repeat nothing, and send bodies in large blocks."""

    def __init__(self, *, workers: int) -> None:
        super().__init__(pool_connections=_POOLS, pool_maxsize=max(_POOLS, workers))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections of our own kind."""
        super().init_poolmanager(*args, **kwargs, blocksize=BLOCK, socket_options=_socket_options())
        self.poolmanager.pool_classes_by_scheme = _KINDS

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Make the pools behind a proxy, with connections of our own kind."""
        try:
            options = {"blocksize": BLOCK, "socket_options": _socket_options(), **proxy_kwargs}
            manager = super().proxy_manager_for(proxy, **options)
        except requests.exceptions.InvalidSchema:
            raise ConfigError("a SOCKS proxy needs PySocks: pip install 'requests[socks]'") from None
        manager.pool_classes_by_scheme = _socks_kinds() if proxy.lower().startswith("socks") else _KINDS
        return manager

    def proxy_headers(self, proxy: str) -> dict[str, str]:
        """Return the credentials for a proxy; unlike those of requests, they may have any characters."""
        parts = urlsplit(proxy)
        if parts.username is None:
            return {}
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
        """Set the trusted certificates by the scheme of the connection, which may be that of a proxy."""
        try:
            super().cert_verify(conn, f"{conn.scheme}:", *args[1:], **kwargs)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise ConfigError(
                f"the file of certificates is gone since the session was made ({error})"
            ) from None

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Wrap the answer, without its cookies."""
        response = requests.Response()
        response.status_code, response.reason = resp.status, resp.reason
        response.raw, response.headers = resp, resp.headers
        response.request, response.url = req, str(req.url)
        response.connection = self
        return response


def lift_deadline(raw: Any) -> None:
    """Replace the deadline of an answer that stays open by a timeout for each read."""
    response = getattr(raw, "_original_response", None)
    if isinstance(response, DeadlineResponse):
        response.lift_deadline()
