"""Files within one request: data files of up to 50 MiB, and the archives of plugin releases."""

from __future__ import annotations

import contextlib
import zipfile

from collections.abc import Mapping
from typing import Any

import attrs

from synapse.dialects import Reply, Request
from synapse.errors import ServerError, SynapseError, TransferError, WriteUnconfirmedError
from synapse.session import Session
from synapse.transfer.local_file import LocalFile, PathLike, SentDigest, Source
from synapse.transfer.progress import ProgressLike, tracked
from synapse.uploads.checksums import check_arrival, file_with_checksum, json_object, response_timeout
from synapse.uploads.multipart import FilePart, MultipartBody


def send_direct(session: Session, source: Source, *, name: str, digest: SentDigest) -> dict[str, Any]:
    """Send a file within one request, and return the row of its data file."""
    part = FilePart.whole(source, name, counter=digest)
    request = session.dialect.uploads.data_file(MultipartBody({}, files={"file": part}))
    return register_file(session, source, request=request, digest=digest)


def register_file(
    session: Session, source: Source, *, request: Request, digest: SentDigest
) -> dict[str, Any]:
    """Create the data file; if the answer is lost, find it by its content."""
    request = attrs.evolve(request, read_timeout=response_timeout(session, source.size))
    retry, repeats = session.settings.retry, 0
    row: dict[str, Any] | None = None
    while row is None:
        try:
            row = json_object(session, request)
        except WriteUnconfirmedError:
            row = file_with_checksum(session, digest.digest())
            if row is None:
                # The same content is stored once, however often it comes.
                if repeats >= retry.total:
                    raise
                repeats += 1
                session.pause(retry.wait(repeats))
        except ServerError as error:
            with contextlib.suppress(SynapseError):
                row = file_with_checksum(session, digest.digest()) if error.unconfirmed else None
            if row is None:
                raise
    check_arrival(source, row, md5=digest.digest())
    return row


def send_release(
    session: Session, archive: PathLike, *, fields: Mapping[str, Any], progress: ProgressLike = None
) -> Reply:
    """Publish a plugin release: its zip archive, streamed from disk, and its fields as text or JSON."""
    source = LocalFile.of(archive)
    if not source.size:
        raise TransferError(f"{str(archive)!r} is empty: a release is a zip archive")
    if not zipfile.is_zipfile(source.path):
        raise TransferError(
            f"{str(archive)!r} is no zip archive, as a release is: zip the folder of the plugin and give that file"
        )
    with tracked(progress, total=source.size, label=source.name) as advanced:
        part = FilePart.whole(source, source.name, counter=SentDigest(source, advanced=advanced))
        request = session.dialect.actions.release(MultipartBody(fields, files={"file": part}))
        return session.send(attrs.evolve(request, read_timeout=response_timeout(session, source.size)))
