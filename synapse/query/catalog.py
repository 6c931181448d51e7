"""The filters and orders that one entity has, and the check of every name and value against them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

import attrs

from synapse.errors import QueryError, describe, did_you_mean, quoted
from synapse.query.kinds import Boolean, Kind, Reference, takes
from synapse.query.lookups import BY_NAME, By, Exact, Gte, In, Lookup, Nothing, NotIn
from synapse.showing import FEW, bounded, brief, few, shortened

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


@bounded
@attrs.frozen(repr=False)
class Condition:
    """One checked comparison."""

    name: str
    lookup: type[Lookup]
    value: Any

    def __str__(self) -> str:
        value = self.value
        if isinstance(value, tuple) and len(value) > FEW:
            return f"{spell(self.name, self.lookup)}=({few(value, count=len(value))})"
        return f"{spell(self.name, self.lookup)}={shortened(brief(value), most=200)}"


def spell(name: str, lookup: type[Lookup]) -> str:
    """Spell a comparison the way it is typed in `filter()`."""
    return name if lookup is Exact else f"{name}__{lookup.name}"


def _by_name(declared: Iterable[By]) -> dict[str, type[Lookup]]:
    """Name the lookups that a spelling may end in: those that every entity may have, and those declared here."""
    return BY_NAME | {lookup.name: lookup for by in declared for lookup in by.lookups}


class Lookups(dict[str, By]):
    """The lookups of an entity by name, which print one a line: how they are spelled, and what they take."""

    def __init__(self, declared: Mapping[str, By], kinds: Mapping[str, Kind]) -> None:
        super().__init__(declared)
        self._kinds = kinds

    def __repr__(self) -> str:
        lines = []
        for name, by in self.items():
            spelled = ", ".join(spell(name, lookup) for lookup in by.lookups if lookup is not NotIn)
            lines.append(f"{spelled}: {takes(self._kinds[name])}")
        return "\n".join(lines) or "no lookups"


@bounded
@attrs.frozen(eq=False, repr=False)
class Catalog:
    """The lookups of one entity, the type of each, and the orders that its rows can be read in."""

    entity: str
    pk: str
    lookups: Mapping[str, By]
    kinds: Mapping[str, Kind]
    aliases: Mapping[str, str]
    order_by: tuple[str, ...]
    fields: frozenset[str] = frozenset()
    json: frozenset[str] = frozenset()
    natural: tuple[str, ...] = ()
    by_name: Mapping[str, type[Lookup]] = attrs.field(
        init=False, default=attrs.Factory(lambda self: _by_name(self.lookups.values()), takes_self=True)
    )

    def spellings(self, accepts: Callable[[str, type[Lookup]], bool] | None = None) -> list[str]:
        """Every name that `filter()` takes, or those that an API *accepts* of them."""
        return [
            spell(name, lookup)
            for name, by in self.lookups.items()
            for lookup in by.lookups
            if lookup is not NotIn and (accepts is None or accepts(name, lookup))
        ]

    def every_spelling(self) -> dict[str, tuple[str, type[Lookup]]]:
        """Map each spelling that `filter()` takes, second names such as `project_id` included, to name and lookup."""
        return {
            spell(each, lookup): (name, lookup)
            for name, by in self.lookups.items()
            for each in self._names_for(name)
            for lookup in by.lookups
            if lookup is not NotIn
        }

    def _names_for(self, name: str) -> list[str]:
        if name == self.pk:
            return [name, "pk"]
        keys = [f"{name}__id", f"{name}__pk"] if isinstance(self.kinds[name], Reference) else []
        return [name, *keys, *(via for via, relation in self.aliases.items() if relation == name)]

    def order_names(self) -> list[str]:
        """Every name that `order_by()` takes, with and without the `-` in front."""
        return [f"{sign}{name}" for name in dict.fromkeys((*self.order_by, "pk")) for sign in ("", "-")]

    def accepts(self, name: str, lookup: type[Lookup]) -> bool:
        """Whether the entity has this lookup."""
        return name in self.lookups and lookup in self.lookups[name].lookups

    def can_exclude(self, name: str, lookup: type[Lookup]) -> bool:
        """Whether the backend can be asked for the rows that a comparison leaves out."""
        # Of several values, one may be true and another false: excluding True is not filtering for False.
        if lookup is Exact and isinstance(self.kinds[name], Boolean) and not self.lookups[name].many:
            return True
        is_negated_list = lookup in (Exact, In) and self.accepts(name, NotIn)
        inverse = lookup.inverse if name == self.pk else None
        return is_negated_list or (inverse is not None and self.accepts(name, inverse))

    def condition(self, spelling: str, value: Any) -> Condition:
        """Check one `spelling=value` of `filter()`, or raise `QueryError`."""
        name, lookup = self._split(spelling)
        by = self.lookups.get(name)
        if by is None or lookup not in by.lookups or lookup is NotIn:
            raise self._unknown(spelling, value)
        return Condition(name, lookup, self._checked("filter", spelling, value))

    def negation(self, spelling: str, value: Any) -> Condition:
        """Turn `exclude(spelling=value)` into a comparison that the backend has, or raise `QueryError`."""
        name, lookup = self._split(spelling)
        if lookup in (Exact, In) and self.accepts(name, NotIn):
            checked = self._checked("exclude", spelling, value)
            return Condition(name, NotIn, checked if lookup is In else (checked,))
        positive = self.condition(spelling, value)
        if self.can_exclude(name, lookup):
            if lookup.inverse is None:
                return attrs.evolve(positive, value=not positive.value)
            return attrs.evolve(positive, lookup=lookup.inverse)
        raise QueryError(
            f"the backend cannot exclude by {self.entity}.{spelling}; filter for what you want instead, "
            "or drop the rows while iterating",
            code="cannot-exclude",
        )

    def order(self, names: tuple[str, ...]) -> tuple[str, ...]:
        """Check the names of `order_by()`, each with an optional leading `-`."""
        checked = []
        for name in names:
            if not isinstance(name, str):
                hint = "; order_by() without names drops the order" if name is None else ""
                raise QueryError(f"order_by() takes names, got {describe(name)}{hint}")
            bare = name.removeprefix("-")
            bare = self.pk if bare == "pk" else bare
            if bare not in self.order_by:
                raise QueryError(
                    f"{self.entity} cannot be ordered by {quoted(bare)}{did_you_mean(bare, self.order_by)}. "
                    f"Orders: {', '.join(self.order_by) or 'none'}; sorted(rows, key=...) orders here",
                    code="unknown-order",
                )
            checked.append(("-" if name.startswith("-") else "") + bare)
        return tuple(checked)

    def add(self, where: tuple[Condition, ...], new: Condition) -> tuple[Condition, ...]:
        """Add a condition, merged with one on the same name and lookup; raise `Nothing` if no row can match both."""
        if isinstance(new.value, tuple) and not new.value:
            if new.lookup is NotIn:
                return where
            raise Nothing
        for index, old in enumerate(where):
            if old == new:
                return where
            pair = {old.lookup, new.lookup}
            if old.name == new.name and (len(pair) == 1 or pair == {Exact, In}):
                return (*where[:index], self._joined(old, new), *where[index + 1 :])
        return (*where, new)

    def _joined(self, old: Condition, new: Condition) -> Condition:
        """Merge two conditions whose lookups share a query parameter, which the backend takes once."""
        if self.lookups[new.name].many:
            raise QueryError(
                f"{self.entity} was already filtered by {old}; the backend takes {new.name!r} once. "
                "Intersect the keys of two queries instead"
            )
        if old.lookup is new.lookup:
            return attrs.evolve(old, value=new.lookup.merge(old.value, new.value))
        one, several = (old, new) if old.lookup is Exact else (new, old)
        return attrs.evolve(one, value=In.merge((one.value,), several.value)[0])

    def _checked(self, verb: str, spelling: str, value: Any) -> Any:
        name, lookup = self._split(spelling)
        what = f"{self.entity}.{verb}({spelling}=...)"
        if issubclass(lookup, In) and callable(getattr(value, "iterator", None)):
            raise QueryError(f"{what} got a query, which filtering must not run; give list(...) of its keys")
        checked = lookup.check(what, value, kind=self.kinds[name])
        if isinstance(checked, list | set | dict):
            raise TypeError(
                f"{lookup.__name__}.check() gives a {type(checked).__name__}; several values are a tuple"
            )
        return checked

    def _split(self, spelling: str) -> tuple[str, type[Lookup]]:
        name, _, suffix = spelling.rpartition("__")
        if spelling in self.lookups or not name or suffix not in self.by_name:
            name, suffix = spelling, Exact.name
        owner, _, key = name.rpartition("__")
        if key in ("id", "pk") and isinstance(self.kinds.get(self.aliases.get(owner, owner)), Reference):
            name = owner  # `project__id=1` is `project=1`
        return self.pk if name == "pk" else self.aliases.get(name, name), self.by_name[suffix]

    def _unknown(self, spelling: str, value: Any) -> QueryError:
        known = self.spellings()
        name, _, suffix = spelling.partition("__")
        is_suffix = suffix and suffix not in self.by_name and name in self.lookups
        whose, what = (f"{self.entity}.{name}", suffix) if is_suffix else (self.entity, spelling)
        said = _instead_of(self, spelling, value=value)
        names = [each for each in self.natural if each not in known]
        hint = f": {said}" if said else did_you_mean(spelling, [*known, *names])
        beside = f"; get() takes {', '.join(names)} too" if names else ""
        return QueryError(
            f"{whose} has no lookup {quoted(what)}{hint}. Lookups: {', '.join(known)}{beside}",
            code="unknown-lookup",
        )


def _instead_of(catalog: Catalog, spelling: str, *, value: Any) -> str:
    """Say what to type instead of a lookup that the entity does not have; empty if it is only misspelt."""
    name, _, suffix = spelling.partition("__")
    known = catalog.aliases.get(name, name)
    if name in catalog.natural and suffix in ("", Exact.name):
        return f"get({name}=...) finds one by its {name}"
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
