"""Chains of pages: the next one is asked for as soon as its cursor is known, and never one too many."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from synapse import NotFoundError, SynapseError, Task, TransportError
from synapse.dialects import V2, Found
from synapse.query import Query
from synapse.reading.by_cursor import ByCursor
from synapse.reading.read_ahead import PageSource, ReadAhead, RequestThreads
from synapse.reading.route import FetchedPage, PageRequest
from synapse.testing import canned
from tests.unit.reading.test_read_ahead import until

TABLE = V2().table(Task._schema, Task._catalog)
PAGES = 9


@attrs.define
class Chain:
    """A backend of nine pages of two rows, none of which comes at once; `asked` are their tokens."""

    table: Any = TABLE
    asked: list[str] = attrs.field(factory=list)

    def outcome_of(self, page: PageRequest) -> FetchedPage:
        """Answer with a page, which names the next one."""
        token = dict(page.request.params).get("cursor", "0")
        self.asked.append(token)
        number = int(token)
        rows = [{"id": 2 * number + 1}, {"id": 2 * number + 2}]
        following = str(number + 1) if number + 1 < PAGES else None
        return FetchedPage(Found(rows, next=following), seconds=1.0, work=0.0, size=100)

    def lacking(self, outcome: object) -> list[str]:
        """Its rows are whole."""
        return []


def reading(chain: Chain, query: Query | None = None, *, workers: int = 4) -> ReadAhead:
    """Read a query through it."""
    route = ByCursor(TABLE, query or Query(), size=2)
    return ReadAhead(route, chain, workers=workers, plan="cursor")  # type: ignore[arg-type]


def keys(rows: ReadAhead) -> list[int]:
    """Read to the end."""
    found = []
    while (window := rows.next()) is not None:
        found += [row["id"] for row in window.rows]
    return found


@pytest.mark.parametrize("workers", [1, 2, 4, 8])
def test_all_rows_come_in_order(workers: int) -> None:
    """Each page is asked for once, in turn, whoever asks for it."""
    chain = Chain()

    assert list(range(1, 2 * PAGES + 1)) == keys(reading(chain, workers=workers))
    assert [str(number) for number in range(PAGES)] == chain.asked


def test_goes_on_while_the_consumer_is_busy() -> None:
    """Once a second page was asked for, the chain is walked as far as there are workers."""
    chain = Chain()
    rows = reading(chain)
    rows.next()
    rows.next()

    until(lambda: len(chain.asked) >= 5)
    assert len(chain.asked) <= 7


def test_waits_for_a_consumer_that_has_the_first_page_only() -> None:
    """Two more pages are asked for, as in any other reading."""
    chain = Chain()
    rows = reading(chain)
    rows.next()

    until(lambda: len(chain.asked) >= 3)
    assert ["0", "1", "2"] == chain.asked


def test_asks_for_nothing_behind_a_slice() -> None:
    """What is behind its end is not asked for ahead of time."""
    chain = Chain()

    assert [1, 2, 3] == keys(reading(chain, Query(stop=3)))
    assert ["0", "1"] == chain.asked


def test_a_slice_says_what_is_walked_to() -> None:
    """A chain begins at its first row, and `explain()` tells what that costs."""
    said = Task.objects.via("v2")[5_000:5_010].explain().more

    assert said.endswith("; the 5,000 rows before the slice are read as well")


def test_answers_may_overtake_each_other() -> None:
    """A page that came before the one which named it waits for its turn."""
    chain, route = Chain(), ByCursor(TABLE, Query(), size=2)
    first = route.next_request()
    assert first is not None
    page = chain.outcome_of(first)
    second = first.following(page.found)
    assert second is not None

    route.receive(second, chain.outcome_of(second))
    assert (None, None) == (route.ready_rows(), first.following(page.found))
    route.receive(first, page)
    windows = [route.ready_rows(), route.ready_rows()]
    assert [1, 2, 3, 4] == [row["id"] for window in windows if window for row in window.rows]


@pytest.mark.parametrize("answer", [[{"id": 2, "data": {"a": 1}}], SynapseError("no")])
def test_rows_are_filled_while_the_chain_goes_on(answer: Any) -> None:
    """What the rows before were read for is put into those that follow; where that fails, they stay as they came."""
    session = canned(
        {"POST v2/tasks/bulk-fetch/": answer if isinstance(answer, Exception) else {"data": answer}}
    )
    source = PageSource(TABLE, session, wanted=lambda: ["data", "meta", "id"])
    page = FetchedPage(Found([{"id": 1}, {"id": 2}]), seconds=1.0, work=0.0, size=100)

    assert ["data"] == source.lacking(page)
    source.fill(page, ["data"])
    assert isinstance(answer, Exception) or [{"id": 1}, {"id": 2, "data": {"a": 1}}] == page.found.rows


def test_rows_without_a_key_are_not_asked_for() -> None:
    """The others of their page are filled all the same, and where there are no others nothing is sent."""
    session = canned({"POST v2/tasks/bulk-fetch/": {"data": [{"id": 2, "data": {"a": 1}}]}})
    for rows in ([{"id": None}, "odd", {"id": 2}], [{"has_data": True}]):
        page = FetchedPage(Found(rows), seconds=1.0, work=0.0, size=100)
        PageSource(TABLE, session).fill(page, ["data"])

    (request,) = session.requests
    assert [2] == next(iter(request.json.values()))


def test_what_is_stored_elsewhere_is_not_taken_for_the_payload() -> None:
    """A row that only tells where its annotation is stays without one, until that is read."""
    told = {"mode": "inline", "truncated": True, "size": 9, "inline_max_bytes": 5, "data_digest": "0" * 64}
    session = canned({"POST v2/tasks/bulk-fetch/": {"data": [{"id": 1, "data": told}]}})
    page = FetchedPage(Found([{"id": 1}]), seconds=1.0, work=0.0, size=100)

    PageSource(TABLE, session).fill(page, ["data"])

    assert [{"id": 1}] == page.found.rows


def test_a_chain_that_leads_back_into_itself_has_an_end() -> None:
    """Three pages that name each other in turn are an error, not a walk for ever over rows that were there."""

    def answer(request: Any) -> dict[str, Any]:
        number = int(dict(request.params).get("cursor", "0"))
        rows = [{"id": number, "project_id": 1}]
        return {"data": rows, "meta": {"pagination": {"next_cursor": str((number + 1) % 3 or 3)}}}

    with (
        canned({"GET v2/tasks/": answer}) as session,
        pytest.raises(TransportError, match="a next page, but one that came before"),
    ):
        list(Task.objects.via("v2"))
    assert 4 == len(session.requests)


def test_a_page_that_is_gone_is_no_missing_object() -> None:
    """A cursor that the backend does not know any more breaks the reading off."""

    def answer(request: Any) -> Any:
        if "cursor" in dict(request.params):
            raise NotFoundError("404 Invalid cursor", status_code=404)
        return {"data": [{"id": 1}], "meta": {"pagination": {"next_cursor": "A"}}}

    with (
        canned({"GET v2/tasks/": answer}),
        pytest.raises(TransportError, match="the page before named this one, which is not there"),
    ):
        list(Task.objects.via("v2"))


def test_ends_with_its_reading() -> None:
    """Whoever stops reading leaves no thread that walks on."""
    chain = Chain()
    threads = RequestThreads(chain, workers=4)  # type: ignore[arg-type]
    threads.room = 100
    threads.close()
    page = ByCursor(TABLE, Query(), size=2).next_request()
    assert page is not None
    threads.start(page)
    threads.completed(wait=True)

    assert ({}, ["0"]) == (threads.in_flight, chain.asked)
