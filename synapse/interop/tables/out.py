"""Queries as tables in memory: Arrow, pandas, Polars, DuckDB."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from synapse.errors import QueryError, describe
from synapse.interop.tables.arrow import batches_of, schema_of
from synapse.interop.tables.batches import ColumnBatches
from synapse.interop.tables.columns import TableSource
from synapse.interop.tables.structs import inferred, with_types
from synapse.interop.tables.table import ArrowTable, Batches
from synapse.optional import needing
from synapse.orm import arguments
from synapse.orm.results import how_to_read
from synapse.orm.selection import cache_of
from synapse.orm.values import JsonAs
from synapse.reading.rows import OnBadRow
from synapse.transfer import ProgressLike
from synapse.transfer.progress import Meter, is_watched, tracked

if TYPE_CHECKING:
    import duckdb
    import pandas
    import polars

BATCH: Final = 16_384
_CHUNK: Final = 1_024
"""Rows of a batch where all of them are kept: building a larger one takes more memory beside them."""
_PAGE: Final = 250
"""Rows to ask for at once: pages that are read ahead wait as a whole while batches are built."""
_NULLABLE: Final = ("Int8", "Int16", "Int32", "Int64", "boolean")
"""The types of pandas that hold missing values beside integers and truth values."""
_PASSING: Final = "synapse_rows_on_their_way"


def arrow_schema(tabular: Any) -> object:
    """Give the schema of the table that a query makes; nothing is sent."""
    return schema_of(TableSource.of(tabular)).__arrow_c_schema__()


def arrow_stream(tabular: Any, requested_schema: object = None) -> object:
    """Give the table of a query, which is read once: a join with itself asks for it several times."""
    source = TableSource.of(tabular)
    names = tuple(column.name for column in source.columns)
    backend = source.selection.session.backend
    table = cache_of(source.given).table(names, lambda: read_table("to_arrow", source), backend=backend)
    return table.__arrow_c_stream__()


def batches(
    tabular: Any,
    *,
    size: int = BATCH,
    columns: Iterable[str] | None = None,
    json: JsonAs = "text",
    checkpoint: str | None = None,
    on_bad_row: OnBadRow = "raise",
) -> Batches:
    """Stream record batches."""
    arguments.check_size("batches(size=...)", size)
    source = with_types(TableSource.of(tabular, columns), json, what="batches", streams=True)
    return batches_of(
        columns_in_batches("batches", source, size=size, on_bad_row=on_bad_row, checkpoint=checkpoint)
    )


def columns_in_batches(
    verb: str, source: TableSource, *, size: int, on_bad_row: OnBadRow, checkpoint: str | None = None
) -> ColumnBatches:
    """Set out to read columns; the first request is sent when they are asked for."""
    query = source.selection.query
    rows = _PAGE if query.stop is None else min(_PAGE, max(query.stop - query.start, 1))
    how = how_to_read(verb, on_bad_row, size=rows, workers=None)
    return ColumnBatches(source, size=size, how=how, skip=on_bad_row == "skip", checkpoint=checkpoint)


def read_table(
    verb: str,
    source: TableSource,
    *,
    json: JsonAs = "text",
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> ArrowTable:
    """Read a whole table."""
    source = with_types(source, json, what=verb)
    found = batches_of(columns_in_batches(verb, source, size=_CHUNK, on_bad_row=on_bad_row))
    with tracked_rows(progress, source, label=verb) as meter:
        table = ArrowTable.of(found, advanced=meter)
    return inferred(table, source) if json == "struct" else table


@contextmanager
def tracked_rows(progress: ProgressLike, source: TableSource, *, label: str) -> Iterator[Meter]:
    """Tell *progress* how many rows came; of how many, where the backend counts."""
    with tracked(progress, total=None, label=label, unit="rows") as meter:
        if is_watched(progress) and source.table.traits.counts:
            meter.expect(source.selection.count())
        yield meter


def to_arrow(
    tabular: Any,
    *,
    columns: Iterable[str] | None = None,
    json: JsonAs = "text",
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> ArrowTable:
    """Read a query into a table of Arrow."""
    return read_table(
        "to_arrow", TableSource.of(tabular, columns), json=json, progress=progress, on_bad_row=on_bad_row
    )


def to_pandas(
    tabular: Any,
    *,
    columns: Iterable[str] | None = None,
    categories: bool = False,
    json: JsonAs = "text",
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> pandas.DataFrame:
    """Read a query into a pandas frame."""
    arguments.flag("to_pandas(categories=...)", categories)
    with needing("pandas", what="to_pandas()"):
        import pandas
        import pyarrow
    source = TableSource.of(tabular, columns, plain_json=True)
    table = read_table("to_pandas", source, json=json, progress=progress, on_bad_row=on_bad_row)
    # Types go by the annotations, and not by whether a value happens to be missing.
    kinds = {pyarrow.type_for_alias(each.lower()): pandas.api.types.pandas_dtype(each) for each in _NULLABLE}
    # Inside of structs and lists, integers beside a null would be floats, which hold no key above 2**53.
    frame: pandas.DataFrame = pyarrow.table(table).to_pandas(
        types_mapper=kinds.get, integer_object_nulls=True, maps_as_pydicts="strict"
    )
    for column in source.columns:
        if column.is_key and column.kind == "int":
            frame[column.name] = frame[column.name].astype("int64")
        elif categories and column.kind == "choice":
            frame[column.name] = frame[column.name].astype("category")
    return frame


def to_polars(
    tabular: Any,
    *,
    columns: Iterable[str] | None = None,
    categories: bool = False,
    json: JsonAs = "text",
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> polars.DataFrame:
    """Read a query into a Polars frame."""
    arguments.flag("to_polars(categories=...)", categories)
    with needing(what="to_polars()"):
        import polars
    source = TableSource.of(tabular, columns, plain_json=True)
    table = read_table("to_polars", source, json=json, progress=progress, on_bad_row=on_bad_row)
    frame = polars.DataFrame(table)
    if categories:
        names = [column.name for column in source.columns if column.kind == "choice"]
        frame = frame.with_columns(polars.col(names).cast(polars.Categorical)) if names else frame
    return frame


def to_duckdb(
    tabular: Any,
    con: duckdb.DuckDBPyConnection,
    *,
    name: str,
    columns: Iterable[str] | None = None,
    json: JsonAs = "text",
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> duckdb.DuckDBPyRelation:
    """Read a query into a new table of a DuckDB database."""
    with needing(what="to_duckdb()"):
        import duckdb
    if not isinstance(con, duckdb.DuckDBPyConnection):
        raise QueryError(
            f"to_duckdb() takes a connection, such as duckdb.connect('my.duckdb'), got {describe(con)}; "
            "nothing was sent"
        )
    quoted = '"' + arguments.text("to_duckdb(name=...)", name).replace('"', '""') + '"'
    source = TableSource.of(tabular, columns)
    schema_of(source)
    # Before the rows are read, which may take long.
    with _refusals_told(duckdb):
        _check_free(con, name)
    table = read_table("to_duckdb", source, json=json, progress=progress, on_bad_row=on_bad_row)
    with _refusals_told(duckdb):
        con.register(_PASSING, table)
        try:
            con.execute(f"CREATE TABLE {quoted} AS SELECT * FROM {_PASSING}")
        finally:
            con.unregister(_PASSING)
        return con.sql(f"FROM {quoted}")


@contextmanager
def _refusals_told(duckdb: Any) -> Iterator[None]:
    try:
        yield
    except duckdb.Error as error:
        raise QueryError(f"to_duckdb(): DuckDB refuses the table ({error}); nothing was written") from error


def _check_free(con: Any, name: str) -> None:
    """Raise `QueryError` if a table of this name cannot be made; DuckDB heeds no case of letters."""
    if name.casefold() in {each[0].casefold() for each in con.execute("SHOW TABLES").fetchall()}:
        raise QueryError(
            f"to_duckdb(): there is a table {name!r} already; drop it, or choose another name. Nothing was sent"
        )
    asked = "SELECT readonly FROM duckdb_databases() WHERE database_name = current_database()"
    if con.execute(asked).fetchall() == [(True,)]:
        raise QueryError("to_duckdb(): the database is open for reading only; nothing was sent")
