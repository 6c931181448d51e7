"""Links between entities, as descriptors that fetch when they are touched."""

from __future__ import annotations

from typing import Any, Generic, Self, TypeVar, cast, get_args, overload

from synapse.errors import FieldError, MappingError
from synapse.mapping.schema import ToManyLink
from synapse.orm import binding, lazy, loading
from synapse.orm.queryset import QuerySet
from synapse.orm.record import (
    Record,
    alone,
    attach,
    entity_behind,
    entity_named,
    objects_of,
    schema_of,
    state_of,
)
from synapse.orm.results import Owner
from synapse.orm.selection import owned
from synapse.query import Query

E = TypeVar("E")
S = TypeVar("S")
Q = TypeVar("Q", bound="QuerySet[Any]")
M = TypeVar("M", bound="Record")


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
    """A link to the one object whose key is in the field *via*; write `ToOne["X | None"]` if the field may be null.

    The first read fetches the object, together with those of the other rows of the same page.
    """

    def __init__(self, *, via: str) -> None:
        super().__init__()
        self.via = via

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self, instance: Record, owner: type[Any]) -> E: ...
    def __get__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, instance: Record | None, owner: type[Any]
    ) -> Self | E:
        if instance is None:
            return self
        found: E = lazy.related(instance, schema_of(instance).to_one[self.name])
        return found

    def __set__(self, instance: Record, value: E) -> None:
        key = None if value is None else self.key_of(value)
        if isinstance(value, Record):
            binding.check_link(instance, value, name=self.name)
        setattr(instance, self.via, key)
        if isinstance(value, Record):
            attach(instance, self.name, value=value)

    def key_of(self, value: Any) -> Any:
        """Return the key of an object of the right entity; a bare key is returned as it is."""
        if not isinstance(value, Record):
            return value
        schema = schema_of(value)
        if not schema.is_a(self.target):
            raise MappingError(f"{self.name} takes a {self.target} or its key, not a {schema.entity}")
        if value.pk is None:
            raise MappingError(
                f"{self.name} got a {self.target} that is not saved yet; call .save() on it first"
            )
        if state_of(value).deleted:
            raise MappingError(f"{self.name} got {self.target} {value.pk}, which was deleted")
        return value.pk


class ToMany(Relation, Generic[S]):
    """A link to the objects that refer to this one, found by their lookup *by*.

    Name the manager of their entity, `ToMany["TaskManager"]` or `ToMany["Manager[Project]"]`, so that type checkers
    know its methods; with the entity alone, the type is a plain `QuerySet`.

    `project.tasks` is a query like any other: lazy, and filtered by `filter()`; `project.tasks.create(...)` sets the
    link.
    """

    def __init__(self, *, by: str) -> None:
        super().__init__()
        self.by = by

    @overload  # type: ignore[override]
    def __get__(self, instance: None, owner: type[Any]) -> Self: ...
    @overload
    def __get__(self: ToMany[Q], instance: Record, owner: type[Any]) -> Q: ...
    @overload
    def __get__(self: ToMany[M], instance: Record, owner: type[Any]) -> QuerySet[M]: ...
    def __get__(  # pyright: ignore[reportIncompatibleMethodOverride]
        self, instance: Record | None, owner: type[Any]
    ) -> Any:
        if instance is None:
            return self
        if instance.pk is None:
            raise FieldError(
                f"this {owner.__name__} is not saved yet, so it has no {self.name}; call .save() first",
                name=self.name,
            )
        if state_of(instance).deleted:
            said = f"{owner.__name__} {instance.pk} was deleted, and its {self.name} with it"
            raise FieldError(said, name=self.name)
        return _set_of(instance, schema_of(instance).to_many[self.name])

    def __set__(self, instance: Record, value: Any) -> None:
        raise FieldError(
            f"{self.name} is a query; change the link on the {self.target} objects themselves", name=self.name
        )


def _set_of(record: Record, many: ToManyLink) -> QuerySet[Any]:
    """Give the query of the objects that point back here, already answered where they came with it."""
    state, target, owner = state_of(record), entity_named(many.target), Owner.of(record, many)
    queryset: QuerySet[Any] = objects_of(target).filter(**{many.by: record.pk})
    if state.session is not None:
        queryset = queryset.using(state.session)
    with alone(record):
        if state.rows and many.name in state.rows:
            rows, session = state.rows.pop(many.name), binding.session_of(record)
            page = loading.load_page(target, rows, session=session, query=Query(mode=owner.mode))
            owner.know(page, session=session)
            attach(record, many.name, value=page)
    return owned(queryset, owner)
