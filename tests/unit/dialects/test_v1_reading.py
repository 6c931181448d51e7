"""Wire v1: which request a query becomes, and what is read out of the answer."""

from __future__ import annotations

import pickle

from datetime import UTC, datetime, timedelta, timezone
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import attrs
import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.dialects import V1, Reply, Request
from synapse.dialects.v1 import V1Table
from synapse.entities import (
    Assignment,
    DataCollection,
    DataFile,
    DataUnit,
    GroundTruth,
    GroundTruthEvent,
    Job,
    JobLog,
    Plugin,
    Project,
    ServeApplication,
    Storage,
    Task,
    TaskTag,
)
from synapse.errors import QueryError, TransportError
from synapse.orm import Entity
from synapse.query import Query
from synapse.query.search import terms

GET = Request("GET", "sdk/tasks/")
SEOUL = timezone(timedelta(hours=9))
MOMENTS = st.datetimes(min_value=datetime(1970, 1, 1), timezones=st.sampled_from([UTC, SEOUL]))  # noqa: DTZ001


def table(cls: type[Entity]) -> V1Table:
    """Return an entity as wire v1 has it."""
    return V1().table(cls._schema, cls._catalog)


def asked(cls: type[Entity], *, size: int = 20, page: int = 1, **options: Any) -> Request:
    """Return the request for a page of a query; *where* holds the filters."""
    where = tuple(cls._catalog.condition(*each) for each in options.pop("where", {}).items())
    return table(cls).select(Query(where=where, **options), at=page, size=size)


def sent(cls: type[Entity], **options: Any) -> list[tuple[str, str]]:
    """Return the parameters of a request as the backend reads them, paging aside."""
    pairs = parse_qsl(urlsplit(asked(cls, **options).target).query, keep_blank_values=True)
    return [pair for pair in pairs if pair[0] not in ("page", "page_size")]


def malformed(data: Any) -> TransportError:
    """Return the error for an answer that is no page."""
    with pytest.raises(TransportError) as caught:
        table(Task).found(Reply(200, data), GET)
    return caught.value


