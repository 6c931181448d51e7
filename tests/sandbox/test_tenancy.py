"""What belongs to one workspace does not exist for another."""

from __future__ import annotations

from typing import Any

import pytest

from tests.sandbox.wire import Wire
from tests.sandbox.world import World


@pytest.fixture(scope="module")
def things(wire: Wire, world: World) -> dict[str, Any]:
    """One row of every kind, by the path of its kind."""
    dataset = wire.create("ground_truth_datasets/", {"name": "Accepted"})["id"]
    truth = {"ground_truth_dataset": dataset, "data_unit": world.units[0], "category": "train"}
    plugin = wire.plugin()
    job = wire.post(f"plugins/{plugin['code']}/run/", {"action": "train", "params": {"seconds": 0}}).json()
    return {
        "projects": world.project,
        "data_collections": world.collection,
        "data_units": world.units[0],
        "data_files": wire.data_file()["id"],
        "tasks": world.tasks[0],
        "task_tags": world.tags[0],
        "assignments": wire.create("assignments/", {"task": world.tasks[0]})["id"],
        "ground_truth_datasets": dataset,
        "ground_truths": wire.create("ground_truths/", truth)["id"],
        "ground_truth_dataset_versions": wire.create(
            "ground_truth_dataset_versions/", {"ground_truth_dataset": dataset, "version": "1"}
        )["id"],
        "plugins": plugin["id"],
        "plugin_releases": f"{plugin['code']}@1.0.0",
        "jobs": job["job_id"],
        "serve_applications": wire.create("serve_applications/", {"job": job["job_id"]})["id"],
        "storages": wire.create("storages/", {"name": "Ours", "provider": "minio"})["id"],
        "models": wire.create("models/", {"name": "Weights"})["id"],
        "agents": wire.create("agents/", {"name": "Machine"})["id"],
        "logs": wire.create("logs/", {"job": job["job_id"], "event": "started", "data": {}})["id"],
    }


KINDS = [
    "projects",
    "data_collections",
    "data_units",
    "data_files",
    "tasks",
    "task_tags",
    "assignments",
    "ground_truth_datasets",
    "ground_truths",
    "ground_truth_dataset_versions",
    "plugins",
    "plugin_releases",
    "jobs",
    "serve_applications",
    "storages",
    "models",
    "agents",
    "logs",
]


@pytest.mark.parametrize("kind", KINDS)
class TestForeignRow:
    def test_is_there_for_its_owner(self, wire: Wire, things: dict[str, Any], kind: str) -> None:
        """The owner reads the row, by itself and in the list."""
        row = wire.get(f"{kind}/{things[kind]}/")

        assert row["id"] in [
            other["id"] for other in wire.get(f"{kind}/?page_size=1000&ordering=-id")["results"]
        ]

    def test_cannot_be_read(self, stranger: Wire, things: dict[str, Any], kind: str) -> None:
        """Another workspace gets a 404, and does not find the row in its list."""
        rows = stranger.get(f"{kind}/?page_size=1000&ordering=-id")["results"]

        assert 404 == stranger.send("GET", f"{kind}/{things[kind]}/").status_code
        assert things[kind] not in [row["id"] for row in rows]

    def test_cannot_be_changed(self, wire: Wire, stranger: Wire, things: dict[str, Any], kind: str) -> None:
        """Writing and deleting are 404 as well (or not offered at all), and leave the row as it was."""
        before = wire.get(f"{kind}/{things[kind]}/")

        refused = {
            stranger.send(method, f"{kind}/{things[kind]}/", json={"meta": {"x": 1}}).status_code
            for method in ("PUT", "PATCH", "DELETE")
        }

        assert refused <= {404, 405}
        assert before == wire.get(f"{kind}/{things[kind]}/")


@pytest.mark.parametrize(
    ("kind", "relation", "rest"),
    [
        ("projects", "data_collections", {"title": "Mine"}),
        ("task_tags", "projects", {"name": "mine"}),
        ("assignments", "tasks", {}),
        ("ground_truth_datasets", "projects", {"name": "Mine"}),
        ("ground_truths", "ground_truth_datasets", {"category": "train"}),
        ("ground_truth_dataset_versions", "ground_truth_datasets", {"version": "9"}),
        ("serve_applications", "jobs", {}),
    ],
)
def test_foreign_key_is_an_invalid_pk(
    stranger: Wire, things: dict[str, Any], kind: str, relation: str, rest: dict[str, Any]
) -> None:
    """A row cannot be tied to one of another workspace: for the writer that one does not exist."""
    name = relation.removesuffix("s")

    answer = stranger.post(f"{kind}/", {**rest, name: things[relation]})

    assert (400, [name]) == (answer.status_code, list(answer.json()))
    assert f'Invalid pk "{things[relation]}"' in answer.json()[name][0]


def test_foreign_user_is_an_invalid_pk(wire: Wire, stranger: Wire, world: World) -> None:
    """Only members of the workspace can be given work."""
    outsider = stranger.get("users/me/")["id"]

    answer = wire.post("assignments/", {"task": world.tasks[1], "user": outsider})

    assert (400, ["user"]) == (answer.status_code, list(answer.json()))
