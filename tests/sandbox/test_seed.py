"""The demo workspace: everything is there, in every state, once."""

from __future__ import annotations

import io

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from PIL import Image

from synapse.sandbox import serve
from tests.sandbox.wire import Wire

LABEL = {"stand_by", "in_progress", "completed", "skipped"}
PATHS = [
    "projects",
    "tasks",
    "task_tags",
    "assignments",
    "data_collections",
    "data_units",
    "data_files",
    "plugins",
    "plugin_releases",
    "jobs",
    "storages",
    "models",
    "agents",
    "ground_truth_datasets",
    "ground_truth_dataset_versions",
    "ground_truths",
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The data folder of the seeded sandbox."""
    return tmp_path_factory.mktemp("seed") / "data"


@pytest.fixture(scope="module")
def demo(folder: Path) -> Iterator[Wire]:
    """A sandbox that was seeded, stopped, and started with the same wish again."""
    with serve(data=folder, seed="demo"):
        pass
    with serve(data=folder, seed="demo") as sandbox:
        yield Wire(sandbox.url, sandbox.api_token)


def rows(wire: Wire, path: str, **params: Any) -> list[dict[str, Any]]:
    """Return every row of a list."""
    return list(wire.get(f"{path}/", params={"page_size": 1000} | params)["results"])


def test_everything_is_there_once(demo: Wire) -> None:
    """Two collections, two projects, two releases, and no more after a second start."""
    counts = {path: len(rows(demo, path)) for path in PATHS}

    assert all(counts.values()), counts
    assert (2, 2, 1, 2) == tuple(
        counts[path] for path in ("data_collections", "projects", "plugins", "plugin_releases")
    )


def test_assignments_are_in_every_status(demo: Wire) -> None:
    """Every status of labelling and of review occurs."""
    found = rows(demo, "sdk/assignments")

    assert LABEL == {row["status_label"] for row in found}
    assert LABEL | {"rejected"} == {row["status_review"] for row in found}


def test_jobs_are_in_every_status(demo: Wire) -> None:
    """Every status of a job occurs, also after the server was started again."""
    found = {row["status"] for row in rows(demo, "jobs")}

    assert {"PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"} == found


def test_pictures_can_be_seen(demo: Wire) -> None:
    """Every unit has a picture that can be downloaded, with a checksum of its own."""
    units = rows(demo, "data_units")

    pictures = [requests.get(unit["files"]["image_1"]["url"], timeout=30).content for unit in units]

    assert all(picture.startswith(b"\x89PNG") for picture in pictures)
    assert len(units) == len(set(pictures))


def test_boxes_enclose_what_the_pictures_show(demo: Wire) -> None:
    """A box that the seed drew begins and ends with the shape, to a pixel."""
    task = next(row for row in rows(demo, "tasks", expand=["data", "data_unit"]) if row["data"])
    [box] = (each["coordinate"] for each in task["data"]["annotationsData"]["image_1"])
    file = requests.get(task["data_unit"]["files"]["image_1"]["url"], timeout=30).content
    picture = Image.open(io.BytesIO(file)).convert("RGB")
    colour = picture.getpixel((box["x"] + box["width"] // 2, box["y"] + box["height"] // 2))
    inside = [(x, y) for x in range(96) for y in range(96) if picture.getpixel((x, y)) == colour]

    columns, lines = ({each[axis] for each in inside} for axis in (0, 1))
    assert pytest.approx([box["x"], box["width"]], abs=1) == [min(columns), len(columns)]
    assert pytest.approx([box["y"], box["height"]], abs=1) == [min(lines), len(lines)]


def test_storages_are_internal_and_external(demo: Wire) -> None:
    """There is a default storage inside and one outside."""
    found = {row["category"]: row["is_default"] for row in rows(demo, "storages")}

    assert {"internal": True, "external": False} == found


def test_an_agent_is_connected(demo: Wire) -> None:
    """A plugin can be run at once."""
    assert "connected" in {row["status"] for row in rows(demo, "agents")}


def test_the_version_has_events(demo: Wire) -> None:
    """The frozen version holds an event for each accepted answer."""
    [version] = rows(demo, "ground_truth_dataset_versions")

    events = rows(demo, "sdk/ground_truth_events", ground_truth_dataset_versions=version["id"])

    assert len(rows(demo, "ground_truths")) == len(events) > 0
    assert all(event["data"]["annotations"]["image_1"] for event in events)


def test_archives_can_be_downloaded(demo: Wire) -> None:
    """The releases and the model come with their archives."""
    addresses = [row["file"] for path in ("plugin_releases", "models") for row in rows(demo, path)]

    assert all(requests.get(address, timeout=30).content.startswith(b"PK") for address in addresses)
