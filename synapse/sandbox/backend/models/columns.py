"""Column types and vocabularies shared by the tables."""

from __future__ import annotations

import secrets

from typing import Any

from django.db import models
from django.utils import timezone


class Caution(models.TextChoices):
    """Warn about the content of a project or collection."""

    NONE = "", "none"
    SENSITIVE_CONTENT = "sensitive_content"


class AccessLevel(models.TextChoices):
    """Say who may see a project or collection."""

    PUBLIC = "public"
    PARTIALLY_PUBLIC = "partially_public"
    PRIVATE = "private"


class Split(models.TextChoices):
    """Name the part of a dataset a ground truth belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class FileType(models.TextChoices):
    """Name the kind of file a specification takes."""

    AUDIO = "audio"
    DATA = "data"
    IMAGE = "image"
    PCD = "pcd"
    TEXT = "text"
    VIDEO = "video"


def access_key() -> str:
    """Return a new access token."""
    return f"syn_{secrets.token_hex(20)}"


def agent_key() -> str:
    """Return a new agent token."""
    return secrets.token_hex(20)


def created() -> Any:
    """Return the column that holds the moment of creation and is what lists are ordered by."""
    return models.DateTimeField(default=timezone.now, db_index=True, editable=False)


def json_object() -> Any:
    """Return a JSON column that holds an object and may be left out."""
    return models.JSONField(default=dict, blank=True)


def json_list() -> Any:
    """Return a JSON column that holds an array and may be left out."""
    return models.JSONField(default=list, blank=True)


def text(length: int = 0, *, default: str = "") -> Any:
    """Return a text column that may be empty, unlimited unless *length* is given."""
    if length:
        return models.CharField(max_length=length, blank=True, default=default)
    return models.TextField(blank=True, default=default)
