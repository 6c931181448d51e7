"""JSON, parsed by the fastest parser that is installed, with the same results from each."""

from __future__ import annotations

import importlib
import json
import os

from collections.abc import Callable
from functools import cache
from typing import Any, Final

from synapse.dialects import Table
from synapse.errors import ConfigError
from synapse.mapping import json as json_text
from synapse.session.process import undisturbed

Decode = Callable[[bytes], Any]
"""Reads the body of an answer, or raises `ValueError`."""

VARIABLE: Final = "SYNAPSE_JSON"
FEW: Final = 1_000_000
"""The number of values that every answer may hold."""

_MARK: Final = b"\xef\xbb\xbf"
# Outside of texts a number stands behind one of these, so that long numbers are found by two fast searches, and digits
# within texts (checksums, identifiers) are none.
_LIKE_COMMA: Final = b"[:, \t\r\n"
_MARKED: Final = bytes.maketrans(b"0123456789" + _LIKE_COMMA, b"0" * 10 + b"," * len(_LIKE_COMMA))
_HUGE: Final = (b"," + b"0" * 20, b",-" + b"0" * 19)


def _msgspec() -> Decode:
    if not json_text.is_readable():
        raise ImportError
    return json_text.loads


_READERS: Final[dict[str, Callable[[], Decode]]] = {
    "msgspec": _msgspec,
    "orjson": lambda: alike(importlib.import_module("orjson").loads),
    "stdlib": lambda: json.loads,
}


@cache
def decoder() -> Decode:
    """Choose the parser once for the process: msgspec if it is installed, else orjson, else the standard library's.

    The environment variable `SYNAPSE_JSON` overrides that: `stdlib`, `orjson` or `msgspec`.
    """
    choice = os.environ.get(VARIABLE) or "auto"
    if choice not in ("auto", *_READERS):
        raise ConfigError(f"{VARIABLE} must be one of auto, {', '.join(_READERS)}, not {choice!r}")
    for name in _READERS if choice == "auto" else (choice,):
        try:
            if choice == "msgspec":
                json_text.load()
            return _READERS[name]()
        except ImportError:
            continue
    hint = "install synapse-orm[fast]" if choice == "msgspec" else f"install {choice}"
    raise ConfigError(f"{VARIABLE}={choice}, but {choice} is not installed: {hint}")


def page_decoder(table: Table) -> Decode | None:
    """Give what decodes the pages of a table without parsing all of them, where msgspec is the parser."""
    pages = table.pages
    if pages is None or decoder() is not json_text.loads:
        return None

    def decode(content: bytes) -> Any:
        if not json_text.pays(content):
            return parse(content)
        with undisturbed():
            return pages.decode(content, parse=parse)

    return decode


def alike(fast: Decode) -> Decode:
    """Make orjson give the results and the errors of the standard library, which parses what they read differently.

    orjson refuses NaN, infinities, lone surrogates and deep nesting, and reads an integer beyond 64 bits as a float.
    """

    def loads(content: bytes) -> Any:
        marked = content.translate(_MARKED)
        if _HUGE[0] in marked or _HUGE[1] in marked or not content.startswith((b"{", b"[")):
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
