"""Bulk creation with a journal: a run that was killed goes on where it was, and no row is created twice."""

from __future__ import annotations

import contextlib
import threading
import time

from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from itertools import islice
from typing import TYPE_CHECKING, Any, Final, Generic, TypeVar

import attrs

from synapse.errors import (
    ConfigError,
    ServerError,
    SynapseError,
    TransportError,
    WriteUnconfirmedError,
    may_have_happened,
)
from synapse.orm import answers, batch_answers, recent_rows
from synapse.orm.changes import to_wire
from synapse.orm.journal import Journal
from synapse.orm.matching import pair
from synapse.orm.questions import Creation
from synapse.orm.record import schema_of, state_of, table_of
from synapse.orm.unconfirmed import resolvable_by
from synapse.session import Outcome, Run, Untried, Written, create_each, rows_of
from synapse.session.throttle import stopping

if TYPE_CHECKING:
    from synapse.orm.record import Record
    from synapse.session import Session
    from synapse.transfer import Meter

E = TypeVar("E", bound="Record")

# Of rows that are sent one by one, so many are noted at once.
_WINDOW: Final = 50
_SHORTEST_PAUSE: Final = 0.05
_LONGEST_PAUSE: Final = 2.0


@attrs.frozen(eq=False, repr=False)
class Item(Generic[E]):
    """An object to create, and the name of its row in the journal."""

    name: str
    made: E


def create(session: Session, given: Sequence[E], *, size: int, journal: Journal, meter: Meter) -> Written[E]:
    """Create what the journal does not say to be done, after a look for what an earlier run may have created."""
    todo = []
    for each in given:
        item = Item(journal.name(to_wire(each)), each)
        if item.name in journal.done:
            _take_key(item, journal.done[item.name], session)
        else:
            todo.append(item)
    meter.resume(len(given) - len(todo))
    creation = _Creation(session, type(given[0]), journal, size=size)
    written = creation.run(todo, advanced=meter).by(lambda item: item.made)
    failed = {id(each) for each, _ in written.failed}
    done = [each for each in given if state_of(each).saved and id(each) not in failed]
    unnoted = journal.unnoted() if not any(error is journal.failure for _, error in written.failed) else None
    return attrs.evolve(written, done=done, broken=unnoted or written.broken)


def _take_key(item: Item[Any], key: Any, session: Session) -> None:
    answers.adopt_answer(item.made, {table_of(type(item.made), session).pk: key}, session=session)


