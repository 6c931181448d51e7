"""The converter of values, and the checks of single ones: text, numbers, moments, JSON."""

from __future__ import annotations

import enum
import math
import operator

from collections.abc import Callable, Set
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, get_origin
from uuid import UUID

import attrs
import cattrs

from cattrs import AttributeValidationNote, ClassValidationError, IterableValidationError

from synapse.errors import MappingError, describe
from synapse.values import advice, is_missing, plain, sendable

_PLAIN: Final = frozenset({int, bool, type(None)})


class Misfit(ValueError):  # noqa: N818 - internal signal, turned into a MappingError with its path
    """A value does not fit; the message says what was expected, and *path* where inside the value that is."""

    def __init__(self, said: str, path: str = "") -> None:
        super().__init__(f"{path}: {said}" if path else said)
        self.said = said
        self.path = path

    def of(self, what: str) -> str:
        """Return the message for the value that is called *what*."""
        return f"{what}{self.path}: {self.said}"


def exactly(kind: type, said: str) -> Callable[[Any], Any]:
    """Make a check that takes values of this class and no subclass; *said* names it in messages."""

    def load(value: Any) -> Any:
        if value.__class__ is kind:
            return value
        raise Misfit(f"expected {said}, got {describe(value)}")

    return load


def as_integer(value: Any) -> int:
    """Take an integer of any library, but no bool."""
    if isinstance(value, bool):
        raise Misfit(f"expected an integer, got {describe(value)}")
    try:
        return operator.index(value)
    except TypeError:
        raise Misfit(f"expected an integer, got {describe(value)}") from None


def as_number(value: Any) -> float:
    """Take a finite number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise Misfit(f"expected a finite number, got {describe(value)}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Misfit(f"expected a finite number, got {describe(value)}")
    return number


def as_text(value: Any) -> str:
    """Take text that can be encoded."""
    if not isinstance(value, str):
        raise Misfit(f"expected text, got {describe(value)}{advice(value)}")
    # `str()` of a member of a text enumeration is its name; what is stored is its value.
    text = str.__str__(value)
    if reason := sendable(text):
        raise Misfit(f"{reason}: {describe(text)}")
    return text


def _moment(value: Any) -> datetime:
    try:
        return datetime.fromisoformat(value)
    except (TypeError, ValueError):
        raise Misfit(f"expected an ISO 8601 date and time, got {describe(value)}") from None


def load_moment(value: Any) -> datetime:
    """Read an ISO 8601 date and time with its UTC offset."""
    moment = _moment(value)
    if moment.tzinfo is None:
        raise Misfit(f"expected a date and time with its UTC offset, got {describe(value)}")
    return moment


def as_moment(value: Any) -> datetime:
    """Take an aware datetime, or its text."""
    moment = _moment(value) if isinstance(value, str) else value
    if not isinstance(moment, datetime) or is_missing(moment):
        hint = "; write None for a missing value" if is_missing(moment) else ""
        raise Misfit(f"expected a datetime, got {describe(value)}{hint}")
    if moment.utcoffset() is None:
        raise Misfit(
            f"{moment!r} has no time zone; write e.g. datetime(..., tzinfo=timezone.utc) or .astimezone()"
        )
    return moment


def check_json(value: Any) -> Any:
    """Refuse what JSON cannot hold; the message gives the path inside the value.

    Returns the value itself, or a copy if it holds numbers of numpy, which become Python's.
    """
    if is_plain_json(value):
        return value
    try:
        return _check_json(value)
    except RecursionError:
        raise Misfit("nested too deeply for JSON, or holding itself") from None


def is_plain_json(value: Any, *, depth: int = 100) -> bool:
    """Whether a value can be sent as it is, and nothing in it has to become another; False where that isn't certain.

    Most JSON is, and so is spared the slower walk, which knows where in a value it is, and other libraries' types.
    """
    kind = value.__class__
    if kind is dict:
        try:
            names = "".join(value)
        except TypeError:
            return False
        if not depth or ((not names.isascii() or "\0" in names) and sendable(names)):
            return False
        value = value.values()
    elif kind is not list:
        value = (value,)
    elif not depth:
        return False
    for each in value:
        kind = each.__class__
        if kind is str:
            if (not each.isascii() or "\0" in each) and sendable(each):
                return False
        elif kind is dict or kind is list:
            if not is_plain_json(each, depth=depth - 1):
                return False
        elif kind not in _PLAIN and not (kind is float and math.isfinite(each)):
            return False
    return True


def _check_json(value: Any) -> Any:
    if isinstance(value, str):
        if reason := sendable(value):
            raise Misfit(f"{reason}: {describe(value)}")
        return plain(value)
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, dict):
        return _check_dict(value)
    if isinstance(value, list | tuple):
        checked = [_inside(f"[{index}]", item) for index, item in enumerate(value)]
        return value if all(map(operator.is_, checked, value)) else checked
    value = plain(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else _refuse(value)
    return value if isinstance(value, str | bool | int) else _refuse(value)


def _check_dict(value: dict[Any, Any]) -> dict[Any, Any]:
    changed = {}
    for key, item in value.items():
        if not isinstance(key, str):
            raise Misfit(f"JSON keys are text, got {describe(key)}")
        if reason := sendable(key):
            raise Misfit(f"a key is {reason}: {describe(key)}")
        checked = _inside(f"[{key!r}]", item)
        if checked is not item:
            changed[key] = checked
    return {**value, **changed} if changed else value


def _inside(step: str, item: Any) -> Any:
    try:
        return _check_json(item)
    except Misfit as misfit:
        raise Misfit(misfit.said, step + misfit.path) from None


def _refuse(value: Any) -> Any:
    hint = "; write None for a missing value" if is_missing(value) else advice(value)
    raise Misfit(f"JSON cannot hold {describe(value)}{hint}")


def _finite(number: Decimal) -> Decimal:
    if not number.is_finite():
        raise Misfit(f"expected a finite number, got {describe(number)}")
    return number


def _date_text(day: date) -> str:
    if isinstance(day, datetime):  # it is a date to Python, and would be sent with its time
        raise Misfit(f"expected a date, got {describe(day)}; write value.date()")
    return day.isoformat()


def _unless_is(kind: type, load: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a hook that leaves values of the type as they are: a user sets a dict or a tuple of them."""
    return lambda value, _: value if isinstance(value, kind) else load(value)


