"""Projects, tasks and their tags."""

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
    changed,
    either,
    fetch,
    key_of,
    method,
    named,
)
from synapse.client.conversion import Conversion
from synapse.client.lists import Options, Walk, listed
from synapse.client.params import encoded
from synapse.dialects import v1_client
from synapse.errors import QueryError, describe
from synapse.orm import arguments

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient


@method
def get_project(client: BackendClient, pk: int = MISSING, *, project_id: int = MISSING) -> Row:
    """Read a project; its name is its `title`."""
    return fetch(client, "projects", either("pk", pk, project_id=project_id))


@method
def get_task(
    client: BackendClient, pk: int = MISSING, params: Params = None, *, task_id: int = MISSING
) -> Row:
    """Read a task; `params={"expand": "data_unit"}` nests its unit with its files."""
    return fetch(client, "tasks", either("pk", pk, task_id=task_id), params)


@method
def annotate_task_data(
    client: BackendClient,
    pk: int = MISSING,
    data: Mapping[str, Any] = MISSING,
    schema: str | None = None,
    *,
    task_id: int = MISSING,
) -> Row | None:
    """Set a task's annotation: `{"action": "submit" | "save", "data": {...}}`, or only the data, to submit it.

    `schema="any"` turns off the backend's check of the format. Like every method here that changes something, it
    returns None if the backend's answer is empty.
    """
    params = (("schema", str(schema)),) if schema else ()
    body = body_of(data)
    if body.keys() & set(v1_client.ANNOTATES):
        body = named(client, "annotate_task_data/", data, known=v1_client.ANNOTATES)
    key = key_of("tasks", either("pk", pk, task_id=task_id))
    request = v1_client.annotate(key, body, params=params)
    return changed(client, request)


@method
def annotate_task_data_batch(
    client: BackendClient, items: Sequence[Mapping[str, Any]], *, max_workers: int | None = None
) -> dict[int, Row]:
    """Annotate tasks in parallel, each given as `{"task_id": ..., "data": ..., "schema": ...}`; `schema` is optional.

    Returns `{"success": ..., "error": ..., "response": ...}` for each task key. A failure does not stop the others.
    """
    items = arguments.items("items", items, of="mappings")
    for index, item in enumerate(items):
        if not isinstance(item, Mapping) or not {"task_id", "data"} <= set(item):
            raise QueryError(
                f"items[{index}] needs 'task_id' and 'data', got {describe(item)}; nothing was sent"
            )
        key_of("tasks", item["task_id"])

    def annotate(item: Mapping[str, Any]) -> Row | None:
        return annotate_task_data(client, item["task_id"], item["data"], item.get("schema"))

    outcomes = client.session.map(annotate, items, workers=max_workers)
    return {
        item["task_id"]: {"success": error is None, "error": error and str(error), "response": row}
        for item, row, error in outcomes
    }


@method
def get_task_tag(client: BackendClient, pk: int = MISSING, *, tag_id: int = MISSING) -> Row:
    """Read a task tag."""
    return fetch(client, "task_tags", either("pk", pk, tag_id=tag_id))


@method
def list_task_tags(client: BackendClient, params: Params = None) -> Row:
    """List one page of task tags."""
    page: Row = listed(client, "task_tags", params)
    return page


@overload
def list_tasks(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_tasks(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    *,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_tasks(
    client: BackendClient,
    params: Params,
    url_conversion: Conversion,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_tasks(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any: ...
@method
def list_tasks(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any:
    """List one page of tasks, or with `list_all=True` give `(rows, count)` of all, newest first."""
    return listed(client, "tasks", params, url_conversion=url_conversion, list_all=list_all, options=options)


@overload
def list_tasks_data(
    client: BackendClient, params: Params = None, *, list_all: Literal[False] = False
) -> Row: ...
@overload
def list_tasks_data(client: BackendClient, params: Params = None, *, list_all: Literal[True]) -> Walk: ...
@overload
def list_tasks_data(client: BackendClient, params: Params = None, *, list_all: bool = False) -> Any: ...
@method
def list_tasks_data(client: BackendClient, params: Params = None, *, list_all: bool = False) -> Any:
    """List tasks with only their `id` and `data`."""
    return listed(client, "tasks_data", params, list_all=list_all)


@overload
def list_tasks_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
) -> Row: ...
@overload
def list_tasks_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[True],
) -> Walk: ...
@overload
def list_tasks_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
) -> Any: ...
@method
def list_tasks_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
) -> Any:
    """List tasks with the files of their units, as a list in each."""
    return listed(client, "tasks_files", params, url_conversion=url_conversion, list_all=list_all)


@method
def create_tasks(client: BackendClient, data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
    """Create tasks, given as a list of objects, or as `{"project": ..., "data": [{"data_unit": ...}, ...]}`."""
    return answer(client, v1_client.create("tasks", all_written(client, "tasks", data)))


@method
def set_tags_tasks(client: BackendClient, data: Mapping[str, Any], params: Params = None) -> Row | None:
    """Put tags on tasks, or take them off: `{"ids": [...], "tags": [...], "action": "add" | "remove"}`.

    `{"task_ids": [...], "tag_ids": [...]}` also adds; `params={"replace": True}` replaces all tags that they have.
    """
    return set_tags(client, "tasks", data, params)


def set_tags(client: BackendClient, resource: str, data: object, params: Params) -> Row | None:
    """Change the tags of rows of a kind."""
    what = f"{resource}/set_tags/"
    given = encoded(client, what, params, known=v1_client.TAGGING)
    body = named(client, what, data, known=v1_client.tagging(resource))
    request = v1_client.set_tags(resource, body, params=given)
    if client.strict and "action" not in request.json:
        raise QueryError(f"{what} needs 'action', either 'add' or 'remove'. Nothing was sent")
    result: Row | None = answer(client, request)
    return result
