"""`~` is the home folder, wherever a path is given."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synapse import FileCache, RemoteFile
from synapse.client.conversion import checked_folder
from synapse.errors import SynapseError, TransferError
from synapse.orm.journal import path_of
from synapse.session.paths import user_path
from synapse.session.surroundings import find
from synapse.testing import canned
from synapse.transfer import download_files
from synapse.transfer.folders import open_folder
from synapse.transfer.items import plan_of
from synapse.transfer.source import Source
from synapse.transfer.specifications import Spec

HELLO = RemoteFile(url="data:,hello", name="a.txt")


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Have a home of our own, with a file in it, and work elsewhere."""
    home, work = tmp_path / "home", tmp_path / "work"
    for folder in (home, work):
        folder.mkdir()
    (home / "there.txt").write_text("hello")
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(home))
    monkeypatch.chdir(work)
    return home


def many(path: Any) -> Path:
    """Download the files of rows into a folder."""
    return download_files(canned({}), [], folder=path).folder


PLACES: dict[str, Callable[[Any], object]] = {
    "download": lambda path: HELLO.download(path),
    "download of a query": many,
    "cache": lambda path: FileCache(path).folder,
    "state": lambda path: canned({}, state_dir=path).settings.state_dir,
    "upload": lambda path: Source.of(path).path,
    "journal": path_of,
    "flat client": checked_folder,
}
MADE = ("download", "download of a query")


@pytest.mark.parametrize("kind", [str, Path])
@pytest.mark.parametrize("place", PLACES)
def test_is_the_home_folder(home: Path, place: str, kind: type) -> None:
    """No folder called `~` is made, and nothing is looked for in one."""
    name = "new.txt" if place in MADE else "there.txt"

    assert home / name == PLACES[place](kind(f"~/{name}"))
    assert [] == list(Path().iterdir())


def test_is_so_for_a_folder_that_is_sent(home: Path) -> None:
    """The units are those of the folder at home."""
    assert home == open_folder("~", specs=[Spec("data_1")]).root


def test_is_so_for_certificates(home: Path, certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A bundle and a certificate are found at home, those of the environment too."""
    (home / "ca.pem").write_bytes(certificate.read_bytes())
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "~/ca.pem")
    told = canned({}, verify="~/ca.pem", cert=("~/ca.pem", "~/ca.pem")).settings
    found = find("https://api.test/", proxies=None, verify=None, cert=None)

    ca = str(home / "ca.pem")
    assert (ca, (ca, ca), ca) == (told.verify, told.cert, found.verify)


def test_does_not_travel(home: Path) -> None:
    """The path that the backend remembers a file by says nothing of where the home folder is."""
    assert "there.txt" == plan_of("~/there.txt", [Spec("data_1", "data")]).parts["data_1"].path


class TestNames:
    @pytest.mark.parametrize("name", ["~draft.png", "~$a.docx", "./~", "a~", "~nobody_here/a.txt"])
    def test_that_begin_so_are_left(self, home: Path, name: str) -> None:
        """A file or folder may have such a name, and `./~` is one as for a shell."""
        Path(name).parent.mkdir(exist_ok=True)
        Path(name).write_text("mine")

        assert "mine" == user_path(name).read_text()

    @pytest.mark.parametrize("place", [each for each in PLACES if each != "state"])
    def test_of_nobody_are_refused(self, home: Path, place: str) -> None:
        """A folder called `~nobody` is meant by nobody; it is not made."""
        with pytest.raises(SynapseError, match="'~nobody_here/out' cannot be found: this system has no user"):
            PLACES[place]("~nobody_here/out")

        assert [] == list(Path().iterdir())

    @pytest.mark.parametrize(
        "name", ["~a\0b/c", "~\ud800/c", "~" + "x" * 5000 + "/c"], ids=["NUL", "half", "long"]
    )
    def test_that_no_path_can_have_are_an_error_of_ours(self, home: Path, name: str) -> None:
        """They are refused in words, as any path that is none."""
        with pytest.raises(TransferError) as caught:
            Source.of(name)

        assert len(str(caught.value)) < 1000
