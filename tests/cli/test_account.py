"""`synapse whoami`."""

from __future__ import annotations

import http.server
import threading

from collections.abc import Iterator

import pytest


@pytest.fixture
def stranger() -> Iterator[str]:
    """A server that answers everything with a JSON list."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"[]")

        def log_message(self, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


class TestWhoami:
    def test_names_the_account(self, ran, box, monkeypatch):
        """It shows the host, and the account and workspace of the token."""
        monkeypatch.setenv("SYNAPSE_HOST", box.url)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", box.api_token)

        ended = ran("whoami")

        rows = dict(line.split(maxsplit=1) for line in ended.out.splitlines())
        assert (0, "") == (ended.code, ended.err)
        assert (box.url, box.tenant) == (rows["host"], rows["tenant"])
        assert {"name", "email"} <= set(rows)

    def test_never_shows_the_token(self, ran, box, monkeypatch):
        """The token is nowhere in what it says."""
        monkeypatch.setenv("SYNAPSE_HOST", box.url)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", box.api_token)

        assert box.api_token not in "".join(map(str, ran("whoami")))

    def test_refuses_a_wrong_token(self, ran, box, monkeypatch):
        """A token that the backend does not know is an error."""
        monkeypatch.setenv("SYNAPSE_HOST", box.url)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_" + "0" * 40)

        ended = ran("whoami")

        assert (1, "") == (ended.code, ended.out)
        assert "401" in ended.err

    def test_doubts_a_server_of_another_kind(self, ran, stranger, monkeypatch):
        """A server that answers something else is told apart from a backend."""
        monkeypatch.setenv("SYNAPSE_HOST", stranger)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_0")

        ended = ran("whoami")

        assert 1 == ended.code
        assert "is that a Synapse backend?" in ended.err
