"""Each write with each status, done or not, with and without `Retry-After`: sent how often, there how often, told how.

The expected cells are written down by what the statuses mean, apart from the table in `session/retry.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final, Literal, NamedTuple

import attrs
import pytest

from synapse import (
    ClientError,
    Project,
    Resolution,
    ServerError,
    Session,
    SynapseError,
    WriteUnconfirmedError,
)
from synapse.dialects import Api
from synapse.orm.unconfirmed import Moment
from synapse.session import Retry
from tests.amounts import either, part
from tests.clock import Clock
from tests.faults.doors import BY_EACH, Bench, Door
from tests.faults.ledger import Fault, Ledger

STATUSES: Final = (
    *(400, 401, 403, 404, 408, 409, 410, 412, 413, 415, 422, 423, 425, 428, 429, 431, 499),
    *(500, 501, 502, 503, 504, 520, 524),
)
# One of each kind in the quick run: refused, in conflict, too fast, given up by either side, failed.
TRIED: Final = either(STATUSES, (400, 404, 408, 409, 413, 429, 500, 502, 503, 504))
GAVE_UP: Final = (408, 425, 499, 502, 503, 504, 520, 524)
FAILED: Final = (500, 501)

Told = Literal["done", "refused", "unconfirmed", "failed"]
MakeDoor = Callable[[Bench], Door]
OpenBench = Callable[[Api], Bench]


class Cell(NamedTuple):
    """How often it was sent, how often it is there, and what the caller was told."""

    sent: int
    there: int
    told: Told


def expected(door: Door, status: int, *, committed: bool, asked: bool) -> Cell:
    """Say what is right, for a status that comes once."""
    busy = status == 429 or (status == 503 and asked)
    if busy or (door.kind == "harmless" and status == 503) or (door.kind == "twice" and status in GAVE_UP):
        return Cell(2, 1, "done")
    if status not in (*GAVE_UP, *FAILED):
        return Cell(1, int(committed), "refused")
    if door.found and committed:
        return Cell(1, 1, "done")
    if door.found and status in GAVE_UP:
        return Cell(2, 1, "done")
    return Cell(1, int(committed), "failed" if status in FAILED else "unconfirmed")


def is_a_lie(status: int, *, committed: bool, asked: bool) -> bool:
    """Whether the backend says that it did nothing, and has: no client can be right then."""
    return committed and status not in FAILED and (status not in GAVE_UP or (status == 503 and asked))


def told(error: SynapseError | None) -> Told:
    """Name what a write ended with."""
    if error is None:
        return "done"
    if not error.unconfirmed:
        assert isinstance(error, ClientError)
        return "refused"
    assert isinstance(error, ServerError | WriteUnconfirmedError)
    return "failed" if isinstance(error, ServerError) else "unconfirmed"


@pytest.fixture(scope="module")
def ledger() -> Iterator[Ledger]:
    """Run the backend."""
    with Ledger() as ledger:
        yield ledger


@pytest.fixture
def open_bench(ledger: Ledger, tmp_path: Path, clock: Clock) -> Iterator[OpenBench]:
    """Begin anew, with a session for which waiting takes no time."""
    ledger.begin()
    with ExitStack() as stack:

        def make(api: Api) -> Bench:
            retry = Retry(total=1, backoff=0)
            session = Session(ledger.origin, api_token="t", retry=retry, state_dir=False, cache=0, api=api)
            stack.callback(session.close)
            stack.enter_context(session)
            Project.objects.get(1)  # before that, a 404 means that there is no API v2
            return Bench(ledger, session, tmp_path)

        yield make


def played(
    bench: Bench, make: MakeDoor, status: int, *, committed: bool, asked: bool
) -> tuple[Door, Cell, SynapseError | None]:
    """Make one write that is answered so the first time."""
    door = make(bench)
    headers = (("Retry-After", "0"),) if asked else ()
    bench.ledger.fault = Fault(door.request, status, committed, headers)
    error = door.told()
    return door, Cell(bench.ledger.times(door.request), door.had(), told(error)), error


def resolved(error: SynapseError) -> Resolution:
    """Ask what became of it, long after the backend has ended what it was at."""
    assert isinstance(error, ServerError | WriteUnconfirmedError)
    if error.question is not None:
        error.question = attrs.evolve(error.question, failed=Moment(0, 0))  # type: ignore[type-var]
    return error.resolve()


@pytest.mark.combinations(
    "by, status, committed, asked", part(BY_EACH, 0, of=2), TRIED, (False, True), (False, True)
)
def test_cell(
    open_bench: OpenBench, by: tuple[MakeDoor, Api], status: int, committed: bool, asked: bool
) -> None:
    """What is told is what happened, and nothing is there twice; where the backend lies, it is sent no oftener."""
    make, api = by
    door, cell, error = played(open_bench(api), make, status, committed=committed, asked=asked)
    right = expected(door, status, committed=committed, asked=asked)

    if is_a_lie(status, committed=committed, asked=asked):
        assert (right.sent, True) == (cell.sent, cell.there >= 1)
        return
    assert right == cell
    if error is not None and error.unconfirmed and not make.__name__.startswith("client_"):
        found = resolved(error)
        if door.kind == "twice":  # doing it again is safe in any case
            assert committed or not found.done, str(found)
        else:
            nobody_knows = door.untold and error.question is None
            known = (False, False) if nobody_knows else (committed, not committed)
            assert known == (found.done, found.repeatable), str(found)
