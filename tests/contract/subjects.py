"""The entities whose queries are compared with Django's, and every lookup that they declare."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from synapse import (
    Assignment,
    DataUnit,
    GroundTruthEvent,
    Job,
    JobStatus,
    Plugin,
    Project,
    ProjectCategory,
    Split,
    StatusLabel,
    Task,
    TaskSchema,
    TaskTag,
)
from tests.contract.equivalence import (
    LABELS,
    MISSING,
    REVIEWS,
    Subject,
    both,
    column,
    days,
    exact,
    keys,
    listed,
    moments,
    ranged,
    related,
    truths,
)

Rows = dict[str, list[Any]]


def pks(rows: list[Any]) -> st.SearchStrategy[Any]:
    """Keys of these rows, and one that does not exist."""
    return st.sampled_from([*(row.pk for row in rows), MISSING])


def subjects(tables: Any, world: Rows) -> dict[str, Subject]:
    """Every entity that is compared, by its resource."""
    makers = (tasks, assignments, projects, task_tags, data_units, ground_truth_events, jobs)
    return {make.__name__: make(tables, world) for make in makers}


def statuses() -> dict[str, Any]:
    """The two statuses: as text and as members of their enumerations."""
    labels = st.sampled_from([*LABELS, *StatusLabel])
    return {
        "status_label": both("status_label", labels, column("status_label")),
        "status_review": both("status_review", st.sampled_from(REVIEWS), column("status_review")),
    }


def tasks(tables: Any, world: Rows) -> Subject:
    """Tasks: filters of every kind that the wire has."""
    from django.db.models import Count, F, Q

    model = tables.Task
    full = model.objects.annotate(n=Count("assignments")).filter(
        project__count_max_assignments_per_task__gt=0, n__gte=F("project__count_max_assignments_per_task")
    )
    assigned = Q(pk__in=tables.Assignment.objects.values("task"))
    project_keys = pks(world["projects"])
    asks = {
        **statuses(),
        "id": keys([row.pk for row in world["tasks"]]),
        "project": exact("project", project_keys | project_keys.map(Project.ref), mean=column("project")[0]),
        "is_discarded": truths("is_discarded", column("is_discarded")[0]),
        "schema": exact("schema", st.sampled_from([*TaskSchema, "any"]), mean=column("schema")[0]),
        "created": ranged("created", moments()),
        "has_assignment": truths("has_assignment", lambda yes: assigned if yes else ~assigned),
        "has_reached_max_assignments": truths(
            "has_reached_max_assignments",
            lambda yes: Q(pk__in=full.values("pk")) if yes else ~Q(pk__in=full.values("pk")),
        ),
        "assignments__is_discarded": truths(
            "assignments__is_discarded", related(model, "assignments__is_discarded")[0]
        ),
        "assignments": both("assignments", pks(world["assignments"]), related(model, "assignments")),
        "tags": both("tags", pks(world["tags"]), related(model, "tags")),
        "labelers": both("labelers", pks(world["users"]), related(model, "assignments__user")),
        "reviewers": both("reviewers", pks(world["users"]), related(model, "assignments__reviewer")),
        "stages": both("stages", st.integers(1, 3), column("stage")),
        "workshops": both("workshops", st.integers(1, 3), column("workshop")),
        "search": exact(
            "search",
            st.sampled_from(["1", "2.PNG", "none such"]),
            mean=related(model, "data_unit__files__path_original__icontains")[0],
        ),
    }
    return Subject(
        Task,
        model,
        model.objects.filter(project__tenant__code="equivalence"),
        keys=[row.pk for row in world["tasks"]],
        asks=asks,
        negative=("id", "is_discarded", "has_assignment", "has_reached_max_assignments"),
        once=(
            "tags",
            "assignments",
            "labelers",
            "reviewers",
            "stages",
            "search",
            "assignments__is_discarded",
        ),
        orders=("id", "created"),
        fields=("id", "project", "data_unit_id", "created", "is_discarded", "status_label", "meta"),
        decorations=(
            lambda query: query.only("data"),
            lambda query: query.only("created"),
            lambda query: query.defer("meta"),
            lambda query: query.select_related("data_unit"),
            lambda query: query.prefetch_related("project", "assignments"),
        ),
    )


def assignments(tables: Any, world: Rows) -> Subject:
    """Assignments: relations by object and by key, moments that may be null."""
    model = tables.Assignment
    task_keys, user_keys, tag_keys = pks(world["tasks"]), pks(world["users"]), pks(world["tags"])
    flags = ("is_discarded", "is_confirmed", "is_discard_confirmed")
    asks = {
        **statuses(),
        **{name: truths(name, column(name)[0]) for name in flags},
        "id": keys([row.pk for row in world["assignments"]]),
        "project": exact("project", pks(world["projects"]), mean=column("task__project")[0]),
        "tasks": both("tasks", task_keys | task_keys.map(Task.ref), column("task")),
        "users": both("users", user_keys, column("user")),
        "reviewers": both("reviewers", user_keys, column("reviewer")),
        "tags": both("tags", tag_keys, related(model, "tags")),
        "task_tags": both("task_tags", tag_keys | tag_keys.map(TaskTag.ref), related(model, "task__tags")),
        "created": ranged("created", moments()),
        "label_submitted": ranged("label_submitted", days()),
    }
    return Subject(
        Assignment,
        model,
        model.objects.filter(task__project__tenant__code="equivalence"),
        keys=[row.pk for row in world["assignments"]],
        asks=asks,
        negative=("id", *flags),
        once=("tags", "task_tags"),
        orders=("id", "created"),
        fields=("id", "task", "user", "status_review", "is_confirmed", "label_submitted", "created"),
        decorations=(lambda query: query.only("data"), lambda query: query.prefetch_related("task__project")),
    )


def projects(tables: Any, world: Rows) -> Subject:
    """Projects: two lookups, and keys that cannot be listed."""
    collections = [row.data_collection for row in world["projects"]]
    asks = {
        "category": exact(
            "category",
            st.sampled_from([*ProjectCategory, "image"]),
            mean=lambda value: column("category")[0](str(value)),
        ),
        "data_collection": exact("data_collection", pks(collections), mean=column("data_collection")[0]),
    }
    return Subject(
        Project,
        tables.Project,
        tables.Project.objects.filter(tenant__code="equivalence"),
        keys=[row.pk for row in world["projects"]],
        asks=asks,
        orders=("id", "created"),
        fields=("id", "title", "category", "data_collection", "can_discard", "created"),
    )


def task_tags(tables: Any, world: Rows) -> Subject:
    """Tags: a relation, an enumeration and a search."""
    asks = {
        "project": exact("project", pks(world["projects"]), mean=column("project")[0]),
        "category": exact("category", st.sampled_from(["project", "export"]), mean=column("category")[0]),
        "search": exact("search", st.sampled_from(["TAG", "3"]), mean=column("name__icontains")[0]),
    }
    return Subject(
        TaskTag,
        tables.TaskTag,
        tables.TaskTag.objects.filter(project__tenant__code="equivalence"),
        keys=[row.pk for row in world["tags"]],
        asks=asks,
        once=("search",),
        orders=("id", "created"),
        fields=("id", "project", "name", "category"),
    )


def data_units(tables: Any, world: Rows) -> Subject:
    """Units: a relation and a boolean."""
    collections = [row.data_collection for row in world["projects"]]
    asks = {
        "data_collection": exact("data_collection", pks(collections), mean=column("data_collection")[0]),
        "can_generate_task": truths("can_generate_task", column("can_generate_task")[0]),
    }
    return Subject(
        DataUnit,
        tables.DataUnit,
        tables.DataUnit.objects.filter(data_collection__tenant__code="equivalence"),
        keys=[row.pk for row in world["units"]],
        asks=asks,
        negative=("can_generate_task",),
        fields=("id", "data_collection", "meta", "can_generate_task"),
    )


def ground_truth_events(tables: Any, world: Rows) -> Subject:
    """Events: a key of another name, and one that repeats."""
    model = tables.GroundTruthEvent
    versions = list(
        tables.GroundTruthVersion.objects.filter(ground_truth_dataset__tenant__code="equivalence")
    )
    splits = st.sampled_from([*Split, "train"])
    asks = {
        "ground_truth": exact(
            "ground_truth", st.sampled_from([row.id for row in world["events"]]), mean=column("id")[0]
        ),
        "ground_truth_dataset_versions": both(
            "ground_truth_dataset_versions", pks(versions), related(model, "ground_truth_dataset_versions")
        ),
        "category": exact("category", splits, mean=column("category")[0])
        + listed("category", splits, mean=column("category")[1]),
    }
    return Subject(
        GroundTruthEvent,
        model,
        model.objects.filter(ground_truth_dataset__tenant__code="equivalence"),
        keys=[row.pk for row in world["events"]],
        asks=asks,
        once=("ground_truth_dataset_versions",),
        orders=("pgh_id",),
        fields=("pgh_id", "pgh_label", "category", "classes"),
        pk="pgh_id",
        single=False,
    )


def jobs(tables: Any, world: Rows) -> Subject:
    """Jobs: keys that are text."""
    plugins = list(tables.Plugin.objects.filter(tenant__code="equivalence"))
    plugin_keys = pks(plugins)
    asks = {
        "status": exact("status", st.sampled_from(list(JobStatus)), mean=column("status")[0]),
        "action": exact("action", st.sampled_from(["go", "train", "fly"]), mean=column("action")[0]),
        "plugin": exact(
            "plugin", plugin_keys | plugin_keys.map(Plugin.ref), mean=column("plugin_release__plugin")[0]
        ),
    }
    return Subject(
        Job,
        tables.Job,
        tables.Job.objects.filter(tenant__code="equivalence"),
        keys=[row.pk for row in world["jobs"]],
        asks=asks,
        orders=("id", "created"),
        natural=("created", "pk"),
        fields=("id", "status", "action", "plugin_release", "created"),
    )
