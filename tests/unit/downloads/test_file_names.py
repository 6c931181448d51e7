"""Names of files that others chose."""

from __future__ import annotations

import unicodedata

from pathlib import Path

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.downloads.file_names import LONGEST, safe_name, safe_path, with_stem


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


class TestWithStem:
    @pytest.mark.parametrize(
        "name", ["b.json", "b", "b.tar.gz", ".hidden", "b." + "z" * 50, "con.txt", "b. ", "b.."]
    )
    @pytest.mark.parametrize(
        "stem", ["a.png", "a", "a.b.png", "a..png", "x" * 300 + ".png", "사" * 90 + ".png", ".a", "..."]
    )
    def test_gives_files_one_stem(self, stem: str, name: str) -> None:
        """An upload, which pairs files by what is before their last dot, finds them to belong together."""
        stems = {safe_name(f"7_{with_stem(stem, each)}") for each in (stem, name)}

        assert 1 == len({each.rpartition(".")[0] or each for each in stems})

    @given(st.text(max_size=30), st.text(max_size=30))
    def test_is_a_safe_name(self, stem: str, name: str) -> None:
        """Whatever others chose, it is changed no further where it is put behind a key."""
        found = f"7_{with_stem(stem, name)}"

        assert found == safe_name(found)


@pytest.mark.parametrize(
    ("path", "safe"),
    [
        ("day1/a.png", "day1/a.png"),
        ("/etc/passwd", "etc/passwd"),
        ("../../a.png", "a.png"),
        ("a/../../b.png", "a/b.png"),
        ("..\\..\\a.png", "a.png"),
        (".ssh/authorized_keys", "_.ssh/authorized_keys"),
        ("a/.synapse-0123.part", "a/_.synapse-0123.part"),
        ("C:\\Users\\a.png", "C_/Users/a.png"),
        ("a/ .. /b", "a/b"),
        ("con/aux.txt", "_con/_aux.txt"),
        ("..", "file"),
        ("", "file"),
    ],
)
def test_a_path_leads_nowhere_but_down(path: str, safe: str) -> None:
    """Whoever chose it, each of its steps is a name that is safe on every system."""
    assert safe == safe_path(path)
