"""Query parameters as the flat client takes them: checked by name, and written as they travel."""

from __future__ import annotations

import enum

from collections.abc import Collection, Iterable, Mapping
from datetime import date
from typing import Any

from synapse.dialects import v1_client
from synapse.errors import QueryError, describe, did_you_mean


def known_shape(strict: bool) -> tuple[str, ...] | None:
    """Name the parameters that a single object heeds; None where nothing is to be checked."""
    return v1_client.SHAPE if strict else None


def encoded(what: str, params: object, *, known: Collection[str] | None) -> v1_client.Params:
    """Write parameters as they travel: a list as a repeated key, `None` not at all.

    A name that *what* would ignore is a `QueryError`, unless *known* is None.
    """
    if params is None:
        return ()
    if not isinstance(params, Mapping):
        raise QueryError(f"params must be a mapping, got {describe(params)}; nothing was sent")
    pairs: list[tuple[str, str]] = []
    for name, value in params.items():
        check_name(what, name, known=known)
        pairs += [(str(name), _text(name, each)) for each in _values(value) if each is not None]
    return tuple(pairs)


def check_name(what: str, name: object, *, known: Collection[str] | None, kind: str = "parameter") -> None:
    """Refuse a parameter, or a key of a body, that *what* would ignore."""
    if known is None or str(name).removesuffix("[]") in known:
        return
    raise QueryError(
        f"{what} has no {kind} {name!r}{did_you_mean(str(name), known)}: the backend would ignore it. "
        f"{kind.capitalize()}s: {', '.join(known)}; BackendClient(..., strict=False) sends any. Nothing was sent"
    )


def _values(value: Any) -> Iterable[Any]:
    if isinstance(value, str | bytes | Mapping) or not isinstance(value, Iterable):
        return (value,)
    return value


def _text(name: object, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, enum.Enum):
        return str(value.value)
    if isinstance(value, Mapping | bytes):
        raise QueryError(f"params[{name!r}] cannot travel in an address: {describe(value)}; nothing was sent")
    return value.isoformat() if isinstance(value, date) else str(value)
