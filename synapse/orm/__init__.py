"""Where pure queries meet I/O: entities, relations, managers and querysets.

Extend the SDK from here: declare an entity with `@entity(...)`, link it with `ToOne` and `ToMany`.
"""

from __future__ import annotations

from synapse.orm.bulk import BulkResult, Change
from synapse.orm.coach import SlowLoopWarning
from synapse.orm.entity import Entity, entity
from synapse.orm.queryset import ManagedBy, Manager, QuerySet
from synapse.orm.relations import ToMany, ToOne
from synapse.orm.values import Values
from synapse.reading.explain import Explanation
from synapse.reading.plan import PlanName
from synapse.reading.read_ahead import IncompleteReadWarning
from synapse.reading.rows import Rows

__all__ = [
    "BulkResult",
    "Change",
    "Entity",
    "Explanation",
    "IncompleteReadWarning",
    "ManagedBy",
    "Manager",
    "PlanName",
    "QuerySet",
    "Rows",
    "SlowLoopWarning",
    "ToMany",
    "ToOne",
    "Values",
    "entity",
]
