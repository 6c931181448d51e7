"""The page of `BackendClient`: each of its methods, below what it is about."""

from __future__ import annotations

import importlib
import inspect

from collections.abc import Iterator
from typing import Final

from synapse.client import BackendClient
from tools.site.api import directive, documentation, signature

NAME: Final = "synapse.BackendClient"
HEAD: Final = """# BackendClient

{documentation}

Scripts of the documented client run with this one as they are. How to move one over, what differs, and what
`list_all=True` and `url_conversion` do: [from the documented client](migration.md).

"""
ITSELF: Final = "The client itself."


def page() -> str:
    """Write the page."""
    return HEAD.format(documentation=documentation(BackendClient)) + "".join(sections())


def sections() -> Iterator[str]:
    """Write the methods of each module of the client, in the order in which the client has them."""
    found: dict[str, list[str]] = {}
    for name, value in vars(BackendClient).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            found.setdefault(about(value), []).append(method(name, value))
    yield directive("py:class", NAME + signature(BackendClient), "", fence=":::")
    for title in sorted(found, key=lambda each: each == ITSELF):
        yield f"## {title.rstrip('.')}\n\n{''.join(found[title])}"


def about(value: object) -> str:
    """Say what the module of a method is about."""
    module = getattr(inspect.unwrap(value), "__module__", "") if callable(value) else ""
    own = not module or module == BackendClient.__module__
    return ITSELF if own else inspect.getdoc(importlib.import_module(module)) or ""


def method(name: str, value: object) -> str:
    """Describe one method or property."""
    if isinstance(value, property):
        return directive("py:property", f"{NAME}.{name}", documentation(value))
    return directive("py:method", f"{NAME}.{name}{signature(value, skip_first=True)}", documentation(value))
