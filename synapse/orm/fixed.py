"""Lists that the backend sets, such as `task.tags`."""

from __future__ import annotations

from typing import Any, NoReturn, TypeVar

import attrs

from synapse.errors import FieldError
from synapse.mapping.codecs import Codec
from synapse.orm.record import Record, apart, objects_of, schema_of

T = TypeVar("T")


@attrs.frozen(eq=False, repr=False)
class _Field:
    """The field that a list is of: its entity, its name, and the entity whose keys it holds, if it holds keys."""

    entity: type[Record]
    name: str
    of: str | None


class FixedList(list[T]):
    """A list that the backend sets: edits are refused, and an object is in it where its key is.

    `list(task.tags)` is a copy that can be edited.
    """

    __slots__ = ("_field", "_session")

    def __init__(self, items: list[T], field: _Field, *, session: Any = None) -> None:
        super().__init__(items)
        self._field, self._session = field, session

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        cls, name = self._field.entity, self._field.name
        raise FieldError(
            f"{cls.__name__}.{name} is set by the backend{_verb(cls, name)}; list(...) gives a copy to edit. "
            "Nothing was edited",
            name=name,
        )

    append = extend = insert = remove = pop = clear = reverse = _refuse
    sort: Any = _refuse
    __setitem__ = __delitem__ = __iadd__ = __imul__ = _refuse

    def __contains__(self, item: object) -> bool:
        return super().__contains__(self._key(item))

    def index(self, item: Any, *bounds: Any) -> int:
        """Give the place of a key, or of an object by its key."""
        return super().index(self._key(item), *bounds)

    def count(self, item: Any) -> int:
        """Count a key, or an object by its key."""
        return super().count(self._key(item))

    def _key(self, item: Any) -> Any:
        if not isinstance(item, Record) or self._field.of is None:
            return item
        if not schema_of(item).is_a(self._field.of):
            return item
        # A key of another backend is that of another object.
        elsewhere = self._session is not None and apart(item, self._session)
        return item if elsewhere else item.pk

    def __reduce__(self) -> Any:
        return FixedList, (list(self), self._field)


def fixed(codec: Codec, *, entity: type[Record], name: str) -> Codec:
    """Give the codec of a list that the backend sets."""
    by = entity.lookups.get(name)
    field = _Field(entity, name, by.of if by is not None and isinstance(by.of, str) else None)
    opened = codec.open
    assert opened is not None
    return attrs.evolve(
        codec, open=lambda raw, session: FixedList(opened(raw, session), field, session=session)
    )


def _verb(cls: type[Record], name: str) -> str:
    """Say which verb changes what the backend sets, where there is one."""
    verb = f"set_{name}"
    if hasattr(cls, verb):
        return f", .{verb}() changes it"
    return (
        f", {cls.__name__}.objects.filter(...).{verb}() changes it" if hasattr(objects_of(cls), verb) else ""
    )
