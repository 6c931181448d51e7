"""The journal that the workers of a cluster share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import ConfigError, QueryError, TaskTag
from synapse.interop.shared_journal import BlockJournal, Hold, folder_of
from synapse.orm.changes import to_wire

OWNER = {"entity": "TaskTag", "host": "http://backend.test", "tenant": None}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder that is held by the run "one"."""
    hold = Hold(tmp_path, "one")
    hold.take()
    yield tmp_path
    hold.release()


def names(folder: Path, *given: str, block: int, write: str = "first", run: str = "one") -> list[str]:
    """The names that a block's rows have."""
    rows = [TaskTag(project_id=1, name=each) for each in given]
    with BlockJournal(folder, run, write, block, rows)(**OWNER) as journal:
        return [journal.name(to_wire(each)) for each in rows]


class TestNames:
    def test_equal_rows_of_several_blocks(self, folder: Path) -> None:
        """Equal rows have a number each, across blocks."""
        found = [*names(folder, "a", "b", block=1), *names(folder, "a", "a", block=2)]

        assert (4, 2) == (len(set(found)), len({name.partition(":")[0] for name in found}))

    def test_repeated_block(self, folder: Path) -> None:
        """A block that is repeated has the names that it had, whatever came meanwhile."""
        before = names(folder, "a", "b", block=1)
        names(folder, "a", block=2)

        assert before == names(folder, "a", "b", block=1)

    def test_other_blocks(self, folder: Path) -> None:
        """A run that cuts the same rows into other blocks has the same names."""
        one = {*names(folder, "a", "b", block=1), *names(folder, "a", "c", block=2)}

        assert one == set(names(folder, "c", "a", "a", "b", block=1, write="second"))

    def test_torn_claim(self, folder: Path) -> None:
        """A worker that died over its claim had sent nothing."""
        before = names(folder, "a", block=1)
        with (folder / "claims-first.jsonl").open("ab") as file:
            file.write(b'{"block": 2, "ro')

        assert (before, 2) == (
            names(folder, "a", block=1),
            len({*before, *names(folder, "a", block=2)}),
        )

    def test_rows_that_change(self, folder: Path) -> None:
        """A block that has other rows when it is repeated is refused."""
        names(folder, "a", block=1)

        with pytest.raises(QueryError, match="same each time"):
            names(folder, "b", block=1)


class TestRuns:
    def test_second_run(self, folder: Path) -> None:
        """A second run is refused as long as the first holds the folder."""
        with pytest.raises(QueryError, match="another run"):
            Hold(folder, "two").take()

    def test_after_the_end(self, folder: Path) -> None:
        """The folder is free when a run has ended."""
        hold = Hold(folder / "inner", "one")
        hold.take()
        hold.release()

        Hold(folder / "inner", "two").take()

    def test_worker_of_an_earlier_run(self, folder: Path) -> None:
        """A worker that outlived its run writes no more."""
        with pytest.raises(QueryError, match="another run by now"):
            names(folder, "a", block=1, run="zero")

    def test_folder_that_a_worker_has_not(self, tmp_path: Path) -> None:
        """A folder that is not shared is told."""
        with pytest.raises(ConfigError, match="share"):
            names(tmp_path / "elsewhere", "a", block=1)


@pytest.mark.parametrize(
    ("given", "error"),
    [(None, ConfigError), (5, QueryError), ("", QueryError), ("no/such/folder", ConfigError)],
)
def test_what_is_no_folder(given: Any, error: type[Exception]) -> None:
    """A journal is a folder, in one that is there."""
    with pytest.raises(error):
        folder_of(given)
