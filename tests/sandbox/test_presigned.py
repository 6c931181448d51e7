"""Files that clients put into an object storage themselves: signed, checked and registered."""

from __future__ import annotations

import hashlib
import os

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from synapse.sandbox import ObjectStorage, Sandbox, SandboxError, serve
from tests.objectstore import MIB, SECRET, object_store
from tests.sandbox.wire import Wire


@pytest.fixture(scope="module")
def store() -> Iterator[ObjectStorage]:
    """A bucket where files from 6 MiB on come in parts of 5 MiB."""
    with object_store() as made:
        yield made


@pytest.fixture(scope="module")
def signing(store: ObjectStorage) -> Iterator[Sandbox]:
    """A sandbox that signs addresses of that bucket."""
    with serve(tenants=("first", "second"), object_storage=store) as sandbox:
        yield sandbox


@pytest.fixture(scope="module")
def direct(signing: Sandbox) -> Wire:
    """A client of its first workspace."""
    return Wire(signing.url, signing.api_token)


def ask(wire: Wire, *files: dict[str, Any], **facts: Any) -> Any:
    """Ask for addresses, which must be given."""
    answer = wire.post("data_files/presigned_upload/upload/", {"files": list(files), **facts})
    assert answer.status_code == 200, answer.text
    return answer.json()


