"""Names of files that others chose."""

from __future__ import annotations

import unicodedata

from pathlib import Path

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.transfer.names import LONGEST, safe_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("scan.png", "scan.png"),
        ("사진 1.png", "사진 1.png"),
        (unicodedata.normalize("NFD", "사진.png"), "사진.png"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Windows\\system.ini", "system.ini"),
        ("..", "file"),
        ("", "file"),
        ("folder/", "file"),
        ('a<b>c:d"e|f?g*.png', "a_b_c_d_e_f_g_.png"),
        ("a\x00b\nc\x7f.png", "abc.png"),
        ("photo\u202egnp.exe", "photognp.exe"),
        ("a\u061cb.png", "ab.png"),
        ("trailing. . ", "trailing"),
        ("CON", "_CON"),
        ("con.txt", "_con.txt"),
        ("LPT¹.log", "_LPT¹.log"),
        ("console.txt", "console.txt"),
        (".hidden", "_.hidden"),
        ("a/.bashrc", "_.bashrc"),
        (" .bashrc", "_.bashrc"),
        ("\u202e.bashrc", "_.bashrc"),
        ("...a", "_...a"),
        (f".synapse-{'0' * 32}.part", f"_.synapse-{'0' * 32}.part"),
        (".synapse-downloads", "_.synapse-downloads"),
        ("NUL.", "_NUL"),
        ("aux .txt", "_aux .txt"),
        ("x" * 300 + ".png", "x" * (LONGEST - 4) + ".png"),
        ("." + "x" * 300, "_." + "x" * (LONGEST - 2)),
        ("x." + "y" * 300, "x." + "y" * (LONGEST - 2)),
    ],
)
def test_makes_a_name_safe(name: str, expected: str) -> None:
    """A safe name keeps what is harmless."""
    assert expected == safe_name(name)


@given(st.text(max_size=400))
def test_never_leaves_its_folder(name: str) -> None:
    """Whatever the name, the file stands directly in the folder, and its name fits."""
    path = Path("out") / safe_name(name)

    assert (Path("out"), True) == (path.parent, len(path.name.encode()) <= LONGEST)


@given(st.text(max_size=40).map(lambda text: text + "x" * 200) | st.text(max_size=40))
def test_is_stable(name: str) -> None:
    """A safe name is not changed again."""
    assert safe_name(name) == safe_name(safe_name(name))
