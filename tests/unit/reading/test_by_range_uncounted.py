"""Reading by ranges of keys where the API never counts: how many rows are left is estimated from the pages."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import Assignment
from synapse.testing import CannedSession, canned
from tests.unit.reading.test_by_range import SHAPES


def served(keys: Any) -> CannedSession:
    """A backend of assignments that keeps to bounds, order and page size, and tells no count."""

    def answer(request: Any) -> Any:
        asked = dict(request.params)
        low, high, size = (int(asked.get(name, 2**63)) for name in ("id__gt", "id__lt", "per_page"))
        low = low if "id__gt" in asked else -1
        due = sorted((key for key in keys if low < key < high), reverse=asked["sort"] == "-id")
        told = {"next_cursor": "c" if len(due) > size else None, "previous_cursor": None, "per_page": size}
        return {"data": [{"id": key} for key in due[:size]], "meta": {"request_id": "r", "pagination": told}}

    return canned({"GET v2/assignments/": answer})


def read(session: CannedSession, order: str = "id", **how: Any) -> list[int]:
    """Read all keys by the API that doesn't count."""
    rows = Assignment.objects.using(session).via("v2").order_by(order)
    return [each.id for each in rows.iterator(page_size=10, **how)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("order", ["id", "-id"])
@pytest.mark.parametrize("workers", [1, 8])
def test_rows_come_once_and_in_order(shape: str, order: str, workers: int) -> None:
    """However the keys lie."""
    found = read(served(SHAPES[shape]), order, workers=workers)

    assert sorted(SHAPES[shape], reverse=order == "-id") == found


@pytest.mark.parametrize("shape", SHAPES)
def test_gaps_cost_few_requests(shape: str) -> None:
    """Those under way when the first empty range is told of, and one that leads across."""
    session, keys = served(SHAPES[shape]), SHAPES[shape]
    read(session)

    assert 2.2 * len(keys) / 10 + 12 >= len(session.requests)


def test_dense_keys_are_cut_into_ranges() -> None:
    """Pages need not wait for each other: one request more tells the last key."""
    session = served(range(1, 501))
    read(session)

    bounded = sum("id__lt" in dict(request.params) for request in session.requests)
    assert (51, 48) == (len(session.requests), bounded)


def test_a_short_slice_asks_for_nothing_else() -> None:
    """Two pages are read one after the other."""
    session = served(range(1, 501))
    found = [each.id for each in Assignment.objects.using(session).via("v2")[:20].iterator(page_size=10)]

    assert (list(range(1, 21)), 2) == (found, len(session.requests))
