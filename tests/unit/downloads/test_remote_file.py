"""Remote files: read, downloaded, compared and pickled."""

from __future__ import annotations

import base64
import copy
import hashlib
import os
import pickle

from collections.abc import Callable
from pathlib import Path
from typing import Any

import attrs
import pytest

from synapse.downloads import RemoteFile
from synapse.errors import MappingError, NotFoundError, TransferError, TransportError
from synapse.session import Session
from synapse.transfer import ProgressStep
from synapse.uploads import upload_file
from tests.servers import Received, cut, reply
from tests.unit.transfer.conftest import TOKEN, MakeFile, Scripted

CONTENT = os.urandom(1_500_000)
MD5 = hashlib.md5(CONTENT).hexdigest()
PLAIN = reply(raw=CONTENT)
HELLO = "data:text/plain;base64,aGVsbG8="


def files_in(folder: Path) -> list[str]:
    """List a folder, hidden files included."""
    return sorted(path.name for path in folder.iterdir())


def remote(session: Session | None = None, /, **values: Any) -> RemoteFile:
    """Make a remote file of CONTENT."""
    return RemoteFile(**{"url": "/media/scan.png", "size": len(CONTENT), "session": session, **values})


class TestFromWire:
    def test_reads_a_file_info(self) -> None:
        """Every key of a file-info object has its place."""
        raw = {
            "url": "http://host/a.png",
            "file_name_original": "사진.png",
            "file_type": "image",
            "is_primary": True,
            "meta": {"width": 640, "file_size": 12},
            "path_original": "day1/사진.png",
            "checksum": MD5,
        }
        values = (raw["url"], "사진.png", "image", True, raw["meta"], 12, "day1/사진.png", MD5)
        file = RemoteFile.from_wire(raw)

        assert values == (
            file.url,
            file.name,
            file.file_type,
            file.is_primary,
            file.meta,
            file.size,
            file.path,
            file.checksum,
        )

    @pytest.mark.parametrize(
        ("raw", "name"),
        [
            ("http://host/files/%EC%82%AC.png?sig=1", "사.png"),
            ("http://host/", "file"),
            ("http://[bad", "file"),
            (HELLO, "file.txt"),
            ("data:application/x-unheard,x", "file"),
            ({"url": "/x", "filename": "a.png"}, "a.png"),
            ({"url": "/x", "name": "b.png"}, "b.png"),
            ({"url": "/x", "file_name_original": "C:\\day\\c.png"}, "c.png"),
            ({"url": "/media/d.png", "file_name_original": ""}, "d.png"),
        ],
    )
    def test_finds_a_name(self, raw: object, name: str) -> None:
        """The name is the original base name, or the address's own."""
        assert name == RemoteFile.from_wire(raw).name

    @pytest.mark.parametrize("meta", [None, [], {"file_size": -1}, {"file_size": "12"}, {"file_size": True}])
    def test_knows_no_size_that_is_none(self, meta: object) -> None:
        """A size that cannot be is not known."""
        assert RemoteFile.from_wire({"url": "/x", "meta": meta}).size is None

    @pytest.mark.parametrize("raw", [None, 7, ["/x"]])
    def test_refuses_other_shapes(self, raw: object) -> None:
        """A file is an object or an address."""
        with pytest.raises(MappingError, match="a file is an object or an address"):
            RemoteFile.from_wire(raw)


class Renamed(RemoteFile):
    """A file that an extender reads otherwise."""

    @classmethod
    def from_wire(cls, raw: Any, session: Session | None = None) -> Renamed:
        return cls(url=raw["url"], name="renamed", session=session)


class TestFromRow:
    @pytest.mark.parametrize("read", [repr, hash, pickle.dumps, attrs.asdict, lambda file: file.meta])
    @pytest.mark.parametrize(
        "raw", [{}, {"url": "/a/b.png", "meta": {"file_size": 3}, "checksum": MD5}, HELLO]
    )
    def test_is_the_file_that_the_wire_gives(self, raw: Any, read: Callable[[Any], object]) -> None:
        """Whatever is asked first, the answer is that of a file which was read at once."""
        whole = RemoteFile.from_wire(raw)

        assert read(whole) == read(file := RemoteFile.from_row(raw))
        assert whole == file

    def test_keeps_its_session_and_names(self) -> None:
        """It belongs to the session of its row, and knows no other names than any file."""
        with Session("http://127.0.0.1:9", api_token="row") as session:
            file = RemoteFile.from_row({"url": "/x"}, session)

            assert session is file._session
        with pytest.raises(AttributeError, match="'RemoteFile' object has no attribute 'size_of'"):
            _ = file.size_of  # type: ignore[attr-defined]

    def test_is_how_a_subclass_reads_the_wire(self) -> None:
        """A class that reads files otherwise is asked."""
        assert "renamed" == Renamed.from_row({"url": "/x", "name": "b.png"}).name


