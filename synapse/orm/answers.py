"""Whether the answer to a write is of what was sent, and how an object takes it over."""

from __future__ import annotations

import threading

from collections.abc import Callable, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final, TypeAlias, TypeVar

from synapse.errors import MappingError, WriteIgnoredError, WriteUnconfirmedError, describe, quoted
from synapse.mapping.codecs import dump_value
from synapse.mapping.json import copy_json, same_json
from synapse.mapping.likeness import Likeness, is_empty, is_usual
from synapse.mapping.unset import UNSET
from synapse.masking import outline
from synapse.orm import cached_rows, changes, loading, matching
from synapse.orm.record import entity_named, forget, reference, schema_of, state_of, table_of
from synapse.query import FetchMode

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.session import Session

E = TypeVar("E", bound="Record")
Values: TypeAlias = Mapping[str, Any]

_SHOWN: Final = 3


def shown_by(cls: type[Record], row: Values, *, names: Iterable[str], session: Session) -> dict[str, Any]:
    """Give what an answer shows of these fields, as wire values; secrets and what rows never carry are left out."""
    schema, wire = schema_of(cls), table_of(cls, session).names
    shown = {}
    for name in names:
        field = schema.fields[name]
        # A secret comes masked or not at all, and would look like another value.
        if wire[name] in row and not (field.write_only or field.secret):
            shown[name] = row[wire[name]]
    for link in schema.to_one.values():
        if isinstance(nested := shown.get(link.via), dict):
            shown[link.via] = nested.get(table_of(entity_named(link.target), session).pk)
    return shown


# --- creations --------------------------------------------------------------
class Keys:
    """The keys of rows that one run has created, each of which belongs to one of them."""

    def __init__(self, keys: Iterable[Any] = ()) -> None:
        self._keys = set(keys)
        self._lock = threading.Lock()

    def claim(self, key: Any) -> bool:
        """Whether this key is new."""
        with self._lock:
            is_new = key not in self._keys
            self._keys.add(key)
        return is_new

    def __contains__(self, key: object) -> bool:
        return key in self._keys


def check_created(
    cls: type[Record], row: Values, *, sent: Values, session: Session, keys: Keys | None = None
) -> None:
    """Raise `WriteUnconfirmedError` where an answer to a creation has other values than were sent, or a known key."""
    # Backends answer a creation by a row that was there before: a success by its status, and somebody else's row.
    part, key = cls._decisive(sent), table_of(cls, session).key(row)
    shown = shown_by(cls, row, names=part, session=session)
    if wrong := contradicted(cls, part, shown=shown):
        raise unlike(cls, {name: (part[name], shown[name]) for name in wrong}, key=key)
    if keys is not None and not table_of(cls, session).traits.reuses and not keys.claim(key):
        raise taken(cls, key)


def taken(cls: type[Record], key: Any) -> WriteUnconfirmedError:
    """Say that an answer is of a row that another creation of the same run has made."""
    error = WriteUnconfirmedError(
        f"a {cls.__name__} was to be created, and the answer is {cls.__name__} {key}, which is another row of the same "
        "run. It may or may not have happened"
    )
    error.answered = (key,)
    return error


def contradicted(cls: type[Record], sent: Values, *, shown: Values) -> list[str]:
    """Name the fields whose values contradict what was sent; what was empty may have a default."""
    fields = schema_of(cls).fields
    # What is missing (UNLIKELY) contradicts as well: the row of another unit may lack just that. What a backend makes
    # of a value (trimmed, rounded, in lower case) is POSSIBLE and no contradiction, else every save there would fail.
    return [
        name
        for name, value in shown.items()
        if not is_empty(sent[name])
        and matching.like(fields[name], sent[name], held=value) in (Likeness.OTHER, Likeness.UNLIKELY)
    ]


def unlike(cls: type[Record], values: Mapping[str, tuple[Any, Any]], *, key: Any) -> WriteUnconfirmedError:
    """Say that an answer is of another row than was to be made."""
    found = f"{cls.__name__} {key}" if key is not None else "a row without a key"
    error = WriteUnconfirmedError(
        f"a {cls.__name__} was to be created, and the answer is {found} with other values than were sent: "
        f"{_told(values)}. It may or may not have happened"
    )
    error.answered = () if key is None else (key,)
    return error


def _told(values: Mapping[str, tuple[Any, Any]]) -> str:
    return _few([_difference(name, sent, held) for name, (sent, held) in values.items()])


def _difference(name: str, sent: Any, held: Any) -> str:
    if isinstance(sent, dict) and isinstance(held, dict):
        keys = [key for key in sent | held if not same_json(sent.get(key, UNSET), held.get(key, UNSET))]
        return f"{name} differs at {_few(list(map(quoted, keys)))}"
    if isinstance(sent, list) or isinstance(held, list):
        return f"{name} differs"
    return f"{name} is {describe(held)}, not {describe(sent)}"


