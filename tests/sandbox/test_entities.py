"""The other entities: what they are made of, and the rules they keep."""

from __future__ import annotations

import contextlib
import sqlite3
import uuid

from typing import Any

import pytest

from synapse.sandbox import serve
from tests.sandbox.wire import Wire
from tests.sandbox.world import World, make_units


@pytest.mark.parametrize(
    ("path", "body", "change"),
    [
        ("projects/", {"title": "Signs"}, {"title": "Lights"}),
        ("data_collections/", {"name": "Signs"}, {"name": "Lights"}),
        ("ground_truth_datasets/", {"name": "Accepted"}, {"description": "all of it"}),
        ("storages/", {"name": "Bucket", "provider": "amazon_s3"}, {"name": "Pail"}),
        ("agents/", {"name": "Machine"}, {"url": "http://10.0.0.1:8000"}),
        ("plugins/", {"name": "Finder"}, {"description": "finds"}),
        ("models/", {"name": "Weights"}, {"name": "Biases"}),
    ],
)
@pytest.mark.parametrize("method", ["PUT", "PATCH"])
def test_row_lives_from_post_to_delete(
    wire: Wire, path: str, body: dict[str, Any], change: dict[str, Any], method: str
) -> None:
    """Rows are made, read, changed in part by both methods, and deleted."""
    if path == "plugins/":
        body = body | {"code": f"p-{uuid.uuid4().hex}"}
    row = wire.create(path, body)
    address = f"{path}{row['id']}/"

    changed = wire.send(method, address, json=change)

    assert {**wire.get(address), **body, **change} == changed.json()
    assert 204 == wire.send("DELETE", address).status_code
    assert 404 == wire.send("GET", address).status_code


@pytest.mark.parametrize(
    ("path", "body", "keys"),
    [
        ("projects/", {}, {"title"}),
        ("projects/", {"title": "x" * 201, "category": "smell"}, {"title", "category"}),
        ("projects/", {"title": "x", "configuration": []}, {"configuration"}),
        ("projects/", {"title": "x", "data_collection": "one"}, {"data_collection"}),
        ("data_collections/", {"name": ""}, {"name"}),
        ("task_tags/", {"name": "x"}, {"project"}),
        ("storages/", {"name": "x"}, {"provider"}),
        ("ground_truth_dataset_versions/", {}, {"ground_truth_dataset", "version"}),
        ("serve_applications/", {"job": "17"}, {"job"}),
        ("plugins/", {"name": "x", "code": "not a slug"}, {"code"}),
        ("projects/", [], {"non_field_errors"}),
    ],
)
def test_faults_are_told_under_their_fields(wire: Wire, path: str, body: Any, keys: set[str]) -> None:
    """Every faulty field is named, with texts."""
    answer = wire.post(path, body)

    assert (400, keys) == (answer.status_code, set(answer.json()))
    assert all(isinstance(text, str) for texts in answer.json().values() for text in texts)


SPECIFICATION = {"name": "image_1", "file_type": "image", "is_primary": True, "function_type": "main"}


