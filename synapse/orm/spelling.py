"""The names, numbers and raw parameters that a query is built from, checked; and the query spelled out."""

from __future__ import annotations

import operator

from collections.abc import Mapping

from synapse.errors import ArgumentTypeError, QueryError, describe
from synapse.masking import mask_body
from synapse.query import Query
from synapse.query.kinds import LARGEST, SMALLEST
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
