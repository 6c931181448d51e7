"""Files that become data files."""

from __future__ import annotations

import hashlib

from pathlib import Path
from typing import Any

import pytest

from synapse.errors import (
    PermissionDeniedError,
    TransferError,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session import Session
from synapse.testing import canned, page
from synapse.transfer import ProgressStep
from synapse.uploads import routes as module
from synapse.uploads import upload_file
from tests.servers import reply, reset
from tests.unit.transfer.conftest import MakeFile, Scripted, ThroughProxy
from tests.unit.transfer.proxy import Fault

EMPTY = hashlib.md5(b"").hexdigest()
REFUSED = reply(400, {"file": ["The submitted file is empty."]})


def md5(path: Path) -> str:
    """Return the MD5 of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


class TestUploadFile:
    @pytest.mark.parametrize("chunked", [True, False, None])
    def test_returns_the_row(self, session: Session, make_file: MakeFile, chunked: bool | None) -> None:
        """Either way, the backend has the bytes."""
        path = make_file("사진.png")
        row = upload_file(session, path, chunked=chunked, chunk_size=300)

        assert (md5(path), 1000) == (row["checksum"], row["size"])

    def test_goes_in_chunks_when_it_is_large(
        self, session: Session, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Files above the limit go in chunks by themselves, those of exactly the limit do not."""
        monkeypatch.setattr(module, "LARGEST_DIRECT", 1000)
        with session.trace() as calls:
            upload_file(session, make_file(size=1000))
            upload_file(session, make_file(size=1001))

        assert ["POST", "PUT", "POST", "POST"] == [call.method for call in calls]

    def test_can_be_sent_under_another_name(self, session: Session, make_file: MakeFile) -> None:
        """The name that is given goes in place of the file's own."""
        url = upload_file(session, make_file(), name="other.bin")["file"]

        assert url.partition("?")[0].endswith("/other.bin")

    @pytest.mark.parametrize("name", ['quo"te\r\n사진.bin', "n" * 250])
    @pytest.mark.parametrize("chunked", [True, False])
    def test_can_be_sent_under_any_name(
        self, session: Session, make_file: MakeFile, name: str, chunked: bool
    ) -> None:
        """Names that have quotes and line breaks, and long ones get through."""
        path = make_file()

        assert md5(path) == upload_file(session, path, chunked=chunked, name=name)["checksum"]

    @pytest.mark.parametrize("name", [f"{'사' * 83}xy.png", "\"'quo\"te'.bin", "two\r\nlines\n.bin"])
    @pytest.mark.parametrize("chunked", [True, False])
    def test_takes_files_of_any_name(
        self, session: Session, make_file: MakeFile, name: str, chunked: bool
    ) -> None:
        """Files whose names are as long as can be, or have quotes and line breaks in them, arrive whole."""
        path = make_file(name)

        assert md5(path) == upload_file(session, path, chunked=chunked, chunk_size=400)["checksum"]

    @pytest.mark.parametrize("name", ["", 7, b"scan.png", "a\ud800.bin"])
    @pytest.mark.parametrize("chunked", [True, False])
    def test_needs_a_name_that_is_text(
        self, session: Session, make_file: MakeFile, name: object, chunked: bool
    ) -> None:
        """A name that is none is refused."""
        with pytest.raises(TransferError, match="name must be text|is no UTF-8"):
            upload_file(session, make_file(), name=name, chunked=chunked)  # type: ignore[arg-type]

    def test_is_repeated_when_it_was_refused_for_now(
        self, through_proxy: ThroughProxy, make_file: MakeFile
    ) -> None:
        """A backend that is busy gets the whole body again, and it is hashed once."""
        path, steps = make_file(), list[ProgressStep]()
        _, session = through_proxy({1: Fault(answer=reply(503))})
        row = upload_file(session, path, progress=steps.append)

        assert (md5(path), [0, 1000]) == (row["checksum"], [step.done for step in steps])

    def test_gives_the_row_of_known_content(self, session: Session, make_file: MakeFile) -> None:
        """The same bytes are the same data file."""
        path = make_file()

        assert upload_file(session, path)["id"] == upload_file(session, path, chunked=True)["id"]

    def test_reports_progress(self, session: Session, make_file: MakeFile) -> None:
        """Progress ends at the size of the file, under its name."""
        steps = list[ProgressStep]()
        upload_file(session, make_file(), progress=steps.append)

        assert [ProgressStep(0, 1000, "scan.bin"), ProgressStep(1000, 1000, "scan.bin")] == steps

    @pytest.mark.parametrize("path", [None, "missing.png", "/"])
    def test_sends_nothing_for_what_is_no_file(self, session: Session, path: object) -> None:
        """Bad paths are refused before anything is sent."""
        with session.trace() as calls, pytest.raises(TransferError):
            upload_file(session, path)  # type: ignore[arg-type]

        assert 0 == len(calls)

    def test_refuses_a_route_that_is_none(self, session: Session, make_file: MakeFile) -> None:
        """`chunked` is a flag or nothing."""
        with pytest.raises(TransferError, match="chunked must be True, False or None"):
            upload_file(session, make_file(), chunked="yes")  # type: ignore[arg-type]

    def test_is_stopped_by_a_file_that_changes(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A file that is written to while it is sent never arrives whole."""
        path = make_file(size=500_000)
        server, session = scripted(reply(201, {"id": 1}))

        def touch(step: ProgressStep) -> None:
            if step.done:
                path.write_bytes(b"short")

        with pytest.raises(TransferError, match="changed while it was sent"):
            upload_file(session, path, progress=touch)


class TestEmptyFile:
    @pytest.mark.parametrize("chunked", [True, None])
    def test_gets_through(self, session: Session, make_file: MakeFile, chunked: bool | None) -> None:
        """Where a form takes no empty file, a chunked upload without chunks may."""
        assert EMPTY == upload_file(session, make_file(size=0), chunked=chunked)["checksum"]

    def test_goes_directly_where_that_works(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A backend that takes it directly gets one request."""
        server, session = scripted(reply(201, {"id": 1, "checksum": EMPTY}))
        upload_file(session, make_file(size=0))

        assert ["POST /data_files/"] == server.lines

    @pytest.mark.parametrize("chunked", [True, False, None])
    def test_is_a_clear_error_elsewhere(
        self, scripted: Scripted, make_file: MakeFile, chunked: bool | None
    ) -> None:
        """A backend that takes it by no route is told apart from a bad file."""
        _, session = scripted(REFUSED)
        with pytest.raises(TransferError, match="is empty, and the backend takes no empty file"):
            upload_file(session, make_file(size=0), chunked=chunked)


class TestRefusal:
    def test_is_raised_as_it_is(self, scripted: Scripted, make_file: MakeFile) -> None:
        """What the backend says of a file is the caller's to read."""
        _, session = scripted(reply(400, {"file": ["Too odd."]}))
        with pytest.raises(ValidationError, match="Too odd"):
            upload_file(session, make_file())

    @pytest.mark.parametrize("row", [{"checksum": "0" * 32}, {"size": 5}])
    def test_is_ours_when_the_row_is_of_other_bytes(
        self, scripted: Scripted, make_file: MakeFile, row: dict[str, object]
    ) -> None:
        """A row with another checksum or size is no success."""
        _, session = scripted(reply(201, {"id": 1, **row}))
        with pytest.raises(TransferError, match="arrived damaged"):
            upload_file(session, make_file())

    def test_leaves_other_checksums_alone(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A checksum that is no MD5 cannot be compared."""
        _, session = scripted(reply(201, {"id": 1, "checksum": "f" * 40, "size": None}))

        assert 1 == upload_file(session, make_file())["id"]

    def test_is_ours_when_there_is_no_row(self, scripted: Scripted, make_file: MakeFile) -> None:
        """An answer that is no object is no data file."""
        _, session = scripted(reply(201, []))
        with pytest.raises(TransportError, match="expected an object"):
            upload_file(session, make_file())


class TestLostAnswer:
    @pytest.mark.parametrize(("chunked", "number"), [(False, 1), (True, 3)])
    def test_is_found_by_content(
        self, through_proxy: ThroughProxy, make_file: MakeFile, chunked: bool, number: int
    ) -> None:
        """The row of a file whose answer was lost is looked up by its checksum, and nothing is sent again."""
        path = make_file()
        proxy, session = through_proxy({number: Fault(lost=True)})
        row = upload_file(session, path, chunked=chunked)

        assert (md5(path), "GET") == (row["checksum"], proxy.lines[-1].split()[0])

    def test_is_made_up_for_by_sending_again_if_it_is_not_found(
        self, through_proxy: ThroughProxy, make_file: MakeFile
    ) -> None:
        """What the backend does not have is sent once more: by its content, it is stored once all the same."""
        path = make_file()
        proxy, session = through_proxy({1: Fault(cut=100)})
        row = upload_file(session, path)

        assert (md5(path), ["POST", "GET", "POST"]) == (
            row["checksum"],
            [line.split()[0] for line in proxy.lines],
        )

    def test_stays_unknown_if_it_is_never_found(
        self, through_proxy: ThroughProxy, make_file: MakeFile
    ) -> None:
        """A file that the backend does not have is not called good, nor sent without end."""
        proxy, session = through_proxy({1: Fault(cut=100), 3: Fault(cut=1)}, retries=1)
        with pytest.raises(WriteUnconfirmedError):
            upload_file(session, make_file())

        assert ["POST", "GET", "POST", "GET"] == [line.split()[0] for line in proxy.lines]

    def test_is_not_mistaken_for_another_file(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A backend that ignores the filter answers with other files, which are not taken."""
        page = reply(data={"results": ["odd", {"id": 9, "checksum": "0" * 32}]})
        _, session = scripted(reset, page, retries=0)
        with pytest.raises(WriteUnconfirmedError):
            upload_file(session, make_file())


def test_other_refusals_pass(scripted: Scripted, make_file: MakeFile) -> None:
    """Errors that are not about the values are raised as they are, for an empty file too."""
    _, session = scripted(reply(403, {"detail": "no"}))
    with pytest.raises(PermissionDeniedError):
        upload_file(session, make_file(size=0))


@pytest.mark.parametrize("answer", [None, [], "ok"])
def test_an_odd_answer_is_made_up_for_by_the_content(make_file: MakeFile, answer: Any) -> None:
    """After a success that names no file, the file is found by its checksum."""
    path = make_file()
    row = {"id": 5, "checksum": md5(path)}
    session = canned({"POST data_files/": answer, "GET data_files/": page(row)})

    assert row == upload_file(session, path)
