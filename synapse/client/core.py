"""Chunked uploads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synapse.client.calls import Row, answered, method, upload_key
from synapse.client.progress import OnProgress, by_bytes
from synapse.dialects import v1_client
from synapse.transfer.local_file import CHUNK, PathLike
from synapse.uploads import upload_in_chunks

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient


@method
def create_chunked_upload(
    client: BackendClient,
    file_path: PathLike,
    *,
    chunk_size: int = CHUNK,
    on_progress: OnProgress = None,
    read_timeout: int | None = None,
) -> Row:
    """Upload a file in chunks of 50 MiB and return the finished upload, whose `id` a model or a data file takes.

    After a lost connection, it continues from the last byte that the backend has; after a crash, so does the next call.
    `on_progress` is called with the bytes done and the total. The time allowed for an answer grows with the file size,
    so `read_timeout` is not needed.
    """

    def read(key: str | int) -> Row:
        return get_chunked_upload(client, key)

    return upload_in_chunks(
        client.session, file_path, register=read, chunk_size=chunk_size, progress=by_bytes(on_progress)
    )


@method
def get_chunked_upload(client: BackendClient, upload_id: str | int) -> Row:
    """Read how far a chunked upload has come."""
    return answered(client, v1_client.chunked_upload(upload_key(upload_id)))
