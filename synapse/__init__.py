"""Synapse: annotation data as Python objects.

```python
import synapse
from synapse import Task

synapse.connect("https://api.synapse.sh", api_token="...")
for task in Task.objects.filter(project=123).order_by("-created")[:50]:
    print(task.id, task.data_unit.meta)
```
"""

from __future__ import annotations

import importlib
import sys

from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, cast

from synapse import errors
from synapse.errors import (
    ArgumentTypeError,
    AuthenticationError,
    BulkError,
    ClientError,
    ConfigError,
    Conflict,
    ConflictError,
    FieldError,
    MappingError,
    MultipleObjectsReturned,
    NotFoundError,
    OriginError,
    PermissionDeniedError,
    QueryError,
    RateLimitError,
    Resolution,
    ServerError,
    StorageError,
    StorageNotFoundError,
    SynapseError,
    SynchronousOnlyError,
    TransferError,
    TransportError,
    UnsupportedError,
    ValidationError,
    WaitTimeoutError,
    WriteIgnoredError,
    WriteUnconfirmedError,
    WrongHostError,
)

if TYPE_CHECKING:
    from synapse.annotations import (
        Annotation,
        Annotations,
        Answer,
        Box,
        Cuboid,
        Label,
        LabelClass,
        Mask,
        OtherAnnotation,
        Point,
        PointCloudMask,
        Polygon,
        Polyline,
        Prompt,
        Relation,
        Section,
        Span,
        TimeRange,
        Tool,
    )
    from synapse.client import BackendClient
    from synapse.downloads import FileCache, RemoteFile
    from synapse.entities import (
        AccessLevel,
        Agent,
        Assignment,
        AsyncJob,
        AsyncJobStatus,
        CollectionCategory,
        DataCollection,
        DataFile,
        DataGroup,
        DataUnit,
        Experiment,
        Export,
        ExportTarget,
        FileSpecification,
        GroundTruth,
        GroundTruthDataset,
        GroundTruthEvent,
        GroundTruthVersion,
        Job,
        JobLog,
        JobStatus,
        LogLevel,
        Model,
        Plugin,
        PluginCategory,
        PluginRelease,
        Project,
        ProjectCategory,
        Review,
        ReviewScope,
        ReviewTag,
        ServeApplication,
        ServeStatus,
        Session,
        Split,
        StatusLabel,
        StatusReview,
        Storage,
        StorageCategory,
        StorageProvider,
        TagCategory,
        Task,
        TaskSchema,
        TaskTag,
        Train,
        Upload,
        connect,
        disconnect,
    )
    from synapse.mapping import UNSET
    from synapse.query import FetchMode
    from synapse.session import Retry

__version__ = "0.2.0.dev0"

_LAZY = {
    **dict.fromkeys(
        (
            "Annotation",
            "Annotations",
            "Answer",
            "Box",
            "Cuboid",
            "Label",
            "LabelClass",
            "Mask",
            "OtherAnnotation",
            "Point",
            "PointCloudMask",
            "Polygon",
            "Polyline",
            "Prompt",
            "Relation",
            "Section",
            "Span",
            "TimeRange",
            "Tool",
        ),
        "synapse.annotations",
    ),
    "UNSET": "synapse.mapping",
    "BackendClient": "synapse.client",
    "FetchMode": "synapse.query",
    "FileCache": "synapse.downloads",
    "Retry": "synapse.session",
    "RemoteFile": "synapse.downloads",
}

_INSTEAD = {
    "Client": "synapse.connect(...) opens a session; BackendClient is the documented client",
    "F": "the backend computes nothing; read the row, set the field, then save(check=True)",
    "Prefetch": "prefetch_related('tasks') takes names only",
    "Q": "chain filter() for AND; the backend can't answer OR, so run both queries and join the rows by key",
}

__all__ = [
    "AsyncJob",
    "AsyncJobStatus",
    "DataGroup",
    "Experiment",
    "Export",
    "ExportTarget",
    "Review",
    "ReviewScope",
    "ReviewTag",
    "Train",
    "UNSET",
    "AccessLevel",
    "Agent",
    "Annotation",
    "Annotations",
    "Answer",
    "ArgumentTypeError",
    "Assignment",
    "AuthenticationError",
    "BackendClient",
    "Box",
    "BulkError",
    "ClientError",
    "CollectionCategory",
    "ConfigError",
    "Conflict",
    "ConflictError",
    "Cuboid",
    "DataCollection",
    "DataFile",
    "DataUnit",
    "FetchMode",
    "FieldError",
    "FileCache",
    "FileSpecification",
    "GroundTruth",
    "GroundTruthDataset",
    "GroundTruthEvent",
    "GroundTruthVersion",
    "Job",
    "JobLog",
    "JobStatus",
    "Label",
    "LabelClass",
    "LogLevel",
    "MappingError",
    "Mask",
    "Model",
    "MultipleObjectsReturned",
    "NotFoundError",
    "OriginError",
    "OtherAnnotation",
    "PermissionDeniedError",
    "Plugin",
    "PluginCategory",
    "PluginRelease",
    "Point",
    "PointCloudMask",
    "Polygon",
    "Polyline",
    "Project",
    "ProjectCategory",
    "Prompt",
    "QueryError",
    "RateLimitError",
    "Relation",
    "RemoteFile",
    "Resolution",
    "Retry",
    "Section",
    "ServeApplication",
    "ServeStatus",
    "ServerError",
    "Session",
    "Span",
    "Split",
    "StatusLabel",
    "StatusReview",
    "Storage",
    "StorageCategory",
    "StorageProvider",
    "SynapseError",
    "SynchronousOnlyError",
    "TagCategory",
    "Task",
    "TaskSchema",
    "TaskTag",
    "TimeRange",
    "Tool",
    "TransferError",
    "TransportError",
    "UnsupportedError",
    "Upload",
    "ValidationError",
    "StorageError",
    "StorageNotFoundError",
    "WaitTimeoutError",
    "WriteIgnoredError",
    "WriteUnconfirmedError",
    "WrongHostError",
    "connect",
    "disconnect",
    "errors",
]


def __getattr__(name: str) -> Any:
    # Names load on first use (PEP 562), so that `import synapse` stays cheap.
    if name not in __all__:
        hint = f": {_INSTEAD[name]}" if name in _INSTEAD else errors.did_you_mean(name, __all__)
        raise AttributeError(f"module 'synapse' has no attribute {name!r}{hint}")
    value = getattr(_module(_LAZY.get(name, "synapse.entities")), name)
    globals()[name] = value
    return value


def _module(name: str) -> ModuleType:
    return importlib.import_module(name)


class _MovedModules:
    """Finds modules by the names that pickles of earlier versions have for them."""

    places: ClassVar = {
        "synapse.orm.explain": "synapse.reading.explain",
        "synapse.session.backend": "synapse.session.origin",
        "synapse.transfer.remote": "synapse.downloads.remote_file",
    }

    def find_spec(self, name: str, *_: object) -> ModuleSpec | None:
        return ModuleSpec(name, cast("Any", self)) if name in self.places else None

    def create_module(self, spec: ModuleSpec) -> None:
        return None

    def exec_module(self, module: ModuleType) -> None:
        held = vars(_module(self.places[module.__name__]))
        vars(module).update({name: value for name, value in held.items() if not name.startswith("__")})


sys.meta_path.append(_MovedModules())


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
