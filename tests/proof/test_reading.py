"""Whatever a table looks like and whatever befalls it, a reading gives its rows, in order, once — or says why not.

`PROOF=20 pytest tests/proof` draws twenty times as many examples, others each time.
"""

from __future__ import annotations

import pickle
import time
import warnings

from collections.abc import Iterable
from itertools import islice
from typing import Any

import attrs
import pytest

from hypothesis import assume, given
from hypothesis import strategies as st

from synapse import SynapseError
from synapse.orm import QuerySet
from synapse.reading.plan import PlanName
from tests.proof.strategies import ORDERS, Reading, examples, numbered, readings, tables
from tests.proof.table import LIES, Lie, Table, TableSession

pytestmark = pytest.mark.usefixtures("each_parser")

BY_KEY = ("id", "-id")


@attrs.define
class Read:
    """What came of a reading: the keys in the order that they came in, its end, and what was warned of."""

    keys: list[int]
    error: SynapseError | None = None
    warned: list[Warning] = attrs.field(factory=list)

    @property
    def said(self) -> bool:
        """Whether anybody was told that something may be missing."""
        return self.error is not None or bool(self.warned)


def read(rows: Iterable[Any]) -> Read:
    """Read to the end, or to a typed error; any other one is a failure of the test."""
    result = Read([])
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            for row in rows:
                result.keys.append(row.pk)
        except SynapseError as error:
            result.error = error
    result.warned = [each.message for each in caught if isinstance(each.message, Warning)]
    return result


def walked(query: QuerySet[Any], stops: set[int], reading: Reading, *, plan: PlanName | None = None) -> Read:
    """Read, broken off after so many rows and gone on with from the checkpoint, as after an error."""
    result, rows = Read([]), query.iterator(plan=plan, **reading.options)
    for _ in range(100):
        checkpoint = None
        try:
            for row in rows:
                result.keys.append(row.pk)
                if len(result.keys) in stops:
                    stops = stops - {len(result.keys)}
                    checkpoint = rows.checkpoint
                    rows.close()
                    break
        except SynapseError as error:
            checkpoint = error.checkpoint
        if checkpoint is None:
            return result
        rows = (
            pickle.loads(pickle.dumps(query))
            .using(query.session)
            .resume(checkpoint, page_size=reading.again, workers=reading.workers)
        )
    raise AssertionError("a hundred resumptions, and no end")


def in_order(table: Table, order: str) -> list[int]:
    """The keys as they are to come."""
    down, rows = order.startswith("-"), [row for row in table.rows.values() if not row["is_discarded"]]
    rows.sort(key=lambda row: (row[order.lstrip("-")], row["id"]), reverse=down)
    return [row["id"] for row in rows]


def ascends(keys: list[int], order: str) -> bool:
    """Whether the keys are in their order, none twice."""
    return keys == sorted(set(keys), reverse=order.startswith("-"))


def settled(table: Table) -> int:
    """The number of requests once no more come."""
    count = -1
    while count != len(table.asked):
        count = len(table.asked)
        time.sleep(0.01)
    return count


# --- the properties ---------------------------------------------------------------
@examples(60)
@given(
    table=tables(),
    reading=readings(),
    low=st.none() | st.integers(0, 40),
    high=st.none() | st.integers(0, 60),
)
def test_a_still_table_is_read_exactly(table: Table, reading: Reading, low: int | None, high: int | None):
    """Every order, slice, page size, cap and number of workers gives the rows of the table."""
    session = TableSession(table)
    expected = in_order(table, reading.order)[low:high]

    found = read(reading.query(session)[low:high].iterator(**reading.options))

    assert Read(expected) == found


@examples(50)
@given(table=tables(), reading=readings())
def test_plain_iteration_is_no_other(table: Table, reading: Reading):
    """A queryset that is iterated gives the same rows, and gives them again from what it kept."""
    session = TableSession(table, page_size=reading.page_size, workers=reading.workers)
    query = reading.query(session)

    first, again = read(query), read(query)

    assert Read(in_order(table, reading.order)) == first == again


@examples(60)
@given(table=tables(changed="both ways"), reading=readings(BY_KEY))
def test_rows_that_stay_come_once_and_in_order(table: Table, reading: Reading):
    """While others come and go, no row is skipped, doubled or invented."""
    found = read(reading.query(TableSession(table)).iterator(**reading.options))

    assert Read(found.keys) == found
    assert ascends(found.keys, reading.order)
    assert table.always <= set(found.keys) <= table.ever


@examples(60)
@given(table=tables(changed="one way"), reading=readings(("created", "-created")))
def test_numbered_pages_lose_nothing_in_silence(table: Table, reading: Reading):
    """Where rows shift from page to page, none comes twice, and what may be missing is said."""
    found = read(reading.query(TableSession(table)).iterator(**reading.options))

    assert len(found.keys) == len(set(found.keys))
    assert set(found.keys) <= table.ever
    assert found.said or table.always <= set(found.keys)


@examples(50)
@given(table=tables(changed="one way"), size=st.integers(1, 7), workers=st.integers(1, 4))
def test_lists_without_ranges_lose_nothing_in_silence(table: Table, size: int, workers: int):
    """The same for an entity whose keys the wire cannot compare."""
    found = read(numbered(TableSession(table)).iterator(page_size=size, workers=workers))

    assert len(found.keys) == len(set(found.keys))
    assert set(found.keys) <= table.ever
    assert found.said or table.always <= set(found.keys)


