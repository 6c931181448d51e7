"""From a query to its rows: the plan that it is read by, set to work."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final, Protocol

import attrs

from synapse.dialects import Place, Table, homes
from synapse.errors import NotFoundError, SynapseError, UnsupportedError
from synapse.query import Condition, In, Query
from synapse.query.catalog import spell
from synapse.reading import checkpoint, parts
from synapse.reading.by_cursor import ByCursor
from synapse.reading.by_number import ByNumber
from synapse.reading.by_range import ByRange
from synapse.reading.checkpoint import KeyCheckpoint, LastRow
from synapse.reading.plan import Plan, PlanName, plan_of
from synapse.reading.read_ahead import PageSource, ReadAhead
from synapse.reading.route import (
    CACHED,
    CACHED_UNPARSED,
    PageSize,
    Route,
    Window,
    fetch,
    integer_keys,
    took_too_long,
)
from synapse.session import Session
from synapse.session.decoding import Decode

if TYPE_CHECKING:
    from synapse.dialects import Table

State = dict[str, Any]


class RowReader(Protocol):
    """Reads the rows of one query in order; `plan` is the name of the plan that it goes by."""

    plan: str

    def next(self) -> Window | None:
        """Give the next rows, or None when there are no more."""

    def close(self) -> None:
        """Stop reading."""

    def state(self, window: Window, taken: int) -> State:
        """Say where to go on once so many rows of a window were handed out."""
        ...


@attrs.frozen(eq=False, repr=False)
class ReadOptions:
    """How a query is to be read, as far as the caller says.

    `state` is where an earlier reading stood; `decode` reads the bodies of pages, for a table that knows what it makes;
    `wanted` names the fields that rows are read for.
    """

    size: int | None = None
    workers: int | None = None
    plan: PlanName | None = None
    state: State = attrs.field(factory=dict)
    decode: Decode | None = None
    wanted: Callable[[], Iterable[str]] = tuple


def windows(
    table: Table, query: Query, *, session: Session, how: ReadOptions | None = None
) -> Iterator[Window]:
    """Read a query's rows in order, page by page."""
    reader = read(table, query, session=session, how=how or ReadOptions())
    try:
        while (window := reader.next()) is not None:
            yield window
    finally:
        reader.close()


def read(table: Table, query: Query, *, session: Session, how: ReadOptions) -> RowReader:
    """Set out to read a query; the first request is sent when rows are asked for."""
    if query.empty:
        return _Nothing()
    check_supported(table, query)
    if table.fits(query):
        return read_unsplit(table, query, session=session, how=how)
    split = parts.split_filters(table, query, fits=table.fits)
    checkpoint.check(how.state, query, by_key=parts.in_sequence(table, split))
    if parts.in_sequence(table, split):
        return _InSequence(table, query, split, session=session, how=how)
    return _Merged(table, query, split, session=session, how=how)


def check_supported(table: Table, query: Query) -> None:
    """Refuse what the entity declares and this API does not support, before anything is sent."""
    for each in query.where:
        if not table.accepts(each.name, each.lookup):
            lookup, known = spell(each.name, each.lookup), table.catalog.spellings(table.accepts)
            has = partial(_accepts, each)
            raise unsupported(table, f"lookup {lookup!r}", known=known, has=has)
    given = (f"-{table.newest_first}",) if table.newest_first else ()
    for order in query.order:
        name = order.lstrip("-")
        if name not in table.orders and order not in given:
            raise unsupported(
                table,
                f"order by {order!r}",
                known=(*table.orders, *given),
                has=partial(_honours, name),
            )
    for name in query.expand:
        if name not in table.expandable:
            raise unsupported(
                table,
                f"way to nest {name!r}",
                known=table.expandable,
                has=partial(_nests, name),
            )


def _accepts(condition: Condition, table: Table) -> bool:
    return table.accepts(condition.name, condition.lookup)


def _honours(order: str, table: Table) -> bool:
    return order in table.orders


def _nests(relation: str, table: Table) -> bool:
    return relation in table.expandable


def unsupported(
    table: Table, what: str, *, known: Iterable[str], has: Callable[[Table], bool]
) -> UnsupportedError:
    """Say what an API generation lacks, what it has instead, and which other one has it."""
    named = ", ".join(known) or "nothing"
    return UnsupportedError(
        f"{table.schema.entity} has no {what} on API {table.api}, which has: {named}"
        f"{homes.elsewhere(table, has)}. Nothing was sent"
    )


