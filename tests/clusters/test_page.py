"""The blocks of the pages that need Ray."""

from __future__ import annotations

import re

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from synapse import Task, TaskTag
from synapse.sandbox import Sandbox

pytestmark = [pytest.mark.full, pytest.mark.filterwarnings("default")]  # Ray warns of itself
DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGE = DOCS / "clusters-and-storages.md"
RECIPE = DOCS / "cookbook" / "ray.md"
BLOCK = re.compile(r"^```python needs ray\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_code_runs(backend: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The recipe reads every task, annotates it, and creates twenty tags."""
    monkeypatch.chdir(tmp_path)
    module: Any = ModuleType("__main__")

    for code in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(code, str(PAGE), "exec"), vars(module))

    annotated = [task for task in Task.objects.all() if "guess00001" in str(task.data)]
    tags = [tag for tag in TaskTag.objects.all() if tag.name.startswith("night ")]
    assert (Task.objects.count(), 20) == (len(annotated), len(tags))


def test_the_script_of_the_cookbook_runs(
    backend: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script annotates every task of its project, and asserts that it did."""
    monkeypatch.chdir(tmp_path)
    [code] = BLOCK.findall(RECIPE.read_text(encoding="utf-8"))

    exec(compile(code, str(RECIPE), "exec"), vars(ModuleType("__main__")))