@examples(60)
@given(table=tables(), reading=readings(BY_KEY))
def test_a_loop_may_edit_what_it_filters_on(table: Table, reading: Reading):
    """Rows that leave the result once the loop came to them cost it none of the others."""
    expected, seen = in_order(table, reading.order), []

    for row in reading.query(TableSession(table)).iterator(**reading.options):
        seen.append(row.pk)
        table.discard(row.pk)

    assert expected == seen


@examples(50)
@given(table=tables(faulty=True), reading=readings(BY_KEY))
def test_faults_end_in_an_error_that_can_be_gone_on_from(table: Table, reading: Reading):
    """Pages that time out, break off or are refused cost no row: they are read again, or the checkpoint leads on."""
    expected = in_order(table, reading.order)

    found = walked(reading.query(TableSession(table)), set(), reading)

    assert expected == found.keys


@examples(50)
@given(
    table=tables(changed="both ways", faulty=True),
    reading=readings(BY_KEY),
    stops=st.sets(st.integers(1, 40), max_size=4),
)
def test_broken_off_and_resumed_is_the_whole(table: Table, reading: Reading, stops: set[int]):
    """Wherever a reading ends, and whatever happens meanwhile, its checkpoint leaves no gap and makes no double."""
    found = walked(reading.query(TableSession(table)), stops, reading)

    assert ascends(found.keys, reading.order)
    assert table.always <= set(found.keys) <= table.ever


@examples(50)
@given(
    table=tables(),
    reading=readings(),
    stops=st.sets(st.integers(1, 40), max_size=3),
    low=st.none() | st.integers(0, 20),
    high=st.none() | st.integers(0, 50),
)
def test_slices_in_any_order_are_resumed(
    table: Table, reading: Reading, stops: set[int], low: int | None, high: int | None
):
    """A checkpoint knows its place in a slice, and in an order by something else than the key."""
    expected = in_order(table, reading.order)[low:high]

    found = walked(reading.query(TableSession(table))[low:high], stops, reading)

    assert expected == found.keys


@examples(60)
@given(
    table=tables(faulty=True),
    reading=readings(BY_KEY),
    stops=st.sets(st.integers(1, 40), max_size=3),
    high=st.none() | st.integers(0, 50),
)
def test_cursors_are_resumed_with_pages_of_any_size(
    table: Table, reading: Reading, stops: set[int], high: int | None
):
    """However many pages it takes to come back to the last row that was handed out, none comes twice."""
    expected = in_order(table, reading.order)[:high]

    found = walked(reading.query(TableSession(table))[:high], stops, reading, plan="cursor")

    assert expected == found.keys


@examples(50)
@given(table=tables(changed="both ways"), number=st.integers(1, 9), reading=readings(BY_KEY))
def test_shards_are_a_partition(table: Table, number: int, reading: Reading):
    """However many shards there are, each row that stays is in one of them, also after they travelled."""
    session = TableSession(table, page_size=reading.page_size)

    shards = pickle.loads(pickle.dumps(reading.query(session).shards(number)))
    keys = [row.pk for shard in shards for row in shard.using(session).iterator(**reading.options)]

    assert len(keys) == len(set(keys))
    assert table.always <= set(keys) <= table.ever


@examples(40)
@given(table=tables(), number=st.integers(1, 9), size=st.integers(1, 7))
def test_shards_without_ranges_are_a_partition(table: Table, number: int, size: int):
    """Where keys cannot be compared, pages are dealt out; together they hold every row once."""
    session = TableSession(table, page_size=size)

    shards = pickle.loads(pickle.dumps(numbered(session).shards(number)))
    keys = [row.pk for shard in shards for row in shard.using(session)]

    assert sorted(table.keys) == sorted(keys)


@examples(20)
@given(rows=st.integers(0, 300), taken=st.integers(1, 60), reading=readings())
def test_reads_no_further_ahead_than_its_window(rows: int, taken: int, reading: Reading):
    """However long the consumer takes, so many pages wait for it and no more; once it leaves, nothing is sent."""
    table = Table(range(1, rows + 1))
    walk = reading.query(TableSession(table)).iterator(**reading.options)

    came = len(list(islice(walk, taken)))

    assert settled(table) <= -(-came // reading.page_size) + 2 * reading.workers + 4
    walk.close()
    before = settled(table)
    assert [] == list(walk)
    assert before == settled(table)


@pytest.mark.parametrize("lie", LIES)
@examples(20)
@given(data=st.data(), reading=readings())
def test_a_backend_that_lies_is_found_out(lie: Lie, data: st.DataObject, reading: Reading):
    """Bounds, orders and pages that are ignored, counts and links that are wrong: the whole comes, or it is said."""
    table = data.draw(tables(lie=lie))

    found = read(reading.query(TableSession(table)).iterator(**reading.options))

    expected = in_order(table, reading.order)
    assert len(found.keys) == len(set(found.keys))
    if lie == "ignores order" and reading.order not in BY_KEY:
        # Whether rows are in the order of anything but their keys is for the backend to know.
        assert found.said or set(expected) == set(found.keys)
    else:
        assert found.said or expected == found.keys


@examples(60)
@given(table=tables(), reading=readings(ORDERS), low=st.integers(0, 9), high=st.none() | st.integers(0, 40))
def test_explain_tells_the_truth(table: Table, reading: Reading, low: int, high: int | None):
    """Where pages are as large as asked for, the requests that are listed are the first ones that are sent."""
    assume(table.cap >= reading.page_size)
    session = TableSession(table, page_size=reading.page_size, workers=1)
    query = reading.query(session)[low:high]
    told = query.explain()

    list(query)

    assert [each.target for each in told.requests][: len(table.asked)] == [
        each.target for each in table.asked[: len(told.requests)]
    ]
