"""Annotations of tasks as values: what is read and checked before they are sent, and what is stored."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from synapse import (
    Annotations,
    Assignment,
    Box,
    BulkError,
    GroundTruth,
    GroundTruthEvent,
    Label,
    MappingError,
    Project,
    QueryError,
    Task,
    ValidationError,
)
from synapse.testing import assert_requests

SIGNS = ("stop", "yield")
STORED: dict[str, Any] = {
    "annotations": {
        "image_1": [{"id": "a", "tool": "bounding_box", "classification": {"class": "stop"}, "new": 1}]
    },
    "annotationsData": {"image_1": [{"id": "a", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}]},
    "extra": {"image_1": {"brightness": 2}},
}


def classes(*codes: str) -> dict[str, Any]:
    """Make a configuration of boxes and labels with these classes."""
    schema = {"classification_schema": [{"code": code, "name": code.title()} for code in codes]}
    return {"schema_type": "dm_schema", "classification": {"bounding_box": schema, "classification": schema}}


def box(name: str = "stop", **fields: Any) -> Box:
    """Make a box that lies in the picture."""
    return Box(name, **{"x": 1, "y": 2, "width": 3, "height": 4, **fields})


@pytest.fixture
def rows(make):
    """Three tasks of a project of signs, on pictures of 96 × 96 pixels, as Django's objects."""
    rows = make.tasks(3, project=make.project(configuration=classes(*SIGNS)))
    for row in rows:
        row.data_unit.files.update(meta={"width": 96, "height": 96})
    return rows


@pytest.fixture
def task(session, rows) -> Task:
    """The first of them, read through the SDK."""
    return Task.objects.get(rows[0].pk)


class TestAnnotate:
    def test_reads_the_files_and_the_project_once(self, task, rows):
        """The first annotation takes two requests more, the next one none."""
        with assert_requests(3):
            task.annotate(box(), Label("yield"))
        with assert_requests(1):
            task.annotate([box("yield")])

        rows[0].refresh_from_db()
        assert (Annotations([box("yield", media="image_1")]), "completed") == (
            Annotations.from_v1(rows[0].data),
            rows[0].status_label,
        )

    def test_of_a_reference_reads_the_task_as_well(self, session, rows):
        """A task that was not read must be, to know its project."""
        with assert_requests(4):
            Task.ref(rows[0].pk).annotate(box())

    def test_of_any_format_reads_no_project(self, session, rows):
        """`schema="any"` takes classes that the project doesn't have."""
        with assert_requests(2):
            Task.ref(rows[0].pk).annotate(box("anything"), schema="any")

    def test_as_data_reads_nothing(self, session, rows):
        """Data in the backend's form is one request, as before."""
        with assert_requests(1):
            Task.ref(rows[0].pk).annotate(STORED)

    @pytest.mark.parametrize(
        ("value", "words"),
        [
            (box("stpo"), "did you mean 'stop'?"),
            (box(media="image_2"), "did you mean 'image_1'?"),
            (box(x=95), "lies outside its picture of 96 × 96 pixels"),
            (box(width=0), "both must be above 0"),
        ],
    )
    def test_refuses_before_anything_is_written(self, session, task, rows, value, words):
        """A mistake costs reading: the files, the project, and that once more, since its classes may have changed."""
        with assert_requests(3) as calls, pytest.raises(QueryError) as caught:
            task.annotate(value)

        assert words in str(caught.value)
        assert {"GET"} == {call.method for call in calls}

    @pytest.mark.parametrize(
        ("given", "words"),
        [
            (({"a": 1}, box()), "takes annotations such as Box(...), got dict with 'a'"),
            (([{"a": 1}],), "takes annotations such as Box(...), got dict with 'a'"),
            ((box(), 5), "takes annotations such as Box(...), got int 5"),
        ],
    )
    def test_refuses_what_is_no_annotation(self, session, task, given, words):
        """Data goes alone."""
        with assert_requests(0), pytest.raises(QueryError) as caught:
            task.annotate(*given)

        assert words in str(caught.value)

    def test_takes_a_class_that_was_added_meanwhile(self, session, task, rows):
        """A project that is known from before is read again before its classes refuse."""
        task.annotate(box())
        rows[0].project.configuration = classes(*SIGNS, "slow")
        rows[0].project.save()
        task.annotate(box("slow"))

        assert ["slow"] == [each.class_name for each in task.annotations]

    def test_clips_where_asked(self, task):
        """The part of the box that lies in the picture is stored."""
        task.annotate(box(x=90, width=10), outside="clip")

        assert (90, 6) == (task.annotations.boxes[0].x, task.annotations.boxes[0].width)

    def test_of_an_empty_picture_is_submitted(self, task):
        """A picture without signs has an annotation that says so."""
        task.annotate([])

        assert ("completed", 0) == (task.status_label, len(task.annotations))

    def test_keeps_what_the_document_holds_besides(self, task, rows):
        """Annotations that are added to those there leave all else as it is."""
        task.annotate(STORED)
        task.annotate(task.annotations + [box("yield", id="b")])

        rows[0].refresh_from_db()
        assert STORED["annotations"]["image_1"][0] == rows[0].data["annotations"]["image_1"][0]
        assert (STORED["extra"], 2) == (
            rows[0].data["extra"],
            len(rows[0].data["annotationsData"]["image_1"]),
        )

    def test_of_a_unit_without_files_is_refused(self, session, task, rows):
        """There is nothing to draw on."""
        rows[0].data_unit.files.all().delete()

        with pytest.raises(QueryError, match="the data unit has no files"):
            task.annotate(box())


