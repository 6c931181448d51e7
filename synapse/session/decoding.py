"""JSON, parsed by the fastest parser that is installed, with the same results from each."""

from __future__ import annotations

import importlib
import json
import os
import re

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from synapse.errors import ConfigError
from synapse.session.process import undisturbed

Decode = Callable[[bytes], Any]
"""Reads the body of an answer, or raises `ValueError`."""

VARIABLE: Final = "SYNAPSE_JSON"
FEW: Final = 1_000_000
"""The number of values that every answer may hold."""

_CHOICES: Final = ("auto", "orjson", "stdlib")
_MARK: Final = b"\xef\xbb\xbf"
# Maps all digits to one byte, so that a long run of them is found by one fast search.
_ALIKE: Final = bytes(ord("0") if byte in b"0123456789" else 1 if byte == 0 else byte for byte in range(256))
_RUN: Final = b"0" * 19
_HUGE: Final = re.compile(rb"[0-9]{20}|-[0-9]{19}")


@cache
def decoder() -> Decode:
    """Choose the parser once for the process: orjson if it is installed, else the standard library's.

    The environment variable `SYNAPSE_JSON` overrides that: `stdlib` or `orjson`.
    """
    choice = os.environ.get(VARIABLE) or "auto"
    if choice not in _CHOICES:
        raise ConfigError(f"{VARIABLE} must be one of {', '.join(_CHOICES)}, not {choice!r}")
    if choice == "stdlib":
        return json.loads
    try:
        return alike(importlib.import_module("orjson").loads)
    except ImportError:
        if choice == "orjson":
            raise ConfigError(
                f"{VARIABLE}=orjson, but orjson is not installed: install synapse-orm[fast]"
            ) from None
        return json.loads


def alike(fast: Decode) -> Decode:
    """Make orjson give the results and the errors of the standard library, which parses what they read differently.

    orjson refuses NaN, infinities, lone surrogates and deep nesting, and reads an integer beyond 64 bits as a float.
    """

    def loads(content: bytes) -> Any:
        if _RUN in content.translate(_ALIKE) and _HUGE.search(content):
            return json.loads(content)
        try:
            return fast(content)
        except ValueError:
            return json.loads(content)

    return loads


def most_values(most: int) -> int:
    """Return how many values an answer of at most *most* bytes may hold: one takes up to 200 bytes in memory.

    >>> most_values(256 * 1024 * 1024)
    8388608
    """
    return max(FEW, most // 32)


def is_crowded(content: bytes, *, most: int) -> bool:
    """Whether a JSON body may hold more than *most* values, counted by its commas and brackets."""
    return len(content) > most and sum(map(content.count, (b",", b"[", b"{"))) > most


def parse(content: bytes) -> Any:
    """Parse a JSON body, `None` if it is empty; `ValueError` for anything else.

    >>> parse(b'{"id": 7}'), parse(b"")
    ({'id': 7}, None)
    """
    content = content.removeprefix(_MARK)
    if not content or content.isspace():
        return None
    try:
        with undisturbed():
            return decoder()(content)
    except RecursionError:
        raise ValueError("nested too deeply") from None
