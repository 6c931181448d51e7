"""The grammar that the addresses below `/v2/` share: lists by cursor, single rows, and writing."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs, urlsplit

from django.conf import settings
from django.db import models as db
from django.db.models import QuerySet
from django_filters import filterset
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import filters, pagination
from ..flexfields import Shape
from ..representation import Column, Face, Opening, computed, read_all
from ..serializers import EntitySerializer
from ..tenancy import get_or_404, scoped, tenant_of
from ..transactions import write_transaction
from ..wording import say
from .envelope import Enveloped

NEWEST: Final = "-created"
REQUIRED: Final = "*"


class Cursors(pagination.Cursors):
    """Page by cursors, which are told as bare tokens or as addresses."""

    page_size_query_param = "per_page"
    max_page_size = 200
    # Rows that were made at once share a position; cut off, their number would make a page come for ever.
    offset_cutoff = None

    def __init__(self) -> None:
        self.page_size = 50

    def encode_cursor(self, cursor: Any) -> str:
        address = super().encode_cursor(cursor)
        is_address = settings.SANDBOX_V2.cursors == "url"
        return address if is_address else parse_qs(urlsplit(address).query)[self.cursor_query_param][0]

    def get_ordering(self, request: Request, queryset: QuerySet[Any], view: Any) -> tuple[str, ...]:
        return view.order_of(request)

    @property
    def told(self) -> dict[str, Any]:
        """What an answer says about its page."""
        links = {"next_cursor": self.get_next_link(), "previous_cursor": self.get_previous_link()}
        return {**links, "per_page": self.page_size}


@dataclass(frozen=True, slots=True)
class Shown:
    """How rows of *model* are shown: by the keys *listed*, and with *more* by their own address; `-key` is not there.

    *columns* are read in ways of their own, some of them off the JSON columns that *reads* names.
    """

    model: type[db.Model]
    listed: str
    more: str = ""
    reads: str = ""
    columns: Mapping[str, Column] = field(default_factory=dict)

    def face(self, keys: Iterable[str]) -> Face:
        """Return the face of *keys*."""
        return Face(
            self.model,
            " ".join(keys),
            computed=self.columns,
            opens={name: Opening(always=False) for name in self.reads.split()},
        )

    def in_lists(self) -> Face:
        """Return the face of a row among others."""
        return self.face(self.listed.split())

    def alone(self) -> Face:
        """Return the face of a row by itself."""
        keys = f"{self.listed} {self.more}".split()
        hidden = {key.removeprefix("-") for key in keys if key.startswith("-")}
        return self.face(key for key in keys if key.removeprefix("-") not in hidden)


class Rows(Enveloped):
    """Answer lists, whose rows are slim, and single rows.

    Rows below a *parent*, a relation of theirs, have its key in their address.
    """

    shows: ClassVar[Shown]
    listed: ClassVar[Face]
    whole: ClassVar[Face]
    filterset_class: ClassVar[Any] = None
    sorts: ClassVar[dict[str, str]] = {"created": "created"}
    default_sort: ClassVar[str] = NEWEST
    parent: ClassVar[str] = ""

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "shows" in cls.__dict__:
            cls.listed, cls.whole = cls.shows.in_lists(), cls.shows.alone()

    def above(self) -> Any:
        """Return the row that the address names as the parent."""
        column = self.whole.model._meta.get_field(self.parent)
        rows = scoped(column.related_model, tenant_of(self.request))
        return get_or_404(rows, pk=self.kwargs["parent"])

    def get_queryset(self) -> QuerySet[Any]:
        rows = scoped(self.whole.model, tenant_of(self.request))
        return rows.filter(**{self.parent: self.above()}) if "parent" in self.kwargs else rows

    def list(self, request: Request, **_parent: str) -> Response:
        return self.page(request, self.get_queryset())

    def page(self, request: Request, rows: QuerySet[Any]) -> Response:
        """Answer one page of those of *rows* that the request selects; what it does not know it ignores."""
        names = [name.strip() for name in request.query_params.get("fields", "").split(",") if name.strip()]
        shape = Shape(fields=dict.fromkeys(names, {}))
        chosen = self.listed.plan(shape).apply(self.selected(request, rows))
        pages = Cursors()
        loaded = pages.paginate_queryset(chosen, request, view=self)
        self.pagination = pages.told
        return Response(read_all(loaded, request, face=self.listed, shape=shape))

    def selected(self, request: Request, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return those of *rows* that the filters leave."""
        if self.filterset_class is None:
            return rows
        return DjangoFilterBackend().filter_queryset(request, rows, self)

    def order_of(self, request: Request) -> tuple[str, ...]:
        """Return what to order by: the known names asked for, always down to the single row."""
        asked = [name.strip() for name in request.query_params.get("sort", "").split(",")]
        known = [name for name in asked if name.removeprefix("-") in self.sorts] or [self.default_sort]
        chosen = [
            "-" * name.startswith("-") + self.sorts.get(name.removeprefix("-"), name.removeprefix("-"))
            for name in known
        ]
        if "pk" in (name.removeprefix("-") for name in chosen):
            return tuple(chosen)
        return (*chosen, "-pk" if chosen[0].startswith("-") else "pk")

    def retrieve(self, request: Request, pk: str, **_parent: str) -> Response:
        return Response(self.shown(self.find(pk)))

    def find(self, pk: str, *, to_change: bool = False) -> Any:
        """Return the row of those that may be seen that *pk* names."""
        rows = self.get_queryset()
        return get_or_404(rows.select_for_update(of=("self",)) if to_change else rows, pk=pk)

    def shown(self, row: Any) -> dict[str, Any]:
        """Return the whole of *row*, as its own address answers it."""
        self.whole.plan(Shape()).fill([row])
        return read_all([row], self.request, face=self.whole, shape=Shape())[0]


