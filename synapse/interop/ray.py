"""Queries as datasets of Ray Data, and datasets written to the backend. Nothing else imports Ray."""

from __future__ import annotations

import copy

from collections.abc import Iterable, Iterator, Mapping, Sequence
from os import PathLike
from typing import Any, Final, Literal, Self
from uuid import uuid4

import attrs

from synapse.entities.task import Task
from synapse.errors import QueryError, describe
from synapse.interop.shared_journal import BlockJournal, Hold, folder_of
from synapse.interop.tables.arrow import batches_of
from synapse.interop.tables.columns import TableSource
from synapse.interop.tables.out import columns_in_batches
from synapse.interop.tables.writes import annotation_pairs, objects_of
from synapse.interop.training import laid_out
from synapse.optional import needing
from synapse.orm import arguments, bulk
from synapse.orm.record import Record, entity_named
from synapse.orm.results import check_on_bad_row
from synapse.orm.selection import Selection
from synapse.orm.values import Values
from synapse.reading.rows import OnBadRow
from synapse.session import current

with needing("ray", what="Ray Data"):
    import pyarrow

    from ray.data import read_datasource  # pyright: ignore[reportMissingImports]
    from ray.data.block import BlockAccessor, BlockMetadata  # pyright: ignore[reportMissingImports]
    from ray.data.datasource import (  # pyright: ignore[reportMissingImports]
        Datasink,
        Datasource,
        ReadTask,
    )

_BATCH: Final = 4_096
"""Rows of a block; Ray joins blocks that are small."""
_WRITTEN: Final = 200
"""Rows that a task writes at least, where there are so many: of each row a task of its own would be made else."""


# --- reading ------------------------------------------------------------------
def to_ray(
    tabular: Any,
    *,
    shards: int = 16,
    columns: Iterable[str] | None = None,
    on_bad_row: OnBadRow = "raise",
) -> Any:
    """Make a dataset of Ray Data."""
    check_on_bad_row("to_ray", on_bad_row)
    names, source, schema = laid_out(tabular, columns)
    made = ShardsDatasource(
        tabular.shards(shards),
        names,
        schema=schema,
        pk=source.table.schema.pk,
        on_bad_row=on_bad_row,
    )
    return read_datasource(made, override_num_blocks=shards)


@attrs.frozen
class ShardReader:
    """Reads one shard on a worker, by the credentials that the worker has in its environment or profile."""

    shard: Selection[Any] | Values[Any]
    columns: tuple[str, ...] | None
    limit: int | None
    on_bad_row: OnBadRow = "raise"

    def __call__(self) -> Iterator[Any]:
        """Give the rows as tables."""
        shard: Any = self.shard if self.limit is None else self.shard[: self.limit]
        source = TableSource.of(shard, self.columns, plain_json=True)
        rows = columns_in_batches("to_ray", source, size=_BATCH, on_bad_row=self.on_bad_row)
        with batches_of(rows) as batches:
            for batch in batches:
                yield pyarrow.table(batch).replace_schema_metadata(None)


class ShardsDatasource(Datasource):  # type: ignore[misc]  # Ray has no types for subclasses
    """A query, cut once: Ray asks for the read tasks several times a dataset, and each cut counts rows."""

    def __init__(
        self,
        shards: Sequence[Any],
        columns: tuple[str, ...] | None,
        *,
        schema: Any,
        pk: str,
        on_bad_row: OnBadRow = "raise",
    ) -> None:
        super().__init__()
        self._shards, self._columns, self._schema, self._pk = shards, columns, schema, pk
        self._on_bad_row: OnBadRow = on_bad_row
        self._projection_map: dict[str, str] | None = None

    def get_name(self) -> str:
        """Give the name that progress bars show."""
        return "Synapse"

    def estimate_inmemory_data_size(self) -> int | None:
        """Tell that the size is not known."""
        return None

    def supports_projection_pushdown(self) -> bool:
        """Tell that `select_columns()` narrows what is asked of the backend."""
        return True

    def apply_projection(self, projection_map: dict[str, str] | None) -> Self:
        """Narrow the columns."""
        made = copy.copy(self)
        if projection_map is not None:
            made._projection_map = {
                name: name for name in projection_map if name in (self._projection_map or projection_map)
            }
            # Where no column is wanted, rows are counted: a block without columns has none.
            made._columns = tuple(made._projection_map) or (self._pk,)
            made._schema = pyarrow.schema([self._schema.field(name) for name in made._projection_map])
        return made

    def get_read_tasks(  # pyright: ignore[reportIncompatibleMethodOverride]  # Ray names what we take by name
        self, parallelism: int, *, per_task_row_limit: int | None = None, data_context: object = None
    ) -> list[Any]:
        """Give a task for each shard, whatever parallelism Ray would choose."""
        unknown = BlockMetadata(num_rows=None, size_bytes=None, input_files=None, exec_stats=None)
        return [
            ReadTask(
                ShardReader(shard, self._columns, per_task_row_limit, self._on_bad_row),
                unknown,
                schema=self._schema,
                per_task_row_limit=per_task_row_limit,
            )
            for shard in self._shards
        ]


