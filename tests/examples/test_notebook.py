"""The notebook in `examples/` runs on a seeded backend, and shows what it says."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib

from pathlib import Path
from typing import Any

import pytest

from tests.interop.own_env import ROOT, OwnEnvironmentError, ensure_python
from tests.seeded import Seeded

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def python() -> Path:
    """An interpreter with Jupyter's kernel and what the package needs."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["notebook"]]
    try:
        return ensure_python("notebook", "nbclient>=0.10", "ipykernel>=6.29", *needed)
    except OwnEnvironmentError as error:
        pytest.skip(f"Jupyter's kernel could not be installed: NO notebook was run: {error}")


@pytest.fixture
def outputs(python: Path, seeded_sandbox: Seeded, tmp_path: Path) -> list[dict[str, Any]]:
    """What each cell of code gave, by its type."""
    sandbox = seeded_sandbox.reset()
    settings = {"SYNAPSE_HOST": sandbox.url, "SYNAPSE_API_TOKEN": sandbox.api_token, "HOME": str(tmp_path)}
    script = Path(__file__).with_name("run_notebook.py")
    done = subprocess.run(
        [str(python), str(script), str(ROOT / "examples" / "notebook.ipynb")],
        env={**os.environ, **settings, "PYTHONPATH": str(ROOT), "JUPYTER_PLATFORM_DIRS": "1"},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert 0 == done.returncode, done.stderr[-3000:]
    cells = [cell for cell in json.loads(done.stdout)["cells"] if cell["cell_type"] == "code"]
    return [cell["outputs"][-1]["data"] for cell in cells]


def test_every_cell_shows_itself(outputs: list[dict[str, Any]]) -> None:
    """Rows and plans are HTML, the PIL image is a picture, and nothing failed to be shown."""
    pages = ["".join(output.get("text/html", "")) for output in outputs]

    assert [True, True, True, True, False, True] == [bool(page) for page in pages]
    assert "image/png" in outputs[4]
    assert [] == [page for page in pages if "not shown" in page]


def test_pictures_have_their_shapes(outputs: list[dict[str, Any]]) -> None:
    """The task has the box that it was given, and the sheet a figure for each task."""
    task, sheet = ("".join(outputs[index]["text/html"]) for index in (2, 3))

    assert (1, 12) == (task.count("<rect "), sheet.count("<figure"))