class TestFilters:
    @pytest.mark.parametrize(
        ("cls", "spelling", "value", "pairs"),
        [
            (Task, "project", 1, [("project", "1")]),
            (Task, "project_id", 1, [("project", "1")]),
            (Task, "pk", 5, [("id", "5")]),
            (Task, "pk__in", [3, 1], [("id__in", "3,1")]),
            (Task, "id__gte", 5, [("id__gte", "5")]),
            (Task, "is_discarded", False, [("is_discarded", "false")]),
            (Task, "has_assignment", True, [("has_assignment", "true")]),
            (Task, "assignments__is_discarded", True, [("assignments__is_discarded", "true")]),
            (Task, "tags", 7, [("tags", "7")]),
            (Task, "tags__in", [7, 8], [("tags", "7,8")]),
            (
                Task,
                "status_label__in",
                ["completed", "skipped"],
                [("status_label", "completed"), ("status_label", "skipped")],
            ),
            (Task, "created__gte", "2026-01-01", [("created__gte", "2026-01-01")]),
            (Task, "search", "a&b=c, d+e %20 é", [("search", "a&b=c, d+e %20 é")]),
            (Assignment, "tasks", 5, [("tasks", "5")]),
            (Assignment, "users__in", [1, 2], [("users", "1,2")]),
            (
                GroundTruth,
                "category__in",
                ["train", "test"],
                [("categories", "train"), ("categories", "test")],
            ),
            (GroundTruth, "classes__in", ["cat", "dog"], [("classes", "cat,dog")]),
            (GroundTruthEvent, "ground_truth", 5, [("ground_truth", "5")]),
            (
                GroundTruthEvent,
                "ground_truth_dataset_versions__in",
                [5, 6],
                [("ground_truth_dataset_versions", "5,6")],
            ),
            (Job, "status", "succeeded", [("status", "SUCCEEDED")]),
            (Job, "plugin", "digits", [("plugin", "digits")]),
        ],
    )
    def test_travel_under_the_keys_of_the_wire(
        self, cls: type[Entity], spelling: str, value: Any, pairs: list[tuple[str, str]]
    ) -> None:
        """Commas where the wire takes lists, repeated keys where it takes choices."""
        assert pairs == sent(cls, where={spelling: value})

    def test_exclusions_travel_as_keys_to_leave_out(self) -> None:
        """`ids_ex` is what the wire has for it."""
        query = Query(where=(Task._catalog.negation("id__in", [4, 2]),))
        params = table(Task).select(query, at=1, size=5).params

        assert (("ids_ex", "4,2"), ("page", "1"), ("page_size", "5")) == params

    def test_raw_parameters_follow_as_they_are(self) -> None:
        """The way to ask what the SDK does not know."""
        assert [("project", "1"), ("odd", "a,b c")] == sent(
            Task, where={"project": 1}, params=(("odd", "a,b c"),)
        )

    @given(MOMENTS)
    def test_an_instant_arrives_as_it_was_meant(self, moment: datetime) -> None:
        """The plus of an offset is not read as a blank."""
        ((_, text),) = sent(Task, where={"created__gte": moment})

        assert (moment, moment.utcoffset()) == (
            datetime.fromisoformat(text),
            datetime.fromisoformat(text).utcoffset(),
        )

    @given(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1).filter(terms)
    )
    def test_text_arrives_as_it_was_given(self, text: str) -> None:
        """Whatever separators, escapes and scripts it holds."""
        assert [("search", text)] == sent(Task, where={"search": text})

    @given(st.lists(st.integers(1, 2**63 - 1), min_size=1, unique=True))
    def test_keys_arrive_in_their_order(self, keys: list[int]) -> None:
        """A list comes apart at its commas into the same numbers."""
        ((_, text),) = sent(Task, where={"id__in": keys})

        assert keys == [int(key) for key in text.split(",")]

    def test_commas_of_lists_stay_readable(self) -> None:
        """Three bytes for each would fill the URL, and nobody could read a trace."""
        assert "id__in=1,2,3" in asked(Task, where={"id__in": [1, 2, 3]}).target

    def test_text_that_no_encoding_carries_is_refused(self) -> None:
        """A raw parameter may hold anything."""
        with pytest.raises(QueryError, match="lone surrogates cannot be sent"):
            asked(Task, params=(("q", "\udcff"),)).target

    def test_long_filters_do_not_fit(self) -> None:
        """The edge refuses long request lines, so longer lists are split above."""
        fits = [
            table(Task).fits(Query(where=(Task._catalog.condition("id__in", range(1, count)),)))
            for count in (1_000, 3_000)
        ]

        assert [True, False] == fits

    def test_what_fits_is_counted_as_it_travels(self) -> None:
        """Letters of other scripts take nine bytes each once they are encoded."""
        query = Query(params=(("q", "한" * 1_000),))

        assert not table(Task).fits(query)


