"""What can be done below `/v2/` beside reading and writing rows."""

from __future__ import annotations

import hashlib
import json
import os
import uuid

from typing import Any

import pytest
import requests

from synapse.sandbox import Sandbox
from tests.objectstore import MIB
from tests.sandbox.v2.conftest import INLINE_BYTES
from tests.sandbox.v2.second import Second, refusal
from tests.sandbox.wire import Wire, log_in, md5

EVENT = "id pgh_id pgh_obj_id pgh_label data_unit_id ground_truth_dataset_id data_size data_digest data_content_type"
BULK = {
    "tasks/bulk-fetch/": ("ids", "id project_id data_unit_id data files_manifest"),
    "assignments/bulk-fetch/": ("ids", "id project_id data_unit_id data files_manifest"),
    "ground-truths/bulk-data/": (
        "ids",
        "id ground_truth_dataset_id data_unit_id category project_id data classes",
    ),
    "ground-truth-events/bulk-data/": (
        "pgh_ids",
        f"{EVENT} data files files_manifest",
    ),
}
LARGE = {"text": "여" * INLINE_BYTES}


@pytest.mark.parametrize("path", BULK)
class TestBulkReads:
    def test_rows_come_as_asked(self, second: Second, path: str) -> None:
        """In the order of their keys; keys of none are left out without a word."""
        key, members = BULK[path]
        rows = second.post(path, {key: [3, 1, 999_999, 2]}).json()["data"]

        assert [3, 1, 2] == [row["id"] for row in rows]
        assert set(members.split()) == rows[0].keys()

    @pytest.mark.parametrize(
        ("keys", "expected"),
        [
            ([], (422, "UNPROCESSABLE_ENTITY")),
            (list(range(201)), (400, "ids_limit_exceeded")),
            (["1"], (400, "VALIDATION_ERROR")),
            (None, (400, "VALIDATION_ERROR")),
        ],
        ids=["none", "many", "text", "missing"],
    )
    def test_limits_are_held(self, second: Second, path: str, keys: Any, expected: tuple[int, str]) -> None:
        """From 1 to 200 numbers."""
        assert expected == second.refusal("POST", path, {BULK[path][0]: keys})

    def test_other_workspace_gets_nothing(self, stranger: Second, path: str) -> None:
        """Rows that may not be seen are left out as well."""
        assert [] == stranger.post(path, {BULK[path][0]: [1]}).json()["data"]


class TestLargePayloads:
    @pytest.fixture
    def task(self, second: Second) -> int:
        """A task whose payload is left out of its row."""
        body = {"action": "save", "data": LARGE}
        assert 200 == second.send("PUT", "tasks/2/annotate-task-data/?schema=any", json=body).status_code
        return 2

    def test_are_told_by_their_size(self, second: Second, task: int) -> None:
        """A note stands in their place."""
        data = second.post("tasks/bulk-fetch/", {"ids": [task]}).json()["data"][0]["data"]

        assert {"mode", "truncated", "size", "inline_max_bytes", "data_digest"} == data.keys()
        assert ("inline", True, INLINE_BYTES) == (data["mode"], data["truncated"], data["inline_max_bytes"])

    def test_are_had_by_an_address(self, second: Second, task: int) -> None:
        """Signed, so that no headers are needed; the digest is that of its bytes. Small ones come along."""
        body = {"ids": [task, 1], "response_mode": "presigned"}
        large, small = (row["data"] for row in second.post("tasks/bulk-fetch/", body).json()["data"])
        content = requests.get(large["presigned_url"], timeout=30).content

        assert (LARGE, large["size"]) == (json.loads(content), len(content))
        assert (large["data_digest"], "annotations" in small) == (hashlib.sha256(content).hexdigest(), True)

    def test_query_wins_over_the_body(self, second: Second, task: int) -> None:
        """What is asked for twice is asked for in the address."""
        body = {"ids": [task], "response_mode": "presigned"}

        data = second.post("tasks/bulk-fetch/?response_mode=inline", body).json()["data"][0]["data"]

        assert "inline" == data["mode"]

    def test_come_whole_in_a_single_row(self, second: Second, task: int) -> None:
        """Of a task that is read by itself."""
        assert LARGE == second.data(f"tasks/{task}/")["data"]


