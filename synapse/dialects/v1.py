"""Wire v1: how a query becomes requests, and an answer rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from functools import cache
from types import MappingProxyType
from typing import Any, ClassVar, Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from synapse.dialects import v1_actions, v1_uploads
from synapse.dialects.dialect import Actions, Credentials, Refusal
from synapse.dialects.refusals import flatten, summary
from synapse.dialects.uploads import Uploads
from synapse.dialects.v1_rows import ROWS, Key, Row
from synapse.dialects.wire import Page, Reply, Request, encode, segment
from synapse.errors import QueryError, TransportError
from synapse.mapping.schema import Schema
from synapse.masking import Masker, Secret, outline
from synapse.query import Condition, Exact, In, NotIn, Query
from synapse.query.catalog import spell

Params = tuple[tuple[str, str], ...]

LONGEST_QUERY: Final = 8_000
FILE_LIST_KEYS: Final = ("specification", "specification_name", "name")


@cache
def _names(schema: Schema) -> Mapping[str, str]:
    """Lay out an entity's names once, since every row that is read needs them."""
    renamed = ROWS[schema.resource].names
    relations = {via: name for name, via in schema.relations.items()}
    return MappingProxyType({name: renamed.get(name, relations.get(name, name)) for name in schema.fields})


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
        return Refusal(summary(body), flatten(body), headers.get("X-Request-Id"))

    def unwrap(self, reply: Reply) -> Any:
        """Give what an answer holds; this generation has no envelopes."""
        return reply.data

    def row(self, schema: Schema) -> Row:
        """Give the table row of an entity."""
        return ROWS[schema.resource]

    def names(self, schema: Schema) -> Mapping[str, str]:
        """Map each field to its key on the wire: a relation's key goes by the relation's bare name."""
        return _names(schema)

    def pk(self, schema: Schema) -> str:
        """Name the primary key on the wire."""
        return _names(schema)[schema.pk]

    # --- reading ------------------------------------------------------------
    def select(
        self, schema: Schema, query: Query, *, page: int, size: int, cursor: str | None = None
    ) -> Request:
        """Ask for one page of a list: by its number, or by a cursor, of which the first page has an empty one."""
        row = self.row(schema)
        light = self._light(schema, query)
        params = [*self._filters(schema, query)]
        if query.order:
            params.append(("ordering", ",".join(query.order)))
        expand = [*query.expand, *row.always]
        if expand and not light:
            params.append(("expand", ",".join(expand)))
        if not light:
            params += self._fields(schema, query)
        if cursor is None:
            params.append(("page", str(page)))
        else:
            params += [("pagination", "cursor"), *([("cursor", cursor)] if cursor else [])]
        params.append(("page_size", str(size)))
        return Request("GET", light or row.lists, params=tuple(params))

    def detail(self, schema: Schema, pk: object, *, expand: Sequence[str] = (), field: str = "") -> Request:
        """Ask for one object; with *field*, for one that carries this field."""
        row = self.row(schema)
        if not row.detail:
            raise QueryError(f"the backend has no single {schema.entity}; filter its list instead")
        needed = row.asks.get(field)
        asked = [*expand, *row.always]
        if needed and needed[0] == "expand":
            # The backend reads a repeated `expand` whose values hold commas as one unknown name.
            asked, needed = [*asked, needed[1]], None
        params = [("expand", ",".join(dict.fromkeys(asked)))] if asked else []
        if needed:
            params.append(needed)
        return Request("GET", f"{row.path}{segment(pk)}/", params=tuple(params))

    def page(self, reply: Reply, request: Request) -> Page:
        """Read the envelope of a list."""
        data = reply.data
        following = data.get("next") or None if isinstance(data, dict) else None
        if (
            not isinstance(data, dict)
            or not isinstance(data.get("results"), list)
            or not isinstance(following, str | None)
        ):
            data = outline(data)  # no more of it is for whatever lists the variables
            raise TransportError(
                f"{request.method} {Masker().url(request.path)}: expected a page with a list 'results', got {data}",
                method=request.method,
                url=request.shown,
                status_code=reply.status,
            )
        count = data.get("count")
        return Page(data["results"], count if isinstance(count, int) else None, following)

    def cursor(self, link: str) -> str | None:
        """Take the cursor out of a `next` link, where there is one."""
        return next((value for name, value in parse_qsl(urlsplit(link).query) if name == "cursor"), None)

    def normalise(self, schema: Schema, row: Any) -> dict[str, Any]:
        """Bring the shapes that one field can have on the wire to one."""
        if not isinstance(row, dict):
            return {"": row}
        table = self.row(schema)
        for name, other in table.also.items():
            if other in row:
                value = row.pop(other)
                row[name] = value if row.get(name) is None else row[name]
        for name in table.texts:
            if name in row:
                row[name] = _as_text(row[name])
        files = row.get("files")
        if isinstance(files, list):
            row["files"] = _by_specification(files)
        for name in table.always:
            nested = row.get(name)
            if isinstance(nested, list) and any(not isinstance(item, dict) for item in nested):
                del row[name]
        return row

    def uniform(self, schema: Schema) -> bool:
        """Whether rows need `normalise()` only where a value or a key is not as declared."""
        row = self.row(schema)
        return not row.also and not row.always

    def expandable(self, schema: Schema) -> tuple[str, ...]:
        """What `select_related()` may name."""
        return self.row(schema).expand

    def fits(self, schema: Schema, query: Query) -> bool:
        """Whether the query's filters fit into one URL."""
        return len(encode(self._filters(schema, query))) <= LONGEST_QUERY

    # --- writing ------------------------------------------------------------
    def create(self, schema: Schema, values: Mapping[str, Any]) -> Request:
        """Create one object."""
        body = self.write(schema, values)
        row = self.row(schema)
        params = (("expand", ",".join(row.always)),) if row.always else ()
        json = [body] if row.posts_lists else body
        return Request("POST", row.path, params=params, json=json, harmless=row.reuses)

    def create_many(self, schema: Schema, many: Sequence[Mapping[str, Any]]) -> Request | None:
        """Create several objects by one request, where the wire has that."""
        row = self.row(schema)
        if not row.posts_lists:
            return None
        json = [self.write(schema, values) for values in many]
        return Request("POST", row.path, json=json, harmless=row.reuses)

    def change(self, schema: Schema, pk: object, *, values: Mapping[str, Any]) -> Request:
        """Send what changed."""
        row = self.row(schema)
        return Request(row.change, f"{row.path}{segment(pk)}/", json=self.write(schema, values))

    def delete(self, schema: Schema, pk: object) -> Request:
        """Delete one object."""
        return Request("DELETE", f"{self.row(schema).path}{segment(pk)}/")

    def write(self, schema: Schema, values: Mapping[str, Any]) -> dict[str, Any]:
        """Name values the way the wire does."""
        names = self.names(schema)
        return {names.get(name, name): value for name, value in values.items()}

    # --- query grammar ------------------------------------------------------
    def key(self, schema: Schema, condition: Condition) -> Key:
        """Find the query key of a condition."""
        spelling = spell(condition.name, condition.lookup)
        known = self.row(schema).keys.get(spelling)
        if known is not None:
            return known
        name = self.row(schema).names.get(condition.name, condition.name)
        return Key(name if condition.lookup is Exact else f"{name}__{condition.lookup.name}")

    def _filters(self, schema: Schema, query: Query) -> Params:
        params: list[tuple[str, str]] = []
        for condition in query.where:
            key = self.key(schema, condition)
            many = condition.lookup in (In, NotIn)
            texts = [_text(value) for value in (condition.value if many else (condition.value,))]
            params += [(key.name, text) for text in ([",".join(texts)] if key.many == "comma" else texts)]
        return (*params, *query.params)

    def _light(self, schema: Schema, query: Query) -> str | None:
        asked = set(query.only) - {schema.pk}
        return self.row(schema).light.get(asked.pop()) if len(asked) == 1 and not query.expand else None

    def _fields(self, schema: Schema, query: Query) -> Params:
        names = self.names(schema)
        if query.only:
            asked = [schema.pk, *query.only]
            wire = [*dict.fromkeys(names[name] for name in asked), *query.expand]
            return (("fields", ",".join(dict.fromkeys(wire))),)
        if query.defer:
            # What is nested goes by the name of its key, and would be left out with it.
            dropped = dict.fromkeys(names[name] for name in query.defer if names[name] not in query.expand)
            return (("omit", ",".join(dropped)),) if dropped else ()
        return ()


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
