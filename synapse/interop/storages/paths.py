"""Paths in a storage, and their files as uploads read them."""

from __future__ import annotations

import glob

from collections.abc import Callable, Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Self

import attrs

from synapse.errors import StorageError, StorageNotFoundError, TransferError
from synapse.interop.storages.engine import Block, Entry
from synapse.interop.storages.filesystem import StorageFileSystem, key_of
from synapse.interop.storages.opened import OpenStorage
from synapse.transfer.local_file import BLOCK, RemotePath, Source, shown_path

if TYPE_CHECKING:
    from synapse.entities.storage import Storage

_HEAD: Final = 512
# What is asked for beyond a chunk that is sent travels in vain.
_WINDOW: Final = 16 * 1024 * 1024


class StoragePath(RemotePath):
    """A path in a storage, with the methods of `pathlib.Path`: nothing is asked before one of them needs it."""

    def __init__(
        self, opened: OpenStorage, key: str = "", *, known: Entry | None = None, remembered: str | None = None
    ) -> None:
        self._opened = opened
        self._key = key
        self._known = known
        self.remembered = remembered

    # --- what it is called --------------------------------------------------
    @property
    def storage(self) -> Storage:
        """The storage that it is in."""
        return self._opened.storage

    @property
    def fs(self) -> StorageFileSystem:
        """The file system that it is in."""
        return StorageFileSystem(self._opened)

    @property
    def key(self) -> str:
        """The path below the root of the storage."""
        return self._key

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self._key.rpartition("/")[2]

    @property
    def stem(self) -> str:
        """The name without what follows its last dot."""
        return self.name[: -len(self.suffix)] if self.suffix else self.name

    @property
    def suffix(self) -> str:
        """What follows the last dot of the name, with the dot."""
        stem, dot, end = self.name.rpartition(".")
        return f"{dot}{end}" if stem and end else ""

    @property
    def parent(self) -> Self:
        """The folder that it lies in."""
        return self._at(self._key.rpartition("/")[0])

    def __truediv__(self, below: str) -> Self:
        return self._at(key_of(f"{self._key}/{below}"))

    def __str__(self) -> str:
        return f"storage {self.storage.pk}:/{self._key}"

    def __repr__(self) -> str:
        return f"StoragePath({str(self)!r})"

    def __eq__(self, other: object) -> bool:
        return self._identity == other._identity if isinstance(other, StoragePath) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._identity)

    def __lt__(self, other: StoragePath) -> bool:
        return self._key < other._key

    def __reduce__(self) -> Any:
        return partial(type(self), remembered=self.remembered), (self._opened, self._key)

    # --- what is there ------------------------------------------------------
    def exists(self) -> bool:
        """Whether there is anything."""
        return self.fs.exists(self._key)

    def is_file(self) -> bool:
        """Whether there is a file."""
        return not self._known.is_folder if self._known else self.fs.isfile(self._key)

    def is_dir(self) -> bool:
        """Whether there is a folder."""
        return self._known.is_folder if self._known else self.fs.isdir(self._key)

    def iterdir(self) -> Iterator[Self]:
        """Give what lies in the folder, in the order of the names."""
        found = self._opened.run(self._key, lambda engine: engine.list(self._key))
        yield from (self._at(each.key, known=each) for each in sorted(found, key=lambda entry: entry.key))

    def glob(self, pattern: str) -> Iterator[Self]:
        """Give what lies below and matches, such as `*.png` or `**/*.png`, in the order of the paths."""
        start = f"{glob.escape(self._key)}/" if self._key else ""
        found: Any = self.fs.glob(f"{start}{pattern}")
        yield from map(self._at, sorted(found))

    def rglob(self, pattern: str) -> Iterator[Self]:
        """Give what matches at any depth."""
        yield from self.glob(f"**/{pattern}")

    # --- what it holds ------------------------------------------------------
    def open(self, mode: str = "rb", **options: Any) -> Any:
        """Open the file."""
        return self.fs.open(self._key, mode, **options)

    def read_bytes(self) -> bytes:
        """Read the file."""
        return self.fs.cat_file(self._key)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Read the file as text."""
        return self.read_bytes().decode(encoding)

    def write_bytes(self, data: bytes) -> int:
        """Write the file."""
        with self.open("wb") as file:
            file.write(data)
        return len(data)

    def unlink(self) -> None:
        """Delete the file."""
        self.fs.rm_file(self._key)

    # --- as uploads read it -------------------------------------------------
    def source(self) -> StorageSource:
        """Look at the file as it is to be sent."""
        entry, head = self._opened.run(self._key, lambda engine: engine.head(self._key, _HEAD))
        if entry.is_folder:
            raise TransferError(f"{shown_path(self)} is a folder: give the path of one file")
        return StorageSource(self, entry.size, entry, head)

    def size(self) -> int:
        """Tell the size of the file, 0 if that cannot be had."""
        try:
            return (self._known or self.fs.entry(self._key)).size
        except StorageError:
            return 0

    def entries(self) -> Iterator[tuple[str, bool]]:
        """Give the name of everything in the folder, and whether that is a folder."""
        yield from ((each.name, each.is_dir()) for each in self.iterdir())

    def below(self, root: object) -> str:
        """Give the path below *root*, a path of the same storage."""
        if isinstance(root, StoragePath) and root._identity[:2] == self._identity[:2]:
            if not root._key:
                return self._key
            if self._key == root._key or self._key.startswith(f"{root._key}/"):
                return self._key[len(root._key) + 1 :] or "."
        raise TransferError(
            f"{shown_path(self)} does not lie below root={shown_path(root)}: its path there is what a file is "
            "remembered by"
        )

    def remembered_as(self, path: str) -> Self:
        """Give the same path, whose file is remembered by *path*."""
        return type(self)(self._opened, self._key, known=self._known, remembered=path)

    @property
    def _identity(self) -> tuple[str, int, str]:
        return str(self._opened.host), self.storage.pk, self._key

    def _at(self, key: str, *, known: Entry | None = None) -> Self:
        return type(self)(self._opened, key, known=known)


@attrs.frozen
class StorageSource(Source):
    """A file of a storage as it was when it was looked at first."""

    path: StoragePath
    size: int
    entry: Entry = attrs.field(repr=False)
    head: bytes = attrs.field(repr=False)
    changed_ns: int = 0

    @property
    def place(self) -> bytes:
        """The storage of a backend, and the path there."""
        return "\0".join(map(str, self.path._identity)).encode()

    @property
    def identity(self) -> str:
        """The size and what the storage tells of the version."""
        return f"{self.size} {self.entry.version}"

    @property
    def settled(self) -> bool:
        """Whether the storage tells versions apart: a time of change may be too coarse for that."""
        return self.entry.version.startswith(('"', "W/"))

    def open(self) -> StorageReader:
        """Open the file; whether it is still the same is seen when it is read."""
        return StorageReader(self.path._opened, self.entry)

    def read(self, file: StorageReader, size: int) -> bytes:
        """Read the next bytes, at least one; a file that was written to is a `TransferError`."""
        try:
            block = file.read(size)
        except StorageNotFoundError as error:
            raise self._changed("it is gone") from error
        if not block:
            raise self._changed("it was cut")
        return block

    def check(self, *, sent: Callable[[], str] | None = None, kind: str = "md5") -> None:
        """Raise `TransferError` if the file was changed, replaced or removed."""
        try:
            found = self.path.fs.entry(self.path.key)
        except StorageNotFoundError:
            raise self._changed("it is gone") from None
        if (found.size, found.version) != (self.size, self.entry.version):
            raise self._changed("it was written to or replaced")


class StorageReader:
    """Reads a file from a place on, as the bytes come; little of it is held."""

    def __init__(self, opened: OpenStorage, entry: Entry) -> None:
        self._opened, self._entry = opened, entry
        self._place = 0
        self._blocks: Iterator[Block] = iter(())
        self._rest = memoryview(b"")
        self.seek(0)

    def seek(self, place: int) -> int:
        """Go elsewhere: the next read asks for the file from there on."""
        self._place = place
        self._rest = memoryview(b"")
        self._blocks = self._opened.blocks(self._entry, start=place, stop=self._entry.size, window=_WINDOW)
        return place

    def read(self, size: int = BLOCK) -> bytes:
        """Give the next bytes, at most *size*, and none at the end only."""
        if not self._rest:
            self._rest = memoryview(next(self._blocks, b""))
        block, self._rest = self._rest[:size], self._rest[size:]
        self._place += len(block)
        return bytes(block)

    def close(self) -> None:
        """Let go of what was asked for."""
        self._blocks, self._rest = iter(()), memoryview(b"")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
