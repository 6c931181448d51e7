"""Comparison of a value that was sent with the one that the backend shows.

Each codec has the rule of its type (`Codec.like`), which compares normalised JSON values. Answers to writes, the
journal and `resolve()` recognise values by these rules.
"""

from __future__ import annotations

import enum
import html
import json
import math
import re
import unicodedata

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

# A backend cuts long texts to the length of a column; a short text that begins another one is another value.
_LONG: Final = 30
_TAG: Final = re.compile(r"<[^<>]*>")
_MASK: Final = re.compile(r".{0,4}[*•●]{3,}.{0,4}", re.DOTALL)
_UUID: Final = re.compile(r"[0-9a-f]{8}(-?[0-9a-f]{4}){3}-?[0-9a-f]{12}", re.IGNORECASE)


class Likeness(enum.IntEnum):
    """How similar two values are.

    `SAME`: equal once normalised. `POSSIBLE`: the backend may have made it of what was sent, and nothing is missing.
    `UNLIKELY`: something is missing. `OTHER`: it is another value.
    """

    OTHER = 0
    UNLIKELY = 1
    POSSIBLE = 2
    SAME = 3


Like: TypeAlias = Callable[[Any, Any], Likeness | None]
"""Compares what was sent with what is shown; None where what is shown tells nothing."""


def like_json(sent: Any, held: Any) -> Likeness:
    """Compare JSON: objects by their keys in any order, numbers by value, texts without blanks around them.

    >>> like_json(" a", "a").name, like_json({"a": 1}, {"a": 1.0, "b": 2}).name, like_json({"a": 1}, {"a": 2}).name
    ('SAME', 'POSSIBLE', 'OTHER')
    """
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        return _like_objects(sent, held)
    if isinstance(sent, list | tuple) and isinstance(held, list | tuple):
        return like_lists(sent, held)
    if isinstance(sent, str) and isinstance(held, str):
        return _like_texts(sent, held)
    alike = isinstance(sent, bool) is isinstance(held, bool)
    if alike and isinstance(sent, int | float) and isinstance(held, int | float):
        return _like_numbers(sent, held)
    if sent is None and held is None:
        return Likeness.SAME
    alike = is_empty(held) if is_empty(sent) else _spelled(sent) == _spelled(held)
    return Likeness.POSSIBLE if alike else Likeness.UNLIKELY


def is_empty(value: Any) -> bool:
    """Whether a value means the same as its absence: backends store one for another."""
    return value is None or (isinstance(value, str | Mapping | list | tuple) and not value)


def _spelled(value: Any) -> str | None:
    """Spell a number or a bool in one way: some backends send them as text, or as 0 and 1."""
    if isinstance(value, bool):
        return str(int(value))
    if isinstance(value, str):
        value = {"true": "1", "false": "0"}.get(value.strip().lower(), value)
    try:
        return f"{float(value):g}"
    except (TypeError, ValueError, OverflowError):
        return None if isinstance(value, Mapping | list | tuple) else str(value)


def _like_objects(sent: Mapping[str, Any], held: Mapping[str, Any]) -> Likeness:
    found = min((like_json(sent[key], held[key]) for key in sent if key in held), default=Likeness.SAME)
    if found is not Likeness.OTHER and not all(key in held or is_empty(sent[key]) for key in sent):
        return Likeness.UNLIKELY
    return found if sent.keys() == held.keys() else min(found, Likeness.POSSIBLE)


def like_lists(sent: Sequence[Any], held: Sequence[Any], *, item: Like = like_json) -> Likeness:
    """Compare lists: another order, dropped duplicates and added items may be the backend's doing."""
    if len(sent) == len(held):
        found = [item(one, other) for one, other in zip(sent, held, strict=True)]
        if all(each is not None and each >= Likeness.POSSIBLE for each in found):
            return min((each for each in found if each is not None), default=Likeness.SAME)
    if not sent:
        return Likeness.UNLIKELY
    kept = {_normal(each) for each in sent} <= {_normal(each) for each in held}
    return Likeness.POSSIBLE if kept else Likeness.UNLIKELY


