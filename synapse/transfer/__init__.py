"""Files on their way: uploads, downloads, and how far they have come."""

from __future__ import annotations

import importlib

from typing import TYPE_CHECKING, Any

from synapse.transfer.datauri import data_uri
from synapse.transfer.filecache import FileCache
from synapse.transfer.progress import Meter, Progress, ProgressLike, Step, tracked
from synapse.transfer.remote import RemoteFile

if TYPE_CHECKING:
    from synapse.transfer.archive import send_release
    from synapse.transfer.batch import Target, upload_items
    from synapse.transfer.chunked import upload_for
    from synapse.transfer.download import Wanted, download_files
    from synapse.transfer.downloads import Downloads, FileOutcome
    from synapse.transfer.folders import items_of
    from synapse.transfer.hashing import existing
    from synapse.transfer.items import plan_of
    from synapse.transfer.multipart import FilePart, MultipartBody
    from synapse.transfer.places import SharedNameWarning
    from synapse.transfer.presigned import upload_signed
    from synapse.transfer.report import Outcome, Report, Show
    from synapse.transfer.specifications import Spec, by_specification
    from synapse.transfer.upload import Options, checksum_of, send_file, upload_file, upload_missing

# What entities are declared with is loaded with them; what they send files with, when they do.
_PLACES = {
    "FileOutcome": "downloads",
    "Downloads": "downloads",
    "FilePart": "multipart",
    "MultipartBody": "multipart",
    "Options": "upload",
    "Outcome": "report",
    "Report": "report",
    "SharedNameWarning": "places",
    "Show": "report",
    "Spec": "specifications",
    "Target": "batch",
    "Wanted": "download",
    "by_specification": "specifications",
    "checksum_of": "upload",
    "download_files": "download",
    "existing": "hashing",
    "items_of": "folders",
    "plan_of": "items",
    "send_file": "upload",
    "send_release": "archive",
    "upload_file": "upload",
    "upload_for": "chunked",
    "upload_items": "batch",
    "upload_missing": "upload",
    "upload_signed": "presigned",
}

__all__ = [
    "Downloads",
    "FileCache",
    "FileOutcome",
    "FilePart",
    "Meter",
    "MultipartBody",
    "Options",
    "Outcome",
    "Progress",
    "ProgressLike",
    "RemoteFile",
    "Report",
    "SharedNameWarning",
    "Show",
    "Spec",
    "Step",
    "Target",
    "Wanted",
    "by_specification",
    "checksum_of",
    "data_uri",
    "download_files",
    "existing",
    "items_of",
    "plan_of",
    "send_file",
    "send_release",
    "tracked",
    "upload_file",
    "upload_for",
    "upload_items",
    "upload_missing",
    "upload_signed",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
