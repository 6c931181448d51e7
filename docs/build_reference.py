"""Write the tables of the reference pages from the entities themselves.

`python docs/build_reference.py` renews what stands below the marker of each page and keeps what stands above it;
`--check` only tells whether a page is out of date.
"""

from __future__ import annotations

import inspect
import sys

from collections.abc import Sequence
from pathlib import Path
from typing import Any, get_type_hints

from synapse import entities
from synapse.asynchronous.twins import twin_of
from synapse.dialects import V1, V2
from synapse.dialects.homes import home_of
from synapse.dialects.v1 import V1Table
from synapse.dialects.v2 import V2Table
from synapse.errors import UnsupportedError
from synapse.mapping.unset import UNSET
from synapse.orm import Entity, Manager

PAGES = Path(__file__).parent / "reference"
MARKER = "<!-- From here on the page is written by docs/build_reference.py. -->"


def every_entity() -> list[type[Entity]]:
    """List the public entities in the order of their names."""
    found = [getattr(entities, name) for name in entities.__all__]
    return sorted(
        (each for each in found if isinstance(each, type) and issubclass(each, Entity)),
        key=lambda each: each.__name__,
    )


def page_of(cls: type[Entity]) -> Path:
    """Name the page of an entity."""
    return PAGES / f"{cls._schema.resource}.md"


