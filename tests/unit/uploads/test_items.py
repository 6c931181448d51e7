"""What the backend remembers a file by."""

from __future__ import annotations

import copy
import os
import pickle
import warnings

from pathlib import Path

import pytest

from synapse.errors import TransferError
from synapse.uploads.items import (
    RememberedPath,
    SharedNameCheck,
    SharedNameWarning,
    item_with_remembered_paths,
    remembered_path,
    with_remembered_path,
)

ROOT = Path("/data/photos")


@pytest.mark.parametrize(
    ("path", "root", "place"),
    [
        ("/data/photos/day1/a.jpg", None, "a.jpg"),
        ("photos/a.jpg", None, "photos/a.jpg"),
        ("./photos/../b/a.jpg", None, "b/a.jpg"),
        ("../secret/a.jpg", None, "a.jpg"),
        ("/data/photos/day1/a.jpg", "/data/photos", "day1/a.jpg"),
        ("/data/photos/day1/../a.jpg", "/data/photos/", "a.jpg"),
        ("/data/photos/a.jpg", "/", "data/photos/a.jpg"),
        ("photos/a.jpg", ".", "photos/a.jpg"),
        ("photos/a.jpg", "photos", "a.jpg"),
        (with_remembered_path("/elsewhere/a.jpg", "day1/a.jpg"), None, "day1/a.jpg"),
        (with_remembered_path("/data/photos/b/a.jpg", "day1/a.jpg"), "/data/photos", "b/a.jpg"),
    ],
)
def test_is_the_path_below_the_root(path: str, root: str | None, place: str) -> None:
    """Else a relative path as given, and of an absolute one the name: nothing tells of this machine."""
    assert place == remembered_path(path, root)


@pytest.mark.parametrize(
    "path", ["/data/other/a.jpg", "/data/photos/../a.jpg", "/data/photos2/a.jpg", "a.jpg"]
)
def test_is_never_outside_of_the_root(path: str) -> None:
    """A path that leads out of the root is refused."""
    with pytest.raises(TransferError, match="does not lie below root='/data/photos'"):
        remembered_path(path, ROOT)


@pytest.mark.parametrize("length", [1024, 1025])
def test_has_1024_characters_at_most(length: int) -> None:
    """What no backend takes is told before anything is sent."""
    path = "사/" * ((length - 5) // 2) + "x" * ((length - 5) % 2) + "a.jpg"
    if length == 1024:
        assert length == len(remembered_path(path, None))
        return
    with pytest.raises(
        TransferError, match="has 1,025 characters, and a file is remembered by 1,024 at most"
    ):
        remembered_path(path, None)


class TestPlacedPath:
    def test_is_a_path_like_others(self) -> None:
        """Equal, hashed, shown and joined as the path itself."""
        path = with_remembered_path(ROOT / "a.jpg", "x/a.jpg")

        assert (ROOT / "a.jpg", hash(ROOT / "a.jpg"), repr(ROOT / "a.jpg")) == (path, hash(path), repr(path))
        assert (ROOT, os.fspath(ROOT / "a.jpg")) == (path.parent, os.fspath(path))

    def test_keeps_its_place_in_copies(self) -> None:
        """Pickled and copied, it is remembered by the same."""
        path = with_remembered_path(ROOT / "a.jpg", "x/a.jpg")

        assert ["x/a.jpg"] * 3 == [
            remembered_path(each, None)
            for each in (pickle.loads(pickle.dumps(path)), copy.copy(path), copy.deepcopy(path))
        ]

    def test_does_not_hand_it_on(self) -> None:
        """A path that was made of it is another one."""
        path = with_remembered_path(ROOT / "a.jpg", "x/a.jpg").with_suffix(".png")

        assert "a.png" == remembered_path(path, None)
        assert "a.png" == remembered_path(pickle.loads(pickle.dumps(path)), None)


@pytest.mark.parametrize(
    "item", [ROOT / "d/a.jpg", {"files": {"m": str(ROOT / "d/a.jpg")}, "meta": {"n": 1}}]
)
def test_items_know_their_place(item: object) -> None:
    """What an outcome shows can be given again without the root."""
    shown = item_with_remembered_paths(item, ROOT)
    path = shown if isinstance(shown, Path) else shown["files"]["m"]

    assert (RememberedPath, "d/a.jpg") == (type(path), remembered_path(path, None))


class TestNames:
    @pytest.mark.parametrize("above", ["", "..", "x/../.."])
    def test_that_are_the_same_are_told_once(self, above: str) -> None:
        """With what keeps the folders, at the place of the call."""
        names = SharedNameCheck(("run.py", 7))
        with pytest.warns(SharedNameWarning, match="several files are called 'a.jpg'.*root=") as told:
            for folder in ("x", "y", "z"):
                names.note({"files": {"m": f"{above}/{folder}/a.jpg"}})

        assert [("run.py", 7)] == [(each.filename, each.lineno) for each in told]

    @pytest.mark.parametrize(
        "paths",
        [
            ["x/a.jpg", "y/a.jpg"],
            ["/x/a.jpg", "/x/a.jpg"],
            ["/x/a.jpg", "/y/b.jpg"],
            [with_remembered_path("/x/a.jpg", "x/a.jpg"), with_remembered_path("/y/a.jpg", "y/a.jpg")],
            [None, 5, b"/x/a.jpg"],
            ["~nosuchuser/a.jpg", "~nosuchuser/b/a.jpg"],
            ["../x/a.jpg", "../y/../x/a.jpg"],
        ],
    )
    def test_that_differ_are_not(self, paths: list[object]) -> None:
        """Relative paths keep their folders; the same file may come twice."""
        names = SharedNameCheck(("run.py", 7))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            for path in paths:
                names.note(path)
