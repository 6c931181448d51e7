"""Every test that the documentation names exists."""

from __future__ import annotations

import ast
import re

from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PAGES: Final = ("SECURITY.md", "docs/hardening.md")
NAMED: Final = re.compile(r"(tests/[\w/]+\.py)((?:::\w+)*)")


def names(body: list[ast.stmt]) -> dict[str, list[ast.stmt]]:
    """Return the functions and classes of a body, and what is in them."""
    return {each.name: each.body for each in body if isinstance(each, ast.FunctionDef | ast.ClassDef)}


def exists(path: str, inner: list[str]) -> bool:
    """Say whether a module has a function or class of that name, and that one the next."""
    if not (ROOT / path).is_file():
        return False
    body = ast.parse((ROOT / path).read_text(encoding="utf-8")).body
    for name in inner:
        if name not in names(body):
            return False
        body = names(body)[name]
    return True


@pytest.mark.parametrize("page", PAGES)
def test_every_test_that_is_named_exists(page: str) -> None:
    """A promise without its proof is not made."""
    found = NAMED.findall((ROOT / page).read_text(encoding="utf-8"))
    missing = [path + inner for path, inner in found if not exists(path, inner.split("::")[1:])]

    assert [] == missing


def test_every_promise_has_a_proof() -> None:
    """Each line of the table of SECURITY.md names a test."""
    text = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    rows = text.split("| --- | --- |\n")[2].split("\n\n")[0].splitlines()

    assert rows
    assert [] == [row for row in rows if not NAMED.search(row)]
