"""docs/architecture.md is one page, and what it names is where it says."""

from __future__ import annotations

import ast
import re

from pathlib import Path
from typing import Final

import pytest

from tests.structure import Package

ROOT: Final = Path(__file__).resolve().parents[2]
PAGE: Final = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
ONE_PAGE: Final = 100
CHANGES: Final = re.findall(r"^\| (?!change |---)(.+?) \| (.+?) \| (.+?) \|$", PAGE, re.MULTILINE)
FILE: Final = re.compile(r"`([\w./]+\.py|synapse/\w+/)`")
NAME: Final = re.compile(r"`(@?\w+)`")


def defined(path: Path) -> set[str]:
    """Return what a module defines, in classes as well, and what it imports."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.add(node.name)
        elif isinstance(node, ast.Name):
            names.add(node.id)
    return names


def test_is_one_page() -> None:
    """What is longer goes to docs/internals.md."""
    assert len(PAGE.splitlines()) <= ONE_PAGE


def test_has_the_eleven_changes() -> None:
    """Each that people come for."""
    assert 11 == len(CHANGES)


@pytest.mark.parametrize("change, where, what", CHANGES, ids=[change for change, _, _ in CHANGES])
def test_is_there(change: str, where: str, what: str) -> None:
    """The files of a change exist, and one of them has each name that the table gives."""
    files = FILE.findall(where) + FILE.findall(what)
    known = set().union(*(defined(ROOT / file) for file in files if file.endswith(".py")))

    assert [] == [file for file in files if not (ROOT / file).exists()]
    assert [] == [name for name in NAME.findall(what) if name.removeprefix("@") not in known], change


def test_names_modules_that_are_there() -> None:
    """So do the ways of a query and of a save."""
    package = Package()
    modules = {path.relative_to(package.folder).as_posix() for path in package.paths.values()}
    named = re.findall(r"`(?:synapse/)?([\w/]+\.py)", PAGE)

    assert [] == [each for each in named if not any(module.endswith(each) for module in modules)]


def test_names_every_package() -> None:
    """The diagram has each, and no other."""
    package = Package()
    layers = {package.layer(module) for module in package.trees} - {""}
    diagram = PAGE.split("```")[1]
    named = {name for line in diagram.splitlines() for name in re.findall(r"\w+", line.split("  ")[0])}

    assert layers - {"showing", "__main__"} == named
