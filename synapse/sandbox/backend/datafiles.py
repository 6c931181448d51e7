"""Create data files from direct and chunked uploads: one row per content and tenant."""

from __future__ import annotations

import uuid

from pathlib import Path
from typing import Final

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import storedfiles
from .accounts import folder_storage
from .models import ChunkedUpload, DataFile, Tenant
from .representation import represent
from .tenancy import tenant_of
from .transactions import write_transaction
from .wording import say

MOST_CHECKSUMS: Final = 10_000


def create_data_file(request: Request) -> Response:
    """Store one file, sent as a multipart part or named as a completed chunked upload."""
    fields = request.data if isinstance(request.data, dict) else {}
    tenant = tenant_of(request)
    if "chunked_upload" in fields:
        upload = completed_upload(request, fields["chunked_upload"])
        received = receive_upload(upload)
        stored = keep(received, tenant=tenant, name=upload.filename, meta=fields.get("meta"))
    else:
        part = fields.get("file")
        if not isinstance(part, UploadedFile):
            raise ValidationError({"file": [say("No file was submitted.")]})
        if not part.size:
            raise ValidationError({"file": [say("The submitted file is empty.")]})
        received = storedfiles.receive(part.chunks())
        stored = keep(received, tenant=tenant, name=part.name or "file")
    return Response(represent(stored, request), status=status.HTTP_201_CREATED)


def verify_checksums(request: Request) -> Response:
    """Tell which of the given checksums are stored already, in the order asked."""
    asked = request.data.get("checksums") if isinstance(request.data, dict) else None
    if not isinstance(asked, list) or not all(isinstance(checksum, str) for checksum in asked):
        raise ValidationError({"checksums": [say("Expected a list of strings.")]})
    if len(asked) > MOST_CHECKSUMS:
        text = say("There are more than %(most)s of them.", most=MOST_CHECKSUMS)
        raise ValidationError({"checksums": [text]})
    rows = DataFile.objects.filter(tenant=tenant_of(request), checksum__in=set(asked))
    known = set(rows.values_list("checksum", flat=True))
    return Response(
        {"existing_checksums": [checksum for checksum in dict.fromkeys(asked) if checksum in known]}
    )


def completed_upload(request: Request, key: object) -> ChunkedUpload:
    """Find the caller's own completed upload, or refuse the request on `chunked_upload`."""
    own = ChunkedUpload.objects.filter(tenant=request.auth.tenant, user=request.auth.user)
    try:
        upload = own.filter(pk=uuid.UUID(str(key))).first()
    except ValueError:
        upload = None
    if upload is None:
        fault = say('Invalid pk "%(pk)s" - object does not exist.', pk=key)
    elif upload.status != ChunkedUpload.COMPLETE:
        fault = say("This upload has not been completed.")
    else:
        return upload
    raise ValidationError({"chunked_upload": [fault]})


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
        with write_transaction():
            return DataFile.objects.create(
                tenant=tenant,
                checksum=received.checksum,
                file=place,
                size=received.size,
                meta=meta if isinstance(meta, dict) else {},
                storage=folder_storage(tenant),
            )
    except IntegrityError:
        # Another request stored the same content meanwhile; its row is as good.
        winner = DataFile.objects.get(tenant=tenant, checksum=received.checksum)
        if winner.file.name != place:
            (storedfiles.media_root() / place).unlink(missing_ok=True)
        return winner
