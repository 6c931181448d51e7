"""A backend that speaks the toy API: it translates what it knows for the sandbox behind it, and refuses the rest."""

from __future__ import annotations

import base64
import http.client
import json
import threading

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs


@attrs.frozen
class Words:
    """One list: where it lies in the sandbox, what its members and its filters are called there, and its own pages."""

    single: str
    lists: str
    members: Mapping[str, str]
    filters: Mapping[str, str]
    has_cursors: bool = False


def _words(
    single: str, lists: str = "", *, filters: Mapping[str, str] | None = None, **members: str
) -> Words:
    return Words(single, lists or single, {"key": "id", **members}, filters or {}, has_cursors=bool(lists))


VOCABULARY: Final = {
    "work": _words(
        "tasks/",
        "sdk/tasks/",
        filters={"board": "project", "asset": "data_unit", "keys": "id__in", "dropped": "is_discarded"},
        board="project",
        asset="data_unit",
        dropped="is_discarded",
        notes="meta",
    ),
    "boards": _words("projects/", filters={"stock": "data_collection"}, stock="data_collection"),
    "labels": _words("task_tags/", filters={"board": "project"}, board="project", notes="meta"),
    "shares": _words(
        "assignments/", "sdk/assignments/", filters={"work": "tasks"}, work="task", board="project"
    ),
    "assets": _words(
        "data_units/", filters={"stock": "data_collection"}, stock="data_collection", notes="meta"
    ),
    "stocks": _words("data_collections/"),
}
PAGING: Final = frozenset({"sort", "after", "limit"})


class Translator(BaseHTTPRequestHandler):
    """Answers one request by asking the sandbox."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # a body would wait 40 ms for its head to be acknowledged
    server: ToyServer

    def do_GET(self) -> None:
        """Read a list or an object."""
        self._answer()

    do_POST = do_PATCH = do_DELETE = do_GET

    def log_message(self, *told: object) -> None:
        """Say nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        try:
            status, answer = self._translated(json.loads(body) if body else None)
        except KeyError as error:
            status, answer = 400, _refused(400, {"detail": f"the toy API knows no {error}"})
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def _translated(self, body: Any) -> tuple[int, Any]:
        parts, token = urlsplit(self.path), self.headers.get("Authorization", "").removeprefix("Bearer ")
        if any(name.lower().startswith("synapse-") for name in self.headers):
            return 401, _refused(401, {"detail": "a header of another API"})
        toy, name, *key = parts.path.strip("/").split("/")
        words = VOCABULARY[name] if toy == "toy" else {}[toy]
        sent = (
            None if body is None else {words.members.get(each, each): value for each, value in body.items()}
        )
        if self.command == "GET" and not key:
            path = f"{words.lists}?{_query(words, dict(parse_qsl(parts.query, keep_blank_values=True)))}"
        else:
            path = words.single + (f"{key[0]}/" if key else "")
        wrapped = [sent] if self.command == "POST" and name in ("work", "assets") else sent
        status, came = self.server.ask(self.command, f"/{path}", wrapped, token=token)
        if status >= 400:
            return status, _refused(status, came[0] if isinstance(came, list) and len(came) == 1 else came)
        if self.command == "GET" and not key:
            return status, _page(words, came)
        row = came[0] if isinstance(came, list) else came
        return (200 if status == 204 else status), {"data": row and _renamed(words, row)}


def _query(words: Words, asked: dict[str, str]) -> str:
    own = {words.filters[name]: value for name, value in asked.items() if name not in PAGING}
    own["ordering"] = asked.get("sort", "key").replace("key", "id")
    own["page_size"] = asked["limit"]
    after = base64.urlsafe_b64decode(asked["after"]).decode() if "after" in asked else ""
    if words.has_cursors:
        own |= {"pagination": "cursor"} | ({"cursor": after} if after else {})
    else:
        own["page"] = after or "1"
    return urlencode(own)


def _page(words: Words, came: dict[str, Any]) -> dict[str, Any]:
    following = dict(parse_qsl(urlsplit(came["next"] or "").query))
    token = following.get("cursor" if words.has_cursors else "page")
    after = None if token is None else base64.urlsafe_b64encode(token.encode()).decode()
    return {"data": [_renamed(words, row) for row in came["results"]], "meta": {"after": after}}


def _renamed(words: Words, row: dict[str, Any]) -> dict[str, Any]:
    toys = {sandbox: toy for toy, sandbox in words.members.items()}
    return {toys.get(name, name): value for name, value in row.items()}


def _refused(status: int, body: Any) -> dict[str, Any]:
    return {"error": {"code": f"E{status}", "message": json.dumps(body, ensure_ascii=False), "fields": body}}


class ToyServer(ThreadingHTTPServer):
    """Stands in front of the sandbox at *upstream*."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), Translator)
        self._upstream = urlsplit(upstream).netloc

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_port}"

    def ask(self, method: str, path: str, body: Any, *, token: str) -> tuple[int, Any]:
        """Ask the sandbox."""
        connection = http.client.HTTPConnection(self._upstream, timeout=30)
        headers = {"Synapse-Access-Token": f"Token {token}", "Content-Type": "application/json"}
        connection.request(method, path, None if body is None else json.dumps(body), headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, json.loads(content) if content else None


@contextmanager
def toy_server(upstream: str) -> Iterator[ToyServer]:
    """Run one in this process."""
    with ToyServer(upstream) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()
