"""Wire v2: files go straight into the backend's storage, below a data collection, and there is no other way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, Literal

from synapse.dialects.signed_targets import parts_of, targets_in, verdicts_in
from synapse.dialects.uploads import ChunkedState, StoredFile, UploadTarget, Verdict
from synapse.dialects.v2_envelope import found_in, unwrapped
from synapse.dialects.v2_rows import segment
from synapse.dialects.wire import Body, Reply, Request
from synapse.errors import UnsupportedError

UPLOAD = ""  # no field names a finished upload
CHECKSUM: Literal["md5"] = "md5"
THROUGH_BACKEND = False
MOST_FILES = 1000
LONGEST_NAME = 255
SHORTEST, LONGEST = 60, 86_400  # seconds that an address may be asked to last

_WORKING: Final = 120.0
_LARGEST_PAGE: Final = 200


# --- through the backend: refused ---------------------------------------------
def data_file(body: Body) -> Request:
    """Refuse: no file goes through the backend."""
    raise _no_other_way()


def data_file_from(upload: str | int) -> Request:
    """Refuse: no file goes through the backend."""
    raise _no_other_way()


def chunk(body: Body, *, start: int, size: int, total: int, url: str | None) -> Request:
    """Refuse: no file goes through the backend."""
    raise _no_other_way()


def complete(url: str | None, md5: str) -> Request:
    """Refuse: no file goes through the backend."""
    raise _no_other_way()


def upload_state(url: str) -> Request:
    """Refuse: no file goes through the backend."""
    raise _no_other_way()


def chunked_state(answer: Mapping[str, Any]) -> ChunkedState:
    """Tell nothing: no answer is about an upload in chunks."""
    return ChunkedState()


def verify_checksums(checksums: Sequence[str]) -> None:
    """Give nothing: each has to be looked for by itself."""


def verified(reply: Reply) -> set[str]:
    """Refuse: no answer names several checksums."""
    raise ValueError("an answer to what isn't asked here")


def files_by_checksum(checksum: str) -> Request:
    """Look for a data file by its content."""
    return Request("GET", "v2/data-files/", params=(("checksum", checksum), ("per_page", "1")))


def files(reply: Reply) -> list[Any]:
    """Read the rows of data files; an answer that cannot be used is a `ValueError`."""
    rows = unwrapped(reply.data)
    rows = rows.get("results") if isinstance(rows, dict) else rows
    if not isinstance(rows, list):
        raise ValueError("expected a list of data files")
    return rows


def files_of(collection: int, *, at: int | str | None = None) -> Request:
    """Ask for a page of the checksums of the files that the units of a collection have."""
    where = (("data_collection", str(collection)), ("fields", "id,checksum"))
    place = (("cursor", str(at)),) if at else ()
    return Request("GET", "v2/data-files/", params=(*where, *place, ("per_page", str(_LARGEST_PAGE))))


def page_of_files(reply: Reply, request: Request) -> tuple[list[Any], int | str | None]:
    """Read the rows of such a page, and where the next one is."""
    found = found_in(reply, request)
    return found.rows, found.next


# --- straight into the storage ------------------------------------------------
def ask_targets(
    files: Iterable[tuple[str, int, str | None]], *, seconds: int, collection: int | None = None
) -> Request:
    """Ask where files of a collection may be put, each given by its name, size and content type."""
    rows = [_file(*each) for each in files]
    body = {"files": rows, "expiration": max(SHORTEST, min(seconds, LONGEST))}
    return Request("POST", _below(collection, "upload-urls"), json=body, read_timeout=_WORKING)


def targets(reply: Reply, sizes: Sequence[int]) -> list[UploadTarget]:
    """Read where files of these sizes may be put; an answer that cannot be used is a `ValueError`."""
    return targets_in(unwrapped(reply.data), sizes)


def confirm(files: Iterable[StoredFile], *, collection: int | None = None) -> Request:
    """Tell that files are in their places; telling it again changes nothing."""
    body = {"files": [parts_of(file) for file in files]}
    return Request("POST", _below(collection, "finalize-upload"), json=body, read_timeout=_WORKING)


def verdicts(reply: Reply) -> dict[str, Verdict]:
    """Read what the backend says of each file, by the key of its target; what cannot be read is left out."""
    return verdicts_in(unwrapped(reply.data))


def _file(name: str, size: int, kind: str | None) -> dict[str, Any]:
    return {"filename": name, "size": size} | ({} if kind is None else {"content_type": kind})


def _below(collection: int | None, action: str) -> str:
    if collection is None:
        raise UnsupportedError(
            "API v2 takes files below a data collection only: collection.upload() and collection.add() send them. "
            'DataFile.objects.upload() goes by API v1: Session(api="auto") takes it there. Nothing was sent'
        )
    return f"v2/data-collections/{segment(collection)}/{action}/"


def _no_other_way() -> UnsupportedError:
    return UnsupportedError(
        "this file would have to go through the backend, and API v2 takes files by the signed addresses of its storage "
        'only. API v1 takes it: Session(api="auto") sends it there. Nothing was sent'
    )
