"""Files that break off, change or come as something else while they are fetched."""

from __future__ import annotations

import gzip
import os

from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from synapse.downloads import RemoteFile
from synapse.downloads.fetch import Version
from synapse.errors import ServerError, TransferError, TransportError
from tests.servers import Step, reply
from tests.unit.downloads.file_server import Shelf
from tests.unit.transfer.conftest import Scripted

MIB = 1024 * 1024
CONTENT = os.urandom(3 * MIB)
OLD = [
    ("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"),
    ("Date", "Tue, 02 Jan 2024 00:00:00 GMT"),
]
FRESH = [("Last-Modified", "Mon, 01 Jan 2024 00:00:00 GMT"), ("Date", "Mon, 01 Jan 2024 00:00:05 GMT")]


def part(start: int, stop: int, total: int, *, of: bytes = CONTENT, **headers: str) -> bytes:
    """Answer a part of a content as the bytes *start* to *stop* of *total*."""
    place = ("Content-Range", f"bytes {start}-{stop - 1}/{total}")
    return reply(206, raw=of[start:stop], headers=[place, *headers.items()])


other = partial(part, of=bytes(3 * MIB))


def fetch(scripted: Scripted, *steps: Step, **values: Any) -> bytes:
    """Read a file from a server that follows a script."""
    _, session = scripted(*steps, retries=2)
    return RemoteFile(**{"url": "/a.bin", "size": len(CONTENT), "session": session, **values}).read()


class TestVersion:
    @pytest.mark.parametrize(
        ("headers", "validator"),
        [
            ({"ETag": '"v1"'}, '"v1"'),
            ({"ETag": 'W/"v1"'}, ""),
            (dict(OLD), "Mon, 01 Jan 2024 00:00:00 GMT"),
            (dict(FRESH), ""),
            ({"Last-Modified": "yesterday", "Date": "today"}, ""),
            ({"ETag": '"v1"', "Content-Encoding": "gzip"}, ""),
            ({}, ""),
        ],
    )
    def test_is_what_a_range_can_be_bound_to(self, headers: dict[str, str], validator: str) -> None:
        """A strong tag, or a time of change that is surely over, names a version."""
        assert validator == Version.of(headers, size=5).validator

    @pytest.mark.parametrize(
        ("other", "same"),
        [
            (Version(), True),
            (Version('"v1"', size=5), True),
            (Version('"v2"'), False),
            (Version(size=6), False),
        ],
    )
    def test_meets_what_does_not_differ(self, other: Version, same: bool) -> None:
        """What only one of two tells makes no difference."""
        assert same == Version('"v1"', "", 5).agrees_with(other)


class TestBrokenOff:
    @pytest.mark.parametrize("cut", [0, 1, MIB, 2 * MIB, 3 * MIB - 1])
    def test_goes_on_from_any_byte(self, scripted: Scripted, cut: int) -> None:
        """Wherever the connection is lost, the content is whole in the end."""
        shelf = Shelf(CONTENT, cuts=[cut])
        content = fetch(scripted, shelf)

        start = cut // MIB * MIB
        assert (CONTENT, ["", f"bytes={start}-" if start else ""]) == (content, shelf.asked)

    def test_goes_on_as_often_as_it_gets_further(self, scripted: Scripted) -> None:
        """Only attempts that bring nothing are counted."""
        assert fetch(scripted, Shelf(CONTENT * 2, cuts=[MIB + 1] * 5), size=None) == CONTENT * 2

    def test_goes_on_by_the_time_of_change(self, scripted: Scripted) -> None:
        """Where there is no tag, a time of change that is long over binds the rest."""
        shelf = Shelf(CONTENT, etag="", cuts=[2 * MIB], headers=OLD)

        assert (CONTENT, ["", f"bytes={2 * MIB}-"]) == (fetch(scripted, shelf), shelf.asked)

    def test_begins_anew_without_a_version(self, scripted: Scripted) -> None:
        """What cannot be bound to a version is fetched from its first byte again."""
        shelf = Shelf(CONTENT, etag="", cuts=[2 * MIB])

        assert (CONTENT, ["", ""]) == (fetch(scripted, shelf), shelf.asked)

    @pytest.mark.parametrize("etag", ["", '"v1"'])
    def test_gives_up_in_the_end(self, scripted: Scripted, etag: str) -> None:
        """A file that never gets further is an error after the session's retries."""
        shelf = Shelf(CONTENT, etag=etag, cuts=[MIB + 5, *[5] * 9])
        with pytest.raises(TransportError, match="broke off"):
            fetch(scripted, shelf)

        assert len(shelf.asked) <= 4

    def test_is_told_of_a_server_that_stalls(self, scripted: Scripted) -> None:
        """A server that falls silent within a file is left after the time limit, and asked again."""
        server, session = scripted(reply())
        whole = Shelf(CONTENT).answer(None)
        server.script = [server.stall(whole[:-10]), Shelf(CONTENT)]
        object.__setattr__(session.settings.timeout, "read", 0.3)
        file = RemoteFile(url="/a.bin", size=len(CONTENT), session=session)

        assert (CONTENT, 2) == (file.read(), len(server.received))


