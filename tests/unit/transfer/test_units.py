"""Units and tasks of items whose files have arrived."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from synapse.errors import ClientError, ServerError, ValidationError, WriteUnconfirmedError
from synapse.session import Run
from synapse.transfer.report import Ledger
from synapse.transfer.units import Made, Units, check_tasks

Rows = Callable[[list[Any]], Any]


def numbered(start: int) -> Rows:
    """Answer rows with keys from *start* on."""
    return lambda bodies: [{"id": start + number} for number in range(len(bodies))]


def made(create: Rows, *, tasks: Rows | None = None, count: int = 3) -> list[Made]:
    """Make units of some bodies, all of new files."""
    units = Units(create, Run([]), create_tasks=tasks)
    return units.make([{}] * count, known=[False] * count)


def refusing(*fields: str) -> Rows:
    """Refuse a second row of three, for these fields."""

    def create(keys: list[int]) -> Any:
        if 11 not in keys:
            return [{"id": key * 10} for key in keys]
        errors = {f"{keys.index(11)}.{field}": ["no"] for field in fields}
        said = [{field: ["no"] for field in fields} if key == 11 else {} for key in keys]
        raise ValidationError("no", status_code=400, response=said, errors=errors)

    return create


def test_a_row_without_a_key_is_unknown() -> None:
    """Where the answer does not say which unit was made, none is told."""
    (each,) = made(lambda bodies: [{"name": "a"}], count=1)

    assert ("unknown", True) == (each.status, isinstance(each.error, WriteUnconfirmedError))


def test_tasks_are_made_of_them() -> None:
    """Each unit gets its task."""
    assert [50, 51, 52] == [each.task for each in made(numbered(10), tasks=numbered(50))]


def test_one_task_is_made_of_a_unit_that_came_twice() -> None:
    """Two items of one unit share its task."""
    asked: list[list[int]] = []
    create = numbered(50)
    each, other = made(
        lambda bodies: [{"id": 7}, {"id": 7}], tasks=lambda keys: asked.append(keys) or create(keys), count=2
    )

    assert ([[7]], 50, 50) == (asked, each.task, other.task)
    assert ("created", "reused") == (each.status, other.status)


def test_a_task_that_is_there_is_none_of_ours() -> None:
    """A row that was refused as a whole has its task already, and is good."""
    assert [("created", 100, None), ("created", None, None), ("created", 120, None)] == [
        (each.status, each.task, each.error)
        for each in made(numbered(10), tasks=refusing("non_field_errors"))
    ]


@pytest.mark.parametrize("fields", [("project",), ("project", "non_field_errors")])
def test_a_task_that_is_refused_for_a_field_fails(fields: tuple[str, ...]) -> None:
    """What is wrong with a field is no task that is there; the unit is told of."""
    results = made(numbered(10), tasks=refusing(*fields))

    assert ["created", "failed", "created"] == [each.status for each in results]
    assert 11 == results[1].unit


def test_a_task_of_a_unit_that_may_have_none_fails() -> None:
    """Where the backend says that no task can be made of a unit, a refusal means just that."""
    rows = [{"id": 10}, {"id": 11, "can_generate_task": False}, {"id": 12}]

    assert "failed" == made(lambda _: rows, tasks=refusing("non_field_errors"))[1].status


@pytest.mark.parametrize(
    ("error", "status"),
    [(WriteUnconfirmedError("lost"), "unknown"), (ServerError("down", status_code=500), "failed")],
)
def test_tasks_that_are_not_known_to_be_made_are_told(error: Exception, status: str) -> None:
    """The items have their units, and the error of their tasks."""

    def fail(_: list[int]) -> Any:
        raise error

    assert [(status, 10, error)] == [
        (each.status, each.unit, each.error) for each in made(numbered(10), tasks=fail, count=1)
    ]


class TestCheckTasks:
    @pytest.mark.parametrize(("count", "status"), [(1, "failed"), (2, "reused"), (5, "reused")])
    def test_believes_refusals_as_far_as_tasks_are_there(self, count: int, status: str) -> None:
        """With fewer tasks than units, the refusals meant something else."""
        ledger, units = refused()
        check_tasks(units, ledger, count=lambda: count)

        assert [1, 1] == [len(list(ledger.places(each))) for each in ("created", status)]  # type: ignore[arg-type]

    def test_leaves_it_where_nobody_can_tell(self) -> None:
        """Where the tasks cannot be counted, what was said of each item stands."""

        def count() -> int:
            raise ClientError("no", status_code=403)

        ledger, units = refused()
        check_tasks(units, ledger, count=count)

        assert [1] == list(ledger.places("reused"))

    def test_asks_nothing_without_need(self) -> None:
        """Where no task was refused, nothing is counted."""
        check_tasks(Units(list, Run([])), Ledger(), count=lambda: pytest.fail("counted"))


def refused() -> tuple[Ledger, Units]:
    """Give a run of two units, the second of which was refused its task."""
    ledger = Ledger()
    for place, status in enumerate(("created", "reused")):
        ledger.note(ledger.take("a"), status, unit=place)  # type: ignore[arg-type]
    return ledger, Units(list, Run([]), refused={1}, refusal=ValidationError("no", status_code=400))
