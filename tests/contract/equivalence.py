"""The same questions twice: put to the SDK, and to Django's own ORM on the sandbox's database."""

from __future__ import annotations

import zoneinfo

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs

from hypothesis import strategies as st

from synapse import Session
from synapse.dialects import Reply, Request

Strategy = st.SearchStrategy
ZONE = zoneinfo.ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MISSING = 900_000
LABELS = ("stand_by", "in_progress", "completed", "skipped")
REVIEWS = (*LABELS, "rejected")


class CappedSession(Session):
    """A session whose backend gives at most `cap` rows a page, whatever was asked for."""

    cap = 1000

    def send(self, request: Request, *, decode: Any = None) -> Reply:
        """Send the request as the capping backend would understand it."""
        params = tuple(
            (name, str(min(int(text), self.cap)) if name == "page_size" else text)
            for name, text in request.params
        )
        return super().send(attrs.evolve(request, params=params), decode=decode)


@attrs.frozen
class Ask:
    """One lookup as the SDK takes it, and what it means to Django."""

    spelling: str
    value: Any
    meaning: Any


Asks = list[Strategy[Ask]]
"""The lookups of one name, one for each way to spell it."""


@attrs.frozen(repr=False)
class Subject:
    """One entity: its Django model, its lookups by name, and what it can be ordered and read by.

    `negative` are the lookups that `exclude()` takes; `once` those that the wire takes one time only; `natural` is the
    order of a query that asks for none.
    """

    entity: Any
    model: Any
    rows: Any
    keys: Sequence[Any]
    asks: Mapping[str, Asks]
    negative: Sequence[str] = ()
    once: Sequence[str] = ()
    orders: Sequence[str] = ("id",)
    natural: Sequence[str] = ("pk",)
    fields: Sequence[str] = ("id",)
    decorations: Sequence[Callable[[Any], Any]] = ()
    pk: str = "id"
    single: bool = True

    def __repr__(self) -> str:
        return f"<Subject {self.entity.__name__}>"

    def pairs(self, names: Sequence[str] | None = None) -> Strategy[Ask]:
        """Lookups of these names, or of any."""
        return st.sampled_from(list(names or self.asks)).flatmap(lambda name: st.one_of(self.asks[name]))

    def twice(self) -> Strategy[list[Ask]]:
        """Two lookups on one name that may be given so, often even of the same spelling."""
        repeatable = [asks for name, asks in self.asks.items() if name not in self.once]
        spelled = st.sampled_from(repeatable).flatmap(st.sampled_from)
        same = spelled.flatmap(lambda ask: st.lists(ask, min_size=2, max_size=2))
        mixed = st.sampled_from(repeatable).flatmap(
            lambda asks: st.lists(st.one_of(asks), min_size=2, max_size=2)
        )
        return same | mixed


# --- lookups ------------------------------------------------------------------
def exact(name: str, values: Strategy[Any], *, mean: Callable[[Any], Any]) -> Asks:
    """`name=value`."""
    return [values.map(lambda value: Ask(name, value, mean(key_of(value))))]


def listed(name: str, values: Strategy[Any], *, mean: Callable[[Any], Any], size: int = 6) -> Asks:
    """`name__in=values`: any iterable, empty as well."""
    lists = st.lists(values, max_size=size)
    return [lists.map(lambda many: Ask(f"{name}__in", many, mean([key_of(each) for each in many])))]


def ranged(name: str, values: Strategy[Any]) -> Asks:
    """`name__gte=value` and the other three."""
    from django.db.models import Q

    def bound(spelling: str) -> Strategy[Ask]:
        return values.map(lambda value: Ask(spelling, value, Q(**{spelling: instant(value)})))

    return [bound(f"{name}__{side}") for side in ("gt", "gte", "lt", "lte")]


def key_of(value: Any) -> Any:
    """Give what Django compares: the key of an object, the text of an enum's member."""
    return getattr(value, "pk", getattr(value, "value", value))


def instant(value: Any) -> Any:
    """Read a moment as the backend does: a day begins at midnight of its own zone."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=ZONE)
    return value


def column(path: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """What `name=` and `name__in=` mean for a column, or for a relation that a row has one of."""
    from django.db.models import Q

    return (lambda value: Q(**{path: value})), (lambda many: Q(**{f"{path}__in": many}))


def related(model: Any, path: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The same over a relation to many; each row once, however many related rows match."""
    from django.db.models import Q

    def found(**lookups: Any) -> Any:
        return Q(pk__in=model.objects.filter(**lookups).values("pk"))

    return (lambda value: found(**{path: value})), (lambda many: found(**{f"{path}__in": many}))


def both(
    name: str, values: Strategy[Any], meaning: tuple[Callable[[Any], Any], Callable[[Any], Any]]
) -> Asks:
    """`name=` and `name__in=`."""
    return exact(name, values, mean=meaning[0]) + listed(name, values, mean=meaning[1])


def keys(values: Sequence[Any]) -> Asks:
    """Every lookup of an integer key, lists that are too long for one URL among them."""
    near = st.sampled_from([*values, MISSING])
    one, many = column("id")
    padding = list(range(MISSING, MISSING + 2_500))
    long = st.lists(near, max_size=12).map(
        lambda few: Ask("id__in", [*few, *padding], many([*few, *padding]))
    )
    return [*both("id", near, (one, many)), *ranged("id", near), long]


def truths(name: str, mean: Callable[[bool], Any]) -> Asks:
    """`name=True` and `name=False`."""
    return exact(name, st.booleans(), mean=mean)


def moments() -> Strategy[Any]:
    """Aware datetimes near the rows' own, in two zones, also as text."""
    near = st.integers(-2, 15).map(lambda hours: START + timedelta(hours=hours))
    return near | near.map(lambda when: when.astimezone(ZONE)) | near.map(datetime.isoformat)


def days() -> Strategy[date]:
    """Days round those of the rows."""
    return st.integers(-2, 5).map(lambda number: (START + timedelta(days=number)).date())
