"""Rows of many keys: how many requests they take, and what becomes of the odd ones."""

from __future__ import annotations

import threading

from collections.abc import Callable
from typing import Any

import pytest

from synapse import Project, Task
from synapse.dialects import Request
from synapse.errors import NotFoundError, ServerError, TransportError
from synapse.orm.queryset import QuerySet
from synapse.orm.record import table_of
from synapse.reading.read import rows_by_keys
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import project, served, task, unit

TASKS = "GET sdk/tasks/"


def keys_read(session: CannedSession, keys: range) -> list[int]:
    """Read the tasks that have these keys, and return the keys that came."""
    return sorted(row["id"] for row in rows_by_keys(table_of(Task, session), keys, session=session))


class TestRowsOf:
    def test_asks_for_250_at_once(self) -> None:
        """A thousand keys are four requests of the same length."""
        session = canned({TASKS: served([task(key) for key in range(1, 1001)])})

        assert list(range(1, 1001)) == keys_read(session, range(1, 1001))
        assert ["250"] * 4 == [dict(request.params)["page_size"] for request in session.requests]

    def test_keeps_every_url_short(self) -> None:
        """Keys of many digits are split further."""
        huge = range(10**39, 10**39 + 250)

        def answer(request: Request) -> Any:
            return page(*(task(int(key)) for key in dict(request.params)["id__in"].split(",")))

        session = canned({TASKS: answer})
        assert list(huge) == keys_read(session, huge)
        assert max(len(request.target) for request in session.requests) < 8_200

    def test_goes_on_where_pages_are_capped(self) -> None:
        """A backend that gives 100 rows at most is asked for its further pages."""
        session = canned({TASKS: served([task(key) for key in range(1, 251)], cap=100)})

        assert list(range(1, 251)) == keys_read(session, range(1, 251))
        assert 3 == len(session.requests)

    def test_takes_a_page_that_vanished_for_the_end(self) -> None:
        """What was on it is asked for by itself, if it is still there."""
        rows = served([task(key) for key in range(1, 151)], cap=100)

        def answer(request: Request) -> Any:
            return (
                NotFoundError("Invalid page.", status_code=404)
                if dict(request.params)["page"] == "2"
                else rows(request)
            )

        assert list(range(1, 101)) == keys_read(canned({TASKS: answer}), range(1, 151))

    def test_passes_on_that_there_is_no_list(self) -> None:
        """A first page that is missing is an error."""
        with pytest.raises(NotFoundError):
            keys_read(canned({TASKS: NotFoundError("gone", status_code=404)}), range(1, 5))

    def test_asks_in_halves_for_what_takes_too_long(self) -> None:
        """Rows that are slow to be nested come in smaller lists."""
        rows = served([task(key) for key in range(1, 101)])

        def answer(request: Request) -> Any:
            slow = int(dict(request.params)["page_size"]) > 30
            return ServerError("504", status_code=504) if slow else rows(request)

        session = canned({TASKS: answer})
        assert list(range(1, 101)) == keys_read(session, range(1, 101))
        assert 7 == len(session.requests)

    @pytest.mark.parametrize("error", [ServerError("500", status_code=500), TransportError("cut")])
    def test_passes_other_failures_on(self, error: Exception) -> None:
        """Halves would fail as well."""
        session = canned({TASKS: error})
        with pytest.raises(type(error)):
            keys_read(session, range(1, 101))

        assert 1 == len(session.requests)


class TestRelations:
    @staticmethod
    def session(count: int, **replies: Any) -> CannedSession:
        """A backend with tasks of five projects, whose units can be nested."""
        plain = [task(key, project=1 + key % 5) for key in range(1, count + 1)]
        nested = served([{**row, "data_unit": unit(row["data_unit"])} for row in plain])
        flat = served(plain)

        def tasks(request: Request) -> Any:
            return (nested if dict(request.params).get("expand") else flat)(request)

        return canned(
            {TASKS: tasks, **{f"GET projects/{key}/": project(key) for key in range(1, 6)}, **replies}
        )

    @pytest.mark.parametrize("stream", [iter, QuerySet.iterator], ids=["kept", "streamed"])
    def test_of_300_rows_take_few_requests(self, stream: Callable[[Any], Any]) -> None:
        """At most a dozen beside one for each project, however they are read."""
        session = self.session(300)
        for row in stream(Task.objects.using(session)):
            assert row.project.title and row.data_unit.meta
        singles = [request.path for request in session.requests if request.path.startswith("projects/")]

        assert 5 == len(singles) == len(set(singles))
        assert len(session.requests) - 5 <= 12

    def test_that_two_threads_want_at_once_are_asked_for_once(self) -> None:
        """Objects of different results that point to one project share the request for it."""
        asked, released = threading.Event(), threading.Event()

        def slow(request: Request) -> Any:
            asked.set()
            released.wait(10)
            return project(1)

        session = self.session(1, **{"GET projects/1/": slow})
        rows = [Task(project_id=1, data_unit_id=9) for _ in range(4)]
        for row in rows:
            row._state.session = session
        titles: list[str] = []
        threads = [
            threading.Thread(target=lambda each=row: titles.append(each.project.title)) for row in rows
        ]
        for thread in threads:
            thread.start()
        asked.wait(10)
        released.set()
        for thread in threads:
            thread.join(10)

        assert (["project 1"] * 4, 1) == (titles, len(session.requests))
        assert Project is type(rows[0].project)
