"""Wire v1: how a query becomes requests, and an answer rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from synapse.dialects import json_rows, v1_actions, v1_uploads
from synapse.dialects.dialect import Actions, Credentials, Found, Place, Refusal, Traits, no_such_table
from synapse.dialects.json_rows import ClosedPages, ClosedRow
from synapse.dialects.refusals import code_of, flatten, summary
from synapse.dialects.uploads import Uploads
from synapse.dialects.v1_rows import ROWS, QueryKey, Row
from synapse.dialects.wire import Reply, Request, encode, segment
from synapse.errors import QueryError, TransportError, WriteUnconfirmedError
from synapse.mapping.schema import Schema
from synapse.masking import Masker, Secret, outline
from synapse.query import Catalog, Condition, Exact, In, Query
from synapse.query.catalog import spell
from synapse.query.lookups import Lookup

Params = tuple[tuple[str, str], ...]

LONGEST_QUERY: Final = 8_000
FILE_LIST_KEYS: Final = ("specification", "specification_name", "name")
ORDER: Final = "ordering"
_PROBLEM: Final = frozenset({"type", "title", "status", "instance"})  # RFC 9457, which gateways speak
PAGING: Final = MappingProxyType(
    {
        "page": "slice the query instead",
        "page_size": "say iterator(page_size=...) or Session(page_size=...)",
        "cursor": "the SDK walks the pages itself",
        "pagination": "the SDK walks the pages itself",
    }
)


@attrs.frozen
class V1:
    """The grammar of wire v1; it holds no state, so any two are equal."""

    name: ClassVar[str] = "v1"

    @property
    def actions(self) -> Actions:
        """The requests of the verbs."""
        return v1_actions

    @property
    def uploads(self) -> Uploads:
        """The requests that send files."""
        return v1_uploads

    def table(self, schema: Schema, catalog: Catalog) -> V1Table:
        """Give one entity in this generation, the same table each time."""
        return _table(schema, catalog)

    def headers(self, credentials: Credentials) -> dict[str, str]:
        """Give the headers that say who asks."""
        named = {
            "Synapse-Access-Token": credentials.api_token,
            "Authorization": credentials.user_token,
            "Synapse-Tenant": credentials.tenant,
            "SYNAPSE-Agent": credentials.agent_token,
        }
        return {name: Secret(f"Token {value}") for name, value in named.items() if value}

    def refusal(self, status: int, *, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read a refusal: every message stands below the field that it is about."""
        return Refusal(summary(body), flatten(body), headers.get("X-Request-Id"), code_of(body))

    def is_own(self, body: Any) -> bool:
        """Whether a refusal is in the backend's own words; what stands in front of it has others, or problem details.

        >>> V1().is_own({"detail": "later"}), V1().is_own({"message": "no healthy upstream"})
        (True, False)
        """
        if not isinstance(body, dict) or body.keys() & _PROBLEM:
            return False
        return any(isinstance(body.get(name), str) and body[name] for name in ("detail", "error_type"))

    def unwrap(self, reply: Reply) -> Any:
        """Give what an answer holds; this generation has no envelopes."""
        return reply.data


@cache
def _table(schema: Schema, catalog: Catalog) -> V1Table:
    if schema.resource not in ROWS:
        raise no_such_table(schema, asked=V1.name, home="v2")
    return V1Table(schema, catalog)


@cache
def _pages(schema: Schema) -> ClosedPages | None:
    pages = ClosedPages(schema, names_of(schema))
    return pages if pages.is_possible else None


@cache
def names_of(schema: Schema) -> Mapping[str, str]:
    """Map each field to its key on the wire: a relation's key goes by the relation's bare name."""
    renamed = ROWS[schema.resource].names
    relations = {via: name for name, via in schema.relations.items()}
    return MappingProxyType({name: renamed.get(name, relations.get(name, name)) for name in schema.fields})


def key_of(schema: Schema, condition: Condition) -> QueryKey:
    """Find the query key of a condition."""
    row = ROWS[schema.resource]
    known = row.keys.get(spell(condition.name, condition.lookup))
    if known is not None:
        return known
    name = row.names.get(condition.name, condition.name)
    return QueryKey(name if condition.lookup is Exact else f"{name}__{condition.lookup.name}")


