"""Experiments, and the training runs that they are made of."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from synapse.entities.choices import AccessLevel, JobStatus
from synapse.entities.typed import ExperimentQueries, TrainQueries
from synapse.mapping import Json, Uuid, read_only
from synapse.orm import Entity, ManagedBy, ToMany, ToOne, entity
from synapse.query import EXACT, SEARCH, By, Exact, Gte, Lte

if TYPE_CHECKING:
    from synapse.entities.ground_truth import GroundTruthVersion
    from synapse.entities.job import Job
    from synapse.entities.model import Model


class ExperimentManager(ExperimentQueries):
    """Queries of experiments."""


@entity("experiments", order_by=("created", "id"), natural=("name",))
class Experiment(Entity):
    """A body of training runs on one kind of task; to delete it deletes them too."""

    id: int = read_only()
    name: str
    task_type: int
    description: str = ""
    access_level: AccessLevel = AccessLevel.PRIVATE
    is_archived: bool = read_only()
    tenant: int | None = read_only()
    created: datetime | None = read_only()

    trains = ToMany["TrainManager"](by="experiment")

    objects = ManagedBy(ExperimentManager)


class TrainManager(TrainQueries):
    """Queries of training runs."""


@entity("trains", order_by=("created", "id"))
class Train(Entity):
    """One training run of an `Experiment`, on one version of a dataset."""

    id: int = read_only()
    experiment_id: int = read_only()
    ground_truth_version_id: int = read_only()
    job_id: Uuid | None = read_only()
    job_status: JobStatus | str | None = read_only()
    name: str = read_only()
    description: str = read_only()
    neural_net: int | None = read_only()
    checkpoint_id: int | None = read_only()
    is_tune: bool = read_only()
    tune_config: Json | None = read_only()
    best_trial: Json | None = read_only()
    created: datetime | None = read_only()

    _made_by = "plugin.run(action=...) of a plugin that trains"

    experiment = ToOne["Experiment"](via="experiment_id")
    ground_truth_version = ToOne["GroundTruthVersion"](via="ground_truth_version_id")
    job = ToOne["Job | None"](via="job_id")
    checkpoint = ToOne["Model | None"](via="checkpoint_id")

    objects = ManagedBy(TrainManager)

    lookups = {
        "experiment": EXACT,
        "ground_truth_version": EXACT,
        "has_model": By(Exact, of=bool),
        "job__status": By(Exact, of=JobStatus),
        "created": By(Gte, Lte),
        "search": SEARCH,
    }