class TestToWire:
    def test_writes_the_address(self) -> None:
        """A file of which no more is known is named by its address."""
        assert HELLO == RemoteFile(url=HELLO).to_wire()

    @pytest.mark.parametrize(("path", "sent"), [("day/scan.png", "day/scan.png"), (None, "scan.png")])
    def test_writes_the_checksum(self, path: str | None, sent: str) -> None:
        """A file whose checksum is known can be put into another unit."""
        assert {"checksum": MD5, "path": sent} == remote(checksum=MD5, path=path).to_wire()


class TestValue:
    def test_is_compared_and_hashed_by_value(self, session: Session) -> None:
        """Two descriptions of one file are equal, whatever their session."""
        one, two = remote(session, meta={"a": 1}), remote(meta={"a": 1})

        assert (one, hash(one)) == (two, hash(two))
        assert one != remote(meta={"a": 2})

    def test_leaves_its_session_behind_when_pickled(self, session: Session, make_file: MakeFile) -> None:
        """A pickled file is equal to the first, and is read through the current session."""
        path = make_file()
        file = remote(session, url=upload_file(session, path)["file"], size=1000)
        loaded = pickle.loads(pickle.dumps(file))

        assert (file, path.read_bytes()) == (loaded, loaded.read())

    def test_is_read_from_pickles_of_earlier_versions(self) -> None:
        """They name the module that it was in."""
        now = pickle.dumps(remote(), protocol=0)
        earlier = now.replace(b"csynapse.downloads.remote_file\n", b"csynapse.transfer.remote\n")

        assert now != earlier
        assert remote() == pickle.loads(earlier)

    def test_is_not_copied(self) -> None:
        """As it cannot change, a copy is the file itself."""
        file = remote()

        assert [file, file] == [copy.copy(file), copy.deepcopy(file)]

    @pytest.mark.parametrize(
        ("url", "shown"), [("/a.png?Sig=s", "'/a.png'"), (HELLO, "'data:text/plain;base64,…'")]
    )
    def test_shows_no_signature_and_no_content(self, url: str, shown: str) -> None:
        """What an address carries beyond its path is not shown."""
        expected = f"RemoteFile(url={shown}, name='x', file_type=None, is_primary=False, size=None)"

        assert expected == repr(RemoteFile(url=url, name="x"))


class TestReading:
    @pytest.mark.parametrize("absolute", [True, False])
    def test_gives_the_content(self, session: Session, make_file: MakeFile, absolute: bool) -> None:
        """A file is read from an absolute address as from a bare path."""
        path = make_file()
        url = upload_file(session, path)["file"]
        file = RemoteFile(url=url if absolute else url.removeprefix(session.host), session=session)

        assert path.read_bytes() == file.read()

    def test_opens_a_stream(self, scripted: Scripted) -> None:
        """An open file is read like any other, piece by piece."""
        _, session = scripted(PLAIN)
        with remote(session).open() as stream:
            pieces = [stream.read(10), stream.read(1_200_000), stream.read()]

        assert (CONTENT, True, [10, 1_200_000]) == (
            b"".join(pieces),
            stream.closed,
            [len(p) for p in pieces[:2]],
        )

    def test_tells_a_missing_file_when_it_is_opened(self, scripted: Scripted) -> None:
        """What cannot be fetched is told before the first read."""
        _, session = scripted(reply(404, {"detail": "Not found."}))
        with pytest.raises(NotFoundError):
            remote(session).open()

    def test_never_sends_the_token(self, scripted: Scripted) -> None:
        """Files are fetched as anyone would fetch them."""
        server, session = scripted(PLAIN)
        remote(session, url=f"{server.origin}/x.png").read()

        assert TOKEN not in str(server.received)

    def test_reads_a_data_uri_without_a_session(self) -> None:
        """A file inside of its address needs no network."""
        with RemoteFile(url=HELLO).open() as stream:
            assert (b"hello", b"hello") == (stream.read(), RemoteFile(url=HELLO).read())

    def test_reads_an_empty_file(self, scripted: Scripted) -> None:
        """An empty file has an empty content."""
        _, session = scripted(reply(raw=b""))
        with remote(session, size=0).open() as stream:
            assert b"" == stream.read()

    def test_refuses_a_missing_address(self) -> None:
        """A file that the backend gives no address for says so."""
        with pytest.raises(TransferError, match="no address for 'a.png'"):
            RemoteFile.from_wire({"url": None, "name": "a.png"}).read()

    def test_refuses_another_size(self, scripted: Scripted) -> None:
        """A content of another size is damaged."""
        _, session = scripted(PLAIN)
        with pytest.raises(TransferError, match="1500000 bytes instead of 7"):
            remote(session, size=7).read()

    @pytest.mark.parametrize("values", [{"size": 7}, {"checksum": "0" * 32}])
    def test_refuses_other_content(self, scripted: Scripted, values: dict[str, Any]) -> None:
        """Size and checksum are held against what arrives, read whole or as a stream."""
        _, session = scripted(PLAIN)
        with pytest.raises(TransferError, match="arrived damaged"):
            remote(session, **values).read()
        with pytest.raises(TransferError, match="arrived damaged"):
            remote(session, **values).open()


