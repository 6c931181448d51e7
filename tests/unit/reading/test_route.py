"""One page, and what it cost."""

from __future__ import annotations

import pytest

from synapse import Task
from synapse.dialects import Reply
from synapse.orm.record import table_of
from synapse.query import Query
from synapse.reading.route import fetch
from synapse.testing import canned, page


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "17", "Content-Encoding": "gzip"}])
def test_is_as_large_as_what_was_read(headers):
    """What bounds pages is the body in memory, not what it was packed to, and not what a header says."""
    session = canned({"GET sdk/tasks/": Reply(200, page(), headers, length=5_000)})

    table = table_of(Task, session)
    answer = fetch(table, table.select(Query(), size=1), session=session)

    assert 5_000 == answer.size
