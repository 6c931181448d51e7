"""Making tasks: three forms of body, one task per unit, all or nothing."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import make_project, make_units


@pytest.fixture
def empty(wire: Wire) -> tuple[int, list[int]]:
    """A project without tasks, and three units it could have tasks for."""
    collection = wire.collection()["id"]
    return make_project(wire, collection), make_units(wire, collection, count=3)


def count(wire: Wire, project: int) -> int:
    """Return how many tasks a project has."""
    return int(wire.get(f"tasks/?project={project}")["count"])


class TestForms:
    def test_array_answers_array_in_order(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """An array makes a task per element."""
        project, units = empty
        body = [{"project": project, "data_unit": unit, "meta": {"unit": unit}} for unit in units]

        made = wire.create("tasks/", body)

        assert units == [task["data_unit"] for task in made] == [task["meta"]["unit"] for task in made]

    def test_project_with_data_answers_array(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """The project may stand once, beside the list of units."""
        project, units = empty

        made = wire.create("tasks/", {"project": project, "data": [{"data_unit": unit} for unit in units]})

        assert [(project, unit) for unit in units] == [(task["project"], task["data_unit"]) for task in made]

    def test_object_answers_object(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """A single body makes a single task, as lists show it."""
        project, units = empty

        task = wire.create("tasks/", {"project": project, "data_unit": units[0], "data": {"a": [1]}})

        assert task == wire.get(f"tasks/{task['id']}/")
        assert ({"a": [1]}, True, "stand_by", 0) == (
            task["data"],
            task["has_data"],
            task["status_label"],
            task["count_assignments"],
        )

    def test_empty_array_makes_nothing(self, wire: Wire) -> None:
        """No bodies, no tasks."""
        assert [] == wire.create("tasks/", [])

    def test_tags_come_along(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """Tags can be put on in the same breath."""
        project, units = empty
        tag = wire.create("task_tags/", {"project": project, "name": "new"})["id"]

        made = wire.create("tasks/", [{"project": project, "data_unit": units[0], "tags": [tag]}])

        assert [tag] == made[0]["tags"]

    def test_times_are_those_of_seoul(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """Points in time carry the offset of the platform's zone."""
        project, units = empty

        task = wire.create("tasks/", {"project": project, "data_unit": units[0]})

        assert task["created"].endswith("+09:00")


class TestRefusals:
    def test_second_task_of_a_unit(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """A project has one task per unit."""
        project, units = empty
        wire.create("tasks/", {"project": project, "data_unit": units[0]})

        answer = wire.post("tasks/", {"project": project, "data_unit": units[0]})

        assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))
        assert 1 == count(wire, project)

    @pytest.mark.parametrize("twice", ["in one body", "of an earlier one"])
    def test_one_duplicate_stops_all(self, wire: Wire, empty: tuple[int, list[int]], twice: str) -> None:
        """Of a list with a duplicate nothing is made, and the answer says which one it is."""
        project, units = empty
        bodies = [{"project": project, "data_unit": unit} for unit in units]
        if twice == "in one body":
            bodies.append(bodies[0])
        else:
            wire.create("tasks/", bodies[-1])
        before = count(wire, project)

        answer = wire.post("tasks/", bodies)

        assert (400, "non_field_errors") == (answer.status_code, next(iter(answer.json()[-1])))
        assert [{}, {}] == answer.json()[:2]
        assert before == count(wire, project)

    def test_unit_of_another_collection(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """The unit must be of the project's collection."""
        project, _ = empty
        (strange,) = make_units(wire, wire.collection()["id"], count=1)

        answer = wire.post("tasks/", {"project": project, "data": [{"data_unit": strange}]})

        assert (400, ["data"]) == (answer.status_code, list(answer.json()))
        assert ["non_field_errors"] == list(answer.json()["data"][0])

    def test_unit_that_can_have_no_task(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """A unit may be kept from becoming a task."""
        project, units = empty
        wire.send("PATCH", f"data_units/{units[0]}/", json={"can_generate_task": False})

        answer = wire.post("tasks/", {"project": project, "data_unit": units[0]})

        assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))

    @pytest.mark.parametrize(
        ("change", "key"),
        [
            ({"data_unit": 999999999}, "data_unit"),
            ({"data_unit": 10**30}, "data_unit"),
            ({"data_unit": None}, "data_unit"),
            ({"data_unit": "x"}, "data_unit"),
            ({"data_unit": {"id": 1}}, "data_unit"),
            ({"data_unit": True}, "data_unit"),
            ({"schema": "xml"}, "schema"),
            ({"tags": [999999999]}, "tags"),
            ({"is_discarded": "perhaps"}, "is_discarded"),
        ],
    )
    def test_bad_field(
        self, wire: Wire, empty: tuple[int, list[int]], change: dict[str, Any], key: str
    ) -> None:
        """Each field is checked, in a single body and in a list alike."""
        project, units = empty
        body = {"project": project, "data_unit": units[0]} | change

        alone, listed = wire.post("tasks/", body), wire.post("tasks/", [body])

        assert (400, [key]) == (alone.status_code, list(alone.json()))
        assert (400, [alone.json()]) == (listed.status_code, listed.json())

    @pytest.mark.parametrize("body", ["text", 5, [1, 2], ["a"], [None]])
    def test_body_that_is_no_object(self, wire: Wire, body: Any) -> None:
        """Whatever comes, the answer is an object or an array of objects."""
        answer = wire.post("tasks/", body)

        errors = answer.json() if isinstance(answer.json(), list) else [answer.json()]
        assert 400 == answer.status_code
        assert all(isinstance(error, dict) for error in errors)


class TestChanging:
    @pytest.mark.parametrize("method", ["PUT", "PATCH"])
    def test_takes_part_of_the_fields(self, wire: Wire, empty: tuple[int, list[int]], method: str) -> None:
        """PUT does not demand what is not to change."""
        project, units = empty
        task = wire.create("tasks/", {"project": project, "data_unit": units[0]})

        answer = wire.send(method, f"tasks/{task['id']}/", json={"meta": {"k": 1}, "unknown": 5})

        assert {**task, "meta": {"k": 1}} == answer.json() == wire.get(f"tasks/{task['id']}/")

    def test_cannot_become_a_duplicate(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """Moving a task to a unit that has one is refused."""
        project, units = empty
        first, _ = wire.create("tasks/", [{"project": project, "data_unit": unit} for unit in units[:2]])

        answer = wire.send("PATCH", f"tasks/{first['id']}/", json={"data_unit": units[1]})

        assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))

    def test_delete_answers_nothing(self, wire: Wire, empty: tuple[int, list[int]]) -> None:
        """A deleted task is gone."""
        project, units = empty
        task = wire.create("tasks/", {"project": project, "data_unit": units[0]})

        answer = wire.send("DELETE", f"tasks/{task['id']}/")

        assert (204, b"") == (answer.status_code, answer.content)
        assert 404 == wire.send("GET", f"tasks/{task['id']}/").status_code
