"""The same file sent by several at once: threads of one session, and processes that share a journal."""

from __future__ import annotations

import json
import subprocess
import sys

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest

from synapse import Session
from synapse.uploads import upload_file
from tests.faults.conftest import Connect, MakeFile, Place, md5
from tests.faults.hostile import FIRST, MIDDLE, Backend, Proxy, reset

SIDES = 4
CHUNK = 1000


def at_once(work: Callable[[int], Any]) -> list[Any]:
    """Call *work* in several threads that start together, and return what they give, or their errors' raise."""
    gate = Barrier(SIDES)

    def start(number: int) -> Any:
        gate.wait(10)
        return work(number)

    with ThreadPoolExecutor(SIDES) as pool:
        return list(pool.map(start, range(SIDES)))


@pytest.mark.parametrize("chunked", [False, True])
@pytest.mark.parametrize("shared", [True, False], ids=["one session", "sessions"])
def test_threads(
    proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile, chunked: bool, shared: bool
) -> None:
    """Everyone gets the one data file, whole."""
    path = make_file(size=20 * CHUNK)
    sessions = [connect(proxy.url)] * SIDES if shared else [connect(proxy.url) for _ in range(SIDES)]
    rows = at_once(lambda number: upload_file(sessions[number], path, chunked=chunked, chunk_size=CHUNK))

    assert 1 == len({row["id"] for row in rows})
    assert [md5(path)] == place.stored(md5(path))


def test_threads_on_a_bad_line(proxy: Proxy, connect: Connect, place: Place, make_file: MakeFile) -> None:
    """Chunks that are lost on the way are made up for, whoever sent them."""
    path = make_file(size=20 * CHUNK)
    for number in range(5, 60, 9):
        proxy.harm("PUT", reset, of="answer", at=FIRST, nth=number)
        proxy.harm("PUT", reset, of="request", at=MIDDLE, nth=number + 4)
    session = connect(proxy.url, retries=3)
    rows = at_once(lambda _: upload_file(session, path, chunked=True, chunk_size=CHUNK))

    assert 1 == len({row["id"] for row in rows})
    assert [md5(path)] == place.stored(md5(path))


def test_units(proxy: Proxy, session: Session, place: Place, make_file: MakeFile) -> None:
    """The same files added and uploaded at once make one unit each, and one task."""
    paths = [make_file(f"{number}.bin") for number in range(10)]
    collection = place.collection_of(session)
    reports = at_once(lambda _: collection.upload(paths, workers=2, batch_size=3))

    assert [[]] * SIDES == [[*report.failed, *report.unknown] for report in reports]
    assert sorted(map(md5, paths)) == place.contents


PROCESS = """
import json, sys
import synapse
from synapse import DataCollection, Session
from synapse.uploads import upload_file

url, token, collection, path, others = sys.argv[1:]
session = Session(url, api_token=token)
with session:
    target = DataCollection.objects.get(int(collection))
    print("ready", flush=True)
    sys.stdin.readline()
    row = upload_file(session, path, chunked=True, chunk_size=1000)
    report = target.upload([path, *json.loads(others)], workers=2, batch_size=2)
    print(json.dumps({"id": row["id"], "bad": [str(each.error) for each in report if each.error]}))
"""


def test_processes(backend: Backend, place: Place, make_file: MakeFile, tmp_path: Path) -> None:
    """Processes that share a state folder do not get in each other's way."""
    path = make_file(size=40 * CHUNK)
    others = [make_file(f"{number}.bin") for number in range(6)]
    names = json.dumps([str(each) for each in others])
    arguments = [backend.url, backend.sandbox.api_token, place.collection, path, names]
    command = [sys.executable, "-c", PROCESS, *map(str, arguments)]
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    processes = [subprocess.Popen(command, text=True, **streams) for _ in range(3)]
    for process in processes:
        assert process.stdout and "ready" == process.stdout.readline().strip()
    for process in processes:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    said = [process.communicate(timeout=25) for process in processes]

    assert ["", "", ""] == [err for _, err in said]
    told = [json.loads(out) for out, _ in said]
    assert ({told[0]["id"]}, [[]] * 3) == ({each["id"] for each in told}, [each["bad"] for each in told])
    assert sorted(map(md5, [path, *others])) == place.contents
