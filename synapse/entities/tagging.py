"""Putting tags on tasks and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, Literal

from synapse.dialects import v1_actions
from synapse.errors import QueryError
from synapse.orm import QuerySet
from synapse.query.kinds import Reference

if TYPE_CHECKING:
    from synapse.session import Session

BATCH = 500
Path = Literal["tasks/", "assignments/"]


def change_tags(queryset: QuerySet[Any], path: Path, *, add: Iterable[Any], remove: Iterable[Any]) -> int:
    """Change the tags of every row of a query; return the number of rows."""
    if queryset.query.unfiltered:
        raise QueryError(
            f"this would tag every {queryset.entity.__name__} there is; filter first. Nothing was sent"
        )
    add, remove = list(add), list(remove)
    keys = list(queryset.values_list("pk", flat=True).iterator())
    rest = iter(keys)
    while batch := list(islice(rest, BATCH)):
        send_tags(queryset.session, path, ids=batch, add=add, remove=remove)
    return len(keys)


def send_tags(
    session: Session, path: Path, *, ids: Sequence[int], add: Iterable[Any], remove: Iterable[Any]
) -> None:
    """Change the tags of rows by key, checking every tag before anything is sent."""
    tag = Reference("TaskTag")
    actions: list[tuple[Literal["add", "remove"], list[int]]] = [
        ("add", [tag.check("set_tags(add=...)", each) for each in add]),
        ("remove", [tag.check("set_tags(remove=...)", each) for each in remove]),
    ]
    for action, tags in actions:
        if tags:
            session.send(v1_actions.set_tags(path, ids, tags=tags, action=action))
