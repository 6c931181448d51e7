"""How much of a value, a message or a list is shown."""

from __future__ import annotations

import sys

from collections.abc import Iterable
from itertools import islice
from types import FrameType
from typing import Any, Final, TypeVar, cast

C = TypeVar("C", bound=type[Any])
LONGEST: Final = 2_000
"""So many characters has an error's message or a `repr` at most."""
MOST_LINES: Final = 200
"""So many lines has a trace, an explanation or a report at most."""
FEW: Final = 5
_MANY: Final = 20
_TEXT: Final = 1_000
_ENDS: Final[dict[Any, str]] = {list: "[]", tuple: "()", dict: "{}", set: "{}"}


class View:
    """What a notebook shows of something, made once; `html` is whole in itself, and `text` is what a terminal shows."""

    def __init__(self, html: str, *, text: str) -> None:
        self.html = html
        self.text = text

    def _repr_html_(self) -> str:
        return self.html

    def __repr__(self) -> str:
        return self.text


def shortened(text: str, *, most: int = LONGEST) -> str:
    """Leave out the middle of an overlong text: its end says most often what to do.

    >>> shortened("a" * 5_000, most=50)
    'aaaaaaa … 4,990 characters … aaa'
    """
    if len(text) <= most:
        return text
    kept = most - 40
    head = kept * 3 // 4
    return f"{text[:head]} … {len(text) - kept:,} characters … {text[len(text) - kept + head :]}"


def brief(value: Any, *, depth: int = 6) -> str:
    """Show a value as `repr` does, of long texts and lists the beginning; it takes no longer than what it shows.

    >>> brief({"a": list(range(1_000))})
    "{'a': [0, 1, 2, 3, 4, … (1,000 in all)]}"
    """
    kind = type(value)
    if kind in (str, bytes) and len(value) > _TEXT:
        return f"{value[:_TEXT]!r}… ({len(value):,} in all)"
    ends = _ENDS.get(kind)
    if ends is None or not value:
        return repr(value)
    if not depth:
        return f"{ends[0]}…{ends[1]}"
    if kind is dict:
        shown = [f"{name!r}: {brief(value[name], depth=depth - 1)}" for name in islice(value, _MANY)]
    else:
        shown = [brief(each, depth=depth - 1) for each in islice(value, _MANY)]
    if len(value) > _MANY:
        shown = [*shown[:FEW], f"… ({len(value):,} in all)"]
    return f"{ends[0]}{', '.join(shown)}{',' if kind is tuple and len(value) == 1 else ''}{ends[1]}"


def bounded(cls: C) -> C:
    """Give a class of fields a `repr` that is never long, however much its fields hold."""
    declared = getattr(cls, "__attrs_attrs__", None)
    fields = (
        [(each.name, each.repr) for each in declared] if declared else [(each, True) for each in cls._fields]
    )

    def __repr__(self: Any) -> str:
        shown = [
            f"{name}={brief(getattr(self, name)) if how is True else how(getattr(self, name))}"
            for name, how in fields
            if how
        ]
        return shortened(f"{type(self).__qualname__}({', '.join(shown)})")

    cast("Any", cls).__repr__ = __repr__
    return cls


def few(values: Iterable[Any], *, count: int) -> str:
    """Show the first of many values, and how many there are.

    >>> few(range(100, 40_000), count=39_900)
    '100, 101, 102, 103, 104, … (39,900 in all)'
    """
    shown = ", ".join(map(brief, islice(values, FEW)))
    return f"{shown}, … ({count:,} in all)" if count > FEW else shown


def lines_of(lines: Iterable[str], *, count: int, what: str, most: int = MOST_LINES) -> str:
    r"""Join lines, of too many the first ones and how many there are.

    >>> lines_of(["a", "b"], count=2, what="calls")
    'a\nb'
    """
    shown = list(islice(lines, count if count <= most else most - 1))
    return "\n".join([*shown, f"… and {count - len(shown):,} more {what}"] if count > len(shown) else shown)


def asks_for_traceback() -> bool:
    """Whether IPython's `%tb` is what shows an error."""

    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        if frame.f_code.co_name == "tb" and str(frame.f_globals.get("__name__")).startswith("IPython."):
            return True
        frame = frame.f_back
    return False


def place_of(error: BaseException) -> str:
    """Name the line of the user's code that an error came from."""
    frame, place = error.__traceback__, ""
    while frame is not None and not str(frame.tb_frame.f_globals.get("__name__")).startswith("synapse."):
        file = frame.tb_frame.f_code.co_filename
        is_cell = frame.tb_frame.f_globals.get("__name__") == "__main__"
        place = f" (line {frame.tb_lineno}{'' if is_cell else f' of {file}'}; %tb shows the rest)"
        frame = frame.tb_next
    return place


def printable(text: str, *, lines: bool = False) -> str:
    r"""Escape control and invisible characters; with *lines*, line breaks stay.

    >>> printable("a\x1b[2J")
    'a\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() or (lines and each == "\n") else repr(each)[1:-1] for each in text
    )
