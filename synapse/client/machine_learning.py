"""Models and ground truths."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from synapse.client.calls import MISSING, Params, Row, answered, either, fetch, method, set_values, written
from synapse.client.conversion import Conversion, conversion
from synapse.client.handles import Handle, on_disk
from synapse.client.lists import Options, Walk, listed
from synapse.dialects import v1_client
from synapse.dialects.v1_uploads import UPLOAD
from synapse.transfer.local_file import PathLike
from synapse.uploads import upload_in_chunks

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient


@method
def list_models(client: BackendClient, params: Params = None) -> Row:
    """List one page of models."""
    page: Row = listed(client, "models", params)
    return page


@method
def get_model(
    client: BackendClient,
    pk: int = MISSING,
    params: Params = None,
    url_conversion: Conversion = None,
    *,
    model_id: int = MISSING,
) -> Row:
    """Read a model; `url_conversion={"files_fields": ["file"]}` downloads its archive and puts the path in `file`."""
    convert = conversion(client, url_conversion)
    row = fetch(client, "models", either("pk", pk, model_id=model_id), params)
    if convert is not None:
        convert([row])
    return row


@method
def create_model(
    client: BackendClient, data: Mapping[str, Any], *, file: PathLike | Handle | None = None
) -> Row:
    """Create a model; *file*, or `file` in *data*, is its archive as a path or an open file, and is sent in chunks."""
    body = set_values(written(client, "models", data))
    archive = body.pop("file", None) if file is None else file

    def create(upload: str | int | None = None) -> Row:
        sent = body if upload is None else {**body, UPLOAD: upload}
        return answered(client, v1_client.create("models", sent))

    if archive is None:
        return create()
    with on_disk(archive) as path:
        return upload_in_chunks(client.session, path, register=create)


@overload
def list_ground_truth_events(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_ground_truth_events(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    *,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_ground_truth_events(
    client: BackendClient,
    params: Params,
    url_conversion: Conversion,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_ground_truth_events(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any: ...
@method
def list_ground_truth_events(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any:
    """List one page of ground-truth events, or with `list_all=True` give `(rows, count)` of all, newest first."""
    return listed(
        client,
        "ground_truth_events",
        params,
        url_conversion=url_conversion,
        list_all=list_all,
        options=options,
    )


@overload
def list_ground_truth_events_data(
    client: BackendClient,
    params: Params = None,
    *,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_ground_truth_events_data(
    client: BackendClient, params: Params = None, *, list_all: Literal[True], **options: Unpack[Options]
) -> Walk: ...
@overload
def list_ground_truth_events_data(
    client: BackendClient, params: Params = None, *, list_all: bool = False, **options: Unpack[Options]
) -> Any: ...
@method
def list_ground_truth_events_data(
    client: BackendClient, params: Params = None, *, list_all: bool = False, **options: Unpack[Options]
) -> Any:
    """List ground-truth events with only the `id` of their ground truth and their `data`."""
    return listed(client, "ground_truth_events_data", params, list_all=list_all, options=options)


@overload
def list_ground_truth_events_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_ground_truth_events_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_ground_truth_events_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any: ...
@method
def list_ground_truth_events_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any:
    """List ground-truth events with the files of their units, as a list in each."""
    return listed(
        client,
        "ground_truth_events_files",
        params,
        url_conversion=url_conversion,
        list_all=list_all,
        options=options,
    )


@overload
def list_ground_truths(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_ground_truths(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_ground_truths(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any: ...
@method
def list_ground_truths(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any:
    """List one page of ground truths, or with `list_all=True` give `(rows, count)` of all, newest first."""
    return listed(
        client, "ground_truths", params, url_conversion=url_conversion, list_all=list_all, options=options
    )


@method
def get_ground_truth_version(client: BackendClient, pk: int = MISSING, *, version_id: int = MISSING) -> Row:
    """Read a version of a ground-truth dataset."""
    return fetch(client, "ground_truth_versions", either("pk", pk, version_id=version_id))


@method
def list_ground_truth_versions(client: BackendClient, params: Params = None) -> Row:
    """List one page of the versions of ground-truth datasets."""
    page: Row = listed(client, "ground_truth_versions", params)
    return page
