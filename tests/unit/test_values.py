"""Values of other libraries, and paths with a leading `~`."""

from __future__ import annotations

import math
import subprocess
import sys

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from synapse import FileCache, RemoteFile
from synapse.client.conversion import checked_folder
from synapse.downloads import download_files
from synapse.errors import SynapseError, TransferError
from synapse.orm.journal import path_of
from synapse.testing import canned
from synapse.transfer.local_file import LocalFile
from synapse.uploads.file_types import Spec
from synapse.uploads.folder_layout import open_folder
from synapse.uploads.items import plan_item
from synapse.values import advice, is_missing, plain, sendable, user_path


class NaTType(datetime):
    """Stands for `pandas.NaT`, which is a datetime that answers nothing."""

    def utcoffset(self) -> timedelta:
        raise ValueError("NaTType does not support utcoffset")


@pytest.mark.parametrize(
    ("value", "own"),
    [
        (np.int64(-3), -3),
        (np.uint8(7), 7),
        (np.float16(0.5), 0.5),
        (np.float64(0.1), 0.1),
        (np.longdouble(2), 2.0),
        (np.True_, True),
        (np.str_("é"), "é"),
        (True, True),
        ([np.int8(1)], [np.int8(1)]),
    ],
)
def test_scalars_become_python_s(value: Any, own: Any) -> None:
    """The value is the same, its class is Python's; what holds others is left as it is."""
    assert (own, type(own)) == (plain(value), type(plain(value)))


@pytest.mark.parametrize("value", [np.datetime64("2026-01-01"), np.timedelta64(1, "s"), np.bytes_(b"x"), 1j])
def test_what_is_no_number_stays(value: Any) -> None:
    """A point in time without a zone, a span and bytes have no one meaning."""
    assert plain(value) is value


def test_numpy_is_not_imported() -> None:
    """Looking at a value costs no import of numpy, which the SDK doesn't need."""
    code = (
        "import sys; from synapse.values import plain; plain(1.5), plain(b''); print('numpy' in sys.modules)"
    )

    assert "False" == subprocess.check_output([sys.executable, "-c", code], text=True).strip()


@pytest.mark.parametrize(
    "value", [math.nan, np.float32("nan"), np.datetime64("NaT"), NaTType(2026, 1, 1, tzinfo=UTC)]
)
def test_missing_values_are_known(value: Any) -> None:
    """NaN and the NaT of numpy and pandas stand for no value."""
    assert is_missing(value)


@pytest.mark.parametrize(
    "value", [None, 0, "", "NaN", math.inf, np.arange(2), Decimal(0), datetime(2026, 1, 1, tzinfo=UTC)]
)
def test_other_values_are_not_missing(value: Any) -> None:
    """Zero, empty text, an array: they are values, right or wrong."""
    assert not is_missing(value)


@pytest.mark.parametrize(
    ("text", "word"), [("a\0", "NUL"), ("caf\udce9", "surrogate"), ("\ud83d", "surrogate")]
)
def test_text_that_cannot_travel_is_told(text: str, word: str) -> None:
    """Each reason is named."""
    assert word in str(sendable(text))


@pytest.mark.parametrize("text", ["", "é", "표지판", "🙂", "\x01\n", "\uffff"])
def test_other_text_travels(text: str) -> None:
    """Emoji, control characters and all scripts."""
    assert sendable(text) is None


@pytest.mark.parametrize(
    ("value", "instead"),
    [
        (np.arange(2), "value.tolist()"),
        (b"x", "value.decode()"),
        (bytearray(b"x"), "value.decode()"),
        (np.bytes_(b"x"), "value.decode()"),
        (Decimal(1), "float(value) or str(value)"),
        (np.datetime64("2026-01-01"), "str(value)"),
        (datetime(2026, 1, 1, tzinfo=UTC), "value.isoformat()"),
        ({1}, "sorted(value)"),
        (Path("a"), "str(value)"),
    ],
)
def test_advice_names_what_to_write(value: Any, instead: str) -> None:
    """An expression that can be typed."""
    assert f"; write {instead}" == advice(value)


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
    "upload": lambda path: LocalFile.of(path).path,
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


def test_does_not_travel(home: Path) -> None:
    """The path that the backend remembers a file by says nothing of where the home folder is."""
    assert "there.txt" == plan_item("~/there.txt", [Spec("data_1", "data")]).parts["data_1"].path


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
            LocalFile.of(name)

        assert len(str(caught.value)) < 1000
