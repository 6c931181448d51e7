"""Query parameters as the flat client takes them: checked by name, and written as they travel."""

from __future__ import annotations

import enum
import math
import re

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from synapse.dialects import v1_client
from synapse.errors import QueryError, describe, did_you_mean
from synapse.orm.binding import check_host
from synapse.orm.record import entity_named
from synapse.query.kinds import LARGEST, SMALLEST, Boolean, Integer, Key, Kind, Reference, Search
from synapse.query.search import terms
from synapse.values import advice, is_many, is_missing, plain, sendable

if TYPE_CHECKING:
    from synapse.client.backend import BackendClient

_ANY: Final = v1_client.Parameter("repeat")
_WHOLE: Final = re.compile(r"\s*(?:[+-]?[0-9]+)?\s*")
_TRUTHS: Final = {"true": "true", "1": "true", "false": "false", "0": "false"}

Known: TypeAlias = Mapping[str, v1_client.Parameter]


def encoded(
    client: BackendClient, what: str, params: object, *, known: Known = v1_client.SINGLE
) -> v1_client.Params:
    """Write parameters as they travel: a list joined by commas or as a repeated key, `None` not at all.

    An object of another backend is refused. A strict client refuses what the backend would ignore, too: a name that
    *what* does not know, several values where it heeds one, and a filter by None, by no value or by one that means
    none.
    """
    strict = client.strict
    pairs: list[tuple[str, str]] = []
    for name, value in mapping_of(params).items():
        if strict:
            check_name(what, name, known=known)
        parameter = known.get(str(name).removesuffix("[]"), _ANY)
        values = list(_values(value))
        check_host(client.session, values, what=f"{what} {name}")
        if strict and parameter.kind is not None:
            texts = [_narrowing(what, name, each, parameter=parameter) for each in values]
            if not texts and not parameter.excludes:
                raise _refusal(
                    f"{what} {name} takes a value, got an empty list", "would answer with every row"
                )
        else:
            texts = [parameter.spelt(_text(name, each)) for each in values if each is not None]
        if strict and parameter.many is None and len(texts) > 1:
            raise QueryError(
                f"{what} takes one value of {name!r}, not {len(texts)}: the backend heeds one only. Nothing was sent"
            )
        joined = parameter.many == "comma" and texts
        pairs += [(str(name), text) for text in ([",".join(texts)] if joined else texts)]
    return tuple(pairs)


def mapping_of(params: object) -> Mapping[str, Any]:
    """Take parameters, none where None is given."""
    if params is None:
        return {}
    if not isinstance(params, Mapping):
        raise QueryError(f"params must be a mapping, got {describe(params)}; nothing was sent")
    return params


def check_name(what: str, name: object, *, known: Collection[str] | None, kind: str = "parameter") -> None:
    """Refuse a parameter, or a key of a body, that *what* would ignore."""
    if known is None or str(name).removesuffix("[]") in known:
        return
    raise QueryError(
        f"{what} has no {kind} {name!r}{did_you_mean(str(name), known)}: the backend would ignore it. "
        f"{kind.capitalize()}s: {', '.join(known)}; BackendClient(..., strict=False) sends any. Nothing was sent"
    )


def _narrowing(where: str, name: object, value: Any, *, parameter: v1_client.Parameter) -> str:
    """Write one value of a filter, refusing what the backend would take for no filter at all."""
    what, kind = f"{where} {name}", parameter.kind
    if value is None:
        raise _refusal(f"{what} takes a value, got None", "cannot be asked for it, only for every row")
    if isinstance(kind, Boolean):
        truth = _TRUTHS.get(str(value).lower())
        if truth is None:
            raise _refusal(f"{what} takes True or False, got {describe(value)}", "would ignore anything else")
        return truth
    text = parameter.spelt(_text(name, value))
    if isinstance(value, float) and math.isinf(value):
        raise _refusal(f"{what} takes a value, got {text}", "has no such value")
    if isinstance(kind, Integer | Reference) and not isinstance(value, str):
        text = str(kind.check(what, value))
    parts = text.split(",") if parameter.many == "comma" else [text]
    if not (terms(text) if isinstance(kind, Search) else any(part.strip() for part in parts)):
        raise _refusal(f"{what} got {describe(value)}, which is no filter", "would answer with every row")
    if _is_of_numbers(kind) and not all(_WHOLE.fullmatch(part) for part in parts):
        raise _refusal(f"{what} takes an integer, got {describe(value)}", "would cut a fraction off")
    return text


def _is_of_numbers(kind: Kind | None) -> bool:
    return isinstance(kind, Integer) or (
        isinstance(kind, Reference) and isinstance(entity_named(kind.to)._schema.key, Key)
    )


def _refusal(what: str, why: str) -> QueryError:
    return QueryError(
        f"{what}: the backend {why}. BackendClient(..., strict=False) sends any. Nothing was sent"
    )


def _values(value: Any) -> Iterable[Any]:
    return value if is_many(value) else (value,)


def _text(name: object, value: Any) -> str:
    value = plain(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return str(value.value)
    huge = isinstance(value, int) and not SMALLEST <= value <= LARGEST
    if huge or isinstance(value, Mapping | bytes | bytearray) or is_missing(value):
        raise QueryError(
            f"params[{name!r}] cannot travel in an address: {describe(value)}{advice(value)}; nothing was sent"
        )
    text = value.isoformat() if isinstance(value, date) else str(value)
    if reason := sendable(text):
        raise QueryError(f"params[{name!r}] is {reason}: {describe(value)}; nothing was sent")
    return text