def table(heading: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """Write a Markdown table, or a dash where there are no rows."""
    if not rows:
        return "None.\n"
    lines = [heading, tuple("---" for _ in heading), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)


def spelled(annotation: Any) -> str:
    """Spell a field's type the way it is declared."""
    text = annotation.__name__ if isinstance(annotation, type) else str(annotation)
    for noise in (
        "synapse.entities.choices.",
        "synapse.downloads.remote_file.",
        "synapse.entities.collection.",
    ):
        text = text.replace(noise, "")
    for noise in ("typing.", "datetime.datetime", "synapse.entities.storage."):
        text = text.replace(noise, "datetime" if noise == "datetime.datetime" else "")
    return text.replace("synapse.", "").replace("dict[str, Any]", "Json")


def fields(cls: type[Entity]) -> str:
    """Write the table of fields."""
    hints, rows = get_type_hints(cls), []
    for field in cls._schema.fields.values():
        notes = [
            word
            for word, holds in (
                ("set by the backend", field.read_only),
                ("only sent", field.write_only),
                ("required", field.required),
                ("never shown", field.secret),
            )
            if holds
        ]
        if not field.read_only and field.default not in (UNSET, None):
            notes.append("default empty" if field.default in ("", {}, []) else f"default `{field.default}`")
        rows.append((f"`{field.name}`", f"`{spelled(hints[field.name])}`", ", ".join(notes)))
    return table(("field", "type", ""), rows)


def in_v1(cls: type[Entity]) -> V1Table | None:
    """Give an entity as wire v1 has it."""
    try:
        return V1().table(cls._schema, cls._catalog)
    except UnsupportedError:
        return None


def in_v2(cls: type[Entity]) -> V2Table | None:
    """Give an entity as wire v2 has it."""
    try:
        return V2().table(cls._schema, cls._catalog)
    except UnsupportedError:
        return None


def relations(cls: type[Entity]) -> str:
    """Write the table of relations, both ways."""
    nested = first.expandable if (first := in_v1(cls)) else ()
    rows = []
    for name, via in cls._schema.relations.items():
        target = getattr(cls, name).target
        how = "`select_related` or `prefetch_related`" if name in nested else "`prefetch_related`"
        rows.append((f"`{name}`", f"one `{target}`", f"by `{via}`; {how}"))
    for name in cls._schema.to_many:
        many = getattr(cls, name)
        rows.append((f"`{name}`", f"many `{many.target}`", f"`{many.target}.objects.filter({many.by}=…)`"))
    return table(("relation", "leads to", ""), rows)


def lookups(cls: type[Entity]) -> str:
    """Write the table of lookups, with those that each API generation takes."""
    grouped: dict[str, list[str]] = {}
    taken = [frozenset(cls._catalog.spellings(each.accepts)) for each in (in_v1(cls), in_v2(cls)) if each]
    for spelling in cls._catalog.spellings():
        name = max(
            (each for each in cls.lookups if spelling == each or spelling.startswith(f"{each}__")), key=len
        )
        grouped.setdefault(name, []).append(spelling)
    rows = [
        (f"`{name}`", *(among(found, each) for each in taken), takes(cls, name))
        for name, found in grouped.items()
    ]
    heads = [f"by API {name}" for name, each in (("v1", in_v1(cls)), ("v2", in_v2(cls))) if each]
    return table(("name", *heads, "takes"), rows)


def among(spellings: Sequence[str], taken: frozenset[str]) -> str:
    """Write those lookups that are taken."""
    return " ".join(f"`{each}`" for each in spellings if each in taken) or "–"


def takes(cls: type[Entity], name: str) -> str:
    """Say what a lookup's value is."""
    kind = cls._catalog.kinds[name]
    target = getattr(kind, "to", None) or getattr(getattr(kind, "of", None), "__name__", None)
    if hasattr(kind, "to"):
        return f"`{target}` or its key"
    return f"`{target}`" if target else type(kind).__name__.lower().replace("search", "text to search for")


def verbs(cls: type[Entity]) -> str:
    """Write the verbs of the entity and of its manager."""
    managers = [
        each for each in type(cls.objects).__mro__ if issubclass(each, Manager) and each is not Manager
    ]
    inherited = {cls: vars(Entity), **dict.fromkeys(managers, {})}
    prefixes = {cls: f"{cls.__name__.lower()}.", **dict.fromkeys(managers, f"{cls.__name__}.objects.")}
    rows = []
    for owner, prefix in prefixes.items():
        for name, member in vars(owner).items():
            is_property = (
                type(member) is property
            )  # relations, which are of a kind of it, have a table of their own
            if (
                name.startswith("_")
                or name in inherited[owner]
                or twin_of(member)
                or not (is_property or inspect.isfunction(member))
            ):
                continue
            doc = (inspect.getdoc(member) or "").split("\n\n")[0].replace("\n", " ")
            rows.append((f"`{prefix}{name}{'' if is_property else '()'}`", doc))
    return table(("verb", "what it does"), rows)


def body(cls: type[Entity]) -> str:
    """Write the generated part of a page."""
    return (
        f"{MARKER}\n\n## Fields\n\n{fields(cls)}\n## Relations\n\n{relations(cls)}\n## Filters\n\n{lookups(cls)}\n"
        f"{addresses(cls)}\n\n## Verbs\n\nBesides those of every entity "
        f"([queries](../queries.md), [writing](../writing.md)):\n\n{verbs(cls)}\n"
        "Each method that sends has a [twin for coroutines](../async.md), named by an `a` in front.\n"
    )


def newest_first(table: V2Table) -> tuple[str, ...]:
    """Give the one order that lists have anyway."""
    return (f"-{table.newest_first}",) if table.newest_first else ()


def addresses(cls: type[Entity]) -> str:
    """Say where each API generation has an entity, and by what its lists can be ordered there."""
    first, second = in_v1(cls), in_v2(cls)
    said = ["| | lists | orders |", "| --- | --- | --- |"]
    for name, place, orders in (
        ("v1", first and first.wire.lists, first and first.orders),
        ("v2", second and second.wire.path, second and (*second.orders, *newest_first(second))),
    ):
        if place:
            shown = ", ".join(f"`{order}`" for order in orders or ()) or "none"
            said.append(
                f"| API {name}{', its home' if name == home_of(cls._schema.resource) else ''} | `{place}` | {shown} |"
            )
    single = first is None or first.wire.detail
    if not single:
        said += ["", "API v1 has no single one to get, refresh or save: filter the list."]
    return "\n".join(said)


def render(cls: type[Entity]) -> str:
    """Give the whole page, keeping what was written by hand."""
    path = page_of(cls)
    doc = inspect.getdoc(cls) or ""
    kept = path.read_text(encoding="utf-8").partition(MARKER)[0] if path.exists() else ""
    return (kept or f"# {cls.__name__}\n\n{doc}\n\n") + body(cls)


def main() -> int:
    """Write every page, or with `--check` only compare."""
    stale = [
        cls
        for cls in every_entity()
        if not page_of(cls).exists() or page_of(cls).read_text("utf-8") != render(cls)
    ]
    if "--check" in sys.argv:
        print("\n".join(f"out of date: {page_of(cls)}" for cls in stale) or "every page is up to date")
        return 1 if stale else 0
    for cls in stale:
        page_of(cls).write_text(render(cls), encoding="utf-8")
    print(f"wrote {len(stale)} pages")
    return 0


if __name__ == "__main__":
    sys.exit(main())
