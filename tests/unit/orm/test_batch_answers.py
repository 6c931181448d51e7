"""Answers to several rows at once: each row goes to what it was made of, or nobody knows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synapse import BulkError, Task, TaskTag, WriteUnconfirmedError
from synapse.testing import canned
from tests.unit.orm.lost import at, listed
from tests.unit.orm.rows import served

pytestmark = pytest.mark.usefixtures("clock")


def tasks(*units: int, **values: Any) -> list[Task]:
    """New tasks of these units."""
    return [Task(project_id=1, data_unit_id=unit, **values) for unit in units]


def task_row(key: int, unit: int, **changes: Any) -> dict[str, Any]:
    """One task as an answer has it."""
    return {"id": key, "project": 1, "data_unit": unit, "meta": None, **changes}


def bulk(answer: Any, given: list[Task], journal: Path | None = None) -> list[Any]:
    """Create tasks, and give the key or the error of each."""
    session = canned(
        {"POST tasks/": answer, "GET sdk/tasks/": served([])}, timeout={"connect": 1, "read": 0.05}
    )
    try:
        Task.objects.using(session).bulk_create(given, journal=journal)
    except BulkError as error:
        failed = {id(task): type(each) for task, each in error.failed}
        return [failed.get(id(task)) or task.id for task in given]
    return [task.id for task in given]


UNKNOWN = WriteUnconfirmedError
ROWS = [task_row(key, unit) for key, unit in ((1, 7), (2, 8), (3, 9))]
BATCHES = {
    "in order": (ROWS, [1, 2, 3]),
    "reversed": (ROWS[::-1], [1, 2, 3]),
    "turned": ([*ROWS[1:], ROWS[0]], [1, 2, 3]),
    "one for all": (ROWS[:1] * 3, [1, UNKNOWN, UNKNOWN]),
    "one of them twice": ([ROWS[0], ROWS[1], ROWS[1]], [1, 2, UNKNOWN]),
    "a row of another": ([ROWS[0], task_row(5, 55), ROWS[2]], [1, UNKNOWN, 3]),
    "keys only": ([{"id": 1}, {"id": 2}, {"id": 3}], [1, 2, 3]),
    "one key only": ([{"id": 1}] * 3, [UNKNOWN] * 3),
    "some show too little": ([ROWS[0], {"id": 2}, ROWS[2]], [1, 2, 3]),
    "in another order, one shows too little": ([ROWS[1], ROWS[0], {"id": 3}], [1, 2, UNKNOWN]),
}


class TestBatch:
    @pytest.mark.parametrize("journal", [False, True])
    @pytest.mark.parametrize("kind", BATCHES)
    def test_gives_each_row_to_what_it_was_made_of(self, kind, journal, tmp_path):
        """By content where the order contradicts, by place where rows show too little, else nobody knows."""
        answer, keys = BATCHES[kind]

        assert keys == bulk(answer, tasks(7, 8, 9), tmp_path / "j" if journal else None)

    @pytest.mark.parametrize("journal", [False, True])
    def test_takes_equal_rows(self, journal, tmp_path):
        """Two that are equal are two rows."""
        answer = [task_row(2, 7), task_row(1, 7), task_row(3, 8)]

        assert [2, 1, 3] == bulk(answer, tasks(7, 7, 8), tmp_path / "j" if journal else None)

    def test_of_a_backend_that_rewrites_is_put_in_order_as_well(self):
        """Lower-case texts, defaults and another order at once."""
        given = [*tasks(7, meta={"by": "Kim"}), *tasks(8, meta={"by": "Lee"})]
        rows = [task_row(2, 8, meta={"by": "lee", "n": 0}), task_row(1, 7, meta={"by": "kim", "n": 0})]

        assert [1, 2] == bulk(rows, given)

    def test_gives_objects_their_own_values(self):
        """No object takes over the values of another one."""
        given = [*tasks(7, meta={"n": 1}), *tasks(8, meta={"n": 2})]
        bulk([task_row(2, 8, meta={"n": 2, "x": 0}), task_row(1, 7, meta={"n": 1, "x": 0})], given)

        assert [{"n": 1, "x": 0}, {"n": 2, "x": 0}] == [task.meta for task in given]

    def test_is_asked_about_row_by_row(self):
        """Each error speaks for its own row."""
        session = canned({"POST tasks/": [ROWS[0], task_row(5, 55)]}, timeout={"connect": 1, "read": 0.05})
        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).bulk_create(tasks(7, 8))
        session.replies["GET sdk/tasks/"] = listed(task_row(6, 8, created=at(1).isoformat()))
        ((task, error),) = caught.value.failed
        assert isinstance(error, WriteUnconfirmedError)

        assert (True, 6) == (error.resolve().done, task.id)  # type: ignore[attr-defined]

    def test_notes_the_right_keys(self, tmp_path):
        """A later run gives each object the key of its own row."""
        bulk(ROWS[::-1], tasks(7, 8, 9), tmp_path / "j")

        assert [3, 1, 2] == bulk(AssertionError("sent again"), tasks(9, 7, 8), tmp_path / "j")

    @pytest.mark.parametrize("journal", [False, True])
    def test_gives_no_row_of_an_earlier_batch(self, journal, tmp_path):
        """Keys are distinct over the whole run."""
        session = canned(
            {"POST tasks/": [{"id": 1}], "GET sdk/tasks/": served([])}, timeout={"connect": 1, "read": 0.05}
        )
        with pytest.raises(BulkError, match="created 1 of 2"):
            Task.objects.using(session).bulk_create(
                tasks(7, 8), batch_size=1, journal=tmp_path / "j" if journal else None
            )

    @pytest.mark.parametrize("journal", [False, True])
    def test_of_one_by_one_gives_no_key_twice(self, journal, tmp_path):
        """Tags go by requests of their own, and one row for all is no success."""
        session = canned(
            {"POST task_tags/": {"id": 1}, "GET task_tags/": listed()}, timeout={"connect": 1, "read": 0.05}
        )
        with pytest.raises(BulkError, match="created 1 of 3"):
            TaskTag.objects.using(session).bulk_create(
                [TaskTag(project_id=1, name=name) for name in "abc"],
                journal=tmp_path / "j" if journal else None,
            )
