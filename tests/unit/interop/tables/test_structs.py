"""JSON as structs of Arrow: by types that are given, or inferred from all rows."""

from __future__ import annotations

from typing import Any

import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")
pytest.importorskip("duckdb")

import duckdb
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from synapse import MappingError, QueryError
from tests.unit.interop.tables.made import row, tasks

FRAME = pa.struct(
    [("frame", pa.int64()), ("tags", pa.list_(pa.string())), ("where", pa.struct([("x", pa.float64())]))]
)
ROWS = [
    row(1, meta={"frame": 1, "tags": ["a", None]}),
    row(2, meta={"frame": None, "where": {"x": 2}}),
    row(3, meta=None),
]
VALUES = [
    {"frame": 1, "tags": ["a", None], "where": None},
    {"frame": None, "tags": None, "where": {"x": 2.0}},
    None,
]


def metas(tabular: Any) -> Any:
    """The type and the values of the column."""
    column = pa.table(tabular)["meta"]
    return column.type, column.to_pylist()


class TestGiven:
    def test_types_are_those_of_the_column(self):
        """Objects become structs; what a row lacks is null."""
        assert (FRAME, VALUES) == metas(tasks(*ROWS).to_arrow(json={"meta": FRAME}))

    def test_other_columns_stay_text(self):
        """Only the columns that are named are structs."""
        table = pa.table(
            tasks(row(1, data={"a": 1})).to_arrow(json={"meta": pa.map_(pa.string(), pa.int64())})
        )

        assert (['{"a": 1}'], [[("n", 1)]]) == (table["data"].to_pylist(), table["meta"].to_pylist())

    def test_rows_may_stream(self, tmp_path: Any):
        """Batches and Parquet files have the same columns, and a run that goes on as well."""
        batches = tasks(*ROWS, cap=2).batches(json={"meta": FRAME}, size=2)
        report = tasks(*ROWS).to_parquet(tmp_path / "a.parquet", json={"meta": FRAME})
        parts = tasks(*ROWS).to_parquet(tmp_path / "parts", json={"meta": FRAME}, resume=True)

        assert VALUES == [each for batch in batches for each in pa.record_batch(batch)["meta"].to_pylist()]
        assert [(FRAME, VALUES)] * 2 == [metas(pq.read_table(each.path)) for each in (report, parts)]

    def test_related_objects(self):
        """JSON of a related object may be a struct as well."""
        unit = {"id": 101, "data_collection": 1, "meta": {"a": 1}, "files": {}}
        query = tasks(row(1, data_unit=101), **{"GET data_units/101/": unit})
        kind = pa.struct([("a", pa.int8())])
        table = query.to_arrow(columns=["id", "data_unit__meta"], json={"data_unit__meta": kind})

        assert [{"a": 1}] == pa.table(table)["data_unit__meta"].to_pylist()

    @pytest.mark.parametrize(
        ("meta", "said"),
        [
            ({"frame": "one"}, r"got `str` - at `\$.frame`"),
            ({"frame": 2**63}, r"at `\$.frame`"),
            ({"frame": 1.5}, r"got `float` - at `\$.frame`"),
            ({"frame": True}, r"got `bool` - at `\$.frame`"),
            ({"tags": ["a", 1]}, r"at `\$.tags\[1\]`"),
            ({"where": {"y": 1}}, r"unknown field `y` - at `\$.where`"),
            ({"more": 1}, "unknown field `more`"),
        ],
    )
    def test_what_does_not_fit(self, meta: Any, said: str):
        """A value of another type, and a key that the struct lacks, are told by row, column and path, or left out."""
        query = tasks(row(1, meta={"frame": 1}), row(2, meta=meta), row(3))
        with pytest.raises(MappingError, match=f"^row 2: Task.meta.*{said}") as caught:
            query.to_arrow(columns=["id", "meta"], json={"meta": FRAME})
        table = tasks(row(1, meta={}), row(2, meta=meta)).to_arrow(json={"meta": FRAME}, on_bad_row="skip")

        assert (2, 2) == (caught.value.row, caught.value.key)
        assert ([1], [2]) == (pa.table(table)["id"].to_pylist(), [error.key for error in table.bad])

    def test_fields_that_must_be_there(self):
        """A field that is not nullable is needed."""
        needed = pa.struct([pa.field("frame", pa.int64(), nullable=False)])
        with pytest.raises(MappingError, match="missing required field `frame`"):
            tasks(row(1, meta={})).to_arrow(json={"meta": needed})

    @pytest.mark.parametrize(
        ("json", "said"),
        [
            ("structs", "takes 'text', 'struct'"),
            (None, "takes 'text', 'struct'"),
            ({"mta": FRAME}, "did you mean 'meta'"),
            ({"id": FRAME}, "no column 'id' of JSON"),
            ({"meta": "struct"}, "expected a type of pyarrow"),
            ({"meta": pa.timestamp("us")}, "JSON is never timestamp"),
            ({"meta": pa.struct([("a", pa.uint64())])}, "JSON is never uint64"),
            ({"meta": pa.struct([])}, "needs fields"),
            ({"meta": pa.list_(pa.struct([("a", pa.int8()), ("a", pa.int8())]))}, "a name of its own"),
        ],
    )
    @pytest.mark.parametrize("verb", ["to_arrow", "to_pandas", "to_polars", "batches"])
    def test_refused_before_a_request(self, json: Any, said: str, verb: str):
        """Whatever names no types of columns of JSON."""
        query = tasks(*ROWS)
        with pytest.raises(QueryError, match=f"{verb}.*{said}"):
            getattr(query, verb)(json=json)

        assert [] == query.session.requests


