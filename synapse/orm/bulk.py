"""Writes to many rows, which keep count of what was done."""

from __future__ import annotations

import os
import threading

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import attrs

from synapse.errors import (
    BulkError,
    MappingError,
    QueryError,
    SynapseError,
    WriteUnconfirmedError,
    may_have_happened,
)
from synapse.mapping.json import detached, same_json
from synapse.optional import optional
from synapse.orm import (
    answers,
    arguments,
    batch_answers,
    binding,
    cached_rows,
    filter_proof,
    journal_run,
    loading,
    saving,
)
from synapse.orm.changes import accepted, check_new, check_values, dumped, linked, to_wire
from synapse.orm.journal import Journal, opened, path_of
from synapse.orm.questions import Creation, Edit, Removal
from synapse.orm.record import schema_of, state_of, table_of
from synapse.orm.results import owner_in
from synapse.orm.selection import adopt, evolved, know_made, link_of, writing_to
from synapse.orm.unconfirmed import Moment, attach, resolvable_by
from synapse.query import FetchMode
from synapse.session import Outcome, Run, Untried, Written, create_each, rows_of
from synapse.session.process import undisturbed
from synapse.showing import bounded
from synapse.transfer import Meter, ProgressLike, tracked

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.orm.selection import Selection
    from synapse.session import Session

E = TypeVar("E", bound="Record")
T = TypeVar("T")
Opening: TypeAlias = Callable[..., AbstractContextManager[Journal]]
"""Opens the journal of an entity on a backend, as `journal.opened()` does with a path."""


@bounded
@attrs.frozen(repr=False)
class Change:
    """What a bulk write does to one row; `after` is empty for a deletion."""

    pk: Any
    before: dict[str, Any] = attrs.field(factory=dict)
    after: dict[str, Any] = attrs.field(factory=dict)


@bounded
@attrs.frozen(repr=False)
class BulkResult:
    """What a bulk write did, or with `dry_run` would do: one `Change` for each row that needs one.

    `bad` holds the errors of rows that were left out, as `update_from(on_bad_row="skip")` says, the first 1,000 of
    `bad_count`.
    """

    verb: str
    entity: str
    matched: int
    changes: tuple[Change, ...]
    dry_run: bool = False
    bad: tuple[MappingError, ...] = ()
    bad_count: int = 0

    @property
    def pks(self) -> list[Any]:
        """The keys of the changed rows."""
        return [change.pk for change in self.changes]

    def __len__(self) -> int:
        return len(self.changes)

    @optional
    def _repr_html_(self) -> str:
        raise NotImplementedError

    def __str__(self) -> str:
        did = f"would {self.verb}" if self.dry_run else f"{self.verb}d"
        left_out = f", {self.bad_count:,} that do not fit left out" if self.bad_count else ""
        return f"{did} {len(self)} of {self.matched} {self.entity}{left_out}"


# --- create -----------------------------------------------------------------
def create(
    queryset: Selection[E],
    objects: Iterable[E],
    *,
    batch_size: int,
    journal: str | os.PathLike[str] | Opening | None = None,
    progress: ProgressLike = None,
) -> list[E]:
    """Create objects in batches, or side by side where the wire takes one at a time."""
    opening = journal if journal is None or callable(journal) else partial(opened, path_of(journal))
    given = _new(queryset, objects)
    cls, session = queryset.entity, queryset.session
    if not given:
        return given
    with tracked(progress, total=len(given), label="bulk_create", unit="rows") as meter:
        adopt(queryset, given)
        try:
            with writing_to(queryset):
                written = _created(session, given, size=batch_size, opening=opening, meter=meter)
        finally:
            cached_rows.drop_all_cached(cls, session)
            know_made(queryset, [each for each in given if state_of(each).saved])
    raise_failures(written, did="created", of=cls.__name__)
    return given


def try_creating(queryset: Selection[E], objects: Iterable[E], *, progress: ProgressLike = None) -> list[E]:
    """Have each creation checked by itself and not done, side by side; the objects stay unsaved."""
    given = _new(queryset, objects)
    for each in given[:1]:  # what an API cannot try is not the fault of one row
        saving.check_triable(each, queryset.session)
    with tracked(progress, total=len(given), label="bulk_create", unit="rows") as meter, writing_to(queryset):
        adopt(queryset, given)
        check = partial(saving.save, dry_run=True)
        send = partial(write_each, queryset.session, check, advanced=meter)
        # The first one by itself: a backend that ignores dry runs would create all that are sent.
        first = send(items=given[:1])
        is_ignored = any(isinstance(error, WriteUnconfirmedError) for _, error in first.failed)
        rest = Written([], [], given[1:]) if is_ignored else send(items=given[1:])
    written = Written(first.done + rest.done, first.failed + rest.failed, first.untried + rest.untried)
    raise_failures(written, did="checked", of=queryset.entity.__name__)
    return given


