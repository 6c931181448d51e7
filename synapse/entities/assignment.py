"""Assignments: who works on a task, and how far they have come."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import AssignmentManagerTwins
from synapse.downloads import RemoteFile
from synapse.entities.annotating import annotations_of
from synapse.entities.choices import StatusLabel, StatusReview
from synapse.entities.tagging import change_tags
from synapse.entities.typed import AssignmentQueries
from synapse.mapping import Json, read_only
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, entity
from synapse.query import CHOICE, EXACT, ID, RANGE, SEARCH, By, Exact, In

if TYPE_CHECKING:
    from synapse.annotations import Annotations
    from synapse.entities.data import DataUnit
    from synapse.entities.review import ReviewManager
    from synapse.entities.task import Task, TaskTag


class AssignmentManager(AssignmentManagerTwins, AssignmentQueries):
    """Queries of assignments, and what is done to many of them."""

    _file_fields = ("file", "files")

    @sends
    def set_tags(
        self,
        *,
        add: Iterable[TaskTag | int] = (),
        remove: Iterable[TaskTag | int] = (),
        everything: bool = False,
    ) -> int:
        """Put tags on every assignment of the query, or take them off; return the number of assignments.

        A query without filters needs `everything=True`. Raises `BulkError` where some failed, with the keys of the
        assignments that are done, that failed and that were not tried.
        """
        return change_tags(self, add=add, remove=remove, everything=everything)


@entity("assignments", order_by=("id", "created"))
class Assignment(Entity):
    """A `Task` that is assigned to a labeler, and later to a reviewer."""

    id: int = read_only()
    task_id: int
    user: int | None = None
    reviewer: int | None = None
    status_label: StatusLabel | str = StatusLabel.STAND_BY
    status_review: StatusReview | str = StatusReview.STAND_BY
    is_confirmed: bool = False
    is_discarded: bool = False
    data: Json | None = None
    tags: list[int] = read_only()
    data_unit_id: int | None = read_only()
    file: RemoteFile | None = read_only()
    files: dict[str, RemoteFile] = read_only()
    label_submitted: datetime | None = read_only()
    last_labeled: datetime | None = read_only()
    last_reviewed: datetime | None = read_only()
    labeler_last_action_at: datetime | None = read_only()
    reviewer_last_action_at: datetime | None = read_only()
    created: datetime | None = read_only()

    task = ToOne["Task"](via="task_id")
    data_unit = ToOne["DataUnit | None"](via="data_unit_id")
    reviews = ToMany["ReviewManager"](by="assignment")

    objects = ManagedBy(AssignmentManager)

    _in_repr = ("task_id", "user", "reviewer", "is_discarded", "status_label", "status_review", "tags")

    lookups = {
        "id": ID,
        "project": By(Exact, of="Project"),
        "tasks": By(Exact, In, of="Task", field="task_id"),
        "workshop": By(Exact, of=int),
        "users": By(Exact, In, of=int, field="user"),
        "reviewers": By(Exact, In, of=int, field="reviewer"),
        "groups": By(Exact, In, of=int, many=True),
        "stages": By(Exact, In, of=int, many=True),
        "tags": By(Exact, In, of="TaskTag", many=True),
        "task_tags": By(Exact, In, of="TaskTag", many=True),
        "status_label": CHOICE,
        "status_review": CHOICE,
        "is_discarded": EXACT,
        "is_discard_confirmed": By(Exact, of=bool),
        "is_confirmed": EXACT,
        "created": RANGE,
        "label_submitted": RANGE,
        "last_labeled": RANGE,
        "last_reviewed": RANGE,
        "labeler_last_action_at": RANGE,
        "reviewer_last_action_at": RANGE,
        "search": SEARCH,
    }

    @property
    def annotations(self) -> Annotations:
        """The annotations in `data`, in order; raises `MappingError` if the format of `data` is unknown."""
        return annotations_of(self, self.data)
