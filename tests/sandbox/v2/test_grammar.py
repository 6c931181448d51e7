"""What all addresses below `/v2/` share: envelope, pages, order, sparse rows, refusals and dry runs."""

from __future__ import annotations

import datetime as dt
import sqlite3

from typing import Any

import pytest

from synapse.sandbox import Sandbox
from tests.sandbox.v2.second import Second, refusal

LISTS = {
    "projects": "id title category category_display is_archived created task_count",
    "projects/1/tags": "id name category created",
    "tasks": "id project_id data_unit_id is_discarded has_data created",
    "assignments": "id user_id task_id status_label status_review is_confirmed is_discarded created",
    "data-collections": "id name category category_display access_level is_archived created count_projects",
    "data-collections/1/groups": "id name",
    "data-units": "id data_collection_id checksum created",
    "data-files": "id checksum file_size created",
    "ground-truth-datasets": "id name",
    "ground-truth-datasets/1/versions": "id version created",
    "ground-truths": "id ground_truth_dataset_id data_unit_id category",
    "plugins": "id code name category is_active created",
    "plugin-releases": "id plugin_id version created debug is_released",
    "jobs": "id status action queue error is_active created completed",
    "job-logs": "id job_id event step level datetime created",
    "models": "id name category is_released is_external created",
    "experiments": "id name access_level is_archived created",
    "trains": "id experiment is_tune created job_id job_status",
    "uploads": "id data_collection project created job_id job_status",
    "exports": "id target created job_id job_status",
    "pre-annotations": "id target method created job_id job_status",
    "reviews": "id assignment_id scope is_active created",
    "workshops": "id project_id name status is_reviewable created",
    "members": "id user_id role",
    "groups": "id name created",
    "tokens": "id description last_used",
}


@pytest.mark.parametrize("path", LISTS)
def test_rows_of_lists_are_slim(second: Second, path: str) -> None:
    """A list shows the few members that it is said to show; the address of a row shows all of them."""
    rows = second.data(f"{path}/?per_page=1")

    assert set(LISTS[path].split()) == rows[0].keys()
    whole = second.data(f"{path}/{rows[0]['id']}/")
    assert rows[0].keys() - {"job_id", "job_status"} <= whole.keys()


def test_object_comes_in_the_envelope(second: Second) -> None:
    """One object is the data, and the answer has a name."""
    answer = second.get("users/me/")

    assert {"id", "email", "name", "is_synapse_admin"} == answer["data"].keys()
    assert ["request_id"] == list(answer["meta"])


class TestPages:
    @pytest.mark.parametrize("size", [1, 5, 200])
    def test_chain_of_cursors_gives_each_row_once(self, either: Second, size: int) -> None:
        """Every row comes, newest first, whichever way the next page is told."""
        keys = [row["id"] for page in either.walk(f"tasks/?per_page={size}") for row in page]

        assert sorted(keys, reverse=True) == keys
        assert len(set(keys)) == len(keys) == len(either.data("tasks/?per_page=200"))

    def test_rows_of_one_instant_are_told_apart(self, second: Second, sandboxes: dict[str, Sandbox]) -> None:
        """Of more than a thousand rows that were made at the same moment each comes once."""
        project = second.made("projects/", {"title": "Ties", "category": "image", "configuration": {}})["id"]
        row = (project, "tie", "project", "", "{}", "2026-01-01 00:00:00")
        with sqlite3.connect(sandboxes["token"].data / "sandbox.sqlite3", timeout=60) as database:
            columns = "project_id, name, category, description, meta, created"
            insert = f"INSERT INTO sandbox_tasktag ({columns}) VALUES (?, ?, ?, ?, ?, ?)"
            database.executemany(insert, [row] * 1_500)
        database.close()

        keys = [tag["id"] for page in second.walk(f"projects/{project}/tags/?per_page=190") for tag in page]

        assert 1_500 == len(set(keys)) == len(keys)

    @pytest.mark.parametrize(
        ("asked", "given"),
        [("", 50), ("per_page=7", 7), ("per_page=500", 200), ("per_page=0", 50), ("per_page=x", 50)],
    )
    def test_size_is_clamped(self, second: Second, asked: str, given: int) -> None:
        """More than 200 rows are 200, and what is no size is the usual one."""
        assert given == second.get(f"jobs/?{asked}")["meta"]["pagination"]["per_page"]

    def test_cursor_of_nothing_is_refused(self, second: Second) -> None:
        """A cursor that leads nowhere is a 404 with a code."""
        assert (404, "NOT_FOUND") == second.refusal("GET", "tasks/?cursor=nonsense")

    def test_previous_page_can_be_asked_for(self, second: Second) -> None:
        """The second page knows the way back."""
        first = second.get("tasks/?per_page=4")
        following = second.get("tasks/", params={"per_page": 4, "cursor": page_of(first)["next_cursor"]})
        back = {"per_page": 4, "cursor": page_of(following)["previous_cursor"]}

        assert first["data"] == second.data("tasks/", params=back)


