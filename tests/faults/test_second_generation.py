"""API v2 under the same hardships: what is spoken, what a bad page does, and what a refusal says."""

from __future__ import annotations

import json

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from synapse import AsyncJob, Experiment, Project, ReviewTag, Session, Task, TaskTag
from synapse.errors import (
    AuthenticationError,
    ClientError,
    ConflictError,
    NotFoundError,
    OriginError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    SynapseError,
    TransportError,
    UnsupportedError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.session import Retry
from tests.amounts import part
from tests.faults.every_object import READS, WRITES, Call, Keys, World
from tests.faults.hostile import FIRST, Backend, Proxy, reset
from tests.sandbox.wire import Wire
from tests.servers import Server, reply

CALLS: Final[dict[str, Call]] = {call.name: call for call in (*READS, *WRITES)}
TOKEN: Final = "syn_0123456789abcdef"
OWN: Final = ("/v2/", "/media/")


@pytest.fixture(scope="module")
def second(seeded: Backend) -> Iterator[Session]:
    """A session that speaks API v2 only."""
    made = Session(seeded.url, api_token=seeded.sandbox.api_token, api="v2", retry=Retry(total=0))
    yield made
    made.close()


@pytest.fixture(scope="module")
def keys(seeded: Backend) -> Keys:
    """Rows that are only read."""
    return Keys.of(Wire(seeded.url, seeded.sandbox.api_token))


@pytest.mark.parametrize("name", part(CALLS, 3))
def test_every_call_speaks_it_or_is_refused(
    seeded: Backend, second: Session, keys: Keys, tmp_path: Path, name: str
) -> None:
    """Nothing goes to the other API, and what this one lacks is said in its name."""
    world = World(
        second, tmp_path, Keys.of(Wire(seeded.url, seeded.sandbox.api_token)) if CALLS[name].writes else keys
    )
    refused: SynapseError | None = None
    with second, second.trace() as calls:
        try:
            CALLS[name].do(world)
        except UnsupportedError as error:
            refused = error

    assert calls or refused
    assert [] == [call for call in calls if not call.path.startswith(OWN)]
    assert not refused or "API v" in str(refused)


# --- pages and answers that are wrong --------------------------------------------
ROW: Final = {"id": 1, "project_id": 1, "data_unit_id": 1, "is_discarded": False, "has_data": False}


def page(*keys: int, after: object = None) -> bytes:
    """Answer with rows, and what names the next page."""
    pagination = {"next_cursor": after, "previous_cursor": None, "per_page": 200}
    rows = [{**ROW, "id": key} for key in keys]
    return reply(data={"data": rows, "meta": {"request_id": "req_1", "pagination": pagination}})


def read(*answers: bytes) -> list[int]:
    """Read tasks through these answers."""
    with Server(*answers) as server, Session(server.origin, api_token=TOKEN, api="v2", retry=Retry(total=0)):
        return [task.id for task in Task.objects.all()]


def test_rows_that_come_twice_are_given_once() -> None:
    """A row that moved to the next page meanwhile is no second one."""
    assert [3, 2, 1] == read(page(3, 2, after="x"), page(2, 1))


def test_a_cursor_may_be_a_link() -> None:
    """Both forms are followed, by the same filters."""
    with Server(page(2, after="token"), page(1)) as server, Session(server.origin, api_token=TOKEN, api="v2"):
        link = f"{server.origin}/v2/tasks/?cursor=token&per_page=200"
        assert [2, 1] == [task.id for task in Task.objects.filter(project=1)], link

    assert ["project=1&per_page=200", "project=1&cursor=token&per_page=200"] == [
        line.partition("?")[2] for line in server.lines
    ]


WRONG: Final[dict[str, tuple[type[SynapseError], list[bytes]]]] = {
    "a cursor that is repeated": (TransportError, [page(3, after="x"), page(2, after="x")]),
    "a link to another host": (OriginError, [page(3, after="https://elsewhere.invalid/v2/tasks/?cursor=x")]),
    "empty pages without an end": (
        TransportError,
        [page(3, after="a"), *(page(after=f"a{number}") for number in range(9))],
    ),
    "JSON that is cut": (
        TransportError,
        [reply(raw=b'{"data": [{"id": 1', headers=[("Content-Type", "application/json")])],
    ),
    "a list in a list's place": (TransportError, [reply(data={"data": {"id": 1}, "meta": {}})]),
    "a page of the edge": (
        ServerError,
        [reply(502, raw=b"<html><title>524</title></html>", headers=[("Content-Type", "text/html")])],
    ),
}


@pytest.mark.parametrize("what", WRONG)
def test_a_wrong_page_is_an_error(what: str) -> None:
    """None of them goes on for ever, or gives half a result as a whole one."""
    error, answers = WRONG[what]
    with pytest.raises(error):
        read(*answers)


# --- progress that is followed ---------------------------------------------------
KEY: Final = "00000000-0000-0000-0000-000000000001"


def stream(*events: tuple[str, dict[str, Any]]) -> bytes:
    """Answer with named events, and end."""
    text = "".join(f"event: {name}\ndata: {json.dumps(told)}\n\n" for name, told in events)
    return reply(raw=text.encode(), headers=[("Content-Type", "text/event-stream")])


def test_a_stream_that_the_backend_ends_is_opened_again() -> None:
    """Its lifetime is bounded; the work goes on."""
    half, done = ("async_job.progress", {"percent": 50}), ("async_job.completed", {"percent": 100})
    ended = reply(data={"data": {"id": KEY, "status": "COMPLETED"}, "meta": {}})
    answers = (stream(("connected", {}), half), stream(("connected", {}), done), ended)
    with Server(*answers) as server, Session(server.origin, api_token=TOKEN):
        told = list((job := AsyncJob.ref(KEY)).follow())

    assert [{"percent": 50}, {"percent": 100}] == told
    assert job.has_ended


def test_an_error_of_the_stream_is_raised() -> None:
    """Work that the backend still knows is named, with what was said."""
    there = reply(data={"data": {"id": KEY, "status": "PROCESSING"}, "meta": {}})
    answers = (stream(("error", {"message": "hub lost"})), there)
    with Server(*answers) as server, Session(server.origin, api_token=TOKEN):
        following = AsyncJob.ref(KEY).follow()
        with pytest.raises(TransportError, match="hub lost"):
            list(following)


# --- creations that are lost -----------------------------------------------------
LOST: Final[dict[str, Callable[[], Any]]] = {
    "Experiment": lambda: Experiment(name="lost", description="in the fog", task_type=3),
    "ReviewTag": lambda: ReviewTag(project_id=1, name="lost", description="in the fog"),
    "TaskTag": lambda: TaskTag(project_id=1, name="lost", description="in the fog"),
}


@pytest.mark.parametrize("name", LOST)
def test_a_lost_creation_is_found_whatever_lists_leave_out(seeded: Backend, name: str) -> None:
    """A row that may be it is read by itself, since that of the list does not carry all that was sent."""
    with Proxy(seeded.address) as proxy:
        session = Session(proxy.url, api_token=seeded.sandbox.api_token, api="v2", retry=Retry(total=0))
        proxy.harm("^POST ", reset, of="answer", at=FIRST)
        with session, pytest.raises(WriteUnconfirmedError) as caught:
            (row := LOST[name]()).save()
        found = caught.value.resolve()
        session.close()

    assert (True, "in the fog") == (found.done, found.rows[0].description)
    assert row.pk == found.rows[0].pk


REFUSALS: Final[list[tuple[int, str, type[ClientError]]]] = [
    (400, "VALIDATION_ERROR", ValidationError),
    (401, "AUTHENTICATION_REQUIRED", AuthenticationError),
    (403, "PERMISSION_DENIED", PermissionDeniedError),
    (404, "NOT_FOUND", NotFoundError),
    (409, "CONFLICT", ConflictError),
    (429, "RATE_LIMIT_EXCEEDED", RateLimitError),
    (500, "INTERNAL_ERROR", ServerError),
]


@pytest.mark.parametrize(("status", "code", "error"), REFUSALS)
def test_a_refusal_has_its_code_and_the_id_of_its_request(
    status: int, code: str, error: type[ClientError]
) -> None:
    """Its class follows the status, its words and fields the envelope."""
    said = {"code": code, "message": "no", "details": [{"field": "title", "message": "too long"}]}
    answer = reply(status, data={"error": said, "meta": {"request_id": "req_7"}})
    with Server(answer) as server, pytest.raises(error) as caught:
        session = Session(server.origin, api_token=TOKEN, api="v2", retry=Retry(total=0))
        Project.objects.using(session).get(1)

    assert (code, "req_7", {"title": ["too long"]}) == (
        caught.value.backend_code,
        caught.value.request_id,
        caught.value.errors,
    )
