"""What `export()` writes into a folder, of tasks of a real backend."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any

import pytest

from PIL import Image

from synapse import (
    Annotation,
    Box,
    DataCollection,
    FileCache,
    FileSpecification,
    GroundTruth,
    Label,
    MappingError,
    Mask,
    Point,
    Polygon,
    Polyline,
    Project,
    QueryError,
    Split,
    Task,
    TransferError,
)
from synapse.testing import assert_requests
from tests.contract.conftest import connected

FORMATS = ("coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl")
NAMES = ("day 1/사진.png", "day 2/사진.png", "day 2/CON.png", "day 2/a:b?.png", "day 3/plain.png")
WIDTH, HEIGHT = 40, 30
DRAWN: dict[str, list[Annotation]] = {
    "day 1/사진.png": [Box("차", x=1, y=2, width=10, height=8), Label("day")],
    "day 2/사진.png": [
        Polygon("차", points=[(1, 1), (20, 2), (9, 15)]),
        Box("stop", x=4, y=4, width=4, height=4),
    ],
    "day 2/CON.png": [Mask.from_rows("road", [[x > 5 for x in range(WIDTH)]] * HEIGHT), Label("night")],
    "day 2/a:b?.png": [Point("nose", x=3, y=4, group="g"), Point("tail", x=9, y=12, group="g")],
}
TOOLS = {
    "bounding_box": ("stop", "차"),
    "polygon": ("차",),
    "segmentation": ("road",),
    "keypoint": ("nose", "tail"),
    "polyline": ("lane",),
    "classification": ("day", "night"),
}


def configuration() -> dict[str, Any]:
    """Make a project's configuration of these tools."""
    return {
        "schema_type": "dm_schema",
        "classification": {
            tool: {"classification_schema": [{"code": code, "name": code} for code in codes]}
            for tool, codes in TOOLS.items()
        },
    }


def signs(folder: Path) -> Project:
    """Make a project of five pictures with odd names, of which four are annotated."""
    for index, name in enumerate(NAMES):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (WIDTH, HEIGHT), (index, 0, 0)).save(folder / name)
    image = FileSpecification(name="image_1", file_type="image", is_primary=True)
    collection = DataCollection.objects.create(name="signs", category="image", file_specifications=[image])
    made = Project.objects.create(
        title="signs", category="image", data_collection=collection, configuration=configuration()
    )
    report = collection.upload([str(folder / name) for name in NAMES], project=made, root=folder)
    tasks = {name: each.task.id for name, each in zip(NAMES, report, strict=True)}
    Task.objects.annotate_many([(tasks[name], values) for name, values in DRAWN.items()])
    return made


@pytest.fixture(scope="session")
def signs_for_all(box, tmp_path_factory) -> int:
    """One such project for every test, by its key: each upload of its pictures takes a tenth of a second."""
    with connected(box, "contract") as session:
        key = signs(tmp_path_factory.mktemp("signs")).id
    session.close()
    return key


@pytest.fixture
def project(session, signs_for_all) -> Project:
    """The project of signs; leave its rows as they are."""
    return Project.objects.get(signs_for_all)


@pytest.fixture
def own_project(session, tmp_path_factory) -> Project:
    """A project of signs to write to."""
    return signs(tmp_path_factory.mktemp("signs"))


