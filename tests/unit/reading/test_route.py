"""One page, and what it cost."""

from __future__ import annotations

import pytest

from synapse import Task
from synapse.dialects import Found, Reply
from synapse.orm.record import table_of
from synapse.query import Query
from synapse.reading.route import CACHED, CACHED_UNPARSED, FetchedPage, PageSize, fetch
from synapse.testing import canned, page


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "17", "Content-Encoding": "gzip"}])
def test_is_as_large_as_what_was_read(headers):
    """What bounds pages is the body in memory, not what it was packed to, and not what a header says."""
    session = canned({"GET sdk/tasks/": Reply(200, page(), headers, length=5_000)})

    table = table_of(Task, session)
    answer = fetch(table, table.select(Query(), size=1), session=session)

    assert 5_000 == answer.size


@pytest.mark.parametrize(("cached", "rows"), [(CACHED, 100), (CACHED_UNPARSED, 400)])
def test_pages_that_come_at_once_grow_as_far_as_the_processors_cache(cached, rows):
    """What is parsed takes many times the bytes of its text, so that those pages stay smaller."""
    sizing = PageSize(100, cached=cached)
    came = FetchedPage(Found([{}] * 100, 5_000, None, None), seconds=0.002, work=0.001, size=120_000)

    sizing.note(came, asked=100, more=True, long=True)

    assert rows == sizing.size
