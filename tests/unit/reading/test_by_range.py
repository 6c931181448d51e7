"""Reading by ranges of keys: dense and sparse keys, and a backend that does not keep its word."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import NotFoundError, Task, TransportError
from synapse.errors import ServerError
from synapse.orm import IncompleteReadWarning
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import by_cursor, served, task

TASKS = "GET sdk/tasks/"
SHAPES = {
    "dense": range(1, 501),
    "even gaps": range(7, 5000, 11),
    "clusters": [*range(1, 120), *range(50_000, 50_300), *range(10**8, 10**8 + 80)],
    "one far away": [*range(1, 60), 10**8],
    "a long gap first": [3, *range(900_000, 900_200)],
}


def read(rows: Any, *, size: int = 10, order: str = "id", cap: int = 1000, **how: Any) -> CannedSession:
    """Read all rows by ranges; check that they came once, in order."""
    session = canned({TASKS: served([task(key) for key in rows], cap=cap)}, page_size=size)
    found = [each.id for each in Task.objects.using(session).order_by(order).iterator(**how)]
    assert sorted(rows, reverse=order == "-id") == found
    return session


class TestRows:
    @pytest.mark.parametrize("shape", SHAPES)
    @pytest.mark.parametrize("order", ["id", "-id"])
    @pytest.mark.parametrize("cap", [3, 1000])
    def test_come_once_and_in_order(self, shape, order, cap):
        """However the keys lie, and whatever a page holds."""
        read(SHAPES[shape], order=order, cap=cap, page_size=10)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_take_few_requests_more_than_pages(self, shape):
        """Gaps and clusters cost some requests, and not many."""
        rows = SHAPES[shape]

        assert len(read(rows, page_size=10).requests) <= 2.2 * len(rows) / 10 + 12

    def test_of_dense_keys_take_a_request_a_page(self):
        """Without gaps, ranges are full: one request more tells the last key."""
        assert 51 == len(read(range(1, 501), page_size=10).requests)

    def test_that_come_before_the_last_key_is_told_end_the_reading(self, monkeypatch):
        """With one worker the pages may be walked to the end first: nothing more is asked then, nor said."""
        monkeypatch.setattr("synapse.reading.route.NEAR", 0.0)

        session = read([1, 2, 3, 4, 5, 6, 17, 18, 53], order="-id", page_size=2, workers=1)

        assert {"-id"} == {dict(request.params)["ordering"] for request in session.requests}

    def test_that_are_added_meanwhile_are_found(self):
        """The last range has no end, so that rows that came behind it are read as well."""
        rows = [task(key) for key in range(1, 101)]
        session = canned({TASKS: served(rows)}, page_size=10)
        # Where answers are slow, more workers would have read to the end before the rows come.
        walk = Task.objects.using(session).iterator(page_size=10, workers=1)
        first = [next(walk).id for _ in range(60)]

        rows += [task(key) for key in range(101, 181)]

        assert list(range(1, 181)) == first + [each.id for each in walk]

    def test_of_a_slice_end_with_it(self):
        """A slice from the first row is read no further than it goes."""
        session = canned({TASKS: served([task(key) for key in range(1, 1001)])}, page_size=10)

        found = [each.id for each in Task.objects.using(session)[:205].iterator(page_size=10)]

        assert list(range(1, 206)) == found
        assert len(session.requests) <= 24

    @pytest.mark.parametrize("plan", ["ranges", "pages", "cursor"])
    def test_of_a_slice_are_all_though_answers_come_behind_it(self, plan, monkeypatch):
        """What was still under way when the slice was full is dropped."""
        monkeypatch.setattr("synapse.reading.route.NEAR", 0.0)
        answer = served([task(key) for key in range(1, 1001)])
        if plan == "cursor":
            answer = by_cursor([task(key) for key in range(1, 1001)])
        query = Task.objects.using(canned({TASKS: answer}))

        for stop in range(150, 260, 7):
            walk = query[:stop].iterator(page_size=10, plan=plan)
            assert list(range(1, stop + 1)) == [each.id for each in walk]
            assert [] == list(walk)

    def test_near_the_largest_key_are_read(self):
        """No bound is larger than what the backend can hold."""
        top = 2**63 - 1
        session = canned({TASKS: served([task(1)])})
        rows = [task(key) for key in (*range(1, 60), *range(top - 40, top + 1))]

        def answer(request: Any) -> Any:
            asked = dict(request.params)
            assert all(int(asked.get(name, 0)) <= top for name in ("id__gt", "id__lt"))
            low, high = int(asked.get("id__gt", 0)), int(asked.get("id__lt", top + 1))
            chosen = [row for row in rows if low < row["id"] < high]
            if asked["ordering"] == "-id":
                chosen.reverse()
            size = int(asked["page_size"])
            following = "/?page=2" if len(chosen) > size else None
            return page(*chosen[:size], count=len(chosen), next=following)

        session.replies[TASKS] = answer
        for order in ("id", "-id"):
            found = [each.id for each in Task.objects.using(session).order_by(order).iterator(page_size=10)]
            assert sorted([row["id"] for row in rows], reverse=order == "-id") == found

    def test_that_a_backend_doubles_are_given_once(self):
        """A row that a join of the backend brings twice is one row."""
        doubled = page(task(1), task(1), task(2), count=3)

        assert [1, 2] == [each.id for each in Task.objects.using(canned({TASKS: doubled})).iterator()]


class TestPageSize:
    def test_grows_while_answers_come_fast(self):
        """A long read asks for more at once, up to a thousand."""
        session = read(range(1, 20_001), size=100)
        sizes = [int(dict(request.params)["page_size"]) for request in session.requests]

        assert (100, 1000) == (sizes[0], max(sizes))

    def test_shrinks_while_answers_come_slowly(self, monkeypatch):
        """Where a page takes seconds, the next ones are smaller, though not tiny."""
        monkeypatch.setattr("synapse.reading.route.SLOW", -1.0)
        session = read(range(1, 500), size=80)
        sizes = [int(dict(request.params)["page_size"]) for request in session.requests]

        # How small they become before the last one is asked for depends on which answer comes first.
        assert 80 == sizes[0]
        assert min(size for size in sizes if size > 2) in (10, 20)

    def test_follows_the_fullest_page(self):
        """A backend that gives fewer rows now and then is not taken for one that gives no more."""
        answer, odd = served([task(key) for key in range(1, 400)]), iter([3])

        def sparing(request: Any) -> Any:
            reply, most = answer(request), next(odd, 1000)
            following = "/?page=2" if reply["next"] or len(reply["results"]) > most else None
            return {**reply, "results": reply["results"][:most], "next": following}

        session = canned({TASKS: sparing}, page_size=20)
        assert list(range(1, 400)) == [each.id for each in Task.objects.using(session).iterator()]
        assert len(session.requests) < 60

    def test_stays_within_what_the_caller_gives(self):
        """A `page_size` of one's own is the most that is asked for."""
        session = read(range(1, 2001), page_size=30)

        assert 30 == max(int(dict(request.params)["page_size"]) for request in session.requests)

    def test_stays_where_the_backend_gives_no_more(self):
        """A cap of the backend is noticed, and ranges are cut by it."""
        session = read(range(1, 2001), size=100, cap=50)

        assert len(session.requests) <= 2000 / 50 + 8


