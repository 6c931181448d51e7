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

BLOCK: Final = 128 * 1024
_SWITCHING: Final = 101
_INTERIM: Final = 100
"""So many answers ahead of the answer are read over."""


class DeadlineError(TimeoutError):
    """An answer began to come and was not whole in time; `stalled` says that it had stopped coming long before."""

    def __init__(self, *, stalled: bool) -> None:
        super().__init__()
        self.stalled = stalled


class _DeadlineReader(io.RawIOBase):
    """Reads a socket until the time of the answer is over: each read has what is left of it."""

    def __init__(self, sock: Any, source: io.RawIOBase) -> None:
        self._sock, self._source = sock, source
        # The limit was set on the socket right before.
        self._limit: float | None = sock.gettimeout()
        self._bounded = self._limit is not None
        self._until = time.monotonic() + (self._limit or 0)
        self._came: float | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        if not self._bounded:
            return self._source.readinto(buffer)
        left = self._until - time.monotonic()
        if left > 0:
            self._sock.settimeout(left)
            try:
                count = self._source.readinto(buffer)
            except TimeoutError as error:
                reraise_from_signal(error)
            else:
                self._came = time.monotonic()
                return count
        if self._came is None:
            raise TimeoutError
        raise DeadlineError(stalled=2 * (time.monotonic() - self._came) >= (self._limit or 0))

    def stop(self) -> None:
        """Give each read the whole limit."""
        self.allow(self._limit)

    def allow(self, seconds: float | None) -> None:
        """Give each read so many seconds."""
        self._bounded, self._limit = False, seconds
        self._sock.settimeout(seconds)

    def close(self) -> None:
        self._source.close()
        super().close()


class IncompleteHeadError(http.client.HTTPException):
    """An answer ended within its headers."""


class InvalidResponseError(http.client.HTTPException):
    """An answer does not keep to HTTP."""


class _HeadReader(io.BufferedReader):
    """Remembers the last line that was read: `http.client` takes the end of the stream for the end of the headers."""

    last = b""

    def readline(self, size: int | None = -1) -> bytes:
        self.last = super().readline(size)
        return self.last

    def read(self, size: int | None = -1) -> bytes:
        return super().read(_counted(size))

    def read1(self, size: int = -1) -> bytes:
        return super().read1(_counted(size))


def _counted(size: int | None) -> int:
    # `http.client` takes a chunk of negative size for one without end.
    if size is None or size < 0:
        raise InvalidResponseError("a chunk of negative size")
    return size


class _ResponseSocket:
    """Lends a socket to a response, which opens it as a file and nothing else."""

    def __init__(self, sock: Any) -> None:
        self._sock = sock

    def makefile(self, mode: str) -> io.BufferedReader:
        self.clock = _DeadlineReader(self._sock, self._sock.makefile(mode, buffering=0))
        self.lines = _HeadReader(self.clock)
        return self.lines


class DeadlineResponse(http.client.HTTPResponse):
    """An HTTP response whose head and body must have come within the limit of one read."""

    def __init__(self, sock: Any, *args: Any, **kwargs: Any) -> None:
        timed = _ResponseSocket(sock)
        super().__init__(timed, *args, **kwargs)  # type: ignore[arg-type]
        self._clock, self._lines = timed.clock, timed.lines

    def begin(self) -> None:
        """Read the head, and refuse one that ends before its last line, or after which another protocol is spoken."""
        super().begin()
        if not self._lines.last.endswith(b"\n"):
            raise IncompleteHeadError
        if self.status == _SWITCHING:
            raise InvalidResponseError("another protocol")

    def _read_status(self) -> tuple[str, int, str]:
        """Read over what comes ahead of the answer: taken for it, it would leave the answer to the next request."""
        for _ in range(_INTERIM):
            found: tuple[str, int, str] = super()._read_status()  # type: ignore[misc]
            if not 100 <= found[1] < 200 or found[1] == _SWITCHING:
                return found
            http.client.parse_headers(self._lines)
        raise InvalidResponseError("no answer behind its announcements")

    def lift_deadline(self) -> None:
        """Leave only the limit of one read."""
        self._clock.stop()

    def allow(self, seconds: float | None) -> None:
        """Give each read so many seconds, or as many as it takes."""
        self._clock.allow(seconds)


_POOLS: Final = 32
# Seconds that one block of a body may take; urllib3 would allow it the limit for connecting only, and a server that
# pauses to write to its disk would break an upload.
SENDING: Final = 60.0


