"""What a row tells of its file is held against what arrives, by whichever door the file is read."""

from __future__ import annotations

import base64
import hashlib

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from synapse import DataFile, FileCache, Model, PluginRelease, Task
from synapse.client.conversion import conversion
from synapse.errors import TransferError
from synapse.testing import CannedSession, canned, page

CONTENT = bytes(range(256)) * 40
MD5 = hashlib.md5(CONTENT).hexdigest()
URL = "https://files.example.com/a.bin"

HARMS: dict[str, bytes] = {
    "one byte": b"x" + CONTENT[1:],
    "last byte": CONTENT[:-1] + b"x",
    "shorter": CONTENT[:-1],
    "longer": CONTENT + b"x",
    "empty": b"",
}
Door = Callable[[CannedSession, Path], Any]


def serving(content: bytes = CONTENT, **row: Any) -> CannedSession:
    """Make a session whose one data file has this content, whatever its row tells."""
    told = {"id": 1, "checksum": MD5, "size": len(CONTENT), "file": URL, **row}
    return canned({f"GET {URL}": content, "GET data_files/1/": told, "GET data_files/": page(told)})


def the_file(session: CannedSession) -> Any:
    """Get the file of the row."""
    return DataFile.objects.using(session).get(1).file


def flat(session: CannedSession, folder: Path) -> bytes:
    """Have the flat client put a path in the place of an address."""
    row = session.replies["GET data_files/1/"]
    rows = [dict(row)] if isinstance(row, dict) else []
    convert: Any = conversion(
        SimpleNamespace(session=session, files_dir=folder),  # type: ignore[arg-type]
        {"files_fields": ["file"]},
    )
    convert(rows)
    return Path(rows[0]["file"]).read_bytes()


def many(session: CannedSession, folder: Path) -> bytes:
    """Download the files of a query."""
    (outcome,) = DataFile.objects.using(session).download(folder)
    if outcome.error is not None:
        raise outcome.error
    assert outcome.path is not None
    return outcome.path.read_bytes()


def opened(session: CannedSession, folder: Path | None = None) -> bytes:
    """Read the file as a stream, with a cache if there is a folder for it."""
    with the_file(session).open(cache=None if folder is None else FileCache(folder)) as stream:
        content: bytes = stream.read()
    return content


DOORS: dict[str, Door] = {
    "download": lambda session, folder: the_file(session).download(folder).read_bytes(),
    "read": lambda session, folder: the_file(session).read(),
    "open": lambda session, folder: opened(session),
    "cache": lambda session, folder: the_file(session).read(cache=FileCache(folder)),
    "cached stream": opened,
    "only": lambda session, folder: DataFile.objects.using(session).only("file")[0].file.read(),  # type: ignore[union-attr]
    "values": lambda session, folder: DataFile.objects.using(session).values("file")[0]["file"].read(),
    "query": many,
    "flat client": flat,
}


@pytest.mark.parametrize("door", DOORS)
class TestEveryDoor:
    @pytest.mark.parametrize("harm", HARMS)
    def test_refuses_what_is_damaged(self, tmp_path: Path, door: str, harm: str) -> None:
        """Content that is not what the row tells is an error, and no file of it stays."""
        with serving(HARMS[harm]) as session, pytest.raises(TransferError, match="arrived damaged"):
            DOORS[door](session, tmp_path)

        left = [path.name for path in tmp_path.rglob("*") if path.is_file()]
        assert [] == [name for name in left if name not in ("lock", ".synapse-downloads")]

    @pytest.mark.parametrize(
        "told", [{"size": 7}, {"checksum": "0" * 32}, {"size": None, "file_size": 7}], ids=str
    )
    def test_refuses_what_the_row_contradicts(self, tmp_path: Path, door: str, told: Any) -> None:
        """Size and checksum count each for itself, and by either name of the size."""
        with serving(**told) as session, pytest.raises(TransferError, match="arrived damaged"):
            DOORS[door](session, tmp_path)

    @pytest.mark.parametrize(
        "told", [{}, {"checksum": None}, {"size": None}, {"checksum": "opaque"}], ids=str
    )
    def test_takes_what_fits(self, tmp_path: Path, door: str, told: Any) -> None:
        """What the row does not tell, or tells in a way of its own, stops nothing."""
        with serving(**told) as session:
            assert CONTENT == DOORS[door](session, tmp_path)


