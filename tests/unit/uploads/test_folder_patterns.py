"""Which files of a folder are looked at."""

from __future__ import annotations

from typing import Any

import pytest

from synapse.errors import TransferError
from synapse.uploads.folder_patterns import Patterns, is_visible


@pytest.mark.parametrize(
    "name",
    [
        *("@eaDir", "@EADIR", "#recycle", "#snapshot", "lost+found", "Thumbs.db", "thumbs.db", "THUMBS.DB"),
        *(
            "Desktop.ini",
            "desktop.ini",
            "ehthumbs.db",
            ".DS_Store",
            "__MACOSX",
            "__macosx",
            "._a.jpg",
            ".Trash-1000",
        ),
        *("$RECYCLE.BIN", "System Volume Information", "@Recycle", ".ipynb_checkpoints", "Icon\r"),
    ],
)
def test_litter_is_left_out_whatever_its_case(name: str) -> None:
    """What systems keep in folders is no data."""
    assert not is_visible(name)


@pytest.mark.parametrize(
    "name", ["a.jpg", "thumbs.jpg", "lost", "eaDir", "recycle", "classes.txt", "desktop"]
)
def test_the_rest_is_looked_at(name: str) -> None:
    """Names that merely remind of litter are data."""
    assert is_visible(name)


@pytest.mark.parametrize(
    ("pattern", "path", "taken"),
    [
        ("*.jpg", "day1/A.JPG", True),
        ("*.jpg", "a.png", False),
        ("day1/*", "day1/x/a.jpg", True),
        ("day1/*", "day2/day1/a.jpg", False),
        ("./day1/*.jpg", "day1/a.jpg", True),
        ("café*", "cafe\u0301.jpg", True),
        (["*.jpg", "*.png"], "a.png", True),
        ("[ab].jpg", "b.jpg", True),
        ("day1/", "day1/x/a.jpg", True),
        ("day1/", "day2/a.jpg", False),
        ("x/", "day1/x/a.jpg", True),
        ("**/a.jpg", "a.jpg", True),
        ("**/x/a.jpg", "day1/x/a.jpg", True),
        ("x/**/a.jpg", "x/a.jpg", True),
        ("x**/a.jpg", "xa.jpg", False),
    ],
)
def test_include_takes_what_it_names(pattern: Any, path: str, taken: bool) -> None:
    """By the name, or with a slash by the path, whatever the case and the form of accents."""
    assert taken is Patterns.of(pattern, None).has_file(path)


@pytest.mark.parametrize(
    ("pattern", "path", "folder", "taken"),
    [
        ("classes.txt", "labels/Classes.txt", False, False),
        ("previews/", "a/previews", True, False),
        ("previews/", "a/previews", False, True),
        ("a/previews/", "b/a/previews", True, True),
        ("*_thumb.*", "a_thumb.jpg", False, False),
        ("old*", "older", True, False),
        ("**/a.jpg", "a.jpg", False, False),
        ("**/raw/", "raw", True, False),
    ],
)
def test_exclude_leaves_out_what_it_names(pattern: str, path: str, folder: bool, taken: bool) -> None:
    """Files and whole folders; what ends in a slash are folders only."""
    patterns = Patterns.of(None, pattern)

    assert taken is (patterns.has_folder(path) if folder else patterns.has_file(path))


@pytest.mark.parametrize("given", ["", "/", 5, ["a", 5], b"*.jpg", {"a": 1}, ["", "*.jpg"]])
def test_what_is_no_pattern_is_refused(given: Any) -> None:
    """An empty pattern would leave out nothing or all."""
    with pytest.raises(TransferError, match=r"upload\(exclude=...\) takes patterns such as"):
        Patterns.of(None, given)
