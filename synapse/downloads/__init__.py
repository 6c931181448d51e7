"""Files that the backend refers to: fetched, resumed, checked, cached, and saved into folders."""

from __future__ import annotations

from synapse.downloads.bulk_download import WantedFile, download_files
from synapse.downloads.file_cache import FileCache
from synapse.downloads.outcomes import Downloads, FileOutcome
from synapse.downloads.remote_file import RemoteFile

__all__ = ["Downloads", "FileCache", "FileOutcome", "RemoteFile", "WantedFile", "download_files"]