def _few(words: Sequence[str]) -> str:
    return ", ".join(words[:_SHOWN]) + (f" and {len(words) - _SHOWN} more" if len(words) > _SHOWN else "")


# --- changes ----------------------------------------------------------------
def check_changed(
    cls: type[Record],
    pk: Any,
    *,
    sent: Values,
    before: Values,
    row: Any,
    session: Session,
    at_least: bool = False,
) -> None:
    """Raise `WriteIgnoredError` where the answer to a change shows that the backend did not take a field.

    *before* holds what was loaded, as wire values; `UNSET`, or nothing, where that is not known. Where rows are to hold
    *at least* what was sent, one that held more and stays so is as it was to be.
    """
    shown = shown_by(cls, row or {}, names=sent, session=session)
    ignored = {
        name: (sent[name], value)
        for name, value in shown.items()
        if not _is_taken(cls, name, sent[name], value, before=before.get(name, UNSET), session=session)
        and not (at_least and not is_empty(sent[name]) and _is_possible(cls, name, sent[name], value))
    }
    if ignored:
        error = ignoring(cls, pk, ignored=ignored, before=before, row=session.masked(row))
        # Of one row nobody can tell a value that was rewritten to what it was from one that was ignored; others may.
        error._is_doubtful = all(_is_possible(cls, name, *values) for name, values in ignored.items())
        raise error


def _is_possible(cls: type[Record], name: str, sent: Any, shown: Any) -> bool:
    return matching.like(schema_of(cls).fields[name], sent, held=shown) is Likeness.POSSIBLE


def is_rewriting(cls: type[Record], error: Exception, *, session: Session) -> bool:
    """Whether a row only looked ignored: others have shown since that the backend rewrites these fields."""
    return (
        isinstance(error, WriteIgnoredError)
        and error._is_doubtful
        and all(session.rewrites(schema_of(cls).resource, name) for name in error.fields)
    )


def _is_taken(cls: type[Record], name: str, sent: Any, shown: Any, *, before: Any, session: Session) -> bool:
    if table_of(cls, session).is_elsewhere(shown):
        return True
    found = matching.like(schema_of(cls).fields[name], sent, held=shown)
    if found is not Likeness.POSSIBLE:
        return found in (Likeness.SAME, None)
    resource = schema_of(cls).resource
    # A name that is sent as "Night" and stays "night" is ignored, or was put into lower case: only a row that changed
    # otherwise shows which, so the session remembers the fields that its backend rewrites.
    if _stays(shown, sent=sent, before=before):
        return session.rewrites(resource, name) or is_usual(sent, shown)
    session.note_rewriting(resource, name)
    return True


def _stays(shown: Any, *, sent: Any, before: Any) -> bool:
    """Whether a value that may be made of what was sent shows nothing of the change."""
    if before is UNSET:
        return is_empty(sent)
    if not isinstance(shown, dict) or not isinstance(sent, dict) or not isinstance(before, dict):
        return same_json(shown, before)
    changed = [key for key in sent | before if not same_json(sent.get(key, UNSET), before.get(key, UNSET))]
    return all(
        same_json(shown.get(key, UNSET), before.get(key, UNSET)) or (key in shown and key not in sent)
        for key in changed
    )


def ignoring(
    cls: type[Record], pk: Any, *, ignored: Mapping[str, tuple[Any, Any]], before: Values, row: Any
) -> WriteIgnoredError:
    """Say that the backend did not take some fields, given with what was sent and what the row shows."""
    names = ", ".join(ignored)
    error = WriteIgnoredError(
        f"{cls.__name__} {pk} was to be changed, and the backend says that it was, but it did not take {names}: "
        f"{_told(ignored)}. It may be read-only there, or not yours to change, or somebody else changed it at the same "
        "time. What else was sent is done",
        status_code=HTTPStatus.OK,
        response=row,
        errors={name: [_still(held, before.get(name, UNSET))] for name, (_, held) in ignored.items()},
    )
    error.fields = tuple(ignored)
    return error


def _still(held: Any, before: Any) -> str:
    return f"it is {'still ' if same_json(held, before) else ''}{describe(held)}"


