"""Write what type checkers and editors know of each entity's queries: `synapse/entities/typed.pyi`.

`make typed` renews the file from the declarations, and with it that of `build_twins.py`; `--check` only tells whether
they are out of date.
"""

from __future__ import annotations

import enum
import inspect
import re
import subprocess
import sys

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final, get_args, get_origin, get_type_hints

import synapse.typing

from synapse import entities
from synapse.dialects import DEFAULT
from synapse.downloads import RemoteFile
from synapse.entities.storage import Configuration
from synapse.mapping import OpenChoice
from synapse.mapping.codecs import split_optional
from synapse.orm import Entity
from synapse.orm.record import entity_named
from synapse.query import In
from synapse.query.kinds import Boolean, Bound, Choice, Integer, Key, Kind, Reference, TextKey, Timestamp
from synapse.query.lookups import Lookup
from tools import build_twins

STUB: Final = Path(__file__).parents[1] / "synapse" / "entities" / "typed.pyi"
DEEPEST: Final = 3
"""So many steps has a path of `prefetch_related()` that is known by name."""
HEADER: Final = '''\
"""What type checkers and editors know of each entity's queries; `make typed` writes this file."""

# The names of each entity are narrower than what the base of all managers takes.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal, Never, Self, SupportsIndex, TypeAlias, TypedDict, Unpack, overload
from uuid import UUID

from synapse import (
    {public},
)
from synapse.entities.exporting import AnnotatedManager
from synapse.entities.files import FilesManager
from synapse.mapping.unset import Unset
from synapse.orm import BulkResult, Manager, Values

Int: TypeAlias = int | SupportsIndex
'''

QUERIES: Final = '''\
class {e}Queries({base}[{e}]):
    """Queries of `{e}`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[{e}Lookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[{e}Exclusions]) -> Self: ...
    def order_by(self, *names: {e}Order) -> Self: ...
    def only(self, *names: {e}Field) -> Self: ...
    def defer(self, *names: {e}Field) -> Self: ...
    def select_related(self, *names: {e}Nested) -> Self: ...
    def prefetch_related(self, *paths: {e}Path) -> Self: ...
    def values(self, *fields: {e}Field | {e}Behind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(self, field: {e}Field | {e}Behind, /, *, flat: Literal[True], json: bool = ...) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: {e}Field | {e}Behind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: {e}Key | Unset = ..., /, **lookups: Unpack[{e}Match]) -> {e}: ...
    def latest(self, name: {e}Order, /, *names: {e}Order) -> {e}: ...
    def earliest(self, name: {e}Order, /, *names: {e}Order) -> {e}: ...
    def in_bulk(self, keys: Iterable[{e}Key] | Unset = ..., *, field_name: None = None) -> dict[Any, {e}]: ...
    def get_or_create(
        self, defaults: {e}Values | None = None, **lookups: Unpack[{e}Match]
    ) -> tuple[{e}, bool]: ...
    def update_or_create(
        self, defaults: {e}Values | None = None, **lookups: Unpack[{e}Match]
    ) -> tuple[{e}, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[{e}Values]
    ) -> BulkResult: ...
'''
CREATE: Final = """\
    def create(self, *, dry_run: bool = False, **values: Unpack[{e}Values]) -> {e}: ...
"""
TWINS: Final = re.compile(
    r"    def ((?:get|latest|earliest|in_bulk|get_or_create|update_or_create|update|create)\(.*?\.\.\.\n)",
    re.DOTALL,
)


def every_entity() -> list[type[Entity]]:
    """List the public entities in the order of their names."""
    found = (getattr(entities, name) for name in entities.__all__)
    return sorted(
        (each for each in found if isinstance(each, type) and issubclass(each, Entity)),
        key=lambda each: each.__name__,
    )


def every_choice() -> list[type[enum.Enum]]:
    """List the public enumerations."""
    found = (getattr(entities, name) for name in entities.__all__)
    return [each for each in found if isinstance(each, type) and issubclass(each, enum.Enum)]


# --- types of values ---------------------------------------------------------
def asked(kind: Kind, lookup: type[Lookup]) -> str:
    """Spell the type of the values that a lookup takes."""
    single = compared(lookup.kind_of(kind))
    return f"Iterable[{single}]" if issubclass(lookup, In) else single


