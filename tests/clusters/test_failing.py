"""What Ray's workers do where the backend refuses them."""

from __future__ import annotations

import json
import time

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import synapse

from synapse import AuthenticationError, BulkError, Task
from synapse.sandbox import serve
from tests.clusters.conftest import ray_started

ray_data: Any = pytest.importorskip("ray.data")

from synapse.interop.ray import AnnotateSink, CreateSink  # noqa: E402 - it needs Ray

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("default")]  # Ray warns of itself
READ_LIMIT = 30.0


@pytest.fixture(scope="module")
def refused() -> Iterator[Any]:
    """A dataset whose workers have a wrong token."""
    with serve(seed="demo") as sandbox, ray_started(host=sandbox.url, token="syn_wrong"):
        synapse.connect(sandbox.url, api_token=sandbox.api_token)
        yield Task.objects.all().to_ray(shards=2, columns=["id"])
        synapse.disconnect()


def test_wrong_token(refused: Any) -> None:
    """A token that is refused ends the reading, by the error that everybody catches."""
    start = time.monotonic()

    with pytest.raises(AuthenticationError):
        refused.take_all()
    assert READ_LIMIT > time.monotonic() - start


def test_wrong_token_of_an_annotating_worker(refused: Any) -> None:
    """So it ends writing: nothing is repeated."""
    rows = ray_data.from_items([{"id": 1, "found": json.dumps({"a": 1})}])

    with pytest.raises(BulkError, match="AuthenticationError"):
        rows.write_datasink(AnnotateSink(column="found", schema="any"))


def test_wrong_token_of_a_creating_worker(refused: Any, tmp_path: Path) -> None:
    """The journal is free again afterwards."""
    rows = ray_data.from_items([{"project_id": 1, "name": "tag"}])

    for _ in range(2):
        with pytest.raises((BulkError, AuthenticationError), match="401|AuthenticationError"):
            rows.write_datasink(CreateSink("TaskTag", journal=tmp_path))
