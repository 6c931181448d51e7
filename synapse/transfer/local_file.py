"""A file that is sent, of this machine or from elsewhere: checked before, watched while it is read, hashed once."""

from __future__ import annotations

import hashlib
import os
import stat
import time

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from io import FileIO
from pathlib import Path
from typing import Any, Final, Self, TypeAlias

import attrs

from synapse.errors import TransferError, describe
from synapse.values import sendable, user_path

PathLike: TypeAlias = str | os.PathLike[str]

BLOCK: Final = 1024 * 1024
CHUNK: Final = 50 * 1024 * 1024
_SHOWN: Final = 300
_HEAD: Final = 512

_TICK: Final = 100_000_000  # nanoseconds in which a file system may give two writes the same time
_COARSE_TICK: Final = 2_000_000_000  # the same where times are whole seconds


class SharedNameWarning(UserWarning):
    """Files of one run will be remembered by one name, and nothing tells them apart."""


def _stamp(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns


class Source(ABC):
    """A file that is sent, as it was when it was looked at first.

    `path` is shown in messages, and its `name` is what the file is sent under; `head` are the first bytes, by which
    some files show that they are not what their name says. `changed_ns` is when it was last touched, if that is known.
    """

    __slots__ = ()

    path: Any
    size: int
    head: bytes
    changed_ns: int

    @property
    def name(self) -> str:
        """The base name; one that is no UTF-8 is a `TransferError`."""
        return sendable_name(self.path.name)

    @property
    @abstractmethod
    def place(self) -> bytes:
        """Where it lies: nothing else has this name."""

    @property
    @abstractmethod
    def identity(self) -> str:
        """What tells this file from any other that was or will be at its place, as far as can be seen from outside."""

    @property
    @abstractmethod
    def settled(self) -> bool:
        """Whether its next change is sure to show in its `identity`."""

    @abstractmethod
    def open(self) -> Any:
        """Open the file, if it is still the one that was looked at, to `seek()`, `read()` and `close()`."""

    @abstractmethod
    def read(self, file: Any, size: int) -> bytes:
        """Read the next bytes of the opened file, at least one; a file that was written to is a `TransferError`."""

    @abstractmethod
    def check(self, *, sent: Callable[[], str] | None = None, kind: str = "md5") -> None:
        """Raise `TransferError` if the file was changed, replaced or removed.

        With the checksum of what was *sent*, a file that only its content can tell of is read once more.
        """

    def digest(self, kind: str) -> str:
        """Read the file, and return its checksum of that kind."""
        digest = hashlib.new(kind, usedforsecurity=False)
        for block in self.blocks(0, self.size):
            digest.update(block)
        return digest.hexdigest()

    def blocks(self, start: int, stop: int) -> Iterator[bytes]:
        """Yield the bytes from *start* to *stop*."""
        with self.open() as file:
            file.seek(start)
            while start < stop:
                block = self.read(file, min(BLOCK, stop - start))
                start += len(block)
                yield block

    def _changed(self, how: str) -> TransferError:
        return TransferError(
            f"{str(self.path)!r} changed while it was sent ({how}): send it again", code="file-changed"
        )


class RemotePath(ABC):
    """A path outside this machine's own file system, which uploads read from as they do from a local one.

    `remembered` is the path by which the backend is to remember the file, if that is another one.
    """

    remembered: str | None = None

    @property
    @abstractmethod
    def name(self) -> str:
        """The last part of the path."""

    @abstractmethod
    def __truediv__(self, below: str) -> Self:
        """Give the path of what lies below."""

    @abstractmethod
    def __str__(self) -> str:
        """Show the path, without any secret."""

    @abstractmethod
    def source(self) -> Source:
        """Look at the file; whatever cannot be sent is a `TransferError` that says why."""

    @abstractmethod
    def open(self, mode: str = "rb") -> Any:
        """Open the file, to be read from any place."""

    @abstractmethod
    def size(self) -> int:
        """Tell the size of the file, 0 if that cannot be had."""

    @abstractmethod
    def is_file(self) -> bool:
        """Whether there is a file."""

    @abstractmethod
    def entries(self) -> Iterator[tuple[str, bool]]:
        """Give the name of everything in the folder, and whether that is a folder; a `TransferError` says why not."""

    @abstractmethod
    def below(self, root: object) -> str:
        """Give the path below *root*, as text with slashes; one that lies elsewhere is a `TransferError`."""

    @abstractmethod
    def remembered_as(self, path: str) -> Self:
        """Give the same path, whose file is remembered by *path*."""

    @property
    @abstractmethod
    def key(self) -> str:
        """The path below the root of its file system, which is what the file is remembered by."""


@attrs.frozen
class LocalFile(Source):
    """A regular, readable file as it was when it was looked at first."""

    path: Path
    size: int
    stamp: tuple[int, int, int] = attrs.field(repr=False)
    changed_ns: int = attrs.field(default=0, repr=False)
    seen_ns: int = attrs.field(default=0, eq=False, repr=False)
    head: bytes = attrs.field(default=b"", eq=False, repr=False)
    """The first bytes, by which some files show that they are not what their name says."""

    @classmethod
    def of(cls, path: object) -> LocalFile:
        """Look at *path*; whatever cannot be sent is a `TransferError` that says why."""
        checked, seen = _path(path), time.time_ns()
        try:
            found = checked.stat()
            head = b""
            if stat.S_ISREG(found.st_mode):
                with FileIO(checked) as file:
                    head = file.read(_HEAD)
        except FileNotFoundError as error:
            raise TransferError(f"there is no file {shown_path(path)} (looked in {Path.cwd()})") from error
        except PermissionError as error:
            raise TransferError(f"{shown_path(path)} may not be read: check its permissions") from error
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise TransferError(f"{shown_path(path)} cannot be read ({reason})") from error
        if stat.S_ISDIR(found.st_mode):
            raise TransferError(f"{shown_path(path)} is a folder: give the path of one file")
        if not stat.S_ISREG(found.st_mode):
            raise TransferError(f"{shown_path(path)} is not a regular file: write its content to one first")
        return cls(checked, found.st_size, _stamp(found), found.st_ctime_ns, seen, head)

    @property
    def place(self) -> bytes:
        """The absolute path, in the bytes that the system knows it by."""
        return os.fsencode(os.path.abspath(self.path))  # noqa: PTH100 - the shortest of all spellings

    @property
    def identity(self) -> str:
        """What tells this file from any other that was or will be at its path, as far as can be seen from outside."""
        return " ".join(map(str, self.stamp))

    @property
    def settled(self) -> bool:
        """Whether it was left alone for long enough that its next change will show in its times."""
        latest = max(self.changed_ns, self.stamp[2])
        return self.seen_ns - latest > (_TICK if latest % 1_000_000_000 else _COARSE_TICK)

    def open(self) -> FileIO:
        """Open the file, if it is still the one that was looked at."""
        try:
            file = FileIO(self.path)
        except OSError as error:
            raise self._changed(f"it cannot be opened any more: {error.strerror}") from error
        if _stamp(os.fstat(file.fileno())) != self.stamp:
            file.close()
            raise self._changed("it is another one now")
        return file

    def read(self, file: FileIO, size: int) -> bytes:
        """Read the next bytes of the opened file, at least one; a file that was written to is a `TransferError`."""
        block = file.read(size)
        if not block or _stamp(os.fstat(file.fileno())) != self.stamp:
            raise self._changed("it was written to or cut")
        return block

    def check(self, *, sent: Callable[[], str] | None = None, kind: str = "md5") -> None:
        """Raise `TransferError` if the file was changed, replaced or removed.

        With the checksum of what was *sent*, a file whose times may have been set back is read once more.
        """
        try:
            found = self.path.stat()
        except OSError as error:
            raise self._changed(f"it is gone: {error.strerror}") from error
        if _stamp(found) != self.stamp:
            raise self._changed("it was written to or replaced")
        # A link or other permissions move this time as well, so it says nothing by itself.
        moved = sent is not None and found.st_ctime_ns != self.changed_ns
        if moved and sent is not None and self.digest(kind) != sent():
            raise self._changed("it was written to, and its times set back")


class SentBytes:
    """Counts the bytes of a file, from *start* on, as they are sent for the first time.

    Bytes that are sent again, as by a repeated request, count once; `advanced` is told how many were new.
    """

    def __init__(self, source: Source, *, advanced: Callable[[int], object], start: int = 0) -> None:
        self.position = start
        self._source = source
        self._advanced = advanced

    def add(self, start: int, block: bytes) -> None:
        """Take in the bytes at *start*, which may not lie beyond what is known."""
        fresh = start + len(block) - self.position
        if fresh > 0:
            self._hash(block if fresh == len(block) else block[-fresh:])
            self._advance(fresh)

    def check(self) -> None:
        """Raise `TransferError` if the file is not what it was."""
        self._source.check()

    def _hash(self, block: bytes) -> None:
        pass

    def _advance(self, count: int) -> None:
        if count > 0:
            self.position += count
            self._advanced(count)


class SentDigest(SentBytes):
    """The checksum of a file's bytes, taken as they are sent for the first time.

    A file whose checksum is *known* already is not hashed again.
    """

    def __init__(
        self,
        source: Source,
        *,
        advanced: Callable[[int], object],
        kind: str = "md5",
        known: str | None = None,
    ) -> None:
        super().__init__(source, advanced=advanced)
        self._kind = kind
        self._known = known
        self._digest = hashlib.new(kind, usedforsecurity=False)

    def reach(self, position: int) -> None:
        """Take in from disk what lies before *position* and was not sent."""
        if self._known is not None:
            self._advance(position - self.position)
        elif position > self.position:
            for block in self._source.blocks(self.position, position):
                self.add(self.position, block)

    def digest(self) -> str:
        """Return the checksum of the whole file."""
        self.reach(self._source.size)
        return self._known or self._digest.hexdigest()

    def check(self) -> None:
        """Raise `TransferError` if the file is not what was sent."""
        self._source.check(sent=self.digest, kind=self._kind)

    def _hash(self, block: bytes) -> None:
        if self._known is None:
            self._digest.update(block)


def source_of(path: object) -> Source:
    """Look at the file at a path, of this machine or of another file system."""
    return path.source() if isinstance(path, RemotePath) else LocalFile.of(path)


def name_to_send(source: Source, name: object) -> str:
    """Return the name that a file is sent under: its own, unless it is given another."""
    if name is None:
        return source.name
    if not isinstance(name, str) or not name:
        raise TransferError(f"name must be text such as 'scan.png', not {describe(name)}")
    return sendable_name(name)


def sendable_name(name: str) -> str:
    """Return a name or a path that is to be sent; one that is no text is a `TransferError`."""
    if sendable(name) is None:
        return name
    raise TransferError(
        f"the name {shown_path(name)} is no UTF-8, as those of archives from other systems may be, and cannot be sent: "
        "rename the file (of Korean archives, `convmv -f cp949 -t utf8 --notest` does that)"
    )


def shown_path(path: object) -> str:
    """Show a path in a message, of an endless one its beginning."""
    text = repr(str(path))
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


def _path(path: object) -> Path:
    if not isinstance(path, str | os.PathLike):
        raise TransferError(f"a file is given by its path (text or Path), not as {type(path).__name__}")
    text = os.fspath(path)
    if not isinstance(text, str) or not text:
        raise TransferError(f"a file is given by its path (text or Path), not as {describe(text)}")
    return user_path(text)
