"""Cells of a real IPython, run by an event loop as a kernel runs them."""

from __future__ import annotations

import asyncio
import sys

import pytest

from IPython.core.interactiveshell import InteractiveShell

from synapse.testing import canned, page
from tests.unit.orm.rows import project, task

START = "from synapse import *\nimport asyncio"
REPLIES = {
    "GET sdk/tasks/": page(task(1), task(2)),
    "GET tasks/1/": task(1),
    "GET projects/1/": project(1),
    "GET sdk/projects/": page(project(1)),
}


def ran(*cells: str):
    """Run cells in one shell, inside a loop that is running, and give what the last one did."""
    shell = InteractiveShell()
    # With a prompt, somebody types, and managers would learn the names of their entities for all other tests as well.
    del sys.ps1

    async def kernel():
        for cell in (START, *cells):
            done = await shell.run_cell_async(cell, transformed_cell=shell.transform_cell(cell))
        return done

    with canned(REPLIES):
        done = asyncio.run(kernel())
    return done.result if done.error_in_exec is None else done.error_in_exec


@pytest.fixture(autouse=True)
def own_home(tmp_path, monkeypatch):
    """Keep the history of whoever runs the tests out of them."""
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    yield
    InteractiveShell.clear_instance()


@pytest.mark.parametrize(
    "cell",
    [
        "len(Task.objects.all())",
        "[each.project.title for each in Task.objects.all()].__len__()",
        "await asyncio.sleep(0); len([each.project.title for each in Task.objects.all()])",
        "def count(): return len(Task.objects.all())\ncount()",
        "len([each async for each in Task.objects.all()])",
    ],
)
def test_go_on_as_they_did(cell):
    """With an `await` or without, in functions of theirs, and beside coroutines."""
    assert 2 == ran(cell)


def test_their_coroutines_are_coroutines():
    """One that a cell defines must not keep the loop of the kernel waiting."""
    error = ran("async def count(): return len(Task.objects.all())", "await count()")

    assert "SynchronousOnlyError" == type(error).__name__
