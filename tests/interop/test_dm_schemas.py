"""DM schemas v1 and v2, converted by us and by the vendor."""

from __future__ import annotations

import json
import subprocess

from pathlib import Path
from typing import Any

import pytest

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from synapse.annotations import Annotations, Mask
from tests.unit.annotations.documents import tidy_v1

pytestmark = pytest.mark.full

Json = dict[str, Any]


def known(document: Json) -> Json:
    """Make a document one that the vendor's converters take: of their tools, masks with their marks and sizes."""
    entries, data = (document[name].get("image_1", []) for name in ("annotations", "annotationsData"))
    pairs = [pair for pair in zip(entries, data, strict=True) if pair[0]["tool"] != "lane_3000"]
    for _, item in pairs:
        if "pixel_indices" in item:
            is_compressed = any(isinstance(each, list) for each in item["pixel_indices"])
            item |= {"isCompressed": is_compressed, "compressionFormat": "rle" if is_compressed else None}
    return {
        "extra": {"image_1": {"width": 100, "height": 100}},
        "annotations": {"image_1": [entry for entry, _ in pairs]},
        "annotationsData": {"image_1": [item for _, item in pairs]},
    }


def normal(exported: Json) -> Json:
    """Write a document of v2 so that the same masks and a missing rotation are the same."""
    for tools in exported.get("images", []):
        for item in tools.get("segmentation", []):
            if isinstance(item["data"], list):
                [mask] = Annotations.from_v2({"images": [{"segmentation": [item]}]})
                runs = mask.runs if isinstance(mask, Mask) else ()
                item |= {
                    "data": list(map(list, runs)),
                    "encoding": "",
                    "isCompressed": True,
                    "compressionFormat": "",
                }
        for item in tools.get("bounding_box", []):
            item["attrs"] = [each for each in item["attrs"] if each != {"name": "rotation", "value": None}]
    return exported


def geometry(document: Json) -> Json:
    """The data of a document of v1 by id, without the ids of points, which are made anew."""
    found = {item["id"]: dict(item) for item in document["annotationsData"].get("image_1", [])}
    for item in found.values():
        if isinstance(item.get("coordinate"), list):
            item["coordinate"] = [{"x": point["x"], "y": point["y"]} for point in item["coordinate"]]
    return found


@settings(
    max_examples=4,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
    database=None,
)
@given(st.lists(tidy_v1().map(known), min_size=40, max_size=40))
def test_the_vendor_converts_as_we_do(vendor_python: Path, documents: list[Json]) -> None:
    """The same v2 of v1, and the same geometry of our v2, for all tools."""
    ours = [Annotations.from_v1(document).to_v2() for document in documents]
    lines = "\n".join(map(json.dumps, zip(documents, ours, strict=True)))
    command = [str(vendor_python), str(Path(__file__).with_name("vendor_dm.py"))]
    done = subprocess.run(command, input=lines, capture_output=True, text=True, timeout=300, check=True)
    theirs = [json.loads(line) for line in done.stdout.splitlines()]
    taken = [(our, their) for our, their in zip(ours, theirs, strict=True) if "error" not in their]

    assert len(taken) > 20
    assert [normal(their["v2"]) for _, their in taken] == [
        normal(json.loads(json.dumps(our))) for our, _ in taken
    ]
    assert [geometry(their["v1"]) for _, their in taken] == [
        geometry(Annotations.from_v2(our).to_v1()) for our, _ in taken
    ]
