"""Putting tags on tasks and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from synapse.dialects import v1_actions
from synapse.orm import QuerySet, arguments, bulk
from synapse.orm.binding import check_host
from synapse.query.kinds import Reference
from synapse.session import Run, Written
from synapse.session.concurrency import run_one

if TYPE_CHECKING:
    from synapse.session import Session

BATCH = 500
Path = Literal["tasks/", "assignments/"]
Action = Literal["add", "remove"]
Changes: TypeAlias = list[tuple[Action, list[int]]]


def change_tags(
    queryset: QuerySet[Any], path: Path, *, add: Iterable[Any], remove: Iterable[Any], everything: bool
) -> int:
    """Change the tags of every row of a query; return the number of rows, or raise `BulkError` with their keys."""
    bulk.guard(queryset, "set_tags", everything=everything)
    session = queryset.session
    changes = checked(session, add=add, remove=remove)
    if not changes:
        return 0
    keys = [row.pk for row in bulk.matching(queryset, writes=not everything)]
    batches = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
    run = Run(batches)
    change = run.attempt(lambda batch: send_tags(session, path, ids=batch, changes=changes))
    try:
        written = run.written([run_one(change, batch) for batch in run])
    finally:
        session.cache.drop_all(queryset.entity._schema.resource)
    bulk.raise_failures(_each(written), did="tagged", of=queryset.entity.__name__)
    return len(keys)


def _each(written: Written[list[int]]) -> Written[int]:
    """Tell of each row what became of its batch."""
    return Written(
        [key for batch in written.done for key in batch],
        [(key, error) for batch, error in written.failed for key in batch],
        [key for batch in written.untried for key in batch],
    )


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
