"""The flat client's agents, plugins, releases, jobs and logs: one test for each method."""

from __future__ import annotations

import io
import json
import uuid
import zipfile

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from synapse import BackendClient, ClientError, Plugin, QueryError, TransferError, ValidationError
from synapse.sandbox import Sandbox
from tests.contract.factory import NUMBERS, Factory


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """Write a zip archive."""
    path = tmp_path / "plugin.zip"
    with zipfile.ZipFile(path, "w") as written:
        written.writestr("README.md", f"plugin {next(NUMBERS)}")
    return path


@pytest.fixture
def job(make: Factory) -> str:
    """Make a job that runs."""
    return str(make.job(status="RUNNING", plugin_release=make.release()).pk)


@pytest.fixture
def quick_job(client: BackendClient, make: Factory) -> str:
    """Run a job of two lines to its end."""
    plugin = make.release().plugin
    params = {"steps": 1, "seconds": 0, "lines": ["첫 단계", "둘째"]}
    found: str = client.run_plugin(plugin.code, {"action": "go", "params": params})["job_id"]
    list(client.tail_job_console_logs(found))
    return found


class TestAgents:
    def test_list_agents(self, client: BackendClient, box: Sandbox) -> None:
        """All of them, each with its token."""
        agents = client.list_agents()

        assert box.tenants["contract"].agent_token in [agent["token"] for agent in agents]
        assert {"id", "name", "url", "status", "token"} <= set(agents[0])

    def test_health_check_agent(self, client: BackendClient, box: Sandbox) -> None:
        """By its token, under both of its names."""
        token = box.tenants["contract"].agent_token
        answers = client.health_check_agent(token), client.health_check_agent(agent_token=token)

        assert ["connected"] * 2 == [answer["status"] for answer in answers]

    def test_health_check_agent_hides_the_token(self, client: BackendClient) -> None:
        """Not even an error shows it."""
        with pytest.raises(ClientError) as caught:
            client.health_check_agent("0123456789abcdef")

        assert "0123456789abcdef" not in str(caught.value)


class TestPlugins:
    def test_create_plugin(self, client: BackendClient) -> None:
        """What is created can be read, by key and by code."""
        code = f"exporter-{uuid.uuid4().hex[:8]}"
        made = client.create_plugin({"name": "내보내기", "code": code, "category": "export"})

        assert code == made["code"]
        assert [made["id"]] * 2 == [client.get_plugin(key)["id"] for key in (made["id"], code)]

    def test_get_plugin(self, client: BackendClient, make: Factory) -> None:
        """By its key, under the other name as well."""
        made = make.plugin()

        assert made.code == client.get_plugin(plugin_id=made.pk)["code"]

    def test_update_plugin(self, client: BackendClient, make: Factory) -> None:
        """What is not named stays."""
        made = make.plugin()
        rows = [
            client.update_plugin(made.pk, {"description": "finds signs"}),
            client.update_plugin(plugin_id=made.pk, data={"is_public": True}),
        ]

        assert [("finds signs", made.name)] * 2 == [(row["description"], row["name"]) for row in rows]

    def test_run_plugin(self, client: BackendClient, make: Factory) -> None:
        """By code or key; a `None` is not sent."""
        plugin = make.release().plugin
        first = client.run_plugin(plugin.code, {"action": "go", "params": {"seconds": 0}, "agent": None})
        second = client.run_plugin(plugin=plugin.pk, data={"action": "go", "params": {"seconds": 0}})

        assert {plugin.pk} == {
            client.get_job(each["job_id"], {"expand": "plugin_release"})["plugin_release"]["plugin"]
            for each in (first, second)
        }


def inside_as_path(archive: Path, release: dict[str, Any], client: BackendClient) -> Any:
    return client.create_plugin_release({**release, "file": str(archive)})


def inside_open(archive: Path, release: dict[str, Any], client: BackendClient) -> Any:
    with archive.open("rb") as file:
        return client.create_plugin_release({**release, "file": file})


def beside(archive: Path, release: dict[str, Any], client: BackendClient) -> Any:
    return client.create_plugin_release(release, file=archive)