class TestInferred:
    def test_structs_hold_what_any_row_has(self):
        """Types are gathered from all rows, fields in the order that they come in."""
        kind, values = metas(tasks(*ROWS).to_arrow(json="struct"))

        where = pa.struct([("x", pa.int64())])
        assert pa.struct([("frame", pa.int64()), ("tags", pa.list_(pa.string())), ("where", where)]) == kind
        assert VALUES == values

    def test_integers_beside_floats_are_floats(self):
        """Numbers of both kinds are one type."""
        table = tasks(row(1, meta={"a": 1}), row(2, meta={"a": 1.5})).to_arrow(json="struct")

        assert (pa.struct([("a", pa.float64())]), [{"a": 1.0}, {"a": 1.5}]) == metas(table)

    def test_large_integers_stay_exact(self):
        """Where no number is a float, integers are of 64 bits."""
        table = tasks(row(1, meta={"a": 1}), row(2, meta={"a": 2**60 + 1})).to_arrow(json="struct")

        assert (pa.struct([("a", pa.int64())]), [{"a": 1}, {"a": 2**60 + 1}]) == metas(table)

    def test_objects_without_keys_are_maps(self):
        """Objects that are all empty stay apart from what is missing, in Parquet as well."""
        table = tasks(row(1, meta={}), row(2, meta=None)).to_arrow(json="struct")

        assert (pa.map_(pa.string(), pa.string()), [[], None]) == metas(table)

    def test_columns_of_nothing(self):
        """A column that no row has a value in is of the type of nothing."""
        assert (pa.null(), [None]) == metas(tasks(row(1, meta=None)).to_arrow(json="struct"))

    def test_no_rows(self):
        """A table without rows has its columns."""
        table = tasks(row(1)).none().to_arrow(json="struct", columns=["id", "meta"])

        assert (pa.null(), []) == metas(table)

    @pytest.mark.parametrize(
        ("first", "second", "said"),
        [
            ({"a": 1}, {"a": "x"}, r"at `\$.a` there is text, and an integer in a row before"),
            ({"a": [1]}, {"a": {}}, r"at `\$.a` there is an object, and a list in a row before"),
            (
                {"a": [{"b": True}]},
                {"a": [{"b": 1}]},
                r"at `\$.a\[...\].b` there is an integer, and a truth value",
            ),
            ({}, {"a": 2**63}, "which is beyond 64 bits"),
            ({}, {"a": float("nan")}, "malformed"),
            ({"a": 2**53 + 1}, {"a": 0.5}, r"is a number, and an integer beyond 2\*\*53"),
            ({"a": [1, 0.5]}, {"a": [2**53 + 1]}, r"is an integer beyond 2\*\*53, and a number"),
            ({}, {"\\": 1}, "with the key .* no quote, backslash or control character"),
        ],
    )
    def test_rows_that_no_type_fits(self, first: Any, second: Any, said: str):
        """What is text in one row and a number in another is told by row and column."""
        with pytest.raises(MappingError, match=f"row 2, column 'meta'.*{said}.*or leave it text") as caught:
            tasks(row(1, meta=first), row(2, meta=second)).to_arrow(json="struct")

        assert 2 == caught.value.row

    @pytest.mark.parametrize("verb", ["batches", "to_parquet"])
    def test_streams_cannot_infer(self, verb: str, tmp_path: Any):
        """What all rows hold is known only behind the last one; the error says how to name the types."""
        query = tasks(*ROWS)
        arguments = [tmp_path / "a.parquet"] if verb == "to_parquet" else []
        with pytest.raises(QueryError, match="rows stream.*query\\[:1000\\]"):
            getattr(query, verb)(*arguments, json="struct")

        assert [] == query.session.requests

    def test_types_of_some_rows_serve_for_all(self, tmp_path: Any):
        """What is inferred of the first rows is taken as types for the rest, as the error says."""
        sample = tasks(*ROWS).to_arrow(json="struct", columns=["meta"])
        kind = pa.table(sample).schema.field("meta").type
        report = tasks(*ROWS).to_parquet(tmp_path / "a.parquet", json={"meta": kind})

        assert (kind, VALUES) == metas(pq.read_table(report.path))


class TestLibraries:
    def test_pandas(self):
        """Structs are dicts there."""
        assert VALUES[0]["frame"] == tasks(*ROWS).to_pandas(json="struct")["meta"][0]["frame"]

    def test_integers_of_pandas_stay_what_they_are(self):
        """A large integer is exact, whether other rows have the key or not."""
        metas = [{"key": 2**60 + 1, "keys": [2**60 + 1, None]}, {}]
        rows = [row(key, meta=meta) for key, meta in enumerate(metas, 1)]

        found = tasks(*rows).to_pandas(json="struct")["meta"][0]

        assert (2**60 + 1, [2**60 + 1, None]) == (found["key"], list(found["keys"]))

    def test_polars(self):
        """Structs are structs there."""
        frame = tasks(*ROWS).to_polars(json={"meta": FRAME})

        assert [1, None, None] == frame.select(pl.col("meta").struct.field("frame"))["frame"].to_list()

    def test_duckdb(self):
        """Structs have fields in SQL."""
        with duckdb.connect() as con:
            tasks(*ROWS).to_duckdb(con, name="tasks", json="struct")

            assert [(1,), (None,), (None,)] == con.sql("select meta.frame from tasks order by id").fetchall()
