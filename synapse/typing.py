"""The types of each entity's queries, for functions that hand on filters, orders or values.

```python
from typing import Unpack

from synapse import Task
from synapse.typing import TaskLookups, TaskOrder


def ids(order: TaskOrder = "id", **lookups: Unpack[TaskLookups]) -> list[int]:
    return [task.id for task in Task.objects.filter(**lookups).order_by(order)]
```

`TaskLookups` is what `filter()` takes, `TaskValues` what `create()` and `update()` take. `TaskOrder` and `TaskField`
are the names for `order_by()`, `only()` and `values()`, and `TaskKey` is a task or its key. Each entity has these five.
`StatusLabelValue` is a value of that enumeration or its text.
"""

from __future__ import annotations

import enum

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal, TypedDict, cast

from synapse import entities
from synapse.orm import Entity

if TYPE_CHECKING:
    from synapse.entities.typed import *  # noqa: F403


def _typed_dict(name: str, members: Iterable[str]) -> Any:
    return cast("Any", TypedDict)(name, dict.fromkeys(members, Any), total=False)


def _texts(members: Iterable[str]) -> Any:
    return cast("Any", Literal)[tuple(members)]


_OF_ENTITY: Final[Mapping[str, Callable[[type[Entity]], Any]]] = {
    "Key": lambda cls: cls | str | int,
    "Lookups": lambda cls: _typed_dict(f"{cls.__name__}Lookups", cls._catalog.every_spelling()),
    "Values": lambda cls: _typed_dict(f"{cls.__name__}Values", cls._schema.settable),
    "Order": lambda cls: _texts(cls._catalog.order_names()),
    "Field": lambda cls: _texts(cls._schema.spellings()),
}
"""What the types are at run time: the names as they are declared, of any type."""


def __getattr__(name: str) -> Any:
    if name in __dir__():
        for suffix, make in _OF_ENTITY.items():
            if name.endswith(suffix):
                return make(getattr(entities, name.removesuffix(suffix)))
        choice = getattr(entities, name.removesuffix("Value"))
        return choice | _texts(member.value for member in choice)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    known = {name: getattr(entities, name) for name in entities.__all__}
    classes = {name: each for name, each in known.items() if isinstance(each, type)}
    named = [name for name, each in classes.items() if issubclass(each, Entity)]
    choices = [f"{name}Value" for name, each in classes.items() if issubclass(each, enum.Enum)]
    return sorted([f"{name}{suffix}" for name in named for suffix in _OF_ENTITY] + choices)
