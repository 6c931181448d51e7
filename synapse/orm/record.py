"""What every object of the backend is, beneath its verbs: slots, state, identity; and the entities by name.

Everything below `entity.py` works with a `Record`. What it needs of one beside the fields is asked of the functions
here, since an object's own names belong to its fields: `state_of(task)`, `peek(task, "meta")`.
"""

from __future__ import annotations

import copy
import weakref

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self, TypeVar

import attrs

from synapse.dialects import homes
from synapse.errors import MultipleObjectsReturned, NotFoundError, QueryError, did_you_mean
from synapse.mapping.codecs import Misfit
from synapse.mapping.json import JsonText, read
from synapse.mapping.page_columns import open_column
from synapse.mapping.schema import Field, Schema
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET
from synapse.query.catalog import Catalog
from synapse.query.lookups import By
from synapse.session import Backend, Session, current_if_any
from synapse.session.process import Locks, undisturbed
from synapse.showing import brief

if TYPE_CHECKING:
    from synapse.dialects import Table

R = TypeVar("R", bound="Record")
SHOWN_IN_REPR = 4


@attrs.define(kw_only=True, eq=False, repr=False, init=False, getstate_setstate=False)
class Record:
    """The slots of an object's fields, and what the SDK remembers about it; its verbs are those of `Entity`."""

    _schema: ClassVar[Schema]
    _catalog: ClassVar[Catalog]
    _made_by: ClassVar[str] = ""
    _in_repr: ClassVar[tuple[str, ...]] = ()
    """The fields that its `repr` shows; without them the first plain ones."""
    lookups: ClassVar[Mapping[str, By]] = {}
    DoesNotExist: ClassVar[type[NotFoundError]]
    MultipleObjectsReturned: ClassVar[type[MultipleObjectsReturned]]

    _state: State = attrs.field(init=False)

    @classmethod
    def _decisive(cls, sent: Mapping[str, Any]) -> Mapping[str, Any]:
        """Give what of a creation, as wire values by field, its answer has to hold."""
        return sent

    @property
    def pk(self) -> Any:
        """The primary key, whatever its name; None before the first `save()`."""
        return peek(self, self._schema.pk, default=None)

    def __eq__(self, other: object) -> bool:
        if self is other:
            return True
        if not isinstance(other, Record):
            return NotImplemented
        same = self._schema is other._schema and self.pk is not None and self._same_key(other)
        return same and not apart(self, other)

    def _same_key(self, other: Record) -> bool:
        mine, theirs = self.pk, other.pk
        if mine.__class__ is theirs.__class__:
            return bool(mine == theirs)
        # One of them is known by its code only.
        return theirs == self._code() if isinstance(theirs, str) else mine == other._code()

    def _code(self) -> str | None:
        """The text that the backend takes instead of the number, as far as it is loaded."""
        return None

    def __hash__(self) -> int:
        name, key = type(self).__name__, self.pk
        if key is None:
            raise TypeError(f"a {name} that is not saved has no key to hash by; call .save() first")
        if self._schema.is_code(key):
            raise TypeError(
                f"this {name} is known by {key!r} only, which is no key to hash by; call .refresh() first"
            )
        return hash((self._schema.entity, key))

    def __repr__(self) -> str:
        pk = "(new)" if self.pk is None else self.pk
        return f"<{type(self).__name__} {pk}{''.join(f' {name}={text}' for name, text in _shown(self))}>"

    def __rich_repr__(self) -> Iterator[Any]:
        # rich would read every attrs field, and so load those that aren't here.
        yield _Verbatim("(new)" if self.pk is None else self.pk)
        yield from _shown(self)

    __rich_repr__.angular = True  # type: ignore[attr-defined]

    def __copy__(self) -> Self:
        return _copied(self)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return _copied(self)

    def __reduce__(self) -> tuple[Any, ...]:
        secrets = {name for name, field in self._schema.fields.items() if field.secret}
        slots = {name: peek(self, name) for name in self._schema.fields if name not in secrets}
        kept = {name: value for name, value in slots.items() if value is not UNSET}
        origin = {name: raw for name, raw in self._state.origin.items() if name not in secrets}
        state = attrs.evolve(self._state, origin=origin, backend=_travelling(self))
        return restore, (type(self), (kept, state))


class _Verbatim(str):
    """Text that is shown without quotes."""

    __slots__ = ()

    def __repr__(self) -> str:
        return str(self)