class TestWork:
    def test_tasks_are_made_once_for_each_unit(self, second: Second) -> None:
        """The answer counts; it names none."""
        body = {"title": "Bulk", "category": "image", "configuration": {}, "data_collection": 2}
        project = second.made("projects/", body)["id"]
        asked = {"project": project, "data_unit_ids": [13, 14, 13]}

        counts = [second.made("tasks/bulk-create/", asked) for _ in range(2)]

        assert [(2, 1), (0, 3)] == [(each["created_count"], each["skipped_count"]) for each in counts]

    @pytest.mark.parametrize("units", [[1, 999_999], [13], []], ids=["unknown", "other collection", "none"])
    def test_tasks_of_strange_units_are_refused(self, second: Second, units: list[int]) -> None:
        """All or nothing."""
        body = {"project": 1, "data_unit_ids": units}

        assert (400, "VALIDATION_ERROR") == second.refusal("POST", "tasks/bulk-create/", body)

    def test_confirmed_assignment_keeps_its_payload(self, second: Second) -> None:
        """Its payload can't be changed any more, and nobody's state can by this way."""
        row = second.data("assignments/?is_confirmed=true")[0]

        assert (409, "CONFLICT") == second.refusal("PUT", f"assignments/{row['id']}/data/", {"data": {}})
        body = {"data": {}, "is_discarded": True}
        assert (400, "VALIDATION_ERROR") == second.refusal("PUT", "assignments/2/data/", body)

    def test_annotation_answers_the_payload(self, second: Second) -> None:
        """It is the payload that was saved, and nothing else."""
        body = {"action": "save", "data": {"n": 1}}
        answer = second.send("PUT", "tasks/4/annotate-task-data/?schema=any", json=body)

        assert {"n": 1} == answer.json()["data"] == second.data("tasks/4/")["data"]

    def test_what_is_read_by_a_key_is_written_bare(self, second: Second) -> None:
        """`project_id` in a body means nothing."""
        assert "project_id" in second.data("tasks/1/")
        fields = second.post("tasks/", {"project_id": 1, "data_unit_id": 1}).json()["error"]["details"]
        assert ["project", "data_unit"] == [each["field"] for each in fields]

    @pytest.mark.parametrize("path", ["projects/1/", "tasks/1/", "data-collections/1/groups/1/"])
    def test_permissions_are_told(self, second: Second, path: str) -> None:
        """Of what has members of its own, and of what is below."""
        is_derived = path != "projects/1/"

        assert 200 == second.send("GET", f"{path}check_permission/?permission=view").status_code
        assert is_derived == ("is_derived" in second.data(f"{path}permissions/"))


def test_name_of_a_tag_is_given_once(second: Second) -> None:
    """In its project, and for its category."""
    body = {"name": "once", "category": "project"}
    made = second.made("projects/1/tags/", body)

    assert (400, "VALIDATION_ERROR") == second.refusal("POST", "projects/1/tags/", body)
    assert second.made("projects/1/tags/", {**body, "category": "export"})["id"] != made["id"]
    assert 200 == second.send("PATCH", f"projects/1/tags/{made['id']}/", json={"name": "once"}).status_code


