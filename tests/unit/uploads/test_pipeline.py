"""Batches that overlap on their way."""

from __future__ import annotations

import threading
import time

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from synapse.uploads.pipeline import Work, run_pipeline

Batch = list[int]


def run(batches: Any, **options: Any) -> list[Batch]:
    """Run batches whose jobs do nothing, and give those that were finished."""
    finished: list[Batch] = []
    stages: dict[str, Any] = {
        "prepare": lambda batch: [tuple] * len(batch),
        "finish": lambda batch: finished.append(batch) or True,
        "workers": 2,
        "window": 10,
        **options,
    }
    run_pipeline(batches, **stages)
    return finished


def test_all_are_finished() -> None:
    """However the threads are held up, every batch is finished, once."""
    assert [[number] for number in range(50)] == sorted(run([number] for number in range(50)))


def test_all_are_finished_in_order() -> None:
    """Where it is asked for, batches end in the order that they were given in."""
    batches = [[number] for number in range(50)]

    assert batches == run(iter(batches), ordered=True)


def test_nothing_need_be_done() -> None:
    """Batches without jobs are finished as well, and no batches are fine."""
    assert ([[1], [2]], []) == (run([[1], [2]], prepare=lambda _: []), run([]))


def test_jobs_may_leave_more_to_do() -> None:
    """What a job gives is done before its batch is finished."""
    done: list[str] = []

    def first() -> Sequence[Work]:
        done.append("first")
        return [lambda: done.append("second") or ()]

    run([[1]], prepare=lambda _: [first], finish=lambda _: done.append("finished") or True)

    assert ["first", "second", "finished"] == done


def test_the_next_is_prepared_while_one_is_worked_off() -> None:
    """Workers find jobs of the next batch when those of one run out."""
    prepared = threading.Event()

    def prepare(batch: Batch) -> Sequence[Work]:
        if batch == [1]:
            return [lambda: prepared.wait(10) and () or ()]
        prepared.set()
        return []

    run([[1], [2]], prepare=prepare)

    assert prepared.is_set()


def test_a_slow_one_holds_up_two_at_most() -> None:
    """The third batch that waits for an older one lets the first of them go."""
    go = threading.Event()
    finished: list[Batch] = []

    def finish(batch: Batch) -> bool:
        finished.append(batch)
        go.set()
        return True

    def prepare(batch: Batch) -> Sequence[Work]:
        return [lambda: go.wait(10) and () or ()] if batch == [0] else []

    run([[number] for number in range(4)], prepare=prepare, finish=finish)

    assert ([1], {0, 1, 2, 3}) == (finished[0], {number for batch in finished for number in batch})


def test_a_slow_one_holds_up_all_if_they_are_ordered() -> None:
    """In order means in order, however long it takes."""

    def prepare(batch: Batch) -> Sequence[Work]:
        return [lambda: time.sleep(0.1) or ()] if batch == [0] else []

    given = [[number] for number in range(6)]

    assert given == run(given, prepare=prepare, ordered=True)


@pytest.mark.parametrize("window", [1, 4])
def test_no_more_is_taken_than_there_is_room_for(window: int) -> None:
    """As long as items wait for their turn, no batch is taken beyond the window."""
    taken: list[int] = []
    most: list[int] = []
    finished: list[int] = []

    def batches() -> Iterator[Batch]:
        for number in range(30):
            taken.append(number)
            most.append(len(taken) - len(finished))
            yield [number]

    run(batches(), window=window, finish=lambda batch: finished.extend(batch) or True)

    assert max(most) <= window + 6


@pytest.mark.parametrize("stage", ["prepare", "job", "finish"])
def test_what_a_stage_raises_ends_the_run(stage: str) -> None:
    """A fault that no stage expected is raised where the run was started, and nothing hangs."""

    def fail(*_: Any) -> Any:
        raise ZeroDivisionError

    calls: dict[str, Callable[..., Any]] = {
        "prepare": {"prepare": fail},
        "job": {"prepare": lambda _: [fail]},
        "finish": {"finish": fail},
    }[stage]  # type: ignore[assignment]

    with pytest.raises(ZeroDivisionError):
        run([[number] for number in range(20)], **calls)


def test_what_the_batches_raise_ends_the_run() -> None:
    """So does what the iterable raises."""

    def batches() -> Iterator[Batch]:
        yield [1]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(batches())


def test_a_finished_one_may_be_the_last() -> None:
    """After a batch that ends the run, none is finished, and none is taken."""
    finished = list[Batch]()
    taken = iter([[number] for number in range(100)])

    run(taken, finish=lambda batch: finished.append(batch), ordered=True)

    assert ([[0]], True) == (finished, len(list(taken)) > 50)
