"""A lazy, reusable selection of objects, with Django's meanings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from os import PathLike
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, Self, TypeVar, overload

import attrs

from synapse.errors import ArgumentTypeError, QueryError, describe
from synapse.mapping.unset import UNSET, Unset
from synapse.orm import (
    binding,
    bulk,
    coach,
    fetching,
    finding,
    hints,
    narrowing,
    spelling,
    streaming,
)
from synapse.orm.bulk import BulkResult
from synapse.orm.changes import get_or_create, linked, update_or_create
from synapse.orm.fetching import Owner
from synapse.orm.registry import table_of
from synapse.orm.result import Result
from synapse.orm.values import Values, shape_of
from synapse.query import FetchMode, Query
from synapse.reading.explain import Explanation
from synapse.reading.plan import PlanName
from synapse.reading.read import count_rows, windows
from synapse.reading.rows import OnBadRow, Rows
from synapse.session import Backend, Session, current_if_any
from synapse.showing import shortened

if TYPE_CHECKING:
    from synapse.orm.entity import Entity

E = TypeVar("E", bound="Entity")
D = TypeVar("D")


class QuerySet(Generic[E]):
    """A lazy, reusable selection of objects of one entity.

    Building one never touches the network; iterating, `len`, `in`, `bool`, indexing and the methods that give
    objects or numbers do. A result is kept once it was iterated.
    """

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
        self._result: Result[E] = Result()

    # --- narrowing ----------------------------------------------------------
    def all(self) -> Self:
        """Give a fresh copy, which asks the backend anew; a prefetched set stays as it was prefetched."""
        kept = self._kept
        if self._prefetched is None:
            return self._evolve()
        return self._evolve()._answered(kept.rows, prefetched=self._prefetched)

    def filter(self, *refused: object, **lookups: Any) -> Self:
        """Keep the rows that meet every lookup; a lookup that the backend would ignore raises `QueryError`.

        >>> Task.objects.filter(project=1, created__gte="2026-01-01")
        <QuerySet Task project=1 created__gte=datetime.date(2026, 1, 1) (not fetched)>
        """
        return narrowing.narrowed(self, "filter", lookups=lookups, refused=refused)

    def exclude(self, *refused: object, **lookups: Any) -> Self:
        """Drop the rows that meet the lookup, where the wire can say so."""
        return narrowing.narrowed(self, "exclude", lookups=lookups, refused=refused)

    def params(self, **raw: str | int) -> Self:
        """Send raw query parameters, unchecked: the way to ask what the SDK does not know."""
        paging = binding.table_for(self).traits.paging
        return self._evolve(params=(*self.query.params, *spelling.raw(raw, paging=paging)))

    def none(self) -> Self:
        """Give a query that is empty and sends nothing."""
        return self._evolve(empty=True)

    def order_by(self, *names: str) -> Self:
        """Order by fields, `-` in front for descending; the key is added where the order would not be total.

        By the key, tasks and assignments lose no row; else, rows that others move between pages may be left out.
        """
        self._unsliced("order_by()")
        return self._replace(self.query.ordered(self.entity._catalog.order(names)))

    def reverse(self) -> Self:
        """Turn the order around; a query without one has its entity's own, most often that of the key."""
        self._unsliced("reverse()")
        query, usual = self.query, self.entity._catalog.order_by[:1]
        return self._replace((query if query.order else query.ordered(usual)).reversed())

    def distinct(self, *refused: Never) -> Self:
        """Give the same rows: none comes twice anyway."""
        if refused:
            raise ArgumentTypeError(
                "distinct() takes no fields; {row.project_id: row for row in query} does it here"
            )
        return self._evolve()

    def only(self, *names: str) -> Self:
        """Fetch these fields only; the others load when read.

        `only("data")` and `only("files")` read the backend's light lists where it has them.
        """
        return self._evolve(only=self._field_names(names), defer=())

    def defer(self, *names: str) -> Self:
        """Leave these fields out; they load when read."""
        dropped = tuple(name for name in self._field_names(names) if name != self.entity._schema.pk)
        kept = tuple(name for name in self.query.only if name not in dropped)
        return (
            self._evolve(only=kept) if self.query.only else self._evolve(defer=(*self.query.defer, *dropped))
        )

    def select_related(self, *names: str) -> Self:
        """Let the backend nest these relations into each row (`expand` on the wire)."""
        for name in spelling.texts("select_related()", names):
            fetching.check_nested(binding.table_for(self), name)
        return self._evolve(expand=tuple(dict.fromkeys((*self.query.expand, *names))))

    def prefetch_related(self, *paths: str) -> Self:
        """Load these relations for each page at once, either way; `a__b` goes on from `a`."""
        for path in spelling.texts("prefetch_related()", paths):
            fetching.check_path(self.entity, path)
        return self._evolve(prefetch=tuple(dict.fromkeys((*self.query.prefetch, *paths))))

    def fetch_mode(self, mode: FetchMode) -> Self:
        """Choose what touching an unloaded relation or field does: `PEERS`, `ONE` or `RAISE`."""
        if not isinstance(mode, FetchMode):
            raise QueryError(f"fetch_mode() takes FetchMode.PEERS, ONE or RAISE, got {describe(mode)}")
        return self._evolve(mode=mode)

    def using(self, session: Session) -> Self:
        """Use this session instead of the current one; not that of another backend for a set of an object."""
        if not isinstance(session, Session):
            raise QueryError(f"using() takes a Session, got {type(session).__name__}")
        binding.meet(session, self._keys_of, what=f"this {self.entity.__name__} query")
        return self._replace(self.query, session=session)

    # --- reading ------------------------------------------------------------
    def __iter__(self) -> Iterator[E]:
        return self._kept.walk(self._begin)

    def iterator(
        self,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        plan: PlanName | None = None,
        on_bad_row: OnBadRow = "raise",
        chunk_size: None = None,
    ) -> Rows[E]:
        """Stream the rows without keeping them, reading ahead with `workers` requests (the session's) at a time.

        Memory holds a few pages. `page_size` is the most to ask for at once, `plan` chooses how to read (`explain()`
        shows it), and what Django calls `chunk_size` is `page_size` here.

        A row that does not fit its entity is a `MappingError` in its turn, behind which the next row follows; with
        `on_bad_row="skip"` it is left out, and its error is in `.bad` of what this returns.
        """
        if chunk_size is not None:
            raise QueryError("iterator() takes page_size=..., the rows asked for at once, not chunk_size")
        return streaming.start(self, page_size=page_size, workers=workers, plan=plan, on_bad_row=on_bad_row)

    def resume(
        self,
        checkpoint: str,
        /,
        *,
        page_size: int | None = None,
        workers: int | None = None,
        on_bad_row: OnBadRow = "raise",
    ) -> Rows[E]:
        """Stream the rows behind a checkpoint of this query: of an `iterator()`, or of the error that broke one.

        No row is left out or given twice, in this process or another one.
        """
        return streaming.resume(self, checkpoint, page_size=page_size, workers=workers, on_bad_row=on_bad_row)

    def shards(self, number: int, /) -> list[Self]:
        """Split into so many queries that hold the same rows together, each row once.

        They are picklable, without credentials: give each to a worker of its own. Some may be empty. It takes a few
        requests that count, so that the shards are about equally large; rows that are added later belong to one of
        them as well.
        """
        return streaming.split(self, number)

    def get(self, pk: Any = UNSET, /, **lookups: Any) -> E:
        """Give the one object that matches; `get(5)`, `get(pk=5)` and `get(id=5)` are one.

        Raises the entity's `DoesNotExist` or `MultipleObjectsReturned`.
        """
        return finding.get(self, pk, lookups=lookups)

    def first(self) -> E | None:
        """Give the first row, or None; without an order, the first in the entity's own: most often by key."""
        if (kept := self._kept).rows or kept.whole:
            return kept.rows[0] if kept.rows else None
        return next(iter(self._evolve()[:1]), None)

    def last(self) -> E | None:
        """Give the last row, or None; without an order, the last in the entity's own: most often by key."""
        if (kept := self._kept).whole:
            return kept.rows[-1] if kept.rows else None
        return self.reverse().first()

    def latest(self, *names: str) -> E:
        """Give the last row in the order of these fields, or raise `DoesNotExist`: `latest("created")`."""
        return finding.outermost(self, names, verb="latest")

    def earliest(self, *names: str) -> E:
        """Give the first row in the order of these fields, or raise `DoesNotExist`."""
        return finding.outermost(self, names, verb="earliest")

    def count(self) -> int:
        """Count the rows, with one request."""
        if (kept := self._kept).whole:
            return len(kept.rows)
        session = self.session
        return count_rows(table_of(self.entity, session), self.query, session=session)

    def exists(self) -> bool:
        """Tell whether there is any row."""
        if (kept := self._kept).rows or kept.whole:
            return bool(kept.rows)
        bare = self._evolve(only=(self.entity._schema.pk,), defer=(), expand=(), prefetch=(), order=())
        return next(bare[:1]._pages(), None) is not None

    def in_bulk(self, keys: Iterable[Any] | Unset = UNSET, *, field_name: None = None) -> dict[Any, E]:
        """Give the rows by key, of these keys or of all; keys that do not exist are left out."""
        if field_name is not None:
            raise QueryError(
                "in_bulk() goes by the key; {row.name: row for row in query} goes by another field"
            )
        return finding.in_bulk(self, keys)

    @overload
    def values_list(self, field: str, /, *, flat: Literal[True], json: bool = ...) -> Values[Any]: ...
    @overload
    def values_list(self, *fields: str, named: bool = ..., json: bool = ...) -> Values[tuple[Any, ...]]: ...
    def values_list(
        self, *fields: str, flat: bool = False, named: bool = False, json: bool = False
    ) -> Values[Any]:
        """Give tuples of these fields, `named` ones on demand; with `flat=True` and one field, its bare values."""
        return Values.of(self, fields, shape=shape_of(flat=flat, named=named), json=json)

    def values(self, *fields: str, json: bool = False) -> Values[dict[str, Any]]:
        """Give dicts of these fields, or of all; with `json=True`, of what `json.dumps()` takes."""
        return Values.of(self, fields, shape="dict", json=json)

    def explain(self, *, plan: PlanName | None = None) -> Explanation:
        """Show the plan and the HTTP requests that iterating would make; nothing is sent."""
        session = self.session if self._session or current_if_any() else None
        return Explanation.of(binding.table_for(self), self._fetched_query(), session=session, plan=plan)

    @property
    def session(self) -> Session:
        """The session that this query goes through."""
        return binding.chosen(self)

    # --- writing ------------------------------------------------------------
    def create(self, **values: Any) -> E:
        """Create one object and return it saved."""
        binding.check_host(self.session, values.values(), what="create()")
        made = self.entity(**linked(self.entity, values, link=self._initial))
        self._adopt([made])
        with self._writing():
            made.save()
        self._know([made])
        return made

    def bulk_create(
        self,
        objects: Iterable[E],
        *,
        batch_size: int = 200,
        journal: str | PathLike[str] | None = None,
    ) -> list[E]:
        """Create many objects, in batches where the backend takes lists; `BulkError` tells what was done.

        The given objects are returned, each with its key. Where it takes no lists (tags, projects), they are created
        side by side, and the keys are in no order. With *journal*, the path of a file that keeps what was
        sent and what is done, a run that ended early, even killed, goes on when it is started again with the same
        values: each row is created once. Rows go by their values there; the file holds none of them.
        """
        return bulk.create(self, objects, batch_size=batch_size, journal=journal)

    def get_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[E, bool]:
        """Give the one match, or create it from the lookups and *defaults*; the flag says whether it was created.

        Finding and creating are two requests. Of two callers at once both may create, and neither is told, unless the
        backend refuses the second (a task of the same unit): let one process create, or hold a lock of your own.
        """

        def find() -> E | None:
            try:
                return self.get(**lookups)
            except self.entity.DoesNotExist:
                return None

        return get_or_create(self, lookups, defaults=defaults, find=find)

    def update_or_create(self, defaults: Mapping[str, Any] | None = None, **lookups: Any) -> tuple[E, bool]:
        """Change the one match to *defaults*, or create it; the flag says whether it was created.

        Of two callers at once both may create, as with `get_or_create()`.
        """
        return update_or_create(self, lookups, defaults=defaults)

    def update(self, *, everything: bool = False, dry_run: bool = False, **fields: Any) -> BulkResult:
        """Set fields on every row, one request a row; a query without filters needs `everything=True`.

        With `dry_run=True` nothing is written; the result tells what would change. Rows are read first, then written by
        their keys, also those that have left the filter since: `save(check=True)` on each looks once more.
        """
        return bulk.update(self, fields, everything=everything, dry_run=dry_run)

    def delete(self, *refused: Never, everything: bool = False, dry_run: bool = False) -> BulkResult:
        """Delete every row; a query without filters needs `everything=True`.

        Rows are read first, then deleted by their keys, also those that have left the filter since: where others change
        them, `refresh()` and look at each before you delete it.
        """
        if refused:
            raise ArgumentTypeError(
                f"delete() takes no key, got {describe(refused[0])}; get(key).delete() deletes one row, and "
                "filter(...).delete() those that match. Nothing was sent"
            )
        return bulk.delete(self, everything=everything, dry_run=dry_run)

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
            low, high, step = spelling.bounds(index)
            if step is not None:
                return list(self[low:high])[::step]
            taken = self._replace(self.query.slice(low, high))
            return taken._answered(kept.rows[low:high]) if (kept := self._kept).whole else taken
        low = spelling.place(index)
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
        spelled = spelling.spelled(self.query)
        kept = self._kept
        fetched = f"{len(kept.rows)} fetched" if kept.rows or kept.whole else "not fetched"
        return shortened(f"<QuerySet {self.entity.__name__}{' ' + spelled if spelled else ''} ({fetched})>")

    if not TYPE_CHECKING:  # type checkers would take any name as declared

        def __getattr__(self, name: str) -> Any:
            raise hints.missing(name, "a query", known=type(self))

    def __reduce__(self) -> tuple[Any, ...]:
        kept = self._initial, self._keys_of, binding.home_of(self)
        return binding.restored, (type(self), self.entity, self.query, kept)

    def __copy__(self) -> Self:
        return self.all()

    def __deepcopy__(self, memo: object) -> Self:
        return self.all()

    # --- inside -------------------------------------------------------------
    def _evolve(self, **changes: Any) -> Self:
        return self._replace(attrs.evolve(self.query, **changes))

    def _replace(self, query: Query, *, session: Session | None = None) -> Self:
        made = type(self)(self.entity, query=query, session=session or self._session)
        made._initial, made._owner = self._initial, self._owner
        made._keys_of, made._made_for = self._keys_of, self._made_for
        return made

    def _of(self, owner: Owner) -> Self:
        """Make this the set of an object, answered where that has it."""
        made = self._evolve(mode=owner.instance._state.mode or FetchMode.PEERS)
        made._set_of, made._owner = f"{type(owner.instance).__name__}.{owner.name}", owner
        if owner.via is not None:
            made._initial = {owner.via: owner.instance.pk}
        rows = owner.rows()
        return made if rows is None else made._answered(rows, prefetched=rows)

    def _answered(self, rows: Sequence[Any], *, prefetched: list[Any] | None = None) -> Self:
        self._result, self._prefetched = Result(rows), prefetched
        return self

    @property
    def _kept(self) -> Result[E]:
        """What was fetched so far; a prefetched set is as its owner has it now."""
        if self._prefetched is not None and self._owner and self._owner.rows() is not self._prefetched:
            self._result, self._prefetched = Result(), None
        return self._result

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Drop what was kept, and what was prefetched for the owner, once a write may have changed it."""
        try:
            yield
        finally:
            self._result = Result()
            if self._owner is not None:
                self._owner.forget()

    def _adopt(self, made: Iterable[E]) -> None:
        """Let new objects go by this query's session and fetch mode."""
        session = self.session
        for each in made:
            each._state.session, each._state.mode = session, self.query.mode

    def _know(self, rows: Sequence[E]) -> None:
        if self._owner is not None:
            fetching.know(rows, self._owner, session=self.session, made=True)

    def _begin(self) -> Iterator[list[E]]:
        coach.note_set(self._set_of)
        self._result.backend = self.session.backend
        return self._pages()

    def _pages(self) -> Iterator[list[E]]:
        session, query = self.session, self._fetched_query()
        load = streaming.loader(self.entity, query, session=session, owner=self._owner)
        return streaming.pages(map(load, windows(table_of(self.entity, session), query, session=session)))

    def _fetched_query(self) -> Query:
        """Fetch the keys that the prefetched relations hang on, whatever `only()` and `defer()` say."""
        query, relations = self.query, self.entity._schema.relations
        vias = [via for path in query.prefetch if (via := relations.get(path.partition("__")[0]))]
        return attrs.evolve(
            query,
            only=tuple(dict.fromkeys((*query.only, *vias))) if query.only else (),
            defer=tuple(name for name in query.defer if name not in vias),
        )

    def _field_names(self, names: tuple[str, ...]) -> tuple[str, ...]:
        known = self.entity._schema
        return tuple(
            dict.fromkeys(known.field(name).name for name in spelling.texts("a choice of fields", names))
        )

    def _unsliced(self, verb: str) -> None:
        if self.query.sliced:
            raise QueryError(
                f"{verb} cannot follow a slice, since the slice was taken first; narrow, then slice"
            )


# Where pickles of earlier versions look for it.
_restore = binding.restored
