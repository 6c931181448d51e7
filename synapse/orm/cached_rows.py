"""Rows kept here that a write makes stale: those in the session's cache, and those prefetched for an object."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from synapse.mapping.unset import UNSET
from synapse.orm.record import Record, entity_named, forget_related, peek, schema_of, state_of
from synapse.query.kinds import Key

if TYPE_CHECKING:
    from synapse.session import Session


def drop_cached(cls: type[Record], key: Any, *, session: Session) -> None:
    """Forget the cached row of an object; one that has several keys may be held by another one."""
    if isinstance(schema_of(cls).key, Key):
        session.cache.drop(schema_of(cls).resource, key)
    else:
        session.cache.drop_all(schema_of(cls).resource)


@contextmanager
def dropping_cached(instance: Record, session: Session) -> Iterator[None]:
    """Forget the cached rows of an object and of those that it belongs to, whose counts may change with it."""
    schema, before = schema_of(instance), state_of(instance).before
    stale = {(type(instance), instance.pk)}
    for link in schema.to_one.values():
        target = entity_named(link.target)
        keys = (peek(instance, link.via), before.get(link.via, UNSET))
        stale |= {(target, key) for key in keys if key is not UNSET and key is not None}
    try:
        yield
    finally:
        for cls, key in stale:
            drop_cached(cls, key, session=session)


def drop_all_cached(cls: type[Record], session: Session) -> None:
    """Forget every cached row of an entity, and of those that its objects belong to."""
    targets = [entity_named(link.target) for link in schema_of(cls).to_one.values()]
    for resource in {schema_of(cls).resource, *(schema_of(target).resource for target in targets)}:
        session.cache.drop_all(resource)


@contextmanager
def dropping_all_cached(cls: type[Record], session: Session) -> Iterator[None]:
    """Forget, after a write, every cached row of an entity and of those that its objects belong to."""
    try:
        yield
    finally:
        drop_all_cached(cls, session)


def drop_with_children(cls: type[Record], session: Session) -> None:
    """Forget the cached rows that a backend may have deleted together with one of this entity, at any depth."""
    reached: list[type[Record]] = []
    waiting = [entity_named(many.target) for many in schema_of(cls).to_many.values()]
    while waiting:
        child = waiting.pop()
        if child not in reached:
            reached.append(child)
            waiting += [entity_named(many.target) for many in schema_of(child).to_many.values()]
    for child in reached:
        session.cache.drop_all(schema_of(child).resource)


@contextmanager
def renewing(owner: object, name: str) -> Iterator[None]:
    """Drop what was prefetched of an object's set once a verb has written to it; a bare key has none."""
    try:
        yield
    finally:
        if isinstance(owner, Record):
            forget_related(owner, name)
