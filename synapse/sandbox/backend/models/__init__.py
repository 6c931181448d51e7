"""Every table of the sandbox, named and shaped as on the wire."""

from __future__ import annotations

from .accounts import AccessToken, Agent, Group, Member, Storage, Tenant
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
from .records import AsyncJob, Experiment, Export, PreAnnotation, Train, Upload
from .work import Assignment, Participant, Project, Review, ReviewTag, Task, TaskTag, Workshop

__all__ = [
    "AccessToken",
    "Agent",
    "Assignment",
    "AsyncJob",
    "ChunkedUpload",
    "DataCollection",
    "DataFile",
    "DataUnit",
    "DataUnitFile",
    "DataUnitGroup",
    "Experiment",
    "Export",
    "FileSpecification",
    "GroundTruth",
    "GroundTruthDataset",
    "GroundTruthEvent",
    "GroundTruthVersion",
    "Group",
    "Job",
    "JobLog",
    "Member",
    "Model",
    "Participant",
    "Plugin",
    "PluginRelease",
    "PreAnnotation",
    "Project",
    "Review",
    "ReviewTag",
    "ServeApplication",
    "Storage",
    "Task",
    "TaskTag",
    "Tenant",
    "Train",
    "Upload",
    "Workshop",
]
