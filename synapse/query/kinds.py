"""The types of filter values, checked before anything is sent."""

from __future__ import annotations

import enum
import operator

from collections.abc import Callable
from datetime import date, datetime
from typing import Any, Protocol

import attrs

from synapse.errors import QueryError, describe, did_you_mean
from synapse.query.search import terms
from synapse.values import advice, is_missing, plain, sendable

LARGEST = 2**63 - 1
SMALLEST = -(2**63)
LONGEST_KEY = 255
FORBIDDEN_IN_KEYS = frozenset("/?#%\\")


class Kind(Protocol):
    """The type of a filter's values."""

    def check(self, what: str, value: Any) -> Any:
        """Return the value as it will be compared and encoded, or raise a `QueryError` that starts with *what*."""


def _refuse(what: str, expected: str, value: Any) -> QueryError:
    if value is None or is_missing(value):
        hint = f"; {'None' if value is None else 'a missing value'} cannot be asked for on this wire"
    else:
        hint = advice(value)
    return QueryError(f"{what} takes {expected}, got {describe(value)}{hint}")


@attrs.frozen(eq=False, repr=False)
class Integer:
    """A whole number, such as a count."""

    def check(self, what: str, value: Any) -> int:
        """Refuse everything but 64-bit integers; `True` is none."""
        if isinstance(value, bool):
            raise _refuse(what, "an integer", value)
        try:
            number = operator.index(value)
        except TypeError:
            raise _refuse(what, "an integer", value) from None
        if not SMALLEST <= number <= LARGEST:
            raise _refuse(what, "a 64-bit integer", value)
        return number


@attrs.frozen(eq=False, repr=False)
class Key:
    """An integer primary key."""

    def check(self, what: str, value: Any) -> int:
        """Refuse what is never a key: zero, negative and huge numbers, text, floats."""
        number = Integer().check(what, value)
        if number < 1:
            raise _refuse(what, "a positive integer", value)
        return number


@attrs.frozen(eq=False, repr=False)
class TextKey:
    """A key that is text, such as a UUID, a plugin code or `code@version`; if `number`, integers are keys as well.

    `form` normalises a key, so that two spellings of one UUID are equal.
    """

    number: bool = False
    form: Callable[[str], str] = str

    def check(self, what: str, value: Any) -> str | int:
        """Refuse text that would change the path of the request, such as `..` or `a/b`."""
        text = str(value) if type(value).__name__ == "UUID" else value
        if self.number and not isinstance(text, str):
            return Key().check(what, value)
        if not isinstance(text, str):
            raise _refuse(what, "a text key", value)
        # A subclass may say in `__str__` something else than it holds, and the checks below must see what is sent.
        text = str.__str__(text)
        if len(text) > LONGEST_KEY:
            raise _refuse(what, f"a text key of {LONGEST_KEY} characters at most", value)
        if (
            text in ("", ".", "..")
            or FORBIDDEN_IN_KEYS & set(text)
            or not text.isprintable()
            or text != text.strip()
        ):
            raise _refuse(what, "a text key without slashes, '?', '#', '%' or blanks around it", value)
        return self.form(text)


@attrs.frozen(eq=False, repr=False)
class Text:
    """Text that is not empty, since the backend ignores a filter with an empty value."""

    def check(self, what: str, value: Any) -> str:
        """Refuse empty values, values that are no text, and text that cannot be encoded."""
        if not isinstance(value, str) or not value.strip():
            raise _refuse(what, "text that is not empty", value)
        if sendable(value) is not None:
            raise _refuse(what, "text without NUL characters and lone surrogates", value)
        # `str()` of a member of a text enumeration is its name; the backend knows its value.
        return str.__str__(value)


@attrs.frozen(eq=False, repr=False)
class Name(Text):
    """Text that is sent in a list separated by commas."""

    def check(self, what: str, value: Any) -> str:
        """Refuse a comma, which would make two names of one."""
        text = Text.check(self, what, value)
        if "," in text:
            raise _refuse(what, "a name without a comma", value)
        return text


