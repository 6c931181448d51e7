"""What was changed in an object, exactly, and what of it is sent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, TypeVar, cast

from synapse.errors import MappingError, QueryError, describe
from synapse.mapping.codecs import Codec, Misfit, dump_value, open_value
from synapse.mapping.json import same_json
from synapse.mapping.schema import Field, ToOneLink
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET
from synapse.orm import binding
from synapse.orm.record import entity_named, forget_related, peek, put, schema_of, state_of

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.session import Session

E = TypeVar("E", bound="Record")


def assign(instance: Record, field: Field, *, value: Any) -> None:
    """Set a field that a user assigned, remembering what it was."""
    cls, state, name = type(instance), state_of(instance), field.name
    sealed = field.sealed(value)
    accepted = value if sealed is not None else _taken(cls, field, value=value)
    if state.deleted:
        raise QueryError(f"{schema_of(instance).entity} {instance.pk} was deleted; nothing was set")
    before, is_loaded = state.before, name in state.origin
    # Asking an empty slot takes long, and those of a new object are.
    is_new = not (state.saved or is_loaded or name in before)
    kept = UNSET if is_new else peek(instance, name)
    # The first value counts, so that a field which is set back is unchanged; loaded JSON has its own in `origin`.
    if name not in before and not (field.codec.lazy and is_loaded):
        before[name] = kept
    if sealed is not None:
        state.note_checked(name, sealed)
    put(instance, name, value=accepted)
    for link in _links(cast("Any", cls)).get(name, ()):
        if kept != accepted:
            forget_related(instance, link.name)


@cache
def _links(cls: Any) -> dict[str, list[ToOneLink]]:
    """Give the links of an entity by the fields that hold their keys."""
    found: dict[str, list[ToOneLink]] = {}
    for link in schema_of(cls).to_one.values():
        found.setdefault(link.via, []).append(link)
    return found


def _taken(cls: type[Record], field: Field, *, value: Any) -> Any:
    """Check a value that is to be set; the key of another object has to be one that a backend may give."""
    entity = schema_of(cls).entity
    taken = field.accept(entity, value)
    for link in _links(cast("Any", cls)).get(field.name, ()):
        if taken is not None:
            kind = schema_of(entity_named(link.target)).key
            # A key that no backend gives, such as 0 or a path, would be refused only after the request.
            try:
                return kind.check(f"{entity}.{field.name}", taken)
            except QueryError as error:
                raise MappingError(f"{error}; nothing was set") from None
    return taken


# Reading every slot of an object by its name took half the time of a save, and most fields cannot have changed.
@cache
def _slots(cls: Any, *, read_only: bool) -> list[tuple[str, Codec, Callable[[Any, Any], Any]]]:
    """Lay out once per class which fields can change, and how their slots are read: read-only ones by edits alone."""
    return [
        (name, field.codec, getattr(cls, name).__get__)
        for name, field in schema_of(cls).fields.items()
        if field.read_only is read_only and (field.codec.lazy or not read_only)
    ]


def unsaved(instance: Record) -> dict[str, Any]:
    """Give the fields whose value differs from what was loaded, or was never sent."""
    cls, state, changed = type(instance), state_of(instance), {}
    before = state.before
    for name, codec, slot in _slots(cast("Any", cls), read_only=False):
        # What was neither assigned nor loaded has no value, and asking its slot takes longest.
        if name not in before and not (codec.lazy and name in state.origin):
            continue
        try:
            value = slot(instance, cls)
        except AttributeError:
            continue  # what is not open cannot have been edited
        if codec.lazy:
            if name not in state.origin or _is_edited(state, name, codec, value=value):
                changed[name] = value
        # What was never loaded may hold anything there, so that it is sent whatever it is here.
        elif before[name] is UNSET or before[name] != value:
            changed[name] = value
    return changed


def _is_edited(state: State, name: str, codec: Codec, *, value: Any) -> bool:
    # Bytes tell at once that nothing was edited; where they differ, it may be the order of the keys alone.
    return not (
        state.is_unedited(name, value) or _is_loaded(state, name, codec, value=dump_value(codec, value))
    )


def is_as_loaded(instance: Record, name: str, *, value: Any) -> bool:
    """Whether a wire value is what was loaded, as it came or as an unedited value would be sent."""
    state, codec = state_of(instance), schema_of(instance).fields[name].codec
    if codec.lazy:
        return _is_loaded(state, name, codec, value=value)
    return same_json(value, loaded_value(instance, name))


def _is_loaded(state: State, name: str, codec: Codec, *, value: Any) -> bool:
    loaded = state.loaded(name)
    if same_json(value, loaded):
        return True
    if codec.exact or codec.completed or loaded is UNSET:
        return False
    try:
        return same_json(value, dump_value(codec, open_value(codec, loaded, session=state.session)))
    except Misfit:
        return False


def to_wire(instance: Record, *, as_checked: bool = False) -> dict[str, Any]:
    """Give the changes as the wire takes them, checking JSON that was edited in place, unless `check_values()` did."""
    schema, state = schema_of(instance), state_of(instance)
    sent = {}
    for name, value in unsaved(instance).items():
        field = schema.fields[name]
        if (as_checked and name in (state.checked or ())) or state.is_as_checked(name, value):
            sent[name] = state.copy_checked(name)
        else:
            # Only what is lazy can have been edited in place since it was checked, maybe into what cannot be sent.
            if field.codec.lazy:
                state.note_checked(name, None)
                value = field.accept(schema.entity, value)
            sent[name] = dump_value(field.codec, value)
    return sent


def check_values(instance: Record) -> None:
    """Refuse JSON that was edited in place into what cannot be sent; what can is sealed as it is now."""
    schema, state = schema_of(instance), state_of(instance)
    for name, value in unsaved(instance).items():
        field = schema.fields[name]
        if field.codec.lazy and not state.is_as_checked(name, value):
            sealed = field.sealed(value)
            if sealed is None:
                field.accept(schema.entity, value)
            state.note_checked(name, sealed)


def sent_json(instance: Record, sent: Mapping[str, Any] | None) -> dict[str, Any]:
    """Give what of the changes is JSON, as it counts once it is saved; *sent* saves another copy of it."""
    fields = schema_of(instance).fields
    return {
        name: sent[name]
        if sent is not None and fields[name].codec.plain
        else dump_value(fields[name].codec, peek(instance, name))
        for name in (unsaved(instance) if sent is None else sent)
        if fields[name].codec.lazy
    }


def edited_since(instance: Record, sent: Mapping[str, Any]) -> set[str]:
    """Name the JSON fields that are no longer what was sent: another thread may edit an object that is being saved."""
    fields = schema_of(instance).fields
    return {
        name for name, value in sent.items() if fields[name].codec.plain and _is_other(instance, name, value)
    }


def _is_other(instance: Record, name: str, sent: Any) -> bool:
    held = peek(instance, name)
    if state_of(instance).is_as_checked(name, held):
        return False  # where it was not sent as it was checked, `to_wire()` dropped the seal
    try:
        return not (
            same_json(held, sent) or same_json(dump_value(schema_of(instance).fields[name].codec, held), sent)
        )
    except MappingError:
        return True  # it holds itself by now


def open_values(instance: Record) -> dict[str, Any]:
    """Give the changes of an object as wire values by field, without its secrets."""
    fields = schema_of(instance).fields
    return {name: value for name, value in to_wire(instance).items() if not fields[name].secret}


def loaded_value(instance: Record, name: str) -> Any:
    """Give the wire value that a field had when it was loaded; `UNSET` where it never was."""
    state, codec = state_of(instance), schema_of(instance).fields[name].codec
    if codec.lazy:
        return state.loaded(name)
    value = state.before.get(name, UNSET)
    return value if value is UNSET else dump_value(codec, value)


def check_read_only(instance: Record) -> None:
    """Refuse an object of which something that the backend sets was edited, since the edits would go nowhere."""
    cls, state = type(instance), state_of(instance)
    for name, codec, slot in _slots(cast("Any", cls), read_only=True):
        try:
            value = slot(instance, cls)
        except AttributeError:
            continue
        if name in state.origin and _is_edited(state, name, codec, value=value):
            raise MappingError(
                f"{cls.__name__}.{name} is set by the backend, and was edited. Nothing was sent; refresh() drops "
                "the edit"
            )


def check_new(instance: Record, session: Session) -> None:
    """Refuse what cannot be written: links to another backend or to what was deleted, and what only a verb makes."""
    name = schema_of(instance).entity
    if not state_of(instance).saved and instance._made_by:
        raise QueryError(f"each {name} is made by {instance._made_by}; nothing was sent")
    related = state_of(instance).related or {}
    binding.meet(session, binding.backend_of(instance), what=f"{name}.save()")
    binding.check_host(session, related.values(), what=f"{name}.save()")
    # Only a key that is about to be sent matters: an object that was loaded with a deleted parent can be saved.
    changed = unsaved(instance) if related else {}
    for relation, via in schema_of(instance).relations.items():
        target = related.get(relation)
        if via in changed and target is not None and state_of(target).deleted:
            raise QueryError(
                f"{name}.{relation} is {schema_of(target).entity} {target.pk}, which was deleted since; "
                "nothing was sent"
            )


def accepted(cls: type[Record], values: Mapping[str, Any]) -> dict[str, Any]:
    """Check values that are to be set on rows, and give them by field name."""
    schema = schema_of(cls)
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


def dumped(cls: type[Record], values: Mapping[str, Any]) -> dict[str, Any]:
    """Give checked values as the wire takes them."""
    return {name: dump_value(schema_of(cls).fields[name].codec, value) for name, value in values.items()}


# --- one object of a query ---------------------------------------------------
def linked(cls: type[Record], values: Mapping[str, Any], *, link: Mapping[str, Any]) -> dict[str, Any]:
    """Add the link of `project.tasks` to the values of a new object, refusing those that link it elsewhere."""
    filled = dict(link)
    for name, value in values.items():
        via = schema_of(cls).relations.get(name, name)
        if via not in link:
            filled[name] = value
        elif (value if via == name else getattr(cls, name).key_of(value)) != link[via]:
            raise MappingError(
                f"{cls.__name__}.{name} is {describe(value)}, but these are the {cls.__name__} objects of "
                f"{link[via]!r}; nothing was sent"
            )
    return filled
