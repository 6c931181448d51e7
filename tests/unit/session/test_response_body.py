"""Bodies that came packed."""

from __future__ import annotations

import gzip
import zlib

from collections.abc import Callable

import pytest

from synapse.dialects.wire import Request
from synapse.errors import TransportError
from synapse.session import Retry, Session
from tests.servers import Server, reply

Scripted = Callable[..., tuple[Server, Session]]
GET = Request("GET", "tasks/")
WHOLE = b'{"name": "' + b"x" * 3000 + b'"}'
DEFLATE = zlib.compress(WHOLE)


def packed(content: bytes, encoding: str) -> bytes:
    """An answer that says how it is packed."""
    return reply(raw=content, headers=[("Content-Encoding", encoding)])


DAMAGED = "could not be decompressed"


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        pytest.param(gzip.compress(WHOLE), "gzip", id="gzip"),
        pytest.param(gzip.compress(WHOLE), "GZip", id="in another case"),
        pytest.param(gzip.compress(WHOLE), "x-gzip", id="by its old name"),
        pytest.param(gzip.compress(WHOLE), "identity, gzip", id="and not at all"),
        pytest.param(gzip.compress(WHOLE[:100]) + gzip.compress(WHOLE[100:]), "gzip", id="two members"),
        pytest.param(gzip.compress(WHOLE) + bytes(500), "gzip", id="zeros behind"),
        pytest.param(gzip.compress(WHOLE) + b"\x1f", "gzip", id="half a beginning behind"),
        pytest.param(DEFLATE, "deflate", id="deflate"),
        pytest.param(DEFLATE[2:-4], "deflate", id="bare deflate"),
        pytest.param(DEFLATE + b"rest", "deflate", id="deflate and a rest"),
        pytest.param(WHOLE, "aws-chunked", id="aws-chunked"),
        pytest.param(WHOLE, "identity", id="identity"),
    ],
)
def test_gives_what_was_packed(scripted: Scripted, content: bytes, encoding: str) -> None:
    """In every way that is asked for, or that changes nothing; what lies behind the end is left out."""
    _, session = scripted(packed(content, encoding), retry=Retry(total=0))

    assert {"name": "x" * 3000} == session.send(GET).data


@pytest.mark.parametrize(
    ("content", "encoding", "words"),
    [
        pytest.param(gzip.compress(WHOLE)[:-9], "gzip", DAMAGED, id="cut off"),
        pytest.param(gzip.compress(WHOLE)[:1], "gzip", DAMAGED, id="one byte"),
        pytest.param(gzip.compress(WHOLE) + b"\x1f\x8bno", "gzip", DAMAGED, id="a damaged second member"),
        pytest.param(WHOLE, "deflate", DAMAGED, id="not packed"),
        pytest.param(DEFLATE[:1], "deflate", DAMAGED, id="one byte of deflate"),
        pytest.param(WHOLE, "br", "came packed as br, which was not asked for", id="brotli"),
        pytest.param(
            gzip.compress(DEFLATE),
            "deflate, gzip",
            "came packed as deflate, gzip, which was not asked for",
            id="twice",
        ),
    ],
)
def test_refuses_what_cannot_be_opened(scripted: Scripted, content: bytes, encoding: str, words: str) -> None:
    """What is damaged, cut off, or packed as nobody asked for is an error."""
    _, session = scripted(packed(content, encoding), retry=Retry(total=0))
    with pytest.raises(TransportError, match=words):
        session.send(GET)


@pytest.mark.parametrize("size", [1, 7, 1000, 1 << 20])
def test_reads_a_packed_file_in_pieces(scripted: Scripted, size: int) -> None:
    """Each piece is as large as asked for, but for the last."""
    server, session = scripted(packed(gzip.compress(WHOLE), "gzip"))
    with session.download(f"{server.origin}/a.json") as file:
        pieces = list(file.chunks(size))

    assert WHOLE == b"".join(pieces)
    assert {size} >= set(map(len, pieces[:-1]))


def test_an_empty_body_is_empty_however_it_is_packed(scripted: Scripted) -> None:
    """Some servers say that they pack, and have nothing to pack."""
    _, session = scripted(packed(b"", "gzip"), retry=Retry(total=0))

    assert session.send(GET).data is None
