"""Answers about files that go straight into a storage, which every generation gives alike."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synapse.dialects.uploads import StoredFile, UploadTarget, Verdict


def targets_in(data: Any, sizes: Sequence[int]) -> list[UploadTarget]:
    """Read where files of these sizes may be put; an answer that cannot be used is a `ValueError`."""
    rows = data.get("files") if isinstance(data, dict) else None
    if not isinstance(rows, list) or len(rows) != len(sizes):
        raise ValueError(f"{len(sizes)} files were asked for")
    found = [_target(row, size) for row, size in zip(rows, sizes, strict=True)]
    if len({target.key for target in found}) < len(found):
        raise ValueError("two files have one key")
    return found


def verdicts_in(data: Any) -> dict[str, Verdict]:
    """Read what the backend says of each file, by the key of its target; what cannot be read is left out."""
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


def parts_of(file: StoredFile) -> dict[str, Any]:
    """Tell of a file that is in its place, and of the parts that it came in."""
    said: dict[str, Any] = {"file_key": file.target.key, "checksum": file.checksum, "size": file.size}
    if file.target.upload is not None:
        parts = [{"part_number": number, "etag": etag} for number, etag in enumerate(file.etags, 1)]
        said["multipart"] = {"upload_id": file.target.upload, "parts": parts}
    return said


def _target(row: Any, size: int) -> UploadTarget:
    if not isinstance(row, dict) or not isinstance(row.get("file_key"), str):
        raise ValueError("a file has no key")
    url, parts = row.get("presigned_url"), row.get("multipart")
    if _is_address(url) and parts is None:
        return UploadTarget(row["file_key"], (str(url),))
    if not url and isinstance(parts, dict):
        return _in_parts(row["file_key"], parts, size)
    raise ValueError("a file has neither one address nor parts, or both")


def _in_parts(key: str, multipart: dict[str, Any], size: int) -> UploadTarget:
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
    return UploadTarget(key, tuple(map(str, addresses)), part_size, upload)


def _is_address(url: object) -> bool:
    return isinstance(url, str) and url.lower().startswith(("http://", "https://"))
