"""Whatever shows an object sends nothing, and shows no more than fits on a screen."""

from __future__ import annotations

import copy
import inspect
import io
import pprint
import rlcompleter

from collections.abc import Callable, Iterator
from typing import Any, Final
from unittest.mock import Mock

import pytest

from rich._inspect import Inspect
from rich.console import Console
from rich.traceback import Traceback

from synapse.errors import SynapseError
from synapse.showing import LONGEST, MOST_LINES
from tests.meta.shown import LONG, MANY, Refusing, error_classes, objects


def printed(value: Any) -> str:
    """Print as `rich` does."""
    console = Console(file=io.StringIO(), width=200)
    console.print(value)
    return console.file.getvalue()  # type: ignore[attr-defined,no-any-return]


def traced(value: Any) -> str:
    """Show a traceback of `rich` whose frames hold the value."""
    try:
        raise ValueError(type(value).__name__)
    except ValueError:
        return printed(Traceback(show_locals=True))


def completed(value: Any) -> list[str]:
    """Complete a name as plain Python does at its prompt."""
    completer = rlcompleter.Completer({"it": value})
    return [str(completer.complete(f"it.{letter}", 0)) for letter in "abcdefghijklmnopqrstuvwxyz"]


def hashed(value: Any) -> int | None:
    """Hash what can be."""
    try:
        return hash(value)
    except TypeError:
        return None


def probed(value: Any) -> list[bool]:
    """Ask for names that numpy, IPython and others look for."""
    return [hasattr(value, name) for name in ("__array__", "_repr_html_", "_ipython_display_", "nosuch")]


WAYS: Final[dict[str, Callable[[Any], Any]]] = {
    "repr": repr,
    "str": str,
    "rich": printed,
    "a traceback of rich": traced,
    "pprint": pprint.pformat,
    "dir": dir,
    "completer": completed,
    "==": lambda value: (value == value, value == 1, value != object()),
    "hash": hashed,
    "hasattr": probed,
    "getmembers_static": inspect.getmembers_static,
    "getmembers": inspect.getmembers,
    "a mock": lambda value: Mock(spec=value),
}
ALONE: Final = ("rows", "Session", "BackendClient")
"""Cannot be copied, and say so."""


@pytest.fixture(scope="module")
def session() -> Refusing:
    """A session that refuses to send."""
    return Refusing()


@pytest.fixture(scope="module")
def shown(session: Refusing) -> dict[str, Any]:
    """An object of every public class."""
    return objects(session, text="text", number=3)


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
def test_showing_sends_nothing(way: Callable[[Any], Any], shown: dict[str, Any], session: Refusing) -> None:
    """Neither completion, nor comparison, nor a debugger's look at the members."""
    wrong = {}
    with session:
        for name, value in shown.items():
            before = len(session.requests)
            way(value)
            if len(session.requests) > before:
                wrong[name] = session.requests[before:]

    assert {} == wrong


@pytest.mark.parametrize("name", ["Task unread", "Storage unread", "Job read", "Project deleted"])
def test_inspecting_sends_nothing(name: str, shown: dict[str, Any], session: Refusing) -> None:
    """`rich.inspect` reads every attribute, properties that need a field included."""
    printed(Inspect(shown[name]))

    assert [] == session.requests


@pytest.mark.parametrize("way", [copy.copy, copy.deepcopy])
def test_copying_sends_nothing(way: Callable[[Any], Any], shown: dict[str, Any], session: Refusing) -> None:
    """Copies are made of what is here."""
    with session:
        for name, value in shown.items():
            if name not in ALONE:
                way(value)

    assert [] == session.requests


@pytest.mark.parametrize("say", [repr, str])
def test_nothing_is_longer_than_a_screen(say: Callable[[Any], str], session: Refusing) -> None:
    """Nor a `repr`, nor an error's message; what prints line by line has 200 lines at most."""
    by_lines = ("explanation", "Trace", "Report", "Downloads", "Call") if say is str else ()
    said = {name: say(value) for name, value in objects(session).items()}

    assert {} == {
        name: len(text) for name, text in said.items() if len(text) > LONGEST and name not in by_lines
    }
    assert MOST_LINES >= max(len(said[name].splitlines()) for name in ("explanation", "Trace", "Report"))


@pytest.mark.parametrize("words", [LONG, list(range(MANY)), "\n" * MANY, "'\"\\" * MANY], ids=range(4))
def test_no_message_is_longer_than_a_screen(words: object) -> None:
    """Whatever an error was given, and however its `repr` escapes that."""
    errors = [cls(words) for cls in error_classes()]

    assert [] == [type(each) for each in errors if max(len(str(each)), len(repr(each))) > LONGEST]


def test_a_shortened_message_keeps_its_end() -> None:
    """There it says what to do."""
    assert str(SynapseError(f"{LONG}; call save() first")).endswith("; call save() first")


def completions(value: Any, start: str) -> Iterator[str]:
    """Complete as plain Python does, all that there is."""
    completer = rlcompleter.Completer({"it": value})
    number = 0
    while (found := completer.complete(f"it.{start}", number)) is not None:
        yield found
        number += 1


@pytest.mark.parametrize("life", ["unread", "read", "deleted", "new"])
def test_completion_offers_links(life: str, shown: dict[str, Any]) -> None:
    """Of objects that are not saved yet, or deleted, as well."""
    assert {"it.tasks", "it.tags"} <= set(completions(shown[f"Project {life}"], "ta"))