@attrs.frozen(eq=False, repr=False)
class Search(Text):
    """Text that the backend splits into terms; a row matches if it holds all of them."""

    def check(self, what: str, value: Any) -> str:
        """Refuse text without a term, such as a single comma or quote: the backend would return every row."""
        text = Text.check(self, what, value)
        if not terms(text):
            raise QueryError(
                f"{what} got {describe(value)}, which holds no search term, so that the backend would "
                "return every row; .params(search=...) sends it nevertheless"
            )
        return text


@attrs.frozen(eq=False, repr=False)
class Boolean:
    """True or False."""

    def check(self, what: str, value: Any) -> bool:
        """Refuse other values, even 1 and 'true'."""
        own = plain(value)
        if not isinstance(own, bool):
            raise _refuse(what, "True or False", value)
        return own


@attrs.frozen(eq=False, repr=False)
class Timestamp:
    """An aware datetime, a date, or either as ISO 8601 text."""

    def check(self, what: str, value: Any) -> datetime | date:
        """Refuse a datetime without a time zone, which does not say which instant it means."""
        moment = self._parse(what, value) if isinstance(value, str) else value
        if not isinstance(moment, date) or is_missing(moment):
            raise _refuse(what, "a date or an aware datetime", value)
        if isinstance(moment, datetime) and moment.utcoffset() is None:
            raise QueryError(
                f"{what} got a datetime without a time zone: {value!r}. "
                "Write datetime(..., tzinfo=timezone.utc), or value.astimezone() for this machine's zone"
            )
        return moment

    @staticmethod
    def _parse(what: str, text: str) -> datetime | date:
        try:
            return date.fromisoformat(text)
        except ValueError:
            pass
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            raise _refuse(what, "a date or an aware datetime in ISO 8601", text) from None


@attrs.frozen(eq=False, repr=False)
class Choice:
    """A value of an enumeration."""

    of: type[enum.Enum]

    def check(self, what: str, value: Any) -> str:
        """Refuse a value that the enumeration does not list, and suggest the nearest."""
        known = [str(member.value) for member in self.of]
        try:
            if not isinstance(value, str | enum.Enum):
                raise ValueError  # comparing an array gives an array, and no answer
            return str(self.of(value).value)
        except ValueError:
            hint = did_you_mean(value, known) if isinstance(value, str) else ""
            raise QueryError(
                f"{what} takes a {self.of.__name__}, got {describe(value)}{hint or advice(value)}. "
                f"Values: {', '.join(known)}; another one goes through .params()"
            ) from None


@attrs.frozen(eq=False, repr=False)
class Reference:
    """An object of another entity, or its key."""

    to: str
    key: Kind = attrs.field(factory=Key)

    def check(self, what: str, value: Any) -> Any:
        """Return the key; refuse an object of another entity, one that is not saved, and one that was deleted."""
        schema = getattr(type(value), "_schema", None)
        if schema is None:
            return self.key.check(what, value)
        if not schema.is_a(self.to):
            raise QueryError(f"{what} takes a {self.to} or its key, not a {schema.entity}")
        if value.pk is None:
            raise QueryError(f"{what} got a {self.to} that is not saved yet; call .save() on it first")
        if value._state.deleted:
            raise QueryError(f"{what} got {self.to} {value.pk}, which was deleted")
        return self.key.check(what, value.pk)


@attrs.frozen(eq=False, repr=False)
class Bound(Reference):
    """What keys are compared with: an object, or any integer, even one that is no key (as in `id__gt=0`)."""

    def check(self, what: str, value: Any) -> Any:
        """Return the key of an object, or any 64-bit integer."""
        whole = isinstance(self.key, Key) and getattr(type(value), "_schema", None) is None
        return Integer().check(what, value) if whole else Reference.check(self, what, value)


_TAKES: dict[type, str] = {
    Integer: "a whole number",
    Key: "a key",
    Boolean: "True or False",
    Timestamp: "a date, an aware datetime, or their ISO text",
    Search: "text to search for",
}


def takes(kind: Kind) -> str:
    """Say in a few words what the values of a type are."""
    if isinstance(kind, Choice):
        return " | ".join(str(member.value) for member in kind.of)
    if isinstance(kind, Reference):
        return f"{kind.to} or its key"
    return _TAKES.get(type(kind), "text" if isinstance(kind, Text | TextKey) else "a value")
