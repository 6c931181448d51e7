"""The names, numbers and raw parameters that a query is built from, checked; and the query spelled out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from synapse.dialects.masking import mask_body
from synapse.errors import QueryError, describe
from synapse.query import Query
from synapse.query.kinds import LARGEST
from synapse.values import advice, plain

PAGING: Final = {
    "page": "slice the query instead",
    "page_size": "say iterator(page_size=...) or Session(page_size=...)",
    "cursor": "the SDK walks the pages itself",
    "pagination": "the SDK walks the pages itself",
}


def texts(what: str, names: tuple[str, ...]) -> tuple[str, ...]:
    """Take names, one argument each."""
    for name in names:
        if not isinstance(name, str):
            hint = "; start from a query without them to have none" if name is None else ""
            raise QueryError(f"{what} takes names, one argument each, got {describe(name)}{hint}")
    return names


def bounds(index: slice) -> tuple[int, int | None]:
    """Take the ends of a slice."""
    for bound in (index.start, index.stop, index.step):
        if bound is not None and (isinstance(bound, bool) or not hasattr(type(bound), "__index__")):
            raise QueryError(f"rows are numbered by integers, got {describe(bound)}")
        if bound is not None and bound < 0:
            raise QueryError("negative places are not supported; use reverse() or last()")
    return index.start or 0, index.stop


def raw(params: Mapping[str, object]) -> tuple[tuple[str, str], ...]:
    """Take raw query parameters, but for those that choose the page."""
    params = {name: plain(value) for name, value in params.items()}
    for name, value in params.items():
        if not isinstance(value, str | int) or (isinstance(value, int) and abs(value) > LARGEST):
            raise QueryError(
                f"params({name}=...) takes text or a number as it is sent, got {describe(value)}{advice(value)}"
            )
        if name in PAGING:
            raise QueryError(f"params({name}=...) would choose the page that is read; {PAGING[name]}")
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
