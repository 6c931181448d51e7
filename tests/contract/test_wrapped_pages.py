"""Lists with page numbers, in the envelope that all other answers of API v2 have; nobody is sure that they are."""

from __future__ import annotations

import pytest

from synapse import AsyncJob, Session
from synapse.sandbox import serve


@pytest.mark.full
def test_they_are_read_as_those_without() -> None:
    """They tell how many there are, and each page leads to the next."""
    with (
        serve(seed="demo", v2_wraps_pages=True) as box,
        Session(box.url, api_token=box.api_token) as session,
    ):
        jobs = AsyncJob.objects.using(session)
        paged = list(jobs.iterator(page_size=2))

        assert jobs.count() == len(paged) == len(set(paged)) > 2
