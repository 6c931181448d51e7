"""Put files on disk, whole or not at all."""

from __future__ import annotations

import errno
import filecmp
import os

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, TypeAlias

from synapse.downloads.fetch import Fetch
from synapse.downloads.partial_file import PartialFile, is_partial_name
from synapse.errors import TransferError, describe
from synapse.session.interrupts import reraise_from_signal
from synapse.transfer.checksum import Checksum
from synapse.transfer.local_file import shown_path
from synapse.transfer.progress import Meter
from synapse.values import user_path

Content: TypeAlias = Fetch | Iterable[bytes]

_SEPARATORS: Final = ("/", os.sep)
_EXCESS: Final = 64 * 1024 * 1024  # bytes
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def target_path(to: object, *, name: str) -> Path:
    """Return where a file goes: into a folder (one that exists, or a path that ends in `/`), or to the path itself."""
    if not isinstance(to, str | os.PathLike) or not os.fspath(to):
        raise TransferError(f"a download goes to a folder or a path, not to {describe(to)}")
    path = user_path(to)
    try:
        path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        pass
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise TransferError(f"nothing can be saved at {shown_path(to)}: {reason}") from error
    if os.fspath(to).endswith(_SEPARATORS) or path.is_dir():
        return path / name
    if is_partial_name(path.name):
        raise TransferError(
            f"{shown_path(to)} is how downloads that are under way are called, and would be dropped as one: choose "
            "another name. Nothing was fetched"
        )
    return path


def save_file(
    content: Content,
    target: Path,
    *,
    check: Callable[[int, str | None], None],
    meter: Meter,
    checksum: Checksum | None,
    overwrite: bool,
    expected_size: int | None = None,
) -> Path:
    """Write *content* beside *target*, and rename it when it is whole.

    `check` raises for a wrong size, or for a wrong digest of the kind of *checksum*. What is far larger than
    *expected_size* is not fetched to its end.
    """
    fetch = content if isinstance(content, Fetch) else None
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (
            closing(PartialFile(target, fetch=fetch)) as partial,
            closing(blocks_with_offsets(content, expected_size=expected_size)) as blocks,
        ):
            try:
                size, digest = partial.fill(blocks, meter=meter, checksum=checksum)
            except TransferError:
                partial.resumable = False  # what came is not the file
                raise
            partial.resumable = False
            check(size, digest)
            return _move_into_place(partial.path, target, overwrite=overwrite)
    except OSError as error:
        reraise_from_signal(error)
        what = f"{str(target)!r} cannot be written ({error.strerror})"
        raise TransferError(
            f"{what}: make room and fetch it again" if error.errno in _FULL else what
        ) from error


def is_disk_full(error: BaseException | None) -> bool:
    """Whether a file could not be saved since there is no room."""
    cause = error.__cause__ if isinstance(error, TransferError) else None
    return isinstance(cause, OSError) and cause.errno in _FULL


def target_exists(target: Path) -> TransferError:
    """Build the error for a target that holds something else."""
    return TransferError(
        f"{str(target)!r} exists and is another file: choose another path, or pass overwrite=True"
    )


def blocks_with_offsets(
    content: Content, *, expected_size: int | None = None
) -> Generator[tuple[int, bytes], None, None]:
    """Yield blocks, each with its place; a file that begins anew under way goes back to place 0.

    One that is far larger than the *expected_size* size, and may have no end, is a `TransferError`.
    """
    for offset, block in content.blocks() if isinstance(content, Fetch) else _counted(content):
        if expected_size is not None and offset > 2 * expected_size + _EXCESS:
            raise TransferError(
                f"the file is far larger than the {expected_size} bytes that the backend tells: it is damaged, "
                "or another one",
                code="file-damaged",
            )
        yield offset, block


def _counted(content: Iterable[bytes]) -> Iterator[tuple[int, bytes]]:
    offset = 0
    for block in content:
        yield offset, block
        offset += len(block)


def _move_into_place(partial: Path, target: Path, *, overwrite: bool) -> Path:
    if overwrite:
        return partial.replace(target)
    try:
        # Unlike a rename, a link never takes the place of a file that came in between.
        target.hardlink_to(partial)
    except OSError:
        if not os.path.lexists(target):
            return partial.replace(target)
        if not target.is_file() or not filecmp.cmp(partial, target, shallow=False):
            raise target_exists(target) from None
    return target
