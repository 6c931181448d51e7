"""Putting tags on tasks and assignments."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import attrs

from synapse.errors import QueryError, Resolution, WriteUnconfirmedError
from synapse.masking import outline
from synapse.orm import QuerySet, answers, arguments, bulk
from synapse.orm.binding import check_host, session_of
from synapse.orm.loading import detail_row
from synapse.orm.record import entity_named, objects_of
from synapse.orm.selection import writing_to
from synapse.orm.unconfirmed import Asked, resolvable_by
from synapse.query.kinds import Reference
from synapse.session import Run, Written
from synapse.session.concurrency import run_one

if TYPE_CHECKING:
    from synapse.orm import Entity
    from synapse.session import Session

BATCH = 500
Action = Literal["add", "remove"]
Changes: TypeAlias = list[tuple[Action, list[int]]]


def change_tags(
    queryset: QuerySet[Any], *, add: Iterable[Any], remove: Iterable[Any], everything: bool
) -> int:
    """Change the tags of every row of a query; return the number of rows, or raise `BulkError` with their keys."""
    bulk.guard(queryset, "set_tags", everything=everything)
    session = queryset.session
    changes = checked(session, add=add, remove=remove)
    if not changes:
        return 0
    # An API without tags refuses this before the rows are read.
    session.dialect.actions.set_tags(queryset.entity._schema.resource, [], tags=[], action="add")
    keys = [row.pk for row in bulk.matching(queryset, proven=not everything)]
    batches = [keys[start : start + BATCH] for start in range(0, len(keys), BATCH)]
    run = Run(batches)
    change = run.attempt(lambda batch: send_tags(session, queryset.entity, ids=batch, changes=changes))
    try:
        with writing_to(queryset):
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
    both = set.intersection(*(set(tags) for _, tags in changes)) if len(changes) == len(asked) else set()
    if both:
        raise QueryError(f"set_tags() got TaskTag {min(both)} to add and to remove; nothing was sent")
    return changes


def send_tags(
    session: Session,
    entity: type[Entity],
    *,
    ids: Sequence[int],
    changes: Changes,
    objects: Sequence[Entity] = (),
) -> None:
    """Change the tags of rows by key; `objects` are those of them that the caller holds."""

    def question(_: object) -> Tagging:
        return Tagging(
            entity=entity._schema.entity,
            ids=tuple(ids),
            changes=tuple((action, tuple(tags)) for action, tags in changes),
            host=session.host,
            session=session,
            objects=tuple(objects),
        )

    with resolvable_by(question):
        for action, tags in changes:
            resource = entity._schema.resource
            request = session.dialect.actions.set_tags(resource, ids, tags=tags, action=action)
            answer = session.dialect.unwrap(session.send(request))
            if not isinstance(answer, dict | None):
                raise WriteUnconfirmedError(
                    f"{entity.__name__}.set_tags() was answered by {outline(answer)}, not by an object"
                )


def check_tags(instance: Entity, row: Mapping[str, Any], *, changes: Changes) -> None:
    """Raise `WriteIgnoredError` where the row of an object that was just tagged shows the keys of other tags."""
    shown = row.get("tags")
    if (
        not isinstance(shown, list)
        or not all(type(each) is int for each in shown)
        or are_held(shown, changes)
    ):
        return
    wanted = set(shown)
    for action, tags in changes:
        wanted = wanted | set(tags) if action == "add" else wanted - set(tags)
    found = {"tags": (sorted(wanted), shown)}
    answer = session_of(instance).masked(row)
    raise answers.ignoring(type(instance), instance.pk, ignored=found, before={}, row=answer)


def are_held(tags: Iterable[int], changes: Iterable[tuple[Action, Iterable[int]]]) -> bool:
    """Whether these tags are as the changes leave them."""
    held = set(tags)
    return all(set(each) <= held if action == "add" else not held & set(each) for action, each in changes)


@attrs.frozen(kw_only=True)
class Tagging(Asked):
    """Tags that were to be put on rows, or taken off them."""

    entity: str
    ids: tuple[int, ...]
    changes: tuple[tuple[Action, tuple[int, ...]], ...]

    def look(self, session: Session) -> Resolution:
        """Read the tags of every row; putting them on once more does no harm."""
        cls = entity_named(self.entity)
        rows: list[Any] = list(objects_of(cls).using(session).filter(id__in=list(self.ids)).only("tags"))
        lacking = [row for row in rows if not are_held(row.tags, self.changes)]
        told = f"{len(rows) - len(lacking)} of {len(self.ids)} {self.entity} rows hold the tags as they were to be"
        if lacking:
            return Resolution(repeatable=True, rows=tuple(lacking), reason=told)
        if len(rows) < len(set(self.ids)):
            return Resolution(rows=tuple(rows), reason=f"{told}, the others are gone")
        for own in self.objects:
            answers.adopt_verb_answer(own, detail_row(own, session), session=session)
        return Resolution(done=True, rows=self.objects or tuple(rows), reason=told)