class TestSelect:
    def test_asks_for_a_page(self) -> None:
        """By number, with its size said."""
        assert Request("GET", "projects/", (("page", "3"), ("page_size", "50"))) == asked(
            Project, page=3, size=50
        )

    def test_orders_by_comma_list(self) -> None:
        """Most important first, as given."""
        assert [("ordering", "-created,id")] == sent(Task, order=("-created", "id"))

    def test_nests_what_is_selected(self) -> None:
        """`select_related` is the wire's `expand`."""
        assert [("expand", "data_unit")] == sent(Task, expand=("data_unit",))

    def test_nests_what_always_is(self) -> None:
        """A collection is of no use without its file specifications."""
        assert [("expand", "file_specifications")] == sent(DataCollection)

    def test_names_fields_as_the_wire_does(self) -> None:
        """The key always comes along, and a relation goes by its bare name."""
        assert [("fields", "id,project,created")] == sent(Task, only=("project_id", "created", "id"))

    def test_names_what_is_nested_among_the_fields(self) -> None:
        """The backend drops a nested relation that is not listed."""
        pairs = sent(Task, only=("meta",), expand=("data_unit",))

        assert [("expand", "data_unit"), ("fields", "id,meta,data_unit")] == pairs

    def test_leaves_out_what_is_deferred(self) -> None:
        """By the names of the wire, each once."""
        assert [("omit", "data,project")] == sent(Task, defer=("data", "project_id", "data"))

    def test_does_not_leave_out_what_is_nested(self) -> None:
        """A relation and its key share a name on the wire."""
        pairs = sent(Task, defer=("data_unit_id", "data"), expand=("data_unit",))

        assert [("expand", "data_unit"), ("omit", "data")] == pairs
        assert [("expand", "data_unit")] == sent(Task, defer=("data_unit_id",), expand=("data_unit",))

    def test_fields_of_events_go_by_their_wire_names(self) -> None:
        """An event's `id` is that of the ground truth."""
        assert [("fields", "pgh_id,id")] == sent(GroundTruthEvent, only=("ground_truth_id",))

    @pytest.mark.parametrize("only", [("data",), ("data", "id"), ("id", "data")])
    def test_one_heavy_field_alone_comes_from_the_light_list(self, only: tuple[str, ...]) -> None:
        """It carries nothing else, so nothing is named; filters and orders hold there as well."""
        request = asked(Task, where={"project": 1}, only=only, order=("id",))

        assert ("sdk/tasks/data/", ("project", "1"), ("ordering", "id")) == (
            request.path,
            *request.params[:2],
        )
        assert {"fields", "expand", "omit"}.isdisjoint(name for name, _ in request.params)

    @pytest.mark.parametrize(
        "options",
        [
            {"only": ("data", "files")},
            {"only": ("data", "meta")},
            {"only": ("id",)},
            {"only": ("data",), "expand": ("data_unit",)},
            {"defer": ("data",)},
        ],
    )
    def test_anything_more_comes_from_the_full_list(self, options: dict[str, Any]) -> None:
        """The light list would lack it."""
        assert "sdk/tasks/" == asked(Task, **options).path

    @pytest.mark.parametrize("cls", [Task, Assignment])
    def test_each_light_list_has_a_path_of_its_own(self, cls: type[Entity]) -> None:
        """Data and files."""
        paths = [asked(cls, only=(name,)).path for name in ("data", "files")]

        assert [f"{asked(cls).path}{name}/" for name in ("data", "files")] == paths

    @pytest.mark.parametrize("field", ["data", "files"])
    def test_a_list_that_names_no_event_is_not_asked(self, field: str) -> None:
        """The rows of the events' lists of data and files hold the key of the ground truth only."""
        assert "sdk/ground_truth_events/" == asked(GroundTruthEvent, only=(field,)).path

    def test_says_what_can_be_nested(self) -> None:
        """Only what the wire expands."""
        assert [("data_unit",), ()] == [table(cls).expandable for cls in (Task, TaskTag)]


class TestDetail:
    def test_asks_by_key(self) -> None:
        """Numbers and text alike."""
        paths = [table(cls).detail(pk).path for cls, pk in ((Task, 5), (Plugin, "digits"), (Job, "0f-1"))]

        assert ["tasks/5/", "plugins/digits/", "jobs/0f-1/"] == paths

    def test_nests_what_is_selected(self) -> None:
        """As in lists."""
        assert "tasks/5/?expand=data_unit" == table(Task).detail(5, expand=("data_unit",)).target

    @pytest.mark.parametrize(
        ("cls", "field", "target"),
        [
            (Storage, "configuration", "storages/5/?with_configuration=true"),
            (Storage, "name", "storages/5/"),
            (DataUnit, "files", "data_units/5/?expand=files"),
            (DataCollection, "name", "data_collections/5/?expand=file_specifications"),
        ],
    )
    def test_asks_for_fields_that_come_on_demand(self, cls: type[Entity], field: str, target: str) -> None:
        """Credentials and files."""
        assert target == table(cls).detail(5, field=field).target

    def test_writes_one_expand(self) -> None:
        """Repeated, a value with a comma is read as one unknown name and ignored."""
        request = table(DataUnit).detail(5, expand=("a", "b"), field="files")

        assert (("expand", "a,b,files"),) == request.params

    def test_refuses_what_has_no_address(self) -> None:
        """Events can only be listed."""
        with pytest.raises(QueryError, match="no single GroundTruthEvent; filter its list instead"):
            table(GroundTruthEvent).detail(5)

    @pytest.mark.parametrize("pk", ["..", ".", "", None])
    def test_refuses_a_key_that_walks(self, pk: Any) -> None:
        """Such a path would name another resource."""
        with pytest.raises(QueryError, match="is no key that an address could name"):
            table(Plugin).detail(pk)


