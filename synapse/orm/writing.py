"""Exact changes of one object, and how they reach the backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar, cast

from synapse.errors import (
    ConflictError,
    MappingError,
    QueryError,
    ValidationError,
    WriteUnconfirmedError,
    describe,
)
from synapse.mapping.codecs import dump_value
from synapse.mapping.json import same_json
from synapse.mapping.schema import Field
from synapse.mapping.unset import UNSET
from synapse.masking import outline
from synapse.orm import binding, loading
from synapse.orm.registry import entity_named, table_of
from synapse.query import FetchMode
from synapse.query.kinds import Key

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet
    from synapse.session import Session

E = TypeVar("E", bound="Entity")


def assign(instance: Entity, field: Field, *, value: Any) -> None:
    """Set a field that a user assigned, remembering what it was."""
    accepted = _taken(type(instance), field, value=value)
    state = instance._state
    if state.deleted:
        raise QueryError(f"{instance._schema.entity} {instance.pk} was deleted; nothing was set")
    if field.name not in state.before and not (field.codec.lazy and field.name in state.origin):
        state.before[field.name] = loading.peek(instance, field.name)
    kept = loading.peek(instance, field.name)
    loading.put(instance, field.name, value=accepted)
    for relation, via in instance._schema.relations.items():
        if via == field.name and kept != accepted:
            forget_related(instance, relation)


def _taken(cls: type[Entity], field: Field, *, value: Any) -> Any:
    """Check a value that is to be set; the key of another object has to be one that a backend may give."""
    entity = cls._schema.entity
    taken = field.accept(entity, value)
    for link in cls._schema.to_one.values():
        if link.via == field.name and taken is not None:
            kind = entity_named(link.target)._schema.key
            try:
                return kind.check(f"{entity}.{field.name}", taken)
            except QueryError as error:
                raise MappingError(f"{error}; nothing was set") from None
    return taken


def forget_related(instance: Entity, relation: str) -> None:
    """Drop a related object that its key no longer names."""
    for kept in (instance._state.rows, instance._state.related):
        if kept:
            kept.pop(relation, None)


@contextmanager
def renewing(owner: object, name: str) -> Iterator[None]:
    """Drop what was prefetched of an object's set once a verb has written to it; a bare key has none."""
    try:
        yield
    finally:
        if hasattr(type(owner), "_schema"):
            forget_related(cast("Entity", owner), name)


def changes(instance: Entity) -> dict[str, Any]:
    """Give the fields whose value differs from what was loaded, or was never sent."""
    changed = {}
    state = instance._state
    for name, field in instance._schema.fields.items():
        value = loading.peek(instance, name)
        if value is UNSET or field.read_only:
            continue
        if field.codec.lazy:
            if name not in state.origin or not same_json(dump_value(field.codec, value), state.loaded(name)):
                changed[name] = value
        elif name in state.before and (state.before[name] is UNSET or state.before[name] != value):
            changed[name] = value
    return changed


def to_wire(instance: Entity) -> dict[str, Any]:
    """Give the changes as the wire takes them, checking JSON that was edited in place."""
    fields, entity = instance._schema.fields, instance._schema.entity
    sent = {}
    for name, value in changes(instance).items():
        accepted = fields[name].accept(entity, value)
        sent[name] = dump_value(fields[name].codec, accepted)
    return sent


def drop_cached(cls: type[Entity], key: Any, *, session: Session) -> None:
    """Forget the cached row of an object; one that has several keys may be held by another one."""
    if isinstance(cls._schema.key, Key):
        session.cache.drop(cls._schema.resource, key)
    else:
        session.cache.drop_all(cls._schema.resource)


@contextmanager
def dropping_cached(instance: Entity, session: Session) -> Iterator[None]:
    """Forget the cached rows of an object and of those that it belongs to, whose counts may change with it."""
    schema, before = instance._schema, instance._state.before
    stale = {(type(instance), instance.pk)}
    for link in schema.to_one.values():
        target = entity_named(link.target)
        keys = (loading.peek(instance, link.via), before.get(link.via, UNSET))
        stale |= {(target, key) for key in keys if key is not UNSET and key is not None}
    try:
        yield
    finally:
        for cls, key in stale:
            drop_cached(cls, key, session=session)


