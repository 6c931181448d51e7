"""Ray on two cores of this machine, beside a seeded backend: `make test-ray`."""

from __future__ import annotations

import logging
import os

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest

import synapse

from synapse.sandbox import Sandbox
from tests.seeded import Seeded

ROOT = Path(__file__).resolve().parents[2]
pytest.importorskip(
    "ray", reason="Ray is not installed: NO dataset of Ray was tried; make test-ray installs it"
)

Started = Callable[..., AbstractContextManager[None]]


@contextmanager
def ray_started(*, host: str, token: str, **settings: str) -> Iterator[None]:
    """Start Ray, whose workers have these credentials in their environment."""
    import ray.data

    own = {"SYNAPSE_HOST": host, "SYNAPSE_API_TOKEN": token, "PYTHONPATH": str(ROOT), **settings}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in {**own, "RAY_USAGE_STATS_ENABLED": "0"}.items():
            patch.setenv(name, value)
        ray.init(
            num_cpus=2,
            include_dashboard=False,
            object_store_memory=200 * 2**20,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
        try:
            # On a busy machine workers take longer to start than a test may wait for an error.
            ray.data.range(2, override_num_blocks=2).materialize()
            yield
        finally:
            ray.shutdown()


@pytest.fixture(scope="module")
def cluster(seeded_sandbox: Seeded, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Ray with workers of the seeded backend."""
    sandbox = seeded_sandbox.reset()
    os.environ.pop("RAY_ADDRESS", None)
    with ray_started(host=sandbox.url, token=sandbox.api_token):
        yield sandbox


@pytest.fixture
def backend(cluster: Sandbox, seeded_sandbox: Seeded) -> Iterator[Sandbox]:
    """The backend as it was seeded, connected to."""
    seeded_sandbox.reset()
    synapse.connect(cluster.url, api_token=cluster.api_token)
    yield cluster
    synapse.disconnect()