def read_unsplit(table: Table, query: Query, *, session: Session, how: ReadOptions) -> ReadAhead:
    """Set out to read a query, whether its filters fit into a URL or not."""
    plan = plan_of(table, query, usual=session.page_size, size=how.size, wanted=how.plan)
    is_by_key = plan.by_key or (plan.name == "cursor" and parts.by_key(table, plan.query))
    checkpoint.check(how.state, plan.query, by_key=is_by_key)
    route = _route(table, plan, session=session, how=how)
    workers = how.workers or session.workers
    source = PageSource(table, session, how.decode, how.wanted)
    return ReadAhead(route, source, workers=workers, plan=plan.name)


def _route(table: Table, plan: Plan, *, session: Session, how: ReadOptions) -> Route:
    state, query = how.state, plan.query
    if plan.name == "cursor":
        return ByCursor(table, query, size=plan.size, state=state)
    if plan.by_key:
        cached = CACHED_UNPARSED if how.decode else CACHED
        most = table.traits.largest_page if how.size is None else plan.size
        sizing = PageSize(plan.size, most=most, cached=cached)
        return ByRange(table, query, sizing=sizing, cuts=plan.cuts, state=state)
    return ByNumber(
        table,
        query,
        size=plan.size,
        ticket=partial(session.cache.ticket, table.schema.resource),
        last_row=LastRow(table, query, values=state.get("last")),
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


class _InSequence:
    """Reads one part after the other, no further than the slice goes."""

    plan = "parts"

    def __init__(
        self, table: Table, query: Query, split: list[Query], *, session: Session, how: ReadOptions
    ) -> None:
        self._table, self._query, self._session = table, query, session
        self._how = attrs.evolve(how, state={})
        keys = partial(integer_keys, table)
        self._trail = KeyCheckpoint(keys, state=how.state)
        self._place = how.state.get("place", 0)
        key = how.state.get("key")
        self._split = (
            split if key is None else [part for each in split if (part := parts.behind(table, each, key=key))]
        )
        self._reader: RowReader | None = None

    def next(self) -> Window | None:
        stop, start = self._query.stop, self._query.start
        while self._reader is not None or self._split:
            if self._reader is None:
                left = None if stop is None else stop - self._place
                part = attrs.evolve(self._split.pop(0), stop=left)
                self._reader = read(self._table, part, session=self._session, how=self._how)
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
        self, table: Table, query: Query, split: list[Query], *, session: Session, how: ReadOptions
    ) -> None:
        self._table, self._query, self._split, self._session = table, query, split, session
        self._how = attrs.evolve(how, state={})
        self._mark = LastRow(table, split[0], values=how.state.get("last"))
        self._place = how.state.get("place", query.start)
        self._reader: RowReader | None = None
        self._closed = False

    def next(self) -> Window | None:
        found: dict[Any, Any] = {}
        split, self._split = self._split, []
        for part in split:
            if self._closed:
                return None
            self._reader = read(self._table, part, session=self._session, how=self._how)
            while (window := self._reader.next()) is not None:
                keys = self._table.keys(window.rows)
                named = zip(keys, window.rows, strict=True)
                found.update((object() if key is None else key, row) for key, row in named)
        rows = self._sorted(list(found.values()), split) if found and not self._closed else []
        start = 0 if self._mark else self._place
        rows = [row for row in rows if not self._mark.covers(row)][start:]
        if self._query.stop is not None:
            rows = rows[: max(self._query.stop - self._place, 0)]
        return Window(self._place, rows) if rows else None

    def _sorted(self, rows: list[Any], split: list[Query]) -> list[Any]:
        table = self._table

        def place(row: Any, field: str) -> tuple[bool, Any]:
            return parts.sort_key(table, table.value(row, field), field=field)

        for name in reversed(split[0].order):
            rows.sort(key=partial(place, field=name.lstrip("-")), reverse=name.startswith("-"))
        # What cannot be placed comes last either way, so that it does not move the others.
        return sorted(rows, key=lambda row: not self._mark.places(row))

    def close(self) -> None:
        self._split, self._closed = [], True
        if self._reader is not None:
            self._reader.close()

    def state(self, window: Window, taken: int) -> State:
        return {"place": window.first + taken, **self._mark.of(window.rows[taken - 1])}


