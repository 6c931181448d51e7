"""A route decides what to ask and in which order rows go out; answers may come in any order, and at any time.

No thread takes part: Hypothesis chooses what happens next, so that each example can be repeated to the letter.
"""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse import SynapseError, Task, TransportError
from synapse.dialects import DEFAULT
from synapse.dialects.v1 import found_in
from synapse.orm.record import table_of
from synapse.reading.plan import NAMES, PlanName, plan_of
from synapse.reading.read import ReadOptions, read
from synapse.reading.read_ahead import ReadAhead
from synapse.reading.route import FetchedPage, PageRequest, Route
from tests.proof.strategies import ORDERS, examples, tables
from tests.proof.table import Table, TableSession
from tests.proof.test_reading import BY_KEY, ascends, in_order

pytestmark = pytest.mark.usefixtures("each_parser")

MOST = 5_000


@attrs.frozen
class Drive:
    """How a route is driven; `moves` choose what happens next, over and over."""

    order: str
    size: int
    moves: list[int]
    workers: int

    def over(self, route: Route, table: Table) -> list[int]:
        """Drive to the end and give the keys in the order that they came in."""
        return Driver(route, table, self.moves, workers=self.workers).run()


@attrs.define
class Driver:
    """Sends, answers and takes rows in an order that is drawn; so many requests are under way at once at most."""

    route: Route
    table: Table
    moves: list[int]
    workers: int
    waits: tuple[float, ...] = (0.01, 0.01, 0.7, 3.0)
    keys: list[int] = attrs.field(factory=list)
    most_held: int = 0
    _under_way: list[tuple[PageRequest, Any]] = attrs.field(factory=list)
    _count: int = 0

    def run(self) -> list[int]:
        """Go on to the end; give the keys in the order that they came in."""
        idle = 0
        while not self.route.done:
            self._count += 1
            assert self._count < MOST, "the route does not come to its end"
            moved = self._move(self.moves[self._count % len(self.moves)])
            moved = moved or self.send() or self.land(0) or self.give()
            # A row that is gone, or a last doubt, may take a step that gives nothing.
            idle = 0 if moved else idle + 1
            assert idle < 3 or self.route.done, "nothing is under way, and nothing is due"
        return self.keys

    def _move(self, number: int) -> bool:
        if number < 4:
            return self.send(late=number % 2 == 0)
        return self.land(number) if number < 10 else self.give()

    def send(self, *, late: bool = False) -> bool:
        """Send the next request; the backend looks at its rows now, or only once it answers."""
        piece = self.route.next_request() if len(self._under_way) < self.workers else None
        if piece is not None:
            self._under_way.append((piece, None if late else self._answered(piece)))
        return piece is not None

    def land(self, number: int) -> bool:
        """Bring the answer to one of the requests under way."""
        if not self._under_way:
            return False
        piece, outcome = self._under_way.pop(number % len(self._under_way))
        self.route.receive(piece, outcome or self._answered(piece))
        self.most_held = max(self.most_held, self.route.buffered)
        return True

    def _answered(self, piece: PageRequest) -> FetchedPage | Exception:
        try:
            reply = self.table.answer(piece.request)
        except SynapseError as error:
            return error
        seconds = self.waits[len(self.table.asked) % len(self.waits)]
        return FetchedPage(found_in(reply, piece.request), seconds, 0.001, 1000)

    def give(self) -> bool:
        """Take the next rows, if they are there."""
        window = self.route.ready_rows()
        if window is not None:
            assert window.first == len(self.keys)
            self.keys += [row["id"] for row in window.rows]
        return window is not None


def route(table: Table, order: str, *, size: int, plan: PlanName) -> Route:
    """The route of one plan over the tasks that are not discarded."""
    session = TableSession(table)
    query = Task.objects.filter(is_discarded=False).order_by(order).query
    reader = read(table_of(Task, session), query, session=session, how=ReadOptions(size=size, plan=plan))
    assert isinstance(reader, ReadAhead)
    return reader.route


def drives(orders: tuple[str, ...]) -> st.SearchStrategy[Drive]:
    """Every way to drive a route."""
    return st.builds(
        Drive,
        order=st.sampled_from(orders),
        size=st.integers(1, 7) | st.just(100),
        moves=st.lists(st.integers(0, 11), min_size=1, max_size=60),
        workers=st.integers(1, 8),
    )


@pytest.mark.parametrize(("plan", "orders"), [("ranges", BY_KEY), ("cursor", BY_KEY), ("pages", ORDERS)])
@examples(50)
@given(data=st.data())
def test_a_still_table_comes_whole(plan: PlanName, orders: tuple[str, ...], data: st.DataObject):
    """Whatever is asked for, and in whichever order it is answered, the rows are those of the table."""
    table, drive = data.draw(tables()), data.draw(drives(orders))

    found = drive.over(route(table, drive.order, size=drive.size, plan=plan), table)

    assert in_order(table, drive.order) == found


@pytest.mark.parametrize("plan", ["ranges", "cursor"])
@examples(80)
@given(table=tables(changed="both ways"), drive=drives(BY_KEY))
def test_no_row_that_stays_is_lost(plan: PlanName, table: Table, drive: Drive):
    """Rows that come and go at any moment take no other one along."""
    found = drive.over(route(table, drive.order, size=drive.size, plan=plan), table)

    assert ascends(found, drive.order)
    assert table.always <= set(found) <= table.ever


