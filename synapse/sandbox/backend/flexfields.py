"""Read `expand`, `fields` and `omit`: which relations to open and which keys to keep."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from django.http import QueryDict

Tree = Mapping[str, Any]
EVERYTHING = ("~all", "*")


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of one answer should look, at one level of nesting."""

    expand: Tree = field(default_factory=dict)
    fields: Tree = field(default_factory=dict)
    omit: Tree = field(default_factory=dict)

    @classmethod
    def of(cls, query: QueryDict) -> Shape:
        """Return the shape that *query* asks for."""
        return cls(*(_tree(_names(query, key)) for key in ("expand", "fields", "omit")))

    def keeps(self, key: str) -> bool:
        """Tell whether *key* is to be in the answer."""
        if key in self.omit and not self.omit[key]:
            return False
        return not self.fields or key in self.fields or _means_all(self.fields)

    def opens(self, key: str) -> bool:
        """Tell whether the relation *key* is to be shown as an object."""
        return key in self.expand or _means_all(self.expand)

    def inside(self, key: str) -> Shape:
        """Return the shape of what stands under *key*."""
        return Shape(*(tree.get(key, {}) for tree in (self.expand, self.fields, self.omit)))


def _names(query: QueryDict, key: str) -> list[str]:
    values = query.getlist(key) or query.getlist(f"{key}[]")
    # A comma separates names only where the key is given once; repeated keys are taken literally. Blanks belong to
    # the names, and so does the empty one: as in drf-flex-fields, rows of `fields=` have no keys.
    return values[0].split(",") if len(values) == 1 else values


def _tree(names: list[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for name in names:
        level = tree
        for part in name.split("."):
            level = level.setdefault(part, {})
    return tree


def _means_all(names: Tree) -> bool:
    return any(word in names for word in EVERYTHING)
