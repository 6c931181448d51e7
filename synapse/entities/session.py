"""The public session, on which every manager hangs by its plural name."""

from __future__ import annotations

from typing import Any

from synapse import session as base
from synapse.entities.agent import Agent, ServeApplication
from synapse.entities.assignment import Assignment, AssignmentManager
from synapse.entities.collection import DataCollection
from synapse.entities.data import DataFile, DataFileManager, DataUnit
from synapse.entities.ground_truth import (
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
)
from synapse.entities.job import Job, JobLog, JobLogManager
from synapse.entities.model import Model, ModelManager
from synapse.entities.plugin import Plugin, PluginRelease
from synapse.entities.project import Project
from synapse.entities.storage import Storage, StorageManager
from synapse.entities.task import Task, TaskManager, TaskTag, TaskTagManager
from synapse.masking import conceal
from synapse.orm import Manager
from synapse.session.auth import TOKENS


class Session(base.Session):
    """A connection to one backend, on which every manager hangs: `session.tasks.filter(project=1)`.

    What is not given comes from the environment, then from `~/.synapse/config.json`. `with session:` makes it current
    in this thread or task until the block ends; `close()` frees its sockets.
    """

    @property
    def projects(self) -> Manager[Project]:
        """`Project.objects`, through this session."""
        return Project.objects.using(self)

    @property
    def tasks(self) -> TaskManager:
        """`Task.objects`, through this session."""
        return Task.objects.using(self)

    @property
    def task_tags(self) -> TaskTagManager:
        """`TaskTag.objects`, through this session."""
        return TaskTag.objects.using(self)

    @property
    def assignments(self) -> AssignmentManager:
        """`Assignment.objects`, through this session."""
        return Assignment.objects.using(self)

    @property
    def data_collections(self) -> Manager[DataCollection]:
        """`DataCollection.objects`, through this session."""
        return DataCollection.objects.using(self)

    @property
    def data_files(self) -> DataFileManager:
        """`DataFile.objects`, through this session."""
        return DataFile.objects.using(self)

    @property
    def data_units(self) -> Manager[DataUnit]:
        """`DataUnit.objects`, through this session."""
        return DataUnit.objects.using(self)

    @property
    def ground_truths(self) -> Manager[GroundTruth]:
        """`GroundTruth.objects`, through this session."""
        return GroundTruth.objects.using(self)

    @property
    def ground_truth_events(self) -> Manager[GroundTruthEvent]:
        """`GroundTruthEvent.objects`, through this session."""
        return GroundTruthEvent.objects.using(self)

    @property
    def ground_truth_datasets(self) -> Manager[GroundTruthDataset]:
        """`GroundTruthDataset.objects`, through this session."""
        return GroundTruthDataset.objects.using(self)

    @property
    def ground_truth_versions(self) -> Manager[GroundTruthVersion]:
        """`GroundTruthVersion.objects`, through this session."""
        return GroundTruthVersion.objects.using(self)

    @property
    def plugins(self) -> Manager[Plugin]:
        """`Plugin.objects`, through this session."""
        return Plugin.objects.using(self)

    @property
    def plugin_releases(self) -> Manager[PluginRelease]:
        """`PluginRelease.objects`, through this session."""
        return PluginRelease.objects.using(self)

    @property
    def jobs(self) -> Manager[Job]:
        """`Job.objects`, through this session."""
        return Job.objects.using(self)

    @property
    def job_logs(self) -> JobLogManager:
        """`JobLog.objects`, through this session."""
        return JobLog.objects.using(self)

    @property
    def storages(self) -> StorageManager:
        """`Storage.objects`, through this session."""
        return Storage.objects.using(self)

    @property
    def models(self) -> ModelManager:
        """`Model.objects`, through this session."""
        return Model.objects.using(self)

    @property
    def agents(self) -> Manager[Agent]:
        """`Agent.objects`, through this session."""
        return Agent.objects.using(self)

    @property
    def serve_applications(self) -> Manager[ServeApplication]:
        """`ServeApplication.objects`, through this session."""
        return ServeApplication.objects.using(self)


def connect(host: str | None = None, **settings: Any) -> Session:
    """Open a session and make it the default of the process; the arguments are those of `Session`.

    >>> connect("https://api.synapse.sh", api_token="syn_0123456789abcdef")
    <Session https://api.synapse.sh>
    """
    # What is no secret stays plain text: rows and queries are pickled with their tenant.
    secret = (*TOKENS, "proxies")
    settings = {name: conceal(value) if name in secret else value for name, value in settings.items()}
    session = Session(host, **settings)
    base.set_default(session)
    return session


def disconnect() -> None:
    """Close the default session of the process, if there is one."""
    previous = base.set_default(None)
    if previous is not None:
        previous.close()


base.set_factory(Session)
