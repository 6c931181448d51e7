"""Data collections, their files and their units."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from synapse.client.calls import (
    MISSING,
    Params,
    Row,
    all_written,
    answer,
    body_of,
    either,
    fetch,
    key_of,
    method,
)
from synapse.client.conversion import Conversion
from synapse.client.lists import Options, Walk, listed
from synapse.client.progress import OnProgress, by_items, finished
from synapse.dialects import v1_client
from synapse.entities import DataCollection, DataFile
from synapse.errors import QueryError
from synapse.orm import arguments
from synapse.transfer.local_file import LocalFile, PathLike, sendable_name
from synapse.uploads import Report, checksum_of, upload_file
from synapse.uploads.file_types import check_file

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient


@method
def list_data_collections(client: BackendClient, params: Params = None) -> Row:
    """List one page of data collections."""
    page: Row = listed(client, "data_collections", params)
    return page


@method
def get_data_collection(
    client: BackendClient, data_collection_id: int = MISSING, *, collection_id: int = MISSING
) -> Row:
    """Read a data collection with its file specifications."""
    key = either("data_collection_id", data_collection_id, collection_id=collection_id)
    return fetch(client, "data_collections", key, {"expand": "file_specifications"})


@method
def create_data_file(
    client: BackendClient,
    file_path: PathLike,
    use_chunked_upload: bool | None = None,
    *,
    read_timeout: int | None = None,
) -> Row:
    """Upload a file and return its data file; a file above 50 MiB is sent in chunks unless told otherwise.

    If the backend already has the content, its existing data file is returned. The time allowed for an answer grows
    with the file size, so `read_timeout` is not needed.
    """
    return upload_file(client.session, file_path, chunked=use_chunked_upload, check_content=client.strict)


@method
def upload_data_file(
    client: BackendClient,
    organized_file: Mapping[str, Any] = MISSING,
    collection_id: int = MISSING,
    use_chunked_upload: bool | None = None,
    *,
    read_timeout: int | None = None,
    data: Mapping[str, Any] = MISSING,
    data_collection_id: int = MISSING,
) -> Row:
    """Upload a unit's files `{"files": {"image_1": path}, "meta": {...}}`; returns what `create_data_units()` takes."""
    item = body_of(either("organized_file", organized_file, data=data))
    collection = key_of(
        "data_collections", either("collection_id", collection_id, data_collection_id=data_collection_id)
    )
    files = item.get("files") or {}
    if not isinstance(files, Mapping):
        raise QueryError("'files' must map file specifications to paths; nothing was sent")

    groups = _groups(item.get("groups"))
    rest = {"meta": item.get("meta", {}), **({"groups": groups} if groups else {})}
    # What the unit cannot be made of is refused before a file is sent.
    rest = arguments.json_object("upload_data_file(data)", rest)
    paths = {name: sendable_name(str(path)) for name, path in files.items()}

    for path in files.values() if client.strict else ():
        check_file(LocalFile.of(path))

    def send(name: str) -> Row:
        row = upload_file(client.session, files[name], chunked=use_chunked_upload)
        return {"checksum": checksum_of(row, files[name]), "path": paths[name]}

    sent = {each.item: each.value() for each in client.session.map(send, files)}
    return {"files": sent, "data_collection": collection, **rest}


@method
def create_data_units(
    client: BackendClient,
    uploaded_files: Mapping[str, Any] | Sequence[Mapping[str, Any]] = MISSING,
    *,
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]] = MISSING,
) -> Any:
    """Create units from what `upload_data_file()` returned: one for one, a list for a list."""
    given = either("uploaded_files", uploaded_files, data=data)
    return answer(client, v1_client.create("data_units", all_written(client, "data_units", given)))


@method
def upload_data_collection(
    client: BackendClient,
    collection_id: int,
    data: Sequence[Mapping[str, Any]],
    *,
    project_id: int | None = None,
    batch_size: int = 200,
    max_workers: int | None = None,
    on_progress: OnProgress = None,
) -> Report:
    """Upload many units of `{"files": {...}, "meta": {...}, "groups": [...]}` and report on each, in their order.

    With `project_id`, a task is created for each. Nothing is uploaded or created twice: if a run breaks off, start it
    again. The first failing item ends the run with an error that names all failed and untried items. `on_progress` is
    called with the items done, estimated by bytes, and the total.
    """
    items = [_item(each) for each in arguments.items("data", data, of="items")]
    project = None if project_id is None else int(key_of("projects", project_id))
    report = (
        DataCollection.objects.using(client.session)
        .get(id=int(key_of("data_collections", collection_id)))
        .upload(
            items,
            project=project,
            workers=max_workers,
            batch_size=batch_size,
            progress=by_items(on_progress, count=len(items)),
            on_error="raise",
            check_content=client.strict,
        )
    )
    finished(on_progress, count=len(items))
    return report


def _item(given: Mapping[str, Any]) -> Row:
    groups = _groups(body_of(given).get("groups"))
    return (
        {**given, "groups": groups}
        if groups
        else {name: value for name, value in given.items() if name != "groups"}
    )


def _groups(given: Any) -> list[str]:
    # Text is one name, not a list of its letters.
    return [given] if isinstance(given, str) and given else list(given or ())


@method
def get_data_unit(
    client: BackendClient, pk: int = MISSING, params: Params = None, *, unit_id: int = MISSING
) -> Row:
    """Read a data unit."""
    return fetch(client, "data_units", either("pk", pk, unit_id=unit_id), params)


@overload
def list_data_units(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_data_units(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_data_units(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any: ...
@method
def list_data_units(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any:
    """List one page of data units, or with `list_all=True` give `(rows, count)` of all."""
    return listed(
        client, "data_units", params, url_conversion=url_conversion, list_all=list_all, options=options
    )


@method
def verify_data_files_checksums(client: BackendClient, checksums: Sequence[str]) -> Row:
    """Return those of these checksums that the backend has files for."""
    asked = arguments.items("checksums", checksums, of="checksums")
    found = DataFile.objects.using(client.session).existing(asked)
    return {"existing_checksums": [each for each in dict.fromkeys(asked) if each in found]}