# A peer that is silent for a minute is asked whether it is there, and given up after another one without an answer:
# one that is gone without a word, as behind a router that forgot the connection, would be waited for without end.
_KEEP_ALIVE: Final = (("TCP_KEEPIDLE", 60), ("TCP_KEEPALIVE", 60), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4))


def _socket_options() -> list[tuple[int, int, int]]:
    # macOS calls the first of these by the name of the second.
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
    """TLS could not be agreed on, directly or in a tunnel; no request was sent."""

    def __init__(self, error: Exception, *, tunnelled: bool) -> None:
        super().__init__(error)
        self.tunnelled = tunnelled


class TunnelError(ProxyError):
    """A proxy opened no tunnel, and maybe told a status; no request was sent."""

    def __init__(self, error: Exception, *, status: int | None = None) -> None:
        super().__init__("no tunnel", error)
        self.status = status


class _TLSConnection(HTTPSConnection):
    response_class: Any = DeadlineResponse

    def connect(self) -> None:
        # A handshake that fails or stalls would look like an answer that never came.
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no handshake") from error
        except (ssl.SSLError, SSLError) as error:
            raise HandshakeError(error, tunnelled=self.proxy_is_tunneling) from error
        except OSError as error:
            raise NewConnectionError(self, "no handshake") from error
        # Its user was told once what `verify=False` means; urllib3 would tell it again for each request.
        self.is_verified = True

    def _tunnel(self) -> None:
        # http.client gives a refusal as words only, with those of the proxy among them.
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
            # The server stopped to listen; why, it may have said: urllib3 then goes on to read that.
            raise BrokenPipeError from error

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)
        self.sock.settimeout(SENDING)


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: Any = _PlainConnection


class _TLSPool(HTTPSConnectionPool):
    ConnectionCls: Any = _TLSConnection


_KINDS: Final = {"http": _PlainPool, "https": _TLSPool}


@cache
def _socks_kinds() -> dict[str, Any]:
    """Make the pools behind a SOCKS proxy, whose answers are read as strictly as any; its library is there."""
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
    """Masks the addresses that urllib3 logs while this thread sends for a session; other records pass as they are."""

    sending: Final = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        masker: Masker | None = getattr(self.sending, "masker", None)
        if masker is not None:
            # As a whole: what a server sent may be among its arguments in any shape, and in its exception.
            said = Masker((self.sending.secret,)).text(record.getMessage())
            record.msg, record.args = masker.words(said), ()
            record.exc_info = None
        return True


_LOG_MASK: Final = _LogMask()


class Connections(requests.adapters.HTTPAdapter):
    """A pool that keeps no cookies, repeats nothing by itself, and sends bodies in large blocks."""

    def __init__(self, *, workers: int, masker: Masker) -> None:
        self._masker = masker
        for name in ("urllib3.connectionpool", "urllib3.connection"):
            logging.getLogger(name).addFilter(_LOG_MASK)
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
        """Return what tells a proxy who is asking; other than requests, in any alphabet."""
        parts = urlsplit(proxy)
        if parts.username is None:
            return {}
        pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return {"Proxy-Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}

    def cert_verify(self, conn: Any, *args: Any, **kwargs: Any) -> None:
        """Say which certificates count, towards a proxy that speaks TLS too, whatever the address behind it does."""
        try:
            super().cert_verify(conn, f"{conn.scheme}:", *args[1:], **kwargs)  # type: ignore[no-untyped-call]
        except OSError as error:
            raise ConfigError(
                f"the file of certificates is gone since the session was made ({error})"
            ) from None

    def send(self, *args: Any, secret: str = "", **kwargs: Any) -> requests.Response:
        """Send one request, with its address masked in the log of urllib3, and *secret* in it hidden."""
        _LOG_MASK.sending.secret, _LOG_MASK.sending.masker = secret, self._masker
        try:
            return super().send(*args, **kwargs)
        finally:
            _LOG_MASK.sending.masker = None

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Wrap the answer without looking at its cookies."""
        response = requests.Response()
        response.status_code = resp.status
        response.raw = resp
        return response


def lift_deadline(raw: Any) -> None:
    """Lift the limit for the whole of an answer that stays open."""
    response = getattr(raw, "_original_response", None)
    if isinstance(response, DeadlineResponse):
        response.lift_deadline()
