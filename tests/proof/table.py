"""A backend's list in memory: rows that come and go between requests, faults on time, and lies."""

from __future__ import annotations

import json
import threading
import time

from collections.abc import Mapping, Sequence
from operator import itemgetter
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

import attrs

from synapse import Session
from synapse.dialects import Reply, Request
from synapse.errors import NotFoundError, ServerError, TransportError, ValidationError

Row = dict[str, Any]
Lie = Literal[
    "ignores bounds",
    "ignores order",
    "ignores pages",
    "always names a next",
    "never names a next",
    "counts too many",
    "counts too few",
    "does not count",
]
Fault = Literal["times out", "is busy", "gives up", "breaks off", "is cut"]

LIES: Final[tuple[Lie, ...]] = (
    "ignores bounds",
    "ignores order",
    "ignores pages",
    "always names a next",
    "never names a next",
    "counts too many",
    "counts too few",
    "does not count",
)
FAULTS: Final[tuple[Fault, ...]] = ("times out", "is busy", "gives up", "breaks off", "is cut")
HOST: Final = "https://table.invalid"
MOST: Final = 3_000
"""More requests than any reading of these tables needs: it runs away."""


@attrs.frozen
class Change:
    """A row that comes, goes, or leaves what is filtered for, before the request of that number."""

    at: int
    what: Literal["insert", "delete", "edit"]
    key: int