@examples(60)
@given(table=tables(changed="one way"), drive=drives(ORDERS))
def test_numbered_pages_say_what_they_lack(table: Table, drive: Drive):
    """Where rows shift from page to page, what may be missing is known, and nothing comes twice."""
    pages = route(table, drive.order, size=drive.size, plan="pages")
    driver = Driver(pages, table, drive.moves, workers=drive.workers)

    try:
        driver.run()
        said = bool(pages.shortfall)
    except SynapseError as error:
        assert "ignore" not in str(error), "an honest backend is accused"
        said = True

    assert len(driver.keys) == len(set(driver.keys))
    assert set(driver.keys) <= table.ever
    assert said or table.always <= set(driver.keys)


@examples(60)
@given(
    order=st.sampled_from(ORDERS), low=st.none() | st.integers(0, 9), high=st.none() | st.integers(0, 3000)
)
def test_the_same_question_has_the_same_plan(order: str, low: int | None, high: int | None):
    """A plan is a value that the query alone decides: it needs no session, and none is current."""
    query = Task.objects.order_by(order)[low:high].query

    plan, again = (plan_of(DEFAULT.table(Task._schema, Task._catalog), query, usual=100) for _ in range(2))

    assert attrs.astuple(plan, recurse=False) == attrs.astuple(again, recurse=False)
    assert plan.name in NAMES


CLUSTERED = {
    "dense": range(1, 1001),
    "one in fifty": range(7, 50_000, 50),
    "blocks of 6": [block * 200 + place for block in range(200) for place in range(6)],
    "20 clusters": [cluster * 10**6 + place for cluster in range(1, 21) for place in range(100)],
    "two clusters far apart": [*range(1, 601), *range(2**62, 2**62 + 600)],
    "one row far from the others": [1, *range(2**62, 2**62 + 1000)],
}


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("name", CLUSTERED)
def test_clusters_cost_no_search(name: str, workers: int):
    """However far apart keys lie, ranges cost about one request a page: no gap is cut over and over."""
    table = Table(CLUSTERED[name])
    driver = Driver(
        route(table, "id", size=20, plan="ranges"), table, [0, 0, 0, 4, 11], workers, waits=(0.01,)
    )

    came, pages = len(set(driver.run())), len(table.keys) // 20

    assert len(table.keys) == came
    assert len(table.asked) <= 2 * pages + 4, f"{len(table.asked)} requests for {pages} pages"


def test_a_row_that_moved_onto_a_page_read_before_is_not_lost():
    """Page 3 comes first; then a row comes in before it, and pushes row 40 from page 2 onto page 3."""
    table = Table(range(10, 80, 10), cap=2)
    pages = route(table, "id", size=2, plan="pages")
    driver = Driver(pages, table, [0, 4, 10], workers=3)

    driver.send()
    driver.land(0)
    driver.give()
    driver.send(late=True)
    driver.send(late=True)
    driver.land(1)
    table.put(22)
    driver.land(0)

    assert set(table.keys) <= set(driver.run()) or pages.shortfall


def test_rows_that_left_while_a_page_was_slow_accuse_nobody():
    """Page 3 is answered before two rows leave, page 2 behind it: they hold the same rows, and nobody repeats pages."""
    table = Table(range(10, 100, 10), cap=2)
    pages = route(table, "created", size=2, plan="pages")
    driver = Driver(pages, table, [0, 4, 10], workers=3)

    driver.send()
    driver.land(0)
    driver.give()
    first = list(driver.keys)
    driver.send(late=True)
    driver.send()
    for key in first:
        table.drop(key)
    driver.land(0)
    driver.land(0)

    assert set(table.keys) == set(driver.run())


@pytest.mark.parametrize("plan", ["ranges", "pages"])
@pytest.mark.parametrize("size", [97, 100, 101])
def test_one_timeout_costs_few_requests(size: int, plan: PlanName):
    """Pages become smaller for a while, whatever their size can be divided by, and larger again."""
    table = Table(range(1, 2001), faults={5: "times out"})

    driver = Driver(route(table, "id", size=size, plan=plan), table, [0, 4, 10], workers=1, waits=(0.01,))

    assert list(range(1, 2001)) == driver.run()
    assert len(table.asked) <= 30


@pytest.mark.parametrize("workers", [1, 8])
@pytest.mark.parametrize("hangs_from", [1, 4, 12])
@pytest.mark.parametrize("plan", ["ranges", "pages", "cursor"])
def test_a_backend_that_hangs_is_given_up_soon(plan: PlanName, hangs_from: int, workers: int):
    """Three requests for one place and those that were under way meanwhile: no more are piled upon it."""
    table = Table(range(1, 250_000, 50), faults=dict.fromkeys(range(hangs_from, 3_000), "times out"))
    driver = Driver(route(table, "id", size=100, plan=plan), table, [0, 0, 4, 10], workers)

    with pytest.raises(TransportError, match="nothing came"):
        driver.run()

    assert len(table.asked) <= hangs_from + 3 + workers
