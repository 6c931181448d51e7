"""Saving one object: created, or changed without undoing what others changed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synapse.dialects import homes
from synapse.errors import Conflict, ConflictError, QueryError, WriteIgnoredError, describe
from synapse.mapping.codecs import dump_value
from synapse.mapping.json import detached
from synapse.mapping.likeness import Likeness
from synapse.mapping.unset import UNSET
from synapse.orm import answers, arguments, binding, cached_rows, loading, matching
from synapse.orm.changes import check_new, check_read_only, is_as_loaded, loaded_value, to_wire, unsaved
from synapse.orm.questions import Creation, Edit, Removal, held_values
from synapse.orm.record import catalog_of, owner_key, peek, schema_of, state_of, table_of
from synapse.orm.unconfirmed import resolvable_by

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from synapse.dialects import Request, Table
    from synapse.orm.record import Record
    from synapse.session import Session


def save(
    instance: Record,
    *,
    check: bool = False,
    update_fields: Iterable[str] | None = None,
    dry_run: bool = False,
    keys: answers.Keys | None = None,
) -> None:
    """Create an object, or send its changes; with *check*, only where nobody else changed the same fields.

    One of many has a key of its own among their *keys*.
    """
    state, schema = state_of(instance), schema_of(instance)
    arguments.flag("save(check=...)", check)
    arguments.flag("save(dry_run=...)", dry_run)
    if state.deleted:
        raise QueryError(f"{schema.entity} {instance.pk} was deleted; make a new one to store it again")
    check_read_only(instance)
    values = to_wire(instance)
    if update_fields is not None:
        check_covered(instance, update_fields, values=values)
    session = binding.session_of(instance)
    check_new(instance, session)
    if state.saved and values and check:
        check_conflicts(instance, session)
    if dry_run:
        _try_saving(instance, values, session)
    elif not state.saved:
        _create(instance, values, session, keys=keys)
    elif values:
        _change(instance, values, session)


def check_triable(instance: Record, session: Session) -> None:
    """Raise `UnsupportedError` where the creation of an object cannot be tried; nothing is sent."""
    values = to_wire(instance)
    _trial(instance, lambda table: table.create(values), session)


def _try_saving(instance: Record, values: dict[str, Any], session: Session) -> None:
    if not state_of(instance).saved:
        _try(instance, lambda table: table.create(values), session)
    elif values:
        _try(
            instance,
            lambda table: table.change(instance.pk, values=values, below=owner_key(instance, table)),
            session,
        )


def _try(instance: Record, write: Callable[[Table], Request], session: Session) -> None:
    """Have a write checked and not done; the object stays as it is, and so does what is kept of its row."""
    table, request = _trial(instance, write, session)
    table.check_trial(binding.send(instance, request, session=session))


def _trial(instance: Record, write: Callable[[Table], Request], session: Session) -> tuple[Table, Request]:
    cls = type(instance)
    return homes.trial(session.dialect, schema_of(cls), catalog=catalog_of(cls), write=write)


def _create(instance: Record, values: dict[str, Any], session: Session, *, keys: answers.Keys | None) -> None:
    def check(row: dict[str, Any]) -> None:
        answers.check_created(type(instance), row, sent=values, session=session, keys=keys)

    with (
        cached_rows.dropping_cached(instance, session),
        resolvable_by(lambda since: Creation.of([instance], session=session, since=since)),
    ):
        table = table_of(type(instance), session)
        row = table.created(session.send(table.create(values)))
        answers.adopt_answer(instance, row, session=session, sent=values, check=check)


def _change(instance: Record, values: dict[str, Any], session: Session) -> None:
    cls, pk = type(instance), instance.pk
    before = {name: loaded_value(instance, name) for name in values}

    def check(row: dict[str, Any]) -> None:
        try:
            answers.check_changed(cls, pk, sent=values, before=before, row=row, session=session)
        except WriteIgnoredError as error:
            # What was taken is saved; the rest is still to be.
            answers.adopt_verb_answer(instance, row, session=session, sent=values.keys() - set(error.fields))
            raise

    table = table_of(cls, session)
    request = table.change(pk, values=values, below=owner_key(instance, table))
    with (
        cached_rows.dropping_cached(instance, session),
        resolvable_by(lambda since: Edit.of(instance, session=session)),
    ):
        row = table.one(binding.send(instance, request, session=session))
        answers.adopt_answer(instance, row, session=session, sent=values, check=check)


def check_covered(instance: Record, names: Iterable[str], *, values: Mapping[str, Any]) -> None:
    """Refuse to save where changes are in other fields than those that are to be saved."""
    schema = schema_of(instance)
    given = arguments.texts("save(update_fields=...)", names)
    left = ", ".join(values.keys() - {schema.field(name).name for name in given})
    if left or not state_of(instance).saved:
        why = f"would leave out {left}" if left else f"takes a {schema.entity} that is saved already"
        raise QueryError(
            f"save(update_fields=...) {why}; save() sends just what changed. Nothing was sent, and nothing is lost"
        )


def delete(instance: Record, *, dry_run: bool = False) -> None:
    """Delete an object; one that is gone already raises its DoesNotExist."""
    schema, state = schema_of(instance), state_of(instance)
    arguments.flag("delete(dry_run=...)", dry_run)
    if state.deleted:
        raise QueryError(f"{schema.entity} {instance.pk} was deleted before; nothing was sent")
    if not state.saved:
        raise QueryError(f"this {schema.entity} is not saved yet; there is nothing to delete")
    session = binding.session_of(instance)
    if dry_run:
        _try(
            instance,
            lambda table: table.delete(instance.pk, below=owner_key(instance, table)),
            session,
        )
        return
    try:
        with (
            cached_rows.dropping_cached(instance, session),
            resolvable_by(lambda _: Removal.of(instance, session=session)),
        ):
            table = table_of(type(instance), session)
            request = table.delete(instance.pk, below=owner_key(instance, table))
            answer = table.one(binding.send(instance, request, session=session))
            answers.check_deleted(type(instance), answer, pk=instance.pk)
    finally:
        cached_rows.drop_with_children(type(instance), session)
    state.deleted = True


def check_conflicts(instance: Record, session: Session) -> None:
    """Raise `ConflictError` where a changed field holds neither what was loaded nor what is to be set."""
    fields = schema_of(instance).fields
    changed = unsaved(instance)
    row, api = loading.detail_row(instance, session), state_of(instance).api
    fresh = loading.load(type(instance), row, session=session, api=api)
    conflicts = {}
    for field, theirs in held_values(fresh, changed).items():
        mine = dump_value(fields[field].codec, changed[field])
        # What this object wrote before is its own, as a backend writes it.
        own = matching.like(fields[field], mine, held=theirs) is Likeness.SAME
        if not own and not is_as_loaded(instance, field, value=theirs):
            conflicts[field] = _conflict(instance, fresh, field)
    if not conflicts:
        return
    error = ConflictError(
        f"{_told(instance, conflicts)}. Nothing was sent, and your changes are kept; error.conflicts has all values. "
        "save() overwrites theirs, refresh() drops yours",
        status_code=409,
    )
    error.conflicts = conflicts
    raise error


def _conflict(instance: Record, fresh: Record, name: str) -> Conflict:
    field = schema_of(instance).fields[name]
    if field.secret:
        return Conflict(UNSET, UNSET, UNSET)
    loaded = loaded_value(instance, name)
    if not field.codec.lazy:
        loaded = state_of(instance).before.get(name, UNSET)
    return Conflict(detached(loaded), getattr(fresh, name), detached(peek(instance, name)))


def _told(instance: Record, conflicts: Mapping[str, Conflict]) -> str:
    """Tell fields that others changed from those of which nobody knows what they were."""
    name = f"{schema_of(instance).entity} {instance.pk}"
    unread = [field for field in conflicts if loaded_value(instance, field) is UNSET]
    shown = {field: f"{field} {_shown(conflict)}" for field, conflict in conflicts.items()}
    changed = "; ".join(words for field, words in shown.items() if field not in unread)
    said = [f"{name} was changed by somebody else since it was loaded: {changed}"] if changed else []
    if unread:
        never = "; ".join(shown[field] for field in unread)
        said.append(
            f"{name} has other values than yours in what was never loaded, so that it cannot be told who set them: "
            f"{never}; read {', '.join(unread)} before you set it"
        )
    return ". ".join(said)


def _shown(conflict: Conflict) -> str:
    if conflict.theirs is UNSET:
        return "(a secret)"
    loaded = "" if conflict.loaded is UNSET else f"was {describe(conflict.loaded)}, "
    return f"{loaded}is {describe(conflict.theirs)}, was to be {describe(conflict.mine)}"
