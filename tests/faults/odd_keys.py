"""What is no key, whoever gives it, and text that is one although it looks like part of an address."""

from __future__ import annotations

import enum

from decimal import Decimal
from fractions import Fraction
from typing import Any, Final
from uuid import UUID


class Plain(enum.Enum):
    """A member that is neither a number nor text."""

    FIVE = 5


class Numbered(enum.IntEnum):
    """A member that is a number."""

    FIVE = 5


class Text(str):
    """Text that says to be another one."""

    def __str__(self) -> str:
        return "../admin"

    __repr__ = __format__ = __str__  # type: ignore[assignment]

    def strip(self, *_: Any) -> str:
        """Say what is not so."""
        return self

    def isprintable(self) -> bool:
        """Say what is not so."""
        return True


class Number(int):
    """A number that says to be a path."""

    def __str__(self) -> str:
        return "../admin"

    __repr__ = __format__ = __str__  # type: ignore[assignment]


class Index:
    """What numbers of other libraries are: something that counts as an integer."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __index__(self) -> int:
        return self.number


class Silent:
    """Something that cannot even be shown."""

    def __repr__(self) -> str:
        raise RuntimeError("no words")


def nested(depth: int) -> list[Any]:
    """Nest a list so deeply that nobody can show it."""
    made: list[Any] = []
    for _ in range(depth):
        made = [made]
    return made


PATHS: Final = ("../admin", "1/../../x", "a?b=c", "#", "%2e%2e", "%2F", "..;/", "//", "\\", ".", "..")
TEXTS: Final = (
    *PATHS,
    "a\0b",
    "a\r\nb",
    "\n",
    "",
    " ",
    " a",
    "a ",
    "\u2028",
    "\ud800",
    "x" * 10**6,
    Text("a/b"),
)
NUMBERS: Final = (
    True,
    False,
    1.0,
    -1.5,
    float("nan"),
    float("inf"),
    1 + 0j,
    Decimal(1),
    Decimal("NaN"),
    Fraction(1),
)
HUGE: Final = (0, -1, 2**63, 10**30, 10**5000, Index(0), Number(-5))
OTHERS: Final = (
    b"1",
    None,
    [],
    [1],
    (1,),
    {},
    {"id": 1},
    {1},
    object(),
    Plain.FIVE,
    int,
    len,
    Silent(),
    nested(99_999),
)

NO_KEYS: Final = (*TEXTS, *NUMBERS, *HUGE, *OTHERS)
"""Refused for a key of every kind."""
DIGITS: Final = ("5", "05", "-1")
NO_NUMBERS: Final = ("1e3", "\uff15", "\u0663", "0x5", "1_0", "code@1", Text("5"), UUID(int=5))
"""Refused for an integer key, as digits are: text names what is text."""

NUMBERED: Final = (5, Numbered.FIVE, Number(5), Index(5))
"""What is 5."""
TEXT_KEYS: Final = (
    "code@1.0.0",
    "550e8400-e29b-41d4-a716-446655440000",
    "a b",
    "a&b=c",
    "a+b;c,d",
    "..;",
    "...",
    ".a",
    "~'\"<>|^`{}[]!$*()",
    "\ud50c\ub7ec\uadf8\uc778@1",
    # Digits of other scripts: the backend reads them as numbers, so they are of no row that there may be.
    "\uff15" * 6,
    "\u0663" * 6,
    "x" * 255,
)


def named(value: object) -> str:
    """Name a value in a message of these tests."""
    if type(value) in (str, bytes) and len(value) > 50:  # type: ignore[arg-type]
        return f"{len(value)} characters"  # type: ignore[arg-type]
    try:
        return repr(value)[:60]
    except Exception:
        return type(value).__name__