class Creates(Rows):
    """Take new rows."""

    @write_transaction()
    def create(self, request: Request, **_parent: str) -> Response:
        checked = self.get_serializer(data=request.data)
        checked.is_valid(raise_exception=True)
        return Response(self.shown(checked.save(**self.owner())), status=status.HTTP_201_CREATED)

    def owner(self) -> dict[str, Any]:
        """Return the columns that say whose a new row is."""
        if "parent" in self.kwargs:
            return {self.parent: self.above()}
        names = {column.name for column in self.whole.model._meta.fields}
        return {"tenant": tenant_of(self.request)} if "tenant" in names else {}


class Changes(Rows):
    """Take changes; of what only a new row takes, *fixed* is ignored there, and *frozen* refused."""

    fixed: ClassVar[tuple[str, ...]] = ()
    frozen: ClassVar[tuple[str, ...]] = ()

    def partial_update(self, request: Request, pk: str, **_parent: str) -> Response:
        return self.change(request, pk, partial=True)

    @write_transaction()
    def change(self, request: Request, pk: str, *, partial: bool) -> Response:
        """Write what the request names of one row."""
        row = self.find(pk, to_change=True)
        refuse_shared(row)
        body = request.data
        if isinstance(body, dict):
            if faults := {
                name: [say("This field cannot be changed.")] for name in self.frozen if name in body
            }:
                raise ValidationError(faults)
            body = body.copy()
            for name in self.fixed:
                body.pop(name, None)
        checked = self.get_serializer(row, data=body, partial=partial)
        checked.is_valid(raise_exception=True)
        return Response(self.shown(checked.save()))


class Replaces(Changes):
    """Take whole rows for those that are there as well."""

    def update(self, request: Request, pk: str, **_parent: str) -> Response:
        return self.change(request, pk, partial=False)


class Removes(Rows):
    """Take rows away."""

    @write_transaction()
    def destroy(self, request: Request, pk: str, **_parent: str) -> Response:
        row = self.find(pk)
        refuse_shared(row)
        row.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)


def refuse_shared(row: Any) -> None:
    """Keep a workspace from changing what belongs to all."""
    if getattr(row, "tenant_id", row.pk) is None:
        raise PermissionDenied(say("This object belongs to the platform."))


def display(name: str) -> Column:
    """Read the words of the choice *name*."""
    return computed(lambda row: getattr(row, f"get_{name}_display")())


def body_of(model: Any, names: str, base: type[Any] = EntitySerializer) -> type[EntitySerializer]:
    """Return the serializer that takes *names* of *model*; those with a `*` are required despite a default."""
    fields = [name.removesuffix(REQUIRED) for name in names.split()]
    required = [name.removesuffix(REQUIRED) for name in names.split() if name.endswith(REQUIRED)]
    inherited = getattr(getattr(base, "Meta", None), "extra_kwargs", {})
    options = {name: {**inherited.get(name, {}), "required": True} for name in required}
    shared = {"model": model, "fields": tuple(fields), "extra_kwargs": {**inherited, **options}}
    meta = type("Meta", (getattr(base, "Meta", object),), shared)
    return type(f"{model.__name__}Body", (base,), {"Meta": meta, "__module__": __name__})


def filters_of(
    source: type[filterset.FilterSet], names: str, /, **declared: Any
) -> type[filterset.FilterSet]:
    """Return a filter set with *names* of *source*, and what is *declared*."""
    chosen = {name: source.base_filters[name] for name in names.split()}
    return filters.build(source.__name__, **chosen, **declared)
