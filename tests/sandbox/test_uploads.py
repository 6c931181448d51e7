"""Chunked upload: the protocol's answers, and what happens when chunks race, servers die and clients lie."""

from __future__ import annotations

import os
import sqlite3
import uuid

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
import requests

from tests.amounts import either
from tests.sandbox.wire import CHUNK, Wire, md5

MIB = 1024 * 1024


class TestProtocol:
    def test_first_chunk_makes_an_upload(self, wire: Wire) -> None:
        """The first PUT answers 200 and the upload, open at the chunk's end."""
        answer = wire.put_chunk(CHUNK, total=2 * len(CHUNK))

        upload = answer.json()
        assert (200, 1, len(CHUNK)) == (answer.status_code, upload["status"], upload["offset"])
        assert upload["url"] == f"{wire.url}/chunked_upload/{upload['id']}/"

    def test_next_chunk_moves_the_offset(self, wire: Wire) -> None:
        """A PUT to the upload's address appends."""
        upload = wire.put_chunk(CHUNK, total=2 * len(CHUNK)).json()

        answer = wire.put_chunk(CHUNK, start=len(CHUNK), total=2 * len(CHUNK), to=upload["url"])

        assert (200, 2 * len(CHUNK)) == (answer.status_code, answer.json()["offset"])

    def test_completed_upload_can_be_read_back(self, wire: Wire) -> None:
        """The POST of the right MD5 completes, and the file's address answers the bytes."""
        upload = wire.upload(CHUNK)

        assert (2, len(CHUNK), True) == (
            upload["status"],
            upload["offset"],
            upload["completed_at"] is not None,
        )
        assert CHUNK == requests.get(upload["file"], timeout=30).content

    def test_whole_file_in_one_post(self, wire: Wire) -> None:
        """A multipart POST to the list takes a whole file at once."""
        body = {"data": {"filename": "a.bin", "md5": md5(CHUNK)}, "files": {"file": ("file", CHUNK)}}

        answer = wire.send("POST", "chunked_upload/", **body)

        assert (200, 2) == (answer.status_code, answer.json()["status"])

    def test_empty_file_needs_no_chunk(self, wire: Wire) -> None:
        """The MD5 of nothing, posted to the list, makes a completed upload of no bytes."""
        answer = wire.post("chunked_upload/", {"md5": md5(b"")})

        assert (200, 2, 0) == (answer.status_code, answer.json()["status"], answer.json()["offset"])
        assert b"" == requests.get(answer.json()["file"], timeout=30).content

    def test_list_shows_own_uploads_newest_first(self, wire: Wire) -> None:
        """GET of the list answers the caller's uploads."""
        made = [wire.put_chunk(CHUNK).json()["id"] for _ in range(2)]

        listed = wire.get("chunked_upload/")

        rows = listed["results"] if isinstance(listed, dict) else listed
        assert made[::-1] == [row["id"] for row in rows[:2]]

    def test_chunk_of_50_mib(self, wire: Wire) -> None:
        """A chunk as large as the vendor's goes through, in two pieces of one file."""
        content = os.urandom(MIB) * 50
        upload = wire.put_chunk(content, total=len(content) + 3).json()
        wire.put_chunk(b"end", start=len(content), total=len(content) + 3, to=upload["url"])

        assert 200 == wire.complete(upload, content + b"end").status_code

    @pytest.mark.parametrize("method", ["DELETE", "PATCH"])
    def test_other_methods_are_refused(self, wire: Wire, method: str) -> None:
        """Uploads are neither deleted nor patched."""
        answer = wire.send(method, wire.put_chunk(CHUNK).json()["url"])

        assert (405, {"detail": f'Method "{method}" not allowed.'}) == (answer.status_code, answer.json())


