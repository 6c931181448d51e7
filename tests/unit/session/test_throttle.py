"""A backend that asks for a pause gets it from every worker of the session."""

from __future__ import annotations

import contextvars
import logging
import os
import socket
import sys
import threading
import time

from collections.abc import Callable
from typing import Any

import pytest

from synapse.dialects import Request
from synapse.errors import ConfigError, RateLimitError, SynapseError
from synapse.session import Retry, Session, throttle
from synapse.session.throttle import Slot, StoppedError, Throttle
from tests.servers import Received, Server, Step, reply

GET = Request("GET", "tasks/")
WHOLE = reply(data={"results": []})
Scripted = Callable[..., tuple[Server, Session]]


def slow_down(seconds: object, status: int = 429) -> bytes:
    """Return an answer that refuses and says for how long."""
    return reply(status, {"detail": "slow down"}, headers=[("Retry-After", str(seconds))])


class Limited:
    """A step that lets so many requests pass in each window, refuses the others, and notes when each one came."""

    def __init__(self, most: int, *, window: float, retry_after: str) -> None:
        self.most, self.window, self.refusal = most, window, slow_down(retry_after)
        self.passed: list[float] = []
        self.refused: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, _: Received) -> None:
        now = time.monotonic()
        with self._lock:
            recent = [each for each in self.passed if now - each < self.window]
            free = len(recent) < self.most
            (self.passed if free else self.refused).append(now)
        connection.sendall(WHOLE if free else self.refusal)


class Shipping(logging.Handler):
    """Sends a request for each line of the log."""

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session

    def emit(self, record: logging.LogRecord) -> None:
        self.session.send(GET)


def sends(session: Session, count: int) -> list[Any]:
    """Send from eight threads at once, and return what became of each request."""
    return [outcome.error for outcome in session.map(session.send, [GET] * count, workers=8)]


def in_thread(work: Callable[[], object]) -> tuple[threading.Thread, list[BaseException]]:
    """Start a thread, and return it with the errors that end it."""
    errors: list[BaseException] = []

    def run() -> None:
        try:
            work()
        except SynapseError as error:
            errors.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,))
    thread.start()
    return thread, errors


def until_received(server: Server, count: int = 1) -> None:
    while len(server.received) < count:
        time.sleep(0.005)


def until_waiting(throttled: Throttle, count: int) -> None:
    while len(throttled._new) + len(throttled._retried) < count:
        time.sleep(0.005)


