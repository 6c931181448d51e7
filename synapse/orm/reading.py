"""From a query to its rows: the plan that it is read by, set to work."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import attrs

from synapse.orm import checkpoint, parts, planning
from synapse.orm.ahead import Walk
from synapse.orm.cursors import Cursors
from synapse.orm.marks import Mark
from synapse.orm.numbered import Numbered
from synapse.orm.pages import Route, Window, fetch, keys_of, numbers_of
from synapse.orm.planning import Plan, PlanName
from synapse.orm.ranges import Ranges
from synapse.orm.sizing import Sizing
from synapse.orm.trail import Trail
from synapse.query import Query

if TYPE_CHECKING:
    from synapse.dialects import V1
    from synapse.orm.entity import Entity
    from synapse.session import Session

State = dict[str, Any]


class Reader(Protocol):
    """Reads the rows of one query in order; `plan` is the name of the plan that it goes by."""

    plan: str

    def next(self) -> Window | None:
        """Give the next rows, or None when there are no more."""

    def close(self) -> None:
        """Stop reading."""

    def state(self, window: Window, taken: int) -> State:
        """Say where to go on once so many rows of a window were handed out."""
        ...


@attrs.frozen
class How:
    """How a query is to be read, as far as the caller says; `state` is where an earlier reading stood."""

    size: int | None = None
    workers: int | None = None
    plan: PlanName | None = None
    state: State = attrs.field(factory=dict)


def windows(cls: type[Entity], query: Query, *, session: Session) -> Iterator[Window]:
    """Read a query's rows in order, page by page."""
    reader = read(cls, query, session=session, how=How())
    try:
        while (window := reader.next()) is not None:
            yield window
    finally:
        reader.close()


def read(cls: type[Entity], query: Query, *, session: Session, how: How) -> Reader:
    """Set out to read a query; the first request is sent when rows are asked for."""
    if query.empty:
        return _Nothing()
    if session.dialect.fits(cls._schema, query):
        return walk(cls, query, session=session, how=how, dialect=session.dialect)
    split = _split(cls, query, session)
    checkpoint.check(how.state, query, by_key=parts.in_sequence(cls, split))
    if parts.in_sequence(cls, split):
        return _InSequence(cls, query, split, session=session, how=how)
    return _Merged(cls, query, split, session=session, how=how)


def walk(cls: type[Entity], query: Query, *, session: Session, how: How, dialect: V1) -> Walk:
    """Set out to read a query in the words of *dialect*, whether its filters fit into a URL or not."""
    plan = planning.plan_of(
        cls, query, dialect=dialect, usual=session.page_size, size=how.size, wanted=how.plan
    )
    checkpoint.check(how.state, plan.query, by_key=plan.by_key or plan.name == "cursor")
    route = _route(cls, plan, session=session, how=how, dialect=dialect)
    return Walk(route, session, workers=how.workers or session.workers, plan=plan.name, what=cls.__name__)


def _route(cls: type[Entity], plan: Plan, *, session: Session, how: How, dialect: V1) -> Route:
    state, query = how.state, plan.query
    if plan.name == "cursor":
        return Cursors(cls, query, dialect=dialect, size=plan.size, state=state)
    if plan.by_key:
        return Ranges(
            cls,
            query,
            dialect=dialect,
            sizing=Sizing(plan.size, most=how.size),
            cuts=plan.cuts,
            state=state,
        )
    return Numbered(
        cls,
        query,
        dialect=dialect,
        size=plan.size,
        ticket=partial(session.cache.ticket, cls._schema.resource),
        mark=Mark(cls, query, dialect=dialect, values=state.get("last")),
        place=state.get("place"),
        key=state.get("key"),
    )


class _Nothing:
    """Reads a query that no row can match."""

    plan = "one"

    def next(self) -> Window | None:
        return None

    def close(self) -> None:
        return

    def state(self, window: Window, taken: int) -> State:
        return {}


# --- filters that are too long for one URL -----------------------------------
def _split(cls: type[Entity], query: Query, session: Session) -> list[Query]:
    return parts.whole_parts(cls, query, fits=lambda each: session.dialect.fits(cls._schema, each))