class TestUploads:
    def put(self, second: Second, content: bytes, **changes: Any) -> dict[str, Any]:
        """Put bytes where the sandbox says, and return what came of it."""
        asked = {"files": [{"filename": "a.png", "size": len(content)}]}
        signed = second.post("data-collections/1/upload-urls/", asked).json()["data"]["files"][0]
        requests.put(signed["presigned_url"], data=content, timeout=60).raise_for_status()
        said = {"file_key": signed["file_key"], "checksum": md5(content), "size": len(content), **changes}
        return second.post("data-collections/1/finalize-upload/", {"files": [said]}).json()["data"][
            "results"
        ][0]

    def test_file_is_known_by_its_md5(self, second: Second) -> None:
        """It is one file however often it is put."""
        content = os.urandom(100)

        first, again = (self.put(second, content) for _ in range(2))

        assert (first["data_file_id"], True, False) == (
            again["data_file_id"],
            first["created"],
            again["created"],
        )
        assert [first["data_file_id"]] == [
            row["id"] for row in second.data(f"data-files/?checksum={md5(content)}")
        ]

    def test_other_checksum_fails_that_file(self, second: Second) -> None:
        """The storage knows what it has; the answer is a 200 that says so."""
        result = self.put(second, b"right", checksum=md5(b"wrong"))

        assert (False, None, "The object has another checksum.") == (
            result["success"],
            result["data_file_id"],
            result["error"],
        )

    def test_large_file_comes_in_parts(self, second: Second) -> None:
        """Of two ways to send, one is told."""
        asked = {"files": [{"filename": "a.png", "size": size} for size in (1, 7 * MIB)]}
        small, large = second.post("data-collections/1/upload-urls/", asked).json()["data"]["files"]

        assert (True, None) == (small["presigned_url"].startswith("http"), small["multipart"])
        assert (None, [1, 2]) == (
            large["presigned_url"],
            [part["part_number"] for part in large["multipart"]["parts"]],
        )

    def test_storage_that_signs_nothing_refuses(self, sandboxes: dict[str, Sandbox]) -> None:
        """Without an object storage there is no way to send a file."""
        plain = Second(sandboxes["url"].url, sandboxes["url"].api_token)
        asked = {"files": [{"filename": "a.png", "size": 1}]}

        assert (400, "VALIDATION_ERROR") == plain.refusal("POST", "data-collections/1/upload-urls/", asked)

    def test_sha1_is_no_checksum(self, second: Second) -> None:
        """Only an MD5 is."""
        said = {"file_key": "x", "checksum": hashlib.sha1(b"x").hexdigest(), "size": 1}

        answer = second.post("data-collections/1/finalize-upload/", {"files": [said]})

        assert "files.0.checksum" == answer.json()["error"]["details"][0]["field"]

    def test_units_are_made_once_of_the_same_files(self, second: Second) -> None:
        """In the order asked, with what is new about each."""
        checksums = [md5(content) for content in (b"one", b"two") if self.put(second, content)]
        units = [{"files": {"image_1": {"checksum": checksums[i], "path": "a.png"}}} for i in (0, 1, 0)]

        made = second.made("data-units/bulk-create/", {"data_collection": 1, "units": units})

        keys = [result["data_unit_id"] for result in made["results"]]
        assert (keys[0], [True, True, False]) == (keys[2], [result["created"] for result in made["results"]])
        assert (2, 1) == (made["created_count"], made["reused_count"])

    def test_fault_of_a_unit_is_told_by_its_place(self, second: Second) -> None:
        """None is made."""
        units = [{"files": {"nonsense": {"checksum": "0"}}}]

        answer = second.post("data-units/bulk-create/", {"data_collection": 1, "units": units})

        assert "units.0.files" == answer.json()["error"]["details"][0]["field"]


class TestJobs:
    def job(self, second: Second, status: str) -> str:
        """Return a job of that status."""
        return str(second.data(f"jobs/?status={status}")[0]["id"])

    def test_stopped_job_is_over(self, second: Second) -> None:
        """It can be stopped once; a try changes nothing."""
        pk = self.job(second, "PENDING")

        tried = second.post(f"jobs/{pk}/stop/?dry_run=true").json()["data"]
        stopped = second.post(f"jobs/{pk}/stop/").json()["data"]

        assert {"dry_run": True, "action": "stop", "target": pk} == tried
        assert ("STOPPED", False, None) == (stopped["status"], stopped["is_active"], stopped["queue"])
        again = second.post(f"jobs/{pk}/stop/")
        assert (409, "INVALID_STATE") == refusal(again)
        assert "STOPPED" == again.json()["error"]["details"][0]["current_status"]

    def test_illegal_step_has_a_code(self, second: Second) -> None:
        """Back from the end is one; to say the end again is none."""
        path = f"jobs/{self.job(second, 'FAILED')}/"

        assert (400, "INVALID_TRANSITION") == second.refusal("PATCH", path, {"status": "RUNNING"})
        assert 200 == second.send("PATCH", path, json={"status": "FAILED"}).status_code

    def test_failure_is_told(self, second: Second) -> None:
        """By a kind and its message."""
        assert {"error_type": "execution_error", "message": "out of memory"} == second.data(
            "jobs/?status=FAILED"
        )[0]["error"]

    def test_logs_are_written_all_or_none(self, second: Second) -> None:
        """More than a thousand are refused by a code."""
        path = f"jobs/{self.job(second, 'SUCCEEDED')}/logs/bulk/"
        entry = {"event": "note", "data": {}, "datetime": "2026-01-01T00:00:00+00:00"}

        assert 2 == len(second.made(path, {"logs": [entry, {**entry, "level": "critical"}]}))
        assert (400, "VALIDATION_ERROR") == second.refusal(
            "POST", path, {"logs": [entry, {**entry, "level": "INFO"}]}
        )
        assert (400, "BULK_SIZE_EXCEEDED") == second.refusal("POST", path, {"logs": [entry] * 1001})

    def test_console_is_in_the_envelope(self, second: Second) -> None:
        """Its live tail is not."""
        pk = self.job(second, "SUCCEEDED")

        assert 5 == len(second.data(f"jobs/{pk}/console_logs/")["logs"])
        assert second.send("GET", f"jobs/{pk}/tail_console_logs/").text.startswith(
            'data: {"type": "connected"'
        )


