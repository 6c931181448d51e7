"""Checks of the vendor's client: projects, tasks, tags, assignments and ground truths."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from vendor_world import World, check, refused


def annotation(label: str) -> dict[str, Any]:
    """Return a payload with one box."""
    box = {"id": "Qm3Zt81xYk", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
    drawn = {"id": "Qm3Zt81xYk", "tool": "bounding_box", "classification": {"class": label}}
    return {
        "annotations": {"image_1": [drawn]},
        "annotationsData": {"image_1": [box]},
        "relations": {},
        "annotationGroups": {},
        "extra": {},
    }


@check
def get_project(world: World) -> None:
    project = world.client.get_project(world.project["id"])
    assert project["title"] == "Street signs" and project["data_collection"] == world.collection["id"]


@check
def create_tasks(world: World) -> None:
    units = [world.unit()["id"] for _ in range(2)]
    body = {"project": world.project["id"], "data": [{"data_unit": unit} for unit in units]}
    tasks = world.client.create_tasks(body)
    assert [task["data_unit"] for task in tasks] == units, tasks


@check
def create_tasks_twice(world: World) -> None:
    from synapse_sdk.exceptions import ValidationError

    body = {"project": world.project["id"], "data": [{"data_unit": world.unit()["id"]}]}
    world.client.create_tasks(body)
    assert refused(ValidationError, lambda: world.client.create_tasks(body)).status_code == 400


@check
def get_task(world: World) -> None:
    task = world.client.get_task(
        world.task(), params={"expand": ["data_unit"], "fields": "id,data,data_unit"}
    )
    assert set(task) == {"id", "data", "data_unit"}, task
    assert task["data_unit"]["files"]["image_1"]["url"].startswith("http")


@check
def get_unknown_task(world: World) -> None:
    from synapse_sdk.exceptions import NotFoundError

    assert refused(NotFoundError, lambda: world.client.get_task(10**9)).status_code == 404


@check
def annotate_task_data(world: World) -> None:
    pk = world.task()
    world.client.annotate_task_data(pk, {"action": "submit", "data": annotation("정지")})
    stored = world.client.get_task(pk)["data"]
    assert stored["annotations"]["image_1"][0]["classification"] == {"class": "정지"}, stored


@check
def annotate_task_data_of_any_schema(world: World) -> None:
    pk = world.task()
    world.client.annotate_task_data(pk, {"action": "submit", "data": {"free": "form"}}, schema="any")
    assert world.client.get_task(pk)["data"] == {"free": "form"}


@check
def annotate_task_data_batch(world: World) -> None:
    tasks = [world.task() for _ in range(3)]
    items = [{"task_id": pk, "data": {"action": "submit", "data": annotation("stop")}} for pk in tasks]
    results = world.client.annotate_task_data_batch([*items, {"task_id": 10**9, "data": {"data": {}}}])
    assert [results[pk]["success"] for pk in tasks] == [True] * 3, results
    assert results[10**9]["success"] is False, results


@check
def get_task_tag(world: World) -> None:
    tag = world.client.get_task_tag(world.tags[0])
    assert (tag["name"], tag["project"]) == ("hard", world.project["id"]), tag


@check
def list_task_tags(world: World) -> None:
    wanted = set(world.tags)
    answer = world.client.list_task_tags({"project": world.project["id"]})
    assert {row["id"] for row in answer["results"]} == wanted, answer


@check
def list_tasks(world: World) -> None:
    pk = world.task()
    answer = world.client.list_tasks(
        {"project": world.project["id"], "ordering": "-id", "expand": "data_unit"}
    )
    assert answer["results"][0]["id"] == pk and answer["count"] >= 1
    assert answer["results"][0]["data_unit"]["files"]["image_1"]["file_name_original"].endswith(".png")


@check
def list_all_tasks_over_pages(world: World) -> None:
    made = {world.task() for _ in range(3)}
    params = {"project": world.project["id"], "page_size": 2, "ordering": "id"}
    rows, count = world.client.list_tasks(params, list_all=True)
    found = [row["id"] for row in rows]
    assert count == len(found) and made <= set(found) and found == sorted(found), found


@check
def list_tasks_by_cursor(world: World) -> None:
    made = {world.task() for _ in range(3)}
    params = {"project": world.project["id"], "page_size": 2, "ordering": "-id", "pagination": "cursor"}
    rows, _count = world.client.list_tasks(params, list_all=True)
    found = [row["id"] for row in rows]
    assert made <= set(found) and found == sorted(set(found), reverse=True), found


@check
def list_tasks_data(world: World) -> None:
    pk = world.task()
    world.client.annotate_task_data(pk, {"action": "save", "data": annotation("a")})
    rows, _count = world.client.list_tasks_data({"id__in": str(pk)}, list_all=True)
    [row] = list(rows)
    assert set(row) == {"id", "data"} and row["data"]["annotations"], row


@check
def list_tasks_files(world: World) -> None:
    answer = world.client.list_tasks_files({"ids": str(world.task())})
    [row] = answer["results"]
    assert row["files"][0]["specification"] == "image_1", row


@check
def set_tags_tasks(world: World) -> None:
    pk, (hard, golden) = world.task(), world.tags
    world.client.set_tags_tasks({"ids": [pk], "tags": [hard, golden], "action": "add"})
    world.client.set_tags_tasks({"ids": [pk], "tags": [hard], "action": "remove"})
    assert world.client.get_task(pk)["tags"] == [golden]


@check
def list_assignments(world: World) -> None:
    answer = world.client.list_assignments({"status_label": "completed", "expand": "data"})
    assert answer["count"] > 0 and {row["status_label"] for row in answer["results"]} == {"completed"}, answer
    assert answer["results"][0]["file"]["url"].startswith("http")


@check
def get_assignment(world: World) -> None:
    listed = world.client.list_assignments()["results"][0]
    assert world.client.get_assignment(listed["id"])["task"] == listed["task"]


@check
def list_assignments_data(world: World) -> None:
    rows, count = world.client.list_assignments_data({"page_size": 7}, list_all=True)
    found = list(rows)
    assert len(found) == count and all(set(row) == {"id", "data"} for row in found)


@check
def list_assignments_files(world: World) -> None:
    row = world.client.list_assignments_files()["results"][0]
    assert isinstance(row["files"], list) and row["files"][0]["url"].startswith("http"), row


@check
def set_tags_assignments(world: World) -> None:
    listed = world.client.list_assignments()["results"][0]
    project = world.client.get_task(listed["task"])["project"]
    tag = world.create("task_tags/", {"project": project, "name": "late"})["id"]
    world.client.set_tags_assignments({"ids": [listed["id"]], "tags": [tag], "action": "add"})
    assert tag in world.client.get_assignment(listed["id"])["tags"]


@check
def list_ground_truth_versions(world: World) -> None:
    answer = world.client.list_ground_truth_versions()
    assert answer["count"] >= 1 and isinstance(answer["results"][0]["version"], str), answer


@check
def get_ground_truth_version(world: World) -> None:
    version = world.client.get_ground_truth_version(world.dataset["version"])
    assert version["version"] == "1.0.0" and version["is_archived"] is False, version


@check
def list_ground_truth_events(world: World) -> None:
    params = {
        "ground_truth_dataset_versions": [world.dataset["version"]],
        "ordering": "-pgh_id",
        "page_size": 4,
    }
    rows, count = world.client.list_ground_truth_events(params, list_all=True)
    found = list(rows)
    assert len({row["pgh_id"] for row in found}) == count > 4, count
    assert Path(found[0]["files"]["image_1"]["path"]).is_file()


@check
def list_ground_truth_events_data(world: World) -> None:
    answer = world.client.list_ground_truth_events_data(
        {"ground_truth_dataset_versions": world.dataset["version"]}
    )
    assert answer["results"][0]["data"]["annotations"], answer


@check
def list_ground_truth_events_files(world: World) -> None:
    answer = world.client.list_ground_truth_events_files(
        {"ground_truth_dataset_versions": world.dataset["version"]}
    )
    assert isinstance(answer["results"][0]["files"], list), answer


@check
def list_ground_truths(world: World) -> None:
    rows, count = world.client.list_ground_truths(
        {"ground_truth_dataset": world.dataset["dataset"], "category": "train"}, list_all=True
    )
    found = list(rows)
    assert len(found) == count > 0 and {row["category"] for row in found} == {"train"}, found