def compared(kind: Kind) -> str:
    """Spell the type of the values that a field is compared with."""
    if isinstance(kind, Bound) and isinstance(entity_named(kind.to)._schema.key, Key):
        return f"{kind.to} | Int"
    if isinstance(kind, Reference):
        return f"{kind.to}Key"
    if isinstance(kind, Choice):
        return f"{kind.of.__name__}Value"
    return {Boolean: "bool", Integer: "Int", Timestamp: "date | str"}.get(type(kind), "str")


def key_of(cls: type[Entity]) -> str:
    """Spell the type of what names an object: itself or its key."""
    key = cls._schema.key
    if isinstance(key, TextKey):
        return f"{cls.__name__} | str | UUID{' | Int' if key.number else ''}"
    return f"{cls.__name__} | Int"


def assigned(annotation: Any) -> str:
    """Spell the type of what may be assigned to a field."""
    declared, nullable = split_optional(annotation)
    if declared is Any:
        return "Any"
    return f"{_assigned(declared)}{' | None' if nullable else ''}"


def _assigned(declared: Any) -> str:
    choices = [each for each in (declared, *get_args(declared)) if inspect.isclass(each) and is_choice(each)]
    if choices:
        return f"{choices[0].__name__}Value{' | str' if issubclass(choices[0], OpenChoice) else ''}"
    if get_origin(declared) is Annotated:
        return "str"
    if get_origin(declared) is list:
        item = get_args(declared)[0].__name__
        return f"list[{item}] | tuple[{item}, ...]"
    if get_origin(declared) is dict or declared is Configuration:
        return "dict[str, Any]"
    known: dict[Any, str] = {int: "Int", datetime: "datetime | str", RemoteFile: "RemoteFile | str"}
    return known.get(declared) or str(declared.__name__)


def is_choice(kind: type[Any]) -> bool:
    """Whether a class is an enumeration."""
    return issubclass(kind, enum.Enum)


# --- blocks of the file ------------------------------------------------------
def literal(name: str, members: Iterable[str]) -> str:
    """Declare a name for some texts; for none at all, nothing fits."""
    texts = ", ".join(f'"{each}"' for each in members)
    return f"{name}: TypeAlias = {f'Literal[{texts}]' if texts else 'Never'}\n"


def typed_dict(name: str, members: Mapping[str, str], *, base: str = "TypedDict") -> str:
    """Declare names of arguments with their types; all may be left out."""
    lines = "".join(f"    {each}: {kind}\n" for each, kind in members.items()) or "    pass\n"
    return f"class {name}({base}, total=False):\n{lines}"


def choice(kind: type[enum.Enum]) -> str:
    """Declare what stands for a value of an enumeration: the value itself, or its text."""
    texts = ", ".join(f'"{member.value}"' for member in kind)
    return f"{kind.__name__}Value: TypeAlias = {kind.__name__} | Literal[{texts}]\n"


def lookups(cls: type[Entity]) -> Iterator[str]:
    """Declare what `filter()`, `exclude()` and `get()` take."""
    name, catalog = cls.__name__, cls._catalog
    spelled = catalog.every_spelling()
    types = {each: asked(catalog.kinds[of], lookup) for each, (of, lookup) in spelled.items()}
    yield typed_dict(f"{name}Lookups", types)
    excluded = {each: types[each] for each, found in spelled.items() if catalog.can_exclude(*found)}
    yield typed_dict(f"{name}Exclusions", excluded)
    keys = [each for each in (cls._schema.pk, "pk") if each not in types]
    yield typed_dict(f"{name}KeyLookups", dict.fromkeys(keys, f"{name}Key"), base=f"{name}Lookups")
    named = [each for each in cls._schema.natural if each not in types]
    yield typed_dict(f"{name}Match", dict.fromkeys(named, "str"), base=f"{name}KeyLookups")


def values(cls: type[Entity]) -> Iterator[str]:
    """Declare what `update()` and `create()` take."""
    schema, hints = cls._schema, get_type_hints(cls, include_extras=True)
    types = {}
    for name in schema.settable:
        if name in schema.to_one:
            null = " | None" if schema.field(name).nullable else ""
            types[name] = f"{schema.to_one[name].target}Key{null}"
        else:
            types[name] = assigned(hints[name])
    own = own_parameters(cls)
    yield typed_dict(
        f"{cls.__name__}Creation", {name: kind for name, kind in types.items() if name not in own}
    )
    added = {name: kind for name, kind in types.items() if name in own}
    yield typed_dict(f"{cls.__name__}Values", added, base=f"{cls.__name__}Creation")