# --- writing ------------------------------------------------------------------
class _Sink(Datasink[int]):  # type: ignore[misc]  # Ray has no types for subclasses
    """Writes blocks by the credentials that each worker has in its environment or profile; `written` counts rows."""

    def __init__(self, entity: type[Any], *, min_rows_per_write: int) -> None:
        arguments.check_size("min_rows_per_write", min_rows_per_write)
        # With its session left behind in the pickle, a query knows which backend it was made for.
        self._queryset = entity.objects.using(current())
        self._fewest = min_rows_per_write
        self.written = 0

    def get_name(self) -> str:
        """Give the name that progress bars show."""
        return type(self).__name__

    @property
    def min_rows_per_write(self) -> int:
        """The number of rows that a task writes at least."""
        return self._fewest

    def on_write_complete(self, write_result: Any) -> None:
        """Take over how many rows were written."""
        self.written = write_result.num_rows


class AnnotateSink(_Sink):
    """Annotates tasks: `dataset.write_datasink(AnnotateSink(column="annotation"))`.

    The column holds JSON, which is saved and with `submit=True` submitted; the column `on` holds the keys of the tasks.
    A block that Ray repeats is saved again, with the same result.
    """

    def __init__(
        self,
        *,
        column: str,
        submit: bool = False,
        on: str = "id",
        schema: Literal["any", "dm_schema_v1"] | None = None,
        min_rows_per_write: int = _WRITTEN,
    ) -> None:
        super().__init__(Task, min_rows_per_write=min_rows_per_write)
        self._column = arguments.text("AnnotateSink(column=...)", column)
        self._on = arguments.text("AnnotateSink(on=...)", on)
        self._submit = arguments.flag("AnnotateSink(submit=...)", submit)
        self._schema = schema

    def write(self, blocks: Iterable[Any], ctx: Any) -> int:
        """Annotate the tasks of a block."""
        table = _joined(blocks, who="AnnotateSink()")
        if not len(table):
            return 0  # what `map()` gives for no rows has no columns either
        pairs = annotation_pairs(self._queryset, table, data=self._column, on=self._on)
        number: int = self._queryset.annotate_many(pairs, submit=self._submit, schema=self._schema)
        return number


class CreateSink(_Sink):
    """Creates objects, each row once: `dataset.write_datasink(CreateSink("TaskTag", journal="/shared/run7/"))`.

    Columns are fields, or are renamed by `columns={"label": "name"}`; a missing value is left to the backend. Ray
    repeats blocks whose worker died, so that the *journal* is needed: a folder that the driver and all workers share. A
    run that ended early, even killed, goes on when it is started again with the same rows, in whatever blocks. Blocks
    are created one after the other, each by as many requests at once as a session has `workers`.
    """

    def __init__(
        self,
        entity: str | type[Any],
        *,
        journal: str | PathLike[str] | None = None,
        columns: Mapping[str, str] | None = None,
        min_rows_per_write: int = _WRITTEN,
    ) -> None:
        folder = folder_of(journal)
        cls: Any = entity_named(entity) if isinstance(entity, str) else entity
        if not (isinstance(cls, type) and issubclass(cls, Record)):
            raise QueryError(f"CreateSink() takes an entity such as 'TaskTag', got {describe(entity)}")
        super().__init__(cls, min_rows_per_write=min_rows_per_write)
        self._columns = columns
        self._folder, self._run = folder, uuid4().hex
        self._hold: Hold | None = Hold(folder, self._run)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_hold": None}

    def on_write_start(self, schema: Any = None) -> None:
        """Take the journal, or refuse to be the second run in it."""
        assert self._hold is not None
        self._hold.take()

    def write(self, blocks: Iterable[Any], ctx: Any) -> int:
        """Create the rows of a block."""
        table = _joined(blocks, who="CreateSink()")
        if not len(table):
            return 0
        made = objects_of(self._queryset, table, columns=self._columns, nulls="omit")
        write = ctx.kwargs["write_uuid"]
        opening = BlockJournal(self._folder, self._run, write, ctx.task_idx, made)
        return len(bulk.create(self._queryset, made, batch_size=_WRITTEN, journal=opening))

    def on_write_complete(self, write_result: Any) -> None:
        """Leave the journal to other runs."""
        super().on_write_complete(write_result)
        self._release()

    def on_write_failed(self, error: Exception) -> None:
        """Leave the journal to the run that goes on."""
        self._release()

    def _release(self) -> None:
        if self._hold is not None:
            self._hold.release()


def _joined(blocks: Iterable[Any], *, who: str) -> Any:
    """Join blocks; a nested column has lost which keys its rows had, and is refused."""
    tables = [BlockAccessor.for_block(block).to_arrow() for block in blocks]
    table = pyarrow.concat_tables(tables, promote_options="permissive") if tables else pyarrow.table({})
    for field in table.schema:
        if pyarrow.types.is_struct(field.type) or _holds_structs(field.type):
            raise QueryError(
                f"{who}: the column {field.name!r} holds dicts, which Arrow fills up with None for each key that "
                f"another row has; give JSON: json.dumps(row[{field.name!r}]). Nothing of this block was sent"
            )
    return table


def _holds_structs(kind: Any) -> bool:
    is_list = pyarrow.types.is_list(kind) or pyarrow.types.is_large_list(kind)
    return is_list and (pyarrow.types.is_struct(kind.value_type) or _holds_structs(kind.value_type))
