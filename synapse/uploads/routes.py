"""Choose how a file travels: within one request, in chunks, or straight to the backend's storage."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, Final, Literal, TypeAlias

import attrs

from synapse.errors import ClientError, ServerError, TransferError, ValidationError, describe
from synapse.session import Outcome, Session
from synapse.transfer.local_file import (
    CHUNK,
    PathLike,
    RemotePath,
    SentDigest,
    Source,
    name_to_send,
    source_of,
)
from synapse.transfer.progress import ProgressLike, tracked
from synapse.uploads.checksums import BackendFiles, hash_files
from synapse.uploads.chunked import send_chunks
from synapse.uploads.direct import register_file, send_direct
from synapse.uploads.file_types import check_file
from synapse.uploads.presigned import declined, send_presigned, upload_presigned

Row: TypeAlias = dict[str, Any]
Advanced: TypeAlias = Callable[[int], object]
Route: TypeAlias = Literal["direct", "chunked", "presigned"]

LARGEST_DIRECT: Final = 50 * 1024 * 1024


@attrs.frozen
class UploadOptions:
    """How files may travel.

    `chunked` forces chunks of `chunk_size` bytes, or forbids them; None decides by size. If the backend's storage takes
    files directly, `presigned=True` sends all files there, None the small ones, and False none.
    """

    chunked: bool | None = None
    chunk_size: int = CHUNK
    presigned: bool | None = False

    def __attrs_post_init__(self) -> None:
        if self.chunked is not None and type(self.chunked) is not bool:
            raise TransferError(
                f"chunked must be True, False or None (by size), not {describe(self.chunked)}"
            )


def route_for(size: int, options: UploadOptions, *, offered: bool) -> Route:
    """Choose the route of a file of *size* bytes; *offered* says whether the backend takes presigned uploads."""
    # A large file goes in chunks unless it is told otherwise: chunks go on after a crash, a presigned upload doesn't.
    small = size <= LARGEST_DIRECT
    if offered and (options.presigned or (options.presigned is None and small)):
        return "presigned"
    chunked = not small if options.chunked is None else options.chunked
    return "chunked" if chunked else "direct"


def upload_file(
    session: Session,
    path: PathLike | RemotePath,
    *,
    chunked: bool | None = None,
    chunk_size: int = CHUNK,
    progress: ProgressLike = None,
    name: str | None = None,
    check_content: bool = False,
) -> Row:
    """Upload a file and return the row of its data file.

    Files of up to 50 MiB are sent in one request, larger ones in chunks of `chunk_size` bytes; `chunked` forces or
    forbids chunks. If the backend already has the content, its existing row is returned. `name` replaces the file's own
    name.
    """
    source = source_of(path)
    if check_content:
        check_file(source)
    with tracked(progress, total=source.size, label=source.name) as advanced:
        options = UploadOptions(chunked=chunked, chunk_size=chunk_size)
        return send_file(session, source, options=options, advanced=advanced, name=name)


def presigned_or(usual: bool | None, session: Session) -> bool | None:
    """Give what is *usual*, or that all files go to the storage where the API has no other way."""
    return usual if usual or session.dialect.uploads.THROUGH_BACKEND else True


def upload_missing(
    session: Session, sources: Mapping[str, Source], *, collection: int | None = None
) -> dict[str, str]:
    """Send the files that the backend lacks, each content once, and return the backend's checksum of every file.

    *collection* is the key of the one that they are for.
    """
    hashed = hash_files(session, list(sources.values()), mapped=map)
    contents = {name: each.value() for name, each in zip(sources, hashed, strict=True)}
    try:
        known = BackendFiles(session, collection).known(contents.values(), mapped=map)
    except ServerError:
        raise
    except ClientError:
        known = {}  # a backend that does not say what it has is sent everything
    options = UploadOptions(presigned=presigned_or(False, session))
    send = partial(send_file, session, options=options, advanced=lambda count: None, collection=collection)
    for name, content in contents.items():
        if content not in known:
            row = send(sources[name], md5=content.md5)
            known[content] = checksum_of(row, sources[name].path)
    checksums: dict[str, str] = {}
    for name, content in contents.items():
        checksum = known[content]
        if isinstance(checksum, Exception):
            raise checksum
        checksums[name] = checksum
    return checksums


def send_file(
    session: Session,
    source: Source,
    *,
    options: UploadOptions,
    advanced: Advanced,
    name: str | None = None,
    md5: str | None = None,
    collection: int | None = None,
) -> Row:
    """Send one file by the suitable route, and return the row of its data file.

    *advanced* is called with the number of bytes that the backend has so far. If *md5* is given, the file is not hashed
    again. *collection* is the key of the one that it is for.
    """
    direct = partial(send_to_backend, session, options=options, advanced=advanced, name=name, md5=md5)
    if route_for(source.size, options, offered=not declined(session)) == "presigned":
        row = upload_presigned(
            session,
            source,
            direct=direct,
            advanced=advanced,
            strict=True,
            name=name,
            collection=collection,
        )
        if row is not None:
            return row
    return direct(source)


def send_files(
    session: Session, sources: Sequence[Source], *, advanced: Advanced, workers: int | None = None
) -> list[Outcome[Source, Row]]:
    """Send files side by side, straight to the backend's storage where that is offered, and tell of each in order."""
    direct = partial(send_to_backend, session, options=UploadOptions(), advanced=advanced)
    found = send_presigned(session, sources, direct=direct, advanced=advanced, workers=workers)
    return list(session.map(direct, sources, workers=workers)) if found is None else found


def send_to_backend(
    session: Session,
    source: Source,
    *,
    options: UploadOptions,
    advanced: Advanced,
    name: str | None = None,
    md5: str | None = None,
) -> Row:
    """Send one file by the backend, whole or in chunks, and return the row of its data file."""
    digest = SentDigest(source, advanced=advanced, known=md5)
    name = name_to_send(source, name)
    route = route_for(source.size, options, offered=False)
    try:
        if route == "chunked":
            return _in_chunks(session, source, name=name, digest=digest, chunk_size=options.chunk_size)
        return send_direct(session, source, name=name, digest=digest)
    except ValidationError as error:
        if source.size:
            raise
        if route == "direct" and options.chunked is None:
            # A plain form field may not be empty for some backends; a chunked upload may have no chunk.
            return send_to_backend(
                session, source, options=UploadOptions(chunked=True), advanced=advanced, name=name
            )
        raise TransferError(
            f"{str(source.path)!r} is empty, and the backend takes no empty file ({error})"
        ) from error


def checksum_of(row: Mapping[str, Any], path: object) -> str:
    """Return the checksum that identifies a data file; raises `TransferError` for a row without one."""
    checksum = row.get("checksum")
    if not isinstance(checksum, str) or not checksum:
        raise TransferError(f"the backend gave no checksum for {str(path)!r}: no unit can name it")
    return checksum


def _in_chunks(session: Session, source: Source, *, name: str, digest: SentDigest, chunk_size: int) -> Row:
    def register(upload: str | int) -> Row:
        request = session.dialect.uploads.data_file_from(upload)
        return register_file(session, source, request=request, digest=digest)

    return send_chunks(session, source, register=register, name=name, chunk_size=chunk_size, digest=digest)
