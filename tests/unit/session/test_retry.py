"""How long to wait, and how a backend's wish is read."""

from __future__ import annotations

import time

from email.utils import formatdate

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.errors import ConfigError
from synapse.session import Retry
from synapse.session.retry import seconds_until


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
