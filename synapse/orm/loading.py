"""From rows to objects: a page, one row, or a row that fills an object there is."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping, Sequence
from functools import cache
from http import HTTPStatus
from typing import Any, TypeVar, cast

import attrs

from synapse.dialects import Request, Table
from synapse.errors import MappingError, NotFoundError, TransportError, hidden
from synapse.mapping.codecs import Misfit
from synapse.mapping.json import same_json, seal
from synapse.mapping.page_columns import Columns
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET
from synapse.masking import outline
from synapse.orm.binding import session_of
from synapse.orm.record import (
    Peers,
    Record,
    clear,
    entity_named,
    forget,
    has,
    missing,
    owner_key,
    peek,
    schema_of,
    state_of,
    table_of,
)

# Where pickles of earlier versions look for it.
from synapse.orm.record import restore as restore
from synapse.query import FetchMode, Query
from synapse.session import Session
from synapse.session.process import undisturbed

E = TypeVar("E", bound="Record")
Put = Callable[[Any, Any], None]
_SHOWN = 40


# --- rows → objects ---------------------------------------------------------
@cache
def _plan(cls: Any, table: Table) -> list[tuple[str, str, Callable[[Any], Any], bool, str | None, Put]]:
    """Lay out once per class how each field is read from a row."""
    schema = schema_of(cls)
    by_via = {via: name for name, via in schema.relations.items()}
    plan = []
    for name, wire in table.names.items():
        codec = schema.fields[name].codec
        plan.append((name, wire, codec.load, codec.lazy, by_via.get(name), getattr(cls, name).__set__))
    return plan


def fill(
    instance: Record, row: dict[str, Any], *, table: Table, where: str = "", skip: Container[str] = ()
) -> None:
    """Write the values of a row of *table* into an object; *where* says in errors which row it was."""
    state, cls, name = state_of(instance), type(instance), "?"
    matched = 0
    try:
        for name, wire, load, lazy, relation, write in _plan(cast("Any", cls), table):
            if wire not in row:
                continue
            matched += 1
            if name in skip:
                continue
            value = row[wire]
            if relation is not None and value.__class__ is dict:
                value = _keep_expanded(instance, relation, value)
            if value is not None:
                value = load(value)
                if lazy:
                    _keep_closed(instance, name, value)
                    continue
            if lazy:
                state.origin[name] = None
            write(instance, value)
    except Misfit as misfit:
        raise misfitting(type(instance), name, misfit=misfit, where=where) from None
    # Whatever was not matched is not known to this version of the SDK, and is kept all the same.
    if matched < len(row):
        _keep_extra(instance, row, table)


def misfitting(cls: type[Record], name: str, *, misfit: Misfit, where: str) -> MappingError:
    """Say which field of which row has a value that does not fit."""
    path, said = f"{cls.__name__}.{name}{misfit.path}", misfit.said
    field = schema_of(cls).fields.get(name)
    # The words of a codec quote the value.
    if field and field.secret:
        path, said = (
            f"{cls.__name__}.{name}",
            "the value does not fit, and is kept out of this message",
        )
    error = MappingError(f"{path}{where}: {said}")
    error.path = path
    return error


def fill_missing(instance: Record, row: dict[str, Any], *, table: Table) -> None:
    """Write only what the object lacks, so that what was read before stays as it was; a code gives way to the key."""
    schema = schema_of(instance)
    code = schema.is_code(peek(instance, schema.pk))
    known = {name for name in schema.fields if has(instance, name) and not (code and name == schema.pk)}
    fill(instance, row, table=table, skip=known)


def _keep_closed(instance: Record, name: str, value: Any) -> None:
    """Keep a lazy field as it came; one that is open and equal stays, since the user may hold on to it."""
    opened, state = peek(instance, name), state_of(instance)
    state.origin[name] = value
    if opened is UNSET:
        return
    codec = schema_of(instance).fields[name].codec
    if codec.plain and value.__class__ in (dict, list):
        # What is open would be sealed when it is next compared; until then it would be held twice.
        state.origin[name] = seal(value)
        if state.is_unedited(name, opened):
            return
    if opened is None or not same_json(codec.dump(opened), value):
        clear(instance, name)


def _keep_expanded(instance: Record, relation: str, row: dict[str, Any]) -> Any:
    target = entity_named(schema_of(instance).to_one[relation].target)
    state = state_of(instance)
    state.rows = {**(state.rows or {}), relation: row}
    return row.get(table_of(target, state.session, api=state.api).pk)


def _keep_extra(instance: Record, row: dict[str, Any], table: Table) -> None:
    """Keep what came beside the fields; it is called for every row of a newer backend, so the table is handed on."""
    state, known = state_of(instance), _wire_names(table)
    extra = {key: value for key, value in row.items() if key not in known}
    for name in table.schema.to_many:
        if isinstance(extra.get(name), list) and all(isinstance(each, dict) for each in extra[name]):
            state.rows = {**(state.rows or {}), name: extra.pop(name)}
    state.extra = extra or state.extra


@cache
def _wire_names(table: Table) -> frozenset[str]:
    return frozenset(table.names.values())


class _OddError(ValueError):
    """A row has a value of another class than is expected."""


@attrs.frozen(eq=False, repr=False)
class _Maker:
    """Makes objects of rows that look as expected: the one place where speed comes before brevity.

    Most values are checked by their class alone, in a third of the time that calling their codecs would take. A row
    with any other value is left to `load_odd()`, which reads every row right, or says what is wrong with it.

    Each field is laid out by its key in a row, and how its value is read.
    """

    cls: Any
    table: Table
    links: dict[str, str]
    plain: list[tuple[str, type, Put]] = attrs.field(factory=list)
    lazy: list[tuple[str, type, str, Put]] = attrs.field(factory=list)
    converted: list[tuple[str, Callable[[Any], Any], Callable[[Any], Any], Put]] = attrs.field(factory=list)

    def make_columns(
        self,
        columns: Mapping[str, Sequence[Any]],
        *,
        session: Session,
        mode: FetchMode,
        peers: Peers | None = None,
    ) -> list[Any] | None:
        """Give an object for each row of a page that came as columns; None where anything looks odd."""
        keys, new, put_state = columns.get(self.table.pk), self.cls.__new__, self.cls._state.__set__
        # Nested sets, and rows without a key, are for whoever looks at each row.
        if keys is None or None in keys or not columns.keys().isdisjoint(self.table.schema.to_many):
            return None
        made = [new(self.cls) for _ in keys]
        states = [State(session, True, mode, peers, {}) for _ in made]
        try:
            for one, life in zip(made, states, strict=True):
                put_state(one, life)
            page = Columns(columns, made, states)
            for wire, kind, put in self.plain:
                page.write(wire, put, kind=kind)
            for wire, kind, name, put in self.lazy:
                page.keep(wire, put, kind=kind, name=name)
            for wire, quick, thorough, put in self.converted:
                page.write_converted(wire, put, quick=quick, thorough=thorough)
        except (ValueError, TypeError, AttributeError):
            return None
        page.keep_extra(_wire_names(self.table))
        return made

    @classmethod
    def of(cls, entity: type[Record], table: Table) -> _Maker:
        """Sort the fields of an entity by how they are read."""
        schema = schema_of(entity)
        made = cls(entity, table, {table.names[via]: name for name, via in schema.relations.items()})
        for name, wire in table.names.items():
            codec, put = schema.fields[name].codec, getattr(entity, name).__set__
            if codec.lazy:
                made.lazy.append((wire, codec.kind or object, name, put))
            elif codec.kind is not None and codec.table is None:
                made.plain.append((wire, codec.kind, put))
            else:
                quick = codec.load if codec.table is None else codec.table.get
                made.converted.append((wire, quick, codec.load, put))
        return made

    def make_page(self, rows: Sequence[Any], **state: Any) -> tuple[list[Any], list[int]]:
        """Make objects of a page, by columns where its table has them."""
        if (columns := self.table.columns(rows)) is not None:
            if (made := self.make_columns(columns, **state)) is not None:
                return made, []
            rows = [self.table.normalise(row) for row in rows]
        return self.make(rows, **state)

    def make(
        self, rows: Sequence[Any], *, session: Session, mode: FetchMode, peers: Peers | None = None
    ) -> tuple[list[Any], list[int]]:
        """Give an object for each row, and the places of those that look odd, where None is instead."""
        # The loops run once per field of each row, and local names are read faster than attributes.
        cls, table, unset = self.cls, self.table, UNSET
        new, put_state, many, pk = cls.__new__, cls._state.__set__, len(table.names), table.pk
        plain, lazy, converted, uniform = self.plain, self.lazy, self.converted, table.uniform
        made: list[Any] = []
        odd: list[int] = []
        for row in rows:
            try:
                row = row if uniform else table.normalise(row)
                one, get, known = new(cls), row.get, many
                origin: dict[str, Any] = {}
                put_state(one, State(session, True, mode, peers, origin))
                # Without its key a row is no object, unless it is nested: the thorough way knows.
                if get(pk) is None:
                    raise _OddError
                for wire, kind, put in plain:
                    value = get(wire, unset)
                    if value.__class__ is kind or value is None:
                        put(one, value)
                    elif value is unset:
                        known -= 1
                    # `expand` puts the whole row of the other side where its key would be.
                    elif value.__class__ is dict and wire in self.links:
                        put(one, _nested_key(one, self.links[wire], value, kind=kind))
                    else:
                        raise _OddError
                for wire, kind, name, put in lazy:
                    value = get(wire, unset)
                    if value is None:
                        put(one, None)
                    elif value is unset:
                        known -= 1
                        continue
                    elif value.__class__ is not kind and kind is not object:
                        raise _OddError
                    origin[name] = value
                for wire, quick, thorough, put in converted:
                    value = get(wire, unset)
                    if value is unset:
                        known -= 1
                    else:
                        put(one, None if value is None else quick(value) or thorough(value))
            except (ValueError, TypeError, AttributeError):
                odd.append(len(made))
                made.append(None)
            else:
                # More keys than fields: a newer backend sends something, or a set came nested.
                if known < len(row):
                    _keep_extra(one, row, table)
                made.append(one)
        return made, odd


_maker = cache(_Maker.of)


def _nested_key(holder: Record, relation: str, row: dict[str, Any], *, kind: type) -> Any:
    key = _keep_expanded(holder, relation, row)
    if key is not None and key.__class__ is not kind:
        raise _OddError
    return key


def load(
    cls: type[E],
    row: Any,
    *,
    session: Session,
    mode: FetchMode = FetchMode.PEERS,
    nested: bool = False,
    api: str | None = None,
) -> E:
    """Build an object from one row that the backend sent; only a nested one may come without its key.

    *api* is the API generation that it came by, where that is not the entity's home.
    """
    maker = _maker(cast("Any", cls), table_of(cls, session, api=api))
    [made], odd = maker.make([row], session=session, mode=mode)
    if odd:
        return load_odd(cls, row, session=session, mode=mode, nested=nested, api=api)
    if api:
        state_of(made).api = api
    return cast("E", made)


def load_expected(cls: type[E], rows: Sequence[Any], *, session: Session) -> list[E | None]:
    """Build an object from each row that looks as expected; None in the place of any other."""
    maker = _maker(cast("Any", cls), table_of(cls, session))
    return maker.make_page(rows, session=session, mode=FetchMode.PEERS)[0]


def load_odd(
    cls: type[E],
    row: Any,
    *,
    session: Session,
    where: str = "",
    mode: FetchMode = FetchMode.PEERS,
    nested: bool = False,
    api: str | None = None,
) -> E:
    """Build an object from a row that does not look as expected, or say what is wrong; *where* says which row it is."""
    table = table_of(cls, session, api=api)
    row = table.normalise(row)
    if row.get(table.pk) is None and not nested:
        path = f"{cls.__name__}.{schema_of(cls).pk}"
        error = MappingError(
            f"{path}{where}: the row has no key {table.pk!r}; it is {outline(row.get('', row))}"
        )
        error.path = path
        raise error
    made = cls.__new__(cls)
    object.__setattr__(made, "_state", State(session=session, saved=True, mode=mode, api=api))
    try:
        fill(made, row, table=table, where=where)
    except MappingError as error:
        key = table.key(row)
        error.key = hidden(key) if isinstance(key, str) else key
        if where and error.key is not None:
            shown = str(error.key)
            error.args = (f"{error} (its key is {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'})",)
        raise
    return made


def load_page(
    cls: type[E],
    rows: Sequence[Any],
    *,
    session: Session,
    first: int = 0,
    query: Query | None = None,
    bad: dict[int, MappingError] | None = None,
    habits: dict[str, int] | None = None,
) -> list[E]:
    """Build the objects of one page and make them peers; `first` is the number of its first row.

    `habits` is what the pages of one reading share (`Peers`).

    What is wrong with a row is raised, or goes to *bad* by the row's place in the page, and the row is left out.
    """
    mode, api = (query.mode, query.api) if query else (FetchMode.PEERS, "")
    maker, peers = _maker(cast("Any", cls), table_of(cls, session, api=api)), None
    if mode is FetchMode.PEERS and len(rows) > 1:
        peers = Peers(narrowed=bool(query and (query.only or query.defer)), habits=habits)
    # Collecting garbage while a page is made would walk over all of its objects again and again.
    with undisturbed():
        made, odd = maker.make_page(rows, session=session, mode=mode, peers=peers)
        for place in odd:
            try:
                where = f" of row {first + place + 1}"
                one = load_odd(cls, rows[place], session=session, where=where, mode=mode, api=api)
            except MappingError as error:
                error.row = first + place + 1
                if bad is None:
                    raise
                bad[place] = error
                continue
            state_of(one).peers = peers
            made[place] = one
        page: list[E] = [one for one in made if one is not None] if bad else made
        for one in page if api else ():
            state_of(one).api = api
        if peers is not None:
            peers.gather(page)
            peers.open_ahead(page)
    return page


# --- the row of one object ---------------------------------------------------
def detail_row(
    instance: Record, session: Session, *, field: str = "", table: Table | None = None
) -> dict[str, Any]:
    """Fetch the object's own row; with *field*, one that carries this field, from wherever *table* has it."""
    cls = type(instance)
    table = table or table_of(cls, session, api=state_of(instance).api)
    request = table.detail(instance.pk, field=field, below=owner_key(instance, table))
    try:
        reply = session.send(request)
    except NotFoundError as error:
        raise missing(cls, f"{cls.__name__} {instance.pk} does not exist (any more)", cause=error) from error
    return checked_row(table, table.one(reply), pk=instance.pk, request=request, keyed=True)


