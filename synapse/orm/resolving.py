"""What became of a write whose answer never came: asked of the backend, and never written again."""

from __future__ import annotations

import time

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import NotFoundError, QueryError, Question, Resolution, WriteUnconfirmedError, describe
from synapse.mapping.codecs import dump_value
from synapse.mapping.json import copy_json, same_json
from synapse.mapping.unset import UNSET
from synapse.orm import arguments, binding, carrying, loading, newest, writing
from synapse.orm.registry import entity_named
from synapse.session import Session, current

if TYPE_CHECKING:
    from synapse.orm.entity import Entity

FIRST_LOOK: Final = 0.1
SLOWEST_LOOK: Final = 2.0
ABSENT: Final = Resolution(repeatable=True, reason="the backend has nothing of it")


@contextmanager
def asking(question: Callable[[float], Question]) -> Iterator[None]:
    """Give a write that ends unconfirmed inside a question to resolve it by, made from the time of its sending."""
    since = time.time()
    try:
        yield
    except WriteUnconfirmedError as error:
        if error.question is None:
            error.question = question(since)
        raise


@attrs.frozen(kw_only=True)
class Asked:
    """What every question holds; the session and the user's own objects stay behind in a pickle."""

    host: str
    failed: float = attrs.field(factory=time.time)
    session: Session | None = attrs.field(default=None, repr=False, eq=False)
    objects: tuple[Any, ...] = attrs.field(default=(), repr=False, eq=False)

    def look(self, session: Session) -> Resolution:
        """Ask once; a write that is not there is `repeatable`."""
        raise NotImplementedError

    def answered(self, *, using: Session | None, wait: float | None) -> Resolution:
        """Look until the write is found, or is not to be expected any more."""
        session = self.through(using)
        if wait is not None:
            arguments.seconds("resolve(wait=...)", wait)
        # Bounded by the limit as well, since the clock may be set meanwhile.
        limit = session.settings.timeout.read
        due = min(max(0.0, self.failed + limit - time.time()), limit)
        patience = due if wait is None else min(due, wait)
        found = self._looked(session, patience=patience)
        if not found.repeatable or patience >= due:
            return found
        return found._replace(
            repeatable=False,
            reason=f"{found.reason} yet, but it may still be at work on it; resolve() again in {due - patience:.1f} s",
        )

    def _looked(self, session: Session, *, patience: float) -> Resolution:
        until, pause = time.monotonic() + patience, FIRST_LOOK
        while True:
            last = time.monotonic() >= until
            found = self.look(session)
            if last or not found.repeatable:
                return found
            session._pause(max(0.0, min(pause, until - time.monotonic())))
            pause = min(2 * pause, SLOWEST_LOOK)

    def through(self, using: Session | None) -> Session:
        """Choose the session to ask by, which has to lead to the same backend."""
        given: object = using
        if given is not None and not isinstance(given, Session):
            raise QueryError(f"resolve(using=...) takes a Session, got {describe(given)}")
        session = using or self.session or current()
        binding.meet(session, self.host, what="resolve()")
        return session

    def __reduce__(self) -> tuple[Any, ...]:
        left = ("session", "objects")
        kept = {each.name: getattr(self, each.name) for each in attrs.fields(type(self))}
        return _restored, (type(self), {name: value for name, value in kept.items() if name not in left})


def _restored(cls: type[Asked], kept: dict[str, Any]) -> Asked:
    return cls(**kept)


# --- creations --------------------------------------------------------------
@attrs.frozen(kw_only=True)
class Creation(Asked):
    """Rows that were sent to be created, each as its wire values by field; `lookups` narrow where they are."""

    entity: str
    sent: tuple[Mapping[str, Any], ...] = attrs.field(repr=False)
    since: float
    lookups: Mapping[str, Any] = attrs.field(factory=dict)

    @classmethod
    def of(cls, objects: Sequence[Entity], *, session: Session, since: float) -> Creation:
        """Ask for new objects of one entity, which were sent by one request."""
        schema = objects[0]._schema
        sent = tuple(open_values(each) for each in objects)
        return cls(
            entity=schema.entity,
            sent=sent,
            since=since,
            lookups=shared_links(type(objects[0]), sent),
            host=session.host,
            session=session,
            objects=tuple(objects),
        )

    def look(self, session: Session) -> Resolution:
        """Look for rows made since that carry what was sent, leaving out those that are known to be others."""
        cls = entity_named(self.entity)
        made = newest.made_since(cls, self.since, session=session, lookups=self.lookups)
        own = {each.pk for each in self.objects}
        rows = {
            row.pk: (row, raw)
            for row, raw in made.rows
            if (row.pk in own or (cls._schema.resource, row.pk) not in session.made)
            and not (len(self.sent) == 1 and holds_other_files(row, self.sent[0]))
        }
        paired = carrying.pair(dict(enumerate(self.sent)), [row for row, _ in rows.values()])
        if made.dated and len(paired.found) == len(self.sent):
            found = [
                self._taken(index, *rows[paired.found[index]], session) for index in range(len(self.sent))
            ]
            return Resolution(done=True, rows=tuple(found), reason=f"it is {_named(found)}")
        keys = dict.fromkeys(
            [*paired.found.values(), *(key for each in paired.doubtful.values() for key in each)]
        )
        if not keys and made.whole:
            return ABSENT
        maybe = tuple(rows[key][0] for key in keys)
        return Resolution(rows=maybe, reason=self._doubt(made, paired, maybe))

    def _doubt(
        self, made: newest.Newest[Any], paired: carrying.Paired[int], maybe: tuple[Entity, ...]
    ) -> str:
        if not made.whole:
            return f"more {self.entity} rows were made since than are read; filter for it"
        if not made.dated:
            return f"{_named(maybe)} may be it, but the backend does not say when it was made"
        if paired.found and not paired.doubtful:
            return f"{len(paired.found)} of {len(self.sent)} are there: {_named(maybe)}"
        return f"{_named(maybe)} may be it, or somebody else's; compare what it holds"

    def _taken(self, index: int, row: Entity, raw: dict[str, Any], session: Session) -> Entity:
        """Let the user's own object be the row that was found, unless it was saved since."""
        if index >= len(self.objects):
            return row
        own: Entity = self.objects[index]
        if own._state.saved:
            return own if own.pk == row.pk else row
        take_over(own, raw, session=session, sent=self.sent[index])
        return own


