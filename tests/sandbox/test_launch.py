"""Starting and stopping sandboxes."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from synapse.sandbox import Sandbox, SandboxError, launch, serve
from synapse.sandbox.privacy import private_folder
from tests.sandbox.wire import Wire


def is_alive(pid: int) -> bool:
    """Tell whether a process is there and has not ended."""
    try:
        return "Z" != Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def wait_for_end(pid: int, *, seconds: float = 15) -> bool:
    """Wait until a process has ended, and tell whether it has."""
    end = time.monotonic() + seconds
    while is_alive(pid) and time.monotonic() < end:
        time.sleep(0.05)
    return not is_alive(pid)


class TestServe:
    def test_scratch_folder_goes_with_it(self) -> None:
        """Without a folder of its own nothing is left behind, the process included."""
        with serve() as sandbox:
            assert {"status": "ok"} == Wire(sandbox.url).get("health/")

        assert (False, True) == (sandbox.data.exists(), wait_for_end(sandbox.pid))

    def test_folder_may_lie_at_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """`--data=~/box` reaches it as it is written, and makes no folder called `~`."""
        monkeypatch.setenv("HOME", str(tmp_path))
        with launch._folder("~/box") as folder:
            assert (tmp_path / "box", True) == (folder, folder.is_dir())

    def test_folder_keeps_rows_and_tokens(self, tmp_path: Path) -> None:
        """The next sandbox in a folder goes on where the last one ended."""
        with serve(tmp_path) as first:
            made = Wire(first.url, first.api_token).create("projects/", {"title": "Kept"})

        with serve(tmp_path) as second:
            kept = Wire(second.url, first.api_token).get(f"projects/{made['id']}/")

        assert made == kept
        assert (first.api_token, first.agent_token, first.admin_password) == (
            second.api_token,
            second.agent_token,
            second.admin_password,
        )

    def test_page_size_and_language_can_be_chosen(self) -> None:
        """The default page size and language are those asked for."""
        with serve(page_size=2, language="ko") as sandbox:
            wire = Wire(sandbox.url, sandbox.api_token)
            for number in range(3):
                wire.create("projects/", {"title": str(number)})

            assert 2 == len(wire.get("projects/")["results"])
            assert "필수" in wire.post("projects/", {}).json()["title"][0]

    def test_error_in_the_block_stops_it(self) -> None:
        """Whatever ends the block ends the sandbox."""
        with pytest.raises(KeyError), serve() as sandbox:
            raise KeyError

        assert wait_for_end(sandbox.pid)

    def test_dies_with_its_parent(self, tmp_path: Path) -> None:
        """A sandbox does not outlive a parent that was killed."""
        code = f"""
            import os, signal
            from synapse.sandbox import serve
            with serve({str(tmp_path)!r}) as sandbox:
                print(sandbox.pid, flush=True)
                os.kill(os.getpid(), signal.SIGKILL)
        """
        command = [sys.executable, "-c", textwrap.dedent(code)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert wait_for_end(int(done.stdout))


def modes(folder: Path) -> dict[str, int]:
    """Read who may do what with each file and folder."""
    return {str(path.relative_to(folder)): path.stat().st_mode & 0o777 for path in folder.rglob("*")}


class TestPrivacy:
    def test_nobody_else_reads_what_it_writes(self, tmp_path: Path) -> None:
        """Folders are 0700 and files 0600: the database, its log, media, halves of uploads, logs."""
        old = os.umask(0)
        try:
            with serve(tmp_path / "data", seed="demo") as sandbox:
                wire = Wire(sandbox.url, sandbox.api_token)
                wire.data_file()
                wire.put_chunk(b"half", total=8)
                found = modes(sandbox.data)
        finally:
            os.umask(old)

        assert {"sandbox.sqlite3", "sandbox.sqlite3-wal", "server.log", "media"} <= set(found)
        assert {0o700} == {mode for name, mode in found.items() if (sandbox.data / name).is_dir()}
        assert {0o600} == {mode for name, mode in found.items() if (sandbox.data / name).is_file()}
        assert 0o700 == sandbox.data.stat().st_mode & 0o777

    def test_what_an_older_one_left_open_is_closed(self, tmp_path: Path) -> None:
        """What is not the sandbox's stays as it is, also behind a link."""
        for name in ("media/a/b.png", "sandbox.sqlite3", "server.log", "mine/notes.txt"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).touch(0o644)
        (tmp_path / "incoming").symlink_to(tmp_path / "mine")
        for path in (tmp_path, tmp_path / "mine", tmp_path / "media", tmp_path / "media/a"):
            path.chmod(0o755)

        private_folder(tmp_path)

        assert {0o700} == {(tmp_path / name).stat().st_mode & 0o777 for name in ("", "media", "media/a")}
        assert {0o600} == {modes(tmp_path)[n] for n in ("media/a/b.png", "sandbox.sqlite3", "server.log")}
        assert (0o755, 0o644) == (modes(tmp_path)["mine"], modes(tmp_path)["mine/notes.txt"])

    def test_a_folder_behind_a_link_is_closed_too(self, tmp_path: Path) -> None:
        """The link is how its user calls it."""
        (tmp_path / "real").mkdir(mode=0o755)
        (tmp_path / "link").symlink_to(tmp_path / "real")

        private_folder(tmp_path / "link")

        assert 0o700 == (tmp_path / "real").stat().st_mode & 0o777

    def test_a_folder_for_everybody_stays_so(self, tmp_path: Path) -> None:
        """`--data /tmp` must not close /tmp."""
        tmp_path.chmod(0o1777)

        assert 0o1777 == private_folder(tmp_path).stat().st_mode & 0o7777