def _normal(value: Any) -> str:
    return _folded(json.dumps(value, sort_keys=True, default=str))


def _like_numbers(sent: float, held: float) -> Likeness:
    if sent == held:
        return Likeness.SAME
    whole = isinstance(sent, int) and isinstance(held, int)
    return Likeness.POSSIBLE if not whole and _rounded(sent, held) else Likeness.OTHER


def _rounded(sent: float, held: float) -> bool:
    try:
        return math.isclose(sent, held, rel_tol=1e-6) or any(
            held in (round(sent, digits), _half_up(sent, digits)) for digits in range(7)
        )
    except OverflowError:
        return False  # an integer that is beyond every float


def _half_up(number: float, digits: int) -> float:
    """Round as databases do, where Python takes the even digit."""
    return math.copysign(math.floor(abs(number) * 10**digits + 0.5 + 1e-9) / 10**digits, number)


def _like_texts(sent: str, held: str) -> Likeness:
    if sent.strip() == held.strip():
        return Likeness.SAME
    if (found := _like_moments(sent, held)) is not None:
        return found
    one, other = _folded(sent), _folded(held)
    if unicodedata.normalize("NFC", sent.strip()) == unicodedata.normalize("NFC", held.strip()) or (
        _UUID.fullmatch(one) and _UUID.fullmatch(other) and one.replace("-", "") == other.replace("-", "")
    ):
        return Likeness.SAME
    if (
        one == other
        or _slug(one) == other
        or (len(other) >= _LONG and one.startswith(other.removesuffix("...")))
    ):
        return Likeness.POSSIBLE
    return Likeness.POSSIBLE if one and _MASK.fullmatch(held) else Likeness.OTHER


def _slug(folded: str) -> str:
    return re.sub(r"[^\w]+", "-", folded).strip("-")


def _folded(text: str) -> str:
    return _written(text).casefold()


def _written(text: str) -> str:
    """Normalise a text: without markup, entities, and differences of spacing and encoding."""
    return " ".join(_TAG.sub("", html.unescape(unicodedata.normalize("NFKC", text))).split())


def like_moment(sent: Any, held: Any) -> Likeness:
    """Compare times, which may be in another time zone, and rounded."""
    found = _like_moments(sent, held) if isinstance(sent, str) and isinstance(held, str) else None
    return like_json(sent, held) if found is None else found


def _like_moments(sent: str, held: str) -> Likeness | None:
    """Compare texts as times; None if they are none."""
    one, other = _moment(sent), _moment(held)
    if one is None or other is None:
        return None
    zones = (one.tzinfo is None) is (other.tzinfo is None)
    apart = abs(_aware(one) - _aware(other))
    if not apart and zones:
        return Likeness.SAME
    whole = not other.second and not other.microsecond
    near = apart < timedelta(minutes=1) if whole else apart < timedelta(seconds=1)
    return Likeness.POSSIBLE if near else Likeness.OTHER


def _moment(text: str) -> datetime | None:
    # A date without a time, and digits that Python would read as a time, are texts.
    if len(text) < 16 or text[4] != "-" or text[10] not in "Tt ":
        return None
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def _aware(moment: datetime) -> datetime:
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def is_usual(sent: Any, held: Any) -> bool:
    """Whether the value before the write is what a backend would have made of the one that was sent.

    >>> is_usual("Night", "night"), is_usual("night", "Night"), is_usual({"a": 1}, {"a": 1, "b": 2})
    (True, False, False)
    """
    if isinstance(sent, Mapping) and isinstance(held, Mapping):
        return sent.keys() == held.keys() and all(is_usual(sent[key], held[key]) for key in sent)
    if isinstance(sent, list | tuple) and isinstance(held, list | tuple):
        return len(sent) == len(held) and all(map(is_usual, sent, held))
    if like_json(sent, held) < Likeness.POSSIBLE:
        return False
    if not isinstance(sent, str) or not isinstance(held, str) or held == held.lower():
        return True
    # Backends lower-case texts, but hardly upper-case them.
    one, other = _written(sent), _written(held)
    return one == other or one.casefold() != other.casefold()