class TestDownload:
    @pytest.mark.parametrize("to", ["", "out/", "a/b/"])
    def test_goes_into_a_folder(self, scripted: Scripted, tmp_path: Path, to: str) -> None:
        """An existing folder, or a path that ends in a slash, gets the file under its name."""
        _, session = scripted(PLAIN)
        target = remote(session, name="사진.png").download(f"{tmp_path}/{to}".removesuffix("//"))

        assert (tmp_path / to / "사진.png", CONTENT) == (target, target.read_bytes())

    def test_goes_to_a_path(self, scripted: Scripted, tmp_path: Path) -> None:
        """Any other path is the file's own, and nothing else is left beside it."""
        _, session = scripted(PLAIN)
        target = remote(session).download(tmp_path / "new" / "mine.png")

        assert (["mine.png"], CONTENT) == (files_in(tmp_path / "new"), target.read_bytes())

    @pytest.mark.parametrize("name", ["../../evil.sh", "/etc/evil.sh", "..\\evil.sh"])
    def test_never_leaves_the_folder(self, scripted: Scripted, tmp_path: Path, name: str) -> None:
        """A name that leads elsewhere is cut to its last part."""
        _, session = scripted(PLAIN)

        assert tmp_path / "evil.sh" == remote(session, name=name).download(tmp_path)

    @pytest.mark.parametrize(
        "name", ["0" * 32 + ".part", *("0" * 20 + end for end in (".part", ".json", ".lock"))]
    )
    def test_goes_to_no_name_of_a_draft(self, tmp_path: Path, name: str) -> None:
        """A file that is called as our drafts are would be dropped as one, a day later."""
        with pytest.raises(TransferError, match="choose another name. Nothing was fetched"):
            RemoteFile(url=HELLO).download(tmp_path / f".synapse-{name}")

    def test_hides_nothing(self, tmp_path: Path) -> None:
        """A name that the backend gives makes no hidden file, in a folder that has some of the user's."""
        saved = RemoteFile(url=HELLO, name=".bashrc").download(tmp_path)

        assert (tmp_path / "_.bashrc", ["_.bashrc"]) == (saved, files_in(tmp_path))

    def test_saves_a_data_uri(self, tmp_path: Path) -> None:
        """A file inside of its address is saved, too."""
        assert b"hello" == RemoteFile(url=HELLO).download(tmp_path).read_bytes()

    def test_reports_progress(self, scripted: Scripted, tmp_path: Path) -> None:
        """Progress ends at the size of the file."""
        _, session = scripted(PLAIN)
        steps = list[ProgressStep]()
        remote(session).download(tmp_path, progress=steps.append)

        assert ProgressStep(len(CONTENT), len(CONTENT), "scan.png") == steps[-1]

    @pytest.mark.parametrize("to", [None, "", 7])
    def test_needs_a_place(self, to: object) -> None:
        """A place that is none is refused."""
        with pytest.raises(TransferError, match="goes to a folder or a path"):
            remote().download(to)  # type: ignore[arg-type]

    @pytest.mark.parametrize("values", [{"size": 7}, {"checksum": "0" * 32}])
    def test_keeps_nothing_damaged(self, scripted: Scripted, tmp_path: Path, values: dict[str, Any]) -> None:
        """A file of another size or MD5 never appears."""
        _, session = scripted(PLAIN)
        with pytest.raises(TransferError, match="arrived damaged"):
            remote(session, **values).download(tmp_path)

        assert [] == files_in(tmp_path)

    def test_keeps_nothing_that_broke_off(self, scripted: Scripted, tmp_path: Path) -> None:
        """A file that cannot be fetched to its end never appears."""
        _, session = scripted(cut(PLAIN, at=10))
        with pytest.raises(TransportError, match="broke off"):
            remote(session).download(tmp_path)

        assert [] == files_in(tmp_path)

    def test_tells_a_place_that_cannot_be_written(self, make_file: MakeFile) -> None:
        """A folder that is a file is an error of ours."""
        with pytest.raises(TransferError, match="cannot be written"):
            RemoteFile(url=HELLO).download(make_file() / "x.txt")


