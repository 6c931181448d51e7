"""A folder that keeps what was fetched, up to a size."""

from __future__ import annotations

import contextlib
import hashlib
import logging
import os
import re

from collections.abc import Callable, Iterator
from pathlib import Path
from stat import S_ISREG
from typing import BinaryIO, Final

import attrs

from synapse.downloads.fetch import Fetch, Version
from synapse.downloads.partial_file import remove_stale
from synapse.errors import TransferError, describe
from synapse.session.process import Locks
from synapse.transfer.checksum import Checksum
from synapse.transfer.local_file import PathLike
from synapse.transfer.progress import CountingMeter, Meter
from synapse.values import user_path

_PART: Final = re.compile("[0-9a-f]{2}")
_NAME: Final = re.compile("[0-9a-f]{64}")
_SLACK: Final = (
    10  # one part in so many of the limit is made free at once, so that not every file has all looked at
)

logger: Final = logging.getLogger("synapse")


class FileCache:
    """A local folder of downloaded files, at most *limit* bytes; the least recently used are removed first.

    Give it to `download()`, `read()` or `open()`. A file is identified by its checksum if the backend gives one; else
    by its address without the signature and by the version that the server reports, which takes one request. Several
    processes may share a folder. Downloads are copies: editing one changes neither the cache nor another download.

    The cache is in `synapse-files` below *folder*; everything else in the folder is neither counted nor touched. If the
    cache cannot be written to, files are fetched without it, and one log line says so.
    """

    def __init__(self, folder: PathLike, *, limit: int = 10 * 2**30) -> None:
        given: object = folder
        if not isinstance(given, str | os.PathLike) or not os.fspath(given):
            raise TransferError(f"a FileCache lives in a folder, given by its path, not in {describe(given)}")
        if type(limit) is not int or limit < 1:
            raise TransferError(f"limit must be a whole number of bytes, 1 or more, not {describe(limit)}")
        self.folder = user_path(folder)
        self.limit = limit
        self.usable = True
        self._files = self.folder / "synapse-files"
        self._total: int | None = None
        self._added = 0
        self._locks = Locks()

    def __repr__(self) -> str:
        return f"FileCache({str(self.folder)!r}, limit={self.limit})"

    def clear(self) -> None:
        """Drop everything that is kept."""
        self._trim(0)

    def open_kept(self, *identity: object) -> BinaryIO | None:
        """Open the file that is cached under this identity and mark it as used, or return None."""
        path = self._path(identity)
        try:
            file = path.open("rb")
        except OSError:
            return None
        with contextlib.suppress(OSError):
            os.utime(path)
        return file

    def drop(self, *identity: object) -> None:
        """Forget a file that is damaged."""
        with contextlib.suppress(OSError):
            self._path(identity).unlink()

    def keep(self, *identity: object, fill: Callable[[Path], object]) -> BinaryIO | None:
        """Let *fill* write a file into the cache, and open it; return None if the cache can't be written to."""
        path = self._path(identity)
        try:
            fill(path)
        except TransferError as error:
            # What is wrong with the file itself has no such cause.
            if not isinstance(error.__cause__, OSError):
                raise
            self._give_up(error.__cause__)
            return None
        try:
            file = path.open("rb")
        except OSError:
            return None  # another one made room before it could be opened
        self._grow(os.fstat(file.fileno()).st_size)
        return file

    def _give_up(self, reason: OSError) -> None:
        with self._locks.mine:
            first, self.usable = self.usable, False
        if first:
            logger.warning(
                "nothing more is kept in the cache %r (%s); files are fetched without it",
                str(self.folder),
                reason.strerror,
            )

    def _path(self, identity: tuple[object, ...]) -> Path:
        # Whatever a checksum or an address holds, the name is harmless.
        key = hashlib.sha256(repr(identity).encode("utf-8", "surrogatepass")).hexdigest()
        return self._files / key[:2] / key

    def _grow(self, size: int) -> None:
        with self._locks.mine:
            self._added += size
            over = self._total is None or self._total + self._added > self.limit
            # Others may add as well: once in a while the folder itself is asked.
            if over or self._added > self.limit // _SLACK:
                self._trim(self.limit)

    def _trim(self, limit: int) -> None:
        from filelock import FileLock, Timeout

        if not self._files.is_dir():
            return
        try:
            with FileLock(self._files / "lock", timeout=0):
                self._total = _trimmed(self._files, limit=limit)
                self._added = 0
        except (Timeout, OSError, NotImplementedError):
            return  # another process is at it


def checked_cache(given: object) -> FileCache:
    """Refuse what is no cache."""
    if not isinstance(given, FileCache):
        raise TransferError(f"cache takes a FileCache, not {type(given).__name__}")
    return given


def open_cached(
    cache: object,
    source: Fetch,
    *,
    checksum: Checksum | None,
    size: int | None,
    fill: Callable[[Path, Meter], object],
    meter: Meter,
) -> BinaryIO | None:
    """Open what *source* fetches in the cache, where *fill* saves it if need be; None for what cannot be kept.

    Then *source* is of no use any more, and *meter* knows of nothing that travelled.
    """
    cache = checked_cache(cache)
    # A cache that cannot be written to still serves what it has, where that is known without a request.
    if (size or 0) > cache.limit or not (cache.usable or checksum):
        return None
    version = Version() if checksum else source.probe()
    if not (checksum or version.validator) or (version.size or 0) > cache.limit:
        source.close()
        return None
    identity = attrs.astuple(checksum) if checksum else (source.url_digest, *version.to_dict().values())
    found = cache.open_kept(*identity)
    if found is not None and _is_whole(found, checksum=checksum, size=version.size if size is None else size):
        source.close()
        meter.resume(found.seek(0, os.SEEK_END))
        found.seek(0)
        return found
    if found is not None:
        found.close()
        cache.drop(*identity)
    if not cache.usable:
        source.close()
        return None
    counted = CountingMeter(meter)
    kept = cache.keep(*identity, fill=lambda path: fill(path, counted))
    if kept is None:
        source.close()
        counted.take_back()
    return kept


def _is_whole(file: BinaryIO, *, checksum: Checksum | None, size: int | None) -> bool:
    """Whether a kept file is still what it was kept as."""
    try:
        if size is not None and os.fstat(file.fileno()).st_size != size:
            return False
        same = checksum is None or checksum.taken(file).hexdigest() == checksum.digest
        file.seek(0)
    except OSError:
        return False
    return same


def _trimmed(files: Path, *, limit: int) -> int:
    """Drop the files that were not used for longest, if all are more than *limit*; return how much is left."""
    found = sorted(_kept(files))
    total = sum(size for _, size, _ in found)
    if total <= limit:
        return total
    for _, size, path in found:
        if total <= limit - limit // _SLACK:
            break
        with contextlib.suppress(OSError):
            Path(path).unlink()
            total -= size
    return total


def _kept(files: Path) -> Iterator[tuple[int, int, str]]:
    """Give change, size and path of what the cache itself named, and drop the drafts that are stale."""
    for part in _entries(files, _PART):
        for entry in _entries(part.path, _NAME):
            with contextlib.suppress(OSError):
                stat = entry.stat(follow_symlinks=False)
                if S_ISREG(stat.st_mode) and entry.name.startswith(part.name):
                    yield stat.st_mtime_ns, stat.st_size, entry.path
        remove_stale(part.path, resumable=True)


def _entries(folder: PathLike, name: re.Pattern[str]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return [entry for entry in entries if name.fullmatch(entry.name) and not entry.is_symlink()]
    except OSError:
        return []
