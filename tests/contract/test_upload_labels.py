"""Pictures that are uploaded together with their labels."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any

import pytest

from PIL import Image

from synapse import (
    Box,
    DataCollection,
    FileSpecification,
    MappingError,
    Project,
    QueryError,
    Task,
    TransferError,
)
from synapse.testing import assert_requests
from tests.contract.test_annotate_from import GOOD, document
from tests.contract.test_export import configuration


@pytest.fixture
def project(session) -> Project:
    """A project of signs without pictures."""
    image = FileSpecification(name="image_1", file_type="image", is_primary=True)
    collection = DataCollection.objects.create(name="new", category="image", file_specifications=[image])
    return Project.objects.create(
        title="new", category="image", data_collection=collection, configuration=configuration()
    )


@pytest.fixture
def photos(tmp_path) -> Path:
    """A folder of two pictures."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index, name in enumerate(("plain.png", "표지판.png")):
        Image.new("RGB", (40, 30), (index, 9, 9)).save(folder / name)
    return folder


def labels(folder: Path, content: Any) -> Path:
    """Write labels beside the folder of pictures."""
    path = folder.parent / "instances.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_annotates_the_tasks(project, photos):
    """The task of the picture has its box, and the other one is told of."""
    path = labels(photos, document(GOOD))

    report = project.data_collection.upload(photos, project=project, annotations=path, format="coco")

    found = {task.files["image_1"].name: task.annotations for task in Task.objects.filter(project=project)}
    assert [Box("stop", x=1, y=2, width=3, height=4, media="image_1")] == list(found["plain.png"])
    assert (2, 1, 1) == (
        len(report.created),
        report.annotations.written,
        report.annotations.counts["skipped"],
    )
    assert "written            1" in str(report)


def test_takes_what_an_export_wrote(project, photos, tmp_path):
    """An export with its pictures is a collection again."""
    project.data_collection.upload(
        photos, project=project, annotations=labels(photos, document(GOOD)), format="coco"
    )
    Task.objects.filter(project=project).export(tmp_path / "out", format="yolo", files="download")
    collection = DataCollection.objects.create(
        name="copy", category="image", file_specifications=project.data_collection.file_specifications
    )
    copy = Project.objects.create(
        title="copy", category="image", data_collection=collection, configuration=configuration()
    )

    report = collection.upload(
        tmp_path / "out" / "images", project=copy, annotations=tmp_path / "out", format="yolo"
    )

    assert {"stop": 1} == dict(report.annotations.classes)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("{", "this is no JSON"),
        (document({"bbox": [1, 2, 3]}), "annotations[0].bbox"),
        (document({**GOOD, "category_id": 9}), "there is no category 9"),
        (document(GOOD, file_name="gone.png"), "there is no picture of this name"),
        (document(GOOD, width=41), "labels of a picture of 41 × 30, and it has 40 × 30"),
        ({**document(GOOD), "categories": [{"id": 1, "name": "stpo"}]}, "did you mean 'stop'?"),
        ({**document(GOOD), "images": document()["images"] * 2}, "neither is used"),
    ],
)
def test_strict_uploads_nothing(project, photos, content, words):
    """What is wrong with the labels is found before a picture is sent."""
    path = labels(photos, content)

    with pytest.raises(MappingError) as caught:
        project.data_collection.upload(photos, project=project, annotations=path, format="coco", strict=True)

    assert words in str(caught.value)
    assert 0 == project.data_collection.units.count()


def test_a_dry_run_reports_on_the_labels(project, photos):
    """Nothing is sent, and the report counts classes."""
    report = project.data_collection.upload(
        photos, project=project, annotations=labels(photos, document(GOOD)), format="coco", dry_run=True
    )

    assert ({"stop": 1}, 2) == (dict(report.annotations.classes), len(report.planned))
    assert 0 == project.data_collection.units.count()


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"format": "coco"}, QueryError, "pass the project"),
        ({"format": "cocoo", "project": 1}, QueryError, "did you mean 'coco'?"),
        ({"project": 1}, QueryError, "takes 'coco', 'yolo'"),
        (
            {"format": "coco", "project": 1, "annotations": "gone.json"},
            TransferError,
            "there is no 'gone.json'",
        ),
        ({"format": "coco", "project": 1, "annotations": None}, TransferError, "given by its path"),
    ],
)
def test_refuses_before_anything_is_sent(project, photos, options, error, words):
    """Bad arguments are an error without a request."""
    collection = project.data_collection
    given = {"annotations": labels(photos, document(GOOD)), **options}

    with assert_requests(0), pytest.raises(error) as caught:
        collection.upload(photos, **given)

    assert words in str(caught.value)


def test_reads_the_labels_once(project, photos, monkeypatch):
    """They may be large, and change while pictures are uploaded."""
    path, read, seen = labels(photos, document(GOOD)), Path.read_text, []
    monkeypatch.setattr(
        Path, "read_text", lambda self, *args, **kw: seen.append(self) or read(self, *args, **kw)
    )

    project.data_collection.upload(photos, project=project, annotations=path, format="coco", strict=True)

    assert 1 == seen.count(path)


def test_labels_without_names_are_refused_before_anything_is_sent(project, photos, tmp_path):
    """Also without `strict`."""
    (tmp_path / "yolo").mkdir()
    collection = project.data_collection
    with assert_requests(0), pytest.raises(QueryError, match="YOLO's labels are numbers"):
        collection.upload(photos, project=project, annotations=tmp_path / "yolo", format="yolo")


def test_two_pictures_of_one_name_are_told_before(project, photos):
    """Whose labels they are, nobody can tell."""
    (photos / "b").mkdir()
    Image.new("RGB", (40, 30)).save(photos / "b" / "plain.png")
    path = labels(photos, document(GOOD))

    with pytest.raises(MappingError, match="another picture has the name of"):
        project.data_collection.upload(photos, project=project, annotations=path, format="coco", strict=True)
