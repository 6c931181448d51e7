"""Bulk creations in processes of their own, which die where they are told to.

Run as a program, it forks a process for each run that it reads from its input: a fork of what is imported already
starts at once. `Runs` is the other end.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import traceback

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, Literal

import attrs

READ: Final = 2.0
"""The read limit of the runs' sessions, in seconds; a backend that takes longer is not what is tried here."""

ROOT: Final = Path(__file__).parents[2]


@attrs.frozen
class Death:
    """Die at the nth of the journal's writes or synchronisations: before it, in its middle, or after it."""

    call: Literal["write", "fsync"]
    when: Literal["before", "within", "after"]
    nth: int


class Runs:
    """Starts runs, each in a process of its own, and tells what became of them."""

    def __init__(self) -> None:
        self._forks: Any = None
        self._pid: int | None = None
        self._started = threading.Event()
        self._lock = threading.Lock()

    def run(self, **what: Any) -> dict[str, Any] | None:
        """Run a bulk creation; give its result, None if it was killed."""
        self._started.clear()
        self._say(what)
        with self._lock:
            self._pid = self._hear()["pid"]
        self._started.set()
        ended = self._hear()
        with self._lock:
            self._pid = None
        return json.loads(ended["result"]) if ended["result"] else None

    def end(self, by: int) -> None:
        """End the run that is under way by a signal, once."""
        self._started.wait(5)
        with self._lock:
            if self._pid is not None:
                os.kill(self._pid, by)
                self._pid = None

    def __enter__(self) -> Runs:
        self._forks = subprocess.Popen(
            [sys.executable, "-m", __spec__.name],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._hear()
        return self

    def __exit__(self, *exc: object) -> None:
        self._forks.stdin.close()
        self._forks.wait(10)
        self._forks.stdout.close()

    def _say(self, what: object) -> None:
        self._forks.stdin.write(json.dumps(what) + "\n")
        self._forks.stdin.flush()

    def _hear(self) -> Any:
        return json.loads(self._forks.stdout.readline())


# --- in the processes -------------------------------------------------------
def _bulk_create(
    entity: str, rows: list[dict[str, Any]], url: str, token: str, journal: str, batch_size: int
) -> dict[str, Any]:
    import synapse

    session = synapse.Session(
        url,
        api_token=token,
        retry=synapse.Retry(total=2, backoff=0.001, cap=0.01),
        timeout={"connect": 5, "read": READ},
        workers=3,
    )
    cls = getattr(synapse, entity)
    try:
        given = [cls(**values) for values in rows]
        made = cls.objects.using(session).bulk_create(given, batch_size=batch_size, journal=journal)
    except synapse.SynapseError as error:
        return {"error": f"{type(error).__name__}: {error}"}
    return {"keys": [each.pk for each in made]}


def _arm(death: Death) -> None:
    """Have this process die at one of its writes to the journal."""
    count = 0

    def armed(real: Callable[..., Any], *, within: Callable[..., object]) -> Callable[..., Any]:
        def call(*args: Any) -> Any:
            nonlocal count
            count += 1
            if count == death.nth and death.when != "after":
                within(*args)
                os.kill(os.getpid(), signal.SIGKILL)
            done = real(*args)
            if count == death.nth:
                os.kill(os.getpid(), signal.SIGKILL)
            return done

        return call

    write = os.write
    half = death.when == "within"

    def torn(descriptor: int, data: Any) -> None:
        if half:
            write(descriptor, bytes(data)[: len(data) // 2])

    if death.call == "write":
        os.write = armed(write, within=torn)  # type: ignore[assignment]
    else:
        os.fsync = armed(os.fsync, within=lambda *_: None)  # type: ignore[assignment]


def _forked(what: dict[str, Any]) -> Iterator[dict[str, Any]]:
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        report = os.fdopen(writing, "w")
        try:
            if death := what.pop("death", None):
                _arm(Death(**death))
            result = _bulk_create(**what)
        except BaseException:
            result = {"error": traceback.format_exc()}
        report.write(json.dumps(result))
        report.flush()
        os._exit(0)
    os.close(writing)
    yield {"pid": pid}
    with os.fdopen(reading) as report:
        yield {"result": report.read()}
    os.waitpid(pid, 0)


def _warm() -> None:
    """Import what a run imports, so that forks have it."""
    import filelock  # noqa: F401

    import synapse
    import synapse.session.delivery
    import synapse.session.transport

    for name in ("Task", "TaskTag", "DataUnit"):
        getattr(synapse, name)


def _main() -> None:
    _warm()
    print("{}", flush=True)
    for line in sys.stdin:
        for said in _forked(json.loads(line)):
            print(json.dumps(said), flush=True)


if __name__ == "__main__":
    _main()
