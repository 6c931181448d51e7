"""`synapse login`, `logout` and `whoami`."""

from __future__ import annotations

import io
import json
import os
import pty
import subprocess
import sys

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.cli.process import environment
from tests.servers import Server, reply

ON_A_TERMINAL = (
    "import fcntl, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); from synapse.cli import main; main()"
)
WRONG = "syn_" + "0" * 40


@pytest.fixture
def stranger() -> Iterator[str]:
    """A server that answers everything with a JSON list."""
    with Server(reply(data=[])) as server:
        yield server.origin


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

    def test_leaves_a_terminal_alone(self, ran, monkeypatch):
        """A name that a terminal would obey, or that looks like another line, is told as text."""
        with Server(reply(data={"name": "x\x1b]0;pwn\x07\nhost  https://other"})) as server:
            monkeypatch.setenv("SYNAPSE_HOST", server.origin)
            monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_0123456789abcdef")

            assert ["host", r"name  x\x1b]0;pwn\x07\nhost  https://other"] == [
                line.removesuffix(f"  {server.origin}") for line in ran("whoami").out.splitlines()
            ]

    def test_refuses_a_wrong_token(self, ran, box, monkeypatch):
        """A token that the backend does not know is an error."""
        monkeypatch.setenv("SYNAPSE_HOST", box.url)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_" + "0" * 40)

        ended = ran("whoami")

        assert (4, "") == (ended.code, ended.out)
        assert "401" in ended.err

    def test_doubts_a_server_of_another_kind(self, ran, stranger, monkeypatch):
        """A server that answers something else is told apart from a backend."""
        monkeypatch.setenv("SYNAPSE_HOST", stranger)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "syn_0")

        ended = ran("whoami")

        assert 1 == ended.code
        assert "is that a Synapse backend?" in ended.err


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put something on standard input, which is no terminal."""

    def put(content: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))

    return put


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Where the file is."""
    return tmp_path / ".synapse" / "config.json"


class TestLogin:
    @pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
    def test_keeps_a_token_that_the_backend_takes(self, ran, box, config, typed, end):
        """It says who that is and where it was written, and never the token."""
        typed(box.api_token.encode() + end)
        ended = ran("login", "--host", f"{box.url}/", "--token-stdin")

        assert (0, "") == (ended.code, ended.err)
        assert {"host": box.url, "access_token": box.api_token} == json.loads(config.read_text())
        assert str(config) in ended.out
        assert box.api_token not in ended.out

    def test_makes_whoami_work(self, ran, box, typed):
        """The settings that it leaves are those of the SDK, by the name of a profile too."""
        typed(box.api_token.encode())
        ran("login", "--host", box.url, "--token-stdin", "--profile", "stage", "--tenant", box.tenant)
        os.environ["SYNAPSE_PROFILE"] = "stage"
        try:
            assert 0 == ran("whoami").code
        finally:
            del os.environ["SYNAPSE_PROFILE"]

    def test_asks_the_host_that_it_knows(self, ran, box, config, typed):
        """A second login needs no host."""
        config.parent.mkdir(mode=0o700)
        config.write_text(json.dumps({"host": box.url, "theme": "dark", "access_token": WRONG}))
        config.chmod(0o644)  # no reason to warn: it is about to be closed
        typed(box.api_token.encode())
        ended = ran("login", "--token-stdin")

        assert (0, "") == (ended.code, ended.err)
        assert {"host", "theme", "access_token"} == set(json.loads(config.read_text()))

    def test_writes_nothing_that_the_backend_refuses(self, ran, box, config, typed):
        """A token that is not taken leaves no file behind."""
        typed(WRONG.encode())
        ended = ran("login", "--host", box.url, "--token-stdin")

        assert (4, "", False) == (ended.code, ended.out, config.exists())
        assert "401" in ended.err
        assert WRONG not in ended.err

    def test_sends_the_token_alone(self, ran, box, config, typed, monkeypatch):
        """No other identity of the environment or of the file may make a wrong token look right."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", box.api_token)
        monkeypatch.setenv("SYNAPSE_AGENT_TOKEN", box.api_token)
        typed(WRONG.encode())

        assert 4 == ran("login", "--host", box.url, "--token-stdin").code

    def test_says_what_precedes_the_file(self, ran, box, typed, monkeypatch):
        """A login that the environment overrides would seem to have no effect."""
        monkeypatch.setenv("SYNAPSE_API_TOKEN", WRONG)
        typed(box.api_token.encode())
        ended = ran("login", "--host", box.url, "--token-stdin")

        assert (0, "Note: SYNAPSE_API_TOKEN is set, and precedes the file.\n") == (ended.code, ended.err)

    @pytest.mark.parametrize(
        "content",
        [
            b"",
            b"\n",
            b"s3cret s3cret",
            b"s3cret\n\n",
            b"s3cret\ns3cret",
            b"\xef\xbb\xbfs3cret",
            b"s3cret" * 20_000,
        ],
        ids=["nothing", "line", "space", "lines", "two", "mark", "long"],
    )
    def test_refuses_what_is_no_token(self, ran, box, config, typed, content):
        """Nothing is sent, nothing is written, and nothing of it is shown."""
        typed(content)
        ended = ran("login", "--host", box.url, "--token-stdin")

        assert (2, "", False) == (ended.code, ended.out, config.exists())
        assert ended.err.startswith("Error: api_token ")
        assert "s3cret" not in ended.err

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ((), "ask for the host on: use --host"),
            (("--host", "http://h"), "ask for the token on: use --token-stdin"),
        ],
    )
    def test_does_not_ask_where_nobody_answers(self, ran, typed, arguments, words):
        """Without a terminal the error says which option to use."""
        typed(b"")

        assert words in ran("login", *arguments).err

    def test_takes_no_token_as_an_argument(self, ran):
        """Other users of the machine see arguments."""
        assert 2 == ran("login", "--token", WRONG).code

    def test_asks_without_showing_the_answer(self, box, tmp_path, config, measured_processes):
        """On a terminal the token is typed unseen."""
        terminal, end = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-c", ON_A_TERMINAL, "login"],
            stdin=end,
            stdout=end,
            stderr=end,
            start_new_session=True,
            env=environment(tmp_path),
        )
        shown = b""
        for prompt, answer in ((b"Host:", box.url), (b"Token:", box.api_token)):
            while prompt not in shown:
                shown += os.read(terminal, 1024)
            os.write(terminal, f"{answer}\n".encode())

        assert 0 == process.wait(60)
        assert box.api_token not in (shown + os.read(terminal, 65536)).decode()
        assert box.api_token == json.loads(config.read_text())["access_token"]


class TestLogout:
    def test_removes_the_token(self, ran, box, config, typed):
        """What is left is the host, for the next login."""
        typed(box.api_token.encode())
        ran("login", "--host", box.url, "--token-stdin")

        assert (0, f"Removed access_token from {config}.\n", "") == ran("logout")
        assert {"host": box.url} == json.loads(config.read_text())

    def test_says_when_there_is_none(self, ran, config):
        """To log out twice is no error."""
        assert (0, f"There is no token in {config}.\n", "") == ran("logout")
