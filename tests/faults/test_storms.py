"""A backend that refuses for a while: everyone waits for it, nobody for ever, and everything is done once."""

from __future__ import annotations

import contextlib
import logging
import socket
import threading
import time

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from email.utils import formatdate
from typing import Any, Final

import pytest

from synapse import BulkError, ClientError, ConfigError, RateLimitError, Session, Task, TaskTag
from synapse.dialects import Api, Request
from synapse.session import Retry
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.hostile import Proxy, answer
from tests.faults.test_load import make_task, side_by_side
from tests.servers import Received, Server, reply

GET: Final = Request("GET", "tasks/1/")
GETS: Final[dict[Api, Request]] = {"auto": GET, "v2": Request("GET", "v2/tasks/1/")}
DONE: Final = reply(data={"id": 1})
SHORT: Final = 0.2
"""The longest pause that the sessions here take, in seconds."""

Open = Callable[..., tuple[Server, Session]]


@pytest.fixture
def scripted() -> Iterator[Open]:
    """Start a server with a script, and a session that waits no longer than a moment."""
    with ExitStack() as stack:

        def make(*script: Any, api: Api = "auto", **options: Any) -> tuple[Server, Session]:
            server = stack.enter_context(Server(*script))
            retry = Retry(**{"total": 3, "backoff": 0.01, "max_wait": SHORT, **options})
            session = Session(server.origin, api_token="token", state_dir=False, retry=retry, api=api)
            stack.callback(session.close)
            return server, session

        yield make


def refusal(*wishes: str, status: int = 429) -> bytes:
    """Return an answer that refuses, with these `Retry-After` headers as UTF-8."""
    head = f"HTTP/1.1 {status} Slow Down\r\nContent-Length: 2\r\n"
    return (head + "".join(f"Retry-After: {wish}\r\n" for wish in wishes) + "\r\n{}").encode()


def from_now(seconds: float) -> str:
    return formatdate(time.time() + seconds, usegmt=True)


# What a header says, and whether it is a wish: one of more than SHORT seconds is not waited for.
WISHES: Final[dict[str, tuple[Callable[[], tuple[str, ...]], bool]]] = {
    "a moment": (lambda: ("0.1",), True),
    "seconds": (lambda: ("1",), True),
    "a fraction": (lambda: ("0.25",), True),
    "a date to come": (lambda: (from_now(30),), True),
    "a date long past": (lambda: (from_now(-9000),), False),
    "a date without a zone": (lambda: (from_now(30).removesuffix(" GMT"),), True),
    "a date in no zone": (lambda: (from_now(30).replace("GMT", "XYZ"),), True),
    "no date": (lambda: ("Mon, 99 Foo 2026 25:61:61 GMT",), False),
    "the year 999999": (lambda: ("Mon, 01 Jan 999999 00:00:00 GMT",), False),
    "zero": (lambda: ("0",), False),
    "negative": (lambda: ("-5",), False),
    "nonsense": (lambda: ("soon",), False),
    "empty": (lambda: ("",), False),
    "a day": (lambda: ("99999",), True),
    "huge": (lambda: ("1e308",), True),
    "beyond floats": (lambda: ("1e999",), False),
    "not a number": (lambda: ("nan",), False),
    "infinite": (lambda: ("inf",), False),
    "Arabic digits": (lambda: ("٣",), False),
    "wide digits": (lambda: ("９９",), False),
    "underscores": (lambda: ("1_000",), False),
    "a megabyte of digits": (lambda: ("9" * 60_000,), False),
    "twice": (lambda: ("0", "30"), True),
    "twice, once nonsense": (lambda: ("30", "soon"), False),
    "none at all": (lambda: (), False),
}


class TestRetryAfter:
    @pytest.mark.combinations("name, status, api", WISHES, (429, 503), GETS)
    def test_is_a_wait_within_limits_or_nothing(
        self, scripted: Open, caplog: pytest.LogCaptureFixture, name: str, status: int, api: Api
    ) -> None:
        """Whatever stands there: the request is repeated after that wait or at once, or fails at once."""
        wishes, waits = WISHES[name]
        server, session = scripted(refusal(*wishes(), status=status), DONE, max_wait=SHORT, api=api)
        allowed = not waits or name == "a moment"
        expected = contextlib.nullcontext() if allowed else pytest.raises(ClientError, match="allows no more")
        with caplog.at_level(logging.INFO, logger="synapse"), expected:
            assert {"id": 1} == session.send(GETS[api]).data

        assert (2 if allowed else 1, waits and allowed) == (
            len(server.received),
            "waiting 0.1 s" in caplog.text,
        )

    def test_that_is_too_long_is_said_in_the_error(self, scripted: Open) -> None:
        """What was asked for, what is allowed, and when to try again; nothing is waited for."""
        server, session = scripted(refusal("99999"), total=2)
        with pytest.raises(RateLimitError) as caught:
            session.send(GET)

        assert (1, 99999, True) == (len(server.received), caught.value.retry_after, caught.value.too_long)
        caught.match(
            r"^GET /tasks/1/: 429 .* \(it asks for a pause of 99999 s, and Retry\(max_wait=0\.2\) allows no more: "
            r"try again at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\)$"
        )

    def test_that_is_too_long_ends_a_run_of_writes(self, scripted: Open) -> None:
        """The rows behind are not tried: each would be refused as well."""
        server, session = scripted(refusal("3600"))
        tags = [TaskTag(project_id=1, name=str(number)) for number in range(100)]
        with pytest.raises(BulkError) as caught:
            TaskTag.objects.using(session).bulk_create(tags)

        assert len(server.received) <= session.workers
        assert 100 == len(caught.value.failed) + len(caught.value.untried)


