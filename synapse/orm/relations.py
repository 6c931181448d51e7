"""Links between entities, as descriptors that fetch when they are touched."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, Self, TypeVar, cast, get_args, overload

from synapse.errors import FieldError, MappingError
from synapse.orm import binding
from synapse.orm.registry import entity_behind

if TYPE_CHECKING:
    from synapse.orm.entity import Entity
    from synapse.orm.queryset import QuerySet

E = TypeVar("E")
S = TypeVar("S")
Q = TypeVar("Q", bound="QuerySet[Any]")
M = TypeVar("M", bound="Entity")


class Relation(property):
    """What links of both kinds share.

    A `property`, since completers and inspectors know that reading one may do work, and leave it alone.
    """

    name = ""

    def __set_name__(self, owner: type[Any], name: str) -> None:
        self.name = name

    @property
    def declared(self) -> str:
        """The entity on the other side, by its class name or by that of its manager."""
        (argument,) = get_args(cast("Any", self).__orig_class__)
        declared: str = getattr(argument, "__forward_arg__", None) or argument.__name__
        return declared.partition("|")[0].strip().rpartition("[")[2].rstrip("]")

    @property
    def target(self) -> str:
        """The class name of the entity on the other side."""
        return entity_behind(self.declared)


class ToOne(Relation, Generic[E]):
    """A link to the one object whose key is in the field *via*; write `ToOne["X | None"]` where that may be null.

    Touching it fetches the object once, together with those of the other rows of the same page.
    """

    def __init__(self, *, via: str) -> None:
        super().__init__()
        self.via = via

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Entity, owner: type[Any]) -> E: ...
    def __get__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, instance: Entity | None, owner: type[Any]
    ) -> Self | E:
        if instance is None:
            return self
        from synapse.orm import fetching

        found: E = fetching.related(instance, instance._schema.to_one[self.name])
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


class ToMany(Relation, Generic[S]):
    """A link to the objects that point back here, found by their lookup *by*.

    Write the manager of their entity, `ToMany["TaskManager"]` or `ToMany["Manager[Project]"]`, so that type checkers
    know its verbs; the entity alone will do, and gives a plain `QuerySet`.

    `project.tasks` is a query like any other: lazy, and narrowed by `filter()`; `project.tasks.create(...)` fills in
    the link.
    """

    def __init__(self, *, by: str) -> None:
        super().__init__()
        self.by = by

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self: ToMany[Q], instance: Entity, owner: type[Any]) -> Q: ...
    @overload
    def __get__(self: ToMany[M], instance: Entity, owner: type[Any]) -> QuerySet[M]: ...
    def __get__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, instance: Entity | None, owner: type[Any]
    ) -> Any:
        if instance is None:
            return self
        if instance.pk is None:
            raise FieldError(
                f"this {owner.__name__} is not saved yet, so it has no {self.name}; call .save() first",
                name=self.name,
            )
        if instance._state.deleted:
            said = f"{owner.__name__} {instance.pk} was deleted, and its {self.name} with it"
            raise FieldError(said, name=self.name)
        from synapse.orm import fetching

        return fetching.related_set(instance, instance._schema.to_many[self.name])

    def __set__(self, instance: Entity, value: Any) -> None:
        raise FieldError(
            f"{self.name} is a query; change the link on the {self.target} objects themselves", name=self.name
        )