class TestPlugins:
    def test_plugin_comes_with_a_release(self, second: Second) -> None:
        """Its code stays, and is nobody else's."""
        body = {"code": f"p-{uuid.uuid4().hex[:8]}", "name": "P", "category": "export"}
        made = second.made("plugins/", body)

        assert ("0.0.0", False) == (made["release"]["version"], made["release"]["is_released"])
        assert (409, "CONFLICT") == second.refusal("POST", "plugins/", body)
        assert (400, "VALIDATION_ERROR") == second.refusal("PATCH", f"plugins/{made['id']}/", {"code": "x"})

    def test_release_is_checked_by_its_digest(self, second: Second) -> None:
        """It is a form with an archive; a version is published once, and released for good."""
        fields = {"plugin": "1", "version": "9.0.0", "sha256": hashlib.sha256(b"zip").hexdigest()}
        sent = {"data": fields, "files": {"file": ("a.zip", b"zip", "application/zip")}}

        made, again = (second.send("POST", "plugin-releases/", **sent) for _ in range(2))
        pk = made.json()["data"]["id"]

        assert (201, (409, "CONFLICT")) == (made.status_code, refusal(again))
        assert second.post(f"plugin-releases/{pk}/release/").json()["data"]["is_released"]
        assert (415, "UNSUPPORTED_MEDIA_TYPE") == second.refusal("POST", "plugin-releases/", fields)

    def test_archive_that_is_only_tried_is_not_kept(
        self, second: Second, sandboxes: dict[str, Sandbox]
    ) -> None:
        """No file is left of a dry run."""
        media = sandboxes["token"].data / "media"
        before = sorted(path for path in media.rglob("*") if path.is_file())
        sent = {"data": {"name": "M", "plugin": "1"}, "files": {"file": ("a.zip", b"zip", "application/zip")}}

        tried = second.send("POST", "models/?dry_run=true", **sent)

        assert (201, True) == (tried.status_code, tried.json()["data"]["dry_run"])
        assert before == sorted(path for path in media.rglob("*") if path.is_file())

    def test_code_is_no_key(self, second: Second) -> None:
        """Here plugins have numbers only, and releases too."""
        assert (404, "NOT_FOUND") == second.refusal("GET", "plugins/sign-detector/")
        assert (404, "NOT_FOUND") == second.refusal("GET", "plugin-releases/sign-detector@1.0.0/")

    def test_only_words_of_a_model_change(self, second: Second) -> None:
        """Everything else is refused."""
        assert (400, "VALIDATION_ERROR") == second.refusal("PATCH", "models/1/", {"is_released": False})


def test_user_is_known_without_a_workspace(sandboxes: dict[str, Sandbox]) -> None:
    """A user's own token tells who they are and where they belong, and no more."""
    sandbox = sandboxes["token"]
    login = {"email": "admin@sandbox.local", "password": sandbox.admin_password}
    token = Wire(sandbox.url).post("users/login/", login).json()["token"]
    alone = {"headers": {"Authorization": f"Token {token}"}}
    client = Second(sandbox.url)

    assert client.data("users/me/", **alone)["is_synapse_admin"]
    assert {"first", "second"} == {row["code"] for row in client.data("tenants/", **alone)}
    assert 401 == client.send("GET", "tasks/", **alone).status_code


def test_fault_on_demand_has_the_form_of_refusals(sandboxes: dict[str, Sandbox]) -> None:
    """A sandbox that does wrong says so as the API would."""
    sandbox = sandboxes["url"]
    with sandbox.misbehave("429=1,seed=1"):
        answer = Second(sandbox.url, sandbox.api_token).send("GET", "tasks/")

    assert (429, "RATE_LIMIT_EXCEEDED") == refusal(answer)
    assert "Retry-After" in answer.headers


def test_admin_pages_have_the_new_tables(sandboxes: dict[str, Sandbox]) -> None:
    """Everything can be looked at in a browser."""
    browser = log_in(sandboxes["token"])

    for name in ("experiment", "train", "review", "workshop", "asyncjob", "member"):
        assert 200 == browser.get(f"{sandboxes['token'].admin_url}sandbox/{name}/", timeout=30).status_code
