"""Wire v1: files that travel whole, in chunks, or straight into the backend's storage at addresses that it signs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from synapse.dialects.signed_targets import parts_of, targets_in, verdicts_in
from synapse.dialects.uploads import ChunkedState, StoredFile, UploadTarget, Verdict
from synapse.dialects.wire import Body, Reply, Request

UPLOAD = "chunked_upload"  # the field that names a finished upload
CHECKSUM: Literal["sha1"] = "sha1"
THROUGH_BACKEND = True
MOST_FILES = 200
LONGEST_NAME = 255
SHORTEST, LONGEST = 3600, 86_400  # seconds that an address may be asked to last

_WORKING: Final = 120.0
_COMPLETE: Final = 2


# --- through the backend -----------------------------------------------------
def data_file(body: Body) -> Request:
    """Upload one file whole; the same content is stored once."""
    return Request("POST", "data_files/", body=body)


def data_file_from(upload: str | int) -> Request:
    """Register a finished chunked upload as a data file."""
    return Request("POST", "data_files/", json={UPLOAD: upload})


def files_by_checksum(checksum: str) -> Request:
    """Look for a data file by its content."""
    return Request("GET", "data_files/", params=(("checksum", checksum), ("page_size", "1")))


def files(reply: Reply) -> list[Any]:
    """Read the rows of data files."""
    rows = reply.data.get("results") if isinstance(reply.data, dict) else None
    if not isinstance(reply.data, dict):
        raise ValueError("expected an object")
    return rows if isinstance(rows, list) else []


def files_of(collection: int, *, at: int | str | None = None) -> None:
    """Give nothing: the checksums of any files are verified by one request."""


def page_of_files(reply: Reply, request: Request) -> tuple[list[Any], int | str | None]:
    """Refuse: no such page is asked for."""
    raise ValueError("an answer to what isn't asked here")


def verify_checksums(checksums: Sequence[str]) -> Request:
    """Ask which of these files the backend has."""
    body = {"checksums": list(checksums)}
    return Request("POST", "data_files/verify_checksums/", json=body, harmless=True)


def verified(reply: Reply) -> set[str]:
    """Read which checksums the backend has."""
    held = reply.data.get("existing_checksums") if isinstance(reply.data, dict) else None
    if not isinstance(held, list) or not all(isinstance(each, str) for each in held):
        raise ValueError("expected a list of text 'existing_checksums'")
    return set(held)


def chunk(body: Body, *, start: int, size: int, total: int, url: str | None) -> Request:
    """Send one chunk of *size* bytes at *start*; *url* is the upload's own, from the answer to its first chunk.

    A chunk that may have arrived is not repeated: two at one place could both be written, and the upload can be asked.
    """
    headers = (("Content-Range", f"bytes {start}-{start + size - 1}/{total}"),)
    return Request("PUT", url or "chunked_upload/", body=body, headers=headers, once=url is not None)


def complete(url: str | None, md5: str) -> Request:
    """Close a chunked upload; an empty file is closed on the list itself, as it has no chunk."""
    return Request("POST", url or "chunked_upload/", json={"md5": md5})


def upload_state(url: str) -> Request:
    """Ask how far a chunked upload has come."""
    return Request("GET", url)


def chunked_state(answer: Mapping[str, Any]) -> ChunkedState:
    """Read how far a chunked upload has come; drf-chunked-upload refuses a wrong offset and says the right one."""
    offset, url, key = (
        answer.get("expected_offset", answer.get("offset")),
        answer.get("url"),
        answer.get("id"),
    )
    return ChunkedState(
        # Whoever gives an address that is none says nothing of the place either.
        offset if type(offset) is int and isinstance(url, str | None) else None,
        url if isinstance(url, str) else None,
        key if type(key) in (str, int) else None,
        is_complete=bool(answer.get("completed_at")) or answer.get("status") == _COMPLETE,
    )


# --- straight into the storage -----------------------------------------------


def ask_targets(
    files: Iterable[tuple[str, int, str | None]], *, seconds: int, collection: int | None = None
) -> Request:
    """Ask where files may be put, whichever collection they are for."""
    rows = [{"filename": name, "size": size, "content_type": kind} for name, size, kind in files]
    body = {"files": rows, "expiration": max(SHORTEST, min(seconds, LONGEST))}
    return Request("POST", "data_files/presigned_upload/upload/", json=body, read_timeout=_WORKING)


def targets(reply: Reply, sizes: Sequence[int]) -> list[UploadTarget]:
    """Read where files of these sizes may be put; an answer that cannot be used is a `ValueError`."""
    return targets_in(reply.data, sizes)


def confirm(files: Iterable[StoredFile], *, collection: int | None = None) -> Request:
    """Tell that files are in their places; telling it again changes nothing."""
    body = {"files": [parts_of(file) for file in files]}
    return Request("POST", "data_files/presigned_upload/confirm_upload/", json=body, read_timeout=_WORKING)


def verdicts(reply: Reply) -> dict[str, Verdict]:
    """Read what the backend says of each file, by the key of its target; what cannot be read is left out."""
    return verdicts_in(reply.data)