class TestHandle:
    def test_hides_its_secrets(self, served: Sandbox) -> None:
        """What is printed of a sandbox opens nothing."""
        secrets = [served.api_token, served.agent_token, served.admin_password]
        secrets += [access.api_token for access in served.tenants.values()]

        assert [] == [secret for secret in secrets if secret in repr(served) + str(served)]

    def test_is_frozen(self, served: Sandbox) -> None:
        """A handle cannot be changed."""
        with pytest.raises(AttributeError):
            served.url = "http://elsewhere"  # type: ignore[misc]

    def test_knows_every_tenant(self, served: Sandbox) -> None:
        """The first workspace is the one the handle speaks for."""
        first, second = served.tenants["first"], served.tenants["second"]

        assert (served.tenant, served.api_token) == ("first", first.api_token)
        assert first.api_token != second.api_token


ODD_NUMBERS = [("--port", "99999"), ("--threads", "0"), ("--page-size", "-1")]


@contextlib.contextmanager
def start(*arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Start a sandbox from the command line, and kill it in the end if it is still there."""
    command = [sys.executable, "-m", "synapse.sandbox", *map(str, arguments)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True
    ) as started:
        yield started
        started.kill()


@pytest.fixture
def process(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A sandbox that runs on its own."""
    with start("--port", "0", "--data", tmp_path) as started:
        yield started


def keep_writing(wire: Wire) -> bool:
    """Create projects until nobody answers any more; say whether every answer was good."""
    good = True
    with contextlib.suppress(requests.ConnectionError):
        while good:
            good = wire.post("projects/", {"title": "busy"}).status_code == 201
    return good


def wait_for(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Wait until *condition* holds."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def announced(process: subprocess.Popen[str]) -> dict[str, Any]:
    """Return what a sandbox says when it is ready."""
    assert process.stdout is not None
    facts: dict[str, Any] = json.loads(process.stdout.readline())
    return facts


class TestCommand:
    def test_says_where_it_is_in_one_line(self, process: subprocess.Popen[str]) -> None:
        """The line has what is needed to use the sandbox, which then answers."""
        facts = announced(process)

        assert {"url", "api_token", "agent_token", "tenant", "admin_url"} <= facts.keys()
        assert "sandbox" == Wire(facts["url"], facts["api_token"]).get("users/me/")["tenant"]

    @pytest.mark.parametrize("number", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.full)])
    def test_ends_cleanly_on_a_signal(self, process: subprocess.Popen[str], number: signal.Signals) -> None:
        """A signal ends it with status 0 and without a word, requests having been served or not."""
        facts = announced(process)
        Wire(facts["url"], facts["api_token"]).get("projects/")

        process.send_signal(number)
        rest, complaints = process.communicate(timeout=20)

        assert (0, "", "") == (process.returncode, rest, complaints)

    def test_ends_while_a_log_is_followed(self, process: subprocess.Popen[str]) -> None:
        """A stream that is open does not keep the server from ending."""
        facts = announced(process)
        wire = Wire(facts["url"], facts["api_token"])
        body = {"action": "train", "params": {"seconds": 600}}
        job = wire.post(f"plugins/{wire.plugin()['code']}/run/", body).json()["job_id"]

        with requests.get(
            f"{wire.url}/jobs/{job}/tail_console_logs/", headers=wire.headers, stream=True, timeout=30
        ) as stream:
            next(stream.iter_content(1))
            process.send_signal(signal.SIGTERM)
            assert 0 == process.wait(20)

    def test_ends_without_a_word_while_many_wait(self, tmp_path: Path) -> None:
        """Requests that are being answered, or have not been begun, do not keep it from ending cleanly."""
        with start("--data", tmp_path, "--threads", "2") as process, ThreadPoolExecutor(16) as pool:
            facts = announced(process)
            wire = Wire(facts["url"], facts["api_token"])
            writers = [pool.submit(keep_writing, wire) for _ in range(16)]
            wait_for(lambda: wire.get("projects/")["count"] > 20)
            process.send_signal(signal.SIGTERM)
            rest, complaints = process.communicate(timeout=20)

        assert (0, "", "") == (process.returncode, rest, complaints)
        assert {True} == {writer.result() for writer in writers}

    def test_name_of_several_addresses(self, tmp_path: Path) -> None:
        """A host that stands for more than one address is listened on under its name."""
        with start("--data", tmp_path, "--host", "localhost") as process:
            facts = announced(process)

            assert {"status": "ok"} == Wire(facts["url"]).get("health")
            process.terminate()

    @pytest.mark.parametrize(
        "arguments",
        [[], ["--data", "x", "--seed", "nonsense"], *(["--data", "x", *odd] for odd in ODD_NUMBERS)],
    )
    def test_wrong_arguments_are_told(self, arguments: list[str]) -> None:
        """Without a folder, or with a seed that is none, it says how it is used."""
        command = [sys.executable, "-m", "synapse.sandbox", *arguments]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

        assert (2, True) == (done.returncode, "usage: synapse.sandbox" in done.stderr)


