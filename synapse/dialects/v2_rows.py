"""Wire v2, entity by entity: one row each, with its address, what its rows carry, and what can be asked and written."""

from __future__ import annotations

import re

from collections.abc import Mapping
from functools import cached_property
from typing import Final

import attrs

from synapse.dialects import wire
from synapse.errors import QueryError

_NO_KEY: Final = re.compile(r"[?#%&/\\]|\.\.")


def segment(key: object) -> str:
    """Encode a key as one segment of a path; the backend refuses some characters, even encoded."""
    encoded = wire.segment(key)
    if _NO_KEY.search(str(key)):
        raise QueryError(
            f"{key!r} is no key of API v2, where none has ?, #, %, &, a slash or two dots. Nothing was sent"
        )
    return encoded


def _words(names: str | tuple[str, ...]) -> tuple[str, ...]:
    return tuple(names.split()) if isinstance(names, str) else names


@attrs.frozen(eq=False, repr=False)
class Bulk:
    """The bulk read of an entity: its path, the fields that lists lack and it carries, and the name of its keys."""

    path: str
    fields: tuple[str, ...] = attrs.field(converter=_words)
    key: str = "ids"


@attrs.frozen(eq=False, repr=False)
class Row:
    """How one entity travels.

    `path` takes lists and single objects, `single` the latter where that differs; `{}` in them is the key that the
    field `below` holds, of the object whose rows these are. `listed` are the fields that rows of lists carry, `more`
    those that only single objects do. `filters` maps a lookup to its parameter, `orders` are the fields that lists are
    known to be ordered by. `names` are keys of fields on reading where they are no names of fields, `writes` on writing
    where they are neither these nor bare names of relations. `creates` and `changes` are the fields that can be
    written, `needs` those that a creation must name. `nests` maps a relation to the object that details nest beside
    its key. `makes` is the path that takes creations where that differs, below the
    object that the field `made_below` names. `numbers` are the lookups that take an
    object's number and not its code. With `numbered`, lists have page numbers and counts.
    """

    path: str
    single: str = ""
    below: str = ""
    listed: tuple[str, ...] = attrs.field(converter=_words, default=("id",))
    more: tuple[str, ...] = attrs.field(converter=_words, default=())
    filters: Mapping[str, str] = attrs.field(factory=dict)
    orders: tuple[str, ...] = attrs.field(converter=_words, default=())
    names: Mapping[str, str] = attrs.field(factory=dict)
    writes: Mapping[str, str] = attrs.field(factory=dict)
    creates: tuple[str, ...] = attrs.field(converter=_words, default=())
    changes: tuple[str, ...] = attrs.field(converter=_words, default=())
    needs: tuple[str, ...] = attrs.field(converter=_words, default=())
    deletes: bool = False
    nests: tuple[str, ...] = attrs.field(converter=_words, default=())
    numbers: tuple[str, ...] = attrs.field(converter=_words, default=())
    bulk: Bulk | None = None
    makes: str = ""
    made_below: str = ""
    numbered: bool = False
    reuses: bool = False

    @cached_property
    def shown(self) -> frozenset[str]:
        """Every field that rows of some kind carry."""
        return frozenset((*self.listed, *self.more, *(self.bulk.fields if self.bulk else ())))


def _same(text: str) -> dict[str, str]:
    return {name: name for name in text.split()}


def _lists(text: str) -> dict[str, str]:
    """Give names that take one value or several, under the same parameter."""
    return _same(text) | {f"{name}__in": name for name in text.split()}


def _ranges(text: str) -> dict[str, str]:
    return _same(" ".join(f"{name}__{end}" for name in text.split() for end in ("gt", "gte", "lt", "lte")))


_TENANT: Final = {"tenant": "tenant_id"}
_PROJECT: Final = (
    "title description category data_collection_id configuration caution access_level "
    "count_max_assignments_per_task can_discard enable_workforce"
)
_COLLECTION: Final = "name description category meta caution access_level file_specifications"
_MOMENTS: Final = (
    "created label_submitted last_labeled last_reviewed labeler_last_action_at reviewer_last_action_at"
)
_RUN: Final = {"created__gte": "created_after", "created__lte": "created_before", **_same("job__status")}

