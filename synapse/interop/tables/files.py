"""Queries as files: Parquet, also in parts that a killed run goes on with, and CSV."""

from __future__ import annotations

import contextlib
import csv
import os
import secrets

from collections.abc import Callable, Iterable, Iterator
from os import PathLike
from pathlib import Path
from typing import Any, Final, TextIO

import attrs

from synapse.errors import QueryError, TransferError, describe
from synapse.interop.tables.arrow import batches_of
from synapse.interop.tables.columns import Column, TableSource
from synapse.interop.tables.out import columns_in_batches, tracked_rows
from synapse.interop.tables.pages import FILE_FACTS
from synapse.interop.tables.structs import with_types
from synapse.interop.tables.table import Batch, Batches, TableReport
from synapse.mapping.json import readable
from synapse.optional import needing
from synapse.orm import arguments
from synapse.orm.values import JsonAs
from synapse.reading.rows import OnBadRow
from synapse.transfer import ProgressLike
from synapse.transfer.progress import Meter
from synapse.values import user_path

PART: Final = 100_000
"""The most rows of a part file."""
GROUP: Final = 8_192
"""The rows that lie together in a Parquet file."""
BATCH: Final = 1_024
"""The rows to read at once: Python's values of a whole group would leave memory in pieces that nothing fits into."""
_CHECKPOINT: Final = b"synapse.checkpoint"
_LOCK: Final = ".synapse-lock"
_END: Final = "\r\n"


@contextlib.contextmanager
def appearing(path: Path, *, beside: Path | None = None) -> Iterator[Path]:
    """Give a path to write to, which takes the place of *path* when the block ends well, and else is removed.

    It lies *beside* another path for a file in a folder that is read as a whole: Polars takes hidden files for rows.
    """
    partial = _partial(beside or path, secrets.token_hex(4))
    try:
        yield partial
        partial.replace(path)
    except OSError as error:
        raise TransferError(
            f"{str(path)!r} cannot be written ({os.strerror(error.errno) if error.errno else error}); nothing is left "
            "of this attempt"
        ) from error
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def _partial(path: Path, mark: str) -> Path:
    return path.with_name(f".{path.name}.{mark}.partial")


def _path(what: str, given: object) -> Path:
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise TransferError(f"{what} writes to a path, not to {describe(given)}; nothing was sent")
    path = user_path(os.fsdecode(given))
    if "\0" in str(path):
        raise TransferError(f"{what}: {str(path)!r} is no path; nothing was sent")
    is_folder, is_there = path.is_dir(), path.parent.is_dir()
    if what.endswith("(resume=True)"):
        if path.exists() and not is_folder:
            raise TransferError(
                f"{what}: {str(path)!r} is a file, and not a folder of parts; nothing was sent"
            )
    elif is_folder:
        raise TransferError(
            f"{what}: {str(path)!r} is a folder, and a single file is written. For parts that a killed run goes on "
            "with, pass resume=True to to_parquet(). Nothing was sent"
        )
    elif path.exists() and not path.is_file():
        raise TransferError(
            f"{what}: {str(path)!r} is no regular file, and would be replaced by one; nothing was sent"
        )
    elif not is_there:
        raise TransferError(f"{what}: there is no folder {str(path.parent)!r}; nothing was sent")
    return path


