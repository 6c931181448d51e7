"""What a page costs the database, however many rows it has."""

from __future__ import annotations

import json
import subprocess
import sys

from typing import Any

import pytest

from tests.sandbox.page_cost import PAGES


@pytest.fixture(scope="module")
def costs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The cost of every page, measured in a process of its own."""
    folder = tmp_path_factory.mktemp("cost")
    command = [sys.executable, "-m", "tests.sandbox.page_cost", str(folder), "1"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    return {row["page"]: row for row in rows}


@pytest.mark.parametrize("page", PAGES)
def test_statements_do_not_grow_with_the_page(costs: dict[str, Any], page: str) -> None:
    """A page of 100 rows takes as many SQL statements as one of 10, and only a handful."""
    cost = costs[page]

    assert cost["small"] == cost["large"]
    assert cost["large"] <= 7
