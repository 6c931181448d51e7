"""pandas, Polars, DuckDB and pyarrow as they are, over the tables of queries.

One module, since importing them takes a second.
"""

from __future__ import annotations

import pickle
import subprocess
import sys

from typing import Any

import pytest

pytest.importorskip("pandas")
pytest.importorskip("polars")
pytest.importorskip("duckdb")

import duckdb
import pandas as pd
import polars as pl
import pyarrow as pa

from synapse import ConfigError, QueryError, ServerError, Session, Task, WrongHostError
from synapse.testing import canned
from tests.unit.interop.tables.made import TASKS, row, session_of, tasks

ROWS = [
    row(1, workshop=5, tags=[1, 2], data={"a": [1]}),
    row(2, status_label="completed", tags=None),
    row(3, files={"image_1": {"url": "https://h/a.png?X-Amz-Signature=1"}}),
]


@pytest.fixture
def query() -> Any:
    """Three tasks."""
    return tasks(*ROWS)


class TestArrow:
    def test_is_taken_by_pyarrow(self, query: Any):
        """`pa.table(query)` and `pa.table(query.to_arrow())` are the same."""
        assert pa.table(query).equals(pa.table(query.to_arrow()))

    def test_is_cast_by_whoever_asks_for_other_types(self, query: Any):
        """A schema that is asked for is left to the library, as the protocol says."""
        table = pa.table(query.only("id")).cast(pa.schema([("id", pa.int32())]))

        assert pa.int32() == table.schema.field("id").type

    def test_says_what_it_is(self, query: Any):
        """`repr` names rows and columns."""
        table = query.only("id", "meta").to_arrow()

        assert ("<ArrowTable of 3 rows: id, meta>", 3, 2) == (repr(table), len(table), table.num_columns)

    def test_errors_of_a_read_keep_their_type(self):
        """What the backend says reaches the caller through the library."""
        query = Task.objects.using(canned({TASKS: ServerError("down", status_code=500)}))
        for take in (pa.table, pl.DataFrame):
            with pytest.raises(ServerError):
                take(query)


class TestPandas:
    def test_types_go_by_the_annotations(self, query: Any):
        """Integers that may be missing are Int64, whether one is or not; the key is int64."""
        kinds = {name: str(kind) for name, kind in query.to_pandas().dtypes.items()}

        assert {
            "id": "int64",
            "project_id": "Int64",
            "workshop": "Int64",
            "is_discarded": "boolean",
            "created": "datetime64[us, UTC]",
            "tags": "object",
        }.items() <= kinds.items()

    def test_values(self, query: Any):
        """A missing number is missing, and no NaN; JSON is text."""
        frame = query.to_pandas()

        assert [5, pd.NA, pd.NA] == list(frame["workshop"])
        assert '{"a": [1]}' == frame["data"][0]
        assert [True, False] == [frame["tags"][0].tolist() == [1, 2], frame["tags"][1] is not None]

    def test_files_are_dicts(self, query: Any):
        """Files go by their names, as in `task.files`."""
        assert ["image_1"] == list(query.to_pandas()["files"][2])

    def test_categories(self, query: Any):
        """Enumerations become categories when asked."""
        frame = query.to_pandas(categories=True)

        assert ("category", ["stand_by", "completed", "stand_by"]) == (
            str(frame["status_label"].dtype),
            list(frame["status_label"]),
        )

    def test_frame_of_a_query_is_one_of_objects(self, query: Any):
        """pandas asks a query for no table: as the docstring says, `values()` or `to_pandas()` make a frame."""
        assert (3, 1) == pd.DataFrame(query).shape
        assert (3, 2) == pd.DataFrame(query.values("id", "meta")).shape

    @pytest.mark.parametrize("given", [1, None, "yes"])
    def test_refuses_flags_that_are_none(self, query: Any, given: Any):
        """`categories` is True or False."""
        with pytest.raises(QueryError, match="categories"):
            query.to_pandas(categories=given)


class TestPolars:
    def test_types_and_values(self, query: Any):
        """JSON is a string that Polars can read; nothing is inferred."""
        frame = query.to_polars()

        assert (pl.String, pl.List(pl.Int64), pl.Datetime("us", "UTC")) == (
            frame.schema["data"],
            frame.schema["tags"],
            frame.schema["created"],
        )
        assert [1] == frame["data"].str.json_path_match("$.a[0]").cast(pl.Int64).drop_nulls().to_list()

    def test_takes_the_query_itself(self, query: Any):
        """`pl.DataFrame(query)` has the same rows, with JSON marked as such."""
        assert [1, 2, 3] == pl.DataFrame(query)["id"].to_list()

    def test_categories(self, query: Any):
        """Enumerations become categories when asked."""
        assert pl.Categorical == query.to_polars(categories=True).schema["status_label"]


