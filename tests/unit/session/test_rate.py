"""How many requests a session starts in any period, and what it says of the wait."""

from __future__ import annotations

import pickle
import threading
import time

import pytest

from synapse.dialects import Request
from synapse.errors import ConfigError
from synapse.session import Retry, Session
from synapse.session.rate import Pace, Rate
from synapse.session.throttle import Slot, Throttle
from tests.servers import Server, reply
from tests.unit.session.test_throttle import slow_down

GET = Request("GET", "tasks/")
TOKEN = "syn_0123456789abcdef"


class TestRate:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("10/s", Rate(10, 1)),
            ("600/min", Rate(600, 60)),
            ("600 / Minutes", Rate(600, 60)),
            ("5000/h", Rate(5000, 3600)),
            ("1/day", Rate(1, 86400)),
            (Rate(3, 1), Rate(3, 1)),
            (None, None),
        ],
    )
    def test_reads_what_people_write(self, text, expected):
        """A number, a slash and a unit, or nothing."""
        assert expected == Rate.of(text)

    @pytest.mark.parametrize(
        "text", ["", "10", "0/s", "-1/s", "1.5/s", "10/week", "10/s/s", "١/s", 10, b"1/s", True]
    )
    def test_refuses_the_rest(self, text):
        """Anything else is refused, with an example."""
        with pytest.raises(ConfigError, match=r"rate must look like '10/s', '600/min' or '5000/h'"):
            Rate.of(text)

    def test_prints_as_it_is_written(self):
        """A rate prints in its shortest form."""
        assert ["10/s", "600/m", "5000/h"] == [
            str(Rate.of(text)) for text in ("10/s", "600/min", "5000/hour")
        ]


class TestPace:
    def test_starts_so_many_at_once_and_then_one_for_each_that_is_a_period_old(self):
        """Three start together; the fourth starts a second after the first."""
        pace = Pace(Rate(3, 1))

        assert [True, True, True, False] == [pace.claim(now) for now in (0.0, 0.1, 0.2, 0.9)]
        assert 0.25 == pytest.approx(pace.left(0.75))
        assert [True, False, True] == [pace.claim(now) for now in (1.0, 1.05, 1.1)]

    def test_never_starts_more_in_any_period(self):
        """Whoever asks, and when: between a start and the fifth after it lies a period."""
        pace = Pace(Rate(5, 1_000))
        started = [step for step in range(0, 10_000, 10) if pace.claim(step)]

        assert [0, 10, 20, 30, 40] == started[:5]
        assert {1_000} == {later - earlier for earlier, later in zip(started, started[5:], strict=False)}


class TestThrottle:
    def test_throttles_of_one_session_share_the_rate(self):
        """A start at one origin is one less at the other."""
        pace = Pace(Rate(1, 3600))
        one, other = (Throttle(Retry(), pace=pace, check_open=lambda: None) for _ in range(2))
        one.acquire(Slot())
        thread = threading.Thread(target=other.acquire, args=(Slot(),), daemon=True)
        thread.start()
        thread.join(0.05)

        assert (1, 0) == (len(one.running), len(other.running))


class TestSession:
    def test_bounds_all_its_requests(self):
        """Of 25 requests from eight threads, ten start in each period: they take more than two periods."""
        with Server(reply(data={})) as server:
            session = Session(server.origin, api_token=TOKEN, rate=Rate(10, 0.2))
            began = time.monotonic()
            assert [None] * 25 == [each.error for each in session.map(session.send, [GET] * 25)]

        assert time.monotonic() - began > 0.4

    def test_shows_in_traces_how_long_each_waited(self):
        """The second request waits for the rest of the period; the first one for nothing."""
        with Server(reply(data={})) as server:
            session = Session(server.origin, api_token=TOKEN, rate=Rate(1, 0.5))
            with session.trace() as trace:
                session.send(GET)
                session.send(GET)

        assert trace[0].waited < trace[1].waited
        assert " waited " in str(trace[1])

    def test_bounds_repeats_as_well(self):
        """A request that is refused and repeated is two."""
        with Server(slow_down(0), reply(data={})) as server:
            began = time.monotonic()
            Session(server.origin, api_token=TOKEN, rate=Rate(1, 0.2), retry=Retry(backoff=0)).send(GET)

        assert time.monotonic() - began > 0.2

    def test_ends_a_wait_when_it_is_closed(self):
        """A request that waits for the rate of a session that is closed is refused."""
        with Server(reply(data={})) as server:
            session = Session(server.origin, api_token=TOKEN, rate="1/h")
            session.send(GET)
            threading.Timer(0.05, session.close).start()

            with pytest.raises(ConfigError, match="closed"):
                session.send(GET)

    def test_says_that_it_waits_long(self, caplog):
        """A wait of more than some seconds is logged, with the rate."""
        caplog.set_level("INFO", "synapse")
        self.test_ends_a_wait_when_it_is_closed()

        assert "waiting 3600 s: the session's rate of 1/h is used up" in caplog.messages

    def test_keeps_the_rate_in_its_pickle(self):
        """A worker that loads the session has a rate of its own."""
        session = Session("https://api.example.com", api_token=TOKEN, rate="10/s")

        assert Rate(10, 1) == pickle.loads(pickle.dumps(session.settings)).rate
