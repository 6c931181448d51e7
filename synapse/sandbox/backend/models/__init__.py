"""Every table of the sandbox, named and shaped as on the wire."""

from __future__ import annotations

from .accounts import AccessToken, Agent, Storage, Tenant
from .data import (
    ChunkedUpload,
    DataCollection,
    DataFile,
    DataUnit,
    DataUnitFile,
    DataUnitGroup,
    FileSpecification,
)
from .ground_truth import GroundTruth, GroundTruthDataset, GroundTruthEvent, GroundTruthVersion
from .plugins import Job, JobLog, Model, Plugin, PluginRelease, ServeApplication
from .work import Assignment, Project, Task, TaskTag

__all__ = [
    "AccessToken",
    "Agent",
    "Assignment",
    "ChunkedUpload",
    "DataCollection",
    "DataFile",
    "DataUnit",
    "DataUnitFile",
    "DataUnitGroup",
    "FileSpecification",
    "GroundTruth",
    "GroundTruthDataset",
    "GroundTruthEvent",
    "GroundTruthVersion",
    "Job",
    "JobLog",
    "Model",
    "Plugin",
    "PluginRelease",
    "Project",
    "ServeApplication",
    "Storage",
    "Task",
    "TaskTag",
    "Tenant",
]