class TestAnnotateMany:
    def test_reads_files_and_project_once_for_all(self, session, rows):
        """The tasks of a page take one request for their files."""
        tasks = list(Task.objects.filter(project=rows[0].project_id))

        with assert_requests(3 + 2):
            assert 3 == Task.objects.annotate_many((task, [box()]) for task in tasks)

    def test_reads_tasks_that_are_given_by_key(self, session, rows):
        """A hundred keys take one request more."""
        with assert_requests(3 + 3):
            assert 3 == Task.objects.annotate_many({row.pk: box() for row in rows})

    def test_tells_which_failed(self, session, rows):
        """One mistake stops no other, and one key that does not exist."""
        pairs = [(rows[0].pk, box()), (rows[1].pk, box("stpo")), (10**9, box()), (rows[2].pk, {})]

        with pytest.raises(BulkError, match="annotated 1 of 4 tasks") as caught:
            Task.objects.annotate_many(pairs)

        kinds = [QueryError, Task.DoesNotExist, ValidationError]
        assert kinds == [type(error) for _, error in caught.value.failed]

    def test_annotates_what_came_before_an_error_of_the_source(self, session, rows):
        """A generator that breaks off has its pairs annotated, and its error told."""

        def source():
            yield rows[0].pk, box()
            raise OSError("disk")

        with pytest.raises(BulkError, match="annotated 1 of 1 tasks; then it broke off with OSError"):
            Task.objects.annotate_many(source())


class TestAnnotations:
    def test_of_a_task_are_values(self, session, rows):
        """What was stored is read as values; a task without data has none."""
        type(rows[0]).objects.filter(pk=rows[0].pk).update(data=STORED)
        first, second = Task.objects.filter(id__in=[row.pk for row in rows[:2]]).order_by("id")

        assert ((box(media="image_1"),), 0) == (first.annotations.boxes, len(second.annotations))

    def test_of_an_assignment_are_values(self, session, rows, make):
        """An assignment has the annotations of its worker."""
        made = make.assignments(rows[:1], data=STORED)[0]

        assert (box(media="image_1"),) == Assignment.objects.get(made.pk).annotations.boxes

    def test_of_ground_truths_are_values(self, session, rows, make):
        """A ground truth has what was agreed, and so has its event in a version."""
        dataset = make.dataset()
        truth = GroundTruth.objects.create(
            ground_truth_dataset_id=dataset.pk, data_unit_id=rows[0].data_unit_id, data=STORED
        )
        event = GroundTruthEvent.objects.filter(ground_truth=truth)[0]

        assert [(box(media="image_1"),)] * 2 == [truth.annotations.boxes, event.annotations.boxes]

    def test_of_free_data_are_refused(self, session, task):
        """Data of another form is no empty annotation; the error names the task."""
        task.annotate({"label": "7"}, schema="any")

        with pytest.raises(MappingError, match=f"Task {task.id}: .* read the raw data instead"):
            task.annotations

    def test_that_were_changed_are_sent_as_they_came_but_for_that(self, session, task, rows):
        """A box that was moved keeps what the SDK doesn't know of it."""
        task.annotate(STORED)
        task.annotate(attrs.evolve(each, x=9) for each in task.annotations.boxes)

        rows[0].refresh_from_db()
        assert STORED["annotations"] == rows[0].data["annotations"]
        assert 9 == rows[0].data["annotationsData"]["image_1"][0]["coordinate"]["x"]


def test_a_project_tells_its_tools_and_classes(session, make):
    """Both are read from its configuration; without one there are none."""
    project = Project.objects.get(make.project(configuration=classes(*SIGNS)).pk)
    bare = Project.objects.get(make.project().pk)

    assert (SIGNS, ["bounding_box", "classification"]) == (project.classes, list(project.tools))
    assert "Stop" == project.tools["bounding_box"].classes[0].name
    assert ((), {}) == (bare.classes, bare.tools)