class TestRange:
    def test_that_is_ignored_begins_anew(self, scripted: Scripted) -> None:
        """A server that answers the whole file in place of its rest is taken at its word."""
        shelf = Shelf(CONTENT, cuts=[2 * MIB], ranges=False)

        assert (CONTENT, ["", f"bytes={2 * MIB}-"]) == (fetch(scripted, shelf), shelf.asked)

    @pytest.mark.parametrize(
        "wrong",
        [
            other(MIB, 3 * MIB, 3 * MIB),
            other(2 * MIB, 3 * MIB, 4 * MIB),
            other(2 * MIB, 3 * MIB, 3 * MIB, ETag='"v2"'),
            other(2 * MIB, 3 * MIB, 3 * MIB, ETag='W/"v1"'),
            other(2 * MIB, 3 * MIB, 3 * MIB),
            other(2 * MIB, 3 * MIB, 3 * MIB, ETag='"v1"', **{"Content-Encoding": "zip"}),
            other(2 * MIB, 3 * MIB, 4 * MIB, ETag='"v1"'),
            reply(206, raw=bytes(MIB), headers=[("ETag", '"v1"')]),
            reply(416, raw=b""),
        ],
        ids=[
            *("another place", "another size", "another tag", "a weak tag", "no tag", "packed"),
            *("another size of one tag", "no place", "not satisfiable"),
        ],
    )
    def test_that_does_not_fit_begins_anew(self, scripted: Scripted, wrong: bytes) -> None:
        """A part of something else is thrown away, and the file fetched from its first byte."""
        # Compared here, since pytest would tell the difference of two megabytes for minutes.
        same = CONTENT == fetch(scripted, Shelf(CONTENT, cuts=[2 * MIB]), wrong, Shelf(CONTENT))

        assert same

    @pytest.mark.parametrize(
        "told",
        [
            {},
            {"Last-Modified": "Tue, 02 Jan 2024 00:00:00 GMT", "Date": "Wed, 03 Jan 2024 00:00:00 GMT"},
            {**dict(OLD), "ETag": 'W/"v2"'},
        ],
        ids=["no time", "another time", "another weak tag"],
    )
    def test_that_was_bound_to_a_time_does_not_fit(self, scripted: Scripted, told: dict[str, str]) -> None:
        """Where there is no strong tag, the time of change is repeated, and no weak tag contradicts it."""
        shelf = Shelf(CONTENT, etag='W/"v1"', cuts=[2 * MIB], headers=OLD)
        wrong = reply(
            206,
            raw=bytes(MIB),
            headers=[("Content-Range", f"bytes {2 * MIB}-{3 * MIB - 1}/{3 * MIB}"), *told.items()],
        )

        assert CONTENT == fetch(scripted, shelf, wrong, Shelf(CONTENT))

    @pytest.mark.parametrize(
        "wrong", [part(2 * MIB, 3 * MIB, 3 * MIB), reply(416, raw=b"")], ids=["206", "416"]
    )
    def test_that_never_fits_ends(self, scripted: Scripted, wrong: bytes) -> None:
        """A server that binds no part to its version, on a line that breaks, is an error after some attempts."""
        broken = [step for cut in range(2, 12) for step in (Shelf(CONTENT, cuts=[2 * MIB + cut]), wrong)]
        server, session = scripted(*broken, retries=2)
        file = RemoteFile(url="/a.bin", size=len(CONTENT), session=session)
        with pytest.raises(TransferError, match="begun anew 2 times"):
            file.read()

        assert len(server.received) < 9

    def test_that_is_longer_than_the_whole_is_refused(self, scripted: Scripted) -> None:
        """More than was announced is not the file."""
        rest = CONTENT[2 * MIB :] + b"x" * 9
        place = ("Content-Range", f"bytes {2 * MIB}-{3 * MIB - 1}/{3 * MIB}")
        longer = reply(206, raw=rest, headers=[place, ("ETag", '"v1"')])
        with pytest.raises(TransferError, match="more than the 3145728 bytes that it announced"):
            fetch(scripted, Shelf(CONTENT, cuts=[2 * MIB]), longer, size=None)

    def test_that_is_shorter_is_gone_on_from(self, scripted: Scripted) -> None:
        """A server may give the rest in several parts."""
        stops = [2 * MIB, 2 * MIB + 9, 3 * MIB]
        parts = [part(start, stop, 3 * MIB, ETag='"v1"') for start, stop in pairwise(stops)]

        assert fetch(scripted, Shelf(CONTENT, cuts=[2 * MIB]), *parts) == CONTENT

    def test_that_was_not_asked_for_is_no_file(self, scripted: Scripted) -> None:
        """A part in place of the whole is an error."""
        with pytest.raises(TransportError, match="the answer is 206"):
            fetch(scripted, part(0, MIB, 3 * MIB))

    @pytest.mark.parametrize("status", [202, 204])
    def test_an_answer_without_a_file_is_none(self, scripted: Scripted, status: int) -> None:
        """A success that brings no file is an error, not an empty file."""
        with pytest.raises(TransportError, match=f"the answer is {status}"):
            fetch(scripted, reply(status, raw=b""), size=None)

    def test_refusal_of_the_rest_is_told(self, scripted: Scripted) -> None:
        """A refusal in the middle is what it is."""
        with pytest.raises(ServerError):
            fetch(scripted, Shelf(CONTENT, cuts=[2 * MIB]), reply(500, {}))


