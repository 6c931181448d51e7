"""Values as users give them: those of other libraries, and paths with a leading `~`."""

from __future__ import annotations

import enum
import os
import sys

from collections.abc import Iterable, Mapping
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, Protocol, TypeAlias, TypeGuard
from uuid import UUID

from synapse.errors import SynapseError, TransferError


class ArrowStream(Protocol):
    """Anything that gives its rows as a stream of Arrow: tables and frames of most libraries, queries, `values()`."""

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Give the stream."""
        ...


class ArrowBatch(Protocol):
    """A record batch of Arrow."""

    def __arrow_c_array__(self, requested_schema: object = None) -> object:
        """Give the schema and the array."""
        ...


Table: TypeAlias = ArrowStream | ArrowBatch
"""What a table may be given as, beside rows of dicts."""

_PYTHON: Final = frozenset({str, int, float, bool, dict, list, tuple, type(None)})
_MISSING: Final = frozenset({"NaTType", "NAType"})


def plain(value: Any) -> Any:
    """Give Python's value of a numpy number, truth value or text; any other value as it is.

    numpy is never imported here: a value can be its only where somebody else has done so.
    """
    if value.__class__ in _PYTHON:
        return value
    numpy = sys.modules.get("numpy")
    if not isinstance(value, getattr(numpy, "generic", ())) or isinstance(value, numpy.timedelta64):  # type: ignore[union-attr]
        return value
    for kind, own in ((numpy.bool_, bool), (numpy.integer, int), (numpy.floating, float), (numpy.str_, str)):  # type: ignore[union-attr]
        if isinstance(value, kind):
            return own(value)
    return value


def is_many(value: object) -> TypeGuard[Iterable[Any]]:
    """Tell whether a value holds others one after another: no text, no mapping, and no array of a single value.

    >>> is_many([1]), is_many("text"), is_many({"a": 1})
    (True, False, False)
    """
    single = isinstance(value, str | bytes | bytearray | Mapping) or getattr(value, "ndim", 1) == 0
    return isinstance(value, Iterable) and not single


def is_missing(value: object) -> bool:
    """Tell whether a value stands for one that is missing: NaN, `pandas.NaT` or `pandas.NA`, numpy's NaT."""
    value = plain(value)
    if type(value).__name__ in _MISSING:
        return True
    return (isinstance(value, float) or type(value).__name__ == "datetime64") and bool(value != value)


def sendable(text: str) -> str | None:
    r"""Say why text cannot be sent; None if it can.

    >>> sendable("caf\udce9")
    'text with half of a surrogate pair, which no encoding can carry'
    """
    if "\0" in text:
        return "text with a NUL character, which databases refuse"
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError:
            return "text with half of a surrogate pair, which no encoding can carry"
    return None


def advice(value: object) -> str:
    """Say what to write in the place of a value that cannot be sent, as the end of a sentence."""
    if is_missing(value) or plain(value) is not value:
        return ""
    for kinds, instead in _INSTEAD:
        if isinstance(value, kinds):
            return f"; write {instead}"
    if type(value).__name__ in ("datetime64", "timedelta64"):
        return "; write str(value)"
    if callable(getattr(value, "tolist", None)):
        return "; write value.tolist()"
    return ""


# numpy's bytes are Python's as well; a datetime is a date.
_INSTEAD: Final[tuple[tuple[Any, str], ...]] = (
    ((bytes, bytearray), "value.decode()"),
    (memoryview, "value.tobytes().decode()"),
    (Decimal, "float(value) or str(value)"),
    ((date, time), "value.isoformat()"),
    ((set, frozenset), "sorted(value)"),
    ((UUID, os.PathLike), "str(value)"),
    (enum.Enum, "value.value"),
)


def user_path(
    path: str | os.PathLike[str], *, error: type[SynapseError] = TransferError, setting: str = ""
) -> Path:
    """Return a path in which a leading `~` is the home folder, and `~name` that of the user *name*, as for a shell.

    A file may well be called `~draft.png`. But nobody means a folder `~name` that is not there: that is an *error*.
    """
    text = os.fspath(path)
    if not text.startswith("~"):
        return Path(text)
    try:
        expanded = os.path.expanduser(text)  # noqa: PTH111 - unlike that of Path, it leaves what is no user's
    except ValueError:  # a NUL, which the path is refused for later
        return Path(text)
    first = Path(text).parts[0]
    if expanded == text and first != text and not os.path.lexists(first):
        raise error(
            f"{f'{setting}: ' if setting else ''}{text[:200]!r} cannot be found: this system has no user of the name "
            "after the '~'. For a folder that is called so, write './~…'"
        )
    return Path(expanded)
