"""Labels in files as other programs write them."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any

import pytest

from synapse import MappingError, QueryError, TransferError
from synapse.annotations import Annotations, Box
from synapse.interop.formats.problems import Problem
from synapse.interop.formats.sources import PictureLabels, Source, key_of, labels_of
from synapse.interop.formats.yolo import Kind

LINE = "0 0.5 0.5 0.2 0.2\n"
BOX = Box("stop", x=1, y=2, width=3, height=4, media="image_1")


def folder_of(root: Path, files: dict[str, Any]) -> Path:
    """Write files, JSON where it isn't text."""
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        text = content if isinstance(content, str) else json.dumps(content, ensure_ascii=False)
        (root / name).write_text(text, encoding="utf-8")
    return root


def found_in(root: Path, format: str, *, kind: Kind = "detect", **options: Any) -> list[Any]:
    """List the labels of a folder."""
    return list(labels_of(Source(root=root, kind=kind, **options), format))


def classes_of(found: list[Any]) -> list[Any]:
    """Give the classes in labels, which are those of pictures of 10 × 10."""
    return [value.class_name for each in found for value in each.read((10, 10))[0]]


def problems_of(found: list[Any]) -> list[Problem]:
    """Give all problems."""
    return [
        problem
        for each in found
        for problem in ([each] if isinstance(each, Problem) else each.read((10, 10))[1])
    ]


class TestDataYaml:
    @pytest.mark.parametrize(
        "text",
        [
            "names: [stop, car]",
            "names: {0: stop, 1: car}",
            "names:\n- stop\n- car\nroboflow:\n  project: a\n",
            "names:\n  1: car\n  0: stop\n",
            "names:\n  0: stop  # a sign\n  1: car\n",
            "names:\n  # signs\n  0: stop\n\n  5: car\n",
            "names: ['stop',\n  \"car\"]  # both\n",
            "path: ../elsewhere\ntrain: images/train\nnames:\r\n  0: stop\r\n",
        ],
    )
    def test_names_by_number(self, tmp_path: Path, text: str) -> None:
        """Whatever the form is, the order or the gaps."""
        root = folder_of(tmp_path, {"data.yaml": text, "labels/a.txt": LINE})

        assert ["stop"] == classes_of(found_in(root, "yolo"))

    def test_a_gap_is_no_class(self, tmp_path: Path) -> None:
        """Names aren't moved up."""
        root = folder_of(tmp_path, {"data.yaml": "names: {0: stop, 5: car}", "labels/a.txt": "1" + LINE[1:]})

        assert ["there is no class 1: the data set has 2"] == [
            problem.reason for problem in problems_of(found_in(root, "yolo"))
        ]

    def test_texts_stay_texts(self, tmp_path: Path) -> None:
        """A class called `no` is no truth value."""
        root = folder_of(tmp_path, {"data.yaml": "names: [no, 1]", "labels/a.txt": LINE})

        assert ["no"] == classes_of(found_in(root, "yolo"))

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("names: [stop", "is no YAML that can be read"),
            ("- stop", "is no data set of YOLO"),
            ("names: stop", "names is no list of names"),
            ("names: {a: stop}", "where a number leads to a name"),
            ("names: [[stop]]", "where a number leads to a name"),
            ("names: {999999999: a}", "numbers go up to"),
        ],
    )
    def test_what_has_no_names_is_refused(self, tmp_path: Path, text: str, words: str) -> None:
        """The error says where."""
        root = folder_of(tmp_path, {"data.yaml": text, "labels/a.txt": LINE})
        with pytest.raises(MappingError) as caught:
            found_in(root, "yolo")

        assert words in str(caught.value)

    def test_may_lie_beside_its_files(self, tmp_path: Path) -> None:
        """`path` leads to the folder; the YAML itself may be given."""
        root = folder_of(tmp_path, {"a/data.yaml": "path: ../b\nnames: [stop]", "b/labels/x.txt": LINE})

        assert ["stop"] == classes_of(found_in(root / "a" / "data.yaml", "yolo"))

    def test_points_have_names(self, tmp_path: Path) -> None:
        """Those of the first class count."""
        text = "names: {0: person}\nkpt_shape: [1, 3]\nkpt_names:\n  0: [nose]\n"
        root = folder_of(tmp_path, {"data.yaml": text, "labels/a.txt": LINE[:-1] + " 0.5 0.5 2\n"})

        assert ["nose"] == classes_of(found_in(root, "yolo", kind="pose"))


