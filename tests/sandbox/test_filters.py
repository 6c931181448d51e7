"""What lists are filtered by, what is ignored, and what is refused."""

from __future__ import annotations

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import World, make_world


@pytest.fixture(scope="module")
def mixed(wire: Wire) -> World:
    """A project of four tasks: annotated, discarded, tagged and tied up, untouched."""
    world = make_world(wire, count=4)
    me = wire.get("users/me/")["id"]
    done, discarded, busy, _untouched = world.tasks
    wire.send("PUT", f"tasks/{done}/annotate_task_data/", json={"action": "submit", "data": {"a": 1}})
    wire.send("PATCH", f"tasks/{discarded}/", json={"is_discarded": True, "schema": "any"})
    wire.create("assignments/", {"task": busy, "user": me, "reviewer": me, "status_review": "rejected"})
    wire.post("tasks/set_tags/", {"ids": [busy, done], "tags": [world.tags[0]], "action": "add"})
    wire.send("PATCH", f"projects/{world.project}/", json={"count_max_assignments_per_task": 1})
    return world


def places(wire: Wire, world: World, query: str, *, path: str = "tasks/") -> list[int]:
    """Return which of the project's tasks the query finds, by their place."""
    answer = wire.get(f"{path}?project={world.project}&ordering=id&{query}")
    return [world.tasks.index(row.get("task", row["id"])) for row in answer["results"]]


class TestTasks:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("is_discarded=true", [1]),
            ("is_discarded=False", [0, 2, 3]),
            ("has_data=true", [0]),
            ("has_assignment=true", [0, 2]),
            ("has_assignment=false", [1, 3]),
            ("has_reached_max_assignments=true", [0, 2]),
            ("has_reached_max_assignments=false", [1, 3]),
            ("schema=any", [1]),
            ("status_label=completed", [0]),
            ("status_label=completed&status_label=stand_by", [0, 1, 2, 3]),
            ("status_review=stand_by", [0, 1, 2, 3]),
            ("discarded_filter=discarded", [1]),
            ("assignments__is_discarded=false", [0, 2]),
            ("created__gte=2020-01-01T00:00:00%2B09:00", [0, 1, 2, 3]),
            ("created__lt=2020-01-01", []),
            ("created_after=2999-01-01", [0, 1, 2, 3]),
            ("no_such_key=1", [0, 1, 2, 3]),
            ("is_discarded=", [0, 1, 2, 3]),
            ("is_discarded=yes", [0, 1, 2, 3]),
            ("is_discarded=1", [1]),
            ("is_discarded=TRUE", [1]),
            ("has_assignment=maybe", [0, 1, 2, 3]),
        ],
    )
    def test_filter_finds(self, wire: Wire, mixed: World, query: str, found: list[int]) -> None:
        """Each key finds what it says; unknown keys, empty values and what is no boolean leave everything."""
        assert found == places(wire, mixed, query)

    @pytest.mark.parametrize("key", ["tags", "labelers", "reviewers", "groups", "assignments"])
    def test_unmatched_relation_finds_nothing(self, wire: Wire, mixed: World, key: str) -> None:
        """A relation to a row that is not there matches no task."""
        assert [] == places(wire, mixed, f"{key}=999999")

    @pytest.mark.parametrize("list_of", ["{0},{1}", " {0} , {1}", "{0}&tags={1}"])
    def test_relation_lists_give_no_row_twice(self, wire: Wire, mixed: World, list_of: str) -> None:
        """Comma lists, blanks and repeated keys mean any of them, each row once."""
        assert [0, 2] == places(wire, mixed, "tags=" + list_of.format(*mixed.tags))

    def test_people_are_found_through_assignments(self, wire: Wire, mixed: World) -> None:
        """`labelers` and `reviewers` look at the assignments of a task."""
        me = wire.get("users/me/")["id"]

        assert ([0, 2], [2]) == (
            places(wire, mixed, f"labelers={me}"),
            places(wire, mixed, f"reviewers={me}"),
        )

    def test_keys_are_compared_and_listed(self, wire: Wire, mixed: World) -> None:
        """`id` has bounds and a list; of a repeated list the last counts."""
        first, second, third, _ = mixed.tasks

        assert [1, 2] == places(wire, mixed, f"id__gt={first}&id__lte={third}")
        assert [0, 1] == places(wire, mixed, f"id__in={first},{second}")
        assert [1] == places(wire, mixed, f"id__in={first}&id__in={second}")

    def test_sdk_lists_take_and_leave_out_keys(self, wire: Wire, mixed: World) -> None:
        """`ids` takes rows, `ids_ex` leaves rows out."""
        first, second = mixed.tasks[:2]

        assert [0, 1] == places(wire, mixed, f"ids={first},{second}", path="sdk/tasks/")
        assert [2, 3] == places(wire, mixed, f"ids_ex={first},{second}", path="sdk/tasks/")

    def test_sdk_list_does_not_know_has_data(self, wire: Wire, mixed: World) -> None:
        """Where the key is unknown it is ignored."""
        assert [0, 1, 2, 3] == places(wire, mixed, "has_data=true", path="sdk/tasks/")
        assert "has_data" not in wire.get("sdk/tasks/?page_size=1")["results"][0]

    @pytest.mark.parametrize(
        "query",
        [
            "id=abc",
            "id__in=1,x",
            "id=nan",
            "tags=one",
            "schema=xml",
            "status_label=COMPLETED",
            "status_label=",
            "created__gte=yesterday",
            "project=1,5",
        ],
    )
    def test_bad_value_is_refused_under_its_key(self, wire: Wire, query: str) -> None:
        """A value that makes no sense is a 400 that names the key."""
        answer = wire.send("GET", f"tasks/?{query}")

        assert (400, [query.split("=")[0]]) == (answer.status_code, list(answer.json()))


