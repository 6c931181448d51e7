"""Let clients put files into the object storage themselves: sign addresses, and register what has arrived."""

from __future__ import annotations

import uuid

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath
from typing import Any, Final

from django.conf import settings
from django.db import IntegrityError
from rest_framework import serializers
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import objects
from .accounts import bucket_storage
from .models import DataFile, Storage, Tenant
from .tenancy import tenant_of
from .transactions import write_transaction
from .wording import say

MOST_FILES: Final = 1000
AT_ONCE: Final = 16
LONGEST_SUFFIX: Final = 20
UNKNOWN: Final = "unknown"

Row = Mapping[str, Any]


class AskedFile(serializers.Serializer):
    filename = serializers.CharField(max_length=255, trim_whitespace=False)
    size = serializers.IntegerField(min_value=1)
    content_type = serializers.CharField(max_length=255, allow_null=True, default=None)


class Asked(serializers.Serializer):
    files = serializers.ListField(child=AskedFile(), min_length=1, max_length=MOST_FILES)
    expiration = serializers.IntegerField(min_value=60, max_value=86_400, default=3600)


class Part(serializers.Serializer):
    part_number = serializers.IntegerField(min_value=1, max_value=objects.MOST_PARTS)
    etag = serializers.CharField(max_length=255, allow_blank=True)


class Parts(serializers.Serializer):
    upload_id = serializers.CharField(max_length=255)
    parts = serializers.ListField(child=Part(), min_length=1, max_length=objects.MOST_PARTS)


class PutFile(serializers.Serializer):
    file_key = serializers.CharField(max_length=1024)
    checksum = serializers.CharField(max_length=128)
    size = serializers.IntegerField(min_value=1)
    multipart = Parts(allow_null=True, default=None)


class Put(serializers.Serializer):
    files = serializers.ListField(child=PutFile(), min_length=1, max_length=MOST_FILES)


class PutFileByMd5(PutFile):
    checksum = serializers.RegexField("^[0-9a-f]{32}$")


class PutByMd5(Put):
    """What has arrived, told by checksums that the storage can be asked for."""

    files = serializers.ListField(child=PutFileByMd5(), min_length=1, max_length=MOST_FILES)


def sign(request: Request) -> Response:
    """Answer one signed address for each file, or several for one that comes in parts."""
    asked = checked(Asked, request)
    seconds, tenant = asked["expiration"], tenant_of(request)
    expires = datetime.now(UTC) + timedelta(seconds=seconds)
    with ThreadPoolExecutor(AT_ONCE) as pool:
        signed = list(pool.map(lambda row: _signed(row, tenant=tenant, seconds=seconds), asked["files"]))
    return Response({"files": signed, "expires_at": expires.strftime("%Y-%m-%dT%H:%M:%SZ")})


def confirm(request: Request, rules: type[Put] = Put) -> Response:
    """Register what has arrived, file by file, and tell of each what became of it."""
    put, tenant = checked(rules, request)["files"], tenant_of(request)
    known = [row for row in put if row["file_key"].startswith(_prefix(tenant))]
    with ThreadPoolExecutor(AT_ONCE) as pool:
        arrived = dict(zip([row["file_key"] for row in known], pool.map(_arrived, known), strict=True))
    is_md5 = issubclass(rules, PutByMd5)
    faults = [_fault(row, arrived.get(row["file_key"], UNKNOWN), is_md5=is_md5) for row in put]
    with write_transaction():
        storage = bucket_storage(tenant) if not all(faults) else None
        results = [
            _refused(row, fault) if fault else _registered(row, tenant=tenant, storage=storage)
            for row, fault in zip(put, faults, strict=True)
        ]
    done = sum(result["success"] for result in results)
    return Response({"results": results, "created_count": done, "failed_count": len(results) - done})


def checked(rules: type[serializers.Serializer], request: Request) -> dict[str, Any]:
    """Return what the body says, or refuse it; without an object storage everything is refused."""
    if settings.SANDBOX_BUCKET is None:
        raise ValidationError({"detail": say("Presigned upload is not supported by this storage.")})
    said = rules(data=request.data)
    said.is_valid(raise_exception=True)
    return said.validated_data


def _prefix(tenant: Tenant) -> str:
    return f"tenants/{tenant.pk}/files/"


def _signed(row: Row, *, tenant: Tenant, seconds: int) -> dict[str, Any]:
    name = uuid.uuid4()
    suffix = PurePosixPath(row["filename"].replace("\\", "/")).suffix
    suffix = suffix if suffix.isascii() and len(suffix) <= LONGEST_SUFFIX else ""
    key = f"{_prefix(tenant)}{name.hex[:2]}/{name.hex[2:4]}/{name}{suffix}"
    facts = {"content_type": row["content_type"], "seconds": seconds}
    parts = address = None
    if objects.comes_in_parts(row["size"]):
        parts = objects.part_addresses(key, size=row["size"], **facts)
    else:
        address = objects.put_address(key, **facts)
    return {"filename": row["filename"], "file_key": key, "presigned_url": address, "multipart": parts}


def _arrived(row: Row) -> objects.Stored | str | None:
    """Put an object together if it came in parts; return it, None if it is not there, or what went wrong."""
    key, multipart = row["file_key"], row["multipart"]
    try:
        if multipart:
            etags = sorted((part["part_number"], part["etag"]) for part in multipart["parts"])
            objects.complete(key, upload=multipart["upload_id"], etags=etags)
    except objects.StoredWrongError as error:
        return str(error)
    return objects.stored_at(key)


def _fault(row: Row, arrived: objects.Stored | str | None, *, is_md5: bool) -> str | None:
    if arrived == UNKNOWN:
        return say("This file key was not given to this workspace.")
    if isinstance(arrived, str):
        return say("The parts cannot be put together (%(code)s).", code=arrived)
    if arrived is None:
        return say("There is no such object in the storage.")
    if arrived.size != row["size"]:
        return say(
            "The object has %(found)s bytes instead of %(size)s.", found=arrived.size, size=row["size"]
        )
    if is_md5 and arrived.md5 not in (None, row["checksum"]):
        return say("The object has another checksum.")
    return None


def _refused(row: Row, fault: str) -> dict[str, Any]:
    facts = {"file_key": row["file_key"], "checksum": row["checksum"]}
    return {**facts, "data_file_id": None, "success": False, "created": False, "error": fault}


def _registered(row: Row, *, tenant: Tenant, storage: Storage | None) -> dict[str, Any]:
    """Give an object a row, or the row that the same content has already; it may be asked for again."""
    known = DataFile.objects.filter(tenant=tenant, checksum=row["checksum"])
    stored, created = known.first(), False
    if stored is None:
        name, size = objects.MARK + row["file_key"], row["size"]
        facts = {"checksum": row["checksum"], "file": name, "size": size, "storage": storage}
        try:
            with write_transaction():
                stored, created = DataFile.objects.create(tenant=tenant, **facts), True
        except IntegrityError:
            stored = known.get()
    answer = {"file_key": row["file_key"], "checksum": row["checksum"], "data_file_id": stored.pk}
    return {**answer, "success": True, "created": created, "error": None}
