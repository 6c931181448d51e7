"""Upload files as data files: directly, or in chunks when they are large."""

from __future__ import annotations

import contextlib

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from synapse.dialects import Request
from synapse.errors import (
    ClientError,
    ServerError,
    SynapseError,
    TransferError,
    ValidationError,
    WriteUnconfirmedError,
    describe,
)
from synapse.session import Session
from synapse.transfer.local_file import CHUNK, LocalFile, PathLike, Tally
from synapse.transfer.progress import ProgressLike, tracked
from synapse.uploads.checksums import file_with_checksum, hash_files, known_checksums
from synapse.uploads.chunked import name_to_send, send_chunks
from synapse.uploads.file_types import check_file
from synapse.uploads.multipart import FilePart, MultipartBody
from synapse.uploads.responses import check_arrival, json_object, response_timeout

LARGEST_DIRECT: Final = 50 * 1024 * 1024


def upload_file(
    session: Session,
    path: PathLike,
    *,
    chunked: bool | None = None,
    chunk_size: int = CHUNK,
    progress: ProgressLike = None,
    name: str | None = None,
    check_content: bool = False,
) -> dict[str, Any]:
    """Upload a file and return the row of its data file.

    Files of up to 50 MiB go by one request, larger ones in chunks of `chunk_size` bytes; `chunked` forces either.
    Content that the backend has already gives the row that it has. `name` is sent in place of the file's own.
    """
    source = LocalFile.of(path)
    if check_content:
        check_file(source)
    with tracked(progress, total=source.size, label=source.name) as advanced:
        options = UploadOptions(chunked=chunked, chunk_size=chunk_size)
        return send_file(session, source, options=options, advanced=advanced, name=name)


def upload_missing(session: Session, sources: Mapping[str, LocalFile]) -> dict[str, str]:
    """Send what the backend lacks of some files, each content once, and return the checksum that it has each under."""
    hashed = hash_files(session, list(sources.values()), mapped=map)
    contents = {name: each.value() for name, each in zip(sources, hashed, strict=True)}
    try:
        known = known_checksums(session, contents.values(), mapped=map)
    except ServerError:
        raise
    except ClientError:
        known = {}  # a backend that does not say what it has is sent everything
    for name, content in contents.items():
        if content not in known:
            row = send_file(
                session, sources[name], options=UploadOptions(), advanced=lambda count: None, md5=content.md5
            )
            known[content] = checksum_of(row, sources[name].path)
    checksums: dict[str, str] = {}
    for name, content in contents.items():
        checksum = known[content]
        if isinstance(checksum, Exception):
            raise checksum
        checksums[name] = checksum
    return checksums


@attrs.frozen
class UploadOptions:
    """How files travel: in chunks or not, or by their size, and how large a chunk is."""

    chunked: bool | None = None
    chunk_size: int = CHUNK

    def __attrs_post_init__(self) -> None:
        if self.chunked is not None and type(self.chunked) is not bool:
            raise TransferError(
                f"chunked must be True, False or None (by size), not {describe(self.chunked)}"
            )


def send_file(
    session: Session,
    source: LocalFile,
    *,
    options: UploadOptions,
    advanced: Callable[[int], object],
    sent: Callable[[int], object] = lambda count: None,
    name: str | None = None,
    md5: str | None = None,
) -> dict[str, Any]:
    """Send one file the way its size asks for, and return the row of its data file.

    *advanced* is told of the bytes that the backend has by now, *sent* at the end of those that travelled for it. With
    the *md5* of the file as it was looked at, it is not hashed again.
    """
    tally = Tally(source, advanced=advanced, md5=md5)
    name = name_to_send(source, name)
    chunked = source.size > LARGEST_DIRECT if options.chunked is None else options.chunked
    try:
        if chunked:
            return _in_chunks(session, source, name=name, tally=tally, chunk_size=options.chunk_size)
        return _directly(session, source, name=name, tally=tally)
    except ValidationError as error:
        if source.size:
            raise
        if not chunked and options.chunked is None:
            # A plain form field may not be empty for some backends; a chunked upload may have no chunk.
            return send_file(
                session, source, options=UploadOptions(chunked=True), advanced=advanced, name=name
            )
        raise TransferError(
            f"{str(source.path)!r} is empty, and the backend takes no empty file ({error})"
        ) from error
    finally:
        sent(tally.sent)


def checksum_of(row: Mapping[str, Any], path: object) -> str:
    """Return the checksum that a data file is named by; a row without one is a `TransferError`."""
    checksum = row.get("checksum")
    if not isinstance(checksum, str) or not checksum:
        raise TransferError(f"the backend gave no checksum for {str(path)!r}: no unit can name it")
    return checksum


def _directly(session: Session, source: LocalFile, *, name: str, tally: Tally) -> dict[str, Any]:
    part = FilePart.whole(source, name, tally=tally)
    request = session.dialect.uploads.data_file(MultipartBody({}, files={"file": part}))
    return _register(session, source, request, tally=tally)


def _in_chunks(
    session: Session, source: LocalFile, *, name: str, tally: Tally, chunk_size: int
) -> dict[str, Any]:
    def register(upload: str | int) -> dict[str, Any]:
        request = session.dialect.uploads.data_file_from(upload)
        return _register(session, source, request, tally=tally)

    return send_chunks(session, source, register=register, name=name, chunk_size=chunk_size, tally=tally)


def _register(session: Session, source: LocalFile, request: Request, *, tally: Tally) -> dict[str, Any]:
    """Create the data file; if the answer is lost, find it by its content."""
    request = attrs.evolve(request, read_timeout=response_timeout(session, source.size))
    retry, repeats = session.settings.retry, 0
    row: dict[str, Any] | None = None
    while row is None:
        try:
            row = json_object(session, request)
        except WriteUnconfirmedError:
            row = file_with_checksum(session, tally.md5())
            if row is None:
                # The same content is stored once, however often it comes.
                if repeats >= retry.total:
                    raise
                repeats += 1
                session.pause(retry.wait(repeats))
        except ServerError as error:
            with contextlib.suppress(SynapseError):
                row = file_with_checksum(session, tally.md5()) if error.unconfirmed else None
            if row is None:
                raise
    check_arrival(source, row, md5=tally.md5())
    return row
