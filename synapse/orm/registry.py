"""Entities by name: see `record`."""

from __future__ import annotations

from synapse.orm.record import entity_at as entity_at
from synapse.orm.record import entity_behind as entity_behind
from synapse.orm.record import entity_named as entity_named
from synapse.orm.record import register as register
from synapse.orm.record import table_of as table_of
