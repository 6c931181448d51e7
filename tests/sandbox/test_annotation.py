"""Annotating tasks and putting tags on them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import World, make_world

PAYLOAD = {"annotations": {"image_1": [{"id": "Qm3Zt81xYk", "tool": "bounding_box"}]}, "extra": {"말": "값"}}


@pytest.fixture
def fresh(wire: Wire) -> World:
    """Two tasks that nobody touched."""
    return make_world(wire, count=2)


def annotate(wire: Wire, task: int, body: Any, query: str = "") -> Any:
    """Send one annotation."""
    return wire.send("PUT", f"tasks/{task}/annotate_task_data/?{query}", json=body)


class TestAnnotate:
    def test_submit_completes_task_and_assignment(self, wire: Wire, fresh: World) -> None:
        """A submitted payload is stored, and the sender's assignment is done."""
        task = annotate(wire, fresh.tasks[0], {"action": "submit", "data": PAYLOAD}).json()

        (assignment,) = wire.get(f"assignments/?tasks={task['id']}")["results"]
        assert (PAYLOAD, True, "completed", 1) == (
            task["data"],
            task["has_data"],
            task["status_label"],
            task["count_assignments"],
        )
        assert ("completed", PAYLOAD) == (assignment["status_label"], assignment["data"])
        assert assignment["label_submitted"] == assignment["last_labeled"]

    def test_save_leaves_it_in_progress(self, wire: Wire, fresh: World) -> None:
        """A saved payload can still change; saving again makes no second assignment."""
        annotate(wire, fresh.tasks[0], {"action": "save", "data": PAYLOAD})

        task = annotate(wire, fresh.tasks[0], {"action": "save", "data": {"extra": {}}}).json()

        assert ("in_progress", {"extra": {}}, 1) == (
            task["status_label"],
            task["data"],
            task["count_assignments"],
        )

    def test_body_without_data_is_the_data(self, wire: Wire, fresh: World) -> None:
        """An older client sends the payload itself."""
        task = annotate(wire, fresh.tasks[0], {"annotations": {}}).json()

        assert ({"annotations": {}}, "completed") == (task["data"], task["status_label"])

    @pytest.mark.parametrize("body", [{"action": "submit", "data": {}}, {"data": None}, {}, []])
    def test_empty_submit_is_refused(self, wire: Wire, fresh: World, body: Any) -> None:
        """Nothing cannot be submitted, and nothing changes."""
        answer = annotate(wire, fresh.tasks[0], body)

        task = wire.get(f"tasks/{fresh.tasks[0]}/")
        assert (400, None, 0) == (answer.status_code, task["data"], task["count_assignments"])

    @pytest.mark.parametrize(
        ("body", "query", "key"),
        [
            ({"action": "publish", "data": PAYLOAD}, "", "action"),
            ({"data": PAYLOAD}, "schema=xml", "schema"),
            ({"data": [1]}, "schema=dm_schema_v1", "data"),
        ],
    )
    def test_nonsense_is_refused(self, wire: Wire, fresh: World, body: Any, query: str, key: str) -> None:
        """Unknown actions and schemas, and payloads of the wrong form, are errors under their key."""
        answer = annotate(wire, fresh.tasks[0], body, query)

        assert (400, [key]) == (answer.status_code, list(answer.json()))

    def test_any_schema_takes_any_form(self, wire: Wire, fresh: World) -> None:
        """`schema=any` switches the check of the form off."""
        task = annotate(wire, fresh.tasks[0], {"data": [1]}, "schema=any").json()

        assert ([1], "any") == (task["data"], task["schema"])


def tags_of(wire: Wire, kind: str, pks: list[int]) -> list[list[int]]:
    """Return the tags of each row."""
    return [sorted(wire.get(f"{kind}/{pk}/")["tags"]) for pk in pks]


class TestSetTags:
    def test_adds_and_removes(self, wire: Wire, fresh: World) -> None:
        """Tags are put on and taken off, twice being as good as once."""
        both = {"ids": fresh.tasks, "tags": fresh.tags}
        for _ in range(2):
            answer = wire.post("tasks/set_tags/", {**both, "action": "add"})
        wire.post("tasks/set_tags/", {"ids": fresh.tasks[:1], "tags": fresh.tags[:1], "action": "remove"})

        assert (200, dict) == (answer.status_code, type(answer.json()))
        assert [fresh.tags[1:], fresh.tags] == tags_of(wire, "tasks", fresh.tasks)

    def test_replaces_with_the_older_body(self, wire: Wire, fresh: World) -> None:
        """`task_ids` and `tag_ids` with `replace=true` set the tags exactly."""
        wire.post("tasks/set_tags/", {"ids": fresh.tasks, "tags": fresh.tags[:1]})

        body = {"task_ids": fresh.tasks[:1], "tag_ids": fresh.tags[1:]}
        answer = wire.post("tasks/set_tags/?replace=true", body)

        assert 200 == answer.status_code
        assert [fresh.tags[1:], fresh.tags[:1]] == tags_of(wire, "tasks", fresh.tasks)

    @pytest.mark.parametrize(("ids", "tags"), [("ids", "tags"), ("assignment_ids", "tag_ids")])
    def test_works_on_assignments(self, wire: Wire, fresh: World, ids: str, tags: str) -> None:
        """Assignments are tagged by both bodies too."""
        assignment = wire.create("assignments/", {"task": fresh.tasks[0]})["id"]

        answer = wire.post("assignments/set_tags/", {ids: [assignment], tags: fresh.tags})

        assert (200, [fresh.tags]) == (answer.status_code, tags_of(wire, "assignments", [assignment]))

    @pytest.mark.parametrize(
        ("change", "key"),
        [
            ({"ids": [999999999]}, "ids"),
            ({"ids": "all"}, "ids"),
            ({"tags": [999999999]}, "tags"),
            ({"tags": None}, "tags"),
            ({"action": "toggle"}, "action"),
        ],
    )
    def test_nonsense_changes_nothing(
        self, wire: Wire, fresh: World, change: dict[str, Any], key: str
    ) -> None:
        """Unknown rows, tags and actions are refused under their key."""
        answer = wire.post("tasks/set_tags/", {"ids": fresh.tasks, "tags": fresh.tags} | change)

        assert (400, [key]) == (answer.status_code, list(answer.json()))
        assert [[], []] == tags_of(wire, "tasks", fresh.tasks)
