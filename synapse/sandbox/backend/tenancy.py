"""Keep workspaces apart: what belongs to another one does not exist."""

from __future__ import annotations

from typing import Any, TypeVar

from django.contrib.auth.models import User
from django.core.exceptions import ValidationError
from django.db.models import Model, Q, QuerySet
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
    own = Q(**{path: tenant})
    if getattr(rows.model, "SHARED", False):
        own |= Q(**{f"{path}__isnull": True})
    return rows.filter(own)


def get_or_404(source: type[M] | QuerySet[M], tenant: Tenant, **lookups: Any) -> M:
    """Return the one row of *source* that *tenant* may see and that matches, or answer 404."""
    try:
        return get_object_or_404(scoped(source, tenant), **lookups)
    except (ValueError, TypeError, OverflowError, ValidationError):
        # A key that cannot even be one, such as a word where a number belongs, names nothing.
        return get_object_or_404(scoped(source, tenant).none())