def _shown(record: Record) -> list[tuple[str, _Verbatim]]:
    """Spell the values that are here of the fields that tell most: nothing is loaded, and secrets are stars."""
    shown: list[tuple[str, _Verbatim]] = []
    for name in record._in_repr or record._schema.fields:
        text = _spelled(record, name)
        if text is not None and name != record._schema.pk and (record._in_repr or len(shown) < SHOWN_IN_REPR):
            shown.append((name, _Verbatim(text)))
    return shown


def _spelled(record: Record, name: str) -> str | None:
    value = peek(record, name)
    if value is UNSET and record._in_repr:
        value = state_of(record).loaded(name)
    if value is UNSET or value is None:
        return None
    if record._schema.fields[name].secret:
        return "***"
    if isinstance(value, list) and record._in_repr:
        return brief(value)
    if not isinstance(value, str | int | float | bool):
        return None
    text = repr(str(value)) if isinstance(value, str) else repr(value)
    return text if len(text) <= 40 else text[:36] + "..." + text[0]


# --- what a record is -------------------------------------------------------
def is_record(value: object) -> bool:
    """Whether something is an object of the backend."""
    return isinstance(value, Record)


def schema_of(record: Record | type[Record]) -> Schema:
    """Give the fields and links of an object, or of an entity."""
    return record._schema


def catalog_of(cls: type[Record]) -> Catalog:
    """Give the lookups and orders of an entity."""
    return cls._catalog


def objects_of(cls: type[Record]) -> Any:
    """Give the manager of an entity, which is declared above."""
    # Declared as an attribute of `Record`, it would hide each entity's own manager from type checkers.
    return cls.objects  # type: ignore[attr-defined]


def table_of(cls: type[Record], session: Session, *, api: str | None = None) -> Table:
    """Give an entity in the API generation that a session has as its home, or in the one that was asked for."""
    return homes.via(session.dialect, api).table(cls._schema, cls._catalog)


def owner_key(record: Record, table: Table) -> Any:
    """Give the key of the object below which a table addresses another one, as far as it is known."""
    return peek(record, table.below, default=None) if table.below else None


def state_of(record: Record) -> State:
    """Give what the SDK remembers about an object."""
    return record._state


def missing(cls: type[Record], message: str, *, cause: NotFoundError | None = None) -> NotFoundError:
    """Make the entity's own DoesNotExist."""
    error = cls.DoesNotExist(message, status_code=404)
    if cause is not None:
        error.response, error.errors = cause.response, cause.errors
        error.request_id, error.backend_code = cause.request_id, cause.backend_code
    return error


# --- slots ------------------------------------------------------------------
def peek(record: Record, name: str, *, default: Any = UNSET) -> Any:
    """Read a slot without loading anything."""
    try:
        return getattr(type(record), name).__get__(record, type(record))
    except AttributeError:
        return default


def has(record: Record, name: str) -> bool:
    """Whether a field's value is here."""
    return peek(record, name) is not UNSET or name in record._state.origin


def put(record: Record, name: str, *, value: Any) -> None:
    """Write a slot without tracking."""
    getattr(type(record), name).__set__(record, value)


def clear(record: Record, name: str) -> None:
    """Empty a slot, so that the next read opens or loads it."""
    if peek(record, name) is not UNSET:
        getattr(type(record), name).__delete__(record)


def forget(record: Record, name: str) -> None:
    """Drop a field's value, changed or not, so that the next read loads it."""
    clear(record, name)
    record._state.origin.pop(name, None)
    record._state.before.pop(name, None)


def attach(record: Record, relation: str, *, value: Any) -> None:
    """Keep a related object, or the rows of a set, as loaded."""
    record._state.related = {**(record._state.related or {}), relation: value}


def forget_related(record: Record, relation: str) -> None:
    """Drop a related object that its key no longer names."""
    for kept in (record._state.rows, record._state.related):
        if kept:
            kept.pop(relation, None)


# --- made without a row -----------------------------------------------------
def reference(cls: type[R], pk: Any, *, session: Session | None = None) -> R:
    """Build an object of which only the key is known."""
    made = cls.__new__(cls)
    object.__setattr__(made, "_state", State(session=session, saved=True))
    put(made, cls._schema.pk, value=pk)
    return made


