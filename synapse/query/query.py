"""A query as a frozen value that knows nothing about HTTP."""

from __future__ import annotations

import enum

import attrs

from synapse.query.catalog import Condition
from synapse.showing import bounded


class FetchMode(enum.Enum):
    """What happens when a relation or field is read that is not loaded.

    `PEERS` loads it for all rows of the same page at once, `ONE` for this row only, `RAISE` raises `QueryError`.
    """

    PEERS = "peers"
    ONE = "one"
    RAISE = "raise"


@bounded
@attrs.frozen(repr=False)
class Query:
    """A selection of rows: immutable, comparable, picklable.

    `api` names the API generation that it goes by, where that is not the one that the session would choose.
    """

    where: tuple[Condition, ...] = ()
    order: tuple[str, ...] = ()
    start: int = 0
    stop: int | None = None
    expand: tuple[str, ...] = ()
    prefetch: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    defer: tuple[str, ...] = ()
    params: tuple[tuple[str, str], ...] = ()
    empty: bool = False
    mode: FetchMode = FetchMode.PEERS
    backward: bool = False
    api: str = ""

    @property
    def sliced(self) -> bool:
        """Whether it is a slice."""
        return self.start > 0 or self.stop is not None

    @property
    def unfiltered(self) -> bool:
        """Whether it may select every row: raw parameters don't count, since the backend may ignore them."""
        return not (self.where or self.sliced or self.empty)

    @property
    def bare(self) -> bool:
        """Whether it has no filters, not even a raw parameter."""
        return self.unfiltered and not self.params

    def slice(self, start: int, stop: int | None) -> Query:
        """Slice this query; a slice of a slice counts from the start of the first."""
        low = self.start + start
        high = self.stop if stop is None else self.start + stop
        if self.stop is not None and high is not None:
            high = min(high, self.stop)
        if high is not None and low >= high:
            return attrs.evolve(self, start=low, stop=low, empty=True)
        return attrs.evolve(self, start=low, stop=high)

    def reversed(self) -> Query:
        """Reverse every order."""
        return attrs.evolve(self, order=_flipped(self.order), backward=not self.backward)

    def ordered(self, order: tuple[str, ...]) -> Query:
        """Replace the order; a query that was reversed stays reversed, as in Django."""
        return attrs.evolve(self, order=_flipped(order) if self.backward else order)


def _flipped(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)