class TestHold:
    @pytest.mark.parametrize("status", [429, 503])
    def test_keeps_every_worker_back(self, scripted: Scripted, status: int) -> None:
        """One thread is refused for a while: none of the others sends anything before that is over."""
        times: list[float] = []

        def step(connection: socket.socket, _: Received) -> None:
            times.append(time.monotonic())
            connection.sendall(slow_down(0.3, status) if len(times) == 1 else WHOLE)

        _, session = scripted(step)
        first, _ = in_thread(lambda: session.send(GET))
        while not times:
            time.sleep(0.005)
        time.sleep(0.05)

        assert [None] * 16 == sends(session, 16)
        first.join()
        assert 0.3 <= min(times[1:]) - times[0] < 10

    def test_holds_writes_as_well(self, scripted: Scripted) -> None:
        """A write waits for what a read was told."""
        times: list[float] = []

        def step(connection: socket.socket, _: Received) -> None:
            times.append(time.monotonic())
            connection.sendall(slow_down(0.2) if len(times) == 1 else WHOLE)

        _, session = scripted(step)
        session.send(GET)
        session.send(Request("POST", "tasks/", json={}))

        assert times[1] - times[0] >= 0.2

    def test_leaves_other_origins_alone(self, scripted: Scripted, serve: Callable[..., Server]) -> None:
        """A file comes from another host, which asked for nothing."""
        server, session = scripted(slow_down(30), WHOLE)
        thread, _ = in_thread(lambda: session.send(GET))
        until_received(server)
        with session.download(f"{serve(reply(raw=b'abc')).origin}/a.png") as file:
            assert b"abc" == b"".join(file.chunks())
        session.close()
        thread.join(10)

    @pytest.mark.parametrize("wish", ["soon", "nan", "", "-5", "0"])
    def test_ignores_nonsense(self, scripted: Scripted, wish: str) -> None:
        """A wish that is no time is none."""
        server, session = scripted(slow_down(wish), WHOLE)
        session.send(GET)

        assert 2 == len(server.received)

    def test_is_said_once(self, scripted: Scripted, caplog: pytest.LogCaptureFixture) -> None:
        """Eight workers that are refused at once make one line in the log."""
        barrier = threading.Barrier(8)

        def refuse(connection: socket.socket, _: Received) -> None:
            barrier.wait(10)
            connection.sendall(slow_down(0.3))

        _, session = scripted(*[refuse] * 8, WHOLE)
        with caplog.at_level(logging.INFO, logger="synapse"):
            sends(session, 8)

        said = [record.getMessage() for record in caplog.records if record.levelno == logging.INFO]
        assert ["GET /tasks/: 429: waiting 0.3 s, as the backend asked"] == said

    def test_is_not_for_longer_than_is_allowed(self, scripted: Scripted) -> None:
        """A wish beyond `max_wait` holds nobody: whoever gets it is told at once."""
        server, session = scripted(slow_down(86400), WHOLE, retry=Retry(backoff=0, max_wait=5))
        with pytest.raises(RateLimitError):
            session.send(GET)
        session.send(GET)

        assert 2 == len(server.received)

    def test_is_said_to_a_listener_that_uses_the_session(self, scripted: Scripted) -> None:
        """A handler of the log may ship its lines by the session that waits."""
        server, session = scripted(slow_down(0.1), WHOLE)
        handler = Shipping(session)
        logging.getLogger("synapse").addHandler(handler)
        logging.getLogger("synapse").setLevel(logging.INFO)
        thread, errors = in_thread(lambda: session.send(GET))
        thread.join(10)
        logging.getLogger("synapse").setLevel(logging.NOTSET)
        logging.getLogger("synapse").removeHandler(handler)

        assert (False, [], 3) == (thread.is_alive(), errors, len(server.received))

    def test_is_nothing_to_a_session_that_never_repeats(self, scripted: Scripted) -> None:
        """With `Retry(total=0)` the caller decides; the next request goes at once."""
        server, session = scripted(slow_down(30), WHOLE, retry=Retry(total=0))
        thread, errors = in_thread(lambda: session.send(GET))
        thread.join(10)
        session.send(GET)

        assert ([429], 2) == ([each.status_code for each in errors], len(server.received))  # type: ignore[attr-defined]


class TestStorm:
    def test_ends(self, scripted: Scripted) -> None:
        """Eight workers at a backend that takes four requests in 0.1 s: all pass, and fewer are refused."""
        limited = Limited(4, window=0.1, retry_after="0.1")
        _, session = scripted(limited)

        assert [None] * 40 == sends(session, 40)
        assert (40, True) == (len(limited.passed), len(limited.refused) < 40)

    def test_comes_back_apart(self, scripted: Scripted) -> None:
        """Workers do not all return in the instant that the wait is over."""
        together, returned = threading.Barrier(4), []

        def refuse_once(connection: socket.socket, _: Received) -> None:
            if len(server.received) <= 4:
                together.wait(10)
                connection.sendall(slow_down("0.2"))
            else:
                returned.append(time.monotonic())
                connection.sendall(WHOLE)

        server, session = scripted(refuse_once, retry=Retry(total=20, backoff=0.4))
        sends(session, 4)

        assert 4 == len(returned)
        assert max(returned) - min(returned) > 0.05