class TestFileSpecifications:
    @pytest.mark.parametrize(
        "rows",
        [
            [{**SPECIFICATION, "is_primary": False}],
            [{**SPECIFICATION, "function_type": "sub"}],
            [SPECIFICATION, {**SPECIFICATION, "name": "image_2"}],
            [SPECIFICATION, {"name": "image_1", "file_type": "data"}],
            [{**SPECIFICATION, "file_type": "smell"}],
            [{"file_type": "image"}],
            [17],
            "image_1",
        ],
    )
    def test_bad_list_makes_nothing(self, wire: Wire, rows: Any) -> None:
        """There must be exactly one primary and one main, and names are unique."""
        name = uuid.uuid4().hex

        answer = wire.post("data_collections/", {"name": name, "file_specifications": rows})

        assert (400, ["file_specifications"]) == (answer.status_code, list(answer.json()))
        assert 0 == wire.get(f"data_collections/?search={name}")["count"]

    def test_can_be_replaced_while_unused(self, wire: Wire) -> None:
        """A list in a change takes the place of the one before, keeping rows of the same name."""
        address = f"data_collections/{wire.collection()['id']}/"
        before = wire.get(address)["file_specifications"]

        other = {"name": "text_1", "file_type": "text"}
        wire.send("PATCH", address, json={"file_specifications": [SPECIFICATION, other]})

        rows = wire.get(f"{address}?expand=file_specifications")["file_specifications"]
        assert ["image_1", "text_1"] == [row["name"] for row in rows]
        assert before[0] == rows[0]["id"]

    def test_used_one_cannot_be_taken_away(self, wire: Wire) -> None:
        """Units keep the specification their files are under."""
        collection = wire.collection()["id"]
        make_units(wire, collection, count=1)

        renamed = [{**SPECIFICATION, "name": "photo_1"}]
        answer = wire.send("PATCH", f"data_collections/{collection}/", json={"file_specifications": renamed})

        assert (400, ["file_specifications"]) == (answer.status_code, list(answer.json()))


class TestStorages:
    BODY = {"name": "Pail", "provider": "minio", "configuration": {"secret_key": "hush"}}

    @pytest.mark.parametrize("wanted", ["true", "True"])
    def test_configuration_comes_only_when_asked_for(self, wire: Wire, wanted: str) -> None:
        """The secrets of a storage are not in lists, nor in the row as such."""
        row = wire.create("storages/", self.BODY)

        shown = wire.get(f"storages/{row['id']}/?with_configuration={wanted}")

        assert {**row, "configuration": {"secret_key": "hush"}} == shown
        assert "configuration" not in row
        assert "hush" not in str(wire.get("storages/?with_configuration=true&page_size=1000"))

    def test_one_of_a_category_is_the_default(self, wire: Wire) -> None:
        """A new default takes the place of the one before."""
        first = wire.create("storages/", {**self.BODY, "is_default": True})
        second = wire.create("storages/", {**self.BODY, "is_default": True})

        rows = wire.get("storages/?category=external&page_size=1000")["results"]

        assert [second["id"]] == [row["id"] for row in rows if row["is_default"]]
        assert first["is_default"] is True

    def test_workspace_starts_with_an_internal_one(self, wire: Wire) -> None:
        """There is a default place for files from the beginning."""
        rows = wire.get("storages/?category=internal")["results"]

        assert [True] == [row["is_default"] for row in rows]

    def test_session_hands_out_what_is_needed(self, wire: Wire) -> None:
        """A client may ask for a session to read or write."""
        pk = wire.create("storages/", self.BODY)["id"]

        session = wire.post(f"storages/{pk}/session/", {"purpose": "read"}).json()

        assert ("minio", {"secret_key": "hush"}, 1) == (
            session["provider"],
            session["configuration"],
            session["contract_version"],
        )
        assert 400 == wire.post(f"storages/{pk}/session/", {"purpose": "look"}).status_code


