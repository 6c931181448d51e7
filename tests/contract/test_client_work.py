"""The flat client's projects, tasks, tags and assignments: one test for each method, and for each form of its body."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import BackendClient, NotFoundError, QueryError, ValidationError
from tests.contract.factory import Factory

PAYLOAD = {
    "annotations": {
        "image_1": [{"id": "Qm3Zt81xYk", "tool": "bounding_box", "classification": {"class": "stop"}}]
    },
    "annotationsData": {
        "image_1": [{"id": "Qm3Zt81xYk", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}]
    },
    "relations": {},
    "annotationGroups": {},
    "extra": {},
}


def tags_of(row: Any) -> set[int]:
    """Read from the database which tags a row has."""
    return set(row.tags.values_list("pk", flat=True))


class TestProjects:
    def test_get_project(self, client: BackendClient, make: Factory) -> None:
        """By its key, under any of its names."""
        made = make.project()
        expected = {"id": made.pk, "title": made.title}

        for row in (
            client.get_project(made.pk),
            client.get_project(pk=made.pk),
            client.get_project(project_id=made.pk),
        ):
            assert expected == {name: row[name] for name in expected}


class TestTasks:
    def test_get_task(self, client: BackendClient, make: Factory) -> None:
        """With what is asked to be nested, and with nothing but the fields that are named."""
        task = make.task()
        row = client.get_task(task.pk, {"expand": ["data_unit"], "fields": "id,data_unit"})

        assert ({"id", "data_unit"}, task.data_unit_id) == (set(row), row["data_unit"]["id"])

    def test_get_task_refuses_what_is_ignored(self, client: BackendClient) -> None:
        """A typo would bring the whole row."""
        with pytest.raises(
            QueryError, match=r"tasks/\{id\}/ has no parameter 'field' \(did you mean 'fields'"
        ):
            client.get_task(1, params={"field": "id"})

    def test_get_task_that_is_not_there(self, client: BackendClient) -> None:
        """The error tells its status and the backend's words by all names."""
        with pytest.raises(NotFoundError) as caught:
            client.get_task(10**9)

        assert (404, 404) == (caught.value.status_code, caught.value.status)
        assert {"detail"} == set(caught.value.detail)  # type: ignore[call-overload]

    @pytest.mark.parametrize(
        "body",
        [
            PAYLOAD,
            {"data": PAYLOAD},
            {"action": "submit", "data": PAYLOAD},
            {"action": "save", "data": PAYLOAD},
        ],
        ids=["bare", "data", "submit", "save"],
    )
    def test_annotate_task_data(self, client: BackendClient, make: Factory, body: dict[str, Any]) -> None:
        """An annotation is stored, whether it comes bare or with its action."""
        task = make.task()
        row = client.annotate_task_data(task.pk, body)
        task.refresh_from_db()

        assert (task.pk, PAYLOAD) == (row["id"], task.data)

    def test_annotate_task_data_of_any_schema(self, client: BackendClient, make: Factory) -> None:
        """The check of the format can be switched off."""
        task, body = make.task(), {"action": "submit", "data": [1]}
        with pytest.raises(ValidationError, match="data: "):
            client.annotate_task_data(task.pk, body)
        client.annotate_task_data(task.pk, body, "any")
        task.refresh_from_db()

        assert [1] == task.data

    def test_annotate_task_data_batch(self, client: BackendClient, make: Factory) -> None:
        """Each task is told by its key, those that failed as well."""
        tasks = make.tasks(3)
        items = [{"task_id": task.pk, "data": {"data": PAYLOAD}} for task in tasks]
        found = client.annotate_task_data_batch([*items, {"task_id": 10**9, "data": {}}], max_workers=2)

        assert [True] * 3 == [found[task.pk]["success"] for task in tasks]
        assert tasks[0].pk == found[tasks[0].pk]["response"]["id"]
        assert (False, None) == (found[10**9]["success"], found[10**9]["response"])
        assert "404" in found[10**9]["error"]

    def test_annotate_task_data_batch_checks_all_first(self, client: BackendClient, make: Factory) -> None:
        """Nothing is sent of a batch that is not whole."""
        task = make.task()
        with pytest.raises(QueryError, match=r"items\[1\] needs 'task_id' and 'data'"):
            client.annotate_task_data_batch([{"task_id": task.pk, "data": PAYLOAD}, {"data": {}}])
        task.refresh_from_db()

        assert task.data is None

    def test_list_tasks(self, client: BackendClient, make: Factory) -> None:
        """The page as the wire has it, newest first."""
        project = make.project()
        tasks = make.tasks(3, project=project)
        page = client.list_tasks({"project": project.pk, "page_size": 2})

        assert (3, None) == (page["count"], page["previous"])
        assert [tasks[2].pk, tasks[1].pk] == [row["id"] for row in page["results"]]
        assert "page=2" in page["next"]

    def test_list_tasks_of_all(self, client: BackendClient, make: Factory) -> None:
        """Every row over all pages, and their number."""
        project = make.project()
        tasks = make.tasks(7, project=project)
        rows, count = client.list_tasks({"project": project.pk, "page_size": 2}, list_all=True)

        assert (7, [task.pk for task in reversed(tasks)]) == (count, [row["id"] for row in rows])

    def test_list_tasks_data(self, client: BackendClient, make: Factory) -> None:
        """Nothing but keys and annotations."""
        tasks = make.tasks(3, data=PAYLOAD)
        rows, count = client.list_tasks_data({"project": tasks[0].project_id, "page_size": 2}, list_all=True)
        page = client.list_tasks_data({"project": tasks[0].project_id})
        expected = [{"id": task.pk, "data": PAYLOAD} for task in reversed(tasks)]

        assert (3, expected, expected) == (count, list(rows), page["results"])

    def test_list_tasks_files(self, client: BackendClient, make: Factory) -> None:
        """The files of each task's unit, as a list."""
        task = make.task()
        [row] = client.list_tasks_files({"ids": [task.pk]})["results"]
        rows, count = client.list_tasks_files({"ids": str(task.pk)}, list_all=True)

        assert (task.pk, "image_1") == (row["id"], row["files"][0]["specification"])
        assert (1, [row]) == (count, list(rows))

    @pytest.mark.parametrize("form", ["list", "project and data"])
    def test_create_tasks(self, client: BackendClient, make: Factory, form: str) -> None:
        """As a list of tasks, or as a project with its units."""
        project = make.project()
        units = [unit.pk for unit in make.units(2, collection=project.data_collection)]
        rows = [{"data_unit": unit} for unit in units]
        whole = [{"project": project.pk, **row} for row in rows]
        made = client.create_tasks(whole if form == "list" else {"project": project.pk, "data": rows})

        assert units == [row["data_unit"] for row in made]
        assert 2 == make.tables.Task.objects.filter(project=project).count()

    @pytest.mark.parametrize(
        ("keys", "action", "left"),
        [
            (("ids", "tags"), "add", {0, 1}),
            (("ids", "tags"), "remove", {0}),
            (("task_ids", "tag_ids"), None, {0, 1}),
        ],
        ids=["add", "remove", "documented"],
    )
    def test_set_tags_tasks(
        self, client: BackendClient, make: Factory, keys: tuple[str, str], action: str | None, left: set[int]
    ) -> None:
        """In both forms of its body; the documented one adds."""
        task = make.task()
        tags = [make.tag(project=task.project).pk for _ in range(2)]
        task.tags.set(tags if action == "remove" else tags[:1])
        client.set_tags_tasks(
            {keys[0]: [task.pk], keys[1]: tags[1:], **({"action": action} if action else {})}
        )

        assert {tags[index] for index in left} == tags_of(task)

    def test_set_tags_tasks_exactly(self, client: BackendClient, make: Factory) -> None:
        """With `replace`, whatever else was there goes."""
        task = make.task()
        tags = [make.tag(project=task.project).pk for _ in range(2)]
        task.tags.set(tags[:1])
        client.set_tags_tasks({"task_ids": [task.pk], "tag_ids": tags[1:]}, {"replace": True})

        assert {tags[1]} == tags_of(task)

    def test_set_tags_tasks_refuses_what_is_ignored(self, client: BackendClient) -> None:
        """A typo in `replace` would only add."""
        with pytest.raises(QueryError, match="did you mean 'replace'"):
            client.set_tags_tasks({"ids": [1], "tags": [1]}, params={"replce": True})


