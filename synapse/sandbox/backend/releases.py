"""Publish plugin releases and models, with the archives that come along."""

from __future__ import annotations

import json
import re
import uuid

from collections.abc import Mapping
from typing import Any, Final

from django.core.files.uploadedfile import UploadedFile
from django.db import IntegrityError
from django.db.models import QuerySet
from django.http import Http404
from django.shortcuts import get_object_or_404
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import storedfiles
from .datafiles import completed_upload, receive_upload
from .models import Model, Plugin, PluginRelease, Project, Tenant
from .representation import represent
from .tenancy import scoped, tenant_of
from .transactions import write_transaction

REQUIRED: Final = "This field is required."
TRUE: Final = frozenset({"true", "1", "yes", "on"})
VERSION: Final = re.compile(r"[^/\s@]{1,100}")


def find_release(queryset: QuerySet[PluginRelease], lookup: str) -> PluginRelease:
    """Find a release by its key or as `code@version`."""
    code, at, version = lookup.rpartition("@")
    if at:
        return get_object_or_404(queryset, plugin__code=code, version=version)
    if not is_key(lookup):
        raise Http404
    return get_object_or_404(queryset, pk=lookup)


def create_release(request: Request) -> Response:
    """Publish a version; with `debug`, one that exists is replaced."""
    sent = fields_of(request)
    plugin, values = read_release(sent, tenant=tenant_of(request))
    existing = PluginRelease.objects.filter(plugin=plugin, version=values["version"]).first()
    if existing is not None and not values["debug"]:
        raise already_published(values["version"])
    archive = sent.get("file")
    if isinstance(archive, UploadedFile):
        values["file"] = store_archive(archive, folder="plugin_releases")
    release = _save_release(existing, plugin=plugin, values=values)
    code = status.HTTP_201_CREATED if existing is None else status.HTTP_200_OK
    return Response(represent(release, request), status=code)


def create_model(request: Request) -> Response:
    """Register a model whose archive is a completed chunked upload or a multipart part."""
    sent = fields_of(request)
    values = read_model(sent, tenant=tenant_of(request))
    if sent.get("chunked_upload") not in (None, ""):
        upload = completed_upload(request, sent["chunked_upload"])
        place = f"models/{uuid.uuid4().hex}/{storedfiles.safe_name(upload.filename)}"
        values["file"] = storedfiles.place(receive_upload(upload), place)
    elif isinstance(sent.get("file"), UploadedFile):
        values["file"] = store_archive(sent["file"], folder="models")
    with write_transaction():
        model = Model.objects.create(**values)
    return Response(represent(model, request), status=status.HTTP_201_CREATED)


def is_key(text: str) -> bool:
    """Tell whether a text can be an integer key."""
    return text.isascii() and text.isdigit() and len(text) < 19


def fields_of(request: Request) -> Mapping[str, Any]:
    """Return the body's fields; a body that is no object is refused."""
    if not isinstance(request.data, dict):
        raise ValidationError({"non_field_errors": ["Invalid data. Expected an object."]})
    return request.data


def store_archive(archive: UploadedFile, *, folder: str) -> str:
    """Stream an archive to disk and return its place."""
    received = storedfiles.receive(archive.chunks())
    return storedfiles.place(
        received, f"{folder}/{uuid.uuid4().hex}/{storedfiles.safe_name(archive.name or 'file')}"
    )


def read_release(sent: Mapping[str, Any], *, tenant: Tenant) -> tuple[Plugin, dict[str, Any]]:
    """Check a release's fields, written as JSON or as the text of a form."""
    errors: dict[str, list[str]] = {}
    plugin = find_plugin(sent.get("plugin"), tenant=tenant)
    if plugin is None:
        asked = sent.get("plugin")
        errors["plugin"] = [REQUIRED if asked in (None, "") else f'Plugin "{asked}" does not exist.']
    version = str(sent.get("version") or "")
    if not VERSION.fullmatch(version):
        errors["version"] = [REQUIRED if not version else "Enter a version without spaces, slashes and @."]
    config = _decoded(sent.get("config"), default={})
    if not isinstance(config, dict):
        errors["config"] = ["Expected a JSON object."]
    if errors or plugin is None:
        raise ValidationError(errors)
    return plugin, {
        "version": version,
        "config": config,
        "requirements": _requirements(sent),
        "debug": str(sent.get("debug", "")).lower() in TRUE,
        "readme": str(sent.get("readme") or sent.get("changelog") or ""),
    }


