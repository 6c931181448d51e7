"""Writes to many rows, which keep count of what was done."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from synapse.errors import (
    BulkError,
    MappingError,
    NotFoundError,
    QueryError,
    SynapseError,
    TransportError,
)
from synapse.mapping.json import same_json
from synapse.orm import arguments, binding, writing

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet
    from synapse.session import Session

E = TypeVar("E", bound="Entity")
Failure = tuple[object, Exception]


@attrs.frozen
class Change:
    """What a bulk write does to one row; `after` is empty for a deletion."""

    pk: Any
    before: dict[str, Any] = attrs.field(factory=dict)
    after: dict[str, Any] = attrs.field(factory=dict)


@attrs.frozen
class BulkResult:
    """What a bulk write did, or with `dry_run` would do: one `Change` for each row that needs one."""

    verb: str
    entity: str
    matched: int
    changes: tuple[Change, ...]
    dry_run: bool = False

    @property
    def pks(self) -> list[Any]:
        """The keys of the changed rows."""
        return [change.pk for change in self.changes]

    def __len__(self) -> int:
        return len(self.changes)

    def __str__(self) -> str:
        did = f"would {self.verb}" if self.dry_run else f"{self.verb}d"
        return f"{did} {len(self)} of {self.matched} {self.entity}"


def check_size(name: str, value: object) -> None:
    """Refuse a size that is no positive integer."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise QueryError(f"{name} is a positive integer, got {value!r}")


def one_by_one(queryset: QuerySet[E], keys: Sequence[Any]) -> dict[Any, E]:
    """Get rows by key side by side, leaving out those that do not exist."""
    found = {}
    for key, row, error in queryset.session.map(queryset._detail, keys):
        if row is not None:
            found[key] = row
        elif error is not None and not isinstance(error, NotFoundError):
            raise error
    return found


# --- create -----------------------------------------------------------------
def create(queryset: QuerySet[E], objects: Iterable[E], *, batch_size: int) -> list[E]:
    """Create objects in batches, or side by side where the wire takes one at a time."""
    check_size("batch_size", batch_size)
    cls, session = queryset.entity, queryset.session
    given: list[E] = arguments.items("bulk_create()", objects, of=f"{cls.__name__} objects")
    for index, each in enumerate(given):
        _check_new(cls, each, index)
        writing.linked(cls, {name: getattr(each, name) for name in queryset._initial}, link=queryset._initial)
    if len({id(each) for each in given}) < len(given):
        raise MappingError("bulk_create() got the same object twice; nothing was sent")
    for each in given:
        writing.check_new(each, session)
        writing.to_wire(each)
    takes_lists = session.dialect.create_many(cls._schema, []) is not None
    done, failed = (_in_batches if takes_lists else _side_by_side)(session, given, batch_size)
    if failed:
        raise _bulk_error("create", cls, done, failed)
    return given


def _check_new(cls: type[Entity], each: object, index: int) -> None:
    if not isinstance(each, cls):
        raise MappingError(
            f"bulk_create() takes {cls.__name__} objects, got {type(each).__name__} at place {index}"
        )
    if each._state.saved:
        raise MappingError(
            f"bulk_create() got {each!r} at place {index}, which is saved already; nothing was sent"
        )


def _in_batches(session: Session, given: Sequence[E], size: int) -> tuple[list[object], list[Failure]]:
    done: list[object] = []
    failed: list[Failure] = []
    rest = iter(given)
    while batch := list(islice(rest, size)):
        try:
            _create_batch(session, batch)
        except SynapseError as error:
            failed += [(each, error) for each in batch]
            # What follows an unconfirmed or refused batch is independent of it, so it is still sent.
            continue
        done += batch
    return done, failed


def _create_batch(session: Session, batch: Sequence[E]) -> None:
    schema = batch[0]._schema
    request = session.dialect.create_many(schema, [writing.to_wire(each) for each in batch])
    assert request is not None
    rows = session.send(request).data
    if not isinstance(rows, list) or len(rows) != len(batch):
        answered = f"{len(rows)} rows" if isinstance(rows, list) else type(rows).__name__
        raise TransportError(
            f"{request.method} {request.path}: sent {len(batch)} {schema.entity}, the answer holds {answered}; "
            "they may have been created: look before you send them again"
        )
    for each, row in zip(batch, rows, strict=True):
        writing.store(each, row, session=session)


