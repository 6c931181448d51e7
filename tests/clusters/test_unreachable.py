"""What Ray's workers do where the backend is not there."""

from __future__ import annotations

import json
import time

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import synapse

from synapse import BulkError, Task, TransportError
from synapse.sandbox import serve
from tests.clusters.conftest import ray_started

ray_data: Any = pytest.importorskip("ray.data")

from synapse.interop.ray import AnnotateSink, CreateSink  # noqa: E402 - it needs Ray

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("default")]  # Ray warns of itself
READ_LIMIT = 30.0


@pytest.fixture(scope="module")
def tasks() -> Iterator[Any]:
    """A dataset whose backend is gone."""
    with ExitStack() as backend:
        sandbox = backend.enter_context(serve(seed="demo"))
        session = synapse.connect(sandbox.url, api_token=sandbox.api_token)
        with ray_started(host=sandbox.url, token=sandbox.api_token):
            dataset = Task.objects.using(session).to_ray(shards=2, columns=["id"])
            backend.close()
            yield dataset
        synapse.disconnect()


def test_reading(tasks: Any) -> None:
    """A backend that is gone is told by one error, soon."""
    start = time.monotonic()

    with pytest.raises(TransportError):
        tasks.take_all()
    assert READ_LIMIT > time.monotonic() - start


def test_annotating(tasks: Any) -> None:
    """So it is where tasks are annotated."""
    rows, start = ray_data.from_items([{"id": 1, "found": json.dumps({"a": 1})}]), time.monotonic()

    with pytest.raises((BulkError, TransportError)):
        rows.write_datasink(AnnotateSink(column="found", schema="any"))
    assert READ_LIMIT > time.monotonic() - start


def test_creating(tasks: Any, tmp_path: Path) -> None:
    """So it is where rows are created, and the journal is free again."""
    rows, start = ray_data.from_items([{"project_id": 1, "name": "tag"}]), time.monotonic()

    for _ in range(2):
        with pytest.raises((BulkError, TransportError)):
            rows.write_datasink(CreateSink("TaskTag", journal=tmp_path))
    assert 2 * READ_LIMIT > time.monotonic() - start
