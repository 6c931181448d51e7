"""Projects: what is annotated, and how."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from synapse.entities.choices import AccessLevel, ProjectCategory
from synapse.entities.typed import ProjectQueries
from synapse.mapping import Json, read_only
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, entity
from synapse.query import EXACT

if TYPE_CHECKING:
    from synapse.annotations import Tool
    from synapse.entities.collection import DataCollection
    from synapse.entities.review import ReviewTagManager
    from synapse.entities.task import TaskManager, TaskTagManager


class ProjectManager(ProjectQueries):
    """Queries of projects."""


@entity("projects", order_by=("id", "created"), natural=("title",))
class Project(Entity):
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