class TestPlugins:
    def test_found_by_key_and_code(self, wire: Wire) -> None:
        """A plugin's code is as good as its key."""
        plugin = wire.plugin()

        assert wire.get(f"plugins/{plugin['id']}/") == wire.get(f"plugins/{plugin['code']}/")

    def test_duplicate_code_is_told_in_korean(self, wire: Wire, stranger: Wire) -> None:
        """Codes are unique among all workspaces; clients look for the Korean words."""
        plugin = wire.plugin()

        answer = stranger.post("plugins/", {"name": "Another", "code": plugin["code"]})

        assert 400 == answer.status_code
        assert "이미 존재" in answer.json()["code"][0]

    def test_create_answers_without_a_release(self, wire: Wire) -> None:
        """A new plugin has no release yet."""
        made = wire.create("plugins/", {"name": "New", "code": f"p-{uuid.uuid4().hex}"})

        assert (None, True) == (made["release"], made["is_active"])

    def test_system_plugin_belongs_to_all(self) -> None:
        """A system plugin has no workspace, is seen from each, and is changed and released from none."""
        with serve(tenants=("first", "second")) as box:
            ours, theirs = (Wire(box.url, box.tenants[code].api_token) for code in box.tenants)
            made = ours.create("plugins/", {"name": "OCR", "code": "ocr", "is_public": True})
            with contextlib.closing(sqlite3.connect(box.data / "sandbox.sqlite3")) as rows, rows:
                rows.execute("UPDATE sandbox_plugin SET tenant_id = NULL, system_only = 1")

            seen = theirs.get("plugins/ocr/")
            release = {"plugin": "ocr", "version": "1.0.0"}
            refused = [ours.send("PATCH", "plugins/ocr/", json={}), ours.post("plugin_releases/", release)]

        assert (made["id"], None, True) == (seen["id"], seen["tenant"], seen["is_public"])
        assert [403, 403] == [answer.status_code for answer in refused]

    def test_system_plugin_is_not_made_by_a_workspace(self, wire: Wire) -> None:
        """It would be everybody's; the admin page makes one."""
        code = wire.plugin()["code"]
        body = {"name": "OCR", "code": f"p-{uuid.uuid4().hex}", "system_only": True}

        refused = [
            wire.post("plugins/", body),
            wire.send("PUT", f"plugins/{code}/", json={"system_only": True}),
        ]

        assert [(400, ["system_only"])] * 2 == [(each.status_code, list(each.json())) for each in refused]
        assert wire.create("plugins/", {**body, "system_only": False})["tenant"] is not None

    def test_release_opens_its_plugin(self, wire: Wire) -> None:
        """The plugin of a release can be expanded, and narrowed."""
        code = wire.plugin()["code"]

        row = wire.get(f"plugin_releases/{code}@1.0.0/?expand=plugin&fields=plugin.code,version")

        assert {"version": "1.0.0", "plugin": {"code": code}} == row


@pytest.fixture
def job(wire: Wire) -> str:
    """A job that runs long enough to be written to."""
    body = {"action": "train", "params": {"seconds": 600}}
    return str(wire.post(f"plugins/{wire.plugin()['code']}/run/", body).json()["job_id"])


