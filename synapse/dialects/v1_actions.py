"""Wire v1: the requests that are no plain create, read, update or delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from synapse.dialects.wire import Body, Reply, Request, segment
from synapse.errors import UnsupportedError


def annotate(task: int, data: Mapping[str, Any], *, submit: bool, schema: str | None) -> Request:
    """Set a task's annotation; *schema* `any` switches the check of its format off."""
    params = (("schema", schema),) if schema else ()
    json = {"action": "submit" if submit else "save", "data": data}
    return Request("PUT", f"tasks/{segment(task)}/annotate_task_data/", params=params, json=json)


def annotated(reply: Reply, task: int) -> Any:
    """Read the answer to `annotate()`: the row of the task."""
    return reply.data


def set_tags(
    resource: str,
    ids: Sequence[int],
    *,
    tags: Sequence[int],
    action: Literal["add", "remove"],
) -> Request:
    """Put tags on rows, or take them off."""
    return Request(
        "POST", f"{resource}/set_tags/", json={"ids": list(ids), "tags": list(tags), "action": action}
    )


def run(plugin: int | str, body: Mapping[str, Any]) -> Request:
    """Run an action of a plugin."""
    return Request("POST", f"plugins/{segment(plugin)}/run/", json=dict(body))


def release(body: Body) -> Request:
    """Publish a plugin release with its archive."""
    return Request("POST", "plugin_releases/", body=body)


def stop(job: str) -> Request:
    """Mark a job as stopped."""
    return Request("PATCH", f"jobs/{segment(job)}/", json={"status": "STOPPED"}, checked=True)


def export(body: Mapping[str, Any]) -> Request:
    """Refuse: only plugins export here."""
    raise _lacking("Project.export_to()")


def cancel(async_job: str) -> Request:
    """Refuse: there are no asynchronous jobs here."""
    raise _lacking("AsyncJob.cancel()")


def follow(async_job: str) -> Request:
    """Refuse: there are no asynchronous jobs here."""
    raise _lacking("AsyncJob.follow()")


def _lacking(verb: str) -> UnsupportedError:
    return UnsupportedError(
        f'{verb} exists on API v2 only: Session(api="auto") takes it there. Nothing was sent'
    )


def console_logs(job: str) -> Request:
    """Read the lines that a job has printed."""
    return Request("GET", f"jobs/{segment(job)}/console_logs/")


def printed(reply: Reply) -> Any:
    """Read the answer to `console_logs()`: a list of lines."""
    return reply.data


def tail(job: str) -> Request:
    """Follow the lines that a job prints, as server-sent events, with comments in between that show that it lives."""
    return Request("GET", f"jobs/{segment(job)}/tail_console_logs/")


def connect(agent_token: str) -> Request:
    """Ask whether the agent with this token is connected."""
    return Request("POST", f"agents/{segment(agent_token)}/connect/", harmless=True)


def storage_session(storage: int, purpose: Literal["read", "write"]) -> Request:
    """Ask for what it takes to reach a storage, for as long as the answer says."""
    return Request("POST", f"storages/{segment(storage)}/session/", json={"purpose": purpose}, harmless=True)


def me() -> Request:
    """Ask whom the token belongs to."""
    return Request("GET", "users/me/")


def create_units(units: Sequence[Mapping[str, Any]]) -> Request:
    """Create data units, named as the wire names their parts; one of the same files is answered by the one there is."""
    return Request("POST", "data_units/", json=list(units), harmless=True)


def units_created(reply: Reply) -> Any:
    """Read the answer to `create_units()`: a list of rows."""
    return reply.data


def create_tasks(project: int, units: Sequence[int]) -> Request:
    """Create a task in a project for each of these data units, of which a second one is refused."""
    rows = [{"project": project, "data_unit": unit} for unit in units]
    return Request("POST", "tasks/", json=rows, harmless=True)


def tasks_created(reply: Reply) -> Any:
    """Read the answer to `create_tasks()`: a list of rows."""
    return reply.data
