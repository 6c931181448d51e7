"""Archives that travel within one request: plugin releases."""

from __future__ import annotations

import zipfile

from collections.abc import Mapping
from typing import Any

import attrs

from synapse.dialects import Reply
from synapse.errors import TransferError
from synapse.session import Session
from synapse.transfer.local_file import LocalFile, PathLike, Tally
from synapse.transfer.progress import ProgressLike, tracked
from synapse.uploads.multipart import FilePart, MultipartBody
from synapse.uploads.responses import response_timeout


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
        part = FilePart.whole(source, source.name, tally=Tally(source, advanced=advanced))
        request = session.dialect.actions.release(MultipartBody(fields, files={"file": part}))
        return session.send(attrs.evolve(request, read_timeout=response_timeout(session, source.size)))
