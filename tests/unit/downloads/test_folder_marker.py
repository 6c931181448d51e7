"""A download folder belongs to one kind of rows of one backend."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from synapse.downloads.folder_marker import MARKER, claim_folder
from synapse.errors import TransferError
from synapse.session import Session

HERE, THERE = "https://one.example", "https://two.example"


def of(host: str = HERE, **settings: Any) -> Session:
    """Make a session."""
    return Session(host, api_token="syn_0123456789abcdef", state_dir=False, **settings)


@pytest.mark.parametrize("later", [{}, {"tenant": "a"}, {"tenant": None}])
def test_the_same_rows_may_come_again(tmp_path: Path, later: dict[str, Any]) -> None:
    """Whether or not the tenant is named, and without a token in the marker."""
    for settings in ({"tenant": "a"}, later):
        claim_folder(tmp_path, of(**settings), rows="Task")

    assert "syn_" not in (tmp_path / MARKER).read_text()


@pytest.mark.parametrize(
    ("later", "rows"), [({}, "DataUnit"), ({"host": THERE}, "Task"), ({"tenant": "b"}, "Task")]
)
def test_others_are_refused(tmp_path: Path, later: dict[str, Any], rows: str) -> None:
    """Another kind of rows, host or tenant is told, and the marker stays as it is."""
    claim_folder(tmp_path, of(tenant="a"), rows="Task")
    before = (tmp_path / MARKER).read_bytes()
    with pytest.raises(
        TransferError, match=r"Task rows of https://one.example \(tenant a\), not of .* another folder"
    ):
        claim_folder(tmp_path, of(**later), rows=rows)

    assert before == (tmp_path / MARKER).read_bytes()


def test_other_addresses_of_the_backend_are_its_own(tmp_path: Path) -> None:
    """Where they are named as such."""
    claim_folder(tmp_path, of(), rows="Task")

    assert claim_folder(tmp_path, of(THERE, aliases=[HERE]), rows="Task")


@pytest.mark.parametrize("content", ["", "{", "[]", "\x00"])
def test_a_marker_that_says_nothing_is_refused(tmp_path: Path, content: str) -> None:
    """A file that someone else wrote is neither believed nor overwritten."""
    (tmp_path / MARKER).write_text(content)
    with pytest.raises(TransferError, match="does not say whose files are there"):
        claim_folder(tmp_path, of(), rows="Task")

    assert content == (tmp_path / MARKER).read_text()


def test_a_link_is_neither_read_nor_written_through(tmp_path: Path) -> None:
    """A link that someone put there is refused."""
    (tmp_path / MARKER).symlink_to(tmp_path / "victim")
    with pytest.raises(TransferError, match="does not say whose"):
        claim_folder(tmp_path, of(), rows="Task")

    assert not (tmp_path / "victim").exists()


def test_a_folder_that_cannot_be_written_to_is_left(tmp_path: Path) -> None:
    """Where no marker can be made, what is there is found all the same."""
    claim_folder(tmp_path / "none", of(), rows="Task")

    assert [] == list(tmp_path.iterdir())
