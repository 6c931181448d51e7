"""Writes from tables: what is created, changed, annotated, and what is refused before anything is sent."""

from __future__ import annotations

import datetime
import json
import sys

from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")

import pandas as pd
import polars as pl
import pyarrow as pa

from synapse import ConfigError, JobLog, MappingError, Project, QueryError, Task, TaskTag
from synapse.dialects import Request
from synapse.testing import CannedSession, canned
from synapse.transfer import ProgressStep
from tests.unit.interop.tables.made import row, session_of
from tests.unit.interop.tables.written import KEYS, backend, dicts_of, each_frame, sent_to


class TestCreate:
    @each_frame
    def test_makes_an_object_of_each_row(self, made: Any):
        """Columns are fields, relations by their names; the objects have their keys."""
        session = backend()
        found = Task.objects.using(session).bulk_create(made(KEYS))

        assert [[{"project": 1, "data_unit": key} for key in (101, 102)]] == sent_to(session)
        assert [900, 901] == [each.id for each in found]

    @each_frame
    def test_renames_columns(self, made: Any):
        """`columns` says which field a column is for."""
        session = backend()
        table = made({"unit": [101], "project": [1]})
        Task.objects.using(session).bulk_create(table, columns={"unit": "data_unit"})

        assert [[{"project": 1, "data_unit": 101}]] == sent_to(session)

    @each_frame
    def test_takes_whole_floats_for_integers(self, made: Any):
        """A column that pandas made floats of holds integers."""
        session = backend()
        Task.objects.using(session).bulk_create(made({"data_unit": [101.0], "project": [1.0]}))

        sent = sent_to(session)[0][0]
        assert (101, int) == (sent["data_unit"], type(sent["data_unit"]))

    @each_frame
    @pytest.mark.parametrize(("nulls", "sent"), [("omit", {}), ("clear", {"meta": None})])
    def test_missing_values_are_not_given_unless_they_clear(self, made: Any, nulls: Any, sent: Any):
        """A missing value leaves the backend's default; with `nulls="clear"` it is None."""
        session = backend()
        table = made({**KEYS, "meta": [None, '{"a": 1}']})
        Task.objects.using(session).bulk_create(table, nulls=nulls)

        bare = {"project": 1}
        assert [
            [{**bare, "data_unit": 101, **sent}, {**bare, "data_unit": 102, "meta": {"a": 1}}]
        ] == sent_to(session)

    def test_keys_that_dicts_lack_are_not_given(self):
        """Rows of dicts may have different keys."""
        session = backend()
        rows = [{**dicts_of(KEYS)[0], "meta": {"a": 1}}, {**dicts_of(KEYS)[1], "is_discarded": True}]
        Task.objects.using(session).bulk_create(iter(rows))

        assert [["project", "data_unit", "meta"], ["project", "data_unit", "is_discarded"]] == [
            list(each) for each in sent_to(session)[0]
        ]

    @pytest.mark.parametrize(
        "meta", [{"a": [1, {"b": None}]}, '{"a": [1, {"b": null}]}', b'{"a": [1, {"b": null}]}']
    )
    def test_json_is_a_value_or_its_text(self, meta: Any):
        """Objects of a pandas frame, and texts, are the same JSON; nothing is inferred from other rows."""
        session = backend()
        table = pd.DataFrame({**KEYS, "meta": [meta, {"other": 1}]})
        Task.objects.using(session).bulk_create(table)

        assert [{"a": [1, {"b": None}]}, {"other": 1}] == [each["meta"] for each in sent_to(session)[0]]

    @pytest.mark.parametrize("made", [pl.DataFrame, pa.table])
    def test_structs_lose_the_keys_of_other_rows(self, made: Any):
        """Arrow fills objects up with the keys of all rows, null where a row has none."""
        session = backend()
        table = made({**KEYS, "meta": [{"a": 1, "b": None}, {"a": None, "b": [{"c": None}]}]})
        Task.objects.using(session).bulk_create(table)

        assert [{"a": 1}, {"b": [{}]}] == [each["meta"] for each in sent_to(session)[0]]

    @pytest.mark.parametrize(
        "values",
        [
            pl.Series(["any", "dm_schema_v1"], dtype=pl.Categorical),
            pd.Series(["any", "dm_schema_v1"], dtype="category"),
            pa.array(["any", "dm_schema_v1"]).dictionary_encode(),
            pa.array(["any", "dm_schema_v1"], pa.large_string()),
        ],
    )
    def test_text_of_any_kind(self, values: Any):
        """Categories, dictionaries and long strings are texts."""
        session = backend()
        make = {"polars": pl.DataFrame, "pandas": pd.DataFrame}.get(
            type(values).__module__.partition(".")[0], pa.table
        )
        Task.objects.using(session).bulk_create(make({**KEYS, "schema": values}))

        assert ["any", "dm_schema_v1"] == [each["schema"] for each in sent_to(session)[0]]

    def test_of_a_set_knows_its_owner(self):
        """`project.tags.bulk_create(frame)` needs no column for the project."""
        session = canned({"POST task_tags/": lambda request: {"id": 7, **request.json}})
        project = Project.ref(3)
        project._state.session = session
        [made] = project.tags.bulk_create(pl.DataFrame({"name": ["a"]}))

        assert (3, 7) == (made.project_id, made.id)

    def test_times_need_a_zone(self):
        """A time with a zone is sent, a naive one names its cell."""
        session = canned({"POST logs/": lambda request: [{"id": 1, **each} for each in request.json]})
        when = datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)
        columns = {"job": ["00000000-0000-4000-8000-000000000001"], "event": ["e"]}
        for made in (pd.DataFrame, pl.DataFrame):
            JobLog.objects.using(session).bulk_create(made({**columns, "datetime": [when]}))
            with pytest.raises(MappingError, match="row 1, column 'datetime'.*time zone"):
                JobLog.objects.using(session).bulk_create(
                    made({**columns, "datetime": [when.replace(tzinfo=None)]})
                )

        assert ["2026-03-01T00:00:00+00:00"] * 2 == [each[0]["datetime"] for each in sent_to(session)]

    def test_goes_on_with_a_journal(self, tmp_path: Path):
        """The same frame, run again with its journal, creates nothing more."""
        for _ in range(2):
            session = backend()
            found = Task.objects.using(session).bulk_create(pl.DataFrame(KEYS), journal=tmp_path / "run")

        assert ([900, 901], []) == ([each.id for each in found], sent_to(session))

    @pytest.mark.parametrize("journal", [False, True])
    def test_tells_its_progress(self, tmp_path: Path, journal: bool):
        """Rows count as their batches are created; those of an earlier run are there at once."""
        steps: list[ProgressStep] = []
        keys = count(1)
        create = {"POST tasks/": lambda request: [{**row(next(keys)), **each} for each in request.json]}
        how: dict[str, Any] = {"journal": tmp_path / "run"} if journal else {}
        table = pl.DataFrame({"data_unit": range(1, 6), "project": 1})
        for size in (5, 2):
            steps.clear()
            query = Task.objects.using(backend(**create))
            query.bulk_create(table, batch_size=size, progress=steps.append, **how)

        assert ([0, 5] if journal else [0, 2, 4, 5]) == [step.done for step in steps]

    @pytest.mark.parametrize("empty", [[], pl.DataFrame(schema=dict.fromkeys(KEYS, pl.Int64))])
    def test_of_no_rows(self, empty: Any):
        """Nothing is created of nothing."""
        session = backend()

        assert ([], []) == (Task.objects.using(session).bulk_create(empty), session.requests)


