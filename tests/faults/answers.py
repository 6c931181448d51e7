"""Answers that are wrong, each in one way, as the bytes that come."""

from __future__ import annotations

import gzip
import json
import zlib

from typing import Any, Final

LOGIN: Final = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in</body></html>"
HANGING_UP: Final = b"Connection: close\r\n"
OBJECT: Final = b'{"id": 1}'
END: Final = b"0\r\n\r\n"


def http(
    body: bytes = b"",
    *,
    status: str = "200 OK",
    kind: str = "application/json",
    length: object = None,
    more: str = "",
) -> bytes:
    """A whole answer, or one whose *length* lies; an empty one is left out."""
    said = len(body) if length is None else length
    sized = f"Content-Length: {said}\r\n" if said != "" else ""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\n{sized}{more}".encode()
    return head + HANGING_UP + b"\r\n" + body


def chunked(body: bytes, *, more: str = "") -> bytes:
    """An answer in chunks, which are spelt out."""
    return http(body, length="", more=f"Transfer-Encoding: chunked\r\n{more}")


def listed(*rows: Any, count: Any = None, following: Any = None) -> bytes:
    """A page of these rows."""
    counted = len(rows) if count is None else count
    return http(json.dumps({"count": counted, "next": following, "results": rows}).encode())


def packed(body: bytes, encoding: str = "gzip") -> bytes:
    """An answer that says how it is packed."""
    return http(body, more=f"Content-Encoding: {encoding}\r\n")


def row(**changes: Any) -> dict[str, Any]:
    """A row that is good enough for some."""
    return {"id": 1, "project": 1, "data_unit": 1, **changes}


ANNOUNCED: Final = b"HTTP/1.1 100 Continue\r\n\r\n"
PROCESSING: Final = b"HTTP/1.1 102 Processing\r\n\r\n"

# Nobody can read these: whatever was asked has no answer.
UNREADABLE: Final[dict[str, bytes]] = {
    "a login page": http(LOGIN, kind="text/html"),
    "a login page said to be JSON": http(LOGIN),
    "XML": http(b"<?xml version='1.0'?><Error>AccessDenied</Error>", kind="application/xml"),
    "a picture": http(b"\x89PNG\r\n\x1a\n" + bytes(100), kind="image/png"),
    "cut off": http(b'{"count": 1, "resu', length=500),
    "JSON that is cut off": http(b'{"count": 1, "resu'),
    "longer than it says": http(b'{"count": 0, "results": []}', length=9),
    "two lengths": http(OBJECT, more="Content-Length: 5\r\n"),
    "two lengths in one": http(OBJECT, length="9, 7"),
    "a huge length": http(OBJECT, length=10**18),
    "a chunk of no size": chunked(b"zz\r\n{}\r\n" + END),
    "a chunk of negative size": chunked(b"-1\r\n{}\r\n" + END),
    "a chunk that is cut off": chunked(b"50\r\n{}"),
    "a huge chunk": chunked(b"FFFFFFFFFFFFFFFF\r\n{}"),
    "chunks without end": chunked(b"2\r\n{}\r\n"),
    "a long chunk size": chunked(b"0" * 70_000 + b"2\r\n{}\r\n" + END),
    "a long chunk extension": chunked(b"2;" + b"x" * 70_000 + b"\r\n{}\r\n" + END),
    "no HTTP": b"SSH-2.0-OpenSSH\r\n\r\n",
    "a status that is no number": b"HTTP/1.1 abc OK\r\n\r\n",
    "a status of four digits": b"HTTP/1.1 9999 OK\r\n\r\n",
    "HTTP 0.9": b"<html>hi</html>",
    "HTTP 2": b"\x00\x00\x12\x04\x00\x00\x00\x00\x00" + bytes(18),
    "HTTP 3.0": b"HTTP/3.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
    "TLS": b"\x15\x03\x01\x00\x02\x02\x46",
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-",
    "500 headers": b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    "a long header": b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n",
    "another protocol": b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    "500 announcements": ANNOUNCED * 500,
    "500 of another kind": PROCESSING * 500,
    "an array of depth 100,000": http(b"[" * 100_000 + b"]" * 100_000),
    "an object of depth 100,000": http(b'{"a":' * 100_000 + b"1" + b"}" * 100_000),
    "a number of a megabyte": http(b"1" * 1_000_000),
    "bad UTF-8": http(b'{"id": 1, "name": "\xff\xfe"}'),
    "a page in UTF-16": http(LOGIN.decode().encode("utf-16"), kind="text/html; charset=utf-16"),
    "zeros behind": http(b'{"id": 1}\x00\x00'),
    "a charset that is none of pages": http(b"\xff{", kind="text/html; charset=idna"),
    "a charset of escapes": http(b"\xff\\xzz", kind="text/html; charset=unicode_escape"),
    "a charset that is slow": http(b"\xff" + b"a" * 1000, kind="text/html; charset=punycode"),
    "a charset that unpacks": http(b"\xff", kind="text/html; charset=zlib"),
    "no gzip": packed(b"plain"),
    "gzip that is cut off": packed(gzip.compress(b'{"id": 1}' * 100)[:-12]),
    "the head of gzip": packed(b"\x1f\x8b"),
    "gzip in gzip": packed(gzip.compress(gzip.compress(OBJECT)), "gzip, gzip"),
    "brotli": packed(OBJECT, "br"),
    "zstd": packed(OBJECT, "zstd"),
}