def _new(queryset: Selection[E], objects: Iterable[E]) -> list[E]:
    """Check new objects of a query, as far as that takes no request."""
    cls, session = queryset.entity, queryset.session
    session.check_open()
    given: list[E] = arguments.items("bulk_create()", objects, of=f"{cls.__name__} objects")
    for index, each in enumerate(given):
        _check_new(cls, each, index)
        linked(cls, {name: getattr(each, name) for name in link_of(queryset)}, link=link_of(queryset))
    if len({id(each) for each in given}) < len(given):
        raise MappingError("bulk_create() got the same object twice; nothing was sent")
    with undisturbed():
        for each in given:
            check_new(each, session)
            check_values(each)
    return given


def _created(
    session: Session, given: list[E], *, size: int, opening: Opening | None, meter: Meter
) -> Written[E]:
    if opening is not None:
        return _noted(session, given, size=size, opening=opening, meter=meter)
    if table_of(type(given[0]), session).create_many([]) is not None:
        return _in_batches(session, given, size=size, advanced=meter)
    return write_each(session, partial(saving.save, keys=answers.Keys()), items=given, advanced=meter)


def _check_new(cls: type[Record], each: object, index: int) -> None:
    if not isinstance(each, cls):
        raise MappingError(
            f"bulk_create() takes {cls.__name__} objects, got {type(each).__name__} at place {index}"
        )
    if state_of(each).saved:
        raise MappingError(
            f"bulk_create() got {each!r} at place {index}, which is saved already; nothing was sent"
        )


def _in_batches(
    session: Session, given: list[E], *, size: int, advanced: Callable[[int], object]
) -> Written[E]:
    table = table_of(type(given[0]), session)

    def send(batch: list[E]) -> list[Any]:
        sent = [to_wire(each, as_checked=True) for each in batch]
        sent_of.update(zip(map(id, batch), sent, strict=True))
        request = table.create_many(sent)
        assert request is not None
        with resolvable_by(lambda since: Creation.of(batch, session=session, since=since)):
            rows = rows_of(table.created(session.send(request)), count=len(batch))
        return batch_answers.rows_by_sent(type(batch[0]), rows, sent=sent, session=session, keys=keys)

    run, keys = Run(given), answers.Keys()
    sent_of: dict[int, answers.Values] = {}
    outcomes: list[Outcome[E, Any]] = []
    items = iter(run)
    # The collector works while an answer is waited for: between the other steps it would visit the same rows again.
    with undisturbed():
        while batch := list(islice(items, size)):
            since = Moment()
            sent_of.clear()
            created = create_each(run.attempt(send), batch)
            read = loading.load_expected(type(given[0]), [each.result for each in created], session=session)
            outcomes += [
                _stored(each, session, since=since, sent=sent_of.get(id(each.item)), fresh=fresh)
                for each, fresh in zip(created, read, strict=True)
            ]
            advanced(len(batch))
    return run.written(outcomes)


def _stored(
    outcome: Outcome[E, Any],
    session: Session,
    *,
    since: Moment,
    sent: answers.Values | None,
    fresh: E | None,
) -> Outcome[E, Any]:
    item, row, error = outcome
    if error is None:
        try:
            answers.adopt_answer(item, row, session=session, sent=sent, fresh=fresh)
        except SynapseError as unreadable:
            error = unreadable
    if isinstance(error, WriteUnconfirmedError) and error.question is None:
        attach(error, Creation.of([item], session=session, since=since))
    # Of a million rows, the answers are not kept until the end.
    return outcome._replace(result=None, error=error)


def _noted(session: Session, given: Sequence[E], *, size: int, opening: Opening, meter: Meter) -> Written[E]:
    entity, backend = schema_of(type(given[0])).entity, session.backend
    with opening(entity=entity, host=backend.host, tenant=backend.tenant, aliases=backend.aliases) as journal:
        return journal_run.create(session, given, size=size, journal=journal, meter=meter)


def write_each(
    session: Session,
    write: Callable[[Any], Any],
    *,
    items: Iterable[T],
    advanced: Callable[[int], object] = lambda count: None,
) -> Written[T]:
    """Make one write for each item, side by side, and tell what became of it."""
    run = Run(items)
    return run.written(_counted(session.map(run.attempt(write), run), advanced))


