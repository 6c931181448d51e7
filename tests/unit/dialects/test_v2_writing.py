"""Wire v2: what writes send, what of it is refused before, and what their answers say."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synapse import (
    Assignment,
    DataCollection,
    DataFile,
    DataUnit,
    GroundTruthDataset,
    GroundTruthVersion,
    Job,
    JobLog,
    Model,
    Plugin,
    PluginRelease,
    Project,
    Review,
    Task,
    TaskTag,
    Train,
    UnsupportedError,
    WriteUnconfirmedError,
)
from synapse.dialects import Reply, Request
from tests.unit.dialects.test_v2_reading import table

FILES = {"image_1": {"checksum": "d4"}}
ENTRY = {"event": "e", "data": {}, "datetime": "2026-03-01T04:05:06Z"}


@pytest.mark.parametrize(
    ("request_made", "expected"),
    [
        (
            table(Task).create({"project_id": 3, "data_unit_id": 21, "meta": {}}),
            Request("POST", "v2/tasks/", json={"project": 3, "data_unit": 21, "meta": {}}),
        ),
        (
            table(Project).create({"title": "T", "category": "image", "is_archived": False}),
            Request("POST", "v2/projects/", json={"title": "T", "category": "image", "configuration": {}}),
        ),
        (
            table(TaskTag).create({"project_id": 3, "name": "n"}),
            Request("POST", "v2/projects/3/tags/", json={"name": "n", "category": "project"}),
        ),
        (
            table(GroundTruthVersion).create({"ground_truth_dataset_id": 2, "version": "1"}),
            Request("POST", "v2/ground-truth-datasets/2/versions/", json={"version": "1"}),
        ),
        (
            table(DataUnit).create({"data_collection_id": 4, "files": FILES, "groups": ["a"]}),
            Request(
                "POST",
                "v2/data-units/bulk-create/",
                json={"data_collection": 4, "units": [{"files": FILES, "groups": ["a"]}]},
            ),
        ),
        (
            table(JobLog).create({"job_id": "0f-1", **ENTRY}),
            Request("POST", "v2/jobs/0f-1/logs/", json=ENTRY),
        ),
        (
            table(Project).change(3, values={"data_collection_id": 4}),
            Request("PATCH", "v2/projects/3/", json={"data_collection": 4}),
        ),
        (
            table(TaskTag).change(5, values={"name": "m"}, below=3),
            Request("PATCH", "v2/projects/3/tags/5/", json={"name": "m"}),
        ),
        (
            table(Plugin).change(4, values={"name": "Digits"}),
            Request("PATCH", "v2/plugins/4/", json={"name": "Digits"}),
        ),
        (table(Task).delete(5), Request("DELETE", "v2/tasks/5/")),
        (table(TaskTag).delete(5, below=3), Request("DELETE", "v2/projects/3/tags/5/")),
    ],
)
def test_writes_name_values_as_the_wire_takes_them(request_made: Request, expected: Request) -> None:
    """Bare relations, what must be there though nobody said it, nothing of defaults that cannot be written."""
    assert expected == request_made


@pytest.mark.parametrize(
    ("write", "words"),
    [
        (
            lambda: table(Task).change(5, values={"is_discarded": True}),
            r"Task\.is_discarded cannot be written on API v2, which takes: project_id, data_unit_id, meta",
        ),
        (lambda: table(Project).create({"title": "T", "is_archived": True}), r"Project\.is_archived cannot"),
        (lambda: table(GroundTruthDataset).create({"name": "n", "project_id": 3}), "project_id cannot"),
        (lambda: table(Plugin).change(4, values={"is_active": False}), r"Plugin\.is_active cannot"),
        (lambda: table(JobLog).create({"job_id": "0f", **ENTRY, "file": "data:"}), r"JobLog\.file cannot"),
        (lambda: table(Model).create({"name": "m"}), "Model: API v2 creates none"),
        (lambda: table(Assignment).change(5, values={"user": 1}), "Assignment: API v2 changes none"),
        (
            lambda: table(DataFile).delete(5),
            "DataFile: API v2 deletes none. API v1 deletes them, .*Session.api=",
        ),
        (lambda: table(Train).delete(5), r"Train: API v2 deletes none\. Nothing"),
        (lambda: table(Train).create({"name": "n"}), r"Train: API v2 creates none\. Nothing"),
        (lambda: table(Review).change(5, values={"scope": "group"}), r"description, position\. Nothing"),
        (lambda: table(Plugin).delete(5), "Plugin: API v2 deletes none"),
        (lambda: table(TaskTag).create({"name": "n"}), "TaskTag objects of one Project at a time"),
        (lambda: table(TaskTag).delete(5), "TaskTag objects of one Project at a time"),
    ],
)
def test_what_cannot_be_written_is_refused(write: Callable[[], object], words: str) -> None:
    """The backend would refuse it, or ignore it."""
    with pytest.raises(UnsupportedError, match=words):
        write()


def test_units_are_created_many_at_once() -> None:
    """Those of one collection; the answer tells their keys in the order that they were sent in."""
    units = table(DataUnit)
    request = units.create_many([{"data_collection_id": 4, "files": FILES}] * 2)
    results = [{"data_unit_id": key, "checksum": "c", "created": key > 6} for key in (7, 5)]
    rows = units.created(Reply(201, {"data": {"results": results, "created_count": 1}, "meta": {}}))

    assert request is not None
    assert ({"data_collection": 4, "units": [{"files": FILES}] * 2}, True) == (request.json, request.harmless)
    assert [{"id": 7, "checksum": "c"}, {"id": 5, "checksum": "c"}] == rows
    assert units.traits.reuses


def test_entries_are_created_many_at_once() -> None:
    """Those of one job."""
    request = table(JobLog).create_many([{"job_id": "0f", **ENTRY}, {"job_id": "0f", **ENTRY}])
    one = Reply(201, {"data": [{"id": 1}], "meta": {}})

    assert [{"id": 1}] == table(JobLog).created(one)
    assert Request("POST", "v2/jobs/0f/logs/bulk/", json={"logs": [ENTRY, ENTRY]}) == request


@pytest.mark.parametrize(
    ("many", "words"),
    [
        (lambda: table(DataUnit).create_many([{"data_collection_id": n, "files": {}} for n in (1, 2)]), "Data"),
        (lambda: table(JobLog).create_many([{"job_id": key, **ENTRY} for key in ("0", "1")]), "one Job"),
    ],
)  # fmt: skip
def test_many_of_several_parents_are_refused(many: Callable[[], object], words: str) -> None:
    """One request has one parent."""
    with pytest.raises(UnsupportedError, match=f"{words}.* at a time"):
        many()


@pytest.mark.parametrize("cls", [Task, Project, TaskTag, DataCollection])
def test_others_are_created_one_by_one(cls: Any) -> None:
    """A request for many tasks exists, but tells no keys."""
    assert table(cls).create_many([]) is None


ROW = {"id": 7, "data": None, "meta": {}, "title": "T"}


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({"data": ROW, "meta": {"request_id": "r"}}, ROW),
        ({"data": ROW}, ROW),
        (ROW, ROW),
        (None, None),
        ({"data": {"experiment_id": 7, "trains_deleted": 2}, "meta": {}}, None),
    ],
)
def test_answers_about_one_object_may_be_in_an_envelope(data: Any, expected: Any) -> None:
    """A row may have members of the names of the envelope itself."""
    assert expected == table(Project).one(Reply(200, data))


def test_a_trial_is_the_write_itself_with_a_switch() -> None:
    """It may be sent again, as nothing comes of it."""
    trial = table(TaskTag).trial(table(TaskTag).delete(5, below=3))

    assert Request("DELETE", "v2/projects/3/tags/5/", (("dry_run", "true"),)) == trial


def test_a_trial_must_be_answered_as_one() -> None:
    """A backend that doesn't know the switch has written."""
    table(Project).check_trial(Reply(200, {"data": {"dry_run": True, "action": "create"}, "meta": {}}))

    for data in ({"data": ROW, "meta": {}}, None, {"data": {"dry_run": False}}):
        with pytest.raises(WriteUnconfirmedError, match="may have happened"):
            table(Project).check_trial(Reply(200, data))


def test_only_those_fields_are_written_that_entities_have() -> None:
    """The table of the wire and the declarations agree."""
    for cls in (Project, Task, TaskTag, DataCollection, DataUnit, JobLog, Plugin, PluginRelease, Job, Model):
        wire = table(cls).wire

        assert {*wire.creates, *wire.changes, *wire.needs, *wire.shown} <= cls._schema.fields.keys()
