"""Related objects, loaded for a whole page in as few requests as the wire allows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import attrs

from synapse.dialects import Table
from synapse.errors import MappingError, NotFoundError, QueryError, did_you_mean, quoted
from synapse.mapping.schema import Schema, ToManyLink, ToOneLink
from synapse.mapping.unset import UNSET
from synapse.orm import binding, cached_rows, coach, loading
from synapse.orm.binding import backend_of, session_of
from synapse.orm.loading import Peers
from synapse.orm.registry import entity_named, table_of
from synapse.query import FetchMode, In, Query
from synapse.reading.read import rows_by_keys

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet
    from synapse.session import Session

T = TypeVar("T")
FEW = 2


# --- to one -----------------------------------------------------------------
def related(instance: Entity, one: ToOneLink) -> Any:
    """Give the object on the other side, loading it for the peers too."""
    if (known := _known(instance, one.name)) is not UNSET:
        return known
    key = getattr(instance, one.via)
    if (known := _known(instance, one.name)) is not UNSET:
        return known
    if key is None:
        return None
    coach.refuse_inspectors(type(instance).__name__, one.name)
    state = instance._state
    if state.mode is FetchMode.RAISE:
        raise QueryError(
            f"{type(instance).__name__}.{one.name} is not loaded and fetch_mode is RAISE; "
            f"add .prefetch_related({one.name!r}), or use .{one.via}, which needs no fetch"
        )
    with loading.alone(instance):
        if (known := _known(instance, one.name)) is not UNSET:
            return known
        peers = [instance] if state.mode is FetchMode.ONE or state.peers is None else state.peers.live()
        single = len(peers) < 2 and session_of(instance).cache.get(_resource(one), key) is None
        bad = load_related([instance, *(peer for peer in peers if peer is not instance)], one)
        if key in bad:
            raise bad[key]
        found = _known(instance, one.name)
    if single:
        _note(instance, one)
    if found is UNSET:
        target = entity_named(one.target)
        raise loading.missing(
            target,
            f"{type(instance).__name__} {instance.pk} points to {one.target} {key}, which does not exist",
        )
    return found


def _resource(one: ToOneLink) -> str:
    return entity_named(one.target)._schema.resource


def _note(instance: Entity, one: ToOneLink) -> None:
    name = type(instance).__name__
    ahead = f"prefetch_related({one.name!r})"
    if instance._state.mode is FetchMode.ONE:
        instead = f"drop fetch_mode(FetchMode.ONE), or add {ahead}"
    else:
        instead = f"get the rows by one query, such as {name}.objects.{ahead}.in_bulk(keys)"
    coach.note(f"{name}.{one.name}", instead=instead)


def _known(instance: Entity, name: str) -> Any:
    state = instance._state
    if state.related and name in state.related:
        return state.related[name]
    if state.rows and name in state.rows:
        with loading.alone(instance):
            _open_expanded(instance, name)
        return (state.related or {}).get(name, UNSET)
    return UNSET


def _open_expanded(instance: Entity, name: str) -> None:
    """Open the expanded rows of a whole page at once, so that what they lead to is batched as well."""
    peers = instance._state.peers.live() if instance._state.peers else [instance]
    # Another thread may take them from an object without peers.
    rows = [(peer, row) for peer in peers if (row := (peer._state.rows or {}).pop(name, None)) is not None]
    target = entity_named(instance._schema.to_one[name].target)
    session = session_of(instance)
    by_key: dict[Any, Entity] = {}
    own: MappingError | None = None
    for holder, row in rows:
        mode = holder._state.mode or FetchMode.PEERS
        try:
            made = loading.load(target, row, session=session, mode=mode, nested=True)
        except MappingError as error:
            # Whoever reads it is told again.
            holder._state.rows = {**(holder._state.rows or {}), name: row}
            own = error if holder is instance else own
            continue
        _attach(holder, name, made if made.pk is None else by_key.setdefault(made.pk, made))
    _join(by_key.values())
    if own is not None:
        raise own


def know(rows: Sequence[Entity], owner: Owner, *, session: Session, made: bool = False) -> None:
    """Tell the rows of a set whose set it is, so that the owner need not be fetched; one that came nested wins.

    A free reference goes by whichever session is current when it is read, and is the owner of rows that it *made* only.
    """
    instance, via = owner.instance, owner.via
    if not rows or via is None:
        return
    state = instance._state
    free = state.session is None and (made if state.backend is None else not binding.apart(instance, session))
    if not free and state.session is not session:
        return
    relations, key = rows[0]._schema.relations, instance.pk
    [relation] = [name for name, field in relations.items() if field == via]
    for row in rows:
        if loading.peek(row, via) == key and relation not in (row._state.rows or ()):
            _attach(row, relation, instance)


def _attach(instance: Entity, name: str, value: Any) -> None:
    instance._state.related = {**(instance._state.related or {}), name: value}


def _join(made: Iterable[Entity]) -> None:
    group = list(made)
    if len(group) > 1:
        peers = Peers(group)
        for each in group:
            each._state.peers = peers


def load_related(instances: Sequence[Entity], one: ToOneLink) -> dict[Any, MappingError]:
    """Load a to-one relation of many objects, one object per distinct key, and tell which rows of theirs are bad."""
    waiting: dict[Any, list[Entity]] = {}
    for instance in instances:
        key = loading.peek(instance, one.via)
        if key is not UNSET and key is not None and _known(instance, one.name) is UNSET:
            waiting.setdefault(key, []).append(instance)
    if not waiting:
        return {}
    session, target = session_of(instances[0]), entity_named(one.target)
    rows = _rows_by_key(session, target, list(waiting), parents=instances, one=one)
    made: dict[Any, Entity] = {}
    bad: dict[Any, MappingError] = {}
    mode = instances[0]._state.mode or FetchMode.PEERS
    for key, row in rows.items():
        try:
            made[key] = loading.load(target, row, session=session, mode=mode)
        except MappingError as error:
            bad[key] = error
            continue
        for instance in waiting[key]:
            _attach(instance, one.name, made[key])
    _join(made.values())
    return bad


def _rows_by_key(
    session: Session, target: type[Entity], keys: list[Any], *, parents: Sequence[Entity], one: ToOneLink
) -> dict[Any, dict[str, Any]]:
    """Find rows by key: from the cache, else by one list, else through the parents, else one by one."""
    table, resource = table_of(target, session), target._schema.resource
    found = {key: row for key in keys if (row := session.cache.get(resource, key)) is not None}
    ticket = session.cache.ticket(resource)
    lacking = [key for key in keys if key not in found]
    if len(lacking) > FEW and table.accepts(table.schema.pk, In):
        fresh = _listed(session, table, lacking)
    elif len(lacking) > FEW and _expands(session, type(parents[0]), one):
        fresh = _expanded(session, parents, one)
    else:
        fresh = {}
    fresh = {key: row for key, row in fresh.items() if key in lacking}
    single = [key for key in lacking if key not in fresh]
    for key, row in fresh.items():
        # Threads share what is kept, so it must not change any more.
        session.cache.put(resource, key, row=table.normalise(row), ticket=ticket)
    return found | fresh | one_by_one(session, single, get=lambda key: _single(session, target, key))


def _single(session: Session, target: type[Entity], key: Any) -> Any:
    """Get one row; of threads and pages that want the same at once, one asks for all."""

    def get() -> Any:
        table = table_of(target, session)
        request = table.detail(key)
        data = table.one(session.send(request))
        row = loading.checked_row(table, data, pk=key, request=request)
        return row if isinstance(data, dict) else data

    return session.cache.once(target._schema.resource, key, get=get)


def _expands(session: Session, cls: type[Entity], one: ToOneLink) -> bool:
    table = table_of(cls, session)
    return table.accepts(table.schema.pk, In) and one.name in table.expandable


def _listed(session: Session, table: Table, keys: list[Any]) -> dict[Any, dict[str, Any]]:
    return _keyed(rows_by_keys(table, keys, session=session), table)


def _keyed(rows: Iterable[Any], table: Table) -> dict[Any, dict[str, Any]]:
    """Sort rows by key; what has none is left out, and asked for by itself."""
    return {key: row for row in rows if (key := table.key(row)) is not None}


def _expanded(session: Session, parents: Sequence[Entity], one: ToOneLink) -> dict[Any, dict[str, Any]]:
    table, target = table_of(type(parents[0]), session), table_of(entity_named(one.target), session)
    keys = [parent.pk for parent in parents]
    owners = rows_by_keys(table, keys, session=session, only=(one.via,), expand=one.name)
    return _keyed((table.value(row, one.via) for row in owners), target)


def one_by_one(session: Session, keys: Sequence[Any], *, get: Callable[[Any], T]) -> dict[Any, T]:
    """Get by key side by side, leaving out what does not exist."""
    found = {}
    for key, got, error in session.map(get, keys):
        if got is not None:
            found[key] = got
        elif error is not None and not isinstance(error, NotFoundError):
            raise error
    return found


# --- to many ----------------------------------------------------------------
def back(schema: Schema, many: ToManyLink) -> str | None:
    """Name the field of a link's target that holds the key of its owner, if it has one."""
    links = entity_named(many.target)._schema.to_one.values()
    return next((link.via for link in links if schema.is_a(link.target)), None)


