"""Files that go straight to the storage of a real backend, past a proxy that loses things on the way there."""

from __future__ import annotations

import hashlib

from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import attrs
import pytest

from synapse.dialects import v1_uploads
from synapse.errors import (
    AuthenticationError,
    TransferError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.sandbox import serve
from synapse.session import Session
from synapse.testing import canned
from synapse.transfer.local_file import LocalFile
from synapse.uploads.presigned import declined, send_presigned, upload_presigned
from synapse.uploads.presigned_put import NotStoredError
from tests.faults.hostile import LAST, MIDDLE, Proxy, answer, close, reset
from tests.objectstore import MIB, object_store
from tests.servers import Server, reply
from tests.unit.transfer.conftest import MakeFile, quick
from tests.unit.uploads.presigned_backend import (
    ASK,
    CONFIRM,
    World,
    address,
    by_name,
    refuse,
    rows,
    send,
    sha1,
)

DENIED = b"<?xml version='1.0'?><Error><Code>AccessDenied</Code></Error>"


@pytest.fixture(scope="module")
def running() -> Iterator[World]:
    """Run the storage, the backend and the proxies."""
    with ExitStack() as stack:
        store = stack.enter_context(object_store())
        storage = stack.enter_context(Proxy(address(store.url)))
        named = attrs.evolve(store, url=f"{storage.url}/photos")
        box = stack.enter_context(serve(object_storage=named))
        yield World(box, storage, stack.enter_context(Proxy(address(box.url))))


@pytest.fixture
def world(running: World) -> Iterator[World]:
    """The same, with nothing lost yet."""
    for proxy in (running.storage, running.backend):
        proxy.heal()
        proxy.received.clear()
    yield running
    for proxy in (running.storage, running.backend):
        proxy.heal()


class TestSend:
    def test_files_of_all_sizes_arrive(self, world: World, make_file: MakeFile) -> None:
        """One byte, a picture and three parts come back as they were, in the order given, and count once."""
        paths = [make_file(f"{size}.png", size=size) for size in (1, 100_000, 11 * MIB)]
        told: list[int] = []

        found = rows(send(world.session(), *paths, told=told))

        assert [sha1(path) for path in paths] == [row["checksum"] for row in found]
        assert [path.read_bytes() for path in paths] == [world.stored(row) for row in found]
        assert sum(path.stat().st_size for path in paths) == sum(told)

    def test_two_requests_a_batch_to_the_backend(self, world: World, make_file: MakeFile) -> None:
        """The backend is asked once and told once, and each file is one request to the storage."""
        rows(send(world.session(), *[make_file(f"{n}.png") for n in range(20)]))

        assert [f"POST /{ASK}", f"POST /{CONFIRM}"] == [each.line for each in world.backend.received]
        assert 20 == len(world.storage.requests("^PUT "))

    def test_more_than_a_batch_is_split(
        self, world: World, make_file: MakeFile, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """No request names more files than the backend takes, which are two hundred."""
        assert 200 == v1_uploads.MOST_FILES
        monkeypatch.setattr(v1_uploads, "MOST_FILES", 10)
        found = rows(send(world.session(), *[make_file(f"{n}.bin", size=20) for n in range(11)]))

        assert (11, 2) == (len({row["id"] for row in found}), len(world.backend.requests(ASK)))

    def test_a_unit_takes_the_checksum(self, world: World, make_file: MakeFile) -> None:
        """The row has what a unit names its file by, and that is known to the backend."""
        path = make_file()
        session = world.session()

        [row] = rows(send_presigned(session, [LocalFile.of(path)], direct=refuse, advanced=[].append))
        known = session.send(v1_uploads.verify_checksums([row["checksum"]])).data
        session.close()

        assert {"existing_checksums": [sha1(path)]} == known

    def test_known_checksum_is_believed(self, world: World, make_file: MakeFile) -> None:
        """Who has hashed a file before gives what came out; the others are hashed on the way."""
        first, second = make_file("a.bin"), make_file("b.bin")

        found = rows(send(world.session(), first, second, known=["a" * 40, None]))

        assert ["a" * 40, sha1(second)] == [row["checksum"] for row in found]

    def test_same_content_twice_is_one_file(self, world: World, make_file: MakeFile) -> None:
        """Equal files, in one batch or in two, are the same data file."""
        path = make_file()

        first, second = rows(send(world.session(), path, path))
        [third] = rows(send(world.session(), path))

        assert first == second == third

    def test_nothing_of_the_session_goes_to_the_storage(self, world: World, make_file: MakeFile) -> None:
        """No header that reaches the storage holds a token, or is of ours."""
        rows(send(world.session(), make_file(), make_file("b.bin", size=6 * MIB)))

        sent = [each.headers for each in world.storage.requests("^PUT ")]
        ours = [name for headers in sent for name in headers if "synapse" in name or "authorization" in name]
        assert (3, []) == (len(sent), ours)
        assert world.box.api_token not in str(sent)

    def test_empty_file_goes_directly(self, world: World, make_file: MakeFile) -> None:
        """The wire has no place for no bytes, so that the storage is not asked for one."""
        outcomes = send(world.session(), make_file(size=0), direct=by_name)

        assert ([{"direct": "scan.bin"}], []) == (rows(outcomes), world.backend.received)

    def test_missing_file_stops_no_other(self, world: World, make_file: MakeFile) -> None:
        """A file that is gone when its turn comes fails alone."""
        paths = [make_file(f"{n}.bin") for n in range(3)]
        sources = [LocalFile.of(path) for path in paths]
        paths[1].unlink()
        session = world.session()

        outcomes = send_presigned(session, sources, direct=refuse, advanced=[].append)
        session.close()

        assert outcomes is not None
        assert [False, True, False] == [isinstance(each.error, TransferError) for each in outcomes]

    def test_change_after_the_last_byte_is_not_registered(self, world: World, make_file: MakeFile) -> None:
        """A file that was written to while it travelled is an error, and the backend knows nothing of it."""
        path, before = make_file(), world.count()
        swap = answer(200, raw=b"")

        def act(exchange: Any) -> None:
            path.write_bytes(b"other")
            swap(exchange)

        world.storage.harm("^PUT ", act)

        [outcome] = send(world.session(), path)

        assert "changed while it was sent" in str(outcome.error)
        assert (before, 0) == (world.count(), len(world.backend.requests(CONFIRM)))


class TestFaults:
    @pytest.mark.parametrize("at", [0, MIDDLE, LAST], ids=["first", "middle", "last"])
    @pytest.mark.parametrize("of", ["request", "answer"])
    @pytest.mark.parametrize("act", [reset, close], ids=["reset", "close"])
    def test_cut_is_made_up_for(
        self, world: World, make_file: MakeFile, act: Any, of: Any, at: float
    ) -> None:
        """A connection to the storage that is cut at any byte costs at most one more request and nothing else."""
        path, told = make_file(size=200_000), list[int]()
        world.storage.harm("^PUT ", act, of=of, at=at)

        [row] = rows(send(world.session(), path, told=told))

        assert (sha1(path), 200_000) == (hashlib.sha1(world.stored(row)).hexdigest(), sum(told))
        assert len(world.storage.requests("^PUT ")) <= 2

    @pytest.mark.parametrize("nth", [1, 3])
    def test_cut_part_is_sent_again_alone(self, world: World, make_file: MakeFile, nth: int) -> None:
        """Of three parts, the one that was cut travels twice."""
        path = make_file(size=11 * MIB)
        world.storage.harm("^PUT ", reset, at=MIDDLE, nth=nth)

        [row] = rows(send(world.session(), path))

        assert (path.read_bytes(), 4) == (world.stored(row), len(world.storage.requests("^PUT ")))

    @pytest.mark.parametrize("act", [reset, close, answer(502, raw=b""), answer(500, {})])
    @pytest.mark.parametrize("of", ["request", "answer"])
    def test_lost_ask_is_asked_again(self, world: World, make_file: MakeFile, act: Any, of: Any) -> None:
        """To be told of places twice does no harm; a backend that fails leaves the file to the direct way."""
        world.backend.harm(ASK, act, of=of)

        [row] = rows(send(world.session(), make_file(), direct=by_name))

        assert row == {"direct": "scan.bin"} or "checksum" in row

    @pytest.mark.parametrize("size", [1000, 6 * MIB], ids=["whole", "parts"])
    @pytest.mark.parametrize(
        ("act", "of"),
        [(reset, "request"), (reset, "answer"), (close, "answer"), (answer(502, raw=b""), "request")],
        ids=["not-heard", "reset", "close", "gateway"],
    )
    def test_lost_confirmation_is_found(
        self, world: World, make_file: MakeFile, act: Any, of: Any, size: int
    ) -> None:
        """Whether it was heard or not, the file is registered once, and sent once."""
        path, before, told = make_file(size=size), world.count(), list[int]()
        world.backend.harm(CONFIRM, act, of=of)

        [row] = rows(send(world.session(), path, told=told))

        assert (sha1(path), before + 1, size) == (row["checksum"], world.count(), sum(told))
        assert size == sum(each.arrived for each in world.storage.requests("^PUT "))

    def test_confirmation_that_never_comes_is_unknown(self, world: World, make_file: MakeFile) -> None:
        """Where no answer comes at all, the error says that sending again doubles nothing."""
        world.backend.harm("(confirm_upload|verify_checksums)/", answer(502, raw=b""), times=float("inf"))

        [outcome] = send(world.session(), make_file())

        assert isinstance(outcome.error, WriteUnconfirmedError)
        assert "nothing is doubled" in str(outcome.error)

    def test_one_refused_file_goes_directly(self, world: World, make_file: MakeFile) -> None:
        """What the storage refuses is not sent there again, and the others are not held up."""
        paths, told = [make_file(f"{n}.bin") for n in range(3)], list[int]()
        world.storage.harm("^PUT ", answer(403, raw=DENIED, kind="application/xml"))

        found = rows(send(world.session(), *paths, direct=by_name, told=told))

        assert (1, 2) == (sum("direct" in row for row in found), sum("id" in row for row in found))
        assert (3, 2000) == (len(world.storage.requests("^PUT ")), sum(told))

    def test_strict_keeps_the_refusal(self, world: World, make_file: MakeFile) -> None:
        """Whoever insists on the storage is told what it says."""
        world.storage.harm("^PUT ", answer(403, raw=DENIED, kind="application/xml"))

        [outcome] = send(world.session(), make_file(), strict=True)

        assert isinstance(outcome.error, NotStoredError)
        assert "403 AccessDenied" in str(outcome.error)

    def test_storage_that_takes_nothing_is_left_alone(
        self, world: World, make_file: MakeFile, caplog: pytest.LogCaptureFixture
    ) -> None:
        """After some files in a row the session sends by the backend, and does not ask any more."""
        paths, told = [make_file(f"{n}.bin") for n in range(30)], list[int]()
        session = world.session(retries=0)
        world.storage.harm("^PUT ", reset, times=float("inf"))

        sources = [LocalFile.of(path) for path in paths]
        found = [send_presigned(session, sources, direct=by_name, advanced=told.append) for _ in range(2)]
        session.close()

        assert ([None, None], 0) == (found, sum(told))
        assert len(world.storage.requests("^PUT ")) < 20
        assert ["the storage took none of 8 files in a row; this session sends files by the backend"] == [
            record.getMessage() for record in caplog.records if record.levelname == "WARNING"
        ]

    def test_some_that_it_took_are_kept(self, world: World, make_file: MakeFile) -> None:
        """What arrived before the storage fell silent is registered, the rest goes directly."""
        paths = [make_file(f"{n}.bin") for n in range(30)]
        world.storage.harm("^PUT ", reset, nth=4, times=float("inf"))

        found = rows(send(world.session(retries=0), *paths, direct=by_name, workers=1))

        assert (3, 27, 11) == (
            sum("id" in row for row in found),
            sum("direct" in row for row in found),
            len(world.storage.requests("^PUT ")),
        )

    def test_object_that_is_not_there_goes_directly(self, world: World, make_file: MakeFile) -> None:
        """A proxy that says yes and stores nothing is found out by the backend."""
        told: list[int] = []
        world.storage.harm("^PUT ", answer(200, raw=b""))

        assert [{"direct": "scan.bin"}] == rows(send(world.session(), make_file(), direct=by_name, told=told))
        assert 0 == sum(told)

    def test_token_that_is_not_taken_is_told(self, world: World, make_file: MakeFile) -> None:
        """No way leads around a token that is wrong."""
        session = quick(world.backend.url, token="syn_wrong0123456789")

        outcomes = send(session, make_file("a.bin"), make_file("b.bin"))

        assert [AuthenticationError, AuthenticationError] == [type(each.error) for each in outcomes]


class TestDeclined:
    def test_is_remembered(self, session: Session, make_file: MakeFile) -> None:
        """A backend without a storage is asked once; then the session knows."""
        sources = [LocalFile.of(make_file())]

        with session.trace() as calls:
            found = [send_presigned(session, sources, direct=refuse, advanced=[].append) for _ in range(3)]

        assert ([None] * 3, 1, True) == (found, len(calls), declined(session))

    def test_is_known_of_this_session_only(self, session: Session, world: World) -> None:
        """Another session asks for itself."""
        other = world.session()

        assert not declined(other)
        other.close()

    @pytest.mark.parametrize("status", [400, 403, 404, 405, 501])
    def test_by_any_of_these(self, make_file: MakeFile, status: int) -> None:
        """Backends that have no such call, or do not let this token use it, say so in their ways."""
        with Server(reply(status, {"detail": "no"})) as server:
            session = quick(server.origin)

            assert (
                send_presigned(session, [LocalFile.of(make_file())], direct=refuse, advanced=[].append)
                is None
            )
            assert (True, 1) == (declined(session), len(server.received))
            session.close()

    def test_not_by_a_word_about_one_file(self, make_file: MakeFile) -> None:
        """A batch that is refused for one of its files goes directly, and the next one is asked about."""
        said = ValidationError("no", status_code=400, errors={"files.3.filename": ["odd"]})
        session = canned({f"POST {ASK}": said})

        found = send_presigned(session, [LocalFile.of(make_file())], direct=by_name, advanced=[].append)

        assert ([{"direct": "scan.bin"}], False) == (rows(found), declined(session))


class TestUpload:
    def test_gives_the_row(self, world: World, make_file: MakeFile) -> None:
        """One file has its key, whatever name it was sent under."""
        path, session = make_file(), world.session()

        row = upload_presigned(
            session, LocalFile.of(path), direct=refuse, advanced=[].append, name="교통.png"
        )
        session.close()

        assert row is not None
        assert ({"id", "checksum", "size"}, path.read_bytes()) == (set(row), world.stored(row))

    def test_looks_for_a_key_that_was_lost(self, world: World, make_file: MakeFile) -> None:
        """Where the answer with the key is lost, the file is found by its checksum."""
        path, session = make_file(), world.session()
        world.backend.harm(CONFIRM, reset, of="answer")

        row = upload_presigned(session, LocalFile.of(path), direct=refuse, advanced=[].append)
        session.close()

        assert row is not None
        assert (sha1(path), path.read_bytes()) == (row["checksum"], world.stored(row))

    def test_raises_what_went_wrong(self, world: World, make_file: MakeFile) -> None:
        """The error of the one file is raised."""
        session = world.session()
        world.storage.harm("^PUT ", answer(403, raw=DENIED, kind="application/xml"))

        with pytest.raises(NotStoredError):
            upload_presigned(
                session, LocalFile.of(make_file()), direct=refuse, advanced=[].append, strict=True
            )
        session.close()

    def test_is_none_where_the_backend_declines(self, session: Session, make_file: MakeFile) -> None:
        """The caller has another way."""
        source = LocalFile.of(make_file())

        assert upload_presigned(session, source, direct=refuse, advanced=[].append, strict=True) is None
