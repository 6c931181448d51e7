"""Files on their way: uploads, downloads, and how far they have come."""

from __future__ import annotations

from synapse.transfer.archive import send_release
from synapse.transfer.batch import Target, upload_items
from synapse.transfer.chunked import upload_chunked, upload_for
from synapse.transfer.datauri import data_uri
from synapse.transfer.download import Wanted, download_files
from synapse.transfer.downloads import Downloads, FileOutcome
from synapse.transfer.filecache import FileCache
from synapse.transfer.multipart import FilePart, MultipartBody
from synapse.transfer.progress import Meter, Progress, ProgressLike, Step, tracked
from synapse.transfer.remote import RemoteFile
from synapse.transfer.report import Outcome, Report
from synapse.transfer.upload import upload_file, upload_many

__all__ = [
    "Downloads",
    "FileCache",
    "FileOutcome",
    "FilePart",
    "Meter",
    "MultipartBody",
    "Outcome",
    "Progress",
    "ProgressLike",
    "RemoteFile",
    "Report",
    "Step",
    "Target",
    "Wanted",
    "data_uri",
    "download_files",
    "send_release",
    "tracked",
    "upload_chunked",
    "upload_file",
    "upload_for",
    "upload_items",
    "upload_many",
]
