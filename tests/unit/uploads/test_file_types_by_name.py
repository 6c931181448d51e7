"""What a name tells of a file."""

from __future__ import annotations

import pytest

from synapse.uploads.file_types import file_types_of


@pytest.mark.parametrize(
    ("name", "kinds"),
    [
        ("a.jpg", ("image",)),
        ("day/A.JPEG", ("image",)),
        ("a.b.mp4", ("video",)),
        ("a.aiff", ("audio",)),
        ("a.pgm", ("image",)),
        ("a.jsonl", ("data", "text")),
        ("a.txt", ("text", "data")),
        ("a.pcd", ("pcd",)),
        ("a.py", ("text",)),
        ("a.exe", ()),
        ("a.xyzzy", ()),
        ("v1.2/README", ()),
        ("a.", ()),
        ("", ()),
    ],
)
def test_names_tell_kinds(name: str, kinds: tuple[str, ...]) -> None:
    """Known extensions tell what a file is, in any case; the likeliest comes first."""
    assert kinds == file_types_of(name)
