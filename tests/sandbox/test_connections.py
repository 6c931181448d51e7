"""Connections are kept, as every server in production does."""

from __future__ import annotations

import http.client

from urllib.parse import urlsplit

import pytest

from synapse.sandbox import Sandbox


@pytest.mark.parametrize("path", ["/tasks/?page_size=1", "/tasks/0/", "/nowhere/"])
def test_are_kept(served: Sandbox, path: str) -> None:
    """An answer says how long it is, and the next request goes the same way, refused or not."""
    place = urlsplit(served.url)
    connection = http.client.HTTPConnection(str(place.hostname), place.port, timeout=30)
    headers = {"Synapse-Access-Token": f"Token {served.api_token}"}
    connection.request("GET", path, headers=headers)
    first = connection.getresponse()
    body = first.read()
    socket = connection.sock

    assert str(len(body)) == first.headers["Content-Length"]
    connection.request("GET", path, headers=headers)
    assert first.status == connection.getresponse().status
    assert socket is not None and socket is connection.sock
    connection.close()
