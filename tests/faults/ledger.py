"""A backend in this process that keeps rows by the contract, and answers one write with any status, done or not.

It is fast enough for every write with every status; the real one is asked the same in the full run.
"""

from __future__ import annotations

import hashlib
import json
import socket
import sys
import threading

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import attrs

from tests.faults import ledger_second
from tests.servers import Listener, Received, read_request

LISTS: Final = ("tasks", "data_units")
SPECIFICATION: Final = {
    **{"name": "data_1", "file_type": "data", "index": 1, "function_type": "main"},
    **{"is_primary": True, "is_required": True, "is_sequential": False},
}


@attrs.frozen
class Fault:
    """How the first request of this method and path is answered, and whether it is done all the same."""

    request: str
    status: int
    committed: bool
    headers: tuple[tuple[str, str], ...] = ()


class Ledger(Listener):
    """Rows by resource and key; `sent` are the requests that came."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.rows: dict[str, dict[str, dict[str, Any]]] = {}
        self.sent: list[str] = []
        self._keys = 0
        self._lock = threading.Lock()
        super().__init__()

    def begin(self) -> None:
        """Forget all but a collection, a project and a plugin."""
        self.rows, self.sent, self.fault = {}, [], None
        collection = {"id": 1, "name": "c", "category": "data", "file_specifications": [SPECIFICATION]}
        self.rows["data_collections"] = {"1": collection}
        self.rows["projects"] = {"1": {"id": 1, "title": "p", "category": "text", "data_collection": 1}}
        self.rows["plugins"] = {"1": {"id": 1, "code": "code", "name": "n", "description": ""}}

    def put(self, resource: str, **values: Any) -> dict[str, Any]:
        """Store a row, and give it with its key."""
        self._keys += 1
        values = self.normal(values)
        key: Any = f"00000000-0000-4000-8000-{self._keys:012}" if resource == "jobs" else self._keys
        row = {"id": key, "created": datetime.now(UTC).isoformat(), **values}
        self.rows.setdefault(resource, {})[str(key)] = row
        return row

    def normal(self, values: dict[str, Any]) -> dict[str, Any]:
        """Give values as they are stored."""
        return values

    def count(self, resource: str, **values: Any) -> int:
        """Count the rows of these values."""
        found = self.rows.get(resource, {}).values()
        return sum(all(row.get(name) == value for name, value in values.items()) for row in found)

    def times(self, request: str) -> int:
        """Count how often a request of this method and path came."""
        return self.sent.count(request)

    def meet(self, connection: socket.socket) -> None:
        """Answer the requests of one connection."""
        with connection.makefile("rb") as stream:
            while (request := read_request(stream)) is not None:
                connection.sendall(self._answered(request))

    def _answered(self, request: Received) -> bytes:
        line = f"{request.method} {request.path}"
        with self._lock:
            self.sent.append(line)
            fault = self.fault if self.fault and self.fault.request == line else None
            if fault is not None:
                self.fault = None
            if fault is None or fault.committed:
                status, data = self._act(request)
        if fault is not None:
            return _http(fault.status, b"<html>no</html>", kind="text/html", headers=fault.headers)
        return _http(status, b"" if status == 204 else json.dumps(data).encode())

    def _act(self, request: Received) -> tuple[int, Any]:
        if request.path.startswith(ledger_second.BELOW):
            return ledger_second.answered(self._act, request)
        resource, *rest = request.path.removeprefix("/sdk").strip("/").split("/")
        if request.method == "GET":
            return self._found(resource, rest, dict(parse_qsl(urlsplit(request.target).query)))
        data = _fields(request)
        if request.method == "POST":
            return self._posted(resource, rest, data)
        row = self.rows.get(resource, {}).get(rest[0])
        if row is None:
            return 404, {"detail": "Not found."}
        if request.method == "DELETE":
            del self.rows[resource][rest[0]]
            return 204, None
        row.update({"data": data["data"]} if rest[1:] == ["annotate_task_data"] else self.normal(data))
        return 200, row

    def _found(self, resource: str, rest: list[str], asked: dict[str, str]) -> tuple[int, Any]:
        rows = self.rows.get(resource, {})
        if rest:
            row = rows.get(rest[0])
            return (404, {"detail": "Not found."}) if row is None else (200, row)
        ids = asked.get("ids", asked.get("id__in"))
        above = int(asked.get("id__gt", int(asked.get("id__gte", 0)) - 1))
        below = int(asked.get("id__lt", asked.get("id__lte", sys.maxsize)))
        same = [(name, asked[name]) for name in ("checksum", "project") if name in asked]
        chosen = [
            row
            for key, row in rows.items()  # in the order of their keys
            if (resource == "jobs" or above < row["id"] <= below)
            and (ids is None or key in ids.split(","))
            and all(str(row.get(name)) == value for name, value in same)
        ]
        if asked.get("ordering", "").startswith("-"):
            chosen.reverse()
        page, size = int(asked.get("page", 1)), int(asked.get("page_size", 100))
        part = chosen[(page - 1) * size : page * size]
        following = f"/{resource}/?page={page + 1}" if page * size < len(chosen) else None
        return 200, {"count": len(chosen), "next": following, "previous": None, "results": part}

    def _posted(self, resource: str, rest: list[str], data: Any) -> tuple[int, Any]:
        if rest == ["verify_checksums"]:
            return 200, {
                "existing_checksums": [
                    each for each in data["checksums"] if self.count(resource, checksum=each)
                ]
            }
        if rest == ["set_tags"]:
            for key in data["ids"]:
                held = self.rows[resource][str(key)].setdefault("tags", [])
                held += [tag for tag in data["tags"] if tag not in held]
            return 200, {"updated": len(data["ids"])}
        if rest[1:] == ["run"]:
            job = self.put("jobs", plugin=1, status="RUNNING", action=data["action"], params=data["params"])
            return 201, {"job_id": job["id"]}
        made = [self._made(resource, each) for each in (data if isinstance(data, list) else [data])]
        if None in made:
            return 400, [{"non_field_errors": ["There is one."]} if each is None else {} for each in made]
        return 201, made if isinstance(data, list) else made[0]

    def _made(self, resource: str, data: dict[str, Any]) -> dict[str, Any] | None:
        """Make a row; a second task of a unit is refused, a unit or file of the same content is the one there is."""
        same = {
            "tasks": {"data_unit": data.get("data_unit"), "project": data.get("project")},
            "data_units": {"files": data.get("files")},
            "data_files": {"checksum": data.get("checksum")},
        }.get(resource)
        if same and self.count(resource, **same):
            if resource == "tasks":
                return None
            return next(row for row in self.rows[resource].values() if same.items() <= row.items())
        if resource == "plugin_releases":
            data["plugin"] = 1  # named by its code
        return self.put(resource, **data)


def _fields(request: Received) -> Any:
    """Read a body: JSON, or the fields and the file of a form."""
    kind = request.headers.get("content-type", "")
    if "boundary=" not in kind:
        return json.loads(request.body or b"null")
    return dict(_parts(request.body, kind.partition("boundary=")[2].encode()))


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, Any]]:
    for part in body.split(b"--" + boundary)[1:-1]:
        head, _, content = part.strip(b"\r\n").partition(b"\r\n\r\n")
        name = head.partition(b'name="')[2].partition(b'"')[0].decode()
        if b"filename=" in head:
            yield "checksum", hashlib.md5(content).hexdigest()
        elif name not in ("config", "requirements"):
            yield name, {"True": True, "False": False}.get(content.decode(), content.decode())


def _http(
    status: int, body: bytes, *, kind: str = "application/json", headers: tuple[tuple[str, str], ...] = ()
) -> bytes:
    fields = [("Date", format_datetime(datetime.now(UTC), usegmt=True)), *headers]
    if status != 204:
        fields += [("Content-Type", kind), ("Content-Length", str(len(body)))]
    head = "".join(f"{name}: {value}\r\n" for name, value in fields)
    return f"HTTP/1.1 {status} Told\r\n{head}\r\n".encode() + body
