"""When a request is sent again, by its status, and how long is waited before."""

from __future__ import annotations

import socket
import time

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, formatdate

import attrs
import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.dialects import Request
from synapse.errors import (
    ClientError,
    ConfigError,
    OriginError,
    ServerError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.session import Retry, Session
from synapse.session.retry import RULES, Effect, rule_of, seconds_until
from tests.servers import HangUpError, Received, Server, Step, reply, reset


class TestWait:
    @given(st.integers(0, 5000), st.floats(0, 1e6))
    def test_stays_within_its_limits(self, attempt: int, asked: float) -> None:
        """No wait is longer than the cap, nor longer than the longest that the backend may ask for."""
        retry = Retry(backoff=0.5, cap=30, max_wait=60)

        assert 0 <= retry.wait(attempt) <= min(30, 0.5 * 2 ** min(attempt, 60))
        assert min(asked, 60) <= retry.wait(attempt, retry_after=asked) <= min(asked, 60) + 0.5

    def test_spreads_out(self) -> None:
        """Two clients do not wait equally long."""
        assert 1 < len({Retry().wait(3) for _ in range(20)})


class TestRetry:
    @pytest.mark.parametrize(
        "options", [{"total": -1}, {"total": 1.5}, {"total": True}, {"backoff": -1}, {"cap": "1"}]
    )
    def test_refuses_what_is_no_policy(self, options: dict[str, object]) -> None:
        """A count or a time that cannot be used is refused by name."""
        with pytest.raises(ConfigError, match=next(iter(options))):
            Retry(**options)


class TestSecondsUntil:
    @pytest.mark.parametrize(
        ("header", "expected"),
        [
            ("0", 0.0),
            ("120", 120.0),
            ("1.5", 1.5),
            ("-5", 0.0),
            (formatdate(0, usegmt=True), 0.0),
            ("", None),
            (None, None),
            ("soon", None),
            ("nan", None),
            ("inf", None),
            ("1e308", 1e308),
            ("1e999", None),
            ("٣", None),
            ("１２", None),
            ("1_0", None),
            ("5, 10", 10.0),
            ("10, soon", None),
            ("Mon, 99 Foo 2026", None),
            ("Mon, 01 Jan 999999 00:00:00 GMT", None),
        ],
    )
    def test_reads_seconds_dates_and_nonsense(self, header: str | None, expected: float | None) -> None:
        """A number of seconds and a date count, in the past as nothing; nonsense is no wish at all."""
        assert expected == seconds_until(header)

    def test_reads_a_date_to_come(self) -> None:
        """A date is turned into the seconds that are left."""
        assert 50 < (seconds_until(formatdate(time.time() + 100, usegmt=True)) or 0) <= 100

    @pytest.mark.skipif(not hasattr(time, "tzset"), reason="the zone of the process cannot be set here")
    @pytest.mark.parametrize("zone", ["", "XYZ", "-0000"])
    def test_takes_a_date_without_a_zone_for_gmt(self, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
        """A zone that nobody knows does not make it local time, which may be half a day off."""
        monkeypatch.setenv("TZ", "Asia/Seoul")
        time.tzset()
        said = formatdate(time.time() + 100, usegmt=True).replace("GMT", zone)
        seconds = seconds_until(said.strip()) or 0
        monkeypatch.undo()
        time.tzset()

        assert 50 < seconds <= 100

    @given(st.text())
    def test_never_fails(self, header: str) -> None:
        """Whatever stands in the header, the answer is a time or nothing."""
        seconds = seconds_until(header)

        assert seconds is None or seconds >= 0


Scripted = Callable[..., tuple[Server, Session]]

GET = Request("GET", "tasks/")
POST = Request("POST", "tasks/", json={"project": 1})
PATCH = Request("PATCH", "tasks/7/", json={"meta": {}})
PUT = Request("PUT", "chunked_upload/1/", json={})
DELETE = Request("DELETE", "tasks/7/")
WHOLE = reply(data={"id": 7})


class TestTable:
    def test_repeats_no_write_that_may_have_happened(self) -> None:
        """What a write is repeated after, the backend has surely not acted upon."""
        rules = {status: rule_of(status) for status in (*range(300, 600), 999)}
        undone = (Effect.NOT_DONE, Effect.REPEATABLE)

        assert [] == [status for status, rule in rules.items() if rule.acted == (rule.write in undone)]
        assert [429] == [status for status, rule in rules.items() if rule.write is Effect.REPEATABLE]

    def test_takes_a_refusal_for_one(self) -> None:
        """Of the 4xx, only those of something that gave up waiting leave open whether it happened."""
        assert [408, 425, 499] == [status for status in range(400, 500) if rule_of(status).acted]

    def test_takes_no_failure_for_a_refusal(self) -> None:
        """After any 5xx it may have happened."""
        assert all(rule_of(status).acted for status in range(500, 600))
        assert set(RULES) <= set(range(400, 600))


class TestBusy:
    @pytest.mark.parametrize("request_", [GET, POST, PUT, DELETE])
    @pytest.mark.parametrize("status", [429, 503, 504])
    def test_waits_for_no_longer_than_is_allowed(
        self, scripted: Scripted, request_: Request, status: int
    ) -> None:
        """A pause beyond `max_wait` is an error at once, not four attempts that are known to fail."""
        later = format_datetime(datetime.now(UTC) + timedelta(hours=1), usegmt=True)
        server, session = scripted(reply(status, {}, headers=[("Retry-After", later)]))
        with pytest.raises((ClientError, WriteUnconfirmedError)):
            session.send(request_)

        assert 1 == len(server.received)

    def test_says_when_a_pause_is_over_that_is_not_waited_for(self, scripted: Scripted) -> None:
        """The error has the seconds, and the date."""
        _, session = scripted(reply(503, {}, headers=[("Retry-After", "3600")]))
        with pytest.raises(
            ServerError, match=r"pause of 3600 s, .*60\) allows no more: try again at 20"
        ) as caught:
            session.send(POST)

        assert (3600, True, False) == (
            caught.value.retry_after,
            caught.value.too_long,
            caught.value.unconfirmed,
        )

    @pytest.mark.parametrize("request_", [POST, PATCH])
    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b"<html>",
            b"{}",
            b'{"message": "no healthy upstream"}',
            b'{"title": "x", "detail": "y"}',
            b'{"detail": ""}',
        ],
    )
    def test_never_repeats_a_write_that_a_router_gave_up(
        self, scripted: Scripted, request_: Request, body: bytes
    ) -> None:
        """A 503 that is not the backend's own tells nothing: the application behind may go on."""
        server, session = scripted(reply(503, raw=body), WHOLE)
        with pytest.raises(
            WriteUnconfirmedError, match="503 Service Unavailable, which does not tell"
        ) as caught:
            session.send(request_)

        assert (1, 503) == (len(server.received), caught.value.status_code)

    @pytest.mark.parametrize("body", [{"detail": "later"}, {"error_type": "gpu_unavailable"}])
    def test_repeats_a_write_that_the_backend_itself_put_off(
        self, scripted: Scripted, body: dict[str, str]
    ) -> None:
        """A 503 in the backend's own words was given before it acted."""
        server, session = scripted(reply(503, body), WHOLE)

        assert {"id": 7} == session.send(POST).data
        assert 2 == len(server.received)

    def test_repeats_what_is_harmless_whoever_was_busy(self, scripted: Scripted) -> None:
        """What writes the same each time is sent again after any 503."""
        server, session = scripted(reply(503, raw=b"<html>"), WHOLE)

        assert {"id": 7} == session.send(attrs.evolve(POST, harmless=True)).data
        assert 2 == len(server.received)


