"""What type checkers must say of the flat client; mypy and pyright read this file, nothing runs it.

A line that must be refused ignores the error by name; where a checker does not report it, the unused comment is one.
"""
# pyright: reportUnnecessaryTypeIgnoreComment=true

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, assert_type

from synapse import BackendClient, ClientError, Session
from synapse.uploads import Report


def objects_are_dicts(client: BackendClient) -> None:
    """Whichever name their key is given by."""
    assert_type(client.get_task(1), dict[str, Any])
    assert_type(client.get_task(pk=1, params={"expand": "data_unit"}), dict[str, Any])
    assert_type(client.get_task(task_id=1), dict[str, Any])
    assert_type(client.get_job("550e8400-e29b-41d4-a716-446655440000"), dict[str, Any])
    client.get_task(task=1)  # type: ignore[call-arg]


def a_list_is_a_page_or_everything(client: BackendClient) -> None:
    """`list_all` tells which."""
    assert_type(client.list_tasks({"project": 1}), dict[str, Any])
    assert_type(client.list_tasks({"project": 1}, list_all=True), tuple[Iterator[dict[str, Any]], int])
    assert_type(client.list_data_units(page_size=10, list_all=True)[1], int)
    assert_type(client.list_agents(), list[dict[str, Any]])
    client.list_tasks(page_sise=3)  # type: ignore[call-overload]


def files_may_be_paths_or_open(client: BackendClient, path: Path) -> None:
    """Whatever can be read as bytes."""
    assert_type(client.create_data_file(path), dict[str, Any])
    with path.open("rb") as file:
        assert_type(client.create_model({"name": "a"}, file=file), dict[str, Any])
    assert_type(client.upload_data_collection(1, [{"files": {"image_1": path}}]), Report)


def what_else_there_is(client: BackendClient, error: ClientError) -> None:
    """Its session, the lines that a job prints, and the other names of an error's facts."""
    assert_type(client.session, Session)
    assert_type(client.tail_job_console_logs("a"), Iterator[str])
    assert_type(error.status, int)
    with client as same:
        assert_type(same, BackendClient)
