"""Small files inside of addresses: `data:` URIs."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re

from typing import Final
from urllib.parse import unquote_to_bytes

from synapse.errors import TransferError
from synapse.transfer.local_file import LocalFile, PathLike

LARGEST: Final = 16 * 1024 * 1024  # bytes that are held in memory, and sent as text

_PATTERN: Final = re.compile(
    r"data:(?P<kind>[^,]*?)(?P<base64>;\s*base64)?\s*,(?P<data>.*)", re.IGNORECASE | re.DOTALL
)


def data_uri(path: PathLike) -> str:
    """Return a file's content as a `data:` URI, as log entries carry files; a `data:` URI stays as it is."""
    if isinstance(path, str) and path[:5].lower() == "data:":
        return path
    source = LocalFile.of(path)
    if source.size > LARGEST:
        raise TransferError(
            f"{str(path)!r} has {source.size:,} bytes, and inside of an entry go {LARGEST:,} at most: upload it with "
            "DataFile.objects.upload() and name it in the entry"
        )
    kind = mimetypes.guess_type(source.path.name)[0] or "application/octet-stream"
    content = b"".join(source.blocks(0, source.size))
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def is_data_uri(url: str) -> bool:
    """Whether an address carries its file inside of it."""
    return url[:5].lower() == "data:"


def media_type(url: str) -> str:
    """Return the media type that a `data:` URI names."""
    return url[5:].partition(",")[0].partition(";")[0].strip().lower() or "text/plain"


def decode(url: str) -> bytes:
    """Return the content of a `data:` URI; a malformed one is a `TransferError`."""
    match = _PATTERN.fullmatch(url)
    if match is None:
        raise TransferError(f"this is no data URI: {url[:40]!r}…")
    data = unquote_to_bytes(match["data"])
    if not match["base64"]:
        return data
    try:
        return base64.b64decode(b"".join(data.split()), validate=True)
    except binascii.Error as error:
        raise TransferError(f"the data URI {url[:40]!r}… is damaged ({error})") from error
