"""Read files from the web and put them on disk, whole or not at all."""

from __future__ import annotations

import filecmp
import hashlib
import os
import uuid

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Final

from synapse.errors import TransferError, TransportError
from synapse.session import Session
from synapse.transfer.source import BLOCK, Source

_SEPARATORS: Final = ("/", os.sep)


def read_blocks(session: Session, url: str) -> Iterator[bytes]:
    """Yield a file's bytes, going on where they broke off as long as it is surely the same file."""
    done = stalls = 0
    etag = ""
    while True:
        condition = (("If-Range", etag),) if done else ()
        with session.download(url, start=done, headers=condition) as answer:
            if done and not _continues(answer.status, answer.headers.get("Content-Range", ""), done):
                raise TransferError("the file changed while it was fetched: fetch it again")
            found = answer.headers.get("ETag", "")
            etag = found if found.startswith('"') else ""
            started = done
            try:
                for block in answer.chunks(BLOCK):
                    yield block
                    done += len(block)
                return
            except TransportError:
                stalls = 0 if done > started else stalls + 1
                if not etag or stalls > session.settings.retry.total:
                    raise
        session._pause(session.settings.retry.wait(stalls))


def _continues(status: int, content_range: str, start: int) -> bool:
    return status == 206 and content_range.replace(" ", "").startswith(f"bytes{start}-")


def target_of(to: object, *, name: str) -> Path:
    """Return where a file goes: into a folder (one that exists, or a path that ends in `/`), or to the path itself."""
    if not isinstance(to, str | os.PathLike) or not os.fspath(to):
        raise TransferError(f"a download goes to a folder or a path, not to {to!r}")
    path = Path(to)
    as_folder = os.fspath(to).endswith(_SEPARATORS) or path.is_dir()
    return path / name if as_folder else path


def save(
    blocks: Iterable[bytes],
    target: Path,
    *,
    check: Callable[[int, str], None],
    advanced: Callable[[int], object],
    overwrite: bool,
) -> Path:
    """Write *blocks* beside *target*, `check` their size and MD5, and rename them to it when they are whole."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.parent / f".synapse-{uuid.uuid4().hex}.part"
        try:
            check(*_write(blocks, partial, advanced=advanced))
            return _place(partial, target, overwrite=overwrite)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise TransferError(f"{str(target)!r} cannot be written ({error.strerror})") from error


def md5_of(source: Source) -> str:
    """Return the MD5 of a file on disk."""
    digest = hashlib.md5(usedforsecurity=False)
    for block in source.blocks(0, source.size):
        digest.update(block)
    return digest.hexdigest()


def _write(blocks: Iterable[bytes], path: Path, *, advanced: Callable[[int], object]) -> tuple[int, str]:
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("xb") as file:
        for block in blocks:
            file.write(block)
            digest.update(block)
            advanced(len(block))
        return file.tell(), digest.hexdigest()


def _place(partial: Path, target: Path, *, overwrite: bool) -> Path:
    if overwrite:
        return partial.replace(target)
    try:
        # Unlike a rename, a link never takes the place of a file that came in between.
        target.hardlink_to(partial)
    except OSError:
        if not os.path.lexists(target):
            return partial.replace(target)
        if not target.is_file() or not filecmp.cmp(partial, target, shallow=False):
            raise occupied(target) from None
    return target


def occupied(target: Path) -> TransferError:
    """Build the error for a target that holds something else."""
    return TransferError(
        f"{str(target)!r} exists and is another file: choose another path, or pass overwrite=True"
    )
