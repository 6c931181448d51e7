"""A folder that keeps what was fetched, up to a size."""

from __future__ import annotations

import contextlib
import hashlib
import os
import threading
import time

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO, Final

import attrs

from synapse.errors import TransferError
from synapse.transfer.checksum import Checksum
from synapse.transfer.fetch import Fetch, Version
from synapse.transfer.progress import Meter
from synapse.transfer.source import PathLike

_STALE: Final = 24 * 3600.0  # seconds after which nobody goes on with a draft
_SLACK: Final = (
    10  # one part in so many of the limit is made free at once, so that not every file has all looked at
)


class FileCache:
    """A local folder of fetched files, of at most *limit* bytes: what was not used for longest goes first.

    Give it to `download()`, `read()` or `open()`. Files are known by their checksum, where the backend tells it; else
    by their address without its signature and what the server says of their version, which takes a request but not
    the content. Several processes may share a folder. Downloads are copies, so that editing one harms no other.
    """

    def __init__(self, folder: PathLike, *, limit: int = 10 * 2**30) -> None:
        given: object = folder
        if not isinstance(given, str | os.PathLike) or not os.fspath(given):
            raise TransferError(f"a FileCache lives in a folder, given by its path, not in {given!r}")
        if type(limit) is not int or limit < 1:
            raise TransferError(f"limit must be a whole number of bytes, 1 or more, not {limit!r}")
        self.folder = Path(folder)
        self.limit = limit
        self._total: int | None = None
        self._added = 0
        self._lock = threading.Lock()

    def __repr__(self) -> str:
        return f"FileCache({str(self.folder)!r}, limit={self.limit})"

    def clear(self) -> None:
        """Drop everything that is kept."""
        self._trim(0)

    def open_kept(self, *identity: object) -> BinaryIO | None:
        """Open what is kept under this identity, and count it as used; None where there is nothing."""
        path = self._path(identity)
        try:
            file = path.open("rb")
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return file

    def keep(self, *identity: object, fill: Callable[[Path], object]) -> BinaryIO:
        """Let *fill* write a file that is to be kept, and open it."""
        path = self._path(identity)
        fill(path)
        file = path.open("rb")
        self._grow(os.fstat(file.fileno()).st_size)
        return file

    def _path(self, identity: tuple[object, ...]) -> Path:
        # Whatever a checksum or an address holds, the name is harmless.
        key = hashlib.sha256(repr(identity).encode("utf-8", "surrogatepass")).hexdigest()
        return self.folder / key[:2] / key

    def _grow(self, size: int) -> None:
        with self._lock:
            self._added += size
            over = self._total is None or self._total + self._added > self.limit
            # Others may add as well: once in a while the folder itself is asked.
            if over or self._added > self.limit // _SLACK:
                self._trim(self.limit)

    def _trim(self, limit: int) -> None:
        from filelock import FileLock, Timeout

        try:
            with FileLock(self.folder / "lock", timeout=0):
                self._total = _trimmed(self.folder, limit=limit)
                self._added = 0
        except (Timeout, OSError):
            return  # another process is at it


def checked_cache(given: object) -> FileCache:
    """Refuse what is no cache."""
    if not isinstance(given, FileCache):
        raise TransferError(f"cache takes a FileCache, not {type(given).__name__}")
    return given


def through(
    cache: object,
    source: Fetch,
    *,
    checksum: Checksum | None,
    size: int | None,
    fill: Callable[[Path], object],
    meter: Meter,
) -> BinaryIO | None:
    """Open what *source* fetches in the cache, where *fill* saves it if need be; None for what cannot be kept."""
    cache = checked_cache(cache)
    if (size or 0) > cache.limit:
        return None
    version = Version() if checksum else source.look()
    if not (checksum or version.validator) or (version.size or 0) > cache.limit:
        source.close()
        return None
    identity = attrs.astuple(checksum) if checksum else (source.mark, *attrs.astuple(version))
    found = cache.open_kept(*identity)
    if found is not None and _is_whole(found, checksum=checksum, size=size):
        source.close()
        meter.resume(found.seek(0, os.SEEK_END))
        found.seek(0)
        return found
    if found is not None:
        found.close()
    return cache.keep(*identity, fill=fill)


def _is_whole(file: BinaryIO, *, checksum: Checksum | None, size: int | None) -> bool:
    """Whether a kept file is still what it was kept as."""
    if size is not None and os.fstat(file.fileno()).st_size != size:
        return False
    same = checksum is None or checksum.taken(file).hexdigest() == checksum.digest
    file.seek(0)
    return same


def _trimmed(folder: Path, *, limit: int) -> int:
    """Drop the files that were not used for longest, if all are more than *limit*; return how much is left."""
    found: list[tuple[float, int, Path]] = []
    for path in folder.glob("??/*"):
        with contextlib.suppress(OSError):
            stat = path.stat()
            if not path.name.startswith("."):
                found.append((stat.st_mtime_ns, stat.st_size, path))
            elif time.time() - stat.st_mtime > _STALE:
                path.unlink()
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return total
    for _, size, path in sorted(found):
        if total <= limit - limit // _SLACK:
            break
        with contextlib.suppress(OSError):
            path.unlink()
            total -= size
    return total
