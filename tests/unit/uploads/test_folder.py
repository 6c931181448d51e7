"""Folders as the items of an upload."""

from __future__ import annotations

import os
import unicodedata

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from synapse.errors import TransferError
from synapse.uploads.file_types import Spec
from synapse.uploads.folder import Folder
from synapse.uploads.folder_layout import open_folder
from synapse.uploads.pairing import FolderProblem

IMAGE, MORE = Spec("image_1", "image", required=True), Spec("image_2", "image")
DATA, TEXT = Spec("data_meta_1", "data"), Spec("text_1", "text")
KOREAN = "표지판"
Fill = Callable[..., Path]


@pytest.fixture
def fill(tmp_path: Path) -> Fill:
    """Write files of these names into a folder."""

    def write(*names: str) -> Path:
        for name in names:
            path = tmp_path / "photos" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
        return tmp_path / "photos"

    return write


def items_of(folder: Folder) -> list[Any]:
    """Give the files of each item below the folder, or what is said of a problem."""
    return [
        str(kept.error)
        if isinstance(kept, FolderProblem)
        else {name: str(path.relative_to(folder.root)) for name, path in folder.item(kept)["files"].items()}
        for kept in folder
    ]


def images(folder: Folder) -> list[str]:
    """Give the picture of each item, in order."""
    return [item["image_1"] for item in items_of(folder)]


@pytest.mark.parametrize("name", ["a\0b", "a\ud800"])
def test_no_folder_can_be_called_so(name: str) -> None:
    """What the system cannot spell is refused as a folder that is not there."""
    with pytest.raises(TransferError, match="there is no folder"):
        open_folder(name, specs=[IMAGE])


class TestFlat:
    def test_is_in_natural_order(self, fill: Fill) -> None:
        """Numbers count as such, folders come after files, and the order is the same on every system."""
        folder = fill("a10.png", "a2.png", "b/a1.png", "a02.png", "b10/x.png", "b9/x.png", "B.png")

        assert ["B.png", "a02.png", "a2.png", "a10.png", "b/a1.png", "b9/x.png", "b10/x.png"] == images(
            open_folder(folder, specs=[IMAGE])
        )

    def test_takes_the_file_that_is_required(self, fill: Fill) -> None:
        """Of several specifications, pictures alone go under the one that takes them."""
        assert ["a.jpg", "b.PNG"] == images(open_folder(fill("a.jpg", "b.PNG"), specs=[IMAGE, DATA]))

    def test_leaves_litter_out(self, fill: Fill) -> None:
        """What systems leave in folders is no item and no problem."""
        folder = fill("a.jpg", ".DS_Store", "Thumbs.db", "__MACOSX/a.jpg", ".git/a.jpg", "desktop.ini")

        assert ["a.jpg"] == images(open_folder(folder, specs=[IMAGE]))

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("README", "'README' does not show by its name what it is"),
            ("a.xyzzy", "'a.xyzzy' does not show by its name what it is"),
            (
                "b/notes.txt",
                "'b/notes.txt' is text or data by its name, and the collection takes image_1 (image)",
            ),
        ],
    )
    def test_tells_of_strays(self, fill: Fill, name: str, words: str) -> None:
        """A file that fits no specification is a problem, with its reason."""
        (said,) = items_of(open_folder(fill(name), specs=[IMAGE]))

        assert said.startswith(words)

    def test_may_be_empty(self, fill: Fill, tmp_path: Path) -> None:
        """A folder without files has no items."""
        assert [] == list(open_folder(tmp_path, specs=[IMAGE]))

    @pytest.mark.parametrize("name", ["a\nb.png", 'quo"te.png', f"{'n' * 251}.png", f"{KOREAN}.png"])
    def test_takes_any_name(self, fill: Fill, name: str) -> None:
        """Line breaks, quotes, names of 255 bytes and of other scripts are names like all others."""
        assert [name] == images(open_folder(fill(name), specs=[IMAGE]))

    def test_refuses_names_that_are_no_text(self, tmp_path: Path) -> None:
        """A name that is no UTF-8 is found, and told before its file is sent."""
        (tmp_path / os.fsdecode(b"caf\xe9.png")).write_text("x")
        folder = open_folder(tmp_path, specs=[IMAGE])
        (kept,) = folder

        with pytest.raises(TransferError, match="is no UTF-8"):
            folder.plan(kept)