def checked_row(table: Table, data: Any, *, pk: Any, request: Request, keyed: bool = False) -> dict[str, Any]:
    """Give the row that answers a request for one key, or raise where it has that of another; if *keyed*, has none."""
    row = table.normalise(data)
    key = table.key(row)
    if keyed if key is None else not same_key(pk, key):
        raise TransportError(
            f"{request.method} {request.shown}: expected {table.schema.entity} {pk}, got "
            f"{outline(data) if key is None else key}",
            method=request.method,
            url=request.shown,
            status_code=HTTPStatus.OK,
        )
    return row


def same_key(asked: Any, found: Any) -> bool:
    """Whether the key of an answer is the one that was asked for."""
    # A release goes by its code and version as well, a job by a number that is text now.
    if asked.__class__ is not found.__class__:
        return True
    return bool(asked == found or (asked.__class__ is str and asked.casefold() == found.casefold()))


def refresh(instance: Record) -> None:
    """Load every field anew and forget changes."""
    session = session_of(instance)
    row, api = detail_row(instance, session), state_of(instance).api
    fresh = load(type(instance), row, session=session, api=api)
    for name in schema_of(instance).fields:
        if not has(fresh, name):
            forget(instance, name)
    state_of(instance).rows = state_of(instance).related = None
    adopt(instance, fresh)
    session.cache.discard(schema_of(instance).resource, instance.pk)


