"""From rows to objects, and what an object loads later: deferred fields, everything anew."""

from __future__ import annotations

import copy
import weakref

from collections.abc import Callable, Container, Iterable, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import cache, partial
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeVar, cast

from synapse.dialects import Request, Table
from synapse.errors import MappingError, NotFoundError, QueryError, TransportError, hidden
from synapse.mapping.codecs import Misfit, open_value
from synapse.mapping.json import same_json
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET
from synapse.masking import outline
from synapse.orm import coach, rowcode
from synapse.orm.binding import backend_of, session_of
from synapse.orm.registry import entity_named, table_of
from synapse.query import Condition, FetchMode, In, Query
from synapse.session import Session
from synapse.session.process import Locks, undisturbed

if TYPE_CHECKING:
    from synapse.orm.entity import Entity

E = TypeVar("E", bound="Entity")
Put = Callable[[Any, Any], None]
DEFERRED_BATCH = 100
_SHOWN = 40


class Peers:
    """The rows of one page, so that what one of them lacks can be loaded for all.

    Who loads something for them holds a lock, so that threads which want the same wait instead of asking as well.
    """

    __slots__ = ("locks", "narrowed", "refs")

    def __init__(self, rows: Iterable[Entity] = (), *, narrowed: bool = False) -> None:
        self.narrowed = narrowed
        self.locks = Locks()
        self.gather(rows)

    def gather(self, rows: Iterable[Entity]) -> None:
        """Take these for the rows of the page."""
        self.refs = list(map(weakref.ref, rows))

    def live(self) -> list[Entity]:
        """Give the rows that are still in use."""
        return [row for ref in self.refs if (row := ref()) is not None]


def alone(instance: Entity) -> AbstractContextManager[object]:
    """Keep other threads from loading for the same page, or for this object where it has none."""
    peers: Peers | None = instance._state.peers
    return nullcontext() if peers is None else peers.locks.mine


# --- slots ------------------------------------------------------------------
def peek(instance: Entity, name: str, *, default: Any = UNSET) -> Any:
    """Read a slot without loading anything."""
    try:
        return getattr(type(instance), name).__get__(instance, type(instance))
    except AttributeError:
        return default


def has(instance: Entity, name: str) -> bool:
    """Whether a field's value is here."""
    return peek(instance, name) is not UNSET or name in instance._state.origin


def put(instance: Entity, name: str, *, value: Any) -> None:
    """Write a slot without tracking."""
    getattr(type(instance), name).__set__(instance, value)


def clear(instance: Entity, name: str) -> None:
    """Empty a slot, so that the next read opens or loads it."""
    if peek(instance, name) is not UNSET:
        getattr(type(instance), name).__delete__(instance)


# --- rows → objects ---------------------------------------------------------
@cache
def _plan(cls: Any, table: Table) -> list[tuple[str, str, Callable[[Any], Any], bool, str | None, Put]]:
    """Lay out once per class how each field is read from a row."""
    schema = cls._schema
    by_via = {via: name for name, via in schema.relations.items()}
    plan = []
    for name, wire in table.names.items():
        codec = schema.fields[name].codec
        plan.append((name, wire, codec.load, codec.lazy, by_via.get(name), getattr(cls, name).__set__))
    return plan


def fill(instance: Entity, row: dict[str, Any], *, where: str = "", skip: Container[str] = ()) -> None:
    """Write a row's values into an object; *where* says in errors which row it was."""
    state, cls, name = instance._state, type(instance), "?"
    matched = 0
    try:
        for name, wire, load, lazy, relation, write in _plan(cast("Any", cls), table_of(cls, state.session)):
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
        raise _misfit(instance, name, misfit, where=where) from None
    if matched < len(row):
        _keep_extra(instance, row)


def _misfit(instance: Entity, name: str, misfit: Misfit, *, where: str) -> MappingError:
    path, said = f"{type(instance).__name__}.{name}{misfit.path}", misfit.said
    field = instance._schema.fields.get(name)
    if field and field.secret:
        path, said = (
            f"{type(instance).__name__}.{name}",
            "the value does not fit, and is kept out of this message",
        )
    error = MappingError(f"{path}{where}: {said}")
    error.path = path
    return error


