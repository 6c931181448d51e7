"""What a query asks for, and what it has fetched: a `QuerySet` without its writes and plain values.

Bulk writes and values work with a `Selection`, and need not know the class that has them as methods.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, Self, TypeVar, overload

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import SelectionTwins
from synapse.dialects import DEFAULT, Generation, Table, homes
from synapse.errors import ArgumentTypeError, QueryError, describe
from synapse.mapping.unset import UNSET, Unset
from synapse.orm import binding, coach, finding, hints, results
from synapse.orm.arguments import check_size, flag
from synapse.orm.record import (
    Record,
    backend_of,
    catalog_of,
    current_backend,
    entity_named,
    schema_of,
    state_of,
)
from synapse.orm.result_cache import ResultCache
from synapse.orm.results import Owner, Results
from synapse.query import FetchMode, In, Query, arguments
from synapse.reading import shards
from synapse.reading.explain import Explanation
from synapse.reading.plan import PlanName
from synapse.reading.read import count_rows
from synapse.reading.rows import OnBadRow, Rows
from synapse.session import Backend, Session, current, current_if_any
from synapse.showing import lines_of, shortened

E = TypeVar("E", bound="Record")
S = TypeVar("S", bound="Selection[Any]")


class Selection(SelectionTwins[E], Generic[E]):
    """The query, the session and the fetched rows of a `QuerySet`, with everything that narrows and reads."""

    def __init__(
        self, entity: type[E], *, query: Query | None = None, session: Session | None = None
    ) -> None:
        self.entity = entity
        self.query = query or Query()
        self._session = session
        self._initial: dict[str, Any] = {}
        # Where the keys that it holds belong, and where it was made for, if that was elsewhere.
        self._keys_of: Backend | None = None
        self._made_for: Backend | None = None
        self._set_of = ""
        self._owner: Owner | None = None
        self._prefetched: list[E] | None = None
        self._result: ResultCache[E] = ResultCache()

    # --- narrowing ----------------------------------------------------------
    def all(self) -> Self:
        """Return a copy that reads the backend again; a prefetched set keeps its rows."""
        kept = self._kept
        if self._prefetched is None:
            return self._evolve()
        return self._evolve()._answered(kept.rows, prefetched=self._prefetched)

    def filter(self, *refused: object, **lookups: Any) -> Self:
        """Keep the rows that meet every lookup; a lookup that the backend would ignore raises `QueryError`.

        >>> Task.objects.filter(project=1, created__gte="2026-01-01")
        <QuerySet Task project=1 created__gte=datetime.date(2026, 1, 1) (not fetched)>
        """
        return self._narrowed("filter", lookups, refused)

    def exclude(self, *refused: object, **lookups: Any) -> Self:
        """Drop the rows that meet the lookup; raises `QueryError` if the API cannot express that."""
        return self._narrowed("exclude", lookups, refused)

    def params(self, **raw: str | int) -> Self:
        """Send raw query parameters, unchecked, for filters that the SDK does not know."""
        paging = self._table().traits.paging
        return self._evolve(params=(*self.query.params, *arguments.raw(raw, paging=paging)))

    def none(self) -> Self:
        """Give a query that is empty and sends nothing."""
        return self._evolve(empty=True)

    def order_by(self, *names: str) -> Self:
        """Order by fields, `-` in front for descending; the key is added if the order would be ambiguous.

        By key, no task or assignment is missed; otherwise, rows that move to another page during the read may be.
        """
        arguments.check_unsliced(self.query, "order_by()")
        return self._replace(self.query.ordered(catalog_of(self.entity).order(names)))

    def reverse(self) -> Self:
        """Reverse the order; a query without one has the entity's default order, usually by key."""
        arguments.check_unsliced(self.query, "reverse()")
        query, usual = self.query, catalog_of(self.entity).order_by[:1]
        return self._replace((query if query.order else query.ordered(usual)).reversed())

    def distinct(self, *refused: Never) -> Self:
        """Return the same rows: they are distinct anyway."""
        if refused:
            raise ArgumentTypeError(
                "distinct() takes no fields; {row.project_id: row for row in query} does it"
            )
        return self._evolve()

    def only(self, *names: str) -> Self:
        """Fetch these fields only; the others load when read.

        `only("data")` and `only("files")` read the backend's light lists where it has them.
        """
        return self._evolve(only=self._field_names(names), defer=())

    def defer(self, *names: str) -> Self:
        """Leave these fields out; they load when read."""
        dropped = tuple(name for name in self._field_names(names) if name != schema_of(self.entity).pk)
        kept = tuple(name for name in self.query.only if name not in dropped)
        changed = {"only": kept} if self.query.only else {"defer": (*self.query.defer, *dropped)}
        return self._evolve(**changed)

    def select_related(self, *names: str) -> Self:
        """Let the backend nest these relations into each row (`expand` on the wire)."""
        for name in arguments.texts("select_related()", names):
            results.check_nested(self._table(), name)
        return self._evolve(expand=tuple(dict.fromkeys((*self.query.expand, *names))))

    def prefetch_related(self, *paths: str) -> Self:
        """Load these relations, to-one or to-many, for each page at once; `a__b` follows `b` from `a`."""
        for path in arguments.texts("prefetch_related()", paths):
            results.check_path(self.entity, path)
        return self._evolve(prefetch=tuple(dict.fromkeys((*self.query.prefetch, *paths))))

    def fetch_mode(self, mode: FetchMode) -> Self:
        """Choose what touching an unloaded relation or field does: `PEERS`, `ONE` or `RAISE`."""
        if not isinstance(mode, FetchMode):
            raise QueryError(f"fetch_mode() takes FetchMode.PEERS, ONE or RAISE, got {describe(mode)}")
        return self._evolve(mode=mode)

    def using(self, session: Session) -> Self:
        """Use this session, not the current one; a set that belongs to an object only takes its own backend."""
        if not isinstance(session, Session):
            raise QueryError(f"using() takes a Session, got {type(session).__name__}")
        binding.meet(session, self._keys_of, what=f"this {self.entity.__name__} query")
        return self._replace(self.query, session=session)

    def via(self, api: Generation, /) -> Self:
        """Read by this API generation, and by it what the rows lack; `UnsupportedError` says what it cannot answer."""
        return self._evolve(api=homes.check_generation(api))

    # --- reading ------------------------------------------------------------
    def __iter__(self) -> Iterator[E]:
        return self._kept.walk(self._begin)

    def __aiter__(self) -> AsyncIterator[E]:
        return self._kept.walk_async(self._begin)

    @sends(streams=True)
    def iterator(
        self,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        plan: PlanName | None = None,
        on_bad_row: OnBadRow = "raise",
        chunk_size: None = None,
    ) -> Rows[E]:
        """Stream the rows without caching them; up to `workers` requests (by default the session's) read ahead.

        Memory holds a few pages. `page_size`, Django's `chunk_size`, is the most rows per request; `plan` chooses how
        to read (`explain()` shows it).

        A row that does not fit its entity raises `MappingError` when its turn comes; call `next()` again to continue
        after it. `on_bad_row="skip"` leaves such rows out and collects their errors in `.bad` of the result.
        """
        if chunk_size is not None:
            raise QueryError("iterator() takes page_size=..., the rows asked for at once, not chunk_size")
        how = results.how_to_read("iterator", on_bad_row, size=page_size, workers=workers, plan=plan)
        return self._results().stream(how, skip=on_bad_row == "skip")

    @sends(streams=True)
    def resume(
        self,
        checkpoint: str,
        /,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> Rows[E]:
        """Stream the rows after a checkpoint of this query, from an `iterator()` or from the error that ended it.

        No row is skipped or repeated, in this process or another one.
        """
        how = results.how_to_read("resume", on_bad_row, size=page_size, workers=workers)
        return self._results().resumed(checkpoint, how=how, skip=on_bad_row == "skip")

    @sends
    def shards(self, number: int, /) -> list[Self]:
        """Split into *number* queries that together give the same rows, each row once.

        They can be pickled, without credentials, to give one to each worker. A few count requests make them about
        equally large; some may be empty. Rows that are added later belong to one of them, too.
        """
        check_size("shards(number)", number)
        asked = self._results()
        split = shards.split(asked.table, self.query, number=number, session=asked.session)
        for each in (made := [self._replace(query) for query in split]):
            each._made_for = asked.session.backend
        return made

    @sends
    def get(self, pk: Any = UNSET, /, **lookups: Any) -> E:
        """Return the one object that matches; `get(5)`, `get(pk=5)` and `get(id=5)` mean the same.

        A natural name, such as the `title` of a project, is met by the same name only, letter by letter. The backend
        searches for it where it can, else the names of at most 1,000 rows are compared here, 500 of them a request.
        Raises the entity's `DoesNotExist` or `MultipleObjectsReturned`.
        """
        schema, query = schema_of(self.entity), self.query
        if pk is None:
            raise QueryError(f"{schema.entity}.get() got None for a key; nothing was sent")
        if pk is not UNSET:
            lookups["pk"] = pk
        arguments.check_unsliced(query, "get()")
        binding.check_host(self.session, lookups.values(), what="get()")
        asked = self._results()
        key = next((lookups[name] for name in ("pk", schema.pk) if lookups.keys() == {name}), UNSET)
        if key is not UNSET and asked.has_single:
            return asked.one(results.key_kind(self.entity).check(f"{schema.entity}.get()", key))
        if names := finding.names_among(self.entity, lookups, table=asked.table):
            others = {name: each for name, each in lookups.items() if name not in names}
            return finding.by_name(self.entity, names, among=self.filter(**others))
        if not lookups and query.bare:
            raise QueryError(f"get() needs a key or lookups: {schema.entity}.objects.get(5)")
        return finding.only_one(self.entity, self.filter(**lookups))

    @sends
    def first(self) -> E | None:
        """Return the first row, or None; without an order, in the entity's default order, usually by key."""
        if (kept := self._kept).rows or kept.whole:
            return kept.rows[0] if kept.rows else None
        return next(iter(self._evolve()[:1]), None)

    @sends
    def last(self) -> E | None:
        """Return the last row, or None; without an order, in the entity's default order, usually by key."""
        if (kept := self._kept).whole:
            return kept.rows[-1] if kept.rows else None
        return self.reverse().first()

    @sends
    def latest(self, *names: str) -> E:
        """Give the last row in the order of these fields, or raise `DoesNotExist`: `latest("created")`."""
        found: E = results.outermost(self, names, verb="latest")
        return found

    @sends
    def earliest(self, *names: str) -> E:
        """Give the first row in the order of these fields, or raise `DoesNotExist`."""
        found: E = results.outermost(self, names, verb="earliest")
        return found

    @sends
    def count(self, *, walk: bool = False) -> int:
        """Count the rows, with one request; where the API has no counts, `walk=True` reads all keys instead."""
        flag("count(walk=...)", walk)
        if (kept := self._kept).whole:
            return len(kept.rows)
        asked = self._results()
        return count_rows(asked.table, self.query, session=asked.session, walk=walk)

    @sends
    def exists(self) -> bool:
        """Tell whether there is any row."""
        if (kept := self._kept).rows or kept.whole:
            return bool(kept.rows)
        bare = self._evolve(only=(schema_of(self.entity).pk,), defer=(), expand=(), prefetch=(), order=())
        return next(bare[:1]._results().pages(), None) is not None

    @sends
    def in_bulk(self, keys: Iterable[Any] | Unset = UNSET, *, field_name: None = None) -> dict[Any, E]:
        """Return the rows with these keys, or all, as a dict by key; keys that do not exist are left out."""
        if field_name is not None:
            raise QueryError("in_bulk() goes by the key; {row.name: row for row in query} by another field")
        arguments.check_unsliced(self.query, "in_bulk()")
        if keys is UNSET:
            return {row.pk: row for row in self}
        keys = list(keys) if isinstance(keys, Iterator) else keys
        checked = In.check(f"{self.entity.__name__}.in_bulk()", keys, kind=results.key_kind(self.entity))
        asked = self._results()
        binding.check_host(asked.session, [keys], what="in_bulk()")
        if not asked.lists_keys and self.query.bare:
            return asked.by_keys(checked)
        rows = {row.pk: row for row in (self.filter(pk__in=checked) if asked.lists_keys else self)}
        return {key: rows[key] for key in checked if key in rows}

    def explain(self, *, plan: PlanName | None = None) -> Explanation:
        """Show the plan and the HTTP requests that iterating would make; nothing is sent."""
        session = self.session if self._session or current_if_any() else None
        return results.explained(self.entity, self.query, table_in=self._table, session=session, plan=plan)

    @property
    def session(self) -> Session:
        """The session that sends this query: its own, or the current one, which must be of the same backend."""
        what, home = f"this {self.entity.__name__} query", self._home
        session = self._session or current()
        if self._session is None and home is not None:
            whose = "was made for" if self._made_for else "has rows of"
            binding.check_home(session, home, what=f"{what} {whose}")
        binding.meet(session, self._keys_of, what=what)
        return session

    # --- Python's own -------------------------------------------------------
    def __len__(self) -> int:
        kept = self._kept
        while kept.advance(self._begin):
            pass
        return len(kept.rows)

    def __bool__(self) -> bool:
        return any(True for _ in self)

    def __contains__(self, item: object) -> bool:
        return any(row == item for row in self)

    @overload
    def __getitem__(self, index: int) -> E: ...
    @overload
    def __getitem__(self, index: slice) -> Self: ...
    def __getitem__(self, index: int | slice) -> E | Self | list[E]:
        if isinstance(index, slice):
            low, high, step = arguments.bounds(index)
            if step is not None:
                return list(self[low:high])[::step]
            taken = self._replace(self.query.slice(low, high))
            return taken._answered(kept.rows[low:high]) if (kept := self._kept).whole else taken
        low = arguments.place(index)
        if low < len((kept := self._kept).rows) or kept.whole:
            return kept.rows[low]
        found = list(self[low : low + 1])
        if not found:
            raise IndexError(f"the query has no row {low}")
        return found[0]

    def __and__(self, other: object) -> Self:
        raise QueryError("chain filter() for AND; of two queries, intersect the keys")

    def __or__(self, other: object) -> Self:
        raise QueryError("the backend cannot answer OR; run both queries and join the results by key")

    def __repr__(self) -> str:
        spelled = arguments.spelled(self.query)
        rows = (kept := self._kept).rows
        fetched = f"{len(rows)} fetched" if rows or kept.whole else "not fetched"
        head = f"<QuerySet {self.entity.__name__}{' ' + spelled if spelled else ''} ({fetched})>"
        lines = lines_of(map(repr, rows), count=len(rows), what="rows", most=20)
        return shortened(f"{head}\n{lines}".strip())

    if not TYPE_CHECKING:  # type checkers would take any name as declared

        def __getattr__(self, name: str) -> Any:
            raise hints.missing(name, "a query", known=type(self))

    def __reduce__(self) -> tuple[Any, ...]:
        home = self._session.backend if self._session else self._home or current_backend()
        return restored, (type(self), self.entity, self.query, (self._initial, self._keys_of, home))

    def __copy__(self, _: object = None) -> Self:
        return self.all()

    __deepcopy__ = __copy__

    # --- inside -------------------------------------------------------------
    def _evolve(self, **changes: Any) -> Self:
        return self._replace(attrs.evolve(self.query, **changes))

    def _replace(self, query: Query, *, session: Session | None = None) -> Self:
        made = type(self)(self.entity, query=query, session=session or self._session)
        made._initial, made._owner = self._initial, self._owner
        made._keys_of, made._made_for = self._keys_of, self._made_for
        return made

    def _answered(self, rows: Sequence[Any], *, prefetched: list[Any] | None = None) -> Self:
        self._result, self._prefetched = ResultCache(rows), prefetched
        return self

    @property
    def _kept(self) -> ResultCache[E]:
        """What was fetched so far; a prefetched set is as its owner has it now."""
        if self._prefetched is not None and self._owner and self._owner.rows() is not self._prefetched:
            self._result, self._prefetched = ResultCache(), None
        return self._result

    def _begin(self) -> Iterator[list[E]]:
        coach.note_set(self._set_of)
        self._result.backend = self.session.backend
        return self._results().pages()

    def _field_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        given, schema = arguments.texts("a choice of fields", names), schema_of(self.entity)
        return tuple(dict.fromkeys(schema.field(name).name for name in given))

    def _narrowed(
        self, verb: Literal["filter", "exclude"], lookups: dict[str, Any], refused: tuple[object, ...]
    ) -> Self:
        arguments.check_lookups(verb, lookups=lookups, refused=refused)
        arguments.check_unsliced(self.query, f"{verb}()")
        # An iterator would be used up by the first of two looks at it.
        lookups = {name: list(each) if isinstance(each, Iterator) else each for name, each in lookups.items()}
        keys_of = binding.among(lookups.values(), known=self._keys_of)
        catalog = catalog_of(self.entity)
        made = self._replace(arguments.narrowed(self.query, catalog, verb=verb, lookups=lookups))
        made._keys_of = keys_of
        return made

    @property
    def _home(self) -> Backend | None:
        """The backend that it was made for, or that it has rows of: what is written is what was looked at."""
        return self._made_for or self._result.backend

    def _table(self, cls: type[Record] | None = None) -> Table:
        """Give the entity, or another, in the API that the query goes to; before it has a session, in the usual one."""
        session = self._session or current_if_any()
        dialect = homes.via(session.dialect if session else DEFAULT, self.query.api)
        return dialect.table(schema_of(cls or self.entity), catalog_of(cls or self.entity))

    def _results(self) -> Results[E]:
        return Results(self.entity, self.query, self.session, self._owner)


def restored(cls: type[S], *pickled: Any) -> S:
    """Rebuild a pickled query; earlier versions kept the name of the entity, and the address alone."""
    entity, query, (initial, keys_of, *made_for) = pickled
    made = cls(entity_named(entity) if isinstance(entity, str) else entity, query=query)
    made._initial, made._made_for = initial, next(iter(made_for), None)
    made._keys_of = Backend(keys_of) if isinstance(keys_of, str) else keys_of
    return made


# --- sets of an object, and writes ------------------------------------------
def owned(selection: S, owner: Owner) -> S:
    """Make this the set of an object, answered where that has it."""
    made = selection._evolve(mode=owner.mode)
    made._set_of, made._owner = f"{type(owner.record).__name__}.{owner.name}", owner
    made._keys_of = backend_of(owner.record)
    if owner.via is not None:
        made._initial = {owner.via: owner.record.pk}
    rows = owner.rows()
    return made if rows is None else made._answered(rows, prefetched=rows)


def evolved(selection: S, **changes: Any) -> S:
    """Give a query with some of what it asks for changed."""
    return selection._evolve(**changes)


def link_of(selection: Selection[Any]) -> dict[str, Any]:
    """Give the values that new objects of a set have: the key of its owner."""
    return selection._initial


@contextmanager
def writing_to(selection: Selection[Any]) -> Iterator[None]:
    """Drop what was kept, and what was prefetched for the owner, once a write may have changed it."""
    try:
        yield
    finally:
        selection._result = ResultCache()
        if selection._owner is not None:
            selection._owner.forget()


def adopt(selection: Selection[E], made: Iterable[E]) -> None:
    """Let new objects go by the query's session and fetch mode."""
    session = selection.session
    for each in made:
        state_of(each).session, state_of(each).mode = session, selection.query.mode


def know_made(selection: Selection[E], rows: Sequence[E]) -> None:
    """Tell new objects of a set whose they are."""
    if selection._owner is not None:
        selection._owner.know(rows, session=selection.session, made=True)


def walked(selection: Selection[Any], convert: Callable[[Any], Any]) -> AsyncIterator[Any]:
    """Give what is made of each row of a query, in a coroutine."""
    return selection._kept.walk_async(selection._begin, convert)


def cache_of(selection: Selection[E]) -> ResultCache[E]:
    """Give what a query keeps."""
    return selection._result
