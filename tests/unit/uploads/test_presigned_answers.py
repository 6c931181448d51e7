"""What a backend may say to uploads that go straight to its storage, sense and nonsense."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synapse.errors import (
    AuthenticationError,
    ServerError,
    TransferError,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session import Retry, Session, Untried
from synapse.testing import CannedSession, canned
from synapse.transfer.local_file import LocalFile
from synapse.uploads.presigned import send_presigned, upload_presigned
from synapse.uploads.presigned_put import NotStoredError
from tests.servers import Server, reply
from tests.unit.transfer.conftest import MakeFile
from tests.unit.uploads.presigned_backend import ASK, CONFIRM, by_name, refuse, rows, send, sha1


class Reaching(CannedSession):
    """Has canned replies of a backend, and reaches out to a storage."""

    put = Session.put


def signing(storage: str, confirm: Any = None, **replies: Any) -> CannedSession:
    """Make a backend that signs addresses of *storage*, and confirms all or as it is told."""

    def places(request: Any) -> Any:
        return {
            "files": [
                {"file_key": f"k{n}", "presigned_url": f"{storage}/{n}"}
                for n in range(len(request.json["files"]))
            ]
        }

    def all_well(request: Any) -> Any:
        return {
            "results": [
                {"file_key": each["file_key"], "success": True, "data_file_id": 7}
                for each in request.json["files"]
            ]
        }

    said = {f"POST {ASK}": places, f"POST {CONFIRM}": confirm or all_well, **replies}
    return Reaching(said, retry=Retry(total=2, backoff=0.001))


class TestAnswers:
    @pytest.fixture
    def storage(self) -> Iterator[Server]:
        """A storage that takes everything."""
        with Server(reply()) as server:
            yield server

    @pytest.mark.parametrize(
        "said",
        [
            {},
            [],
            {"files": []},
            {"files": [{}]},
            {"files": [{"file_key": "k"}]},
            {"files": [{"file_key": "k", "presigned_url": "ftp://here/"}]},
            {"files": [{"file_key": "k", "presigned_url": "http://h/", "multipart": {}}]},
            {"files": [{"file_key": "k", "multipart": {"upload_id": "u", "part_size": 0, "parts": []}}]},
            {"files": [{"file_key": "k", "multipart": {"upload_id": "u", "part_size": 9, "parts": [{}]}}]},
        ],
    )
    def test_places_that_make_no_sense_are_not_used(self, make_file: MakeFile, said: Any) -> None:
        """The files go directly, or, for who insists, end with an error."""
        source = LocalFile.of(make_file())

        found = send_presigned(canned({f"POST {ASK}": said}), [source], direct=by_name, advanced=[].append)
        strict = send_presigned(
            canned({f"POST {ASK}": said}), [source], direct=refuse, advanced=[].append, strict=True
        )

        assert [{"direct": "scan.bin"}] == rows(found)
        assert strict is not None
        assert "an answer that cannot be used" in str(strict[0].error)
        assert isinstance(strict[0].error, TransportError)

    @pytest.mark.parametrize("said", [{}, {"results": None}, {"results": [{}, 3, {"file_key": 1}]}])
    def test_confirmation_that_cannot_be_read_is_looked_up(
        self, storage: Server, make_file: MakeFile, said: Any
    ) -> None:
        """What it does not say is asked for by the checksum."""
        path = make_file()
        held = {"POST data_files/verify_checksums/": {"existing_checksums": [sha1(path)]}}

        found = rows(send(signing(storage.origin, lambda _: said, **held), path))

        assert [sha1(path)] == [row["checksum"] for row in found]

    def test_refusal_after_a_lost_answer_is_looked_up(self, storage: Server, make_file: MakeFile) -> None:
        """Parts that were put together already cannot be again, which says that all is well."""
        path = make_file()
        verdicts = iter([{}, {"results": [{"file_key": "k0", "success": False, "error": "no such upload"}]}])
        held = iter([[], [sha1(path)]])
        known = {"POST data_files/verify_checksums/": lambda _: {"existing_checksums": next(held)}}

        found = rows(send(signing(storage.origin, lambda _: next(verdicts), **known), path))

        assert [sha1(path)] == [row["checksum"] for row in found]

    def test_backend_that_refuses_to_confirm_leaves_it_to_the_direct_way(
        self, storage: Server, make_file: MakeFile
    ) -> None:
        """A refusal of the whole batch is one of each file."""
        session = signing(storage.origin, ValidationError("odd", status_code=400))

        assert [{"direct": "scan.bin"}] == rows(send(session, make_file(), direct=by_name))

    @pytest.mark.parametrize("error", [AuthenticationError("no", status_code=401), TransportError("odd")])
    def test_confirmation_that_ends_in_an_error_is_told(
        self, storage: Server, make_file: MakeFile, error: Exception
    ) -> None:
        """What no other way would mend is the error of each file."""
        [outcome] = send(signing(storage.origin, error), make_file())

        assert type(error) is type(outcome.error)

    def test_backend_that_fails_to_confirm_is_told(self, storage: Server, make_file: MakeFile) -> None:
        """A backend that answers 500 to everything leaves it open what became of the file."""
        broken = ServerError("broken", status_code=500)
        session = signing(storage.origin, broken, **{"POST data_files/verify_checksums/": broken})

        [outcome] = send(session, make_file())

        assert isinstance(outcome.error, WriteUnconfirmedError)

    def test_unheard_ask_is_given_up(self, make_file: MakeFile) -> None:
        """A backend that never answers the ask is asked as often as the session says."""
        session = canned({f"POST {ASK}": WriteUnconfirmedError("lost")}, retry=Retry(total=2, backoff=0.001))

        [outcome] = send(session, make_file(), strict=True)

        assert (WriteUnconfirmedError, 3) == (type(outcome.error), len(session.requests))

    def test_watcher_that_raises_loses_no_outcome(self, storage: Server, make_file: MakeFile) -> None:
        """Who is told of progress may end what is being sent, but not what is known of the others."""
        sources = [LocalFile.of(make_file("a.bin", size=10)), LocalFile.of(make_file("b.bin", size=20))]

        def advanced(count: int) -> None:
            if count in (-10, 20, -20):
                raise Untried("ended")

        def refused(request: Any) -> Any:
            return {
                "results": [{"file_key": each["file_key"], "error": "gone"} for each in request.json["files"]]
            }

        found = send_presigned(
            signing(storage.origin, refused), sources, direct=refuse, advanced=advanced, strict=True
        )

        assert found is not None
        assert [NotStoredError, Untried] == [type(each.error) for each in found]

    def test_key_that_cannot_be_found_is_told(self, make_file: MakeFile) -> None:
        """A backend that registers a file and does not list it leaves no key to give."""
        with Server(reply()) as storage:
            said = {"results": [{"file_key": "k0", "success": True, "data_file_id": None}]}
            session = signing(storage.origin, lambda _: said, **{"GET data_files/": {"results": [{"id": 1}]}})

            with pytest.raises(TransferError, match="does not list it"):
                upload_presigned(session, LocalFile.of(make_file()), direct=refuse, advanced=[].append)
