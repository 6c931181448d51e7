"""What uploads and downloads share: local files, checksums, `data:` URIs, and progress."""

from __future__ import annotations

from synapse.transfer.data_uris import data_uri
from synapse.transfer.local_file import (
    CHUNK,
    LocalFile,
    PathLike,
    RemotePath,
    SharedNameWarning,
    Source,
    source_of,
)
from synapse.transfer.progress import Meter, Progress, ProgressLike, ProgressStep, tracked

__all__ = [
    "CHUNK",
    "Meter",
    "PathLike",
    "Progress",
    "ProgressLike",
    "RemotePath",
    "SharedNameWarning",
    "LocalFile",
    "ProgressStep",
    "Source",
    "data_uri",
    "source_of",
    "tracked",
]