@attrs.frozen(eq=False)
class Owner:
    """Whose set a query is: the object, the name of the set there, and the field of the rows that holds its key."""

    instance: Entity
    name: str
    via: str | None

    @classmethod
    def of(cls, instance: Entity, many: ToManyLink) -> Owner:
        """Tell whose set a relation is."""
        return cls(instance, many.name, back(instance._schema, many))

    def rows(self) -> list[Any] | None:
        """Give the rows that were prefetched, if they are held."""
        held: list[Any] | None = (self.instance._state.related or {}).get(self.name)
        return held

    def forget(self) -> None:
        """Drop the rows that were prefetched."""
        cached_rows.forget_related(self.instance, self.name)


def related_set(instance: Entity, many: ToManyLink) -> QuerySet[Any]:
    """Give the query of the objects that point back here, already answered where they were prefetched."""
    state, target, owner = instance._state, entity_named(many.target), Owner.of(instance, many)
    queryset: QuerySet[Any] = target.objects.filter(**{many.by: instance.pk})
    if state.session is not None:
        queryset = queryset.using(state.session)
    queryset._keys_of = backend_of(instance)
    with loading.alone(instance):
        if state.rows and many.name in state.rows:
            rows, session = state.rows.pop(many.name), session_of(instance)
            query = Query(mode=state.mode or FetchMode.PEERS)
            page = loading.load_page(target, rows, session=session, query=query)
            know(page, owner, session=session)
            _attach(instance, many.name, page)
    return queryset._of(owner)


