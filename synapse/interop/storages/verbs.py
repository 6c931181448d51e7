"""The verbs of a storage: open it as a file system, name a path in it, look whether it can be reached."""

from __future__ import annotations

import importlib.util

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import ConfigError, StorageError, SynapseError, describe
from synapse.interop.storages.access import check_options
from synapse.orm import arguments
from synapse.orm.binding import held
from synapse.showing import shortened

if TYPE_CHECKING:
    from synapse.entities.storage import Storage
    from synapse.interop.storages.filesystem import StorageFileSystem
    from synapse.interop.storages.opened import OpenStorage
    from synapse.interop.storages.paths import StoragePath

_LIBRARIES: Final = ("asyncssh", "fsspec", "obstore", "sshfs")


@attrs.frozen
class StorageCheck:
    """Whether a storage can be read: the first key found, if there is any, and what failed otherwise."""

    storage: int
    key: str | None = None
    error: SynapseError | None = None

    @property
    def ok(self) -> bool:
        """Whether it could be listed."""
        return self.error is None

    def __bool__(self) -> bool:
        return self.ok

    def __str__(self) -> str:
        if self.error is not None:
            return shortened(f"cannot be read: {self.error}")
        return shortened(
            f"storage {self.storage} can be read; {f'it has {self.key!r}' if self.key else 'it is empty'}"
        )


def filesystem(
    storage: Storage, *, write: bool = False, options: Mapping[str, Any] | None = None
) -> StorageFileSystem:
    """Open a storage as a file system of fsspec."""
    opened = _opened(storage, "filesystem", write=write, options=options)
    from synapse.interop.storages.filesystem import StorageFileSystem

    opened.open()
    return StorageFileSystem(opened)


def path(
    storage: Storage, path: str = "", *, write: bool = False, options: Mapping[str, Any] | None = None
) -> StoragePath:
    """Name a path in a storage."""
    if not isinstance(path, str):
        raise StorageError(f"a path in a storage is text such as 'photos/', not {describe(path)}")
    opened = _opened(storage, "path", write=write, options=options)
    from synapse.interop.storages.filesystem import key_of
    from synapse.interop.storages.paths import StoragePath

    return StoragePath(opened, key_of(path))


def check(storage: Storage, *, options: Mapping[str, Any] | None = None) -> StorageCheck:
    """List a storage as far as its first key."""
    opened = _opened(storage, "check", write=False, options=options)
    held(storage, "check").check_open()
    try:
        return StorageCheck(storage.pk, opened.run("", lambda engine: engine.first()))
    except (StorageError, ConfigError) as error:
        return StorageCheck(storage.pk, error=error)


def _opened(storage: Storage, verb: str, *, write: Any, options: Mapping[str, Any] | None) -> OpenStorage:
    arguments.flag(f"{verb}(write=...)", write)
    check_options(options)
    held(storage, verb)
    lacking = [name for name in _LIBRARIES if importlib.util.find_spec(name) is None]
    if lacking:
        raise ConfigError(
            f"Storage.{verb}() needs {', '.join(lacking)}, which cannot be imported: "
            'pip install "synapse-orm[storage]"',
            code="missing-library",
        )
    from synapse.interop.storages.opened import OpenStorage

    return OpenStorage(storage, write=write, options=options)
