"""Uploads by API v2 on a line that breaks, at a backend that refuses, and left by Ctrl-C; files go into a storage."""

from __future__ import annotations

import os
import signal

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.amounts import either
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.deeds import MakeDeed, Side, add, items, reset_for_ever, reset_once
from tests.faults.hostile import FIRST, LAST, MIDDLE, Backend, Proxy, answer, call
from tests.faults.test_interrupts_resumed import wait_until_quiet
from tests.objectstore import object_store

TARGETS: Final = "POST /v2/data-collections/.*upload-urls"
FINISHED: Final = "POST /v2/data-collections/.*finalize-upload"
UNITS: Final = "POST /v2/data-units/bulk-create"
TASKS: Final = "POST /v2/tasks/bulk-create"
KNOWN: Final = "GET /v2/data-files/"

# What each of them sends to the backend, in order; in the quick run, what one sends is what the other does as well.
REQUESTS: Final[dict[MakeDeed, tuple[str, ...]]] = {
    items: (KNOWN, TARGETS, FINISHED, UNITS, TASKS),
    **either({add: (KNOWN, TARGETS, FINISHED, UNITS)}, {}),
}
ASKED: Final = [(make, pattern) for make, patterns in REQUESTS.items() for pattern in patterns]


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run a backend whose files lie in an S3 service, for which it signs addresses."""
    with (
        object_store() as store,
        Backend(tmp_path_factory.mktemp("signing"), object_storage=store) as backend,
    ):
        yield backend


@pytest.mark.combinations(
    "asked, of, at, retries",
    ASKED,
    ["request", "answer"],
    either([FIRST, MIDDLE, LAST], [MIDDLE]),
    [0, 1],
)
def test_one_reset(
    proxy: Proxy,
    connect: Connect,
    place: Place,
    make_file: MakeFile,
    asked: tuple[MakeDeed, str],
    of: Side,
    at: float,
    retries: int,
) -> None:
    """Once reset, a call ends well or tells; once more on a good line, everything is there, and once only."""
    make, pattern = asked
    deed, path = make(place, connect(proxy.url, retries=retries, api="v2")), make_file()
    reset_once(proxy, make, deed, path, pattern=pattern, of=of, at=at)


@pytest.mark.full
@pytest.mark.combinations("asked, of", ASKED, ("request", "answer"))
def test_reset_for_ever(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, asked: tuple[MakeDeed, str], of: Side
) -> None:
    """A request that never gets through ends the call soon, with an error of the line or with what is there."""
    make, pattern = asked
    deed, path = make(place, connect(proxy.url, api="v2")), make_file()
    reset_for_ever(proxy, make, deed, path, pattern=pattern, of=of)


@pytest.mark.full
@pytest.mark.parametrize("status", [429, 503])
def test_a_storm_leaves_nothing_undone_or_doubled(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, status: int
) -> None:
    """Every second write is refused: files, units and tasks are there once."""
    session = connect(proxy.url, retries=20, api="v2")
    refuse = answer(status, {"error": {"code": "RATE_LIMIT_EXCEEDED"}}, headers=[("Retry-After", "0.05")])
    for number in range(1, 40, 2):
        proxy.harm("POST", refuse, nth=number)
    paths = written(make_file, 8)
    report = place.collection_of(session).upload(paths, project=place.project, workers=4, batch_size=4)

    assert (8, []) == (len(report.created), [*report.failed, *report.unknown])
    assert sorted(map(md5, paths)) == place.contents == place.assigned


@pytest.fixture
def interrupt(proxy: Proxy) -> Iterator[Callable[[str, bool], None]]:
    """Have the program interrupted as the second request of a kind comes, or as its answer is complete."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def at(pattern: str, answered: bool) -> None:
        ring = call(lambda: os.kill(os.getpid(), signal.SIGINT))
        proxy.harm(
            pattern, ring, of="answer" if answered else "request", at=LAST if answered else FIRST, nth=2
        )

    yield at
    signal.signal(signal.SIGINT, before)


# A socket or a file that was just being opened is left to Python, which says so.
@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.usefixtures("nothing_else_called")
@pytest.mark.parametrize(
    "pattern, answered",
    either(
        [(each, answered) for each in (TARGETS, FINISHED, UNITS, TASKS) for answered in (False, True)],
        [(UNITS, False)],
    ),
)
def test_upload_left_by_ctrl_c(
    proxy: Proxy,
    connect: Connect,
    place: Place,
    make_file: MakeFile,
    interrupt: Callable[[str, bool], None],
    pattern: str,
    answered: bool,
) -> None:
    """The same call again makes what is missing, and nothing twice."""
    collection, paths = place.collection_of(connect(proxy.url, api="v2")), written(make_file, 8)
    interrupt(pattern, answered)
    with pytest.raises(KeyboardInterrupt):
        collection.upload(paths, project=place.project, workers=2, batch_size=2)
    wait_until_quiet(proxy)
    collection.upload(paths, project=place.project, workers=2, batch_size=2)

    assert sorted(map(md5, paths)) == place.contents == place.assigned


def written(make_file: MakeFile, count: int) -> list[Path]:
    """Write files whose content no other test has."""
    return [make_file(f"{number}.bin") for number in range(count)]