class _Creation(Generic[E]):
    """One run, with what it knows of the backend."""

    def __init__(self, session: Session, cls: type[E], journal: Journal, *, size: int) -> None:
        self.session, self.cls, self.journal = session, cls, journal
        self.table = table_of(cls, session)
        self.in_lists = self.table.create_many([]) is not None
        self.size = size if self.in_lists else _WINDOW
        self.started = time.monotonic()
        self.highest: int | None = None
        self.keys = answers.Keys(journal.done.values())
        self._sent: dict[str, answers.Values] = {}

    def run(self, todo: list[Item[E]], *, advanced: Callable[[int], object]) -> Written[Item[E]]:
        """Create the rows of all items, window by window."""
        unsettled = [item for item in todo if item.name in self.journal.unsettled]
        outcomes = self._unsettled_before(unsettled) if unsettled else []
        if outcomes:
            advanced(len(outcomes))
        told = {id(outcome.item) for outcome in outcomes}
        run = Run([item for item in todo if id(item) not in told])
        if run.rest:
            self.highest = recent_rows.highest_key(self.cls, self.session)
        items = iter(run)
        # One window at a time: the key before which no row of a window can be has to be known when it is noted.
        while window := list(islice(items, self.size)):
            sent = self._window(run, window)
            advanced(sum(not isinstance(each.error, Untried) for each in sent))
            outcomes += sent
        return run.written(outcomes)

    # --- what an earlier run has left ---------------------------------------
    def _unsettled_before(self, items: list[Item[E]]) -> list[Outcome[Item[E], Any]]:
        """Find out about rows that were sent by a run that is dead; those that are not there are sent again."""
        # That run is dead since before this one has the journal; but its last request may still be on its way. How long
        # ago that was, no clock tells for sure.
        errors = self._settle(items, until=self.started + self.session.settings.timeout.read)
        outcomes = [Outcome(item, None, error) for item, error in errors]
        return outcomes + [Outcome(item, None, None) for item in items if state_of(item.made).saved]

    def _settle(self, items: list[Item[E]], *, until: float) -> list[tuple[Item[E], WriteUnconfirmedError]]:
        """Look for rows until then, and note which are done and which are not; give those that nobody can tell of."""
        pause = _SHORTEST_PAUSE
        while True:
            last = time.monotonic() >= until
            doubtful = self._look(items)
            items = [item for item in items if not state_of(item.made).saved]
            if last or not items:
                break
            self.session.pause(max(0.0, min(pause, until - time.monotonic())))
            pause = min(2 * pause, _LONGEST_PAUSE)
        # Only what is surely not there may be sent again; the rest is told and left to whoever can look.
        self.journal.withdraw(item.name for item in items if item.name not in doubtful)
        return [
            (item, _untold(item, doubtful[item.name], self.journal))
            for item in items
            if item.name in doubtful
        ]

    def _look(self, items: list[Item[E]]) -> dict[str, str]:
        """Take over the rows that are there; say of the others why nobody can tell, if nobody can."""
        noted, noted_instead, entity = self.journal.unsettled, self.journal.instead, self.cls.__name__
        doubtful = {
            item.name: f"the keys of {entity} rows do not tell which are younger"
            for item in items
            if noted[item.name] is None
        }
        told = {item.name: item for item in items if item.name not in doubtful}
        if not told:
            return doubtful
        sent = {name: to_wire(item.made) for name, item in told.items()}
        after = {name: noted[name] or 0 for name in told}
        rows, whole = recent_rows.rows_above(
            self.cls, sent.values(), session=self.session, after=min(after.values())
        )
        # A row that belongs to another name of this journal is no proof of this one.
        known = set(self.journal.done.values())
        # Equal rows of several requests are told apart by number only, so all are looked for together.
        paired = pair(sent, (row for row in rows if row.pk not in known), after=after, rewritten=True)
        self._done([(told[name], key) for name, key in paired.found.items()])
        if not whole:
            doubtful |= dict.fromkeys(sent, f"a {entity} that cannot be read, or was not shown, may be it")
        for name, keys in paired.doubtful.items():
            doubtful[name] = f"{entity} {', '.join(map(str, keys[:5]))} may be it"
        there = {row.pk for row in rows} - known
        for name in told.keys() - paired.found.keys() - doubtful.keys():
            if instead := there.intersection(noted_instead.get(name, ())):
                doubtful[name] = f"{entity} {min(instead)} was the answer to it, and has other values"
        return doubtful

    def _done(self, pairs: Iterable[tuple[Item[E], Any]]) -> None:
        keys = {}
        for item, key in pairs:
            _take_key(item, key, self.session)
            keys[item.name] = key
        if keys:
            self._note(keys)

    # --- this run -----------------------------------------------------------
    def _window(self, run: Run[Item[E]], window: list[Item[E]]) -> list[Outcome[Item[E], Any]]:
        """Send some rows; those of which no answer came are looked for, and sent again if they are not there."""
        told: list[Outcome[Item[E], Any]] = []
        left = self.session.settings.retry.total
        while window:
            unsure: list[Outcome[Item[E], Any]] = []
            for outcome in self._found(self._send(run, window)):
                (unsure if self._is_unsure(outcome) else told).append(outcome)
            settled, window = self._settle_now(unsure, again=left > 0 and run.stopped is None)
            told += settled
            left -= 1
        return told

    def _is_unsure(self, outcome: Outcome[Item[E], Any]) -> bool:
        unsettled = outcome.item.name in self.journal.unsettled
        return unsettled and isinstance(outcome.error, WriteUnconfirmedError) and not outcome.error.answered

    def _found(self, outcomes: list[Outcome[Item[E], Any]]) -> list[Outcome[Item[E], Any]]:
        """Take over rows that were created though the backend failed over them, or answered by others.

        The next run looks for the rest.
        """
        failed = [
            each.item for each in outcomes if isinstance(each.error, ServerError) or _is_other(each.error)
        ]
        items = [item for item in failed if item.name in self.journal.unsettled]
        if items:
            # No more than a chance: a backend that fails over rows often fails over the look as well.
            with contextlib.suppress(SynapseError):
                self._look(items)
        names = {item.name for item in items if state_of(item.made).saved}
        return [each._replace(error=None) if each.item.name in names else each for each in outcomes]

    def _settle_now(
        self, unsure: list[Outcome[Item[E], Any]], *, again: bool
    ) -> tuple[list[Outcome[Item[E], Any]], list[Item[E]]]:
        """Find out about rows whose answer did not come; give also those that are to be sent again."""
        items = [outcome.item for outcome in unsure]
        if not items:
            return [], []
        try:
            untold = self._settle(items, until=time.monotonic() + self.session.settings.timeout.read)
        except SynapseError as error:
            # The line is down: the next run looks.
            return [outcome._replace(error=_unasked(outcome.error, error)) for outcome in unsure], []
        told = [Outcome(item, None, error) for item, error in untold]
        told += [Outcome(item, None, None) for item in items if state_of(item.made).saved]
        # What the journal holds as unsettled still is in doubt; what was withdrawn is surely not there.
        lost = [outcome for outcome in unsure if outcome.item.name not in self.journal.unsettled]
        lost = [outcome for outcome in lost if not state_of(outcome.item.made).saved]
        if again:
            return told, [outcome.item for outcome in lost]
        return told + [outcome._replace(error=_not_there(outcome.error)) for outcome in lost], []

    def _send(self, run: Run[Item[E]], window: list[Item[E]]) -> list[Outcome[Item[E], Any]]:
        try:
            self.journal.sending([item.name for item in window], after=self.highest)
        except ConfigError as error:
            run.stopped = error
            untried = [Outcome(item, None, Untried("not tried")) for item in window[1:]]
            return [Outcome(window[0], None, error), *untried]
        if self.in_lists:
            outcomes = list(map(self._stored, create_each(run.attempt(self._send_list), window)))
        else:
            outcomes = self._send_each(run, window)
        self.journal.withdraw(outcome.item.name for outcome in outcomes if _surely_not(outcome.error))
        return outcomes

    def _send_each(self, run: Run[Item[E]], window: list[Item[E]]) -> list[Outcome[Item[E], Any]]:
        """Send rows side by side; after Ctrl-C, what waits for its turn is not sent, since the next run may begin."""
        over = threading.Event()
        before = stopping.set(over)
        try:
            return list(map(self._stored, self.session.map(run.attempt(self._send_one), window)))
        finally:
            stopping.reset(before)
            over.set()

    def _send_list(self, batch: list[Item[E]]) -> list[Any]:
        values = [to_wire(item.made) for item in batch]
        self._sent.update(zip((item.name for item in batch), values, strict=True))
        request = self.table.create_many(values)
        assert request is not None
        with self._asking([item.made for item in batch]):
            rows = rows_of(self.table.created(self.session.send(request)), count=len(batch))
        # Every row has to name its key before one of them is noted: a half-read answer is looked for as a whole.
        for row in rows:
            self._key(row)
        found = batch_answers.rows_by_sent(self.cls, rows, sent=values, session=self.session, keys=self.keys)
        pairs = zip(batch, found, strict=True)
        self._note({item.name: self._key(row) for item, row in pairs if not isinstance(row, Exception)})
        return found

    def _send_one(self, item: Item[E]) -> Any:
        values = self._sent[item.name] = to_wire(item.made)
        with self._asking([item.made]):
            row = self.table.created(self.session.send(self.table.create(values)))
            row = row[0] if isinstance(row, list) and len(row) == 1 else row
            self._key(row)
            row = self.table.normalise(row)
            answers.check_created(self.cls, row, sent=values, session=self.session, keys=self.keys)
        return row

    def _asking(self, objects: list[E]) -> AbstractContextManager[None]:
        return resolvable_by(lambda since: Creation.of(objects, session=self.session, since=since))

    def _key(self, row: Any) -> Any:
        key = self.table.key(row)
        if key is None:
            raise WriteUnconfirmedError(
                f"a {self.cls.__name__} was created, but the answer names no {self.table.pk!r}"
            )
        return key

    def _stored(self, outcome: Outcome[Item[E], Any]) -> Outcome[Item[E], Any]:
        """Take over an answer; one that names the key tells that the row is done, whatever else is in it."""
        item, row, error = outcome
        sent = self._sent.pop(item.name, None)
        if error is not None:
            if isinstance(error, WriteUnconfirmedError) and item.name in self.journal.unsettled:
                self.journal.doubt(item.name, error.answered)
            return outcome
        key = self._key(row)
        if item.name in self.journal.unsettled:
            self._note({item.name: key})
        # Noted first: a process that dies over the rest of the answer must not create the row once more.
        try:
            answers.adopt_answer(item.made, row, session=self.session, sent=sent)
        except SynapseError as error:
            _take_key(item, key, self.session)
            return outcome._replace(error=error)
        return outcome

    def _note(self, keys: dict[str, Any]) -> None:
        self.journal.settle(keys)
        if self.highest is not None:
            self.highest = max([self.highest, *(key for key in keys.values() if type(key) is int)])


def _surely_not(error: Exception | None) -> bool:
    return isinstance(error, SynapseError) and not may_have_happened(error)


def _is_other(error: Exception | None) -> bool:
    """Whether an answer came, and was of other rows."""
    return isinstance(error, WriteUnconfirmedError) and bool(error.answered)


def _not_there(error: Exception | None) -> TransportError:
    told = TransportError(
        "no answer came, and the row is not on the backend: run the same again with this journal"
    )
    told.__cause__ = error
    return told


def _unasked(error: Exception | None, why: SynapseError) -> WriteUnconfirmedError:
    told = WriteUnconfirmedError(
        "no answer came, and the backend could not be asked for the row: run the same again with this journal, which "
        f"looks before it sends ({why})"
    )
    told.__cause__ = error
    return told


def _untold(item: Item[Any], reason: str, journal: Journal) -> WriteUnconfirmedError:
    return WriteUnconfirmedError(
        f"this {schema_of(item.made).entity} was sent, its answer never came, and it cannot be told whether it was "
        f"created: {reason}. It was not sent again. Look at it, then give the rows that are missing, with another "
        f"journal than {journal.path}"
    )
