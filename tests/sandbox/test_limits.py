"""What a server in production has in front: a list of hosts, headers, and bounds of bodies."""

from __future__ import annotations

import socket

from pathlib import Path
from urllib.parse import urlsplit

import pytest

from synapse.sandbox import Sandbox, SandboxError, SandboxWarning, serve
from synapse.sandbox.backend.server import Options, known_hosts
from synapse.sandbox.network import is_local
from tests.sandbox.wire import Wire


def raw(wire: Wire, head: str) -> bytes:
    """Send the head of a request, and read the first bytes of its answer."""
    parts = urlsplit(wire.url)
    with socket.create_connection((str(parts.hostname), int(parts.port or 80)), timeout=30) as connection:
        connection.sendall(head.encode())
        return connection.recv(4_000)


class TestHosts:
    @pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::2]", "10.0.0.1"])
    def test_that_are_others_are_refused(self, wire: Wire, host: str) -> None:
        """Links in answers would lead there; the refusal says what to do."""
        answer = wire.send("GET", "projects/", headers={"Host": host})

        assert (400, True) == (answer.status_code, "--allow-host NAME" in answer.json()["detail"])

    @pytest.mark.parametrize("host", ["localhost", "LOCALHOST:80", "127.0.0.1:9", "[::1]"])
    def test_that_are_this_machine_are_answered(self, wire: Wire, host: str) -> None:
        """Under any port, as behind a tunnel."""
        assert 200 == wire.send("GET", "projects/", headers={"Host": host}).status_code

    @pytest.mark.parametrize(
        ("host", "status"), [("front.example", 200), ("a.inside.example", 200), ("other.example", 400)]
    )
    def test_can_be_allowed(self, fronted: Sandbox, host: str, status: int) -> None:
        """A server in front goes by a name of its own."""
        wire = Wire(fronted.url, fronted.api_token)

        assert status == wire.send("GET", "projects/", headers={"Host": host}).status_code

    def test_of_an_open_server_are_those_of_the_machine(self, tmp_path: Path) -> None:
        """Its own names and addresses, and none that somebody else could choose."""
        found = known_hosts(Options(data=tmp_path, host="0.0.0.0"))

        assert socket.gethostname() in found
        assert {"localhost", "127.0.0.1", "[::1]"} <= set(found)
        assert "*" not in found


class TestHeaders:
    @pytest.mark.parametrize("path", ["projects/", "admin/login/", "nowhere/", "health/", ""])
    def test_are_those_of_production(self, wire: Wire, path: str) -> None:
        """No page is framed, and no content taken for another kind."""
        headers = wire.send("GET", path).headers

        assert ("DENY", "nosniff", "same-origin") == (
            headers.get("X-Frame-Options"),
            headers.get("X-Content-Type-Options"),
            headers.get("Referrer-Policy"),
        )


class TestBodies:
    def test_of_text_are_bounded(self, wire: Wire) -> None:
        """They would be held in memory."""
        body, headers = b" " * ((64 << 20) + 1), {"Content-Type": "application/json"}

        assert 413 == wire.send("POST", "projects/", data=body, headers=headers).status_code

    def test_hold_no_more_values_than_memory_should(self, wire: Wire) -> None:
        """As objects, they take 25 times what they take as a text."""
        body, headers = b"[" + b"{}," * 1_000_000 + b"1]", {"Content-Type": "application/json"}

        assert 413 == wire.send("POST", "projects/", data=body, headers=headers).status_code

    def test_in_pieces_are_bounded_as_well(self, wire: Wire) -> None:
        """No length is announced for them."""
        body, headers = iter([b" " * (1 << 20)] * 65), {"Content-Type": "application/json"}

        assert 413 == wire.send("POST", "projects/", data=body, headers=headers).status_code

    def test_of_files_are_bounded(self, wire: Wire) -> None:
        """The length that is announced is enough to refuse it."""
        head = f"POST /data_files/ HTTP/1.1\r\nHost: localhost\r\nContent-Length: {(1 << 30) + 1}\r\n\r\n"

        assert b"413" in raw(wire, head).partition(b"\r\n")[0]

    def test_have_no_more_fields_than_anybody_needs(self, wire: Wire) -> None:
        """Ten thousand, or a thousand files."""
        files = [("file", (f"{number}.png", b"x")) for number in range(1_001)]

        answer = wire.send("POST", "data_files/", files=files)

        assert (413, {"detail": "The request is too large."}) == (answer.status_code, answer.json())


class TestOpenToTheNetwork:
    @pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "a.localhost"])
    def test_is_not_what_only_this_machine_reaches(self, host: str) -> None:
        """Loopback, by its names and addresses."""
        assert is_local(host)

    @pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.5", "example.com", ""])
    def test_is_what_other_machines_reach(self, host: str) -> None:
        """Any address beside, and names that may be one."""
        assert not is_local(host)

    def test_is_warned_of(self, tmp_path: Path) -> None:
        """Before anything is started."""
        (tmp_path / "file").touch()

        with (
            pytest.warns(SandboxWarning, match="where other machines reach it: tokens"),
            pytest.raises(SandboxError),
            serve(tmp_path / "file", host="0.0.0.0"),
        ):
            pass
