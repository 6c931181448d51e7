"""Writes from tables: what is created, changed, annotated, and what is refused before anything is sent."""

from __future__ import annotations

import datetime
import json
import subprocess
import sys

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")

import pandas as pd
import polars as pl
import pyarrow as pa

from synapse import BulkError, ConfigError, JobLog, MappingError, Project, QueryError, Task, TaskTag
from synapse.dialects import Request
from synapse.testing import CannedSession, canned
from tests.unit.interop.tables.made import TASKS, row, session_of
from tests.unit.orm.rows import served

KEYS = {"data_unit": [101, 102], "project": [1, 1]}
FRAMES = [pd.DataFrame, pl.DataFrame, pa.table, lambda columns: _dicts(columns)]
NAMES = ["pandas", "polars", "pyarrow", "dicts"]


def _dicts(columns: dict[str, list[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


each_frame = pytest.mark.parametrize("made", FRAMES, ids=NAMES)


def backend(*rows: Any, **more: Any) -> CannedSession:
    """A backend that has these tasks, creates others, and changes them."""
    held = {each["id"]: dict(each) for each in rows}

    def create(request: Request) -> Any:
        many = json.loads(json.dumps(request.json))
        return [{**row(key), **each} for key, each in enumerate(many, 900)]

    def change(request: Request) -> Any:
        key = int(request.path.strip("/").rpartition("/")[2])
        held[key] |= json.loads(json.dumps(request.json))
        return held[key]

    changes = {f"PATCH tasks/{key}/": change for key in held}
    lists = {TASKS: lambda request: served(list(held.values()))(request)}
    return canned({**lists, "POST tasks/": create, **changes, **more})


def sent_to(session: CannedSession) -> list[Any]:
    """What was written, in order."""
    return [each.json for each in session.requests if each.method != "GET"]


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
        rows = [{**_dicts(KEYS)[0], "meta": {"a": 1}}, {**_dicts(KEYS)[1], "is_discarded": True}]
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
        for frame in (pd.DataFrame([[1, 2]], columns=["id", "id"]), pd.DataFrame([[1]], columns=[7])):
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


class TestUpdate:
    ROWS = (row(1), row(2), row(3))

    @pytest.mark.parametrize("verb", ["to_arrow", "to_polars", "to_pandas"])
    def test_of_what_was_read_changes_nothing(self, verb: str):
        """A table that came from the query, brought back as it is, writes nothing."""
        session = backend(*self.ROWS)
        query = Task.objects.using(session)
        result = query.update_from(getattr(query, verb)(), fields=["meta", "data", "is_discarded", "schema"])

        assert (0, 3, []) == (len(result), result.matched, sent_to(session))

    def test_of_a_table_of_the_query_needs_no_fields(self):
        """What such a table has beside, the backend's own columns and files, is left out."""
        session = backend(*self.ROWS)
        query = Task.objects.using(session)

        assert 0 == len(query.update_from(query.to_arrow(), on="id"))
        assert 0 == len(query.update_from(pa.table(query.to_arrow())))

    @each_frame
    def test_sends_what_differs(self, made: Any):
        """Rows are read, compared, and changed by a request for each that differs."""
        session = backend(*self.ROWS)
        table = made({"id": [3, 1], "meta": ['{"n": 3}', '{"n": 10}']})
        result = Task.objects.using(session).update_from(table)

        assert ([1], [{"meta": {"n": 10}}]) == (result.pks, sent_to(session))
        assert [({"meta": {"n": 1}}, {"meta": {"n": 10}})] == [
            (each.before, each.after) for each in result.changes
        ]

    def test_writes_these_fields_only(self):
        """Other columns are left alone, whatever they are."""
        session = backend(*self.ROWS)
        table = pl.DataFrame({"id": [1], "meta": ["{}"], "is_discarded": [True], "note": ["mine"]})
        Task.objects.using(session).update_from(table, fields=["is_discarded"])

        assert [{"is_discarded": True}] == sent_to(session)

    def test_may_be_tried_first(self):
        """`dry_run` says what would change."""
        session = backend(*self.ROWS)
        table = pl.DataFrame({"id": [1], "meta": ["{}"]})
        result = Task.objects.using(session).update_from(table, dry_run=True)

        assert ("would update 1 of 1 Task", []) == (str(result), sent_to(session))

    @pytest.mark.parametrize(("nulls", "sent"), [("omit", []), ("clear", [{"meta": None}])])
    def test_missing_values(self, nulls: Any, sent: Any):
        """A missing value changes nothing, unless it clears."""
        session = backend(*self.ROWS)
        table = pl.DataFrame({"id": [1], "meta": [None]}, schema={"id": pl.Int64, "meta": pl.String})
        Task.objects.using(session).update_from(table, nulls=nulls)

        assert sent == sent_to(session)

    def test_finds_rows_by_another_field(self):
        """`on` may be any field whose values are there once."""
        session = backend(*self.ROWS)
        table = pl.DataFrame({"unit": [102.0], "meta": ["{}"]})
        result = Task.objects.using(session).update_from(
            table, on="data_unit", columns={"unit": "data_unit"}, fields=["meta"]
        )

        assert [2] == result.pks

    @pytest.mark.parametrize(
        ("columns", "how", "error", "said"),
        [
            ({"meta": ["{}"]}, {}, QueryError, "no column 'id'"),
            ({"id": [1]}, {}, QueryError, "no column to write"),
            ({"id": [1], "meta": ["{}"]}, {"fields": ["mta"]}, QueryError, "did you mean 'meta'"),
            ({"id": [1], "meta": ["{}"]}, {"fields": ["data"]}, QueryError, "no column 'data'"),
            ({"id": [1], "created": [None]}, {}, QueryError, "which the backend sets"),
            ({"id": [1], "mta": ["{}"]}, {}, QueryError, "did you mean 'meta'"),
            ({"id": [1, 1], "meta": ["{}"] * 2}, {}, MappingError, "row 2, column 'id'.*in row 1 as well"),
            ({"id": [1, None], "meta": ["{}"] * 2}, {}, MappingError, "row 2, column 'id'.*missing"),
            ({"id": [1.5], "meta": ["{}"]}, {}, MappingError, "row 1, column 'id'"),
            ({"id": [1], "meta": ["{"]}, {}, MappingError, "row 1, column 'meta'.*expected JSON"),
            ({"id": [1], "meta": ["{}"]}, {"on": "identity"}, QueryError, "no field 'identity'"),
            ({"id": [1], "meta": ["{}"]}, {"on": 5}, QueryError, "on=...\\) takes text"),
            ({"id": [1], "meta": ["{}"]}, {"dry_run": "yes"}, QueryError, "True or False"),
            ({"id": [1], "meta": ["{}"]}, {"journal": 5}, QueryError, "journal takes the path"),
            ({"id": [1], "meta": ["{}"]}, {"nulls": None}, QueryError, "takes 'omit' or 'clear'"),
        ],
    )
    def test_refuses_before_a_request(self, columns: Any, how: Any, error: Any, said: str):
        """What is wrong with the table is told before anything is asked."""
        session = backend(*self.ROWS)
        with pytest.raises(error, match=said):
            Task.objects.using(session).update_from(pd.DataFrame(columns), **how)

        assert [] == session.requests

    def test_refuses_rows_that_are_not_there(self):
        """A key that the query has not ends it before a change."""
        session = backend(*self.ROWS)
        table = pl.DataFrame({"id": [1, 77], "meta": ["{}", "{}"]})
        with pytest.raises(QueryError, match=r"1 of 2 rows.*77"):
            Task.objects.using(session).update_from(table)

        assert [] == sent_to(session)

    def test_refuses_values_that_two_rows_have(self):
        """A field whose value is not there once finds no row."""
        session = backend(row(1), row(2, data_unit=101))
        with pytest.raises(QueryError, match="both have 101"):
            Task.objects.using(session).update_from(
                pl.DataFrame({"data_unit": [101], "meta": ["{}"]}), on="data_unit"
            )

        assert [] == sent_to(session)

    def test_counts_what_failed(self):
        """A row that the backend refuses is in the error; the others are done."""
        session = backend(*self.ROWS)
        session.replies["PATCH tasks/2/"] = QueryError("no")
        table = pl.DataFrame({"id": [1, 2, 3], "meta": ["{}"] * 3})
        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).update_from(table)

        assert ([1, 3], [2]) == (sorted(caught.value.succeeded), [key for key, _ in caught.value.failed])

    def test_leaves_alone_what_an_earlier_run_wrote(self, tmp_path: Path):
        """With a journal, a row that was written and changed by others since is not written again."""
        session = backend(*self.ROWS)
        query, table = Task.objects.using(session), pl.DataFrame({"id": [1, 2], "meta": ["{}", '{"a": 1}']})
        query.update_from(table, journal=tmp_path / "run")
        elsewhere = backend(row(1, meta={"by": "others"}), row(2), row(3))
        result = Task.objects.using(elsewhere).update_from(table, journal=tmp_path / "run")

        assert (0, []) == (len(result), sent_to(elsewhere))

    def test_goes_on_after_a_kill(self, tmp_path: Path):
        """A process that is killed in the middle has noted what it wrote."""
        command = [sys.executable, __file__, str(tmp_path / "run")]
        ended = subprocess.run(command, cwd=Path(__file__).parents[4])
        session = backend(*self.ROWS)
        result = Task.objects.using(session).update_from(_all_changed(), journal=tmp_path / "run")

        assert (-9, [2, 3]) == (ended.returncode, sorted(result.pks))


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


def _all_changed() -> list[dict[str, Any]]:
    return [{"id": key, "meta": {"new": key}} for key in (1, 2, 3)]


def main() -> None:
    """Change rows one after the other, and be killed when the second one is sent."""
    import os
    import signal

    replies = backend(*TestUpdate.ROWS).replies
    replies["PATCH tasks/2/"] = lambda request: os.kill(os.getpid(), signal.SIGKILL)
    session = canned(replies, workers=1)
    Task.objects.using(session).update_from(_all_changed(), journal=sys.argv[1])


if __name__ == "__main__":
    main()
