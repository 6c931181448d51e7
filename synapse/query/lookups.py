"""The comparisons of filters, one class each."""

from __future__ import annotations

import operator

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Final

from synapse.errors import QueryError, describe
from synapse.query.kinds import Bound, Kind, Reference, Search
from synapse.values import is_many

# A backend may show moments less finely than it compares them.
_SLACK: Final = timedelta(seconds=1)


class Nothing(Exception):  # noqa: N818 - internal signal: the conditions exclude each other
    """No row can match."""


class Lookup:
    """One comparison: how its value is checked, how two on one field are merged, and which rows match.

    A subclass needs a `name`, and works in every entity that declares it. Without `holds()`, writes to the rows of a
    filter ask the backend whether it applies the filter.
    """

    name: ClassVar[str]
    inverse: ClassVar[type[Lookup] | None] = None

    @classmethod
    def check(cls, what: str, value: Any, *, kind: Kind) -> Any:
        """Check the value of `filter(<field>__<name>=value)`."""
        return cls.kind_of(kind).check(what, value)

    @classmethod
    def kind_of(cls, kind: Kind) -> Kind:
        """Return the type of the values that a field of this type is compared with."""
        return kind

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Merge the values of two conditions into one, or raise `Nothing` if no row can match both."""
        if first != second:
            raise QueryError(f"{first!r} and {second!r} cannot be asked for at once; give one of them")
        return first

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Whether the value of a row matches the filter value *asked*; None if they cannot be compared."""
        return None


class Exact(Lookup):
    """Equal to the value; for a to-many field: holds the value."""

    name = "exact"

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """No row matches two different values; an id and a code may name the same object."""
        if type(first) is not type(second):
            raise QueryError(f"cannot tell whether {first!r} and {second!r} are the same; give one of them")
        if first != second:
            raise Nothing
        return first

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Compare for equality; a list holds it as one of its values."""
        return _is_any(value, (asked,))


class In(Lookup):
    """Equal to one of the values."""

    name = "in"

    @classmethod
    def check(cls, what: str, value: Any, *, kind: Kind) -> tuple[Any, ...]:
        """Check every value, and drop duplicates; the order stays."""
        if not is_many(value):
            raise QueryError(f"{what} takes a list, got {describe(value)}")
        return tuple(dict.fromkeys(kind.check(what, item) for item in value))

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Keep the values that are in both lists."""
        allowed = set(second)
        kept = tuple(item for item in first if item in allowed)
        if not kept:
            raise Nothing
        return kept

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Compare with each value."""
        return _is_any(value, asked)


class Contains(Lookup):
    """Text that holds the value somewhere."""

    name = "contains"

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Look for it; whether backends heed the case differs."""
        if not isinstance(value, str) or (asked.casefold() in value.casefold()) != (asked in value):
            return None
        return asked in value


class NotIn(In):
    """None of the values; `exclude()` makes these."""

    name = "not_in"

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Keep the values of both lists."""
        return tuple(dict.fromkeys((*first, *second)))

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Compare with each value; null is none of them."""
        if value is None:
            return True
        met = None if isinstance(value, list) else _is_any(value, asked)
        return None if met is None else not met


def _comparable(first: Any, second: Any) -> bool:
    dates = [isinstance(value, date) and not isinstance(value, datetime) for value in (first, second)]
    return dates[0] == dates[1]


class _RangeLookup(Lookup):
    """One end of a range; `prefer` chooses the tighter of two, `compare` takes the lower value first."""

    prefer: ClassVar[Any]
    compare: ClassVar[Callable[[Any, Any], bool]]

    @classmethod
    def kind_of(cls, kind: Kind) -> Kind:
        """Take any integer as a bound of keys."""
        return Bound(kind.to, key=kind.key) if isinstance(kind, Reference) else kind

    @classmethod
    def merge(cls, first: Any, second: Any) -> Any:
        """Keep the tighter bound."""
        if not _comparable(first, second):
            raise QueryError(f"cannot tell which of {first!r} and {second!r} is tighter; give one of them")
        return cls.prefer(first, second)

    @classmethod
    def holds(cls, value: Any, asked: Any) -> bool | None:
        """Compare with the bound; allow for timestamps that the backend shows less precisely than it compares them."""
        if value is None:
            return False
        for one, other in _pairs((value,), (asked,)):
            slack: Any = _SLACK if isinstance(one, datetime) else 0
            low, high = (other, one + slack) if cls.prefer is max else (one - slack, other)
            return bool(cls.compare(low, high))
        return None


class Gt(_RangeLookup):
    """Greater than."""

    name = "gt"
    prefer = max
    compare = operator.lt


class Gte(_RangeLookup):
    """Greater than or equal to."""

    name = "gte"
    prefer = max
    compare = operator.le


class Lt(_RangeLookup):
    """Less than."""

    name = "lt"
    prefer = min
    compare = operator.lt


class Lte(_RangeLookup):
    """Less than or equal to."""

    name = "lte"
    prefer = min
    compare = operator.le


def _is_any(value: Any, asked: Iterable[Any]) -> bool | None:
    """Whether a value, or one of a list, equals one of those that were asked for; None where that is unknown."""
    if value is None:
        return False
    values, asked = value if isinstance(value, list) else [value], tuple(asked)
    pairs = list(_pairs(values, asked))
    if len(pairs) < len(values) * len(asked) and not (isinstance(value, list) and any(map(_equal, pairs))):
        return None
    return any(map(_equal, pairs))


def _equal(pair: tuple[Any, Any]) -> bool:
    return bool(pair[0] == pair[1])


def _pairs(values: Iterable[Any], asked: Iterable[Any]) -> Iterable[tuple[Any, Any]]:
    """Pair the values that can be compared, texts without their case, as the backend compares them."""
    asked = tuple(asked)
    for value in values:
        for each in asked:
            if isinstance(value, str) and isinstance(each, str):
                yield value.casefold(), each.casefold()
            elif isinstance(value, datetime) and isinstance(each, datetime):
                if (value.tzinfo is None) == (each.tzinfo is None):
                    yield value, each
            elif type(value) is type(each):
                yield value, each


Gt.inverse, Lte.inverse = Lte, Gt
Gte.inverse, Lt.inverse = Lt, Gte

BY_NAME: Final = {lookup.name: lookup for lookup in (Exact, In, NotIn, Gt, Gte, Lt, Lte)}


class By:
    """The lookups of one name, such as `By(Exact, In)`; `of` is the type of a name that is no field of the entity.

    `of` is `int`, `str`, `bool`, `datetime`, `Search`, an enumeration, or the name of an entity. With `many` the name
    stands for several values of a row, so that two filters on it cannot be merged. `field` is the field that the name
    filters by, if they differ.
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
