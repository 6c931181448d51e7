"""The SDK reads and writes what a mock server makes up from the vendor's own document: neither is of our making.

Dry runs are not tried, since the mock knows none, nor transfers of files: the addresses that it signs lead nowhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Final

import attrs
import pytest
import requests

from synapse import AsyncJob, Job, Project, Session, SynapseError, Task
from synapse.dialects.v2_rows import ROWS
from synapse.orm.record import entity_at
from synapse.session import current
from synapse.session.account import account_of
from tests.interop.own_env import OwnEnvironmentError
from tests.openapi.judging import Verdict, judge
from tests.openapi.mock_document import JSON, KEYS
from tests.openapi.prism import TOKEN, ensure_prism, prism
from tests.openapi.recording import CALLS, proxy_of

pytestmark = pytest.mark.full

FEWEST: Final = 90
JOB: Final = KEYS["string"]
# Files of units are shown by API v1 only.
FILES: Final = {"image_1": {"checksum": "0" * 32, "path": "a.png"}}


@attrs.frozen
class Outcome:
    """What went wrong, by what was tried; and what the document says of each call."""

    problems: Mapping[str, str]
    verdicts: list[Verdict]


@pytest.fixture(scope="module")
def mock(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a mock of API v2."""
    try:
        program = ensure_prism()
    except OwnEnvironmentError as error:
        pytest.skip(f"Prism could not be installed, NOTHING was tried on a mock of API v2: {error}")
    with prism(program, prepared, tmp_path_factory.mktemp("prism")) as url:
        yield url


@pytest.fixture(scope="module")
def outcome(mock: str) -> Outcome:
    """What came of everything that a server that keeps nothing can answer."""
    begun = len(CALLS)
    with proxy_of(mock) as proxy, Session(proxy, api_token=TOKEN, api="v2"):
        problems = {name: problem_of(do) for name, do in checks().items()}
    return Outcome(problems, judge(CALLS[begun:]))


def problem_of(do: Callable[[], object]) -> str:
    """Do something, and return what went wrong."""
    try:
        do()
    except SynapseError as error:
        return f"{type(error).__name__}: {error}"
    return ""


def checks() -> dict[str, Callable[[], object]]:
    """Return everything that is tried, by its name."""
    having: dict[Callable[[str], object], Callable[[Any], object]] = {
        listed: lambda row: True,
        single: lambda row: True,
        changed: lambda row: row.changes,
        created: lambda row: row.creates,
        deleted: lambda row: row.deletes,
    }
    each = {
        f"{resource}: {do.__name__}": partial(do, resource)
        for do, has in having.items()
        for resource, row in ROWS.items()
        if has(row)
    }
    return {**each, **VERBS}


def first(resource: str) -> Any:
    """Read the first page of a list, and return its only row."""
    below = ROWS[resource].below.removesuffix("_id")
    cls: Any = entity_at(resource)
    [row] = cls.objects.filter(**({below: KEYS["integer"]} if below else {}))[:50]
    return row


def listed(resource: str) -> None:
    """Read a row of a list, what the bulk read carries, and then what only the single object has."""
    row, bulk = first(resource), ROWS[resource].bulk
    for name in (*(bulk.fields if bulk else ()), *sorted(ROWS[resource].shown)):
        getattr(row, name)


def single(resource: str) -> Any:
    """Read a single object with all that it has."""
    row = first(resource).refresh()
    for name in sorted(ROWS[resource].shown):
        getattr(row, name)
    return row


def changed(resource: str) -> None:
    """Change an object to what the mock makes up: it is the same each time, and the SDK looks whether it was taken."""
    row = single(resource)
    again = first(resource) if ROWS[resource].below else type(row).ref(row.pk)
    for name in ROWS[resource].changes:
        if not row._schema.fields[name].read_only:
            setattr(again, name, getattr(row, name))
    again.save()


def created(resource: str) -> None:
    """Create an object of what the mock makes up."""
    row, wire = single(resource), ROWS[resource]
    names = wire.shown.intersection([*wire.creates, wire.below])
    files = {"files": FILES} if "files" in wire.creates else {}
    type(row).objects.create(**{name: getattr(row, name) for name in names}, **files)


def deleted(resource: str) -> None:
    """Delete an object."""
    first(resource).delete()


def create_tasks() -> None:
    """Have tasks made of units, as uploads do."""
    actions = current().dialect.actions
    actions.tasks_created(current().send(actions.create_tasks(1, [1, 2])))


def me() -> None:
    """Ask whom the token belongs to."""
    account_of(current().dialect, current().send)


VERBS: Final[Mapping[str, Callable[[], object]]] = {
    "session.me()": me,
    "task.annotate()": lambda: Task.ref(1).annotate(JSON, schema="any"),
    "create_tasks()": create_tasks,
    "project.export_to()": lambda: Project.ref(1).export_to(1, "out/"),
    "job.stop()": lambda: Job.ref(JOB).stop(),
    "job.console_logs()": lambda: Job.ref(JOB).console_logs(),
    "job.tail()": lambda: list(Job.ref(JOB).tail()),
    "async_job.follow()": lambda: list(AsyncJob.ref(JOB).follow()),
    "async_job.wait()": lambda: AsyncJob.ref(JOB).wait(timeout=1),
    "async_job.cancel()": lambda: AsyncJob.ref(JOB).cancel(),
}


def test_every_answer_is_read(outcome: Outcome) -> None:
    """Whatever the document lets a backend answer is taken, from lists and details to writes and streams."""
    operations = {verdict.operation for verdict in outcome.verdicts}
    tried, calls = len(outcome.problems), len(outcome.verdicts)
    print(f"a mock of API v2: {tried} checks, {calls} calls of {len(operations)} operations")

    assert {} == {name: problem for name, problem in outcome.problems.items() if problem}
    assert len(operations) >= FEWEST


def test_every_call_is_as_the_document_has_it(outcome: Outcome) -> None:
    """The mock passes keys of queries that nobody declares; and what it makes up is held against the document too."""
    assert [] == [verdict.words for verdict in outcome.verdicts if verdict.problems or verdict.undeclared]


def test_mock_refuses_what_is_not_as_the_document_has_it(mock: str) -> None:
    """A filter of another kind, a body without what it needs, and nobody's request."""
    asked = partial(requests.request, url=f"{mock}/v2/tasks/", timeout=60)
    headers = {"SYNAPSE-ACCESS-TOKEN": TOKEN}
    answers = [
        asked("GET", params={"project": "abc"}, headers=headers),
        asked("POST", json={}, headers=headers),
        asked("GET"),
    ]

    assert [422, 422, 401] == [answer.status_code for answer in answers]