def count_rows(table: Table, query: Query, *, session: Session, walk: bool = False) -> int:
    """Count a query's rows with one request, or one for each part of filters that are too long.

    Where the API counts nothing, that is refused, unless the rows may be read one by one to *walk* to their end.
    """
    if query.empty:
        return 0
    check_supported(table, query)
    if not table.traits.counts and not walk:
        raise UnsupportedError(
            f"{table.schema.entity}.count(): API {table.api} counts nothing; count(walk=True) reads the keys of all "
            f"rows, and counts those{homes.elsewhere(table, lambda other: other.traits.counts)}. Nothing was sent"
        )
    whole = attrs.evolve(query, start=0, stop=None, expand=(), only=(table.schema.pk,), defer=(), order=())
    split = [whole] if table.fits(whole) else parts.split_filters(table, whole, fits=table.fits)
    if parts.disjoint(table, split):
        total = sum(_counted(table, attrs.evolve(part, order=()), session) for part in split)
    else:
        merged = _Merged(table, whole, split, session=session, how=ReadOptions())
        total = len((merged.next() or Window(0, [])).rows)
    stop = total if query.stop is None else min(query.stop, total)
    return max(stop - query.start, 0)


def _counted(table: Table, query: Query, session: Session) -> int:
    total = None
    if table.traits.counts:
        total = fetch(table, table.select(query, size=1), session=session).found.count
    if total is None:
        return sum(len(window.rows) for window in windows(table, query, session=session))
    return total


MOST: Final = 250
"""Keys in one request: few enough for any URL, and for an answer in good time; several go side by side."""


def takes_keys(table: Table) -> bool:
    """Whether one request takes the keys of many objects."""
    return table.accepts(table.schema.pk, In) or table.by_keys((), "") is not None


def rows_by_keys(
    table: Table, keys: Sequence[Any], *, session: Session, only: tuple[str, ...] = (), expand: str = ""
) -> Iterator[Any]:
    """Give the rows that have these keys, as they come; those that do not exist are left out."""
    if not table.accepts(table.schema.pk, In):
        yield from _in_bulk(table, keys, session)
        return
    queries = [
        part
        for some in _even(keys)
        for part in parts.split_filters(
            table,
            Query(where=(_among(table, some),), only=only, expand=(expand,) if expand else ()),
            fits=table.fits,
        )
    ]
    for found in session.map(lambda query: list(_read_keys(table, query, session)), queries):
        yield from found.value()


def _in_bulk(table: Table, keys: Sequence[Any], session: Session) -> Iterator[Any]:
    """Read as many keys by one request as it takes; such rows may lack some fields."""

    def read_some(some: Sequence[Any]) -> list[Any]:
        request = table.by_keys(some, "")
        assert request is not None, table
        return table.found(session.send(request), request).rows

    for found in session.map(read_some, _even(keys, most=table.traits.most_keys)):
        yield from found.value()


def _even(keys: Sequence[Any], *, most: int = MOST) -> Iterable[Sequence[Any]]:
    """Cut into parts of about the same length."""
    count = -(-len(keys) // most)
    bounds = [len(keys) * number // count for number in range(count + 1)]
    return [keys[low:high] for low, high in zip(bounds, bounds[1:], strict=False)]


def _among(table: Table, keys: Sequence[Any]) -> Condition:
    return Condition(table.schema.pk, In, tuple(keys))


def _read_keys(table: Table, query: Query, session: Session) -> Iterator[Any]:
    """Read one list of keys, whatever the backend's page size; one that takes too long is asked for in halves."""
    keys = query.where[0].value
    try:
        yield from _pages_of_keys(table, query, session)
    except SynapseError as error:
        if len(keys) == 1 or not took_too_long(error):
            raise
        for half in (keys[: len(keys) // 2], keys[len(keys) // 2 :]):
            yield from _read_keys(table, attrs.evolve(query, where=(_among(table, half),)), session)


def _pages_of_keys(table: Table, query: Query, session: Session) -> Iterator[Any]:
    wanted = set(query.where[0].value)
    at: Place | None = None
    size = len(wanted)
    while wanted:
        try:
            page = fetch(table, table.select(query, at=at, size=size), session=session).found
        except NotFoundError:
            if at is None:
                raise
            return
        yield from page.rows
        found = wanted.intersection(table.keys(page.rows))
        if not page.next or not found:
            return
        wanted, at = wanted - found, page.next