@attrs.define
class Table:
    """The rows of one list, and what befalls them.

    `created` gives each key its place in the order of creation. `always` holds the keys that were there the whole time,
    `ever` those that were there at any time; the filter that counts is `is_discarded=False`.
    """

    keys: Sequence[int]
    created: Mapping[int, int] = attrs.field(factory=dict)
    cap: int = 1000
    changes: Sequence[Change] = ()
    faults: Mapping[int, Fault] = attrs.field(factory=dict)
    slow: Mapping[int, float] = attrs.field(factory=dict)
    lie: Lie | None = None
    host: str = HOST
    asked: list[Request] = attrs.field(factory=list, init=False, repr=False)
    rows: dict[int, Row] = attrs.field(factory=dict, init=False, repr=False)
    always: set[int] = attrs.field(factory=set, init=False, repr=False)
    ever: set[int] = attrs.field(factory=set, init=False, repr=False)
    _lock: Any = attrs.field(factory=threading.RLock, init=False, repr=False)

    def __attrs_post_init__(self) -> None:
        for key in self.keys:
            self.put(key)
        self.always = set(self.keys)

    def put(self, key: int) -> None:
        """Add a row."""
        with self._lock:
            if key not in self.rows:
                self.rows[key] = self._row(key)
                self.ever.add(key)

    def drop(self, key: int) -> None:
        """Take a row away."""
        with self._lock:
            self.always.discard(key)
            self.rows.pop(key, None)

    def discard(self, key: int) -> None:
        """Edit a row, so that it leaves `is_discarded=False`."""
        with self._lock:
            self.always.discard(key)
            if key in self.rows:
                self.rows[key] = {**self.rows[key], "is_discarded": True}

    def _row(self, key: int) -> Row:
        minute = self.created.get(key, key % 7)
        return {
            "id": key,
            "project": 1,
            "data_unit": key,
            "title": f"row {key}",
            "category": "image",
            "is_discarded": False,
            "created": f"2026-03-{1 + minute // 1440:02}T{minute // 60 % 24:02}:{minute % 60:02}:00+00:00",
        }

    # --- answering ----------------------------------------------------------
    def answer(self, request: Request) -> Reply:
        """Give one page, or raise what a session makes of the fault that is due."""
        fault = self.befall(request)
        if fault is not None and fault != "is cut":
            raise _error(fault, request)
        return Reply(200, self.page(request, cut=fault == "is cut"))

    def befall(self, request: Request) -> Fault | None:
        """Let happen what happens before this request; give the fault that meets it."""
        with self._lock:
            self.asked.append(request)
            number = len(self.asked)
            for change in self.changes:
                if change.at == number:
                    {"insert": self.put, "delete": self.drop, "edit": self.discard}[change.what](change.key)
        if number > MOST:
            raise AssertionError(f"more than {MOST} requests for {len(self.ever)} rows")
        time.sleep(self.slow.get(number, 0))
        return self.faults.get(number)

    def page(self, request: Request, *, cut: bool) -> dict[str, Any]:
        """Give the page as it is now."""
        with self._lock:
            return self._page(_asked(request), request, cut=cut)

    def _page(self, asked: dict[str, str], request: Request, *, cut: bool) -> dict[str, Any]:
        found = self._chosen(asked)
        size = min(max(int(asked.get("page_size", "100")), 1), self.cap)
        if asked.get("pagination") == "cursor":
            return _by_cursor(found, asked, size=size, host=self.host)
        last = max(-(-len(found) // size), 1)
        number = last if asked.get("page") == "last" else int(asked.get("page", "1"))
        if self.lie == "ignores pages":
            number = 1
        if not 1 <= number <= last:
            raise NotFoundError("Invalid page.", status_code=404)
        start = (number - 1) * size
        rows = found[start : start + size]
        if cut and len(rows) > 1:
            rows = rows[:-1]
        following = self._link(request, number + 1) if start + size < len(found) or cut else None
        following = {"always names a next": self._link(request, number + 1), "never names a next": None}.get(
            self.lie or "", following
        )
        return {"count": self._count(len(found)), "next": following, "previous": None, "results": rows}

    def _link(self, request: Request, number: int) -> str:
        asked = {**_asked(request), "page": str(number)}
        return f"{self.host}/{urlsplit(request.path).path.lstrip('/')}?{urlencode(asked)}"

    def _count(self, real: int) -> int | None:
        return {
            "counts too many": real + 3,
            "counts too few": max(real - 3, 0),
            "does not count": None,
        }.get(self.lie or "", real)

    def _chosen(self, asked: dict[str, str]) -> list[Row]:
        rows = [row for row in self.rows.values() if self._meets(row, asked)]
        order = asked.get("ordering", "id") if self.lie != "ignores order" else "-created"
        for name in reversed([*order.split(","), *([] if "id" in order else ["id"])]):
            rows.sort(key=itemgetter(name.lstrip("-")), reverse=name.startswith("-"))
        return [dict(row) for row in rows]

    def _meets(self, row: Row, asked: dict[str, str]) -> bool:
        listed = asked.get("id__in", asked.get("ids"))
        if listed is not None and str(row["id"]) not in listed.split(","):
            return False
        if "is_discarded" in asked and row["is_discarded"] is not (asked["is_discarded"] == "true"):
            return False
        return self.lie == "ignores bounds" or all(
            meets(row["id"], _whole(name, asked[name])) for name, meets in _BOUNDS.items() if name in asked
        )


_BOUNDS: Final = {
    "id__gt": int.__gt__,
    "id__gte": int.__ge__,
    "id__lt": int.__lt__,
    "id__lte": int.__le__,
}


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ValidationError("no number", status_code=400, errors={name: ["Enter a number."]}) from None


def _asked(request: Request) -> dict[str, str]:
    return {**dict(parse_qsl(urlsplit(request.path).query)), **dict(request.params)}


def _by_cursor(found: list[Row], asked: dict[str, str], *, size: int, host: str) -> dict[str, Any]:
    """Go on after the key that the cursor names; there is no count."""
    down = asked.get("ordering", "").startswith("-")
    if "cursor" in asked:
        last = int(asked["cursor"])
        found = [row for row in found if (row["id"] < last if down else row["id"] > last)]
    rows = found[:size]
    following = {**asked, "cursor": str(rows[-1]["id"])} if len(found) > size else None
    link = following and f"{host}/sdk/tasks/?{urlencode(following)}"
    return {"next": link, "previous": None, "results": rows}


def _error(fault: Fault, request: Request) -> Exception:
    where: Any = {"method": request.method, "url": request.target}
    if fault == "times out":
        return TransportError(
            f"{request.method} {request.target}: nothing came within 30 s", timed_out=True, **where
        )
    if fault == "breaks off":
        return TransportError(f"{request.method} {request.target}: 200 with a body that is not JSON", **where)
    status = 503 if fault == "is busy" else 524
    return ServerError(f"{request.method} {request.target}: {status}", status_code=status)


class TableSession(Session):
    """A session whose backend is a `Table`; threads, plans and pages are the engine's own."""

    def __init__(self, table: Table, **settings: Any) -> None:
        super().__init__(HOST, api_token="proof", **settings)
        self.table = table

    def send(self, request: Request, *, decode: Any = None) -> Reply:
        """Ask the table."""
        self.check_open()
        reply = self.table.answer(request)
        return attrs.evolve(reply, data=decode(json.dumps(reply.data).encode())) if decode else reply
