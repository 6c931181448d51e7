"""Putting tags on tasks and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from synapse.dialects import v1_actions
from synapse.orm import QuerySet, arguments, bulk
from synapse.orm.binding import check_host
from synapse.query.kinds import Reference

if TYPE_CHECKING:
    from synapse.session import Session

BATCH = 500
Path = Literal["tasks/", "assignments/"]
Action = Literal["add", "remove"]
Changes: TypeAlias = list[tuple[Action, list[int]]]


def change_tags(
    queryset: QuerySet[Any], path: Path, *, add: Iterable[Any], remove: Iterable[Any], everything: bool
) -> int:
    """Change the tags of every row of a query; return the number of rows."""
    bulk.guard(queryset, "set_tags", everything=everything)
    session = queryset.session
    changes = checked(session, add=add, remove=remove)
    if not changes:
        return 0
    keys = [row.pk for row in bulk.matching(queryset)]
    rest = iter(keys)
    try:
        while batch := list(islice(rest, BATCH)):
            send_tags(session, path, ids=batch, changes=changes)
    finally:
        session.cache.drop_all(queryset.entity._schema.resource)
    return len(keys)


def checked(session: Session, *, add: Iterable[Any], remove: Iterable[Any]) -> Changes:
    """Check every tag before anything is sent; what has none to add or remove is left out."""
    tag = Reference("TaskTag")
    changes: Changes = []
    asked: tuple[tuple[Action, Iterable[Any]], ...] = (("add", add), ("remove", remove))
    for action, given in asked:
        what = f"set_tags({action}=...)"
        tags = arguments.items(what, given, of="tags or their keys")
        check_host(session, tags, what=what)
        if tags:
            changes.append((action, [tag.check(what, each) for each in tags]))
    return changes


def send_tags(session: Session, path: Path, *, ids: Sequence[int], changes: Changes) -> None:
    """Change the tags of rows by key."""
    for action, tags in changes:
        session.send(v1_actions.set_tags(path, ids, tags=tags, action=action))
