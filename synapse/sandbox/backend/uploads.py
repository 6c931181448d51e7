"""Chunked upload by drf-chunked-upload's protocol, safe against races, crashes and early completion."""

from __future__ import annotations

import hashlib
import os
import threading
import uuid

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final

from django.core.files import locks
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import UploadedFile
from django.shortcuts import get_object_or_404
from drf_chunked_upload.exceptions import ChunkedUploadError
from drf_chunked_upload.serializers import ChunkedUploadSerializer as StockSerializer
from drf_chunked_upload.views import ChunkedUploadView as StockView
from rest_framework import status
from rest_framework.request import Request
from rest_framework.response import Response

from . import storedfiles
from .models import ChunkedUpload
from .transactions import write_transaction

FIELDS: Final = ("id", "url", "file", "filename", "offset", "created_at", "status", "completed_at", "user")


class ChunkedUploadSerializer(StockSerializer):
    """The upload as the wire shows it."""

    class Meta(StockSerializer.Meta):
        model = ChunkedUpload
        fields = FIELDS
        read_only_fields = ("status", "completed_at", "offset", "user")


class RunningDigests:
    """MD5 states of uploads in progress, so that completing a large one need not read it again."""

    def __init__(self, *, most: int = 256) -> None:
        self._most = most
        self._states: OrderedDict[uuid.UUID, tuple[int, Any]] = OrderedDict()
        self._lock = threading.Lock()

    def at(self, upload: uuid.UUID, *, offset: int) -> Any | None:
        """Return a copy of the digest of the first *offset* bytes, if it is known."""
        with self._lock:
            known = self._states.get(upload)
            return known[1].copy() if known and known[0] == offset else None

    def remember(self, upload: uuid.UUID, *, offset: int, digest: Any | None) -> None:
        """Keep the digest of the first *offset* bytes, or forget the upload when there is none."""
        with self._lock:
            self._states.pop(upload, None)
            if digest is not None:
                self._states[upload] = (offset, digest)
            while len(self._states) > self._most:
                self._states.popitem(last=False)


DIGESTS: Final = RunningDigests()


class ChunkedUploadView(StockView):
    """PUT chunks, POST the checksum, GET the state; one writer per upload at a time."""

    model = ChunkedUpload
    serializer_class = ChunkedUploadSerializer
    reported_total: int | None = None

    def get_queryset(self) -> Any:
        """Limit every look-up to the caller's own uploads in the caller's own tenant."""
        caller = self.request.auth
        return ChunkedUpload.objects.filter(tenant=caller.tenant, user=caller.user).order_by("-created_at")

    def is_valid_chunked_upload(self, chunked_upload: ChunkedUpload) -> None:
        """Refuse what the stock library refuses, a changed total, and completing too early."""
        super().is_valid_chunked_upload(chunked_upload)
        if self.reported_total not in (None, chunked_upload.total):
            raise refusal(
                "Total size does not match",
                expected_total=chunked_upload.total,
                provided_total=self.reported_total,
            )
        if self.request.method == "POST" and chunked_upload.offset != chunked_upload.total:
            raise refusal("Upload is incomplete", offset=chunked_upload.offset, total=chunked_upload.total)

    def _put_chunk(self, request: Request, pk: uuid.UUID | None = None, whole: bool = False) -> ChunkedUpload:
        chunk = fields_of(request).get(self.field_name)
        if not isinstance(chunk, UploadedFile):
            raise refusal("No chunk file was submitted")
        start, total = (0, chunk.size) if whole else self._read_range(request, chunk)
        self.reported_total = total
        if pk is None:
            return self._create(request, chunk, start=start, total=total)
        with sole_writer(get_object_or_404(self.get_queryset(), pk=pk)) as upload:
            self.is_valid_chunked_upload(upload)
            append(upload, chunk, start=start)
        return upload

    def _read_range(self, request: Request, chunk: UploadedFile) -> tuple[int, int]:
        match = self.content_range_pattern.match(request.headers.get("Content-Range", ""))
        if not match:
            raise refusal("Error in request headers")
        start, end, total = (int(match.group(name)) for name in ("start", "end", "total"))
        limit = self.get_max_bytes(request)
        if end >= total:
            raise refusal(f"End of chunk exceeds reported total ({total} bytes)")
        if limit is not None and total > limit:
            raise refusal(f"Size of file exceeds the limit ({limit} bytes)")
        if chunk.size != end - start + 1:
            raise refusal(
                f"File size doesn't match headers: file size is {chunk.size} but {end - start + 1} reported"
            )
        return start, total

    def _create(self, request: Request, chunk: UploadedFile, *, start: int, total: int) -> ChunkedUpload:
        if start:
            raise refusal("Offsets do not match", expected_offset=0, provided_offset=start)
        checked = self.serializer_class(data=request.data)
        if not checked.is_valid():
            raise ChunkedUploadError(status.HTTP_400_BAD_REQUEST, detail=checked.errors)
        digest = hashlib.md5(usedforsecurity=False)
        for block in chunk.chunks():
            digest.update(block)
        chunk.seek(0)
        upload = checked.save(
            offset=chunk.size, total=total, user=request.auth.user, tenant=request.auth.tenant
        )
        DIGESTS.remember(upload.pk, offset=upload.offset, digest=digest)
        return upload

    def _post(self, request: Request, pk: uuid.UUID | None = None) -> Response:
        sent = fields_of(request)
        checksum = sent.get("md5")
        if pk is None and self.field_name not in sent and checksum == storedfiles.EMPTY_MD5:
            upload = self._create_empty(request)
        elif pk is None:
            upload = self._put_chunk(request, whole=True)
        else:
            upload = get_object_or_404(self.get_queryset(), pk=pk)
        if not checksum:
            raise refusal("Checksum of type 'md5' is required")
        with sole_writer(upload) as upload:
            self.is_valid_chunked_upload(upload)
            self.checksum_check(upload, checksum)
            with write_transaction():
                upload.completed()
        DIGESTS.remember(upload.pk, offset=0, digest=None)
        return self.on_completion(upload, request)

    def _create_empty(self, request: Request) -> ChunkedUpload:
        filename = storedfiles.safe_name(str(fields_of(request).get("filename") or "empty"))
        upload = ChunkedUpload(filename=filename, total=0, user=request.auth.user, tenant=request.auth.tenant)
        upload.file.save(filename, ContentFile(b""), save=False)
        upload.save()
        return upload

    def checksum_check(self, chunked_upload: ChunkedUpload, checksum: str) -> None:
        """Compare the client's MD5 with that of the bytes on disk, and keep it with the upload."""
        digest = DIGESTS.at(chunked_upload.pk, offset=chunked_upload.offset)
        known = digest.hexdigest() if digest else storedfiles.md5_of(Path(chunked_upload.file.path))
        if known != str(checksum).lower():
            raise refusal("checksum does not match")
        chunked_upload.checksum_md5 = known


