"""The flat client's collections, files, units and storages: one test for each method."""

from __future__ import annotations

import hashlib

from pathlib import Path
from typing import Any

import pytest
import requests

from synapse import BackendClient, BulkError, ClientError, QueryError
from synapse.client.exceptions import ClientBulkError, FileMissingError
from synapse.sandbox import Sandbox
from tests.contract.factory import NUMBERS, Factory

MIB = 1024 * 1024


@pytest.fixture
def picture(tmp_path: Path) -> Any:
    """Write pictures of a few bytes, each with a content of its own."""

    def write(name: str = "a.png", *, size: int = 32) -> Path:
        path = tmp_path / name
        path.write_bytes(f"picture {next(NUMBERS)} ".encode().ljust(size, b"."))
        return path

    return write


def md5(path: Path) -> str:
    """Give the checksum that the backend knows a file by."""
    return hashlib.md5(path.read_bytes()).hexdigest()


class TestChunkedUploads:
    def test_create_chunked_upload(self, client: BackendClient, picture: Any) -> None:
        """The finished upload comes back, and progress is told in bytes."""
        path, seen = picture("large.bin", size=3 * MIB), list[tuple[int, int]]()
        row = client.create_chunked_upload(path, chunk_size=MIB, on_progress=lambda *at: seen.append(at))

        assert (2, 3 * MIB, "large.bin") == (row["status"], row["offset"], row["filename"])
        assert row["completed_at"]
        assert (3 * MIB, 3 * MIB) == seen[-1] and seen == sorted(seen)
        assert path.read_bytes() == requests.get(row["file"], timeout=30).content

    def test_get_chunked_upload(self, client: BackendClient, picture: Any) -> None:
        """Its state, by its key."""
        row = client.create_chunked_upload(picture())

        assert row == client.get_chunked_upload(row["id"])


class TestCollections:
    def test_list_data_collections(self, client: BackendClient, make: Factory) -> None:
        """Under both of its names."""
        made = make.collection()
        pages = (
            client.list_data_collections({"page_size": 1000}),
            client.list_data_collection({"page_size": 1000}),
        )

        assert pages[0] == pages[1]
        assert made.pk in [row["id"] for row in pages[0]["results"]]

    def test_get_data_collection(self, client: BackendClient, make: Factory) -> None:
        """With its file specifications."""
        made = make.collection()
        rows = client.get_data_collection(made.pk), client.get_data_collection(collection_id=made.pk)

        assert rows[0] == rows[1]
        assert ["image_1", "data_meta_1"] == [each["name"] for each in rows[0]["file_specifications"]]


class TestFiles:
    @pytest.mark.parametrize("chunked", [None, True, False])
    def test_create_data_file(self, client: BackendClient, picture: Any, chunked: bool | None) -> None:
        """Directly or in chunks, it is the same file."""
        path = picture("그림 'a'.png")
        row = client.create_data_file(path, chunked)

        assert (md5(path), path.stat().st_size) == (row["checksum"], row["size"])
        assert path.read_bytes() == requests.get(row["file"], timeout=30).content

    def test_create_data_file_that_is_missing(self, client: BackendClient, tmp_path: Path) -> None:
        """It is caught as the built-in error, too."""
        with pytest.raises(FileNotFoundError, match=r"there is no file .*nowhere\.png") as caught:
            client.create_data_file(tmp_path / "nowhere.png")

        assert isinstance(caught.value, FileMissingError)

    @pytest.mark.parametrize("names", [("organized_file", "collection_id"), ("data", "data_collection_id")])
    def test_upload_data_file(self, client: BackendClient, picture: Any, names: tuple[str, str]) -> None:
        """It gives what creates the unit, and leaves its argument as it is."""
        path = picture()
        item = {"files": {"image_1": str(path)}, "meta": {"frame": 1}, "groups": "day 1"}
        found = client.upload_data_file(**{names[0]: item, names[1]: 7})

        assert {"image_1": {"checksum": md5(path), "path": str(path)}} == found["files"]
        assert (7, {"frame": 1}, ["day 1"]) == (found["data_collection"], found["meta"], found["groups"])
        assert {"image_1": str(path)} == item["files"]

    def test_upload_data_file_fails_with_its_file(self, client: BackendClient, picture: Any) -> None:
        """One of two is missing: the call fails with the reason."""
        files = {"image_1": picture(), "data_meta_1": "nowhere.json"}

        with pytest.raises(FileNotFoundError, match="nowhere.json"):
            client.upload_data_file({"files": files}, 1)

    def test_upload_data_file_refuses_files_without_names(self, client: BackendClient) -> None:
        """Which file is which must be said."""
        with pytest.raises(QueryError, match="must map file specifications to paths"):
            client.upload_data_file({"files": ["a.png"]}, 1)

    def test_verify_data_files_checksums(self, client: BackendClient, picture: Any) -> None:
        """Those that the backend has, in the order given."""
        known = [client.create_data_file(picture(name))["checksum"] for name in ("a.png", "b.png")]
        found = client.verify_data_files_checksums([known[1], "0" * 32, known[0]])

        assert {"existing_checksums": [known[1], known[0]]} == found