def page_of(answer: Any) -> Any:
    """Return what an answer says of its page."""
    return answer["meta"]["pagination"]


class TestQueries:
    def test_unknown_filter_is_dropped(self, second: Second) -> None:
        """What is not declared widens the answer without a word."""
        assert second.data("tasks/") == second.data(
            "tasks/?created__gte=2100-01-01T00:00:00Z&projct=2&page=3"
        )

    @pytest.mark.parametrize("word", ["true", "True", "1"])
    def test_booleans_are_read_in_any_case(self, second: Second, word: str) -> None:
        """Clients write them in several ways."""
        rows = second.data(f"tasks/?has_data={word}")

        assert rows and all(row["has_data"] for row in rows)

    def test_bad_value_is_refused_on_its_field(self, second: Second) -> None:
        """A value that cannot be one is a 400 that names the filter."""
        answer = second.send("GET", "tasks/?project=abc")

        assert (400, "project") == (answer.status_code, answer.json()["error"]["details"][0]["field"])

    def test_sort_is_heeded_where_it_is_known(self, second: Second) -> None:
        """A known name orders, an unknown one is ignored."""
        keys = [row["id"] for row in second.data("assignments/?sort=id")]

        assert sorted(keys) == keys
        assert second.data("assignments/") == second.data("assignments/?sort=task_id,-user")

    def test_fields_make_rows_sparse(self, second: Second) -> None:
        """Only what is named is shown, in lists only."""
        assert {"id", "created"} == second.data("tasks/?fields=id,created,nonsense")[0].keys()
        assert "data" in second.data("tasks/1/?fields=id")

    @pytest.mark.parametrize("query", ["tasks=1,2&status_label=completed,skipped", "tasks=1&tasks=2"])
    def test_lists_are_joined_or_repeated(self, second: Second, query: str) -> None:
        """Both spellings of a list of values are read."""
        assert {1, 2} == {row["task_id"] for row in second.data(f"assignments/?{query}")}

    @pytest.mark.parametrize("side", ["_after", "_before"])
    def test_twins_of_bounds_are_not_applied(self, second: Second, side: str) -> None:
        """Assignments accept them, and give every row."""
        moment = dt.datetime(2100 if side == "_after" else 2000, 1, 1, tzinfo=dt.UTC).isoformat()
        given = second.data("assignments/", params={f"created{side}": moment})

        assert second.data("assignments/") == given

    def test_query_that_is_encoded_twice_is_refused(self, second: Second) -> None:
        """`%25` and two digits in a query are a 400."""
        assert (400, "VALIDATION_ERROR") == second.refusal("GET", "tasks/?cursor=cD0%253D")