class TestJobs:
    @pytest.mark.parametrize("spelling", ["SUCCEEDED", "succeeded", "completed"])
    def test_end_is_written_in_any_case(self, wire: Wire, job: str, spelling: str) -> None:
        """The status is stored in upper case, and the moment of the end is kept."""
        row = wire.send("PATCH", f"jobs/{job}/", json={"status": spelling, "result": {"ok": 1}}).json()

        assert ("SUCCEEDED", False, {"ok": 1}) == (row["status"], row["is_active"], row["result"])
        assert row["completed"] == row["modified"]

    @pytest.mark.parametrize("after", ["PENDING", "running"])
    def test_cannot_come_back_from_the_end(self, wire: Wire, job: str, after: str) -> None:
        """What is over stays over; saying so again is fine."""
        wire.send("PATCH", f"jobs/{job}/", json={"status": "STOPPED"})

        answer = wire.send("PATCH", f"jobs/{job}/", json={"status": after})
        again = wire.send("PATCH", f"jobs/{job}/", json={"status": "stopped"})

        assert (400, ["status"], 200) == (answer.status_code, list(answer.json()), again.status_code)

    def test_unknown_status_is_refused(self, wire: Wire, job: str) -> None:
        """A word that is no status is an error."""
        answer = wire.send("PATCH", f"jobs/{job}/", json={"status": "resting"})

        assert (400, ["status"]) == (answer.status_code, list(answer.json()))

    def test_records_are_replaced_whole(self, wire: Wire, job: str) -> None:
        """Each record takes the place of the one before; other fields cannot be written."""
        wire.send("PATCH", f"jobs/{job}/", json={"metrics_record": {"a": 1}, "meta": {"m": 1}})

        body = {"metrics_record": {"b": 2}, "action": "other"}
        row = wire.send("PATCH", f"jobs/{job}/", json=body).json()

        assert ({"b": 2}, {"m": 1}, "train") == (row["metrics_record"], row["meta"], row["action"])

    def test_cannot_be_made_directly(self, wire: Wire) -> None:
        """Jobs come from running a plugin."""
        assert 405 == wire.post("jobs/", {"action": "train"}).status_code

    @pytest.mark.parametrize("key", ["1", "not-a-key", "134f3503-313b-4bc9-8070-c543b25ecad7"])
    def test_unknown_key_is_404(self, wire: Wire, key: str) -> None:
        """Whatever is no job's key names nothing."""
        assert 404 == wire.send("GET", f"jobs/{key}/").status_code

    def test_logs_open_and_list(self, wire: Wire, job: str) -> None:
        """The log of a job stands in the job when expanded, and in a list of its own."""
        wire.create("logs/", [{"job": job, "event": name, "data": {"n": 1}} for name in ("one", "two")])

        opened = wire.get(f"jobs/{job}/?expand=logs")["logs"]

        assert ["one", "two"] == [log["event"] for log in opened]
        assert opened == wire.get(f"logs/?job={job}")["results"]

    def test_application_is_found_by_its_plugin(self, wire: Wire, job: str) -> None:
        """Serve applications are found through their job."""
        made = wire.create("serve_applications/", {"job": job, "status": "DEPLOYING", "data": {"port": 1}})
        release = wire.get(f"jobs/{job}/?expand=plugin_release.plugin")["plugin_release"]

        found = wire.get(f"serve_applications/?plugin_code={release['plugin']['code']}")

        assert [made] == found["results"]


class TestAgents:
    def test_connects_by_token_with_an_empty_body(self, wire: Wire) -> None:
        """The sign of life of an agent has a JSON content type and no body."""
        agent = wire.create("agents/", {"name": "Machine"})
        headers = {"Content-Type": "application/json"}

        answer = wire.send("POST", f"agents/{agent['token']}/connect/", headers=headers)

        assert {"id": agent["id"], "name": "Machine", "status": "connected"} == answer.json()
        assert ("disconnected", "connected") == (
            agent["status"],
            wire.get(f"agents/{agent['id']}/")["status"],
        )

    @pytest.mark.parametrize("token", ["0" * 40, "a%00b"])
    def test_unknown_token_is_404(self, wire: Wire, token: str) -> None:
        """An agent that is not there cannot connect."""
        assert 404 == wire.send("POST", f"agents/{token}/connect/").status_code

    def test_script_contains_the_token(self, wire: Wire) -> None:
        """Clients dig the token out of the script that installs an agent."""
        agent = wire.create("agents/", {"name": "Machine"})

        assert f"agents/{agent['token']}/node_install_script" in agent["node_install_script"]


def test_assignment_shows_its_primary_file(wire: Wire, world: World) -> None:
    """An assignment carries the picture itself; rows of the sdk list the whole unit."""
    made = wire.create("assignments/", {"task": world.tasks[4]})

    row = wire.get(f"sdk/assignments/?ids={made['id']}&expand=task")["results"][0]

    assert "picture_4.png" == made["file"]["file_name_original"] == row["file"]["file_name_original"]
    assert (world.tasks[4], []) == (row["task"]["id"], row["task"]["tags"])
    assert {"frame": 4} == row["data_unit"]["meta"]


def test_used_file_cannot_be_deleted(wire: Wire) -> None:
    """A file that a unit is made of stays."""
    stored = wire.data_file()
    files = {"image_1": {"checksum": stored["checksum"], "path": "a.png"}}
    wire.create("data_units/", {"data_collection": wire.collection()["id"], "files": files})

    answer = wire.send("DELETE", f"data_files/{stored['id']}/")

    assert (400, ["non_field_errors"]) == (answer.status_code, list(answer.json()))
