"""Wire v1, entity by entity: one row each, naming what differs from the grammar's rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

import attrs


@attrs.frozen(eq=False, repr=False)
class QueryKey:
    """The query key of one lookup, and how several values are written: `a,b` or `k=a&k=b`."""

    name: str
    many: Literal["comma", "repeat"] = "comma"


@attrs.frozen(eq=False, repr=False)
class Row:
    """How one entity travels.

    `path` takes writes and single objects, `list` the lists where that differs; `detail` is False where single objects
    cannot be read. `light` maps a field to the list that carries nothing else. `expand` names what the wire can nest,
    `always` what is nested without being asked for. `asks` are the parameters that a field needs to be sent at all.
    `lacks` are the names of lookups that only another API has, `hides` fields that only rows of another one carry,
    `alone` fields that rows of lists never carry.
    `also` gives a key the second name that some releases use for it; `texts` are keys of objects that are UUIDs now and
    were numbers before. `posts_lists` says that several objects may be created by one request, `cursors` that its lists
    can be read by cursor, `reuses` that the backend answers an object of the same content with the one that it has, so
    that to create it twice makes one.
    """

    path: str
    list: str = ""
    detail: bool = True
    names: Mapping[str, str] = attrs.field(factory=dict)
    keys: Mapping[str, QueryKey] = attrs.field(factory=dict)
    expand: tuple[str, ...] = ()
    always: tuple[str, ...] = ()
    light: Mapping[str, str] = attrs.field(factory=dict)
    asks: Mapping[str, tuple[str, str]] = attrs.field(factory=dict)
    lacks: tuple[str, ...] = ()
    hides: tuple[str, ...] = ()
    alone: tuple[str, ...] = ()
    also: Mapping[str, str] = attrs.field(factory=dict)
    texts: tuple[str, ...] = ()
    change: Literal["PATCH", "PUT"] = "PATCH"
    posts_lists: bool = False
    cursors: bool = False
    reuses: bool = False

    @property
    def uniform(self) -> bool:
        """Whether every row comes as it is declared."""
        return not self.also and not self.always

    @property
    def lists(self) -> str:
        """The path of the list."""
        return self.list or self.path


def _comma(*names: str) -> dict[str, QueryKey]:
    return {f"{name}__in": QueryKey(name) for name in names}


def _repeat(*names: str) -> dict[str, QueryKey]:
    return {f"{name}__in": QueryKey(name, "repeat") for name in names}


_EXCLUDED_IDS: Final = {"id__not_in": QueryKey("ids_ex")}
_STATUSES: Final = _repeat("status_label", "status_review")

ROWS: Final[Mapping[str, Row]] = {
    "projects": Row("projects/"),
    "tasks": Row(
        "tasks/",
        list="sdk/tasks/",
        keys={
            **_EXCLUDED_IDS,
            **_STATUSES,
            **_comma("assignments", "labelers", "reviewers", "groups", "stages", "workshops", "tags"),
        },
        expand=("data_unit",),
        light={"data": "sdk/tasks/data/", "files": "sdk/tasks/files/"},
        lacks=("has_data",),
        alone=("has_data",),
        posts_lists=True,
        cursors=True,
    ),
    "task_tags": Row("task_tags/"),
    "assignments": Row(
        "assignments/",
        list="sdk/assignments/",
        keys={
            **_EXCLUDED_IDS,
            **_STATUSES,
            **_comma("tasks", "users", "reviewers", "groups", "stages", "tags", "task_tags"),
        },
        light={"data": "sdk/assignments/data/", "files": "sdk/assignments/files/"},
        cursors=True,
    ),
    "data_collections": Row("data_collections/", always=("file_specifications",)),
    "data_files": Row("data_files/", also={"created": "created_at", "size": "file_size"}, reuses=True),
    "data_units": Row("data_units/", asks={"files": ("expand", "files")}, posts_lists=True, reuses=True),
    "ground_truths": Row(
        "ground_truths/",
        keys={
            **_comma("ground_truth_dataset_versions", "classes"),
            "category__in": QueryKey("categories", "repeat"),
        },
    ),
    "ground_truth_events": Row(
        "sdk/ground_truth_events/",
        detail=False,
        names={"ground_truth_id": "id"},
        keys={
            **_comma("ground_truth_dataset_versions", "classes"),
            "category__in": QueryKey("categories", "repeat"),
        },
        lacks=("ground_truth_dataset", "project"),
        hides=("data_digest", "data_size"),
        # Its lists of data or files alone name no event in their rows.
        cursors=True,
    ),
    "ground_truth_datasets": Row("ground_truth_datasets/", lacks=("project",)),
    "ground_truth_versions": Row("ground_truth_dataset_versions/", expand=("ground_truth_dataset",)),
    "plugins": Row("plugins/", change="PUT"),
    "plugin_releases": Row("plugin_releases/", expand=("plugin",)),
    "jobs": Row("jobs/", expand=("logs",), texts=("id",), hides=("queue", "error")),
    "job_logs": Row("logs/", texts=("job",), lacks=("event", "level"), posts_lists=True),
    "storages": Row("storages/", asks={"configuration": ("with_configuration", "true")}),
    "models": Row("models/"),
    "agents": Row("agents/"),
    "serve_applications": Row("serve_applications/", texts=("job",)),
}
