"""`data:` URIs, written and read."""

from __future__ import annotations

from pathlib import Path

import pytest

from synapse.errors import TransferError
from synapse.transfer import data_uri
from synapse.transfer.data_uris import decode, media_type
from tests.unit.transfer.conftest import MakeFile


class TestDataUri:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [("log.txt", "text/plain"), ("a.PNG", "image/png"), ("a.unheard", "application/octet-stream")],
    )
    def test_names_the_media_type_by_the_extension(self, make_file: MakeFile, name: str, kind: str) -> None:
        """The media type is guessed, and the content comes back whole."""
        path = make_file(name)
        uri = data_uri(path)

        assert (kind, path.read_bytes()) == (media_type(uri), decode(uri))

    def test_leaves_a_uri_as_it_is(self) -> None:
        """What is a data URI already passes through."""
        assert "data:,hello" == data_uri("data:,hello")

    def test_refuses_a_missing_file(self, tmp_path: Path) -> None:
        """A missing file is an error that names it."""
        with pytest.raises(TransferError, match="no file"):
            data_uri(tmp_path / "log.txt")


class TestDecode:
    @pytest.mark.parametrize(
        ("uri", "content"),
        [
            ("data:,a%20b", b"a b"),
            ("data:text/plain;charset=utf-8;base64,aGVs bG8=", b"hello"),
            ("DATA:;BASE64,aGVsbG8%3D", b"hello"),
            ("data:text/plain,a,b", b"a,b"),
        ],
    )
    def test_reads_every_form(self, uri: str, content: bytes) -> None:
        """Plain and base64 content, with and without a media type."""
        assert content == decode(uri)

    @pytest.mark.parametrize(
        ("uri", "words"), [("data:text/plain", "no data URI"), ("data:;base64,*", "is damaged")]
    )
    def test_refuses_what_is_damaged(self, uri: str, words: str) -> None:
        """A malformed URI is a transfer error."""
        with pytest.raises(TransferError, match=words):
            decode(uri)