class TestEasing:
    """How many go at once after a refusal, seen on the throttle itself."""

    @staticmethod
    def throttled() -> Throttle:
        return Throttle(Retry(backoff=0), check_open=lambda: None)

    @staticmethod
    def enter(throttled: Throttle, *, again: bool = False) -> Slot:
        slot = Slot(retried=again)
        throttled.acquire(slot)
        return slot

    def test_halves_once_for_refusals_of_one_time(self) -> None:
        """Eight that were in flight together and are all refused halve the number once."""
        throttled = self.throttled()
        entered = [self.enter(throttled) for _ in range(8)]
        for each in entered:
            throttled.pause(0, slot=each, label="")
            throttled.release(each, succeeded=False)

        assert (4, 8) == (throttled._limit, throttled._limit_before)

    def test_halves_again_for_later_ones(self) -> None:
        """Refusals after the wait halve it again, down to one."""
        throttled = self.throttled()
        others = [self.enter(throttled) for _ in range(3)]
        for _ in range(4):
            entered = self.enter(throttled)
            throttled.pause(0, slot=entered, label="")
            for each in [entered, *others]:
                throttled.release(each, succeeded=False)
            others = []

        assert (1, 4) == (throttled._limit, throttled._limit_before)

    def test_grows_back_with_success(self) -> None:
        """Once as many pass as before, nothing is limited any more."""
        throttled = self.throttled()
        entered = [self.enter(throttled) for _ in range(4)]
        throttled.pause(0, slot=entered[0], label="")
        for each in entered:
            throttled.release(each, succeeded=False)
        grown = []
        for _ in range(8):
            throttled.release(self.enter(throttled), succeeded=True)
            grown.append(throttled._limit)

        assert (2.5, float("inf")) == (grown[0], grown[-1])

    def test_lets_the_refused_go_first(self) -> None:
        """Who was refused before does not wait behind those that come new."""
        throttled, order = self.throttled(), []
        entered, other = self.enter(throttled), self.enter(throttled)
        throttled.pause(0, slot=entered, label="")
        throttled.release(other, succeeded=False)

        def go(name: str, again: bool) -> None:
            mine = self.enter(throttled, again=again)
            order.append(name)
            throttled.release(mine, succeeded=False)

        threads = [
            threading.Thread(target=go, args=("new", False)),
            threading.Thread(target=go, args=("old", True)),
        ]
        for waiting, thread in enumerate(threads, 1):
            thread.start()
            until_waiting(throttled, waiting)
        throttled.release(entered, succeeded=False)
        for thread in threads:
            thread.join(10)

        assert ["old", "new"] == order


class TestEnd:
    def test_closing_the_session_ends_the_wait(self, scripted: Scripted) -> None:
        """Those who wait for their slot are told that the session is closed."""
        server, session = scripted(slow_down(30))
        first, refused = in_thread(lambda: session.send(GET))
        until_received(server)
        time.sleep(0.05)
        second, waiting = in_thread(lambda: session.send(GET))
        time.sleep(0.05)
        session.close()
        first.join(10)
        second.join(10)

        assert [ConfigError] * 2 == [type(each) for each in [*refused, *waiting]]

    @pytest.mark.parametrize("step", [slow_down(30), reply(502, {})])
    def test_a_worker_that_nobody_needs_gives_up(self, scripted: Scripted, step: Step) -> None:
        """A wait ends once those who asked have left, be it the backend's wish or our own pause."""
        stop = threading.Event()
        server, session = scripted(step, retry=Retry(backoff=1e6, cap=1e6))
        token = throttle.stopping.set(stop)
        thread, errors = in_thread(lambda: session.send(GET))
        throttle.stopping.reset(token)
        until_received(server)
        stop.set()
        thread.join(10)

        assert [StoppedError] == [type(each) for each in errors]

    @pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")
    def test_a_forked_child_starts_afresh(self, scripted: Scripted) -> None:
        """The child of a process that waits has its own gate, which nothing holds."""
        server, session = scripted(slow_down(30), WHOLE)
        thread, _ = in_thread(lambda: session.send(GET))
        until_received(server)
        time.sleep(0.05)
        child = os.fork()
        if not child:
            os._exit(0 if session.send(GET).status == 200 else 1)
        status = os.waitpid(child, 0)[1]
        session.close()
        thread.join(10)

        assert (0, 2) == (status, len(server.received))


