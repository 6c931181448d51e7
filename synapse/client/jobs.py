"""Jobs and their logs."""

from __future__ import annotations

import enum

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

from synapse.client.calls import (
    MISSING,
    Params,
    Row,
    all_written,
    answer,
    changed,
    either,
    fetch,
    key_of,
    method,
    set_values,
    written,
)
from synapse.client.exceptions import told
from synapse.client.lists import listed
from synapse.dialects import v1_actions, v1_client
from synapse.entities import JobStatus
from synapse.errors import QueryError, did_you_mean
from synapse.transfer import data_uri

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient

_OLDER: Final = {"COMPLETED": JobStatus.SUCCEEDED.value, "QUEUED": JobStatus.PENDING.value}


@method
def list_jobs(client: BackendClient, params: Params = None) -> Row:
    """List one page of jobs; a `status` may be in any case, and `completed` means `SUCCEEDED`."""
    page: Row = listed(
        client, "jobs", _with_status(client, params) if isinstance(params, Mapping) else params
    )
    return page


@method
def get_job(
    client: BackendClient, pk: str | int = MISSING, params: Params = None, *, job_id: str | int = MISSING
) -> Row:
    """Read a job; `params={"expand": "logs"}` nests its log entries."""
    return fetch(client, "jobs", either("pk", pk, job_id=job_id), params)


@method
def update_job(
    client: BackendClient,
    pk: str | int = MISSING,
    data: Mapping[str, Any] = MISSING,
    *,
    job_id: str | int = MISSING,
) -> Row | None:
    """Change a job; its `status` may be in any case, and `completed` means `SUCCEEDED`."""
    key = key_of("jobs", either("pk", pk, job_id=job_id))
    body = _with_status(client, set_values(written(client, "jobs", data)))
    return changed(client, v1_client.change("jobs", key, body=body))


@method
def list_job_console_logs(
    client: BackendClient, pk: str | int = MISSING, *, job_id: str | int = MISSING
) -> list[str]:
    """Read the lines that a job has printed so far."""
    key = key_of("jobs", either("pk", pk, job_id=job_id))
    lines: list[str] = answer(client, v1_actions.console_logs(str(key)))
    return lines


@method
def tail_job_console_logs(
    client: BackendClient, pk: str | int = MISSING, *, job_id: str | int = MISSING
) -> Iterator[str]:
    """Follow a job's output as raw lines of the event stream; `Job.tail()` parses them."""
    return _tail(client, str(key_of("jobs", either("pk", pk, job_id=job_id))))


def _tail(client: BackendClient, key: str) -> Iterator[str]:
    with told(), client.session.lines(v1_actions.tail(key)) as lines:
        yield from lines


@method
def create_logs(client: BackendClient, data: Mapping[str, Any] | Sequence[Mapping[str, Any]]) -> Any:
    """Write one or more log entries for jobs; a path under `file` is replaced by the content of that file."""
    given = all_written(client, "job_logs", data)
    entries = [_entry(each) for each in ([given] if isinstance(given, dict) else given)]
    return answer(client, v1_client.create("job_logs", entries[0] if len(entries) == 1 else entries))


def _entry(entry: Row) -> Row:
    return {**entry, "file": data_uri(entry["file"])} if entry.get("file") else entry


def _with_status(client: BackendClient, given: Mapping[str, Any]) -> Row:
    """Spell a status as the wire does."""
    status = given.get("status")
    if isinstance(status, str | enum.Enum):
        return {**given, "status": _spelt(client, status)}
    if isinstance(status, list | tuple | set | frozenset):
        return {**given, "status": [_spelt(client, each) for each in status]}
    return dict(given)


def _spelt(client: BackendClient, status: object) -> str:
    text = str(status.value if isinstance(status, enum.Enum) else status)
    spelled = _OLDER.get(text.upper(), text.upper())
    known = [each.value for each in JobStatus]
    if spelled in known:
        return spelled
    if client.strict:
        raise QueryError(
            f"there is no job status {text!r}{did_you_mean(spelled, known)}, but {', '.join(known)}. Nothing was sent"
        )
    return text
