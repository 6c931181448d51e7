"""Wire v2: how a query becomes requests, and an answer rows."""

from __future__ import annotations

import re

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final

import attrs

from synapse.dialects import json_rows, v2_actions, v2_uploads
from synapse.dialects.dialect import Actions, Credentials, Found, Place, Refusal, Traits, no_such_table
from synapse.dialects.json_rows import ClosedPages
from synapse.dialects.uploads import Uploads
from synapse.dialects.v2_envelope import check_bounds, check_newest_first, found_in, refusal_in, unwrapped
from synapse.dialects.v2_rows import ALONE, KEPT, ROWS, Row, segment
from synapse.dialects.wire import Reply, Request, encode
from synapse.errors import ConfigError, UnsupportedError, WriteUnconfirmedError
from synapse.mapping.codecs import dump_value
from synapse.mapping.schema import Schema
from synapse.masking import Secret, outline
from synapse.query import Catalog, Condition, Exact, Query
from synapse.query.catalog import spell
from synapse.query.lookups import Lookup

Params = tuple[tuple[str, str], ...]

LARGEST_PAGE: Final = 200
LARGEST_NUMBERED: Final = 100  # nobody says how much the few lists with page numbers give at once
LONGEST_QUERY: Final = 11_000
ORDER: Final = "sort"
ORDER_OF_NUMBERED: Final = "ordering"
PAYLOAD: Final = "data"
"""The field whose content may lie in a storage, and a note of its size and address in its place."""
# The backend refuses these, since they look as if they had been encoded twice.
_ESCAPED: Final = re.compile("%[0-9A-Fa-f]{2}")
PAGING: Final = MappingProxyType(
    {
        "cursor": "the SDK walks the pages itself",
        "per_page": "say iterator(page_size=...) or Session(page_size=...)",
        "page": "slice the query instead",
        "page_size": "say iterator(page_size=...) or Session(page_size=...)",
    }
)


