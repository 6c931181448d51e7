"""JSON values: copies, comparison, sealed ones, and texts that are not parsed until they are read."""

from __future__ import annotations

import copy
import enum
import importlib.util
import json
import marshal
import sys

from collections.abc import Callable
from contextlib import suppress
from datetime import date
from functools import cache
from typing import Any, Final, TypeAlias

import attrs

from synapse.errors import MappingError
from synapse.mapping.structuring import Misfit, converter, is_plain_json
from synapse.values import plain

Json: TypeAlias = dict[str, Any]
"""A JSON object, such as `task.meta`; edits inside it are noticed by `save()`."""

JsonValue: TypeAlias = Any
"""Any JSON value, such as `job.result`."""

# Made once: `json.dumps()` makes one for each call that is not as usual.
_encode: Final = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
_LEAVES: Final = frozenset({str, int, float, bool, type(None)})


def readable(value: JsonValue) -> bytes:
    """Write JSON as readable text; half characters, which UTF-8 has none of, as escapes.

    >>> readable({"title": "도로"}).decode()
    '{"title":"도로"}'
    """
    try:
        return _encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def copy_json(value: JsonValue) -> JsonValue:
    """Copy a JSON value, so that edits never reach the original.

    >>> row = {"a": [1]}
    >>> copy_json(row)["a"].append(2)
    >>> row
    {'a': [1]}
    """
    try:
        return _copy(value)
    except RecursionError:
        raise MappingError("a value is nested too deeply for JSON, or holds itself") from None


def _copy(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _copy(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_copy(item) for item in value]
    return value if value.__class__ in _LEAVES else plain(value)


def detached(value: Any) -> Any:
    """Copy the parts of a field's value that can be edited, so that edits never reach the original.

    >>> held = [{"a": [1]}]
    >>> detached(held)[0]["a"].append(2)
    >>> held
    [{'a': [1]}]
    """
    if value.__class__ in (dict, list):
        try:
            return marshal.loads(marshal.dumps(value, _FORMAT))
        except ValueError:
            pass  # marshal takes neither objects nor deep nesting
    try:
        return _detached(value)
    except RecursionError:
        raise MappingError("a value is nested too deeply for JSON, or holds itself") from None


def _detached(value: Any) -> Any:
    kind = value.__class__
    if isinstance(value, dict):
        held = {key: _detached(item) for key, item in value.items()}
        # A storage's settings hide their values in every repr; a plain dict would show them.
        return held if kind is dict else kind(held)
    if kind is tuple:
        return tuple(_detached(item) for item in value)
    if isinstance(value, list | tuple):
        return [_detached(item) for item in value]
    if kind is set:
        return set(value)
    if attrs.has(kind):
        made = copy.copy(value)
        for each in attrs.fields(kind):
            if isinstance(held := getattr(value, each.name), dict | list):
                object.__setattr__(made, each.name, _detached(held))
        return made
    return value


def as_json(value: Any) -> JsonValue:
    """Return a field's value as `json.dumps()` takes it: times as ISO 8601, files and value classes as objects.

    >>> import datetime
    >>> as_json([datetime.datetime(2026, 3, 1, tzinfo=datetime.UTC)])
    ['2026-03-01T00:00:00+00:00']
    """
    if isinstance(value, dict):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [as_json(item) for item in value]
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if attrs.has(value.__class__):
        names = [each.name for each in attrs.fields(value.__class__)]
        return {name: as_json(getattr(value, name)) for name in names if not name.startswith("_")}
    return value if value.__class__ in _LEAVES else converter.unstructure(value)


Sealed: TypeAlias = bytes
"""A JSON value as it was, whatever is done since to the one that it was made of; no JSON value is of this type."""

# marshal is seven times as fast as a copy, and takes a third of its memory; sealed values never leave the process.
_FORMAT: Final = 2


def seal(value: JsonValue) -> JsonValue:
    """Keep a JSON value as it is now, as bytes.

    >>> row = {"a": [1]}
    >>> kept = seal(row)
    >>> row["a"].append(2)
    >>> unseal(kept)
    {'a': [1]}
    """
    try:
        return marshal.dumps(value, _FORMAT)
    except ValueError:  # nested too deeply for this
        return copy_json(value)


def seal_plain(value: JsonValue) -> Sealed | None:
    """Seal a value that can be sent as it is; None where it isn't certain that it can.

    >>> seal_plain({"a": (1,)}) is None, unseal(seal_plain({"a": [1]}))
    (True, {'a': [1]})
    """
    try:
        return marshal.dumps(value, _FORMAT) if is_plain_json(value) else None
    except ValueError:  # keys of a class of their own, which marshal doesn't take
        return None


def is_as_sealed(value: JsonValue, kept: JsonValue) -> bool:
    """Whether a value is surely what was sealed; one that is not may be the same JSON in another order.

    >>> is_as_sealed({"a": [1]}, seal({"a": [1]})), is_as_sealed({"a": [True]}, seal({"a": [1]}))
    (True, False)
    """
    try:
        return kept.__class__ is Sealed and bool(marshal.dumps(value, _FORMAT) == kept)
    except ValueError:
        return False


def unseal(kept: JsonValue) -> JsonValue:
    """Return a new copy of a sealed value, or of one that was kept as its text; any other value as it is."""
    if kept.__class__ is JsonText:
        return read(kept)
    return marshal.loads(kept) if kept.__class__ is Sealed else kept


def same_json(first: JsonValue, second: JsonValue) -> bool:
    """Whether two values are the same JSON: unlike `==`, 1 is neither `true` nor 1.0.

    >>> {"checked": 1} == {"checked": True}, same_json({"checked": 1}, {"checked": True})
    (True, False)
    """
    if first.__class__ in (dict, list) and second.__class__ is first.__class__:
        # Most that is compared was never edited: its bytes are the same, and tell it ten times as fast as a walk.
        try:
            if marshal.dumps(first, _FORMAT) == marshal.dumps(second, _FORMAT):
                return True
        except ValueError:
            pass  # more than JSON, or nested deeply
    return _same(first, second)


def _same(first: JsonValue, second: JsonValue) -> bool:
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(_same, first, second))
    kinds = [
        bool if isinstance(value, bool) else float if isinstance(value, float) else None
        for value in (first, second)
    ]
    if kinds[0] is not kinds[1]:
        return False
    try:
        return bool(first == second)
    except (
        TypeError,
        ValueError,
    ):  # an array has no truth value; it is no JSON, and is refused when it is sent
        return False


