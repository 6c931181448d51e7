"""The pool of connections below a session."""

from __future__ import annotations

import ssl

from typing import Any, Final

import requests
import requests.adapters

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import ConnectTimeoutError, NewConnectionError, SSLError

from synapse.session.bodies import BLOCK

_POOLS: Final = 32
# Seconds that one block of a body may take; urllib3 would allow it the limit for connecting only, and a server that
# pauses to write to its disk would break an upload.
SENDING: Final = 60.0


class _Plain(HTTPConnection):
    def endheaders(self, *args: Any, **kwargs: Any) -> None:
        super().endheaders(*args, **kwargs)
        self.sock.settimeout(SENDING)


class HandshakeError(SSLError):
    """TLS could not be agreed on; no request was sent."""


class _Encrypted(HTTPSConnection):
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


class _PlainPool(HTTPConnectionPool):
    ConnectionCls: Any = _Plain


class _EncryptedPool(HTTPSConnectionPool):
    ConnectionCls: Any = _Encrypted


class Connections(requests.adapters.HTTPAdapter):
    """A pool that keeps no cookies, repeats nothing by itself, and sends bodies in large blocks."""

    def __init__(self, *, workers: int) -> None:
        super().__init__(pool_connections=_POOLS, pool_maxsize=max(_POOLS, workers))

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Make the pools, with connections of our own kind."""
        super().init_poolmanager(*args, **kwargs, blocksize=BLOCK)
        self.poolmanager.pool_classes_by_scheme = {"http": _PlainPool, "https": _EncryptedPool}

    def build_response(self, req: requests.PreparedRequest, resp: Any) -> requests.Response:
        """Wrap the answer without looking at its cookies."""
        response = requests.Response()
        response.status_code = resp.status
        response.raw = resp
        return response
