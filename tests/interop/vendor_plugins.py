"""Checks of the vendor's client: plugins, releases, jobs, logs, agents, applications and refusals."""

from __future__ import annotations

import json
import time
import uuid

from typing import Any

import requests

from vendor_world import World, check, refused


def wait(world: World, pk: str) -> dict[str, Any]:
    """Return a job once it is over."""
    for _ in range(200):
        job = world.client.get_job(pk)
        if not job["is_active"]:
            return job
        time.sleep(0.05)
    raise AssertionError(f"job {pk} never ended")


@check
def list_agents(world: World) -> None:
    agents = world.client.list_agents()
    assert any(agent.is_connected for agent in agents) and all(len(agent.token) == 40 for agent in agents)


@check
def health_check_agent(world: World) -> None:
    agent = world.client.list_agents()[0]
    answer = world.client.health_check_agent(agent.token)
    assert (answer["id"], answer["status"]) == (agent.id, "connected"), answer


@check
def create_plugin(world: World) -> None:
    code = f"exporter-{uuid.uuid4().hex[:8]}"
    plugin = world.client.create_plugin({"name": "내보내기", "code": code, "category": "export"})
    assert (plugin["code"], plugin["name"]) == (code, "내보내기"), plugin


@check
def create_plugin_twice(world: World) -> None:
    from synapse_sdk.exceptions import ValidationError

    body = {"name": "again", "code": world.plugin["code"], "category": "export"}
    assert "code" in refused(ValidationError, lambda: world.client.create_plugin(body)).detail


@check
def get_plugin(world: World) -> None:
    assert world.client.get_plugin(world.plugin["id"])["code"] == world.plugin["code"]


@check
def update_plugin(world: World) -> None:
    answer = world.client.update_plugin(world.plugin["id"], {"description": "finds signs"})
    assert (answer["description"], answer["code"]) == ("finds signs", world.plugin["code"]), answer


@check
def create_plugin_release_with_archive(world: World) -> None:
    archive = world.archive()
    body = {
        "plugin": world.plugin["code"],
        "version": "2.0.0",
        "config": {"actions": {"train": {}, "test": {}}},
        "requirements": ["numpy", "torch>=2"],
    }
    release = world.client.create_plugin_release(body, file=archive)
    assert release["requirements"] == ["numpy", "torch>=2"] and release["config"]["actions"], release
    assert release["available_actions"] == ["train", "test"]
    assert requests.get(release["file"], timeout=30).content == archive.read_bytes()


@check
def create_plugin_release_without_archive(world: World) -> None:
    release = world.client.create_plugin_release({"plugin": world.plugin["code"], "version": "2.1.0"})
    assert (release["version"], release["debug"]) == ("2.1.0", False), release


@check
def create_plugin_release_twice(world: World) -> None:
    from synapse_sdk.exceptions import ValidationError

    body = {"plugin": world.plugin["code"], "version": "1.0.0"}
    error = refused(ValidationError, lambda: world.client.create_plugin_release(body, file=world.archive()))
    assert "already exists" in str(error.detail) and "이미 존재" in str(error.detail), error


@check
def create_debug_release_twice(world: World) -> None:
    body = {"plugin": world.plugin["code"], "version": "3.0.0", "debug": True}
    first = world.client.create_plugin_release(dict(body), file=world.archive())
    second = world.client.create_plugin_release({**body, "config": {"v": 2}}, file=world.archive())
    assert first["id"] == second["id"] and second["config"] == {"v": 2} and second["debug"], second


@check
def list_plugin_releases(world: World) -> None:
    world.client.create_plugin_release({"plugin": world.plugin["code"], "version": "9.0.0"})
    releases = world.client.list_plugin_releases(world.plugin["code"])
    assert releases[0]["version"] == "9.0.0" and len(releases) >= 2, releases


@check
def get_plugin_release(world: World) -> None:
    listed = world.client.list_plugin_releases(world.plugin["code"])[-1]
    release = world.client.get_plugin_release(listed["id"], params={"expand": "plugin"})
    assert release["plugin"]["code"] == world.plugin["code"], release


@check
def get_plugin_release_by_lookup(world: World) -> None:
    release = world.client.get_plugin_release_by_lookup(f"{world.plugin['code']}@1.0.0")
    assert (release["version"], release["plugin"]["code"]) == ("1.0.0", world.plugin["code"]), release
    assert world.client.get_plugin_release_by_lookup(str(release["id"]))["id"] == release["id"]


