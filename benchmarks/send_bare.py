"""The least work that bare `requests` can do for the same result: a contestant of `transfers.py`."""

from __future__ import annotations

import contextlib
import hashlib
import http.client as http_client
import sys
import threading

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

import requests

from benchmarks.measure import run_rounds

URL, TOKEN = sys.argv[1:3]
THREADS = 10
_own = threading.local()


class Hashing:
    """A file whose MD5 is taken as it is read."""

    def __init__(self, file: IO[bytes], size: int) -> None:
        self._file = file
        self.len = size
        self.digest = hashlib.md5()

    def read(self, size: int = -1) -> bytes:
        block = self._file.read(size)
        self.digest.update(block)
        return block


def http() -> requests.Session:
    """Keep a connection for each thread."""
    if not hasattr(_own, "http"):
        _own.http = requests.Session()
        _own.http.headers["Synapse-Access-Token"] = f"Token {TOKEN}"
        _own.http.trust_env = False
    return _own.http


def put(path: str) -> str:
    """Stream one file as the body of one PUT."""
    with Path(path).open("rb", buffering=0) as file:
        body = Hashing(file, Path(path).stat().st_size)
        http().put(f"{URL}/bare", data=body).raise_for_status()
    return body.digest.hexdigest()


def blocks(path: str) -> str:
    """Do the same without `requests`, by the standard library and in blocks of 1 MiB: as fast as Python gets."""
    parts = urlsplit(URL)
    connection = http_client.HTTPConnection(str(parts.hostname), parts.port, blocksize=1 << 20)
    with Path(path).open("rb", buffering=0) as file, contextlib.closing(connection):
        body = Hashing(file, Path(path).stat().st_size)
        connection.request("PUT", "/bare", body=body, headers={"Content-Length": str(body.len)})
        connection.getresponse().read()
    return body.digest.hexdigest()


def chunks(path: str, size: int) -> str:
    """Upload one file in chunks, each of them in memory, as the wire asks for."""
    digest, offset, url = hashlib.md5(), 0, f"{URL}/chunked_upload/"
    total = Path(path).stat().st_size
    with Path(path).open("rb", buffering=0) as file:
        while chunk := file.read(size):
            digest.update(chunk)
            ranged = {"Content-Range": f"bytes {offset}-{offset + len(chunk) - 1}/{total}"}
            named = {"filename": Path(path).name}
            state = http().put(url, data=named, files={"file": chunk}, headers=ranged).json()
            offset, url = state["offset"], state["url"]
    http().post(url, json={"md5": digest.hexdigest()}).raise_for_status()
    return digest.hexdigest()


def many(folder: str, collection: int, project: int | None, batch: int) -> int:
    """Upload the files of a folder by ten threads, then create their units, and tasks if there is a project."""
    paths = sorted(Path(folder).iterdir())
    with ThreadPoolExecutor(THREADS) as pool:
        sums = list(pool.map(_send, paths))
    units = [
        {
            "data_collection": collection,
            "files": {"data_1": {"checksum": md5, "path": path.name}},
            "meta": {},
        }
        for path, md5 in zip(paths, sums, strict=True)
    ]
    done = 0
    for start in range(0, len(units), batch):
        rows = _post("data_units/", units[start : start + batch])
        if project is not None:
            rows = _post("tasks/", [{"project": project, "data_unit": row["id"]} for row in rows])
        done += len(rows)
    return done


def _send(path: Path) -> str:
    with path.open("rb") as file:
        answer = http().post(f"{URL}/data_files/", files={"file": (path.name, file)})
    answer.raise_for_status()
    return str(answer.json()["checksum"])


def _post(path: str, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    answer = http().post(f"{URL}/{path}", json=rows)
    answer.raise_for_status()
    return list(answer.json())


def work(job: str, **given: Any) -> Any:
    """Do one of the jobs."""
    return {"put": put, "blocks": blocks, "chunks": chunks, "many": many}[job](**given)


if __name__ == "__main__":
    run_rounds(work)
