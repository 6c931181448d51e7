"""The grammar that every entity's addresses share: lists, single rows, and writing."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.db.models import QuerySet
from django_filters.rest_framework import DjangoFilterBackend
from rest_framework import status
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.filters import SearchFilter
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from .flexfields import Shape
from .pagination import Cursors, PageNumbers
from .representation import FACES, read_all, represent
from .tenancy import get_or_404, scoped, tenant_of
from .transactions import write_transaction
from .wording import say

# SQLite takes no expression that is deeper than 1000.
MOST_TERMS: Final = 500
# Nor a pattern that is longer than 50,000 bytes.
LONGEST_TERM: Final = 8_000


class Search(SearchFilter):
    """Search as Django REST framework does, each term once."""

    def get_search_terms(self, request: Request) -> list[str]:
        terms = list(dict.fromkeys(super().get_search_terms(request)))
        if len(terms) > MOST_TERMS:
            raise ValidationError({"search": [say("There are more than %(most)s of them.", most=MOST_TERMS)]})
        if any(len(term) > LONGEST_TERM for term in terms):
            raise ValidationError(
                {"search": [say("Expected at most %(most)s characters.", most=LONGEST_TERM)]}
            )
        return terms


class Lists(GenericViewSet):
    """Answer pages of one kind of row, filtered, ordered and shaped as asked."""

    face: ClassVar[str]
    filterset_class: ClassVar[Any] = None
    default_ordering: ClassVar[tuple[str, ...]] = ("pk",)
    orderable: ClassVar[dict[str, str]] = {"id": "pk", "created": "created"}
    search_fields: ClassVar[tuple[str, ...]] = ()
    cursors: ClassVar[bool] = False
    lookup_value_regex = "[^/]+"

    def get_queryset(self) -> QuerySet[Any]:
        return scoped(FACES[self.face].model, tenant_of(self.request))

    def list(self, request: Request) -> Response:
        return self.page(request, face=self.face)

    def page(self, request: Request, *, face: str) -> Response:
        """Answer one page of the rows that *request* selects, as *face* shows them."""
        shape, chosen = Shape.of(request.query_params), FACES[face]
        rows = self.selected(request).order_by(*self.ordering_of(request, default=self.default_ordering))
        wants_cursor = self.cursors and request.query_params.get("pagination") == "cursor"
        pages = Cursors() if wants_cursor else PageNumbers()
        loaded = pages.paginate_queryset(chosen.plan(shape).apply(rows), request, view=self)
        return pages.get_paginated_response(read_all(loaded or (), request, face=chosen, shape=shape))

    def selected(self, request: Request) -> QuerySet[Any]:
        """Return the rows that the filters and the search of *request* leave."""
        rows = self.get_queryset()
        if self.filterset_class is not None:
            rows = DjangoFilterBackend().filter_queryset(request, rows, self)
        return Search().filter_queryset(request, rows, self)

    def ordering_of(self, request: Request, *, default: tuple[str, ...]) -> list[str]:
        """Return what to order by: the known names asked for, always down to the single row."""
        asked = request.query_params.get("ordering", "").split(",")
        pairs = [(name.strip().startswith("-"), name.strip().removeprefix("-")) for name in asked]
        known = [f"{'-' * down}{self.orderable[name]}" for down, name in pairs if name in self.orderable]
        chosen = known or list(default)
        if "pk" in (name.lstrip("-") for name in chosen):
            return chosen
        return [*chosen, "-pk" if chosen[0].startswith("-") else "pk"]


class Reads(Lists):
    """Answer single rows too."""

    def retrieve(self, request: Request, pk: str) -> Response:
        return self.row(request, pk, face=self.face)

    def row(self, request: Request, pk: str, *, face: str) -> Response:
        """Answer the row that *pk* names, as *face* shows it."""
        shape, chosen = Shape.of(request.query_params), FACES[face]
        found = self.find(pk, chosen.plan(shape).apply(self.get_queryset()))
        return Response(read_all([found], request, face=chosen, shape=shape)[0])

    def find(self, pk: str, rows: QuerySet[Any] | None = None) -> Any:
        """Return the row of *rows*, by default of all that may be seen, that *pk* names."""
        source = self.get_queryset() if rows is None else rows
        if not isinstance(pk, str) or "\0" in pk:
            pk = ""
        return get_or_404(source, pk=pk)


class Changes(Reads):
    """Take changes to rows, each written with what it names and nothing else."""

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "tenant": tenant_of(self.request)}

    @write_transaction()
    def update(self, request: Request, pk: str, **_options: Any) -> Response:
        row = self.find(pk, self.get_queryset().select_for_update(of=("self",)))
        self.refuse_shared(row)
        checked = self.get_serializer(row, data=request.data, partial=True)
        checked.is_valid(raise_exception=True)
        return Response(represent(checked.save(), request, face=self.face))

    partial_update = update

    @write_transaction()
    def destroy(self, request: Request, pk: str) -> Response:
        row = self.find(pk)
        self.refuse_shared(row)
        row.delete()
        return Response(status=status.HTTP_204_NO_CONTENT)

    def refuse_shared(self, row: Any) -> None:
        """Keep a workspace from changing what belongs to all."""
        if getattr(row, "tenant_id", row.pk) is None:
            raise PermissionDenied(say("This object belongs to the platform."))


class Entities(Changes):
    """Take new rows as well."""

    takes_lists: ClassVar[bool] = False

    @write_transaction()
    def create(self, request: Request) -> Response:
        many = self.takes_lists and isinstance(request.data, list)
        made = self.store(request.data, many=many)
        return Response(represent(made, request, face=self.face), status=status.HTTP_201_CREATED)

    def store(self, data: Any, *, many: bool) -> Any:
        """Check *data* and write it: one row, or a list of them, all or none."""
        checked = self.get_serializer(data=data, many=many)
        checked.is_valid(raise_exception=True)
        return checked.save(**self.owner())

    def owner(self) -> dict[str, Any]:
        """Return the columns that say whose a new row is."""
        names = {column.name for column in FACES[self.face].model._meta.fields}
        return {"tenant": tenant_of(self.request)} if "tenant" in names else {}
