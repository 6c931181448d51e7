"""The mock server Prism, which comes from npm: it makes up the answers that a document allows."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import requests

from filelock import FileLock

from tests.interop.own_env import ROOT, OwnEnvironmentError
from tests.openapi.mock_document import mockable

PACKAGE: Final = "@stoplight/prism-cli@5.14.2"
NEEDS: Final = (18, 20)
KEPT: Final = ROOT / ".cache" / "prism"
TOKEN: Final = "syn_" + "0" * 40
OPTIONS: Final = ("--dynamic", "--json-schema-faker-fillProperties=false", "--seed", "7")


def ensure_prism() -> Path:
    """Return the program, installing it the first time."""
    npm, program = checked_npm(), KEPT / "node_modules" / ".bin" / "prism"
    KEPT.mkdir(parents=True, exist_ok=True)
    stamp = KEPT / "installed.txt"
    with FileLock(KEPT / "lock"):
        if not stamp.is_file() or stamp.read_text(encoding="utf-8") != PACKAGE:
            quiet = ["--no-audit", "--no-fund", "--no-save", "--loglevel=error"]
            install = [npm, "install", "--prefix", str(KEPT), *quiet, PACKAGE]
            done = subprocess.run(install, capture_output=True, text=True, timeout=600, check=False)
            if done.returncode:
                raise OwnEnvironmentError(f"npm install {PACKAGE} failed: {done.stderr.strip()[-2000:]}")
            stamp.write_text(PACKAGE, encoding="utf-8")
    return program


def checked_npm() -> str:
    """Return npm, if the node beside it is new enough."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        raise OwnEnvironmentError("there is no node with npm on the path")
    said = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=60, check=False).stdout
    version = re.match(r"v(\d+)\.(\d+)", said)
    if version is None or (int(version[1]), int(version[2])) < NEEDS:
        raise OwnEnvironmentError(f"node {said.strip()} is older than {'.'.join(map(str, NEEDS))}")
    return npm


@contextlib.contextmanager
def prism(program: Path, prepared: Path, folder: Path) -> Iterator[str]:
    """Serve a mock of a prepared document for as long as the block lasts; give its address."""
    document, log = folder / "mock.json", folder / "prism.log"
    document.write_text(json.dumps(mockable(json.loads(prepared.read_text("utf-8")))), encoding="utf-8")
    port = free_port()
    command = [str(program), "mock", "--host", "127.0.0.1", "--port", str(port), *OPTIONS, str(document)]
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=output, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        wait_for(url, server=server, log=log)
        yield url
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait(timeout=30)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        return int(asked.getsockname()[1])


def wait_for(url: str, *, server: subprocess.Popen[bytes], log: Path, seconds: float = 60) -> None:
    """Wait for an answer: what the server writes of itself comes earlier."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        with contextlib.suppress(requests.ConnectionError):
            headers = {"SYNAPSE-ACCESS-TOKEN": TOKEN}
            if requests.get(f"{url}/v2/projects/", headers=headers, timeout=30).status_code == 200:
                return
        time.sleep(0.2)
    raise AssertionError(f"Prism gave no answer within {seconds:.0f} s: {log.read_text('utf-8')[-2000:]}")