def in_memory(archive: Path, release: dict[str, Any], client: BackendClient) -> Any:
    return client.create_plugin_release(release, file=io.BytesIO(archive.read_bytes()))


class TestReleases:
    @pytest.mark.parametrize("publish", [inside_as_path, inside_open, beside, in_memory])
    def test_create_plugin_release(
        self, client: BackendClient, make: Factory, archive: Path, publish: Any
    ) -> None:
        """The archive may be a path or an open file, beside the fields or among them."""
        fields = {
            "version": "2.0.0",
            "config": {"actions": {"go": {}}},
            "requirements": ["numpy", "torch>=2"],
        }
        given = {"plugin": make.plugin().code, **fields}
        row = publish(archive, given, client)

        assert fields == {name: row[name] for name in fields}
        assert archive.read_bytes() == requests.get(row["file"], timeout=30).content
        assert "file" not in given

    def test_create_plugin_release_without_archive(self, client: BackendClient, make: Factory) -> None:
        """As JSON; the plugin may be named by its key."""
        plugin = make.plugin()
        row = client.create_plugin_release({"plugin": plugin.pk, "version": "2.1.0"})

        assert (plugin.pk, "2.1.0") == (row["plugin"], row["version"])

    def test_create_plugin_release_twice(self, client: BackendClient, make: Factory, archive: Path) -> None:
        """The refusal can be told by its words, as scripts do."""
        release = make.release()
        with pytest.raises(ValidationError) as caught:
            client.create_plugin_release({"plugin": release.plugin.code, "version": "1.0.0"}, file=archive)

        assert "already exists" in str(caught.value.detail)

    def test_create_plugin_release_of_text(self, client: BackendClient) -> None:
        """Text would arrive as something else."""
        with pytest.raises(TransferError, match="open it with mode 'rb'"):
            client.create_plugin_release({"plugin": "a", "version": "1", "file": io.StringIO("text")})

    def test_create_plugin_release_of_nothing(self, client: BackendClient) -> None:
        """What is neither a path nor open is refused."""
        with pytest.raises(TransferError, match="must be a path or a file that is open"):
            client.create_plugin_release({"plugin": "a", "version": "1", "file": 7})

    def test_get_plugin_release(self, client: BackendClient, make: Factory) -> None:
        """By its key or as `code@version`, and with its plugin where that is asked."""
        made = make.release()
        name = f"{made.plugin.code}@1.0.0"
        rows = client.get_plugin_release(made.pk), client.get_plugin_release(release_id=name)
        nested = client.get_plugin_release(made.pk, {"expand": "plugin"})

        assert (rows[0], made.plugin.code) == (rows[1], nested["plugin"]["code"])

    def test_get_plugin_release_by_lookup(self, client: BackendClient, make: Factory) -> None:
        """With its plugin, unless told."""
        made = make.release()
        name = f"{made.plugin.code}@1.0.0"
        nested = client.get_plugin_release_by_lookup(name)
        bare = client.get_plugin_release_by_lookup(str(made.pk), expand=None)

        assert (made.pk, made.plugin_id) == (nested["id"], nested["plugin"]["id"])
        assert made.plugin_id == bare["plugin"]

    def test_list_plugin_releases(self, client: BackendClient, make: Factory) -> None:
        """All of one plugin, by code or key, the newest first, whatever the size of a page."""
        plugin = make.plugin()
        keys = [make.release(plugin=plugin, version=f"1.0.{number}").pk for number in range(3)]
        found = (
            client.list_plugin_releases(plugin.code, {"page_size": 2}),
            client.list_plugin_releases(plugin=plugin.pk),
        )

        assert [keys[::-1]] * 2 == [[row["id"] for row in rows] for rows in found]


