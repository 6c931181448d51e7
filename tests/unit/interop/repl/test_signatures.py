"""The signatures of an entity's queries; they are made of copies here, so that other tests see none."""

from __future__ import annotations

import inspect
import pickle

from typing import Any

import pytest

from synapse import Project, StatusLabel, Task
from synapse.interop.repl.signatures import sign
from synapse.mapping import read_only
from synapse.orm import Entity, ManagedBy, ToOne, entity
from synapse.query import By, Exact, In
from synapse.testing import canned, page
from tests.meta.shown import ENTITIES


def signed(cls: type[Entity]) -> type[Any]:
    """Sign a manager of its own for an entity."""
    manager: type[Any] = type("Signed", (type(cls.objects),), {"__module__": __name__})
    sign(ManagedBy(manager), cls)
    return manager


def parameters(manager: type[Any], method: str) -> dict[str, Any]:
    """The parameters of a method with their types, but for `self`."""
    found = inspect.signature(getattr(manager, method)).parameters
    return {name: each.annotation for name, each in found.items() if name != "self"}


@pytest.mark.parametrize("cls", ENTITIES)
def test_filter_names_every_lookup(cls: type[Entity]) -> None:
    """And nothing else; an entity without lookups keeps its `**lookups`."""
    names = [*parameters(signed(cls), "filter")]

    assert (cls._catalog.spellings() or ["lookups"]) == names


def test_methods_name_their_types() -> None:
    """Enumerations, lists of them, objects and keys, and what is given."""
    found = parameters(manager := signed(Task), "filter")

    assert (StatusLabel, list[StatusLabel]) == (found["status_label"], found["status_label__in"])
    assert Project | int == found["project"]
    assert {"is_discarded": bool, "dry_run": "bool"}.items() <= parameters(manager, "update").items()
    assert (manager, Task) == tuple(
        inspect.signature(getattr(manager, name)).return_annotation for name in ("filter", "first")
    )


def test_get_takes_the_natural_name() -> None:
    """Beside the lookups."""
    assert {"title": str}.items() <= parameters(signed(Project), "get").items()


def test_a_method_does_what_it_did() -> None:
    """Positional and keyword arguments arrive, and what is given is of the same manager."""
    manager = signed(Task)
    with canned({"GET sdk/tasks/": page({"id": 1, "project": 1, "data_unit": 2})}):
        query = manager(Task).filter(project=1).order_by("-id")[:1]

        assert ([1], manager) == ([task.id for task in query], type(query))


def test_queries_are_pickled_as_ever() -> None:
    """Their class is found by its name."""
    query = Task.objects.filter(project=1)

    assert repr(query) == repr(pickle.loads(pickle.dumps(query)))


def test_an_entity_that_is_declared_later_is_any() -> None:
    """A manager works before all entities that it links to are there."""

    @entity("parcels")
    class Crate(Entity):
        """Something on its way."""

        id: int = read_only()
        later_id: int

        later = ToOne["Later"](via="later_id")  # noqa: F821

        lookups = {"later": By(Exact, In)}

    assert {"later": Any, "later__in": list[Any]} == parameters(signed(Crate), "filter")
    assert {"dry_run": "bool", "later_id": int, "later": Any} == parameters(signed(Crate), "create")


def test_twins_are_signed_like_their_methods() -> None:
    """They name the same lookups, and are still coroutines."""
    manager = signed(Task)

    assert parameters(manager, "get") == parameters(manager, "aget")
    assert inspect.iscoroutinefunction(manager.aget)
