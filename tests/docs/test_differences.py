"""Each row of the page "Differences from Django" is so."""

from __future__ import annotations

import ast
import re

from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from synapse import errors
from synapse.sandbox import Sandbox
from tests.docs.test_pages import LINK, ROOT, blocks, here

PAGE = ROOT / "docs" / "differences-from-django.md"
CODE = re.compile(r"`([^`]+)`")
CELL = re.compile(r"(?<!\\)\|")


class Row(NamedTuple):
    """What is typed in Django, what happens, and what to type instead."""

    django: str
    here: str
    instead: str


def rows(page: Path = PAGE) -> Iterator[Row]:
    """Read the rows of every table of the page."""
    for line in page.read_text(encoding="utf-8").splitlines():
        cells = [each.strip().replace("\\|", "|") for each in CELL.split(line)[1:-1]]
        if len(cells) == 3 and cells[0].startswith("`"):
            yield Row(cells[0].strip("`"), cells[1], cells[2].strip("`"))


def known_errors(text: str) -> tuple[type[BaseException], ...]:
    """The errors that a cell begins with."""
    names = re.match(r"(`\w+Error`( or )?)*", text)
    found = CODE.findall(names.group() if names else "")
    return tuple(getattr(errors, name, None) or {"TypeError": TypeError}[name] for name in found)


@pytest.fixture
def page(backend: Sandbox) -> dict[str, Any]:
    """The names that the page makes first."""
    names: dict[str, Any] = {}
    for _, code in blocks(PAGE):
        exec(compile(here(code, backend), str(PAGE), "exec"), names)
    return names


def test_every_table_has_rows() -> None:
    """The page can be read as a table."""
    assert 60 <= len(list(rows()))


def test_each_row_is_so(page: dict[str, Any]) -> None:
    """The left side raises what the middle says, or nothing; the right side runs, and what it claims is true."""
    wrong = []
    for row in rows():
        expected = known_errors(row.here)
        try:
            eval(row.django, page)
            raised: BaseException | None = None
        except Exception as error:
            raised = error
        if (raised is None) != (not expected) or (expected and not isinstance(raised, expected)):
            wrong.append((row.django, row.here, raised))
        try:
            if eval(row.instead, page) is False:
                wrong.append((row.instead, "is not so", None))
        except Exception as error:
            wrong.append((row.instead, "", error))

    assert [] == wrong


def test_nothing_on_the_left_is_on_the_right() -> None:
    """Else it would be no difference."""
    assert [] == [
        row.django for row in rows() if ast.dump(ast.parse(row.django)) == ast.dump(ast.parse(row.instead))
    ]


def test_is_linked() -> None:
    """Readers of the page on queries find it."""
    links = LINK.findall((ROOT / "docs" / "queries.md").read_text(encoding="utf-8"))

    assert PAGE.name in links
