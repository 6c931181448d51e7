"""Who is told of progress, and how."""

from __future__ import annotations

import threading

from collections.abc import Iterator

import pytest

from synapse.errors import TransferError
from synapse.transfer import Progress, ProgressStep, progress, tracked


class Notes:
    """Notes every call."""

    def __init__(self) -> None:
        self.calls: list[object] = []

    def started(self, total: int | None, label: str) -> None:
        self.calls.append((total, label))

    def advanced(self, count: int) -> None:
        self.calls.append(count)

    def finished(self) -> None:
        self.calls.append("finished")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """A clock that goes when it is told to."""
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    yield now


class TestTracked:
    def test_tells_a_progress_object(self) -> None:
        """An object with the three methods is told of start, steps and end."""
        notes = Notes()
        with tracked(notes, total=10, label="scan") as advanced:
            advanced(4)

        assert isinstance(notes, Progress)
        assert [(10, "scan"), 4, "finished"] == notes.calls

    def test_tells_the_end_of_what_failed(self) -> None:
        """A display is taken down even if the transfer failed."""
        notes = Notes()
        with pytest.raises(ZeroDivisionError), tracked(notes, total=None, label="scan"):
            raise ZeroDivisionError

        assert [(None, "scan"), "finished"] == notes.calls

    def test_calls_a_function_with_steps(self) -> None:
        """A plain function gets frozen steps whose count adds up."""
        steps = list[ProgressStep]()
        with tracked(steps.append, total=10, label="scan") as advanced:
            advanced(4)
            advanced(6)

        assert [
            ProgressStep(0, 10, "scan"),
            ProgressStep(4, 10, "scan"),
            ProgressStep(10, 10, "scan"),
        ] == steps

    @pytest.mark.parametrize("progress", [None, False])
    def test_says_nothing_unless_asked(
        self, progress: bool | None, capsys: pytest.CaptureFixture[str]
    ) -> None:
        """Without progress nothing is printed."""
        with tracked(progress, total=10, label="scan") as advanced:
            advanced(4)

        assert ("", "") == capsys.readouterr()

    def test_refuses_what_cannot_be_told(self) -> None:
        """Anything else is refused before the transfer starts."""
        with pytest.raises(TransferError, match="progress must be True"), tracked(7, total=1, label=""):  # type: ignore[arg-type]
            pass

    def test_shows_no_secret_and_no_control_character(self) -> None:
        """A label is what a stranger may have chosen: it moves no cursor, and no signature is in it."""
        notes = Notes()
        with tracked(notes, total=1, label="a\x1b[2J\nb https://h/x?sig=abcdef"):
            pass

        assert (1, "a\ufffd[2J\ufffdb https://h/x?sig=***") == notes.calls[0]


class TestFailure:
    def test_at_the_start_is_raised(self) -> None:
        """What cannot take even the first step is told before anything travels."""
        with pytest.raises(ZeroDivisionError), tracked(lambda step: 1 / 0, total=1, label="scan"):
            pytest.fail("it went on")

    def test_later_is_warned_of_once_and_nothing_more(self, caplog: pytest.LogCaptureFixture) -> None:
        """A call that fails under way is not made again, and the transfer goes on."""
        steps = list[ProgressStep]()

        def call(step: ProgressStep) -> None:
            steps.append(step)
            if step.done:
                raise ZeroDivisionError

        with tracked(call, total=9, label="scan") as advanced:
            for _ in range(3):
                advanced(3)

        assert ([0, 3], 1) == ([step.done for step in steps], len(caplog.records))
        assert "the transfer goes on" in caplog.text

    def test_to_take_a_display_down_hides_no_error(self) -> None:
        """An error of the transfer is raised whatever the display says to its end."""
        notes = Notes()
        notes.finished = lambda: 1 / 0  # type: ignore[assignment, method-assign]
        with pytest.raises(KeyError), tracked(notes, total=9, label="scan"):
            raise KeyError


class TestRate:
    def test_is_that_of_the_last_seconds(self, clock: list[float]) -> None:
        """A rate forgets what was long ago, and tells what is left by what is now."""
        steps = list[ProgressStep]()
        with tracked(steps.append, total=10_000, label="scan") as advanced:
            for seconds, count in ((1, 1000), (1, 1000), (60, 10), (1, 100), (10, 1000)):
                clock[0] += seconds
                advanced(count)

        assert [None, 1000, 1000, 10 / 60, 110 / 61, 100] == [step.rate for step in steps]
        assert (10_000 - 3110) / 100 == steps[-1].remaining

    def test_is_not_known_at_once(self, clock: list[float]) -> None:
        """The first moment says nothing, and an unknown total leaves no time."""
        steps = list[ProgressStep]()
        with tracked(steps.append, total=None, label="scan") as advanced:
            advanced(5)
            clock[0] += 1
            advanced(5)

        assert [None, None, 10.0] == [step.rate for step in steps]
        assert [None] * 3 == [step.remaining for step in steps]

    def test_leaves_out_what_was_there(self, clock: list[float]) -> None:
        """What came in an earlier call is done, and has no rate."""
        steps = list[ProgressStep]()
        with tracked(steps.append, total=1000, label="scan") as advanced:
            clock[0] += 1
            advanced.resume(900)
            clock[0] += 1
            advanced(10)

        assert [(0, None), (900, None), (910, 10.0)] == [(step.done, step.rate) for step in steps]

    def test_never_leaves_less_than_no_time(self) -> None:
        """More than was expected leaves nothing to wait for."""
        assert 0 == ProgressStep(12, 10, "scan", 1.0).remaining


class TestTotal:
    def test_grows_as_files_are_found(self) -> None:
        """A total that is not known at first is the sum of what is found."""
        steps = list[ProgressStep]()
        with tracked(steps.append, total=None, label="scan") as advanced:
            for size in (10, 5):
                advanced.expect(size)
                advanced(size)

        assert [(0, None), (10, 10), (15, 15)] == [(step.done, step.total) for step in steps]

    def test_is_not_told_to_who_does_not_want_to_know(self) -> None:
        """An object with the three methods alone will do."""
        notes = Notes()
        with tracked(notes, total=5, label="scan") as advanced:
            advanced.expect(5)
            advanced.resume(5)
            advanced.resume(0)

        assert [(5, "scan"), 5, "finished"] == notes.calls

    def test_of_parallel_files_adds_up(self) -> None:
        """Many threads count into one, one call at a time."""
        steps = list[ProgressStep]()
        with tracked(steps.append, total=None, label="scan") as advanced:

            def send() -> None:
                for _ in range(100):
                    advanced.expect(2)
                    advanced(2)

            threads = [threading.Thread(target=send) for _ in range(8)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert (1600, 1600, 801) == (steps[-1].done, steps[-1].total, len(steps))