def open_values(instance: Entity) -> dict[str, Any]:
    """Give the changes of an object as wire values by field, without its secrets."""
    fields = instance._schema.fields
    return {name: value for name, value in writing.to_wire(instance).items() if not fields[name].secret}


def shared_links(cls: type[Entity], sent: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Give the links that rows have in common and that can be filtered by."""
    links = {}
    for relation, via in cls._schema.relations.items():
        keys = {values.get(via) for values in sent}
        by = cls._catalog.lookups.get(relation)
        if len(keys) == 1 and None not in keys and by is not None and not by.many:
            links[relation] = keys.pop()
    return links


def take_over(instance: Entity, row: dict[str, Any], *, session: Session, sent: Mapping[str, Any]) -> None:
    """Take over a row as the answer that did not come, keeping what was assigned since the sending."""
    fields, later = instance._schema.fields, {}
    for name, value in writing.changes(instance).items():
        was_sent = fields[name].secret or same_json(
            dump_value(fields[name].codec, value), sent.get(name, UNSET)
        )
        if not was_sent:
            later[name] = value
    with writing.dropping_cached(instance, session):
        writing.store(instance, copy_json(row), session=session)
    for name, value in later.items():
        setattr(instance, name, value)


def holds_other_files(row: Entity, sent: Mapping[str, Any]) -> bool:
    """Whether a row has other files than were sent, of which backends tell in other words than they take."""
    for name, value in sent.items():
        codec = row._schema.fields[name].codec
        if not isinstance(value, Mapping) or codec.plain or not codec.lazy or not loading.has(row, name):
            continue
        held = getattr(row, name) or {}
        paths = [(getattr(held.get(key), "path", None), each) for key, each in value.items()]
        if held.keys() != value.keys() or any(
            path and isinstance(each, Mapping) and path != each.get("path", path) for path, each in paths
        ):
            return True
    return False


def _named(rows: Sequence[Entity]) -> str:
    shown = ", ".join(f"{row._schema.entity} {row.pk}" for row in rows[:3])
    return f"{shown} and {len(rows) - 3} more" if len(rows) > 3 else shown


# --- changes ----------------------------------------------------------------
@attrs.frozen(kw_only=True)
class Edit(Asked):
    """Fields of one row that were to be changed: what was sent and what they were, as wire values by field."""

    entity: str
    pk: Any
    sent: Mapping[str, Any] = attrs.field(repr=False)
    before: Mapping[str, Any] = attrs.field(repr=False)

    @classmethod
    def of(cls, instance: Entity, *, session: Session) -> Edit:
        """Ask for the unsaved changes of an object."""
        sent = open_values(instance)
        return cls(
            entity=instance._schema.entity,
            pk=instance.pk,
            sent=sent,
            before={name: loaded_value(instance, name) for name in sent},
            host=session.host,
            session=session,
            objects=(instance,),
        )

    def look(self, session: Session) -> Resolution:
        """Read the row, and hold each field against what was sent and what it was."""
        cls = entity_named(self.entity)
        try:
            raw = loading.detail_row(loading.reference(cls, self.pk, session=session), session)
        except NotFoundError as error:
            return Resolution(reason=str(error))
        fresh = loading.load(cls, raw, session=session)
        held = held_values(fresh, self.sent)
        if not held:
            return Resolution(rows=(fresh,), reason=f"{self.entity} rows do not show {', '.join(self.sent)}")
        if all(_taken_on(self.sent[name], value) for name, value in held.items()):
            for own in self.objects:
                take_over(own, raw, session=session, sent=self.sent)
            return Resolution(
                done=True, rows=self.objects or (fresh,), reason=f"{_named([fresh])} holds what was sent"
            )
        if all(same_json(self.before[name], value) for name, value in held.items()):
            return ABSENT._replace(rows=(fresh,), reason=f"{_named([fresh])} holds what it held before")
        shown = ", ".join(f"{name} {describe(value)}" for name, value in held.items())
        return Resolution(
            rows=(fresh,),
            reason=f"{_named([fresh])} holds neither what was sent nor what was loaded: {shown}",
        )


def held_values(fresh: Entity, names: Iterable[str]) -> dict[str, Any]:
    """Give what a row that was just read holds, as wire values; what no row shows is left out."""
    fields = fresh._schema.fields
    return {
        name: dump_value(fields[name].codec, getattr(fresh, name))
        for name in names
        if not fields[name].write_only
    }


def loaded_value(instance: Entity, name: str) -> Any:
    """Give the wire value that a field had when it was loaded; `UNSET` where it never was."""
    state, codec = instance._state, instance._schema.fields[name].codec
    if codec.lazy:
        return state.loaded(name)
    value = state.before.get(name, UNSET)
    return value if value is UNSET else dump_value(codec, value)


def _taken_on(sent: Any, held: Any) -> bool:
    verdict = carrying.alike(sent, held)
    # Backends take blanks off texts; an object that differs is somebody else's.
    return bool(verdict) or (verdict is None and isinstance(sent, str))