@attrs.frozen
class V2:
    """The grammar of wire v2; it holds no state, so any two are equal."""

    name: ClassVar[str] = "v2"

    @property
    def actions(self) -> Actions:
        """The requests of the verbs."""
        return v2_actions

    @property
    def uploads(self) -> Uploads:
        """The requests that send files."""
        return v2_uploads

    def table(self, schema: Schema, catalog: Catalog) -> V2Table:
        """Give one entity in this generation, the same table each time."""
        return _table(schema, catalog)

    def headers(self, credentials: Credentials) -> dict[str, str]:
        """Give the headers that say who asks: an access token and a workspace as they are, and no agent."""
        if credentials.agent_token and not (credentials.api_token or credentials.user_token):
            raise ConfigError(
                "API v2 takes no agent's token: give an access token (SYNAPSE_API_TOKEN), or speak v1. Nothing was sent"
            )
        user = credentials.user_token
        named = {
            "SYNAPSE-ACCESS-TOKEN": credentials.api_token,
            "Authorization": user and f"Token {user}",
            "SYNAPSE-Tenant": credentials.tenant,
        }
        return {name: Secret(value) for name, value in named.items() if value}

    def refusal(self, status: int, *, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read a refusal out of its envelope."""
        return refusal_in(body, headers)

    def is_own(self, body: Any) -> bool:
        """Whether a refusal is in the backend's own words.

        >>> V2().is_own({"error": {"code": "NOT_FOUND"}}), V2().is_own({"error": "no healthy upstream"})
        (True, False)
        """
        said = body.get("error") if isinstance(body, dict) else None
        return isinstance(said, dict) and isinstance(said.get("code"), str)

    def unwrap(self, reply: Reply) -> Any:
        """Give what an answer holds, without its envelope."""
        return unwrapped(reply.data)


@cache
def _table(schema: Schema, catalog: Catalog) -> V2Table:
    if schema.resource not in ROWS:
        raise no_such_table(schema, asked=V2.name, home="v1")
    return V2Table(schema, catalog)


@attrs.frozen(eq=False, repr=False)
class V2Table:
    """One entity as wire v2 has it."""

    schema: Schema
    catalog: Catalog
    wire: Row = attrs.field(init=False)
    names: Mapping[str, str] = attrs.field(init=False)
    pk: str = attrs.field(init=False)
    traits: Traits = attrs.field(init=False)
    _relation_by: Mapping[str, str] = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        row = ROWS[self.schema.resource]
        names = {name: row.names.get(name, name) for name in self.schema.fields}
        traits = Traits(
            counts=row.numbered,
            numbers=row.numbered,
            cursors=not row.numbered,
            largest_page=LARGEST_NUMBERED if row.numbered else LARGEST_PAGE,
            paging=PAGING,
            reuses=row.reuses,
            most_keys=LARGEST_PAGE,
        )
        made = {"wire": row, "names": MappingProxyType(names), "pk": names[self.schema.pk], "traits": traits}
        made["_relation_by"] = {via: name for name, via in self.schema.relations.items()}
        for name, value in made.items():
            object.__setattr__(self, name, value)

    @property
    def api(self) -> str:
        """The name of the API generation."""
        return V2.name

    # --- what can be asked ----------------------------------------------------
    def accepts(self, name: str, lookup: type[Lookup]) -> bool:
        """Whether lists can be filtered so: what this API doesn't declare, it ignores, and answers with every row."""
        known = spell(name, lookup) in self.wire.filters or (name == self.owner and lookup is Exact)
        return known and self.catalog.accepts(name, lookup)

    @property
    def orders(self) -> tuple[str, ...]:
        """The fields that lists can be ordered by; none where the backend doesn't say."""
        return self.wire.orders

    @property
    def newest_first(self) -> str:
        """The moment of creation, in whose falling order lists come as long as they are asked for no other one."""
        known = self.wire.orders or self.wire.numbered or "created" not in self.wire.listed
        return "" if known else "created"

    @property
    def expandable(self) -> tuple[str, ...]:
        """Nothing: what details nest, they nest anyway."""
        return ()

    @property
    def has_single(self) -> bool:
        """Whether single objects can be read."""
        return True

    @property
    def below(self) -> str | None:
        """The field with the key of the object that these rows are addressed below."""
        return self.wire.below or None

    @property
    def owner(self) -> str | None:
        """The relation to that object."""
        return self._relation_by.get(self.wire.below)

    def lists_alone(self, field: str) -> bool:
        """Whether a bulk read carries this field, and hardly anything else."""
        return self.wire.bulk is not None and field in self.wire.bulk.fields

    def overridden(self, query: Query, *lookups: type[Lookup]) -> bool:
        """Whether the raw parameters of a query choose its order, or keys by one of these lookups."""
        keys = {self.wire.filters.get(spell(self.schema.pk, each)) for each in lookups}
        return any(name in (ORDER, ORDER_OF_NUMBERED) or name in keys for name, _ in query.params)

    def fits(self, query: Query) -> bool:
        """Whether the query's filters fit into one URL, at whose edge a comma counts three."""
        text = encode(self._filters(query))
        return len(text) + 2 * text.count(",") <= LONGEST_QUERY

    # --- reading ------------------------------------------------------------
    def select(self, query: Query, *, at: Place | None = None, size: int) -> Request:
        """Ask for one page of a list."""
        params = [*self._filters(query)]
        if query.order:
            order = [self._order(name) for name in query.order]
            params.append((ORDER_OF_NUMBERED if self.wire.numbered else ORDER, ",".join(order)))
        if query.only and not self.wire.numbered:
            shown = (*query.only, *(order.lstrip("-") for order in query.order))
            asked = (self.schema.pk, *(name for name in shown if name in self.wire.listed))
            params.append(("fields", ",".join(dict.fromkeys(self.names[name] for name in asked))))
        if self.wire.numbered:
            params += [("page", str(at or 1)), ("page_size", str(min(size, LARGEST_NUMBERED)))]
        else:
            params += [*((("cursor", str(at)),) if at else ()), ("per_page", str(min(size, LARGEST_PAGE)))]
        return Request("GET", self._place(self.wire.path, self._owner_in(query)), params=tuple(params))

    def by_keys(self, keys: Sequence[object], field: str) -> Request | None:
        """Ask for a field of many objects; what doesn't exist is left out of the answer."""
        bulk = self.wire.bulk
        if bulk is None or (field and field not in bulk.fields):
            return None
        return Request("POST", bulk.path, json={bulk.key: list(keys)}, harmless=True)

    def found(self, reply: Reply, request: Request) -> Found:
        """Read a list; what its path says of rows, they don't repeat."""
        found = found_in(reply, request)
        check_bounds(found.rows, request)
        if self.newest_first:
            check_newest_first(found.rows, request)
        if self.wire.below:
            key = int(request.path.split("/")[2])
            for row in found.rows:
                if isinstance(row, dict):
                    row.setdefault(self.names[self.wire.below], key)
        return found

    def detail(
        self, pk: object, *, expand: Sequence[str] = (), field: str = "", below: object = None
    ) -> Request:
        """Ask for one object; with *field*, for one that carries this field."""
        if field and field not in self.wire.shown:
            raise UnsupportedError(f"{self.schema.entity}.{field}: API v2 doesn't show it. Nothing was sent")
        if field and field not in (*self.wire.listed, *self.wire.more):
            request = self.by_keys([pk], field)
            assert request is not None
            return request
        return Request("GET", self._single(pk, below))

    def one(self, reply: Reply) -> Any:
        """Read the answer about one object, or about its deletion, which may tell what went with it."""
        data = unwrapped(reply.data)
        if isinstance(data, list) and len(data) == 1:
            return data[0]
        return None if isinstance(data, dict) and "trains_deleted" in data else data

    def stored(self, pk: object, field: str) -> Request | None:
        """Ask where the content of a field is; only bulk reads tell that."""
        request = self.by_keys([pk], field)
        return request and attrs.evolve(request, params=(("response_mode", "presigned"),))

    def address(self, reply: Reply, field: str) -> str | None:
        """Read the address off the one row that was asked for."""
        told = self.value(self.one(reply), field)
        address = told.get("presigned_url") if self.is_elsewhere(told) else None
        return address if isinstance(address, str) else None

    # --- rows ---------------------------------------------------------------
    def key(self, row: Any) -> Any:
        """Read the key of a row; None where it has none."""
        return json_rows.keys([row], self.pk)[0]

    def keys(self, rows: Sequence[Any]) -> list[Any]:
        """Read the keys of many rows."""
        return json_rows.keys(rows, self.pk)

    def value(self, row: Any, field: str) -> Any:
        """Read one field of a row as it came; `UNSET` where the row doesn't carry it."""
        return json_rows.value(row, self.names[field])

    def columns(self, rows: Sequence[Any], *, copied: bool = True) -> Mapping[str, Sequence[Any]] | None:
        """Give the values of rows with the same keys by those."""
        return json_rows.columns(rows, copied=copied)

    @property
    def pages(self) -> ClosedPages | None:
        """Pages are parsed: they lie in envelopes."""
        return None

    @property
    def listed(self) -> Collection[str]:
        """The fields that rows of lists carry."""
        return self.wire.listed

    def shows(self, field: str) -> bool:
        """Whether rows of some kind carry a field."""
        return field in self.wire.shown

    @property
    def uniform(self) -> bool:
        """Rows come as they are declared."""
        return True

    def normalise(self, row: Any) -> dict[str, Any]:
        """Put an object that is nested beside its key in the place of that, and leave out what is stored elsewhere."""
        if not isinstance(row, dict):
            return {"": row}
        if self.wire.bulk is not None and self.is_elsewhere(row.get(PAYLOAD)):
            del row[PAYLOAD]
        for name in self.wire.nests:
            if isinstance(nested := row.get(name), dict):
                del row[name]
                row[self.names[self.schema.relations[name]]] = nested
                if "job_status" in self.names:
                    row.setdefault("job_status", nested.get("status"))
        return row

    def is_elsewhere(self, value: Any) -> bool:
        """Whether the value of a field only tells where its content is: nothing but that has these members."""
        if not isinstance(value, dict) or "data_digest" not in value:
            return False
        return value.get("mode") == "presigned" or (value.get("mode") == "inline" and "truncated" in value)

    # --- writing ------------------------------------------------------------
    def create(self, values: Mapping[str, Any]) -> Request:
        """Create one object."""
        if self.wire.reuses:
            return self._made_in_bulk([values])
        path, body = self._creation(values)
        return Request("POST", path, json=body, checked=True)

    def create_many(self, many: Sequence[Mapping[str, Any]]) -> Request | None:
        """Create several objects by one request, where the answer tells which they are."""
        if self.wire.reuses:
            return self._made_in_bulk(many)
        if not self.wire.made_below:
            return None
        made = [self._creation(values) for values in many]
        paths = {path for path, _ in made}
        if len(paths) > 1:
            raise self._unlike("Job")
        path = f"{next(iter(paths))}bulk/" if paths else self.wire.makes
        return Request("POST", path, json={"logs": [body for _, body in made]}, checked=True)

    def created(self, reply: Reply) -> Any:
        """Read the answer to a creation: the row, or the rows in the order that they were sent in."""
        return v2_actions.units_created(reply) if self.wire.reuses else unwrapped(reply.data)

    def change(self, pk: object, *, values: Mapping[str, Any], below: object = None) -> Request:
        """Send what changed."""
        self._check(values, self.wire.changes, verb="change")
        return Request("PATCH", self._single(pk, below), json=self._named(values), checked=True)

    def delete(self, pk: object, *, below: object = None) -> Request:
        """Delete one object."""
        if not self.wire.deletes:
            instead = (
                "" if self.schema.resource in KEPT else self._by_first("deletes them, but not as a dry run")
            )
            raise UnsupportedError(f"{self.schema.entity}: API v2 deletes none{instead}. Nothing was sent")
        return Request("DELETE", self._single(pk, below))

    def trial(self, write: Request) -> Request | None:
        """Ask whether a write would be taken, without doing it."""
        return attrs.evolve(write, params=(*write.params, ("dry_run", "true")), harmless=True)

    def check_trial(self, reply: Reply) -> None:
        """Raise where the answer doesn't say that nothing was done."""
        said = unwrapped(reply.data)
        if not isinstance(said, dict) or said.get("dry_run") is not True:
            raise WriteUnconfirmedError(
                f"a dry run was asked for, and the answer doesn't say that it was one: {outline(reply.data)}. "
                "The write may have happened"
            )

    def _creation(self, values: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
        """Give the path and the body of a creation; what says where it goes stands in the path alone."""
        via = self.wire.made_below or self.wire.below
        given = self._without_defaults({name: value for name, value in values.items() if name != via})
        self._check(given, self.wire.creates, verb="create")
        needed = {name: self._default(name) for name in self.wire.needs if name not in given}
        path = self._place(self.wire.makes or self.wire.path, values.get(via) if via else None)
        return path, self._named(given | needed)

    def _made_in_bulk(self, many: Sequence[Mapping[str, Any]]) -> Request:
        rows = [self._without_defaults(values) for values in many]
        for row in rows:
            self._check(row, self.wire.creates, verb="create")
        named = [self._named(row) for row in rows]
        if len({row.get("data_collection") for row in named}) > 1:
            raise self._unlike("DataCollection")
        return v2_actions.create_units(named)

    def _unlike(self, owner: str) -> UnsupportedError:
        return UnsupportedError(
            f"API v2 creates many {self.schema.entity} objects of one {owner} at a time: create those of each by "
            "themselves. Nothing was sent"
        )

    def _check(self, values: Mapping[str, Any], known: Collection[str], *, verb: str) -> None:
        """Refuse what this API would ignore, or refuse itself."""
        unknown = [name for name in values if name not in known]
        entity = self.schema.entity
        if not known:
            raise UnsupportedError(
                f"{entity}: API v2 {verb}s none"
                f"{self._by_first(f'{verb}s them, but not as a dry run')}. Nothing was sent"
            )
        if unknown:
            raise UnsupportedError(
                f"{entity}.{unknown[0]} cannot be written on API v2, which takes: {', '.join(known)}"
                f"{self._by_first('takes more, but not as a dry run')}. Nothing was sent"
            )

    def _by_first(self, does: str) -> str:
        """Say what API v1 does instead, where it knows the entity."""
        return "" if self.schema.resource in ALONE else f'. API v1 {does}: Session(api="auto") goes by it'

    def _without_defaults(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Leave out of a creation what cannot be written but is what a new object has anyway."""
        return {
            name: value
            for name, value in values.items()
            if name in self.wire.creates or value != self._default(name)
        }

    def _default(self, name: str) -> Any:
        field = self.schema.fields[name]
        return dump_value(field.codec, field.default)

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        return {self._written_as(name): value for name, value in values.items()}

    def _written_as(self, name: str) -> str:
        """Name a field as writes do: a relation's key goes by the relation's bare name."""
        return self.wire.writes.get(name) or self._relation_by.get(name) or self.names[name]

    # --- addresses and query grammar ----------------------------------------
    def _single(self, pk: object, below: object) -> str:
        if self.schema.is_code(pk):
            entity, by_code = self.schema.entity, "code" in self.schema.natural
            instead = f". {entity}.objects.get(code={pk!r}) compares those that there are" if by_code else ""
            raise UnsupportedError(
                f"API v2 finds a {entity} by its number only, not by {pk!r}{instead or self._by_first('does')}. "
                "Nothing was sent"
            )
        return f"{self.wire.single or self._place(self.wire.path, below)}{segment(pk)}/"

    def _place(self, path: str, below: object) -> str:
        """Fill the key into a path that lies below an object."""
        if "{}" not in path:
            return path
        if below is None:
            relation = self._relation_by[self.wire.below or self.wire.made_below]
            owner = self.schema.to_one[relation].target
            raise UnsupportedError(
                f"API v2 has the {self.schema.entity} objects of one {owner} at a time: "
                f"filter({relation}=...), or {owner}.ref(key) and what belongs to it. Nothing was sent"
            )
        return path.format(segment(below))

    def _owner_in(self, query: Query) -> object:
        return next((each.value for each in query.where if each.name == self.owner), None)

    def _filters(self, query: Query) -> Params:
        params = []
        for each in query.where:
            if each.name != self.owner:
                params.append((self.wire.filters[spell(each.name, each.lookup)], self._value(each)))
        for name, value in (*params, *query.params):
            if _ESCAPED.search(value):
                raise UnsupportedError(
                    f"API v2 takes no value with a percent sign before two hexadecimal digits: {name}={value!r:.100}"
                    f"{self._by_first('does')}. Nothing was sent"
                )
        return (*params, *query.params)

    def _value(self, condition: Condition) -> str:
        values = condition.value if isinstance(condition.value, tuple) else (condition.value,)
        if condition.name in self.wire.numbers and any(isinstance(value, str) for value in values):
            raise UnsupportedError(
                f"API v2 filters {self.schema.entity} by the number of a {condition.name}, not by its code, "
                f"as in filter({condition.name}=1). Nothing was sent"
            )
        return ",".join(map(_text, values))

    def _order(self, name: str) -> str:
        bare = name.removeprefix("-")
        return name.replace(bare, self.names.get(bare, bare))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, date):
        raise UnsupportedError(
            "API v2 compares with instants, and a date is none: say "
            f"datetime({value.year}, {value.month}, {value.day}, tzinfo=UTC). Nothing was sent"
        )
    return str(value)