def prefetch(instances: Sequence[Entity], path: str) -> None:
    """Load a relation of many objects at once; `a__b` goes on from what was loaded."""
    if not instances:
        return
    name, _, rest = path.partition("__")
    cls = type(instances[0])
    if name in cls._schema.relations:
        for error in load_related(instances, cls._schema.to_one[name]).values():
            raise error
        reached = [
            found for each in instances if isinstance(found := _known(each, name), target_of(cls, name))
        ]
    else:
        _prefetch_many(instances, cls._schema.to_many[name])
        reached = [row for each in instances for row in (each._state.related or {}).get(name, ())]
    if rest:
        prefetch(list({row.pk: row for row in reached}.values()), rest)


def target_of(cls: type[Entity], name: str) -> type[Entity]:
    """Find the entity on the other side of a relation, either way."""
    links: dict[str, ToOneLink | ToManyLink] = {**cls._schema.to_one, **cls._schema.to_many}
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
        raise QueryError(
            f"the backend cannot nest {entity}.{name}; prefetch_related({name!r}) loads it in a batch. "
            f"It can nest: {', '.join(known) or 'nothing'}"
        )


def check_path(cls: type[Entity], path: str) -> None:
    """Check every step of `a__b`, or raise `QueryError`."""
    for step in path.split("__"):
        cls = target_of(cls, step)


def _prefetch_many(instances: Sequence[Entity], many: ToManyLink) -> None:
    target, session = entity_named(many.target), session_of(instances[0])
    lacking = [each for each in instances if _lacks(each, many.name)]
    via = back(instances[0]._schema, many)
    if via is not None and table_of(target, session).accepts(many.by, In):
        keys, mode = {each.pk for each in lacking}, instances[0]._state.mode or FetchMode.PEERS
        query = target.objects.using(session).filter(**{f"{many.by}__in": sorted(keys)}).fetch_mode(mode)
        grouped: dict[Any, list[Entity]] = {key: [] for key in keys}
        for row in query:
            grouped.setdefault(getattr(row, via), []).append(row)
        for each in lacking:
            know(grouped[each.pk], Owner(each, many.name, via), session=session)
            _attach(each, many.name, grouped[each.pk])
        return
    for found in session.map(lambda each: list(related_set(each, many).all()), lacking):
        _attach(found.item, many.name, found.value())


def _lacks(instance: Entity, name: str) -> bool:
    state = instance._state
    return not (state.related and name in state.related) and not (state.rows and name in state.rows)
