"""Ground truth: agreed annotations, their datasets, and the versions that freeze them."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import attrs

from synapse.asynchronous.twins import sends
from synapse.asynchronous.typed import GroundTruthDatasetTwins
from synapse.downloads import RemoteFile
from synapse.entities.annotating import annotations_of
from synapse.entities.choices import Split
from synapse.entities.typed import (
    GroundTruthDatasetQueries,
    GroundTruthEventQueries,
    GroundTruthQueries,
    GroundTruthVersionQueries,
)
from synapse.mapping import Json, read_only
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, entity
from synapse.orm.binding import held
from synapse.query import CHOICE, EXACT, By, Exact, In

if TYPE_CHECKING:
    from synapse.annotations import Annotations
    from synapse.entities.data import DataUnit
    from synapse.entities.project import Project


class GroundTruthDatasetManager(GroundTruthDatasetQueries):
    """Queries of datasets."""


@entity("ground_truth_datasets", natural=("name",))
class GroundTruthDataset(GroundTruthDatasetTwins, Entity):
    """A named set of ground truths."""

    id: int = read_only()
    name: str
    description: str = ""
    project_id: int | None = None
    tenant: int | None = read_only()

    project = ToOne["Project | None"](via="project_id")
    ground_truths = ToMany["GroundTruthManager"](by="ground_truth_dataset")
    versions = ToMany["GroundTruthVersionManager"](by="ground_truth_dataset")

    objects = ManagedBy(GroundTruthDatasetManager)

    lookups = {
        "project": EXACT,
    }

    @sends
    def freeze(self, version: str, *, description: str = "") -> GroundTruthVersion:
        """Freeze the current content of the dataset as a new version."""
        held(self, "freeze")
        return self.versions.create(version=version, description=description)


class GroundTruthVersionManager(GroundTruthVersionQueries):
    """Queries of versions."""


@entity("ground_truth_versions", order_by=("id", "created"), natural=("version",))
class GroundTruthVersion(Entity):
    """A frozen state of a dataset; its `events` are the ground truths as they were."""

    id: int = read_only()
    ground_truth_dataset_id: int
    version: str
    description: str = ""
    is_archived: bool = False
    created: datetime | None = read_only()

    ground_truth_dataset = ToOne["GroundTruthDataset"](via="ground_truth_dataset_id")
    events = ToMany["GroundTruthEventManager"](by="ground_truth_dataset_versions")

    objects = ManagedBy(GroundTruthVersionManager)

    lookups = {
        "ground_truth_dataset": EXACT,
        "is_archived": EXACT,
    }


class GroundTruthManager(GroundTruthQueries):
    """Queries of ground truths, the download of their files, and their export."""


@entity("ground_truths")
class GroundTruth(Entity):
    """The agreed annotation of one data unit."""

    id: int = read_only()
    ground_truth_dataset_id: int
    data_unit_id: int
    category: Split | str = Split.TRAIN
    data: Json | None = None
    classes: list[str] = attrs.field(factory=list)
    project_id: int | None = None
    files: dict[str, RemoteFile] = read_only()

    ground_truth_dataset = ToOne["GroundTruthDataset"](via="ground_truth_dataset_id")
    data_unit = ToOne["DataUnit"](via="data_unit_id")
    project = ToOne["Project | None"](via="project_id")

    objects = ManagedBy(GroundTruthManager)

    lookups = {
        "id": EXACT,
        "ground_truth_dataset": EXACT,
        "ground_truth_dataset_versions": By(Exact, In, of="GroundTruthVersion", many=True),
        "task": By(Exact, of="Task"),
        "category": CHOICE,
        "classes": By(Exact, In, of=str, many=True),
    }

    @property
    def annotations(self) -> Annotations:
        """The annotations in `data`, in order; raises `MappingError` if the format of `data` is unknown."""
        return annotations_of(self, self.data)


class GroundTruthEventManager(GroundTruthEventQueries):
    """Queries of events, the download of their files, and their export."""


@entity("ground_truth_events", pk="pgh_id", order_by=("pgh_id",))
class GroundTruthEvent(Entity):
    """A ground truth as it was at one moment; `ground_truth_id` names it, `pgh_id` the event."""

    pgh_id: int = read_only()
    ground_truth_id: int = read_only()
    pgh_label: str = read_only()
    ground_truth_dataset_id: int = read_only()
    data_unit_id: int | None = read_only()
    category: Split | str = read_only()
    data: Json | None = read_only()
    classes: list[str] = read_only()
    files: dict[str, RemoteFile] | None = read_only()
    data_digest: str | None = read_only()
    data_size: int | None = read_only()

    _made_by = "the backend, one for each change of a GroundTruth"

    ground_truth = ToOne["GroundTruth"](via="ground_truth_id")
    ground_truth_dataset = ToOne["GroundTruthDataset"](via="ground_truth_dataset_id")
    data_unit = ToOne["DataUnit | None"](via="data_unit_id")

    objects = ManagedBy(GroundTruthEventManager)

    lookups = {
        "ground_truth": EXACT,
        "ground_truth_dataset": EXACT,
        "project": By(Exact, of="Project"),
        "ground_truth_dataset_versions": By(Exact, In, of="GroundTruthVersion", many=True),
        "task": By(Exact, of="Task"),
        "category": CHOICE,
        "classes": By(Exact, In, of=str, many=True),
    }

    @property
    def annotations(self) -> Annotations:
        """The annotations in `data`, in order; raises `MappingError` if the format of `data` is unknown."""
        return annotations_of(self, self.data)
