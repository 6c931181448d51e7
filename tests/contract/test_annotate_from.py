"""Labels from files onto tasks of a real backend: what is written there, what is refused, and what is reported."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any

import pytest

from synapse import Annotations, Box, MappingError, Point, Polygon, Project, QueryError, Task, TransferError
from synapse.testing import assert_requests
from tests.contract.test_export import (
    DRAWN,
    boxes,
    configuration,
    own_project,
    project,
    signs_for_all,
    tasks_of,
)

__all__ = ["own_project", "project", "signs_for_all"]

KINDS = ("detect", "segment", "pose", "obb")


def near(first: Any, second: Any) -> bool:
    """Tell whether annotations are alike but for ids and a thousandth of a pixel."""
    return [_numbers(each) for each in first] == [_numbers(each) for each in second]


def _numbers(value: Any) -> tuple[Any, ...]:
    if isinstance(value, Box):
        numbers = [value.x, value.y, value.width, value.height]
    elif isinstance(value, Polygon):
        numbers = [number for point in value.points for number in point]
    elif isinstance(value, Point):
        numbers = [value.x, value.y]
    else:
        numbers = []
    return type(value), value.class_name, [round(number, 3) for number in numbers]


@pytest.fixture
def other(project) -> Project:
    """Another project on the same pictures, whose tasks have no annotations."""
    made = Project.objects.create(
        title="other",
        category="image",
        data_collection=project.data_collection_id,
        configuration=configuration(),
    )
    units = [task.data_unit_id for task in tasks_of(project)]
    Task.objects.bulk_create([Task(project_id=made.id, data_unit_id=unit) for unit in units])
    return made


def by_unit(project: Project) -> dict[int, Annotations]:
    """Give the annotations of each unit."""
    return {task.data_unit_id: task.annotations for task in tasks_of(project)}


class TestRoundTrip:
    @pytest.mark.parametrize("format", ["dm_v2", "jsonl"])
    def test_of_documents_is_equal(self, project, other, tmp_path, format):
        """Everything comes back but ids."""
        tasks_of(project).export(tmp_path / "out", format=format)

        report = tasks_of(other).annotate_from(tmp_path / "out", format=format)

        assert (by_unit(project), 4, 8) == (by_unit(other), report.tasks, report.written)

    def test_of_coco_loses_what_the_report_says(self, project, other, tmp_path):
        """Boxes, polygons, masks, points and labels come back, in an order of their own."""
        exported = tasks_of(project).export(tmp_path / "out", format="coco")

        report = tasks_of(other).annotate_from(tmp_path / "out", format="coco", strict=True)

        assert (exported.classes, exported.written) == (report.classes, report.written)
        for unit, before in by_unit(project).items():
            after = by_unit(other)[unit]
            assert sorted(map(_numbers, before), key=str) == sorted(map(_numbers, after), key=str)

    @pytest.mark.parametrize(("kind", "held"), list(zip(KINDS, (Box, Polygon, Point, Box), strict=True)))
    def test_of_yolo_keeps_what_its_kind_holds(self, project, other, tmp_path, kind, held):
        """Sizes are read of the pictures, and classes of `data.yaml`."""
        tasks_of(project).export(tmp_path / "out", format="yolo", kind=kind, split={"train": 0.5, "val": 0.5})

        tasks_of(other).annotate_from(tmp_path / "out", format="yolo", kind=kind)

        after = by_unit(other)
        for unit, before in by_unit(project).items():
            kept = [each for each in after[unit] if not (kind == "segment" and each.class_name == "road")]
            assert near(before.of(held), kept)

    def test_of_voc_keeps_masks(self, project, other, tmp_path):
        """Boxes come back as boxes, masks as masks."""
        tasks_of(project).export(tmp_path / "out", format="voc")

        tasks_of(other).annotate_from(tmp_path / "out", format="voc")

        after = by_unit(other)
        for unit, before in by_unit(project).items():
            assert before.masks == after[unit].masks

    def test_of_jsonl_keeps_the_rest_of_the_document(self, own_project, other, tmp_path):
        """What the SDK doesn't know goes with the annotations."""
        task, same = (tasks_of(each).first() for each in (own_project, other))
        task.annotate({**task.data, "extra": {"image_1": {"mine": 1}}}, schema="any")
        tasks_of(own_project).filter(id=task.id).export(tmp_path / "out", format="jsonl")

        tasks_of(other).filter(id=same.id).annotate_from(tmp_path / "out", format="jsonl")

        assert {"image_1": {"mine": 1}} == Task.objects.get(same.id).data["extra"]

    def test_of_voc_keeps_boxes(self, project, other, tmp_path):
        """Whole pixels come back as they were."""
        tasks_of(project).export(tmp_path / "out", format="voc")

        report = tasks_of(other).annotate_from(tmp_path / "out", format="voc", schema="any")

        assert {"차": 2, "stop": 1, "road": 1} == dict(report.classes)

    def test_of_folders_keeps_labels(self, project, other, tmp_path):
        """The folder is the class; a name that two tasks' pictures have is refused for both."""
        tasks_of(project).export(tmp_path / "out", format="imagefolder", files="download")

        report = tasks_of(other).annotate_from(tmp_path / "out", format="imagefolder")

        assert ({"night": 1}, 2) == (dict(report.classes), len(report.failed))