class TestServeApplications:
    def test_create_serve_application(self, client: BackendClient, job: str) -> None:
        """What a job serves."""
        row = client.create_serve_application(
            {"job": job, "status": "DEPLOYING", "data": {"route": "/detect"}}
        )

        assert (job, "DEPLOYING", {"route": "/detect"}) == (row["job"], row["status"], row["data"])

    def test_list_serve_applications(self, client: BackendClient, job: str) -> None:
        """Of one plugin; a page, and all, newest first."""
        release = client.get_job(job, {"expand": "plugin_release"})["plugin_release"]
        code = Plugin.objects.using(client.session).get(id=release["plugin"]).code
        made = [client.create_serve_application({"job": job, "status": "RUNNING"})["id"] for _ in range(3)]
        rows, count = client.list_serve_applications({"plugin_code": code, "page_size": 2}, list_all=True)
        page = client.list_serve_applications({"plugin_code": code})

        assert (3, made[::-1]) == (count, [row["id"] for row in rows])
        assert (3, made[::-1]) == (page["count"], [row["id"] for row in page["results"]])


class TestJobs:
    def test_get_job(self, client: BackendClient, job: str) -> None:
        """By its key, under both of its names, and with its log."""
        rows = client.get_job(job), client.get_job(job_id=job)

        assert rows[0] == rows[1]
        assert [] == client.get_job(job, {"expand": "logs"})["logs"]

    @pytest.mark.parametrize("status", ["SUCCEEDED", "succeeded", "completed"])
    def test_list_jobs(self, client: BackendClient, make: Factory, status: str) -> None:
        """By a status in any case, and in the documented client's word for it."""
        wanted = str(make.job(action=f"go {status}").pk)
        make.job(action=f"go {status}", status="FAILED")
        page = client.list_jobs({"status": status, "action": f"go {status}"})

        assert [wanted] == [row["id"] for row in page["results"]]

    @pytest.mark.parametrize("status", ["SUCCEEDED", "succeeded", "completed", "Completed"])
    def test_update_job(self, client: BackendClient, job: str, status: str) -> None:
        """By a status in any case; what is `None` stays as it was."""
        row = client.update_job(job, {"status": status, "result": {"by": "사람"}, "meta": None})

        assert ("SUCCEEDED", {"by": "사람"}) == (row["status"], row["result"])
        assert row == client.update_job(job_id=job, data={"meta": row["meta"]}) | {
            "modified": row["modified"]
        }

    def test_update_job_refuses_an_unknown_status(self, client: BackendClient, job: str) -> None:
        """Before anything is sent, naming the nearest."""
        with client.session.trace() as trace, pytest.raises(QueryError, match="did you mean 'SUCCEEDED'"):
            client.update_job(job, {"status": "succeded"})

        assert [] == list(trace)

    def test_list_job_console_logs(self, client: BackendClient, quick_job: str) -> None:
        """The lines, under both names of the job."""
        lines = client.list_job_console_logs(quick_job)

        assert lines == client.list_job_console_logs(job_id=quick_job)
        assert any("첫 단계" in line for line in lines)

    def test_tail_job_console_logs(self, client: BackendClient, quick_job: str) -> None:
        """The lines of the event stream, as they come."""
        lines = client.tail_job_console_logs(quick_job)
        assert isinstance(lines, Iterator)
        frames = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]

        assert ("connected", "complete") == (frames[0]["type"], frames[-1]["type"])
        assert any("첫 단계" in str(frame.get("data")) for frame in frames)


class TestLogs:
    def test_create_logs(self, client: BackendClient, job: str, tmp_path: Path) -> None:
        """One entry gives one, and its file travels inside."""
        picture = tmp_path / "a.png"
        picture.write_bytes(b"not really a picture")
        entry = {"event": "preview", "data": {"n": 1}, "job": job, "file": str(picture)}
        row = client.create_logs(entry)

        assert ("preview", {"n": 1}) == (row["event"], row["data"])
        assert picture.read_bytes() == requests.get(row["file"], timeout=30).content
        assert str(picture) == entry["file"]

    def test_create_logs_of_several(self, client: BackendClient, job: str) -> None:
        """A list gives a list in its order."""
        rows = client.create_logs([{"event": "log", "data": n, "job": job} for n in range(3)])

        assert [0, 1, 2] == [row["data"] for row in rows]