# --- unparsed ---------------------------------------------------------------
_LARGE: Final = 1 << 17


class JsonText(bytes):
    """The text of a JSON value as it came."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "<JSON>"  # it may hold tokens


@cache
def load() -> Callable[[bytes], Any]:
    """Import msgspec's decoder."""
    found: Callable[[bytes], Any] = importlib.import_module("msgspec.json").decode
    return found


def is_readable() -> bool:
    """Whether msgspec is installed."""
    return importlib.util.find_spec("msgspec") is not None


def pays(content: bytes) -> bool:
    """Whether msgspec is faster, which takes 20 ms to import: the standard library reads a megabyte in that time."""
    return len(content) >= _LARGE or "msgspec" in sys.modules


def loads(content: bytes) -> Any:
    """Read JSON by msgspec, with the results and the errors of the standard library.

    msgspec refuses NaN, infinities and lone surrogates, and numbers that are larger than any float; it reads all else
    as the standard library does.
    """
    if not pays(content):
        return json.loads(content)
    try:
        return load()(content)
    except (ValueError, RecursionError):
        return json.loads(content)


def dumps(value: Any) -> bytes:
    """Write JSON that was checked, by msgspec if it is imported already; unchecked, it would write NaN as null.

    >>> dumps({"a": [1, "é"]}).decode() in ('{"a":[1,"é"]}', '{"a":[1,"\\\\u00e9"]}')
    True
    """
    if encode := _encoder():
        # What only the standard library writes: integers beyond 64 bits.
        with suppress(ValueError, TypeError, OverflowError, RecursionError):
            return encode(value)
    return json.dumps(value, allow_nan=False, separators=(",", ":")).encode()


def _encoder() -> Callable[[Any], bytes] | None:
    found: Callable[[Any], bytes] | None = getattr(sys.modules.get("msgspec.json"), "encode", None)
    return found


def read(text: JsonText) -> Any:
    """Parse a value; one that cannot be read is a `Misfit`."""
    try:
        return loads(text)
    except RecursionError:
        raise Misfit("nested too deeply") from None
    except ValueError:
        raise Misfit("no JSON that can be read") from None