def tree(folder: Path) -> dict[str, bytes]:
    """Read every file of a folder."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


def tasks_of(project: Project) -> Any:
    """Give the tasks of the project."""
    return Task.objects.filter(project=project)


class TestCoco:
    def test_writes_every_annotated_picture(self, project, tmp_path):
        """Sizes come from the pictures, names are safe and differ, ids are those of tasks."""
        report = tasks_of(project).export(tmp_path / "out", format="coco")

        document = json.loads((tmp_path / "out" / "annotations.json").read_bytes())
        keys, units = zip(*tasks_of(project).values_list("id", "data_unit_id"), strict=True)
        assert [
            (keys[0], "사진.png"),
            (keys[1], f"사진_{units[1]}.png"),
            (keys[2], "_CON.png"),
            (keys[3], "a_b_.png"),
        ] == [(each["id"], each["file_name"]) for each in document["images"]]
        assert {(WIDTH, HEIGHT)} == {(each["width"], each["height"]) for each in document["images"]}
        assert ["stop", "차", "road", "person"] == [each["name"] for each in document["categories"]]
        assert (4, 8, [keys[4]]) == (report.tasks, report.written, [each.task for each in report.skipped])

    def test_counts_classes_and_lists_losses(self, project, tmp_path):
        """Labels become attributes of pictures, which the report tells, each with its task."""
        report = tasks_of(project).export(tmp_path / "out", format="coco")

        assert {"차": 2, "stop": 1, "road": 1, "nose": 1, "tail": 1, "day": 1, "night": 1} == dict(
            report.classes
        )
        assert ["day", "night"] == [each.annotation.class_name for each in report.lossy]
        assert "written            8" in str(report)

    def test_reads_no_picture_whose_size_is_known(self, session, make, tmp_path):
        """The rows, their files, their project: three requests for a page of tasks."""
        rows = make.tasks(3, project=make.project(configuration=configuration()), data=boxes())
        for row in rows:
            row.data_unit.files.update(meta={"width": 96, "height": 96})

        with assert_requests(3):
            report = Task.objects.filter(project=rows[0].project_id).export(tmp_path / "out", format="coco")

        assert (3, True) == (report.written, report.is_complete)

    def test_says_whose_size_is_not_known(self, session, make, tmp_path):
        """A picture that can't be read is a line of the report, and the others are written."""
        rows = make.tasks(2, data=boxes())
        rows[0].data_unit.files.update(meta={"width": 96, "height": 96})

        report = Task.objects.filter(project=rows[0].project_id).export(tmp_path / "out", format="yolo")

        assert ([rows[1].pk], 1) == ([each.task for each in report.failed], report.written)
        assert "the size of its picture is not known" in report.failed[0].reason


def boxes() -> dict[str, Any]:
    """Make the data of a task with one box."""
    entry = {"id": "a", "tool": "bounding_box", "classification": {"class": "stop"}}
    place = {"id": "a", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}
    return {"annotations": {"image_1": [entry]}, "annotationsData": {"image_1": [place]}}


class TestYolo:
    def test_lays_out_what_ultralytics_reads(self, project, tmp_path):
        """Each picture has a text of its stem beside it, and `data.yaml` names folders and classes."""
        report = tasks_of(project).export(tmp_path / "out", format="yolo", files="download")

        files = tree(tmp_path / "out")
        stems = {Path(name).stem for name in files if name.startswith("images/")}
        assert (4, stems) == (len(stems), {Path(name).stem for name in files if name.startswith("labels/")})
        assert (
            '# YOLO detect\ntrain: images\nval: images\nnames:\n  0: "stop"\n  1: "차"\n'
            == files["data.yaml"].decode()
        )
        assert b"1 0.150000 0.200000 0.250000 0.266667\n" == files["labels/사진.txt"]
        assert {"Label", "Polygon", "Mask", "Point"} == {
            type(each.annotation).__name__ for each in report.skipped[1:]
        }

    def test_splits_by_the_unit(self, project, tmp_path):
        """Each part has folders of its own, and a unit is always in the same one."""
        split = {"train": 0.5, "val": 0.5}
        for name in ("one", "two"):
            tasks_of(project).export(tmp_path / name, format="yolo", kind="pose", split=split)

        files = tree(tmp_path / "one")
        assert tree(tmp_path / "two") == files
        assert 'kpt_shape: [2, 3]\nkpt_names:\n  0: ["nose","tail"]' in files["data.yaml"].decode()
        assert {"train", "val"} >= {Path(name).parts[1] for name in files if name.startswith("labels/")}
        assert "train: images/train\nval: images/val\n" in files["data.yaml"].decode()


def test_voc_lists_the_stems(project, tmp_path):
    """Annotations, pictures and lists lie where the VOC has them."""
    tasks_of(project).export(tmp_path / "out", format="voc", files="download")

    files = tree(tmp_path / "out")
    stems = files["ImageSets/Main/trainval.txt"].decode().splitlines()
    assert sorted(f"Annotations/{stem}.xml" for stem in stems) == sorted(
        name for name in files if name.startswith("Annotations/")
    )
    assert 4 == len(stems) == sum(name.startswith("JPEGImages/") for name in files)


def test_imagefolder_holds_pictures_of_one_class(project, tmp_path):
    """A picture goes into the folder of its class; those without one are named."""
    report = tasks_of(project).export(tmp_path / "out", format="imagefolder", files="download")

    assert [".synapse-export", "day/사진.png", "night/_CON.png"] == sorted(tree(tmp_path / "out"))
    assert 2 == report.written


def test_yolo_classify_has_folders_of_parts(project, tmp_path):
    """Below `train/` and `val/` lies a folder for each class, which comes back."""
    tasks_of(project).export(tmp_path / "out", format="yolo", kind="classify", files="download")

    report = tasks_of(project).annotate_from(
        tmp_path / "out", format="yolo", kind="classify", existing="replace", match="name", dry_run=True
    )
    assert [".synapse-export", "train/day/사진.png", "train/night/_CON.png"] == sorted(tree(tmp_path / "out"))
    assert {"night": 1} == dict(report.classes)