class TestRefusals:
    @pytest.mark.parametrize(
        ("method", "path", "code"),
        [
            ("GET", "nonsense/", (404, "NOT_FOUND")),
            ("POST", "projects/1/join_requests/", (404, "NOT_FOUND")),
            ("GET", "projects/999/", (404, "NOT_FOUND")),
            ("GET", "projects/abc/", (404, "NOT_FOUND")),
            ("GET", "projects/a..b/", (400, "VALIDATION_ERROR")),
            ("GET", "projects/999/tags/", (404, "NOT_FOUND")),
            ("PUT", "plugins/1/", (405, "METHOD_NOT_ALLOWED")),
            ("PUT", "projects/1/tags/1/", (405, "METHOD_NOT_ALLOWED")),
            ("DELETE", "plugins/1/", (405, "METHOD_NOT_ALLOWED")),
            ("POST", "tasks/", (400, "VALIDATION_ERROR")),
        ],
    )
    def test_code_tells_what_is_wrong(
        self, second: Second, method: str, path: str, code: tuple[int, str]
    ) -> None:
        """Every refusal has the same form, that of an unknown address too."""
        assert code == second.refusal(method, path, {} if method == "POST" else None)

    def test_no_token_is_told(self, sandboxes: dict[str, Sandbox]) -> None:
        """Neither nobody nor an agent may ask."""
        sandbox = sandboxes["token"]
        nobody = Second(sandbox.url)
        agent = {"SYNAPSE-Agent": f"Token {sandbox.agent_token}"}

        assert (401, "AUTHENTICATION_REQUIRED") == nobody.refusal("GET", "tasks/")
        assert 401 == nobody.send("GET", "tasks/", headers=agent).status_code

    def test_other_workspace_sees_nothing(self, stranger: Second) -> None:
        """Its rows are not there."""
        assert (404, "NOT_FOUND") == stranger.refusal("GET", "tasks/1/")
        assert [] == stranger.data("tasks/")

    def test_control_characters_are_refused(self, second: Second) -> None:
        """A text holds no bell."""
        body = {"title": "a\x07", "category": "image", "configuration": {}}

        assert (400, "VALIDATION_ERROR") == second.refusal("POST", "projects/", body)

    def test_unknown_host_is_told(self, second: Second) -> None:
        """What is refused before any view has it is told in the same form."""
        answer = second.send("GET", "tasks/", headers={"Host": "elsewhere.example"})

        assert (400, "VALIDATION_ERROR") == refusal(answer)

    def test_details_name_the_field_inside(self, second: Second) -> None:
        """A fault deep in a body is told by its path."""
        body = {"name": "x", "category": "image", "file_specifications": [{"name": "image_1"}]}

        details = second.post("data-collections/", body).json()["error"]["details"]

        assert "file_specifications.0.file_type" in [detail["field"] for detail in details]


class TestDryRuns:
    @pytest.mark.parametrize(
        ("method", "path", "body", "action"),
        [
            ("POST", "projects/", {"title": "T", "category": "image", "configuration": {}}, "create"),
            ("PATCH", "projects/1/", {"title": "Tried"}, "update"),
            ("PATCH", "projects/1/tags/1/", {"name": "Tried"}, "update"),
            ("DELETE", "tasks/1/", None, "delete"),
            ("POST", "tasks/bulk-create/", {"project": 1, "data_unit_ids": [1]}, "bulk_create"),
            ("PUT", "assignments/1/data/", {"data": {"tried": True}}, "data"),
        ],
    )
    def test_nothing_is_kept(self, second: Second, method: str, path: str, body: Any, action: str) -> None:
        """The answer tells what was checked, and everything is as before."""
        before = second.data("projects/1/"), second.data("tasks/"), second.data("assignments/1/")

        answer = second.send(method, f"{path}?dry_run=true", json=body)

        assert {"dry_run": True, "action": action, "validated_fields": list(body or {})} == answer.json()[
            "data"
        ]
        assert before == (second.data("projects/1/"), second.data("tasks/"), second.data("assignments/1/"))

    def test_fault_is_told(self, second: Second) -> None:
        """What would be refused is refused."""
        assert (400, "VALIDATION_ERROR") == second.refusal("POST", "projects/?dry_run=true", {})
