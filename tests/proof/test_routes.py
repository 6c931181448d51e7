"""A route decides what to ask and in which order rows go out; answers may come in any order, and at any time.

No thread takes part: Hypothesis chooses what happens next, so that each example can be repeated to the letter.
"""

from __future__ import annotations

from typing import Any

import attrs

from hypothesis import given
from hypothesis import strategies as st

from synapse import SynapseError, Task
from synapse.dialects import V1
from synapse.orm import parts
from synapse.orm.pages import Answer, Piece, Route
from synapse.orm.ranges import Ranges
from synapse.orm.sizing import Sizing
from tests.proof.strategies import examples, tables
from tests.proof.table import Table
from tests.proof.test_reading import BY_KEY, ascends, in_order

ORDERS = st.sampled_from(BY_KEY)
SIZES = st.integers(1, 7) | st.just(100)
MOVES = st.lists(st.integers(0, 11), min_size=1, max_size=60)
"""What to do next, over and over: numbers that choose among what is possible."""
MOST = 5_000


@attrs.define
class Driver:
    """Sends, answers and takes rows in an order that is drawn; so many requests are under way at once at most."""

    route: Route
    table: Table
    moves: list[int]
    workers: int
    keys: list[int] = attrs.field(factory=list)
    most_held: int = 0
    _under_way: list[tuple[Piece, Any]] = attrs.field(factory=list)
    _count: int = 0

    def run(self) -> list[int]:
        """Go on to the end; give the keys in the order that they came in."""
        idle = 0
        while not self.route.done:
            self._count += 1
            assert self._count < MOST, "the route does not come to its end"
            moved = self._move(self.moves[self._count % len(self.moves)])
            moved = moved or self._send() or self._land(0) or self._give()
            # A row that is gone, or a last doubt, may take a step that gives nothing.
            idle = 0 if moved else idle + 1
            assert idle < 3 or self.route.done, "nothing is under way, and nothing is due"
        return self.keys

    def _move(self, number: int) -> bool:
        if number < 4:
            return self._send(late=number % 2 == 0)
        return self._land(number) if number < 10 else self._give()

    def _send(self, *, late: bool = False) -> bool:
        """Send the next request; the backend looks at its rows now, or only once it answers."""
        piece = self.route.take() if len(self._under_way) < self.workers else None
        if piece is not None:
            self._under_way.append((piece, None if late else self._answered(piece)))
        return piece is not None

    def _land(self, number: int) -> bool:
        if not self._under_way:
            return False
        piece, outcome = self._under_way.pop(number % len(self._under_way))
        self.route.land(piece, outcome or self._answered(piece))
        self.most_held = max(self.most_held, self.route.held)
        return True

    def _answered(self, piece: Piece) -> Answer | Exception:
        try:
            reply = self.table.answer(piece.request)
        except SynapseError as error:
            return error
        seconds = (0.01, 0.01, 0.7, 3.0)[len(self.table.asked) % 4]
        return Answer(V1().page(reply, piece.request), seconds, 0.001, 1000)

    def _give(self) -> bool:
        window = self.route.give()
        if window is not None:
            assert window.first == len(self.keys)
            self.keys += [row["id"] for row in window.rows]
        return window is not None


def ranges(order: str, size: int, **settings: Any) -> Ranges:
    """The route by ranges over the tasks that are not discarded."""
    query = parts.totally_ordered(Task, Task.objects.filter(is_discarded=False).order_by(order).query)
    return Ranges(Task, query, dialect=V1(), sizing=Sizing(size), **settings)


@examples(120)
@given(table=tables(), order=ORDERS, size=SIZES, moves=MOVES, workers=st.integers(1, 8))
def test_ranges_hold_a_still_table(table: Table, order: str, size: int, moves: list[int], workers: int):
    """However ranges are cut, and in whichever order they are answered, their rows are those of the table."""
    driver = Driver(ranges(order, size), table, moves, workers=workers)

    assert in_order(table, order) == driver.run()


@examples(120)
@given(table=tables(changed="both ways"), order=ORDERS, size=SIZES, moves=MOVES, workers=st.integers(1, 8))
def test_ranges_lose_no_row_that_stays(table: Table, order: str, size: int, moves: list[int], workers: int):
    """Rows that come and go at any moment take no other one along."""
    found = Driver(ranges(order, size), table, moves, workers=workers).run()

    assert ascends(found, order)
    assert table.always <= set(found) <= table.ever
