"""Plugin runs: jobs that live their life in the background, can be followed, stopped and lost."""

from __future__ import annotations

import json
import time
import uuid

from pathlib import Path
from typing import Any

import pytest
import requests

from synapse.sandbox import serve
from tests.sandbox.wire import Wire


@pytest.fixture(scope="module")
def plugin(wire: Wire) -> dict[str, Any]:
    """A plugin with one release."""
    return wire.plugin()


def run(wire: Wire, plugin: dict[str, Any], **params: Any) -> dict[str, Any]:
    """Start a short run and return the answer."""
    script = {"steps": 3, "seconds": 0.15} | params
    answer = wire.post(
        f"plugins/{plugin['code']}/run/", {"action": "train", "params": script, "language": "ko"}
    )
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


def wait(
    wire: Wire, pk: str, *, until: tuple[str, ...] = ("SUCCEEDED", "FAILED", "STOPPED")
) -> dict[str, Any]:
    """Return the job once it has come to one of the statuses."""
    for _ in range(600):
        job = wire.get(f"jobs/{pk}/")
        if job["status"] in until:
            return dict(job)
        time.sleep(0.02)
    raise AssertionError(f"job {pk} never came to {until}")


class TestRun:
    def test_answers_a_pending_job(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """The answer is the job, with its key under both names."""
        job = run(wire, plugin)

        assert (job["job_id"], "PENDING", "train") == (job["id"], job["status"], job["action"])
        assert (
            job["plugin_release"]
            == wire.get("plugin_releases/", params={"plugin": plugin["id"]})["results"][0]["id"]
        )

    def test_key_of_the_plugin_will_do(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A plugin is run by its key as by its code."""
        assert 200 == wire.post(f"plugins/{plugin['id']}/run/", {}).status_code

    def test_succeeds_with_progress_and_result(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A run ends as SUCCEEDED, all of its steps done."""
        job = wait(wire, run(wire, plugin)["id"])

        progress = job["progress_record"]["current_progress"]
        assert ("SUCCEEDED", 100.0, 3, {"steps": 3}) == (
            job["status"],
            progress["percent"],
            progress["step"],
            job["result"],
        )
        assert job["completed"] and not job["is_active"] and job["metrics_record"]["record"]["steps"]["3"]

    def test_goes_through_running(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """In between a job is RUNNING, with progress below the whole."""
        job = wait(wire, run(wire, plugin, seconds=60)["id"], until=("RUNNING",))

        assert job["is_active"] and job["completed"] is None
        wire.send("PATCH", f"jobs/{job['id']}/", json={"status": "STOPPED"})

    def test_upload_keeps_the_params_it_knows(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """What an upload is not made for is dropped from its params, as on the platform."""
        body = {"action": "upload", "params": {"path": "/in", "is_recursive": True, "threads": 4, "steps": 1}}

        job = wire.post(f"plugins/{plugin['code']}/run/", body).json()

        assert {"path": "/in", "is_recursive": True} == job["params"]

    def test_fails_on_request(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A run that is asked to fail ends as FAILED, and says why."""
        job = wait(wire, run(wire, plugin, fail=True)["id"])

        assert ("FAILED", "train: failed on request") == (job["status"], job["result"]["error"])

    def test_stop_is_final(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A job that was stopped stays so, and does nothing more."""
        pk = run(wire, plugin, steps=100, seconds=5)["id"]
        wait(wire, pk, until=("RUNNING",))
        wire.send("PATCH", f"jobs/{pk}/", json={"status": "STOPPED"})
        stopped = wire.get(f"jobs/{pk}/")
        time.sleep(0.5)

        assert ("STOPPED", stopped) == (stopped["status"], wire.get(f"jobs/{pk}/"))

    @pytest.mark.parametrize(
        ("body", "field"),
        [
            ({"params": [1]}, "params"),
            ({"agent": 10**6}, "agent"),
            ({"agent": "x"}, "agent"),
            ({"version": "9.9.9"}, "version"),
        ],
    )
    def test_bad_request_makes_no_job(
        self, wire: Wire, plugin: dict[str, Any], body: dict[str, Any], field: str
    ) -> None:
        """What cannot be run is refused on its own key."""
        before = wire.get("jobs/")["count"]

        answer = wire.post(f"plugins/{plugin['code']}/run/", body)

        assert (400, [field], before) == (answer.status_code, list(answer.json()), wire.get("jobs/")["count"])

    def test_plugin_of_another_workspace(self, stranger: Wire, plugin: dict[str, Any]) -> None:
        """Another workspace's plugin is not there."""
        assert 404 == stranger.post(f"plugins/{plugin['code']}/run/", {}).status_code


class TestConsole:
    def test_lines_are_plain_texts(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """The console is a bare array of lines, from the start of the run to its end."""
        job = wait(wire, run(wire, plugin, lines=["하나", "둘"])["id"])

        lines = wire.get(f"jobs/{job['id']}/console_logs/")

        assert ["started", "하나", "둘", "step 3 of 3", "finished"] == [
            line.split("] ")[1].removeprefix("train: ") for line in lines
        ]

    def test_lines_written_by_others_are_texts_too(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """Entries that an agent wrote as objects come back as their messages."""
        pk = wait(wire, run(wire, plugin)["id"])["id"]
        wire.send("PATCH", f"jobs/{pk}/", json={"console_logs": [{"message": "epoch 1"}, {"n": 2}]})

        assert ["epoch 1", '{"n": 2}'] == wire.get(f"jobs/{pk}/console_logs/")

    def test_unknown_job(self, wire: Wire) -> None:
        """A job that is not there has no console."""
        assert 404 == wire.send("GET", f"jobs/{uuid.uuid4()}/console_logs/").status_code


class TestTail:
    def test_follows_from_first_line_to_end(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """The stream connects, sends every line once, and completes with the job."""
        with tail(wire, run(wire, plugin, lines=["하나"])["id"]) as stream:
            frames = frames_of(stream)

        assert ["connected", *["log"] * 5, "complete"] == [frame["type"] for frame in frames]
        assert frames[2]["data"].endswith("하나") and "SUCCEEDED" in frames[-1]["message"]
        assert "text/event-stream; charset=utf-8" == stream.headers["Content-Type"]

    def test_sends_lines_while_the_job_runs(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """A line arrives long before the job is over."""
        pk = run(wire, plugin, steps=1, seconds=600)["id"]
        with tail(wire, pk) as stream:
            lines = stream.iter_lines(decode_unicode=True)
            first = [line for line in (next(lines) for _ in range(3)) if line]

        assert ["connected", "log"] == [json.loads(line.removeprefix("data: "))["type"] for line in first]
        wire.send("PATCH", f"jobs/{pk}/", json={"status": "STOPPED"})

    def test_quiet_stream_has_heartbeats(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """While nothing happens, comments keep the stream alive."""
        pk = run(wire, plugin, steps=1, seconds=600)["id"]
        with tail(wire, pk) as stream:
            beats = (line for line in stream.iter_lines(decode_unicode=True) if line.startswith(":"))
            assert [": heartbeat"] * 2 == [next(beats), next(beats)]
        wire.send("PATCH", f"jobs/{pk}/", json={"status": "STOPPED"})

    def test_client_that_takes_only_events_is_served(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """`Accept: text/event-stream` is no reason to refuse."""
        path = f"jobs/{run(wire, plugin)['id']}/tail_console_logs/"

        assert 200 == wire.send("GET", path, headers={"Accept": "text/event-stream"}).status_code

    def test_streams_leave_room_for_the_rest(self, wire: Wire, plugin: dict[str, Any]) -> None:
        """Streams beyond what the server has threads for are put off, and a closed one makes room again."""
        pk = run(wire, plugin, steps=1, seconds=600)["id"]
        streams = [tail(wire, pk) for _ in range(30)]

        assert {200, 429} == {stream.status_code for stream in streams}
        assert {"1"} == {stream.headers["Retry-After"] for stream in streams if stream.status_code == 429}
        for stream in streams:
            stream.close()
        assert 200 == first_accepted(wire, pk).status_code
        wire.send("PATCH", f"jobs/{pk}/", json={"status": "STOPPED"})

    @pytest.mark.parametrize("pk", [str(uuid.UUID(int=7)), "no-uuid"])
    def test_unknown_job_is_told_in_the_stream(self, wire: Wire, pk: str) -> None:
        """A job that is not there answers 200 and one error frame."""
        with tail(wire, pk) as stream:
            frames = frames_of(stream)

        assert (200, ["error"]) == (stream.status_code, [frame["type"] for frame in frames])

    def test_job_of_another_workspace(self, wire: Wire, stranger: Wire, plugin: dict[str, Any]) -> None:
        """Another workspace's job is not followed."""
        path = f"jobs/{run(wire, plugin)['id']}/tail_console_logs/"

        assert stranger.send("GET", path).status_code in (403, 404)


def test_jobs_of_a_killed_server_have_failed(tmp_path: Path) -> None:
    """A job that ran when its server was killed is FAILED once the server is back."""
    with serve(data=tmp_path / "data") as sandbox:
        wire = Wire(sandbox.url, sandbox.api_token)
        pk = run(wire, wire.plugin(), seconds=600)["id"]
        wait(wire, pk, until=("RUNNING",))
    with serve(data=tmp_path / "data") as sandbox:
        job = Wire(sandbox.url, sandbox.api_token).get(f"jobs/{pk}/")

    assert ("FAILED", True) == (job["status"], "server stopped" in job["result"]["error"])


def tail(wire: Wire, pk: str) -> requests.Response:
    """Open the stream of a job."""
    return wire.send("GET", f"jobs/{pk}/tail_console_logs/", stream=True)


def first_accepted(wire: Wire, pk: str) -> requests.Response:
    """Try to open a stream until there is room."""
    for _ in range(100):
        with tail(wire, pk) as stream:
            if stream.status_code == 200:
                break
        time.sleep(0.05)
    return stream


def frames_of(stream: requests.Response) -> list[dict[str, Any]]:
    """Read a stream to its end."""
    lines = stream.iter_lines(decode_unicode=True)
    return [json.loads(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
