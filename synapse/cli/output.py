"""What a command prints: a table on a terminal, tab-separated rows in a pipe, JSON where it is asked for."""

from __future__ import annotations

import json
import shutil
import sys
import unicodedata

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Any, Final

import click

from synapse.showing import printable

_GAP: Final = "  "
_WIDEST: Final = 40
# Widths are chosen by so many rows, so that a table of millions streams.
_LOOKED_AT: Final = 200
_ESCAPES: Final = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


class ClosedPipeError(Exception):
    """Whoever reads the output has seen enough, as `head` does."""


def is_terminal() -> bool:
    """Whether a person reads the output."""
    return sys.stdout.isatty()


def say(text: str) -> None:
    """Print one line of output."""
    try:
        sys.stdout.write(f"{text}\n")
    except BrokenPipeError:
        raise ClosedPipeError from None


def note(text: str) -> None:
    """Tell the person something beside the output."""
    click.echo(text, err=True)


def rows(found: Iterable[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool = False) -> None:
    """Print rows as they come: JSON objects, a table, or tab-separated text under a line of names."""
    if as_json:
        for row in found:
            say(as_text(row))
    elif is_terminal():
        for line in table(found, columns, width=shutil.get_terminal_size().columns):
            say(line)
    else:
        stream = iter(found)
        # A refusal of the first request leaves no line of names behind.
        first = list(islice(stream, 1))
        say("\t".join(columns))
        for row in chain(first, stream):
            say("\t".join(cell(row[name]).translate(_ESCAPES) for name in columns))


def facts(row: Mapping[str, Any], *, as_json: bool = False) -> None:
    """Print one object: its names and values, in two columns."""
    if as_json:
        say(as_text(row))
        return
    if not is_terminal():
        rows(({"name": name, "value": value} for name, value in row.items()), ("name", "value"))
        return
    width = max(map(len, row), default=0)
    for name, value in row.items():
        say(f"{name:<{width}}{_GAP}{printable(cell(value))}")


def cell(value: Any) -> str:
    """Give a JSON value as text: nothing for null, objects and lists as JSON."""
    if value is None:
        return ""
    if isinstance(value, bool | dict | list):
        return as_text(value)
    return str(value)


def as_text(value: Any) -> str:
    """Write JSON in one line."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def table(found: Iterable[Mapping[str, Any]], columns: Sequence[str], *, width: int) -> Iterator[str]:
    """Lay rows out in as many columns as fit; long cells are cut.

    >>> list(table([{"id": 1, "title": "도로"}], ["id", "title"], width=80))
    ['id  title', '1   도로']
    """
    stream = iter(found)
    begun = list(islice(stream, _LOOKED_AT))
    widths = _widths(begun, columns, width=width)
    shown = columns[: len(widths)]
    yield _line(shown, widths)
    for row in chain(begun, stream):
        yield _line([printable(cell(row[name])) for name in shown], widths)


def _widths(begun: Sequence[Mapping[str, Any]], columns: Sequence[str], *, width: int) -> list[int]:
    widths: list[int] = []
    left = width
    for name in columns:
        widest = max([text_width(name), *(text_width(printable(cell(row[name]))) for row in begun)])
        taken = min(widest, _WIDEST, max(width, 1))
        if widths and taken > left:
            break
        widths.append(min(taken, left))
        left -= taken + len(_GAP)
    return widths


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    fitted = [cut(text, most) for text, most in zip(cells, widths, strict=True)]
    padded = [text + " " * (most - text_width(text)) for text, most in zip(fitted, widths, strict=True)]
    return _GAP.join(padded).rstrip()


def text_width(text: str) -> int:
    """Count the columns of a terminal that text takes; Korean syllables take two.

    >>> text_width("한글"), text_width("abc")
    (4, 3)
    """
    return sum(_character_width(character) for character in text)


def _character_width(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in ("W", "F") else 1


def cut(text: str, most: int) -> str:
    """Shorten text to so many columns.

    >>> cut("도로 표지판", 6)
    '도로 …'
    """
    if text_width(text) <= most:
        return text
    taken, used = [], 1
    for character in text:
        used += _character_width(character)
        if used > most:
            break
        taken.append(character)
    return "".join(taken) + "…"
