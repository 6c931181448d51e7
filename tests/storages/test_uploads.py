"""Uploads that read straight from a storage."""

from __future__ import annotations

import hashlib
import io

from pathlib import Path
from typing import Any

import pytest

from PIL import Image

from synapse import DataCollection, DataFile, FileSpecification, Project
from synapse.errors import TransferError
from synapse.interop.storages.paths import StoragePath
from tests.storages.conftest import Kind

PICTURE = b"\x89PNG\r\n\x1a\n" + bytes(64)


@pytest.fixture
def collection() -> DataCollection:
    """A collection of pictures, each with its data if there is any."""
    specs = [
        FileSpecification(
            name="image_1", file_type="image", is_required=True, is_primary=True, function_type="main"
        ),
        FileSpecification(name="data_meta_1", file_type="data", function_type="meta"),
    ]
    return DataCollection.objects.create(name="Photos", category="image", file_specifications=specs)


def paths(collection: DataCollection) -> list[list[str]]:
    """Give the original paths of the files of each unit."""
    return [sorted(file.name for file in unit.files.values()) for unit in collection.units.order_by("id")]


def test_a_folder(kind: Kind, prefix: str, collection: DataCollection) -> None:
    """A folder of a storage becomes units as a local one does."""
    for name in ("day1/a.png", "day1/a.json", "day2/표지판.png", "day2/표지판.json"):
        kind.put(f"{prefix}/{name}", PICTURE + name.encode() if name.endswith("png") else b"{}")

    report = collection.upload(kind.storage.path(f"{prefix}/"))

    assert 2 == len(report.created)
    assert [["a.json", "a.png"], ["표지판.json", "표지판.png"]] == paths(collection)


def test_again(kind: Kind, prefix: str, collection: DataCollection) -> None:
    """A second run finds what is there, and sends nothing."""
    kind.put(f"{prefix}/a.png", PICTURE + prefix.encode())
    place = kind.storage.path(prefix)
    collection.upload(place)

    report = collection.upload(place)

    assert (1, 0) == (len(report.reused), report.bytes_sent)


def test_items(kind: Kind, prefix: str, collection: DataCollection) -> None:
    """Paths of a storage are items, and files of items, as local paths are."""
    kind.put(f"{prefix}/a.png", PICTURE + b"1" + prefix.encode())
    kind.put(f"{prefix}/b.png", PICTURE + b"2" + prefix.encode())
    place = kind.storage.path(prefix)

    report = collection.upload([place / "a.png", {"files": {"image_1": place / "b.png"}, "meta": {"n": 2}}])

    assert ["created"] * 2 == [outcome.status for outcome in report]
    assert [{}, {"n": 2}] == [unit.meta for unit in collection.units.order_by("id")]


def test_one_unit(folder: Kind, prefix: str, collection: DataCollection) -> None:
    """`add()` takes paths of a storage."""
    folder.put(f"{prefix}/a.png", PICTURE + prefix.encode())

    unit = collection.add(folder.storage.path(prefix) / "a.png")

    assert "a.png" == unit.files["image_1"].name


@pytest.mark.parametrize("chunked", [False, True])
def test_one_file(kind: Kind, prefix: str, chunked: bool) -> None:
    """A data file arrives whole, by one request or in chunks."""
    content = prefix.encode() * 1000
    kind.put(f"{prefix}/a.bin", content)

    file = DataFile.objects.upload(kind.storage.path(prefix) / "a.bin", chunked=chunked, chunk_size=3000)

    assert hashlib.md5(content).hexdigest() == file.checksum


def test_an_empty_folder(folder: Kind, prefix: str, collection: DataCollection) -> None:
    """A folder without files is no items, as a local one is."""
    (folder.place / prefix).mkdir()

    assert 0 == len(collection.upload(folder.storage.path(prefix)))


@pytest.mark.parametrize("name", ["missing", "a.png"])
def test_what_is_no_folder(kind: Kind, prefix: str, collection: DataCollection, name: str) -> None:
    """What is not there, and what is a file, is told before anything is sent."""
    kind.put(f"{prefix}/a.png", PICTURE)

    with pytest.raises(TransferError, match="nothing called|one file, not a folder"):
        collection.upload(kind.storage.path(f"{prefix}/{name}/"))


def test_an_object_that_vanishes(kind: Kind, prefix: str, collection: DataCollection) -> None:
    """One that is gone when its turn comes is a failed outcome, and the others arrive."""
    kind.put(f"{prefix}/a.png", PICTURE + b"a" + prefix.encode())
    kind.put(f"{prefix}/b.png", PICTURE + b"b" + prefix.encode())
    place = kind.storage.path(prefix)

    def items() -> Any:
        kind.remove(f"{prefix}/a.png")
        yield from (place / "a.png", place / "b.png")

    report = collection.upload(items())

    assert ["failed", "created"] == [outcome.status for outcome in report]
    assert "there is nothing called" in str(report[0].error)


def test_an_object_that_changes(kind: Kind, prefix: str) -> None:
    """One that is replaced after it was looked at is not registered."""
    kind.put(f"{prefix}/a.bin", b"1" * 100)
    source = (kind.storage.path(prefix) / "a.bin").source()
    kind.put(f"{prefix}/a.bin", b"2" * 101)

    with pytest.raises(TransferError, match="changed while it was"):
        source.check()
    with pytest.raises(TransferError, match="changed while it was"):
        source.digest("md5")


def test_outcomes_keep_their_paths(folder: Kind, prefix: str, collection: DataCollection) -> None:
    """What a report shows of an item can be given again."""
    folder.put(f"{prefix}/a.mp4", b"no picture")
    folder.put(f"{prefix}/b.png", PICTURE + prefix.encode())
    report = collection.upload(folder.storage.path(prefix), dry_run=True)

    items = [outcome.item for outcome in report]

    assert isinstance(items[0], StoragePath)
    assert ["created"] == [each.status for each in collection.upload(items[1:])]


def test_with_labels(folder: Kind, prefix: str, tmp_path: Path) -> None:
    """Pictures of a storage go up with labels of this machine, which are held against their sizes before."""
    image = FileSpecification(name="image_1", file_type="image", is_primary=True)
    collection = DataCollection.objects.create(name="Photos", category="image", file_specifications=[image])
    classes = {"id": "c", "name": "box", "tool": "bounding_box", "options": []}
    made = io.BytesIO()
    Image.new("L", (40, 30)).save(made, "png")
    folder.put(f"{prefix}/a.png", made.getvalue())
    (tmp_path / "a.xml").write_text(
        "<annotation><size><width>41</width><height>30</height></size></annotation>"
    )
    project = Project.objects.create(
        title="P", category="image", data_collection=collection, configuration=classes
    )

    report = collection.upload(
        folder.storage.path(prefix), project=project, annotations=tmp_path, format="voc", dry_run=True
    )

    assert "labels of a picture of 41 × 30, and it has 40 × 30" in str(report.annotations.failed[0])