def _counted(
    outcomes: Iterable[Outcome[T, Any]], advanced: Callable[[int], object]
) -> Iterator[Outcome[T, Any]]:
    for each in outcomes:
        if not isinstance(each.error, Untried):
            advanced(1)
        yield each


def raise_failures(written: Written[Any], *, did: str, of: str) -> None:
    """Raise a `BulkError` where a run of writes did not go to its end."""
    if written.broken is None and not written.failed:
        return
    words = f"{did} {len(written.done)} of {written.total} {of}"
    if written.failed:
        _, first = written.failed[0]
        untried = f", {len(written.untried)} were not tried" if written.untried else ""
        open_ = sum(may_have_happened(error) for _, error in written.failed)
        unknown = f", of which {open_} may have happened (error.unknown)" if open_ else ""
        words += (
            f"; {len(written.failed)} failed{unknown}{untried}, the first with {type(first).__name__}: "
            f"{str(first).rstrip('.')}. error.failed has each row with its error"
        )
    if written.broken is not None:
        words += f"; then it broke off with {type(written.broken).__name__}: {written.broken}"
    cause = written.broken or written.failed[0][1]
    raise BulkError(words, succeeded=written.done, failed=written.failed, untried=written.untried) from cause


# --- update, delete ---------------------------------------------------------
def update(queryset: Selection[E], fields: dict[str, Any], *, everything: bool, dry_run: bool) -> BulkResult:
    """Set fields on every row that holds other values."""
    cls = queryset.entity
    if not fields:
        raise QueryError("update() needs at least one field=value")
    after = accepted(cls, fields)
    sent = dumped(cls, after)
    guard(queryset, "update", everything=everything)
    arguments.flag("update(dry_run=...)", dry_run)
    binding.check_host(queryset.session, fields.values(), what="update()")
    table = table_of(cls, queryset.session)
    # What the API does not write at all is refused once, and before rows are read; no row has the key 0.
    table.change(0, values=sent, below=owner_in(table, queryset.query))
    rows = matching(queryset, *sent, proven=not everything)
    found = [Change(row.pk, {name: getattr(row, name) for name in sent}, detached(after)) for row in rows]
    changes = tuple(each for each in found if not same_json(dumped(cls, each.before), sent))
    if not dry_run:
        change_rows(queryset, changes)
    return BulkResult("update", cls.__name__, len(found), changes, dry_run=dry_run)


def check_changes(queryset: Selection[Any], changes: Sequence[Change]) -> None:
    """Refuse changes that the API does not write at all, once and before any of them is sent."""
    cls = queryset.entity
    after = {name: value for change in changes for name, value in change.after.items()}
    if after:
        table = table_of(cls, queryset.session)
        # No row has the key 0.
        table.change(0, values=dumped(cls, after), below=owner_in(table, queryset.query))


def change_rows(
    queryset: Selection[E],
    changes: Sequence[Change],
    *,
    path: Path | None = None,
    meter: Meter | None = None,
) -> tuple[Change, ...]:
    """Make changes, each by a request; with a journal at *path*, those that it does not say to be done."""
    cls, session = queryset.entity, queryset.session
    table = table_of(cls, session)
    below = owner_in(table, queryset.query)
    for each in changes[:1]:  # what the API does not write at all is refused once
        table.change(each.pk, values=dumped(cls, each.after), below=below)

    def change(row: Change) -> None:
        sent, before = dumped(cls, row.after), dumped(cls, row.before)
        with resolvable_by(
            lambda _: Edit.of_row(cls, row.pk, sent=sent, before=before, session=session, below=below)
        ):
            reply = session.send(table.change(row.pk, values=sent, below=below))
            answer = answers.changed_row(cls, table.one(reply), pk=row.pk, session=session)
            answers.check_changed(
                cls, row.pk, sent=sent, before=before, row=answer, session=session, at_least=True
            )

    with _noting(cls, session, path=path) as note:
        todo = [each for each in changes if not note.is_done(each)]
        meter = meter or Meter.silent()
        meter.resume(len(changes) - len(todo))
        _write(queryset, "update", todo, send=note.after(change), advanced=meter)
    return tuple(todo)


class _Notes:
    """Notes in a journal which changes are done; without one nothing is."""

    def __init__(self, cls: type[Record], journal: Journal | None) -> None:
        self._cls, self._journal, self._lock = cls, journal, threading.Lock()
        self._names: dict[Any, str] = {}

    def is_done(self, change: Change) -> bool:
        """Whether an earlier run made this change."""
        if self._journal is None:
            return False
        values = {"key": change.pk, "values": dumped(self._cls, change.after)}
        self._names[change.pk] = self._journal.name(values)
        return self._names[change.pk] in self._journal.done

    def after(self, write: Callable[[Change], None]) -> Callable[[Change], None]:
        """Note each change once it is written."""

        def noted(change: Change) -> None:
            write(change)
            if self._journal is not None:
                with self._lock:
                    self._journal.settle({self._names[change.pk]: change.pk})

        return noted


