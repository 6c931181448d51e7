"""Files on their way to the backend: one by one, or as the items of a collection."""

from __future__ import annotations

from synapse.uploads.bulk_upload import Target, upload_items
from synapse.uploads.checksums import existing, file_of, hashes_of
from synapse.uploads.chunked import upload_for
from synapse.uploads.direct import send_release
from synapse.uploads.file_types import Spec, check_alone
from synapse.uploads.folder import items_of
from synapse.uploads.items import by_specification, plan_of
from synapse.uploads.multipart import FilePart, MultipartBody
from synapse.uploads.presigned import upload_signed
from synapse.uploads.report import Outcome, Report, Show
from synapse.uploads.routes import Options, checksum_of, send_file, upload_file, upload_missing

__all__ = [
    "FilePart",
    "MultipartBody",
    "Options",
    "Outcome",
    "Report",
    "Show",
    "Spec",
    "Target",
    "by_specification",
    "check_alone",
    "checksum_of",
    "existing",
    "file_of",
    "hashes_of",
    "items_of",
    "plan_of",
    "send_file",
    "send_release",
    "upload_file",
    "upload_for",
    "upload_items",
    "upload_missing",
    "upload_signed",
]
