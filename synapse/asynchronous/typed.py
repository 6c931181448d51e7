"""The bases by which type checkers and editors know the twins of a class: `class Task(TaskTwins, Entity)`.

What they know is in `typed.pyi` beside this file, which `make typed` writes from the methods that are declared with
`@sends`. At run time there are no such bases: the twins are in the class itself.
"""

from __future__ import annotations

from typing import Any, Final


class _TypesOnly:
    """Stands among the bases of a class that is being made, and leaves no trace there."""

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()

    def __getitem__(self, _: object) -> _TypesOnly:
        return self


_TYPES_ONLY: Final = _TypesOnly()


def __getattr__(name: str) -> Any:
    if not name.endswith("Twins"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _TYPES_ONLY