def _from_dict(kind: type, hook: Callable[[Any, Any], Any]) -> Callable[[Any], Any]:
    return lambda value: hook(value, kind)


converter: Final = cattrs.Converter(
    detailed_validation=False,
    forbid_extra_keys=False,
    omit_if_default=True,
    unstruct_collection_overrides={Set: sorted, tuple: list},
)
"""Structures and unstructures the values of fields: register hooks for a type here before an entity declares it."""

_CALLS_THE_TYPE: Final = converter.get_structure_hook(bytes)
converter.register_structure_hook(bool, lambda value, _: exactly(bool, "True or False")(value))
converter.register_structure_hook(int, lambda value, _: as_integer(value))
converter.register_structure_hook(float, lambda value, _: as_number(value))
converter.register_structure_hook(str, lambda value, _: as_text(value))
converter.register_structure_hook(Decimal, lambda value, _: _finite(Decimal(str(value))))
converter.register_structure_hook(UUID, _unless_is(UUID, UUID))
converter.register_structure_hook(date, _unless_is(date, date.fromisoformat))
converter.register_structure_hook(
    datetime, lambda value, _: as_moment(value) if isinstance(value, datetime) else load_moment(value)
)
converter.register_structure_hook_factory(
    attrs.has, lambda kind, by: _unless_is(kind, _from_dict(kind, by.gen_structure_attrs_fromdict(kind)))
)
converter.register_unstructure_hook(Decimal, lambda number: str(_finite(number)))
converter.register_unstructure_hook(UUID, str)
converter.register_unstructure_hook(date, _date_text)
converter.register_unstructure_hook(datetime, datetime.isoformat)
IMMUTABLE: Final = frozenset({Decimal, UUID, date})


def structured(value: Any, kind: Any, *, by: cattrs.Converter = converter) -> Any:
    """Structure a wire value; whatever this raises, `first_misfit()` says what is wrong."""
    if attrs.has(kind) and not isinstance(value, dict):
        raise Misfit(f"expected a {kind.__name__}, got {describe(value)}")
    if isinstance(kind, type) and issubclass(kind, enum.Enum):
        return kind(value)  # of an `IntEnum`, cattrs would make an int
    # cattrs walks whatever can be walked: it would make letters of text, and keys of an object.
    if get_origin(kind) in (tuple, set, frozenset) and isinstance(value, str | dict):
        raise Misfit(f"expected a list, got {describe(value)}")
    return by.structure(value, kind)


def first_misfit(value: Any, kind: Any) -> Misfit:
    """Say what is wrong with a value that cannot be structured, and where inside it."""
    path, error = "", _detailed(value, kind)
    while isinstance(error, ClassValidationError | IterableValidationError):
        noted, others = error.group_exceptions()
        if not noted:  # what a class says of its values as a whole
            error = others[0]
            break
        error, note = noted[0]
        step: Any = note.name if isinstance(note, AttributeValidationNote) else note.index
        path += f".{step}" if isinstance(note, AttributeValidationNote) else f"[{step!r}]"
        kind, value = note.type, _member(value, step)
    if isinstance(error, MappingError):
        return Misfit(str(error), path)
    if isinstance(error, KeyError):
        return Misfit("it is missing", path)
    said = error.said if isinstance(error, Misfit) else f"expected {_named(kind)}, got {describe(value)}"
    return Misfit(said, path)


def _detailed(value: Any, kind: Any) -> Exception | None:
    # Only a converter with detailed validation tells where it failed; it is slower, so that it comes second.
    try:
        structured(value, kind, by=converter.copy(detailed_validation=True))
    except Exception as error:
        return error
    return None


def _member(value: Any, step: Any) -> Any:
    try:
        return value[step]
    except (LookupError, TypeError):
        return None


def _named(kind: Any) -> str:
    return f"a {kind.__name__}" if isinstance(kind, type) and not get_origin(kind) else str(kind)


def is_taught(kind: Any) -> bool:
    """Whether the converter has a hook for a type, other than to call it, which would take bytes and give no JSON."""
    try:
        return converter.get_structure_hook(kind) is not _CALLS_THE_TYPE
    except cattrs.StructureHandlerNotFoundError:
        return False
