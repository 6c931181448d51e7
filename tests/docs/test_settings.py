"""The page on settings names what the code reads, no more and no less."""

from __future__ import annotations

import ast
import inspect
import re

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import synapse

from synapse.session.profile import KEYS

PACKAGE: Final = Path(synapse.__file__).parent
PAGE: Final = (Path(__file__).resolve().parents[2] / "docs" / "settings.md").read_text(encoding="utf-8")
NAME: Final = re.compile(r"SYNAPSE_[A-Z_]+")


def rows(heading: str) -> dict[str, str]:
    """Map the first cell of each row of a section's table to the code that the second one begins with."""
    section = PAGE.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `([^`]+)` \| `?([^|`]*)", section, re.MULTILINE))


def read_variables() -> Iterator[str]:
    """Find the names of environment variables that stand as texts of their own in the SDK and its command line."""
    for path in PACKAGE.rglob("*.py"):
        if PACKAGE / "sandbox" not in path.parents:
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Constant) and NAME.fullmatch(str(node.value)):
                    yield str(node.value)


def test_every_argument_has_its_default() -> None:
    """The table has the arguments of `Session`, in their order, with their defaults."""
    parameters = inspect.signature(synapse.Session).parameters.values()

    assert {each.name: repr(each.default) for each in parameters} == rows("Arguments of a session")
    assert [each.name for each in parameters] == list(rows("Arguments of a session"))


def test_every_variable_is_listed() -> None:
    """The table has each variable that the package reads."""
    assert set(read_variables()) == rows("Environment variables").keys()


def test_every_key_of_the_file_is_listed() -> None:
    """The table has each key of the file, with the argument that it stands for."""
    keys = {key: setting for setting, key in KEYS.items()}
    listed = {key: setting for key, setting in rows("The file").items() if key in keys}

    assert keys == listed
