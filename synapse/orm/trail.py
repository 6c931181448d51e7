"""Where a reading in the order of the key stands, though some of its rows have none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from synapse.orm.pages import Window

Keys = Callable[[list[Any]], list[Any]]
"""Reads the keys off rows; None for a row without one that can be compared."""


class Trail:
    """Stamps the windows of a reading with the key that is behind them, and leaves out what an earlier one gave.

    A row without a key has its place all the same: behind the last one that has a key. So a place is told by that key,
    and by how many rows without one were handed out behind it.
    """

    def __init__(self, keys: Keys, *, state: dict[str, Any], by_page: bool = False) -> None:
        self._keys, self._by_page = keys, by_page
        self._behind: tuple[Any, int] = (state.get("key"), state.get("odd", 0))
        self._given: int = state.get("odd", 0)

    @property
    def pending(self) -> bool:
        """Whether the next rows may begin with some that an earlier reading gave."""
        return self._given > 0

    def rest(self, rows: list[Any]) -> list[Any]:
        """Leave out the rows without a key that an earlier reading gave: the first ones behind its last key."""
        keys = self._keys(rows)
        count = next((place for place, key in enumerate(keys) if key is not None), len(keys))
        left_out = min(count, self._given)
        self._given = self._given - left_out if left_out == len(rows) else 0
        return rows[left_out:]

    def window(self, first: int, rows: list[Any], *, token: str = "") -> Window:
        """Give rows as the next window."""
        key, odd = self._behind
        window = Window(first, rows, token, key, 0 if self._by_page else odd)
        self._behind = self._at(window, len(rows))
        return window

    def state(self, window: Window, taken: int) -> dict[str, Any]:
        """Say behind which key so many rows of a window are."""
        key, odd = self._at(window, taken)
        return {"key": key, "place": window.first + taken, **({"odd": odd} if odd else {})}

    def _at(self, window: Window, taken: int) -> tuple[Any, int]:
        for place in range(taken - 1, -1, -1):
            (key,) = self._keys(window.rows[place : place + 1])
            if key is not None:
                return key, taken - 1 - place
        return window.key, window.odd + taken