@check
def run_plugin(world: World) -> None:
    job = wait(world, world.job())
    assert job["status"] == "SUCCEEDED" and job["completed"], job
    assert job["progress_record"]["current_progress"]["percent"] == 100.0, job


@check
def run_plugin_that_fails(world: World) -> None:
    job = wait(world, world.job(fail=True))
    assert job["status"] == "FAILED" and "failed" in job["result"]["error"], job


@check
def get_job(world: World) -> None:
    job = world.client.get_job(world.job(), params={"expand": ["plugin_release", "logs"]})
    assert job["action"] == "train" and job["logs"] == [] and job["plugin_release"]["version"], job


@check
def list_jobs(world: World) -> None:
    pk = world.job()
    wait(world, pk)
    answer = world.client.list_jobs({"status": "succeeded", "page_size": 100})
    assert pk in [row["id"] for row in answer["results"]], answer
    assert {row["status"] for row in answer["results"]} == {"SUCCEEDED"}


@check
def update_job(world: World) -> None:
    pk = world.job(seconds=60)
    answer = world.client.update_job(pk, {"status": "STOPPED", "result": {"by": "사람"}, "meta": {"a": 1}})
    assert (answer["status"], answer["result"], answer["meta"]) == ("STOPPED", {"by": "사람"}, {"a": 1}), (
        answer
    )
    assert world.client.get_job(pk)["status"] == "STOPPED"


@check
def list_job_console_logs(world: World) -> None:
    pk = world.job(lines=["첫 단계", "둘째 단계"])
    wait(world, pk)
    lines = world.client.list_job_console_logs(pk)
    assert len(lines) == 4 and "첫 단계" in lines[1] and all(isinstance(line, str) for line in lines), lines


@check
def tail_job_console_logs(world: World) -> None:
    lines = list(world.client.tail_job_console_logs(world.job(lines=["첫 단계", "둘째"])))
    frames = [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
    assert [frame["type"] for frame in frames] == ["connected", *["log"] * 4, "complete"], frames
    assert "첫 단계" in frames[2]["data"], frames


@check
def tail_unknown_job(world: World) -> None:
    lines = list(world.client.tail_job_console_logs(str(uuid.uuid4())))
    assert json.loads(lines[0].removeprefix("data: "))["type"] == "error", lines


@check
def create_logs_from_object(world: World) -> None:
    picture = world.image()
    pk = world.job()
    entry = {"event": "preview", "data": {"n": 1}, "datetime": "2026-01-05T10:00:00+09:00", "job": pk}
    log = world.client.create_logs({**entry, "file": str(picture)})
    assert (log["event"], log["data"]) == ("preview", {"n": 1}), log
    assert requests.get(log["file"], timeout=30).content == picture.read_bytes()


@check
def create_logs_from_list(world: World) -> None:
    pk = world.job()
    logs = world.client.create_logs(
        [{"event": "log", "data": n, "job": pk, "level": "info"} for n in range(3)]
    )
    assert [log["data"] for log in logs] == [0, 1, 2], logs
    assert len(world.client.get_job(pk, params={"expand": "logs"})["logs"]) == 3


@check
def create_logs_of_unknown_job(world: World) -> None:
    from synapse_sdk.exceptions import ValidationError

    entries = [{"event": "log", "data": 1, "job": str(uuid.uuid4())}] * 2
    assert refused(ValidationError, lambda: world.client.create_logs(entries)).status_code == 400


@check
def create_serve_application(world: World) -> None:
    application = world.client.create_serve_application(
        {"job": world.job(), "status": "DEPLOYING", "data": {"route": "/detect"}}
    )
    assert isinstance(application["id"], int) and application["status"] == "DEPLOYING", application


@check
def list_serve_applications(world: World) -> None:
    world.client.create_serve_application({"job": world.job(), "status": "RUNNING"})
    rows, count = world.client.list_serve_applications({"plugin_code": world.plugin["code"]}, list_all=True)
    assert len(list(rows)) == count >= 1, count


@check
def refuse_wrong_token(world: World) -> None:
    from synapse_sdk.clients.backend import BackendClient
    from synapse_sdk.exceptions import AuthenticationError

    stranger = BackendClient(world.url, access_token="syn_wrong")
    assert refused(AuthenticationError, stranger.list_agents).status_code == 401