def confirm(wire: Wire, *files: dict[str, Any]) -> Any:
    """Say that files are there."""
    answer = wire.post("data_files/presigned_upload/confirm_upload/", {"files": list(files)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def put(wire: Wire, content: bytes, *, name: str = "a.jpg") -> dict[str, Any]:
    """Put content where the backend says, and return what it is confirmed with."""
    facts = {"filename": name, "size": len(content), "content_type": "image/jpeg"}
    signed = ask(wire, facts)["files"][0]
    said = {"file_key": signed["file_key"], "checksum": sha1(content), "size": len(content)}
    if signed["multipart"] is None:
        headers = {"Content-Type": "image/jpeg"}
        requests.put(signed["presigned_url"], content, headers=headers, timeout=60).raise_for_status()
        return said
    size = signed["multipart"]["part_size"]
    parts = [
        {
            "part_number": n,
            "etag": requests.put(part["presigned_url"], content[start : start + size]).headers["ETag"],
        }
        for n, part in enumerate(signed["multipart"]["parts"], 1)
        for start in [(n - 1) * size]
    ]
    return {**said, "multipart": {"upload_id": signed["multipart"]["upload_id"], "parts": parts}}


def sha1(content: bytes) -> str:
    """Take the checksum that such files are known by."""
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


class TestSign:
    def test_small_files_get_one_address_and_large_ones_parts(self, direct: Wire) -> None:
        """The size decides, the order is that of the request, and parts cover the file."""
        small, large = {"filename": "a.jpg", "size": 10}, {"filename": "b.mp4", "size": 11 * MIB}

        first, second = ask(direct, small, large)["files"]

        assert ("a.jpg", "b.mp4") == (first["filename"], second["filename"])
        assert (None, None) == (first["multipart"], second["presigned_url"])
        assert [1, 2, 3] == [part["part_number"] for part in second["multipart"]["parts"]]
        assert 5 * MIB == second["multipart"]["part_size"]

    def test_threshold_itself_comes_in_parts(self, direct: Wire) -> None:
        """One byte less goes by one request."""
        files = [{"filename": "a", "size": 6 * MIB - 1}, {"filename": "a", "size": 6 * MIB}]

        assert [True, False] == [row["multipart"] is None for row in ask(direct, *files)["files"]]

    def test_says_until_when(self, direct: Wire) -> None:
        """Addresses expire when asked, and the answer says when that is."""
        answer = ask(direct, {"filename": "a", "size": 1}, expiration=60)

        assert "X-Amz-Expires=60&" in answer["files"][0]["presigned_url"]
        assert answer["expires_at"].endswith("Z")

    def test_secret_is_not_in_the_address(self, direct: Wire) -> None:
        """What signs is not shown."""
        assert SECRET not in str(ask(direct, {"filename": "a", "size": 7 * MIB}))

    @pytest.mark.parametrize(
        ("change", "field"),
        [
            ({"files": []}, "files"),
            ({"files": [{"filename": "a", "size": 1}] * 1001}, "files"),
            ({"files": [{"filename": "", "size": 1}]}, "files"),
            ({"files": [{"filename": "a" * 256, "size": 1}]}, "files"),
            ({"files": [{"filename": "a", "size": 0}]}, "files"),
            ({"files": [{"size": 1}]}, "files"),
            ({"expiration": 59}, "expiration"),
            ({"expiration": 86_401}, "expiration"),
        ],
        ids=["none", "many", "unnamed", "long", "empty", "nameless", "short", "late"],
    )
    def test_limits_are_held(self, direct: Wire, change: dict[str, Any], field: str) -> None:
        """What is outside of the limits is refused, on its field."""
        body = {"files": [{"filename": "a", "size": 1}], **change}

        answer = direct.post("data_files/presigned_upload/upload/", body)

        assert (400, [field]) == (answer.status_code, list(answer.json()))


class TestConfirm:
    @pytest.mark.parametrize("size", [1, 100_000, 11 * MIB])
    def test_bytes_come_back_without_our_headers(self, direct: Wire, size: int) -> None:
        """A confirmed file has an address of the storage that anyone can read."""
        content = os.urandom(size)

        result = confirm(direct, put(direct, content))["results"][0]
        row = direct.get(f"data_files/{result['data_file_id']}/")

        assert (True, True, None) == (result["success"], result["created"], result["error"])
        assert (sha1(content), size) == (row["checksum"], row["size"])
        assert content == requests.get(row["file"], timeout=60).content

    def test_unit_is_made_of_it(self, direct: Wire) -> None:
        """Its checksum names it in a unit, whose file has the address of the storage."""
        content = os.urandom(50)
        said = put(direct, content)
        confirm(direct, said)
        files = {"image_1": {"checksum": said["checksum"], "path": "a.jpg"}}

        unit = direct.create("data_units/", {"data_collection": direct.collection()["id"], "files": files})

        assert content == requests.get(unit["files"]["image_1"]["url"], timeout=60).content

    @pytest.mark.parametrize("size", [10, 6 * MIB])
    def test_twice_is_once(self, direct: Wire, size: int) -> None:
        """Confirming again gives the same file, so that a lost answer can be asked for again."""
        said = put(direct, os.urandom(size))

        first, second = (confirm(direct, said)["results"][0] for _ in range(2))

        assert first["data_file_id"] == second["data_file_id"]
        assert ((True, True), (True, False)) == (
            (first["success"], first["created"]),
            (second["success"], second["created"]),
        )

    def test_equal_content_is_one_file(self, direct: Wire) -> None:
        """Another object with the same checksum is the file that is there; it counts as done."""
        content = os.urandom(10)

        answer = confirm(direct, put(direct, content), put(direct, content, name="b.jpg"))

        assert 1 == len({result["data_file_id"] for result in answer["results"]})
        assert (2, 0) == (answer["created_count"], answer["failed_count"])

    def test_each_file_has_its_own_outcome(self, direct: Wire) -> None:
        """What is missing, damaged or not ours fails alone, in the order given."""
        good, short = put(direct, b"good"), {**put(direct, b"short"), "size": 6}
        missing = {**good, "file_key": good["file_key"] + "x"}
        foreign = {**good, "file_key": "tenants/999/files/a.jpg"}

        answer = confirm(direct, missing, good, short, foreign)

        assert [False, True, False, False] == [result["success"] for result in answer["results"]]
        assert ["There is no such object", None, "The object has 5 bytes", "This file key was"] == [
            result["error"] and result["error"][: len(start or "")]
            for result, start in zip(
                answer["results"],
                ["There is no such object", None, "The object has 5 bytes", "This file key was"],
                strict=True,
            )
        ]
        assert (1, 3) == (answer["created_count"], answer["failed_count"])

    def test_wrong_parts_are_told(self, direct: Wire) -> None:
        """Parts that the storage does not put together are an error of that file."""
        said = put(direct, os.urandom(6 * MIB))
        said["multipart"]["parts"][0]["etag"] = '"00000000000000000000000000000000"'

        result = confirm(direct, said)["results"][0]

        assert (False, "The parts cannot be put together (InvalidPart).") == (
            result["success"],
            result["error"],
        )

    def test_other_workspace_has_nothing_of_it(self, direct: Wire, signing: Sandbox) -> None:
        """A key of one workspace is unknown in another."""
        stranger = Wire(signing.url, signing.tenants["second"].api_token)

        assert [False] == [result["success"] for result in confirm(stranger, put(direct, b"mine"))["results"]]

    def test_limits_are_held(self, direct: Wire) -> None:
        """A checksum and a key have a longest length."""
        said = {"file_key": "k" * 1025, "checksum": "c" * 129, "size": 1}

        answer = direct.post("data_files/presigned_upload/confirm_upload/", {"files": [said]})

        assert (400, {"file_key", "checksum"}) == (answer.status_code, set(answer.json()["files"]["0"]))


class TestDefaultStorage:
    def test_is_the_bucket(self, direct: Wire) -> None:
        """Clients choose by it how to send files; the keys are not in it."""
        found = {
            row["provider"]: row["is_default"] for row in direct.get("storages/?category=internal")["results"]
        }

        assert {"amazon_s3": True, "file_system": False} == found

    def test_is_not_where_files_lie_that_come_through_the_backend(self, direct: Wire) -> None:
        """Their row names the data folder."""
        storage = direct.get(f"storages/{direct.data_file()['storage']}/")

        assert "file_system" == storage["provider"]

    def test_is_the_folder_again_without_the_bucket(self, store: ObjectStorage, tmp_path: Path) -> None:
        """A server that can't sign addresses of the bucket does not say that it can."""
        with serve(tmp_path, object_storage=store):
            pass
        with serve(tmp_path) as plain:
            rows = Wire(plain.url, plain.api_token).get("storages/?category=internal")["results"]

        assert ["file_system"] == [row["provider"] for row in rows if row["is_default"]]


class TestServe:
    @pytest.mark.parametrize(
        ("address", "words"),
        [
            ("ftp://here/bucket", "must be http"),
            ("http://here", "must be http"),
            ("http://key:secret@here/bucket", "belong into the environment"),
            ("http://here/bucket?size=1", "region, threshold and part_size"),
            ("http://here/bucket?part_size=many", "region, threshold and part_size"),
            ("http://here/bucket?part_size=1000", "5242880 bytes or more"),
        ],
        ids=["scheme", "bucket", "keys", "option", "number", "part"],
    )
    def test_bad_address_is_told(self, address: str, words: str) -> None:
        """An address that cannot be used keeps the sandbox from starting, with the reason."""
        with pytest.raises(SandboxError, match=f"cannot use the object storage: .*{words}") as caught:
            serve(object_storage=address).__enter__()

        assert "secret" not in str(caught.value)

    def test_missing_bucket_is_told(self, store: ObjectStorage) -> None:
        """The bucket is not made, since it may be a slip of the pen."""
        wrong = ObjectStorage(store.url + "2", key=store.key, secret=store.secret)

        with pytest.raises(SandboxError, match="there is no such bucket"):
            serve(object_storage=wrong).__enter__()

    def test_secrets_are_not_shown(self, store: ObjectStorage) -> None:
        """Neither repr nor the command line holds a key."""
        assert SECRET not in repr(store) + store.address
