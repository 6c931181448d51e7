"""Asynchronous jobs: what waiting and cancelling ask, and what they make of the answers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synapse import AsyncJob, ConflictError, NotFoundError, WaitTimeoutError
from synapse.testing import CannedSession

KEY = "0f0f0f0f-0000-0000-0000-000000000001"
PATH = f"v2/async_jobs/{KEY}/"


def row(status: str, percent: float = 0) -> dict[str, Any]:
    """Return an answer about the job."""
    return {"data": {"id": KEY, "status": status, "progress": {"percent": percent}}, "meta": {}}


class Impatient(CannedSession):
    """A session whose pauses pass at once."""

    def pause(self, seconds: float) -> None:
        """Pause for no time."""


def session(*answers: dict[str, Any], **replies: Any) -> Impatient:
    """Return a session whose job is shown so, one answer after another, and the last one for ever."""
    left: Iterator[dict[str, Any]] = iter(answers)
    shown = [answers[-1]]

    def show(_: object) -> dict[str, Any]:
        shown[0] = next(left, shown[0])
        return shown[0]

    return Impatient({f"GET {PATH}": show, **replies})


def test_is_waited_for() -> None:
    """Until it has ended, whichever way; progress is told in percent."""
    told: list[int] = []
    with session(row("PENDING"), row("PROCESSING", 40), row("FAILED", 40)):
        job = AsyncJob.ref(KEY).wait(progress=lambda step: told.append(step.done))

    assert ("FAILED", True, 40.0) == (job.status, job.has_ended, job.percent)
    assert [40, 100] == sorted({done for done in told if done})


def test_may_take_longer_than_is_waited_for() -> None:
    """The error says that it goes on, and what else can be done."""
    with (
        session(row("PROCESSING")),
        pytest.raises(WaitTimeoutError, match=r"async job .* is still PROCESSING .* or cancel\(\)"),
    ):
        AsyncJob.ref(KEY).wait(timeout=0)


def test_is_cancelled_and_read_again() -> None:
    """Whatever the answer to the cancellation holds."""
    with session(row("CANCELLED"), **{f"POST {PATH}cancel/": None}) as canned:
        job = AsyncJob.ref(KEY).cancel()

    assert "CANCELLED" == job.status
    assert ["POST", "GET"] == [request.method for request in canned.requests]


@pytest.mark.parametrize("error", [ConflictError, NotFoundError])
def test_what_cannot_be_cancelled_says_so(error: type[ConflictError]) -> None:
    """One that has ended, or is not there."""
    refused = error("no", status_code=409)
    with session(row("COMPLETED"), **{f"POST {PATH}cancel/": refused}), pytest.raises(error):
        AsyncJob.ref(KEY).cancel()


def test_lists_go_by_page_numbers() -> None:
    """They tell how many there are."""
    page = {"count": 1, "next": None, "results": [{"id": KEY, "status": "PENDING"}]}
    with CannedSession({"GET v2/async_jobs/": page}) as session:
        query = AsyncJob.objects.filter(triggered_by="user")

        assert (1, [KEY]) == (query.count(), [job.pk for job in query])
    assert "v2/async_jobs/?triggered_by=user&page=1&page_size=1" == session.requests[0].target
