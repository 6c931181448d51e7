"""Chunked uploads: on a real backend, behind a proxy that loses things, and against one that answers nonsense."""

from __future__ import annotations

import hashlib
import os
import socket
import threading
import tracemalloc

from pathlib import Path
from typing import Any

import pytest

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from synapse.dialects import Request
from synapse.errors import (
    ClientError,
    ConfigError,
    NotFoundError,
    OriginError,
    ServerError,
    SynapseError,
    TransferError,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session import Retry, Session
from synapse.testing import canned
from synapse.transfer.progress import ProgressStep
from tests.servers import Received, reply, reset
from tests.unit.transfer.conftest import MakeFile, Scripted, ThroughProxy, upload_chunked
from tests.unit.transfer.proxy import Fault

LOST = Fault(lost=True)
GONE = Fault(answer=reply(410, {"detail": "Upload has expired"}))
STORE = "data_files/"


def stored(session: Session, upload: str | int) -> str:
    """Register a completed upload and return the MD5 that the backend has computed."""
    row = session.send(Request("POST", STORE, json={"chunked_upload": upload})).data
    return str(row["checksum"])


def md5(path: Path) -> str:
    """Return the MD5 of a file."""
    return hashlib.md5(path.read_bytes()).hexdigest()


def state(offset: object, *, url: str | None = "/chunked_upload/1/", **rest: object) -> bytes:
    """Answer with the state of an upload."""
    return reply(data={"id": "u1", "url": url, "offset": offset, "status": 1, "completed_at": None, **rest})


class TestChunks:
    @pytest.mark.parametrize("size", [0, 1, 999, 1000, 1001, 2500])
    def test_arrive_whole(self, session: Session, make_file: MakeFile, size: int) -> None:
        """Whatever the size, the backend has the bytes of the file."""
        path = make_file(size=size)

        assert md5(path) == stored(session, upload_chunked(session, path, chunk_size=1000))

    def test_say_where_they_belong(self, scripted: Scripted, make_file: MakeFile) -> None:
        """Each chunk has a range; its part is called `file`, its field has the file's name."""
        path = make_file("사진.png", size=1500)
        server, session = scripted(state(1000), state(1500), state(1500, status=2))
        upload_chunked(session, path, chunk_size=1000)
        puts = server.received[:2]

        assert ["bytes 0-999/1500", "bytes 1000-1499/1500"] == [put.headers["content-range"] for put in puts]
        assert all('name="filename"\r\n\r\n사진.png\r\n'.encode() in put.body for put in puts)
        assert all(b'name="file"; filename="file"\r\n\r\n' in put.body for put in puts)

    def test_follow_the_answered_offset(self, scripted: Scripted, make_file: MakeFile) -> None:
        """The backend may ask for less, or for more, than what comes next."""
        path = make_file(size=1000)
        script = [state(500), state(200), state(900), state(1000), state(1000, status=2)]
        server, session = scripted(*script)
        upload_chunked(session, path, chunk_size=600)
        starts = [put.headers["content-range"].partition("-")[0] for put in server.received[:4]]

        assert ["bytes 0", "bytes 500", "bytes 200", "bytes 900"] == starts
        assert md5(path).encode() in server.received[4].body

    def test_report_progress(self, session: Session, make_file: MakeFile) -> None:
        """Every byte is counted once, up to the whole."""
        steps = list[ProgressStep]()
        upload_chunked(session, make_file(size=2500), chunk_size=1000, progress=steps.append)

        assert [0, 1000, 2000, 2500] == [step.done for step in steps]

    def test_are_never_held_in_memory(self, session: Session, tmp_path: Path) -> None:
        """A chunk of 64 MiB needs no more memory than a small one."""
        path = tmp_path / "large.bin"
        path.touch()
        os.truncate(path, 64 * 1024 * 1024)
        tracemalloc.start()
        try:
            upload_chunked(session, path, chunk_size=64 * 1024 * 1024)
            assert tracemalloc.get_traced_memory()[1] < 16 * 1024 * 1024
        finally:
            tracemalloc.stop()

    @pytest.mark.parametrize("size", [0, -1, 1.5, True, None])
    def test_have_a_size(self, session: Session, make_file: MakeFile, size: object) -> None:
        """A chunk size that is no number of bytes is refused before anything is sent."""
        with session.trace() as calls, pytest.raises(TransferError, match="chunk_size"):
            upload_chunked(session, make_file(), chunk_size=size)  # type: ignore[arg-type]

        assert 0 == len(calls)


class TestLostChunk:
    @pytest.mark.parametrize("number", [1, 2, 3])
    @pytest.mark.parametrize("fault", [LOST, Fault(cut=700)])
    def test_costs_nothing_but_time(
        self, through_proxy: ThroughProxy, make_file: MakeFile, number: int, fault: Fault
    ) -> None:
        """Whichever chunk is lost, and however, the backend ends with the bytes of the file."""
        path = make_file(size=2500)
        _, session = through_proxy({number: fault})

        assert md5(path) == stored(session, upload_chunked(session, path, chunk_size=1000))

    def test_is_asked_for(self, through_proxy: ThroughProxy, make_file: MakeFile) -> None:
        """The state of the upload tells whether the chunk has arrived; it is not sent again before that."""
        path = make_file(size=2500)
        proxy, session = through_proxy({2: LOST})
        upload = upload_chunked(session, path, chunk_size=1000)

        assert ["PUT", "PUT", "GET", "PUT", "POST"] == [line.split()[0] for line in proxy.lines]
        assert md5(path) == stored(session, upload)

    def test_is_sent_again_if_it_never_arrived(
        self, through_proxy: ThroughProxy, make_file: MakeFile
    ) -> None:
        """A chunk that was cut is sent again from the offset that the backend has."""
        path = make_file(size=2500)
        proxy, session = through_proxy({2: Fault(cut=700)})
        upload = upload_chunked(session, path, chunk_size=1000)

        assert ["PUT", "PUT", "GET", "PUT", "PUT", "POST"] == [line.split()[0] for line in proxy.lines]
        assert md5(path) == stored(session, upload)

    def test_that_did_arrive_is_told_by_the_refusal_of_the_next(
        self, scripted: Scripted, make_file: MakeFile
    ) -> None:
        """A backend that is elsewhere says where it waits."""
        offsets = {"detail": "Offsets do not match", "expected_offset": 800, "provided_offset": 500}
        server, session = scripted(state(500), reply(400, offsets), state(1000), state(1000, status=2))
        upload_chunked(session, make_file(), chunk_size=500)

        assert "bytes 800-999/1000" == server.received[2].headers["content-range"]

    def test_is_an_error_if_it_was_the_first(self, through_proxy: ThroughProxy, make_file: MakeFile) -> None:
        """Before the first answer there is no upload to ask about."""
        _, session = through_proxy({1: LOST}, retries=0)
        with pytest.raises(TransportError, match="the connection was lost"):
            upload_chunked(session, make_file())


class TestBackendThatIsAway:
    @pytest.mark.parametrize("answer", [reply(500), reply(502), reset], ids=["500", "502", "reset"])
    def test_is_asked_where_to_go_on(self, scripted: Scripted, make_file: MakeFile, answer: Any) -> None:
        """After an error of its own, too, the backend says how far it has got; that is where the upload goes on."""
        path = make_file()
        server, session = scripted(
            state(500), answer, state(900), state(1000), state(1000, status=2), retries=0
        )
        upload_chunked(session, path, chunk_size=500)

        assert ["PUT", "PUT", "GET", "PUT", "POST"] == [one.method for one in server.received]
        assert "bytes 900-999/1000" == server.received[3].headers["content-range"]

    def test_is_waited_for(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A backend that starts anew is asked more than once, also when the upload is to be closed."""
        away = (reset, reply(503), reset)
        script = [state(500), *away, state(500), state(1000), *away, state(1000), state(1000, status=2)]
        server, session = scripted(*script, retries=0)
        upload_chunked(session, make_file(), chunk_size=500)

        expected = ["PUT", "PUT", "GET", "GET", "GET", "PUT", "POST", "GET", "GET", "GET", "POST"]
        assert expected == [one.method for one in server.received]

    def test_is_not_waited_for_without_end(self, scripted: Scripted, make_file: MakeFile) -> None:
        """One that stays away ends the upload with the error of the connection."""
        server, session = scripted(state(500), reset, retries=0)
        with pytest.raises(TransportError, match="GET /chunked_upload/1/"):
            upload_chunked(session, make_file(), chunk_size=500)

        assert 1 + 1 + 5 == len(server.received)

    @pytest.mark.parametrize("before", [0, 1, 2])
    def test_is_not_waited_for_longer_than_allowed(
        self, scripted: Scripted, make_file: MakeFile, before: int
    ) -> None:
        """A pause of an hour ends the upload at once, with the time at which it goes on."""
        busy = reply(503, {}, headers=[("Retry-After", "3600")])
        server, session = scripted(*[state(500), state(1000)][:before], busy)
        with pytest.raises(ServerError, match="allows no more: try again at"):
            upload_chunked(session, make_file(), chunk_size=500)

        assert before + 1 == len(server.received)

    def test_that_is_asked_after_a_timeout_of_its_own(self, scripted: Scripted, make_file: MakeFile) -> None:
        """408 to a chunk is no refusal: the backend tells what it has."""
        server, session = scripted(state(500), reply(408, {}), state(900), state(1000), state(1000, status=2))
        upload_chunked(session, make_file(), chunk_size=500)

        assert ["PUT", "PUT", "GET", "PUT", "POST"] == [one.method for one in server.received]

    def test_that_only_fails_ends_with_its_own_error(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A backend that tells its state, but takes no chunk, is quoted on why."""
        failures = [step for _ in range(5) for step in (reply(500, {"detail": "disk full"}), state(500))]
        _, session = scripted(state(500), *failures, retries=0)
        with pytest.raises(ServerError, match="disk full"):
            upload_chunked(session, make_file(), chunk_size=500)


FAULTS = st.sampled_from([LOST, Fault(cut=0), Fault(cut=700), GONE, Fault(answer=reply(503))])


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(faults=st.dictionaries(st.integers(1, 12), FAULTS, max_size=6), retries=st.integers(0, 2))
def test_no_fault_makes_wrong_bytes_good(
    through_proxy: ThroughProxy, make_file: MakeFile, faults: dict[int, Fault], retries: int
) -> None:
    """Whatever is lost on the way, an upload either has the bytes of the file or ends with a typed error."""
    path = make_file(size=2500)
    proxy, session = through_proxy(faults, retries=retries)
    try:
        upload = upload_chunked(session, path, chunk_size=1000)
    except SynapseError:
        return
    proxy.faults.clear()

    assert md5(path) == stored(session, upload)


class TestGoneUpload:
    @pytest.mark.parametrize("number", [2, 4])
    def test_is_begun_anew(self, through_proxy: ThroughProxy, make_file: MakeFile, number: int) -> None:
        """An upload that has expired, even when it is closed, is sent once more from its first byte."""
        path = make_file(size=2500)
        _, session = through_proxy({number: GONE})

        assert md5(path) == stored(session, upload_chunked(session, path, chunk_size=1000))

    def test_is_begun_anew_once_only(self, through_proxy: ThroughProxy, make_file: MakeFile) -> None:
        """A second expiry is the backend's last word."""
        _, session = through_proxy({2: GONE, 4: GONE})
        with pytest.raises(ClientError) as caught:
            upload_chunked(session, make_file(size=2500), chunk_size=1000)

        assert 410 == caught.value.status_code

    def test_is_begun_anew_if_its_state_is_gone(self, scripted: Scripted, make_file: MakeFile) -> None:
        """An upload that cannot be found when it is asked about is gone, too."""
        gone = reply(404, {"detail": "Not found."})
        server, session = scripted(state(500), reset, gone, state(500), state(1000), state(1000), retries=0)
        upload_chunked(session, make_file(), chunk_size=500)

        assert ["PUT", "PUT", "GET", "PUT", "PUT", "POST"] == [one.method for one in server.received]

    def test_that_never_was_is_an_error(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A refusal of the very first chunk is raised as it is."""
        server, session = scripted(reply(404, {"detail": "Not found."}))
        with pytest.raises(NotFoundError):
            upload_chunked(session, make_file())

        assert 1 == len(server.received)


class TestClosing:
    def test_recognises_an_upload_whose_last_answer_was_lost(
        self, through_proxy: ThroughProxy, make_file: MakeFile
    ) -> None:
        """A finished upload is recognised by its state, and nothing is sent again."""
        path = make_file()
        proxy, session = through_proxy({2: LOST})
        upload = upload_chunked(session, path)

        assert ["PUT", "POST", "GET"] == [line.split()[0] for line in proxy.lines]
        assert md5(path) == stored(session, upload)

    def test_is_repeated_if_it_never_arrived(self, through_proxy: ThroughProxy, make_file: MakeFile) -> None:
        """An upload that is still open is closed again."""
        path = make_file()
        proxy, session = through_proxy({2: Fault(cut=1)})
        upload = upload_chunked(session, path)

        assert ["PUT", "POST", "GET", "POST"] == [line.split()[0] for line in proxy.lines]
        assert md5(path) == stored(session, upload)

    def test_ends_with_the_unknown_outcome(self, scripted: Scripted, make_file: MakeFile) -> None:
        """An upload that stays open while every answer is lost is not called good."""
        steps = [step for _ in range(5) for step in (reset, state(1000))]
        _, session = scripted(state(1000), *steps)
        with pytest.raises(WriteUnconfirmedError):
            upload_chunked(session, make_file())

    def test_tells_of_other_bytes(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A refused MD5 is an error that says so, with the backend's own behind it."""
        refusal = reply(400, {"detail": "checksum does not match"})
        _, session = scripted(state(1000), refusal, state(1000))
        with pytest.raises(TransferError, match="does not take its MD5 .* Nothing was registered") as caught:
            upload_chunked(session, make_file())

        assert ValidationError is type(caught.value.__cause__)

    def test_compares_the_answered_checksum(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A checksum of other bytes is an error, though the backend did not mind."""
        _, session = scripted(state(1000), state(1000, status=2, checksum="0" * 32))
        with pytest.raises(TransferError, match="arrived damaged: its MD5 is"):
            upload_chunked(session, make_file())

    @pytest.mark.parametrize("key", [None, True, 1.5])
    def test_needs_an_id(self, scripted: Scripted, make_file: MakeFile, key: object) -> None:
        """An upload without an id can be of no use."""
        _, session = scripted(state(1000), state(1000, id=key))
        with pytest.raises(TransferError, match="has no id"):
            upload_chunked(session, make_file())

    def test_of_an_empty_file_can_be_refused(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A backend that takes no empty upload says so itself."""
        _, session = scripted(reply(400, {"detail": "No chunk file was submitted"}))
        with pytest.raises(ValidationError, match="No chunk"):
            upload_chunked(session, make_file(size=0))


class TestChangingFile:
    def test_is_never_completed(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A file that is written to between two chunks is not gone on with."""
        path = make_file(size=1000)
        server, session = scripted(state(500))

        def touch(step: ProgressStep) -> None:
            if step.done:
                path.touch()

        with pytest.raises(TransferError, match="changed while it was sent"):
            upload_chunked(session, path, chunk_size=500, progress=touch)

        assert "POST" not in [one.method for one in server.received]

    def test_is_never_completed_after_its_last_chunk(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A file that is replaced after its last byte was read is not called good."""
        path = make_file(size=1000)

        def replace(connection: socket.socket, _: Received) -> None:
            make_file("other", size=1000).replace(path)
            connection.sendall(state(1000))

        server, session = scripted(replace)
        with pytest.raises(TransferError, match="changed while it was sent"):
            upload_chunked(session, path)

        assert ["PUT"] == [one.method for one in server.received]


class TestNonsense:
    @pytest.mark.parametrize("offset", [None, -1, 1001, True, "500"])
    def test_offset_is_refused(self, scripted: Scripted, make_file: MakeFile, offset: object) -> None:
        """An offset that cannot be is an error, not a loop."""
        _, session = scripted(state(offset))
        with pytest.raises(TransferError, match="names no place to go on"):
            upload_chunked(session, make_file())

    def test_url_is_refused(self, scripted: Scripted, make_file: MakeFile) -> None:
        """An upload without an address cannot be gone on with."""
        _, session = scripted(state(1000, url=None))
        with pytest.raises(TransferError, match="names no place to go on"):
            upload_chunked(session, make_file())

    def test_answer_is_refused(self, scripted: Scripted, make_file: MakeFile) -> None:
        """An answer that is no object is an error of the transport."""
        _, session = scripted(reply(data=["no"]))
        with pytest.raises(TransportError, match="expected an object"):
            upload_chunked(session, make_file())

    def test_standstill_ends(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A backend that takes chunks and keeps none is given up."""
        server, session = scripted(state(500), state(0))
        with pytest.raises(TransferError, match="gets no further than 500 of 1000 bytes"):
            upload_chunked(session, make_file(), chunk_size=500)

        assert 6 == len(server.received)

    def test_other_refusal_is_raised(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A refusal that names no offset is the backend's own error."""
        _, session = scripted(state(500), reply(400, {"detail": "Size of file exceeds the limit"}))
        with pytest.raises(ValidationError, match="exceeds the limit"):
            upload_chunked(session, make_file(), chunk_size=500)

    @pytest.mark.parametrize("size", [500, 1000])
    def test_foreign_address_never_gets_the_token(
        self, scripted: Scripted, make_file: MakeFile, size: int
    ) -> None:
        """An upload address on another host is refused, and that host hears nothing."""
        other, _ = scripted(state(1000))
        _, session = scripted(state(size, url=f"{other.origin}/chunked_upload/1/"))
        with pytest.raises(OriginError, match=other.origin):
            upload_chunked(session, make_file(), chunk_size=size)

        assert [] == other.received

    def test_foreign_address_at_the_end_is_refused_as_well(
        self, scripted: Scripted, make_file: MakeFile
    ) -> None:
        """The address may not change to another host's on the way."""
        other, _ = scripted(state(1000))
        _, session = scripted(state(500), state(1000, url=f"{other.origin}/chunked_upload/1/"))
        with pytest.raises(OriginError, match=other.origin):
            upload_chunked(session, make_file(), chunk_size=500)

        assert [] == other.received

    def test_state_on_another_host_is_not_asked_for(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A question that is sent on to another host is not asked there, nor again."""
        other, _ = scripted(state(1000))
        away = reply(302, {}, headers=[("Location", f"{other.origin}/")])
        server, session = scripted(state(500), reply(500), away, retries=0)
        with pytest.raises(OriginError, match=other.origin):
            upload_chunked(session, make_file(), chunk_size=500)

        assert (3, []) == (len(server.received), other.received)


def test_a_pause_ends_with_the_session(make_file: MakeFile) -> None:
    """Whoever closes the session need not wait for an upload that waits."""
    session = canned({}, retry=Retry(backoff=100_000, cap=100_000))
    ended: list[Exception] = []

    def standstill(_: Request) -> dict[str, object]:
        session.close()
        return {"offset": 0, "url": f"{session.host}/u/1", "id": 1}

    def upload() -> None:
        try:
            upload_chunked(session, make_file())
        except SynapseError as error:
            ended.append(error)

    session.replies["PUT chunked_upload/"] = standstill
    thread = threading.Thread(target=upload, daemon=True)
    thread.start()
    thread.join(20)

    assert [ConfigError] == [type(error) for error in ended]