def fill_missing(instance: Entity, row: dict[str, Any]) -> None:
    """Write only what the object lacks, so that what was read before stays as it was; a code gives way to the key."""
    schema = instance._schema
    code = schema.is_code(peek(instance, schema.pk))
    fill(instance, row, skip={n for n in schema.fields if has(instance, n) and not (code and n == schema.pk)})


def _keep_closed(instance: Entity, name: str, value: Any) -> None:
    """Keep a lazy field as it came; one that is open and equal stays, since the user may hold on to it."""
    opened = peek(instance, name)
    if opened is not UNSET:
        codec = instance._schema.fields[name].codec
        if opened is None or not same_json(codec.dump(opened), value):
            clear(instance, name)
    instance._state.origin[name] = value


def _keep_expanded(instance: Entity, relation: str, row: dict[str, Any]) -> Any:
    target = entity_named(instance._schema.to_one[relation].target)
    state = instance._state
    state.rows = {**(state.rows or {}), relation: row}
    return row.get(table_of(target, state.session).pk)


def _keep_extra(instance: Entity, row: dict[str, Any]) -> None:
    state, cls = instance._state, type(instance)
    known = _wire_names(table_of(cls, state.session))
    extra = {key: value for key, value in row.items() if key not in known}
    for name in cls._schema.to_many:
        if isinstance(extra.get(name), list) and all(isinstance(each, dict) for each in extra[name]):
            state.rows = {**(state.rows or {}), name: extra.pop(name)}
    state.extra = extra or state.extra


@cache
def _wire_names(table: Table) -> frozenset[str]:
    return frozenset(table.names.values())


def _keep_unknown(instance: Entity, row: dict[str, Any]) -> None:
    """Keep what came beside the fields of a row that was not normalised yet."""
    _keep_extra(instance, table_of(type(instance), instance._state.session).normalise(row))


@cache
def _maker(cls: Any, table: Table) -> rowcode.Make:
    make = rowcode.maker(cls, table, nested=_keep_expanded, keep_extra=_keep_unknown)
    if table.uniform:
        return make
    return lambda row, *rest: make(table.normalise(row), *rest)


def load(
    cls: type[E],
    row: Any,
    *,
    session: Session,
    where: str = "",
    mode: FetchMode = FetchMode.PEERS,
    nested: bool = False,
) -> E:
    """Build an object from one row that the backend sent; only a nested one may come without its key."""
    table = table_of(cls, session)
    row = table.normalise(row)
    if row.get(table.pk) is None and not nested:
        path = f"{cls.__name__}.{cls._schema.pk}"
        error = MappingError(
            f"{path}{where}: the row has no key {table.pk!r}; it is {outline(row.get('', row))}"
        )
        error.path = path
        raise error
    instance = cls.__new__(cls)
    object.__setattr__(instance, "_state", State(session=session, saved=True, mode=mode))
    try:
        fill(instance, row, where=where)
    except MappingError as error:
        key = table.key(row)
        error.key = hidden(key) if isinstance(key, str) else key
        if where and error.key is not None:
            shown = str(error.key)
            error.args = (f"{error} (its key is {shown if len(shown) <= _SHOWN else shown[:_SHOWN] + '…'})",)
        raise
    return instance


def load_page(
    cls: type[E],
    rows: Sequence[Any],
    *,
    session: Session,
    first: int = 0,
    query: Query | None = None,
    bad: dict[int, MappingError] | None = None,
) -> list[E]:
    """Build the objects of one page and make them peers; `first` is the number of its first row.

    What is wrong with a row is raised, or goes to *bad* by the row's place in the page, and the row is left out.
    """
    mode, make = query.mode if query else FetchMode.PEERS, _maker(cast("Any", cls), table_of(cls, session))
    peers = None
    if mode is FetchMode.PEERS and len(rows) > 1:
        peers = Peers(narrowed=bool(query and (query.only or query.defer)))
    made: list[E] = []
    with undisturbed():
        for row in rows:
            one = make(row, session, mode, peers)
            if one is None:
                place = len(made) + len(bad or ())
                try:
                    one = _load_odd(cls, row, session=session, number=first + place + 1, mode=mode)
                except MappingError as error:
                    if bad is None:
                        raise
                    bad[place] = error
                    continue
                one._state.peers = peers
            made.append(one)
    if peers is not None:
        peers.gather(made)
    return made