def drop_all_cached(cls: type[Entity], session: Session) -> None:
    """Forget every cached row of an entity, and of those that its objects belong to."""
    targets = [entity_named(link.target) for link in cls._schema.to_one.values()]
    for resource in {cls._schema.resource, *(target._schema.resource for target in targets)}:
        session.cache.drop_all(resource)


@contextmanager
def dropping_all_cached(cls: type[Entity], session: Session) -> Iterator[None]:
    """Forget, after a write, every cached row of an entity and of those that its objects belong to."""
    try:
        yield
    finally:
        drop_all_cached(cls, session)


def drop_with_children(cls: type[Entity], session: Session) -> None:
    """Forget the cached rows that a backend may have deleted together with one of this entity, at any depth."""
    reached: list[type[Entity]] = []
    waiting = [entity_named(many.target) for many in cls._schema.to_many.values()]
    while waiting:
        child = waiting.pop()
        if child not in reached:
            reached.append(child)
            waiting += [entity_named(many.target) for many in child._schema.to_many.values()]
    for child in reached:
        session.cache.drop_all(child._schema.resource)


def check_read_only(instance: Entity) -> None:
    """Refuse an object of which something that the backend sets was edited, since the edits would go nowhere."""
    cls, state = type(instance), instance._state
    for name, field in instance._schema.fields.items():
        value = loading.peek(instance, name)
        if not field.read_only or not field.codec.lazy or value is UNSET or name not in state.origin:
            continue
        if not same_json(dump_value(field.codec, value), state.loaded(name)):
            raise MappingError(
                f"{cls.__name__}.{name} is set by the backend, and was edited. Nothing was sent; refresh() drops "
                "the edit"
            )


def check_new(instance: Entity, session: Session) -> None:
    """Refuse what cannot be written: links to another backend or to what was deleted, and what only a verb makes."""
    name = instance._schema.entity
    if not instance._state.saved and instance._made_by:
        raise QueryError(f"a {name} is made by {instance._made_by}; nothing was sent")
    related = instance._state.related or {}
    binding.meet(session, binding.backend_of(instance), what=f"{name}.save()")
    binding.check_host(session, related.values(), what=f"{name}.save()")
    changed = changes(instance) if related else {}
    for relation, via in instance._schema.relations.items():
        target = related.get(relation)
        if via in changed and target is not None and target._state.deleted:
            raise QueryError(
                f"{name}.{relation} is {target._schema.entity} {target.pk}, which was deleted since; nothing was sent"
            )


def store(
    instance: Entity, row: Any, *, session: Session, check: Callable[[dict[str, Any]], None] | None = None
) -> None:
    """Take over the backend's answer to a write; one that cannot be read, or that *check* refuses, changes nothing."""
    state, schema = instance._state, instance._schema
    is_new = not state.saved
    if is_new:
        row = _checked(type(instance), row, session=session, did="was to be created")
    else:
        row = answered(type(instance), row, pk=instance.pk, session=session)
    if check is not None and row is not None:
        check(row)
    for name in changes(instance):
        if schema.fields[name].codec.lazy:
            state.origin[name] = dump_value(schema.fields[name].codec, loading.peek(instance, name))
    loading.overwrite(instance, row or {}, session=session)
    if is_new:
        session.note_made(schema.resource, instance.pk)


def answered(cls: type[Entity], row: Any, *, pk: Any, session: Session) -> dict[str, Any] | None:
    """Give the row that a change of one row was answered by, None for an empty body; anything else confirms nothing."""
    if row is None:
        return None
    read = _checked(cls, row, session=session, did=f"{pk} was to be changed")
    key = read[table_of(cls, session).pk]
    if not loading.same_key(pk, key):
        raise WriteUnconfirmedError(
            f"{cls.__name__} {pk} was to be changed, and the answer is of {key}: it may or may not have happened"
        )
    return read


def emptied(cls: type[Entity], answer: Any, *, pk: Any) -> None:
    """Check that a deletion was answered by nothing; a body is not of this backend."""
    if answer is not None:
        raise WriteUnconfirmedError(
            f"{cls.__name__} {pk} was to be deleted, and the answer ({outline(answer)}) does not say so: it may or "
            "may not have happened"
        )


def _checked(cls: type[Entity], row: Any, *, session: Session, did: str) -> dict[str, Any]:
    """Read an answer as a row of its entity, before any object takes it over."""
    if isinstance(row, list) and len(row) == 1:
        row = row[0]
    read = table_of(cls, session).normalise(row)
    try:
        loading.load(cls, read, session=session)
    except MappingError as error:
        raise WriteUnconfirmedError(
            f"{cls.__name__} {did}, and its answer cannot be read: {error}"
        ) from error
    return read


