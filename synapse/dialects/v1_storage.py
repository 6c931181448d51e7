"""Wire v1: files that go straight into the backend's storage, at addresses that it signs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, Final

import attrs

from synapse.dialects.wire import Request

MOST_FILES: Final = 200
LONGEST_NAME: Final = 255
SHORTEST, LONGEST = 3600, 86_400  # seconds that an address may be asked to last

_WORKING: Final = 120.0


@attrs.frozen
class Place:
    """Where one file may be put: at one address, or in parts of `part_size` bytes at one address each."""

    key: str
    addresses: tuple[str, ...] = attrs.field(repr=False)
    part_size: int | None = None
    upload: str | None = attrs.field(default=None, repr=False)


@attrs.frozen
class Lodged:
    """A file that was put where the backend said; `etags` are what the storage answered to its parts."""

    place: Place
    sha1: str
    size: int
    etags: tuple[str, ...] = ()


@attrs.frozen
class Verdict:
    """What the backend says of one file: the key of its data file, or why there is none."""

    data_file: int | None = None
    error: str | None = None


def ask_places(files: Iterable[tuple[str, int, str | None]], *, seconds: int) -> Request:
    """Ask where files may be put, each given by its name, size and content type."""
    rows = [{"filename": name, "size": size, "content_type": kind} for name, size, kind in files]
    body = {"files": rows, "expiration": max(SHORTEST, min(seconds, LONGEST))}
    return Request("POST", "data_files/presigned_upload/upload/", json=body, read_timeout=_WORKING)


def places(data: Any, sizes: Sequence[int]) -> list[Place]:
    """Read where files of these sizes may be put; an answer that cannot be used is a `ValueError`."""
    rows = data.get("files") if isinstance(data, dict) else None
    if not isinstance(rows, list) or len(rows) != len(sizes):
        raise ValueError(f"{len(sizes)} files were asked for")
    found = [_place(row, size) for row, size in zip(rows, sizes, strict=True)]
    if len({place.key for place in found}) < len(found):
        raise ValueError("two files have one key")
    return found


def confirm(files: Iterable[Lodged]) -> Request:
    """Tell that files are in their places; telling it again changes nothing."""
    body = {"files": [_told(file) for file in files]}
    return Request("POST", "data_files/presigned_upload/confirm_upload/", json=body, read_timeout=_WORKING)


def verdicts(data: Any) -> dict[str, Verdict]:
    """Read what the backend says of each file, by the key of its place; what cannot be read is left out."""
    rows = data.get("results") if isinstance(data, dict) else None
    found: dict[str, Verdict] = {}
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and isinstance(row.get("file_key"), str):
            key = row.get("data_file_id")
            if row.get("success") is True:
                found[row["file_key"]] = Verdict(key if type(key) is int else None)
            else:
                found[row["file_key"]] = Verdict(error=str(row.get("error") or "no reason was given"))
    return found


def _place(row: Any, size: int) -> Place:
    if not isinstance(row, dict) or not isinstance(row.get("file_key"), str):
        raise ValueError("a file has no key")
    url, parts = row.get("presigned_url"), row.get("multipart")
    if _is_address(url) and parts is None:
        return Place(row["file_key"], (str(url),))
    if not url and isinstance(parts, dict):
        return _in_parts(row["file_key"], parts, size)
    raise ValueError("a file has neither one address nor parts, or both")


def _in_parts(key: str, multipart: dict[str, Any], size: int) -> Place:
    upload, part_size, rows = (multipart.get(name) for name in ("upload_id", "part_size", "parts"))
    if (
        not isinstance(upload, str)
        or type(part_size) is not int
        or part_size < 1
        or not isinstance(rows, list)
    ):
        raise ValueError("the parts of a file are not told")
    known = {str(row.get("part_number")): row.get("presigned_url") for row in rows if isinstance(row, dict)}
    addresses = tuple(known.get(str(number)) for number in range(1, len(rows) + 1))
    if len(rows) != -(-size // part_size) or not all(map(_is_address, addresses)):
        raise ValueError("the parts of a file do not make up the whole")
    return Place(key, tuple(map(str, addresses)), part_size, upload)


def _is_address(url: object) -> bool:
    return isinstance(url, str) and url.lower().startswith(("http://", "https://"))


def _told(file: Lodged) -> dict[str, Any]:
    said: dict[str, Any] = {"file_key": file.place.key, "checksum": file.sha1, "size": file.size}
    if file.place.upload is not None:
        parts = [{"part_number": number, "etag": etag} for number, etag in enumerate(file.etags, 1)]
        said["multipart"] = {"upload_id": file.place.upload, "parts": parts}
    return said