class TestOddBackends:
    @pytest.mark.parametrize("ignored", ["id__lt", "id__gt"])
    def test_that_ignore_a_bound_are_noticed(self, ignored):
        """Rows that were not asked for are never given."""
        answer = served([task(key) for key in range(1, 400, 2) if key % 50 or key < 40])

        def ignoring(request: Any) -> Any:
            kept = tuple(pair for pair in request.params if pair[0] != ignored)
            return answer(type(request)("GET", request.path, params=kept))

        walk, seen = Task.objects.using(canned({TASKS: ignoring})).iterator(page_size=10), []

        with pytest.raises(TransportError, match="not those that were asked for, in the order of their keys"):
            for each in walk:
                seen.append(each.id)
        assert list(range(1, 400, 2))[: len(seen)] == seen

    @pytest.mark.parametrize("keys", [[2, 1], [1, 3, 2], [5, 1, 9, 3]])
    @pytest.mark.parametrize("size", [1, 2, 10])
    def test_that_ignore_the_order_are_noticed(self, keys, size):
        """Where rows come as they like, the walk by key would lose some: it ends in an error or a warning."""

        def unordered(request: Any) -> Any:
            asked = dict(request.params)
            rows = [
                task(key) for key in keys if int(asked.get("id__gt", 0)) < key < int(asked.get("id__lt", 99))
            ]
            most = min(int(asked["page_size"]), size)
            return page(*rows[:most], count=len(rows), next="/?page=2" if len(rows) > most else None)

        with pytest.raises((TransportError, IncompleteReadWarning)):
            list(Task.objects.using(canned({TASKS: unordered})).iterator(page_size=size))

    def test_that_count_what_they_do_not_give_are_told_of(self):
        """A count that no rows stand for is said, once the rows that there are were given."""
        answer = served([task(key) for key in range(1, 4)])

        def counting(request: Any) -> Any:
            return {**answer(request), "count": 9}

        walk = Task.objects.using(canned({TASKS: counting})).iterator()
        with pytest.warns(IncompleteReadWarning, match="3 rows of Task came, but the backend counted"):
            assert [1, 2, 3] == [each.id for each in walk]

    def test_that_name_no_next_page_are_read_by_their_count(self):
        """Where the count says that there is more, there is, whatever the link says."""
        answer = served([task(key) for key in range(1, 40)])
        silent = canned({TASKS: lambda request: {**answer(request), "next": None}})

        assert list(range(1, 40)) == [each.id for each in Task.objects.using(silent).iterator(page_size=4)]

    def test_that_cannot_tell_the_last_key_are_walked(self):
        """Where the request at the other end fails, pages follow one another."""
        answer = served([task(key) for key in range(1, 100)])

        def one_way(request: Any) -> Any:
            down = dict(request.params)["ordering"] == "-id"
            return ServerError("no", status_code=500) if down else answer(request)

        session = canned({TASKS: one_way})

        assert list(range(1, 100)) == [each.id for each in Task.objects.using(session).iterator(page_size=4)]

    def test_that_give_rows_without_a_key_are_noticed(self):
        """A page that leads on must say where to."""
        session = canned({TASKS: page({"title": "?"}, count=5, next="/?page=2")})

        with pytest.raises(TransportError, match="rows without a key"):
            list(Task.objects.using(session).iterator(on_bad_row="skip"))


