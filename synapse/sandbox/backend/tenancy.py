"""Keep workspaces apart: what belongs to another one does not exist."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Exists, Model, OuterRef, Q, QuerySet
from django.shortcuts import get_object_or_404
from rest_framework.request import Request

from .models import Tenant

M = TypeVar("M", bound=Model)


def tenant_of(request: Request) -> Tenant:
    """Return the workspace that *request* speaks for."""
    return request.auth.tenant


def scoped(source: type[M] | QuerySet[M], tenant: Tenant) -> QuerySet[M]:
    """Return the rows of *source* that *tenant* may see: its own, and those shared by all."""
    rows = source if isinstance(source, QuerySet) else source._default_manager.all()
    if issubclass(rows.model, User):
        return rows.filter(tenants=tenant)
    path = rows.model.TENANT_PATH
    first, _step, rest = path.partition("__")
    if not rest:
        return rows.filter(_visible(rows.model, path, tenant))
    # A join would make SQLite read all rows of the workspace to sort them; asked about row by row, it walks
    # the index that the list is ordered by and stops at the end of the page.
    owner = rows.model._meta.get_field(first).related_model
    owners = owner._default_manager.filter(_visible(rows.model, rest, tenant), pk=OuterRef(f"{first}_id"))
    return rows.filter(Exists(owners))


def _visible(model: type[Model], path: str, tenant: Tenant) -> Q:
    own = Q(**{path: tenant})
    return own | Q(**{f"{path}__isnull": True}) if getattr(model, "SHARED", False) else own


def get_or_404(rows: QuerySet[M], **lookups: Any) -> M:
    """Return the one of *rows* that matches, or answer 404."""
    try:
        return get_object_or_404(rows, **lookups)
    except (ValueError, TypeError, OverflowError, ValidationError):
        # A key that cannot even be one, such as a word where a number belongs, names nothing.
        return get_object_or_404(rows.none())
