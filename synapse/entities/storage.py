"""Storages: where files lie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import StorageManagerTwins, StorageTwins
from synapse.entities.choices import StorageCategory, StorageProvider
from synapse.entities.typed import StorageQueries
from synapse.errors import QueryError
from synapse.mapping import read_only
from synapse.mapping.schema import secret
from synapse.optional import optional
from synapse.orm import Entity, ManagedBy, entity
from synapse.query import EXACT
from synapse.showing import shortened

if TYPE_CHECKING:
    from synapse.interop.storages.filesystem import StorageFileSystem
    from synapse.interop.storages.paths import StoragePath
    from synapse.interop.storages.verbs import StorageCheck


class Configuration(dict[str, Any]):
    """A storage's settings: a plain dict, but for its `repr`, which hides every value."""

    @classmethod
    def from_wire(cls, raw: Any, session: object) -> Configuration:
        """Take the settings as they came."""
        return cls(raw)

    def to_wire(self) -> dict[str, Any]:
        """Give the settings as a plain dict."""
        return dict(self)

    def copy(self) -> Configuration:
        """Copy the settings; the copy hides its values too."""
        return Configuration(self)

    def __or__(self, other: Any) -> Configuration:  # type: ignore[override]
        return Configuration(super().__or__(other)) if isinstance(other, dict) else NotImplemented

    def __ror__(self, other: Any) -> Configuration:  # type: ignore[override]
        return Configuration(super().__ror__(other)) if isinstance(other, dict) else NotImplemented

    def __repr__(self) -> str:
        return shortened(f"Configuration({', '.join(f'{name}=***' for name in self)})")


class StorageManager(StorageManagerTwins, StorageQueries):
    """Queries of storages."""

    @sends
    def default(self) -> Storage:
        """Give the internal storage that the backend uses by default."""
        found = list(self.filter(category=StorageCategory.INTERNAL))
        marked = [storage for storage in found if storage.is_default]
        for storage in [*marked, *found]:
            return storage
        raise QueryError("the backend has no internal storage")


@entity("storages", natural=("name",))
class Storage(StorageTwins, Entity):
    """A place for files. `configuration` holds credentials: it is fetched only when read, and never shown."""

    id: int = read_only()
    name: str
    provider: StorageProvider | str
    category: StorageCategory | str = StorageCategory.EXTERNAL
    is_default: bool = False
    configuration: Configuration = secret(factory=dict)

    objects = ManagedBy(StorageManager)

    lookups = {
        "category": EXACT,
    }

    @sends
    @optional
    def filesystem(
        self, *, write: bool = False, options: Mapping[str, Any] | None = None
    ) -> StorageFileSystem:
        """Open the storage as a file system of fsspec, read-only unless *write*.

        The backend gives the credentials, and others when these expire. *options* go before what it gives, such as
        `{"endpoint_url": ...}`; `{"protocol": ...}` opens any file system that fsspec knows. Needs the extra `storage`.
        """
        raise NotImplementedError

    @optional
    def path(
        self, path: str = "", *, write: bool = False, options: Mapping[str, Any] | None = None
    ) -> StoragePath:
        """Name a path in the storage, with the methods of `pathlib.Path`; `collection.upload()` reads straight from it.

        Nothing is asked before the path is used. Needs the extra `storage`.
        """
        raise NotImplementedError

    @sends
    @optional
    def check(self, *, options: Mapping[str, Any] | None = None) -> StorageCheck:
        """List one key of the storage, and tell what failed if that does not work; no error is raised for it.

        Needs the extra `storage`.
        """
        raise NotImplementedError
