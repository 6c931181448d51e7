"""Chunked uploads that an earlier process began: what the backend may say of them, and what follows."""

from __future__ import annotations

import hashlib

from collections.abc import Callable
from pathlib import Path

import pytest

from synapse.errors import (
    AuthenticationError,
    OriginError,
    RateLimitError,
    ServerError,
    SynapseError,
    TransferError,
    TransportError,
    ValidationError,
)
from synapse.session import Session
from synapse.transfer import ProgressStep
from synapse.transfer.local_file import LocalFile
from synapse.uploads import upload_file, upload_in_chunks
from synapse.uploads.chunked import CHUNK
from synapse.uploads.local_state import claim_upload
from tests.servers import Server, reply, reset
from tests.servers import Step as Answer
from tests.unit.transfer.conftest import MakeFile, Scripted, upload_chunked
from tests.unit.uploads.test_chunked import state

GONE = reply(404, {"detail": "Not found."})
REFUSED = reply(400, {"detail": "checksum does not match"})
DONE = state(1000, status=2)

Begun = Callable[..., tuple[Server, Session, Path]]


def md5(path: Path) -> str:
    """Return the MD5 of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


@pytest.fixture
def begun(scripted: Scripted, make_file: MakeFile) -> Begun:
    """A file of 1000 bytes whose upload was begun, and is perhaps being closed with an MD5; then what is answered."""

    def make(*script: Answer, closed_with: str | None = None) -> tuple[Server, Session, Path]:
        path = make_file()
        server, session = scripted(*script, retries=0)
        with claim_upload(session, LocalFile.of(path), name=path.name, chunk_size=CHUNK) as entry:
            entry.begin(f"{server.origin}/chunked_upload/7/")
            if closed_with is not None:
                entry.close(closed_with or md5(path))
        return server, session, path

    return make


def address(session: Session, path: Path) -> str | None:
    """Return the address that the journal has for the upload of a file."""
    with claim_upload(session, LocalFile.of(path), name=path.name, chunk_size=CHUNK) as entry:
        return entry.address


class TestBegunUpload:
    def test_is_gone_on_with(self, begun: Begun) -> None:
        """Only what the backend lacks is sent; the MD5 is that of the whole file."""
        server, session, path = begun(state(600), state(1000), DONE)
        upload_chunked(session, path)

        assert ["GET /chunked_upload/7/", "PUT /chunked_upload/1/", "POST /chunked_upload/1/"] == server.lines
        assert "bytes 600-999/1000" == server.received[1].headers["content-range"]
        assert md5(path).encode() in server.received[2].body

    def test_counts_as_progress(self, begun: Begun) -> None:
        """What the backend has already is behind us, whoever sent it."""
        _, session, path = begun(state(600), state(1000), DONE)
        steps = list[ProgressStep]()
        upload_chunked(session, path, progress=steps.append)

        assert [0, 600, 1000] == [step.done for step in steps]

    def test_is_not_sent_again(self, begun: Begun) -> None:
        """Only the bytes that are not there yet travel."""
        server, session, path = begun(state(600), state(1000), DONE)
        upload_chunked(session, path)

        assert "bytes 600-999/1000" == server.received[1].headers["content-range"]

    def test_is_only_closed_if_all_is_there(self, begun: Begun) -> None:
        """No byte is sent when none is missing."""
        server, session, path = begun(state(1000), DONE)
        upload_chunked(session, path)

        assert ["GET", "POST"] == [one.method for one in server.received]

    def test_is_only_used_if_it_is_complete(self, begun: Begun) -> None:
        """An upload that was closed with the MD5 of this file needs nothing more."""
        server, session, path = begun(DONE, closed_with="")

        assert ("u1", ["GET"]) == (upload_chunked(session, path), [one.method for one in server.received])

    @pytest.mark.parametrize("closed_with", ["0" * 32, None])
    def test_is_not_used_if_it_was_closed_with_another_md5(
        self, begun: Begun, closed_with: str | None
    ) -> None:
        """A complete upload of other bytes is not this file."""
        server, session, path = begun(DONE, state(1000), DONE, closed_with=closed_with)
        upload_chunked(session, path)

        assert ["GET", "PUT", "POST"] == [one.method for one in server.received]

    @pytest.mark.parametrize(
        "answer",
        [GONE, reply(400, {}), reply(403, {}), reply(410, {}), reply(data=[]), state(2000), state(None)],
        ids=["404", "400", "403", "410", "no object", "too far", "nowhere"],
    )
    def test_that_leads_nowhere_is_begun_anew(self, begun: Begun, answer: bytes) -> None:
        """Whatever the backend says of it, the file is sent as if nothing had been remembered."""
        server, session, path = begun(answer, state(1000), DONE)
        upload_chunked(session, path)

        assert ["GET", "PUT", "POST"] == [one.method for one in server.received]
        assert "/chunked_upload/" == server.received[1].target

    @pytest.mark.parametrize(
        ("answer", "error"),
        [
            (reply(401, {}), AuthenticationError),
            (reply(429, {}), RateLimitError),
            (reply(500, {}), ServerError),
            (reset, TransportError),
        ],
        ids=["401", "429", "500", "reset"],
    )
    def test_stays_remembered_while_the_backend_cannot_tell(
        self, begun: Begun, answer: Answer, error: type[SynapseError]
    ) -> None:
        """What passes is the caller's to know of, and the upload is still there for the next call."""
        server, session, path = begun(answer)
        with pytest.raises(error):
            upload_chunked(session, path)

        assert f"{server.origin}/chunked_upload/7/" == address(session, path)

    def test_may_expire_and_the_next_one_too(self, begun: Begun) -> None:
        """An upload of an earlier call that is gone does not use up the patience of this one."""
        server, session, path = begun(state(600), GONE, state(600), GONE, state(600), state(1000), DONE)
        upload_chunked(session, path)

        assert ["GET", *["PUT"] * 5, "POST"] == [one.method for one in server.received]

    def test_is_sent_anew_if_its_md5_is_refused(self, begun: Begun) -> None:
        """The bytes of the earlier call may be others; those of this one decide."""
        server, session, path = begun(state(600), state(1000), REFUSED, state(1000), state(1000), DONE)
        upload_chunked(session, path)

        assert ["GET", "PUT", "POST", "GET", "PUT", "POST"] == [one.method for one in server.received]

    def test_is_sent_anew_once(self, begun: Begun) -> None:
        """A second refusal is an error, and nothing is left to go on with."""
        again = (REFUSED, state(1000))
        _, session, path = begun(state(600), state(1000), *again, state(1000), *again)
        with pytest.raises(TransferError, match="does not take its MD5"):
            upload_chunked(session, path)

        assert address(session, path) is None

    def test_leads_to_no_other_host(self, begun: Begun, scripted: Scripted) -> None:
        """An address of another host is refused now as it was then."""
        other, _ = scripted(state(1000))
        server, session, path = begun(state(600, url=f"{other.origin}/chunked_upload/7/"))
        with pytest.raises(OriginError):
            upload_chunked(session, path)

        assert [] == other.received