@pytest.mark.parametrize("name", ["classes.txt", "labels/classes.txt", "obj.names"])
def test_lists_of_names_are_found(tmp_path: Path, name: str) -> None:
    """Each tool has its own place for them."""
    root = folder_of(tmp_path, {name: "stop\ncar\n", "labels/a.txt": LINE})

    assert ["stop"] == classes_of(found_in(root, "yolo"))


def test_a_readme_is_no_label(tmp_path: Path) -> None:
    """Where there are folders called `labels`, other texts are left alone."""
    texts = {"README.roboflow.txt": "hello", "train/labels/a.txt": LINE, "valid/labels/b.txt": LINE}
    root = folder_of(tmp_path, {"data.yaml": "names: [stop]", **texts})

    assert ["a", "b"] == [each.name for each in found_in(root, "yolo")]


def test_yolo_without_names_is_refused(tmp_path: Path) -> None:
    """Numbers alone say nothing."""
    with pytest.raises(QueryError, match=r"pass classes=\[...\]"):
        found_in(folder_of(tmp_path, {"labels/a.txt": LINE}), "yolo")


@pytest.mark.parametrize("format", ["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"])
def test_a_folder_without_labels_is_refused(tmp_path: Path, format: str) -> None:
    """It is another one than was meant, or of another format."""
    with pytest.raises(TransferError, match="holds no labels"):
        found_in(tmp_path, format, classes=("stop",))


@pytest.mark.parametrize("format", ["yolo", "dm_v2"])
def test_labels_that_have_dots_keep_them(tmp_path: Path, format: str) -> None:
    """`2026.01.02.txt` is of the picture `2026.01.02.png`."""
    document = Annotations([BOX]).to_v2()
    files = {"labels/2026.01.02.txt": LINE, "json/2026.01.02.json": document}
    [found] = found_in(folder_of(tmp_path, files), format, classes=("stop",))

    keys = (
        key_of(found.name, match="stem", has_ending=found.has_ending),
        key_of("2026.01.02.png", match="stem"),
    )
    assert ("2026.01.02", "2026.01.02") == keys


def test_lines_of_json_may_hold_any_text(tmp_path: Path) -> None:
    """What splits lines elsewhere is a character here."""
    box = Box("stop", x=1, y=2, width=3, height=4, media="image_1", attributes={"note": "a\u2028b\x85c\x0cd"})
    row = {"id": 1, "file_name": "a.png", "data": Annotations([box]).to_v1()}
    [found] = found_in(folder_of(tmp_path, {"a.jsonl": json.dumps(row, ensure_ascii=False) + "\n"}), "jsonl")

    assert [box] == list(found.read((0, 0))[0])


def test_a_document_may_be_wrapped(tmp_path: Path) -> None:
    """Some exports have it under `data`."""
    root = folder_of(tmp_path, {"a.json": {"data": Annotations([BOX]).to_v2()}})

    assert ["stop"] == classes_of(found_in(root, "dm_v2"))


@pytest.mark.parametrize("format", ["dm_v2", "jsonl"])
def test_geometry_that_cannot_be_read_is_told(tmp_path: Path, format: str) -> None:
    """What a backend holds is kept as it came; what a file holds is checked."""
    v1 = Annotations([BOX]).to_v1()
    del v1["annotationsData"]["image_1"][0]["coordinate"]["width"]
    v2 = Annotations([BOX]).to_v2()
    v2["images"][0]["bounding_box"][0]["data"] = [1]
    files = {"json/a.json": v2, "a.jsonl": json.dumps({"file_name": "a.png", "data": v1})}
    found = found_in(folder_of(tmp_path, files), format)

    assert ([], ["its geometry can't be read"]) == (
        classes_of(found),
        [problem.reason for problem in problems_of(found)],
    )


def test_a_picture_beside_the_folders_is_told(tmp_path: Path) -> None:
    """It has no class."""
    found = found_in(folder_of(tmp_path, {"a.png": "", "stop/b.png": ""}), "imagefolder")

    assert (["it lies in no folder that names its class"], ["b.png"]) == (
        [problem.reason for problem in problems_of(found)],
        [each.name for each in found if isinstance(each, PictureLabels)],
    )
