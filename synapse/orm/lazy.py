"""What an object loads when it is read: fields that its row did not carry, and related objects.

Both go by one algorithm, `_loaded()`: what is missing is loaded for the rows of the same page as well.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, TypeVar

import attrs

from synapse.dialects import Table, homes
from synapse.downloads import RemoteFile
from synapse.errors import MappingError, NotFoundError, QueryError, SynapseError, TransportError
from synapse.mapping.codecs import Misfit, open_value
from synapse.mapping.schema import ToOneLink
from synapse.mapping.unset import UNSET
from synapse.orm import coach, loading
from synapse.orm.binding import session_of
from synapse.orm.record import (
    Peers,
    Record,
    alone,
    attach,
    entity_named,
    has,
    missing,
    peek,
    put,
    schema_of,
    state_of,
    table_of,
)
from synapse.query import FetchMode, In
from synapse.reading.read import rows_by_keys, takes_keys
from synapse.session import Session
from synapse.session.decoding import parse
from synapse.session.process import blocking, is_in_coroutine

T = TypeVar("T")
FEW = 2


# --- one algorithm for both -------------------------------------------------
@attrs.frozen(eq=False, repr=False)
class _Lazy:
    """A field or a relation that may not be here yet, and what to do instead of loading it row by row."""

    name: str
    known: Callable[[Record], Any]
    """Gives what is here of it, else `UNSET`."""
    load: Callable[[Record], bool]
    """Loads it for an object and its peers, and says whether that took a request for this one row alone."""
    in_loops: Callable[[], str]
    in_mode_one: str
    in_mode_raise: str
    in_coroutine: str


def _loaded(record: Record, lazy: _Lazy) -> Any:
    """Give a field or a related object, loading it for the peers too; `UNSET` where it is not there."""
    cls, state = type(record), state_of(record)
    coach.refuse_inspectors(cls.__name__, lazy.name)
    if state.mode is FetchMode.RAISE:
        raise QueryError(
            f"{cls.__name__}.{lazy.name} was not loaded and fetch_mode is RAISE; {lazy.in_mode_raise}"
        )
    if is_in_coroutine():
        raise blocking(f"{cls.__name__}.{lazy.name} isn't loaded, and loading it here", lazy.in_coroutine)
    with alone(record):
        # Another thread may have loaded it for the page while this one waited.
        if (known := lazy.known(record)) is not UNSET:
            return known
        was_single = lazy.load(record)
        found = lazy.known(record)
    if was_single:
        is_one = state.mode is FetchMode.ONE
        coach.note(f"{cls.__name__}.{lazy.name}", instead=lazy.in_mode_one if is_one else lazy.in_loops())
    return found


# --- fields -----------------------------------------------------------------
def field_value(record: Record, name: str) -> Any:
    """Open or load a field whose slot is empty."""
    state, field = state_of(record), schema_of(record).fields[name]
    if name not in state.origin:
        if not state.saved or field.write_only:
            return _open_default(record, name)
        _loaded(record, _deferred(record, name))
        value = peek(record, name)
        if value is not UNSET:
            return value
    try:
        if field.codec.plain:
            value = state.hand_out(name)
            put(record, name, value=value)
            return value
        raw = state.opened(name)
        if not field.codec.exact:
            state.keep_sealed(name)
        value = open_value(field.codec, raw, session=state.session)
    except Misfit as misfit:
        raise loading.misfitting(type(record), name, misfit=misfit, where=f" of {record.pk}") from None
    if value is not None and field.codec.completed:
        value = field.codec.completed(value, partial(_told, record))
        # Edits are compared with what it would be sent as: what completes it may be another value by then.
        state.origin[name] = field.codec.dump(value)
    put(record, name, value=value)
    return value


def _told(record: Record, name: str) -> Any:
    """Give what the row that an object was made of says under a name, whether that is a field of it or not."""
    if name in schema_of(record).fields:
        return peek(record, name, default=None)
    return (state_of(record).extra or {}).get(name)


def _open_default(record: Record, name: str) -> Any:
    field = schema_of(record).fields[name]
    if field.default is UNSET:
        return None
    value = open_value(field.codec, field.default, session=None) if field.codec.lazy else field.default
    if field.codec.lazy and not field.read_only:
        state_of(record).origin[name] = field.default
        put(record, name, value=value)
    return value


def _deferred(record: Record, name: str) -> _Lazy:
    return _Lazy(
        name,
        known=lambda each: True if has(each, name) else UNSET,
        load=lambda each: _load_field(each, name),
        in_loops=partial(_how_to_list, record, name),
        in_mode_one=f"drop fetch_mode(FetchMode.ONE), or add {name!r} to only()",
        in_mode_raise=f"add {name!r} to only() or drop the defer()",
        in_coroutine=f"`await arefresh()` loads it, or get {name!r} with the query: by only(), or without defer()",
    )


def _how_to_list(record: Record, name: str) -> str:
    table = table_of(type(record), session_of(record), api=state_of(record).api)
    if name in table.listed or table.lists_alone(name):
        return (
            f"get the rows by one query that holds it, such as {type(record).__name__}.objects.only({name!r})"
        )
    return f"no list of API {table.api} has it{homes.elsewhere(table, lambda other: other.shows(name))}"


def _load_field(record: Record, name: str) -> bool:
    cls, state = type(record), state_of(record)
    state.session = session = session_of(record)
    table = table_of(cls, session, api=state.api)
    source = homes.showing(homes.via(session.dialect, state.api), table, field=name)
    if source is not table:
        return _load_elsewhere(record, name, session, table, source)
    batch = _lacking(record, name, table)
    if table.lists_alone(name) or len(batch) > 1:
        _load_listed(batch, name, session, table)
    was_single = len(batch) == 1
    if not has(record, name):
        batch = _next_rows(record, name, session)
        # Side by side they take a request each all the same, where a list would have had the field.
        was_single = len(batch) == 1 or name in table.listed
        _load_single(batch, lambda row: loading.detail_row(row, session, field=name), session, table)
    if not has(record, name):
        # Rows of the SDK's own lists hold more than single objects do.
        _load_listed([record], name, session, table)
    if not has(record, name):
        _load_stored(record, name, session, table)
    if not has(record, name):
        raise _absent(record, name)
    # A secret is only ever sent for one object, so a loop over it has no better way.
    return was_single and not table.schema.fields[name].secret


def _load_elsewhere(record: Record, name: str, session: Session, table: Table, source: Table) -> bool:
    """Load what only the rows of another API carry, and nothing else of these, which name fields otherwise."""
    cls, batch = type(record).__name__, _next_rows(record, name, session)
    hidden = [each for each in table.schema.fields if source.shows(each) and not table.shows(each)]

    def read(row: Record) -> dict[str, Any]:
        shown = loading.detail_row(row, session, field=name, table=source)
        told = {table.names[each]: source.value(shown, each) for each in hidden}
        return {table.pk: row.pk, **{key: value for key, value in told.items() if value is not UNSET}}

    _load_single(batch, read, session, table)
    if not has(record, name):
        raise _absent(record, name)
    if len(batch) == 1:
        coach.note(f"{cls}.{name}", instead=f"{cls}.objects.via({source.api!r}) lists it")
    return False


def _absent(record: Record, name: str) -> MappingError:
    cls = type(record).__name__
    return MappingError(f"{cls}.{name}: the backend sends no such field for {cls} {record.pk}")


def _lacking(record: Record, name: str, table: Table) -> list[Record]:
    """Give the rows to load a field for: peers only where the list can leave out what they have already."""
    peers: Peers | None = state_of(record).peers
    if peers is None or not (peers.narrowed or table.lists_alone(name)):
        return [record]
    others = [row for row in peers.live() if row is not record and not has(row, name)]
    return [record, *others][: table.traits.most_keys]


def _next_rows(record: Record, name: str, session: Session) -> list[Record]:
    """Give the rows to load a field for that no list has: once it was read off another row, as many as go at once."""
    peers: Peers | None = state_of(record).peers
    others = [] if peers is None else [row for row in peers.live() if row is not record]
    lacking = [row for row in others if not has(row, name)]
    return [record, *lacking][: session.workers if len(lacking) < len(others) else 1]


def _load_single(
    batch: list[Record], read: Callable[[Record], dict[str, Any]], session: Session, table: Table
) -> None:
    """Fill rows by what is read for each of them by itself, side by side; the first one must not fail."""
    if len(batch) == 1:
        loading.fill_missing(batch[0], read(batch[0]), table=table)
        return
    for found in session.map(read, batch):
        try:
            loading.fill_missing(found.item, found.value(), table=table)
        except SynapseError:
            # What is wrong with another row is told where that is read.
            if found.item is batch[0]:
                raise


def _load_listed(batch: list[Record], name: str, session: Session, table: Table) -> None:
    request = table.by_keys([row.pk for row in batch], name)
    if request is None:
        return
    found = table.found(session.send(request), request)
    rows = [table.normalise(each) for each in found.rows]
    by_key = dict(zip(table.keys(rows), rows, strict=True))
    for record in batch:
        try:
            if record.pk in by_key:
                loading.fill_missing(record, by_key[record.pk], table=table)
        except MappingError:
            # What is wrong with the row of another is told where that is read.
            if record is batch[0]:
                raise


def _load_stored(record: Record, name: str, session: Session, table: Table) -> None:
    """Load a value that is too large for a row from where it is stored."""
    request = table.stored(record.pk, name)
    address = None if request is None else table.address(session.send(request), name)
    if address is None:
        return
    try:
        value = parse(RemoteFile(url=address, session=session).read())
    except ValueError as error:
        raise TransportError(
            f"{type(record).__name__}.{name} of {record.pk} is stored as what is no JSON"
        ) from error
    row = {table.pk: record.pk, table.names[name]: value}
    loading.fill_missing(record, row, table=table)


# --- relations to one object ------------------------------------------------
def related(record: Record, one: ToOneLink) -> Any:
    """Give the object on the other side, loading it for the peers too."""
    if (known := known_related(record, one.name)) is not UNSET:
        return known
    key = getattr(record, one.via)
    # To read the key may have loaded the whole row, the nested object with it.
    if (known := known_related(record, one.name)) is not UNSET:
        return known
    if key is None:
        return None
    found = _loaded(record, _link(record, one, key))
    if found is UNSET:
        said = f"{type(record).__name__} {record.pk} points to {one.target} {key}, which does not exist"
        raise missing(entity_named(one.target), said)
    return found


def _link(record: Record, one: ToOneLink, key: Any) -> _Lazy:
    cls, ahead = type(record).__name__, f"prefetch_related({one.name!r})"
    return _Lazy(
        one.name,
        known=lambda each: known_related(each, one.name),
        load=lambda each: _load_link(each, one, key),
        in_loops=lambda: f"get the rows by one query, such as {cls}.objects.{ahead}.in_bulk(keys)",
        in_mode_one=f"drop fetch_mode(FetchMode.ONE), or add {ahead}",
        in_mode_raise=f"add .{ahead}, or use .{one.via}, which needs no fetch",
        in_coroutine=(
            f"get the rows by select_related({one.name!r}), where the backend nests it, or {ahead}; one object by "
            f"`await {one.target}.objects.aget(key)` of its key, .{one.via}"
        ),
    )


def _load_link(record: Record, one: ToOneLink, key: Any) -> bool:
    state = state_of(record)
    peers: list[Record] = (
        [record] if state.mode is FetchMode.ONE or state.peers is None else state.peers.live()
    )
    resource = schema_of(entity_named(one.target)).resource
    was_single = len(peers) < 2 and session_of(record).cache.get(resource, key, api=state.api) is None
    bad = load_related([record, *(peer for peer in peers if peer is not record)], one, api=state.api)
    if key in bad:
        raise bad[key]
    return was_single


def known_related(record: Record, name: str) -> Any:
    """Give a related object that is here, or came nested in the row; else `UNSET`."""
    state = state_of(record)
    if state.related and name in state.related:
        return state.related[name]
    if state.rows and name in state.rows:
        with alone(record):
            _open_nested(record, name)
        return (state.related or {}).get(name, UNSET)
    return UNSET


def _open_nested(record: Record, name: str) -> None:
    """Open the nested rows of a whole page at once, so that what they lead to is batched as well."""
    peers = state_of(record).peers.live() if state_of(record).peers else [record]
    # Another thread may take them from an object without peers.
    rows = [(peer, row) for peer in peers if (row := (state_of(peer).rows or {}).pop(name, None)) is not None]
    target = entity_named(schema_of(record).to_one[name].target)
    session = session_of(record)
    by_key: dict[Any, Record] = {}
    own: MappingError | None = None
    for holder, row in rows:
        state = state_of(holder)
        try:
            mode, api = state.mode or FetchMode.PEERS, state.api
            made = loading.load(target, row, session=session, mode=mode, nested=True, api=api)
        except MappingError as error:
            # Whoever reads it is told again.
            state.rows = {**(state.rows or {}), name: row}
            own = error if holder is record else own
            continue
        attach(holder, name, value=made if made.pk is None else by_key.setdefault(made.pk, made))
    _join(by_key.values())
    if own is not None:
        raise own


def _join(made: Iterable[Record]) -> None:
    """Make what was loaded together peers, so that what it leads to is batched as well."""
    group = list(made)
    if len(group) > 1:
        peers = Peers(group)
        for each in group:
            state_of(each).peers = peers


def load_related(
    records: Sequence[Record], one: ToOneLink, *, api: str | None = None
) -> dict[Any, MappingError]:
    """Load a to-one relation of many objects, one object per distinct key, and tell which rows of theirs are bad."""
    waiting: dict[Any, list[Record]] = {}
    for record in records:
        key = peek(record, one.via)
        if key is not UNSET and key is not None and known_related(record, one.name) is UNSET:
            waiting.setdefault(key, []).append(record)
    if not waiting:
        return {}
    session, target = session_of(records[0]), entity_named(one.target)
    rows = _rows_by_key(session, target, list(waiting), parents=records, one=one, api=api)
    made: dict[Any, Record] = {}
    bad: dict[Any, MappingError] = {}
    mode = state_of(records[0]).mode or FetchMode.PEERS
    for key, row in rows.items():
        try:
            made[key] = loading.load(target, row, session=session, mode=mode, api=api)
        except MappingError as error:
            bad[key] = error
            continue
        for record in waiting[key]:
            attach(record, one.name, value=made[key])
    _join(made.values())
    return bad


def _rows_by_key(
    session: Session,
    target: type[Record],
    keys: list[Any],
    *,
    parents: Sequence[Record],
    one: ToOneLink,
    api: str | None,
) -> dict[Any, dict[str, Any]]:
    """Find rows by key: from the cache, else by one list, else through the parents, else one by one."""
    table, cache = table_of(target, session, api=api), session.cache
    resource = table.schema.resource
    found = {key: row for key in keys if (row := cache.get(resource, key, api=api)) is not None}
    # Rows that are dropped while these are on their way must not come back by them.
    ticket = cache.ticket(resource)
    lacking = [key for key in keys if key not in found]
    fresh: dict[Any, dict[str, Any]] = {}
    if len(lacking) > FEW and takes_keys(table):
        fresh = _keyed(rows_by_keys(table, lacking, session=session), table)
    elif len(lacking) > FEW:
        fresh = _nested_in(parents, one, session=session, api=api)
    fresh = {key: row for key, row in fresh.items() if key in lacking}
    for key, row in fresh.items():
        # Threads share what is kept, so it must not change any more.
        cache.put(resource, key, row=table.normalise(row), ticket=ticket, api=api)
    single = [key for key in lacking if key not in fresh]
    return found | fresh | one_by_one(session, single, get=lambda key: _single(session, table, key, api))


def _nested_in(
    parents: Sequence[Record], one: ToOneLink, *, session: Session, api: str | None
) -> dict[Any, dict[str, Any]]:
    """Read the parents once more with the related rows nested, where their list can do that."""
    owner, other = type(parents[0]), entity_named(one.target)
    table, target = table_of(owner, session, api=api), table_of(other, session, api=api)
    if one.name not in table.expandable or not table.accepts(table.schema.pk, In):
        return {}
    keys = [parent.pk for parent in parents]
    owners = rows_by_keys(table, keys, session=session, only=(one.via,), expand=one.name)
    return _keyed((table.value(row, one.via) for row in owners), target)


def _keyed(rows: Iterable[Any], table: Table) -> dict[Any, dict[str, Any]]:
    """Sort rows by key; what has none is left out, and asked for by itself."""
    return {key: row for row in rows if (key := table.key(row)) is not None}


def _single(session: Session, table: Table, key: Any, api: str | None) -> Any:
    """Get one row; of threads and pages that want the same at once, one asks for all."""

    def get() -> Any:
        request = table.detail(key)
        data = table.one(session.send(request))
        row = loading.checked_row(table, data, pk=key, request=request)
        return row if isinstance(data, dict) else data

    return session.cache.once(table.schema.resource, key, get=get, api=api)


def load_named(page: Sequence[Record], names: Sequence[str]) -> None:
    """Load fields that were asked for by name, whatever the fetch mode, into rows of a list that lacks them.

    Where that fails, whoever reads such a field loads it, and is told why.
    """
    for name in names:
        with suppress(SynapseError):
            for row in page:
                with alone(row):
                    if not has(row, name):
                        _load_field(row, name)


def one_by_one(session: Session, keys: Sequence[Any], *, get: Callable[[Any], T]) -> dict[Any, T]:
    """Get by key side by side, leaving out what does not exist."""
    found = {}
    for key, got, error in session.map(get, keys):
        if got is not None:
            found[key] = got
        elif error is not None and not isinstance(error, NotFoundError):
            raise error
    return found