_WORK: Final[Mapping[str, Row]] = {
    "projects": Row(
        "v2/projects/",
        listed="id title category is_archived created",
        more=f"tenant {_PROJECT} settings",
        filters=_same("category data_collection"),
        names=_TENANT,
        creates=_PROJECT,
        changes=_PROJECT,
        needs="configuration",
        deletes=True,
    ),
    "tasks": Row(
        "v2/tasks/",
        listed="id project_id data_unit_id is_discarded has_data created",
        more="workshop meta data schema",
        filters=_same("project is_discarded has_data schema"),
        names={"workshop": "workshop_id"},
        creates="project_id data_unit_id meta",
        changes="project_id data_unit_id meta",
        deletes=True,
        bulk=Bulk("v2/tasks/bulk-fetch/", "data"),
    ),
    "task_tags": Row(
        "v2/projects/{}/tags/",
        below="project_id",
        listed="id name category created",
        more="project_id description meta",
        filters=_same("category"),
        creates="name category description meta",
        changes="name description meta",
        needs="category",
        deletes=True,
    ),
    "assignments": Row(
        "v2/assignments/",
        listed="id user task_id status_label status_review is_confirmed is_discarded created",
        more="reviewer data tags",
        filters=_same("id id__in project workshop is_confirmed is_discarded is_discard_confirmed")
        | _lists("tasks users reviewers groups stages tags task_tags status_label status_review")
        | _ranges(f"id {_MOMENTS}"),
        orders="id created",
        names={"user": "user_id", "reviewer": "reviewer_id"},
        bulk=Bulk("v2/assignments/bulk-fetch/", "data data_unit_id"),
    ),
    "reviews": Row(
        "v2/reviews/",
        listed="id assignment_id scope is_active created",
        more="user tags object_id description position",
        filters=_same("assignment scope"),
        names={"user": "user_id"},
        creates="assignment_id scope tags object_id description position",
        changes="tags description position",
    ),
    "review_tags": Row(
        "v2/projects/{}/review-tags/",
        single="v2/review-tags/",
        below="project_id",
        listed="id name background_color created",
        more="project_id description",
        filters={"name__contains": "name"},
        creates="name background_color description",
        changes="name background_color description",
        deletes=True,
    ),
}

_DATA: Final[Mapping[str, Row]] = {
    "data_collections": Row(
        "v2/data-collections/",
        listed="id name category access_level is_archived created count_projects",
        more=f"tenant {_COLLECTION}",
        filters=_same("category"),
        names=_TENANT,
        creates=_COLLECTION,
        changes=_COLLECTION,
        needs="file_specifications",
        deletes=True,
    ),
    "data_groups": Row(
        "v2/data-collections/{}/groups/",
        below="data_collection_id",
        listed="id name",
        more="data_collection_id",
        creates="name",
        deletes=True,
    ),
    "data_units": Row(
        "v2/data-units/",
        listed="id data_collection_id checksum created",
        more="group meta",
        filters=_same("data_collection"),
        names={"group": "group_id"},
        creates="data_collection_id files groups meta",
        changes="data_collection_id meta",
        deletes=True,
        makes="v2/data-units/bulk-create/",
        reuses=True,
    ),
    "data_files": Row(
        "v2/data-files/",
        listed="id checksum size created",
        more="meta storage",
        filters=_same("checksum data_collection"),
        names={"size": "file_size", "storage": "storage_id"},
    ),
    "ground_truth_datasets": Row(
        "v2/ground-truth-datasets/",
        listed="id name",
        more="tenant project_id description",
        filters=_same("project"),
        names=_TENANT,
        creates="name description",
        changes="name description",
        deletes=True,
    ),
    "ground_truth_versions": Row(
        "v2/ground-truth-datasets/{}/versions/",
        below="ground_truth_dataset_id",
        listed="id version created",
        more="ground_truth_dataset_id description is_archived",
        creates="version description",
    ),
    "ground_truths": Row(
        "v2/ground-truths/",
        listed="id ground_truth_dataset_id data_unit_id category",
        more="project_id data classes",
        filters=_same("id ground_truth_dataset task category")
        | _lists("classes")
        | {"category__in": "categories"},
        orders="id",
        bulk=Bulk("v2/ground-truths/bulk-data/", "project_id data classes"),
    ),
    "ground_truth_events": Row(
        "v2/ground-truth-events/",
        listed="pgh_id ground_truth_id pgh_label data_unit_id ground_truth_dataset_id data_size data_digest",
        filters={
            **_same("ground_truth_dataset project"),
            "ground_truth_dataset_versions": "ground_truth_dataset_version",
        },
        orders="pgh_id",
        names={"ground_truth_id": "id"},
        bulk=Bulk("v2/ground-truth-events/bulk-data/", "data files", key="pgh_ids"),
    ),
}