class TestDuckDB:
    def test_reads_a_query_by_the_name_of_its_variable(self, query: Any):
        """SQL over a query: JSON is JSON there."""
        found = duckdb.sql("select id, data->'$.a[0]' from query where data is not null").fetchall()

        assert [(1, "1")] == found

    def test_joins_a_query_with_itself_by_one_download(self, query: Any):
        """The rows are read once, however often the library asks for them."""
        found = duckdb.sql("select count(*) from query a join query b using (id)").fetchall()

        assert ([(3,)], 1) == (found, len(query.session.requests))

    def test_reads_anew_where_the_query_is_new(self, query: Any):
        """A query keeps its table as it keeps its rows: `all()` reads the backend again."""
        pa.table(query)
        pa.table(query.all())

        assert 2 == len(query.session.requests)

    def test_makes_a_table(self, query: Any):
        """`to_duckdb()` makes a table that stays, by any name, and gives it."""
        with duckdb.connect() as con:
            made = query.to_duckdb(con, name='the "tasks"', columns=["id", "tags"])

            assert [(1, [1, 2]), (2, None), (3, [])] == made.order("id").fetchall()
            assert [('the "tasks"',)] == con.sql("show tables").fetchall()

    def test_makes_no_table_of_half_a_read(self):
        """A read that breaks leaves no table."""
        broken = Task.objects.using(canned({TASKS: ServerError("down", status_code=500)}))
        with duckdb.connect() as con:
            with pytest.raises(ServerError):
                broken.to_duckdb(con, name="tasks")

            assert [] == con.sql("show tables").fetchall()

    @pytest.mark.parametrize("name", ["tasks", "Tasks", "", None, 5])
    def test_refuses_names_that_are_taken_or_none(self, query: Any, name: Any):
        """A table that is there is not overwritten; nothing is sent."""
        with duckdb.connect() as con:
            con.execute("create table tasks (id int)")
            with pytest.raises(QueryError, match="nothing was sent|Nothing was sent"):
                query.to_duckdb(con, name=name)

        assert [] == query.session.requests

    @pytest.mark.parametrize("state", ["closed", "read-only"])
    def test_refuses_connections_that_take_no_table(self, query: Any, state: str, tmp_path: Any):
        """A closed database, and one that is open for reading only, are told of before anything is sent."""
        path = tmp_path / "tasks.duckdb"
        duckdb.connect(path).close()
        con = duckdb.connect(path, read_only=True)
        if state == "closed":
            con.close()
        with pytest.raises(QueryError, match="already closed|reading only"):
            query.to_duckdb(con, name="tasks")

        assert [] == query.session.requests

    def test_refuses_what_is_no_connection(self, query: Any):
        """A path is no connection."""
        with pytest.raises(QueryError, match="takes a connection"):
            query.to_duckdb("my.duckdb", name="tasks")


class TestForeign:
    @pytest.mark.parametrize("verb", ["to_arrow", "to_pandas", "to_polars", "batches", "__arrow_c_stream__"])
    def test_is_refused_by_a_session_of_another_backend(self, query: Any, verb: str):
        """A query that travelled, and finds a session of another host, makes no table of its rows."""
        elsewhere, travelled = Session("https://elsewhere.invalid", api_token="x"), pickle.dumps(query)
        with elsewhere, pytest.raises(WrongHostError):
            getattr(pickle.loads(travelled), verb)()


class TestProgress:
    @pytest.mark.parametrize("verb", ["to_arrow", "to_pandas", "to_polars"])
    def test_is_told(self, query: Any, verb: str):
        """Every call that reads a whole table tells how many rows came, of how many."""
        steps: list[Any] = []
        getattr(query, verb)(progress=steps.append)

        assert [(0, None), (3, 3)] == [(step.done, step.total) for step in steps]


class TestMissing:
    @pytest.mark.parametrize(
        ("library", "call", "install"),
        [
            ("nanoarrow", "query.to_arrow()", "synapse-orm[arrow]"),
            ("msgspec", "query.__arrow_c_schema__()", "synapse-orm[arrow]"),
            ("nanoarrow", "next(query.batches())", "synapse-orm[arrow]"),
            ("nanoarrow", "query.to_polars()", "synapse-orm[arrow]"),
            ("pyarrow", "query.to_parquet('x.parquet')", "synapse-orm[parquet]"),
            ("pyarrow", "query.to_arrow(json='struct')", "synapse-orm[parquet]"),
            ("pyarrow", "query.to_pandas()", "synapse-orm[pandas]"),
            ("pandas", "query.to_pandas()", "synapse-orm[pandas]"),
            ("polars", "query.to_polars()", "pip install polars"),
            ("duckdb", "query.to_duckdb(None, name='tasks')", "pip install duckdb"),
        ],
    )
    def test_library_is_named_before_a_request(self, library: str, call: str, install: str, monkeypatch):
        """Without a library, each call names the extra that brings it, and sends nothing."""
        monkeypatch.setitem(sys.modules, library, None)
        query = Task.objects.using(session_of())
        with pytest.raises(ConfigError) as caught:
            eval(call, {"query": query})

        assert f"needs {library}" in str(caught.value)
        assert install in str(caught.value)
        assert [] == query.session.requests

    def test_csv_needs_none(self, tmp_path):
        """Without any extra a query is written as CSV."""
        code = (
            "import sys\nfor name in ('msgspec', 'nanoarrow', 'pyarrow', 'pandas'): sys.modules[name] = None\n"
            "from tests.unit.orm.rows import served, task\nfrom synapse import Task\n"
            "from synapse.testing import canned\n"
            f"session = canned({{{TASKS!r}: served([task(1)])}})\n"
            f"Task.objects.using(session).only('id', 'meta').to_csv({str(tmp_path / 'a.csv')!r})"
        )
        subprocess.run([sys.executable, "-c", code], check=True)

        assert 'id,meta\n1,"{""n"":1}"\n' == (tmp_path / "a.csv").read_text()
