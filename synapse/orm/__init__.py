"""Where pure queries meet I/O: entities, relations, managers and querysets.

Extend the SDK from here: declare an entity with `@entity(...)`, link it with `ToOne` and `ToMany`.
"""

from __future__ import annotations

from synapse.orm.bulk import BulkResult, Change
from synapse.orm.coach import IncompleteReadWarning, SlowLoopWarning
from synapse.orm.entity import Entity, entity
from synapse.orm.explain import Explanation
from synapse.orm.manager import ManagedBy, Manager
from synapse.orm.planning import PlanName
from synapse.orm.queryset import QuerySet
from synapse.orm.relations import ToMany, ToOne
from synapse.orm.rows import Rows
from synapse.orm.values import Values

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
