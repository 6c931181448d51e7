"""The public session, on which every manager hangs by its plural name."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, ParamSpec, cast

from synapse import session as base
from synapse.entities.agent import Agent, AgentManager, ServeApplication, ServeApplicationManager
from synapse.entities.assignment import Assignment, AssignmentManager
from synapse.entities.collection import DataCollection, DataCollectionManager
from synapse.entities.data import DataFile, DataFileManager, DataUnit, DataUnitManager
from synapse.entities.ground_truth import (
    GroundTruth,
    GroundTruthDataset,
    GroundTruthDatasetManager,
    GroundTruthEvent,
    GroundTruthEventManager,
    GroundTruthManager,
    GroundTruthVersion,
    GroundTruthVersionManager,
)
from synapse.entities.job import Job, JobLog, JobLogManager, JobManager
from synapse.entities.model import Model, ModelManager
from synapse.entities.plugin import Plugin, PluginManager, PluginRelease, PluginReleaseManager
from synapse.entities.project import Project, ProjectManager
from synapse.entities.storage import Storage, StorageManager
from synapse.entities.task import Task, TaskManager, TaskTag, TaskTagManager
from synapse.masking import conceal
from synapse.session.auth import TOKENS

P = ParamSpec("P")
_INTERNAL: Final = frozenset(
    ("bare", "check_link", "check_open", "had_made", "has_made", "lines", "masked", "note_made")
    + ("note_rewriting", "pause", "put", "reset", "rewrites")
)
"""What the parts of the SDK call, and nobody else."""


class Session(base.Session):
    """A connection to one backend, on which every manager hangs: `session.tasks.filter(project=1)`.

    What is not given comes from the environment, then from `~/.synapse/config.json`. `with session:` makes it current
    in this thread or task until the block ends; `close()` frees its sockets.
    """

    def __dir__(self) -> list[str]:
        return sorted(set(super().__dir__()) - _INTERNAL)

    @property
    def projects(self) -> ProjectManager:
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
    def data_collections(self) -> DataCollectionManager:
        """`DataCollection.objects`, through this session."""
        return DataCollection.objects.using(self)

    @property
    def data_files(self) -> DataFileManager:
        """`DataFile.objects`, through this session."""
        return DataFile.objects.using(self)

    @property
    def data_units(self) -> DataUnitManager:
        """`DataUnit.objects`, through this session."""
        return DataUnit.objects.using(self)

    @property
    def ground_truths(self) -> GroundTruthManager:
        """`GroundTruth.objects`, through this session."""
        return GroundTruth.objects.using(self)

    @property
    def ground_truth_events(self) -> GroundTruthEventManager:
        """`GroundTruthEvent.objects`, through this session."""
        return GroundTruthEvent.objects.using(self)

    @property
    def ground_truth_datasets(self) -> GroundTruthDatasetManager:
        """`GroundTruthDataset.objects`, through this session."""
        return GroundTruthDataset.objects.using(self)

    @property
    def ground_truth_versions(self) -> GroundTruthVersionManager:
        """`GroundTruthVersion.objects`, through this session."""
        return GroundTruthVersion.objects.using(self)

    @property
    def plugins(self) -> PluginManager:
        """`Plugin.objects`, through this session."""
        return Plugin.objects.using(self)

    @property
    def plugin_releases(self) -> PluginReleaseManager:
        """`PluginRelease.objects`, through this session."""
        return PluginRelease.objects.using(self)

    @property
    def jobs(self) -> JobManager:
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
    def agents(self) -> AgentManager:
        """`Agent.objects`, through this session."""
        return Agent.objects.using(self)

    @property
    def serve_applications(self) -> ServeApplicationManager:
        """`ServeApplication.objects`, through this session."""
        return ServeApplication.objects.using(self)


def _taking(made: Callable[P, Session]) -> Callable[[Callable[..., Session]], Callable[P, Session]]:
    """Tell type checkers, completers and `help()` that a function takes the arguments of a class."""

    def told(function: Callable[..., Session]) -> Callable[P, Session]:
        cast("Any", function).__wrapped__ = made
        return function

    return told


@_taking(Session)
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