class TestCannotStart:
    @pytest.mark.parametrize(
        ("arguments", "reason"),
        [
            (["--data", "{file}/data"], "cannot use {file}/data: Not a directory"),
            pytest.param(
                ["--database", "mysql://localhost/x"],
                "cannot use the database: its address must be postgresql",
                marks=pytest.mark.full,
            ),
            (["--database", "localhost/x"], "cannot use the database: its address must be postgresql"),
            (["--database", "postgresql://u:p#secret@h/x"], "cannot use the database: its address cannot be"),
            (["--database", "postgresql://127.0.0.1:1/x"], "cannot use the database: connection failed"),
            (["--port", "{port}"], "cannot listen on 127.0.0.1:{port}: Address already in use"),
            pytest.param(
                ["--host", "192.0.2.1"],
                "cannot listen on 192.0.2.1:0: Cannot assign requested address",
                marks=pytest.mark.full,
            ),
        ],
    )
    def test_reason_is_one_line(
        self, tmp_path: Path, taken_port: int, arguments: list[str], reason: str
    ) -> None:
        """What the user can mend is told in a line on stderr, without traceback or password."""
        (tmp_path / "file").write_text("in the way")
        names = {"file": tmp_path / "file", "port": taken_port}
        given = [argument.format(**names) for argument in arguments]

        with start("--data", tmp_path / "data", *given) as process:
            announcement, complaint = process.communicate(timeout=60)

        assert (2, "", 1) == (process.returncode, announcement, len(complaint.splitlines()))
        assert (
            complaint.startswith(f"synapse.sandbox: {reason.format(**names)}") and "secret" not in complaint
        )

    def test_folder_of_another(self, served: Sandbox) -> None:
        """Two servers never share a folder, and the first one goes on."""
        with pytest.raises(SandboxError, match="another sandbox serves it"), serve(served.data):
            pass

        assert {"status": "ok"} == Wire(served.url).get("health")

    def test_serve_tells_the_reason_of_now(self, tmp_path: Path) -> None:
        """What an earlier server complained about is not repeated."""
        (tmp_path / "server.log").write_text("an older complaint")

        with pytest.raises(SandboxError) as caught, serve(tmp_path, database="mysql://x"):
            pass

        assert str(caught.value).startswith("the sandbox cannot use the database: its address must be")

    def test_serve_where_there_is_no_room(self, tmp_path: Path) -> None:
        """A folder that cannot be made is told like any other reason."""
        (tmp_path / "file").write_text("in the way")

        with (
            pytest.raises(SandboxError, match="cannot use .*: Not a directory"),
            serve(tmp_path / "file" / "x"),
        ):
            pass


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port that someone else listens on."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        yield other.getsockname()[1]


class TestExtra:
    def test_missing_extra_says_what_to_install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without Django there is no sandbox, and the error says how to get it."""
        monkeypatch.setattr(launch, "NEEDED", ("django", "no_such_package"))

        with pytest.raises(ImportError, match=r'no_such_package: pip install "synapse-orm\[sandbox\]"'):
            serve().__enter__()

    def test_import_needs_no_extra(self) -> None:
        """Importing the package does not load Django."""
        code = "import sys, synapse.sandbox; sys.exit('django' in sys.modules)"

        assert 0 == subprocess.run([sys.executable, "-c", code], timeout=60, check=False).returncode


class TestTemplate:
    def test_first_start_leaves_one_for_the_next(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A database is migrated once; later ones start from its copy, without anybody's rows."""
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        with serve(tenants=("one",)):
            (template,) = (tmp_path / "cache" / "synapse" / "sandbox").iterdir()
        before = template.stat().st_mtime_ns

        with serve(tenants=("two",)) as sandbox:
            assert ["two"] == list(sandbox.tenants)
            assert 1 == Wire(sandbox.url, sandbox.api_token).get("agents/")["count"]

        assert before == template.stat().st_mtime_ns

    @pytest.mark.full
    def test_cache_that_cannot_be_written_is_done_without(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Where nothing can be kept, the sandbox starts all the same."""
        (tmp_path / "cache").write_text("in the way")
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

        with serve() as sandbox:
            assert {"status": "ok"} == Wire(sandbox.url).get("health")


def test_secrets_are_readable_by_the_owner_only(served: Sandbox) -> None:
    """The files that hold secrets are closed to others."""
    modes = [(served.data / name).stat().st_mode & 0o077 for name in ("admin.password", "secret.key")]

    assert [0, 0] == modes