class TestUnits:
    @pytest.mark.parametrize("name", ["uploaded_files", "data"])
    def test_create_data_units(self, client: BackendClient, make: Factory, picture: Any, name: str) -> None:
        """A list gives a list in its order, one gives one."""
        collection = make.collection().pk
        bodies = [
            client.upload_data_file({"files": {"image_1": picture()}, "meta": {"n": n}}, collection)
            for n in range(2)
        ]
        units = client.create_data_units(**{name: bodies})
        one = client.create_data_units(**{name: bodies[0]})

        assert ([0, 1], units[0]["id"]) == ([unit["meta"]["n"] for unit in units], one["id"])

    def test_get_data_unit(self, client: BackendClient, make: Factory) -> None:
        """With its files."""
        [unit] = make.units(1)
        rows = client.get_data_unit(unit.pk, {"expand": "files"}), client.get_data_unit(unit_id=unit.pk)

        assert [unit.pk] * 2 == [row["id"] for row in rows]
        assert rows[0]["files"]["image_1"]["is_primary"] is True

    def test_list_data_units(self, client: BackendClient, make: Factory) -> None:
        """A page, and all of them, oldest first, their files where the wire says."""
        collection = make.collection()
        units = [unit.pk for unit in make.units(5, collection=collection)]
        page = client.list_data_units({"data_collection": collection.pk}, page_size=2)
        rows, count = client.list_data_units({"data_collection": collection.pk}, list_all=True, page_size=2)
        found = list(rows)

        assert (5, units[:2]) == (page["count"], [row["id"] for row in page["results"]])
        assert (5, units) == (count, [row["id"] for row in found])
        assert found[0]["files"]["image_1"]["url"].startswith("http")

    def test_upload_data_collection(self, client: BackendClient, make: Factory, picture: Any) -> None:
        """Units and tasks of all items, once, however often it is called."""
        project, seen = make.project(), list[tuple[int, int]]()
        items = [{"files": {"image_1": picture(f"{n}.png")}, "groups": "day 1"} for n in range(5)]
        for _ in range(2):
            client.upload_data_collection(
                project.data_collection_id,
                items,
                project_id=project.pk,
                on_progress=lambda *at: seen.append(at),
            )

        assert (5, 5) == seen[-1]
        assert 5 == make.tables.DataUnit.objects.filter(data_collection=project.data_collection).count()
        assert 5 == make.tables.Task.objects.filter(project=project).count()

    def test_upload_data_collection_that_fails(
        self, client: BackendClient, make: Factory, picture: Any
    ) -> None:
        """Its error can be caught as what the backend refused, and names the items."""
        items = [{"files": {"image_1": picture()}}, {"files": {"image_1": "nowhere.png"}}]
        with pytest.raises(ClientError, match="nowhere") as caught:
            client.upload_data_collection(make.collection().pk, items)

        assert isinstance(caught.value, ClientBulkError) and isinstance(caught.value, BulkError)
        assert items[1] == caught.value.failed[0][0]