def own_parameters(cls: type[Entity]) -> set[str]:
    """Name the parameters that the manager's own `create()` has beside the fields, such as the path of a file."""
    parameters = inspect.signature(type(cls.objects).create).parameters.values()
    return {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}


def names(cls: type[Entity]) -> Iterator[str]:
    """Declare the names that `order_by()`, `only()`, `select_related()` and others take."""
    name, schema = cls.__name__, cls._schema
    yield literal(f"{name}Order", cls._catalog.order_names())
    yield literal(f"{name}Field", schema.spellings())
    yield literal(f"{name}Behind", fields_behind(cls, depth=DEEPEST - 1))
    yield literal(f"{name}Nested", DEFAULT.table(schema, cls._catalog).expandable)
    yield literal(f"{name}Path", paths(cls, depth=DEEPEST))


def paths(cls: type[Any], *, depth: int) -> Iterator[str]:
    """Give the paths of relations, those to many included, the short ones first."""
    schema = cls._schema
    links = {**schema.to_one, **schema.to_many}
    yield from links
    for name, link in links.items() if depth > 1 else ():
        yield from (f"{name}__{rest}" for rest in paths(entity_named(link.target), depth=depth - 1))


def fields_behind(cls: type[Any], *, depth: int) -> Iterator[str]:
    """Give the paths of fields of objects that relations to one lead to, the short ones first."""
    links = {name: entity_named(link.target) for name, link in cls._schema.to_one.items()}
    for name, target in links.items():
        yield from (f"{name}__{field}" for field in target._schema.fields if field != target._schema.pk)
    for name, target in links.items() if depth > 1 else ():
        yield from (f"{name}__{rest}" for rest in fields_behind(target, depth=depth - 1))


def queries(cls: type[Entity]) -> str:
    """Declare the base of the manager; a `create()` that takes more than fields is declared by the manager itself."""
    name, manager = cls.__name__, type(cls.objects)
    declared = QUERIES + ("" if "create" in vars(manager) else CREATE)
    twins = "".join(f"    async def a{each}" for each in TWINS.findall(declared))
    return (declared + twins).format(e=name, base=manager.__bases__[0].__name__)


def exported() -> str:
    """List what `synapse.typing` has."""
    return f"__all__ = [{', '.join(map(repr, dir(synapse.typing)))}]\n"


def render() -> str:
    """Give the whole file."""
    found, choices = every_entity(), every_choice()
    public = sorted({each.__name__ for each in (*found, *choices)} | {"FileSpecification", "RemoteFile"})
    blocks = [HEADER.format(public=",\n    ".join(public)), exported(), *map(choice, choices)]
    blocks += [f"{cls.__name__}Key: TypeAlias = {key_of(cls)}\n" for cls in found]
    for cls in found:
        blocks += [*lookups(cls), *values(cls), *names(cls)]
        blocks.append(queries(cls))
    return formatted("\n".join(blocks))


def formatted(text: str) -> str:
    """Format a stub as `make fmt` does."""
    for command in (("check", "--select=I001", "--fix-only", "--quiet"), ("format",)):
        line = [sys.executable, "-m", "ruff", *command, "--stdin-filename", str(STUB), "-"]
        text = subprocess.run(line, input=text, capture_output=True, text=True, check=True).stdout
    return text


def main() -> int:
    """Write the files, or with `--check` only compare."""
    found = {STUB: render(), build_twins.STUB: formatted(build_twins.render())}
    stale = [path for path, text in found.items() if not path.exists() or path.read_text("utf-8") != text]
    if "--check" in sys.argv:
        print(*(f"out of date: {path}: run make typed" for path in stale), sep="\n")
        return len(stale)
    for path, text in found.items():
        path.write_text(text, encoding="utf-8")
        print(f"wrote {path}: {len(text):,} characters")
    return 0


if __name__ == "__main__":
    sys.exit(main())
