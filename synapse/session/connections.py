"""The pool of connections below a session."""

from __future__ import annotations

import logging
import ssl
import threading

from typing import Any, Final

import requests
import requests.adapters

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

from synapse.dialects.masking import Masker
from synapse.session.bodies import BLOCK
from synapse.session.bounded import Response

_POOLS: Final = 32
# Seconds that one block of a body may take; urllib3 would allow it the limit for connecting only, and a server that
# pauses to write to its disk would break an upload.
SENDING: Final = 60.0


class _Plain(HTTPConnection):
    response_class: Any = Response

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)
        self.sock.settimeout(SENDING)


class HandshakeError(SSLError):
    """TLS could not be agreed on; no request was sent."""


class _Encrypted(HTTPSConnection):
    response_class: Any = Response

    def connect(self) -> None:
        # A handshake that fails or stalls would look like an answer that never came.
        try:
            super().connect()
        except TimeoutError as error:
            raise ConnectTimeoutError(self, "no handshake") from error
        except ssl.SSLError as error:
            raise HandshakeError(error) from error
        except OSError as error:
            raise NewConnectionError(self, "no handshake") from error

    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)
        self.sock.settimeout(SENDING)


class _ProxiedPlain(HTTPConnection):
    response_class: Any = Response


class _ProxiedEncrypted(HTTPSConnection):
    response_class: Any = Response


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: Any = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls: Any = _Encrypted


class _ProxiedPlainPool(HTTPConnectionPool):
    ConnectionCls: Any = _ProxiedPlain


class _ProxiedEncryptedPool(HTTPSConnectionPool):
    ConnectionCls: Any = _ProxiedEncrypted


class _Hush(logging.Filter):
    """Masks the addresses that urllib3 logs while this thread sends for a session; other records pass as they are."""

    sending: Final = threading.local()

    def filter(self, record: logging.LogRecord) -> bool:
        masker: Masker | None = getattr(self.sending, "masker", None)
        if masker is not None and isinstance(record.args, tuple):
            record.args = tuple(masker.url(each) if isinstance(each, str) else each for each in record.args)
        return True


_HUSH: Final = _Hush()


class Connections(requests.adapters.HTTPAdapter):
    """A pool that keeps no cookies, repeats nothing by itself, and sends bodies in large blocks."""

    def __init__(self, *, workers: int, masker: Masker) -> None:
        self._masker = masker
        for name in ("urllib3.connectionpool", "urllib3.connection"):
            logging.getLogger(name).addFilter(_HUSH)
        super().__init__(pool_connections=_POOLS, pool_maxsize=max(_POOLS, workers))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections of our own kind."""
        super().init_poolmanager(*args, **kwargs, blocksize=BLOCK)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}

    def proxy_manager_for(self, proxy: str, **proxy_kwargs: Any) -> Any:
        """Make the pools behind a proxy, whose answers are held to the same time."""
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **proxy_kwargs)
        if not known and not proxy.lower().startswith("socks"):
            manager.pool_classes_by_scheme = {"http": _ProxiedPlainPool, "https": _ProxiedEncryptedPool}
        return manager

    def send(self, *args: Any, secret: str = "", **kwargs: Any) -> requests.Response:
        """Send one request, with its address masked in the log of urllib3, and *secret* in it hidden."""
        _HUSH.sending.masker = Masker((*self._masker.secrets, secret)) if secret else self._masker
        try:
            return super().send(*args, **kwargs)
        finally:
            _HUSH.sending.masker = None

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Wrap the answer without looking at its cookies."""
        response = requests.Response()
        response.status_code = resp.status
        response.raw = resp
        return response


def unbounded(raw: Any) -> None:
    """Lift the limit for the whole of an answer that stays open; SOCKS proxies have none to lift."""
    response = getattr(raw, "_original_response", None)
    if isinstance(response, Response):
        response.take_your_time()