class TestRefused:
    """Each before anything is sent."""

    @pytest.mark.parametrize(
        ("columns", "how", "said"),
        [
            ({"data_unit": [1], "projct": [1]}, {}, "no field 'projct'.*did you mean 'project'"),
            ({"data_unit": [1]}, {}, "a Task needs project_id, and no column is for it"),
            ({"unit": [1], "x": [1]}, {"columns": {"unit": "data_unit", "x": "meta"}}, "needs project_id"),
            ({**KEYS, "created": [None, None]}, {}, "Task.created, which the backend sets"),
            ({**KEYS, "id": [1, 2]}, {}, "Task.id, which the backend sets"),
            ({**KEYS, "project_id": [1, 1]}, {}, "'project' and 'project_id' are both for Task.project_id"),
            (
                KEYS,
                {"columns": {"data_unti": "data_unit"}},
                "no column 'data_unti'.*did you mean 'data_unit'",
            ),
            (KEYS, {"columns": ["data_unit"]}, "takes {column: field}"),
            (KEYS, {"columns": {"data_unit": 5}}, "a field is text"),
            (KEYS, {"nulls": "drop"}, "takes 'omit' or 'clear'"),
            ({**KEYS, "project__title": ["a", "b"]}, {}, "no field 'project__title'"),
        ],
    )
    @each_frame
    def test_columns(self, made: Any, columns: Any, how: Any, said: str):
        """Unknown, missing, read-only and doubled columns, with the nearest name."""
        session = backend()
        with pytest.raises(QueryError, match=said) as caught:
            Task.objects.using(session).bulk_create(made(columns), **how)

        assert [] == session.requests
        assert "othing was sent" in str(caught.value)

    @pytest.mark.parametrize(
        ("column", "cell", "said"),
        [
            ("data_unit", 1.5, "expected an integer"),
            ("data_unit", "x", "expected an integer"),
            ("data_unit", 0, "positive integer"),
            ("data_unit", None, "a Task needs a value here"),
            ("meta", "{no", "expected JSON"),
            ("meta", "[1]", "expected a dict"),
            ("schema", "coco", "is no TaskSchema"),
            ("is_discarded", "yes", "true or false|True or False"),
        ],
    )
    @each_frame
    def test_cells(self, made: Any, column: str, cell: Any, said: str):
        """A bad cell names its row and its column."""
        session = backend()
        with pytest.raises(MappingError, match=f"row 1, column '{column}'.*({said})") as caught:
            Task.objects.using(session).bulk_create(
                made({"data_unit": [101], "project": [1], column: [cell]})
            )

        assert (1, []) == (caught.value.row, session.requests)

    @pytest.mark.parametrize(
        "given", [5, "frame", {"data_unit": [1]}, [{"data_unit": 1}, 5], None, [Task.ref(1), {}]]
    )
    def test_what_is_no_table(self, given: Any):
        """Neither a number, nor a dict of columns, nor a list of other things."""
        session = backend()
        with pytest.raises((QueryError, MappingError)):
            Task.objects.using(session).bulk_create(given)
        with pytest.raises(QueryError):
            Task.objects.using(session).update_from(given)

        assert [] == session.requests

    def test_names_that_are_there_twice(self):
        """Two columns of one name are refused, and so are names that are no text."""
        levels = pd.MultiIndex.from_tuples([(1, 2)], names=["id", "id"])
        twice = (pd.DataFrame([[1, 2]], columns=["id", "id"]), pd.DataFrame({"meta": [None]}, index=levels))
        for frame in (*twice, pd.DataFrame([[1]], columns=[7])):
            with pytest.raises(QueryError, match="several columns|is text"):
                Task.objects.using(backend()).bulk_create(frame)

    def test_queries_are_no_tables_for_creating(self):
        """The rows of a query are saved already."""
        session = backend(row(1))
        with pytest.raises(MappingError, match="saved already"):
            Task.objects.using(session).bulk_create(Task.objects.using(session))

    def test_arrow_without_its_library(self, monkeypatch: pytest.MonkeyPatch):
        """A stream of Arrow needs the extra; frames and dicts need none."""
        session, table = backend(), pa.table(KEYS)
        for name in ("nanoarrow", "pyarrow"):
            monkeypatch.setitem(sys.modules, name, None)
        with pytest.raises(ConfigError, match=r"synapse-orm\[arrow\]"):
            Task.objects.using(session).bulk_create(table)
        Task.objects.using(session).bulk_create(pd.DataFrame(KEYS))
        Task.objects.using(session).bulk_create(pl.DataFrame(KEYS))

        assert 2 == len(session.requests)

    @pytest.mark.parametrize("made", [pa.table, pa.record_batch])
    def test_arrow_is_read_without_pyarrow(self, made: Any, monkeypatch: pytest.MonkeyPatch):
        """nanoarrow reads streams and batches, JSON that is marked as such included."""
        session = backend()
        table = made({**KEYS, "meta": pa.array(['{"a":1}', None], pa.json_())})
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        Task.objects.using(session).bulk_create(table)

        assert [{"a": 1}, None] == [each.get("meta") for each in sent_to(session)[0]]

    def test_a_column_without_a_type_is_read_without_pyarrow(self, monkeypatch: pytest.MonkeyPatch):
        """A column that has nothing but missing values may be of the type of nothing."""
        session = backend()
        table = pa.table({**KEYS, "meta": pa.nulls(2)})
        monkeypatch.setitem(sys.modules, "pyarrow", None)
        Task.objects.using(session).bulk_create(table)

        assert [None, None] == [each.get("meta") for each in sent_to(session)[0]]

    @pytest.mark.parametrize("values", [["x" * 50, None], [{"a": [b"x" * 50]}, None], [{"a": [None]}, None]])
    def test_polars_has_what_only_pyarrow_reads(self, values: Any, monkeypatch: pytest.MonkeyPatch):
        """nanoarrow ends the process over long text in views, and takes a null in a list for broken."""
        frame = pl.DataFrame({**KEYS, "meta": values})
        stream = SimpleNamespace(__arrow_c_stream__=frame.__arrow_c_stream__)
        monkeypatch.setitem(sys.modules, "pyarrow", None)

        with pytest.raises(QueryError, match="pyarrow.*othing was sent"):
            Task.objects.using(backend()).bulk_create(stream)


