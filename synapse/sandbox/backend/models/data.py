"""Files, the units made of them, and the collections that say what a unit is."""

from __future__ import annotations

import uuid

from pathlib import PurePosixPath

from django.conf import settings
from django.db import models
from drf_chunked_upload.models import AbstractChunkedUpload

from ..wording import say
from .accounts import Storage, Tenant
from .columns import AccessLevel, Caution, FileType, created, json_object, text


def data_file_path(instance: DataFile, filename: str) -> str:
    """Return a place of its own for a file, so that equal names never meet."""
    key = uuid.uuid4().hex
    return f"data_files/{key[:2]}/{key}/{filename}"


class DataCollection(models.Model):
    """A set of units that are all made of the same kinds of file."""

    class Category(models.TextChoices):
        """Name the medium of a collection."""

        IMAGE = "image"
        VIDEO = "video"
        AUDIO = "audio"
        TEXT = "text"
        PCD = "pcd"
        DATA = "data"

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="data_collections")
    name = models.CharField(max_length=100)
    description = text()
    category = models.CharField(
        max_length=20, choices=Category.choices, default=Category.IMAGE, db_index=True
    )
    meta = json_object()
    caution = models.CharField(max_length=20, choices=Caution.choices, blank=True, default="")
    access_level = models.CharField(max_length=20, choices=AccessLevel.choices, default=AccessLevel.PRIVATE)
    is_archived = models.BooleanField(default=False)
    created = created()

    def __str__(self) -> str:
        return self.name


class FileSpecification(models.Model):
    """One kind of file a unit of a collection has."""

    class FunctionType(models.TextChoices):
        """Say what a file is for inside its unit."""

        NONE = "", "none"
        MAIN = "main"
        SUB = "sub"
        META = "meta"

    TENANT_PATH = "data_collection__tenant"

    data_collection = models.ForeignKey(DataCollection, models.CASCADE, related_name="file_specifications")
    name = models.CharField(max_length=50)
    description = text()
    file_type = models.CharField(max_length=10, choices=FileType.choices)
    configuration = json_object()
    is_sequential = models.BooleanField(default=False)
    is_required = models.BooleanField(default=False)
    is_primary = models.BooleanField(default=False)
    function_type = models.CharField(max_length=10, choices=FunctionType.choices, blank=True, default="")
    index = models.PositiveIntegerField(default=1)

    class Meta:
        ordering = ("index", "id")
        constraints = [
            models.UniqueConstraint(fields=["data_collection", "name"], name="one_specification_per_name")
        ]

    def __str__(self) -> str:
        return self.name


class DataFile(models.Model):
    """One stored file, known by the checksum of its bytes."""

    class ProcessingStatus(models.TextChoices):
        """Say how far the platform is with a new file."""

        PENDING = "pending"
        PROCESSING = "processing"
        COMPLETED = "completed"
        FAILED = "failed"

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="data_files")
    checksum = models.CharField(max_length=128)
    file = models.FileField(upload_to=data_file_path, max_length=500, null=True, blank=True)
    size = models.BigIntegerField(null=True, blank=True)
    meta = json_object()
    storage = models.ForeignKey(Storage, models.SET_NULL, related_name="data_files", null=True, blank=True)
    processing_status = models.CharField(
        max_length=20, choices=ProcessingStatus.choices, default=ProcessingStatus.COMPLETED
    )
    created = created()
    modified = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["tenant", "checksum"], name="one_file_per_checksum")]

    def __str__(self) -> str:
        return self.checksum


class DataUnitGroup(models.Model):
    """A named folder of units, possibly inside another."""

    TENANT_PATH = "data_collection__tenant"

    data_collection = models.ForeignKey(DataCollection, models.CASCADE, related_name="groups")
    parent = models.ForeignKey("self", models.CASCADE, related_name="children", null=True, blank=True)
    name = models.CharField(max_length=200)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["data_collection", "parent", "name"],
                name="one_group_per_name",
                condition=models.Q(parent__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["data_collection", "name"],
                name="one_top_group_per_name",
                condition=models.Q(parent__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return self.name


class DataUnit(models.Model):
    """The files that are annotated together, and what is known about them."""

    TENANT_PATH = "data_collection__tenant"

    data_collection = models.ForeignKey(DataCollection, models.CASCADE, related_name="data_units")
    group = models.ForeignKey(
        DataUnitGroup, models.SET_NULL, related_name="data_units", null=True, blank=True
    )
    checksum = text(128)
    meta = json_object()
    can_generate_task = models.BooleanField(default=True)
    created = created()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["data_collection", "checksum"],
                name="one_unit_per_composition",
                condition=~models.Q(checksum=""),
            )
        ]

    def __str__(self) -> str:
        named = self.meta.get("origin_file_stem") if isinstance(self.meta, dict) else None
        files = [] if named or not self.pk else self.ordered_files()
        stem = named or PurePosixPath(files[0].path_original if files else "").stem
        return str(stem) or say("unit %(pk)s", pk=self.pk)

    def ordered_files(self) -> list[DataUnitFile]:
        """Return the files of the unit, the primary one first, from what was prefetched if it was."""
        files = self.files.all()
        return sorted(files, key=lambda f: (not f.specification.is_primary, f.specification.index, f.pk))


class DataUnitFile(models.Model):
    """The place of one file inside one unit."""

    TENANT_PATH = "data_unit__data_collection__tenant"

    data_unit = models.ForeignKey(DataUnit, models.CASCADE, related_name="files")
    specification = models.ForeignKey(FileSpecification, models.CASCADE, related_name="unit_files")
    data_file = models.ForeignKey(DataFile, models.PROTECT, related_name="unit_files")
    path_original = text(1000)
    meta = json_object()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["data_unit", "specification"], name="one_file_per_specification")
        ]

    def __str__(self) -> str:
        return self.path_original


class ChunkedUpload(AbstractChunkedUpload):
    """A file on its way in, piece by piece."""

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="chunked_uploads")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.CASCADE, related_name="chunked_uploads", null=True, blank=True
    )
    total = models.BigIntegerField(null=True, blank=True, editable=False)
    checksum_md5 = text(32)

    def __str__(self) -> str:
        return self.filename