class TestAssignments:
    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ("status_review=rejected", [2]),
            ("status_label=completed", [0]),
            ("status_label=stand_by&status_label=completed", [0, 2]),
            ("label_submitted__gte=2020-01-01", [0]),
            ("is_confirmed=true", []),
            ("is_discarded=false", [0, 2]),
            ("task=1", [0, 2]),
            ("workshop=5", []),
        ],
    )
    def test_filter_finds(self, wire: Wire, mixed: World, query: str, found: list[int]) -> None:
        """Each key finds what it says; `task` is not one, its plural is."""
        assert found == places(wire, mixed, query, path="sdk/assignments/")

    def test_relations_are_plural(self, wire: Wire, mixed: World) -> None:
        """`tasks`, `users` and `task_tags` take keys."""
        me = wire.get("users/me/")["id"]

        assert [2] == places(wire, mixed, f"tasks={mixed.tasks[2]}", path="assignments/")
        assert [0, 2] == places(wire, mixed, f"users={me}", path="assignments/")
        assert [0, 2] == places(wire, mixed, f"task_tags={mixed.tags[0]}", path="assignments/")


@pytest.mark.parametrize(
    ("path", "query", "key"),
    [
        ("projects/", "category=nonsense", "category"),
        ("plugins/", "category=perhaps", "category"),
        ("jobs/", "status=lost", "status"),
        ("storages/", "category=cloud", "category"),
        ("serve_applications/", "job__agent=x", "job__agent"),
        ("ground_truth_dataset_versions/", "ground_truth_dataset=x", "ground_truth_dataset"),
        ("sdk/ground_truth_events/", "categories=dev", "categories"),
        ("logs/", "job=17", "job"),
    ],
)
def test_every_list_refuses_bad_values(wire: Wire, path: str, query: str, key: str) -> None:
    """Other lists refuse what makes no sense in the same way."""
    answer = wire.send("GET", f"{path}?{query}")

    assert (400, [key]) == (answer.status_code, list(answer.json()))


@pytest.mark.parametrize("spelling", ["SUCCEEDED", "succeeded", "completed"])
def test_job_status_is_taken_in_any_case(wire: Wire, spelling: str) -> None:
    """Tools write job statuses in several ways."""
    rows = wire.get(f"jobs/?status={spelling}")["results"]

    assert {"SUCCEEDED"} >= {row["status"] for row in rows}
    assert 200 == wire.send("GET", f"jobs/?status={spelling}").status_code


def test_releases_are_found_by_code_or_key(wire: Wire) -> None:
    """`plugin` is a code or a key."""
    plugin = wire.plugin()

    by_code = wire.get(f"plugin_releases/?plugin={plugin['code']}")["results"]

    assert 1 == len(by_code)
    assert by_code == wire.get(f"plugin_releases/?plugin={plugin['id']}")["results"]