class Busy:
    """A step that takes a few requests in each window and refuses the others; it notes when those came."""

    def __init__(self, most: int, *, window: float, until: float) -> None:
        self.most, self.window, self.ends = most, window, time.monotonic() + until
        self.passed: list[float] = []
        self.refused: list[float] = []
        self._lock = threading.Lock()

    def __call__(self, connection: socket.socket, _: Received) -> None:
        now = time.monotonic()
        with self._lock:
            recent = sum(now - each < self.window for each in self.passed)
            free = now > self.ends or recent < self.most
            (self.passed if free else self.refused).append(now)
        connection.sendall(DONE if free else refusal("0.1"))


class TestStorm:
    def test_all_get_through_without_a_stampede(self, scripted: Open) -> None:
        """32 threads at a backend that takes eight requests in 0.1 s: all are served, and fewer are refused."""
        busy = Busy(8, window=0.1, until=60)
        _, session = scripted(busy, total=20)
        side_by_side(lambda _: [session.send(GET) for _ in range(2)])

        assert (64, True) == (len(busy.passed), len(busy.refused) < 64)

    def test_is_waited_for_by_everyone(self, scripted: Open) -> None:
        """While a backend refuses all, a few requests look whether it still does; then all threads go on."""
        busy = Busy(0, window=1, until=0.5)
        _, session = scripted(busy, total=20)
        side_by_side(lambda _: session.send(GET))

        assert (32, True) == (len(busy.passed), len(busy.refused) < 64)

    @pytest.mark.parametrize("status", [429, 503])
    def test_on_a_path_leaves_nothing_undone_or_doubled(
        self, proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, status: int
    ) -> None:
        """Every second write is refused: files, units and tasks are there once."""
        session = connect(proxy.url, retries=20)  # one file may be every second write
        refuse = answer(status, {"detail": "slow down"}, headers=[("Retry-After", "0.05")])
        for number in range(1, 60, 2):
            proxy.harm("POST", refuse, nth=number)
        paths = [make_file(f"{number}.bin", content=f"{number}".encode()) for number in range(12)]
        report = place.collection_of(session).upload(paths, project=place.project, workers=4, batch_size=4)

        assert (12, []) == (len(report.created), [*report.failed, *report.unknown])
        assert sorted(map(md5, paths)) == place.contents == place.assigned

    @pytest.mark.parametrize("api", GETS)
    def test_in_the_middle_of_a_reading_loses_no_row(
        self, proxy: Proxy, connect: Connect, place: Place, api: Api
    ) -> None:
        """Every third page is refused, in whatever order they were asked for."""
        made = [make_task(place) for _ in range(12)]
        refuse = answer(429, {}, headers=[("Retry-After", "0.05")])
        for number in range(2, 40, 3):
            proxy.harm("GET", refuse, nth=number)
        rows = Task.objects.using(connect(proxy.url, retries=20, api=api)).filter(project=place.project)
        found = [task.id for task in rows.iterator(page_size=2, workers=4)]

        assert made == (found[::-1] if api == "v2" else found)  # by v2, the newest comes first


class TestEnd:
    def test_closing_ends_every_wait(self, scripted: Open) -> None:
        """32 threads that wait for a minute are told at once."""
        server, session = scripted(refusal("60"), max_wait=60)
        errors: list[BaseException] = []

        def work(_: int) -> None:
            try:
                session.send(GET)
            except ConfigError as error:
                errors.append(error)

        threads = [threading.Thread(target=work, args=(number,), daemon=True) for number in range(32)]
        for thread in threads:
            thread.start()
        while not server.received:
            time.sleep(0.01)
        time.sleep(0.2)
        session.close()
        for thread in threads:
            thread.join(10)

        assert (32, True) == (len(errors), len(server.received) <= 8)
