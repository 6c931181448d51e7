"""Wire v1: the requests that are no plain create, read, update or delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final, Literal

from synapse.dialects.wire import Body, Request, segment

UPLOAD: Final = "chunked_upload"  # the field that names a finished upload


def annotate(task: int, data: Mapping[str, Any], *, submit: bool, schema: str | None) -> Request:
    """Set a task's annotation; *schema* `any` switches the check of its format off."""
    params = (("schema", schema),) if schema else ()
    json = {"action": "submit" if submit else "save", "data": data}
    return Request("PUT", f"tasks/{segment(task)}/annotate_task_data/", params=params, json=json)


def set_tags(
    path: Literal["tasks/", "assignments/"],
    ids: Sequence[int],
    *,
    tags: Sequence[int],
    action: Literal["add", "remove"],
) -> Request:
    """Put tags on rows, or take them off."""
    return Request("POST", f"{path}set_tags/", json={"ids": list(ids), "tags": list(tags), "action": action})


def run(plugin: int | str, body: Mapping[str, Any]) -> Request:
    """Run an action of a plugin."""
    return Request("POST", f"plugins/{segment(plugin)}/run/", json=dict(body))


def release(body: Body) -> Request:
    """Publish a plugin release with its archive."""
    return Request("POST", "plugin_releases/", body=body)


def console_logs(job: str) -> Request:
    """Read the lines that a job has printed."""
    return Request("GET", f"jobs/{segment(job)}/console_logs/")


def tail(job: str) -> Request:
    """Follow the lines that a job prints, as server-sent events, with comments in between that show that it lives."""
    return Request("GET", f"jobs/{segment(job)}/tail_console_logs/")


def connect(agent_token: str) -> Request:
    """Ask whether the agent with this token is connected."""
    return Request("POST", f"agents/{segment(agent_token)}/connect/", harmless=True)


def me() -> Request:
    """Ask whom the token belongs to."""
    return Request("GET", "users/me/")


def data_file(body: Body) -> Request:
    """Upload one file whole; the same content is stored once."""
    return Request("POST", "data_files/", body=body)


def data_file_from(upload: str | int) -> Request:
    """Register a finished chunked upload as a data file."""
    return Request("POST", "data_files/", json={UPLOAD: upload})


def files_by_checksum(checksum: str) -> Request:
    """Look for a data file by its content."""
    return Request("GET", "data_files/", params=(("checksum", checksum), ("page_size", "1")))


def create_units(units: Sequence[Mapping[str, Any]]) -> Request:
    """Create data units, named as the wire names their parts; one of the same files is answered by the one there is."""
    return Request("POST", "data_units/", json=list(units), harmless=True)


def create_tasks(project: int, units: Sequence[int]) -> Request:
    """Create a task in a project for each of these data units, of which a second one is refused."""
    rows = [{"project": project, "data_unit": unit} for unit in units]
    return Request("POST", "tasks/", json=rows, harmless=True)


def verify_checksums(checksums: Sequence[str]) -> Request:
    """Ask which of these files the backend has."""
    body = {"checksums": list(checksums)}
    return Request("POST", "data_files/verify_checksums/", json=body, harmless=True)


def chunk(body: Body, *, start: int, size: int, total: int, url: str | None) -> Request:
    """Send one chunk of *size* bytes at *start*; *url* is the upload's own, from the answer to its first chunk.

    A chunk that may have arrived is not repeated: two at one place could both be written, and the upload can be asked.
    """
    headers = (("Content-Range", f"bytes {start}-{start + size - 1}/{total}"),)
    return Request("PUT", url or "chunked_upload/", body=body, headers=headers, once=url is not None)


def complete(url: str | None, md5: str) -> Request:
    """Close a chunked upload; an empty file is closed on the list itself, as it has no chunk."""
    return Request("POST", url or "chunked_upload/", json={"md5": md5})


def upload_state(url: str) -> Request:
    """Read how far a chunked upload has come."""
    return Request("GET", url)
