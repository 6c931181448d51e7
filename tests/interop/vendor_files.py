"""Checks of the vendor's client: uploads, data files, units, models and bulk uploads."""

from __future__ import annotations

import hashlib

from pathlib import Path

import requests

from vendor_world import World, check, refused

MIB = 1024 * 1024


@check
def create_chunked_upload(world: World) -> None:
    path = world.folder / "three-chunks.bin"
    path.write_bytes(bytes(range(256)) * 10 * 1024)
    seen: list[tuple[int, int]] = []
    upload = world.client.create_chunked_upload(path, chunk_size=MIB, on_progress=lambda *at: seen.append(at))
    assert upload["status"] == 2 and upload["completed_at"], upload
    assert seen[-1] == (path.stat().st_size,) * 2 and len(seen) == 3, seen
    assert requests.get(upload["file"], timeout=30).content == path.read_bytes()


@check
def create_chunked_upload_of_empty_file(world: World) -> None:
    path = world.folder / "empty.bin"
    path.write_bytes(b"")
    upload = world.client.create_chunked_upload(path)
    assert (upload["status"], upload["offset"]) == (2, 0), upload


@check
def get_chunked_upload(world: World) -> None:
    path = world.image()
    upload = world.client.create_chunked_upload(path)
    state = world.client.get_chunked_upload(upload["id"])
    assert state["offset"] == path.stat().st_size and state["completed_at"], state


@check
def list_data_collections(world: World) -> None:
    wanted = world.collection["id"]
    answer = world.client.list_data_collections()
    assert answer["count"] >= 3 and wanted in [row["id"] for row in answer["results"]], answer


@check
def get_data_collection(world: World) -> None:
    answer = world.client.get_data_collection(world.collection["id"])
    assert [spec["name"] for spec in answer["file_specifications"]] == ["image_1", "data_meta_1"], answer
    assert answer["name"] == "도로 Signs"


@check
def create_data_file_direct(world: World) -> None:
    path = world.image("교통 표지 '1'.png")
    answer = world.client.create_data_file(path, use_chunked_upload=False)
    assert answer["checksum"] == hashlib.md5(path.read_bytes()).hexdigest(), answer
    assert answer["size"] == answer["file_size"] == path.stat().st_size
    assert requests.get(answer["file"], timeout=30).content == path.read_bytes()


@check
def create_data_file_chunked(world: World) -> None:
    path = world.image()
    first = world.client.create_data_file(path, use_chunked_upload=True)
    again = world.client.create_data_file(path, use_chunked_upload=False)
    assert first["id"] == again["id"], (first, again)


@check
def verify_data_files_checksums(world: World) -> None:
    known = world.client.create_data_file(world.image())["checksum"]
    answer = world.client.verify_data_files_checksums(["0" * 32, known])
    assert answer == {"existing_checksums": [known]}, answer


@check
def upload_data_file(world: World) -> None:
    path = world.image()
    item = {"files": {"image_1": str(path)}, "meta": {"frame": 1}, "groups": "day 1"}
    answer = world.client.upload_data_file(item, world.collection["id"])
    assert answer["files"]["image_1"]["checksum"] == hashlib.md5(path.read_bytes()).hexdigest()
    assert answer["groups"] == ["day 1"]


@check
def create_data_units_from_list(world: World) -> None:
    pictures = [world.image() for _ in range(3)]
    items = [{"files": {"image_1": path}, "meta": {"name": path.name}} for path in pictures]
    bindings = [world.client.upload_data_file(item, world.collection["id"]) for item in items]
    units = world.client.create_data_units(bindings)
    assert [unit["meta"]["name"] for unit in units] == [path.name for path in pictures], units
    assert units == world.client.create_data_units(bindings)


@check
def create_data_units_from_object(world: World) -> None:
    item = {"files": {"image_1": world.image()}, "meta": {"n": 1}, "groups": ["day 1", "north"]}
    unit = world.client.create_data_units(world.client.upload_data_file(item, world.collection["id"]))
    assert isinstance(unit["id"], int) and unit["group"], unit


@check
def create_data_units_with_unknown_checksum(world: World) -> None:
    from synapse_sdk.exceptions import ValidationError

    body = {"data_collection": world.collection["id"], "files": {"image_1": {"checksum": "f" * 32}}}
    before = world.client.list_data_units({"data_collection": world.collection["id"]})["count"]
    error = refused(ValidationError, lambda: world.client.create_data_units([body]))
    assert error.status_code == 400 and "f" * 32 in str(error.detail), error
    assert before == world.client.list_data_units({"data_collection": world.collection["id"]})["count"]


@check
def get_data_unit(world: World) -> None:
    unit = world.client.get_data_unit(world.unit()["id"], params={"expand": "files"})
    info = unit["files"]["image_1"]
    assert info["is_primary"] is True and info["url"].startswith("http"), info


@check
def list_data_units_downloading_files(world: World) -> None:
    unit = world.unit()
    params = {"data_collection": world.collection["id"], "page_size": 2}
    rows, count = world.client.list_data_units(params, list_all=True)
    found = {row["id"]: row for row in rows}
    assert count == len(found) and count > 2, (count, len(found))
    path = Path(found[unit["id"]]["files"]["image_1"]["path"])
    assert path.read_bytes().startswith(b"\x89PNG")


@check
def upload_data_collection(world: World) -> None:
    items = [{"files": {"image_1": world.image()}, "meta": {"batch": "bulk"}} for _ in range(12)]
    seen: list[tuple[int, int]] = []
    world.client.upload_data_collection(
        world.collection["id"], items, batch_size=5, on_progress=lambda *at: seen.append(at)
    )
    rows, _count = world.client.list_data_units(
        {"data_collection": world.collection["id"]}, list_all=True, url_conversion={}
    )
    assert sum(row["meta"].get("batch") == "bulk" for row in rows) == 12
    assert seen[-1] == (12, 12)


@check
def upload_files_bulk(world: World) -> None:
    small, large = world.image("그림.png"), world.folder / "large.bin"
    large.write_bytes(small.read_bytes() * (11 * 1024 * 1024 // small.stat().st_size))  # comes in parts
    answer = world.client.upload_files_bulk([small, large])
    assert (answer.created_count, answer.failed_count) == (2, 0), answer
    stored = {world.content(result.data_file_id) for result in answer.results if result.success}
    assert stored == {small.read_bytes(), large.read_bytes()}, [len(each) for each in stored]


@check
def create_model(world: World) -> None:
    body = {"name": "신호 Detector", "plugin": world.plugin["code"], "version": "1.0.0"}
    archive = world.archive("weights.zip")
    model = world.made["model"] = world.client.create_model(body, file=archive)
    assert model["name"] == "신호 Detector" and model["neural_net"], model
    assert requests.get(model["file"], timeout=30).content == archive.read_bytes()
    child = world.client.create_model({"name": "child", "checkpoint": model["id"]}, file=archive)
    assert child["parent"] == model["id"]


@check
def list_models(world: World) -> None:
    answer = world.client.list_models()
    assert answer["count"] == len(answer["results"]) >= 1, answer


@check
def get_model_downloading_file(world: World) -> None:
    model = world.client.get_model(world.client.list_models()["results"][0]["id"])
    assert Path(model["file"]).read_bytes().startswith(b"PK")


@check
def get_storage(world: World) -> None:
    stored = world.client.get_default_storage()
    storage = world.client.get_storage(stored["id"])
    assert storage.category == "internal" and storage.is_default and isinstance(storage.configuration, dict)


@check
def get_default_storage(world: World) -> None:
    assert world.client.get_default_storage()["provider"] == "amazon_s3"
