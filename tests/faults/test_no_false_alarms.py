"""A backend that normalises, throttles and starts anew: every row of a long run ends as done, and is there once."""

from __future__ import annotations

import contextlib
import itertools
import signal
import socket
import struct

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, Final

import pytest

from synapse import JobLog, Session, Task, TaskTag
from synapse.session import Retry
from tests import amounts
from tests.clock import Clock
from tests.faults.ledger import Ledger
from tests.servers import HangUpError, Received, read_request

ROWS: Final = amounts.either(10_000, 500)
SEOUL: Final = timezone(timedelta(hours=9))
WRITES: Final = ("POST", "PATCH", "PUT", "DELETE")


class Moody(Ledger):
    """Trims text, shows moments in UTC and objects in order.

    It refuses every `busy`-th write with 429 or 503, and dies at every `dying`-th, before it has acted or after.
    """

    busy = 5
    dying: int | None = None

    def begin(self) -> None:
        """Count from the start."""
        super().begin()
        self._writes = itertools.count(1)

    def normal(self, values: dict[str, Any]) -> dict[str, Any]:
        """Give values as a backend may store them."""
        return {name: _normal(name, value) for name, value in values.items()}

    def meet(self, connection: socket.socket) -> None:
        """Answer the requests of one connection, if nothing comes between."""
        with connection.makefile("rb") as stream:
            while (request := read_request(stream)) is not None:
                if len(request.body) < request.length:
                    raise HangUpError  # it died over it
                self._trouble(connection, request)

    def _trouble(self, connection: socket.socket, request: Received) -> None:
        number = next(self._writes) if request.method in WRITES else 1
        if number % self.busy == 0:
            status = 429 if number % 2 else 503
            connection.sendall(
                f"HTTP/1.1 {status} Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\n\r\n".encode()
            )
            return
        dies = self.dying is not None and number % self.dying == 0
        if dies and number % 2:
            self._die()
        answer = self._answered(request)
        if dies:
            self._die()
        connection.sendall(answer)

    def _die(self) -> None:
        """Lose what is under way, of everybody, as a process does that is started anew."""
        for each in list(self.connections):
            with contextlib.suppress(OSError):
                each.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                each.shutdown(socket.SHUT_RDWR)
        raise HangUpError


def _normal(name: str, value: Any) -> Any:
    if name == "datetime":
        return datetime.fromisoformat(value).astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, dict):
        return dict(sorted(value.items()))
    return value.strip() if isinstance(value, str) else value


@pytest.fixture(scope="module")
def moody() -> Iterator[Moody]:
    """Run the backend."""
    with Moody() as moody:
        yield moody


@pytest.fixture
def session(moody: Moody, clock: Clock) -> Iterator[Session]:
    """Begin anew, with a session for which waiting takes no time."""
    signal.alarm(600)  # a full run takes longer than the usual limit
    moody.begin()
    moody.dying = None
    with Session(moody.origin, api_token="t", retry=Retry(total=8, backoff=0), state_dir=False) as session:
        yield session
        session.close()


def tags(count: int) -> list[TaskTag]:
    """New tags, of which each value comes back in another form."""
    return [
        TaskTag(project_id=1, name=f" tag {n} ", description="two\n", meta={"n": n, "a": [1.5, None]})
        for n in range(count)
    ]


def names(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The names that are there, sorted."""
    return sorted(row["name"] for row in rows)


def test_of_rows_that_are_created_one_by_one(moody: Moody, session: Session, tmp_path: Path) -> None:
    """With a journal, what was lost in a restart is found, or sent again."""
    moody.dying, count = 37, ROWS // 2
    made = TaskTag.objects.using(session).bulk_create(tags(count), journal=tmp_path / "run.journal")

    assert sorted(f"tag {n}" for n in range(count)) == names(moody.rows["task_tags"].values())
    assert [f"tag {n}" for n in range(count)] == [
        moody.rows["task_tags"][str(tag.id)]["name"] for tag in made
    ]


def test_of_rows_that_are_created_in_lists(moody: Moody, session: Session, tmp_path: Path) -> None:
    """A batch of which the answer was lost is there, or not, as a whole."""
    moody.dying, count = 3, ROWS // 2
    given = [Task(project_id=1, data_unit_id=n, meta={"n": n, "a": "x"}) for n in range(1, count + 1)]
    Task.objects.using(session).bulk_create(
        given, batch_size=amounts.either(50, 10), journal=tmp_path / "run.journal"
    )

    stored = {row["id"]: row["data_unit"] for row in moody.rows["tasks"].values()}
    assert {task.id: n for n, task in enumerate(given, 1)} == stored


def test_of_moments_in_another_zone(moody: Moody, session: Session) -> None:
    """An answer that says the same in other words confirms."""
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=SEOUL)
    logs = [
        JobLog(job_id="j", event=f" e {n} ", data={"b": n, "a": n}, datetime=moment)
        for n in range(ROWS // 10)
    ]
    JobLog.objects.using(session).bulk_create(logs)

    assert ROWS // 10 == moody.count("logs", datetime="2026-01-01T18:04:05Z")


def test_of_rows_that_are_changed_and_deleted(moody: Moody, session: Session) -> None:
    """Each is changed once, and told as changed, and so it is with deletions."""
    for n in range(ROWS // 10):
        moody.put("task_tags", project=1, name=f"tag {n}", description="", meta={})
    rows = TaskTag.objects.using(session).filter(project=1)
    changed = rows.update(description=" new ", meta={"b": 1, "a": 2})
    for tag in rows:
        tag.name = f"{tag.name}  "
        tag.description = "\tnewer"
        tag.save()

    assert ROWS // 10 == len(changed) == moody.count("task_tags", description="newer", meta={"a": 2, "b": 1})
    assert (ROWS // 10, 0) == (len(rows.delete()), moody.count("task_tags"))
