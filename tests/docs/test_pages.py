"""The code on README and on every page of docs/ runs as it is shown."""

from __future__ import annotations

import re
import sys

from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import pytest

from synapse import (
    DataCollection,
    DataFile,
    DataUnit,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthVersion,
    Project,
    Task,
    TaskTag,
)
from synapse.sandbox import Sandbox
from tests.amounts import part
from tests.unit.interop.clusters import stand_in

ROOT = Path(__file__).resolve().parents[2]
KOREAN = ROOT / "docs" / "ko"  # their code is that of the English pages: test_korean.py
PAGES = [
    ROOT / "README.md",
    *(page for page in sorted((ROOT / "docs").rglob("*.md")) if KOREAN not in page.parents),
]
TUTORIAL = ROOT / "docs" / "tutorial.md"  # runs twice, by a test of its own
COOKBOOK = ROOT / "docs" / "cookbook"  # its scripts run as processes of their own: test_cookbook.py
EVERY_ENTITY = (
    *(DataCollection, DataFile, DataUnit, GroundTruth, GroundTruthDataset, GroundTruthVersion),
    *(Project, Task, TaskTag),
)
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.DOTALL | re.MULTILINE)
NEEDING = re.compile(r"^```python needs (\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\((?!https?://|#)([^)#]+)")


def blocks(page: Path) -> list[tuple[int, str]]:
    """Return the Python blocks of a page with the number of lines above each."""
    text = page.read_text(encoding="utf-8")
    return [(text[: found.start(1)].count("\n"), found.group(1)) for found in BLOCK.finditer(text)]


def here(code: str, backend: Sandbox) -> str:
    """Take code from a page to the backend of the tests."""
    own = code.replace('"https://api.synapse.sh"', repr(backend.url))
    return own.replace('"syn_0123456789abcdef"', repr(backend.api_token))


def name(page: Path) -> str:
    """Name a page by its path in the project."""
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize(
    "page",
    part(
        [page for page in PAGES if blocks(page) and page != TUTORIAL and COOKBOOK not in page.parents],
        0,
        of=2,
    ),
    ids=name,
)
def test_code_runs(page: Path, backend: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The blocks of a page run one after the other, as one module, against a seeded backend."""
    module = ModuleType("page")
    monkeypatch.setitem(sys.modules, "page", module)

    for line, code in blocks(page):
        exec(compile("\n" * line + here(code, backend), str(page), "exec"), vars(module))


def _short(value: object) -> str:
    return name(value) if isinstance(value, Path) else str(value)[:12].splitlines()[0]


def more_blocks() -> list[tuple[Path, str, int, str]]:
    """Return the blocks that need a library which `make setup` doesn't install: page, library, lines above, code."""
    return [
        (page, found.group(1), text[: found.start(2)].count("\n"), found.group(2))
        for page, text in ((page, page.read_text(encoding="utf-8")) for page in PAGES)
        if COOKBOOK not in page.parents
        for found in NEEDING.finditer(text)
    ]


@pytest.mark.parametrize(("page", "library", "line", "code"), more_blocks(), ids=_short)
def test_code_that_needs_more_runs(
    page: Path, library: str, line: int, code: str, backend: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A block that needs more runs by itself where that is installed; those of Ray run in `make test-ray`.

    PyTorch has a stand-in where it is not installed.
    """
    if library == "ray":
        pytest.skip("a block of Ray: run by tests/clusters/test_page.py")
    if library == "torch" and find_spec("torch") is None:
        stand_in.installed(monkeypatch)
    pytest.importorskip(library, reason=f"{library} is not installed: this block was NOT run")
    monkeypatch.setenv("SYNAPSE_HOST", backend.url)
    monkeypatch.setenv("SYNAPSE_API_TOKEN", backend.api_token)

    exec(compile("\n" * line + code, str(page), "exec"), {"__name__": "page"})


def test_every_block_is_known() -> None:
    """No block of Python is marked so that nothing runs it."""
    fences = re.compile(r"^```python.*$", re.MULTILINE)
    known = re.compile(r"^```python( needs (ray|torch|datasets))?$")

    found = [line for page in PAGES for line in fences.findall(page.read_text(encoding="utf-8"))]
    assert [] == [line for line in found if not known.match(line)]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    """Every link to a file of the project names one that exists."""
    links = LINK.findall(NEEDING.sub("", BLOCK.sub("", page.read_text(encoding="utf-8"))))

    assert [] == [link for link in links if not (page.parent / link).exists()]


def test_tutorial_typed_twice_makes_nothing_twice(backend: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """The code of the tutorial runs, and whoever runs it again finds what the first run made."""
    counts = []
    for _ in range(2):
        test_code_runs(TUTORIAL, backend, monkeypatch)
        counts.append([entity.objects.count() for entity in EVERY_ENTITY])

    assert counts[0] == counts[1]