class _InSequence:
    """Reads one part after the other, no further than the slice goes."""

    plan = "parts"

    def __init__(
        self, cls: type[Entity], query: Query, split: list[Query], *, session: Session, how: How
    ) -> None:
        self._cls, self._query, self._session = cls, query, session
        self._how = attrs.evolve(how, state={})
        keys = partial(numbers_of, cls, wire=session.dialect.pk(cls._schema))
        self._trail = Trail(keys, state=how.state)
        self._place = how.state.get("place", 0)
        key = how.state.get("key")
        self._split = (
            split if key is None else [part for each in split if (part := parts.behind(cls, each, key=key))]
        )
        self._reader: Reader | None = None

    def next(self) -> Window | None:
        stop, start = self._query.stop, self._query.start
        while self._reader is not None or self._split:
            if self._reader is None:
                left = None if stop is None else stop - self._place
                part = attrs.evolve(self._split.pop(0), stop=left)
                self._reader = read(self._cls, part, session=self._session, how=self._how)
            window = self._reader.next()
            if window is None:
                self._reader = None
                continue
            came = self._trail.rest(window.rows) if self._trail.pending else window.rows
            rows = came[max(start - self._place, 0) :]
            self._place += len(came)
            if stop is not None and self._place >= stop:
                self.close()
            if rows:
                return self._trail.window(self._place - len(rows), rows)
        return None

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
        self._reader, self._split = None, []

    def state(self, window: Window, taken: int) -> State:
        return self._trail.state(window, taken)


class _Merged:
    """Brings the rows of all parts into one order, and cuts the slice out of that."""

    plan = "parts"

    def __init__(
        self, cls: type[Entity], query: Query, split: list[Query], *, session: Session, how: How
    ) -> None:
        self._cls, self._query, self._split, self._session = cls, query, split, session
        self._how = attrs.evolve(how, state={})
        self._mark = Mark(cls, split[0], dialect=session.dialect, values=how.state.get("last"))
        self._place = how.state.get("place", query.start)
        self._reader: Reader | None = None
        self._closed = False

    def next(self) -> Window | None:
        found: dict[Any, Any] = {}
        wire, split = self._session.dialect.pk(self._cls._schema), self._split
        self._split = []
        for part in split:
            if self._closed:
                return None
            self._reader = read(self._cls, part, session=self._session, how=self._how)
            while (window := self._reader.next()) is not None:
                keys = keys_of(self._cls, window.rows, wire=wire)
                named = zip(keys, window.rows, strict=True)
                found.update((object() if key is None else key, row) for key, row in named)
        rows = self._sorted(list(found.values()), split) if found and not self._closed else []
        start = 0 if self._mark else self._place
        rows = [row for row in rows if not self._mark.covers(row)][start:]
        if self._query.stop is not None:
            rows = rows[: max(self._query.stop - self._place, 0)]
        return Window(self._place, rows) if rows else None

    def _sorted(self, rows: list[Any], split: list[Query]) -> list[Any]:
        names = self._session.dialect.names(self._cls._schema)
        for name in reversed(split[0].order):
            field = name.lstrip("-")
            place = partial(parts.place_of, self._cls, field=field, wire=names[field])
            rows.sort(key=place, reverse=name.startswith("-"))
        # What cannot be placed comes last either way, so that it does not move the others.
        return sorted(rows, key=lambda row: not self._mark.places(row))

    def close(self) -> None:
        self._split, self._closed = [], True
        if self._reader is not None:
            self._reader.close()

    def state(self, window: Window, taken: int) -> State:
        return {"place": window.first + taken, **self._mark.of(window.rows[taken - 1])}


def count(cls: type[Entity], query: Query, *, session: Session) -> int:
    """Count a query's rows with one request, or one for each part of filters that are too long."""
    if query.empty:
        return 0
    whole = attrs.evolve(query, start=0, stop=None, expand=(), only=(cls._schema.pk,), defer=(), order=())
    split = [whole]
    if not session.dialect.fits(cls._schema, whole):
        split = _split(cls, whole, session)
    if parts.disjoint(cls, split):
        total = sum(_counted(cls, attrs.evolve(part, order=()), session) for part in split)
    else:
        total = len((_Merged(cls, whole, split, session=session, how=How()).next() or Window(0, [])).rows)
    stop = total if query.stop is None else min(query.stop, total)
    return max(stop - query.start, 0)


def _counted(cls: type[Entity], query: Query, session: Session) -> int:
    total = fetch(session.dialect.select(cls._schema, query, page=1, size=1), session).page.count
    if total is None:
        return sum(len(window.rows) for window in windows(cls, query, session=session))
    return total
