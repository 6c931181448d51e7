"""Wire v2: which request a query becomes, and what is read out of the answer."""

from __future__ import annotations

import pickle

from datetime import UTC, date, datetime
from typing import Any

import pytest

from synapse import (
    Assignment,
    DataFile,
    DataUnit,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    JobLog,
    Plugin,
    PluginRelease,
    Project,
    QueryError,
    Storage,
    Task,
    TaskTag,
    Train,
    TransportError,
)
from synapse.dialects import V2, Found, Reply, Request
from synapse.dialects.v2 import V2Table
from synapse.mapping import UNSET
from synapse.orm import Entity
from synapse.query import Query

GET = Request("GET", "v2/tasks/", (("per_page", "50"),))
NUMBERED = Request("GET", "v2/async_jobs/", (("page", "2"), ("page_size", "50")))


def table(cls: type[Entity]) -> V2Table:
    """Return an entity as wire v2 has it."""
    return V2().table(cls._schema, cls._catalog)


def asked(cls: type[Entity], *, size: int = 50, at: str | None = None, **options: Any) -> Request:
    """Return the request for a page of a query; *where* holds the filters."""
    where = tuple(cls._catalog.condition(*each) for each in options.pop("where", {}).items())
    return table(cls).select(Query(where=where, **options), at=at, size=size)


@pytest.mark.parametrize(
    ("cls", "where", "target"),
    [
        (Task, {"project": 1}, "v2/tasks/?project=1"),
        (Task, {"project_id": 1, "is_discarded": False}, "v2/tasks/?project=1&is_discarded=false"),
        (Task, {"schema": "any"}, "v2/tasks/?schema=any"),
        (
            Project,
            {"data_collection": 4, "category": "image"},
            "v2/projects/?data_collection=4&category=image",
        ),
        (TaskTag, {"project": 3, "category": "export"}, "v2/projects/3/tags/?category=export"),
        (Assignment, {"id__in": [2, 1], "tasks": 5}, "v2/assignments/?id__in=2,1&tasks=5"),
        (Assignment, {"users__in": [1, 2]}, "v2/assignments/?users=1,2"),
        (
            Assignment,
            {"status_label__in": ["completed", "skipped"]},
            "v2/assignments/?status_label=completed,skipped",
        ),
        (
            Assignment,
            {"last_reviewed__lt": datetime(2026, 3, 1, 4, tzinfo=UTC)},
            "v2/assignments/?last_reviewed__lt=2026-03-01T04:00:00%2B00:00",
        ),
        (GroundTruth, {"category__in": ["train", "test"]}, "v2/ground-truths/?categories=train,test"),
        (GroundTruth, {"classes": "car"}, "v2/ground-truths/?classes=car"),
        (
            GroundTruthEvent,
            {"ground_truth_dataset_versions": 4},
            "v2/ground-truth-events/?ground_truth_dataset_version=4",
        ),
        (GroundTruthVersion, {"ground_truth_dataset": 2}, "v2/ground-truth-datasets/2/versions/?"),
        (DataUnit, {"data_collection": 4}, "v2/data-units/?data_collection=4"),
        (DataFile, {"checksum": "d4"}, "v2/data-files/?checksum=d4"),
        (Plugin, {"is_active": True}, "v2/plugins/?is_active=true"),
        (PluginRelease, {"plugin": 4}, "v2/plugin-releases/?plugin=4"),
        (Job, {"status": "FAILED", "action": "train"}, "v2/jobs/?status=FAILED&action=train"),
    ],
)
def test_filters_travel_under_the_names_of_the_wire(
    cls: type[Entity], where: dict[str, Any], target: str
) -> None:
    """Bare relations, lists with commas, lower-case truth, and parents in the path."""
    joint = "" if target.endswith("?") else "&"

    assert f"{target}{joint}per_page=50" == asked(cls, where=where).target


@pytest.mark.parametrize(
    ("cls", "spelling"),
    [
        (Task, "created__gte"),
        (Task, "id__in"),
        (Task, "search"),
        (Assignment, "search"),
        (Job, "plugin"),
        (GroundTruthVersion, "is_archived"),
        (GroundTruthEvent, "ground_truth_dataset_versions__in"),
        (DataUnit, "can_generate_task"),
        (TaskTag, "search"),
    ],
)
def test_what_the_wire_would_ignore_is_not_accepted(cls: type[Entity], spelling: str) -> None:
    """An undeclared filter is dropped there silently, and every row comes."""
    name, lookup = cls._catalog.every_spelling()[spelling]

    assert not table(cls).accepts(name, lookup)


