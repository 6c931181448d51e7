"""What Ray's workers do where the backend is not there."""

from __future__ import annotations

import time

from contextlib import ExitStack

import pytest

from synapse import Session, Task, TransportError
from synapse.sandbox import serve
from tests.clusters.conftest import ray_started

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("default")]  # Ray warns of itself
READ_LIMIT = 30.0


def test_dead_backend() -> None:
    """A backend that is gone is told by one error, soon."""
    with ExitStack() as backend:
        sandbox = backend.enter_context(serve(seed="demo"))
        session = Session(sandbox.url, api_token=sandbox.api_token)
        with ray_started(host=sandbox.url, token=sandbox.api_token):
            dataset = Task.objects.using(session).to_ray(shards=2, columns=["id"])
            backend.close()
            start = time.monotonic()

            with pytest.raises(TransportError):
                dataset.take_all()
            assert READ_LIMIT > time.monotonic() - start
