"""Tasks: one data unit in one project, to be annotated."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence, Sized
from datetime import datetime
from os import PathLike
from typing import TYPE_CHECKING, Any, Literal

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import TaskManagerTwins, TaskTwins
from synapse.downloads import RemoteFile
from synapse.entities.annotating import Annotated, annotations_of, data_of, loaded_tasks
from synapse.entities.choices import StatusLabel, StatusReview, TagCategory, TaskSchema
from synapse.entities.tagging import change_tags, check_tags, checked, send_tags
from synapse.entities.typed import TaskQueries, TaskTagQueries
from synapse.errors import QueryError, describe
from synapse.mapping import Json, read_only
from synapse.optional import optional
from synapse.orm import (
    Entity,
    ManagedBy,
    ToMany,
    ToOne,
    answers,
    arguments,
    bulk,
    entity,
)
from synapse.orm.binding import check_host, held, send
from synapse.orm.changes import loaded_value
from synapse.orm.loading import detail_row
from synapse.orm.record import reference
from synapse.orm.selection import writing_to
from synapse.orm.unconfirmed import Repeating, resolvable_by
from synapse.query import CHOICE, EXACT, ID, RANGE, SEARCH, By, Exact, In
from synapse.query.kinds import Choice
from synapse.transfer import ProgressLike, tracked
from synapse.values import Table, is_many

if TYPE_CHECKING:
    from PIL.Image import Image

    from synapse.annotations import Annotation, Annotations, Outside
    from synapse.entities.assignment import AssignmentManager
    from synapse.entities.data import DataUnit
    from synapse.entities.project import Project
    from synapse.interop.formats.report import AnnotationReport
    from synapse.showing import View


class TaskManager(TaskManagerTwins, TaskQueries):
    """Queries of tasks, and what is done to many of them."""

    @sends
    def set_tags(
        self,
        *,
        add: Iterable[TaskTag | int] = (),
        remove: Iterable[TaskTag | int] = (),
        everything: bool = False,
    ) -> int:
        """Put tags on every task of the query, or take them off; return the number of tasks.

        A query without filters needs `everything=True`. Raises `BulkError` where some failed, with the keys of the
        tasks that are done, that failed and that were not tried.
        """
        return change_tags(self, add=add, remove=remove, everything=everything)

    @sends
    def annotate_many(
        self,
        annotations: Mapping[Task, Annotated]
        | Mapping[int, Annotated]
        | Iterable[tuple[Task | int, Annotated]]
        | Iterable[Mapping[str, Any]]
        | Table,
        *,
        data: str | None = None,
        on: str = "id",
        submit: bool = True,
        schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = None,
        outside: Outside = "refuse",
        progress: ProgressLike = None,
    ) -> int:
        """Annotate tasks side by side, given as pairs of a task (or its key) and its annotations or data.

        Returns the number of tasks. Raises `BulkError` where some failed, with each task and its error. Checking
        annotations takes one request for the files of a page of tasks, and one for each project; for a hundred tasks
        that are given by key one more.

        With *data* it takes a table instead, as `bulk_create()` does: the column *data* has the annotation of each task
        in the backend's format, as JSON text or as a struct, and the column *on* its key. Rows without one are left
        out.
        """
        if data is not None:
            annotations = self._annotation_pairs(annotations, data=data, on=on)
        elif arguments.is_table(annotations):
            raise QueryError(
                "annotate_many() takes a table with the name of the column that has the annotations: "
                "data='annotation'. Nothing was sent"
            )
        given: object = list(annotations.items()) if isinstance(annotations, Mapping) else annotations
        if not is_many(given):
            raise QueryError(
                f"annotate_many() takes pairs of a task and its data, got {describe(given)}; nothing was sent"
            )
        arguments.flag("annotate_many(submit=...)", submit)
        _schema(schema)
        session = self.session
        loaded: dict[Any, Task] = {}

        def annotate(pair: object) -> None:
            task, data = _pair(pair)
            check_host(session, [task], what="annotate_many()")
            if not isinstance(task, Task):
                key = Task._schema.key.check("annotate_many()", task)
                task = loaded.pop(key, None) or reference(Task, key, session=session)
            task.annotate(data, submit=submit, schema=schema, outside=outside)

        total = len(given) if isinstance(given, Sized) else None
        with tracked(progress, total=total, label="annotate_many", unit="tasks") as meter, writing_to(self):
            items = loaded_tasks(session, given, into=loaded)
            written = bulk.write_each(session, annotate, items=items, advanced=meter)
        bulk.raise_failures(written.by(_named), did="annotated", of="tasks")
        return len(written.done)

    @optional
    def _annotation_pairs(self, table: object, *, data: str, on: str) -> list[tuple[int, Any]]:
        raise NotImplementedError

    @sends
    @optional
    def annotate_from(
        self,
        source: str | PathLike[str],
        *,
        format: Literal["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"],
        kind: Literal["detect", "segment", "pose", "obb", "classify"] = "detect",
        match: Literal["stem", "name", "id"] | Callable[[Task], str] = "stem",
        existing: Literal["refuse", "replace", "add"] = "refuse",
        dry_run: bool = False,
        strict: bool = False,
        classes: Sequence[str] | None = None,
        specification: str | None = None,
        submit: bool = True,
        schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = None,
        outside: Outside = "refuse",
    ) -> AnnotationReport:
        """Annotate the tasks of the query with the labels that a folder or a file has for their pictures.

        A picture is matched by its file name without ending, with it (`"name"`), by the key of its task, which COCO and
        jsonl hold (`"id"`), or by the name that a call gives for a task. Tasks that have annotations are refused, or
        these replaced or added to. Everything is read and checked before anything is sent: what fails is in the report,
        and with `strict=True` a `MappingError`. `dry_run=True` sends nothing.

        `classes` names those of YOLO, where neither `data.yaml` nor `classes.txt` does; `submit`, `schema` and
        `outside` are those of `annotate()`.
        """
        raise NotImplementedError


def _named(pair: Any) -> object:
    return pair[0] if isinstance(pair, tuple | list) and pair else pair


def _pair(given: object) -> tuple[Any, Any]:
    if not isinstance(given, tuple | list) or len(given) != 2:
        raise QueryError(f"annotate_many() takes pairs of a task and its data, got {describe(given)}")
    return given[0], given[1]


@entity("tasks", order_by=("id", "created"))
class Task(TaskTwins, Entity):
    """One unit of annotation work inside a `Project`."""

    id: int = read_only()
    project_id: int
    data_unit_id: int
    data: Json | None = None
    meta: Json | None = None
    schema: TaskSchema | str = TaskSchema.DM_SCHEMA_V1
    is_discarded: bool = False
    tags: list[int] = read_only()
    status_label: StatusLabel | str = read_only()
    status_review: StatusReview | str = read_only()
    count_assignments: int = read_only()
    has_data: bool = read_only()
    workshop: int | None = read_only()
    files: dict[str, RemoteFile] = read_only()
    created: datetime | None = read_only()

    project = ToOne["Project"](via="project_id")
    data_unit = ToOne["DataUnit"](via="data_unit_id")
    assignments = ToMany["AssignmentManager"](by="tasks")

    objects = ManagedBy(TaskManager)

    _in_repr = ("project_id", "data_unit_id", "is_discarded", "status_label", "status_review", "tags")

    lookups = {
        "id": ID,
        "project": EXACT,
        "is_discarded": EXACT,
        "schema": EXACT,
        "has_data": By(Exact, of=bool),
        "status_label": CHOICE,
        "status_review": CHOICE,
        "created": RANGE,
        "has_assignment": By(Exact, of=bool),
        "has_reached_max_assignments": By(Exact, of=bool),
        "assignments__is_discarded": By(Exact, of=bool, many=True),
        "assignments": By(Exact, In, of="Assignment", many=True),
        "tags": By(Exact, In, of="TaskTag", many=True),
        "labelers": By(Exact, In, of=int, many=True),
        "reviewers": By(Exact, In, of=int, many=True),
        "groups": By(Exact, In, of=int, many=True),
        "stages": By(Exact, In, of=int, many=True),
        "workshops": By(Exact, In, of=int, field="workshop"),
        "search": SEARCH,
    }

    @sends
    def annotate(
        self,
        data: Annotated,
        *more: Annotation,
        submit: bool = True,
        schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = None,
        outside: Outside = "refuse",
    ) -> Task:
        """Set the annotations and submit them, or with `submit=False` only save them.

        They replace the existing ones; `task.annotate(task.annotations + [Box(...)])` adds to them. Annotations are
        checked against the project's tools and classes, the files of the unit and the size of the picture; `outside`
        says whether shapes beyond its edges are refused, clipped or kept. The check reads the files of the unit and,
        once per session, the project. Data in the backend's format (a dict) is not checked.

        `schema="any"` turns off the backend's check of the format, and the check of tools and classes. Raises
        `ValidationError` if the backend refuses the annotation, such as an empty one that is submitted, and
        `WriteIgnoredError` if its answer shows another annotation. This is a PUT: it is sent again if no answer came,
        and may then overwrite what somebody else saved in the meantime; `Session(retry=Retry(total=0))` turns that off.
        """
        arguments.flag("annotate(submit=...)", submit)
        checked_schema = _schema(schema)
        session = held(self, "annotate")
        data = data_of(self, data, more=more, schema=checked_schema, outside=outside)
        request = session.dialect.actions.annotate(self.pk, data, submit=submit, schema=checked_schema)
        before = {"data": loaded_value(self, "data")}

        def check(row: Json) -> None:
            sent = {"data": data}
            answers.check_changed(Task, self.pk, sent=sent, before=before, row=row, session=session)

        with resolvable_by(lambda _: Repeating(host=session.host, session=session)):
            reply = send(self, request, session=session)
            row = session.dialect.actions.annotated(reply, self.pk)
            answers.adopt_verb_answer(self, row, session=session, sent={"data"}, check=check)
        return self

    @property
    def annotations(self) -> Annotations:
        """The annotations in `data`, in order; raises `MappingError` if the format of `data` is unknown."""
        return annotations_of(self, self.data)

    @sends
    @optional
    def show(self) -> View:
        """Show the picture in a notebook, with the shapes that lie on it, beside the fields of the task."""
        raise NotImplementedError

    @sends
    @optional
    def picture(self, *, width: int | None = None) -> Image:
        """Fetch the picture as a PIL image and paint the annotations over it, *width* pixels wide.

        Its file may have at most 32 MiB and 50 million pixels. Needs Pillow: `pip install "synapse-orm[notebook]"`.
        """
        raise NotImplementedError

    @sends
    def set_tags(self, *, add: Iterable[TaskTag | int] = (), remove: Iterable[TaskTag | int] = ()) -> None:
        """Add and remove tags; raises `WriteIgnoredError` if the task does not have them accordingly afterwards."""
        session = held(self, "set_tags")
        changes = checked(session, add=add, remove=remove)
        if changes:
            send_tags(session, Task, ids=[self.pk], changes=changes, objects=[self])
            row = detail_row(self, session)
            answers.adopt_verb_answer(
                self, row, session=session, check=lambda row: check_tags(self, row, changes=changes)
            )


def _schema(given: object) -> str | None:
    return None if given is None else Choice(TaskSchema).check("annotate(schema=...)", given)


class TaskTagManager(TaskTagQueries):
    """Queries of task tags."""


@entity("task_tags", order_by=("id", "created"), natural=("name",))
class TaskTag(Entity):
    """A label that sorts tasks within a project."""

    id: int = read_only()
    project_id: int
    name: str
    category: TagCategory | str = TagCategory.PROJECT
    description: str = ""
    meta: Json = attrs.field(factory=dict)
    created: datetime | None = read_only()

    project = ToOne["Project"](via="project_id")
    tasks = ToMany["TaskManager"](by="tags")

    objects = ManagedBy(TaskTagManager)

    lookups = {
        "project": EXACT,
        "category": EXACT,
        "search": SEARCH,
    }
