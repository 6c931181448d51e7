"""Rows are opaque to reading: whatever a decoder makes of a body, the table alone looks into it."""

from __future__ import annotations

import json

from typing import Any

import attrs
import pytest

from synapse import Task
from synapse.dialects import DEFAULT, Found, Reply, Request, Table
from synapse.query import Query
from synapse.reading.plan import PlanName
from synapse.reading.read import ReadOptions, read
from synapse.testing import canned
from tests.unit.orm.rows import by_cursor, served, task

NAMES = ("id", "created", "is_discarded")


def decoded(body: bytes) -> tuple[int | None, str | None, list[tuple[Any, ...]]]:
    """Read a page into tuples, as a decoder with a schema would."""
    page = json.loads(body)
    return page.get("count"), page["next"], [tuple(row[name] for name in NAMES) for row in page["results"]]


@attrs.frozen(eq=False)
class Tuples:
    """A table whose rows are tuples; all else is that of the table below it."""

    below: Table

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)

    def found(self, reply: Reply, request: Request) -> Found:
        """Read the page that the decoder made."""
        count, link, rows = reply.data
        plain = Reply(reply.status, {"count": count, "next": link, "results": []})
        return attrs.evolve(self.below.found(plain, request), rows=rows)

    def key(self, row: Any) -> Any:
        """The first member."""
        return row[0]

    def keys(self, rows: Any) -> list[Any]:
        """The first member of each."""
        return [row[0] for row in rows]

    def value(self, row: Any, field: str) -> Any:
        """A member by its place."""
        return row[NAMES.index(field)]


@pytest.mark.parametrize("plan", ["ranges", "pages", "cursor"])
def test_every_plan_reads_rows_that_it_cannot_look_into(plan: PlanName) -> None:
    """Tuples come whole and in order, and a checkpoint of them is gone on with."""
    rows = [task(key) for key in range(1, 8)]
    session = canned({"GET sdk/tasks/": by_cursor(rows) if plan == "cursor" else served(rows, cap=3)})
    table: Any = Tuples(DEFAULT.table(Task._schema, Task._catalog))
    reader = read(table, Query(order=("id",)), session=session, how=ReadOptions(3, plan=plan, decode=decoded))

    window = reader.next()
    assert window is not None
    how = ReadOptions(3, plan=plan, state=reader.state(window, 2), decode=decoded)
    again = read(table, Query(order=("id",)), session=session, how=how)

    rest = [row for found in iter(again.next, None) for row in found.rows]
    assert [1, 2, 3, 4, 5, 6, 7] == [row[0] for row in (*window.rows[:2], *rest)]
    assert {tuple} == set(map(type, rest))
