"""Folders that appear when they are whole, whatever became of the run before."""

from __future__ import annotations

import subprocess
import sys

from pathlib import Path

import pytest

from synapse import TransferError
from synapse.interop.formats.draft import UniqueNames, drafted

KILLED = """
import os, pathlib, signal, sys
from synapse.interop.formats.draft import drafted
with drafted(pathlib.Path(sys.argv[1])) as draft:
    draft.write("half/written.txt", b"x")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def names(folder: Path) -> list[str]:
    """List what is in a folder."""
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def test_names_differ_however_many_there_are() -> None:
    """The second one of each gets its key, whatever its case and its ending."""
    unique = UniqueNames()
    first = [unique.give(f"가{number}.png", number) for number in range(5_000)]
    second = [unique.give(f"가{number}.JPG", number) for number in range(5_000)]

    assert [f"가{number}.png" for number in range(5_000)] == first
    assert [f"가{number}_{number}.JPG" for number in range(5_000)] == second


def test_a_killed_run_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    """Its draft is cleared and used."""
    target = tmp_path / "out"
    subprocess.run([sys.executable, "-c", KILLED, str(target)], check=False)
    assert [".out.partial"] == [path.name for path in tmp_path.iterdir()]

    with drafted(target) as draft:
        draft.write("whole.txt", b"y")

    assert ["out", "out/whole.txt"] == names(tmp_path)


def test_an_export_that_was_about_to_be_replaced_comes_back(tmp_path: Path) -> None:
    """Where a run was killed between two renames, and the next one fails."""
    (tmp_path / ".out.old").mkdir()
    (tmp_path / ".out.old" / "kept.txt").write_text("kept")

    with pytest.raises(ZeroDivisionError), drafted(tmp_path / "out"):
        raise ZeroDivisionError

    assert ["out", "out/kept.txt"] == names(tmp_path)


def test_two_runs_never_write_into_one_folder(tmp_path: Path) -> None:
    """The second one is refused, and the first one goes on."""
    with drafted(tmp_path / "out") as draft:
        draft.write("first.txt", b"x")
        with pytest.raises(TransferError, match="is under way"), drafted(tmp_path / "out"):
            pass

    assert ["out", "out/first.txt"] == names(tmp_path)


def test_the_longest_name_can_be_written(tmp_path: Path) -> None:
    """The name of the draft is no longer than names may be."""
    with drafted(tmp_path / ("n" * 255)) as draft:
        draft.write("a.txt", b"x")

    assert ["n" * 255] == [path.name for path in tmp_path.iterdir()]
