"""The comparisons: what two of one kind mean together."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.errors import QueryError
from synapse.query import Exact, Gt, Gte, In, Lt, Lte, NotIn
from synapse.query.lookups import BY_NAME, Lookup, Nothing
from tests.unit.query.conftest import MEANINGS

VALUES = st.integers(-5, 5)
TUPLES = st.lists(VALUES, min_size=1, max_size=5, unique=True).map(tuple)

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


@pytest.mark.parametrize("lookup", [Gt, Gte, Lt, Lte])
@given(first=VALUES, second=VALUES, held=VALUES)
def test_two_bounds_come_to_the_tighter(lookup: type[Lookup], first: int, second: int, held: int) -> None:
    """A value meets the joined bound just when it meets both."""
    meets = MEANINGS[lookup.name]

    assert (meets(held, first) and meets(held, second)) == meets(held, lookup.merge(first, second))


@pytest.mark.parametrize("lookup", [Gt, Gte, Lt, Lte])
@given(bound=VALUES, held=VALUES)
def test_the_inverse_holds_just_when_the_lookup_does_not(lookup: type[Lookup], bound: int, held: int) -> None:
    """Every bound knows its opposite."""
    assert lookup.inverse is not None
    assert MEANINGS[lookup.name](held, bound) != MEANINGS[lookup.inverse.name](held, bound)


@pytest.mark.parametrize("lookup", [In, NotIn])
@given(first=TUPLES, second=TUPLES, held=VALUES)
def test_two_lists_come_to_one(
    lookup: type[Lookup], first: tuple[int, ...], second: tuple[int, ...], held: int
) -> None:
    """A value meets the joined list just when it meets both; without a common member none does."""
    meets = MEANINGS[lookup.name]
    try:
        met = meets(held, lookup.merge(first, second))
    except Nothing:
        met = False

    assert (meets(held, first) and meets(held, second)) == met


def test_two_values_match_nothing() -> None:
    """No row is equal to both."""
    with pytest.raises(Nothing):
        Exact.merge(1, 2)


def test_one_value_twice_is_one() -> None:
    """Equal values agree."""
    assert 5 == Exact.merge(5, 5)


def test_values_of_two_types_are_not_compared() -> None:
    """A plugin's code and its id may name the same plugin."""
    with pytest.raises(QueryError, match="give one of them"):
        Exact.merge(5, "five")


def test_every_lookup_can_be_joined() -> None:
    """None of them leaves the joining to its base."""
    assert [] == [name for name, lookup in BY_NAME.items() if lookup.merge.__func__ is Lookup.merge.__func__]


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
def test_a_value_meets_a_condition_or_not(lookup: type[Lookup], asked: Any, holds: Any, fails: Any) -> None:
    """Each comparison means what the backend means by it."""
    assert (True, False) == (lookup.holds(holds, asked), lookup.holds(fails, asked))


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
def test_what_cannot_be_told_is_trusted(lookup: type[Lookup], asked: Any, value: Any) -> None:
    """A code beside a number, a bare date, and moments within a second prove nothing."""
    assert lookup.holds(value, asked) in (None, True)