@pytest.mark.parametrize("layout", ["", "any_1/"])
@pytest.mark.parametrize("name", ["a.json.part", "a.crdownload", "A.TMP", "a.json~", "~$a.json"])
def test_what_was_left_over_is_a_problem(fill: Fill, layout: str, name: str) -> None:
    """An unfinished download and an editor's copy are no data, whatever takes anything."""
    (said,) = items_of(open_folder(fill(layout + name), specs=[Spec("any_1", "data")]))

    assert said.endswith("was left by a download that did not end, or by an editor")


class TestPairs:
    def test_share_a_stem(self, fill: Fill) -> None:
        """Files of one stem in one folder are one item, by their types."""
        folder = fill("a.jpg", "a.json", "b.jpg", "d/a.jpg", "d/a.csv")

        assert [
            {"image_1": "a.jpg", "data_meta_1": "a.json"},
            {"image_1": "b.jpg"},
            {"image_1": "d/a.jpg", "data_meta_1": "d/a.csv"},
        ] == items_of(open_folder(folder, specs=[IMAGE, DATA]))

    def test_share_a_stem_in_any_form(self, fill: Fill) -> None:
        """A stem that one system wrote composed and another decomposed is the same stem."""
        forms = [unicodedata.normalize(form, KOREAN) for form in ("NFC", "NFD")]
        folder = fill(f"{forms[0]}.jpg", f"{forms[1]}.json")

        assert [{"image_1": f"{forms[0]}.jpg", "data_meta_1": f"{forms[1]}.json"}] == items_of(
            open_folder(folder, specs=[IMAGE, DATA])
        )

    def test_prefer_the_likelier_type(self, fill: Fill) -> None:
        """Where two specifications could take a file, its usual type decides."""
        (item,) = items_of(open_folder(fill("a.json", "a.txt"), specs=[TEXT, DATA]))

        assert {"text_1": "a.txt", "data_meta_1": "a.json"} == item

    def test_need_what_is_required(self, fill: Fill) -> None:
        """A file whose required partner is missing is a problem."""
        folder = fill("a.jpg", "a.json", "b.json")

        assert [
            {"image_1": "a.jpg", "data_meta_1": "a.json"},
            "'b.json' has no partner of the same stem: a unit needs image_1 as well",
        ] == items_of(open_folder(folder, specs=[IMAGE, DATA]))

    def test_have_one_file_for_each(self, fill: Fill) -> None:
        """Two pictures with one set of data are a problem; without any, they are two items."""
        folder = fill("a.jpg", "a.png", "a.json", "b.jpg", "b.png")

        assert [
            "'a.jpg' and 'a.json' and 'a.png' are one stem, with two files for image_1",
            {"image_1": "b.jpg"},
            {"image_1": "b.png"},
        ] == items_of(open_folder(folder, specs=[IMAGE, DATA]))

    def test_go_under_the_required_of_one_type(self, fill: Fill) -> None:
        """Of two specifications for pictures, the required one is meant."""
        assert ["a.jpg"] == images(open_folder(fill("a.jpg"), specs=[MORE, IMAGE]))

    @pytest.mark.parametrize(
        "specs",
        [[Spec("image_1", "image"), MORE], [IMAGE, Spec("image_2", "image", required=True)]],
        ids=["none required", "both required"],
    )
    def test_are_refused_where_types_say_too_little(self, fill: Fill, specs: list[Spec]) -> None:
        """Types alone cannot tell two pictures apart: the error says what can."""
        with pytest.raises(TransferError, match="image_1, image_2 all take image files.*sub-folders"):
            open_folder(fill("a.jpg"), specs=specs)


