"""Assignments: who works on which task."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal, Unpack, overload

from synapse.client.annotation import set_tags
from synapse.client.calls import MISSING, Params, Row, either, fetch, method
from synapse.client.conversion import Conversion
from synapse.client.lists import Options, Walk, listed

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient


@method
def get_assignment(client: BackendClient, pk: int = MISSING, *, assignment_id: int = MISSING) -> Row:
    """Read an assignment."""
    return fetch(client, "assignments", either("pk", pk, assignment_id=assignment_id))


@overload
def list_assignments(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
    **options: Unpack[Options],
) -> Row: ...
@overload
def list_assignments(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    *,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_assignments(
    client: BackendClient,
    params: Params,
    url_conversion: Conversion,
    list_all: Literal[True],
    **options: Unpack[Options],
) -> Walk: ...
@overload
def list_assignments(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any: ...
@method
def list_assignments(
    client: BackendClient,
    params: Params = None,
    url_conversion: Conversion = None,
    list_all: bool = False,
    **options: Unpack[Options],
) -> Any:
    """List one page of assignments, or with `list_all=True` give `(rows, count)` of all, newest first."""
    return listed(
        client, "assignments", params, url_conversion=url_conversion, list_all=list_all, options=options
    )


@overload
def list_assignments_data(
    client: BackendClient, params: Params = None, *, list_all: Literal[False] = False
) -> Row: ...
@overload
def list_assignments_data(
    client: BackendClient, params: Params = None, *, list_all: Literal[True]
) -> Walk: ...
@overload
def list_assignments_data(client: BackendClient, params: Params = None, *, list_all: bool = False) -> Any: ...
@method
def list_assignments_data(client: BackendClient, params: Params = None, *, list_all: bool = False) -> Any:
    """List assignments with only their `id` and `data`."""
    return listed(client, "assignments_data", params, list_all=list_all)


@overload
def list_assignments_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[False] = False,
) -> Row: ...
@overload
def list_assignments_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: Literal[True],
) -> Walk: ...
@overload
def list_assignments_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
) -> Any: ...
@method
def list_assignments_files(
    client: BackendClient,
    params: Params = None,
    *,
    url_conversion: Conversion = None,
    list_all: bool = False,
) -> Any:
    """List assignments with the files of their units, as a list in each."""
    return listed(client, "assignments_files", params, url_conversion=url_conversion, list_all=list_all)


@method
def set_tags_assignments(client: BackendClient, data: Mapping[str, Any], params: Params = None) -> Row | None:
    """Put tags on assignments, or take them off: `{"ids": [...], "tags": [...], "action": "add" | "remove"}`.

    `{"assignment_ids": [...], "tag_ids": [...]}` also adds; `params={"replace": True}` replaces all tags that they
    have.
    """
    return set_tags(client, "assignments", data, params)