# --- taking answers over ----------------------------------------------------
def adopt_answer(
    instance: Record,
    data: Any,
    *,
    session: Session,
    sent: Values | None = None,
    check: Callable[[dict[str, Any]], None] | None = None,
    fresh: Record | None = None,
) -> None:
    """Take over the backend's answer to a write; one that cannot be read, or that *check* refuses, changes nothing.

    *sent* gives the values that the write sent, and *fresh* an object made of the answer, where the caller has them.
    JSON that was edited since the sending stays as it is, to be saved.
    """
    cls, is_new = type(instance), not state_of(instance).saved
    row: dict[str, Any] | None = None
    if fresh is None:
        row, fresh = (
            _read(cls, data, session=session, did="was to be created")
            if is_new
            else _read_change(cls, data, pk=instance.pk, session=session)
        )
    if check is not None and row is not None:
        check(row)
    # An answer need not show all that was sent: what it leaves out counts as loaded the way it was sent.
    state_of(instance).origin |= changes.sent_json(instance, sent)
    loading.adopt(instance, fresh, keep=changes.edited_since(instance, sent or {}))
    _forget_unshown(instance, sent or {}, session)
    if is_new:
        session.note_made(schema_of(cls).resource, instance.pk)


def _forget_unshown(instance: Record, sent: Values, session: Session) -> None:
    """Leave fields unloaded that the API takes and never shows, such as files: what was sent is no value of them."""
    schema, table = schema_of(instance), table_of(type(instance), session)
    for name in sent:
        if not table.shows(name) and not schema.fields[name].write_only:
            forget(instance, name)


def changed_row(cls: type[Record], data: Any, *, pk: Any, session: Session) -> dict[str, Any] | None:
    """Give the row that a change of one row was answered by, None for an empty body; anything else confirms nothing."""
    return _read_change(cls, data, pk=pk, session=session)[0]


def _read_change(cls: type[E], data: Any, *, pk: Any, session: Session) -> tuple[dict[str, Any] | None, E]:
    if data is None:
        return None, reference(cls, pk, session=session)
    row, fresh = _read(cls, data, session=session, did=f"{pk} was to be changed")
    key = row[table_of(cls, session).pk]
    if not loading.same_key(pk, key):
        raise WriteUnconfirmedError(
            f"{cls.__name__} {pk} was to be changed, and the answer is of {key}: it may or may not have happened"
        )
    return row, fresh


def check_deleted(cls: type[Record], answer: Any, *, pk: Any) -> None:
    """Check that a deletion was answered by nothing; a body is not of this backend."""
    if answer is not None:
        raise WriteUnconfirmedError(
            f"{cls.__name__} {pk} was to be deleted, and the answer ({outline(answer)}) does not say so: it may or "
            "may not have happened"
        )


def _read(cls: type[E], data: Any, *, session: Session, did: str) -> tuple[dict[str, Any], E]:
    """Read an answer as a row of its entity, and make an object of it: nobody's own before all of it was checked."""
    if isinstance(data, list) and len(data) == 1:
        data = data[0]
    row = table_of(cls, session).normalise(data)
    try:
        return row, loading.load(cls, row, session=session)
    except MappingError as error:
        raise WriteUnconfirmedError(
            f"{cls.__name__} {did}, and its answer cannot be read: {error}"
        ) from error


def object_made(cls: type[E], row: Any, *, session: Session, mode: FetchMode | None = None) -> E:
    """Build the object that a verb has made, from its answer; it goes by the fetch mode of what the verb is of."""
    try:
        return loading.load(cls, row, session=session, mode=mode or FetchMode.PEERS)
    except MappingError as error:
        raise WriteUnconfirmedError(
            f"the {cls.__name__} was made, but the answer cannot be read: {error}"
        ) from error


def adopt_verb_answer(
    instance: Record,
    row: Any,
    *,
    session: Session,
    sent: Iterable[str] = (),
    check: Callable[[dict[str, Any]], None] | None = None,
) -> None:
    """Take over the answer to a verb, leaving alone what the user changed and did not send; then *check* it."""
    cls = type(instance)
    cached_rows.drop_cached(cls, instance.pk, session=session)
    pending = set(changes.unsaved(instance)) - set(sent)
    shown = None
    try:
        shown, fresh = _read_change(cls, row, pk=instance.pk, session=session)
    finally:
        if shown is None:
            # What the backend made of it is not known before it is read again.
            for name in sent:
                forget(instance, name)
    if shown is not None:
        loading.adopt(instance, fresh, keep=pending)
        if check is not None:
            check(shown)


def adopt_found_row(
    instance: Record, row: dict[str, Any], *, session: Session, sent: Mapping[str, Any]
) -> None:
    """Take over a row as the answer that did not come, keeping what was assigned since the sending."""
    fields, later = schema_of(instance).fields, {}
    for name, value in changes.unsaved(instance).items():
        # A secret is among neither, and may be another one by now: it stays to be saved.
        if not same_json(dump_value(fields[name].codec, value), sent.get(name, UNSET)):
            later[name] = value
    # A resolution may be asked for long after the sending, and its rows stay in the caller's hands: hence the copy.
    with cached_rows.dropping_cached(instance, session):
        adopt_answer(instance, copy_json(row), session=session)
    for name, value in later.items():
        if fields[name].secret or fields[name].write_only:
            forget(instance, name)
        setattr(instance, name, value)
