"""Reviews of assignments, and the tags that sort them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from synapse.entities.choices import ReviewScope
from synapse.entities.typed import ReviewQueries, ReviewTagQueries
from synapse.mapping import JsonValue, read_only
from synapse.orm import Entity, ManagedBy, ToOne, entity
from synapse.query import EXACT, By
from synapse.query.lookups import Contains

if TYPE_CHECKING:
    from synapse.entities.assignment import Assignment
    from synapse.entities.project import Project


class ReviewManager(ReviewQueries):
    """Queries of reviews."""


@entity("reviews", order_by=("created", "id"))
class Review(Entity):
    """What a reviewer says of an `Assignment`, or of one annotation in it; the reviewer is whoever creates it."""

    id: int = read_only()
    assignment_id: int
    scope: ReviewScope | str = ReviewScope.ASSIGNMENT
    description: str = ""
    tags: list[int] = attrs.field(factory=list)
    object_id: str = ""
    position: JsonValue = None
    user: int | None = read_only()
    is_active: bool = read_only()
    created: datetime | None = read_only()

    assignment = ToOne["Assignment"](via="assignment_id")

    objects = ManagedBy(ReviewManager)

    lookups = {
        "assignment": EXACT,
        "scope": EXACT,
    }


class ReviewTagManager(ReviewTagQueries):
    """Queries of review tags."""


@entity("review_tags", order_by=("created", "id"), natural=("name",))
class ReviewTag(Entity):
    """A label that sorts the reviews of a project."""

    id: int = read_only()
    project_id: int
    name: str
    background_color: str = ""
    description: str = ""
    created: datetime | None = read_only()

    project = ToOne["Project"](via="project_id")

    objects = ManagedBy(ReviewTagManager)

    lookups = {
        "project": EXACT,
        "name": By(Contains),
    }
