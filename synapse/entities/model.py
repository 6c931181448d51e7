"""Machine-learning models."""

from __future__ import annotations

from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Unpack

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import ModelManagerTwins
from synapse.downloads import RemoteFile
from synapse.entities.typed import ModelQueries
from synapse.errors import TransferError
from synapse.mapping import Json, read_only, write_only
from synapse.orm import Entity, ManagedBy, entity
from synapse.orm.selection import adopt, writing_to
from synapse.query import By, Exact
from synapse.transfer import ProgressLike
from synapse.transfer.local_file import LocalFile

if TYPE_CHECKING:
    from synapse.entities.typed import ModelCreation


class ModelManager(ModelManagerTwins, ModelQueries):  # type: ignore[misc]
    """Queries of models, their upload and the download of their archives."""

    _file_fields = ("file",)

    @sends
    def create(  # type: ignore[override]
        self,
        *,
        file: str | PathLike[str] | None = None,
        progress: ProgressLike = None,
        dry_run: bool = False,
        **values: Unpack[ModelCreation],
    ) -> Model:
        """Create a model; *file* is its archive, sent in chunks, and gone on with by the next call if this one dies.

        `plugin` is the code of the plugin that it belongs to, `checkpoint` the id of its parent model.
        """
        from synapse.uploads import upload_in_chunks

        if file is None or dry_run:
            return super().create(dry_run=dry_run, **values)
        if not LocalFile.of(file).size:
            raise TransferError(f"{str(file)!r} is empty: a model is an archive")
        made = self.entity(**{**self._initial, **values})
        adopt(self, [made])

        def save(upload: str | int) -> Model:
            made.chunked_upload = str(upload)
            return made.save()

        with writing_to(self):
            return upload_in_chunks(self.session, file, register=save, progress=progress)


@entity("models", natural=("name",))
class Model(Entity):
    """A trained model and its archive."""

    id: int = read_only()
    name: str
    description: str = ""
    plugin: str | None = write_only(default=None)
    version: str | None = None
    checkpoint: int | None = write_only(default=None)
    configuration: Json = attrs.field(factory=dict)
    chunked_upload: str | None = write_only(default=None)
    category: str | None = read_only()
    file: RemoteFile | None = read_only()
    parent: Any = read_only()
    neural_net: int | None = read_only()
    dataset: int | None = read_only()
    is_released: bool = False
    is_external: bool = read_only()
    tenant: int | None = read_only()
    created: datetime | None = read_only()

    objects = ManagedBy(ModelManager)

    lookups = {
        "is_released": By(Exact, of=bool),
    }
