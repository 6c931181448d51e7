"""Where files go on systems without links."""

from __future__ import annotations

import itertools
import os

from pathlib import Path

import pytest

from synapse.downloads import RemoteFile
from synapse.downloads.save_file import blocks_with_offsets
from synapse.errors import TransferError

HELLO = "data:text/plain;base64,aGVsbG8="


@pytest.fixture
def no_links(monkeypatch: pytest.MonkeyPatch) -> None:
    """Behave as a file system that knows no links."""

    def refuse(*args: object, **options: object) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)


def test_a_file_is_renamed_where_links_are_unknown(no_links: None, tmp_path: Path) -> None:
    """Without links, the whole file is renamed to its place."""
    target = RemoteFile(url=HELLO).download(tmp_path / "a.txt")

    assert (b"hello", ["a.txt"]) == (target.read_bytes(), [path.name for path in tmp_path.iterdir()])


def test_nothing_is_overwritten_where_links_are_unknown(no_links: None, tmp_path: Path) -> None:
    """Without links, an existing file is still kept."""
    (tmp_path / "a.txt").write_bytes(b"mine")
    with pytest.raises(TransferError, match="is another file"):
        RemoteFile(url=HELLO).download(tmp_path / "a.txt")

    assert b"mine" == (tmp_path / "a.txt").read_bytes()


def test_a_file_without_end_is_left() -> None:
    """What is far larger than the backend tells is not fetched for ever."""
    endless = itertools.repeat(bytes(1024 * 1024))
    with pytest.raises(TransferError, match="far larger than the 5 bytes that the backend tells"):
        for place, _ in blocks_with_offsets(endless, expected_size=5):
            assert place < 2**27
