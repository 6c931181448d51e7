"""One wrong bit in a journal, and the same run again: each row is there once, with its own key, or nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import QueryError
from tests import amounts
from tests.unit.orm.test_journal_run import Shelf, create

pytestmark = pytest.mark.usefixtures("clock")

NAMES = ("a", "b", "a")
STEP = amounts.either(1, 67)
"""Of so many bits one is tried, and one of each line break; no divisor of eight, so that each bit has its turn."""


def interrupt(_: Any) -> Any:
    """End the process once the row is there."""
    raise KeyboardInterrupt


def begun(path: Path, *, killed: bool) -> Shelf:
    """Make three rows, or the first two, of which the second is not noted as done."""
    shelf = Shelf()
    if not killed:
        create(shelf.session(), path, *NAMES)
        return shelf
    shelf.harms = {2: interrupt}
    with pytest.raises(KeyboardInterrupt):
        create(shelf.session(), path, *NAMES)
    return shelf


def flips(content: bytes) -> Iterator[bytes]:
    """Give it with one wrong bit."""
    breaks = {8 * place for place, byte in enumerate(content) if byte == ord("\n")}
    for place in sorted({*range(0, 8 * len(content), STEP)} | breaks):
        flipped = bytearray(content)
        flipped[place // 8] ^= 1 << place % 8
        yield bytes(flipped)


@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("cut", [0, 25])
def test_no_bit_doubles_a_row_or_gives_it_another_key(tmp_path: Path, killed: bool, cut: int) -> None:
    """Header and last line included, also where that was cut."""
    path = tmp_path / "run.journal"
    rows = begun(path, killed=killed).rows
    whole = path.read_bytes()

    for flipped in flips(whole[: len(whole) - cut]):
        path.write_bytes(flipped)
        shelf = Shelf(*map(dict, rows))
        try:
            keys = create(shelf.session(timeout={"connect": 1, "read": 0.01}), path, *NAMES)
        except QueryError:
            assert (flipped, rows) == (path.read_bytes(), shelf.rows)
            continue
        named = {row["id"]: row["name"] for row in shelf.rows}
        assert (3, list(NAMES)) == (len(named), [named[key] for key in keys])
