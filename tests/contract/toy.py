"""A second API generation, as unlike wire v1 as one can be: the proof that only the dialects know which it is.

Its answers lie in envelopes, its lists are chains of pages that nobody counts, its names are its own, it takes one
object at a time, and hardly anything can be asked of it.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, ClassVar, Final

import attrs

from synapse.dialects import Credentials, Found, Place, Refusal, Reply, Request, Traits, json_rows
from synapse.dialects.refusals import flatten
from synapse.dialects.wire import encode, segment
from synapse.errors import QueryError, TransportError, WriteUnconfirmedError
from synapse.mapping.schema import Schema
from synapse.masking import outline
from synapse.query import Catalog, Condition, In, Query
from synapse.query.catalog import spell
from synapse.query.lookups import Lookup


@attrs.frozen
class Shelf:
    """One entity: its path, the names of its fields where they are other ones, and the query key of each filter."""

    path: str
    names: Mapping[str, str]
    filters: Mapping[str, str] = attrs.field(factory=dict)


_KEY: Final = {"id": "key"}
SHELVES: Final = {
    "tasks": Shelf(
        "work",
        {**_KEY, "project_id": "board", "data_unit_id": "asset", "is_discarded": "dropped", "meta": "notes"},
        {"project": "board", "data_unit": "asset", "id__in": "keys", "is_discarded": "dropped"},
    ),
    "projects": Shelf("boards", {**_KEY, "data_collection_id": "stock"}, {"data_collection": "stock"}),
    "task_tags": Shelf("labels", {**_KEY, "project_id": "board", "meta": "notes"}, {"project": "board"}),
    "assignments": Shelf("shares", {**_KEY, "task_id": "work", "project_id": "board"}, {"tasks__in": "work"}),
    "data_units": Shelf(
        "assets", {**_KEY, "data_collection_id": "stock", "meta": "notes"}, {"data_collection": "stock"}
    ),
    "data_collections": Shelf("stocks", _KEY),
}


class NoVerbs:
    """The verbs and uploads of an API that has none."""

    def __getattr__(self, name: str) -> Any:
        raise QueryError(f"the toy API has no {name}; nothing was sent")


@attrs.frozen
class Toy:
    """The toy API."""

    name: ClassVar[str] = "toy"

    @property
    def actions(self) -> Any:
        """None yet."""
        return NoVerbs()

    uploads = actions

    def table(self, schema: Schema, catalog: Catalog) -> ToyTable:
        """Give one entity."""
        return _table(schema, catalog)

    def headers(self, credentials: Credentials) -> dict[str, str]:
        """Give the one header that it knows."""
        return {"Authorization": f"Bearer {credentials.api_token}"}

    def refusal(self, status: int, *, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read a refusal out of its envelope."""
        said = body.get("error") if isinstance(body, dict) else None
        if not isinstance(said, dict):
            return Refusal(str(body))
        return Refusal(
            str(said.get("message")), flatten(said.get("fields")), headers.get("X-Trace"), said.get("code")
        )

    def is_own(self, body: Any) -> bool:
        """Whether a refusal is the toy's own."""
        return isinstance(body, dict) and "error" in body

    def unwrap(self, reply: Reply) -> Any:
        """Take an answer out of its envelope."""
        if not isinstance(reply.data, dict) or "data" not in reply.data:
            raise TransportError(f"expected an envelope, got {outline(reply.data)}", status_code=reply.status)
        return reply.data["data"]


@cache
def _table(schema: Schema, catalog: Catalog) -> ToyTable:
    if schema.resource not in SHELVES:
        raise QueryError(f"{schema.entity} is not spoken of on the toy API; nothing was sent")
    shelf = SHELVES[schema.resource]
    names = {name: shelf.names.get(name, name.removesuffix("_id")) for name in schema.fields}
    return ToyTable(schema, catalog, shelf, names, names[schema.pk])


