"""Units and tasks of items whose files have arrived."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synapse.errors import (
    ClientError,
    PermissionDeniedError,
    ServerError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session import Run
from synapse.uploads.report import OutcomeTable
from synapse.uploads.units import UnitCreator, UnitResult, find_existing_tasks

Rows = Callable[[list[Any]], Any]


def numbered(start: int) -> Rows:
    """Answer rows with keys from *start* on."""
    return lambda bodies: [{"id": start + number} for number in range(len(bodies))]


def made(create: Rows, *, tasks: Rows | None = None, count: int = 3) -> list[UnitResult]:
    """Make units of some bodies, all of new files."""
    units = UnitCreator(create, Run([]), create_tasks=tasks)
    return units.create_units([body(number) for number in range(count)], known=[False] * count)


def body(number: int, **more: Any) -> dict[str, Any]:
    """Describe a unit of a file of its own."""
    return {"files": {"a": {"checksum": str(number), "path": "a"}}, **more}


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
    [
        (WriteUnconfirmedError("lost"), "unknown"),
        (ServerError("down", status_code=500), "unknown"),
        (PermissionDeniedError("no", status_code=403), "failed"),
    ],
)
def test_tasks_that_are_not_known_to_be_made_are_told(error: Exception, status: str) -> None:
    """The items have their units, and the error of their tasks."""

    def fail(_: list[int]) -> Any:
        raise error

    assert [(status, 10, error)] == [
        (each.status, each.unit, each.error) for each in made(numbered(10), tasks=fail, count=1)
    ]


class TestDoubled:
    """Bodies of the same files in one batch."""

    def test_are_created_once(self) -> None:
        """What the first says of the unit stands, and the later one is that unit."""
        asked: list[Any] = []
        create = numbered(10)
        units = UnitCreator(lambda bodies: asked.append(bodies) or create(bodies), Run([]))
        given = [body(1, meta={"v": 1}), body(2), body(1, meta={"v": 2})]

        results = units.create_units(given, known=[False] * 3)

        assert [given[:2]] == asked
        assert [("created", 10), ("created", 11), ("reused", 10)] == [(e.status, e.unit) for e in results]

    @pytest.mark.parametrize(
        ("raising", "statuses"),
        [(False, ["failed", "created"]), (True, ["failed", None])],
        ids=["collect", "raise"],
    )
    def test_are_tried_on_their_own_where_the_first_is_refused(
        self, raising: bool, statuses: list[str | None]
    ) -> None:
        """The groups of the first may be bad, and those of the other good."""

        def create(bodies: list[Any]) -> Any:
            if bodies[0]["groups"] == [""]:
                raise ValidationError("no", status_code=400, response=[{"groups": ["no"]}])
            return [{"id": 10}]

        units = UnitCreator(create, Run([]), raising=raising)
        results = units.create_units([body(1, groups=[""]), body(1, groups=["a"])], known=[False, False])

        assert statuses == [each.status for each in results]

    def test_share_a_lost_answer(self) -> None:
        """A backend that does not answer is not asked again for each of them."""
        asked: list[Any] = []

        def create(bodies: list[Any]) -> Any:
            asked.append(bodies)
            raise WriteUnconfirmedError("lost")

        results = UnitCreator(create, Run([])).create_units([body(1), body(1)], known=[False, False])

        assert (1, ["unknown"] * 2) == (len(asked), [each.status for each in results])


class TestRaising:
    def test_makes_no_task_behind_one_that_fails(self) -> None:
        """The tasks before it are made; a unit behind it waits for the next run."""
        created: list[int] = []

        def create(keys: list[int]) -> Any:
            if 11 in keys:
                errors = {f"{keys.index(11)}.project": ["no"]}
                said = [{"project": ["no"]} if key == 11 else {} for key in keys]
                raise ValidationError("no", status_code=400, response=said, errors=errors)
            created.extend(keys)
            return [{"id": key * 10} for key in keys]

        units = UnitCreator(numbered(10), Run([]), create_tasks=create, raising=True)
        results = units.create_units([body(number) for number in range(4)], known=[False] * 4)

        assert [10] == created
        assert [("created", 100), ("failed", None), (None, None), (None, None)] == [
            (each.status, each.task) for each in results
        ]

    def test_goes_on_behind_a_task_that_is_there(self) -> None:
        """A refusal that says so is no failure."""
        units = UnitCreator(numbered(10), Run([]), create_tasks=refusing("non_field_errors"), raising=True)
        results = units.create_units([body(number) for number in range(3)], known=[False] * 3)

        assert [100, None, 120] == [each.task for each in results]


class TestFindTasks:
    def test_finds_what_is_there(self) -> None:
        """A task that was refused is found among the others of the project; each other item failed, in its words."""
        ledger, units = refused(3)
        find_existing_tasks(units, ledger, tasks=lambda: [(9, 90), (2, 20), (8, 80)])

        assert ([0], [2], [1]) == tuple(
            list(ledger.indexes(each)) for each in ("created", "reused", "failed")
        )
        assert (20, "no 1") == (ledger.tasks[2], str(ledger.errors[1]))

    def test_stops_at_the_last_of_them(self) -> None:
        """What is asked for is read no further than it takes."""
        tasks = iter([(1, 10), (2, 20), (3, 30)])
        ledger, units = refused(3)
        find_existing_tasks(units, ledger, tasks=lambda: tasks)

        assert [(3, 30)] == list(tasks)

    def test_leaves_it_where_nobody_can_tell(self) -> None:
        """Where the tasks cannot be read to their end, what was said of each item stands."""

        def tasks() -> Iterator[tuple[int, int]]:
            yield 1, 10
            raise ClientError("no", status_code=403)

        ledger, units = refused(3)
        find_existing_tasks(units, ledger, tasks=tasks)

        assert ([1, 2], [10, -1]) == (list(ledger.indexes("reused")), list(ledger.tasks[1:]))

    def test_asks_nothing_without_need(self) -> None:
        """Where no task was refused, none is read."""
        find_existing_tasks(UnitCreator(list, Run([])), OutcomeTable(), tasks=lambda: pytest.fail("read"))


def refused(count: int) -> tuple[OutcomeTable, UnitCreator]:
    """Give a run of some units, all but the first of which were refused their tasks."""
    ledger, units = OutcomeTable(), UnitCreator(list, Run([]))
    for place in range(count):
        ledger.record(ledger.add("a"), "reused" if place else "created", unit=place)
        if place:
            units.refused[place] = ValidationError(f"no {place}", status_code=400)
    return ledger, units


def test_few_errors_are_kept_of_many_refusals(monkeypatch: pytest.MonkeyPatch) -> None:
    """A backend that names each unit in its words has those of the first shown for all others."""
    monkeypatch.setattr("synapse.uploads.units._MOST_TEXTS", 2)

    def create(keys: list[int]) -> Any:
        said = [{"non_field_errors": [f"{key} has one"]} for key in keys]
        errors = {f"{n}.non_field_errors": [f"{key} has one"] for n, key in enumerate(keys)}
        raise ValidationError("no", status_code=400, response=said, errors=errors)

    units = UnitCreator(numbered(10), Run([]), create_tasks=create)
    units.create_units([body(number) for number in range(4)], known=[False] * 4)

    assert ["10", "11", "10", "10"] == [
        str(error).split(": ")[-1].split()[0] for error in units.refused.values()
    ]