def test_every_filter_of_a_row_is_one_that_its_entity_may_declare() -> None:
    """What is accepted can be asked for: nothing of it fails once it is sent."""
    for cls in (Task, Assignment, GroundTruth, GroundTruthEvent, Job, PluginRelease, TaskTag):
        declared = cls._catalog.every_spelling().values()
        accepted = [each for each in declared if table(cls).accepts(*each)]

        assert all(name == table(cls).owner or name in cls._catalog.lookups for name, _ in accepted)


@pytest.mark.parametrize(
    ("options", "parameters"),
    [
        ({"order": ("-created", "id")}, "sort=-created,id&per_page=50"),
        ({"only": ("task_id", "data", "user")}, "fields=id,task_id,user_id&per_page=50"),
        ({"at": "cD0x", "size": 500}, "cursor=cD0x&per_page=200"),
        ({"at": ""}, "per_page=50"),
        ({"params": (("odd", "a b"),)}, "odd=a+b&per_page=50"),
    ],
)
def test_orders_fields_and_pages(options: dict[str, Any], parameters: str) -> None:
    """Lists leave out what is not asked for, know nothing of what only single objects carry, and end at 200 rows."""
    assert f"v2/assignments/?{parameters}" == asked(Assignment, **options).target


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: asked(TaskTag), r"TaskTag objects of one Project at a time: filter\(project="),
        (lambda: table(GroundTruthVersion).detail(5), r"GroundTruthDataset.ref\(key\)"),
        (lambda: table(Plugin).detail("digits"), "by its number only, not by 'digits'"),
        (lambda: asked(PluginRelease, where={"plugin": "digits"}), "number of a plugin"),
        (lambda: asked(Assignment, where={"created__gte": date(2026, 1, 2)}), r"datetime\(2026, 1, 2, tz"),
        (lambda: asked(DataFile, where={"checksum": "a%41"}), "percent sign before two"),
        (lambda: table(Job).detail("a&b=c"), "'a&b=c' is no key of API v2"),
        (lambda: table(Job).detail("a..b"), "is no key of API v2"),
        (lambda: table(Storage), "Storage exists on API v1 only"),
        (lambda: table(DataUnit).detail(5, field="files"), r"DataUnit\.files: API v2 doesn't show it"),
        (lambda: table(Job).detail("5", field="agent_id"), r"Job\.agent_id: API v2 doesn't show it"),
    ],
)  # fmt: skip
def test_what_cannot_be_asked_is_refused(make: Any, words: str) -> None:
    """Before anything is sent, naming what to do instead."""
    with pytest.raises(QueryError, match=words):
        make()


@pytest.mark.parametrize(
    ("request_made", "path"),
    [
        (table(Task).detail(5), "v2/tasks/5/"),
        (table(Task).detail(5, field="data"), "v2/tasks/5/"),
        (table(TaskTag).detail(5, below=3), "v2/projects/3/tags/5/"),
        (table(GroundTruthVersion).detail(5, below=2), "v2/ground-truth-datasets/2/versions/5/"),
        (table(GroundTruthEvent).detail(9), "v2/ground-truth-events/9/"),
        (table(Job).detail("0f-1"), "v2/jobs/0f-1/"),
    ],
)
def test_single_objects_have_their_addresses(request_made: Request, path: str) -> None:
    """Below a parent where they belong to one."""
    assert Request("GET", path) == request_made


@pytest.mark.parametrize(
    ("cls", "field", "expected"),
    [
        (Task, "data", Request("POST", "v2/tasks/bulk-fetch/", json={"ids": [7, 5]})),
        (Assignment, "data_unit_id", Request("POST", "v2/assignments/bulk-fetch/", json={"ids": [7, 5]})),
        (GroundTruth, "classes", Request("POST", "v2/ground-truths/bulk-data/", json={"ids": [7, 5]})),
        (GroundTruthEvent, "files", Request("POST", "v2/ground-truth-events/bulk-data/", json={"pgh_ids": [7, 5]})),
        (Task, "meta", None),
        (Project, "settings", None),
    ],
)  # fmt: skip
def test_fields_of_many_rows_are_read_by_their_keys(
    cls: type[Entity], field: str, expected: Request | None
) -> None:
    """Where there is a bulk read that carries them."""
    assert expected == table(cls).by_keys([7, 5], field)


