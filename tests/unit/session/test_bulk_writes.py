"""Many writes: when a run stops, and how a refused batch is sifted."""

from __future__ import annotations

import threading

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from synapse.errors import (
    AuthenticationError,
    ClientError,
    RateLimitError,
    ServerError,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session import Run, Untried, create_each
from synapse.session.bulk_writes import LOST_IN_A_ROW, blamed
from synapse.session.concurrency import Outcome, run_one

REFUSED = AuthenticationError("expired", status_code=401)


def failing(error: Exception) -> Callable[[object], None]:
    """Give a write that always fails."""

    def write(_: object) -> None:
        raise error

    return write


class TestRun:
    def test_gives_no_more_items_once_it_is_stopped(self) -> None:
        """What was not taken of a list is untried, in its order."""
        run = Run([1, 2, 3])
        outcomes = [run_one(run.attempt(failing(REFUSED)), item) for item in run]

        assert ([(1, REFUSED)], [2, 3]) == (run.written(outcomes).failed, run.written(outcomes).untried)

    def test_tries_nothing_once_it_is_stopped(self) -> None:
        """An item that was taken before is not tried any more."""
        run = Run([1])
        run_one(run.attempt(failing(REFUSED)), 1)

        with pytest.raises(Untried):
            run.attempt(str)(2)

    def test_goes_on_after_what_was_lost_at_once(self) -> None:
        """A backend that is started anew loses all that was under way, and takes what comes next."""
        run, under_way = Run[int]([]), threading.Barrier(2 * LOST_IN_A_ROW)

        def lost(_: object) -> None:
            under_way.wait(10)
            raise TransportError("lost")

        with ThreadPoolExecutor(under_way.parties) as pool:
            list(pool.map(lambda item: run_one(run.attempt(lost), item), range(under_way.parties)))
        assert run.stopped is None

        run_one(run.attempt(failing(TransportError("lost"))), 1)
        assert run.stopped is not None

    def test_goes_on_after_failures_of_the_backend(self) -> None:
        """Each of them is an answer, though it may have happened all the same."""
        run = Run[int]([])
        for _ in range(2 * LOST_IN_A_ROW):
            run_one(run.attempt(failing(ServerError("no", status_code=500))), 1)

        assert run.stopped is None

    @pytest.mark.parametrize("too_long", [False, True])
    def test_ends_where_a_pause_is_asked_for_that_is_too_long(self, too_long: bool) -> None:
        """The rows behind would be refused as well."""
        run, error = Run[int]([]), RateLimitError("later", status_code=429)
        error.too_long = too_long
        run_one(run.attempt(failing(error)), 1)

        assert (error if too_long else None) is run.stopped

    @pytest.mark.parametrize(
        ("between", "stopped"), [(None, True), (ServerError("no", status_code=500), False)]
    )
    def test_counts_lost_answers_in_a_row(self, between: Exception | None, stopped: bool) -> None:
        """An answer in between, even a refusal, shows that the line is alive."""
        run = Run[int]([])
        lost: list[Exception] = [TransportError("lost")] * (LOST_IN_A_ROW - 1)

        for error in [*lost, *([between] if between else []), TransportError("lost")]:
            run_one(run.attempt(failing(error)), 1)

        assert stopped == (run.stopped is not None)

    def test_leaves_the_items_of_an_iterator_in_it(self) -> None:
        """What was not taken can still be had from the iterator."""
        given = iter([1, 2, 3])
        run = Run(given)
        outcomes = [run_one(run.attempt(failing(REFUSED)), item) for item in run]

        assert ([], [2, 3]) == (run.written(outcomes).untried, list(given))

    def test_keeps_what_the_items_raised(self) -> None:
        """The items before the error are done, and the error is told with them."""
        error = OSError("gone")
        run = Run(each if each else failing(error)(each) for each in (1, 0))
        written = run.written([Outcome(item, item, None) for item in run])

        assert ([1], error) == (written.done, written.broken)


class TestCreateEach:
    @pytest.mark.parametrize("rows", [None, {}, [1], [1, 2, 3]])
    def test_needs_a_row_for_each(self, rows: object) -> None:
        """Rows that cannot be matched to items may exist all the same."""
        found = create_each(lambda items: rows, ["a", "b"])

        assert ["a", "b"] == [each.item for each in found]
        assert all("may have been created" in str(each.error) for each in found)

    def test_finds_a_bad_row_that_is_not_named(self) -> None:
        """The halves are tried until it is alone."""

        def create(items: list[int]) -> list[int]:
            if 3 in items:
                raise ValidationError("no", status_code=400, response={"detail": "no"})
            return items

        assert [3] == [each.item for each in create_each(create, [1, 2, 3, 4, 5]) if each.error]

    def test_is_not_ended_by_many_rounds(self) -> None:
        """A backend that names one bad row at a time is asked as often as it takes, and the good row is created."""

        def create(items: list[int]) -> list[int]:
            if items != [999]:
                said: list[dict[str, list[str]]] = [{"name": ["no"]}, *({} for _ in items[1:])]
                raise ValidationError("no", status_code=400, response=said)
            return items

        assert [999] == [each.item for each in create_each(create, list(range(1000))) if not each.error]

    def test_keeps_what_is_created_before_another_error(self) -> None:
        """A half that ends with an error nobody expects takes nothing from the half before it."""

        def create(items: list[int]) -> list[int]:
            if len(items) == 4:
                raise ValidationError("no", status_code=400, response={"detail": "no"})
            if 3 in items:
                raise RuntimeError("unexpected")
            return items

        assert [1, 2, None, None] == [each.result for each in create_each(create, [1, 2, 3, 4])]

    def test_halves_what_is_too_large(self) -> None:
        """A body that is too large is sent in parts, and a row that is too large alone fails alone."""

        def create(items: list[int]) -> list[int]:
            if sum(items) > 10:
                raise ClientError("too large", status_code=413)
            return items

        assert [5, 5, 1, None, 4] == [each.result for each in create_each(create, [5, 5, 1, 11, 4])]


class TestEnds:
    """Creating that ends at the first error."""

    def test_before_a_row_that_is_named(self) -> None:
        """What comes before the refused row is created, nothing behind it."""
        tried: list[list[int]] = []

        def create(items: list[int]) -> list[int]:
            tried.append(items)
            if len(items) == 5:
                said = [{"name": ["no"]} if item in (3, 4) else {} for item in items]
                raise ValidationError("no", status_code=400, response=said)
            return items

        found = ended(create, [1, 2, 3, 4, 5])

        assert ([[1, 2, 3, 4, 5], [1, 2]], [1, 2, None, None, None]) == (
            tried,
            [each.result for each in found],
        )
        assert [ValidationError, ValidationError, Untried] == [type(each.error) for each in found[2:]]

    def test_before_a_row_that_is_found_in_halves(self) -> None:
        """The halves behind the bad row are not sent."""
        created: list[int] = []

        def create(items: list[int]) -> list[int]:
            if 3 in items:
                raise ValidationError("no", status_code=400, response={"detail": "no"})
            created.extend(items)
            return items

        found = ended(create, [1, 2, 3, 4, 5, 6])

        assert ([1, 2], [4, 5, 6]) == (created, [e.item for e in found if isinstance(e.error, Untried)])

    def test_with_rows_that_cannot_be_matched(self) -> None:
        """Where a half may have been created, the other half is not."""

        def create(items: list[int]) -> list[int]:
            if len(items) > 2:
                raise ClientError("too large", status_code=413)
            return []

        assert [True, True, False, False] == [
            isinstance(each.error, WriteUnconfirmedError) for each in ended(create, [1, 2, 3, 4])
        ]

    def test_with_an_error_of_the_whole_batch(self) -> None:
        """Rows that were sent together share their error."""
        error = ServerError("down", status_code=500)

        assert [error, error] == [each.error for each in ended(failing(error), [1, 2])]

    def test_only_with_an_error_that_does(self) -> None:
        """A refusal that is no failure is passed over."""

        def create(items: list[int]) -> list[int]:
            if 2 in items:
                said = [{"name": ["no"]} if item == 2 else {} for item in items]
                raise ValidationError("no", status_code=400, response=said)
            return items

        found = create_each(create, [1, 2, 3], ends=lambda item, error: item != 2)

        assert [1, None, 3] == [each.result for each in found]


def ended(create: Callable[[list[int]], object], items: list[int]) -> list[Outcome[int, object]]:
    """Create items until the first error."""
    return create_each(create, items, ends=lambda item, error: True)


class TestBlamed:
    @pytest.mark.parametrize(
        "response",
        [
            None,
            "no",
            {"detail": "no"},
            [{}],
            {"7": {}},
            [1, 2, 3],
            ["Quota exceeded", "Try fewer"],
            [{"a": ["no"]}, "no"],
        ],
    )
    def test_of_other_answers_is_nobody(self, response: object) -> None:
        """An answer that names no row of the batch blames none."""
        assert {} == blamed(response, 2)