def restore(cls: type[R], kept: tuple[dict[str, Any], State]) -> R:
    """Rebuild a pickled object; it finds the current session when it needs one."""
    made = cls.__new__(cls)
    slots, state = kept
    object.__setattr__(made, "_state", state)
    for name, value in slots.items():
        put(made, name, value=value)
    return made


def _copied(record: R) -> R:
    """Copy an object with its session and its unsaved changes; neither knows of the other's life from then on."""
    state = record._state
    slots = {name: peek(record, name) for name in record._schema.fields}
    own = {name: copy.deepcopy(value) for name, value in slots.items() if value is not UNSET}
    life = State.__new__(State)
    life.__setstate__(copy.deepcopy(state.__getstate__()))
    life.session, life.backend = state.session, backend_of(record)
    life.extra, life.rows = copy.deepcopy(state.extra), copy.deepcopy(state.rows)
    return restore(type(record), (own, life))


# --- the backend that a record belongs to -----------------------------------
def backend_of(record: Record, *, but: str = "") -> Backend | None:
    """Give the backend that an object came from, or what it links to, *but* one; None if it is free."""
    return backend_in(record._state, but=but)


def backend_in(state: State, *, but: str = "") -> Backend | None:
    """Give the backend of the object that a state is of."""
    if (found := _kept(state)) is not None:
        return found
    linked = [each for name, each in (state.related or {}).items() if name != but]
    return next((kept for each in linked if isinstance(each, Record) and (kept := _kept(each._state))), None)


def _kept(state: State) -> Backend | None:
    kept: Backend | str | None = state.backend if state.session is None else state.session.backend
    return Backend(kept) if isinstance(kept, str) else kept


def _travelling(record: Record) -> Backend | None:
    """Give the backend that a pickle of an object names; an object without a session goes by the current one."""
    found = backend_of(record)
    return found if found is not None or not record._state.saved else current_backend()


def current_backend() -> Backend | None:
    """Give the backend of the current session, if there is one; none is made for this."""
    session = current_if_any()
    return None if session is None else session.backend


def apart(record: Record, other: Record | Session) -> bool:
    """Whether an object is known to be of another backend than another one, or than a session leads to."""
    mine = backend_of(record)
    theirs = other.backend if isinstance(other, Session) else backend_of(other)
    return mine is not None and theirs is not None and not mine.is_at(theirs)


# --- the rows of one page ---------------------------------------------------
OPENED_PAGES: Final = 8
"""For so many pages fields are opened ahead before it is looked whether they are still read."""
_LEFT_CLOSED: Final = 2
"""So many rows of the page after these stay closed, which tell that."""


class Peers:
    """The rows of one page, so that what one of them lacks can be loaded for all.

    Who loads something for them holds a lock, so that threads which want the same wait instead of asking as well.
    `habits`, shared by the pages of one reading, are the fields that its rows are read for, each with the number of
    pages that are still to be opened for that.
    """

    __slots__ = ("habits", "locks", "narrowed", "read", "refs")

    def __init__(
        self,
        rows: Iterable[Record] = (),
        *,
        narrowed: bool = False,
        habits: dict[str, int] | None = None,
    ) -> None:
        self.narrowed = narrowed
        self.habits = {} if habits is None else habits
        self.read: dict[str, int] = {}
        self.locks = Locks()
        self.gather(rows)

    def gather(self, rows: Iterable[Record]) -> None:
        """Take these for the rows of the page."""
        # Weakly, so that one row that is kept does not keep the page.
        self.refs = list(map(weakref.ref, rows))

    def note_read(self, name: str) -> None:
        """Once a field is read on a second row, parse it for all of them: row by row, the collector would visit all."""
        count = self.read[name] = self.read.get(name, 0) + 1
        if count == 2:
            self.habits[name] = OPENED_PAGES
            for row, text, value in self._parsed(name):
                row._state.parsed = {**(row._state.parsed or {}), name: (text, value)}

    def open_ahead(self, rows: Sequence[Record]) -> None:
        """Open what the rows of the page before were read for, while nobody else has these rows."""
        for name, pages in list(self.habits.items()):
            if pages:
                self.habits[name] = pages - 1
            else:
                self.habits.pop(name, None)
            opened = rows if pages else rows[_LEFT_CLOSED:]
            if opened:
                cls, states = type(opened[0]), [row._state for row in opened]
                codec = cls._schema.fields[name].codec
                open_column(opened, states, name=name, codec=codec, put=getattr(cls, name).__set__)

    def _parsed(self, name: str) -> list[tuple[Record, JsonText, Any]]:
        texts = [(row, text) for row in self.live() if (text := row._state.text_of(name)) is not None]
        texts = [(row, text) for row, text in texts if peek(row, name) is UNSET]
        if not texts:
            return []
        # What is wrong with the value of another row is told where that is read.
        with suppress(Misfit), undisturbed():
            values = read(JsonText(b"[%b]" % b",".join(text for _, text in texts)))
            return [(row, text, value) for (row, text), value in zip(texts, values, strict=True)]
        return []

    def live(self) -> list[Record]:
        """Give the rows that are still in use."""
        return [row for ref in self.refs if (row := ref()) is not None]


