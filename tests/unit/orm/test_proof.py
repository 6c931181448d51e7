"""Rows held against the filters that they were asked for by."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from synapse.orm import proof
from synapse.query import Condition, Exact, Gt, Gte, In, Lt, Lte, NotIn

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("lookup", "asked", "holds", "fails"),
    [
        (Exact, 5, 5, 6),
        (Exact, "Done", "done", "open"),
        (Exact, True, True, False),
        (Exact, 5, 5, None),
        (In, (1, 2), 2, 3),
        (NotIn, (1, 2), 3, 2),
        (Gt, 5, 6, 5),
        (Gte, 5, 5, 4),
        (Lt, 5, 4, 5),
        (Lte, 5, 5, 6),
        (Gt, NOON, NOON + MINUTE, NOON - MINUTE),
        (Lte, NOON, NOON - MINUTE, NOON + MINUTE),
    ],
)
def test_a_value_meets_a_condition_or_not(lookup, asked, holds, fails):
    """Each comparison means what the backend means by it."""
    condition = Condition("x", lookup, asked)

    assert (True, False) == (proof.holds(condition, holds), proof.holds(condition, fails))


@pytest.mark.parametrize(
    ("lookup", "asked", "value"),
    [
        (Exact, "code", 5),
        (Gte, date(2027, 1, 1), NOON),
        (Gt, NOON, NOON),
        (Lt, NOON, NOON + timedelta(milliseconds=999)),
        (NotIn, (1,), None),
    ],
)
def test_what_cannot_be_told_is_trusted(lookup, asked, value):
    """A code beside a number, a bare date, and moments within a second prove nothing."""
    assert proof.holds(Condition("x", lookup, asked), value) in (None, True)
