"""A storage as a file system of fsspec, which pandas, Polars, DuckDB, pyarrow and others read from."""

from __future__ import annotations

import io
import secrets

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, Final, cast

from fsspec import AbstractFileSystem
from fsspec.callbacks import NoOpCallback
from fsspec.spec import AbstractBufferedFile

from synapse.errors import StorageError, StorageNotFoundError
from synapse.interop.storages.engine import BLOCK, Engine, Entry
from synapse.interop.storages.opened import OpenStorage

_PROTOCOL: Final = "synapse://"


class StorageFileSystem(AbstractFileSystem):  # type: ignore[misc]
    """The files of a storage, by their paths below its root.

    It is read-only unless it was opened with `write=True`. A pickle, and `to_json()`, hold the storage's key: where
    they are loaded, the backend is asked for credentials anew.
    """

    protocol = "synapse"
    root_marker = ""
    cachable = False

    def __init__(self, storage: OpenStorage | int, *, write: bool = False, **_: Any) -> None:
        super().__init__()
        if not isinstance(storage, OpenStorage):
            from synapse.entities.storage import Storage

            storage = OpenStorage(Storage.ref(storage), write=write)
        self._opened = storage

    def __repr__(self) -> str:
        return f"<StorageFileSystem of {self._opened!r}>"

    def __reduce__(self) -> Any:
        return type(self), (self._opened,)

    def to_dict(self, *, include_password: bool = True) -> dict[str, Any]:
        """Describe the file system by the key of its storage; there is no password to include."""
        self._opened.__reduce__()  # which refuses what cannot be opened anew
        kind = f"{type(self).__module__}:{type(self).__name__}"
        return {
            "cls": kind,
            "protocol": self.protocol,
            "args": [self._opened.storage.pk],
            "write": self._opened.write,
        }

    def to_json(self, *, include_password: bool = True) -> str:
        """Describe the file system as JSON."""
        import json

        return json.dumps(self.to_dict())

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        """Give the key of a path, or of each; one that leads up is refused."""
        if isinstance(path, list):
            return [cls._strip_protocol(each) for each in path]
        return key_of(str(path))

    # --- reading ------------------------------------------------------------
    def info(self, path: str, **_: Any) -> dict[str, Any]:
        """Tell of a file or a folder: its `name`, `type`, `size`, `modified` and `version`."""
        return _info(self.entry(path))

    def ls(self, path: str, detail: bool = True, **_: Any) -> list[Any]:
        """Give what lies in a folder, in the order of their names; for a file, the file."""
        key = self._strip_protocol(path)
        found = self._opened.run(key, lambda engine: _listed(engine, key))
        entries = sorted(found, key=lambda entry: entry.key)
        return [_info(each) for each in entries] if detail else [each.key for each in entries]

    def exists(self, path: str, **_: Any) -> bool:
        """Whether there is anything; a storage that cannot be reached is an error, and no absence."""
        return self._found(path) is not None

    def isfile(self, path: str) -> bool:
        """Whether there is a file."""
        found = self._found(path)
        return found is not None and not found.is_folder

    def isdir(self, path: str) -> bool:
        """Whether there is a folder."""
        found = self._found(path)
        return found is not None and found.is_folder

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_: Any) -> bytes:
        """Read a file, or a part of it."""
        entry = self.file(path)
        first, last, _step = slice(start, end).indices(entry.size)
        return b"".join(self._opened.blocks(entry, start=first, stop=last))

    def get_file(
        self,
        rpath: str,
        lpath: Any = None,
        callback: Any = NoOpCallback(),  # noqa: B008 - it does nothing
        outfile: Any = None,
        **_: Any,
    ) -> None:
        """Download a file to a path, where it is once it is whole, or to an open file."""
        entry = self.entry(rpath)
        if entry.is_folder:
            Path(lpath).mkdir(parents=True, exist_ok=True)
            return
        callback.set_size(entry.size)
        if outfile is not None or hasattr(lpath, "write"):
            self._copy_to(outfile or lpath, entry, callback)
            return
        whole = Path(lpath)
        whole.parent.mkdir(parents=True, exist_ok=True)
        part = whole.with_name(f".{secrets.token_hex(8)}.part")
        try:
            with part.open("wb") as target:
                self._copy_to(target, entry, callback)
            part.replace(whole)
        finally:
            part.unlink(missing_ok=True)

    def entry(self, path: str) -> Entry:
        """Look at a file or a folder."""
        key = self._strip_protocol(path)
        return self._opened.run(key, lambda engine: engine.look(key))

    def file(self, path: str) -> Entry:
        """Look at a file; a folder is refused."""
        entry = self.entry(path)
        if entry.is_folder:
            raise StorageError(f"{self._opened.label}: {entry.key!r} is a folder: give the path of one file")
        return entry

    def ukey(self, path: str) -> str:
        """Give what changes with the content of a file."""
        entry = self.entry(path)
        return f"{entry.key} {entry.size} {entry.version}"

    def modified(self, path: str) -> Any:
        """Tell when a file was changed last."""
        return self.entry(path).modified

    def _found(self, path: str) -> Entry | None:
        try:
            return self.entry(path)
        except StorageNotFoundError:
            return None

    def _copy_to(self, target: Any, entry: Entry, callback: Any) -> None:
        for block in self._opened.blocks(entry, start=0, stop=entry.size):
            target.write(block)
            callback.relative_update(len(block))

    def _open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        autocommit: bool = True,
        cache_options: Any = None,
        **options: Any,
    ) -> Any:
        if mode == "rb":
            known = {"cache_options": cache_options, "cache_type": options.get("cache_type", "readahead")}
            size = block_size if isinstance(block_size, int) else "default"
            return _ReadFile(self, path, self._opened, self.file(path), block_size=size, **known)
        if mode != "wb":
            raise StorageError(f"{self._opened.label}: files are opened as 'rb' or 'wb', not as {mode!r}")
        key = self._strip_protocol(path)
        return _WriteFile(self._opened, key)

    # --- writing ------------------------------------------------------------
    def open(
        self,
        path: str,
        mode: str = "rb",
        block_size: Any = None,
        cache_options: Any = None,
        compression: Any = None,
        **options: Any,
    ) -> Any:
        """Open a file to read or to write, as bytes or as text."""
        if mode not in ("w", "wt") or compression:
            return super().open(path, mode, block_size, cache_options, compression, **options)
        kept = {name: options.pop(name) for name in ("encoding", "errors", "newline") if name in options}
        file: Any = super().open(path, "wb", block_size, cache_options, **options)
        return _TextFile(cast("Any", file), **kept)

    def rm_file(self, path: str) -> None:
        """Delete a file, or an empty folder."""
        key = self._strip_protocol(path)
        self._opened.change(key, lambda engine: engine.delete(engine.look(key)))

    _rm = rm_file

    def rmdir(self, path: str) -> None:
        """Delete an empty folder."""
        self.rm_file(path)

    def cp_file(self, path1: str, path2: str, **_: Any) -> None:
        """Copy a file within the storage, by the storage itself where it can."""
        key, to = self._strip_protocol(path1), self._strip_protocol(path2)
        if self._opened.change(to, lambda engine: engine.copy(key, to)):
            return
        with self._open(path1) as source, self._open(path2, "wb") as target:
            while block := source.read(BLOCK):
                target.write(block)

    def mkdir(self, path: str, create_parents: bool = True, **_: Any) -> None:
        """Make a folder, where the storage has such things."""
        key = self._strip_protocol(path)
        self._opened.change(key, lambda engine: engine.make_folder(key))

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Make a folder and those above it, where the storage has such things."""
        self.mkdir(path)

    def touch(self, path: str, truncate: bool = True, **_: Any) -> None:
        """Write an empty file; one that is there is emptied."""
        if not truncate and self.exists(path):
            raise StorageError(f"{self._opened.label}: the time of a file cannot be set")
        with self._open(path, "wb"):
            pass


class _ReadFile(AbstractBufferedFile):  # type: ignore[misc]
    """A file that is read by ranges, all of one version."""

    def __init__(self, fs: Any, path: str, opened: OpenStorage, entry: Entry, **options: Any) -> None:
        self._opened, self._entry = opened, entry
        super().__init__(fs, path, mode="rb", size=entry.size, **options)

    def __reduce__(self) -> Any:
        return _opened_again, (self.fs, self.path)

    def _fetch_range(self, start: int, end: int) -> bytes:
        return b"".join(self._opened.blocks(self._entry, start=start, stop=min(end, self.size)))


class _WriteFile(io.BufferedIOBase):
    """A file that is written: it is there once it is closed, and not if anything failed before."""

    def __init__(self, opened: OpenStorage, key: str) -> None:
        self._opened, self._key = opened, key
        self._context: AbstractContextManager[Any] | None = None
        context = opened.writing(key)
        with opened.telling(key):
            self._file = context.__enter__()
        self._context = context

    def writable(self) -> bool:
        """Tell that it can be written to."""
        return True

    def write(self, data: Any) -> int:
        """Take the next bytes."""
        try:
            with self._opened.telling(self._key):
                self._file.write(data)
        except BaseException as error:
            self._end(error)
            raise
        return len(memoryview(data).cast("B")) if not isinstance(data, bytes) else len(data)

    def close(self) -> None:
        """Have the storage keep the file."""
        self._end()

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self._end(error)

    def _end(self, error: BaseException | None = None) -> None:
        super().close()
        context, self._context = self._context, None
        if context is not None:
            with self._opened.telling(self._key):
                context.__exit__(
                    type(error) if error else None, error, error.__traceback__ if error else None
                )


class _TextFile(io.TextIOWrapper):
    """Text that is written to a file, which is not there either if the block ends with an error."""

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        if error is not None:
            cast("Any", self.buffer).__exit__(kind, error, trace)
        self.close()


def key_of(path: str) -> str:
    """Give the key of a path below the root of a storage; one that leads up is refused.

    >>> key_of("/photos/a.png"), key_of("synapse://photos/")
    ('photos/a.png', 'photos')
    """
    key = path.removeprefix(_PROTOCOL).strip("/")
    if ".." in key.split("/"):
        raise StorageError(f"{path!r} leads up, and a path in a storage is one below its root")
    return "" if key == "." else key


def _listed(engine: Engine, key: str) -> list[Entry]:
    try:
        return engine.list(key)
    except NotADirectoryError:
        return [engine.look(key)]


def _info(entry: Entry) -> dict[str, Any]:
    return {
        "name": entry.key,
        "type": "directory" if entry.is_folder else "file",
        "size": entry.size,
        "modified": entry.modified,
        "version": entry.version,
    }


def _opened_again(fs: StorageFileSystem, path: str) -> Any:
    return fs.open(path, "rb")
