"""The comparisons that a filter can make, one class each."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any, ClassVar, Final

from synapse.errors import QueryError, describe
from synapse.query.kinds import Bound, Kind, Reference, Search
from synapse.values import is_many


class Nothing(Exception):  # noqa: N818 - internal signal: the conditions exclude each other
    """No row can match."""


class Lookup:
    """One comparison: how its value is checked, and what two of them on one field mean together."""

    name: ClassVar[str]
    inverse: ClassVar[type[Lookup] | None] = None

    @classmethod
    def check(cls, what: str, value: Any, *, kind: Kind) -> Any:
        """Check the value of `filter(<field>__<name>=value)`."""
        return cls.kind_of(kind).check(what, value)

    @classmethod
    def kind_of(cls, kind: Kind) -> Kind:
        """Give the kind of the values that a field of this kind is compared with."""
        return kind

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Give the one value that means both, or raise `Nothing`."""
        raise NotImplementedError


class Exact(Lookup):
    """Equal to the value; of a to-many field: holds the value."""

    name = "exact"

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Two different values match no row; but an id and a code may name the same one."""
        if type(first) is not type(second):
            raise QueryError(f"cannot tell whether {first!r} and {second!r} are the same; give one of them")
        if first != second:
            raise Nothing
        return first


class In(Lookup):
    """Equal to one of the values."""

    name = "in"

    @classmethod
    def check(cls, what: str, value: Any, *, kind: Kind) -> tuple[Any, ...]:
        """Check every value; doubles are dropped, the order stays."""
        if not is_many(value):
            raise QueryError(f"{what} takes a list, got {describe(value)}")
        return tuple(dict.fromkeys(kind.check(what, item) for item in value))

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Only what both lists hold."""
        allowed = set(second)
        kept = tuple(item for item in first if item in allowed)
        if not kept:
            raise Nothing
        return kept


class NotIn(In):
    """None of the values; reached through `exclude()`."""

    name = "not_in"

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """What either list holds."""
        return tuple(dict.fromkeys((*first, *second)))


def _comparable(first: Any, second: Any) -> bool:
    dates = [isinstance(value, date) and not isinstance(value, datetime) for value in (first, second)]
    return dates[0] == dates[1]


class _Bound(Lookup):
    """One end of a range."""

    prefer: ClassVar[Any]

    @classmethod
    def kind_of(cls, kind: Kind) -> Kind:
        """Let any integer bound keys."""
        return Bound(kind.to, key=kind.key) if isinstance(kind, Reference) else kind

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Keep the tighter bound."""
        if not _comparable(first, second):
            raise QueryError(f"cannot tell which of {first!r} and {second!r} is tighter; give one of them")
        return cls.prefer(first, second)


class Gt(_Bound):
    """Greater than."""

    name = "gt"
    prefer = max


class Gte(_Bound):
    """Greater than or equal to."""

    name = "gte"
    prefer = max


class Lt(_Bound):
    """Less than."""

    name = "lt"
    prefer = min


class Lte(_Bound):
    """Less than or equal to."""

    name = "lte"
    prefer = min


Gt.inverse, Lte.inverse = Lte, Gt
Gte.inverse, Lt.inverse = Lt, Gte

BY_NAME: Final = {lookup.name: lookup for lookup in (Exact, In, NotIn, Gt, Gte, Lt, Lte)}


class By:
    """The lookups that a name takes: `By(Exact, In)`; `of` types a name that is no field of the entity.

    `of` is `int`, `str`, `bool`, `datetime`, `Search`, an enumeration, or the name of an entity; `many` says that
    the name stands for several values, so that two filters on it do not simply add up. `field` is the field that shows
    whether a row meets it, where that has another name.
    """

    def __init__(
        self, *lookups: type[Lookup], of: Any = None, many: bool = False, field: str | None = None
    ) -> None:
        self.lookups = lookups
        self.of = of
        self.many = many
        self.field = field


EXACT: Final = By(Exact)
CHOICE: Final = By(Exact, In)
RANGE: Final = By(Gt, Gte, Lt, Lte)
ID: Final = By(Exact, In, NotIn, Gt, Gte, Lt, Lte)
SEARCH: Final = By(Exact, of=Search, many=True)
