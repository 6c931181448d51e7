"""SOCKS proxies: answers behind them are read as strictly as any."""

from __future__ import annotations

import socket
import sys
import types

from collections.abc import Iterator
from typing import Any

import pytest

from synapse import Session
from synapse.session import Retry, connections
from tests.faults.tls import NAME, Certificates
from tests.servers import Server, reply, tls

EARLY = b"HTTP/1.1 103 Early Hints\r\n\r\n"


@pytest.fixture
def places(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """Stand in for PySocks, whose connections lead to the address that is put into the list."""
    places: list[Any] = []
    kit: Any = types.ModuleType("socks")
    kit.PROXY_TYPE_SOCKS4, kit.PROXY_TYPE_SOCKS5, kit.ProxyError = 1, 2, OSError
    kit.create_connection = lambda *_, **__: socket.create_connection(places[0])
    monkeypatch.setitem(sys.modules, "socks", kit)
    monkeypatch.delitem(sys.modules, "urllib3.contrib.socks", raising=False)
    from urllib3.contrib.socks import SOCKSProxyManager

    monkeypatch.setattr("requests.adapters.SOCKSProxyManager", SOCKSProxyManager)
    connections._socks_kinds.cache_clear()
    yield places
    connections._socks_kinds.cache_clear()
    sys.modules.pop("urllib3.contrib.socks", None)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_each_request_has_its_own_answer(certificates: Certificates, places: list[Any], scheme: str) -> None:
    """What comes ahead of an answer is not taken for it, or the answer would be that of the next request."""
    answers = [EARLY + reply(data={"count": 1, "results": []}), reply(data={"count": 2, "results": []})]
    proxies = {scheme: "socks5h://me:s3cret@127.0.0.1:9"}
    with Server(*answers, secure=tls(certificates.serving) if scheme == "https" else None) as server:
        places.append(("127.0.0.1", int(server.origin.rpartition(":")[2])))
        session = Session(
            f"{scheme}://{NAME}",
            api_token="syn_0123456789",
            proxies=proxies,
            verify=certificates.bundle,
            retry=Retry(total=0),
        )

        assert [1, 2] == [session.projects.count(), session.projects.count()]
        session.close()
