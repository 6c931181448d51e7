"""Links between entities, as descriptors that fetch when they are touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, get_args, overload

from synapse.errors import MappingError, QueryError
from synapse.orm import binding
from synapse.orm.registry import entity_named

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet

E = TypeVar("E")
M = TypeVar("M", bound="Entity")


def _target(relation: Any) -> str:
    """Read `"Project"` off `ToOne["Project"]` or `ToOne["Project | None"]`."""
    (argument,) = get_args(relation.__orig_class__)
    declared = getattr(argument, "__forward_arg__", None) or argument.__name__
    return str(declared).partition("|")[0].strip()


class ToOne(Generic[E]):
    """A link to the one object whose key is in the field *via*; write `ToOne["X | None"]` where that may be null.

    Touching it fetches the object once, together with those of the other rows of the same page.
    """

    name = ""

    def __init__(self, *, via: str) -> None:
        self.via = via

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @property
    def target(self) -> str:
        """The class name of the entity on the other side."""
        return _target(self)

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Entity, owner: type[Any]) -> E: ...
    def __get__(self, instance: Entity | None, owner: type[Any]) -> Self | E:
        if instance is None:
            return self
        from synapse.orm import fetching

        found: E = fetching.related(instance, self)
        return found

    def __set__(self, instance: Entity, value: E) -> None:
        key = None if value is None else self.key_of(value)
        linked = getattr(value, "_schema", None) is not None
        if linked:
            binding.check_link(instance, value, name=self.name)
        setattr(instance, self.via, key)
        if linked:
            instance._state.related = {**(instance._state.related or {}), self.name: value}

    def key_of(self, value: Any) -> Any:
        """Take the key of an object of the right kind, or a bare key."""
        schema = getattr(type(value), "_schema", None)
        if schema is None:
            return value
        if not schema.is_a(self.target):
            raise MappingError(f"{self.name} takes a {self.target} or its key, not a {schema.entity}")
        if value.pk is None:
            raise MappingError(
                f"{self.name} got a {self.target} that is not saved yet; call .save() on it first"
            )
        if value._state.deleted:
            raise MappingError(f"{self.name} got {self.target} {value.pk}, which was deleted")
        return value.pk


class ToMany(Generic[M]):
    """A link to the objects that point back here, found by their lookup *by*.

    `project.tasks` is a query like any other: lazy, and narrowed by `filter()`; `project.tasks.create(...)` fills in
    the link.
    """

    name = ""

    def __init__(self, *, by: str) -> None:
        self.by = by

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @property
    def target(self) -> str:
        """The class name of the entity on the other side."""
        return _target(self)

    def back(self, owner: type[Entity]) -> str | None:
        """Name the field of the target that holds the owner's key, if it has one."""
        target = entity_named(self.target)
        for name, via in target._schema.relations.items():
            if owner._schema.is_a(getattr(target, name).target):
                return via
        return None

    @overload
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Entity, owner: type[Any]) -> QuerySet[M]: ...
    def __get__(self, instance: Entity | None, owner: type[Any]) -> Self | QuerySet[M]:
        if instance is None:
            return self
        if instance.pk is None:
            raise MappingError(
                f"this {owner.__name__} is not saved yet, so it has no {self.name}; call .save() first"
            )
        if instance._state.deleted:
            raise QueryError(f"{owner.__name__} {instance.pk} was deleted, and its {self.name} with it")
        from synapse.orm import fetching

        return fetching.related_set(instance, self)

    def __set__(self, instance: Entity, value: Any) -> None:
        raise AttributeError(
            f"{self.name} is a query; change the link on the {self.target} objects themselves"
        )
