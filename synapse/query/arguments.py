"""What a query is built from, checked: names, places, lookups and raw parameters; and the query spelled out."""

from __future__ import annotations

import operator

from collections.abc import Mapping
from typing import Any, Literal

import attrs

from synapse.errors import ArgumentTypeError, QueryError, describe
from synapse.masking import mask_body
from synapse.query.catalog import Catalog
from synapse.query.kinds import LARGEST, SMALLEST
from synapse.query.lookups import Nothing
from synapse.query.query import Query
from synapse.values import advice, plain


def texts(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Take names, one argument each."""
    for name in names:
        if not isinstance(name, str):
            hint = "; start from a query without them to have none" if name is None else ""
            raise QueryError(f"{what} takes names, one argument each, got {describe(name)}{hint}")
    return names


def place(index: object) -> int:
    """Take the number of a row, or an end of a slice."""
    try:
        number = None if isinstance(index, bool) else operator.index(index)  # type: ignore[arg-type]
    except TypeError:
        number = None
    if number is None:
        raise ArgumentTypeError(f"rows are numbered by integers, got {describe(index)}")
    if number < 0:
        raise QueryError("negative places are not supported; use reverse() or last()")
    return number


def bounds(index: slice) -> tuple[int, int | None, int | None]:
    """Take the ends and the step of a slice; a negative step turns the rows of the slice around, as in Django."""
    low, high = (None if end is None else place(end) for end in (index.start, index.stop))
    if index.step is None:
        return low or 0, high, None
    backward = hasattr(type(index.step), "__index__") and operator.index(index.step) < 0
    step = -place(-operator.index(index.step)) if backward else place(index.step)
    if not step:
        raise QueryError("the step of a slice cannot be zero")
    return low or 0, high, step


def raw(params: Mapping[str, object], *, paging: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Take raw query parameters, but for those of *paging*, which choose the page."""
    params = {name: plain(value) for name, value in params.items()}
    for name, value in params.items():
        if not isinstance(value, str | int) or (isinstance(value, int) and not SMALLEST <= value <= LARGEST):
            raise QueryError(
                f"params({name}=...) takes text or a number as it is sent, got {describe(value)}{advice(value)}"
            )
        if name in paging:
            raise QueryError(f"params({name}=...) would choose the page that is read; {paging[name]}")
    return tuple((name, str(value)) for name, value in params.items())


def check_unsliced(query: Query, verb: str) -> None:
    """Refuse to change a query once a slice of it was taken."""
    if query.sliced:
        raise QueryError(f"{verb} cannot follow a slice, since the slice was taken first; narrow, then slice")


def check_lookups(verb: str, *, lookups: Mapping[str, Any], refused: tuple[object, ...]) -> None:
    """Refuse what the backend cannot answer: anything but `name=value`, and NOT of several at once."""
    if refused:
        raise QueryError(
            f"{verb}() takes name=value only; the backend cannot answer OR or nested conditions. Chain filter() for "
            "AND; for OR run both queries, and join the rows by key"
        )
    if verb == "exclude" and len(lookups) > 1:
        raise QueryError(
            "exclude() with several lookups means NOT (a AND b), which the backend cannot answer; "
            "chain one exclude() for each if you mean NOT a AND NOT b"
        )


def narrowed(
    query: Query, catalog: Catalog, *, verb: Literal["filter", "exclude"], lookups: Mapping[str, Any]
) -> Query:
    """Give the query that meets these lookups, or none of them, as well."""
    make = catalog.condition if verb == "filter" else catalog.negation
    conditions = [make(name, value) for name, value in lookups.items()]
    where = query.where
    try:
        for condition in conditions:
            where = catalog.add(where, condition)
    except Nothing:
        return attrs.evolve(query, where=(*query.where, *conditions), empty=True)
    return attrs.evolve(query, where=where)


def spelled(query: Query) -> str:
    """Spell a query the way it was built."""
    pieces = [str(each) for each in query.where] + [
        f"{name}={value!r}" for each in query.params for name, value in mask_body(dict([each])).items()
    ]
    if query.order:
        pieces.append(f"by {','.join(query.order)}")
    if query.sliced:
        pieces.append(f"[{query.start}:{'' if query.stop is None else query.stop}]")
    return " ".join(pieces)