class TestRegistration:
    def test_is_what_an_upload_is_remembered_for(self, scripted: Scripted, make_file: MakeFile) -> None:
        """Until it is of use, a complete upload stays remembered, with what it was closed with."""
        path = make_file()
        server, session = scripted(state(1000), DONE)
        seen: list[object] = []

        def fail(key: str | int) -> None:
            seen.append(key)
            raise ValidationError("no such plugin", status_code=400, errors={"plugin": ["unknown"]})

        with pytest.raises(ValidationError, match="no such plugin"):
            upload_in_chunks(session, path, register=fail)

        assert (["u1"], f"{server.origin}/chunked_upload/1/") == (seen, address(session, path))

    def test_gives_its_result(self, scripted: Scripted, make_file: MakeFile) -> None:
        """What is made of the upload is returned, and the upload forgotten."""
        path = make_file()
        _, session = scripted(state(1000), DONE)

        assert "model u1" == upload_in_chunks(session, path, register=lambda key: f"model {key}")
        assert address(session, path) is None

    def test_that_does_not_take_a_remembered_upload_gets_a_new_one(self, begun: Begun) -> None:
        """A backend that has cleaned up its uploads is sent the file once more."""
        refused = reply(400, {"chunked_upload": ["Invalid pk - object does not exist."]})
        server, session, path = begun(DONE, refused, state(1000), DONE, reply(201, {"id": 5}), closed_with="")
        row = upload_file(session, path, chunked=True)

        assert (5, ["GET", "POST", "PUT", "POST", "POST"]) == (
            row["id"],
            [one.method for one in server.received],
        )

    def test_that_does_not_take_a_new_upload_is_an_error(
        self, scripted: Scripted, make_file: MakeFile
    ) -> None:
        """An upload of this very call that is refused is not sent again, nor gone on with."""
        path = make_file()
        refused = reply(400, {"chunked_upload": ["Invalid pk - object does not exist."]})
        _, session = scripted(state(1000), DONE, refused)
        with pytest.raises(ValidationError, match="Invalid pk"):
            upload_file(session, path, chunked=True)

        assert address(session, path) is None

    def test_of_damaged_bytes_is_not_gone_on_with(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A data file of other bytes than were sent is an error, and the next call begins anew."""
        path = make_file()
        _, session = scripted(state(1000), DONE, reply(201, {"id": 1, "checksum": "0" * 32}))
        with pytest.raises(TransferError, match="arrived damaged"):
            upload_file(session, path, chunked=True)

        assert address(session, path) is None


def test_a_damaged_close_is_not_gone_on_with(scripted: Scripted, make_file: MakeFile) -> None:
    """An upload whose state tells of other bytes is forgotten."""
    path = make_file()
    _, session = scripted(state(1000), state(1000, status=2, checksum="0" * 32))
    with pytest.raises(TransferError, match="arrived damaged"):
        upload_chunked(session, path)

    assert address(session, path) is None