class TestAnnotate:
    DATA = '{"annotations": {"image_1": []}, "annotationsData": {"image_1": []}}'

    def annotated(self) -> CannedSession:
        """A backend that takes annotations."""

        def answer(request: Request) -> Any:
            return row(int(request.path.split("/")[1]), data=request.json["data"])

        paths = (f"tasks/{key}/annotate_task_data/" for key in (1, 2))
        return session_of(row(1), row(2), **{f"PUT {path}": answer for path in paths})

    @each_frame
    def test_takes_text_and_keys_from_columns(self, made: Any):
        """Each row that has an annotation sets that of its task."""
        session = self.annotated()
        table = made({"id": [1.0, 2.0], "annotation": [self.DATA, None]})
        count = Task.objects.using(session).annotate_many(table, data="annotation")

        assert (1, [json.loads(self.DATA)]) == (count, [each.json["data"] for each in session.requests])

    def test_takes_structs(self):
        """Objects, as rows of dicts and Polars have them, are data as they are."""
        session = self.annotated()
        table = [{"task": 2, "found": json.loads(self.DATA)}]
        with pytest.raises(QueryError, match="takes the column of the key"):
            Task.objects.using(session).annotate_many(table, data="found", on="project")
        count = Task.objects.using(session).annotate_many(
            [{"id": 2, "found": json.loads(self.DATA)}], data="found"
        )

        assert (1, 1) == (count, len(session.requests))

    def test_tells_its_progress(self):
        """Each task counts when it is annotated."""
        steps: list[ProgressStep] = []
        table = pl.DataFrame({"id": [1, 2], "found": [self.DATA] * 2})
        Task.objects.using(self.annotated()).annotate_many(table, data="found", progress=steps.append)

        assert [(0, 2), (1, 2), (2, 2)] == [(step.done, step.total) for step in steps]

    def test_tells_its_progress_of_pairs_that_come_one_by_one(self):
        """How many there are is not known then."""
        steps: list[ProgressStep] = []
        pairs = ((key, json.loads(self.DATA)) for key in (1, 2))
        Task.objects.using(self.annotated()).annotate_many(pairs, progress=steps.append)

        assert [(0, None), (1, None), (2, None)] == [(step.done, step.total) for step in steps]

    @pytest.mark.parametrize(
        ("columns", "data", "error", "said"),
        [
            ({"id": [1], "a": ["{"]}, "a", MappingError, "row 1, column 'a'"),
            ({"id": [1, 1], "a": ["{}"] * 2}, "a", MappingError, "row 2, column 'id'"),
            ({"id": [1], "annotation": ["{}"]}, "anotation", QueryError, "did you mean 'annotation'"),
            ({"ident": [1], "a": ["{}"]}, "a", QueryError, "no column 'id'"),
            ({"id": [1], "a": ["{}"]}, None, QueryError, "the name of the column that has the annotations"),
            ({"id": [1], "a": ["{}"]}, 5, QueryError, "takes text"),
        ],
    )
    def test_refuses_before_a_request(self, columns: Any, data: Any, error: Any, said: str):
        """Bad cells and missing columns are told before anything is sent."""
        session = self.annotated()
        with pytest.raises(error, match=said):
            Task.objects.using(session).annotate_many(pl.DataFrame(columns), data=data)

        assert [] == session.requests


def test_tags_come_from_a_frame():
    """An entity that is created one by one takes tables as well."""
    session = canned({"POST task_tags/": lambda request: {"id": request.json["project"], **request.json}})
    made = TaskTag.objects.using(session).bulk_create(pl.DataFrame({"name": ["a", "b"], "project": [1, 2]}))

    assert [1, 2] == [each.id for each in made]
