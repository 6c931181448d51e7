"""What uploads and downloads share: local files, checksums, `data:` URIs, and progress."""

from __future__ import annotations

from synapse.transfer.data_uris import data_uri
from synapse.transfer.local_file import CHUNK, LocalFile, PathLike, SharedNameWarning
from synapse.transfer.progress import Meter, Progress, ProgressLike, ProgressStep, tracked

__all__ = [
    "CHUNK",
    "Meter",
    "PathLike",
    "Progress",
    "ProgressLike",
    "SharedNameWarning",
    "LocalFile",
    "ProgressStep",
    "data_uri",
    "tracked",
]
