"""Serve the data folder's files over HTTP, whole or by range, to anyone who was given the signed address."""

from __future__ import annotations

import hashlib
import mimetypes
import re

from collections.abc import Iterator
from hmac import compare_digest
from pathlib import Path
from typing import IO, Final

from django.conf import settings
from django.core.files.base import File
from django.core.files.storage import FileSystemStorage
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    StreamingHttpResponse,
)
from django.utils.cache import get_conditional_response
from django.utils.http import http_date, parse_http_date_safe
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe

from .storedfiles import placed

BLOCK: Final = 256 * 1024
RANGE: Final = re.compile(r"bytes=(\d*)-(\d*)", re.ASCII)


def signature_of(name: str) -> str:
    """Return what opens the stored file called *name*: nobody can guess it, and it lasts as long as the data folder."""
    key = settings.SECRET_KEY.encode()[: hashlib.blake2b.MAX_KEY_SIZE]
    return hashlib.blake2b(name.encode(), digest_size=16, key=key).hexdigest()


class SignedStorage(FileSystemStorage):
    """The data folder, whose addresses are signed wherever they are shown."""

    def _save(self, name: str, content: File[bytes]) -> str:
        stored = super()._save(name, content)
        placed(Path(self.path(stored)))
        return stored

    def url(self, name: str | None) -> str:
        return f"{super().url(name)}?sig={signature_of(name)}" if name else super().url(name)


@csrf_exempt
@require_safe
def serve_media(request: HttpRequest, path: str) -> HttpResponseBase:
    """Answer one stored file, honouring `Range`, `If-Range` and the conditional headers."""
    if not compare_digest(request.GET.get("sig", "").encode(), signature_of(path).encode()):
        raise Http404
    file = _inside_media(path)
    stat = file.stat()
    etag = f'"{stat.st_mtime_ns:x}-{stat.st_size:x}"'
    modified = int(stat.st_mtime)
    unchanged = get_conditional_response(request, etag=etag, last_modified=modified)
    if unchanged is not None:
        response: HttpResponseBase = unchanged
    else:
        response = _answer(request, file, size=stat.st_size, etag=etag, modified=modified)
    response.headers["ETag"] = etag
    response.headers["Last-Modified"] = http_date(modified)
    response.headers["Accept-Ranges"] = "bytes"
    response.headers["X-Content-Type-Options"] = "nosniff"
    # Uploaded pages share the origin with the admin: they must not run there.
    response.headers["Content-Security-Policy"] = "sandbox"
    return response


def _inside_media(path: str) -> Path:
    root = Path(settings.MEDIA_ROOT).resolve()
    try:
        file = (root / path).resolve()
        found = file.is_relative_to(root) and file.is_file()
    except (OSError, ValueError) as error:
        raise Http404 from error
    if not found:
        raise Http404
    return file


def _answer(request: HttpRequest, file: Path, *, size: int, etag: str, modified: int) -> HttpResponseBase:
    content_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
    wanted = _wanted_range(request, size=size, etag=etag, modified=modified)
    if wanted is None:
        whole = FileResponse(file.open("rb"), content_type=content_type)
        whole.headers["Content-Length"] = str(size)
        return whole
    start, end = wanted
    if start >= size or end < start:
        refused = HttpResponse(status=416)
        refused.headers["Content-Range"] = f"bytes */{size}"
        return refused
    part = StreamingHttpResponse(
        _blocks(file.open("rb"), start, end + 1), status=206, content_type=content_type
    )
    part.headers["Content-Length"] = str(end + 1 - start)
    part.headers["Content-Range"] = f"bytes {start}-{end}/{size}"
    return part


def _wanted_range(request: HttpRequest, *, size: int, etag: str, modified: int) -> tuple[int, int] | None:
    """Read a single byte range; anything else than one range means the whole file, as HTTP allows."""
    match = RANGE.fullmatch(request.headers.get("Range", "").strip())
    if match is None or not any(match.groups()) or not _same_version(request, etag, modified):
        return None
    first, last = match.groups()
    if not first:
        length = min(int(last), size)
        return (size - length, size - 1) if length else (size, size)
    end = min(int(last), size - 1) if last else size - 1
    if last and int(last) < int(first):
        return None
    return int(first), end


def _same_version(request: HttpRequest, etag: str, modified: int) -> bool:
    condition = request.headers.get("If-Range")
    return condition is None or condition == etag or parse_http_date_safe(condition) == modified


def _blocks(file: IO[bytes], start: int, stop: int) -> Iterator[bytes]:
    with file:
        file.seek(start)
        while start < stop and (block := file.read(min(BLOCK, stop - start))):
            start += len(block)
            yield block