SHA256 = hashlib.sha256(CONTENT)


@pytest.mark.parametrize(
    "spelled",
    [
        MD5.upper(),
        f" {MD5}\n",
        f"md5:{MD5}",
        base64.b64encode(bytes.fromhex(MD5)).decode(),
        SHA256.hexdigest(),
        f"SHA-256={SHA256.hexdigest().upper()}",
        base64.urlsafe_b64encode(SHA256.digest()).decode(),
        hashlib.sha1(CONTENT).hexdigest(),
    ],
)
@pytest.mark.parametrize("harm", ["one byte", None])
def test_a_checksum_is_known_however_it_is_spelled(spelled: str, harm: str | None) -> None:
    """Upper case, base64, a label and blanks change nothing: good content passes, and bad content does not."""
    with serving(HARMS[harm] if harm else CONTENT, checksum=spelled) as session:
        if harm is None:
            assert CONTENT == the_file(session).read()
        else:
            with pytest.raises(TransferError, match="arrived damaged"):
                the_file(session).read()


@pytest.mark.parametrize(
    ("entity", "resource"), [(Model, "models"), (PluginRelease, "plugin_releases")], ids=["model", "release"]
)
@pytest.mark.parametrize("told", [{"checksum": MD5}, {"file_size": len(CONTENT)}], ids=str)
def test_archives_are_checked_where_their_rows_tell(entity: Any, resource: str, told: dict[str, Any]) -> None:
    """A row may tell more than the fields that its entity declares."""
    row = {"id": 1, "name": "m", "version": "1", "file": URL, **told}
    with (
        canned({f"GET {resource}/1/": row, f"GET {URL}": CONTENT + b"x"}) as session,
        pytest.raises(TransferError, match="arrived damaged"),
    ):
        entity.objects.using(session).get(1).file.read()


@pytest.mark.parametrize(
    "told",
    [
        {"checksum": MD5},
        {"size": len(CONTENT)},
        {"file_size": len(CONTENT)},
        {"meta": {"file_size": len(CONTENT)}},
    ],
    ids=str,
)
def test_files_of_tasks_are_checked_by_what_their_objects_tell(told: dict[str, Any]) -> None:
    """The object of a file in a unit may tell its size and checksum itself."""
    row = {"id": 1, "project": 1, "files": {"image_1": {"url": URL, **told}}}
    with (
        canned({"GET sdk/tasks/": page(row), f"GET {URL}": HARMS["longer"]}) as session,
        pytest.raises(TransferError, match="arrived damaged"),
    ):
        Task.objects.using(session)[0].files["image_1"].read()


def test_a_damaged_file_in_a_cache_is_dropped(tmp_path: Path) -> None:
    """A file that was damaged in the cache goes, though the next one that comes is damaged as well."""
    cache = FileCache(tmp_path)
    with serving() as session:
        the_file(session).read(cache=cache)
        (kept,) = tmp_path.glob("synapse-files/??/*")
        kept.write_bytes(HARMS["one byte"])
        session.replies[f"GET {URL}"] = HARMS["last byte"]
        with pytest.raises(TransferError, match="arrived damaged"):
            the_file(session).read(cache=cache)

    assert not kept.exists()


def test_deferring_the_checksum_does_not_lose_it() -> None:
    """The fields that a file is held against come with it, and go with it."""
    queries = DataFile.objects.defer("checksum", "meta"), DataFile.objects.defer("checksum", "file")

    assert [("meta",), ("checksum", "file")] == [each.query.defer for each in queries]


def test_asking_for_the_file_only_asks_for_what_it_is_held_against() -> None:
    """A row with the address alone would have its file taken as it comes."""
    queries = DataFile.objects.only("file"), DataFile.objects.only("meta")

    assert [("file", "checksum", "size"), ("meta",)] == [each.query.only for each in queries]