class TestOther:
    def test_a_page_in_place_of_a_picture_is_refused(self, scripted: Scripted) -> None:
        """The page of a proxy or a login does not become a picture."""
        page = reply(raw=b"<html>", headers=[("Content-Type", "text/html; charset=utf-8")])
        with pytest.raises(TransferError, match="a web page came in place of the file"):
            fetch(scripted, page, size=None, name="a.png")

    @pytest.mark.parametrize("name", ["a.html", "a"])
    def test_a_page_that_may_be_the_file_is_taken(self, scripted: Scripted, name: str) -> None:
        """Pages can be files, too."""
        page = reply(raw=b"<html>", headers=[("Content-Type", "text/html")])

        assert b"<html>" == fetch(scripted, page, size=None, name=name)

    def test_a_compressed_answer_is_unpacked(self, scripted: Scripted, tmp_path: Path) -> None:
        """A server that compresses although it was not asked to gives the same file."""
        packed = reply(raw=gzip.compress(CONTENT), headers=[("Content-Encoding", "gzip"), ("ETag", '"v1"')])
        assert fetch(scripted, packed) == CONTENT

        _, session = scripted(packed)
        file = RemoteFile(url="/a.bin", size=len(CONTENT), session=session)
        assert file.download(tmp_path).read_bytes() == CONTENT

    def test_a_damaged_compressed_answer_is_an_error(self, scripted: Scripted) -> None:
        """What cannot be unpacked is told."""
        packed = reply(
            raw=gzip.compress(CONTENT)[:-1000] + b"x" * 1000, headers=[("Content-Encoding", "gzip")]
        )
        with pytest.raises(TransportError, match="decompressed"):
            fetch(scripted, packed)
