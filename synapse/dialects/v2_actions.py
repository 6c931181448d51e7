"""Wire v2: the requests that are no plain create, read, update or delete; what it lacks is refused."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from synapse.dialects.v2_envelope import unwrapped
from synapse.dialects.v2_rows import segment
from synapse.dialects.wire import Body, Reply, Request
from synapse.errors import UnsupportedError, WriteUnconfirmedError
from synapse.masking import outline


def annotate(task: int, data: Mapping[str, Any], *, submit: bool, schema: str | None) -> Request:
    """Set a task's annotation; *schema* `any` switches the check of its format off."""
    params = (("schema", schema),) if schema else ()
    json = {"action": "submit" if submit else "save", "data": data}
    return Request("PUT", f"v2/tasks/{segment(task)}/annotate-task-data/", params=params, json=json)


def annotated(reply: Reply, task: int) -> Any:
    """Read the answer to `annotate()`, which is the annotation alone, as a row of the task."""
    return {"id": task, "data": unwrapped(reply.data)}


def set_tags(
    resource: str,
    ids: Sequence[int],
    *,
    tags: Sequence[int],
    action: Literal["add", "remove"],
) -> Request:
    """Refuse: nothing puts tags on rows here."""
    raise _lacking("set_tags()", "puts no tags on tasks or assignments")


def run(plugin: int | str, body: Mapping[str, Any]) -> Request:
    """Refuse: plugins are only described here."""
    raise _lacking("Plugin.run()", "runs no plugins")


def release(body: Body) -> Request:
    """Refuse: a release is published by its plugin's number and the digest of its archive here, which nothing gives."""
    raise _lacking("Plugin.release()", "publishes releases in another form, which isn't spoken yet")


def console_logs(job: str) -> Request:
    """Read the lines that a job has printed."""
    return Request("GET", f"v2/jobs/{segment(job)}/console_logs/")


def printed(reply: Reply) -> Any:
    """Read the answer to `console_logs()`."""
    data = unwrapped(reply.data)
    return data.get("logs") if isinstance(data, dict) else data


def tail(job: str) -> Request:
    """Follow the lines that a job prints, as server-sent events, with comments in between that show that it lives."""
    return Request("GET", f"v2/jobs/{segment(job)}/tail_console_logs/")


def stop(job: str) -> Request:
    """Have a job stopped by its agent; one that has ended is refused."""
    return Request("POST", f"v2/jobs/{segment(job)}/stop/")


def export(body: Mapping[str, Any]) -> Request:
    """Have rows of a project exported into a storage; the answer names an asynchronous job."""
    names = {"project": "project_id", "storage": "storage_id", "original_files": "include_original_files"}
    return Request(
        "POST", "v2/plugin_exports/", json={names.get(name, name): value for name, value in body.items()}
    )


def cancel(async_job: str) -> Request:
    """Cancel an asynchronous job; to do so twice does no harm, and one that has finished is refused."""
    return Request("POST", f"v2/async_jobs/{segment(async_job)}/cancel/", harmless=True)


def follow(async_job: str) -> Request:
    """Follow the progress of an asynchronous job, as named server-sent events, up to one that says that it is over."""
    return Request("GET", f"v2/async_jobs/{segment(async_job)}/progress/")


def connect(agent_token: str) -> Request:
    """Refuse: there are no agents here."""
    raise _lacking("Agent.check()", "knows no agents")


def storage_session(storage: int, purpose: Literal["read", "write"]) -> Request:
    """Refuse: there are no storages here."""
    raise _lacking("storage.filesystem()", "knows no storages")


def me() -> Request:
    """Ask whom the token belongs to."""
    return Request("GET", "v2/users/me/")


def create_units(units: Sequence[Mapping[str, Any]]) -> Request:
    """Create data units of one collection; one of the same files is answered by the one there is."""
    collection = units[0].get("data_collection") if units else None
    rows = [{name: value for name, value in unit.items() if name != "data_collection"} for unit in units]
    body = {"data_collection": collection, "units": rows}
    return Request("POST", "v2/data-units/bulk-create/", json=body, harmless=True)


def units_created(reply: Reply) -> Any:
    """Read the answer to `create_units()`, as rows in the order that was sent."""
    data = unwrapped(reply.data)
    results = data.get("results") if isinstance(data, dict) else None
    if not isinstance(results, list) or not all(isinstance(each, dict) for each in results):
        return data
    return [{"id": each.get("data_unit_id"), "checksum": each.get("checksum")} for each in results]


def create_tasks(project: int, units: Sequence[int]) -> Request:
    """Create a task in a project for each of these data units, leaving out those that have one; it tells no keys."""
    body = {"project": project, "data_unit_ids": list(units)}
    return Request("POST", "v2/tasks/bulk-create/", json=body, harmless=True)


def tasks_created(reply: Reply) -> None:
    """It counts those that were made, and those that were there."""
    data = unwrapped(reply.data)
    counts = [data.get(name) for name in ("created_count", "skipped_count")] if isinstance(data, dict) else []
    if [type(count) for count in counts] != [int, int]:
        raise WriteUnconfirmedError(
            f"tasks were to be created, and the answer ({outline(data)}) does not count them: it may or may not have "
            "happened"
        )


def _lacking(verb: str, why: str) -> UnsupportedError:
    return UnsupportedError(
        f'{verb} exists on API v1 only: API v2 {why}. Session(api="auto") takes it there. Nothing was sent'
    )