class TestFailed:
    @pytest.mark.parametrize("request_", [POST, PATCH, PUT, DELETE])
    def test_says_of_a_write_that_failed_that_it_may_have_happened(
        self, scripted: Scripted, request_: Request
    ) -> None:
        """A 500 is the backend's answer, and yet no refusal."""
        server, session = scripted(reply(500, {"detail": "boom"}))
        with pytest.raises(ServerError, match=r"500 boom\. It may have happened") as caught:
            session.send(request_)

        assert (1, 500, True) == (len(server.received), caught.value.status_code, caught.value.unconfirmed)

    def test_says_nothing_of_the_kind_of_a_read(self, scripted: Scripted) -> None:
        """A read that failed wrote nothing."""
        _, session = scripted(reply(500, {"detail": "boom"}))
        with pytest.raises(ServerError, match="500 boom$") as caught:
            session.send(GET)

        assert not caught.value.unconfirmed

    @pytest.mark.parametrize("status", [404, 410])
    def test_takes_an_object_that_is_gone_after_a_routers_503_as_deleted(
        self, scripted: Scripted, status: int
    ) -> None:
        """The attempt before may have done it."""
        _, session = scripted(reply(503, raw=b"<html>"), reply(status, {"detail": "gone"}))

        assert 204 == session.send(DELETE).status


