"""The same query through both API generations gives equal objects: two hundred queries and more, over all they share.

`EQUIVALENCE=20 pytest tests/contract/test_generations_equal.py` asks twenty times as many, each time others.
"""

from __future__ import annotations

import os
import random

from collections.abc import Hashable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, Final

import attrs
import pytest

from synapse import (
    Assignment,
    DataCollection,
    DataFile,
    DataUnit,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    JobLog,
    Model,
    Plugin,
    PluginRelease,
    Project,
    Session,
    Task,
    TaskTag,
)
from synapse.dialects import V1, V2
from synapse.dialects.v2 import V2Table
from synapse.orm.record import entity_named
from synapse.query import In
from synapse.query.catalog import spell
from synapse.query.kinds import Boolean, Choice, Reference
from synapse.sandbox import Sandbox

SHARED: Final = (
    Project, Task, TaskTag, Assignment, DataCollection, DataUnit, DataFile, GroundTruth, GroundTruthDataset,
    GroundTruthVersion, GroundTruthEvent, Plugin, PluginRelease, Job, JobLog, Model,
)  # fmt: skip
MANY: Final = 14
OTHERWISE: Final = {Task: {"has_data"}, GroundTruthEvent: {"files"}, PluginRelease: {"author"}}
"""Fields that one shows less of, or not at all: what v1 does not send, types of files, the whole author."""
ONLY_V1: Final = {"custom"}
"""The category of plugins that API v2 does not know, and refuses."""
TIMES: Final = int(os.environ.get("EQUIVALENCE", "1"))


@pytest.fixture(scope="module")
def both(box: Sandbox) -> Iterator[Session]:
    """A session of the seeded workspace that speaks both."""
    made = Session(box.url, api_token=box.tenants["demo"].api_token)
    yield made
    made.close()


def second(entity: Any) -> V2Table:
    """Give an entity as API v2 has it."""
    return V2().table(entity._schema, entity._catalog)


@attrs.frozen
class World:
    """The rows that values of filters are taken from."""

    session: Session
    chance: random.Random

    def rows(self, entity: Any) -> list[Any]:
        """Read an entity by the first generation."""
        return _rows(self.session, entity)

    def value(self, entity: Any, name: str) -> Any:
        """Choose a value for a filter; None where there is none to ask for."""
        kind, schema = entity._catalog.kinds[name], entity._schema
        if isinstance(kind, Boolean):
            return self.chance.choice([True, False])
        if isinstance(kind, Choice):
            return self.chance.choice([each for each in kind.of if each not in ONLY_V1])
        if isinstance(kind, Reference):
            return self._chosen([row.pk for row in self.rows(entity_named(kind.to))])
        field = schema.relations.get(name, name)
        return self._chosen(
            [getattr(row, field) for row in self.rows(entity)] if field in schema.fields else []
        )

    def filters(self, entity: Any) -> dict[str, Any]:
        """Choose up to two filters that both generations take, and whose rows these are where that has to be said."""
        first, other = V1().table(entity._schema, entity._catalog), second(entity)
        known = {
            spell(name, lookup): (name, lookup)
            for name, by in entity._catalog.lookups.items()
            for lookup in by.lookups
            if first.accepts(name, lookup) and other.accepts(name, lookup)
        }
        chosen = self.chance.sample(sorted(known), k=min(len(known), self.chance.choice([0, 1, 1, 2])))
        chosen += [name for name in [other.owner] if name and name not in chosen]
        found = {spelling: self._asked(entity, *known[spelling]) for spelling in chosen}
        return {spelling: value for spelling, value in found.items() if value not in (None, [])}

    def _asked(self, entity: Any, name: str, lookup: Any) -> Any:
        one = self.value(entity, name)
        if not issubclass(lookup, In):
            return one
        return [each for each in {one, self.value(entity, name)} if each is not None]

    def _chosen(self, values: Sequence[Any]) -> Any:
        known = sorted(
            {value for value in values if isinstance(value, Hashable) and value is not None}, key=str
        )
        return self.chance.choice(known) if known else None


@cache
def _rows(session: Session, entity: Any) -> list[Any]:
    return list(entity.objects.using(session))


def shown(rows: Sequence[Any], names: Sequence[str]) -> dict[Any, Mapping[str, Any]]:
    """Give what both generations show of rows, by their keys."""
    return {row.pk: {name: getattr(row, name) for name in names} for row in rows}


def asked(world: World, entity: Any) -> tuple[Any, bool]:
    """Make a query that both answer, and say whether its order is the same in both."""
    query, table = entity.objects.using(world.session).filter(**world.filters(entity)), second(entity)
    orders = [name for name in table.orders if name in entity._catalog.order_by and name == entity._schema.pk]
    if not orders or world.chance.random() < 0.3:
        return query, False
    query = query.order_by(world.chance.choice(["", "-"]) + orders[0])
    low = world.chance.randint(0, 5)
    return query[low : low + world.chance.randint(1, 10)], True


@pytest.mark.parametrize("entity", SHARED, ids=lambda each: each.__name__)
def test_queries_give_equal_objects(both: Session, entity: Any) -> None:
    """Whatever both can be asked, they answer by the same rows, with the same values in what their lists carry."""
    world = World(both, random.Random(f"{entity.__name__}{TIMES}"))
    listed = second(entity).wire.listed
    carried = {*listed} & {*V1().table(entity._schema, entity._catalog).listed}
    names = sorted(carried - OTHERWISE.get(entity, set()))
    for _ in range(MANY * TIMES):
        query, ordered = asked(world, entity)
        first, other = (shown(list(query.via(api)), names) for api in ("v1", "v2"))
        assert first == other, query
        assert not ordered or list(first) == list(other), query


@pytest.mark.parametrize("entity", SHARED, ids=lambda each: each.__name__)
def test_whole_objects_are_equal(both: Session, entity: Any) -> None:
    """So are the fields that only single objects, or bulk reads, carry."""
    names = sorted((second(entity).wire.shown & entity._schema.fields.keys()) - OTHERWISE.get(entity, set()))
    world = World(both, random.Random(1))
    for row in world.rows(entity)[:3]:
        owner = second(entity).owner
        query = entity.objects.using(both)
        query = query.filter(**{owner: getattr(row, second(entity).below or "")}) if owner else query
        found = query.via("v2").get(row.pk)
        assert shown([row], names) == shown([found], names)


def test_they_are_enough() -> None:
    """Two hundred queries are asked of both."""
    assert 200 <= MANY * len(SHARED)
