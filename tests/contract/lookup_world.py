"""Two rows of every entity that differ in whatever can be asked for, and the values that tell them apart."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any, Final

import synapse

from synapse import entities
from synapse.dialects import V1, homes
from synapse.orm import Entity
from tests.contract.factory import NUMBERS, Factory

EARLY: Final = datetime(2026, 1, 1, tzinfo=UTC)
LATE: Final = datetime(2026, 2, 1, tzinfo=UTC)
TICK: Final = timedelta(hours=1)
MOMENTS: Final = (
    "label_submitted",
    "last_labeled",
    "last_reviewed",
    "labeler_last_action_at",
    "reviewer_last_action_at",
)
ENTITIES: Final = [
    each
    for each in (getattr(entities, name) for name in entities.__all__)
    if isinstance(each, type) and issubclass(each, Entity)
]
FIRST: Final = [each for each in ENTITIES if homes.home_of(each._schema.resource) == homes.FIRST]
"""Those that the first API generation has; what only the second one has is in `test_generation_entities.py`."""

# For each name: where the asked-for row has its value, and what only the other row has.
VALUES: Final[dict[type[Entity], dict[str, Any]]] = {
    synapse.Task: {
        "id": "task",
        "project": "project",
        "is_discarded": (True, False),
        "schema": ("any", "dm_schema_v1"),
        "has_data": (True, False),
        "status_label": ("completed", "stand_by"),
        "status_review": ("rejected", "stand_by"),
        "created": (LATE, EARLY),
        "has_assignment": (True, False),
        "has_reached_max_assignments": (True, False),
        "assignments__is_discarded": (True, False),
        "assignments": "assignment",
        "tags": "tag",
        "labelers": "user",
        "reviewers": "reviewer",
        "groups": "group",
        "stages": (11, 12),
        "workshops": (21, 22),
        "search": ("apple", "pear"),
    },
    synapse.Assignment: {
        "id": "assignment",
        "project": "project",
        "tasks": "task",
        "workshop": (21, 22),
        "users": "user",
        "reviewers": "reviewer",
        "groups": "group",
        "stages": (11, 12),
        "tags": "tag",
        "task_tags": "tag",
        "status_label": ("completed", "stand_by"),
        "status_review": ("rejected", "stand_by"),
        "is_discarded": (True, False),
        "is_discard_confirmed": (True, False),
        "is_confirmed": (True, False),
        "created": (LATE, EARLY),
        **dict.fromkeys(MOMENTS, (LATE, EARLY)),
        "search": ("apple", "pear"),
    },
    synapse.TaskTag: {
        "project": "project",
        "category": ("export", "project"),
        "search": ("apple", "pear"),
    },
    synapse.Project: {"category": ("video", "image"), "data_collection": "collection"},
    synapse.DataCollection: {"category": ("video", "image")},
    synapse.DataFile: {"checksum": "checksum", "data_collection": "collection"},
    synapse.DataUnit: {"data_collection": "collection", "can_generate_task": (False, True)},
    synapse.GroundTruth: {
        "id": "truth",
        "ground_truth_dataset": "dataset",
        "ground_truth_dataset_versions": "version",
        "task": "task",
        "category": ("test", "train"),
        "classes": ("사과", "pear"),
    },
    synapse.GroundTruthEvent: {
        "ground_truth": "truth",
        "ground_truth_dataset": "dataset",
        "project": "project",
        "ground_truth_dataset_versions": "version",
        "task": "task",
        "category": ("test", "train"),
        "classes": ("사과", "pear"),
    },
    synapse.GroundTruthVersion: {"ground_truth_dataset": "dataset", "is_archived": (True, False)},
    synapse.Plugin: {"category": ("export", "custom"), "is_active": (False, True)},
    synapse.PluginRelease: {"plugin": "plugin", "debug": (True, False)},
    synapse.Job: {
        "status": ("FAILED", "STOPPED"),
        "agent": "agent",
        "plugin": "plugin",
        "action": ("train", "test"),
    },
    synapse.JobLog: {"job": "job", "event": ("eaten", "left"), "level": ("danger", "info")},
    synapse.Storage: {"category": ("external", "internal")},
    synapse.Model: {"is_released": (True, False)},
    synapse.Agent: {"id": "agent"},
    synapse.ServeApplication: {"plugin_code": "plugin_code", "job__agent": "agent"},
    synapse.GroundTruthDataset: {"project": "project"},
}


def side(make: Factory, *, first: bool) -> SimpleNamespace:
    """Make one row of everything; the sides differ in every column that a lookup looks at."""
    from django.contrib.auth.models import User

    def pick(one: Any, other: Any) -> Any:
        return one if first else other

    t, word, moment = make.tables, pick("apple", "pear"), pick(LATE, EARLY)
    s = SimpleNamespace(
        collection=make.collection(category=pick("video", "image")),
        user=User.objects.create(username=f"labeler {next(NUMBERS)}"),
        reviewer=User.objects.create(username=f"reviewer {next(NUMBERS)}"),
    )
    s.group = t.DataUnitGroup.objects.create(data_collection=s.collection, name=word)
    s.unit = make.units(1, collection=s.collection, group=s.group, can_generate_task=not first)[0]
    t.DataUnitFile.objects.filter(data_unit=s.unit).update(path_original=f"{word}.png")
    s.file = t.DataUnitFile.objects.get(data_unit=s.unit).data_file
    s.checksum = s.file.checksum
    s.project = make.project(
        data_collection=s.collection,
        category=pick("video", "image"),
        count_max_assignments_per_task=pick(1, 2),
    )
    s.tag = make.tag(project=s.project, category=pick("export", "project"), name=word)
    status = {"status_label": pick("completed", "stand_by"), "status_review": pick("rejected", "stand_by")}
    s.task = t.Task.objects.create(
        project=s.project,
        data_unit=s.unit,
        is_discarded=first,
        has_data=first,
        schema=pick("any", "dm_schema_v1"),
        created=moment,
        stage=pick(11, 12),
        workshop=pick(21, 22),
        **status,
    )
    s.task.tags.add(s.tag)
    s.assignment = t.Assignment.objects.create(
        task=s.task,
        user=s.user,
        reviewer=s.reviewer,
        is_discarded=first,
        is_discard_confirmed=first,
        is_confirmed=first,
        created=moment,
        **dict.fromkeys(MOMENTS, moment),
        **status,
    )
    s.assignment.tags.add(s.tag)
    _ground_truth(make, s, category=pick("test", "train"), classes=[pick("사과", "pear")], archived=first)
    _plugins(make, s, first=first)
    return s


def _ground_truth(
    make: Factory, s: SimpleNamespace, *, category: str, classes: list[str], archived: bool
) -> None:
    t = make.tables
    s.dataset = make.dataset(project=s.project)
    s.truth = t.GroundTruth.objects.create(
        ground_truth_dataset=s.dataset,
        data_unit=s.unit,
        task=s.task,
        project=s.project,
        category=category,
        classes=classes,
        data={"a": 1},
    )
    s.version = t.GroundTruthVersion.objects.create(
        ground_truth_dataset=s.dataset, version="1", is_archived=archived
    )
    s.event = t.GroundTruthEvent.objects.get(pgh_obj=s.truth)
    s.version.events.add(s.event)


def _plugins(make: Factory, s: SimpleNamespace, *, first: bool) -> None:
    t = make.tables
    s.plugin = make.plugin(category="export" if first else "custom", is_active=not first)
    s.plugin_code = s.plugin.code
    s.release = make.release(plugin=s.plugin, debug=first)
    s.agent = t.Agent.objects.create(tenant=make.tenant, name="agent", status="connected")
    s.job = make.job(
        plugin_release=s.release,
        agent=s.agent,
        status="FAILED" if first else "STOPPED",
        action="train" if first else "test",
    )
    s.log = t.JobLog.objects.create(
        job=s.job, event="eaten" if first else "left", level="danger" if first else "info", data={"a": 1}
    )
    s.serve = t.ServeApplication.objects.create(job=s.job, data={"a": 1})
    s.model = t.Model.objects.create(tenant=make.tenant, name="m", is_released=first)
    s.storage = t.Storage.objects.create(
        tenant=make.tenant,
        name="s",
        category="external" if first else "internal",
        provider="minio",
        configuration={"secret_key": "hush"},
    )


ROWS: Final[dict[type[Entity], str]] = {
    synapse.Task: "task",
    synapse.Assignment: "assignment",
    synapse.TaskTag: "tag",
    synapse.Project: "project",
    synapse.DataCollection: "collection",
    synapse.DataFile: "file",
    synapse.DataUnit: "unit",
    synapse.GroundTruth: "truth",
    synapse.GroundTruthEvent: "event",
    synapse.GroundTruthDataset: "dataset",
    synapse.GroundTruthVersion: "version",
    synapse.Plugin: "plugin",
    synapse.PluginRelease: "release",
    synapse.Job: "job",
    synapse.JobLog: "log",
    synapse.Storage: "storage",
    synapse.Model: "model",
    synapse.Agent: "agent",
    synapse.ServeApplication: "serve",
}


def key_of(side: SimpleNamespace, cls: type[Entity]) -> Any:
    """Give the key of a side's row of an entity, as the SDK holds it."""
    return as_key(getattr(side, ROWS[cls]))


