"""Storages, and files that go straight into them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synapse.client.calls import MISSING, Params, Row, answered, body_of, either, key_of, method, written
from synapse.client.lists import every, listed
from synapse.client.progress import OnProgress, by_items, finished
from synapse.dialects import v1_client
from synapse.dialects.uploads import UploadTarget
from synapse.errors import QueryError, describe
from synapse.orm import arguments
from synapse.session import Outcome
from synapse.transfer import tracked
from synapse.transfer.local_file import LocalFile, PathLike, Source
from synapse.uploads.file_types import check_file
from synapse.uploads.presigned_put import put_file
from synapse.uploads.routes import send_files

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient


@method
def list_storages(client: BackendClient, params: Params = None) -> Row:
    """List one page of storages, without their configurations."""
    page: Row = listed(client, "storages", params)
    return page


@method
def get_storage(client: BackendClient, pk: int = MISSING, *, storage_id: int = MISSING) -> Row:
    """Read a storage with its `configuration`, which holds credentials."""
    return answered(client, v1_client.storage(key_of("storages", either("pk", pk, storage_id=storage_id))))


@method
def create_storage(client: BackendClient, data: Mapping[str, Any]) -> Row:
    """Create a storage: `{"name": ..., "provider": ..., "category": "external", "configuration": {...}}`."""
    return answered(client, v1_client.create("storages", written(client, "storages", data)))


@method
def get_default_storage(client: BackendClient) -> Row:
    """Read the internal storage that the backend uses by default, without its configuration."""
    internal = every(client, "storages", {"category": "internal"})
    for storage in (*(each for each in internal if each.get("is_default")), *internal):
        return storage
    raise QueryError("the backend has no internal storage")


@method
def upload_files_bulk(
    client: BackendClient,
    file_paths: Sequence[PathLike],
    *,
    max_workers: int | None = None,
    on_progress: OnProgress = None,
    batch_size: int = 200,
    max_upload_retries: int = 2,
    strategy: str | None = None,
) -> Row:
    """Upload files in parallel, straight into the backend's storage if it offers that, else through the backend.

    Returns the `checksum`, `data_file_id`, `success` and `error` of each file, in the order given, and counts successes
    and failures. The session's `Retry` decides what is sent again, so `max_upload_retries` and `batch_size` are not
    needed. `on_progress` is called with the files done, estimated by bytes, and the total.
    """
    if strategy not in (None, "presigned"):
        raise QueryError(f"strategy must be 'presigned' or None, not {describe(strategy)}; nothing was sent")
    sources = [LocalFile.of(path) for path in arguments.items("file_paths", file_paths, of="paths")]
    for source in sources if client.strict else ():
        check_file(source)
    outcomes = _sent(client, sources, workers=max_workers, on_progress=on_progress)
    finished(on_progress, count=len(sources))
    results = [_told(outcome) for outcome in outcomes]
    created = sum(result["success"] for result in results)
    return {"results": results, "created_count": created, "failed_count": len(results) - created}


def _sent(
    client: BackendClient, sources: list[LocalFile], *, workers: int | None, on_progress: OnProgress
) -> list[Outcome[Source, Row]]:
    size = sum(source.size for source in sources)
    progress = by_items(on_progress, count=len(sources))
    with tracked(progress, total=size, label="uploading") as advanced:
        return send_files(client.session, sources, advanced=advanced, workers=workers)


def _told(outcome: Outcome[Source, Row]) -> Row:
    row = outcome.result or {}
    return {
        "file_key": None,
        "checksum": row.get("checksum"),
        "data_file_id": row.get("id"),
        "success": outcome.error is None,
        "error": None if outcome.error is None else str(outcome.error),
    }


def _bodies(files: object) -> list[Row]:
    return [body_of(file) for file in arguments.items("files", files, of="mappings")]


@method
def request_presigned_upload(
    client: BackendClient, files: Sequence[Mapping[str, Any]], *, expiration: int = 3600
) -> Row:
    """Request signed upload addresses for files, given as `{"filename": ..., "size": ..., "content_type": ...}`."""
    return answered(client, v1_client.ask_presigned(_bodies(files), expiration))


@method
def upload_file_to_presigned_url(
    client: BackendClient, presigned_url: str, file_path: PathLike, content_type: str | None = None
) -> Row:
    """Put a file at a signed address, and return its `checksum`, a SHA-1, and its `size`."""
    target, source = UploadTarget("", (presigned_url,)), LocalFile.of(file_path)
    if client.strict:
        check_file(source)
    with tracked(None, total=None, label="uploading") as advanced:
        stored = put_file(
            client.session,
            source,
            target=target,
            content_type=content_type,
            advanced=advanced,
            workers=1,
        )
    return {"checksum": stored.checksum, "size": stored.size}


@method
def confirm_presigned_upload(client: BackendClient, files: Sequence[Mapping[str, Any]]) -> Row:
    """Register files that were put at signed addresses: `{"file_key": ..., "checksum": ..., "size": ...}`."""
    return answered(client, v1_client.confirm_presigned(_bodies(files)))