class TestRefusals:
    @pytest.mark.parametrize("header", ["", "bytes 0-9/*", "bytes 0--1/0", "0-9/10", "bytes 0-9/١٠ "])
    def test_malformed_range(self, wire: Wire, header: str) -> None:
        """A Content-Range that is missing or malformed is an error in the headers."""
        body = {"data": {"filename": "a"}, "files": {"file": ("file", b"0123456789")}}

        answer = wire.send("PUT", "chunked_upload/", headers={"Content-Range": header.encode()}, **body)

        assert (400, {"detail": "Error in request headers"}) == (answer.status_code, answer.json())

    @pytest.mark.parametrize(
        "body", [{"data": {"filename": "a"}}, {"json": {"filename": "a"}}, {"json": [1]}]
    )
    def test_missing_file(self, wire: Wire, body: dict[str, Any]) -> None:
        """A PUT without a file part is refused, whatever else it carries."""
        answer = wire.send("PUT", "chunked_upload/", **body)

        assert (400, {"detail": "No chunk file was submitted"}) == (answer.status_code, answer.json())

    def test_end_past_total(self, wire: Wire) -> None:
        """A chunk that would end after the total is refused."""
        answer = wire.put_chunk(b"0123456789", total=9)

        assert (400, "End of chunk exceeds reported total (9 bytes)") == (
            answer.status_code,
            answer.json()["detail"],
        )

    def test_length_other_than_range(self, wire: Wire) -> None:
        """A part that is shorter than its range is refused with both lengths."""
        headers = {"Content-Range": "bytes 0-9/10"}
        body = {"data": {"filename": "a"}, "files": {"file": ("file", b"0123")}}

        answer = wire.send("PUT", "chunked_upload/", headers=headers, **body)

        expected = "File size doesn't match headers: file size is 4 but 10 reported"
        assert (400, {"detail": expected}) == (answer.status_code, answer.json())

    @pytest.mark.parametrize(
        ("filename", "message"),
        [
            (None, "This field is required."),
            ("a" * 256, "Ensure this field has no more than 255 characters."),
        ],
    )
    def test_filename(self, wire: Wire, filename: str | None, message: str) -> None:
        """The first chunk must name the file, in 255 characters at most."""
        body = {
            "data": {"filename": filename} if filename else {},
            "files": {"file": ("file", b"0123456789")},
        }

        answer = wire.send("PUT", "chunked_upload/", headers={"Content-Range": "bytes 0-9/10"}, **body)

        assert (400, {"detail": {"filename": [message]}}) == (answer.status_code, answer.json())

    def test_wrong_offset(self, wire: Wire) -> None:
        """A chunk that starts elsewhere than at the offset is told where to start."""
        upload = wire.put_chunk(b"01234", total=10).json()

        answer = wire.put_chunk(b"789", start=7, total=10, to=upload["url"])

        expected = {"detail": "Offsets do not match", "expected_offset": 5, "provided_offset": 7}
        assert (400, expected) == (answer.status_code, answer.json())

    def test_first_chunk_from_the_middle(self, wire: Wire) -> None:
        """An upload starts at its start."""
        assert 0 == wire.put_chunk(b"789", start=7, total=10).json()["expected_offset"]

    def test_changed_total(self, wire: Wire) -> None:
        """The announced size stays what it was."""
        upload = wire.put_chunk(b"01234", total=10).json()

        answer = wire.put_chunk(b"567", start=5, total=8, to=upload["url"])

        assert (400, 10, 8) == (
            answer.status_code,
            *(answer.json()[f"{k}_total"] for k in ("expected", "provided")),
        )
        assert 5 == wire.get(upload["url"])["offset"]

    def test_completing_too_early(self, wire: Wire) -> None:
        """Part of a file is not completed, not even with the MD5 of that part."""
        upload = wire.put_chunk(b"01234", total=10).json()

        answer = wire.complete(upload, b"01234")

        assert (400, 5, 10) == (answer.status_code, answer.json()["offset"], answer.json()["total"])
        assert 1 == wire.get(upload["url"])["status"]

    def test_wrong_checksum_leaves_the_upload_open(self, wire: Wire) -> None:
        """A wrong MD5 is refused; the right one still completes."""
        upload = wire.put_chunk(CHUNK).json()

        answer = wire.post(upload["url"], {"md5": "0" * 32})

        assert (400, {"detail": "checksum does not match"}) == (answer.status_code, answer.json())
        assert 200 == wire.complete(upload, CHUNK).status_code

    def test_missing_checksum(self, wire: Wire) -> None:
        """Completing needs an MD5."""
        answer = wire.post(wire.put_chunk(CHUNK).json()["url"], {})

        assert (400, {"detail": "Checksum of type 'md5' is required"}) == (answer.status_code, answer.json())

    def test_completed_upload_takes_nothing_more(self, wire: Wire) -> None:
        """After completion neither chunks nor checksums are taken."""
        upload = wire.upload(CHUNK)

        answers = [wire.complete(upload, CHUNK), wire.put_chunk(CHUNK, to=upload["url"])]

        expected = (400, {"detail": 'Upload has already been marked as "complete"'})
        assert [expected] * 2 == [(answer.status_code, answer.json()) for answer in answers]

    def test_empty_part_in_one_go(self, wire: Wire) -> None:
        """A whole file that is empty is refused as a form field."""
        body = {"data": {"filename": "a", "md5": md5(b"")}, "files": {"file": ("file", b"")}}

        answer = wire.send("POST", "chunked_upload/", **body)

        assert (400, {"detail": {"file": ["The submitted file is empty."]}}) == (
            answer.status_code,
            answer.json(),
        )

    def test_unknown_upload(self, wire: Wire) -> None:
        """An upload that is not there is a 404 for every method."""
        url = f"chunked_upload/{uuid.uuid4()}/"

        answers = [wire.send("GET", url), wire.post(url, {"md5": md5(b"")}), wire.put_chunk(CHUNK, to=url)]

        assert [404] * 3 == [answer.status_code for answer in answers]

    def test_upload_of_another_workspace(self, wire: Wire, stranger: Wire) -> None:
        """Another workspace's upload is not there."""
        url = wire.put_chunk(CHUNK).json()["url"]

        answers = [stranger.send("GET", url), stranger.post(url, {"md5": md5(CHUNK)})]

        assert [404] * 2 == [answer.status_code for answer in answers]

    def test_no_token(self, wire: Wire) -> None:
        """Without a token there is nothing to upload to."""
        assert 401 == Wire(wire.url).put_chunk(CHUNK).status_code

    def test_expired_upload(self, wire: Wire, data_dir: Path) -> None:
        """An upload older than a day takes nothing more but can still be read."""
        upload = wire.put_chunk(CHUNK, total=2 * len(CHUNK)).json()
        with sqlite3.connect(data_dir / "sandbox.sqlite3", timeout=60) as database:
            table = "sandbox_chunkedupload"
            database.execute(
                f"UPDATE {table} SET created_at = '2026-01-01 00:00:00' WHERE id = ?", [key(upload)]
            )
        database.close()

        answer = wire.put_chunk(CHUNK, start=len(CHUNK), total=2 * len(CHUNK), to=upload["url"])

        assert (410, {"detail": "Upload has expired"}) == (answer.status_code, answer.json())
        assert len(CHUNK) == wire.get(upload["url"])["offset"]