class TestFailures:
    def test_are_raised_after_the_rows_before_them(self):
        """What came in order is given, though something behind it failed."""
        answer = served([task(key) for key in range(1, 200)])

        def breaking(request: Any) -> Any:
            low = int(dict(request.params).get("id__gt", 0))
            return TransportError("broke") if low >= 100 else answer(request)

        walk, seen = Task.objects.using(canned({TASKS: breaking})).iterator(page_size=10), []
        with pytest.raises(TransportError, match="broke"):
            seen.extend(each.id for each in walk)

        assert [] == seen or seen == list(range(1, 101))

    def test_of_time_end_with_the_smallest_page(self):
        """A single row that takes too long is an error, with the place before it."""
        answer = served([task(key) for key in range(1, 50)])

        def slow(request: Any) -> Any:
            asked = dict(request.params)
            holds = int(asked.get("id__gt", 0)) < 30 <= int(asked.get("id__gt", 0)) + int(asked["page_size"])
            return TransportError("late", timed_out=True) if holds else answer(request)

        session, seen = canned({TASKS: slow}), []
        walk = Task.objects.using(session).iterator(page_size=8)
        with pytest.raises(TransportError, match="late") as caught:
            for each in walk:
                seen.append(each.id)
        session.replies[TASKS] = answer

        assert list(range(1, 30)) == seen
        rest = Task.objects.using(session).resume(caught.value.checkpoint)
        assert list(range(30, 50)) == [each.id for each in rest]

    def test_of_a_page_that_went_is_the_end_where_all_was_counted(self):
        """A list that vanishes behind its last row has ended."""
        gone = NotFoundError("Invalid page.", status_code=404)
        answers = iter([page(task(1), task(2), count=2, next="/?page=2"), gone])
        session = canned({TASKS: lambda request: next(answers)})

        assert [1, 2] == [each.id for each in Task.objects.using(session).iterator()]

    @pytest.mark.parametrize("status", [408, 504, 524])
    def test_of_a_gateway_that_gave_up_are_cut(self, status):
        """What the edge says when the backend is too slow is a page that is too large."""
        answer = served([task(key) for key in range(1, 60)])

        def edge(request: Any) -> Any:
            large = int(dict(request.params)["page_size"]) > 25
            return ServerError("gave up", status_code=status) if large else answer(request)

        session = canned({TASKS: edge})

        assert list(range(1, 60)) == [each.id for each in Task.objects.using(session).iterator()]
