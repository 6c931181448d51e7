"""Code, written once for each entity, that makes an object of a row that looks as expected.

A row of any other look is left to `loading`, which reads every row right, or says what is wrong with it. So this code
asks each value for its class and nothing more: about a third of the time that calling a codec for each would take.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from synapse.dialects import Table
from synapse.mapping.codecs import Codec
from synapse.mapping.schema import Field
from synapse.mapping.state import State
from synapse.mapping.unset import UNSET

if TYPE_CHECKING:
    from synapse.session import Session

Make = Callable[[dict[str, Any], "Session", Any, Any], Any]
"""Makes an object of a row, a session, a fetch mode and the peers; `None` for a row of another look."""

_HEAD = """\
def make(row, session, mode, peers):
    try:
        get = row.get
        made = new(cls)
        origin = {}
        put_state(made, State(session, True, mode, peers, origin))
        known = 0
"""
_FOOT = """\
    except (ValueError, TypeError, AttributeError):
        return None
    if known < len(row):
        keep_extra(made, row)
    return made
"""


def maker(
    cls: Any, table: Table, *, nested: Callable[..., Any], keep_extra: Callable[[Any, dict[str, Any]], None]
) -> Make:
    """Write the code for an entity; *nested* takes a related row that came expanded, *keep_extra* unknown keys."""
    schema = cls._schema
    by_via = {via: name for name, via in schema.relations.items()}
    scope: dict[str, Any] = {
        "cls": cls,
        "new": cls.__new__,
        "State": State,
        "put_state": cls._state.__set__,
        "UNSET": UNSET,
        "nested": nested,
        "keep_extra": keep_extra,
    }
    lines: list[str] = []
    for number, (name, wire) in enumerate(table.names.items()):
        field = schema.fields[name]
        scope[f"put{number}"] = getattr(cls, name).__set__
        scope[f"load{number}"] = field.codec.load
        scope[f"table{number}"] = field.codec.table
        lines += _lines(field, str(number), wire=wire, relation=by_via.get(name), key=name == schema.pk)
    source = _HEAD + "".join(f"        {line}\n" for line in lines) + _FOOT
    exec(compile(source, f"<rows of {cls.__name__}>", "exec"), scope)
    made: Make = scope["make"]
    return made


def _lines(field: Field, number: str, *, wire: str, relation: str | None, key: bool) -> Iterator[str]:
    """Write how one field is read."""
    codec = field.codec
    yield f"value = get({wire!r}, UNSET)"
    if relation is not None:
        yield f"if value.__class__ is dict: value = nested(made, {relation!r}, value)"
    yield f"if {_usual(codec)}: {_take(codec, field.name, number)}; known += 1"
    if key:
        yield "else: return None"
        return
    empty = f"put{number}(made, None); known += 1"
    yield f"elif value is None: {f'origin[{field.name!r}] = None; ' if codec.lazy else ''}{empty}"
    yield "elif value is not UNSET: return None"


def _usual(codec: Codec) -> str:
    if codec.kind is None:
        return "value is not None and value is not UNSET"
    return f"value.__class__ is {codec.kind.__name__}"


def _take(codec: Codec, name: str, number: str) -> str:
    if codec.lazy:
        return f"origin[{name!r}] = value"
    if codec.table is not None:
        return f"put{number}(made, table{number}.get(value) or load{number}(value))"
    return f"put{number}(made, {'value' if codec.kind else f'load{number}(value)'})"