class TestStorages:
    def test_create_storage(self, client: BackendClient) -> None:
        """What is created can be read, with its configuration by `get_storage()` only."""
        body = {"name": "bucket", "provider": "amazon_s3", "configuration": {"bucket_name": "b"}}
        made = client.create_storage(body)

        assert "configuration" not in made
        for found in (client.get_storage(made["id"]), client.get_storage(storage_id=made["id"])):
            assert ("amazon_s3", {"bucket_name": "b"}) == (found["provider"], found["configuration"])

    def test_list_storages(self, client: BackendClient) -> None:
        """Of one kind, where that is asked."""
        page = client.list_storages({"category": "internal"})

        assert ({"internal"}, page["count"]) == (
            {row["category"] for row in page["results"]},
            len(page["results"]),
        )

    def test_get_default_storage(self, client: BackendClient) -> None:
        """The internal one that is marked."""
        found = client.get_default_storage()

        assert ("internal", True) == (found["category"], found["is_default"])

    def test_get_default_storage_where_none_is(self) -> None:
        """It says so."""
        from synapse.testing import canned

        client = BackendClient("http://127.0.0.1:9", "syn_x")
        client.session = canned({"GET storages/": {"count": 0, "next": None, "results": []}})  # type: ignore[assignment]
        with pytest.raises(QueryError, match="no internal storage"):
            client.get_default_storage()


class TestBulkUploads:
    def test_upload_files_bulk(self, client: BackendClient, picture: Any) -> None:
        """By the backend, where it signs no addresses; each file is told in its place."""
        paths, seen = [picture("a.png"), picture("b.png")], list[tuple[int, int]]()
        found = client.upload_files_bulk(paths, on_progress=lambda *at: seen.append(at))

        assert (2, 0, (2, 2)) == (found["created_count"], found["failed_count"], seen[-1])
        assert [md5(path) for path in paths] == [each["checksum"] for each in found["results"]]
        assert all(type(each["data_file_id"]) is int and each["success"] for each in found["results"])

    def test_upload_files_bulk_refuses_other_ways(self, client: BackendClient, picture: Any) -> None:
        """There is one."""
        with pytest.raises(QueryError, match="strategy must be 'presigned' or None"):
            client.upload_files_bulk([picture()], strategy="carrier pigeon")

    def test_presigned_uploads(self, signing: Sandbox, picture: Any) -> None:
        """Asked for, put and confirmed step by step, or all in one call."""
        path, other = picture("a.png"), picture("b.png")
        sha1 = hashlib.sha1(path.read_bytes()).hexdigest()
        with BackendClient(signing.url, signing.api_token) as client:
            asked = [{"filename": path.name, "size": 32, "content_type": "image/png"}]
            [place] = client.request_presigned_upload(asked)["files"]
            put = client.upload_file_to_presigned_url(place["presigned_url"], path, "image/png")
            told = client.confirm_presigned_upload([{"file_key": place["file_key"], **put}])
            bulk = client.upload_files_bulk([other], strategy="presigned")

        assert ({"checksum": sha1, "size": 32}, 1) == (put, told["created_count"])
        assert [hashlib.sha1(other.read_bytes()).hexdigest()] == [
            each["checksum"] for each in bulk["results"]
        ]


class TestProgress:
    def test_is_a_call(self, client: BackendClient) -> None:
        """What cannot be called is refused before anything is sent."""
        for send in (client.upload_files_bulk, client.create_chunked_upload):
            with client.session.trace() as trace, pytest.raises(QueryError, match="on_progress takes a call"):
                send([] if send == client.upload_files_bulk else __file__, on_progress=True)  # type: ignore[operator]
            assert [] == list(trace)