class TestSubFolders:
    def test_name_the_specifications(self, fill: Fill) -> None:
        """Files of one stem in sub-folders of the specifications are one item, at any depth."""
        folder = fill(
            "image_1/a.jpg", "image_2/a.jpg", "image_1/day/b.jpg", "image_2/day/b.png", "image_2/c.jpg"
        )
        opened = open_folder(folder, specs=[IMAGE, MORE])

        assert [
            {"image_1": "image_1/a.jpg", "image_2": "image_2/a.jpg"},
            "'image_2/c.jpg' has no partner of the same stem: a unit needs image_1 as well",
            {"image_1": "image_1/day/b.jpg", "image_2": "image_2/day/b.png"},
        ] == items_of(opened)
        assert str(opened).endswith("a sub-folder for each of image_1, image_2")

    @pytest.mark.parametrize(
        ("name", "words"),
        [
            ("b.txt", "is text or data by its name, and image_1 takes image files"),
            ("README", "does not show by its name what it is, and image_1 takes image files"),
            ("b.tar.gz", "does not show by its name what it is, and image_1 takes image files"),
            ("b.jpg.bak", "does not show by its name what it is, and image_1 takes image files"),
        ],
    )
    def test_take_no_other_type(self, fill: Fill, name: str, words: str) -> None:
        """A file that is no picture, or may be none, is a problem among pictures."""
        folder = fill("image_1/c.jpg", f"image_1/{name}")

        assert [{"image_1": "image_1/c.jpg"}, f"'image_1/{name}' {words}"] == sorted(
            items_of(open_folder(folder, specs=[IMAGE])), key=str, reverse=True
        )

    @pytest.mark.parametrize("file_type", ["data", "lidar"])
    def test_take_anything_where_types_say_nothing(self, fill: Fill, file_type: str) -> None:
        """Data has no type of its own, and neither has what only the backend knows of."""
        folder = fill("any_1/README", "any_1/a.xyzzy", "any_1/b.jpg")

        assert 3 == len(
            [
                item
                for item in items_of(open_folder(folder, specs=[Spec("any_1", file_type)]))
                if "any_1" in item
            ]
        )

    def test_leave_nothing_beside_them_untold(self, fill: Fill) -> None:
        """Files and folders beside them are problems, with a hint at a name that was meant."""
        folder = fill("image_1/a.jpg", "lost.jpg", "images/a.jpg")

        assert [
            "'lost.jpg' lies beside the sub-folders image_1, not in one of them",
            "the folder 'images' is named after no file specification (did you mean 'image_2'?): image_1, image_2",
            {"image_1": "image_1/a.jpg"},
        ] == items_of(open_folder(folder, specs=[IMAGE, MORE]))


class TestMisnamed:
    """Folders whose pictures would be sent without what belongs to them."""

    @pytest.mark.parametrize("beside", ["image_1/a.jpg", "a.jpg"])
    @pytest.mark.parametrize(
        "name",
        ["Data_Meta_1", "data-meta-1", "datameta1", "data meta 1", "data_meta", "dat_meta_1", "data_meta_2"],
    )
    def test_almost_are_refused(self, fill: Fill, beside: str, name: str) -> None:
        """A sub-folder that was meant for a specification ends the upload before anything is sent."""
        folder = fill(beside, f"{name}/a.json")

        with pytest.raises(
            TransferError,
            match=f"'{name}' is almost named after .*say folders={{'data_meta_1': '{name}', .*Nothing was sent",
        ):
            open_folder(folder, specs=[IMAGE, DATA])

    @pytest.mark.parametrize("name", ["image_1", "Image-1"])
    def test_deeper_down_are_refused(self, fill: Fill, name: str) -> None:
        """Sub-folders of the specifications say nothing below another folder."""
        folder = fill(f"t1/{name}/a.jpg", "t1/data_meta_1/a.json", ".git/image_1/x")

        with pytest.raises(TransferError, match=f"'t1/.*1' is named after .*give '{folder}/t1', and others"):
            open_folder(folder, specs=[IMAGE, DATA])

    def test_deeper_down_are_folders_like_others_below_their_own(self, fill: Fill) -> None:
        """Within the sub-folder of a specification, names say nothing."""
        folder = fill("image_1/image_1/a.jpg", "data_meta_1/image_1/a.json")

        assert [
            {"image_1": "image_1/image_1/a.jpg", "data_meta_1": "data_meta_1/image_1/a.json"}
        ] == items_of(open_folder(folder, specs=[IMAGE, DATA]))

    @pytest.mark.parametrize("name", ["Image_1", "t1/image_1", "image_2"])
    def test_do_no_harm_where_there_is_one_specification(self, fill: Fill, name: str) -> None:
        """A picture that has no partners is the same unit, wherever it lies."""
        assert [f"{name}/a.jpg"] == images(open_folder(fill(f"{name}/a.jpg"), specs=[IMAGE]))

    @pytest.mark.parametrize("name", ["images", "day_1", "meta", "data_2024_05", "train"])
    def test_are_not_those_of_other_names(self, fill: Fill, name: str) -> None:
        """A folder that is named for something else holds pairs."""
        folder = fill(f"{name}/a.jpg", f"{name}/a.json")

        assert [{"image_1": f"{name}/a.jpg", "data_meta_1": f"{name}/a.json"}] == items_of(
            open_folder(folder, specs=[IMAGE, DATA])
        )