def fields_of(request: Request) -> Mapping[str, Any]:
    """Return the body's fields; a body that is no object has none."""
    return request.data if isinstance(request.data, Mapping) else {}


def refusal(detail: str, **facts: Any) -> ChunkedUploadError:
    """Build the 400 that the protocol answers a bad request with."""
    return ChunkedUploadError(status.HTTP_400_BAD_REQUEST, detail=detail, **facts)


@contextmanager
def sole_writer(upload: ChunkedUpload) -> Iterator[ChunkedUpload]:
    """Let one writer at a time, of all threads and processes, have an upload; yield its row of now."""
    with _open_either(upload) as file:
        locks.lock(file, locks.LOCK_EX)
        upload.refresh_from_db()
        _follow_row(upload)
        yield upload


def _open_either(upload: ChunkedUpload) -> IO[bytes]:
    """Open the upload's file under either of its names: completing it renames it."""
    path = Path(upload.file.path)
    try:
        return path.open("r+b")
    except FileNotFoundError:
        return _other_name(path).open("r+b")


def _follow_row(upload: ChunkedUpload) -> None:
    """Undo a rename whose commit never came, as a crash in the middle of a completion leaves it."""
    path = Path(upload.file.path)
    if not path.exists():
        _other_name(path).rename(path)


def _other_name(path: Path) -> Path:
    return path.with_suffix(".done" if path.suffix == ".part" else ".part")


def append(upload: ChunkedUpload, chunk: UploadedFile, *, start: int) -> None:
    """Write one chunk at the stored offset; the caller is the upload's sole writer."""
    if upload.offset != start:
        raise refusal("Offsets do not match", expected_offset=upload.offset, provided_offset=start)
    digest = DIGESTS.at(upload.pk, offset=start)
    with Path(upload.file.path).open("r+b") as file:
        # Bytes past the offset were left by a write that never got to its commit.
        file.truncate(start)
        file.seek(start, os.SEEK_SET)
        for block in chunk.chunks():
            file.write(block)
            if digest is not None:
                digest.update(block)
    end = start + chunk.size
    expected = ChunkedUpload.objects.filter(pk=upload.pk, offset=start, status=ChunkedUpload.UPLOADING)
    with write_transaction():
        moved = expected.update(offset=end)
    if not moved:
        upload.refresh_from_db()
        raise refusal("Offsets do not match", expected_offset=upload.offset, provided_offset=start)
    upload.offset = end
    DIGESTS.remember(upload.pk, offset=end, digest=digest)
