"""Draw `docs/notebook.png`: a notebook that is run against a sandbox, as Chromium shows it.

Jupyter goes into an environment of its own, `.venv-jupyter`; Chromium has to be installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib

from pathlib import Path
from typing import Any, Final

from PIL import Image, ImageChops

from synapse.sandbox import serve

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from tests.interop.own_env import ensure_python  # noqa: E402 - it lies in the project

CELLS: Final = (
    '''from PIL import Image
from synapse import Box, Project, Task

def find_sign(task):
    """Find what is not gray. A model of yours would go here."""
    saturation = Image.open(task.files["image_1"].open()).convert("HSV").getchannel("S")
    x, y, right, bottom = saturation.point(lambda each: each > 90 and 255).getbbox()
    return Box(task.data_unit.meta["label"], x=x, y=y, width=right - x, height=bottom - y)

project = Project.objects.get(title="Street signs")
Task.objects.annotate_many({task: [find_sign(task)] for task in project.tasks})
project.tasks.show(columns=6)''',
    'project.tasks.filter(status_label="completed").values("id", "created", "project__title")[:3]',
)
STYLE: Final = (
    "<style>body { padding: 0 !important } .jp-Notebook { padding: 8px !important } "
    ".jp-InputPrompt, .jp-OutputPrompt { min-width: 56px; flex: 0 0 56px }</style></head>"
)


def notebook() -> dict[str, Any]:
    """Give the notebook as Jupyter keeps it, not run yet."""
    empty = {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": []}
    cells = [{**empty, "id": f"cell-{place}", "source": code} for place, code in enumerate(CELLS)]
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


def run(path: Path) -> Path:
    """Run the notebook against a sandbox, and give the page that it makes."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needed = [*project["dependencies"], *project["optional-dependencies"]["notebook"]]
    python = ensure_python("jupyter", "nbconvert>=7.16", "ipykernel>=6.29", *needed)
    with serve(seed="demo") as sandbox:
        own = {"SYNAPSE_HOST": sandbox.url, "SYNAPSE_API_TOKEN": sandbox.api_token, "PYTHONPATH": str(ROOT)}
        command = [str(python), "-m", "nbconvert", "--execute", "--to", "html", str(path)]
        subprocess.run(command, check=True, env={**os.environ, **own})
    page = path.with_suffix(".html")
    page.write_text(page.read_text(encoding="utf-8").replace("</head>", STYLE), encoding="utf-8")
    return page


def photograph(page: Path, picture: Path) -> None:
    """Take the picture of a page, without the empty rest of the window."""
    chromium = shutil.which("chromium") or sys.exit("Chromium is not installed")
    look = ["--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1.5"]
    command = [chromium, *look, "--window-size=940,1200", f"--screenshot={picture}", page.as_uri()]
    subprocess.run(command, check=True, capture_output=True)
    with Image.open(picture) as shot:
        whole = shot.convert("RGB")
    drawn = ImageChops.difference(whole, Image.new("RGB", whole.size, "white")).getbbox()
    cut = whole.crop((0, 0, whole.width, drawn[3] + 12)) if drawn else whole
    cut.quantize(128).save(picture, optimize=True)


def main() -> None:
    """Write the picture beside this script."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "notebook.ipynb"
        path.write_text(json.dumps(notebook()), encoding="utf-8")
        photograph(run(path), Path(__file__).with_name("notebook.png"))


if __name__ == "__main__":
    main()