class TestLinks:
    def test_to_what_they_lie_in_end_there(self, fill: Fill) -> None:
        """A link that leads back up is a problem; nothing is found twice through it."""
        folder = fill("a/b/c.jpg")
        (folder / "a/b/up").symlink_to(folder / "a")
        (folder / "top").symlink_to(folder)

        assert [
            "'top' is a link to a folder that it lies in",
            {"image_1": "a/b/c.jpg"},
            "'a/b/up' is a link to a folder that it lies in",
        ] == items_of(open_folder(folder, specs=[IMAGE]))

    def test_to_other_folders_are_followed(self, fill: Fill, tmp_path: Path) -> None:
        """What lies elsewhere is taken in through a link, as often as it is linked."""
        folder = fill("a.jpg")
        (tmp_path / "other").mkdir()
        (tmp_path / "other/b.jpg").write_text("b")
        for name in ("one", "two"):
            (folder / name).symlink_to(tmp_path / "other")

        assert ["a.jpg", "one/b.jpg", "two/b.jpg"] == images(open_folder(folder, specs=[IMAGE]))

    def test_to_nothing_and_to_themselves_are_told(self, fill: Fill) -> None:
        """Such a link is an item that cannot be sent, with its reason."""
        folder = fill("a.jpg")
        (folder / "b.jpg").symlink_to(folder / "nothing")
        (folder / "c.jpg").symlink_to(folder / "c.jpg")
        opened = open_folder(folder, specs=[IMAGE])
        _, dangling, itself = opened

        with pytest.raises(TransferError, match="there is no file"):
            opened.plan(dangling)
        with pytest.raises(TransferError, match=r"cannot be read .*symbolic links"):
            opened.plan(itself)


class TestUnreadable:
    def test_folders_below_are_told(self, fill: Fill) -> None:
        """A sub-folder that cannot be listed is a problem, and the rest goes on."""
        folder = fill("a.jpg")
        deep = os.open(folder, os.O_RDONLY)
        for _ in range(20):  # deeper than a path can say
            os.mkdir("d" * 250, dir_fd=deep)
            inner = os.open("d" * 250, os.O_RDONLY, dir_fd=deep)
            os.close(deep)
            deep = inner
        os.close(deep)
        item, problem = items_of(open_folder(folder, specs=[IMAGE]))

        assert {"image_1": "a.jpg"} == item
        assert "cannot be read (File name too long)" in problem

    def test_problems_are_shown_by_their_path(self, fill: Fill) -> None:
        """What is no item is shown as the path that it is at, and cannot be planned."""
        folder = open_folder(fill("README"), specs=[IMAGE])
        (problem,) = folder

        assert folder.root / "README" == folder.item(problem)
        with pytest.raises(TransferError, match="README"):
            folder.plan(problem)

    def test_no_folder_is_refused(self, fill: Fill) -> None:
        """What is no folder, or is none at all, is told at once."""
        folder = fill("a.jpg")

        with pytest.raises(TransferError, match="there is no folder"):
            open_folder(folder / "nope", specs=[IMAGE])
        with pytest.raises(TransferError, match=r"is one file, .*collection\.add"):
            open_folder(folder / "a.jpg", specs=[IMAGE])
        with pytest.raises(TransferError, match="no file specification"):
            open_folder(folder, specs=[])


def test_holds_the_names_of_one_folder_at_a_time(fill: Fill) -> None:
    """Taking the first item of many folders looks into as many as hold it."""
    folder = open_folder(fill("a.jpg", *(f"{n}/x.jpg" for n in range(50))), specs=[IMAGE])
    looked: list[str] = []
    listed = Folder._list

    def look(self: Folder, path: str, files: list[str], **options: Any) -> Any:
        looked.append(path)
        return listed(self, path, files, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Folder, "_list", look)
        first = next(iter(folder))

    assert ("a.jpg", [""]) == (first, looked)
