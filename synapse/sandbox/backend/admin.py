"""Look at everything in a browser: every table, with its pictures and the columns and filters that help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import admin
from django.contrib.admin.actions import delete_selected
from django.contrib.admin.views.main import ChangeList
from django.db import models as db
from django.http import HttpRequest, HttpResponseBase
from django.utils.safestring import SafeString

from . import models, pictures
from .wording import spoken

admin.site.site_header = spoken("Synapse sandbox")
admin.site.site_title = spoken("Synapse sandbox")
admin.site.index_title = spoken("Everything in it")

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
    """Return the columns of *model* that people look things up by; what is about a unit, by its files."""
    names = ("name", "title", "code", "checksum", "filename", "path_original", "event", "version")
    unit = pictures.UNIT_AT.get(model)
    files = [] if unit is None else [f"{unit}__files__path_original".lstrip("_")]
    return [f.name for f in model._meta.fields if f.name in names] + files


def followed_of(model: Any) -> list[str]:
    """Return the relations of *model* that a row of its list shows by name."""
    return [name for name in columns_of(model) if model._meta.get_field(name).is_relation]


def links_of(model: Any) -> list[str]:
    """Return the relations of *model* that are too many for a drop-down."""
    return [f.name for f in (*model._meta.fields, *model._meta.many_to_many) if f.is_relation]


def name_in_korean(model: Any) -> None:
    """Have the table, its columns and their choices called as the language of each request has it."""
    meta = model._meta
    meta.verbose_name, meta.verbose_name_plural = spoken(meta.verbose_name), spoken(meta.verbose_name_plural)
    for field in (*meta.fields, *meta.many_to_many):
        field.verbose_name = spoken(field.verbose_name)
        if field.choices:
            field.choices = [(value, spoken(label)) for value, label in field.choices]


class PageOfUnits(ChangeList):
    """A page of rows about units, whose files are read together."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        pictures.load(self.model, list(self.result_list))


class Table(admin.ModelAdmin):  # type: ignore[type-arg]
    """The pages of one table."""

    list_per_page = 50
    show_full_result_count = False
    actions = ("delete_chosen",)

    @admin.action(permissions=["delete"], description=spoken("Delete the selected rows"))
    def delete_chosen(self, request: HttpRequest, chosen: Any) -> HttpResponseBase | None:
        """Delete rows as Django does, under a name that reads well in both languages."""
        return delete_selected(self, request, chosen)


class TableWithPictures(Table):
    """The pages of a table whose rows can be looked at."""

    class Media:
        css = {"all": ["sandbox/pictures.css"]}
        js = ("sandbox/pictures.js",)

    def get_changelist(self, request: HttpRequest, **options: Any) -> type[ChangeList]:
        return PageOfUnits if self.model in pictures.UNIT_AT else super().get_changelist(request, **options)

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        first, *rest = columns_of(self.model)
        return [first, "picture", *(["unit_name"] if self.model is models.DataUnit else []), *rest]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ["large_picture"] if obj else []

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[Any]:
        return sorted(super().get_fields(request, obj), key=lambda name: name != "large_picture")

    @admin.display(description=spoken("picture"))
    def picture(self, row: Any) -> SafeString:
        return self._show(row, large=False)

    @admin.display(description=spoken("picture"))
    def large_picture(self, row: Any) -> SafeString:
        return self._show(row, large=True)

    def _show(self, row: Any, *, large: bool) -> SafeString:
        show = pictures.of_file if self.model is models.DataFile else pictures.of_row
        return show(row, large=large)

    @admin.display(description=spoken("name"))
    def unit_name(self, row: models.DataUnit) -> str:
        return str(row)


for model in (getattr(models, name) for name in models.__all__):
    name_in_korean(model)
    has_pictures = model is models.DataFile or model in pictures.UNIT_AT
    made = type(
        f"{model.__name__}Admin",
        (TableWithPictures if has_pictures else Table,),
        {
            "list_display": columns_of(model),
            "list_filter": filters_of(model),
            "search_fields": searched_of(model),
            "raw_id_fields": links_of(model),
            "list_select_related": followed_of(model),
        },
    )
    admin.site.register(model, made)
admin.site.disable_action("delete_selected")