def test_voc_paints_masks(project, tmp_path):
    """Pixels are numbers of objects and of classes, which a file names."""
    tasks_of(project).export(tmp_path / "out", format="voc")

    pictures = {path.parent.name: Image.open(path) for path in (tmp_path / "out").glob("Seg*/*.png")}
    assert {"SegmentationObject": (0, 1), "SegmentationClass": (0, 3)} == {
        name: (picture.getpixel((5, 0)), picture.getpixel((6, 0))) for name, picture in pictures.items()
    }
    assert "road:128,128,0::" in (tmp_path / "out" / "labelmap.txt").read_text(encoding="utf-8")
    assert "_CON\n" == (tmp_path / "out/ImageSets/Segmentation/trainval.txt").read_text()


def test_links_pictures_to_the_cache(project, tmp_path):
    """They lie on the disk once."""
    cache = FileCache(tmp_path / "cache")
    for name in ("one", "two"):
        report = tasks_of(project).export(tmp_path / name, format="coco", files="link", cache=cache)

    pictures = list((tmp_path / "two" / "images").iterdir())
    assert (4, 0) == (len(pictures), report.counts["failed"])
    assert {3} == {path.stat().st_nlink for path in pictures}


def test_sizes_are_those_of_the_upright_picture(session, own_project, tmp_path):
    """A picture that its camera turned is drawn on as it is seen."""
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (WIDTH, HEIGHT)).save(tmp_path / "turned.jpg", exif=exif)
    report = own_project.data_collection.upload([tmp_path / "turned.jpg"], project=own_project)
    report[0].task.annotate(Box("stop", x=1, y=HEIGHT + 2, width=4, height=4))

    tasks_of(own_project).filter(id=report[0].task.id).export(tmp_path / "out", format="coco")

    [image] = json.loads((tmp_path / "out" / "annotations.json").read_bytes())["images"]
    assert (HEIGHT, WIDTH) == (image["width"], image["height"])


def test_jsonl_holds_data_of_any_form(session, make, tmp_path):
    """It goes as it is."""
    row = make.task(data={"verdict": [1, 2]})

    report = Task.objects.filter(id=row.pk).export(tmp_path / "out", format="jsonl")

    line = json.loads((tmp_path / "out" / "annotations.jsonl").read_bytes())
    assert (1, {"verdict": [1, 2]}, True) == (report.tasks, line["data"], report.is_complete)


def test_folders_of_classes_have_one_step(session, own_project, tmp_path):
    """A class with a slash in it is not taken for its last part."""
    key = tasks_of(own_project).last().id
    Task.objects.annotate_many({key: [Label("a/b")]}, schema="any")

    report = Task.objects.filter(id=key).export(tmp_path / "out", format="imagefolder", files="download")

    assert "a_b/plain.png" in tree(tmp_path / "out")
    assert ["its class; the folder is 'a_b'"] == [each.reason for each in report.lossy]


@pytest.mark.parametrize("format", ["dm_v2", "jsonl"])
def test_documents_hold_everything(project, tmp_path, format):
    """What is drawn comes back from either."""
    report = tasks_of(project).export(tmp_path / "out", format=format)

    assert (4, 8) == (report.tasks, report.written)
    assert [] == report.lossy + report.failed


@pytest.mark.parametrize("format", FORMATS)
class TestEveryFormat:
    def test_writes_the_same_bytes_again(self, project, tmp_path, format):
        """A second run with `overwrite=True` changes nothing."""
        tasks_of(project).export(tmp_path / "out", format=format, files="download")
        before = tree(tmp_path / "out")

        tasks_of(project).export(tmp_path / "out", format=format, files="download", overwrite=True)

        assert before == tree(tmp_path / "out")
        assert ["out"] == [path.name for path in tmp_path.iterdir()]

    def test_leaves_nothing_where_a_loss_is_refused(self, project, tmp_path, format):
        """The error names the task and the way out, and no folder is there."""
        with pytest.raises(MappingError) as caught:
            tasks_of(project).export(tmp_path / "out", format=format, files="download", lossy="refuse")

        assert "Nothing was written; lossy='report' writes what the format holds" in str(caught.value)
        assert [] == [*tmp_path.iterdir()]


