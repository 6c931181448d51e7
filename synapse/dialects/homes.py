"""Which API generation answers what.

Each entity and each verb has a home: the first generation that has it. The rule is fixed: nothing is probed, and what
one generation refuses is not asked of another one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, Final, Literal, TypeAlias, cast, get_args

import attrs

from synapse.dialects.dialect import Actions, Credentials, Dialect, Refusal, Table
from synapse.dialects.uploads import Uploads
from synapse.dialects.v1 import V1
from synapse.dialects.v1_rows import ROWS
from synapse.dialects.wire import Reply, Request
from synapse.errors import QueryError, UnsupportedError, describe, did_you_mean
from synapse.mapping.schema import Schema
from synapse.query import Catalog

Generation: TypeAlias = Literal["v1", "v2"]
Api: TypeAlias = Literal["auto", "v1", "v2"]
GENERATIONS: Final[tuple[Generation, ...]] = get_args(Generation)
APIS: Final[tuple[Api, ...]] = get_args(Api)
FIRST: Final = V1.name
# Where the paths of a generation begin; those of the first one begin nowhere special.
_BELOW: Final = {"v2/": "v2"}


@cache
def generation(name: str) -> Dialect:
    """Give a generation by its name; whoever speaks the first one only does without the tables of the second."""
    if name == FIRST:
        return V1()
    from synapse.dialects.v2 import V2

    return V2()


@attrs.frozen
class Homes:
    """Every generation at once: each entity and each verb in the first one that has it."""

    name: ClassVar[str] = "auto"

    @property
    def actions(self) -> Actions:
        """The requests of the verbs."""
        return cast("Actions", _VERBS)

    @property
    def uploads(self) -> Uploads:
        """The requests that send files."""
        return generation(FIRST).uploads

    def table(self, schema: Schema, catalog: Catalog) -> Table:
        """Give one entity in the generation that is its home."""
        return _at_home(schema, catalog)

    def headers(self, credentials: Credentials) -> dict[str, str]:
        """Give the headers of the first generation; `spoken_at()` tells where those of another one belong."""
        return generation(FIRST).headers(credentials)

    def refusal(self, status: int, *, headers: Mapping[str, str], body: Any) -> Refusal:
        """Read a refusal of the first generation."""
        return generation(FIRST).refusal(status, headers=headers, body=body)

    def is_own(self, body: Any) -> bool:
        """Whether a refusal is in the words of the first generation."""
        return generation(FIRST).is_own(body)

    def unwrap(self, reply: Reply) -> Any:
        """Give what an answer holds, by the path that was asked."""
        return spoken_at(reply.path, self).unwrap(reply)


_OF_THE_SECOND: Final = frozenset({"cancel", "export", "follow"})
"""The verbs of entities that only the second generation has."""


@cache
def _at_home(schema: Schema, catalog: Catalog) -> Table:
    return generation(home_of(schema.resource)).table(schema, catalog)


class _Verbs:
    """Each verb in the first generation that has it."""

    def __getattr__(self, verb: str) -> Any:
        return getattr(generation(GENERATIONS[verb in _OF_THE_SECOND]).actions, verb)


_VERBS: Final = _Verbs()
AUTO: Final[Dialect] = Homes()


def speaking(api: str) -> Dialect:
    """Give what a session of this setting speaks."""
    return AUTO if api == Homes.name else generation(api)


def home_of(resource: str) -> str:
    """Name the generation that is the home of an entity."""
    return FIRST if resource in ROWS else GENERATIONS[1]


def check_generation(name: object) -> Generation:
    """Refuse what names no generation."""
    if name not in GENERATIONS:
        hint = did_you_mean(name, GENERATIONS) if isinstance(name, str) else ""
        raise QueryError(f"via() takes {' or '.join(map(repr, GENERATIONS))}, got {describe(name)}{hint}")
    return name


def via(dialect: Dialect, name: str | None) -> Dialect:
    """Give one generation of those that a session speaks, or raise `UnsupportedError`; no name is all of them."""
    if not name or dialect.name == name:
        return dialect
    if isinstance(dialect, Homes):
        return generation(name)
    raise UnsupportedError(
        f"this session speaks API {dialect.name} only, and the query is to go by API {name}: "
        f'Session(api="{Homes.name}") speaks both. Nothing was sent'
    )


def spoken_at(path: str, dialect: Dialect) -> Dialect:
    """Give the generation of those that a session speaks which a path belongs to."""
    if not isinstance(dialect, Homes):
        return dialect
    path = path.lstrip("/")
    return generation(next((name for start, name in _BELOW.items() if path.startswith(start)), FIRST))


def may_lack(dialect: Dialect) -> bool:
    """Whether there are backends that do not serve a generation."""
    return dialect.name in _BELOW.values()


def elsewhere(table: Table, has: Callable[[Table], bool]) -> str:
    """Say which other generation has what one lacks, and how to ask that; nothing where none has it."""
    found = [name for name in GENERATIONS if name != table.api and _has(name, table, has)]
    asked = [f'{table.schema.entity}.objects.via("{name}")' for name in found]
    return "".join(
        f'. API {name} has it: {query}, in a Session(api="{Homes.name}")'
        for name, query in zip(found, asked, strict=True)
    )


def showing(dialect: Dialect, table: Table, *, field: str) -> Table:
    """Give a table, or one of another generation where it doesn't show a field; raise where no such one is spoken."""
    if table.shows(field):
        return table
    spoken = map(generation, GENERATIONS) if isinstance(dialect, Homes) else ()
    for other in filter(None, [_table_in(each, table.schema, table.catalog) for each in spoken]):
        if other.shows(field):
            return other
    raise UnsupportedError(
        f"{table.schema.entity}.{field}: API {table.api} doesn't show it"
        f"{elsewhere(table, lambda other: other.shows(field))}. Nothing was sent"
    )


def _has(name: str, table: Table, has: Callable[[Table], bool]) -> bool:
    other = _table_in(generation(name), table.schema, table.catalog)
    return other is not None and has(other)


def trial(
    dialect: Dialect, schema: Schema, *, catalog: Catalog, write: Callable[[Table], Request]
) -> tuple[Table, Request]:
    """Ask the generation that can try a write without doing it, or raise `UnsupportedError`."""
    spoken = map(generation, GENERATIONS) if isinstance(dialect, Homes) else [dialect]
    why = ""
    for table in filter(None, [_table_in(each, schema, catalog) for each in spoken]):
        try:
            if (tried := table.trial(write(table))) is not None:
                return table, tried
        except UnsupportedError as error:
            if not isinstance(dialect, Homes):
                raise
            # What it advises, to speak the other generation as well, is no help here.
            why = f" ({str(error).partition('. ')[0]})"
    second = _table_in(generation(GENERATIONS[1]), schema, catalog)
    if isinstance(dialect, Homes) or second is None or not _tries(second, write):
        raise UnsupportedError(
            f"dry_run=True: no API can try a write of {schema.entity} without doing it{why}. Nothing was sent"
        )
    raise UnsupportedError(
        f"dry_run=True: API {dialect.name} cannot try a write of {schema.entity} without doing it; API "
        f'{GENERATIONS[1]} can, which Session(api="{Homes.name}") speaks as well. Nothing was sent'
    )


def _tries(table: Table, write: Callable[[Table], Request]) -> bool:
    try:
        return table.trial(write(table)) is not None
    except UnsupportedError:
        return False


def _table_in(dialect: Dialect, schema: Schema, catalog: Catalog) -> Table | None:
    try:
        return dialect.table(schema, catalog)
    except (UnsupportedError, KeyError):
        return None
