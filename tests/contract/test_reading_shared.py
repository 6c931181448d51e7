"""Queries and rows shared between threads and processes, and a token that stays at home."""

from __future__ import annotations

import multiprocessing
import pickle
import subprocess
import sys
import threading

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from synapse import OriginError, Session, Task
from synapse.sandbox import Sandbox
from tests.amounts import either
from tests.contract.factory import Factory
from tests.servers import Server, reply

FORKING = """
import os, sys
from synapse import Session, Task

with Session(sys.argv[1], api_token=sys.argv[2]) as session:
    query = Task.objects.filter(project=int(sys.argv[3]))
    before = [task.project.title for task in query]
    child = os.fork()
    if child == 0:
        again = [task.project.title for task in query.all()]
        os._exit(0 if again == before and list(query) else 1)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    sys.exit(code if [task.project.title for task in query.all()] == before else 2)
"""


class TestThreads:
    def test_share_a_session(self, session: Session, make: Factory):
        """Many threads read side by side through one session, each its own rows with their relations."""
        projects, threads = [make.tasks(5)[0].project for _ in range(4)], either(32, 8)

        def read(number: int) -> set[str]:
            query = session.tasks.filter(project=projects[number % 4].pk)
            return {task.project.title for _ in range(3) for task in query.all()}

        with ThreadPoolExecutor(threads) as pool:
            found = list(pool.map(read, range(threads)))

        assert [{projects[number % 4].title} for number in range(threads)] == found

    def test_share_a_query(self, session: Session, make: Factory):
        """Threads that iterate the same query fetch each page once, and see the same rows."""
        rows = make.tasks(150)
        query = session.tasks.filter(project=rows[0].project_id).order_by("id")

        with session.trace() as calls, ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: [task.id for task in query], range(8)))

        assert ([[row.pk for row in rows]] * 8, 2) == (found, len(calls))

    def test_have_their_own_current_session(self, session: Session):
        """A `with` block counts for its own thread only."""
        seen: list[object] = []

        def look() -> None:
            from synapse.session import current_if_any

            seen.append(current_if_any())

        thread = threading.Thread(target=look)
        thread.start()
        thread.join()

        assert [None] == seen


def read_elsewhere(url: str, token: str, data: bytes) -> tuple[list[int], Any, str]:
    """Open what was pickled and go on with it, in a process of its own."""
    query, row, ref = pickle.loads(data)
    with Session(url, api_token=token):
        return [task.id for task in query], row.project.title, ref.meta


class TestProcesses:
    def test_get_queries_rows_and_references_by_pickle(self, session: Session, box: Sandbox, make: Factory):
        """A spawned process goes on with them through a session of its own; the pickle holds no token."""
        rows = make.tasks(3, meta={"k": 1})
        query = Task.objects.filter(project=rows[0].project_id).order_by("-id")[:2]
        data = pickle.dumps((query, query[0], Task.ref(rows[0].pk)))
        token = box.tenants["contract"].api_token

        with multiprocessing.get_context("spawn").Pool(1) as pool:
            found = pool.apply(read_elsewhere, (box.url, token, data))

        assert ([rows[2].pk, rows[1].pk], rows[0].project.title, {"k": 1}) == found
        assert token.encode() not in data

    @pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
    def test_may_be_forked(self, box: Sandbox, make: Factory):
        """A forked child goes on with its parent's session and query, and the parent with its own."""
        token, project = box.tenants["contract"].api_token, make.task().project_id

        done = subprocess.run([sys.executable, "-c", FORKING, box.url, token, str(project)], timeout=60)

        assert 0 == done.returncode


@pytest.fixture
def luring() -> Iterator[str]:
    """The address of a server that would have the token go elsewhere."""
    rows = {"count": 2, "next": "http://127.0.0.2:9/sdk/tasks/?page=2", "results": [{"id": 1}]}
    with Server(reply(data=rows)) as server:
        yield server.origin


class TestOrigin:
    def test_next_page_elsewhere_is_refused(self, luring: str):
        """The token never follows a `next` link to another host; the error names both."""
        session = Session(luring, api_token="syn_secret")

        with session.trace() as calls, pytest.raises(OriginError) as caught:
            list(session.tasks.all())
        session.close()

        assert (1, True, True) == (
            len(calls),
            luring in str(caught.value),
            "127.0.0.2:9" in str(caught.value),
        )
        assert "syn_secret" not in f"{caught.value!r} {calls}"