@attrs.frozen(eq=False)
class ToyTable:
    """One entity on the toy API."""

    schema: Schema
    catalog: Catalog
    shelf: Shelf
    names: Mapping[str, str]
    pk: str
    api: ClassVar[str] = "toy"
    traits: ClassVar[Traits] = Traits(
        counts=False,
        numbers=False,
        cursors=True,
        largest_page=100,
        paging={"after": "the SDK walks the chain"},
    )
    expandable: ClassVar[tuple[str, ...]] = ()
    has_single: ClassVar[bool] = True
    uniform: ClassVar[bool] = True
    pages: ClassVar[None] = None
    below: ClassVar[None] = None

    def accepts(self, name: str, lookup: type[Lookup]) -> bool:
        """Whether there is a key for it."""
        return self.catalog.accepts(name, lookup) and spell(name, lookup) in self.shelf.filters

    def columns(self, rows: Sequence[Any]) -> None:
        """Its rows come as they are."""

    @property
    def orders(self) -> tuple[str, ...]:
        """By the key alone."""
        return (self.schema.pk,)

    def lists_alone(self, field: str) -> bool:
        """No list is shorter than another."""
        return False

    def overridden(self, query: Query, *lookups: type[Lookup]) -> bool:
        """Whether raw parameters choose the order."""
        return any(name == "sort" for name, _ in query.params)

    def fits(self, query: Query) -> bool:
        """Short addresses only, so that lists of keys are split here as well."""
        return len(encode(self._filters(query))) <= 1_000

    def select(self, query: Query, *, at: Place | None = None, size: int) -> Request:
        """Ask for a page of the chain."""
        sort = [("sort", name.replace(self.schema.pk, self.pk)) for name in query.order]
        after = [("after", str(at))] if at else []
        return Request(
            "GET", self._path(), params=(*self._filters(query), *sort, *after, ("limit", str(size)))
        )

    def found(self, reply: Reply, request: Request) -> Found:
        """Read a page, which names the token of the next one."""
        return Found(Toy().unwrap(reply), next=reply.data["meta"]["after"])

    def detail(
        self, pk: object, *, expand: Sequence[str] = (), field: str = "", below: object = None
    ) -> Request:
        """Ask for one object."""
        return Request("GET", self._path(pk))

    def one(self, reply: Reply) -> Any:
        """Read one object."""
        return Toy().unwrap(reply)

    created = one

    def by_keys(self, keys: Sequence[object], field: str) -> Request | None:
        """Ask for up to a hundred objects by their keys, where those can be filtered by."""
        if not self.accepts(self.schema.pk, In):
            return None
        return self.select(Query(where=(Condition(self.schema.pk, In, tuple(keys)),)), size=len(keys))

    def is_elsewhere(self, value: Any) -> bool:
        """Its rows are whole."""
        return False

    def trial(self, write: Request) -> Request | None:
        """Nothing is only tried."""
        return None

    def check_trial(self, reply: Reply) -> None:
        """There are none."""
        raise WriteUnconfirmedError("the toy API has no trials")

    def stored(self, pk: object, field: str) -> None:
        """Rows hold their content."""

    def address(self, reply: Reply, field: str) -> None:
        """No answer has one."""

    def key(self, row: Any) -> Any:
        """Read the key."""
        return self.keys([row])[0]

    def keys(self, rows: Sequence[Any]) -> list[Any]:
        """Read the keys."""
        return json_rows.keys(rows, self.pk)

    def value(self, row: Any, field: str) -> Any:
        """Read a field."""
        return json_rows.value(row, self.names[field])

    def shows(self, field: str) -> bool:
        """Rows carry every field."""
        return True

    @property
    def newest_first(self) -> str:
        """Nothing: lists come as they are asked for."""
        return ""

    @property
    def listed(self) -> Collection[str]:
        """Every field."""
        return self.names.keys()

    def normalise(self, row: Any) -> dict[str, Any]:
        """Rows have one shape."""
        return row if isinstance(row, dict) else {"": row}

    def create(self, values: Mapping[str, Any]) -> Request:
        """Create one object."""
        return Request("POST", self._path(), json=self._named(values))

    def create_many(self, many: Sequence[Mapping[str, Any]]) -> Request | None:
        """Lists are not taken."""
        return None

    def change(self, pk: object, *, values: Mapping[str, Any], below: object = None) -> Request:
        """Send what changed."""
        return Request("PATCH", self._path(pk), json=self._named(values))

    def delete(self, pk: object, *, below: object = None) -> Request:
        """Delete one object."""
        return Request("DELETE", self._path(pk))

    def _path(self, pk: object = None) -> str:
        return f"toy/{self.shelf.path}" + ("" if pk is None else f"/{segment(pk)}")

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self.names[name]: value for name, value in values.items()}

    def _filters(self, query: Query) -> tuple[tuple[str, str], ...]:
        asked = []
        for each in query.where:
            values = each.value if issubclass(each.lookup, In) else (each.value,)
            texts = [str(value).lower() if isinstance(value, bool) else str(value) for value in values]
            asked.append((self.shelf.filters[spell(each.name, each.lookup)], ",".join(texts)))
        return (*asked, *query.params)
