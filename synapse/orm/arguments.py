"""What callers give to verbs, checked before anything is sent."""

from __future__ import annotations

import math

from collections.abc import Mapping
from typing import Any

from synapse.errors import QueryError, describe
from synapse.mapping.codecs import Misfit, check_json
from synapse.mapping.json import copy_json
from synapse.orm.record import is_record
from synapse.values import is_many


def items(what: str, given: object, *, of: str) -> list[Any]:
    """Take a list of things, refusing text, a mapping, a single thing and None."""
    if is_record(given) or not is_many(given):
        raise _refusal(what, f"a list of {of}", given)
    return list(given)


def is_table(given: object) -> bool:
    """Whether this is a table of values, and no list of objects."""
    if isinstance(given, list | tuple):
        return bool(given) and isinstance(given[0], Mapping)
    is_arrow = hasattr(given, "__arrow_c_stream__") or hasattr(given, "__arrow_c_array__")
    # A query is a list of objects as well, which a writer refuses as saved ones.
    return is_arrow and not hasattr(given, "fetch_mode")


def texts(what: str, given: object) -> list[str]:
    """Take a list of text, none of it empty."""
    return [text(what, each) for each in items(what, given, of="text")]


def text(what: str, given: object) -> str:
    """Take text that is not empty."""
    if not isinstance(given, str) or not given.strip():
        raise _refusal(what, "text that is not empty", given)
    return given


def flag(what: str, given: object) -> bool:
    """Take True or False."""
    if not isinstance(given, bool):
        raise _refusal(what, "True or False", given)
    return given


def seconds(what: str, given: object) -> float:
    """Take a number of seconds."""
    if isinstance(given, bool) or not isinstance(given, int | float) or not (0 <= given < math.inf):
        raise _refusal(what, "a number of seconds", given)
    return given


def check_size(name: str, value: object) -> None:
    """Refuse a size that is no positive integer."""
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise QueryError(f"{name} is a positive integer, got {describe(value)}")


def json_object(what: str, given: object) -> dict[str, Any]:
    """Take a dict that JSON can hold."""
    if not isinstance(given, Mapping):
        raise _refusal(what, "a dict", given)
    try:
        # What is kept to ask for a lost answer must not change with what the caller does to it.
        taken: dict[str, Any] = copy_json(check_json(dict(given)))
    except Misfit as misfit:
        raise QueryError(f"{misfit.of(what)}; nothing was sent") from None
    return taken


def _refusal(what: str, expected: str, given: object) -> QueryError:
    return QueryError(f"{what} takes {expected}, got {describe(given)}; nothing was sent")
