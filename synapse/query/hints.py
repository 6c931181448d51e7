"""What to type instead of a lookup that Django has and the backend has not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from synapse.query.kinds import Reference
from synapse.query.lookups import Exact, Gte, In, NotIn

if TYPE_CHECKING:
    from synapse.query.catalog import Catalog

_PERIODS: Final = frozenset({"year", "iso_year", "quarter", "month", "week", "day", "date", "hour", "minute"})
_TEXTS: Final = frozenset(
    {
        "contains",
        "icontains",
        "startswith",
        "istartswith",
        "endswith",
        "iendswith",
        "iexact",
        "regex",
        "iregex",
    }
)


_HERE: Final = {
    "": "{} == ...",
    "exact": "{} == ...",
    "iexact": "{}.lower() == ...",
    "in": "{} in [...]",
    "ne": "{} != ...",
    "not": "{} != ...",
    "gt": "{} > ...",
    "gte": "{} >= ...",
    "lt": "{} < ...",
    "lte": "{} <= ...",
    "isnull": "{} is None",
    "contains": "... in {}",
    "icontains": "... in {}.lower()",
    "startswith": "{}.startswith(...)",
    "endswith": "{}.endswith(...)",
}


def instead(catalog: Catalog, spelling: str, *, value: Any) -> str:
    """Say what to type instead of a lookup that the entity does not have; empty if it is only misspelt."""
    name, _, suffix = spelling.partition("__")
    known = catalog.aliases.get(name, name)
    if suffix.partition("__")[0] in _PERIODS and catalog.accepts(known, Gte):
        return _period(name, suffix, value)
    if suffix == "range" and catalog.accepts(known, Gte):
        return f"{name}__gte=low, {name}__lte=high is the same"
    if suffix in ("ne", "not") and catalog.accepts(known, NotIn):
        return f"exclude({name}=...) leaves rows out"
    if suffix in ("in", "id__in", "pk__in") and catalog.accepts(known, Exact):
        return f"the backend takes one {name} at a time; run a query for each"
    here = _of_field(catalog, name, suffix)
    if suffix in _TEXTS and "search" in catalog.lookups:
        return f"search='...' searches texts{f', and {here}' if here else ''}"
    return here


def _period(name: str, suffix: str, value: Any) -> str:
    """Suggest two bounds for a period such as a year."""
    if suffix == "year" and type(value) is int and 1 <= value < 9999:
        return f"{name}__gte='{value:04}-01-01', {name}__lt='{value + 1:04}-01-01' is that year"
    return f"bound it by its ends, such as {name}__gte='2026-03-01', {name}__lt='2026-04-01'"


def _of_field(catalog: Catalog, name: str, suffix: str) -> str:
    """Suggest what to do about a field or a relation that the backend cannot filter by in this way."""
    kind = catalog.kinds.get(catalog.aliases.get(name, name))
    is_relation = isinstance(kind, Reference) or name in catalog.aliases.values()
    if suffix and is_relation and suffix not in _HERE:
        if not isinstance(kind, Reference):
            return f"relations are not followed in filters, and {name} is no lookup; {_here(name, '')}"
        several = f", or {name}__in=[...]" if catalog.accepts(name, In) else ""
        return (
            f"relations are not followed in filters; find the {kind.to} first, then {name}=<its key>{several}"
        )
    if name not in catalog.fields and not is_relation:
        return ""
    if suffix == "isnull":
        return f"the backend cannot be asked for null; {_here(name, suffix)}"
    if suffix not in _HERE and name in catalog.json:
        key = suffix.partition("__")[0]
        return f"the backend cannot look into {name}; [row for row in query if row.{name}[{key!r}] == ...] chooses here"
    return _here(name, suffix)


def _here(name: str, suffix: str) -> str:
    test = _HERE.get(suffix, "<a test of {}>").format(f"row.{name}")
    return f"[row for row in query if {test}] chooses here"