class TestLanes:
    """How many go at once where nobody was refused, seen on the throttle itself."""

    @staticmethod
    def throttled(workers: int = 1) -> Throttle:
        return Throttle(Retry(backoff=0), workers=workers, check_open=lambda: None)

    @staticmethod
    def go(throttled: Throttle, work: Callable[[], object], **kind: bool) -> threading.Thread:
        """Take a slot in a thread of its own, and work."""

        def run() -> None:
            slot = Slot(**kind)
            throttled.acquire(slot)
            work()
            throttled.release(slot, succeeded=True)

        thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
        thread.start()
        return thread

    def test_are_given_in_the_order_of_asking(self) -> None:
        """Who came first goes first."""
        throttled, order, held = self.throttled(), [], Slot()
        throttled.acquire(held)
        threads = []
        for number in range(5):
            threads.append(self.go(throttled, lambda number=number: order.append(number)))
            until_waiting(throttled, number + 1)
        throttled.release(held, succeeded=True)
        for thread in threads:
            thread.join(10)

        assert [0, 1, 2, 3, 4] == order

    def test_are_not_needed_by_streams(self) -> None:
        """What stays open goes beside the others, and keeps none of them waiting."""
        throttled = self.throttled()
        throttled.acquire(Slot())
        threads = [self.go(throttled, lambda: None, uncounted=True) for _ in range(3)]
        for thread in threads:
            thread.join(10)

        assert [False] * 3 == [thread.is_alive() for thread in threads]

    def test_are_not_needed_inside_another_turn(self) -> None:
        """What a thread sends while it is sending does not wait for itself."""
        throttled, outer, inner = self.throttled(), Slot(), Slot()
        throttled.acquire(outer)
        throttled.acquire(inner)
        throttled.release(inner, succeeded=True)

        assert {outer} == throttled.running

    def test_are_more_while_someone_was_given_more(self) -> None:
        """A run with sixteen workers has sixteen lanes; an ordinary caller gets the first that is free then."""
        throttled, gate, done = self.throttled(2), threading.Event(), []
        before = throttle.worker_limit.set(16)
        wide = [self.go(throttled, lambda: gate.wait(10)) for _ in range(16)]
        throttle.worker_limit.reset(before)
        while len(throttled.running) < 16:
            time.sleep(0.005)
        late = self.go(throttled, lambda: done.append(len(throttled.running)))
        until_waiting(throttled, 1)
        gate.set()
        for thread in [*wide, late]:
            thread.join(10)

        assert ([True], set()) == ([each <= 16 for each in done], throttled.running)

    def test_are_found_though_nobody_told(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A lane that became free in a thread that was interrupted before it said so is not lost."""
        monkeypatch.setattr(throttle, "_CHECK_SLOTS", 0.1)
        throttled, held = self.throttled(), Slot()
        throttled.acquire(held)
        thread = self.go(throttled, lambda: None)
        until_waiting(throttled, 1)
        throttled.running.discard(held)
        thread.join(10)

        assert not thread.is_alive()

    def test_may_be_given_up_while_others_are_handed_out(self) -> None:
        """Who leaves takes no lock; those that count who is there do not trip over it."""
        throttled, before = self.throttled(4), sys.getswitchinterval()

        def work() -> None:
            for _ in range(300):
                slot = Slot()
                throttled.acquire(slot)
                throttled.running.discard(slot)
                throttled.release(slot, succeeded=True)

        sys.setswitchinterval(1e-5)
        started = [in_thread(work) for _ in range(16)]
        for thread, _ in started:
            thread.join(30)
        sys.setswitchinterval(before)

        assert [] == [error for _, errors in started for error in errors]

    def test_are_not_held_by_those_that_left(self) -> None:
        """A worker that gave up while it waited has no place in the line."""
        throttled, held, stop = self.throttled(), Slot(), threading.Event()
        throttled.acquire(held)
        token = throttle.stopping.set(stop)
        thread, errors = in_thread(lambda: throttled.acquire(Slot()))
        throttle.stopping.reset(token)
        until_waiting(throttled, 1)
        stop.set()
        thread.join(10)
        throttled.release(held, succeeded=True)

        assert ([StoppedError], set()) == ([type(each) for each in errors], throttled.running)

    @pytest.mark.parametrize("mark", [throttle.abandoned, throttle.stopping])
    def test_are_not_held_by_what_nobody_waits_for(self, mark: Any) -> None:
        """After Ctrl-C, a request that still waits for its answer keeps no other one back."""
        throttled, gone, held = self.throttled(), threading.Event(), threading.Event()
        before = mark.set(gone)
        orphan = self.go(throttled, lambda: held.wait(10))
        mark.reset(before)
        while not throttled.running:
            time.sleep(0.005)
        gone.set()
        thread = self.go(throttled, lambda: None)
        thread.join(10)
        held.set()
        orphan.join(10)

        assert not thread.is_alive()
