"""Asking what became of a write: what may be asked, how long it is waited for, what is said."""

from __future__ import annotations

import pickle
import time

import attrs
import pytest

from synapse import QueryError, Resolution, WriteUnconfirmedError
from synapse.orm.unconfirmed import Moment
from tests.unit.orm.lost import backend, listed, lost, tag

pytestmark = pytest.mark.usefixtures("clock")


class TestResolution:
    def test_has_no_truth(self):
        """`if error.resolve():` would take "it did not happen" for a yes."""
        with pytest.raises(TypeError, match=r"\.done and \.repeatable"):
            bool(Resolution(done=True))

    @pytest.mark.parametrize(
        ("found", "said"),
        [
            (Resolution(done=True, reason="it is Task 1"), "done: it is Task 1"),
            (Resolution(repeatable=True), "not done, safe to send again"),
            (Resolution(reason="why"), "cannot be told: why"),
        ],
    )
    def test_says_what_it_is(self, found, said):
        """It prints as a sentence."""
        assert said == str(found)


class TestError:
    def test_points_to_resolve_where_it_helps(self):
        """The message names the call, in an error that has something to ask."""
        _, error = lost(backend(listed()))

        assert str(error).endswith("the connection was lost; resolve() of this error asks whether it did")
        assert "resolve" not in str(WriteUnconfirmedError("lost"))

    def test_without_a_question_cannot_be_told(self):
        """A write of the flat client leaves nothing to ask by."""
        found = WriteUnconfirmedError("POST /x/: lost").resolve()

        assert (False, False) == (found.done, found.repeatable)
        assert "POST /x/: lost" in str(found)


class TestAsking:
    @pytest.mark.parametrize("wait", [-1, "1", True, float("nan"), float("inf")])
    def test_refuses_a_wait_that_is_no_time(self, wait):
        """Before anything is sent."""
        session = backend(listed())
        _, error = lost(session)

        with pytest.raises(QueryError, match="number of seconds"):
            error.resolve(wait=wait)
        assert ["POST"] == [request.method for request in session.requests]

    def test_refuses_what_is_no_session(self):
        """A manager, say."""
        _, error = lost(backend(listed()))

        with pytest.raises(QueryError, match="takes a Session"):
            error.resolve(using="session")

    def test_waits_no_longer_than_the_limit(self, clock):
        """The read limit bounds it, whatever was asked for."""
        session = backend(listed(), read=60)
        _, error = lost(session)
        found = error.resolve(wait=5000)

        assert found.repeatable
        assert 50 < clock.waited <= 60

    def test_waits_no_longer_than_asked(self, clock):
        """A short wait ends without a verdict; another call goes on."""
        session = backend(listed(), read=60)
        _, error = lost(session)
        assert (False, True) == (error.resolve(wait=2).repeatable, 1 < clock.waited <= 2)

        session.replies["GET task_tags/"] = listed(tag(5))
        assert error.resolve(wait=0).done

    def test_is_waited_for_anew_by_another_process(self):
        """Its clock may be another machine's, and tells nothing of how long ago it was."""
        session = backend(listed(), read=60)
        _, error = lost(session)
        arrived = pickle.loads(pickle.dumps(error))
        arrived.question = attrs.evolve(arrived.question, failed=Moment(0, None))

        assert "may still be at work" in str(arrived.resolve(using=session, wait=0))

    def test_is_not_fooled_by_a_clock_that_is_set_forward(self, monkeypatch):
        """The time of day tells of hours that have not passed."""
        session = backend(listed(), read=60)
        _, error = lost(session)
        later = time.time() + 10_000
        monkeypatch.setattr("synapse.orm.unconfirmed.time.time", lambda: later)

        assert not error.resolve(wait=0).repeatable

    def test_is_not_fooled_by_a_clock_that_was_set_back(self, clock, monkeypatch):
        """The wall clock may jump; the wait is bounded all the same."""
        session = backend(listed(), read=60)
        _, error = lost(session)
        before = time.time() - 10_000
        monkeypatch.setattr("synapse.orm.unconfirmed.time.time", lambda: before)

        assert error.resolve().repeatable
        assert clock.waited <= 60
