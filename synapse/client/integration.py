"""Agents, plugins, their releases, and what is served."""

from __future__ import annotations

import re

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, overload

from synapse.client.calls import (
    MISSING,
    Params,
    Row,
    answer,
    answered,
    changed,
    either,
    fetch,
    forget,
    key_of,
    method,
    named,
    set_values,
    written,
)
from synapse.client.handles import Handle, on_disk
from synapse.client.lists import Walk, every, listed
from synapse.client.params import mapping_of
from synapse.dialects import v1_actions, v1_client
from synapse.errors import QueryError
from synapse.transfer.local_file import PathLike
from synapse.uploads import send_release

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient

_TOKEN: Final = re.compile(r"agents/([a-f0-9]{40})/node_install_script")


@method
def list_agents(client: BackendClient, params: Params = None) -> list[Row]:
    """List all agents, each with its `token`; older backends give it only in `node_install_script`."""
    agents = every(client, "agents", params)
    for agent in agents:
        script = agent.get("node_install_script")
        found = _TOKEN.search(script) if isinstance(script, str) else None
        agent["token"] = agent.get("token") or (found and found[1])
    return agents


@method
def health_check_agent(
    client: BackendClient, token: str = MISSING, *, agent_token: str = MISSING
) -> Row | None:
    """Report the agent with this token as connected, and return what the backend says."""
    given = either("token", token, agent_token=agent_token)
    if not isinstance(given, str) or not given or not all("!" <= each <= "~" for each in given):
        # Whatever was given in place of a token may be another secret, so it is not shown.
        raise QueryError("token must be the token of an agent, text without blanks in it; nothing was sent")
    return changed(client, v1_actions.connect(given))


@method
def get_plugin(client: BackendClient, pk: int | str = MISSING, *, plugin_id: int | str = MISSING) -> Row:
    """Read a plugin."""
    return fetch(client, "plugins", either("pk", pk, plugin_id=plugin_id))


@method
def create_plugin(client: BackendClient, data: Mapping[str, Any]) -> Row:
    """Create a plugin."""
    return answered(client, v1_client.create("plugins", written(client, "plugins", data)))


@method
def update_plugin(
    client: BackendClient,
    pk: int | str = MISSING,
    data: Mapping[str, Any] = MISSING,
    *,
    plugin_id: int | str = MISSING,
) -> Row | None:
    """Change fields of a plugin; all other fields stay.

    This is a PUT: it is sent again if no answer came, and may then overwrite what somebody else saved in the meantime.
    """
    key = key_of("plugins", either("pk", pk, plugin_id=plugin_id))
    return changed(client, v1_client.change("plugins", key, body=written(client, "plugins", data)))


@method
def run_plugin(
    client: BackendClient,
    pk: int | str = MISSING,
    data: Mapping[str, Any] = MISSING,
    *,
    plugin: int | str = MISSING,
) -> Any:
    """Run an action of a plugin, named by its key or code: `{"action": ..., "params": {...}, "agent": ...}`.

    The answer names the job, or is whatever the action itself returned, which may be text.
    """
    body = set_values(named(client, "plugins/{id}/run/", data, known=v1_client.RUNS))
    key = key_of("plugins", either("pk", pk, plugin=plugin))
    return answer(client, v1_client.run(key, body))


@method
def create_plugin_release(
    client: BackendClient, data: Mapping[str, Any], *, file: PathLike | Handle | None = None
) -> Row:
    """Publish a release; *file*, or `file` in *data*, is its zip archive as a path or an open file."""
    fields = set_values(written(client, "plugin_releases", data))
    archive = fields.pop("file", None) if file is None else file
    if archive is None:
        return answered(client, v1_client.create("plugin_releases", fields))
    with on_disk(archive, suffix=".zip") as path:
        try:
            reply = send_release(client.session, path, fields=fields)
        finally:
            forget(client, "plugin_releases")
    published: Row = reply.data
    return published


@method
def get_plugin_release(
    client: BackendClient, pk: int | str = MISSING, params: Params = None, *, release_id: int | str = MISSING
) -> Row:
    """Read a release, named by its key or as `code@version`."""
    return fetch(client, "plugin_releases", either("pk", pk, release_id=release_id), params)


@method
def get_plugin_release_by_lookup(
    client: BackendClient, lookup: str, *, expand: str | None = "plugin", params: Params = None
) -> Row:
    """Read a release, named as `code@version` or by its key, with its plugin nested."""
    return fetch(client, "plugin_releases", lookup, {"expand": expand, **mapping_of(params)})


@method
def list_plugin_releases(
    client: BackendClient,
    plugin_code: str | int = MISSING,
    params: Params = None,
    *,
    plugin: str | int = MISSING,
) -> list[Row]:
    """List all releases of a plugin, named by its code or key, the newest first."""
    code = key_of("plugins", either("plugin_code", plugin_code, plugin=plugin))
    given = mapping_of(params)
    return every(client, "plugin_releases", {"plugin": code, **given})


@method
def create_serve_application(client: BackendClient, data: Mapping[str, Any]) -> Row:
    """Record what a job serves: `{"job": ..., "status": ..., "data": {...}}`."""
    body = set_values(written(client, "serve_applications", data))
    return answered(client, v1_client.create("serve_applications", body))


@overload
def list_serve_applications(
    client: BackendClient, params: Params = None, *, list_all: Literal[False] = False
) -> Row: ...
@overload
def list_serve_applications(
    client: BackendClient, params: Params = None, *, list_all: Literal[True]
) -> Walk: ...
@overload
def list_serve_applications(
    client: BackendClient, params: Params = None, *, list_all: bool = False
) -> Any: ...
@method
def list_serve_applications(client: BackendClient, params: Params = None, *, list_all: bool = False) -> Any:
    """List one page of serve applications, or with `list_all=True` give `(rows, count)` of all."""
    return listed(client, "serve_applications", params, list_all=list_all)
