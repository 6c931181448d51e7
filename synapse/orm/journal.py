"""The journal of a bulk write: which rows were sent and which are done, kept so that a killed run can go on.

A file of lines, each a JSON object, that is only ever added to. The first line says whose it is; then come
`{"sent": [row, ...], "at": seconds, "after": key}` before rows travel, `{"done": {row: key}}` once their keys are
known, and `{"undone": [row, ...]}` where it is certain that they were not created; `{"instead": {row: [key, ...]}}`
tells which other rows came as the answer. A row goes by a salted digest of its values, so that no value is in the file.
Each line ends with a checksum of all lines up to it: a journal in which anything has changed, or is missing before its
end, is refused.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import re
import secrets
import stat
import time
import zlib

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from synapse.errors import ConfigError, QueryError, describe
from synapse.mapping.unset import UNSET
from synapse.values import user_path

_WHAT: Final = "synapse bulk_create"
# Also raised where the same row would come to be named otherwise, so that no run takes it for another one.
_VERSION: Final = 2
_UNSEALED: Final = 1  # written by 0.1.0, without checksums
_START: Final = f'{{"journal": "{_WHAT}", '.encode()
_SEALED: Final = 20 + len("\n")  # bytes at the end of a line
_SEAL: Final = re.compile(rb', "crc": "([0-9a-f]{8})"\}')


class Journal:
    """The journal of one run at a time.

    `done` maps rows to their keys; `unsettled` those of unknown outcome to the key that no row was above when they were
    sent, and `instead` to the keys of new rows that hold other values and came as their answers.
    """

    def __init__(
        self, path: Path, descriptor: int, *, owner: Mapping[str, Any], aliases: Iterable[str] = ()
    ) -> None:
        self._aliases = aliases
        self.path = path
        self.done: dict[str, Any] = {}
        self.unsettled: dict[str, int | None] = {}
        self.instead: dict[str, list[Any]] = {}
        self.failure: ConfigError | None = None
        self._descriptor = descriptor
        self._unnoted: dict[str, Any] = {}
        self._size = 0
        self._sealed, self._crc = True, 0
        self._counts: Counter[str] = Counter()
        self._salt = self._read(owner)

    def name(self, values: Mapping[str, Any]) -> str:
        """Name a row by its values; rows with equal values are numbered."""
        digest = self.digest(values)
        self._counts[digest] += 1
        count = self._counts[digest]
        return digest if count == 1 else f"{digest}:{count}"

    def digest(self, values: Mapping[str, Any]) -> str:
        """Give the salted digest of a row's values."""
        text = json.dumps(values, sort_keys=True, separators=(",", ":")).encode()
        return hashlib.sha256(self._salt + text).digest()[:16].hex()

    def number_behind(self, taken: Mapping[str, int]) -> None:
        """Have `name()` number equal rows behind those that others have, which are given by digest."""
        self._counts = Counter(taken)

    def sending(self, names: Iterable[str], *, after: int | None) -> None:
        """Note rows that are about to be sent; raises `ConfigError` where that cannot be noted."""
        names = list(names)
        self._write({"sent": names, "at": time.time(), "after": after}, kept=True)
        self.unsettled |= dict.fromkeys(names, after)

    def settle(self, keys: Mapping[str, Any]) -> None:
        """Note rows that are done, with their keys; what cannot be noted is found out about by the next run."""
        self.done |= keys
        for name in keys:
            self.unsettled.pop(name, None)
        try:
            self._write({"done": dict(keys)})
        except ConfigError:
            self._unnoted |= keys

    def doubt(self, name: str, keys: Iterable[Any]) -> None:
        """Note rows that came as the answer to this one, and hold other values: they may have been made of it."""
        after = self.unsettled.get(name)
        young = [key for key in keys if isinstance(key, int) and (after is None or key > after)]
        if young:
            self.instead[name] = young
            with contextlib.suppress(ConfigError):
                self._write({"instead": {name: young}})

    def withdraw(self, names: Iterable[str]) -> None:
        """Note rows that were surely not created."""
        names = [name for name in names if self.unsettled.pop(name, UNSET) is not UNSET]
        with contextlib.suppress(ConfigError):
            if names:
                self._write({"undone": names})

    def unnoted(self) -> ConfigError | None:
        """Say what is done and could not be noted, if anything is."""
        if not self._unnoted:
            return None
        told = ConfigError(
            f"the journal {self.path} could not be written to, so it does not say that {len(self._unnoted)} rows are "
            "done, though they are. Make room, and run the same again with this journal before anybody edits them: it "
            "looks for them, and would create an edited one anew"
        )
        told.__cause__ = self.failure
        return told

    # --- the file -----------------------------------------------------------
    def _write(self, line: Mapping[str, Any], *, kept: bool = False) -> None:
        """Add a line; *kept* has it outlive a power cut."""
        if self.failure is not None:
            raise self.failure
        data, crc = self._dumped(line)
        try:
            _write_all(self._descriptor, data)
            if kept:
                os.fsync(self._descriptor)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            self.failure = ConfigError(
                f"the journal {self.path} cannot be written to ({error}), so no more was sent. What was created is "
                "not lost: make room or mend it, and run the same again with this journal"
            )
            raise self.failure from error
        self._size, self._crc = self._size + len(data), crc

    def _dumped(self, line: Mapping[str, Any]) -> tuple[bytes, int]:
        data = json.dumps(line).encode()
        crc = zlib.crc32(data[:-1], self._crc)
        return (b'%s, "crc": "%08x"}\n' % (data[:-1], crc) if self._sealed else data + b"\n"), crc

    def _read(self, owner: Mapping[str, Any]) -> bytes:
        """Take over what an earlier run has noted, and return the salt of its digests."""
        with open(self._descriptor, "rb", closefd=False) as file:
            first = file.readline()
            if not first.endswith(b"\n"):
                return self._begin(first, owner)
            salt = self._header(first, owner)
            self._size = len(first)
            for number, line in enumerate(file, 2):
                if not line.endswith(b"\n"):
                    # The process died over it: what it would have said is found out about.
                    self._check_cut(line, number)
                    break
                self._check(line, number)
                self._take(line, number)
                self._size += len(line)
        os.ftruncate(self._descriptor, self._size)
        return salt

    def _header(self, first: bytes, owner: Mapping[str, Any]) -> bytes:
        """Check whose journal it is, and whether its lines have checksums; return the salt."""
        header = _parsed(first)
        if header is None or header.get("version") == _VERSION or _SEAL.search(first):
            if not (first.startswith(_START) or _SEAL.search(first)):
                raise _foreign(self.path)
            self._check(first, 1)
            header = header or {}
        if header.get("journal") != _WHAT:
            raise _foreign(self.path)
        self._sealed = header.get("version") != _UNSEALED
        wanted = {"version": _VERSION if self._sealed else _UNSEALED, **owner}
        for what, value in wanted.items():
            if header.get(what) not in (value, *(self._aliases if what == "host" else ())):
                raise _of_another_run(self.path, what, is_=header.get(what), wanted=value)
        try:
            return bytes.fromhex(header["salt"])
        except (ValueError, TypeError, KeyError):
            raise _foreign(self.path) from None

    def _check(self, line: bytes, number: int) -> None:
        """Refuse a line that is not as it was written, or not where it was."""
        seal = _SEAL.search(line, max(0, len(line) - _SEALED))
        if self._sealed != bool(seal):
            raise self._damaged(number)
        if seal:
            crc = zlib.crc32(line[: seal.start()], self._crc)
            if line[seal.end() :] != b"\n" or seal[1] != b"%08x" % crc:
                raise self._damaged(number)
            self._crc = crc

    def _check_cut(self, line: bytes, number: int) -> None:
        """Refuse what was no cut line before its end, or the line break before it, was damaged."""
        for seal in _SEAL.finditer(line):
            whole = seal[1] == b"%08x" % zlib.crc32(line[: seal.start()], self._crc)
            if whole and seal.end() < len(line):
                raise self._damaged(number)

    def _begin(self, first: bytes, owner: Mapping[str, Any]) -> bytes:
        if not _START.startswith(first[: len(_START)]):
            raise _foreign(self.path)
        self._check_cut(first, 1)
        os.ftruncate(self._descriptor, 0)
        salt = secrets.token_bytes(16)
        self._write({"journal": _WHAT, "version": _VERSION, **owner, "salt": salt.hex()}, kept=True)
        _keep_name(self.path)
        return salt

    def _take(self, line: bytes, number: int) -> None:
        try:
            match json.loads(line):
                case {
                    "sent": list(names),
                    "at": float() | int() as at,
                    "after": int() | None as after,
                } if math.isfinite(at):
                    self.unsettled |= dict.fromkeys(names, after)
                case {"done": dict(keys)} if all(isinstance(key, int | str) for key in keys.values()):
                    self.done |= keys
                    for name in keys:
                        self.unsettled.pop(name, None)
                case {"instead": dict(keys)} if all(map(_are_keys, keys.values())):
                    self.instead |= keys
                case {"undone": list(names)}:
                    for name in names:
                        self.unsettled.pop(name, None)
                case _:
                    raise ValueError
        except (ValueError, TypeError, RecursionError):
            raise self._damaged(number) from None

    def _damaged(self, number: int) -> QueryError:
        return QueryError(
            f"line {number} of the journal {self.path} is damaged, so that nobody knows which rows are done. "
            "Nothing was sent, and the file is as it was: look which rows the backend has, then bring the others "
            "with a new journal"
        )


