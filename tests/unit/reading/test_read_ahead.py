"""Reading ahead over real sockets: how many requests, when, and what is left behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
import time

from collections.abc import Iterator
from contextlib import closing
from contextvars import ContextVar
from typing import Any

import pytest

from synapse import ClientError, Project, Session, SynapseError, Task
from synapse.dialects import Reply, Request
from synapse.reading.read_ahead import Parallelism
from synapse.reading.route import FetchedPage
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import project, served, task
from tests.unit.orm.wire import Backend, listening
from tests.waiting import until

TASKS = "GET sdk/tasks/"
LABEL: ContextVar[str] = ContextVar("label", default="none")


@pytest.fixture
def backend() -> Iterator[Backend]:
    """A backend of a thousand tasks, a hundredth of a second away."""
    with listening([task(key) for key in range(1, 1001)], lambda asked: 0.01) as running:
        yield running


@pytest.fixture
def session(backend: Backend) -> Iterator[Session]:
    """A session with small pages and four workers."""
    with closing(Session(backend.address, api_token="ahead", page_size=10, workers=4)) as made:
        yield made


def readers() -> list[threading.Thread]:
    """The threads that read."""
    return [thread for thread in threading.enumerate() if thread.name.startswith("synapse")]


class TestOrder:
    @pytest.mark.parametrize("plan", ["ranges", "pages"])
    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_is_that_of_the_result(self, plan, order, session):
        """However answers overtake each other, rows come in order, each once."""
        keys = [each.id for each in session.tasks.order_by(order).iterator(plan=plan)]

        assert sorted(range(1, 1001), reverse=order == "-id") == keys

    def test_is_kept_while_answers_overtake_each_other(self, backend, session):
        """A page that comes late holds back those behind it, and is not lost."""
        backend.delay = lambda asked: 0.05 if asked["page"] == "3" else 0.0

        found = [each.id for each in session.tasks.iterator(plan="pages")]

        assert list(range(1, 1001)) == found


class TestRamp:
    def test_first_page_is_read_alone(self, backend, session):
        """The first row takes one round trip; when it is there, two requests more are under way."""
        rows = session.tasks.iterator(page_size=10)

        first = next(rows)

        until(lambda: len(backend.asked) == 3)
        assert (1, 1) == (first.id, int(backend.asked[0]["page"]))
        assert ["-id"] == [asked["ordering"] for asked in backend.asked if asked["ordering"] != "id"]

    def test_goes_up_to_the_workers(self, backend, session):
        """A reading that waits has as many requests in flight as there are workers, and never more."""
        backend.delay = lambda asked: 0.03

        assert 1000 == sum(1 for _ in session.tasks.iterator(page_size=10))
        assert 2 < backend.at_once <= 4

    def test_reads_nothing_ahead_with_one_worker(self, backend, session):
        """With one worker each page is asked for when it is needed, and no thread is made."""
        rows = session.tasks.iterator(page_size=10, workers=1)

        next(rows)

        assert ([], 1) == (readers(), len(backend.asked))

    @pytest.mark.parametrize(
        "read",
        [
            lambda query: query.first(),
            lambda query: query.get(id__in=[5]),
            lambda query: query.exists(),
            lambda query: query.count(),
            lambda query: list(query[20:25]),
            lambda query: query[7],
            lambda query: list(query.filter(id__in=[3, 4])),
        ],
    )
    def test_is_for_long_readings_only(self, read, backend, session):
        """What one page answers is one request, in the thread that asks."""
        read(session.tasks.filter(id__lt=10**6))

        assert ([], True) == (readers(), len(backend.asked) == 1)

    def test_is_bounded_by_what_waits_to_be_handed_out(self, backend, session):
        """A consumer that stops asking has a few pages waiting for it, and no more are asked for."""
        rows = session.tasks.iterator(page_size=10)
        for _ in range(25):
            next(rows)

        until(lambda: not readers())
        time.sleep(0.05)

        # Three pages were handed out, one request told the last key, and at most twice the workers' pages wait.
        assert len(backend.asked) <= 3 + 1 + 8

    def test_of_plain_loops_is_the_same(self, backend, session):
        """`for task in query` reads ahead as `iterator()` does."""
        backend.delay = lambda asked: 0.03

        assert 1000 == len(list(session.tasks.all()))
        assert backend.at_once > 1


class TestStopping:
    def leave_by_break(self, rows: Any) -> None:
        for each in rows:
            if each.id == 35:
                break
        del rows

    def leave_by_error(self, rows: Any) -> None:
        with pytest.raises(ZeroDivisionError), rows:
            for each in rows:
                _ = 1 / (35 - each.id)

    def leave_by_close(self, rows: Any) -> None:
        for each in rows:
            if each.id == 35:
                rows.close()
        assert [] == list(rows)

    @pytest.mark.parametrize("way", ["break", "error", "close"])
    def test_sends_nothing_more(self, way, backend, session):
        """However the loop is left, nothing is sent afterwards and every thread ends."""
        getattr(self, f"leave_by_{way}")(session.tasks.iterator(page_size=10))
        gc.collect()

        until(lambda: not readers())
        sent = len(backend.asked)
        time.sleep(0.1)

        assert (sent, []) == (len(backend.asked), readers())

    def test_waits_for_nothing(self, backend, session):
        """Requests under way are left to end on their own."""
        backend.delay = lambda asked: 3.0 if "id__gt" in asked else 0.0
        rows = session.tasks.iterator(page_size=10)
        next(rows)

        started = time.monotonic()
        rows.close()

        assert time.monotonic() - started < 2

    def test_ends_every_thread_of_a_finished_reading(self, session):
        """No thread outlives a reading that came to its end."""
        assert 1000 == sum(1 for _ in session.tasks.iterator())

        until(lambda: not readers())

    def test_of_a_session_that_is_closed_says_so(self, session):
        """A session that was closed meanwhile ends the reading, with the place that it had reached."""
        rows = session.tasks.iterator(page_size=10)
        next(rows)
        session.close()

        with pytest.raises(SynapseError, match="session is closed") as caught:
            list(rows)

        assert caught.value.checkpoint


class TestContext:
    def test_is_that_of_the_loop(self, backend):
        """Threads see what the loop that they read for sees."""
        seen = set[str]()

        class Noting(Session):
            def send(self, request: Request, *, decode: Any = None) -> Reply:
                seen.add(LABEL.get())
                return super().send(request, decode=decode)

        LABEL.set("mine")
        with closing(Noting(backend.address, api_token="ahead", page_size=10)) as session:
            assert 1000 == sum(1 for _ in session.tasks.iterator())

        assert {"mine"} == seen

    def test_error_of_any_kind_reaches_the_loop(self, monkeypatch):
        """Whatever a thread ends with, whoever waits for its page hears of it."""
        monkeypatch.setattr("synapse.reading.route.NEAR", 0.0)

        def answer(request: Request) -> Any:
            if "id__gt" in dict(request.params):
                raise KeyboardInterrupt
            return served([task(key) for key in range(1, 40)])(request)

        with pytest.raises(KeyboardInterrupt):
            list(Task.objects.using(canned({TASKS: answer}, page_size=5)).iterator())


@pytest.fixture
def eager_collector() -> Iterator[set[str]]:
    """A collector that works whenever it may; the names of what it interrupts, but for what waits for an answer."""
    interrupted, kept = set[str](), gc.get_threshold()

    def note(phase: str, info: object) -> None:
        frame, names = sys._getframe(1), set[str]()
        while frame is not None:
            names.add(frame.f_code.co_name)
            frame = frame.f_back
        if not names & {"completed", "outcome_of"}:
            interrupted.update(names)

    gc.callbacks.append(note)
    gc.set_threshold(1)
    yield interrupted
    gc.set_threshold(*kept)
    gc.callbacks.remove(note)


class TestCollector:
    @pytest.mark.parametrize("workers", [1, 4])
    def test_rests_only_while_a_page_is_made(self, workers, backend, session):
        """It works in the loop, and while an answer is waited for."""
        waited = set[bool]()
        backend.delay = lambda asked: waited.add(gc.isenabled()) or 0.01

        rows = session.tasks.iterator(workers=workers).converted(lambda row: gc.isenabled())
        seen = {(made, gc.isenabled()) for made in rows}

        assert ({(False, True)}, True) == (seen, True in waited)
        assert workers > 1 or {True} == waited

    def test_does_not_work_before_a_page_that_is_whole_is_handed_out(self, eager_collector):
        """Where nothing is left to load for its rows, there is nothing to wait for."""
        session = canned({TASKS: served([task(key) for key in range(1, 101)])}, page_size=50)

        assert 100 == len(list(Task.objects.using(session).iterator()))
        assert {"_next_rows"} == eager_collector & {"_next_rows", "_next_page", "_load"}


class TestSlowPages:
    def test_are_asked_for_in_halves(self, backend):
        """A page that takes too long is not asked for again as it is: its halves are, until they come."""
        backend.delay = lambda asked: 1.5 if int(asked["page_size"]) > 60 else 0.0
        timeout = {"connect": 5, "read": 0.4}

        with closing(Session(backend.address, api_token="ahead", timeout=timeout)) as session:
            found = [each.id for each in session.tasks.iterator()]

        assert list(range(1, 1001)) == found
        # On a busy machine a small page may run out of its time as well.
        assert sum(int(asked["page_size"]) > 60 for asked in backend.asked) <= 12

    @pytest.mark.parametrize("size", [100, 35])
    def test_by_number_are_asked_for_in_parts(self, size, backend):
        """A numbered page is asked for in parts that its numbers meet, and those behind it are as small."""
        backend.delay = lambda asked: 1.5 if int(asked["page_size"]) > 30 else 0.0
        timeout = {"connect": 5, "read": 0.4}

        with closing(Session(backend.address, api_token="ahead", timeout=timeout)) as session:
            found = [each.id for each in session.tasks.iterator(plan="pages", page_size=size)]

        assert list(range(1, 1001)) == found
        assert sum(int(asked["page_size"]) > 30 for asked in backend.asked) <= 3


class TestParallelism:
    @staticmethod
    def turns(parallelism: Parallelism, monkeypatch, *, work: float, waited: bool) -> int:
        """Hand out a hundred pages, a tenth of a second apart."""
        now = [0.0]
        monkeypatch.setattr("synapse.reading.read_ahead.time.perf_counter", lambda: now[0])
        monkeypatch.setattr("synapse.reading.read_ahead.time.thread_time", lambda: 0.0)
        for _ in range(100):
            now[0] += 0.1
            parallelism.note(FetchedPage(None, 0.0, work, None), here=False)  # type: ignore[arg-type]
            parallelism.note_handed_out(waited=waited)
        return parallelism.wanted

    def test_is_less_where_this_machine_is_what_takes_long(self, monkeypatch):
        """Where the work of one thread fills the time, more of them would stand in each other's way."""
        assert 0 == self.turns(Parallelism(8), monkeypatch, work=0.1, waited=True)

    def test_grows_while_the_loop_waits(self, monkeypatch):
        """Where answers take long, all workers are used again."""
        parallelism = Parallelism(8)
        self.turns(parallelism, monkeypatch, work=0.1, waited=True)

        assert 0 == self.turns(parallelism, monkeypatch, work=0.0, waited=False)
        assert 8 == self.turns(parallelism, monkeypatch, work=0.0, waited=True)

    def test_does_not_count_failures(self):
        """A request that failed tells nothing of this machine's work."""
        parallelism = Parallelism(8)

        for _ in range(20):
            parallelism.note(ClientError("no", status_code=400), here=False)
            parallelism.note_handed_out(waited=False)

        assert parallelism.wanted <= 8


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no fork")
def test_forked_child_goes_on_with_a_reading_that_was_under_way(backend, session):
    """What the parent's threads had under way, the child asks for itself."""
    backend.delay = lambda asked: 0.1 if "id__gt" in asked and asked["ordering"] == "id" else 0.0
    rows = session.tasks.iterator(page_size=100)
    first = [next(rows).id]

    child = os.fork()
    if child == 0:
        os._exit(0 if [*first, *(row.id for row in rows)] == list(range(1, 1001)) else 1)

    assert 0 == os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    assert list(range(2, 1001)) == [row.id for row in rows]


def test_leaves_one_request_to_what_comes_first_though_much_is_waiting():
    """Where all that has come waits for one page, that page may still be asked for."""
    session = canned(
        {"GET projects/": served([project(key) for key in range(1, 60)])}, page_size=2, workers=2
    )

    assert list(range(1, 60)) == [each.id for each in Project.objects.using(session)]


def test_empty_query_reads_nothing():
    """A query that no row can match has an iterator as any other."""
    session = CannedSession({})
    rows = Task.objects.using(session).none().iterator()

    assert ([], []) == (list(rows), session.requests)
    rows.close()
    assert [] == list(Task.objects.using(session).none().resume(rows.checkpoint))


def test_one_page_starts_no_thread():
    """A result of one page is read where it is asked for."""
    before = threading.active_count()

    list(Task.objects.using(canned({TASKS: page(task(1))})).iterator())

    assert before == threading.active_count()