class TestSeveralAttempts:
    @pytest.mark.parametrize("last", [reply(403, {"detail": "no"}), reply(400, {"detail": "no"}), reset])
    @pytest.mark.parametrize("request_", [PUT, DELETE, attrs.evolve(POST, harmless=True)])
    def test_of_which_one_may_have_done_it_are_no_refusal(
        self, scripted: Scripted, request_: Request, last: Step
    ) -> None:
        """What the last one says does not undo the one before."""
        _, session = scripted(reply(503, raw=b"<html>"), last)
        with pytest.raises(
            (ClientError, TransportError), match=r"may(?: or may not)? have happened"
        ) as caught:
            session.send(request_)

        assert caught.value.unconfirmed

    def test_of_which_the_last_found_no_connection(
        self, serve: Callable[..., Server], connect: Callable[..., Session]
    ) -> None:
        """That nothing was written is true of the last one only."""
        server = serve()

        def vanish(connection: socket.socket, _: Received) -> None:
            server.close()
            raise HangUpError

        server.script = [vanish]
        with pytest.raises(TransportError, match="doing it again is safe$") as caught:
            connect(server).send(PUT)

        assert caught.value.unconfirmed


class TestMoved:
    @pytest.mark.parametrize("request_", [POST, PATCH])
    @pytest.mark.parametrize("status", [302, 303])
    def test_leaves_open_whether_a_write_was_done(
        self, scripted: Scripted, request_: Request, status: int
    ) -> None:
        """Both may lead to what came of it."""
        server, session = scripted(reply(status, {}, headers=[("Location", "/tasks/7/")]), WHOLE)
        with pytest.raises(WriteUnconfirmedError):
            session.send(request_)

        assert 1 == len(server.received)

    @pytest.mark.parametrize("status", [301, 307, 308])
    def test_says_that_nothing_was_written(self, scripted: Scripted, status: int) -> None:
        """Whoever asks for the same request elsewhere has not acted."""
        _, session = scripted(reply(status, {}, headers=[("Location", "/other/")]))
        with pytest.raises(TransportError, match=r"Nothing was written$") as caught:
            session.send(POST)

        assert not caught.value.unconfirmed

    @pytest.mark.parametrize(("status", "unconfirmed"), [(303, True), (307, False)])
    def test_tells_the_same_of_another_host(self, scripted: Scripted, status: int, unconfirmed: bool) -> None:
        """Nothing goes there, and the write may have happened here."""
        _, session = scripted(reply(status, {}, headers=[("Location", "http://evil.example/")]))
        with pytest.raises(OriginError) as caught:
            session.send(POST)

        assert unconfirmed == caught.value.unconfirmed
