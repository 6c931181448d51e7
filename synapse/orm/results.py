"""The rows of a query as objects, with what is prefetched for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Generic, Literal, Self, TypeVar, cast

import attrs

from synapse.dialects import Table, homes
from synapse.errors import (
    MappingError,
    NotFoundError,
    QueryError,
    UnsupportedError,
    describe,
    did_you_mean,
    quoted,
)
from synapse.mapping.schema import Schema, ToManyLink, ToOneLink
from synapse.mapping.unset import UNSET
from synapse.orm import lazy, loading
from synapse.orm.arguments import check_size
from synapse.orm.binding import session_of
from synapse.orm.record import (
    Record,
    apart,
    attach,
    catalog_of,
    entity_named,
    forget_related,
    missing,
    peek,
    schema_of,
    state_of,
    table_of,
)
from synapse.query import Exact, FetchMode, In, Query, arguments
from synapse.query.kinds import Reference
from synapse.reading import checkpoint
from synapse.reading.explain import Explanation
from synapse.reading.plan import NAMES, PlanName, check_name
from synapse.reading.read import (
    ReadOptions,
    RowReader,
    check_supported,
    read,
    rows_by_keys,
    takes_keys,
    windows,
)
from synapse.reading.route import Window
from synapse.reading.rows import OnBadRow, Rows
from synapse.session import Session
from synapse.session.decoding import Decode, page_decoder
from synapse.session.process import waiting

E = TypeVar("E", bound="Record")
R = TypeVar("R")


@attrs.frozen(eq=False, repr=False)
class Owner:
    """Whose set a query is: the object, the name of the set there, and the field of the rows that holds its key."""

    record: Record
    name: str
    via: str | None

    @classmethod
    def of(cls, record: Record, many: ToManyLink) -> Self:
        """Tell whose set a relation is."""
        return cls(record, many.name, back(schema_of(record), many))

    @property
    def mode(self) -> FetchMode:
        """The fetch mode that the rows of the set inherit."""
        return state_of(self.record).mode or FetchMode.PEERS

    def rows(self) -> list[Any] | None:
        """Give the rows that were prefetched, if they are held."""
        held: list[Any] | None = (state_of(self.record).related or {}).get(self.name)
        return held

    def forget(self) -> None:
        """Drop the rows that were prefetched."""
        forget_related(self.record, self.name)

    def know(self, rows: Sequence[Record], *, session: Session, made: bool = False) -> None:
        """Tell rows whose they are, so that the owner need not be fetched; one that came nested wins.

        A free reference goes by whichever session is current when it is read, and is the owner of rows that it *made*
        only.
        """
        if not rows or self.via is None:
            return
        state = state_of(self.record)
        # A free owner may be read through another backend later, where rows of this one must not lead.
        free = state.session is None and (made if state.backend is None else not apart(self.record, session))
        if not free and state.session is not session:
            return
        relations, key = schema_of(rows[0]).relations, self.record.pk
        [relation] = [name for name, field in relations.items() if field == self.via]
        for row in rows:
            if peek(row, self.via) == key and relation not in (state_of(row).rows or ()):
                attach(row, relation, value=self.record)


def back(schema: Schema, many: ToManyLink) -> str | None:
    """Name the field of a link's target that holds the key of its owner, if it has one."""
    links = schema_of(entity_named(many.target)).to_one.values()
    return next((link.via for link in links if schema.is_a(link.target)), None)


def key_kind(cls: type[Record]) -> Reference:
    """Give how keys of an entity are checked."""
    schema = schema_of(cls)
    return Reference(schema.entity, key=schema.key)


def fetched(cls: type[Record], query: Query) -> Query:
    """Fetch the keys that the prefetched relations hang on as well, whatever `only()` and `defer()` say."""
    vias = _vias(cls, query)
    return attrs.evolve(
        query,
        only=tuple(dict.fromkeys((*query.only, *vias))) if query.only else (),
        defer=tuple(name for name in query.defer if name not in vias),
    )


def _vias(cls: type[Record], query: Query) -> list[str]:
    relations = schema_of(cls).relations
    return [via for path in query.prefetch if (via := relations.get(path.partition("__")[0]))]


def how_to_read(
    verb: str,
    on_bad_row: OnBadRow,
    *,
    size: int | None,
    workers: int | None,
    plan: PlanName | None = None,
) -> ReadOptions:
    """Check how a stream is to be read, before it has a session."""
    check_on_bad_row(verb, on_bad_row)
    for name, value in (("page_size", size), ("workers", workers)):
        if value is not None:
            check_size(name, value)
    return ReadOptions(size, workers, check_name(plan))


