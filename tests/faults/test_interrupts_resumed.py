"""Ctrl-C in the middle of much work, and the same again: everything is there, once."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from synapse import Project, Task
from synapse.dialects import Api
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.hostile import LAST, Proxy, call
from tests.faults.test_load import make_task

# A socket or a file that was just being opened is left to Python, which says so.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.usefixtures("nothing_else_called"),
]

Interrupt = Callable[..., None]


@pytest.fixture
def interrupt(proxy: Proxy) -> Iterator[Interrupt]:
    """Have the program interrupted as the nth request of a kind comes, or as its answer is complete."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def at(pattern: str, *, nth: int, answered: bool) -> None:
        ring = call(lambda: os.kill(os.getpid(), signal.SIGINT))
        proxy.harm(pattern, ring, of="answer" if answered else "request", at=LAST if answered else 0, nth=nth)

    yield at
    signal.signal(signal.SIGINT, before)


@pytest.mark.combinations("nth, answered, api", (1, 4), (False, True), ("auto", "v2"))
def test_reading(
    proxy: Proxy, connect: Connect, place: Place, interrupt: Interrupt, nth: int, answered: bool, api: Api
) -> None:
    """`queryset.resume(rows.checkpoint)` gives what is left, without a gap or a double."""
    made = [make_task(place) for _ in range(9)]
    tasks = Task.objects.using(connect(proxy.url, api=api)).filter(project=place.project)
    interrupt("GET .*tasks/", nth=nth, answered=answered)
    rows, found = tasks.iterator(page_size=2, workers=2), []
    with contextlib.suppress(KeyboardInterrupt):
        found.extend(rows)
    found.extend(tasks.resume(rows.checkpoint))

    assert made == [row.id for row in (reversed(found) if api == "v2" else found)]


@pytest.mark.parametrize("answered", [False, True], ids=["asked", "answered"])
@pytest.mark.parametrize("pattern", ["POST .*data_files/$", "POST .*data_units/", "POST .*tasks/"])
def test_upload_of_many(
    proxy: Proxy,
    connect: Connect,
    place: Place,
    make_file: MakeFile,
    interrupt: Interrupt,
    pattern: str,
    answered: bool,
) -> None:
    """The same call again makes what is missing, and nothing twice."""
    collection = place.collection_of(connect(proxy.url))
    paths = [
        make_file(f"{number}.bin", content=f"{number} {pattern} {answered}".encode()) for number in range(8)
    ]
    interrupt(pattern, nth=2, answered=answered)
    with pytest.raises(KeyboardInterrupt):
        collection.upload(paths, project=place.project, workers=2, batch_size=2)
    wait_until_quiet(proxy)
    collection.upload(paths, project=place.project, workers=2, batch_size=2)

    assert sorted(map(md5, paths)) == place.contents == place.assigned


@pytest.mark.parametrize("answered", [False, True], ids=["asked", "answered"])
def test_upload_in_chunks(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, interrupt: Interrupt, answered: bool
) -> None:
    """The same call again goes on behind what has arrived."""
    path, session = make_file(size=10_000), connect(proxy.url)
    interrupt("PUT", nth=6, answered=answered)
    with pytest.raises(KeyboardInterrupt):
        session.data_files.upload(path, chunked=True, chunk_size=1000)
    session.data_files.upload(path, chunked=True, chunk_size=1000)

    assert [md5(path)] == place.stored(md5(path))
    assert len(proxy.requests("PUT")) <= 11


def test_bulk_create(
    proxy: Proxy, connect: Connect, place: Place, tmp_path: Path, interrupt: Interrupt
) -> None:
    """With a journal, the same call again creates the rows that are missing."""
    projects = Project.objects.using(connect(proxy.url))
    interrupt("POST .*projects/", nth=3, answered=True)

    def run() -> None:
        made = [
            Project(title=f"{tmp_path.name} {number}", category="text", data_collection_id=place.collection)
            for number in range(8)
        ]
        projects.bulk_create(made, journal=tmp_path / "run.journal")

    with pytest.raises(KeyboardInterrupt):
        run()
    wait_until_quiet(proxy)
    run()
    titles = [row["title"] for row in place.rows("projects/?ordering=id") if tmp_path.name in row["title"]]

    assert [f"{tmp_path.name} {number}" for number in range(8)] == sorted(titles)


def wait_until_quiet(proxy: Proxy) -> None:
    """Wait until what was under way has ended: what a program leaves is not waited for, nor taken back."""
    before = -1
    while before != (before := len(proxy.received)):
        time.sleep(0.2)