@attrs.frozen(eq=False, repr=False)
class V1Table:
    """One entity as wire v1 has it."""

    schema: Schema
    catalog: Catalog
    wire: Row = attrs.field(init=False)
    names: Mapping[str, str] = attrs.field(init=False)
    pk: str = attrs.field(init=False)
    traits: Traits = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        row, names = ROWS[self.schema.resource], names_of(self.schema)
        made = {"wire": row, "names": names, "pk": names[self.schema.pk]}
        for name, value in {
            **made,
            "traits": Traits(cursors=row.cursors, paging=PAGING, reuses=row.reuses),
        }.items():
            object.__setattr__(self, name, value)

    @property
    def api(self) -> str:
        """The name of the API generation."""
        return V1.name

    # --- what can be asked ----------------------------------------------------
    def accepts(self, name: str, lookup: type[Lookup]) -> bool:
        """Whether lists can be filtered so: what this API doesn't know, it ignores, and answers with every row."""
        return name not in self.wire.lacks and self.catalog.accepts(name, lookup)

    @property
    def orders(self) -> tuple[str, ...]:
        """The fields that lists can be ordered by, the usual one first."""
        return self.catalog.order_by

    @property
    def newest_first(self) -> str:
        """Nothing: lists come as they are asked for."""
        return ""

    @property
    def expandable(self) -> tuple[str, ...]:
        """The relations that rows can nest."""
        return self.wire.expand

    @property
    def has_single(self) -> bool:
        """Whether single objects can be read."""
        return self.wire.detail

    def lists_alone(self, field: str) -> bool:
        """Whether there is a list that carries only the key and this field."""
        return field in self.wire.light

    def overridden(self, query: Query, *lookups: type[Lookup]) -> bool:
        """Whether the raw parameters of a query choose its order, or keys by one of these lookups."""
        own = {key_of(self.schema, Condition(self.schema.pk, each, 0)).name for each in lookups}
        return any(name == ORDER or name in own for name, _ in query.params)

    def fits(self, query: Query) -> bool:
        """Whether the query's filters fit into one URL."""
        return len(encode(self._filters(query))) <= LONGEST_QUERY

    # --- reading ------------------------------------------------------------
    def select(self, query: Query, *, at: Place | None = None, size: int) -> Request:
        """Ask for one page of a list: by its number, or by a cursor, of which the first page has an empty one."""
        light = self._light(query)
        params = [*self._filters(query)]
        if query.order:
            params.append((ORDER, ",".join(query.order)))
        expand = [*query.expand, *self.wire.always]
        if expand and not light:
            params.append(("expand", ",".join(expand)))
        if not light:
            params += self._fields(query)
        params += paged(at, size)
        return Request("GET", light or self.wire.lists, params=tuple(params))

    def found(self, reply: Reply, request: Request) -> Found:
        """Read the envelope of a list."""
        return found_in(reply, request)

    @property
    def below(self) -> None:
        """Every object has an address of its own."""
        return None

    def detail(
        self, pk: object, *, expand: Sequence[str] = (), field: str = "", below: object = None
    ) -> Request:
        """Ask for one object; with *field*, for one that carries this field."""
        if not self.wire.detail:
            raise QueryError(f"the backend has no single {self.schema.entity}; filter its list instead")
        needed = self.wire.asks.get(field)
        asked = [*expand, *self.wire.always]
        if needed and needed[0] == "expand":
            # The backend reads a repeated `expand` whose values hold commas as one unknown name.
            asked, needed = [*asked, needed[1]], None
        params = [("expand", ",".join(dict.fromkeys(asked)))] if asked else []
        if needed:
            params.append(needed)
        return Request("GET", f"{self.wire.path}{segment(pk)}/", params=tuple(params))

    def one(self, reply: Reply) -> Any:
        """Read the answer about one object."""
        return reply.data

    def by_keys(self, keys: Sequence[object], field: str) -> Request | None:
        """Ask for a field of many objects, where lists can be filtered by keys."""
        if not self.accepts(self.schema.pk, In) or (field and field not in self.listed):
            return None
        among = Condition(self.schema.pk, In, tuple(keys))
        return self.select(Query(where=(among,), only=(field,) if field else ()), size=len(keys))

    def stored(self, pk: object, field: str) -> Request | None:
        """Rows hold their content."""
        return None

    def address(self, reply: Reply, field: str) -> str | None:
        """No answer has one."""
        return None

    # --- rows ---------------------------------------------------------------
    def key(self, row: Any) -> Any:
        """Read the key of a row; None where it has none."""
        if row.__class__ is not dict:
            return json_rows.keys([row], self.pk)[0]
        key = row.get(self.pk)
        return key if key.__class__ in (int, str) else None

    def keys(self, rows: Sequence[Any]) -> list[Any]:
        """Read the keys of many rows."""
        return json_rows.keys(rows, self.pk)

    def value(self, row: Any, field: str) -> Any:
        """Read one field of a row as it came; `UNSET` where the row doesn't carry it."""
        return json_rows.value(row, self.names[field])

    @property
    def pages(self) -> ClosedPages | None:
        """Decodes pages without parsing what is JSON inside of rows; rows that have to be normalised it can't."""
        return _pages(self.schema) if self.uniform else None

    def columns(self, rows: Sequence[Any], *, copied: bool = True) -> Mapping[str, Sequence[Any]] | None:
        """Give the values of rows with the same keys by those; None where rows have to be looked at one by one."""
        return json_rows.columns(rows, copied=copied) if self.uniform else None

    @property
    def listed(self) -> Collection[str]:
        """Every field that rows may carry: what one release leaves out, another one sends."""
        return self.names.keys() - {*self.wire.hides, *self.wire.alone}

    def shows(self, field: str) -> bool:
        """Whether rows of some kind carry a field."""
        return field not in self.wire.hides

    @property
    def uniform(self) -> bool:
        """Whether rows need `normalise()` only where a value or a key is not as declared."""
        return self.wire.uniform

    def normalise(self, row: Any) -> dict[str, Any]:
        """Bring the shapes that one field can have on the wire to one."""
        if isinstance(row, ClosedRow):
            row = row.parsed()
        if not isinstance(row, dict):
            return {"": row}
        for name, other in self.wire.also.items():
            if other in row:
                value = row.pop(other)
                row[name] = value if row.get(name) is None else row[name]
        for name in self.wire.texts:
            if name in row:
                row[name] = _as_text(row[name])
        files = row.get("files")
        if isinstance(files, list) and "files" in self.names:
            row["files"] = _by_specification(files)
        for name in self.wire.always:
            nested = row.get(name)
            if isinstance(nested, list) and any(not isinstance(item, dict) for item in nested):
                del row[name]
        return row

    def is_elsewhere(self, value: Any) -> bool:
        """Whether a row tells only where its annotation is, not what."""
        told = isinstance(value, dict) and value.get("mode") in ("presigned", "inline")
        return told and "data_digest" in value

    # --- writing ------------------------------------------------------------
    def create(self, values: Mapping[str, Any]) -> Request:
        """Create one object."""
        body = self._named(values)
        params = (("expand", ",".join(self.wire.always)),) if self.wire.always else ()
        json = [body] if self.wire.posts_lists else body
        return Request(
            "POST", self.wire.path, params=params, json=json, harmless=self.wire.reuses, checked=True
        )

    def create_many(self, many: Sequence[Mapping[str, Any]]) -> Request | None:
        """Create several objects by one request, where the wire has that."""
        if not self.wire.posts_lists:
            return None
        json = [self._named(values) for values in many]
        return Request("POST", self.wire.path, json=json, harmless=self.wire.reuses, checked=True)

    def created(self, reply: Reply) -> Any:
        """Read the answer to a creation: the row, or the rows in the order that they were sent in."""
        return reply.data

    def change(self, pk: object, *, values: Mapping[str, Any], below: object = None) -> Request:
        """Send what changed."""
        path = f"{self.wire.path}{segment(pk)}/"
        return Request(self.wire.change, path, json=self._named(values), checked=True)

    def delete(self, pk: object, *, below: object = None) -> Request:
        """Delete one object."""
        return Request("DELETE", f"{self.wire.path}{segment(pk)}/")

    def trial(self, write: Request) -> Request | None:
        """Wire v1 does what it is asked to."""
        return None

    def check_trial(self, reply: Reply) -> None:
        """No answer is one to a trial."""
        raise WriteUnconfirmedError("wire v1 has no trials: the write may have happened")

    def _named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Name values the way the wire does."""
        return {self.names.get(name, name): value for name, value in values.items()}

    # --- query grammar ------------------------------------------------------
    def _filters(self, query: Query) -> Params:
        params: list[tuple[str, str]] = []
        for condition in query.where:
            key = key_of(self.schema, condition)
            many = isinstance(condition.value, tuple)
            texts = [_text(value) for value in (condition.value if many else (condition.value,))]
            params += [(key.name, text) for text in ([",".join(texts)] if key.many == "comma" else texts)]
        return (*params, *query.params)

    def _light(self, query: Query) -> str | None:
        asked = set(query.only) - {self.schema.pk}
        return self.wire.light.get(asked.pop()) if len(asked) == 1 and not query.expand else None

    def _fields(self, query: Query) -> Params:
        names = {name: key for name, key in self.names.items() if self.shows(name)}
        if query.only:
            asked = [self.schema.pk, *query.only]
            wire = [*dict.fromkeys(names[name] for name in asked if name in names), *query.expand]
            return (("fields", ",".join(dict.fromkeys(wire))),)
        if query.defer:
            # What is nested goes by the name of its key, and would be left out with it.
            keys = [names[name] for name in query.defer if name in names]
            dropped = dict.fromkeys(key for key in keys if key not in query.expand)
            return (("omit", ",".join(dropped)),) if dropped else ()
        return ()


def found_in(reply: Reply, request: Request) -> Found:
    """Read the envelope of a list."""
    data = reply.data
    link = data.get("next") or None if isinstance(data, dict) else None
    if (
        not isinstance(data, dict)
        or not isinstance(data.get("results"), list)
        or not isinstance(link, str | None)
    ):
        data = outline(data)  # no more of it is for whatever lists the variables
        raise TransportError(
            f"{request.method} {Masker().url(request.path)}: expected a page with a list 'results', got {data}",
            method=request.method,
            url=request.shown,
            status_code=reply.status,
        )
    count = data.get("count")
    return Found(
        data["results"], count if isinstance(count, int) else None, link and _following(link, request), link
    )


def paged(at: Place | None, size: int) -> Params:
    """Say which page, and how many rows it is to hold."""
    if isinstance(at, str):
        return (("pagination", "cursor"), *((("cursor", at),) if at else ()), ("page_size", str(size)))
    return (("page", str(at or 1)), ("page_size", str(size)))


def _following(link: str, request: Request) -> Place | None:
    """Give the place of the next page: the number behind the page that was asked for, or the cursor in the link."""
    asked = dict(request.params)
    if "pagination" in asked:
        return next((value for name, value in parse_qsl(urlsplit(link).query) if name == "cursor"), None)
    return int(asked.get("page", 1)) + 1


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return value.isoformat() if isinstance(value, date) else str(value)


def _as_text(key: Any) -> Any:
    """Write a key that may be a number, on its own or in a nested object, as text."""
    if isinstance(key, dict) and "id" in key:
        return {**key, "id": _as_text(key["id"])}
    return str(key) if type(key) is int else key


def _by_specification(files: list[Any]) -> dict[str, Any]:
    """Name each file of a list by its specification; the further files of one are numbered, so that none is lost."""
    named: dict[str, Any] = {}
    for index, info in enumerate(files):
        key = first = _file_key(info, index)
        number = 1
        while key in named:
            number += 1
            key = f"{first}#{number}"
        named[key] = info
    return named


def _file_key(info: Any, index: int) -> str:
    if isinstance(info, dict):
        for name in FILE_LIST_KEYS:
            if isinstance(info.get(name), str):
                return str(info[name])
    return f"file_{index + 1}"
