"""What is typed behind a verb: an entity, and `name=value` as `filter()`, `create()` and `update()` take it."""

from __future__ import annotations

import json
import sys

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

import click

from synapse import entities
from synapse.errors import did_you_mean
from synapse.mapping.schema import Field
from synapse.orm import Entity
from synapse.orm.record import entity_named
from synapse.query import In, NotIn
from synapse.query.kinds import Boolean, Integer, Key, Kind, Reference, TextKey

_TRUE: Final = frozenset({"true", "yes", "1"})
_FALSE: Final = frozenset({"false", "no", "0"})


def managers() -> dict[str, str]:
    """Map the plural name of every entity, such as `tasks`, to the name of its class."""
    properties = vars(entities.Session).items()
    named = {
        name: each.fget.__annotations__.get("return", "")
        for name, each in properties
        if isinstance(each, property) and each.fget is not None
    }
    public = ((name, getattr(entities, name)) for name in entities.__all__)
    classes = {name: each for name, each in public if _is_entity(each)}
    by_manager = {type(each.objects).__name__: name for name, each in classes.items()}
    return {name: by_manager[manager] for name, manager in named.items() if manager in by_manager}


def _is_entity(value: object) -> bool:
    return isinstance(value, type) and issubclass(value, Entity) and value is not Entity


def entity_of(name: str) -> tuple[str, type[Entity]]:
    """Return the plural name and the class that were meant: `tasks`, `task`, `Task`, `data-units`."""
    known = managers()
    spelled = name.replace("-", "_").lower()
    for plural, cls in known.items():
        if spelled in (plural, plural.removesuffix("s"), cls.lower()):
            return plural, getattr(entities, cls)
    raise click.UsageError(
        f"there are no {name!r}{did_you_mean(spelled, known)}. Entities: {', '.join(known)}"
    )


def pairs(words: Iterable[str], *, verb: str) -> dict[str, str]:
    """Split `name=value`; a name may come once."""
    found: dict[str, str] = {}
    for word in words:
        name, is_pair, value = word.partition("=")
        if not is_pair or not name:
            raise click.UsageError(f"{verb} takes name=value, got {word!r}")
        if name in found:
            raise click.UsageError(f"{name} is given twice: {name}={found[name]} and {word}")
        found[name] = value
    return found


# --- lookups -----------------------------------------------------------------
def lookups_of(cls: type[Entity], words: Iterable[str], *, verb: str) -> dict[str, Any]:
    """Read what `filter()` takes; names and values that it does not know are left to it to refuse."""
    known = cls._catalog.every_spelling()
    found: dict[str, Any] = {}
    for spelling, text in pairs(words, verb=verb).items():
        name, lookup = known.get(spelling, ("", None))
        if lookup is None:
            found[spelling] = _key(cls, text) if spelling in ("pk", cls._schema.pk) else text
            continue
        kind = cls._catalog.kinds[name]
        several = issubclass(lookup, In | NotIn)
        found[spelling] = [compared(kind, each) for each in listed(text)] if several else compared(kind, text)
    return found


def key_of(cls: type[Entity], text: str) -> Any:
    """Read the key of one object."""
    return compared(cls._schema.key, text)


_key = key_of


def listed(text: str) -> list[str]:
    """Read several values: `1,2,3`, `@file` with one a line, or `-` for standard input."""
    if _elsewhere(text):
        return [line.strip() for line in contents(text).splitlines() if line.strip()]
    return [each.strip() for each in text.split(",") if each.strip()]


def compared(kind: Kind, text: str) -> Any:
    """Make of typed text what a filter of this kind compares with; what fits no type is left for the kind to refuse."""
    if isinstance(kind, Reference):
        kind = entity_named(kind.to)._schema.key
    if isinstance(kind, Boolean):
        return _boolean(text)
    if isinstance(kind, Integer | Key) or (isinstance(kind, TextKey) and kind.number):
        return _integer(text)
    return text


def _boolean(text: str) -> bool | str:
    word = text.lower()
    return word in _TRUE if word in _TRUE | _FALSE else text


def _integer(text: str) -> int | str:
    digits = text.removeprefix("-")
    # `int()` would read digits of other scripts as well.
    return int(text) if digits.isascii() and digits.isdecimal() and len(digits) < 20 else text


# --- values ------------------------------------------------------------------
def values_of(cls: type[Entity], words: Iterable[str], *, verb: str) -> dict[str, Any]:
    """Read what `create()` and `update()` take; each value is checked against its field."""
    found = {}
    for name, text in pairs(words, verb=verb).items():
        field = cls._schema.field(name)
        found[name] = None if text == "null" and field.nullable else _assigned(field, name, text)
        if name not in cls._schema.relations:
            field.accept(cls.__name__, found[name])
    return found


def _assigned(field: Field, name: str, text: str) -> Any:
    codec = field.codec
    if codec.kind is bool:
        return _boolean(text)
    if codec.kind is int:
        return _integer(text)
    if codec.kind is list and not text.lstrip().startswith(("[", "@", "-")):
        return [each.strip() for each in text.split(",") if each.strip()]
    if codec.lazy:
        return json_of(text, name=name)
    return _number(text) if codec.kind is float else text


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def json_of(text: str, *, name: str) -> Any:
    """Read JSON that was typed, or that lies in `@file` or in `-`, standard input."""
    source = contents(text) if _elsewhere(text) else text
    try:
        return json.loads(source)
    except ValueError as error:
        raise click.UsageError(f"{name} takes JSON, or @file with JSON in it: {error}") from None


def parameters_of(words: Iterable[str]) -> dict[str, Any]:
    """Read `params.epochs=2 params.optimizer.name=adam` as one object; what is no JSON is text."""
    found: dict[str, Any] = {}
    for path, text in pairs(words, verb="run").items():
        head, *steps = path.split(".")
        if head != "params" or not all(steps) or not steps:
            raise click.UsageError(f"parameters look like params.epochs=2, not {path}={text}")
        *parents, last = steps
        inner = found
        for step in parents:
            inner = inner.setdefault(step, {})
            if not isinstance(inner, dict):
                raise click.UsageError(f"params.{step} is given as a value and as an object")
        inner[last] = _plainly(text, name=path)
    return found


def _plainly(text: str, *, name: str) -> Any:
    if text.startswith("@"):
        return json_of(text, name=name)
    try:
        return json.loads(text)
    except ValueError:
        return text


def _elsewhere(text: str) -> bool:
    """Whether text is not a value, but the place of one."""
    return text == "-" or text.startswith("@")


def contents(place: str) -> str:
    """Read `@file`, or standard input for `-`, which curl and others spell `@-`."""
    if place in ("-", "@-"):
        return sys.stdin.read()
    path = Path(place.removeprefix("@")).expanduser()
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        why = getattr(error, "strerror", None) or "it is no UTF-8 text"
        raise click.UsageError(f"{str(path)!r} cannot be read: {why}") from None


def fields_of(cls: type[Entity], given: str | None) -> list[str]:
    """Read `--fields id,title`, checked; without it, all that a list shows."""
    if given is not None:
        return [cls._schema.field(name.strip()).name for name in given.split(",") if name.strip()]
    fields: Mapping[str, Field] = cls._schema.fields
    return [name for name, each in fields.items() if not (each.codec.lazy or each.secret or each.write_only)]