# --- Parquet --------------------------------------------------------------------
def to_parquet(
    tabular: Any,
    path: str | PathLike[str],
    *,
    columns: Iterable[str] | None = None,
    json: JsonAs = "text",
    resume: bool = False,
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> TableReport:
    """Write a query as Parquet."""
    arguments.flag("to_parquet(resume=...)", resume)
    with needing("parquet", what="to_parquet()"):
        import pyarrow.parquet
    target = _path("to_parquet(resume=True)" if resume else "to_parquet()", path)
    source = TableSource.of(tabular, columns, urls=False)
    source.selection.session.check_open()
    source = with_types(source, json, what="to_parquet", streams=True)

    def read(checkpoint: str | None = None) -> Batches:
        return batches_of(
            columns_in_batches("to_parquet", source, size=BATCH, on_bad_row=on_bad_row, checkpoint=checkpoint)
        )

    with tracked_rows(progress, source, label=target.name) as meter:
        writer = _ParquetWriter(pyarrow, meter)
        return _in_parts(writer, target, read) if resume else _in_one_file(writer, target, read())


@attrs.frozen
class _ParquetWriter:
    pyarrow: Any
    meter: Meter

    def write(self, path: Path, batches: Iterable[Batch], *, schema: Any, checkpoint: str) -> int:
        """Write batches into a file, with the checkpoint behind the last one; give the number of rows."""
        rows = 0
        with self.pyarrow.parquet.ParquetWriter(
            path, self.pyarrow.schema(schema), compression="zstd"
        ) as file:
            for group in _groups(batches):
                file.write_table(self.pyarrow.Table.from_batches(map(self.pyarrow.record_batch, group)))
                for batch in group:
                    self.meter(batch.num_rows)
                    rows, checkpoint = rows + batch.num_rows, batch.checkpoint
            file.add_key_value_metadata({_CHECKPOINT: checkpoint})
        return rows

    def metadata(self, path: Path) -> Any:
        """Read what a part says of itself, or raise `QueryError` where it is none."""
        try:
            found = self.pyarrow.parquet.read_metadata(path)
        except (OSError, self.pyarrow.ArrowException) as error:
            raise _no_part(path, f"it cannot be read ({error})") from error
        if _CHECKPOINT not in (found.metadata or {}):
            raise _no_part(path, "it has no checkpoint")
        return found


def _groups(batches: Iterable[Batch]) -> Iterator[list[Batch]]:
    """Gather batches into the groups that they are written in."""
    group: list[Batch] = []
    for batch in batches:
        group.append(batch)
        if sum(each.num_rows for each in group) >= GROUP:
            yield group
            group = []
    if group:
        yield group


def _in_one_file(writer: _ParquetWriter, path: Path, batches: Batches) -> TableReport:
    with batches, appearing(path) as partial:
        rows = writer.write(partial, batches, schema=batches.schema, checkpoint=batches.checkpoint)
    return TableReport(path, rows, rows, (path,), tuple(batches.bad), batches.bad_count)


def _in_parts(writer: _ParquetWriter, folder: Path, read: Callable[[str | None], Batches]) -> TableReport:
    with _held(folder):
        parts = _parts_of(folder)
        known = [writer.metadata(part) for part in parts]
        before = sum(each.num_rows for each in known)
        writer.meter.resume(before)
        checkpoint = known[-1].metadata[_CHECKPOINT].decode() if known else None
        rows = 0
        with read(checkpoint) as batches:
            _check_columns(writer.pyarrow, known, parts, schema=batches.schema)
            first = next(batches, None)
            while first is not None or not parts:
                path = folder / f"part-{len(parts):05}.parquet"
                some = _up_to(batches, first)
                with appearing(path, beside=folder) as partial:
                    rows += writer.write(partial, some, schema=batches.schema, checkpoint=batches.checkpoint)
                parts.append(path)
                first = next(batches, None)
        return TableReport(folder, rows, before + rows, tuple(parts), tuple(batches.bad), batches.bad_count)


def _up_to(batches: Batches, first: Batch | None) -> Iterator[Batch]:
    """Give batches for one part."""
    batch, rows = first, 0
    while batch is not None:
        yield batch
        rows += batch.num_rows
        batch = next(batches, None) if rows + BATCH <= PART else None


def _parts_of(folder: Path) -> list[Path]:
    """Find the parts of an earlier run, and remove what a killed one left behind."""
    for left in folder.parent.glob(_partial(folder, "*").name):
        left.unlink(missing_ok=True)
    there = sorted(each for each in folder.iterdir() if not each.name.startswith("."))
    names = [f"part-{number:05}.parquet" for number in range(len(there))]
    if [each.name for each in there] != names:
        raise QueryError(
            f"to_parquet(resume=True): {str(folder)!r} holds other files than the parts that were written, or not all "
            f"of them: {', '.join(each.name for each in there[:5])}. Choose another folder. Nothing was sent"
        )
    return there


def _check_columns(pyarrow: Any, known: list[Any], parts: list[Path], *, schema: Any) -> None:
    wanted = pyarrow.schema(schema)
    if known and not known[-1].schema.to_arrow_schema().equals(wanted):
        there = known[-1].schema.to_arrow_schema()
        raise _no_part(
            parts[-1],
            f"its columns are {', '.join(there.names)}, and not {', '.join(wanted.names)}, of these types",
        )


def _no_part(path: Path, why: str) -> QueryError:
    return QueryError(
        f"to_parquet(resume=True) cannot go on behind {str(path)!r}: {why}. Choose another folder, or remove what is "
        "in this one"
    )


@contextlib.contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Keep other runs out of a folder, which is made."""
    from filelock import FileLock, Timeout

    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / _LOCK, timeout=0):
            yield
    except Timeout:
        raise QueryError(
            f"another run writes to {str(folder)!r}; wait until it has ended. Nothing was sent"
        ) from None
    except OSError as error:
        raise TransferError(f"{str(folder)!r} cannot be written ({error.strerror or error})") from error


# --- CSV ------------------------------------------------------------------------
def to_csv(
    tabular: Any,
    path: str | PathLike[str],
    *,
    columns: Iterable[str] | None = None,
    progress: ProgressLike = None,
    on_bad_row: OnBadRow = "raise",
) -> TableReport:
    """Write a query as CSV."""
    target = _path("to_csv()", path)
    source = TableSource.of(tabular, columns, urls=False)
    found = columns_in_batches("to_csv", source, size=BATCH, on_bad_row=on_bad_row)
    texts = [_text_of(column) for column in source.columns]
    rows = 0
    with (
        tracked_rows(progress, source, label=target.name) as meter,
        appearing(target) as partial,
        contextlib.closing(found),
        partial.open("w", newline="", encoding="utf-8", errors="replace") as file,
    ):
        writer = csv.writer(_Lines(file), lineterminator=_END)
        writer.writerow(column.name for column in source.columns)
        for values, count in found:
            written = (map(text, column) for text, column in zip(texts, values, strict=True))
            writer.writerows(zip(*written, strict=True))
            meter(count)
            rows += count
    return TableReport(target, rows, rows, (target,), tuple(found.bad), found.bad_count)


class _Lines:
    """Ends rows by a newline alone.

    Until Python 3.13, `csv` puts quotes around those ends of lines only that it writes itself: a cell with a bare
    carriage return would end its row.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, row: str) -> int:
        """Take a row."""
        return self._file.write(row.removesuffix(_END) + "\n")


def _text_of(column: Column) -> Callable[[Any], str | None]:
    """Choose how the values of a column are written; None is an empty cell."""
    by_kind: dict[str, Callable[[Any], str]] = {
        "bool": lambda value: "true" if value else "false",
        "moment": lambda value: str(value.isoformat()),
        "list": lambda value: readable(value).decode(),
        "file": lambda value: readable(_described(value)).decode(),
        "files": lambda value: readable({name: _described(file) for name, file in value.items()}).decode(),
        **dict.fromkeys(("json", "extra"), lambda value: value.decode()),
    }
    write = by_kind.get(column.kind, str)
    return lambda value: None if value is None else write(value)


def _described(file: tuple[Any, ...] | None) -> dict[str, Any] | None:
    facts = {} if file is None else dict(zip(FILE_FACTS, file, strict=True))
    return {name: value for name, value in facts.items() if name != "url"} if file else None
