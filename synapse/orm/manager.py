"""`Task.objects`: where every query starts."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from synapse.errors import FieldError
from synapse.orm.queryset import QuerySet
from synapse.orm.record import Record

E = TypeVar("E", bound="Record")
M = TypeVar("M", bound="Manager[Any]")


class Manager(QuerySet[E]):
    """The query for all rows of an entity; subclasses add methods of that entity, which `filter()` and others keep."""


class Objects:
    """The attribute `objects` of an entity: a fresh manager each time."""

    def __get__(self, instance: E | None, owner: type[E]) -> Manager[E]:
        refuse_instance(instance, owner)
        return Manager(owner)


class ManagedBy(Objects, Generic[M]):
    """The attribute `objects` of an entity with verbs of its own: `objects = ManagedBy(TaskManager)`."""

    def __init__(self, manager: type[M]) -> None:
        self.manager = manager

    def __get__(self, instance: Any, owner: type[Any]) -> M:
        refuse_instance(instance, owner)
        return self.manager(owner)


def refuse_instance(instance: object, owner: type[Any]) -> None:
    """Refuse `task.objects`, which would read as if it knew of the task."""
    if instance is not None:
        raise FieldError(f"queries start at the class: {owner.__name__}.objects", name="objects")