_PLUGINS: Final[Mapping[str, Row]] = {
    "plugins": Row(
        "v2/plugins/",
        listed="id code name category is_active created",
        more="tenant description system_only is_public",
        filters=_same("category is_active"),
        names=_TENANT,
        creates="code name category description",
        changes="name description",
    ),
    "plugin_releases": Row(
        "v2/plugin-releases/",
        listed="id plugin_id version created debug is_released",
        more="readme config run_schema installation_schema available_actions author meta",
        filters=_same("plugin debug"),
        deletes=True,
        nests="plugin",
        numbers="plugin",
    ),
    "jobs": Row(
        "v2/jobs/",
        listed="id status action queue error is_active created completed",
        more="params progress_record metrics_record result meta plugin_release_id modified",
        filters=_same("status action"),
        changes="status progress_record metrics_record meta result",
        nests="plugin_release",
    ),
    "job_logs": Row(
        "v2/job-logs/",
        listed="id job_id event step level datetime created",
        more="data file",
        filters=_same("job event level"),
        creates="job_id event step level data datetime",
        needs="data",
        makes="v2/jobs/{}/logs/",
        made_below="job_id",
    ),
    "models": Row(
        "v2/models/",
        listed="id name category is_released is_external created",
        more="tenant neural_net dataset description configuration",
        filters=_same("is_released"),
        names={**_TENANT, "neural_net": "neural_net_id", "dataset": "dataset_id"},
        changes="name description",
        deletes=True,
    ),
    "experiments": Row(
        "v2/experiments/",
        listed="id name access_level is_archived created",
        more="tenant task_type description",
        names={**_TENANT, "task_type": "task_id"},
        writes={"task_type": "task"},
        creates="name description task_type access_level",
        changes="name description task_type access_level",
        deletes=True,
    ),
    "trains": Row(
        "v2/trains/",
        listed="id experiment_id is_tune created job_id job_status",
        more="neural_net ground_truth_version_id checkpoint_id name description tune_config best_trial",
        filters={
            **_same("experiment has_model search"),
            **_RUN,
            "ground_truth_version": "dataset",
        },
        orders="created",
        names={
            "experiment_id": "experiment",
            "ground_truth_version_id": "ground_truth_dataset_version",
            "checkpoint_id": "checkpoint",
        },
        nests="job",
    ),
    "uploads": Row(
        "v2/uploads/",
        listed="id data_collection_id project_id created job_id job_status",
        more="storage_id path name description is_recursive extra_params",
        filters=_same("data_collection project storage job__action") | _RUN,
        orders="created",
        names={"data_collection_id": "data_collection", "project_id": "project", "storage_id": "storage"},
        nests="job",
    ),
    "exports": Row(
        "v2/exports/",
        listed="id target created job_id job_status",
        more="storage_id path name description filter extra_params save_original_file",
        filters=_same("project storage target") | _RUN,
        orders="created",
        names={"storage_id": "storage"},
        nests="job",
    ),
    "async_jobs": Row(
        "v2/async_jobs/",
        listed=(
            "id status category type queue triggered_by progress data file ray_job_id created started finished "
            "succeeded failed"
        ),
        filters={**_same("triggered_by search"), "id__in": "ids"},
        orders="created",
        numbered=True,
    ),
}

ROWS: Final[Mapping[str, Row]] = {**_WORK, **_DATA, **_PLUGINS}

ALONE: Final = frozenset(
    ["experiments", "trains", "reviews", "review_tags", "data_groups", "uploads", "exports", "async_jobs"]
)
"""What no other API has."""

KEPT: Final = frozenset(["job_logs", "ground_truth_events"])
"""What no API deletes."""