def test_keeps_the_parts_of_ground_truths(session, make, tables, tmp_path):
    """`split="category"` gives each ground truth the part that it was accepted for."""
    dataset = make.dataset(project=make.project(configuration=configuration()))
    for unit, category in zip(make.units(3), ("train", "validation", "train"), strict=True):
        tables.GroundTruth.objects.create(
            ground_truth_dataset=dataset, data_unit=unit, category=category, data=boxes()
        )
    truths = GroundTruth.objects.filter(ground_truth_dataset=dataset.pk)

    report = truths.export(tmp_path / "out", format="jsonl", split="category")

    lines = {
        part: (tmp_path / "out" / part / "annotations.jsonl").read_bytes().count(b"\n") for part in Split
    }
    assert (3, {"train": 2, "validation": 1, "test": 0}) == (report.written, lines)


def test_what_fits_is_not_refused(project, tmp_path):
    """With `lossy="refuse"`, tasks that fit are written."""
    key = tasks_of(project).first().id

    report = Task.objects.filter(id=key).export(tmp_path / "out", format="jsonl", lossy="refuse")

    assert (1, True) == (report.tasks, report.is_complete)


def test_names_the_format_that_holds_a_line(session, own_project, tmp_path):
    """Lines have no place in COCO."""
    task = tasks_of(own_project).last()
    task.annotate(Polyline("lane", points=[(1, 1), (5, 5)]))

    report = Task.objects.filter(id=task.id).export(tmp_path / "out", format="coco")

    assert ["COCO has no Polyline; dm_v2 and jsonl hold it"] == [each.reason for each in report.skipped]
    assert f"skipped: task {task.id}, Polyline 'lane': COCO has no Polyline" in str(report)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"format": "cocoo"}, "did you mean 'coco'?"),
        ({"format": None}, "takes 'coco', 'yolo'"),
        ({"format": "yolo", "kind": "segmnt"}, "did you mean 'segment'?"),
        ({"format": "coco", "files": "copy"}, "takes 'download', 'link' or None"),
        ({"format": "coco", "files": "link"}, "pass cache=FileCache"),
        ({"format": "coco", "kind": "segment"}, "kind='segment' is a kind of YOLO, and the format is 'coco'"),
        ({"format": "yolo", "kind": "classify"}, "pass files='download'"),
        ({"format": "coco", "lossy": True}, "takes 'report' or 'refuse'"),
        ({"format": "imagefolder"}, "pass files='download'"),
        ({"format": "coco", "split": {"train": 0.8}}, "sum up to 0.8"),
        ({"format": "coco", "split": {"../a": 1}}, "cannot be the name of a folder"),
        ({"format": "coco", "split": {"a": 0.5, "A": 0.5}}, "differ in case only"),
        ({"format": "coco", "split": {"a": "1"}}, "is a number above 0"),
        ({"format": "coco", "split": "category"}, "a Task has none"),
        ({"format": "coco", "specification": 1}, "is a name such as 'image_1'"),
        ({"format": "coco", "overwrite": 1}, "overwrite"),
    ],
)
def test_refuses_before_anything_is_sent(session, tmp_path, options, words):
    """Bad arguments are an error with the nearest name, without a request or a file."""
    with assert_requests(0), pytest.raises(QueryError) as caught:
        Task.objects.all().export(tmp_path / "out", **options)

    assert words in str(caught.value)
    assert [] == list(tmp_path.iterdir())


def test_keeps_a_folder_that_is_no_export(session, tmp_path):
    """What somebody else has put there is never replaced."""
    (tmp_path / "notes.txt").write_text("mine")

    with assert_requests(0), pytest.raises(TransferError, match="is no export"):
        Task.objects.all().export(tmp_path, format="coco", overwrite=True)

    assert {"notes.txt": b"mine"} == tree(tmp_path)


def test_keeps_the_export_before_when_a_run_fails(project, tmp_path):
    """An export that is refused leaves the earlier one as it was."""
    tasks_of(project).export(tmp_path / "out", format="coco")
    before = tree(tmp_path / "out")

    with pytest.raises(MappingError):
        tasks_of(project).export(tmp_path / "out", format="coco", lossy="refuse", overwrite=True)

    assert before == tree(tmp_path / "out")


def test_says_which_picture_could_not_be_fetched(session, make, tmp_path):
    """The labels are there, and the report names the task."""
    row = make.task(data=boxes())
    row.data_unit.files.update(meta={"width": 96, "height": 96})

    report = Task.objects.filter(id=row.pk).export(tmp_path / "out", format="coco", files="download")

    assert [row.pk] == [each.task for each in report.failed]
    assert "its picture could not be fetched" in report.failed[0].reason
