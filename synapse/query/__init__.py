"""What to ask: lookups, conditions and the frozen query. Pure."""

from __future__ import annotations

from synapse.query.catalog import Catalog, Condition
from synapse.query.lookups import CHOICE, EXACT, ID, RANGE, SEARCH, By, Exact, Gt, Gte, In, Lt, Lte, NotIn
from synapse.query.query import FetchMode, Query

__all__ = [
    "CHOICE",
    "EXACT",
    "ID",
    "RANGE",
    "SEARCH",
    "By",
    "Catalog",
    "Condition",
    "Exact",
    "FetchMode",
    "Gt",
    "Gte",
    "In",
    "Lt",
    "Lte",
    "NotIn",
    "Query",
]