class TestTags:
    def test_get_task_tag(self, client: BackendClient, make: Factory) -> None:
        """By its key, under both of its names."""
        tag = make.tag(name="hard")
        rows = [client.get_task_tag(tag.pk), client.get_task_tag(tag_id=tag.pk)]

        assert ["hard", "hard"] == [row["name"] for row in rows]

    def test_list_task_tags(self, client: BackendClient, make: Factory) -> None:
        """Those of one project."""
        tag = make.tag()
        make.tag()
        page = client.list_task_tags({"project": tag.project_id})

        assert (1, [tag.pk]) == (page["count"], [row["id"] for row in page["results"]])


class TestAssignments:
    def test_get_assignment(self, client: BackendClient, make: Factory) -> None:
        """By its key, under both of its names."""
        [made] = make.assignments([make.task()])
        rows = [client.get_assignment(made.pk), client.get_assignment(assignment_id=made.pk)]

        assert [made.task_id] * 2 == [row["task"] for row in rows]

    def test_list_assignments(self, client: BackendClient, make: Factory) -> None:
        """A page, and all of them, newest first."""
        project = make.project()
        made = make.assignments(make.tasks(5, project=project))
        keys = [each.pk for each in reversed(made)]
        page = client.list_assignments({"project": project.pk, "page_size": 2})
        rows, count = client.list_assignments({"project": project.pk, "page_size": 2}, None, list_all=True)

        assert (5, keys[:2]) == (page["count"], [row["id"] for row in page["results"]])
        assert (5, keys) == (count, [row["id"] for row in rows])

    def test_list_assignments_data(self, client: BackendClient, make: Factory) -> None:
        """Nothing but keys and annotations."""
        made = make.assignments(make.tasks(2), data=PAYLOAD)
        params = {"tasks": [each.task_id for each in made][:1]}
        rows, count = client.list_assignments_data(params, list_all=True)
        expected = [{"id": made[0].pk, "data": PAYLOAD}]

        assert (1, expected) == (count, list(rows))
        assert expected == client.list_assignments_data(params)["results"]

    def test_list_assignments_files(self, client: BackendClient, make: Factory) -> None:
        """The files of each assignment's unit, as a list."""
        [made] = make.assignments([make.task()])
        [row] = client.list_assignments_files({"ids": made.pk})["results"]
        rows, count = client.list_assignments_files({"ids": made.pk}, list_all=True)

        assert "image_1" == row["files"][0]["specification"]
        assert (1, [row]) == (count, list(rows))

    @pytest.mark.parametrize(
        "keys", [("ids", "tags"), ("assignment_ids", "tag_ids")], ids=["today", "documented"]
    )
    def test_set_tags_assignments(self, client: BackendClient, make: Factory, keys: tuple[str, str]) -> None:
        """In both forms of its body, and exactly where that is asked."""
        [made] = make.assignments([make.task()])
        tags = [make.tag(project=made.task.project).pk for _ in range(2)]
        client.set_tags_assignments({keys[0]: [made.pk], keys[1]: tags[:1], "action": "add"})
        before = tags_of(made)
        client.set_tags_assignments({keys[0]: [made.pk], keys[1]: tags[1:]}, {"replace": "true"})

        assert ({tags[0]}, {tags[1]}) == (before, tags_of(made))
