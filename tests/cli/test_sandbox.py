"""`synapse sandbox`."""

from __future__ import annotations

import re
import signal
import socket

import synapse

from synapse import Project
from tests.cli.process import is_there

URL = re.compile(r"url +(\S+)")
TOKEN = re.compile(r"api token +(\S+)")


def said(pattern: re.Pattern[str], out: str) -> str:
    """Return what the output says of something."""
    found = pattern.search(out)
    assert found is not None, out
    return found[1]


class TestSandbox:
    def test_its_snippet_connects(self, started):
        """The line that it prints for copying connects to the workspace that was asked for."""
        running = started("sandbox", "--seed=demo", "--tenant=acme")
        line = running.read_until("synapse.connect(")
        try:
            with eval(line.partition(" = ")[2].strip(), {"synapse": synapse}):
                titles = set(Project.objects.values_list("title", flat=True))
        finally:
            synapse.disconnect()

        assert {"Street signs", "Fruit on the belt"} == titles

    def test_names_the_tokens_of_every_workspace(self, started):
        """With several workspaces, each has its line with its token."""
        running = started("sandbox", "--tenant=acme", "--tenant=other")
        running.read_until("runs until Ctrl-C")

        out = "".join(running.said)
        assert "tenant       acme\n" in out
        assert re.search(r"^  other +syn_\w+$", out, re.MULTILINE)

    def test_ctrl_c_ends_it(self, started, tmp_path):
        """Ctrl-C is the way to end it: exit code 0, nothing listens any more, the scratch folder is gone."""
        running = started("sandbox")
        running.read_until("runs until Ctrl-C")
        url = said(URL, "".join(running.said))
        assert is_there(url)

        ended = running.signal(signal.SIGINT)

        assert (0, "") == (ended.code, ended.err)
        assert (False, []) == (is_there(url), list(tmp_path.glob("synapse-*")))

    def test_terminating_it_leaves_nothing_behind(self, started, tmp_path):
        """SIGTERM stops the backend as well and removes the scratch folder."""
        running = started("sandbox")
        running.read_until("runs until Ctrl-C")
        url = said(URL, "".join(running.said))

        ended = running.signal(signal.SIGTERM)

        assert 143 == ended.code
        assert (False, []) == (is_there(url), list(tmp_path.glob("synapse-*")))

    def test_keeps_its_data_where_it_is_told_to(self, started, tmp_path):
        """With `--data`, the next one goes on with the same tokens."""
        tokens = []
        for _ in range(2):
            running = started("sandbox", f"--data={tmp_path / 'kept'}")
            running.read_until("runs until Ctrl-C")
            tokens.append(said(TOKEN, running.signal(signal.SIGINT).out))

        assert tokens[0] == tokens[1]

    def test_says_why_it_did_not_start(self, started):
        """A port that is taken is an error with the server's own words, and exit code 1."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            ended = started("sandbox", f"--port={taken.getsockname()[1]}").end()

        assert (1, "") == (ended.code, ended.out)
        assert ended.err.startswith("Error: the sandbox cannot listen on")
        assert "in use" in ended.err

    def test_says_why_it_cannot_use_an_object_storage(self, started):
        """A storage that nobody serves is one line, and exit code 1."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            port = server.getsockname()[1]

        ended = started("sandbox", f"--object-storage=http://127.0.0.1:{port}/photos").end()

        assert (1, "") == (ended.code, ended.out)
        assert ended.err.startswith("Error: the sandbox cannot use the object storage: ")

    def test_tells_which_faults_it_has(self, started):
        """With the seed, which repeats a run that failed."""
        running = started("sandbox", "--faults=429=0.5,seed=3")
        running.read_until("runs until Ctrl-C")

        assert "faults       429=0.5,seed=3\n" in "".join(running.said)

    def test_says_which_fault_it_cannot_read(self, started):
        """Before anything is started."""
        ended = started("sandbox", "--faults=late=1").end()

        assert (1, "") == (ended.code, ended.out)
        assert ended.err.startswith(
            "Error: 'late=1' is no fault (did you mean 'latency'?): write them as in '"
        )

    def test_warns_where_others_reach_it(self, started, tmp_path):
        """On the screen and in the log."""
        running = started("sandbox", "--host=0.0.0.0", f"--data={tmp_path / 'kept'}")
        running.read_until("runs until Ctrl-C")

        ended = running.signal(signal.SIGINT)

        assert ended.err.startswith("Warning: it listens on 0.0.0.0, where other machines reach it")
        assert "synapse.sandbox: it listens on 0.0.0.0" in (tmp_path / "kept/server.log").read_text()

    def test_says_what_to_install(self, started):
        """Without the backend's own dependencies it says how to get them."""
        code = "import sys; sys.modules['django'] = None; from synapse.cli import main; main()"

        ended = started("sandbox", code=code).end()

        assert (1, "") == (ended.code, ended.out)
        assert 'pip install "synapse-orm[sandbox]"' in ended.err
