"""Fields that only rows of API v2 carry: objects of API v1 load them from there, or refuse to."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from synapse import GroundTruthEvent, Job, Session, UnsupportedError
from synapse.sandbox import Sandbox
from synapse.testing import assert_requests


@pytest.fixture(scope="module")
def world(box: Sandbox) -> Iterator[Session]:
    """A session of the seeded workspace that speaks both."""
    made = Session(box.url, api_token=box.tenants["demo"].api_token)
    with made:
        yield made
    made.close()


def test_why_a_job_failed_is_loaded_with_how_it_waits(world: Session) -> None:
    """One request has both."""
    job = Job.objects.filter(status="FAILED")[0]

    with world.trace() as calls:
        assert {"error_type": "execution_error", "message": "out of memory"} == job.error
        assert job.queue is None

    assert [f"/v2/jobs/{job.id}/"] == [call.path for call in calls]


def test_they_are_loaded_anew_with_the_rest(world: Session) -> None:
    """What a refreshed object held before is no longer of use."""
    job = Job.objects.filter(status="FAILED")[0]
    assert job.error

    with assert_requests(2):
        assert job.refresh().error


def test_lists_of_the_other_api_carry_them(world: Session) -> None:
    """No row takes a request of its own, and both show the same."""
    first, listed = GroundTruthEvent.objects.order_by("pgh_id")[0], GroundTruthEvent.objects.via("v2")
    found = listed.order_by("pgh_id")[0]

    with assert_requests(0):
        held = (found.data_digest, found.data_size)

    assert held == (first.data_digest, first.data_size)
    assert None not in held


@pytest.mark.parametrize("name", ["queue", "error"])
def test_a_session_of_v1_refuses(box: Sandbox, name: str) -> None:
    """In the name of the API that has them, and before anything is sent."""
    session = Session(box.url, api_token=box.tenants["demo"].api_token, api="v1")
    job = Job.objects.using(session)[0]

    with (
        assert_requests(0, session=session),
        pytest.raises(UnsupportedError, match=rf"Job.{name}: API v1 .* API v2 has it"),
    ):
        getattr(job, name)
    session.close()
    assert name not in job.to_dict()
