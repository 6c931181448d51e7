"""What to ask for, as a frozen value that knows nothing about HTTP."""

from __future__ import annotations

import enum

import attrs

from synapse.query.catalog import Condition
from synapse.showing import bounded


class FetchMode(enum.Enum):
    """What touching an unloaded relation or field does.

    `PEERS` loads it for every row of the same page at once, `ONE` for this row only, `RAISE` refuses.
    """

    PEERS = "peers"
    ONE = "one"
    RAISE = "raise"


@bounded
@attrs.frozen
class Query:
    """A selection of rows: immutable, comparable, picklable."""

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

    @property
    def sliced(self) -> bool:
        """Whether a slice was taken."""
        return self.start > 0 or self.stop is not None

    @property
    def unfiltered(self) -> bool:
        """Whether it may stand for every row there is; a raw parameter that the backend ignores narrows nothing."""
        return not (self.where or self.sliced or self.empty)

    @property
    def bare(self) -> bool:
        """Whether nothing was asked for, not even by a raw parameter."""
        return self.unfiltered and not self.params

    def slice(self, start: int, stop: int | None) -> Query:
        """Narrow to a slice of this query's own slice."""
        low = self.start + start
        high = self.stop if stop is None else self.start + stop
        if self.stop is not None and high is not None:
            high = min(high, self.stop)
        if high is not None and low >= high:
            return attrs.evolve(self, start=low, stop=low, empty=True)
        return attrs.evolve(self, start=low, stop=high)

    def reversed(self) -> Query:
        """Turn every order around."""
        return attrs.evolve(self, order=_flipped(self.order), backward=not self.backward)

    def ordered(self, order: tuple[str, ...]) -> Query:
        """Take another order; one that was turned around stays so, as in Django."""
        return attrs.evolve(self, order=_flipped(order) if self.backward else order)


def _flipped(order: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name[1:] if name.startswith("-") else f"-{name}" for name in order)