class TestRaces:
    @pytest.mark.parametrize(("size", "rounds"), [(100_000, either(12, 3)), (3 * MIB, 1)])
    def test_one_of_many_chunks_at_one_offset_wins(self, wire: Wire, size: int, rounds: int) -> None:
        """Of chunks sent to one offset at once, one is taken, whole, and the others are told where to go on."""
        chunks = [bytes([number]) * size for number in range(8)]
        total = len(CHUNK) + size
        for upload in [wire.put_chunk(CHUNK, total=total).json() for _ in range(rounds)]:
            answers = at_once(wire, upload, chunks, total=total)

            [winner] = [chunk for chunk, answer in zip(chunks, answers, strict=True) if answer.ok]
            assert [total] * 7 == [answer.json()["expected_offset"] for answer in answers if not answer.ok]
            done = wire.complete(upload, CHUNK + winner)
            assert md5(CHUNK + winner) == md5(requests.get(done.json()["file"], timeout=30).content)

    def test_one_of_many_completions_wins(self, wire: Wire) -> None:
        """Completing at once from several sides completes once."""
        upload = wire.put_chunk(CHUNK).json()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(lambda _: wire.complete(upload, CHUNK), range(8)))

        assert [200, *[400] * 7] == sorted(answer.status_code for answer in answers)

    def test_many_uploads_at_once(self, wire: Wire) -> None:
        """Sixteen uploads side by side all arrive as they were sent."""
        contents = [os.urandom(100_000) for _ in range(16)]

        with ThreadPoolExecutor(16) as pool:
            uploads = list(pool.map(wire.upload, contents))

        assert [md5(content) for content in contents] == [
            md5(requests.get(upload["file"], timeout=30).content) for upload in uploads
        ]


class TestCrashes:
    def test_bytes_past_the_offset_are_cut_off(self, wire: Wire, data_dir: Path) -> None:
        """What a killed server wrote but never counted does not end up in the file."""
        upload = wire.put_chunk(b"01234", total=10).json()
        [part] = data_dir.rglob(f"{upload['id']}.part")
        with part.open("ab") as file:
            file.write(b"left by a crash, longer than the rest")

        wire.put_chunk(b"56789", start=5, total=10, to=upload["url"])

        assert 200 == wire.complete(upload, b"0123456789").status_code
        assert b"0123456789" == requests.get(wire.get(upload["url"])["file"], timeout=30).content

    def test_completion_that_broke_after_the_rename(self, wire: Wire, data_dir: Path) -> None:
        """A file that was renamed without its row being written is found under its other name."""
        upload = wire.put_chunk(CHUNK).json()
        [part] = data_dir.rglob(f"{upload['id']}.part")
        part.rename(part.with_suffix(".done"))

        assert 200 == wire.complete(upload, CHUNK).status_code


def key(upload: dict[str, Any]) -> str:
    """Return the upload's key as SQLite stores it."""
    return str(upload["id"]).replace("-", "")


def at_once(
    wire: Wire, upload: dict[str, Any], chunks: list[bytes], *, total: int
) -> list[requests.Response]:
    """Send every chunk to the offset after the first one, all at the same moment."""
    start = Barrier(len(chunks))

    def send(chunk: bytes) -> requests.Response:
        start.wait()
        return wire.put_chunk(chunk, start=len(CHUNK), total=total, to=upload["url"])

    with ThreadPoolExecutor(len(chunks)) as pool:
        return list(pool.map(send, chunks))
