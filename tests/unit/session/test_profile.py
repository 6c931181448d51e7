"""The profile file: who may read it, what a login leaves of it, and what keeps it whole."""

from __future__ import annotations

import errno
import itertools
import json
import os
import stat
import subprocess
import sys
import threading
import warnings

from pathlib import Path
from typing import Any

import pytest

from synapse.errors import ConfigError
from synapse.session import InsecureConfigWarning, Session, profile

HOST = "https://api.example.com"
OTHER = "https://other.example.com"
TOKEN = "syn_0123456789abcdef"
FULL = """
import resource, signal, sys
from synapse.session import profile
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
profile.log_in(host=sys.argv[1], api_token=sys.argv[2])
"""

posix = pytest.mark.skipif(os.name != "posix", reason="modes of files are POSIX's")


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the file is, of a process that has not warned yet."""
    monkeypatch.setattr(profile, "_warned", itertools.count())
    return tmp_path / ".synapse" / "config.json"


def written(path: Path, content: Any, *, mode: int = 0o600, folder: int = 0o700) -> str:
    """Write the file with these modes, and return it."""
    path.parent.mkdir(exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    path.chmod(mode)
    path.parent.chmod(folder)
    return path.read_text()


def modes(path: Path) -> tuple[int, int]:
    """Return the modes of the folder and of the file."""
    return stat.S_IMODE(path.parent.stat().st_mode), stat.S_IMODE(path.stat().st_mode)


def log_in(**changed: Any) -> Path:
    """Log in, and return where that was written."""
    return profile.log_in(**{"host": HOST, "api_token": TOKEN, **changed})


class TestLogIn:
    def test_is_found_by_a_session(self, path: Path) -> None:
        """What a login writes is what a session without arguments uses."""
        log_in(tenant="acme")
        found = Session().settings

        assert (HOST, TOKEN, "acme") == (found.host, found.api_token, found.tenant)

    def test_is_found_by_its_profile(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A login under a name is used by sessions that ask for it, and by no other."""
        log_in()
        log_in(host=OTHER, api_token="stage", profile="stage")

        assert (OTHER, "stage") == (
            Session(profile="stage").host,
            Session(profile="stage").settings.api_token,
        )
        assert TOKEN == Session().settings.api_token

    def test_leaves_the_rest_of_the_file(self, path: Path) -> None:
        """Keys that are not of the login stay, with their order."""
        rest = {"host": HOST, "access_token": "old", "theme": "dark", "agent": {"id": 1, "token": "agent"}}
        written(path, rest)
        log_in()

        assert {**rest, "access_token": TOKEN} == json.loads(path.read_text())
        assert list(rest) == list(json.loads(path.read_text()))

    def test_drops_the_tokens_of_another_host(self, path: Path) -> None:
        """What was given for one host is not left beside the name of another."""
        agent = {"id": 1, "token": "agent"}
        written(path, {"host": OTHER, "access_token": "a", "user_token": "b", "tenant": "c", "agent": agent})
        log_in()

        assert {"host": HOST, "access_token": TOKEN, "agent": {"id": 1}} == json.loads(path.read_text())

    @pytest.mark.parametrize("host", ["api.example.com", "https://x:y", 7])
    def test_takes_what_is_no_address_for_another_host(self, path: Path, host: object) -> None:
        """Nobody knows whom the tokens beside it are for."""
        written(path, {"host": host, "user_token": "b"})
        log_in()

        assert {"host": HOST, "access_token": TOKEN} == json.loads(path.read_text())

    @posix
    @pytest.mark.parametrize("umask", [0, 0o777])
    def test_is_for_its_user_alone(self, path: Path, umask: int) -> None:
        """The modes do not depend on the umask."""
        before = os.umask(umask)
        try:
            log_in()
        finally:
            os.umask(before)

        assert (0o700, 0o600) == modes(path)

    @posix
    def test_closes_what_was_open(self, path: Path) -> None:
        """A file and a folder that others could read are closed to them."""
        written(path, {}, mode=0o666, folder=0o777)
        log_in()

        assert (0o700, 0o600) == modes(path)

    @posix
    def test_goes_through_a_link(self, path: Path, tmp_path: Path) -> None:
        """A link stays one, and what it leads to is written."""
        real = tmp_path / "dotfiles" / "synapse.json"
        written(real, {"theme": "dark"}, mode=0o644, folder=0o755)
        path.parent.mkdir()
        path.symlink_to(real)
        log_in()

        assert (True, TOKEN) == (path.is_symlink(), json.loads(real.read_text())["access_token"])
        assert ["synapse.json"] == [each.name for each in real.parent.iterdir()]
        assert 0o600 == stat.S_IMODE(real.stat().st_mode)

    def test_does_not_lose_what_others_log_in_meanwhile(self, path: Path) -> None:
        """Logins at the same moment under several names are all kept."""
        names = [f"stage-{number}" for number in range(8)]
        threads = [threading.Thread(target=log_in, kwargs={"profile": name}) for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert names == sorted(json.loads(path.read_text())["environments"])

    @pytest.mark.parametrize(
        "content", ["{", "[]", '{"environments": []}', '{"environments": {"stage": 1}}'], ids=range(4)
    )
    def test_leaves_a_file_that_it_cannot_read(self, path: Path, content: str) -> None:
        """What is not understood is not written over."""
        written(path, content)
        with pytest.raises(ConfigError, match=r"config\.json .*(mend it|must hold)"):
            log_in(profile="stage")

        assert content == path.read_text()

    @posix
    def test_leaves_the_file_whole_when_the_disk_is_full(self, path: Path) -> None:
        """A file that could not be written to its end does not take the place of the old one."""
        before = written(path, {"host": HOST, "access_token": "old", "theme": "x" * 2000})
        ended = subprocess.run(
            [sys.executable, "-c", FULL, HOST, TOKEN], capture_output=True, text=True, check=False
        )

        assert "cannot be written (file too large): it is as it was" in ended.stderr
        assert TOKEN not in ended.stderr
        assert (before, {"config.json", "config.json.lock"}) == (
            path.read_text(),
            {each.name for each in path.parent.iterdir()},
        )

    def test_leaves_the_file_whole_when_the_disk_fails(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What was written aside goes again."""
        before = written(path, {"host": HOST, "access_token": "old"})

        def fail(_: int) -> None:
            raise OSError(errno.ENOSPC, "")

        monkeypatch.setattr(os, "fsync", fail)
        with pytest.raises(
            ConfigError, match=r"cannot be written \(no space left on device\): it is as it was"
        ):
            log_in()

        assert before == path.read_text()
        assert {"config.json", "config.json.lock"} == {each.name for each in path.parent.iterdir()}

    def test_removes_what_a_killed_login_left(self, path: Path) -> None:
        """A file that was written aside, and never renamed, holds a token."""
        path.parent.mkdir()
        code = (
            f"import os\nfrom pathlib import Path\nPath.replace = lambda *_: os.kill(os.getpid(), 9)\n{FULL}"
        )
        killed = subprocess.run(
            [sys.executable, "-c", code.replace("1000", "9999"), HOST, TOKEN], check=False
        )
        left = [each.name[:13] for each in path.parent.iterdir() if TOKEN in each.read_text()]
        log_in()

        assert (-9, [".config.json-"]) == (killed.returncode, left)
        assert {"config.json", "config.json.lock"} == {each.name for each in path.parent.iterdir()}

    def test_does_not_wait_for_ever(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lock that somebody holds on to is an error that says so."""
        monkeypatch.setattr(profile, "_PATIENCE", 0.05)
        with (
            profile._locked(path),
            pytest.raises(ConfigError, match=r"another process has been writing .*config\.json"),
        ):
            log_in()

    def test_needs_a_folder(self, path: Path) -> None:
        """Where a file stands in the way of the folder, the error names it."""
        path.parent.write_text("")
        with pytest.raises(
            ConfigError, match=r"config\.json cannot be written \(file exists\): it is as it was"
        ):
            log_in()


class TestLogOut:
    def test_removes_every_token(self, path: Path) -> None:
        """What says who somebody is goes; what else the file says stays."""
        agent = {"id": 1, "token": "agent"}
        written(path, {"host": HOST, "access_token": "a", "user_token": "b", "tenant": "c", "agent": agent})

        assert (path, ["access_token", "user_token", "agent.token"]) == profile.log_out()
        assert {"host": HOST, "tenant": "c", "agent": {"id": 1}} == json.loads(path.read_text())

    def test_removes_those_of_every_profile(self, path: Path) -> None:
        """Who logs out is nobody any more; it is said of which there were."""
        log_in()
        log_in(profile="stage")

        assert (path, ["access_token", "stage: access_token"]) == profile.log_out()
        assert TOKEN not in path.read_text()

    def test_removes_those_of_one_profile(self, path: Path) -> None:
        """The other entries keep theirs."""
        log_in()
        log_in(profile="stage")
        profile.log_out(profile="stage")

        assert (TOKEN, {"host": HOST}) == (
            json.loads(path.read_text())["access_token"],
            json.loads(path.read_text())["environments"]["stage"],
        )

    def test_makes_nothing_where_nothing_is(self, path: Path) -> None:
        """Without a file there is none afterwards."""
        assert (path, []) == profile.log_out()
        assert not path.parent.exists()

    def test_leaves_a_file_without_tokens(self, path: Path) -> None:
        """A file that has none is not written anew."""
        before = written(path, '{ "theme":   "dark" }')

        assert (path, []) == profile.log_out()
        assert before == path.read_text()

    def test_knows_its_profiles(self, path: Path) -> None:
        """A name that there is not is an error that suggests the nearest."""
        log_in(profile="stage")
        with pytest.raises(ConfigError, match=r"no profile 'stag' \(did you mean 'stage'\?\)"):
            profile.log_out(profile="stag")


@posix
class TestWarning:
    @pytest.mark.parametrize(
        ("mode", "folder", "words"),
        [
            (0o644, 0o700, "it is open to other users of this machine: run `chmod 600 {file}`"),
            (0o620, 0o700, "it is open to other users of this machine: run `chmod 600 {file}`"),
            (0o600, 0o755, "its folder is open to other users of this machine: run `chmod 700 {folder}`"),
        ],
    )
    def test_names_the_file_and_the_fix(self, path: Path, mode: int, folder: int, words: str) -> None:
        """A token that others can read or exchange draws a warning with the command that mends it."""
        written(path, {"host": HOST, "access_token": TOKEN}, mode=mode, folder=folder)
        with pytest.warns(InsecureConfigWarning) as caught:
            Session()

        expected = f"{path} holds a token, and {words.format(file=path, folder=path.parent)}"
        assert [(expected, __file__)] == [(str(each.message), each.filename) for each in caught]

    @pytest.mark.parametrize("which", ["environments", "agent"])
    def test_is_about_every_token(self, path: Path, which: str) -> None:
        """Also those that the session has no use for."""
        written(
            path, {which: {"token": TOKEN, "access_token": TOKEN, "a": {"user_token": TOKEN}}}, mode=0o644
        )
        with pytest.warns(InsecureConfigWarning):
            Session(HOST, api_token="t")

    def test_comes_once_in_a_process(self, path: Path) -> None:
        """The second session does not say it again."""
        written(path, {"host": HOST, "access_token": TOKEN}, mode=0o644)
        with pytest.warns(InsecureConfigWarning) as caught:
            sessions = [Session(), Session()]

        assert (1, 2) == (len(caught), len(sessions))

    def test_says_when_another_user_owns_it(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """Whoever owns a file can read and change it."""
        written(path, {"host": HOST, "access_token": TOKEN})
        owner = os.geteuid()
        monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
        with pytest.warns(
            InsecureConfigWarning, match=f"it belongs to another user, number {owner}: run `chown"
        ):
            Session()

    @pytest.mark.parametrize("content", [{"host": HOST}, {"environments": [TOKEN], "agent": TOKEN}])
    def test_does_not_come_without_a_token(self, path: Path, content: object) -> None:
        """What is no secret may be read by everyone."""
        written(path, content, mode=0o644, folder=0o755)

        assert TOKEN == Session(HOST, api_token=TOKEN).settings.api_token

    def test_does_not_come_where_modes_mean_nothing(
        self, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """On Windows access is not told by a mode."""
        written(path, {"host": HOST, "access_token": TOKEN}, mode=0o644)
        place = profile._place()
        monkeypatch.setattr(profile.os, "name", "nt")
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            profile._beware({"host": HOST, "access_token": TOKEN}, place)

    def test_is_no_reason_to_fail(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        """A file that goes away in the meantime has said what it had to."""
        written(path, {"host": HOST, "access_token": TOKEN}, mode=0o644)
        beware = profile._beware
        monkeypatch.setattr(profile, "_beware", lambda content, path: beware(content, path.with_name("gone")))

        assert TOKEN == Session().settings.api_token

    @pytest.mark.parametrize("lax", ["file", "folder", "link"])
    def test_is_about_a_host_too(self, path: Path, tmp_path: Path, lax: str) -> None:
        """Whoever may write it says where a token of the environment goes; `login` does not take it from there."""
        written(
            path,
            {"host": HOST},
            mode=0o666 if lax == "file" else 0o644,
            folder=0o777 if lax == "folder" else 0o755,
        )
        if lax == "link":
            shared = tmp_path / "shared"
            shared.mkdir()
            path.rename(shared / "c.json")
            shared.chmod(0o777)
            path.symlink_to(shared / "c.json")
        with pytest.warns(InsecureConfigWarning, match="says where tokens go, and .* is open to other users"):
            Session(api_token=TOKEN)

        assert profile.known_host(None) is None


class TestReading:
    def test_shows_no_token_of_a_broken_file(self, path: Path) -> None:
        """Neither the error nor what led to it carries the text of the file."""
        written(path, f'{{"host": "{HOST}", "access_token": "{TOKEN}"')
        with pytest.raises(ConfigError, match=r"cannot be read \(JSONDecodeError\)") as caught:
            Session()

        assert None is caught.value.__context__

    def test_refuses_a_profile_that_is_no_name(self) -> None:
        """Before it is looked for."""
        with pytest.raises(ConfigError, match="profile must be the name of one, not list"):
            Session(HOST, profile=["stage"])  # type: ignore[arg-type]

    @posix
    def test_does_not_wait_for_a_pipe(self, path: Path) -> None:
        """A pipe in the place of the file would never end."""
        path.parent.mkdir()
        os.mkfifo(path)
        with pytest.raises(ConfigError, match=r"config\.json cannot be read \(it is no file\)"):
            Session(profile="stage")

    def test_does_without_a_home_folder(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A user whom the system does not know has no file; where one is needed, the error says so."""
        monkeypatch.setattr(profile, "PLACE", "~nobody-of-that-name/config.json")

        assert TOKEN == Session(HOST, api_token=TOKEN).settings.api_token
        with pytest.raises(ConfigError, match="there is no home folder to look for"):
            Session(HOST)

    def test_does_without_a_profile_that_nobody_needs(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Where the environment names a profile but arguments say it all, it need not be there yet."""
        monkeypatch.setenv("SYNAPSE_PROFILE", "stage")

        assert TOKEN == Session(HOST, api_token=TOKEN).settings.api_token

    @pytest.mark.parametrize("entry", [{}, {"host": 7}, "{"], ids=["none", "number", "broken"])
    def test_knows_the_host_only_if_it_is_one(self, path: Path, entry: object) -> None:
        """What the file does not say is left to be asked for."""
        written(path, entry)

        assert None is profile.known_host(None)
