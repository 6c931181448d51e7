"""Ctrl-C while a server has fallen silent: the process ends, whatever its threads wait for."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.servers import Server

SOON: Final = 10
"""Seconds in which a process must have ended; a read that stalls takes 300, and is repeated."""

BEGIN = """
import sys
from pathlib import Path
from synapse.dialects.uploads import UploadTarget
from synapse.session import Session
from synapse.downloads import FileCache, RemoteFile, WantedFile, download_files
from synapse.uploads.presigned_put import put_file
from synapse.transfer.local_file import LocalFile

session = Session(sys.argv[1], api_token="token", state_dir=False, timeout={"connect": 5, "read": 300})
folder = Path(sys.argv[2])
files = [RemoteFile(url=f"/{number}", name="a", session=session) for number in range(4)]
source = folder / "source.bin"
source.write_bytes(bytes(4000))

def put(part_size):
    place = UploadTarget("key", [f"{sys.argv[1]}/{number}?sig=1" for number in range(4)], part_size)
    return put_file(
        session, LocalFile.of(source), target=place, content_type=None, advanced=lambda count: None, workers=4
    )
"""

DEEDS: Final = {
    "map": "list(session.map(lambda file: file.read(), files, workers=4))",
    "map left early": (
        "calls = session.map(lambda file: file and file.read(), [None, *files], workers=4)\n"
        "next(calls)\ncalls.close()\nraise KeyboardInterrupt"
    ),
    "download": "download_files(session, [WantedFile(0, '', file) for file in files], folder=folder / 'out')",
    "download by a cache": (
        "download_files(session, [WantedFile(0, '', file) for file in files], folder=folder, cache=FileCache(folder))"
    ),
    "storage, whole files": "list(session.map(put, [None] * 4, workers=4))",
    "storage, parts": "put(1000)",
    "storage, parts of many files": "list(session.map(put, [1000] * 2, workers=2))",
}


@pytest.fixture
def silent() -> Iterator[Server]:
    """Run a server that begins answers, and never ends them."""
    with Server() as server:
        server.script = [server.stall(b'HTTP/1.1 200 OK\r\nETag: "1"\r\nContent-Length: 1000000\r\n\r\nx')]
        yield server


@pytest.mark.parametrize("deed", DEEDS.values(), ids=list(DEEDS))
def test_ctrl_c_ends_the_process(silent: Server, tmp_path: Path, deed: str) -> None:
    """It ends with KeyboardInterrupt, and no thread holds it up."""
    command = [sys.executable, "-c", BEGIN + deed, silent.origin, str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        guard = threading.Timer(40, process.kill)
        guard.start()
        while len(silent.received) < 2 and process.poll() is None:
            time.sleep(0.02)
        time.sleep(0.15)
        process.send_signal(signal.SIGINT)
        try:
            _, said = process.communicate(timeout=SOON)
        finally:
            process.kill()
            guard.cancel()

    assert "KeyboardInterrupt" == said.strip().splitlines()[-1]
