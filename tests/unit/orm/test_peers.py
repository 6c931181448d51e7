"""Threads over one result: what is loaded for a page is asked for once."""

from __future__ import annotations

import sys
import threading
import time

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synapse import Task
from synapse.dialects import Request
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import project, served, task, unit

TASKS = "GET sdk/tasks/"


def at_once(read: Callable[[Any], Any], rows: list[Any], *, threads: int = 8) -> list[Exception]:
    """Read every row in each of several threads, and give their errors."""
    start, errors = threading.Barrier(threads), list[Exception]()

    def work() -> None:
        start.wait()
        try:
            for row in rows:
                read(row)
        except Exception as error:
            errors.append(error)

    running = [threading.Thread(target=work) for _ in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return errors


def slow(answer: Any) -> Callable[[Request], Any]:
    """Answer after a moment, in which other threads come by."""

    def give(request: Request) -> Any:
        time.sleep(0.02)
        return answer(request) if callable(answer) else answer

    return give


@pytest.fixture
def session() -> CannedSession:
    """Twenty tasks of one project."""
    return canned({TASKS: served([task(key) for key in range(1, 21)])})


@pytest.fixture
def hurried() -> Iterator[None]:
    """Let threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


class TestThreads:
    def test_share_a_relation_of_the_page(self, session):
        """The first thread loads it for the page, the others find it."""
        rows = list(Task.objects.using(session))
        session.replies["GET projects/1/"] = slow(project(1))

        errors = at_once(lambda row: row.project.title, rows)

        assert ([], 2) == (errors, len(session.requests))

    def test_share_a_deferred_field(self, session):
        """The same holds for a field that the rows lack."""
        whole = session.replies[TASKS]
        session.replies[TASKS] = page(*({"id": key} for key in range(1, 21)))
        rows = list(Task.objects.using(session).only("id"))
        session.replies[TASKS] = slow(whole)

        errors = at_once(lambda row: row.meta, rows)

        assert ([], 2) == (errors, len(session.requests))

    def test_open_nested_rows_once(self, hurried):
        """What came nested is opened by one of them, and no thread stumbles over another's work."""
        for _ in range(20):
            rows = page(*(task(key, data_unit=unit(100 + key)) for key in range(1, 21)))
            session = canned({TASKS: rows})
            found = list(Task.objects.using(session).select_related("data_unit"))

            errors = at_once(lambda row: row.data_unit.meta, found)

            assert ([], 1) == (errors, len(session.requests))
