"""What the proof draws: tables of every shape, what happens to them, and ways to read them."""

from __future__ import annotations

import os

from typing import Any, Final, Literal

import attrs

from hypothesis import settings
from hypothesis import strategies as st

from synapse import Project, Task
from synapse.orm import QuerySet
from synapse.reading import route
from tests.amounts import either
from tests.proof.table import FAULTS, Change, Fault, Lie, Table, TableSession

TIMES: Final = int(os.environ.get("PROOF", "0"))
LARGEST: Final = 2**63 - 1
BASES: Final = (1, 900, 10**6, 2**31, 2**53, 2**63 - 90)
Changed = Literal["one way", "both ways"] | None
ORDERS: Final = ("id", "-id", "created", "-created")


def examples(number: int, **more: Any) -> settings:
    """So many examples in a full run, a quarter in the quick one; `PROOF=20` draws twenty times as many, and others."""
    return settings(
        max_examples=number * TIMES or either(number, number // 4),
        derandomize=not TIMES,
        database=None,
        **more,
    )


@attrs.frozen
class Reading:
    """How one query is read, and resumed in pages of `again` rows; from `afar` threads are worth their trouble."""

    order: str
    page_size: int
    workers: int
    afar: bool = True
    again: int = 100

    def query(self, session: TableSession) -> QuerySet[Task]:
        """Make the query; it filters on what edits change."""
        route.NEAR = 0.0 if self.afar else 60.0
        return Task.objects.using(session).filter(is_discarded=False).order_by(self.order)

    @property
    def options(self) -> dict[str, Any]:
        """The arguments of `iterator()`."""
        return {"page_size": self.page_size, "workers": self.workers}


def readings(orders: tuple[str, ...] = ORDERS) -> st.SearchStrategy[Reading]:
    """Every order, small pages, one worker or several."""
    sizes = st.integers(1, 7) | st.sampled_from([20, 100])
    return st.builds(
        Reading,
        st.sampled_from(orders),
        sizes,
        st.sampled_from([1, 2, 3, 8]),
        st.sampled_from([True, True, False]),
        sizes,
    )


# --- tables ---------------------------------------------------------------------
def runs() -> st.SearchStrategy[list[int]]:
    """Keys in runs that lie far apart, the last ones near the largest that there can be."""
    run = st.builds(
        lambda base, shift, length, step: list(range(base + shift, base + shift + length * step, step)),
        st.sampled_from(BASES),
        st.integers(0, 9),
        st.integers(0, 25),
        st.sampled_from([1, 1, 2, 3]),
    )
    return st.lists(run, max_size=4).map(lambda many: sorted({key for each in many for key in each}))


def keys() -> st.SearchStrategy[list[int]]:
    """Dense, clustered, sparse; none and one as well."""
    dense = st.builds(
        lambda low, length: list(range(low, low + length)), st.integers(1, 50), st.integers(0, 60)
    )
    sparse = st.lists(st.integers(1, 10**6) | st.integers(1, LARGEST), max_size=40, unique=True).map(sorted)
    return dense | runs() | sparse


@st.composite
def tables(draw: Any, *, changed: Changed = None, faulty: bool = False, lie: Lie | None = None) -> Table:
    """A table, what happens to it and what goes wrong.

    A row that goes while another one comes leaves the count as it was, so that nobody can tell from numbered pages;
    those that change `"one way"` have only rows that come, or only rows that go.
    """
    given = draw(keys())
    moments = draw(st.sampled_from(["by key", "against it", "three at once", "any"]))
    places = {
        "by key": {key: place for place, key in enumerate(given)},
        "against it": {key: len(given) - place for place, key in enumerate(given)},
        "three at once": {key: place // 3 for place, key in enumerate(given)},
    }
    return Table(
        given,
        created=places.get(moments, {}),
        cap=draw(st.integers(1, 7) | st.just(1000)),
        changes=draw(changes(given, changed=changed)),
        faults=draw(faults()) if faulty else {},
        slow=draw(st.dictionaries(st.integers(1, 12), st.sampled_from([0.0005, 0.002]), max_size=2)),
        lie=lie,
    )


def changes(given: list[int], *, changed: Changed) -> st.SearchStrategy[list[Change]]:
    """Rows that come before, between and after the others, and rows that go."""
    near = st.sampled_from(given or [5]).flatmap(
        lambda key: st.integers(max(key - 2, 1), min(key + 2, LARGEST))
    )
    some = st.sampled_from(given) if given else st.just(1)
    when = st.integers(1, 6) | st.integers(1, 40)
    coming = st.builds(Change, when, st.just("insert"), near | st.integers(1, LARGEST))
    going = st.builds(Change, when, st.sampled_from(["delete", "edit"]), some)
    if changed == "both ways":
        return st.lists(coming | going, max_size=8)
    if changed == "one way":
        return st.lists(coming, max_size=8) | st.lists(going, max_size=8)
    return st.just([])


def faults() -> st.SearchStrategy[dict[int, Fault]]:
    """A few requests that fail, now and then several in a row."""
    return st.dictionaries(st.integers(1, 5) | st.integers(1, 30), st.sampled_from(FAULTS), max_size=5)


def numbered(session: TableSession) -> QuerySet[Project]:
    """A list that the wire can only number."""
    return Project.objects.using(session)
