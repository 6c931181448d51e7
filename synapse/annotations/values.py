"""What every annotation has, and how its fields are checked."""

from __future__ import annotations

import secrets
import string
import sys

from collections.abc import Callable, Iterable, Mapping
from typing import Any, ClassVar, Final, TypeAlias

import attrs

from synapse.errors import MappingError, describe
from synapse.showing import brief, shortened
from synapse.values import is_many, plain

Json: TypeAlias = dict[str, Any]
Pair: TypeAlias = tuple[float, float]
_ALPHABET: Final = string.ascii_letters + string.digits
ID_LENGTH: Final = 10
_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


def new_id() -> str:
    """Make an id of ten letters and digits, as the backend's editor does."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(ID_LENGTH))


def copy_json(value: Any) -> Any:
    """Copy a JSON value, so that edits never reach the original.

    >>> row = {"a": [1]}
    >>> copy_json(row)["a"].append(2)
    >>> row
    {'a': [1]}
    """
    # Leaves are most of a document: asking here instead of in a call for each halves the time.
    if isinstance(value, dict):
        return {key: item if item.__class__ in _LEAVES else copy_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [item if item.__class__ in _LEAVES else copy_json(item) for item in value]
    return plain(value)


def is_number(value: object) -> bool:
    """Tell whether a value is a finite number; True and False are none."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= sys.float_info.max


@attrs.frozen
class Origin:
    """The JSON that an annotation was read from, so that what the SDK doesn't know is sent as it came.

    `entry` is the item of v1's `annotations` or of a v2 tool, `data` v1's item of `annotationsData` where there is one,
    and `slot` its place in that list.
    """

    wire: str
    entry: Json
    data: Json | None = None
    slot: int | None = None


def is_text(value: object) -> bool:
    """Tell whether a value is text that is not empty."""
    return isinstance(value, str) and bool(value.strip())


@attrs.frozen
class Takes:
    """A validator of attrs that refuses what does not pass a test."""

    wanted: str
    test: Callable[[Any], bool]

    def __call__(self, owner: object, field: attrs.Attribute[Any], value: object) -> None:
        """Refuse a value by a `MappingError`."""
        if not self.test(value):
            raise misfit(owner, field.name, wanted=self.wanted, value=value)

    def or_none(self) -> Takes:
        """Take None as well."""
        return Takes(f"{self.wanted}, or None", lambda value: value is None or self.test(value))

    def each(self) -> Takes:
        """Take tuples of these."""
        return Takes(
            f"a sequence of {self.wanted}",
            lambda value: isinstance(value, tuple) and all(map(self.test, value)),
        )


def numbers(*counts: int) -> Callable[[object], bool]:
    """Make the test of a tuple of so many finite numbers."""
    return lambda value: isinstance(value, tuple) and len(value) in counts and all(map(is_number, value))


TEXT: Final = Takes("text that is not empty", is_text)
NUMBER: Final = Takes("a finite number", is_number)
ANY_TEXT: Final = Takes("text", lambda value: isinstance(value, str))
NAMED: Final = Takes(
    "a mapping of names to values",
    lambda value: isinstance(value, dict) and all(isinstance(key, str) for key in value),
)


def misfit(owner: object, name: str, *, wanted: str, value: object) -> MappingError:
    """Say that a field does not take a value."""
    return MappingError(f"{type(owner).__name__}({name}=...) takes {wanted}, got {describe(value)}")


def number(value: float) -> float:
    """Give Python's number for one of numpy."""
    result: float = plain(value)
    return result


def number_or_none(value: float | None) -> float | None:
    """Give Python's number for one of numpy; None stays None."""
    return None if value is None else number(value)


def number_tuples(values: Iterable[Iterable[float]]) -> Any:
    """Make tuples of numbers of any nested sequence, such as a list of lists or an array."""
    given: Any = values
    if not is_many(given):
        return given
    return tuple(tuple(map(plain, each)) if is_many(each) else each for each in given)


def mapping(value: Mapping[str, Any]) -> Any:
    """Copy a mapping; what is none stays as it is, to be refused."""
    given: Any = value
    return (copy_json(dict(given)) if given else {}) if isinstance(given, Mapping) else given


@attrs.frozen(repr=False)
class Annotation:
    """What all annotations have; `Box`, `Polygon`, `Label` and the others add their geometry.

    `class_name` is the code of one of the project's classes; `attributes` holds whatever else is known about the
    object. `media` names the file specification, such as `image_1`, and may be left out if the task has only one. The
    SDK generates `id`; annotations that differ only in their `id` are equal.
    """

    class_name: str | None = attrs.field(default=None, validator=TEXT.or_none())
    attributes: Mapping[str, Any] = attrs.field(
        factory=dict, kw_only=True, converter=mapping, validator=NAMED, hash=False
    )
    media: str | None = attrs.field(default=None, kw_only=True, validator=TEXT.or_none())
    id: str = attrs.field(factory=new_id, kw_only=True, eq=False, validator=ANY_TEXT)
    _origin: Origin | None = attrs.field(default=None, kw_only=True, eq=False, alias="_origin")

    TOOL: ClassVar[str] = ""
    NO_GEOMETRY: ClassVar[frozenset[str]] = frozenset()

    @property
    def tool(self) -> str:
        """The name that the backend gives to the tool that draws it, such as `bounding_box`."""
        return self.TOOL

    @property
    def origin(self) -> Origin | None:
        """The JSON that it was read from; None for one that was made here."""
        return self._origin

    def __repr__(self) -> str:
        shown = [brief(self.class_name)]
        own = [each.name for each in attrs.fields(type(self)) if each.name not in _COMMON]
        for name in (*own, "attributes", "media", "id"):
            if (value := getattr(self, name)) not in (None, {}, ()):
                shown.append(f"{name}={brief(value)}")
        return shortened(f"{type(self).__name__}({', '.join(shown)})")


_COMMON: Final = frozenset(each.name for each in attrs.fields(Annotation))


def geometry_changed(before: Annotation, value: Annotation) -> bool:
    """Tell whether the geometry of an annotation is another one than before."""
    if type(before) is not type(value):
        return True
    known = value.NO_GEOMETRY | _COMMON
    names = [each.name for each in attrs.fields(type(value)) if each.name not in known]
    return any(not same(getattr(before, name), getattr(value, name)) for name in names)


def same(first: object, second: object) -> bool:
    """Tell whether two values are the same JSON: unlike `==`, 1 is not True."""
    return first == second and repr(first) == repr(second)
