"""Job logs: one or many at a time, with files inside."""

from __future__ import annotations

import base64
import uuid

from typing import Any

import pytest
import requests

from tests.sandbox.wire import Wire


@pytest.fixture(scope="module")
def job(wire: Wire) -> str:
    """A job to write about."""
    body = {"params": {"steps": 1, "seconds": 0}}
    return str(wire.post(f"plugins/{wire.plugin()['code']}/run/", body).json()["job_id"])


def entry(job: str, **changes: Any) -> dict[str, Any]:
    """Return one entry as the vendor's logger writes it."""
    return {
        "event": "progress",
        "data": {"n": 1},
        "datetime": "2026-01-05T10:00:00+09:00",
        "job": job,
    } | changes


class TestCreate:
    def test_object_answers_object(self, wire: Wire, job: str) -> None:
        """One entry comes back as one."""
        log = wire.create("logs/", entry(job, step="train", level="warning"))

        assert ("progress", {"n": 1}, job, "train", "warning") == tuple(
            log[name] for name in ("event", "data", "job", "step", "level")
        )
        assert "2026-01-05T10:00:00+09:00" == log["datetime"]

    def test_list_answers_list_in_order(self, wire: Wire, job: str) -> None:
        """A thousand entries come back in their order."""
        logs = wire.create("logs/", [entry(job, data=n) for n in range(1000)])

        assert list(range(1000)) == [log["data"] for log in logs]
        assert 1000 == len({log["id"] for log in logs})

    @pytest.mark.parametrize(
        ("uri", "content", "extension"),
        [
            ("data:image/png;base64," + base64.b64encode(b"\x89PNG\0").decode(), b"\x89PNG\0", ".png"),
            ("data:text/plain;charset=utf-8;base64,aGk=", b"hi", ".txt"),
            ("data:,a%20b", b"a b", ".txt"),
        ],
    )
    def test_file_inside_is_stored(
        self, wire: Wire, job: str, uri: str, content: bytes, extension: str
    ) -> None:
        """A data URI becomes a file that can be downloaded."""
        log = wire.create("logs/", entry(job, file=uri))

        assert (content, True) == (
            requests.get(log["file"], timeout=30).content,
            log["file"].partition("?")[0].endswith(extension),
        )


class TestRefusals:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"job": "x"}, "job"),
            ({"job": str(uuid.UUID(int=1))}, "job"),
            ({"level": "loud"}, "level"),
            ({"datetime": "yesterday"}, "datetime"),
            ({"datetime": "2026-99-99T00:00:00Z"}, "datetime"),
            ({"step": "a" * 256}, "step"),
            ({"event": "a" * 256}, "event"),
            ({"file": "/etc/passwd"}, "file"),
            ({"file": "data:image/png;base64,%%%"}, "file"),
            ({"file": 7}, "file"),
        ],
    )
    def test_bad_entry(self, wire: Wire, job: str, changes: dict[str, Any], field: str) -> None:
        """What is wrong is refused on its own key."""
        answer = wire.post("logs/", entry(job) | changes)

        assert (400, [field]) == (answer.status_code, list(answer.json()))

    def test_one_bad_entry_refuses_the_list(self, wire: Wire, job: str) -> None:
        """Of a list with a fault nothing is written."""
        before = len(wire.get(f"jobs/{job}/", params={"expand": "logs"})["logs"])

        answer = wire.post("logs/", [entry(job), entry("x"), 7])

        assert (400, [[], ["job"], ["non_field_errors"]]) == (
            answer.status_code,
            [list(e) for e in answer.json()],
        )
        assert before == len(wire.get(f"jobs/{job}/", params={"expand": "logs"})["logs"])

    def test_job_of_another_workspace(self, stranger: Wire, job: str) -> None:
        """Another workspace's job is not there."""
        assert ["job"] == list(stranger.post("logs/", entry(job)).json())