KEYS: Final[tuple[Any, ...]] = (None, True, -5, 0, 1.5, "1/../x", [], {}, 10**30)
COUNTS: Final[tuple[Any, ...]] = (-1, 1.5, "x", 10**30, True, [], 0, 5)

# JSON, which is not what was asked for, or not for every call.
ODD: Final[dict[str, bytes]] = {
    "empty": http(b""),
    "blank": http(b"  \r\n"),
    "204": http(status="204 No Content", length=""),
    "205": http(status="205 Reset Content"),
    "packed, and empty": packed(b""),
    "no length": http(OBJECT, length=""),
    "a negative length": http(OBJECT, length=-5),
    "a length that is no number": http(OBJECT, length="nine"),
    "chunks and a length": chunked(b"2\r\n{}\r\n" + END, more="Content-Length: 500\r\n"),
    "an answer behind the answer": chunked(b"2\r\n{}\r\n" + END + http(b'{"id": 9}')),
    "an announcement before": b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + http(b"[]"),
    "an unknown encoding": packed(OBJECT, "aws-chunked"),
    "raw deflate": packed(zlib.compress(OBJECT)[2:-4], "deflate"),
    "a strange success": http(b"{}", status="299 Strange"),
    "300": http(status="300 Multiple Choices"),
    "304": http(status="304 Not Modified", length=""),
    "a redirect to nowhere": http(status="302 Found"),
    "a redirect to itself": http(status="302 Found", more="Location: /loop/\r\n"),
    "lists of depth 900": http(b'{"results": ' + b"[" * 900 + b"]" * 900 + b"}"),
    "a key of 5,000 digits": http(b'{"count": 1, "next": null, "results": [{"id": ' + b"9" * 5000 + b"}]}"),
    "infinities": http(b'{"count": Infinity, "next": null, "results": [{"id": NaN, "file_size": 1e999}]}'),
    "keys that come twice": http(b'{"id": 1, "id": 2, "results": null, "results": 5}'),
    "a byte order mark": http(b"\xef\xbb\xbf" + OBJECT),
    "two byte order marks": http(b"\xef\xbb\xbf\xef\xbb\xbf" + OBJECT),
    "UTF-16": http('{"id": 1}'.encode("utf-16")),
    "halves of characters": http(b'{"id": "\\ud800", "name": "\\udfff"}'),
    **{
        f"JSON {text}": http(text.encode())
        for text in ("null", "true", "5", "1.5", '"x"', "[]", "{}", "[null]")
    },
    **{
        f"results {text}": http(f'{{"count": 1, "next": null, "results": {text}}}'.encode())
        for text in ("null", "true", '{"id": 1}', '"x"', "[1]", "[null]", "[[]]", '["x"]')
    },
    "no results": http(b'{"count": 1, "next": null}'),
    **{f"key {json.dumps(key)}": listed(row(id=key)) for key in KEYS},
    "an empty row": listed({}),
    "a row of other types": listed(
        row(project="?", data_unit=[], created=5, status={}, files=7, meta="x", title=9, name=3, category=[])
    ),
    "one row twice": listed(row(), row()),
    "next is the page itself": listed(row(), count=50, following="?page=1"),
    "next is a number": listed(row(), following=5),
    "next is a list": listed(row(), following=["x"]),
    "next is a megabyte": listed(row(), count=9, following=f"/?page={'9' * 1_000_000}"),
    "next is another host": listed(row(), count=9, following="https://evil.example/?page=2"),
    "next is empty": listed(row(), following=""),
    "next is no address": listed(row(), count=9, following="http://[::1/"),
    "no rows, and a next page": listed(count=9, following="/?page=2"),
    **{f"count {json.dumps(count)}": listed(row(), count=count) for count in COUNTS},
}
ANSWERS: Final = {**UNREADABLE, **ODD}