def find_plugin(key: Any, *, tenant: Tenant) -> Plugin | None:
    """Find a plugin of the tenant, or one shared by all, by code or key."""
    text = "" if isinstance(key, bool) else str(key if key is not None else "")
    visible = scoped(Plugin, tenant)
    found = visible.filter(code=text).first()
    return visible.filter(pk=text).first() if found is None and is_key(text) else found


def already_published(version: str) -> ValidationError:
    """Build the refusal of a duplicate, in the words that clients look for."""
    text = f"Release {version} already exists. (버전 {version}은/는 이미 존재합니다.)"
    return ValidationError({"version": [text]}, code="version_exists")


def _save_release(existing: PluginRelease | None, *, plugin: Plugin, values: dict[str, Any]) -> PluginRelease:
    if existing is None:
        try:
            with write_transaction():
                return PluginRelease.objects.create(plugin=plugin, **values)
        except IntegrityError as error:
            raise already_published(values["version"]) from error
    for name, value in values.items():
        setattr(existing, name, value)
    with write_transaction():
        existing.save()
    return existing


def _decoded(value: Any, *, default: Any) -> Any:
    if value in (None, ""):
        return default
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        return value


def _requirements(sent: Mapping[str, Any]) -> list[str]:
    repeated = sent.getlist("requirements") if hasattr(sent, "getlist") else sent.get("requirements")
    given = repeated if isinstance(repeated, list) else [repeated] if repeated else []
    return [str(requirement) for requirement in given]


def read_model(sent: Mapping[str, Any], *, tenant: Tenant) -> dict[str, Any]:
    """Check a model's fields and resolve the plugin, parent and project that it names."""
    name = str(sent.get("name") or "").strip()
    errors: dict[str, list[str]] = {}
    if not name:
        errors["name"] = [REQUIRED]
    elif len(name) > 200:
        errors["name"] = ["Ensure this field has no more than 200 characters."]
    configuration = _decoded(sent.get("configuration"), default={})
    if not isinstance(configuration, dict):
        errors["configuration"] = ["Expected a JSON object."]
    plugin = find_plugin(sent.get("plugin"), tenant=tenant) if sent.get("plugin") else None
    if sent.get("plugin") and plugin is None:
        errors["plugin"] = [f'Plugin "{sent["plugin"]}" does not exist.']
    parent_name = "checkpoint" if "checkpoint" in sent else "parent"
    parent = _related(Model, sent, name=parent_name, tenant=tenant, errors=errors)
    project = _related(Project, sent, name="project", tenant=tenant, errors=errors)
    if errors:
        raise ValidationError(errors)
    values = {
        "tenant": tenant,
        "name": name,
        "configuration": configuration,
        "parent": parent,
        "project": project,
    }
    texts = {key: str(sent[key]) for key in ("description", "category", "version") if sent.get(key)}
    return values | texts | {"neural_net": _release_of(plugin, sent.get("version")) if plugin else None}


def _related(
    model: type[Model] | type[Project],
    sent: Mapping[str, Any],
    *,
    name: str,
    tenant: Tenant,
    errors: dict[str, list[str]],
) -> Any:
    key = sent.get(name)
    if key in (None, ""):
        return None
    found = model.objects.filter(tenant=tenant, pk=key).first() if is_key(str(key)) else None
    if found is None:
        errors[name] = [f'Invalid pk "{key}" - object does not exist.']
    return found


def _release_of(plugin: Plugin, version: Any) -> PluginRelease | None:
    releases = plugin.releases.order_by("-pk")
    return releases.filter(version=version).first() or releases.first()