def alone(record: Record) -> AbstractContextManager[object]:
    """Keep other threads from loading for the same page, or for this object where it has none."""
    peers: Peers | None = record._state.peers
    return nullcontext() if peers is None else peers.locks.mine


# --- entities by name, so that their files need not import each other -------
_ENTITIES: dict[str, type[Record]] = {}
# Where each was declared: a public entity goes by another module later.
_DECLARED: dict[str, str] = {}
_MANAGED: dict[str, str] = {}
# Imports the module of an entity that is known by its name only so far.
_LATER: dict[str, Callable[[str], object]] = {}


def declare(modules: Mapping[str, str], *, load: Callable[[str], object]) -> None:
    """Make entities known by name, each with its module, which *load* imports when the entity is first asked for."""
    _DECLARED.update({name: f"{module}.{name}" for name, module in modules.items()})
    _LATER.update(dict.fromkeys(modules, load))


def register(cls: type[Any]) -> None:
    """Make an entity known under its class name; the same declaration, run again, replaces it."""
    name, declared = cls.__name__, f"{cls.__module__}.{cls.__qualname__}"
    taken = _DECLARED.setdefault(name, declared)
    if taken != declared:
        raise QueryError(
            f"there is an entity called {name!r} already ({taken}), and relations find entities by their names: call "
            f"this one otherwise, or leave @entity out to extend {name}"
        )
    _ENTITIES[name] = cls


def entity_at(resource: str) -> type[Record]:
    """Find an entity by the name that the dialects know it by."""
    for name in _LATER:
        entity_named(name)
    return next(cls for cls in list(_ENTITIES.values()) if cls._schema.resource == resource)


def entity_named(name: str) -> type[Record]:
    """Find an entity by its class name, or by that of its manager."""
    found = entity_behind(name)
    if found in _LATER and found not in _ENTITIES:
        _LATER[found](found)
    try:
        return _ENTITIES[found]
    except KeyError:
        raise QueryError(f"no entity is called {name!r}{did_you_mean(name, _DECLARED)}") from None


def entity_behind(declared: str) -> str:
    """Name the entity that a link declares by itself or by its manager: `Task`, `TaskManager`."""
    if declared in _ENTITIES or not declared.endswith("Manager"):
        return declared
    if declared not in _MANAGED:
        # A copy: looking at a manager in a REPL loads the entities that its signatures name.
        known = list(_ENTITIES.values())
        managed = (cls.__name__ for cls in known if type(objects_of(cls)).__name__ == declared)
        bare = declared.removesuffix("Manager")
        found = next(managed, bare if bare in _LATER else None)
        if found is None:
            return declared  # it may be declared later
        _MANAGED[declared] = found
    return _MANAGED[declared]


@attrs.frozen
class FieldPath:
    """A field of a row, or of an object that its to-one relations lead to: `project__title`."""

    relations: tuple[str, ...]
    field: Field

    @classmethod
    def of(cls, schema: Schema, name: str) -> Self:
        """Find a field by its path, or raise `QueryError`."""
        relations: list[str] = []
        step, _, rest = name.partition("__")
        while rest and rest not in ("id", "pk") and step in schema.to_one:
            relations.append(step)
            schema = schema_of(entity_named(schema.to_one[step].target))
            name, (step, _, rest) = rest, rest.partition("__")
        return cls(tuple(relations), schema.field(name))

    def read(self, row: Any) -> Any:
        """Read the value; None where a relation on the way leads nowhere."""
        for relation in self.relations:
            row = getattr(row, relation)
            if row is None:
                return None
        return getattr(row, self.field.name)