def _side_by_side(session: Session, given: Sequence[E], size: int) -> tuple[list[object], list[Failure]]:
    for each in given:
        each._state.session = session
    return _collect(session, writing.save, given)


def _collect(
    session: Session, write: Callable[[Any], Any], items: Iterable[Any]
) -> tuple[list[object], list[Failure]]:
    done: list[object] = []
    failed: list[Failure] = []
    for item, _, error in session.map(write, items):
        if error is None:
            done.append(item)
        else:
            failed.append((item, error))
    return done, failed


# --- update, delete ---------------------------------------------------------
def update(queryset: QuerySet[E], fields: dict[str, Any], *, everything: bool, dry_run: bool) -> BulkResult:
    """Set fields on every row that holds other values."""
    cls = queryset.entity
    if not fields:
        raise QueryError("update() needs at least one field=value")
    after = writing.accepted(cls, fields)
    sent = writing.dumped(cls, after)
    _guard(queryset, "update", everything=everything, dry_run=dry_run)
    binding.check_host(queryset.session, fields.values(), what="update()")
    rows = list(queryset._evolve(expand=(), prefetch=(), only=tuple(sent), defer=()).iterator())
    found = [Change(row.pk, {name: getattr(row, name) for name in sent}, after) for row in rows]
    changes = tuple(each for each in found if not same_json(writing.dumped(cls, each.before), sent))
    if not dry_run:
        _write(queryset, "update", changes)
    return BulkResult("update", cls.__name__, len(found), changes, dry_run=dry_run)


def delete(queryset: QuerySet[E], *, everything: bool, dry_run: bool) -> BulkResult:
    """Delete every row."""
    _guard(queryset, "delete", everything=everything, dry_run=dry_run)
    pk = queryset.entity._schema.pk
    rows = queryset._evolve(expand=(), prefetch=(), only=(pk,), defer=()).iterator()
    changes = tuple(Change(row.pk) for row in rows)
    if not dry_run:
        _write(queryset, "delete", changes)
    return BulkResult("delete", queryset.entity.__name__, len(changes), changes, dry_run=dry_run)


def _guard(queryset: QuerySet[Any], verb: str, *, everything: bool, dry_run: bool) -> None:
    for name, flag in (("everything", everything), ("dry_run", dry_run)):
        arguments.flag(f"{verb}({name}=...)", flag)
    if queryset.query.unfiltered and not everything:
        name = queryset.entity.__name__
        raise QueryError(
            f"this would {verb} every {name} there is; filter first, or say {verb}(..., everything=True). "
            "Nothing was sent"
        )


def _write(queryset: QuerySet[Any], verb: str, changes: Sequence[Change]) -> None:
    cls, session = queryset.entity, queryset.session
    schema, dialect = cls._schema, session.dialect

    def write(change: Change) -> None:
        values = writing.dumped(cls, change.after)
        request = (
            dialect.change(schema, change.pk, values=values) if values else dialect.delete(schema, change.pk)
        )
        session.send(request)

    try:
        done, failed = _collect(session, write, changes)
    finally:
        session.cache.drop_all(schema.resource)
    if failed:
        raise _bulk_error(
            verb,
            cls,
            [change.pk for change in done if isinstance(change, Change)],
            [(change.pk, error) for change, error in failed if isinstance(change, Change)],
        )


def _bulk_error(verb: str, cls: type[Entity], done: Sequence[object], failed: Sequence[Failure]) -> BulkError:
    _, first = failed[0]
    return BulkError(
        f"{verb}d {len(done)} of {len(done) + len(failed)} {cls.__name__}; {len(failed)} failed, "
        f"the first with {type(first).__name__}: {str(first).rstrip('.')}. error.failed has each row with its error",
        succeeded=done,
        failed=failed,
    )