def test_what_only_bulk_reads_carry_is_read_so_for_one() -> None:
    """A list of one is the row of one."""
    request = table(Assignment).detail(7, field="data_unit_id")
    answer = Reply(200, {"data": [{"id": 7, "data_unit_id": 21}], "meta": {}})

    assert "v2/assignments/bulk-fetch/" == request.path
    assert {"id": 7, "data_unit_id": 21} == table(Assignment).one(answer)


ROWS = [{"id": 7}, {"id": 8}]


def page(next_page: Any, **more: Any) -> dict[str, Any]:
    """Return a page in the envelope of cursors."""
    return {"data": ROWS, "meta": {"request_id": "r", "pagination": {"next_cursor": next_page, **more}}}


LINK = "https://h/v2/tasks/?cursor=cD0%3D&per_page=50"


@pytest.mark.parametrize(
    ("data", "request_made", "expected"),
    [
        (page("cD0="), GET, Found(ROWS, None, "cD0=")),
        (page(None), GET, Found(ROWS)),
        (page(""), GET, Found(ROWS)),
        (page("cD0%3D"), GET, Found(ROWS, None, "cD0=")),
        (page(LINK), GET, Found(ROWS, None, "cD0=", LINK)),
        (page("https://h/v2/tasks/?p=2"), GET, Found(ROWS, None, None, "https://h/v2/tasks/?p=2")),
        ({"results": ROWS, "next": LINK, "previous": None}, GET, Found(ROWS, None, "cD0=", LINK)),
        ({"count": 9, "next": LINK, "results": ROWS}, NUMBERED, Found(ROWS, 9, 3, LINK)),
        ({"data": {"count": 9, "next": None, "results": ROWS}, "meta": {}}, NUMBERED, Found(ROWS, 9)),
        ({"data": ROWS, "meta": {}}, Request("POST", "v2/tasks/bulk-fetch/"), Found(ROWS)),
    ],
)
def test_lists_are_read_in_each_of_their_shapes(data: Any, request_made: Request, expected: Found) -> None:
    """Envelope or bare page, a token or a link, numbers or cursors."""
    assert expected == table(Task).found(Reply(200, data), request_made)


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        ROWS,
        {"data": ROWS},
        {"data": ROWS, "meta": {"pagination": {}}},
        {"data": {}, "meta": {}},
        page(5),
        {"results": {}},
    ],
)
def test_what_names_no_next_page_is_no_list(data: Any) -> None:
    """A list that seemed to end here would be cut short."""
    with pytest.raises(TransportError, match=r"GET v2/tasks/: expected a page"):
        table(Task).found(Reply(200, data), GET)


def test_rows_know_the_object_that_their_list_lies_below() -> None:
    """Their own answers leave it out, as the path says it."""
    request = asked(TaskTag, where={"project": 3})
    found = table(TaskTag).found(Reply(200, {"results": [{"id": 1}], "next": None}), request)

    assert [{"id": 1, "project_id": 3}] == found.rows


@pytest.mark.parametrize(
    ("cls", "row", "expected"),
    [
        (
            PluginRelease,
            {"id": 1, "plugin_id": 4, "plugin": {"id": 4, "code": "digits"}},
            {"id": 1, "plugin_id": {"id": 4, "code": "digits"}},
        ),
        (Job, {"id": "0f", "plugin_release": None}, {"id": "0f", "plugin_release": None}),
        (Task, "odd", {"": "odd"}),
    ],
)
def test_nested_objects_stand_where_their_keys_would(cls: type[Entity], row: Any, expected: Any) -> None:
    """So that the relation is there without a request of its own."""
    assert expected == table(cls).normalise(row)