def stored(cls: type[E], row: Any, *, session: Session, mode: FetchMode | None = None) -> E:
    """Build the object that a verb has made, from its answer; it goes by the fetch mode of what the verb is of."""
    try:
        return loading.load(cls, row, session=session, mode=mode or FetchMode.PEERS)
    except MappingError as error:
        raise WriteUnconfirmedError(
            f"the {cls.__name__} was made, but the answer cannot be read: {error}"
        ) from error


def take(
    instance: Entity,
    row: Any,
    *,
    session: Session,
    sent: Iterable[str] = (),
    check: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Take over the answer to a verb, leaving alone what the user changed and did not send; then *check* it."""
    drop_cached(type(instance), instance.pk, session=session)
    pending = set(changes(instance)) - set(sent)
    fresh = None
    try:
        fresh = answered(type(instance), row, pk=instance.pk, session=session)
    finally:
        if fresh is None:
            # What the backend made of it is not known before it is read again.
            for name in sent:
                loading.forget(instance, name)
    if fresh is not None:
        state = instance._state
        state.session = session
        state.before = {name: old for name, old in state.before.items() if name in pending}
        loading.fill(instance, table_of(type(instance), session).normalise(fresh), skip=pending)
        if check is not None:
            check(fresh)


def accepted(cls: type[Entity], values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values that are to be set on rows, and give them by field name."""
    schema = cls._schema
    held: dict[str, Any] = {}
    for name, value in values.items():
        field = schema.field(name)
        if field.read_only:
            raise MappingError(f"{schema.entity}.{field.name} is set by the backend and cannot be assigned")
        if field.name in held:
            raise MappingError(f"{schema.entity}.{field.name} was given twice, as {name!r} as well")
        if name in schema.relations and value is not None:
            value = getattr(cls, name).key_of(value)
        held[field.name] = _taken(cls, field, value=value)
    return held


def dumped(cls: type[Entity], values: Mapping[str, Any]) -> dict[str, Any]:
    """Give checked values as the wire takes them."""
    return {name: dump_value(cls._schema.fields[name].codec, value) for name, value in values.items()}


# --- one object of a query ---------------------------------------------------
def linked(cls: type[Entity], values: Mapping[str, Any], *, link: Mapping[str, Any]) -> dict[str, Any]:
    """Add the link of `project.tasks` to the values of a new object, refusing those that link it elsewhere."""
    filled = dict(link)
    for name, value in values.items():
        via = cls._schema.relations.get(name, name)
        if via not in link:
            filled[name] = value
        elif (value if via == name else getattr(cls, name).key_of(value)) != link[via]:
            raise MappingError(
                f"{cls.__name__}.{name} is {describe(value)}, but these are the {cls.__name__} objects of "
                f"{link[via]!r}; nothing was sent"
            )
    return filled


def update_or_create(
    queryset: QuerySet[E], lookups: Mapping[str, Any], *, defaults: Mapping[str, Any] | None
) -> tuple[E, bool]:
    """Change the one match to *defaults*, or create it."""
    found, made = queryset.get_or_create(defaults, **lookups)
    if not made:
        for name, value in (defaults or {}).items():
            setattr(found, name, value)
        with queryset._writing():
            found.save()
    return found, made


def get_or_create(
    queryset: QuerySet[E],
    lookups: Mapping[str, Any],
    *,
    defaults: Mapping[str, Any] | None,
    find: Callable[[], E | None],
) -> tuple[E, bool]:
    """Give what *find* finds, or create it; everything is checked before the first request."""
    if defaults is not None and not isinstance(defaults, Mapping):
        raise QueryError(f"defaults is a dict of fields, got {describe(defaults)}; nothing was sent")
    values = {name: value for name, value in lookups.items() if "__" not in name} | dict(defaults or {})
    accepted(queryset.entity, values)
    binding.check_host(queryset.session, values.values(), what="get_or_create()")
    found = find()
    if found is not None:
        return found, False
    try:
        return queryset.create(**values), True
    except (ConflictError, ValidationError):
        # Someone else may have created it since; if not, the refusal stands.
        found = find()
        if found is None:
            raise
        return found, False
