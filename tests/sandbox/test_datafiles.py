"""Data files: stored once per content, under their own names, directly or from a chunked upload."""

from __future__ import annotations

import os
import uuid

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import requests

from tests.sandbox.wire import CHUNK, Wire, md5


class TestDirectUpload:
    def test_answers_checksum_and_both_spellings(self, wire: Wire) -> None:
        """A stored file has its MD5, and its size and time under either name."""
        content = os.urandom(1000)

        stored = wire.data_file(content)

        assert (md5(content), 1000, 1000) == (stored["checksum"], stored["size"], stored["file_size"])
        assert stored["created"] == stored["created_at"]

    @pytest.mark.parametrize("size", [1, 100_000, 6_000_000])
    def test_bytes_come_back_as_sent(self, wire: Wire, size: int) -> None:
        """The file's address answers what was sent, small or large."""
        content = os.urandom(size)

        assert md5(content) == md5(requests.get(wire.data_file(content)["file"], timeout=30).content)

    def test_equal_content_is_one_file(self, wire: Wire) -> None:
        """The same bytes under another name are the file that is already there."""
        content = os.urandom(100)

        assert wire.data_file(content, name="a.png")["id"] == wire.data_file(content, name="b.png")["id"]

    def test_equal_content_at_once_is_one_file(self, wire: Wire) -> None:
        """Sixteen requests with the same bytes make one file."""
        content = os.urandom(100)

        with ThreadPoolExecutor(16) as pool:
            stored = list(pool.map(lambda n: wire.data_file(content, name=f"{n}.png"), range(16)))

        assert 1 == len({row["id"] for row in stored})
        assert content == requests.get(stored[0]["file"], timeout=30).content

    def test_workspaces_do_not_share_files(self, wire: Wire, stranger: Wire) -> None:
        """The same bytes in another workspace are another file."""
        content = os.urandom(100)

        assert wire.data_file(content)["id"] != stranger.data_file(content)["id"]

    @pytest.mark.parametrize(
        ("name", "kept"),
        [
            ("교통 표지.png", "교통 표지.png"),
            ("it's & 100% <b>.png", "it's & 100% <b>.png"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Users\\me\\a.png", "a.png"),
            (".hidden.png", "hidden.png"),
            ("가" * 100 + ".png", "가" * 65 + ".png"),
        ],
    )
    def test_names_are_kept_safely(self, wire: Wire, name: str, kept: str) -> None:
        """A file keeps its own name, less what would lead out of its folder."""
        content = uuid.uuid4().bytes
        stored = wire.data_file(content, name=name)

        assert kept == unquote(urlsplit(stored["file"]).path).rsplit("/", 1)[-1]
        assert md5(content) == md5(requests.get(stored["file"], timeout=30).content)

    def test_empty_file_is_refused(self, wire: Wire) -> None:
        """An empty part is an error on `file`."""
        answer = wire.send("POST", "data_files/", files={"file": ("a.png", b"")})

        assert (400, {"file": ["The submitted file is empty."]}) == (answer.status_code, answer.json())

    def test_missing_file_is_refused(self, wire: Wire) -> None:
        """A request with neither a file nor an upload is an error on `file`."""
        assert {"file": ["No file was submitted."]} == wire.post("data_files/", {}).json()

    def test_nothing_is_left_over(self, wire: Wire, data_dir: Path) -> None:
        """The folder for files on their way in is empty once they arrived."""
        content = os.urandom(100)
        wire.data_file(content)
        wire.data_file(content)

        assert [] == list((data_dir / "incoming").iterdir())


class TestFromChunkedUpload:
    def test_makes_a_file_of_the_upload(self, wire: Wire) -> None:
        """A completed upload becomes a file with the upload's name and bytes."""
        content = os.urandom(5000)

        stored = wire.create("data_files/", {"chunked_upload": wire.upload(content)["id"]})

        assert (md5(content), 5000) == (stored["checksum"], stored["size"])
        assert md5(content) == md5(requests.get(stored["file"], timeout=30).content)

    def test_same_content_as_a_direct_upload(self, wire: Wire) -> None:
        """How a file travelled makes no difference."""
        content = os.urandom(5000)
        direct = wire.data_file(content)

        assert (
            direct["id"] == wire.create("data_files/", {"chunked_upload": wire.upload(content)["id"]})["id"]
        )

    def test_unfinished_upload_is_refused(self, wire: Wire) -> None:
        """An upload that is still open makes no file."""
        upload = wire.put_chunk(CHUNK).json()["id"]

        answer = wire.post("data_files/", {"chunked_upload": upload})

        assert (400, ["chunked_upload"]) == (answer.status_code, list(answer.json()))

    @pytest.mark.parametrize("key", ["x", 7, None, str(uuid.UUID(int=0))])
    def test_unknown_upload_is_refused(self, wire: Wire, key: object) -> None:
        """An upload that is not there is an error on `chunked_upload`."""
        answer = wire.post("data_files/", {"chunked_upload": key})

        assert (400, ["chunked_upload"]) == (answer.status_code, list(answer.json()))

    def test_upload_of_another_workspace_is_refused(self, wire: Wire, stranger: Wire) -> None:
        """Another workspace's upload is not there."""
        assert 400 == stranger.post("data_files/", {"chunked_upload": wire.upload(CHUNK)["id"]}).status_code


class TestChecksums:
    def test_known_ones_are_told_in_order(self, wire: Wire) -> None:
        """Of the checksums asked for, those that are stored come back, each once."""
        first, second = wire.data_file()["checksum"], wire.data_file()["checksum"]

        answer = wire.post("data_files/verify_checksums/", {"checksums": [second, "0" * 32, first, second]})

        assert (200, {"existing_checksums": [second, first]}) == (answer.status_code, answer.json())

    def test_other_workspaces_files_are_unknown(self, wire: Wire, stranger: Wire) -> None:
        """A file of another workspace is not there."""
        body = {"checksums": [wire.data_file()["checksum"]]}

        assert {"existing_checksums": []} == stranger.post("data_files/verify_checksums/", body).json()

    @pytest.mark.parametrize("body", [{}, {"checksums": "a"}, {"checksums": [1]}, []])
    def test_anything_but_a_list_of_texts_is_refused(self, wire: Wire, body: object) -> None:
        """The body must hold a list of strings."""
        assert 400 == wire.post("data_files/verify_checksums/", body).status_code


@pytest.mark.parametrize("step", ["upload", "confirm_upload"])
def test_presigned_upload_is_refused(wire: Wire, step: str) -> None:
    """A folder signs no addresses, and says so."""
    answer = wire.post(f"data_files/presigned_upload/{step}/", {"files": [{"filename": "a", "size": 1}]})

    assert (400, True) == (answer.status_code, "not supported by this storage" in answer.json()["detail"])