def document(*annotations: dict[str, Any], **image: Any) -> dict[str, Any]:
    """Make a COCO document of one picture."""
    items = [{"id": index, "image_id": 1, "category_id": 1, **each} for index, each in enumerate(annotations)]
    return {
        "images": [{"id": 1, "file_name": "plain.png", "width": 40, "height": 30, **image}],
        "categories": [{"id": 1, "name": "stop"}],
        "annotations": items,
    }


GOOD = {"bbox": [1, 2, 3, 4]}


def written(folder: Path, content: Any) -> Path:
    """Write a document, or text as it is."""
    path = folder / "labels.json"
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"images": [', "labels.json: this is no JSON"),
        ({"images": []}, "labels.json: categories is no list"),
        (document({"bbox": ["a", 2, 3, 4]}), "labels.json: annotations[0].bbox"),
        (document(GOOD, {"bbox": [1, 2, 3]}), "labels.json: annotations[1].bbox"),
        (document({**GOOD, "category_id": 7}), "annotations[0].category_id: there is no category 7"),
        (document({**GOOD, "image_id": 7}), "annotations[0].image_id: there is no such image"),
        (document(GOOD, file_name="gone.png"), "labels.json: gone.png: no task has a picture of this name"),
        (document(GOOD, file_name="사진.png"), "have a picture of this name"),
        (document({"bbox": [1, 2, 300, 4]}), "[0] Box 'stop' lies outside its picture"),
        (document({"bbox": [1, 2, -3, 4]}), "[0] Box 'stop' is -3 wide and 4 high"),
        (
            document({"segmentation": {"size": [2, 2], "counts": [0, 4]}}),
            "[0] Mask 'stop' is of a picture of 2 × 2 pixels, and its picture has 40 × 30",
        ),
        (document({**GOOD, "attributes": {"class": "차"}}), "an attribute called 'class'"),
        (
            {**document(GOOD), "images": document()["images"] * 2},
            "is for a picture of this name as well; neither is used",
        ),
        ({**document(GOOD), "categories": [{"id": 1, "name": "stpo"}]}, "did you mean 'stop'?"),
    ],
)
def test_bad_labels_are_lines_of_the_report(session, project, tmp_path, content, words):
    """Each names its place; with `strict=True` nothing is sent."""
    path = written(tmp_path, content)
    tasks = tasks_of(project)

    report = tasks.annotate_from(path, format="coco", dry_run=True, existing="replace")

    assert words in "\n".join(map(str, report.failed))
    with session.trace() as trace, pytest.raises(MappingError, match="Nothing was sent"):
        tasks.annotate_from(path, format="coco", strict=True, existing="replace")
    assert {"GET"} == {call.method for call in trace}


def test_another_size_is_refused(session, make, tmp_path):
    """Labels of a picture of another size are those of another picture."""
    row = make.task(project=make.project(configuration=configuration()))
    row.data_unit.files.update(meta={"width": 96, "height": 96}, path_original="plain.png")

    report = Task.objects.filter(id=row.pk).annotate_from(written(tmp_path, document(GOOD)), format="coco")

    assert ["labels of a picture of 40 × 30, and it has 96 × 96"] == [each.reason for each in report.failed]


