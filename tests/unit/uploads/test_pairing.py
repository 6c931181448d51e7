"""Which files of a folder are one unit: layouts as public data sets and labelling tools have them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synapse.errors import MappingError, TransferError
from synapse.uploads.file_types import Spec
from synapse.uploads.folder_layout import open_folder
from synapse.uploads.pairing import FolderProblem

IMAGE, DATA = Spec("image_1", "image", required=True), Spec("data_meta_1", "data")
PCD, PHOTO = Spec("pcd_1", "pcd", required=True), Spec("image_1", "image")
SPECS = [IMAGE, DATA]
YOLO = "images/train/a.jpg images/val/b.jpg labels/train/a.txt labels/val/b.txt classes.txt data.yaml"
ROBOFLOW = "train/images/a.jpg train/labels/a.txt valid/images/b.jpg valid/labels/b.txt data.yaml"
VOC = "JPEGImages/a.jpg Annotations/a.xml ImageSets/Main/train.txt SegmentationClass/a.png"
KITTI = "training/image_2/01.png training/calib/01.txt training/label_2/01.txt testing/image_2/02.png"
SUPERVISELY = "ds/img/a.jpg ds/ann/a.jpg.json"
DAYS = "day1/images/a.jpg day1/labels/a.json day2/images/b.jpg day2/labels/b.json"
BESIDE = "a.jpg labels/a.json day1/b.jpg day1/labels/b.json"


def filled(folder: Path, names: str) -> Path:
    """Write files of these names, which blanks separate."""
    for name in names.split():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return folder


def units(folder: Path, specs: list[Spec], **options: Any) -> list[str]:
    """Give the files of each unit, and the paths of what is none with a `!` before."""
    opened = open_folder(folder, specs=specs, **options)
    return [
        f"!{kept.path}" if isinstance(kept, FolderProblem) else " ".join(opened._paths(kept).values())
        for kept in opened
    ]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        ("a.jpg a.jpg.json", ["a.jpg a.jpg.json"]),
        ("a.jpg a.png a.jpg.json a.png.json", ["a.jpg a.jpg.json", "a.png a.png.json"]),
        ("a.jpg a.png a.jpg.json", ["a.jpg a.jpg.json", "a.png"]),
        ("a.b.jpg a.b.json", ["a.b.jpg a.b.json"]),
        ("IMG_1.JPG img_1.json", ["IMG_1.JPG img_1.json"]),
        ("IMG_1.JPG img_1.jpg.json", ["IMG_1.JPG img_1.jpg.json"]),
        ("A.jpg A.json a.jpg a.json", ["A.jpg A.json", "a.jpg a.json"]),
        ("A.jpg a.jpg a.json", ["A.jpg", "a.jpg a.json"]),
        ("A.jpg a.jpg", ["A.jpg", "a.jpg"]),
        ("a.jpg a.json b.jpg", ["a.jpg a.json", "b.jpg"]),
        ("a.jpg a.json b.json", ["a.jpg a.json", "!b.json"]),
        ("a.jpg b.jpg classes.txt", ["a.jpg", "b.jpg", "!classes.txt"]),
        ("a.jpg b.jpg config.yaml", ["a.jpg", "b.jpg", "!config.yaml"]),
        ("a.jpg calibration.json via_project_1.json", ["a.jpg", "!calibration.json", "!via_project_1.json"]),
        ("a.jpg image_list.txt md5sums.txt", ["a.jpg", "!image_list.txt", "!md5sums.txt"]),
        ("a.jpg _annotations.coco.json", ["!_annotations.coco.json", "a.jpg"]),
        ("images/a.jpg annotations/instances_val.json", ["!annotations/instances_val.json", "images/a.jpg"]),
        ("photos/a.jpg docs/x.json", ["!docs/x.json", "photos/a.jpg"]),
        (
            "day1/a.jpg day1/a.json day2/a.jpg day2/a.jpg.json",
            ["day1/a.jpg day1/a.json", "day2/a.jpg day2/a.jpg.json"],
        ),
        ("image_1/Day1/a.jpg data_meta_1/day1/A.json", ["image_1/Day1/a.jpg data_meta_1/day1/A.json"]),
    ],
)
def test_labels_go_with_their_pictures(tmp_path: Path, names: str, found: list[str]) -> None:
    """By stem, by the whole name, or by a stem in another case; other files stop nothing."""
    assert found == units(filled(tmp_path, names), SPECS)


@pytest.mark.parametrize(
    "names", ["IMG.JPG Img.jpg img.json", "a.jpg a.json a.jpg.json", "a.jpg a.json a.xml"]
)
def test_two_candidates_make_no_unit(tmp_path: Path, names: str) -> None:
    """Nothing of what nobody can tell apart is sent."""
    (problem,) = open_folder(filled(tmp_path, names), specs=SPECS)

    assert isinstance(problem, FolderProblem)
    assert all(repr(name) in str(problem.error) for name in names.split())


@pytest.mark.parametrize(
    ("specs", "names", "found"),
    [
        ([PCD, DATA], "000001.bin", ["000001.bin"]),
        ([PCD, DATA], "000001.bin 000001.json", ["000001.bin 000001.json"]),
        ([Spec("pcd_1", "pcd"), DATA], "1.bin 1.json", ["1.bin 1.json"]),
        ([Spec("pcd_1", "pcd"), DATA], "1.bin", ["1.bin"]),
        ([PCD, PHOTO, DATA], "1.pcd 1.jpg 2.bin 2.json", ["1.pcd 1.jpg", "2.bin 2.json"]),
        ([Spec("text_1", "text", required=True), DATA], "a.json", ["a.json"]),
        ([Spec("text_1", "text", required=True), DATA], "a.json a.txt", ["a.txt a.json"]),
        ([Spec("text_1", "text", required=True), DATA], "a.csv a.json", ["!a.csv", "!a.json"]),
    ],
)
def test_the_required_specification_is_served_first(
    tmp_path: Path, specs: list[Spec], names: str, found: list[str]
) -> None:
    """A file that several could take goes to the one that a unit needs; where that stays unclear, nowhere."""
    assert found == units(filled(tmp_path, names), specs)


@pytest.mark.parametrize(
    ("names", "pictures", "labels"),
    [
        (YOLO, "images", "labels"),
        (ROBOFLOW, "images", "labels"),
        (VOC, "JPEGImages", "Annotations"),
        (KITTI, "image_2", "label_2"),
        (SUPERVISELY, "img", "ann"),
        (DAYS, "images", "labels"),
        (BESIDE, ".", "labels"),
        ("images/a.jpg labels/b.json", "images", "labels"),
    ],
)
def test_folders_of_labels_are_told_with_what_pairs_them(
    tmp_path: Path, names: str, pictures: str, labels: str
) -> None:
    """Pictures and labels in a pair of folders end the upload before anything is sent; the message can be typed."""
    folders = {"image_1": pictures, "data_meta_1": labels}

    with pytest.raises(TransferError) as caught:
        open_folder(filled(tmp_path, names), specs=SPECS)

    assert f"say folders={folders} to pair" in str(caught.value)
    assert "allow_unpaired=True sends them as they are. Nothing was sent" in str(caught.value)


@pytest.mark.parametrize(
    ("names", "pictures", "labels", "found"),
    [
        (
            YOLO,
            "images",
            "labels",
            ["images/train/a.jpg labels/train/a.txt", "images/val/b.jpg labels/val/b.txt"],
        ),
        (
            YOLO.upper(),
            "images",
            "labels",
            ["IMAGES/TRAIN/A.JPG LABELS/TRAIN/A.TXT", "IMAGES/VAL/B.JPG LABELS/VAL/B.TXT"],
        ),
        (
            ROBOFLOW,
            "images",
            "labels",
            ["train/images/a.jpg train/labels/a.txt", "valid/images/b.jpg valid/labels/b.txt"],
        ),
        (VOC, "JPEGImages", "Annotations", ["JPEGImages/a.jpg Annotations/a.xml"]),
        (KITTI, "training/image_2", "training/label_2", ["training/image_2/01.png training/label_2/01.txt"]),
        (
            KITTI,
            "image_2",
            "label_2",
            ["testing/image_2/02.png", "training/image_2/01.png training/label_2/01.txt"],
        ),
        (SUPERVISELY, "img", "ann", ["ds/img/a.jpg ds/ann/a.jpg.json"]),
        (
            DAYS,
            "images",
            "labels",
            ["day1/images/a.jpg day1/labels/a.json", "day2/images/b.jpg day2/labels/b.json"],
        ),
        (
            "images/a.jpg images/labels/a.json",
            "images",
            "images/labels",
            ["images/a.jpg images/labels/a.json"],
        ),
        (BESIDE, ".", "labels", ["a.jpg labels/a.json", "day1/b.jpg day1/labels/b.json"]),
    ],
)
def test_folders_are_paired_as_they_are_named(
    tmp_path: Path, names: str, pictures: str, labels: str, found: list[str]
) -> None:
    """Wherever they lie below the folder; what lies elsewhere is left alone."""
    folders = {"image_1": pictures, "data_meta_1": labels}

    assert found == units(filled(tmp_path, names), SPECS, folders=folders)


@pytest.mark.parametrize("specs", [SPECS, [PHOTO, DATA]], ids=["required", "optional"])
@pytest.mark.parametrize(
    "names", ["a.jpg b.json", "a.jpg a.json b.jpg c.json", "d/a.jpg d/b.txt e/c.jpg e/c.json"]
)
def test_pictures_beside_other_labels_are_refused(tmp_path: Path, specs: list[Spec], names: str) -> None:
    """Pictures without a label and labels without a picture in one folder: somebody misnamed them."""
    with pytest.raises(
        TransferError, match=r"would be sent without data_meta_1, and .* lies there without image_1"
    ):
        open_folder(filled(tmp_path, names), specs=specs)


@pytest.mark.parametrize(
    ("names", "folders"),
    [
        ("images/a.png masks/a.png", {"image_1": "images", "image_2": "masks"}),
        (
            "JPEGImages/a.jpg SegmentationClass/a.png",
            {"image_1": "JPEGImages", "image_2": "SegmentationClass"},
        ),
        ("a.png masks/a.png", {"image_1": ".", "image_2": "masks"}),
    ],
)
def test_masks_are_no_pictures_of_their_own(tmp_path: Path, names: str, folders: dict[str, str]) -> None:
    """Where there is a specification for them; else they are pictures like others."""
    folder, second = filled(tmp_path, names), Spec("image_2", "image")

    with pytest.raises(TransferError, match="as a unit of its own, .* and not as its image_2") as caught:
        open_folder(folder, specs=[IMAGE, second])
    assert f"say folders={folders} to pair" in str(caught.value)
    assert [names] == units(folder, [IMAGE, second], folders=folders)
    assert 2 == len(units(folder, [IMAGE, DATA]))


def test_masks_that_lie_in_the_folder_of_pictures_are_no_pictures(tmp_path: Path) -> None:
    """What is named for one specification does not go up for the other as well."""
    folder, second = filled(tmp_path, "images/a.png images/masks/a.png"), Spec("image_2", "image")
    folders = {"image_1": "images", "image_2": "images/masks"}

    assert ["images/a.png images/masks/a.png"] == units(folder, [IMAGE, second], folders=folders)


@pytest.mark.parametrize("names", ["day1/a.png day2/a.png", "images/a.png masks/b.png", "images/a.png"])
def test_other_pictures_are(tmp_path: Path, names: str) -> None:
    """Days, and masks of other pictures."""
    assert len(names.split()) == len(units(filled(tmp_path, names), [IMAGE, Spec("image_2", "image")]))


def test_pictures_can_be_sent_all_the_same(tmp_path: Path) -> None:
    """Who knows that they do not belong together says so."""
    folder = filled(tmp_path, "a.jpg b.json")

    assert ["a.jpg", "!b.json"] == units(folder, SPECS, allow_unpaired=True)


def test_media_of_two_kinds_need_not_be_paired(tmp_path: Path) -> None:
    """A collection may hold pictures or sounds: neither are labels."""
    assert ["a.jpg", "b.mp3"] == units(filled(tmp_path, "a.jpg b.mp3"), [PHOTO, Spec("audio_1", "audio")])


@pytest.mark.parametrize(
    ("folders", "words"),
    [
        ({}, r"takes \{specification: folder\}"),
        ("images", r"takes \{specification: folder\}"),
        ({"data_meta_1": "labels"}, "says no folder for image_1"),
        ({"image_1": "images", "data_meta_1": "labls"}, r"no folder 'labls'.*did you mean 'labels'"),
        ({"image_1": "images", "data_meta_1": "images/"}, "names one folder for several"),
        ({"image_1": "../images"}, "below the one that is given"),
        ({"image_1": "/images"}, "below the one that is given"),
        ({"image_1": 5}, "below the one that is given"),
        ({"image": "images"}, r"no file specification 'image' \(did you mean 'image_1'"),
    ],
)
def test_folders_that_cannot_be_are_refused(tmp_path: Path, folders: Any, words: str) -> None:
    """Before anything is sent, with what can be given."""
    folder = filled(tmp_path, "images/a.jpg labels/a.json")

    with pytest.raises((TransferError, MappingError), match=words):
        open_folder(folder, specs=SPECS, folders=folders)
