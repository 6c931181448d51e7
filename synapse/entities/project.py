"""Projects: what is annotated, and how."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING, Final, Literal, cast

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import ProjectTwins
from synapse.entities.choices import AccessLevel, ExportTarget, ProjectCategory
from synapse.entities.typed import ProjectQueries
from synapse.errors import QueryError, TransportError, did_you_mean
from synapse.mapping import Json, read_only, uuid_form
from synapse.masking import outline
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, arguments, entity
from synapse.orm.binding import check_host, held, send
from synapse.orm.record import entity_named, reference
from synapse.query import EXACT
from synapse.query.kinds import Reference

if TYPE_CHECKING:
    from synapse.annotations import Tool
    from synapse.entities.async_job import AsyncJob
    from synapse.entities.collection import DataCollection
    from synapse.entities.review import ReviewTagManager
    from synapse.entities.storage import Storage
    from synapse.entities.task import TaskManager, TaskTagManager


class ProjectManager(ProjectQueries):
    """Queries of projects."""


@entity("projects", order_by=("id", "created"), natural=("title",))
class Project(ProjectTwins, Entity):
    """A body of annotation work on one `DataCollection`; its name is `title`."""

    id: int = read_only()
    title: str
    category: ProjectCategory | str
    data_collection_id: int | None = None
    description: str = ""
    configuration: Json = attrs.field(factory=dict)
    settings: Json = attrs.field(factory=dict)
    caution: str = ""
    access_level: AccessLevel = AccessLevel.PRIVATE
    count_max_assignments_per_task: int = 0
    can_discard: bool = True
    enable_workforce: bool = False
    is_archived: bool = False
    tenant: int | None = read_only()
    created: datetime | None = read_only()

    data_collection = ToOne["DataCollection | None"](via="data_collection_id")
    tasks = ToMany["TaskManager"](by="project")
    tags = ToMany["TaskTagManager"](by="project")
    review_tags = ToMany["ReviewTagManager"](by="project")

    objects = ManagedBy(ProjectManager)

    lookups = {
        "category": EXACT,
        "data_collection": EXACT,
    }

    @sends
    def export_to(
        self,
        storage: Storage | int,
        path: str,
        *,
        targets: Iterable[Literal["task", "assignment", "ground_truth"]] = ("task",),
        original_files: bool = False,
    ) -> AsyncJob:
        """Have the backend export the whole project into a storage, and return the work, to `follow()` or `wait()` for.

        `targets` says rows of which kinds are written below *path*, `original_files` that their files are as well.
        """
        body = {
            "project": self.pk,
            "storage": Reference("Storage").check("export_to(storage)", storage),
            "path": arguments.text("export_to(path)", path),
            "targets": [_target(each) for each in arguments.texts("export_to(targets=...)", targets)],
            "original_files": arguments.flag("export_to(original_files=...)", original_files),
        }
        if not body["targets"]:
            raise QueryError("export_to(targets=...) names nothing to be exported; nothing was sent")
        session = held(self, "export_to")
        check_host(session, [storage], what="export_to()")
        answer = session.dialect.unwrap(send(self, session.dialect.actions.export(body), session=session))
        key = answer.get("job_id") if isinstance(answer, dict) else None
        if not isinstance(key, str):
            raise TransportError(
                f"the export of project {self.pk} was taken, but the answer ({outline(answer)}) names no work: list "
                "AsyncJob.objects to see it"
            )
        return reference(cast("type[AsyncJob]", entity_named("AsyncJob")), uuid_form(key), session=session)

    @property
    def tools(self) -> dict[str, Tool]:
        """The tools of its configuration by name, such as `bounding_box`, each with its classes."""
        from synapse.annotations import tools_of

        return tools_of(self.configuration)

    @property
    def classes(self) -> tuple[str, ...]:
        """The classes of all tools without duplicates, in the order of the configuration."""
        from synapse.annotations import classes_of

        return classes_of(self.configuration)


TARGETS: Final = tuple(each.value for each in ExportTarget)


def _target(name: str) -> str:
    if name not in TARGETS:
        raise QueryError(
            f"export_to(targets=...) takes {', '.join(map(repr, TARGETS))}, got {name!r}"
            f"{did_you_mean(name, TARGETS)}; nothing was sent"
        )
    return name