def _load_odd(cls: type[E], row: Any, *, session: Session, number: int, mode: FetchMode) -> E:
    """Build an object from a row that does not look as expected, or say which row it is."""
    try:
        return load(cls, row, session=session, where=f" of row {number}", mode=mode)
    except MappingError as error:
        error.row = number
        raise


def reference(cls: type[E], pk: Any, *, session: Session | None = None) -> E:
    """Build an object of which only the key is known."""
    instance = cls.__new__(cls)
    object.__setattr__(instance, "_state", State(session=session, saved=True))
    put(instance, cls._schema.pk, value=pk)
    return instance


def restore(cls: type[E], kept: tuple[dict[str, Any], State]) -> E:
    """Rebuild a pickled object; it finds the current session when it needs one."""
    instance = cls.__new__(cls)
    slots, state = kept
    object.__setattr__(instance, "_state", state)
    for name, value in slots.items():
        put(instance, name, value=value)
    return instance


def copied(instance: E) -> E:
    """Copy an object with its session and its unsaved changes; neither knows of the other's life from then on."""
    state = instance._state
    slots = {name: peek(instance, name) for name in instance._schema.fields}
    own = {name: copy.deepcopy(value) for name, value in slots.items() if value is not UNSET}
    life = State.__new__(State)
    life.__setstate__(copy.deepcopy(state.__getstate__()))
    life.session, life.backend = state.session, backend_of(instance)
    life.extra, life.rows = copy.deepcopy(state.extra), copy.deepcopy(state.rows)
    return restore(type(instance), (own, life))


# --- what is loaded later ---------------------------------------------------
def field_value(instance: Entity, name: str) -> Any:
    """Open or load a field whose slot is empty."""
    state, field = instance._state, instance._schema.fields[name]
    if name not in state.origin:
        if not state.saved or field.write_only:
            return _open_default(instance, name)
        with alone(instance):
            if not has(instance, name):
                _load_deferred(instance, name)
        value = peek(instance, name)
        if value is not UNSET:
            return value
    if field.codec.plain:
        value = state.hand_out(name)
        put(instance, name, value=value)
        return value
    try:
        value = open_value(field.codec, state.origin[name], session=state.session)
    except Misfit as misfit:
        raise _misfit(instance, name, misfit, where=f" of {instance.pk}") from None
    if value is not None and field.codec.completed:
        value = field.codec.completed(value, partial(_told, instance))
    if value is not None and not field.codec.exact:
        state.origin[name] = field.codec.dump(value)
    put(instance, name, value=value)
    return value


def _told(instance: Entity, name: str) -> Any:
    """Give what the row that an object was made of says under a name, whether that is a field of it or not."""
    if name in instance._schema.fields:
        return peek(instance, name, default=None)
    return (instance._state.extra or {}).get(name)


def _open_default(instance: Entity, name: str) -> Any:
    field = instance._schema.fields[name]
    if field.default is UNSET:
        return None
    value = open_value(field.codec, field.default, session=None) if field.codec.lazy else field.default
    if field.codec.lazy and not field.read_only:
        instance._state.origin[name] = field.default
        put(instance, name, value=value)
    return value