def test_fields_are_found_under_their_own_names() -> None:
    """A few of them differ from the wire."""
    row = {"pgh_id": 9, "id": 7, "ground_truth_dataset_id": 2}
    events = table(GroundTruthEvent)

    assert (9, 7, 2) == (
        events.key(row),
        events.value(row, "ground_truth_id"),
        events.value(row, "ground_truth_dataset_id"),
    )
    assert UNSET is table(DataFile).value({"id": 1}, "size")
    assert 5 == table(DataFile).value({"file_size": 5}, "size")


def test_long_lists_do_not_fit() -> None:
    """At the edge a comma takes three characters."""
    fits = [
        table(Assignment).fits(Query(where=(Assignment._catalog.condition("id__in", range(10**5, 10**5 + n)),)))
        for n in (1_200, 1_300)
    ]  # fmt: skip

    assert [True, False] == fits


def test_raw_parameters_may_choose_the_order_or_keys() -> None:
    """Then the SDK must not."""
    lookup = Assignment._catalog.every_spelling()["id__gt"][1]
    chosen = [
        table(Assignment).overridden(Query(params=((name, "1"),)), lookup)
        for name in ("sort", "id__gt", "project")
    ]

    assert [True, True, False] == chosen


def test_lists_count_nothing_and_have_no_numbers() -> None:
    """They are chains of pages of at most 200 rows, in an order that few of them let choose."""
    traits = table(Task).traits

    assert (False, False, True, 200) == (traits.counts, traits.numbers, traits.cursors, traits.largest_page)
    assert ((), ("id", "created")) == (table(Task).orders, table(Assignment).orders)
    assert {"cursor", "per_page", "page", "page_size"} == traits.paging.keys()


def test_generations_are_values() -> None:
    """Sessions that speak the same one are alike, also after a pickle."""
    assert V2() == pickle.loads(pickle.dumps(V2()))
    assert table(Task) is table(Task)
    assert not table(GroundTruthDataset).lists_alone("name")
    assert JobLog._schema is table(JobLog).schema


NOTES = [
    {"mode": "inline", "truncated": True, "size": 9, "inline_max_bytes": 5, "data_digest": "d"},
    {"mode": "presigned", "presigned_url": "https://storage.test/a", "size": 9, "data_digest": "d"},
]


@pytest.mark.parametrize("note", NOTES)
def test_a_note_of_a_payload_is_not_taken_for_it(note: dict[str, Any]) -> None:
    """The row lacks it then; a payload may have some of these members itself."""
    assert {"id": 1} == table(GroundTruth).normalise({"id": 1, "data": note})
    payload = {"mode": "presigned", "size": 9}
    assert {"data": payload} == table(GroundTruth).normalise({"data": payload})


def test_a_payload_that_is_stored_elsewhere_is_asked_for() -> None:
    """The one row that is asked for tells its address."""
    events = table(GroundTruthEvent)
    request = events.stored(9, "data")
    answers = [Reply(200, {"data": [{"pgh_id": 9, "data": note}], "meta": {}}) for note in NOTES]

    assert request is not None
    assert ("v2/ground-truth-events/bulk-data/?response_mode=presigned", {"pgh_ids": [9]}) == (
        request.target,
        request.json,
    )
    assert [None, "https://storage.test/a"] == [events.address(each, "data") for each in answers]
    assert table(Project).stored(3, "settings") is None


@pytest.mark.parametrize(
    ("bound", "heeded"),
    [
        ({"created__gte": datetime(2026, 3, 1, 4, tzinfo=UTC)}, True),
        ({"created__gte": datetime(2026, 3, 1, 5, tzinfo=UTC)}, False),
        ({"created__lte": datetime(2026, 3, 1, 5, tzinfo=UTC)}, True),
        ({"created__lte": datetime(2026, 3, 1, 4, tzinfo=UTC)}, False),
    ],
)
def test_bounds_of_time_are_held_against_the_rows(bound: dict[str, Any], heeded: bool) -> None:
    """A filter that a backend drops gives every row; rows without a moment tell nothing."""
    request = asked(Train, where=bound, params=(("created_before", "odd"),))
    rows = [{"id": 1, "created": "2026-03-01T04:30:00Z"}, {"id": 2}, "odd", {"id": 3, "created": "soon"}]
    reply = Reply(200, {"results": rows, "next": None})

    if heeded:
        assert rows == table(Train).found(reply, request).rows
    else:
        with pytest.raises(TransportError, match="ignores created_.*choose the rows here"):
            table(Train).found(reply, request)
