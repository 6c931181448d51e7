"""Queries as datasets for training: PyTorch, Hugging Face."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from synapse.downloads import FileCache
from synapse.errors import QueryError, describe
from synapse.interop.tables.arrow import schema_of
from synapse.interop.tables.columns import TableSource
from synapse.optional import needing
from synapse.orm import arguments
from synapse.orm.record import FieldPath
from synapse.orm.record import schema_of as fields_of
from synapse.orm.results import check_on_bad_row
from synapse.orm.values import Values, selected_by
from synapse.query.arguments import spelled
from synapse.reading.rows import OnBadRow
from synapse.transfer import ProgressLike
from synapse.transfer.progress import is_watched

if TYPE_CHECKING:
    from synapse.interop.torch_rows import TorchRows


def to_huggingface(
    tabular: Any,
    *,
    streaming: bool = True,
    shards: int = 16,
    columns: Iterable[str] | None = None,
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> Any:
    """Make a dataset of Hugging Face."""
    arguments.flag("to_huggingface(streaming=...)", streaming)
    check_on_bad_row("to_huggingface", on_bad_row)
    if streaming and is_watched(progress):
        raise QueryError(
            "to_huggingface(progress=...) goes with streaming=False: else rows are read as they are used. Nothing was "
            "sent"
        )
    with needing(what="to_huggingface()"):
        import datasets  # noqa: F401 # pyright: ignore[reportMissingImports]
    from synapse.interop import huggingface

    names, source, schema = laid_out(tabular, columns)
    if not streaming:
        return huggingface.whole(source, progress=progress, on_bad_row=on_bad_row)
    return huggingface.streamed(tabular.shards(shards), names, schema=schema, on_bad_row=on_bad_row)


def laid_out(tabular: Any, columns: Iterable[str] | None) -> tuple[tuple[str, ...] | None, TableSource, Any]:
    """Check the columns, and give the schema that they have."""
    with needing("parquet", what="a dataset"):
        import pyarrow
    names = None if columns is None else tuple(arguments.texts("columns", columns))
    source = TableSource.of(tabular, names, plain_json=True)
    return names, source, pyarrow.schema(schema_of(source)).remove_metadata()


def to_torch(
    tabular: Any,
    *,
    columns: Iterable[str] | None = None,
    files: str | Iterable[str] = (),
    transform: Callable[[dict[str, Any]], Any] | None = None,
    cache: str | os.PathLike[str] | None = None,
    shards: int = 64,
    shuffle_shards: bool = False,
    seed: int = 0,
    on_bad_row: OnBadRow = "raise",
) -> TorchRows:
    """Make a dataset of PyTorch."""
    check_on_bad_row("to_torch", on_bad_row)
    arguments.flag("to_torch(shuffle_shards=...)", shuffle_shards)
    if transform is not None and not callable(transform):
        raise QueryError(f"to_torch(transform=...) takes a function, got {describe(transform)}")
    if type(seed) is not int:
        raise QueryError(f"to_torch(seed=...) takes a whole number, got {describe(seed)}")
    if cache is not None:
        FileCache(cache)
    with needing(what="to_torch()"):
        from synapse.interop.torch_rows import FILES, TorchRows
    wanted = [files] if isinstance(files, str) else arguments.texts("to_torch(files=...)", files)
    given: tuple[Any, tuple[str, ...]] = (
        selected_by(tabular) if isinstance(tabular, Values) else (tabular, ())
    )
    queryset, named = given
    names = list(named if columns is None else arguments.texts("columns", columns))
    added = [FILES] if wanted and names and FILES not in names else []
    _check_fields(queryset, [*names, *([FILES] if wanted else [])])
    cut = queryset.values(*names, *added).shards(shards)
    return TorchRows(
        cut,
        cut=repr([spelled(selected_by(each)[0].query) for each in cut]),
        files=wanted,
        keeps_files=not added,
        transform=transform,
        cache=cache,
        shuffle_seed=seed if shuffle_shards else None,
        on_bad_row=on_bad_row,
    )


def _check_fields(queryset: Any, names: list[str]) -> None:
    for name in names:
        FieldPath.of(fields_of(queryset.entity), name)
