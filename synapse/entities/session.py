"""The public session, on which every manager hangs by its plural name."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final, ParamSpec, cast

from synapse import session as base
from synapse.masking import conceal
from synapse.orm.record import entity_named, objects_of
from synapse.session.auth import TOKENS

if TYPE_CHECKING:
    from synapse.entities.agent import AgentManager, ServeApplicationManager
    from synapse.entities.assignment import AssignmentManager
    from synapse.entities.async_job import AsyncJobManager
    from synapse.entities.collection import DataCollectionManager
    from synapse.entities.data import DataFileManager, DataGroupManager, DataUnitManager
    from synapse.entities.experiment import ExperimentManager, TrainManager
    from synapse.entities.ground_truth import (
        GroundTruthDatasetManager,
        GroundTruthEventManager,
        GroundTruthManager,
        GroundTruthVersionManager,
    )
    from synapse.entities.job import JobLogManager, JobManager
    from synapse.entities.model import ModelManager
    from synapse.entities.plugin import PluginManager, PluginReleaseManager
    from synapse.entities.plugin_runs import ExportManager, UploadManager
    from synapse.entities.project import ProjectManager
    from synapse.entities.review import ReviewManager, ReviewTagManager
    from synapse.entities.storage import StorageManager
    from synapse.entities.task import TaskManager, TaskTagManager
    from synapse.session.account import Account

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

    async def ame(self) -> Account:
        """The asynchronous twin of `me`: `await` it."""
        from synapse.asynchronous.bridge import in_worker

        return await in_worker(lambda: self.me)

    def _objects(self, entity: str) -> Any:
        # By name, so that the modules of entities are imported when they are used.
        return objects_of(entity_named(entity)).using(self)

    @property
    def projects(self) -> ProjectManager:
        """`Project.objects`, through this session."""
        return cast("ProjectManager", self._objects("Project"))

    @property
    def tasks(self) -> TaskManager:
        """`Task.objects`, through this session."""
        return cast("TaskManager", self._objects("Task"))

    @property
    def task_tags(self) -> TaskTagManager:
        """`TaskTag.objects`, through this session."""
        return cast("TaskTagManager", self._objects("TaskTag"))

    @property
    def assignments(self) -> AssignmentManager:
        """`Assignment.objects`, through this session."""
        return cast("AssignmentManager", self._objects("Assignment"))

    @property
    def data_collections(self) -> DataCollectionManager:
        """`DataCollection.objects`, through this session."""
        return cast("DataCollectionManager", self._objects("DataCollection"))

    @property
    def data_files(self) -> DataFileManager:
        """`DataFile.objects`, through this session."""
        return cast("DataFileManager", self._objects("DataFile"))

    @property
    def data_units(self) -> DataUnitManager:
        """`DataUnit.objects`, through this session."""
        return cast("DataUnitManager", self._objects("DataUnit"))

    @property
    def ground_truths(self) -> GroundTruthManager:
        """`GroundTruth.objects`, through this session."""
        return cast("GroundTruthManager", self._objects("GroundTruth"))

    @property
    def ground_truth_events(self) -> GroundTruthEventManager:
        """`GroundTruthEvent.objects`, through this session."""
        return cast("GroundTruthEventManager", self._objects("GroundTruthEvent"))

    @property
    def ground_truth_datasets(self) -> GroundTruthDatasetManager:
        """`GroundTruthDataset.objects`, through this session."""
        return cast("GroundTruthDatasetManager", self._objects("GroundTruthDataset"))

    @property
    def ground_truth_versions(self) -> GroundTruthVersionManager:
        """`GroundTruthVersion.objects`, through this session."""
        return cast("GroundTruthVersionManager", self._objects("GroundTruthVersion"))

    @property
    def plugins(self) -> PluginManager:
        """`Plugin.objects`, through this session."""
        return cast("PluginManager", self._objects("Plugin"))

    @property
    def plugin_releases(self) -> PluginReleaseManager:
        """`PluginRelease.objects`, through this session."""
        return cast("PluginReleaseManager", self._objects("PluginRelease"))

    @property
    def jobs(self) -> JobManager:
        """`Job.objects`, through this session."""
        return cast("JobManager", self._objects("Job"))

    @property
    def job_logs(self) -> JobLogManager:
        """`JobLog.objects`, through this session."""
        return cast("JobLogManager", self._objects("JobLog"))

    @property
    def storages(self) -> StorageManager:
        """`Storage.objects`, through this session."""
        return cast("StorageManager", self._objects("Storage"))

    @property
    def models(self) -> ModelManager:
        """`Model.objects`, through this session."""
        return cast("ModelManager", self._objects("Model"))

    @property
    def agents(self) -> AgentManager:
        """`Agent.objects`, through this session."""
        return cast("AgentManager", self._objects("Agent"))

    @property
    def serve_applications(self) -> ServeApplicationManager:
        """`ServeApplication.objects`, through this session."""
        return cast("ServeApplicationManager", self._objects("ServeApplication"))

    @property
    def async_jobs(self) -> AsyncJobManager:
        """`AsyncJob.objects`, through this session."""
        return cast("AsyncJobManager", self._objects("AsyncJob"))

    @property
    def data_groups(self) -> DataGroupManager:
        """`DataGroup.objects`, through this session."""
        return cast("DataGroupManager", self._objects("DataGroup"))

    @property
    def experiments(self) -> ExperimentManager:
        """`Experiment.objects`, through this session."""
        return cast("ExperimentManager", self._objects("Experiment"))

    @property
    def exports(self) -> ExportManager:
        """`Export.objects`, through this session."""
        return cast("ExportManager", self._objects("Export"))

    @property
    def reviews(self) -> ReviewManager:
        """`Review.objects`, through this session."""
        return cast("ReviewManager", self._objects("Review"))

    @property
    def review_tags(self) -> ReviewTagManager:
        """`ReviewTag.objects`, through this session."""
        return cast("ReviewTagManager", self._objects("ReviewTag"))

    @property
    def trains(self) -> TrainManager:
        """`Train.objects`, through this session."""
        return cast("TrainManager", self._objects("Train"))

    @property
    def uploads(self) -> UploadManager:
        """`Upload.objects`, through this session."""
        return cast("UploadManager", self._objects("Upload"))


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
