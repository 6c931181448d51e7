"""Files on their way to the backend: one by one, or as the items of a collection."""

from __future__ import annotations

from synapse.uploads.bulk_upload import Target, items_of, upload_items
from synapse.uploads.checksums import existing_checksums, file_with_checksum, hash_file
from synapse.uploads.chunked import upload_in_chunks
from synapse.uploads.direct import send_release
from synapse.uploads.file_types import Spec, check_file
from synapse.uploads.items import by_specification, plan_item
from synapse.uploads.multipart import FilePart, MultipartBody
from synapse.uploads.report import Converters, ItemOutcome, Report
from synapse.uploads.routes import UploadOptions, checksum_of, send_file, upload_file, upload_missing

__all__ = [
    "Converters",
    "FilePart",
    "ItemOutcome",
    "MultipartBody",
    "Report",
    "Spec",
    "Target",
    "UploadOptions",
    "by_specification",
    "check_file",
    "checksum_of",
    "existing_checksums",
    "file_with_checksum",
    "hash_file",
    "items_of",
    "plan_item",
    "send_file",
    "send_release",
    "upload_file",
    "upload_in_chunks",
    "upload_items",
    "upload_missing",
]
