"""Create data files from direct and chunked uploads: one row per content and tenant."""

from __future__ import annotations

import uuid

from pathlib import Path
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError, transaction
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from synapse.sandbox.backend import storedfiles
from synapse.sandbox.backend.models import ChunkedUpload, DataFile, Tenant

MISSING: Final = "No file was submitted."
UNSUPPORTED: Final = "Presigned upload is not supported by this storage."


class DataFileCreateMixin:
    """`POST data_files/` and the verbs beside it, for the view set of data files."""

    def create(self: Any, request: Request) -> Response:
        """Store one file, sent as a multipart part or named as a completed chunked upload."""
        fields = request.data if isinstance(request.data, dict) else {}
        if "chunked_upload" in fields:
            upload = completed_upload(request, fields["chunked_upload"])
            received = receive_upload(upload)
            stored = keep(received, tenant=request.tenant, name=upload.filename, meta=fields.get("meta"))
        else:
            part = fields.get("file")
            if not isinstance(part, UploadedFile):
                raise ValidationError({"file": [MISSING]})
            if not part.size:
                raise ValidationError({"file": ["The submitted file is empty."]})
            received = storedfiles.receive(part.chunks())
            stored = keep(received, tenant=request.tenant, name=part.name or "file")
        return Response(self.get_serializer(stored).data, status=status.HTTP_201_CREATED)

    @action(detail=False, methods=["post"])
    def verify_checksums(self: Any, request: Request) -> Response:
        """Tell which of the given checksums are stored already, in the order asked."""
        asked = request.data.get("checksums") if isinstance(request.data, dict) else None
        if not isinstance(asked, list) or not all(isinstance(checksum, str) for checksum in asked):
            raise ValidationError({"checksums": ["Expected a list of strings."]})
        rows = DataFile.objects.filter(tenant=request.tenant, checksum__in=set(asked))
        known = set(rows.values_list("checksum", flat=True))
        return Response({"existing_checksums": [checksum for checksum in dict.fromkeys(asked) if checksum in known]})

    @action(detail=False, methods=["post"], url_path="presigned_upload/upload")
    def presigned_upload(self, request: Request) -> Response:
        """Refuse: files of this backend live in a folder, which signs no addresses."""
        raise ValidationError({"detail": UNSUPPORTED})

    @action(detail=False, methods=["post"], url_path="presigned_upload/confirm_upload")
    def presigned_confirm(self, request: Request) -> Response:
        """Refuse, as `presigned_upload` does."""
        raise ValidationError({"detail": UNSUPPORTED})


def completed_upload(request: Request, key: object) -> ChunkedUpload:
    """Find the caller's own completed upload, or refuse the request on `chunked_upload`."""
    try:
        wanted = uuid.UUID(str(key))
    except ValueError as error:
        raise ValidationError({"chunked_upload": [f"“{key}” is not a valid UUID."]}) from error
    upload = ChunkedUpload.objects.filter(pk=wanted, tenant=request.tenant, user=request.user).first()
    if upload is None:
        raise ValidationError({"chunked_upload": [f'Invalid pk "{key}" - object does not exist.']})
    if upload.status != ChunkedUpload.COMPLETE:
        raise ValidationError({"chunked_upload": [f'Upload "{key}" has not been completed.']})
    return upload


def receive_upload(upload: ChunkedUpload) -> storedfiles.Received:
    """Take over the bytes of a completed upload."""
    path = Path(upload.file.path)
    checksum = upload.checksum_md5 or storedfiles.md5_of(path)
    return storedfiles.receive_copy(path, checksum=checksum)


def keep(received: storedfiles.Received, *, tenant: Tenant, name: str, meta: object = None) -> DataFile:
    """Give received bytes a place and a row, or the row that the same content already has."""
    existing = DataFile.objects.filter(tenant=tenant, checksum=received.checksum).first()
    if existing is not None:
        storedfiles.discard(received)
        return existing
    place = f"files/{tenant.pk}/{received.checksum[:2]}/{received.checksum}/{storedfiles.safe_name(name)}"
    storedfiles.place(received, place)
    try:
        with transaction.atomic():
            return DataFile.objects.create(
                tenant=tenant,
                checksum=received.checksum,
                file=place,
                size=received.size,
                meta=meta if isinstance(meta, dict) else {},
            )
    except IntegrityError:
        # Another request stored the same content meanwhile; its row is as good.
        winner = DataFile.objects.get(tenant=tenant, checksum=received.checksum)
        if winner.file.name != place:
            (storedfiles.media_root() / place).unlink(missing_ok=True)
        return winner
