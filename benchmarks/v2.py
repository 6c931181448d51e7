"""Chains of pages, fifty milliseconds away: the SDK beside bare requests, and the payload of the rows as well."""

from __future__ import annotations

import http.client
import json
import subprocess
import sys
import time

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from benchmarks.measure import seconds, show, show_at_most
from synapse import Session, Task

ROWS = 5_012
PAGE = 200
AWAY = 0.05
ROUNDS = 5
MOMENT = "2026-01-01T00:00:00Z"


class Backend(BaseHTTPRequestHandler):
    """Lists of tasks with cursors, and their annotations by keys."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        """Give a page; its cursor is the number of its first row."""
        asked = parse_qs(urlsplit(self.path).query)
        first = int(asked.get("cursor", ["0"])[0])
        keys = range(first, min(first + PAGE, ROWS))
        rows = [
            {"id": key + 1, "project_id": 1, "data_unit_id": key + 1, "is_discarded": False, "has_data": True}
            | {"created": MOMENT}
            for key in keys
        ]
        following = str(first + PAGE) if first + PAGE < ROWS else None
        self._answer(rows, {"next_cursor": following, "previous_cursor": None, "per_page": PAGE})

    def do_POST(self) -> None:
        """Give annotations of four boxes each."""
        ids = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["ids"]
        data = {
            "annotations": {"image_1": [{"id": f"{n}", "coordinate": {"x": n, "y": n}} for n in range(4)]}
        }
        self._answer([{"id": key, "project_id": 1, "data_unit_id": key, "data": data} for key in ids], {})

    def _answer(self, rows: list[dict[str, Any]], pagination: dict[str, Any]) -> None:
        body = json.dumps({"data": rows, "meta": {"request_id": "req_1", "pagination": pagination}}).encode()
        time.sleep(AWAY)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *told: object) -> None:
        """Say nothing."""


@contextmanager
def running() -> Iterator[str]:
    """Serve from a process of its own."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.v2", "serve"], stdout=subprocess.PIPE, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}"
    finally:
        process.terminate()
        process.wait()


def bare(url: str) -> None:
    """Walk the chain over one connection."""
    connection, cursor, count = http.client.HTTPConnection(urlsplit(url).netloc), "", 0
    while cursor is not None:
        connection.request("GET", f"/v2/tasks/?per_page={PAGE}" + (f"&cursor={cursor}" if cursor else ""))
        page = json.loads(connection.getresponse().read())
        count, cursor = count + len(page["data"]), page["meta"]["pagination"]["next_cursor"]
    assert count == ROWS


def main() -> None:
    """Print how long each way takes, as quotients."""
    with running() as url, Session(url, api_token="benchmark", api="v2"):
        took: dict[str, list[float]] = {"bare": [], "rows": [], "payload": []}
        for _ in range(ROUNDS):
            took["bare"].append(seconds(lambda: bare(url)))
            took["rows"].append(seconds(lambda: sum(1 for _ in Task.objects.iterator())))
            took["payload"].append(seconds(lambda: [task.data for task in Task.objects.iterator()]))
    # Most of it is waiting: what else the machine does only makes it longer.
    chain, rows, payload = (min(took[name]) for name in ("bare", "rows", "payload"))
    show(f"bare chain of {ROWS:,} rows, {1000 * AWAY:.0f} ms away", f"{chain:.2f} s")
    show_at_most("chain ÷ bare chain", rows / chain, limit=1.1)
    show_at_most("chain with payload ÷ chain", payload / rows, limit=1.2)


def serve() -> None:
    """Serve until the process is ended."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Backend)
    print(server.server_port, flush=True)
    server.serve_forever()


if __name__ == "__main__" and "serve" in sys.argv:
    serve()