def check_on_bad_row(verb: str, given: object) -> None:
    """Refuse what says nothing of bad rows."""
    if given not in ("raise", "skip"):
        raise QueryError(f"{verb}(on_bad_row=...) takes 'raise' or 'skip', got {describe(given)}")


@attrs.frozen(eq=False, repr=False)
class Results(Generic[E]):
    """What a query gives through a session: its rows as objects, whole, in pages, streamed, or one by its key."""

    cls: type[E]
    query: Query
    session: Session
    owner: Owner | None = None
    _habits: dict[str, int] = attrs.field(factory=dict, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        # Rows without a field that was asked for by name would only fail one by one, once all have come.
        for name in self.query.only:
            homes.showing(homes.via(self.session.dialect, self.query.api), self.table, field=name)

    @property
    def table(self) -> Table:
        """The entity in the API that the query goes by."""
        return table_of(self.cls, self.session, api=self.query.api)

    @property
    def has_single(self) -> bool:
        """Whether an object of a key can be asked for by itself: only lists can be narrowed or leave fields out."""
        query, table = self.query, self.table
        chooses = bool(query.only or query.defer) and table.accepts(table.schema.pk, Exact)
        if table.below is not None and len(query.where) == 1 and owner_in(table, query) is not None:
            query = attrs.evolve(query, where=())
        return query.bare and table.has_single and not chooses

    @property
    def lists_keys(self) -> bool:
        """Whether a list of keys can be asked for."""
        return self.table.accepts(self.table.schema.pk, In)

    def pages(self) -> Iterator[list[E]]:
        """Give the objects page by page; a page with a bad row ends before it, and the row's error comes next."""
        query = fetched(self.cls, self.query)
        for window in windows(self.table, query, session=self.session, how=self._how(ReadOptions())):
            page = self._load(window)
            kinds = list(map(type, page))
            place = kinds.index(MappingError) if MappingError in kinds else None
            yield cast("list[E]", page[:place])
            if place is not None:
                raise cast("MappingError", page[place])

    def stream(self, how: ReadOptions, *, skip: bool) -> Rows[E]:
        """Read ahead without keeping anything; with *skip*, bad rows are left out."""
        return self.stream_of(lambda window: self._load(window, skip=skip), how=how, skip=skip)

    def stream_of(
        self, load: Callable[[Window], list[R | MappingError]], *, how: ReadOptions, skip: bool
    ) -> Rows[R]:
        """Read ahead, and make of each window what *load* gives: something for each row, or the row's error."""
        stamp = checkpoint.stamp(self.table, self.query, backend=self.session.backend)
        return Rows(self._read(how), load, stamp=stamp, state=how.state, skip=skip)

    def _read(self, how: ReadOptions) -> RowReader:
        query = fetched(self.cls, self.query)
        return read(self.table, query, session=self.session, how=self._how(how))

    def _how(self, how: ReadOptions) -> ReadOptions:
        return attrs.evolve(how, decode=self._decode, wanted=lambda: [*self.query.only, *self._habits])

    @property
    def _decode(self) -> Decode | None:
        # Rows that are nested in others are read as they are opened.
        return None if self.query.expand else page_decoder(self.table)

    def resumed(self, kept: object, *, how: ReadOptions, skip: bool) -> Rows[E]:
        """Read on from a checkpoint of this query."""
        return self.stream(self.behind(kept, how=how), skip=skip)

    def behind(self, kept: object, *, how: ReadOptions) -> ReadOptions:
        """Say how to read on behind a checkpoint of this query."""
        stamp = checkpoint.stamp(self.table, self.query, backend=self.session.backend)
        plan, state = checkpoint.read(kept, stamp, what=f"this {self.cls.__name__} query")
        # The other plans are not chosen by name, but follow from the query.
        known = plan if plan in NAMES[:3] else None
        return attrs.evolve(how, plan=known, state=state)

    def one(self, pk: Any) -> E:
        """Give the object of a checked key by a request of its own."""
        table, query = self.table, self.query
        check_supported(table, query)
        name = table.schema.entity
        request = table.detail(pk, expand=query.expand, below=owner_in(table, query))
        try:
            reply = self.session.send(request)
        except NotFoundError as error:
            raise missing(self.cls, f"{name} {pk!r} does not exist", cause=error) from error
        row = loading.checked_row(table, table.one(reply), pk=pk, request=request)
        found = loading.load(self.cls, row, session=self.session, mode=query.mode, api=query.api)
        for path in query.prefetch:
            prefetch([found], path, api=query.api)
        return found

    def by_keys(self, keys: Sequence[Any]) -> dict[Any, E]:
        """Give the objects of checked keys, leaving out what does not exist: by bulk reads, else by a request for each.

        Bulk reads hold some fields only, and are not for whoever names another one.
        """
        table, query = self.table, self.query
        named = [name for name in query.only if name != table.schema.pk]
        held = all(table.by_keys((), name) is not None for name in ("", *named))
        if len(keys) <= lazy.FEW or not held:
            return lazy.one_by_one(self.session, keys, get=self.one)
        check_supported(table, query)
        page = self._load(Window(0, list(rows_by_keys(table, keys, session=self.session))))
        for row in page:
            if isinstance(row, MappingError):
                raise row
        found = {row.pk: row for row in cast("list[E]", page)}
        return {key: found[key] for key in keys if key in found}

    def _load(self, window: Window, *, skip: bool = False) -> list[E | MappingError]:
        """Make objects of rows as they came; in the place of a bad row is its error.

        With *skip*, what is wrong with related rows is left to whoever reads them.
        """
        bad: dict[int, MappingError] = {}
        page = loading.load_page(
            self.cls,
            window.rows,
            session=self.session,
            first=window.first,
            query=self.query,
            bad=bad,
            habits=self._habits,
        )
        # Before prefetching, which need not fetch the owner then.
        if self.owner is not None:
            self.owner.know(page, session=self.session)
        # Only with something to load: `waiting()` enables the collector, which would visit the whole new page.
        if lacking := [name for name in self.query.only if name not in self.table.listed]:
            with waiting():
                lazy.load_named(page, lacking)
        for path in self.query.prefetch:
            try:
                with waiting():
                    prefetch(page, path, api=self.query.api)
            except MappingError:
                if not skip:
                    raise
        if not bad:
            return cast("list[E | MappingError]", page)
        # A stream counts rows by their places, so a bad one keeps its own.
        good = iter(page)
        return [bad[place] if place in bad else next(good) for place in range(len(window.rows))]


def owner_in(table: Table, query: Query) -> Any:
    """Give the key of the object below which a table addresses rows, where a query names it."""
    if table.below is None:
        return None
    relation = next((name for name, via in table.schema.relations.items() if via == table.below), None)
    return next((each.value for each in query.where if each.name == relation and each.lookup is Exact), None)


def outermost(selection: Any, names: tuple[str, ...], *, verb: Literal["latest", "earliest"]) -> Any:
    """Give the first or the last row in an order."""
    cls = selection.entity
    if not names:
        raise QueryError(
            f"{verb}() takes the fields to order by, such as {verb}({catalog_of(cls).order_by[-1]!r})"
        )
    ordered = selection.order_by(*names)
    found = ordered.last() if verb == "latest" else ordered.first()
    if found is None:
        raise missing(cls, f"no {cls.__name__} matches {arguments.spelled(selection.query) or 'the query'}")
    return found


# --- explained --------------------------------------------------------------
def explained(
    cls: type[Record],
    query: Query,
    *,
    table_in: Callable[[type[Record]], Table],
    session: Session | None,
    plan: PlanName | None,
) -> Explanation:
    """Show the plan and the requests of a query, and those that load what lists lack and what is prefetched."""
    table, asked = table_in(cls), fetched(cls, query)
    named = dict.fromkeys((*asked.only, *_vias(cls, query)))
    lacking = [name for name in named if name not in table.listed and name != table.below]
    loaded = [_how_loaded(cls, name, table) for name in lacking]
    loaded += [_how_prefetched(cls, path, table_in) for path in query.prefetch]
    return Explanation.of(table, asked, session=session, plan=plan, loaded=loaded)


def _how_loaded(cls: type[Record], name: str, table: Table) -> str:
    """Say by which requests a field that lists lack is loaded for each page."""
    if table.lists_alone(name) or table.by_keys((), name) is not None:
        return f"then {name} of each page in a batch"
    return f"then {name} of each page, by a request for each {cls.__name__}"


def _how_prefetched(cls: type[Record], path: str, table_in: Callable[[type[Record]], Table]) -> str:
    """Say by which requests a relation of each page is loaded."""
    for name in path.split("__"):
        target, own = target_of(cls, name), table_in(cls)
        if name in schema_of(cls).relations:
            nested = name in own.expandable and own.accepts(own.schema.pk, In)
            batched = takes_keys(table_in(target)) or nested
            each = target
        else:
            many = schema_of(cls).to_many[name]
            batched = back(schema_of(cls), many) is not None and table_in(target).accepts(many.by, In)
            each = cls
        if not batched:
            which = "" if name == path else f"{name} "
            return f"then {path} of each page, {which}by a request for each {each.__name__}"
        cls = target
    return f"then {path} of each page in a batch"


# --- prefetched -------------------------------------------------------------
def prefetch(records: Sequence[Record], path: str, *, api: str = "") -> None:
    """Load a relation of many objects at once; `a__b` goes on from what was loaded."""
    if not records:
        return
    name, _, rest = path.partition("__")
    cls = type(records[0])
    if name in schema_of(cls).relations:
        one = schema_of(cls).to_one[name]
        # Some lists lack the key: a list of projects may not name their collections.
        if lacking := [each for each in records if peek(each, one.via) is UNSET and _lacks(each, name)]:
            lazy.load_named(lacking, [one.via])
        for error in lazy.load_related(records, one, api=api).values():
            raise error
        target = target_of(cls, name)
        reached = [found for each in records if isinstance(found := lazy.known_related(each, name), target)]
    else:
        _prefetch_sets(records, schema_of(cls).to_many[name], api)
        reached = [row for each in records for row in (state_of(each).related or {}).get(name, ())]
    # Several rows lead to the same object, which is to be asked for once.
    if rest:
        prefetch(list({row.pk: row for row in reached}.values()), rest, api=api)


def _prefetch_sets(records: Sequence[Record], many: ToManyLink, api: str) -> None:
    """Load the sets of many owners by one query where their rows tell whose they are, else by a query for each."""
    target, session = entity_named(many.target), session_of(records[0])
    lacking = [each for each in records if _lacks(each, many.name)]
    # An empty list of keys would ask for everything.
    if not lacking:
        return
    via = back(schema_of(records[0]), many)
    if via is None or not table_of(target, session, api=api).accepts(many.by, In):
        read = session.map(lambda each: set_of(each, many, session=session, api=api), lacking)
        for found in read:
            attach(found.item, many.name, value=found.value())
        return
    # Owners may come twice in a page, as the related objects of several rows do.
    keys = {each.pk for each in lacking}
    grouped: dict[Any, list[Record]] = {key: [] for key in keys}
    mode = Owner.of(records[0], many).mode
    query = _by(target, f"{many.by}__in", sorted(keys), mode=mode, api=api)
    for page in Results(target, query, session).pages():
        for row in page:
            grouped.setdefault(getattr(row, via), []).append(row)
    for each in lacking:
        Owner.of(each, many).know(grouped[each.pk], session=session)
        attach(each, many.name, value=grouped[each.pk])


def set_of(record: Record, many: ToManyLink, *, session: Session, api: str = "") -> list[Record]:
    """Read the rows of one owner's set."""
    owner, target = Owner.of(record, many), entity_named(many.target)
    query = _by(target, many.by, record.pk, mode=owner.mode, api=api)
    return [row for page in Results(target, query, session, owner).pages() for row in page]


def _by(target: type[Record], lookup: str, value: Any, *, mode: FetchMode, api: str) -> Query:
    return Query(where=(catalog_of(target).condition(lookup, value),), mode=mode, api=api)


def _lacks(record: Record, name: str) -> bool:
    state = state_of(record)
    return not (state.related and name in state.related) and not (state.rows and name in state.rows)


def target_of(cls: type[Record], name: str) -> type[Record]:
    """Find the entity on the other side of a relation, either way."""
    schema = schema_of(cls)
    links: dict[str, ToOneLink | ToManyLink] = {**schema.to_one, **schema.to_many}
    if name in links:
        return entity_named(links[name].target)
    known = list(links)
    raise QueryError(
        f"{cls.__name__} has no relation {quoted(name)}{did_you_mean(name, known)}. Relations: {', '.join(known)}"
    )


def check_nested(table: Table, name: str) -> None:
    """Check that the backend can nest a relation into rows, or raise `QueryError`."""
    entity, known = table.schema.entity, table.expandable
    if name not in known:
        check_path(entity_named(entity), name)
        raise UnsupportedError(
            f"API {table.api} cannot nest {entity}.{name}; prefetch_related({name!r}) loads it for each page. It can "
            f"nest: {', '.join(known) or 'nothing'}{homes.elsewhere(table, lambda other: name in other.expandable)}"
        )


def check_path(cls: type[Record], path: str) -> None:
    """Check every step of `a__b`, or raise `QueryError`."""
    for step in path.split("__"):
        cls = target_of(cls, step)
