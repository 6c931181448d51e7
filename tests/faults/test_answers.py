"""Answers that are none: every call ends, in one of our errors or with what is right, and no write is made twice."""

from __future__ import annotations

import contextlib
import time
import warnings

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import BulkError, Session, SynapseError, Task, WriteUnconfirmedError
from synapse.orm import IncompleteReadWarning, SlowLoopWarning
from synapse.session import Retry, decoding
from tests.amounts import part
from tests.faults.answers import ANSWERS, HANGING_UP, ODD, UNREADABLE, listed
from tests.faults.every import CALLS, READING, WRITING, World
from tests.servers import Server

SOON = 10.0
"""Seconds that no call may take; all take milliseconds."""

# These go to every call; the others to a few calls, of every kind.
WIDELY = (
    *(
        "a login page",
        "cut off",
        "a chunk of negative size",
        "HTTP 2",
        "500 announcements",
        "an array of depth 100,000",
    ),
    *(
        "empty",
        "204",
        "JSON null",
        "JSON []",
        "results [null]",
        "results null",
        "key []",
        "next is the page itself",
    ),
    *("halves of characters", "a row of other types"),
)
FEW = (
    *("QuerySet.__iter__", "Project.objects", "QuerySet.get", "QuerySet.count", "QuerySet.prefetch_related"),
    *(
        "relation to one",
        "Job.tail",
        "FilesManager.download",
        "BackendClient.list_tasks",
        "BackendClient.get_task",
    ),
    *(
        "BackendClient.list_tasks(list_all)",
        "Entity.save(create)",
        "Entity.save(change)",
        "QuerySet.bulk_create",
    ),
    *("TaskManager.set_tags", "Plugin.run", "DataFileManager.upload(chunked)", "BackendClient.create_tasks"),
)
# Their answers are bytes of any kind, or are not needed.
UNMINDFUL = {"RemoteFile.read", "RemoteFile.open", "RemoteFile.download", "RemoteFile.open(cache)"}


@pytest.fixture(scope="module")
def speaker() -> Iterator[Server]:
    """One server for all answers."""
    with Server(keep=False) as speaker:
        yield speaker


@pytest.fixture(scope="module")
def calm(speaker: Server) -> Iterator[Session]:
    """One session for all calls, which repeats nothing by itself."""
    limits = {"connect": 5, "read": 5}
    session = Session(
        speaker.origin, api_token="token-0123456789", retry=Retry(total=0), timeout=limits, state_dir=False
    )
    yield session
    session.close()


def outcome(speaker: Server, session: Session, folder: Path, name: str) -> BaseException | None:
    """Make a call, and give what it raised; how long it took and what it sent are checked."""
    speaker.received.clear()
    session.cache.clear()
    session.reset()  # a line that is being hung up on would be another fault
    started, error = time.monotonic(), None
    with session, warnings.catch_warnings():
        warnings.simplefilter("ignore", SlowLoopWarning)
        warnings.simplefilter("ignore", IncompleteReadWarning)
        try:
            CALLS[name].do(World(session, folder))
        except Exception as caught:
            error = caught
    assert time.monotonic() - started < SOON, name
    assert len(speaker.received) <= 130, name
    assert 1 >= max(Counter(speaker.writes()).values(), default=0), f"{name} wrote twice"
    return error


def odd(error: BaseException | None) -> bool:
    """Whether an error is none of ours."""
    return error is not None and not isinstance(error, SynapseError)


@pytest.mark.parametrize("answer", WIDELY)
def test_every_call_ends_in_an_error_of_ours(
    speaker: Server, calm: Session, tmp_path: Path, answer: str
) -> None:
    """Or in what may be right: whatever comes, no other error gets out."""
    speaker.script = [ANSWERS[answer]]
    raised = {
        name: outcome(speaker, calm, tmp_path, name) for name in part(CALLS, WIDELY.index(answer), of=6)
    }

    assert {} == {name: error for name, error in raised.items() if odd(error)}


@pytest.mark.parametrize("name", FEW)
def test_every_answer_ends_in_an_error_of_ours(
    speaker: Server, calm: Session, tmp_path: Path, name: str
) -> None:
    """The other way round: calls of every kind, and each answer that there is."""
    raised = {}
    for answer, content in part(ANSWERS.items(), FEW.index(name), of=6):
        speaker.script = [content]
        raised[answer] = outcome(speaker, calm, tmp_path, name)

    assert {} == {answer: error for answer, error in raised.items() if odd(error)}


@pytest.mark.parametrize("name", [name for name in FEW if name in READING])
def test_no_reading_takes_them_for_an_answer(
    speaker: Server, calm: Session, tmp_path: Path, name: str
) -> None:
    """What nobody can read is an error, and never an empty result."""
    taken = []
    for answer, content in part(UNREADABLE.items(), FEW.index(name)):
        speaker.script = [content]
        if outcome(speaker, calm, tmp_path, name) is None:
            taken.append(answer)

    assert [] == taken


@pytest.mark.parametrize("name", [name for name in FEW if name in WRITING])
def test_a_write_without_a_readable_answer_is_unconfirmed(
    speaker: Server, calm: Session, tmp_path: Path, name: str
) -> None:
    """It may have happened, and was sent once; only PUT, which may be repeated, says that it failed."""
    wrong = {}
    for answer, content in part(UNREADABLE.items(), FEW.index(name)):
        speaker.script = [content]
        error = outcome(speaker, calm, tmp_path, name)
        told = [each for _, each in error.failed] if isinstance(error, BulkError) else [error]
        if speaker.writes() and not all(isinstance(each, WriteUnconfirmedError) for each in told):
            wrong[answer] = error

    assert {} == wrong


def test_all_parsers_read_alike(
    speaker: Server, calm: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is installed, each answer gives the same rows or the same words."""
    pytest.importorskip("orjson")
    pytest.importorskip("msgspec")
    names = ("QuerySet.__iter__", "BackendClient.list_tasks(list_all)", "QuerySet.get")
    told = {}
    for each in ("stdlib", "orjson", "msgspec"):
        monkeypatch.setenv(decoding.VARIABLE, each)
        decoding.decoder.cache_clear()
        told[each] = list(_told(speaker, calm, tmp_path, names))
    decoding.decoder.cache_clear()

    assert told["stdlib"] == told["orjson"] == told["msgspec"]


def _told(speaker: Server, session: Session, folder: Path, names: tuple[str, ...]) -> Iterator[Any]:
    for answer, content in part(ODD.items(), 0):
        speaker.script = [content]
        for name in names:
            yield answer, name, str(outcome(speaker, session, folder, name))


@pytest.mark.parametrize(
    "answer",
    [
        *(
            "a login page",
            "longer than it says",
            "an answer behind the answer",
            "an announcement before",
            "304",
            "204",
        ),
        *("another protocol", "500 of another kind", "gzip in gzip", "no gzip", "a redirect to nowhere"),
    ],
)
def test_nothing_is_left_over_for_the_next_request(speaker: Server, calm: Session, answer: str) -> None:
    """On a connection that is kept, what came behind an answer is not taken for the next one."""
    speaker.script, speaker.keep = [ANSWERS[answer].replace(HANGING_UP, b"")], True
    tasks = Task.objects.using(calm)
    with contextlib.suppress(SynapseError):
        tasks.count()
    speaker.script = [listed({"id": 7, "project": 1, "data_unit": 2}).replace(HANGING_UP, b"")]
    found = [task.pk for task in tasks.all()]
    speaker.keep = False

    assert [7] == found
