"""One file on its way into a storage: who refused it, what is repeated, and what is known of it afterwards."""

from __future__ import annotations

import hashlib
import os

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse.dialects.uploads import StoredFile, UploadTarget
from synapse.errors import TransferError
from synapse.session import Retry, Session
from synapse.transfer.local_file import LocalFile
from synapse.uploads.presigned_put import NotStoredError, put_file
from tests.servers import Server, Step, reply, reset
from tests.unit.transfer.conftest import MakeFile, Scripted, quick

SECRET = "f00dfeed"
TOKEN = "syn_0123456789"
OK = reply(headers=[("ETag", '"e1"')])


def refusal(status: int, code: str, *, message: str = "No.", start: str = "<?xml version='1.0'?>\n") -> bytes:
    """Refuse as a storage does."""
    body = f"{start}<Error><Code>{code}</Code><Message>{message}</Message><StringToSign>{SECRET}</StringToSign></Error>"
    return reply(status, raw=body.encode(), headers=[("Content-Type", "application/xml")])


def page(status: int, text: str = "<html><title>Gateway</title></html>") -> bytes:
    """Refuse as a proxy does."""
    return reply(status, raw=text.encode(), headers=[("Content-Type", "text/html")])


def put(
    session: Session, path: Path, origin: str, *, told: list[int] | None = None, parts: int = 0
) -> StoredFile:
    """Put a file to one address, or to several."""
    source = LocalFile.of(path)
    urls = tuple(f"{origin}/b/key?partNumber={n}&X-Amz-Signature={SECRET}" for n in range(1, parts + 1))
    if parts:
        place = UploadTarget("key", urls, part_size=-(-source.size // parts), upload="u1")
    else:
        place = UploadTarget("key", (f"{origin}/b/key?X-Amz-Signature={SECRET}",))
    advanced = (told if told is not None else []).append
    return put_file(session, source, target=place, content_type="image/png", advanced=advanced, workers=4)


def sha1(path: Path) -> str:
    """Take what a file is known by."""
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()


class TestWhole:
    def test_is_streamed_and_hashed(self, scripted: Scripted, make_file: MakeFile) -> None:
        """The bytes arrive as they are, with their length and type, and the SHA-1 is known."""
        server, session = scripted(OK)
        path, told = make_file(size=3_000_000), list[int]()

        stored = put(session, path, server.origin, told=told)

        received = server.received[0]
        assert path.read_bytes() == received.body
        assert ("3000000", "image/png") == (
            received.headers["content-length"],
            received.headers["content-type"],
        )
        assert sha1(path) == stored.checksum
        assert 3_000_000 == sum(told)

    @pytest.mark.parametrize(
        "failure",
        [
            refusal(503, "SlowDown"),
            refusal(500, "InternalError"),
            refusal(500, "WhateverElse"),
            refusal(400, "RequestTimeout"),
            refusal(409, "OperationAborted"),
            refusal(429, "Quota", start=""),
            page(400),
            page(403),
            page(502),
            page(408),
            reply(400, raw=b""),
            reply(404, {"detail": "no such route"}),
            reply(302, headers=[("Location", "/login")]),
            reset,
        ],
        ids=[
            "slow-down",
            "internal",
            "unknown-5xx",
            "timeout",
            "aborted",
            "quota",
            "page-400",
            "page-403",
            "page-502",
            "page-408",
            "empty",
            "json",
            "login",
            "reset",
        ],
    )
    def test_what_may_pass_is_tried_again(
        self, scripted: Scripted, make_file: MakeFile, failure: Step
    ) -> None:
        """A storage that is busy and a proxy that says no get the file once more, from its first byte."""
        server, session = scripted(failure, OK)
        path, told = make_file(size=100_000), list[int]()

        stored = put(session, path, server.origin, told=told)

        assert 2 == len(server.received)
        assert path.read_bytes() == server.received[1].body
        assert (sha1(path), 100_000) == (stored.checksum, sum(told))

    @pytest.mark.parametrize(
        ("status", "code"),
        [
            (403, "AccessDenied"),
            (403, "SignatureDoesNotMatch"),
            (400, "EntityTooLarge"),
            (404, "NoSuchBucket"),
            (501, "NotImplemented"),
        ],
    )
    @pytest.mark.parametrize("start", ["<?xml version='1.0'?>\n", ""], ids=["declared", "bare"])
    def test_refusal_of_the_storage_is_final(
        self, scripted: Scripted, make_file: MakeFile, status: int, code: str, start: str
    ) -> None:
        """What the storage itself refuses is not sent again, and the error says what it said."""
        server, session = scripted(refusal(status, code, message="Request has expired", start=start), OK)

        with pytest.raises(NotStoredError, match=f"'.*scan.bin' .{status} {code} Request has expired"):
            put(session, make_file(), server.origin)

        assert 1 == len(server.received)

    @pytest.mark.parametrize(
        "answer", [refusal(403, "No", message=TOKEN), page(403, TOKEN)], ids=["storage", "proxy"]
    )
    def test_shows_no_secret_of_the_session(self, make_file: MakeFile, answer: bytes) -> None:
        """Whoever answers on the way may know the token, or the password of a proxy, and repeats it."""
        with Server(answer) as server:
            session = Session(server.origin, api_token=TOKEN, retry=Retry(total=0))
            with pytest.raises(NotStoredError) as caught:
                put(session, make_file(), server.origin)
            session.close()

        assert "***" in str(caught.value)
        assert TOKEN not in str(caught.value)

    @pytest.mark.parametrize(("retries", "attempts"), [(0, 1), (1, 2), (3, 4), (9, 4)])
    def test_gives_up(self, scripted: Scripted, make_file: MakeFile, retries: int, attempts: int) -> None:
        """As often as the session says, and at most three times, it is tried again; the error says who refused."""
        server, session = scripted(page(502), retries=retries)
        told: list[int] = []

        with pytest.raises(NotStoredError, match=r"\(502, on the way there: \(an HTML page: Gateway\)\)"):
            put(session, make_file(), server.origin, told=told)

        assert (attempts, 0) == (len(server.received), sum(told))

    def test_stall_is_tried_again(self, make_file: MakeFile) -> None:
        """A storage that takes everything and says nothing is given up after the limit of a read."""
        with Server() as server:
            server.script[:] = [server.stall(), OK]
            session = Session(server.origin, api_token="syn_0123456789", timeout={"read": 0.2})
            stored = put(session, path := make_file(), server.origin)
            session.close()

        assert sha1(path) == stored.checksum

    def test_known_checksum_is_not_taken_again(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A file that was hashed before is only read to be sent, after a failure as well."""
        server, session = scripted(reset, OK)
        source, told = LocalFile.of(make_file(size=100_000)), list[int]()
        place = UploadTarget("key", (f"{server.origin}/b/key",))
        facts = {"content_type": None, "advanced": told.append, "workers": 1}

        stored = put_file(session, source, target=place, known="known", **facts)

        assert (StoredFile(place, "known", 100_000), 100_000) == (stored, sum(told))

    def test_retry_after_is_honoured(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A storage that says when is asked again then."""
        busy = reply(503, raw=b"<Error><Code>SlowDown</Code></Error>", headers=[("Retry-After", "0")])
        server, session = scripted(busy, OK)

        put(session, make_file(), server.origin)

        assert 2 == len(server.received)

    def test_a_pause_that_is_too_long_is_not_waited_for(
        self, scripted: Scripted, make_file: MakeFile
    ) -> None:
        """The file goes another way at once."""
        busy = reply(503, raw=b"<Error><Code>SlowDown</Code></Error>", headers=[("Retry-After", "3600")])
        server, session = scripted(busy, OK)
        with pytest.raises(NotStoredError, match="SlowDown"):
            put(session, make_file(), server.origin)

        assert 1 == len(server.received)

    def test_nothing_secret_is_told(self, scripted: Scripted, make_file: MakeFile) -> None:
        """Neither the address nor what the storage repeats of it is in the error, even from a page that quotes it."""
        quoted = page(403, f"<html>no /b/key?X-Amz-Signature={SECRET} here</html>")
        server, session = scripted(refusal(403, "SignatureDoesNotMatch"), quoted, retries=0)

        for _ in range(2):
            with pytest.raises(NotStoredError) as caught:
                put(session, make_file(), server.origin)
            assert SECRET not in f"{caught.value} {caught.value.__cause__!r}"

    def test_place_shows_no_address(self) -> None:
        """The repr of a place has no signature in it."""
        assert SECRET not in repr(
            UploadTarget("key", (f"http://s/?sig={SECRET}",), part_size=5, upload=SECRET)
        )


class TestChanges:
    @pytest.mark.parametrize(
        "change",
        [
            lambda path: path.write_bytes(b"other"),
            lambda path: path.unlink(),
            lambda path: os.truncate(path, 10),
        ],
        ids=["rewritten", "removed", "cut"],
    )
    def test_between_attempts_end_it(
        self, scripted: Scripted, make_file: MakeFile, change: Callable[[Path], Any]
    ) -> None:
        """A file that is another one at the second attempt is not stored, and that is no fault of the storage."""
        path, told = make_file(), list[int]()

        def fail(connection: Any, received: Any) -> None:
            change(path)
            reset(connection, received)

        server, session = scripted(fail, OK)

        with pytest.raises(TransferError, match="changed while it was sent") as caught:
            put(session, path, server.origin, told=told)

        assert (TransferError, 0) == (type(caught.value), sum(told))

    def test_after_the_last_byte_end_it_too(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A file that was replaced when the storage had it is not what is on the disk."""
        path = make_file()

        def swap(connection: Any, _: Any) -> None:
            path.write_bytes(b"other")
            connection.sendall(OK)

        server, session = scripted(swap)

        with pytest.raises(TransferError, match="changed while it was sent"):
            put(session, path, server.origin)


@pytest.fixture
def storage() -> Iterator[tuple[Server, Session]]:
    """A server whose answer to a part names the part, and a session."""

    def part(connection: Any, received: Any) -> None:
        number = received.target.partition("partNumber=")[2].partition("&")[0]
        connection.sendall(reply(headers=[("ETag", f'"e{number}"')]))

    with Server(part) as server:
        session = quick(server.origin)
        yield server, session
        session.close()


class TestParts:
    def test_make_up_the_file(self, storage: tuple[Server, Session], make_file: MakeFile) -> None:
        """Parts travel without a content type, their tags come in their order, and the whole is hashed."""
        server, session = storage
        path, told = make_file(size=2_500_001), list[int]()

        stored = put(session, path, server.origin, told=told, parts=5)

        arrived = sorted((received.target, received.body) for received in server.received)
        assert path.read_bytes() == b"".join(body for _, body in arrived)
        assert tuple(f'"e{n}"' for n in range(1, 6)) == stored.etags
        assert (sha1(path), 2_500_001) == (stored.checksum, sum(told))
        assert not [received for received in server.received if "content-type" in received.headers]

    def test_known_checksum_is_taken(self, storage: tuple[Server, Session], make_file: MakeFile) -> None:
        """Parts of a file that was hashed before are only sent."""
        server, session = storage
        source, place = (
            LocalFile.of(make_file()),
            UploadTarget("key", (f"{server.origin}/?partNumber=1",), 1000, "u"),
        )
        facts = {"content_type": None, "advanced": [].append, "workers": 1}

        assert StoredFile(place, "known", 1000, ('"e1"',)) == put_file(
            session, source, target=place, known="known", **facts
        )

    def test_only_the_part_that_was_lost_is_sent_again(
        self, storage: tuple[Server, Session], make_file: MakeFile
    ) -> None:
        """Of five parts one is reset: six requests, and every byte counts once."""
        server, session = storage
        server.script.insert(0, reset)
        path, told = make_file(size=500_000), list[int]()

        stored = put(session, path, server.origin, told=told, parts=5)

        assert (6, 500_000) == (len(server.received), sum(told))
        assert (sha1(path), 5) == (stored.checksum, len(stored.etags))

    def test_refused_part_ends_all(self, storage: tuple[Server, Session], make_file: MakeFile) -> None:
        """Once a part is refused no more are begun, and no byte counts as sent."""
        server, session = storage
        server.script[:] = [refusal(403, "AccessDenied")]
        told: list[int] = []

        with pytest.raises(NotStoredError, match="AccessDenied"):
            put(session, make_file(size=100_000), server.origin, told=told, parts=50)

        assert (True, 0) == (len(server.received) < 20, sum(told))

    def test_missing_tag_is_empty(self, scripted: Scripted, make_file: MakeFile) -> None:
        """A storage may tell no tag."""
        server, session = scripted(reply())

        assert ("", "") == put(session, make_file(), server.origin, parts=2).etags

    def test_change_is_told_rather_than_what_it_led_to(
        self, storage: tuple[Server, Session], make_file: MakeFile
    ) -> None:
        """A file that changes between two parts is the reason, whatever the other parts ended with."""
        server, session = storage
        path = make_file(size=100_000)

        def swap(connection: Any, received: Any) -> None:
            path.write_bytes(b"other")
            reset(connection, received)

        server.script[:] = [swap]

        with pytest.raises(TransferError, match="changed while it was sent"):
            put(session, path, server.origin, parts=20)
