"""What has come of a file that is fetched, beside the place where it will appear."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import time
import uuid

from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final

from synapse.downloads.fetch import Fetch, Version
from synapse.downloads.private_files import open_existing, open_new, private_size, read_private, write_new
from synapse.transfer.checksum import Checksum
from synapse.transfer.local_file import PathLike
from synapse.transfer.progress import Meter

if TYPE_CHECKING:
    from filelock import FileLock

_STALE: Final = 24 * 3600.0  # seconds after which nobody is at work on a draft any more
_PARTIAL: Final = re.compile(r"\.synapse-(?:[0-9a-f]{32}|[0-9a-f]{20})\.part")
_OURS: Final = re.compile(r"\.synapse-(?:[0-9a-f]{32}\.part|[0-9a-f]{20}\.(?:part|json|lock))")
_UNIQUE_STEM: Final = len(".synapse-") + 32
LARGE: Final = 8 * 1024 * 1024  # bytes from which on it is worth a note to go on in another call


class PartialFile:
    """The bytes that have come for *target*; those of a large file stay if the rest does not come.

    A note beside them says which version of which address they are of, so that the next call, in whichever process,
    goes on only where that is the same. One call at a time has them; another one starts a draft of its own.
    """

    def __init__(self, target: Path, *, fetch: Fetch | None = None) -> None:
        stem = f".synapse-{hashlib.sha256(target.name.encode('utf-8', 'surrogatepass')).hexdigest()[:20]}"
        self.path = target.with_name(f".synapse-{uuid.uuid4().hex}.part")
        self.resumable = False
        self._fetch = fetch
        self._resumable_path = target.with_name(f"{stem}.part")
        self._note = target.with_name(f"{stem}.json")
        self._lock_path = target.with_name(f"{stem}.lock")
        self._lock: FileLock | None = None
        if fetch is not None and not fetch.started and self._note.exists() and self._lock_resumable():
            self._resume(fetch)

    def fill(
        self, blocks: Iterable[tuple[int, bytes]], *, meter: Meter, checksum: Checksum | None
    ) -> tuple[int, str | None]:
        """Write the blocks at their places; return the size and, if there is a *checksum*, the whole's own."""
        steps = iter(blocks)
        first = next(steps, (self._fetch.offset if self._fetch else 0, b""))
        self._choose_path()
        with self._open() as file:
            position = furthest = self._start(file, first[0])
            digest = checksum.taken(file, size=position) if checksum else None
            meter.resume(position)
            for offset, block in chain((first,), steps):
                if offset < position:
                    position = self._start(file, 0)
                    digest = checksum.begin() if checksum else None
                file.write(block)
                if digest:
                    digest.update(block)
                position += len(block)
                if position > furthest:
                    meter(position - furthest)
                    furthest = position
            if self.resumable:
                # The next call counts bytes by the file's size, which a power cut may leave larger than its content.
                file.flush()
                os.fsync(file.fileno())
        return position, None if digest is None else digest.hexdigest()

    def close(self) -> None:
        """Leave what the next call can go on from, and nothing else."""
        if not self.resumable:
            self.path.unlink(missing_ok=True)
        if self._lock is None:
            return
        if not self.resumable:
            self._note.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._lock_path.unlink()
        self._lock.release()

    def _open(self) -> BinaryIO:
        if self.resumable:
            return open(self.path, "r+b", opener=open_existing)
        self.path.unlink(missing_ok=True)
        return open(self.path, "r+b", opener=open_new)

    def _start(self, file: BinaryIO, position: int) -> int:
        """Make *position* the end of the file; at the first byte, note what is going to come."""
        file.seek(position)
        file.truncate()
        # The note is written before the first byte: bytes without a note are of no known version.
        if position == 0 and self._lock is not None and self._fetch is not None:
            self.resumable = bool(self._fetch.version.validator)
            to_dict = {"of": self._fetch.url_digest, **self._fetch.version.to_dict()}
            self._note.unlink(missing_ok=True)
            write_new(self._note, json.dumps(to_dict))
        return position

    def _choose_path(self) -> None:
        """Choose the lasting place for what is worth it, now that the first answer has told."""
        version = self._fetch.version if self._fetch else Version()
        if self._lock is None and version.validator and (version.size or 0) >= LARGE:
            self._lock_resumable()

    def _lock_resumable(self) -> bool:
        from filelock import FileLock, Timeout

        lock = FileLock(self._lock_path, timeout=0)
        try:
            _unlink_alias(self._lock_path)
            lock.acquire()
        except (Timeout, OSError, NotImplementedError):
            return False
        self._lock, self.path = lock, self._resumable_path
        return True

    def _resume(self, fetch: Fetch) -> None:
        try:
            to_dict = json.loads(read_private(self._note))
            size = private_size(self.path)
            of = to_dict.pop("of")
            version = Version(**to_dict)
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            return
        # Of the address only its hash is noted: signed ones are secrets, and the folder is the user's.
        if of == fetch.url_digest and version.validator and size <= (version.size or 0):
            fetch.offset, fetch.version, self.resumable = size, version, True


def is_partial_name(name: str) -> bool:
    """Whether a file of this name is a draft, or what belongs to one."""
    return _OURS.fullmatch(name) is not None


def remove_stale(folder: PathLike, *, resumable: bool = False) -> None:
    """Drop the drafts of killed processes; *resumable* ones as well, which a later call could have gone on with."""
    before = time.time() - _STALE
    try:
        with os.scandir(folder) as entries:
            found = [Path(entry.path) for entry in entries if _PARTIAL.fullmatch(entry.name)]
    except OSError:
        return
    for path in found:
        with contextlib.suppress(OSError):
            if path.lstat().st_mtime >= before:
                continue
            if len(path.stem) == _UNIQUE_STEM:
                path.unlink()
            # A resumable one is dropped only where nobody looks for it again, as in a cache.
            elif resumable:
                _remove_resumable(path)


def _remove_resumable(path: Path) -> None:
    from filelock import FileLock, Timeout

    _unlink_alias(path.with_suffix(".lock"))
    with contextlib.suppress(Timeout, NotImplementedError), FileLock(path.with_suffix(".lock"), timeout=0):
        for suffix in (".part", ".json", ".lock"):
            path.with_suffix(suffix).unlink(missing_ok=True)


def _unlink_alias(path: Path) -> None:
    # A lock file has one name. Some versions of filelock empty what they open, and this would be another's file.
    with contextlib.suppress(FileNotFoundError):
        if path.lstat().st_nlink > 1:
            path.unlink()
