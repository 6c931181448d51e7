"""The domain, declared: one class for each entity of the backend."""

from __future__ import annotations

from synapse.entities.agent import Agent, ServeApplication
from synapse.entities.assignment import Assignment
from synapse.entities.choices import (
    AccessLevel,
    CollectionCategory,
    JobStatus,
    LogLevel,
    PluginCategory,
    ProjectCategory,
    ServeStatus,
    Split,
    StatusLabel,
    StatusReview,
    StorageCategory,
    StorageProvider,
    TagCategory,
    TaskSchema,
)
from synapse.entities.collection import DataCollection, FileSpecification
from synapse.entities.data import DataFile, DataUnit
from synapse.entities.ground_truth import (
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
)
from synapse.entities.job import Job, JobLog
from synapse.entities.model import Model
from synapse.entities.plugin import Plugin, PluginRelease
from synapse.entities.project import Project
from synapse.entities.session import Session, connect, disconnect
from synapse.entities.storage import Storage
from synapse.entities.task import Task, TaskTag
from synapse.orm import Entity

__all__ = [
    "AccessLevel",
    "Agent",
    "Assignment",
    "CollectionCategory",
    "DataCollection",
    "DataFile",
    "DataUnit",
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
    "connect",
    "disconnect",
]

for _name in __all__:
    # Users import from `synapse`, so tracebacks and pickles name that; modules may then move.
    _public = globals()[_name]
    _public.__module__ = "synapse"
    if isinstance(_public, type) and issubclass(_public, Entity):
        for _error in (_public.DoesNotExist, _public.MultipleObjectsReturned):
            _error.__module__ = "synapse"
