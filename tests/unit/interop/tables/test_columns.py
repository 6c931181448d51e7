"""The columns of a table: their types, and which there are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa

from synapse import Agent, Job, Model, Project, QueryError, Session, Task
from tests.unit.interop.tables.made import columns_of, row, session_of, tasks, types_of

FILE = "struct<name: string, url: string, file_type: string, is_primary: bool, size: int64, checksum: string>"


class TestTypes:
    def test_of_every_kind(self):
        """Types go by the annotations: keys, numbers, truth values, enumerations, times, JSON, lists and files."""
        found = types_of(tasks())

        assert {
            "id": "int64",
            "project_id": "int64",
            "data": "extension<arrow.json>",
            "is_discarded": "bool",
            "tags": "list<item: int64>",
            "status_label": "string",
            "workshop": "int64",
            "files": f"map<string, {FILE}>",
            "created": "timestamp[us, tz=UTC]",
        }.items() <= found.items()

    @pytest.mark.parametrize(
        ("entity", "name", "kind"),
        [(Job, "id", "string"), (Job, "result", "extension<arrow.json>"), (Model, "file", FILE)],
    )
    def test_of_other_fields(self, entity: Any, name: str, kind: str):
        """A UUID is a string, any JSON value its text, one file a struct."""
        assert kind == types_of(entity.objects.using(session_of()))[name]

    def test_only_the_key_is_never_null(self):
        """The key is the one column that says so."""
        schema = pa.schema(tasks())

        assert ["id"] == [field.name for field in schema if not field.nullable]

    def test_come_before_the_first_row(self):
        """The schema asks for nothing."""
        query = tasks(row(1))
        pa.schema(query)

        assert [] == query.session.requests

    def test_are_the_same_without_rows(self):
        """An empty result has the types of a full one."""
        assert pa.table(tasks(row(1))).schema.equals(pa.table(tasks().none()).schema)


class TestChoice:
    def test_follows_only(self):
        """A query that was narrowed has these columns, in their order."""
        assert ["meta", "id"] == list(types_of(tasks().only("meta", "id")))

    def test_follows_defer(self):
        """What was deferred is no column."""
        assert "data" not in types_of(tasks().defer("data"))

    def test_of_values_goes_by_the_names_that_were_asked_for(self):
        """`values()` names its columns, in their order."""
        assert ["project", "id"] == list(types_of(tasks().values("project", "id")))

    def test_by_columns(self):
        """`columns` asks the backend for these alone."""
        query = tasks(row(1))
        table = query.to_arrow(columns=["id", "meta"])

        assert (["id", "meta"], "id,meta") == (
            table.column_names,
            dict(query.session.requests[0].params)["fields"],
        )

    @pytest.mark.parametrize(
        ("names", "said"),
        [
            (["statsu_label"], "did you mean 'status_label'"),
            (["project__titel"], "did you mean 'title'"),
            (["projct__title"], "did you mean 'project'"),
            ([], "names no field"),
            ("meta", "takes a list of text"),
        ],
    )
    def test_refuses_what_is_no_field(self, names: Any, said: str):
        """A misspelt column is refused before a request, with the nearest name."""
        query = tasks(row(1))
        with pytest.raises(QueryError, match=said):
            query.to_arrow(columns=names)

        assert [] == query.session.requests

    @pytest.mark.parametrize(
        ("entity", "name", "why"), [(Agent, "token", "secret"), (Model, "plugin", "never returned")]
    )
    def test_leaves_out_what_no_table_shows(self, entity: Any, name: str, why: str):
        """Secret and write-only fields are no columns, and naming one is an error."""
        query = entity.objects.using(session_of())

        assert name not in types_of(query)
        for ask in (lambda: query.to_arrow(columns=["id", name]), lambda: query.only("id", name).to_arrow()):
            with pytest.raises(QueryError, match=why):
                ask()

    def test_extra_when_it_is_asked_for(self):
        """Keys that no field has are in a column of JSON, once that is named."""
        query = tasks(row(1, mood={"a": "fine"}, odd=[1]), row(2))
        found = columns_of(query.to_arrow(columns=["id", "extra"]))

        assert {"id": [1, 2], "extra": ['{"mood":{"a": "fine"},"odd":[1]}', None]} == found


class TestMetadata:
    def test_says_what_the_table_is_of(self):
        """Entity, API, host and query are in the schema."""
        found = pa.schema(tasks().filter(project=1, created__gte=date(2026, 3, 1))).metadata

        assert {
            b"synapse.entity": b"Task",
            b"synapse.wire": b"v1",
            b"synapse.host": b"https://canned.invalid",
            b"synapse.query": b"project=1 created__gte=datetime.date(2026, 3, 1)",
        } == found

    def test_has_no_token(self):
        """Neither the session's tokens nor those among raw parameters are there."""
        session = Session("https://h.invalid", api_token="s3cret-api", agent_token="s3cret-agent")
        query = Task.objects.using(session).params(token="s3cret-raw")

        assert "s3cret" not in str(pa.schema(query).metadata)

    def test_is_taken_from_a_query_without_its_relations(self):
        """What a query nests or prefetches is no part of its table, and asks for nothing more."""
        query = tasks(row(1)).select_related("data_unit").prefetch_related("project", "assignments")
        table = query.to_arrow(columns=["id"])

        assert ({"id": [1]}, 1) == (columns_of(table), len(query.session.requests))
        assert Project not in types_of(query)
