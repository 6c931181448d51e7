"""Publish plugin releases and models, with the archives that come along."""

from __future__ import annotations

import uuid

from typing import Any

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError
from django.db.models import JSONField, QuerySet
from django.http import Http404, QueryDict
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import storedfiles
from .datafiles import completed_upload, receive_upload
from .models import Model, Plugin, PluginRelease
from .parsing import read_json
from .representation import represent
from .serializers_plugins import NewModelSerializer, NewReleaseSerializer, is_key
from .tenancy import tenant_of
from .transactions import write_transaction
from .wording import say


def find_release(queryset: QuerySet[PluginRelease], lookup: str) -> PluginRelease:
    """Find a release by its key or as `code@version`."""
    code, at, version = lookup.rpartition("@")
    if at:
        return get_object_or_404(queryset, plugin__code=code, version=version)
    if not is_key(lookup):
        raise Http404
    return get_object_or_404(queryset, pk=lookup)


def create_release(request: Request) -> Response:
    """Publish a version; with `debug`, one that exists is changed."""
    sent = fields_of(request, PluginRelease)
    checked = NewReleaseSerializer(data=sent, context={"tenant": tenant_of(request)})
    checked.is_valid(raise_exception=True)
    values = checked.validated_data
    plugin, version = values["plugin"], values["version"]
    if plugin.tenant_id is None:
        raise PermissionDenied(say("This object belongs to the platform."))
    existing = PluginRelease.objects.filter(plugin=plugin, version=version).first()
    if existing is not None and not values.get("debug"):
        raise already_published(version)
    archive = sent.get("file")
    if isinstance(archive, UploadedFile):
        values["file"] = store_archive(archive, folder="plugin_releases")
    try:
        with write_transaction():
            release = checked.update(existing, values) if existing else checked.create(values)
    except IntegrityError as error:
        raise already_published(version) from error
    code = status.HTTP_200_OK if existing else status.HTTP_201_CREATED
    return Response(represent(release, request), status=code)


def create_model(request: Request) -> Response:
    """Register a model and answer it."""
    return Response(represent(register_model(request), request), status=status.HTTP_201_CREATED)


def register_model(request: Request) -> Model:
    """Make a model, whose archive is a completed chunked upload or a multipart part."""
    tenant, sent = tenant_of(request), fields_of(request, Model)
    checked = NewModelSerializer(data=sent, context={"tenant": tenant})
    checked.is_valid(raise_exception=True)
    values = {"tenant": tenant, **checked.validated_data}
    plugin = values.pop("plugin", None)
    if plugin is not None:
        values.setdefault("neural_net", _release_of(plugin, values.get("version")))
    if "chunked_upload" in sent:
        upload = completed_upload(request, sent["chunked_upload"])
        place = f"models/{uuid.uuid4().hex}/{storedfiles.safe_name(upload.filename)}"
        values["file"] = storedfiles.place(receive_upload(upload), place)
    elif isinstance(sent.get("file"), UploadedFile):
        values["file"] = store_archive(sent["file"], folder="models")
    with write_transaction():
        return Model.objects.create(**values)


def fields_of(request: Request, model: Any) -> dict[str, Any]:
    """Return what the body gives for *model*: a form's texts as what they stand for, nothing for empty ones."""
    sent = request.data
    if not isinstance(sent, dict):
        raise ValidationError({"non_field_errors": [say("Expected an object.")]})
    if isinstance(sent, QueryDict):
        sent = {name: values if len(values) > 1 else values[0] for name, values in sent.lists()}
    given = {name: value for name, value in sent.items() if value not in (None, "")}
    if isinstance(given.get("requirements"), str):
        given["requirements"] = [given["requirements"]]
    objects = {column.name for column in model._meta.fields if isinstance(column, JSONField)}
    return {name: _decoded(value) if name in objects else value for name, value in given.items()}


def store_archive(archive: UploadedFile, *, folder: str) -> str:
    """Stream an archive to disk and return its place."""
    name = storedfiles.safe_name(archive.name or "file")
    return storedfiles.place(storedfiles.receive(archive.chunks()), f"{folder}/{uuid.uuid4().hex}/{name}")


def already_published(version: str) -> ValidationError:
    """Build the refusal of a duplicate, in the words that clients look for."""
    text = f"Release {version} already exists. (버전 {version}은/는 이미 존재합니다.)"
    return ValidationError({"version": [text]}, code="version_exists")


def _decoded(value: Any) -> Any:
    try:
        return read_json(value) if isinstance(value, str) else value
    except ValueError:
        return value


def _release_of(plugin: Plugin, version: Any) -> PluginRelease | None:
    releases = plugin.releases.order_by("-pk")
    return releases.filter(version=version).first() or releases.first()
