"""The code of a method that another module declares."""

from __future__ import annotations


def shout(word: object, *, times: int = 1) -> str:
    """Repeat a word in capitals."""
    return str(word).upper() * times