class TestPage:
    def test_reads_the_envelope(self) -> None:
        """Rows, total and link."""
        page = table(Task).found(
            Reply(200, {"count": 2, "next": "http://h/?page=2", "results": [{"id": 1}]}), GET
        )

        assert ([{"id": 1}], 2, "http://h/?page=2") == (page.rows, page.count, page.link)

    @pytest.mark.parametrize(
        "data", [{"results": []}, {"results": [], "next": None, "count": None}, {"results": [], "next": ""}]
    )
    def test_what_is_missing_is_none(self, data: dict[str, Any]) -> None:
        """A cursor page has no total, a last page no link."""
        assert (None, None, None) == attrs.astuple(table(Task).found(Reply(200, data), GET))[1:]

    @pytest.mark.parametrize(
        "data",
        [
            None,
            [],
            "<html>",
            5,
            {},
            {"results": None},
            {"results": {}},
            {"detail": "no"},
            {"results": [], "next": 5},
        ],
    )
    def test_refuses_what_is_none(self, data: Any) -> None:
        """A proxy's page with status 200, or a walk that would end too early."""
        error = malformed(data)

        assert str(error).startswith("GET sdk/tasks/: expected a page with a list 'results', got ")
        assert ("GET", 200) == (error.method, error.status_code)

    def test_shows_the_keys_that_came(self) -> None:
        """Enough to recognise it by, and nothing that may be a secret."""
        said = str(malformed({"id": 1, "token": "s3cret", **{"x" * 50 + str(n): n for n in range(1000)}}))

        assert "got an object with 'id', 'token', 'xxx" in said
        assert "s3cret" not in said
        assert len(said) < 800


class TestNormalise:
    def test_names_listed_files_by_their_specification(self) -> None:
        """The light lists send an array where rows have an object."""
        files = [
            {"specification": "image_1"},
            {"specification_name": "data_1"},
            {"name": "x"},
            {"url": "u"},
            "v",
        ]
        row = table(Task).normalise({"files": files})

        assert ["image_1", "data_1", "x", "file_4", "file_5"] == list(row["files"])
        assert files == list(row["files"].values())

    @pytest.mark.parametrize(
        ("row", "expected"),
        [
            ({"created_at": "c", "file_size": 5}, {"created": "c", "size": 5}),
            ({"created": "c", "created_at": "d", "size": None, "file_size": 5}, {"created": "c", "size": 5}),
            ({"size": 0, "file_size": 5}, {"size": 0}),
        ],
    )
    def test_knows_the_second_names_of_a_file(self, row: dict[str, Any], expected: dict[str, Any]) -> None:
        """Releases differ in what they call its size and its age."""
        assert expected == table(DataFile).normalise(row)

    @pytest.mark.parametrize(
        ("cls", "row", "expected"),
        [
            (Job, {"id": 17}, {"id": "17"}),
            (JobLog, {"id": 1, "job": 17}, {"id": 1, "job": "17"}),
            (
                ServeApplication,
                {"job": {"id": 17, "status": "RUNNING"}},
                {"job": {"id": "17", "status": "RUNNING"}},
            ),
        ],
    )
    def test_reads_the_number_of_an_old_job_as_text(
        self, cls: type[Entity], row: dict[str, Any], expected: dict[str, Any]
    ) -> None:
        """The keys of jobs were numbers before they were UUIDs."""
        assert expected == table(cls).normalise(row)

    def test_loses_no_file_of_a_specification(self) -> None:
        """A sequence has several files under one name."""
        files = [{"name": "image_1", "url": str(number)} for number in range(3)]
        row = table(Task).normalise({"files": files})

        assert ["image_1", "image_1#2", "image_1#3"] == list(row["files"])

    @pytest.mark.parametrize("files", [{"image_1": {"url": "u"}}, None, {}])
    def test_leaves_objects_as_they_are(self, files: Any) -> None:
        """And null is null."""
        assert {"id": 1, "files": files} == table(Task).normalise({"id": 1, "files": files})

    def test_drops_keys_of_what_should_be_nested(self) -> None:
        """An answer that did not expand lacks the field, which is then loaded when read."""
        row = table(DataCollection).normalise({"id": 1, "file_specifications": [70, 71]})

        assert {"id": 1} == row

    @pytest.mark.parametrize("nested", [[], [{"name": "image_1"}], None, 5, "x"])
    def test_leaves_the_rest_to_the_field(self, nested: Any) -> None:
        """Whether that is well-formed is the codec's to say."""
        row = {"id": 1, "file_specifications": nested}

        assert row == table(DataCollection).normalise(dict(row))

    @pytest.mark.parametrize("row", [None, 5, "x", [1]])
    def test_a_row_that_is_none_has_no_field(self, row: Any) -> None:
        """So that the error names the row."""
        assert {"": row} == table(Task).normalise(row)


def test_a_dialect_is_a_value() -> None:
    """Sessions that speak it can be compared, and it travels."""
    assert {V1()} == {V1(), pickle.loads(pickle.dumps(V1()))}
