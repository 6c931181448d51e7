"""The domain, declared: one class for each entity of the backend."""

from __future__ import annotations

import importlib

from typing import TYPE_CHECKING, Any, Final

from synapse.entities.choices import (
    AccessLevel,
    AsyncJobStatus,
    CollectionCategory,
    ExportTarget,
    JobStatus,
    LogLevel,
    PluginCategory,
    ProjectCategory,
    ReviewScope,
    ServeStatus,
    Split,
    StatusLabel,
    StatusReview,
    StorageCategory,
    StorageProvider,
    TagCategory,
    TaskSchema,
)
from synapse.entities.session import Session, connect, disconnect
from synapse.orm import Entity
from synapse.orm.record import declare

if TYPE_CHECKING:
    from synapse.entities.agent import Agent, ServeApplication
    from synapse.entities.assignment import Assignment
    from synapse.entities.async_job import AsyncJob
    from synapse.entities.collection import DataCollection, FileSpecification
    from synapse.entities.data import DataFile, DataGroup, DataUnit
    from synapse.entities.experiment import Experiment, Train
    from synapse.entities.ground_truth import (
        GroundTruth,
        GroundTruthDataset,
        GroundTruthEvent,
        GroundTruthVersion,
    )
    from synapse.entities.job import Job, JobLog
    from synapse.entities.model import Model
    from synapse.entities.plugin import Plugin, PluginRelease
    from synapse.entities.plugin_runs import Export, Upload
    from synapse.entities.project import Project
    from synapse.entities.review import Review, ReviewTag
    from synapse.entities.storage import Storage
    from synapse.entities.task import Task, TaskTag

__all__ = [
    "AccessLevel",
    "Agent",
    "Assignment",
    "AsyncJob",
    "AsyncJobStatus",
    "CollectionCategory",
    "DataCollection",
    "DataFile",
    "DataGroup",
    "DataUnit",
    "Experiment",
    "Export",
    "ExportTarget",
    "FileSpecification",
    "GroundTruth",
    "GroundTruthDataset",
    "GroundTruthEvent",
    "GroundTruthVersion",
    "Job",
    "JobLog",
    "JobStatus",
    "LogLevel",
    "Model",
    "Plugin",
    "PluginCategory",
    "PluginRelease",
    "Project",
    "ProjectCategory",
    "Review",
    "ReviewScope",
    "ReviewTag",
    "ServeApplication",
    "ServeStatus",
    "Session",
    "Split",
    "StatusLabel",
    "StatusReview",
    "Storage",
    "StorageCategory",
    "StorageProvider",
    "TagCategory",
    "Task",
    "TaskSchema",
    "TaskTag",
    "Train",
    "Upload",
    "connect",
    "disconnect",
]

_MODULES: Final = {
    "Agent": "agent",
    "Assignment": "assignment",
    "AsyncJob": "async_job",
    "DataCollection": "collection",
    "DataFile": "data",
    "DataGroup": "data",
    "DataUnit": "data",
    "Experiment": "experiment",
    "Export": "plugin_runs",
    "FileSpecification": "collection",
    "GroundTruth": "ground_truth",
    "GroundTruthDataset": "ground_truth",
    "GroundTruthEvent": "ground_truth",
    "GroundTruthVersion": "ground_truth",
    "Job": "job",
    "JobLog": "job",
    "Model": "model",
    "Plugin": "plugin",
    "PluginRelease": "plugin",
    "Project": "project",
    "Review": "review",
    "ReviewTag": "review",
    "ServeApplication": "agent",
    "Storage": "storage",
    "Task": "task",
    "TaskTag": "task",
    "Train": "experiment",
    "Upload": "plugin_runs",
}
"""Where what is imported with its first use is declared."""


def _publish(public: Any) -> None:
    """Let a name go by `synapse`, where users import it from: so do tracebacks and pickles, and modules may move."""
    public.__module__ = "synapse"
    if isinstance(public, type) and issubclass(public, Entity):
        for error in (public.DoesNotExist, public.MultipleObjectsReturned):
            error.__module__ = "synapse"


def _load(name: str) -> Any:
    """Import the module that declares a name, and give what it names."""
    module = importlib.import_module(f"{__name__}.{_MODULES[name]}")
    for each, where in _MODULES.items():
        if where == _MODULES[name]:
            _publish(getattr(module, each))
            globals()[each] = getattr(module, each)
    return globals()[name]


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _load(name)


for _name in set(__all__) - set(_MODULES):
    _publish(globals()[_name])
declare(
    {name: f"{__name__}.{module}" for name, module in _MODULES.items() if name != "FileSpecification"},
    load=_load,
)