@cache
def _slots(cls: Any) -> list[tuple[str, bool, Callable[[Any, Any], Any], Put]]:
    """Lay out once per class how the slots of its fields are read and written, and which of them are lazy."""
    slots = {name: (field.codec.lazy, getattr(cls, name)) for name, field in schema_of(cls).fields.items()}
    return [(name, lazy, slot.__get__, slot.__set__) for name, (lazy, slot) in slots.items()]


def adopt(instance: Record, fresh: Record, *, keep: Container[str] = ()) -> None:
    """Take over what an object that was just made of a row holds, but for the fields to *keep*.

    A change of any other field is dropped, and a related object goes where its key names another one.
    """
    cls, state, made = type(instance), state_of(instance), state_of(fresh)
    linked = schema_of(instance).relations if state.related or state.rows else {}
    keys = {name: peek(instance, via) for name, via in linked.items()}
    state.session, state.saved, state.checked = made.session, True, None
    state.before = {name: old for name, old in state.before.items() if name in keep}
    for name, lazy, get, put_slot in _slots(cast("Any", cls)):
        if name in keep:
            continue
        if lazy and (raw := made.origin.get(name, UNSET)) is not None:
            if raw is not UNSET:
                _keep_closed(instance, name, raw)
            continue
        try:
            put_slot(instance, get(fresh, cls))
        except AttributeError:
            continue  # the row did not carry it
        if lazy:
            state.origin[name] = None
    replaced = {name for name, key in keys.items() if peek(instance, linked[name]) != key} | set(
        made.rows or ()
    )
    _drop_replaced(state, replaced)
    if made.rows:
        state.rows = {**(state.rows or {}), **made.rows}
    state.extra = made.extra or state.extra


def _drop_replaced(state: State, replaced: Container[str]) -> None:
    """Drop related objects and rows that keys no longer name."""
    if state.related:
        state.related = {name: kept for name, kept in state.related.items() if name not in replaced} or None
    if state.rows:
        state.rows = {name: kept for name, kept in state.rows.items() if name not in replaced} or None