def as_key(value: Any) -> Any:
    """Give a row's key; other values stay as they are."""
    key = getattr(value, "pk", value)
    return str(key) if type(key).__name__ == "UUID" else key


def queries_of(cls: type[Entity], spelling: str, session: synapse.Session) -> Any:
    """Give the queries of an entity by the API that has a lookup: its home, or else the other one."""
    table = V1().table(cls._schema, cls._catalog)
    queries = cls.objects.using(session)
    return queries if table.accepts(*cls._catalog.every_spelling()[spelling]) else queries.via("v2")


def matching_and_not(
    cls: type[Entity], spelling: str, a: SimpleNamespace, b: SimpleNamespace
) -> tuple[Any, Any]:
    """Give a value that the row of *a* meets, and one that it does not, for one spelling of a filter."""
    name, lookup = (spelling, "exact") if spelling in VALUES[cls] else spelling.rsplit("__", 1)
    given = VALUES[cls][name]
    mine, other = (as_key(getattr(a, given)), as_key(getattr(b, given))) if isinstance(given, str) else given
    above = mine + (TICK if isinstance(mine, datetime) else 1) if lookup[0] in "gl" else None
    return {
        "exact": (mine, other),
        "in": ([mine], [other]),
        "gt": (other, mine),
        "gte": (mine, above),
        "lt": (above, mine),
        "lte": (mine, other),
    }[lookup]
