"""Rows changed to what a table says: read, compared, and written where they differ."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

from pathlib import Path
from typing import Any, ClassVar

import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")

import pandas as pd
import polars as pl
import pyarrow as pa

from synapse import (
    BulkError,
    MappingError,
    Project,
    QueryError,
    Session,
    Task,
    TaskTag,
    TransferError,
    UnsupportedError,
    WrongHostError,
)
from synapse.testing import canned
from synapse.transfer import ProgressStep
from tests.unit.interop.tables.made import row
from tests.unit.interop.tables.written import backend, dicts_of, each_frame, sent_to


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

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_what_the_api_does_not_write_is_refused_once(self, dry_run: bool):
        """A dry run does not promise it either; what differs nowhere may be in the table."""
        shown = {"id": 1, "project_id": 1, "data_unit_id": 1, "is_discarded": False, "meta": {}}
        session = canned({"GET v2/tasks/1/": {"data": shown, "meta": {}}}, api="v2")
        query = Task.objects.using(session)

        assert 0 == len(query.update_from([{"id": 1, "is_discarded": False}], dry_run=dry_run))
        with pytest.raises(UnsupportedError, match="is_discarded cannot be written on API v2"):
            query.update_from([{"id": 1, "is_discarded": True}], dry_run=dry_run)

    @pytest.mark.parametrize("held", [{"a": float("nan")}, {"a": "x\0"}, {"\0": 1}, {"a": "\ud800"}])
    @pytest.mark.parametrize("verb", ["to_arrow", "to_polars", "to_pandas"])
    def test_leaves_alone_what_only_a_backend_can_have(self, held: Any, verb: str):
        """JSON that is never sent is in order where the row has it already, and refused where it differs."""
        session = backend(row(1, meta=held), row(2))
        query = Task.objects.using(session)
        table = pd.DataFrame({"id": [2], "meta": [held]})

        assert 0 == len(query.update_from(getattr(query, verb)(), fields=["meta"]))
        with pytest.raises(MappingError, match="row 1, column 'meta'.*nothing was changed"):
            query.update_from(table)
        assert [] == sent_to(session)

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
            ({"id": [1, -1], "meta": ["{}"] * 2}, {}, MappingError, "row 2, column 'id'.*positive integer"),
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


class TestFrames:
    """What a frame holds in its own manner."""

    ROWS = (row(1), row(2), row(3))

    @pytest.mark.parametrize("left", [[], ["name"]])
    def test_keys_may_be_the_index(self, left: list[str]):
        """Levels of a pandas index that are called as fields are columns; others are left out."""
        session = backend(*self.ROWS)
        frame = pd.DataFrame({"id": [1, 2], "name": ["a", "b"], "meta": ["{}", '{"n": 2}']})
        result = Task.objects.using(session).update_from(frame.set_index(["id", *left]), fields=["meta"])

        assert ([1], [{"meta": {}}]) == (result.pks, sent_to(session))

    @pytest.mark.parametrize("read", [pa.Table.from_pandas, pa.RecordBatch.from_pandas])
    def test_an_index_without_a_name_is_no_column(self, read: Any):
        """What pandas makes of it in Arrow is left out."""
        session = backend(*self.ROWS)
        frame = pd.DataFrame({"id": [1], "meta": ["{}"]}, index=[7])

        assert [1] == Task.objects.using(session).update_from(read(frame)).pks

    @pytest.mark.parametrize("made", [pd.DataFrame, pl.DataFrame])
    @pytest.mark.parametrize("column", ["id", "data_unit"])
    def test_large_floats_are_no_integers(self, made: Any, column: str):
        """A float beyond 2**53 may have been another number, such as another key."""
        session = backend(*self.ROWS)
        table = made({"id": [1.0], column: [2.0**53], "is_discarded": [True]})
        with pytest.raises(MappingError, match=f"row 1, column '{column}'.*exactly"):
            Task.objects.using(session).update_from(table)

        assert [] == session.requests

    @pytest.mark.parametrize("column", ["tags", "project__title"])
    def test_columns_that_cannot_be_written_say_how_to_choose(self, column: str):
        """A frame of a query has columns that the backend sets, or that are of related objects."""
        table = pd.DataFrame({"id": [1], column: [None], "meta": ["{}"]})
        with pytest.raises(QueryError, match=rf"'{column}'.*choose those to write by fields=\[\.\.\.\]"):
            Task.objects.using(backend(*self.ROWS)).update_from(table)


class TestForeign:
    """What belongs to another backend, where its keys name other rows."""

    ROWS = (row(1), row(2), row(3))
    OTHER: ClassVar = Session("https://elsewhere.invalid", api_token="x")

    @pytest.mark.parametrize("made", [pd.DataFrame, lambda columns: dicts_of(columns)])
    def test_objects_are_refused(self, made: Any):
        """An object gives its key, which is one of its own backend."""
        session = backend(*self.ROWS)
        project = Project.ref(7)
        project._state.session = self.OTHER
        query = Task.objects.using(session)
        with pytest.raises(WrongHostError, match="Nothing was sent"):
            query.update_from(made({"id": [1], "project": [project]}))
        with pytest.raises(WrongHostError, match="Nothing was sent"):
            query.bulk_create(made({"data_unit": [1], "project": [project]}))

        assert [] == session.requests

    @pytest.mark.parametrize("with_pyarrow", [True, False])
    def test_tables_are_refused_by_key(self, with_pyarrow: bool, monkeypatch: pytest.MonkeyPatch):
        """A table knows the backend of the query that made it."""
        session = backend(*self.ROWS)
        table = Task.objects.using(session).only("id", "meta").to_arrow()
        if not with_pyarrow:
            monkeypatch.setitem(sys.modules, "pyarrow", None)
        other = Task.objects.using(self.OTHER)

        with pytest.raises(WrongHostError, match="the table has rows of"):
            other.update_from(table)
        with pytest.raises(WrongHostError, match="the table has rows of"):
            other.annotate_many(table, data="meta")

    def test_tables_are_taken_by_another_field(self):
        """Values that are no keys may be the same on both."""
        columns = {"data_unit": [101], "meta": ['{"n": 2}']}
        table = pa.table(columns).replace_schema_metadata({"synapse.host": "https://elsewhere.invalid"})

        assert [1] == Task.objects.using(backend(*self.ROWS)).update_from(table, on="data_unit").pks


class TestStructs:
    """Arrow gives each object the keys of all rows."""

    ROWS = (
        row(1, meta={"a": {"x": 1}, "b": [{"c": None, "d": 1}]}),
        row(2, meta={"b": [{"c": 2.5}, {}], "e": None}),
        row(3, meta={}),
    )

    @pytest.mark.parametrize("verb", ["to_arrow", "to_polars"])
    def test_brought_back_change_nothing(self, verb: str):
        """A key that is null is one that the row has as null, or lacks."""
        session = backend(*self.ROWS)
        query = Task.objects.using(session)
        table = getattr(query, verb)(columns=["id", "meta"], json="struct")

        assert (0, []) == (len(query.update_from(table)), sent_to(session))

    def test_are_read_without_pyarrow(self, monkeypatch: pytest.MonkeyPatch):
        """nanoarrow gives the same."""
        session = backend(*self.ROWS)
        query = Task.objects.using(session)
        table = query.to_arrow(columns=["id", "meta"], json="struct")
        monkeypatch.setitem(sys.modules, "pyarrow", None)

        assert (0, []) == (len(query.update_from(table)), sent_to(session))

    def test_are_sent_without_keys_of_other_rows(self):
        """What differs has the keys that have values, and those that are null in the row."""
        session = backend(*self.ROWS)
        table = pa.table({"id": [1, 2], "meta": [{"a": 1, "e": None}, {"a": None, "e": "new"}]})
        query = Task.objects.using(session)
        query.update_from(table)
        query.update_from(pa.table({"id": [1], "meta": [{"a": 2, "e": None}]}))

        *first, last = sent_to(session)
        assert {"meta": {"a": 2}} == last
        assert [{"meta": {"a": 1}}, {"meta": {"e": "new"}}] in (first, first[::-1])  # side by side

    def test_nulls_in_a_list_stay_where_it_grows_or_shrinks(self):
        """What is still in the list has the keys that it had."""
        grown = [{"c": None, "d": 1}, {"d": 2}, {"c": 3}]
        session = backend(row(1, meta={"b": grown[:2]}))
        for meta in (grown, grown[:1]):
            Task.objects.using(session).update_from(pa.table({"id": [1], "meta": [{"b": meta}]}))

        assert [{"meta": {"b": grown}}, {"meta": {"b": grown[:1]}}] == sent_to(session)

    def test_nulls_of_dicts_and_text_stay(self):
        """Objects that were no struct have the keys that they have."""
        session = backend(*self.ROWS)
        for meta in ({"z": None}, '{"z": null, "y": 1}'):
            Task.objects.using(session).update_from(pd.DataFrame({"id": [3], "meta": [meta]}))

        assert [{"meta": {"z": None}}, {"meta": {"z": None, "y": 1}}] == sent_to(session)

    def test_maps_are_objects(self):
        """A map keeps its keys, and is no list of pairs."""
        session = backend(*self.ROWS)
        kind = pa.map_(pa.string(), pa.int64())
        table = pa.table({"id": [3], "meta": pa.array([[("a", 1)]], kind)})
        Task.objects.using(session).update_from(table)

        assert [{"meta": {"a": 1}}] == sent_to(session)

    def test_maps_of_a_key_twice(self):
        """Which of the values is meant, nobody knows."""
        kind = pa.map_(pa.string(), pa.int64())
        table = pa.table({"id": [3], "meta": pa.array([[("a", 1), ("a", 2)]], kind)})
        with pytest.raises(QueryError, match="a Table is not"):
            Task.objects.using(backend(*self.ROWS)).update_from(table)


class TestProgress:
    ROWS = (row(1), row(2), row(3))

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_counts_each_row_once(self, dry_run: bool):
        """Rows count when they are found to be the same, or else when they are written."""
        steps: list[ProgressStep] = []
        table = pl.DataFrame({"id": [1, 2, 3], "meta": ["{}", '{"n": 2}', "{}"]})
        query = Task.objects.using(backend(*self.ROWS))
        query.update_from(table, dry_run=dry_run, progress=steps.append)

        assert {(3, "update_from")} == {(step.total, step.label) for step in steps}
        assert [0, 1, 3 if dry_run else 2, 3] == [step.done for step in steps][:3] + [steps[-1].done]

    def test_what_an_earlier_run_wrote_says_nothing_of_the_rate(self, tmp_path: Path):
        """Rows that a journal has are there at once."""
        for _ in range(2):
            steps: list[ProgressStep] = []
            query = Task.objects.using(backend(*self.ROWS))
            query.update_from(_all_changed(), journal=tmp_path / "run", progress=steps.append)

        assert [(0, 3), (3, 3)] == [(step.done, step.total) for step in steps]

    def test_is_checked_before_a_request(self):
        """What cannot be told is refused."""
        session = backend(*self.ROWS)
        with pytest.raises(TransferError, match="progress must be"):
            Task.objects.using(session).update_from(_all_changed(), progress=5)  # type: ignore[arg-type]

        assert [] == session.requests


class TestBadRows:
    """Rows of the backend that do not fit."""

    ROWS = (row(1), row(2, meta=[1]), row(3))
    TABLE: ClassVar = [{"id": key, "is_discarded": True} for key in (1, 2, 3)]
    META: ClassVar = [{"id": key, "meta": {}} for key in (1, 2, 3)]

    def test_end_it_before_a_change(self):
        """Nothing is written of a table where a row cannot be compared."""
        session = backend(*self.ROWS)
        with pytest.raises(MappingError, match=r"Task\.meta of row 2"):
            Task.objects.using(session).update_from(self.META)

        assert [] == sent_to(session)

    def test_are_left_alone(self, caplog: pytest.LogCaptureFixture):
        """With `on_bad_row="skip"` the others are changed, and the result has the errors."""
        session, steps = backend(*self.ROWS), list[ProgressStep]()
        query = Task.objects.using(session)
        result = query.update_from(self.META, on_bad_row="skip", progress=steps.append)

        assert ([1, 3], 2, [2], 1) == (
            result.pks,
            result.matched,
            [error.key for error in result.bad],
            result.bad_count,
        )
        assert "updated 2 of 2 Task, 1 that do not fit left out" == str(result)
        assert (3, "1 rows did not fit") == (steps[-1].done, caplog.messages[0][:18])

    def test_that_are_gone_are_still_told(self):
        """A row that is not there does not fit in another way."""
        session = backend(*self.ROWS)
        table = [*self.META, {"id": 77, "meta": {}}]
        with pytest.raises(QueryError, match=r"1 of 4 rows.*: 77\."):
            Task.objects.using(session).update_from(table, on_bad_row="skip")

        assert [] == sent_to(session)

    @pytest.mark.parametrize("skip", [True, False])
    def test_of_keys_that_are_asked_for_one_by_one(self, skip: bool):
        """The same where the backend takes no lists of keys."""
        tag = {"id": 1, "project": 1, "name": "a", "description": ""}
        session = canned({"GET task_tags/1/": tag, "GET task_tags/2/": {**tag, "id": 2, "meta": 5}})
        table = [{"id": key, "name": "b"} for key in (1, 2)]
        query = TaskTag.objects.using(session)
        if not skip:
            with pytest.raises(MappingError, match=r"TaskTag\.meta"):
                query.update_from(table, dry_run=True)
            return
        result = query.update_from(table, dry_run=True, on_bad_row="skip")

        assert ([1], [2]) == (result.pks, [error.key for error in result.bad])

    def test_bad_cells_are_always_refused(self):
        """The table is what its maker can mend."""
        session = backend(*self.ROWS)
        with pytest.raises(MappingError, match="row 1, column 'meta'"):
            Task.objects.using(session).update_from([{"id": 1, "meta": 5}], on_bad_row="skip")

        assert [] == session.requests


def _all_changed() -> list[dict[str, Any]]:
    return [{"id": key, "meta": {"new": key}} for key in (1, 2, 3)]


def main() -> None:
    """Change rows one after the other, and be killed when the second one is sent."""

    replies = backend(*TestUpdate.ROWS).replies
    replies["PATCH tasks/2/"] = lambda request: os.kill(os.getpid(), signal.SIGKILL)
    session = canned(replies, workers=1)
    Task.objects.using(session).update_from(_all_changed(), journal=sys.argv[1])


if __name__ == "__main__":
    main()


class TestKeys:
    """What tells rows apart."""

    @pytest.mark.parametrize("key", [float("inf"), float("-inf")])
    def test_that_no_integer_can_be(self, key: float):
        """An infinite number is a bad cell, as any other that does not fit."""
        query = Task.objects.using(backend(row(1)))
        with pytest.raises(MappingError, match="row 1, column 'id'"):
            query.update_from([{"id": key, "meta": {}}])

    @pytest.mark.parametrize("on", ["meta", "tags", "files"])
    def test_of_a_field_that_has_none(self, on: str):
        """JSON, lists and files tell no rows apart; nothing is sent."""
        session = backend(row(1))
        with pytest.raises(QueryError, match="tells no rows apart"):
            Task.objects.using(session).update_from([{on: {"a": 1}, "data": {}}], on=on)

        assert [] == session.requests

    @pytest.mark.parametrize("series", [pl.Series, pa.array])
    def test_of_one_column_alone(self, series: Any):
        """What Arrow knows as one column is no table."""
        with pytest.raises(QueryError, match="takes a table"):
            Task.objects.using(backend(row(1))).update_from(series([1]))