class TestExistingFile:
    def test_of_another_size_is_kept(self, scripted: Scripted, make_file: MakeFile) -> None:
        """Another file is not overwritten, and nothing is fetched for it."""
        server, session = scripted(PLAIN)
        path = make_file("scan.png")
        with pytest.raises(TransferError, match="is another file: choose another path"):
            remote(session).download(path)

        assert (1000, []) == (path.stat().st_size, server.received)

    def test_of_unknown_size_is_compared(self, scripted: Scripted, make_file: MakeFile) -> None:
        """Where nothing is known of the file, the contents are compared."""
        _, session = scripted(PLAIN)
        path = make_file("scan.png")
        with pytest.raises(TransferError, match="is another file"):
            remote(session, size=None).download(path)

        assert ["scan.png"] == files_in(path.parent)

    def test_with_the_same_content_is_fine(self, scripted: Scripted, tmp_path: Path) -> None:
        """The same content once more changes nothing."""
        _, session = scripted(PLAIN)
        first = remote(session).download(tmp_path)

        assert (first, ["scan.png"]) == (remote(session).download(tmp_path), files_in(tmp_path))

    def test_with_the_same_checksum_is_not_fetched(self, scripted: Scripted, tmp_path: Path) -> None:
        """Where size and MD5 are known, the file on disk is enough."""
        server, session = scripted(PLAIN)
        for _ in range(2):
            remote(session, checksum=MD5.upper()).download(tmp_path)

        assert 1 == len(server.received)

    def test_is_overwritten_on_demand(self, scripted: Scripted, make_file: MakeFile) -> None:
        """With `overwrite`, another file makes room."""
        _, session = scripted(PLAIN)

        assert CONTENT == remote(session).download(make_file("scan.png"), overwrite=True).read_bytes()

    def test_that_came_in_between_is_kept(self, scripted: Scripted, tmp_path: Path) -> None:
        """A file that appears while ours is fetched is not overwritten."""
        target = tmp_path / "scan.png"
        _, session = scripted(PLAIN)

        def appear(step: ProgressStep) -> None:
            if step.done:
                target.write_bytes(b"mine")

        with pytest.raises(TransferError, match="is another file"):
            remote(session).download(tmp_path, progress=appear)

        assert b"mine" == target.read_bytes()


class TestBrokenOff:
    def test_goes_on_where_it_broke_off(self, scripted: Scripted) -> None:
        """A file with an entity tag is asked for from the byte that is missing."""
        content = os.urandom(3_000_000)
        whole = reply(raw=content, headers=[("ETag", '"v1"')])
        start = 2 * 1024 * 1024
        rest = reply(
            206,
            raw=content[start:],
            headers=[("ETag", '"v1"'), ("Content-Range", f"bytes {start}-2999999/3000000")],
        )
        server, session = scripted(cut(whole, at=10), rest)

        assert content == remote(session, size=3_000_000).read()
        assert (f"bytes={start}-", '"v1"') == asked(server.received[1])

    def test_notices_that_the_file_changed(self, scripted: Scripted) -> None:
        """A stream whose file is another one by now ends: what was read of it does not fit."""
        whole = reply(raw=os.urandom(3_000_000), headers=[("ETag", '"v1"')])
        _, session = scripted(cut(whole, at=10), PLAIN)
        with (
            remote(session).open(verify=False) as stream,
            pytest.raises(TransferError, match="changed while it was"),
        ):
            stream.read()

    def test_begins_anew_with_a_file_that_changed(self, scripted: Scripted, tmp_path: Path) -> None:
        """Where nothing was given away yet, the other file is fetched whole."""
        whole = reply(raw=os.urandom(3_000_000), headers=[("ETag", '"v1"')])
        for fetch in (RemoteFile.read, lambda file: file.download(tmp_path).read_bytes()):
            _, session = scripted(cut(whole, at=10), PLAIN)

            assert CONTENT == fetch(remote(session))

    def test_gives_up_when_it_gets_no_further(self, scripted: Scripted) -> None:
        """A file that breaks off at the same byte again and again is an error."""
        server, session = scripted(cut(reply(raw=b"x" * 100, headers=[("ETag", '"v1"')]), at=10), retries=2)
        with pytest.raises(TransportError, match="broke off"):
            remote(session).read()

        assert 3 == len(server.received)


def asked(request: Received) -> tuple[str, str]:
    """Return which part of which version of a file a request asks for."""
    return request.headers["range"], request.headers["if-range"]


def test_uploaded_content_comes_back_the_same(session: Session, make_file: MakeFile, tmp_path: Path) -> None:
    """What was uploaded is what a download writes."""
    path = make_file("원본.bin", size=100_000)
    row = upload_file(session, path)
    file = RemoteFile(url=row["file"], size=row["size"], checksum=row["checksum"], session=session)

    assert path.read_bytes() == file.download(tmp_path / "back/").read_bytes()
    assert base64.b64encode(path.read_bytes()) == base64.b64encode(file.read())
