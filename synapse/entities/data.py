"""Data files and the units that they make up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import DataFileManagerTwins
from synapse.downloads import RemoteFile
from synapse.entities.typed import DataFileQueries, DataGroupQueries, DataUnitQueries
from synapse.errors import Resolution, TransferError, describe
from synapse.mapping import Json, read_only, write_only
from synapse.orm import Entity, ManagedBy, ToOne, arguments, entity
from synapse.orm.answers import object_made
from synapse.orm.selection import writing_to
from synapse.orm.unconfirmed import Harmless, resolvable_by
from synapse.query import EXACT, By, Exact
from synapse.transfer import ProgressLike, tracked
from synapse.transfer.local_file import CHUNK, RemotePath, Source, source_of

if TYPE_CHECKING:
    from synapse.entities.collection import DataCollection
    from synapse.session import Session


class DataFileManager(DataFileManagerTwins, DataFileQueries):
    """Queries of data files, their upload and their download."""

    _file_fields = ("file",)
    _facts = ("checksum", "size")

    @sends
    def upload(
        self,
        path: str | PathLike[str] | RemotePath,
        *,
        chunked: bool | None = None,
        chunk_size: int = CHUNK,
        presigned: bool | None = None,
        progress: ProgressLike = None,
        check_content: bool = True,
    ) -> DataFile:
        """Upload one file: whole up to 50 MiB, in chunks above; `chunked` forces either.

        After a dropped connection, chunks go on from where the backend has got to, and so does the next call after one
        that died. With *presigned* the file goes to the backend's storage directly, or the usual way where the backend
        declines that. Content that the backend has already gives its existing file. Raises `TransferError` where the
        file is missing, is a folder, changes while it is sent, or is certainly not what its name says (an empty
        picture, a web page called `.png`, a Git LFS pointer), unless `check_content=False`.
        """
        from synapse import uploads

        if presigned not in (None, True, False) or (presigned and chunked is not None):
            raise TransferError(
                f"presigned takes True, False or None, and not together with chunked, got {describe(presigned)}"
            )
        options = uploads.UploadOptions(chunked=chunked, chunk_size=chunk_size, presigned=bool(presigned))
        session, source = self.session, source_of(path)
        if arguments.flag("upload(check_content=...)", check_content):
            uploads.check_file(source)
        with (
            tracked(progress, total=source.size, label=source.name) as advanced,
            writing_to(self),
            resolvable_by(lambda _: Storing(source=source, host=session.host, session=session)),
        ):
            row = uploads.send_file(session, source, options=options, advanced=advanced)
            return object_made(self.entity, row, session=session, mode=self.query.mode)

    @sends
    def existing(self, checksums: Iterable[str]) -> set[str]:
        """Tell which of these MD5 checksums the backend holds."""
        from synapse.uploads import existing_checksums

        given = arguments.texts("existing()", checksums)
        return existing_checksums(self.session, given)


@attrs.frozen(kw_only=True)
class Storing(Harmless):
    """A file that was to be stored: the same content is stored once, however often it comes."""

    source: Source

    def look(self, session: Session) -> Resolution:
        """Look for the content, if the file still has it."""
        from synapse import uploads

        try:
            row = uploads.file_with_checksum(session, uploads.hash_file(self.source).md5)
        except TransferError as error:
            return Resolution(reason=str(error))
        if row is None:
            return Resolution(repeatable=True, reason="the backend does not have this content")
        found = object_made(DataFile, row, session=session)
        return Resolution(done=True, rows=(found,), reason=f"its content is DataFile {found.pk}")


@entity("data_files")
class DataFile(Entity):
    """One stored file; the backend stores the same content only once."""

    id: int = read_only()
    checksum: str = read_only()
    file: RemoteFile | None = read_only()
    size: int | None = read_only()
    meta: Json | None = None
    storage: int | None = read_only()
    created: datetime | None = read_only()

    objects = ManagedBy(DataFileManager)

    _made_by = "DataFile.objects.upload(path)"

    lookups = {
        "checksum": EXACT,
        "data_collection": By(Exact, of="DataCollection"),
    }


class DataUnitManager(DataUnitQueries):
    """Queries of data units, and the download of their files."""


@entity("data_units")
class DataUnit(Entity):
    """The files that are annotated together, one for each file specification of its collection.

    To create one by hand, `files` maps a specification to `{"checksum": ..., "path": ...}`; `collection.add()` does
    that and the uploading.
    """

    id: int = read_only()
    data_collection_id: int
    files: dict[str, RemoteFile]
    meta: Json = attrs.field(factory=dict)
    groups: list[str] = write_only(factory=list)
    group: int | None = read_only()
    checksum: str | None = read_only()
    can_generate_task: bool = read_only()
    created: datetime | None = read_only()

    data_collection = ToOne["DataCollection"](via="data_collection_id")

    objects = ManagedBy(DataUnitManager)

    lookups = {
        "data_collection": EXACT,
        "can_generate_task": EXACT,
    }

    @classmethod
    def _decisive(cls, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        # A unit of the same files keeps its own paths, meta and groups.
        files = sent.get("files", {})
        sums = {
            name: {"checksum": file.get("checksum")}
            for name, file in files.items()
            if isinstance(file, Mapping)
        }
        link = "data_collection_id"
        return {name: value for name, value in sent.items() if name == link} | {"files": sums}


class DataGroupManager(DataGroupQueries):
    """Queries of the groups of a collection."""


@entity("data_groups", natural=("name",))
class DataGroup(Entity):
    """A group of data units within a collection, as the `groups` of new units name it."""

    id: int = read_only()
    data_collection_id: int
    name: str

    data_collection = ToOne["DataCollection"](via="data_collection_id")

    objects = ManagedBy(DataGroupManager)

    lookups = {
        "data_collection": EXACT,
    }
