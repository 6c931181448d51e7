"""The keys that came, held in little memory."""

from __future__ import annotations

from typing import Any, Final

BITS: Final = 8


class Seen:
    """A set of keys: integers as bits, 256 of them in a word, anything else as it is."""

    def __init__(self) -> None:
        self._words: dict[int, int] = {}
        self._others: set[Any] = set()
        self.count = 0

    def add(self, key: Any) -> bool:
        """Add a key; False where it was there."""
        if key in self:
            return False
        self.count += 1
        if isinstance(key, int):
            word = key >> BITS
            self._words[word] = self._words.get(word, 0) | 1 << (key & 255)
        else:
            self._others.add(key)
        return True

    def __contains__(self, key: object) -> bool:
        if isinstance(key, int):
            return bool(self._words.get(key >> BITS, 0) >> (key & 255) & 1)
        return key in self._others
