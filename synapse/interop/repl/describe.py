"""The reference page of an entity from its declaration: fields, lookups, orders, relations and verbs."""

from __future__ import annotations

import inspect

from collections.abc import Iterable, Iterator, Sequence
from types import FunctionType
from typing import Any, Final, TypeAlias, get_origin

from synapse.interop.notebook import markup
from synapse.interop.repl.declared import nested_in, types_of
from synapse.mapping.unset import UNSET
from synapse.orm import Entity, Manager
from synapse.orm.entity import EntityDoc
from synapse.orm.record import Record, catalog_of, objects_of, schema_of
from synapse.query import In
from synapse.query.kinds import takes
from synapse.showing import View

_LONGEST: Final = 100
_NOISE: Final = (
    "synapse.",
    "datetime.",
    "typing.",
    "entities.choices.",
    "downloads.remote_file.",
    "entities.",
)

_Section: TypeAlias = tuple[str, Sequence[tuple[str, ...]]]


def describe(cls: type[Entity]) -> View:
    """Describe an entity for a terminal and for a notebook; nothing is sent."""
    doc = (inspect.getdoc(cls) or "").partition("\n\n")[0]
    sections = list(_sections(cls))
    parts = [markup.title(cls.__name__), markup.more(doc)]
    for name, rows in sections:
        cells = [[f"<code>{markup.text(row[0])}</code>", *map(markup.text, row[1:])] for row in rows]
        parts.append(markup.table((name, *("" for _ in rows[0][1:])), cells))
    return View(markup.page(*parts), text=f"{cls.__name__}: {doc}\n\n{_written(sections)}")


def outline(doc: EntityDoc, owner: type[Entity]) -> str:
    """List the fields, lookups, orders and relations of an entity, for the end of its docstring."""
    return _written([each for each in _sections(owner) if each[0] != "verbs"])


def _sections(cls: type[Entity]) -> Iterator[_Section]:
    """Give what there is; what an entity doesn't have is left out."""
    orders = [(name,) for name in catalog_of(cls).order_by]
    found: dict[str, Sequence[tuple[str, ...]]] = {
        "fields": list(_fields(cls)),
        "lookups": list(_lookups(cls)),
        "names, for get() and get_or_create()": [(name, "text") for name in schema_of(cls).natural],
        "orders": orders,
        "relations": list(_relations(cls)),
        "verbs": list(_verbs(cls)),
    }
    yield from ((name, rows) for name, rows in found.items() if rows)


def _written(sections: Iterable[_Section]) -> str:
    lines: list[str] = []
    for name, rows in sections:
        widths = [min(max(len(row[place]) for row in rows), 34) for place in range(len(rows[0]))]
        lines += ["", name.capitalize()]
        for row in rows:
            cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
            lines.append(f"  {'  '.join(cells)}".rstrip())
    return "\n".join(lines).strip()


def _fields(cls: type[Entity]) -> Iterator[tuple[str, str, str]]:
    declared = types_of(cls)
    for field in schema_of(cls).fields.values():
        notes = {
            "set by the backend": field.read_only,
            "only sent": field.write_only,
            "required": field.required,
            "never shown": field.secret,
        }
        told = [note for note, holds in notes.items() if holds]
        if not field.read_only and field.default not in (UNSET, None, "", {}, []):
            told.append(f"default {field.default}")
        yield field.name, spelled(declared[field.name]), ", ".join(told)


def spelled(annotation: Any) -> str:
    """Spell a type as it is declared."""
    is_class = isinstance(annotation, type) and get_origin(annotation) is None
    text = annotation.__name__ if is_class else str(annotation)
    if text.startswith("typing.Annotated[str"):
        return "str"
    for noise in _NOISE:
        text = text.replace(noise, "")
    return text


def _lookups(cls: type[Entity]) -> Iterator[tuple[str, str]]:
    catalog = catalog_of(cls)
    spelled = catalog.every_spelling()
    for spelling in catalog.spellings():
        name, lookup = spelled[spelling]
        said = takes(lookup.kind_of(catalog.kinds[name]))
        yield spelling, f"several: {said}" if issubclass(lookup, In) else said


def _relations(cls: type[Entity]) -> Iterator[tuple[str, str, str]]:
    schema = schema_of(cls)
    nested = nested_in(cls)
    for name, one in schema.to_one.items():
        how = "select_related, prefetch_related" if name in nested else "prefetch_related"
        yield name, f"one {cls_of(cls, name)}", f"by {one.via}; {how}"
    for name, many in schema.to_many.items():
        target = cls_of(cls, name)
        yield name, f"many {target}", f"{target}.objects.filter({many.by}=...)"


def cls_of(cls: type[Record], relation: str) -> str:
    """Name the entity on the other side of a relation."""
    target: str = getattr(cls, relation).target
    return target


def _verbs(cls: type[Entity]) -> Iterator[tuple[str, str]]:
    """Give the verbs and properties of the entity, then those of its queries, and last what all have."""
    for owner, base, prefix in ((cls, Entity, ""), (type(objects_of(cls)), Manager, "objects.")):
        for name in sorted(_public(owner) - _public(base)):
            member = inspect.getattr_static(owner, name)
            call = "" if isinstance(member, property) else "()"
            doc = " ".join((inspect.getdoc(member) or "").partition("\n\n")[0].split())
            yield f"{prefix}{name}{call}", markup.cut(doc, most=_LONGEST)
    yield "every object", ", ".join(sorted(_public(Entity)))
    yield "every query", ", ".join(sorted(_public(Manager)))


def _public(owner: type[Any]) -> set[str]:
    """Name the methods and properties of a class; fields and relations are no verbs."""
    members = {name: inspect.getattr_static(owner, name) for name in dir(owner) if not name.startswith("_")}
    kinds = (FunctionType, classmethod)
    return {name for name, each in members.items() if isinstance(each, kinds) or type(each) is property}
