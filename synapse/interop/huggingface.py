"""Queries as datasets of Hugging Face."""

from __future__ import annotations

import json

from collections.abc import Iterator
from typing import Any, Final

from synapse.interop.tables.arrow import batches_of
from synapse.interop.tables.columns import TableSource
from synapse.interop.tables.out import columns_in_batches, read_table
from synapse.reading.rows import OnBadRow
from synapse.transfer import ProgressLike

_BATCH: Final = 1_024


def streamed(shards: list[Any], columns: tuple[str, ...] | None, *, schema: Any, on_bad_row: OnBadRow) -> Any:
    """Make a dataset that is read as it is used."""
    import datasets  # pyright: ignore[reportMissingImports]
    import pyarrow

    # The library knows no maps, which files are: they are JSON.
    known = [pyarrow.field(each.name, pyarrow.string()) if _is_map(each) else each for each in schema]
    return datasets.IterableDataset.from_generator(
        rows_of,
        gen_kwargs={"shards": shards, "columns": columns, "on_bad_row": on_bad_row},
        features=datasets.Features.from_arrow_schema(pyarrow.schema(known)),
    )


def whole(source: TableSource, *, progress: ProgressLike, on_bad_row: OnBadRow) -> Any:
    """Read a dataset into memory."""
    import datasets  # pyright: ignore[reportMissingImports]
    import pyarrow

    # `Dataset.from_generator()` would give what an earlier call with the same query has left on disk.
    table = read_table("to_huggingface", source, progress=progress, on_bad_row=on_bad_row)
    return datasets.Dataset(_without_maps(pyarrow.table(table)).replace_schema_metadata(None))


def rows_of(
    shards: list[Any], columns: tuple[str, ...] | None, *, on_bad_row: OnBadRow = "raise"
) -> Iterator[dict[str, Any]]:
    """Read shards, by the credentials of the process that does so."""
    import pyarrow

    for shard in shards:
        source = TableSource.of(shard, columns, plain_json=True)
        rows = columns_in_batches("to_huggingface", source, size=_BATCH, on_bad_row=on_bad_row)
        with batches_of(rows) as batches:
            for batch in batches:
                yield from _without_maps(pyarrow.table(batch)).to_pylist()


def _is_map(field: Any) -> bool:
    from pyarrow import types

    return bool(types.is_map(field.type))


def _without_maps(table: Any) -> Any:
    import pyarrow

    for place, field in enumerate(table.schema):
        if _is_map(field):
            texts = [
                None if each is None else json.dumps(dict(each)) for each in table.column(place).to_pylist()
            ]
            table = table.set_column(place, field.name, pyarrow.array(texts, pyarrow.string()))
    return table
