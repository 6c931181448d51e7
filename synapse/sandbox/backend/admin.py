"""Look at everything in a browser: every table, with the columns and filters that help."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db import models as db

from . import models

admin.site.site_header = "Synapse sandbox"
admin.site.site_title = "Synapse sandbox"
admin.site.index_title = "Everything in it"

HIDDEN = {models.AccessToken: ("key",), models.Agent: ("token",), models.Storage: ("configuration",)}


def columns_of(model: Any) -> list[str]:
    """Return the columns worth a place in a list of *model*: the short ones."""
    long = (db.JSONField, db.TextField)
    hidden = HIDDEN.get(model, ())
    return [f.name for f in model._meta.fields if not isinstance(f, long) and f.name not in hidden][:9]


def filters_of(model: Any) -> list[str]:
    """Return the columns of *model* that take few values."""
    few = [f.name for f in model._meta.fields if f.choices or isinstance(f, db.BooleanField)]
    owners = [f.name for f in model._meta.fields if f.name in ("tenant", "project", "data_collection")]
    return few + owners


def searched_of(model: Any) -> list[str]:
    """Return the columns of *model* that people look things up by."""
    names = ("name", "title", "code", "checksum", "filename", "path_original", "event", "version")
    return [f.name for f in model._meta.fields if f.name in names]


def followed_of(model: Any) -> list[str]:
    """Return the relations of *model* that a row of its list shows by name."""
    return [name for name in columns_of(model) if model._meta.get_field(name).is_relation]


def links_of(model: Any) -> list[str]:
    """Return the relations of *model* that are too many for a drop-down."""
    return [f.name for f in (*model._meta.fields, *model._meta.many_to_many) if f.is_relation]


for model in (getattr(models, name) for name in models.__all__):
    made = type(
        f"{model.__name__}Admin",
        (admin.ModelAdmin,),
        {
            "list_display": columns_of(model),
            "list_filter": filters_of(model),
            "search_fields": searched_of(model),
            "raw_id_fields": links_of(model),
            "list_select_related": followed_of(model),
            "list_per_page": 50,
            "show_full_result_count": False,
        },
    )
    admin.site.register(model, made)