def _load_deferred(instance: Entity, name: str) -> None:
    cls, state = type(instance), instance._state
    coach.refuse_inspectors(cls.__name__, name)
    if state.mode is FetchMode.RAISE:
        raise QueryError(
            f"{cls.__name__}.{name} was not loaded and fetch_mode is RAISE; add {name!r} to only() or drop the defer()"
        )
    state.session = session = session_of(instance)
    batch = _lacking(instance, name)
    table = table_of(cls, session)
    light, listed = table.lists_alone(name), table.accepts(cls._schema.pk, In)
    if len(batch) == 1 and not cls._schema.fields[name].secret:
        _note(instance, name)
    if listed and (light or len(batch) > 1):
        _load_for(batch, name, session)
    if not has(instance, name):
        fill_missing(instance, detail_row(instance, session, field=name))
    if listed and not has(instance, name):
        # Rows of the SDK's own lists hold more than single objects do.
        _load_for([instance], name, session)
    if not has(instance, name):
        raise MappingError(
            f"{cls.__name__}.{name}: the backend sends no such field for {cls.__name__} {instance.pk}"
        )


def _note(instance: Entity, name: str) -> None:
    cls, mode = type(instance).__name__, instance._state.mode
    if mode is FetchMode.ONE:
        instead = f"drop fetch_mode(FetchMode.ONE), or add {name!r} to only()"
    else:
        instead = f"get the rows by one query that holds it, such as {cls}.objects.only({name!r})"
    coach.note(f"{cls}.{name}", instead=instead)


def _lacking(instance: Entity, name: str) -> list[Entity]:
    peers: Peers | None = instance._state.peers
    light = table_of(type(instance), session_of(instance)).lists_alone(name)
    if peers is None or not (peers.narrowed or light):
        return [instance]
    others = [row for row in peers.live() if row is not instance and not has(row, name)]
    return [instance, *others][:DEFERRED_BATCH]


def _load_for(batch: list[Entity], name: str, session: Session) -> None:
    table = table_of(type(batch[0]), session)
    keys = Condition(table.schema.pk, In, tuple(row.pk for row in batch))
    request = table.select(Query(where=(keys,), only=(name,)), size=len(batch))
    found = table.found(session.send(request), request)
    rows = [table.normalise(each) for each in found.rows]
    by_key = dict(zip(table.keys(rows), rows, strict=True))
    for instance in batch:
        try:
            if instance.pk in by_key:
                fill_missing(instance, by_key[instance.pk])
        except MappingError:
            # What is wrong with the row of another is told where that is read.
            if instance is batch[0]:
                raise


def detail_row(instance: Entity, session: Session, *, field: str = "") -> dict[str, Any]:
    """Fetch the object's own row; with *field*, one that carries this field."""
    cls, table = type(instance), table_of(type(instance), session)
    request = table.detail(instance.pk, field=field)
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


def missing(cls: type[Entity], message: str, *, cause: NotFoundError | None = None) -> NotFoundError:
    """Make the entity's own DoesNotExist."""
    return cls.DoesNotExist(
        message,
        status_code=404,
        response=cause.response if cause else None,
        request_id=cause.request_id if cause else None,
    )


def refresh(instance: Entity) -> None:
    """Load every field anew and forget changes."""
    session = session_of(instance)
    row = detail_row(instance, session)
    for name, wire in table_of(type(instance), session).names.items():
        if wire not in row:
            forget(instance, name)
    instance._state.rows = instance._state.related = None
    overwrite(instance, row, session=session)


def forget(instance: Entity, name: str) -> None:
    """Drop a field's value, changed or not, so that the next read loads it."""
    clear(instance, name)
    instance._state.origin.pop(name, None)
    instance._state.before.pop(name, None)


def overwrite(instance: Entity, row: dict[str, Any], *, session: Session) -> None:
    """Take over what the backend holds now, dropping changes, and the related objects that are not its own any more."""
    state, relations = instance._state, instance._schema.relations
    state.session, state.saved = session, True
    state.before.clear()
    keys = {name: peek(instance, via) for name, via in relations.items()}
    closed, opened = state.rows or {}, state.related or {}
    state.rows, state.related = {}, {}
    fill(instance, table_of(type(instance), session).normalise(row))
    replaced = {name for name, key in keys.items() if peek(instance, relations[name]) != key}
    replaced |= set(state.rows)
    state.related = {name: kept for name, kept in opened.items() if name not in replaced} or None
    state.rows = {name: kept for name, kept in closed.items() if name not in replaced} | state.rows or None
