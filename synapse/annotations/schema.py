"""What may be drawn in a project: the tools and classes of its configuration."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import attrs


@attrs.frozen
class Attribute:
    """An attribute that a class may have; `options` are the values to choose from, None where any will do."""

    name: str
    options: tuple[str, ...] | None = None


@attrs.frozen
class LabelClass:
    """A class of a tool: annotations carry its `code`, people see its `name`."""

    code: str
    name: str
    color: str | None = attrs.field(default=None, kw_only=True)
    is_default: bool = attrs.field(default=False, kw_only=True)
    attributes: tuple[Attribute, ...] | None = attrs.field(default=None, kw_only=True)


@attrs.frozen
class Tool:
    """A tool of a project, such as `bounding_box`, and its classes in order."""

    name: str
    classes: tuple[LabelClass, ...] = ()

    def find(self, code: str) -> LabelClass | None:
        """Return the class with this code, or None."""
        return next((each for each in self.classes if each.code == code), None)


def tools_of(configuration: Any) -> dict[str, Tool]:
    """Read the tools of a project's configuration; empty if it has none, or none in a known format.

    >>> tools_of({"classification": {"polygon": {"classification_schema": [{"code": "car", "name": "Car"}]}}})
    {'polygon': Tool(name='polygon', classes=(LabelClass(code='car', name='Car', color=None, is_default=False, \
attributes=None),))}
    """
    found = configuration.get("classification") if isinstance(configuration, Mapping) else None
    if not isinstance(found, Mapping):
        return {}
    return {name: Tool(name, _classes(tool)) for name, tool in found.items() if isinstance(tool, Mapping)}


def classes_of(configuration: Any) -> tuple[str, ...]:
    """Read the codes of all classes without duplicates, in the order of the configuration."""
    tools = tools_of(configuration).values()
    return tuple(dict.fromkeys(each.code for tool in tools for each in tool.classes))


def _classes(tool: Mapping[str, Any]) -> tuple[LabelClass, ...]:
    found = tool.get("classification_schema")
    entries = found if isinstance(found, list) else []
    return tuple(_class(each) for each in entries if isinstance(each, Mapping) and _text(each.get("code")))


def _class(entry: Mapping[str, Any]) -> LabelClass:
    return LabelClass(
        entry["code"],
        _text(entry.get("name")) or entry["code"],
        color=_text(entry.get("value")),
        is_default=entry.get("is_default") is True,
        attributes=_attributes(entry),
    )


def _attributes(entry: Mapping[str, Any]) -> tuple[Attribute, ...] | None:
    """Read the attributes; None where there are none, or where their form is unknown: then any will do."""
    found = entry.get("attributes")
    if not isinstance(found, list) or not found or entry.get("customFields"):
        return None
    made = [Attribute(name, _options(each)) for each in found if (name := _code(each))]
    return tuple(made) if len(made) == len(found) else None


def _options(attribute: Mapping[str, Any]) -> tuple[str, ...] | None:
    found = attribute.get("options")
    if not isinstance(found, list) or not found:
        return None
    codes = [each if isinstance(each, str) else _code(each) for each in found]
    return tuple(code for code in codes if code) if all(codes) else None


def _code(entry: Any) -> str | None:
    return _text(entry.get("code")) or _text(entry.get("name")) if isinstance(entry, Mapping) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) and value else None
