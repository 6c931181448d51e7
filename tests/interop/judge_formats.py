"""Read a folder with libraries that aren't ours and print what they found, as JSON; run by an environment of their own.

The folder has `coco.json`, and a picture, a YOLO text and a VOC XML of each stem in `images`, `yolo` and `voc`.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys

from pathlib import Path
from typing import Any


def coco(folder: Path) -> dict[str, Any]:
    """What pycocotools reads: boxes by class, the pixels of masks, keypoints, and how well boxes fit themselves."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    loaded = COCO(str(folder / "coco.json"))
    names = {each["id"]: each["name"] for each in loaded.loadCats(loaded.getCatIds())}
    items = loaded.loadAnns(loaded.getAnnIds())
    boxes = [[each["image_id"], names[each["category_id"]], *each["bbox"]] for each in items]
    masks = [loaded.annToMask(each).tolist() for each in items if isinstance(each["segmentation"], dict)]
    results = [
        {"image_id": each["image_id"], "category_id": each["category_id"], "bbox": each["bbox"], "score": 0.9}
        for each in items
    ]
    judged = COCOeval(loaded, loaded.loadRes(results), "bbox")
    judged.evaluate()
    judged.accumulate()
    judged.summarize()
    points = [each["keypoints"] for each in items if "keypoints" in each]
    return {"boxes": boxes, "masks": masks, "points": points, "precision": round(float(judged.stats[0]), 6)}


def boxes_of(annotations: Any) -> dict[str, list[list[Any]]]:
    """The boxes of each picture as globox has them, by their edges."""
    return {
        Path(each.image_id).stem: [
            [box.label, *(round(edge, 2) for edge in (box.xmin, box.ymin, box.xmax, box.ymax))]
            for box in each.boxes
        ]
        for each in annotations
    }


def main(folder: Path) -> dict[str, Any]:
    """Let each library read what is for it."""
    from globox import AnnotationSet
    from labelformat.formats import COCOObjectDetectionInput, PascalVOCObjectDetectionInput

    names = ",".join((folder / "classes.txt").read_text(encoding="utf-8").splitlines())
    yolo = AnnotationSet.from_yolo_v5(folder / "yolo", image_folder=folder / "images", image_extension=".png")
    inputs = {
        "coco": COCOObjectDetectionInput(folder / "coco.json"),
        "voc": PascalVOCObjectDetectionInput(folder / "voc", category_names=names),
    }
    return {
        "pycocotools": coco(folder),
        "globox_coco": sum(len(each.boxes) for each in AnnotationSet.from_coco(folder / "coco.json")),
        "globox_voc": boxes_of(AnnotationSet.from_pascal_voc(folder / "voc")),
        "globox_yolo": boxes_of(yolo),
        "labelformat": {
            name: sum(len(label.objects) for label in each.get_labels()) for name, each in inputs.items()
        },
    }


if __name__ == "__main__":
    with contextlib.redirect_stdout(io.StringIO()):
        found = main(Path(sys.argv[1]))
    sys.stdout.write(json.dumps(found))
