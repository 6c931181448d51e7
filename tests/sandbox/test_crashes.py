"""Servers that are killed in the middle of their work, and the next ones in their folders."""

from __future__ import annotations

import contextlib
import os
import signal
import time
import uuid

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from synapse.sandbox import Sandbox, serve
from tests.sandbox.wire import Wire

CHUNK = bytes(range(256)) * 256
TOTAL = 200 * len(CHUNK)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder whose name is not plain."""
    return tmp_path_factory.mktemp("crash") / "데이터 폴더"


@pytest.fixture(scope="module")
def told(folder: Path) -> tuple[set[str], dict[str, int]]:
    """The titles and the offsets that clients of a server were told before it was killed."""
    titles: set[str] = set()
    offsets: dict[str, int] = {}
    with serve(folder) as sandbox, ThreadPoolExecutor(8) as pool:
        wire = Wire(sandbox.url, sandbox.api_token)
        for _ in range(4):
            pool.submit(keep_writing, wire, titles)
            pool.submit(keep_uploading, wire, offsets)
        while len(titles) < 30 or len(offsets) < 4:
            time.sleep(0.02)
        os.kill(sandbox.pid, signal.SIGKILL)
    (folder / "incoming" / "half").write_bytes(CHUNK)
    return titles, offsets


def keep_writing(wire: Wire, titles: set[str]) -> None:
    """Create projects as long as there is a server, noting those that were confirmed."""
    with contextlib.suppress(requests.RequestException):
        while True:
            titles.add(wire.create("projects/", {"title": uuid.uuid4().hex})["title"])


def keep_uploading(wire: Wire, offsets: dict[str, int]) -> None:
    """Send chunk after chunk as long as there is a server, noting the offsets that were confirmed."""
    url, start = "", 0
    with contextlib.suppress(requests.RequestException):
        while start < TOTAL:
            upload = wire.put_chunk(CHUNK, start=start, total=TOTAL, to=url).json()
            url, start = upload["url"], upload["offset"]
            offsets[upload["id"]] = start


@pytest.fixture(scope="module")
def again(folder: Path, told: object) -> Iterator[Sandbox]:
    """The next server in the folder."""
    with serve(folder) as sandbox:
        yield sandbox


def test_what_was_confirmed_is_there(again: Sandbox, told: tuple[set[str], dict[str, int]]) -> None:
    """No row that a client was told of is lost."""
    rows = Wire(again.url, again.api_token).get("projects/?page_size=1000")["results"]

    assert set() == told[0] - {row["title"] for row in rows}


def test_uploads_go_on(again: Sandbox, told: tuple[set[str], dict[str, int]]) -> None:
    """Every upload stands at the last confirmed chunk or the one after, and arrives whole."""
    wire = Wire(again.url, again.api_token)
    for pk, confirmed in told[1].items():
        upload = wire.get(f"chunked_upload/{pk}/")
        assert upload["offset"] - confirmed in (0, len(CHUNK))

        rest = bytes(CHUNK * ((TOTAL - upload["offset"]) // len(CHUNK)))
        if rest:
            wire.put_chunk(rest, start=upload["offset"], total=TOTAL, to=upload["url"])
        assert 200 == wire.complete(upload, CHUNK * (TOTAL // len(CHUNK))).status_code


def test_half_received_files_are_gone(again: Sandbox) -> None:
    """What arrived for nobody is swept away."""
    assert [] == list((again.data / "incoming").iterdir())
