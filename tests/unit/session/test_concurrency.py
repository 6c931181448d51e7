"""One function over many items."""

from __future__ import annotations

import contextvars
import subprocess
import sys
import threading
import time

from collections.abc import Iterator

import pytest

from synapse.session.concurrency import FleetingExecutor, run_all

NAME = contextvars.ContextVar("NAME", default="")


class Gauge:
    """Counts how many calls run at once, and how many items were taken."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running = self.most = self.taken = 0

    def work(self, item: int) -> int:
        with self.lock:
            self.running += 1
            self.most = max(self.most, self.running)
        time.sleep(0.002)
        with self.lock:
            self.running -= 1
        return item * 2

    def items(self, count: int) -> Iterator[int]:
        for item in range(count):
            self.taken += 1
            yield item


class TestRunAll:
    @pytest.mark.parametrize("workers", [1, 4])
    @pytest.mark.parametrize("count", [0, 1, 2, 50])
    def test_keeps_the_order(self, workers: int, count: int) -> None:
        """Every item has its outcome, in the order given."""
        outcomes = list(run_all(lambda item: item * 2, range(count), workers=workers))

        assert [(item, item * 2, None) for item in range(count)] == outcomes

    def test_keeps_to_its_workers(self) -> None:
        """No more calls run at once than there are workers."""
        gauge = Gauge()
        list(run_all(gauge.work, range(40), workers=4))

        assert 1 < gauge.most <= 4

    def test_reads_no_further_ahead_than_it_must(self) -> None:
        """Items are taken as outcomes are."""
        gauge = Gauge()
        outcomes = run_all(gauge.work, gauge.items(1000), workers=4)
        next(outcomes)

        assert gauge.taken <= 8
        outcomes.close()

    @pytest.mark.parametrize("workers", [1, 4])
    def test_gives_an_error_to_its_item(self, workers: int) -> None:
        """The error of one item is its outcome; the others are done."""

        def work(item: int) -> float:
            return 1 / item

        outcomes = list(run_all(work, [1, 0, 2], workers=workers))

        assert [1.0, None, 0.5] == [outcome.result for outcome in outcomes]
        assert isinstance(outcomes[1].error, ZeroDivisionError)

    def test_runs_in_the_context_of_the_caller(self) -> None:
        """What is current for the caller is current for every call."""
        NAME.set("caller")

        assert {"caller"} == {
            outcome.result for outcome in run_all(lambda _: NAME.get(), range(9), workers=3)
        }

    def test_starts_nothing_more_once_closed(self) -> None:
        """Breaking out of the loop cancels what has not begun."""
        gauge = Gauge()
        for _ in run_all(gauge.work, gauge.items(1000), workers=2):
            break
        time.sleep(0.02)

        assert gauge.taken <= 4

    def test_may_be_nested(self) -> None:
        """A call may itself run over many items."""

        def outer(item: int) -> int:
            return sum(outcome.result or 0 for outcome in run_all(lambda n: n * item, range(5), workers=2))

        assert [0, 10, 20, 30] == [outcome.result for outcome in run_all(outer, range(4), workers=2)]

    def test_raises_what_the_items_raise(self) -> None:
        """An error of the iterable itself ends the run."""

        def items() -> Iterator[int]:
            yield from range(5)
            raise LookupError

        with pytest.raises(LookupError):
            list(run_all(str, items(), workers=2))


class TestFleetingExecutor:
    def test_makes_calls_side_by_side(self) -> None:
        """Results come in order; no more threads run than were asked for, and none that is not needed."""
        barrier = threading.Barrier(3, timeout=10)
        with FleetingExecutor(3, name="t") as pool:
            results = list(pool.map(lambda number: (number, barrier.wait() >= 0), range(9)))

        assert [(number, True) for number in range(9)] == results

    def test_starts_no_thread_without_need(self) -> None:
        """A thread that is free takes the next call."""
        with FleetingExecutor(5, name="t") as pool:
            names = set()
            for _ in range(20):
                names.add(pool.submit(threading.get_ident).result())
                time.sleep(0.002)

        assert len(names) < 3

    def test_hands_errors_on(self) -> None:
        """What a call raises is its future's, and the thread goes on."""
        with FleetingExecutor(1, name="t") as pool:
            bad, good = pool.submit(int, "x"), pool.submit(int, "1")

            assert (True, 1) == (isinstance(bad.exception(), ValueError), good.result())

    def test_drops_what_waits_if_asked(self) -> None:
        """Closed, it cancels the calls that wait, and takes no other; the one that runs ends."""
        go = threading.Event()
        pool = FleetingExecutor(1, name="t")
        running, waiting = pool.submit(go.wait, 10), pool.submit(int)
        while not running.running():
            time.sleep(0.001)
        pool.shutdown(wait=False, cancel_futures=True)
        go.set()

        assert (True, True) == (running.result(), waiting.cancelled())
        with pytest.raises(RuntimeError, match="closed"):
            pool.submit(int)

    def test_leaves_a_cancelled_call_out(self) -> None:
        """A call that was cancelled while it waited is not made."""
        go = threading.Event()
        with FleetingExecutor(1, name="t") as pool:
            pool.submit(go.wait, 10)
            waiting = pool.submit(int)
            cancelled = waiting.cancel()
            go.set()

        assert (True, True) == (cancelled, waiting.cancelled())

    def test_does_not_keep_the_process(self) -> None:
        """A process ends while a call is still running."""
        code = (
            "import time; from synapse.session.concurrency import FleetingExecutor as F;"
            "F(1, name='t').submit(time.sleep, 60); time.sleep(0.1)"
        )

        assert 0 == subprocess.run([sys.executable, "-c", code], timeout=20, check=False).returncode