def _are_keys(value: object) -> bool:
    return isinstance(value, list) and all(type(key) is int for key in value)


@contextlib.contextmanager
def opened(
    path: Path, *, entity: str, host: str, tenant: str | None, aliases: Iterable[str] = ()
) -> Iterator[Journal]:
    """Open a journal, new or of an earlier run, for this run alone."""
    with _locked(path):
        try:
            descriptor = _open(path)
        except OSError as error:
            raise _unusable(path, error) from error
        try:
            owner = {"entity": entity, "host": host, "tenant": tenant}
            yield Journal(path, descriptor, owner=owner, aliases=aliases)
        finally:
            os.close(descriptor)


def path_of(given: object) -> Path:
    """Check the path of a journal, before anything is sent."""
    if not isinstance(given, str | os.PathLike) or not os.fspath(given):
        raise QueryError(f"journal takes the path of a file, got {describe(given)}; nothing was sent")
    # Whoever names the file another way meets the same lock.
    path = user_path(os.fsdecode(given), error=QueryError)
    try:
        path = Path(os.path.realpath(path))
        if not path.parent.is_dir():
            raise FileNotFoundError(f"there is no folder {path.parent}")
        if path.exists() and not stat.S_ISREG(path.stat().st_mode):
            raise _foreign(path)
    except (OSError, ValueError) as error:
        raise _unusable(path, error) from error
    return path