@pytest.mark.parametrize(
    ("existing", "names"), [("refuse", ["stop"]), ("replace", ["차"]), ("add", ["stop", "차"])]
)
def test_existing_annotations(session, make, tmp_path, existing, names):
    """They are refused, replaced or added to."""
    row = make.task(project=make.project(configuration=configuration()), data=boxes())
    row.data_unit.files.update(meta={"width": 40, "height": 30}, path_original="plain.png")
    content = {**document(GOOD), "categories": [{"id": 1, "name": "차"}]}

    report = Task.objects.filter(id=row.pk).annotate_from(
        written(tmp_path, content), format="coco", existing=existing
    )

    assert names == [each.class_name for each in Task.objects.get(row.pk).annotations]
    assert (existing == "refuse") == bool(report.failed)


def test_all_problems_of_a_picture_are_told(session, project, tmp_path):
    """Lines that can't be read are told beside a box that lies outside."""
    (tmp_path / "plain.txt").write_text("x\n0 1 1 .5 .5\n", encoding="utf-8")

    report = tasks_of(project).annotate_from(
        tmp_path / "plain.txt", format="yolo", classes=["stop"], dry_run=True
    )

    assert ["plain.txt: line 1", "plain.txt"] == [each.path for each in report.failed]


def test_losses_of_reading_are_told(session, own_project, tmp_path):
    """They are no reason not to send the rest."""
    path = written(tmp_path, document({**GOOD, "iscrowd": 1}))

    report = tasks_of(own_project).annotate_from(path, format="coco", existing="replace", strict=True)

    assert (1, ["labels.json: annotations[0]"]) == (report.written, [each.path for each in report.lossy])


@pytest.mark.parametrize(
    ("given", "count"), [("plain.png", 1), ("plain", 1), ("some/plain.jpg", 1), ("other", 0), (None, 0)]
)
def test_a_call_may_give_a_name_with_or_without_ending(session, project, tmp_path, given, count):
    """None says that there are no labels for a task."""
    path, key = written(tmp_path, document(GOOD)), tasks_of(project).last().id

    report = Task.objects.filter(id=key).annotate_from(
        path, format="coco", match=lambda _: given, dry_run=True, existing="replace"
    )

    assert count == report.written


def test_a_call_that_gives_no_name_is_refused(session, project, tmp_path):
    """A number is no name."""
    with pytest.raises(QueryError, match="the call gives the name of a picture, or None, not int 7"):
        tasks_of(project).annotate_from(written(tmp_path, document(GOOD)), format="coco", match=lambda _: 7)


def test_dry_run_sends_nothing(session, project, tmp_path):
    """The report says what would be written."""
    before = by_unit(project)

    report = tasks_of(project).annotate_from(
        written(tmp_path, document(GOOD)), format="coco", existing="replace", dry_run=True
    )

    assert (1, 1, before) == (report.tasks, report.written, by_unit(project))
    assert "dry run: nothing was sent" in str(report)


def test_matches_by_a_call(session, own_project, tmp_path):
    """A name that a call gives for a task is looked for in place of the file's."""
    path = written(tmp_path, document(GOOD, file_name=f"{tasks_of(own_project).last().id}.jpg"))

    report = tasks_of(own_project).annotate_from(path, format="coco", match=lambda task: f"{task.id}.png")

    assert ({"stop": 1}, len(DRAWN)) == (dict(report.classes), report.counts["skipped"])


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "coko"}, "did you mean 'coco'?"),
        ({"format": "coco", "match": "stems"}, "match takes 'stem', 'name', 'id'"),
        ({"format": "coco", "existing": "keep"}, "existing takes 'refuse', 'replace', 'add'"),
        ({"format": "yolo"}, "pass classes=[...]"),
        ({"format": "yolo", "classes": "stop"}, "classes takes the names of classes"),
        ({"format": "yolo", "kind": "boxes"}, "YOLO has no kind"),
        ({"format": "coco", "strict": 1}, "strict"),
        ({"format": "voc", "kind": "segment"}, "kind='segment' is a kind of YOLO"),
        ({"format": "yolo", "match": "name"}, "tell no endings of names"),
        ({"format": "voc", "match": "id"}, "tell no keys of tasks, those of coco, jsonl do"),
    ],
)
def test_refuses_before_anything_is_sent(session, tmp_path, options, words):
    """Bad arguments are an error without a request."""
    with assert_requests(0), pytest.raises(QueryError) as caught:
        Task.objects.all().annotate_from(tmp_path, **options)

    assert words in str(caught.value)


def test_a_folder_that_is_not_there(session, tmp_path):
    """The error names it, and nothing is sent."""
    with assert_requests(0), pytest.raises(TransferError, match="there is no"):
        Task.objects.all().annotate_from(tmp_path / "gone", format="coco")