@contextmanager
def _noting(cls: type[Record], session: Session, *, path: Path | None) -> Iterator[_Notes]:
    if path is None:
        yield _Notes(cls, None)
        return
    backend, entity = session.backend, f"changes of {schema_of(cls).entity}"
    with opened(
        path, entity=entity, host=backend.host, tenant=backend.tenant, aliases=backend.aliases
    ) as journal:
        yield _Notes(cls, journal)


def delete(queryset: Selection[E], *, everything: bool, dry_run: bool) -> BulkResult:
    """Delete every row."""
    guard(queryset, "delete", everything=everything)
    arguments.flag("delete(dry_run=...)", dry_run)
    session, cls = queryset.session, queryset.entity
    table = table_of(cls, session)
    below = owner_in(table, queryset.query)
    table.delete(0, below=below)  # raises where the API deletes none
    rows = matching(queryset, proven=not everything)
    changes = tuple(Change(row.pk) for row in rows)

    def remove(row: Change) -> None:
        with resolvable_by(lambda _: Removal.of_row(cls, row.pk, session=session, below=below)):
            answer = table.one(session.send(table.delete(row.pk, below=below)))
            answers.check_deleted(cls, answer, pk=row.pk)

    if not dry_run:
        _write(queryset, "delete", changes, send=remove)
    return BulkResult("delete", queryset.entity.__name__, len(changes), changes, dry_run=dry_run)


def guard(queryset: Selection[Any], verb: str, *, everything: bool) -> None:
    """Refuse to write to every row there is, unless that was said."""
    arguments.flag(f"{verb}(everything=...)", everything)
    query, name = queryset.query, queryset.entity.__name__
    if everything or query.empty:
        return
    say = f"or say {verb}(..., everything=True). Nothing was sent"
    if query.params:
        raise QueryError(
            f"raw parameters may be ignored by the backend, and no {name} tells: this would {verb} whatever it gives "
            f"without them. Name the rows by filters, such as id__in=[...], {say}"
        )
    if not query.where and query.stop is None:
        raise QueryError(f"this would {verb} every {name} there is; filter first, {say}")


def matching(queryset: Selection[E], *names: str, proven: bool) -> list[E]:
    """Fetch these fields of every row; one that does not meet the filters raises `QueryError`.

    To be *proven*, so does a filter that no field proves and that the backend ignores.
    """
    pairs = filter_proof.provable(queryset)
    only = dict.fromkeys((schema_of(queryset.entity).pk, *names, *(name for _, name in pairs)))
    asked = evolved(queryset, expand=(), prefetch=(), only=tuple(only), defer=(), mode=FetchMode.PEERS)
    rows = list(asked.iterator())
    met = {condition for condition, _ in pairs}
    for row in rows:
        met &= filter_proof.check_row(row, pairs)
    if proven:
        unproven = [condition for condition in queryset.query.where if condition not in met]
        filter_proof.check_heeded(queryset, unproven, rows=rows)
    return rows


def _write(
    queryset: Selection[Any],
    verb: str,
    changes: Sequence[Change],
    *,
    send: Callable[[Change], None],
    advanced: Callable[[int], object] = lambda count: None,
) -> None:
    try:
        with writing_to(queryset):
            written = write_each(queryset.session, send, items=changes, advanced=advanced)
    finally:
        cached_rows.drop_all_cached(queryset.entity, queryset.session)
        if verb == "delete":
            cached_rows.drop_with_children(queryset.entity, queryset.session)
    written = _reconsidered(written, changes, queryset)
    raise_failures(written.by(lambda change: change.pk), did=f"{verb}d", of=queryset.entity.__name__)


def _reconsidered(
    written: Written[Change], changes: Sequence[Change], queryset: Selection[Any]
) -> Written[Change]:
    """Count as done the rows that were as the backend has made others of the same values, once it is known to do so."""
    taken = {
        id(change)
        for change, error in written.failed
        if answers.is_rewriting(queryset.entity, error, session=queryset.session)
    }
    if not taken:
        return written
    done = {id(change) for change in written.done} | taken
    failed = [(change, error) for change, error in written.failed if id(change) not in taken]
    return attrs.evolve(written, done=[each for each in changes if id(each) in done], failed=failed)
