"""Values that no request can carry, and those of other libraries: one rule at every door, before anything is sent."""

from __future__ import annotations

import os

import numpy as np
import pytest

from synapse import (
    DataCollection,
    FileSpecification,
    MappingError,
    Project,
    QueryError,
    SynapseError,
    Task,
    TaskTag,
    TransferError,
)
from synapse.testing import assert_requests

pytestmark = pytest.mark.usefixtures("session")

PICTURE = FileSpecification(name="image_1", file_type="image", is_primary=True, is_required=True)
DEEP = r"\['a'\]\[3\]"


@pytest.fixture
def picture(tmp_path):
    """A picture, as far as its name tells."""
    path = tmp_path / "a.png"
    path.write_bytes(os.urandom(100))
    return path


@pytest.fixture
def project(make):
    """A project that is loaded."""
    return Project.objects.get(make.project().pk)


@pytest.fixture
def collection():
    """A collection of single pictures."""
    return DataCollection.objects.create(name="One", category="image", file_specifications=[PICTURE])


def edited(task, text):
    """Put text deep into the data of a task."""
    task.data = {"a": [0, 1, 2, text]}
    task.save()


WRITES = {
    "title": (lambda w, text: Project(title=text, category="image"), "Project.title: text with"),
    "attribute": (lambda w, text: setattr(w["project"], "title", text), "Project.title: text with"),
    "create": (lambda w, text: TaskTag.objects.create(name=text, project=1), "TaskTag.name: text with"),
    "JSON": (lambda w, text: edited(Task.ref(1), text), rf"Task.data{DEEP}: text with"),
    "key": (lambda w, text: edited(Task.ref(1), {text: 1}), rf"Task.data{DEEP}: a key is text with"),
    "update": (lambda w, text: Task.objects.filter(id=1).update(data={"a": text}), r"Task.data\['a'\]: text"),
    "annotate": (lambda w, text: Task.ref(1).annotate({"a": text}), r"\['a'\]: text with"),
    "filter": (lambda w, text: Task.objects.filter(search=text), "text without NUL"),
    "add": (lambda w, text: w["collection"].add(w["picture"], meta={"a": [text]}), r"meta\['a'\]\[0\]: text"),
    "groups": (lambda w, text: w["collection"].add(w["picture"], groups=["x", text]), r"groups\[1\]: text"),
    "flat": (
        lambda w, text: w["client"].create_tasks({"project": 1, "data": [text]}),
        r"\['data'\]\[0\]: text",
    ),
    "flat files": (
        lambda w, text: w["client"].upload_data_file(
            {"files": {"image_1": w["picture"]}, "groups": [text]}, 1
        ),
        r"\['groups'\]\[0\]: text",
    ),
    "flat filter": (lambda w, text: w["client"].list_tasks({"search": text}), r"params\['search'\] is text"),
}


@pytest.mark.combinations("door, text", WRITES, ["caf\udce9", "a\0"])
def test_text_that_no_request_carries(door, text, project, collection, client, picture):
    """Half of a surrogate pair and NUL are refused with their place, and no file goes up before."""
    write, words = WRITES[door]
    world = {"project": project, "collection": collection, "client": client, "picture": picture}

    with assert_requests(0), pytest.raises(SynapseError, match=words) as caught:
        write(world, text)

    assert isinstance(caught.value, MappingError | QueryError | TransferError)


def test_items_with_such_text_fail_alone(collection, picture):
    """The others go up; the outcome names the place."""
    report = collection.upload([{"files": picture, "groups": ["\udce9"]}, picture])

    assert ["failed", "created"] == [outcome.status for outcome in report]
    assert "groups[0]: text with half of a surrogate pair" in str(report[0].error)


def test_numbers_of_numpy_arrive(make):
    """In JSON, filters and keys, numpy's numbers are Python's."""
    task = Task.objects.get(np.int64(make.task().pk))
    task.data = {"score": np.float32(0.5), "boxes": [np.int16(3)]}
    task.data["sure"] = np.True_
    task.save()

    assert {"score": 0.5, "boxes": [3], "sure": True} == Task.objects.get(task.id).data
    assert [task] == list(Task.objects.filter(id__in=np.array([task.id]), is_discarded=np.False_))


@pytest.mark.parametrize(
    ("value", "words"),
    [(np.arange(2), r"value.tolist\(\)"), (b"1R2", r"value.decode\(\)"), (np.float64("nan"), "write None")],
)
def test_arrays_put_in_place_are_refused(make, value, words):
    """What was put into JSON that was loaded is looked at when it is saved."""
    task = Task.objects.get(make.task(data={"a": [0, 1, 2, 3]}).pk)
    task.data["a"][3] = value

    with (
        assert_requests(0),
        pytest.raises(MappingError, match=rf"Task.data{DEEP}: JSON cannot hold .*{words}"),
    ):
        task.save()
