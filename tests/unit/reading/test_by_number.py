"""Reading by page numbers while rows come, go and move."""

from __future__ import annotations

import warnings

from collections.abc import Callable
from typing import Any

import pytest

from synapse import Job, NotFoundError, Project, Task, TransportError
from synapse.dialects import Request
from synapse.orm import IncompleteReadWarning
from synapse.reading.checkpoint import FetchedKeys
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import Row, project, served, task

PROJECTS = "GET projects/"
TASKS = "GET sdk/tasks/"
GONE = NotFoundError("Invalid page.", status_code=404)


def projects(count: int, **settings: Any) -> tuple[CannedSession, list[Row]]:
    """A session over so many projects, whose rows may be changed."""
    rows = [project(key) for key in range(1, count + 1)]
    return canned({PROJECTS: served(rows)}, page_size=5, **settings), rows


def before(
    number: int, change: Callable[[], None], answer: Callable[[Request], Any]
) -> Callable[[Request], Any]:
    """Make a change right before the request of that number."""
    count = iter(range(1, 10_000))

    def changing(request: Request) -> Any:
        if next(count) == number:
            change()
        return answer(request)

    return changing


def keys(rows: Any) -> list[Any]:
    """The keys of rows."""
    return [row.pk for row in rows]


@pytest.fixture(params=[0.0, 0.005], ids=["threads", "inline"])
def _near(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read by threads, and where pages are needed."""
    monkeypatch.setattr("synapse.reading.route.NEAR", request.param)


@pytest.mark.usefixtures("_near")
class TestLoopsThatEdit:
    @pytest.mark.parametrize("count", [4, 5, 21, 203])
    @pytest.mark.parametrize("size", [1, 5, 100])
    def test_see_every_row_once(self, count, size):
        """Rows that leave the result as the loop comes to them cost it none of the others."""
        session, rows = projects(count)

        seen = []
        for each in Project.objects.using(session).iterator(page_size=size):
            seen.append(each.pk)
            rows[:] = [row for row in rows if row["id"] != each.pk]

        # Rows that moved while the loop waited may come later than their place.
        assert list(range(1, count + 1)) == sorted(seen)

    @pytest.mark.parametrize("step", [2, 3, 7])
    def test_see_every_row_though_only_some_leave(self, step):
        """It does not matter how many of them stay."""
        session, rows = projects(120)

        seen = []
        for each in Project.objects.using(session):
            seen.append(each.pk)
            if each.pk % step == 0:
                rows[:] = [row for row in rows if row["id"] != each.pk]

        assert list(range(1, 121)) == sorted(seen)

    def test_that_replace_rows_see_those_that_stay(self):
        """Where a row comes for each that leaves, the count tells nothing; that this session wrote does."""
        session, rows = projects(40)
        fresh = iter(range(1000, 2000))
        session.replies |= {f"PATCH projects/{key}/": {"id": key} for key in range(1, 41)}

        seen = []
        for each in Project.objects.using(session).iterator(workers=1):
            seen.append(each.pk)
            if each.pk < 1000:
                each.title = "old"
                each.save()
                rows[:] = [*(row for row in rows if row["id"] != each.pk), project(next(fresh))]

        assert list(range(1, 41)) == [key for key in seen if key < 1000]

    def test_that_write_without_effect_cost_a_request_a_page(self):
        """Where nothing moved, one page before tells so."""
        session, _ = projects(50)
        session.replies |= {f"PATCH projects/{key}/": {"id": key} for key in range(1, 51)}

        for each in Project.objects.using(session).iterator(workers=1):
            each.title = "new"
            each.save()

        assert 10 + 9 == sum(request.method == "GET" for request in session.requests)


class TestOthersThatWrite:
    @pytest.mark.parametrize("moment", range(1, 9))
    @pytest.mark.parametrize("gone", [[1], [2, 3], [1, 2, 3, 4, 5, 6, 7], list(range(1, 31)), [30]])
    def test_take_no_row_that_stays(self, moment, gone):
        """Rows that others delete, at whatever moment, move the rest to the front, where it is found."""
        session, rows = projects(32)

        def delete() -> None:
            rows[:] = [row for row in rows if row["id"] not in gone]

        session.replies[PROJECTS] = before(moment, delete, served(rows))
        found = keys(Project.objects.using(session))

        # Pages that were read before may hold rows that are gone, and come behind what has moved to the front.
        assert len(set(found)) == len(found)
        assert [key for key in range(1, 33) if key not in gone] == [key for key in found if key not in gone]

    @pytest.mark.parametrize("moment", range(1, 9))
    def test_double_no_row(self, moment):
        """Rows that others add in front move the rest on, and none is given twice."""
        session, rows = projects(32)
        session.replies[PROJECTS] = before(moment, lambda: rows.insert(0, project(900)), served(rows))

        found = keys(Project.objects.using(session))

        assert list(range(1, 33)) == [key for key in found if key != 900]

    def test_may_empty_the_list_behind_the_reading(self):
        """A reading far into a list that shrinks to a few rows finds the way back."""
        session, rows = projects(200)
        session.replies[PROJECTS] = before(20, lambda: rows.__delitem__(slice(0, 190)), served(rows))

        found = keys(Project.objects.using(session).iterator(workers=1))

        assert set(range(191, 201)) <= set(found)

    def test_are_told_of_where_rows_may_lack(self):
        """A row that comes for each that goes leaves no trace but the number of rows."""
        first = page(*(project(key) for key in (1, 2)), count=4, next="/?page=2")
        rest = page(*(project(key) for key in (2, 3)), count=4)
        answers = {"1": first, "2": rest}
        session = canned({PROJECTS: lambda request: answers[dict(request.params)["page"]]}, page_size=2)

        with pytest.warns(
            IncompleteReadWarning, match=r"3 rows of Project came, but the backend counted 4"
        ) as told:
            assert [1, 2, 3] == keys(Project.objects.using(session))
        assert __file__ == told[0].filename

    def test_are_not_told_of_where_a_second_look_finds_the_rest(self):
        """What the second look finds is given, and nothing is said."""
        answer = served([project(key) for key in range(1, 5)])
        first = page(project(1), project(2), count=4, next="/?page=2")
        asked = iter([first, page(project(2), project(3), count=4)])
        session = canned({PROJECTS: lambda request: next(asked, None) or answer(request)}, page_size=2)

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert [1, 2, 3, 4] == sorted(keys(Project.objects.using(session)))


class TestPages:
    @pytest.mark.parametrize("slow", [False, True])
    def test_that_come_slowly_are_made_smaller(self, slow, monkeypatch):
        """Pages that take seconds are halved, such that numbers go on meeting them."""
        session, _ = projects(200)
        monkeypatch.setattr("synapse.reading.by_number.SLOW", -1.0 if slow else 60.0)

        found = keys(Project.objects.using(session).iterator(page_size=40))
        sizes = {int(dict(request.params)["page_size"]) for request in session.requests}

        assert (list(range(1, 201)), {40, 20} if slow else {40}) == (found, sizes)

    @pytest.mark.parametrize("size", [35, 36])
    def test_that_take_too_long_later_are_asked_for_in_parts(self, size):
        """A deep page is asked for in parts that its numbers meet, and those behind it are as small."""
        session, rows = projects(200)
        answer = served(rows)

        def edge(request: Request) -> Any:
            asked = dict(request.params)
            late = int(asked["page"]) > 2 and int(asked["page_size"]) > 20
            return TransportError("late", timed_out=True) if late else answer(request)

        session.replies[PROJECTS] = edge

        assert list(range(1, 201)) == keys(Project.objects.using(session).iterator(page_size=size))

    def test_that_take_too_long_as_the_first_begin_anew(self):
        """The first page may be too large as well."""
        session, rows = projects(50)
        answer = served(rows)

        def edge(request: Request) -> Any:
            large = int(dict(request.params)["page_size"]) > 9
            return TransportError("late", timed_out=True) if large else answer(request)

        session.replies[PROJECTS] = edge

        assert list(range(1, 51)) == keys(Project.objects.using(session).iterator(page_size=36))

    def test_of_one_row_that_take_too_long_are_an_error(self):
        """What cannot be made smaller is raised."""
        session = canned({PROJECTS: TransportError("late", timed_out=True)}, page_size=2)

        with pytest.raises(TransportError, match="late"):
            list(Project.objects.using(session))

    def test_that_are_gone_at_once_are_an_error(self):
        """A list of which not even the first page is there any more is not read to its end."""
        first = page(project(1), project(2), count=9, next="/?page=2")
        answers = iter([first])
        session = canned({PROJECTS: lambda request: next(answers, GONE)}, page_size=2)

        with pytest.raises(TransportError, match="not the whole result"):
            list(Project.objects.using(session))

    def test_of_text_keys_are_told_apart(self):
        """Keys that are no numbers are held as they are."""
        rows = [
            {"id": f"{key:08x}", "status": "SUCCEEDED", "created": f"2026-03-01T09:{key:02}:00Z"}
            for key in range(40)
        ]
        session = canned({"GET jobs/": served_texts(rows)}, page_size=7)

        assert [row["id"] for row in rows] == keys(Job.objects.using(session))


def served_texts(rows: list[Row]) -> Callable[[Request], Any]:
    """FetchedPage like a list whose keys are texts."""

    def answer(request: Request) -> Any:
        size, number = (int(dict(request.params)[name]) for name in ("page_size", "page"))
        found = rows[(number - 1) * size : number * size]
        return page(*found, count=len(rows), next="/?page=2" if number * size < len(rows) else None)

    return answer


class TestResume:
    @pytest.mark.parametrize("taken", [1, 4, 5, 6, 17, 31, 32])
    @pytest.mark.parametrize("order", ["id", "-id", "created"])
    @pytest.mark.parametrize("size", [5, 7])
    def test_goes_on_behind_the_last_row(self, taken, order, size):
        """No row is left out or given twice, whatever the page size then."""
        session = canned({TASKS: served([task(key) for key in range(1, 33)])}, page_size=5)
        query = Task.objects.using(session).order_by(order)
        whole, walk = keys(query), query.iterator(plan="pages")

        first = [next(walk).pk for _ in range(taken)]

        assert whole == [*first, *keys(query.resume(walk.checkpoint, page_size=size))]

    @pytest.mark.parametrize("gone", [[], [16], list(range(1, 16)), list(range(1, 17)), list(range(14, 20))])
    @pytest.mark.parametrize("added", [0, 3, 40])
    def test_finds_the_place_that_moved(self, gone, added):
        """Rows that left or came in front are no matter: what a row is ordered by tells whether it was handed out."""
        session, rows = projects(60)
        rows[:] = [project(key) for key in range(101, 161)]
        query = Project.objects.using(session)
        walk = query.iterator()
        first = [next(walk).pk for _ in range(16)]

        rows[:] = [
            *(project(key) for key in range(1, added + 1)),
            *(r for r in rows if r["id"] - 100 not in gone),
        ]
        rest = keys(query.resume(walk.checkpoint))

        assert [key for key in range(117, 161) if key - 100 not in gone] == rest
        assert list(range(101, 117)) == first

    def test_of_rows_without_their_order_goes_by_place_and_key(self):
        """Light rows tell their key only: that is enough while the last one is where it was."""
        rows = [task(key) for key in range(1, 33)]
        session = canned({"GET sdk/tasks/data/": lambda request: _light(served(rows)(request))}, page_size=5)
        query = Task.objects.using(session).only("data").order_by("created")
        walk = query.iterator()
        first = [next(walk).pk for _ in range(15)]

        assert list(range(1, 33)) == [*first, *keys(query.resume(walk.checkpoint))]
        del rows[0]
        with pytest.raises(TransportError, match="is not where it was"):
            list(query.resume(walk.checkpoint))


def _light(reply: dict[str, Any]) -> dict[str, Any]:
    return {**reply, "results": [{"id": row["id"], "data": {}} for row in reply["results"]]}


class TestSeen:
    def test_holds_numbers_and_texts(self):
        """Each key is new once."""
        seen = FetchedKeys()
        some = [0, 1, 255, 256, -1, 2**63, "a", "1"]

        assert [True] * 8 + [False] * 8 == [seen.add(key) for key in (*some, *some)]
        assert (8, True, False, False) == (seen.count, 256 in seen, 257 in seen, "b" in seen)


def test_answers_that_are_too_large_are_asked_for_in_parts():
    """More than the session reads into memory is no end: fewer rows fit."""
    session, rows = projects(50)
    answer = served(rows)

    def heavy(request: Request) -> Any:
        large = int(dict(request.params)["page_size"]) > 9
        return TransportError("larger than 512 MiB", too_large=True) if large else answer(request)

    session.replies[PROJECTS] = heavy

    assert list(range(1, 51)) == keys(Project.objects.using(session).iterator(page_size=36))
