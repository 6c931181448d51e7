"""The pages of the API: every public name, with its signature and docstring, which is Markdown."""

from __future__ import annotations

import enum
import importlib
import inspect
import re

from collections.abc import Iterator
from typing import Any, Final

from sphinx.util.inspect import stringify_signature

import synapse

from synapse.asynchronous.twins import twin_of
from synapse.orm import Entity

MODULES: Final = (
    "synapse",
    "synapse.orm",
    "synapse.session",
    "synapse.query",
    "synapse.mapping",
    "synapse.testing",
)
HEAD: Final = """# API

Every public name. [Entities](../reference/README.md) have pages of their own as well. Twins for coroutines, such as
`aget()` of `get()`, are not listed: they take and give [what the method itself does](../async.md).

"""
EXAMPLE: Final = re.compile(r"^>>> .*?(?=\n\n|\Z)", re.DOTALL | re.MULTILINE)


def pages() -> dict[str, str]:
    """Write a page for each public module, and one that lists them."""
    found = {f"api/{name}.md": "".join(module(name)) for name in MODULES}
    listed = "\n".join(["```{toctree}", ":maxdepth: 1", "", *MODULES, "```"])
    return {**found, "api/README.md": HEAD + listed + "\n"}


ELSEWHERE: Final = {"BackendClient": "[`BackendClient`](../backend-client.md) has a page of its own.\n\n"}


def public_names(name: str) -> dict[str, Any]:
    """Give what a module exports, without what `synapse` exports as well."""
    found = importlib.import_module(name)
    values = {each: getattr(found, each) for each in sorted(found.__all__, key=str.lower)}
    if name == "synapse":
        return values
    return {each: value for each, value in values.items() if getattr(synapse, each, None) is not value}


def module(name: str) -> Iterator[str]:
    """Write the page of a module."""
    yield f"# `{name}`\n\n{documentation(importlib.import_module(name))}\n\n"
    for each, value in public_names(name).items():
        yield ELSEWHERE.get(each) or described(f"{name}.{each}", value)


def described(name: str, value: Any) -> str:
    """Write what is known of one name."""
    if not inspect.isclass(value):
        kind = "py:function" if callable(value) else "py:data"
        text = documentation(value) if inspect.isroutine(value) else ""
        return directive(kind, name + signature(value), text)
    kind = "py:exception" if issubclass(value, BaseException) else "py:class"
    members = (
        "" if issubclass(value, (Entity, enum.Enum)) and value is not Entity else "".join(methods(value))
    )
    return directive(kind, name + signature(value), f"{documentation(value)}\n\n{members}", fence="::::")


def methods(owner: type) -> Iterator[str]:
    """Describe the public methods and properties of a class and of its private bases, without twins for coroutines."""
    for name in sorted(each for each in dir(owner) if not each.startswith("_")):
        value = inspect.getattr_static(owner, name)
        if twin_of(value):
            continue
        if isinstance(value, property):
            yield directive("py:property", name, documentation(value))
        elif inspect.isfunction(value) or isinstance(value, (classmethod, staticmethod)):
            bound = getattr(owner, name)
            if getattr(bound, "__module__", "").startswith("synapse"):
                skip = isinstance(value, type(methods))
                yield directive("py:method", name + signature(bound, skip_first=skip), documentation(bound))


def directive(kind: str, argument: str, text: str, fence: str = ":::") -> str:
    """Write one description."""
    return f"{fence}{{{kind}}} {argument}\n\n{text}\n{fence}\n\n"


def signature(value: Any, *, skip_first: bool = False) -> str:
    """Spell the parameters, or nothing for what has none that could be known."""
    if not callable(value):
        return ""
    try:
        found = inspect.signature(value)
    except (TypeError, ValueError):
        return ""
    if skip_first:
        found = found.replace(parameters=list(found.parameters.values())[1:])
    return re.sub(r"<([\w.]+)[^<>]*>", r"\1", stringify_signature(found, unqualified_typehints=True)).replace(
        "\n", " "
    )


def documentation(value: Any) -> str:
    """Give a docstring as Markdown: examples are code."""
    return EXAMPLE.sub(r"```pycon\n\g<0>\n```", inspect.getdoc(value) or "")