def _open(path: Path) -> int:
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags, 0o600)
    if os.fstat(descriptor).st_nlink > 1:
        os.close(descriptor)
        # The lock is beside one name, and whoever comes by another would not meet it.
        raise FileExistsError("it has a second name, a hard link; two runs could use it at once")
    return descriptor


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock beside a journal, which the death of the process releases."""
    from filelock import FileLock, Timeout

    place = path.with_name(f"{path.name}.lock")
    lock = FileLock(place, timeout=0, mode=0o600, thread_local=False)
    try:
        _check_lock(place)
        lock.acquire()
    except Timeout:
        raise QueryError(
            f"another run is using the journal {path}: wait for it to end, or give this one a journal of its own. "
            "Nothing was sent"
        ) from None
    except (OSError, NotImplementedError) as error:
        raise _unusable(path, error) from error
    try:
        yield
    finally:
        lock.release()


def _check_lock(place: Path) -> None:
    # Some versions of filelock empty what they open, and this would be another's file.
    with contextlib.suppress(FileNotFoundError):
        found = place.lstat()
        if not stat.S_ISREG(found.st_mode) or found.st_size or found.st_nlink > 1:
            raise FileExistsError(f"{place.name} is not the lock that belongs beside it")


def _write_all(descriptor: int, data: bytes) -> None:
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _keep_name(path: Path) -> None:
    """Have a new file's name outlive a power cut as well, where folders can be synchronised."""
    with contextlib.suppress(OSError):
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def _parsed(first: bytes) -> dict[str, Any] | None:
    try:
        header = json.loads(first)
    except (ValueError, RecursionError):
        return None
    return header if isinstance(header, dict) else None


def _of_another_run(path: Path, what: str, *, is_: object, wanted: object) -> QueryError:
    return QueryError(
        f"the journal {path} is that of another run: its {what} is {is_!r}, that of this one {wanted!r}. "
        "Give this run a journal of its own; nothing was sent, and the file is as it was"
    )


def _foreign(path: Path) -> QueryError:
    return QueryError(
        f"{path} is no journal of a bulk_create(): give the path of one, or of a file that is not there yet. "
        "Nothing was sent, and nothing there was changed"
    )


def _unusable(path: Path, error: Exception) -> ConfigError:
    return ConfigError(
        f"the journal {path} cannot be used ({error}): give a path in a folder that is there, can be written to and "
        "takes locks. Nothing was sent"
    )
