"""The frozen query: slices of slices, turned orders, and travel between processes."""

from __future__ import annotations

import copy
import pickle

import attrs
import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from synapse.query import Condition, Exact, FetchMode, Query

ROWS = list(range(6))
PLACES = st.integers(0, 8)
SLICES = st.lists(st.tuples(st.integers(0, 3), st.none() | PLACES), min_size=1, max_size=3)


def taken(query: Query) -> list[int]:
    """Return the rows that a query stands for."""
    return [] if query.empty else ROWS[query.start : query.stop]


class TestSlice:
    @example([(0, 3), (0, 5)])
    @example([(1, 4), (2, None)])
    @example([(2, 4), (5, 6)])
    @given(SLICES)
    def test_is_pythons(self, slices: list[tuple[int, int | None]]) -> None:
        """A slice of a slice is what it is of a list."""
        query, rows = Query(), ROWS
        for start, stop in slices:
            query, rows = query.slice(start, stop), rows[start:stop]

        assert rows == taken(query)

    @given(SLICES)
    def test_never_ends_before_it_starts(self, slices: list[tuple[int, int | None]]) -> None:
        """Whoever counts `stop - start` gets a number of rows."""
        query = Query()
        for start, stop in slices:
            query = query.slice(start, stop)

        assert query.stop is None or query.start <= query.stop

    def test_of_nothing_sends_nothing(self) -> None:
        """What is known to be empty need not be asked."""
        assert [True, True, False] == [Query().slice(*each).empty for each in ((3, 3), (5, 2), (3, 4))]

    def test_the_whole_is_no_slice(self) -> None:
        """`query[0:]` can still be filtered."""
        assert [False, True, True] == [Query().slice(*each).sliced for each in ((0, None), (0, 5), (1, None))]


class TestUnfiltered:
    def test_is_what_stands_for_every_row(self) -> None:
        """Deleting such a query needs a second word."""
        ordered = Query(order=("id",), only=("id",), prefetch=("project",))

        assert [True, True] == [Query().unfiltered, ordered.unfiltered]

    @pytest.mark.parametrize(
        "query",
        [
            Query(where=(Condition("id", Exact, 5),)),
            Query().slice(0, 5),
            Query(empty=True),
        ],
    )
    def test_is_not_what_was_narrowed(self, query: Query) -> None:
        """By a filter, a slice, or to nothing."""
        assert not query.unfiltered

    def test_is_not_ended_by_a_raw_parameter(self) -> None:
        """The backend ignores what it does not know, so that every row may still be meant."""
        query = Query(params=(("projct", "1"),))

        assert (True, False) == (query.unfiltered, query.bare)


class TestReversed:
    def test_turns_every_order(self) -> None:
        """Ascending becomes descending, and back."""
        query = Query(order=("-created", "id"))

        assert ("created", "-id") == query.reversed().order
        assert query == query.reversed().reversed()


class TestValue:
    def test_cannot_be_changed(self) -> None:
        """Whoever holds a query holds that question for good."""
        with pytest.raises(attrs.exceptions.FrozenInstanceError):
            Query().start = 5  # type: ignore[misc]

    def test_survives_copies_and_pickles(self) -> None:
        """It is the same question elsewhere, and as a key of a dict."""
        query = Query(where=(Condition("id", Exact, 5),), mode=FetchMode.RAISE).slice(1, 9)

        assert {query} == {query, copy.deepcopy(query), pickle.loads(pickle.dumps(query))}
