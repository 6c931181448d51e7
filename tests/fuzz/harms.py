"""What can be wrong with an answer: its status, a header, its bytes, or the JSON in it."""

from __future__ import annotations

import copy
import json

from http import HTTPStatus
from typing import Any, Final, Literal

import attrs

from hypothesis import strategies as st

FOREIGN: Final = "http://127.0.0.1:9/elsewhere/"

STATUSES: Final = (
    *(
        0,
        99,
        100,
        101,
        102,
        199,
        200,
        201,
        202,
        204,
        205,
        206,
        226,
        299,
        300,
        301,
        302,
        303,
        304,
        307,
        308,
        399,
    ),
    *(
        400,
        401,
        402,
        403,
        404,
        405,
        406,
        408,
        409,
        410,
        412,
        413,
        415,
        416,
        418,
        422,
        423,
        425,
        428,
        429,
        431,
        451,
    ),
    *(499, 500, 501, 502, 503, 504, 505, 507, 508, 511, 520, 522, 599, 600, 999),
)
NAMES: Final = (
    *("Content-Length", "Content-Type", "Content-Encoding", "Transfer-Encoding", "Connection", "Location"),
    *("Retry-After", "Content-Range", "Link", "Content-Disposition", "ETag", "Last-Modified", "X-Request-Id"),
    *("Accept-Ranges", "Set-Cookie", "WWW-Authenticate", "Age", "Date", "Vary", "Content-MD5", ""),
)
VALUES: Final = (
    *(
        "",
        " ",
        "0",
        "-1",
        "1",
        "99999",
        "1e5",
        "nan",
        "inf",
        "soon",
        "9" * 5000,
        "1, 1",
        "5, 6",
        "0x10",
        "\u0665",
    ),
    *(
        "gzip",
        "deflate",
        "br",
        "zstd",
        "gzip, gzip",
        "chunked",
        "identity",
        "chunked, gzip",
        "close",
        "keep-alive",
    ),
    *(
        "text/html",
        "application/json; charset=nonsense",
        "application/json; charset=utf-16",
        "text/event-stream",
    ),
    *(
        "/",
        "//",
        "//127.0.0.1:9/x",
        FOREIGN,
        "https://api@127.0.0.1:9/",
        "ftp://x/y",
        "http://[",
        "file:///etc",
        "?",
    ),
    *("bytes 0-0/1", "bytes 5-1/3", "bytes */*", "bytes 0-99999999999999999999/1", "bytes", "items 0-1/2"),
    *(
        'attachment; filename="../../a"',
        "attachment; filename*=UTF-8''%ff%00",
        'W/"a"',
        '"',
        "*",
        "\x7f",
        "é\xff",
    ),
    *(
        "Wed, 21 Oct 2099 07:28:00 GMT",
        "Wed, 99 Oct 2015 07:28:00 GMT",
        "0001-01-01",
        "Fri, 31 Dec 9999 23:59:59 -9999",
    ),
)
BODIES: Final = (
    *(
        b"",
        b" ",
        b"null",
        b"true",
        b"0",
        b'""',
        b"[]",
        b"{}",
        b"[[]]",
        b"[null]",
        b"[{}]",
        b"{",
        b"[",
        b'"',
        b"NaN",
    ),
    *(
        b"-Infinity",
        b"1e999",
        b"\xef\xbb\xbf{}",
        b"\xef\xbb\xbf",
        b"\xff\xfe{\x00}\x00",
        b"\xff",
        b'"\xff"',
        b"\x00",
    ),
    *(
        b"<html><title>Bad gateway</title></html>",
        b"OK",
        b"data: {}\n\n",
        b"data:",
        b"\r\n\r\n",
        b"'a'",
        b"{'a': 1}",
    ),
    *(
        b'{"a":1,"a":2}',
        b'{"results":[]}',
        b'{"results":null}',
        b'{"results":{}}',
        b'{"results":[1,"a",null,[]]}',
    ),
    *(
        b'{"count":-1,"next":"?page=2","results":[{}]}',
        b'{"detail":{}}',
        b'{"detail":[1,{"a":null}]}',
        b"[" * 100_000,
    ),
    *(
        b'{"a":' * 2000 + b"1" + b"}" * 2000,
        b"[" * 900 + b"]" * 900,
        b"1" * 5000,
        b'"\\ud800"',
        b'{"\\ud800":1}',
    ),
)
ODD: Final[tuple[Any, ...]] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2**31,
        2**63,
        10**30,
        -0.0,
        1.5,
        1e308,
        float("nan"),
        float("inf"),
        "",
        " ",
        "x",
    ),
    *("\ud800", "../..", "a\0b", "a/b", ".", "..", "1", "nan", "0" * 10_000, "\u202e", "true", "2026-01-01"),
    *(
        "2026-13-45T99:99:99Z",
        "2026-01-01T00:00:00",
        "0001-01-01T00:00:00+23:59",
        "9999-12-31T23:59:59-23:59",
    ),
    *(
        FOREIGN,
        "//127.0.0.1:9/",
        "https://api@127.0.0.1:9/",
        "http://[",
        "file:///etc",
        "data:,x",
        "data:;base64,*",
    ),
    *("?page=1", "/", "?cursor=", [], {}, [[]], [None], [1], ["x"], [{}], {"": 1}, {"id": None}, {"id": "x"}),
    *({"results": []}, {"url": None}, {"url": 5}, {"checksum": []}, {"name": {}, "url": "x"}, [{"id": 1}, 5]),
)
JSON: Final = st.recursive(
    st.sampled_from(ODD) | st.integers() | st.floats() | st.text(max_size=20) | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
"""Values that JSON can hold, and a few that only Python's parser takes."""


@attrs.frozen
class Answer:
    """One answer as it was given."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes = attrs.field(repr=lambda body: f"{len(body)} bytes")

    def sent(self, *, honest: bool = True) -> bytes:
        """Write it down; an *honest* one says how long its body is."""
        reason = HTTPStatus(self.status).phrase if self.status in HTTPStatus._value2member_map_ else "Odd"
        fields = [(name, value) for name, value in self.headers if not (honest and name == "Content-Length")]
        if honest:
            fields.append(("Content-Length", str(len(self.body))))
        lines = [
            f"HTTP/1.1 {self.status:03} {reason}",
            *(f"{name}: {value}" for name, value in fields),
            "",
            "",
        ]
        return "\r\n".join(lines).encode("utf-8", "surrogateescape") + self.body


@attrs.frozen
class Edit:
    """One change inside of JSON, at a place counted over all values of it."""

    place: int
    what: Literal["replace", "drop", "double", "wrap", "rename"]
    value: Any

    def of(self, data: Any) -> Any:
        """Give what becomes of the data."""
        box = {"": data}
        places = _places(box)
        holder, key = places[self.place % len(places)]
        if self.what == "drop":
            del holder[key]
        elif self.what == "double" and isinstance(holder, list):
            holder.insert(key, copy.deepcopy(holder[key]))
        elif self.what == "rename" and isinstance(holder, dict):
            holder[str(self.value)[:20]] = holder.pop(key)
        elif self.what == "wrap":
            holder[key] = [holder[key]]
        else:
            holder[key] = copy.deepcopy(self.value)  # what several edits share would be changed by the next
        return box.get("")


def _places(data: Any) -> list[tuple[Any, Any]]:
    found: list[tuple[Any, Any]] = []
    waiting = [data]
    while waiting:
        each = waiting.pop()
        keys = list(each) if isinstance(each, dict) else range(len(each)) if isinstance(each, list) else ()
        found += [(each, key) for key in keys]
        waiting += [each[key] for key in keys]
    return found


@attrs.frozen
class Harm:
    """What is done to one answer of a call, the *nth* of those that it gets.

    An answer that is not *honest* keeps the length that it had, whatever its body has become.
    """

    nth: int
    status: int | None = None
    line: str | None = None
    header: tuple[str, str] | None = None
    body: bytes | None = None
    edits: tuple[Edit, ...] = ()
    cut: float | None = None
    insert: tuple[float, bytes] | None = None
    honest: bool = True

    def of(self, answer: Answer) -> bytes:
        """Give the bytes that are sent."""
        body = self._body(answer.body)
        headers = answer.headers
        if self.header is not None:
            headers = (*(pair for pair in headers if pair[0].lower() != self.header[0].lower()), self.header)
        status = answer.status if self.status is None else self.status
        lies = self.header is not None and self.header[0] in ("Content-Length", "Transfer-Encoding")
        made = Answer(status, headers, body).sent(honest=self.honest and not lies)
        if self.line is not None:
            made = self.line.encode("utf-8", "surrogateescape") + made[made.index(b"\r\n") :]
        if self.insert is not None:
            place = int(self.insert[0] * len(made))
            made = made[:place] + self.insert[1] + made[place:]
        return made if self.cut is None else made[: int(self.cut * len(made))]

    def _body(self, body: bytes) -> bytes:
        if self.body is not None:
            return self.body
        if not self.edits:
            return body
        try:
            data = json.loads(body)
        except ValueError:
            return body
        for edit in self.edits:
            data = edit.of(data)
        return json.dumps(data).encode()


_EDITS: Final = st.builds(
    Edit,
    st.integers(0, 10_000),
    st.sampled_from(["replace", "replace", "replace", "drop", "double", "wrap", "rename"]),
    st.sampled_from(ODD) | JSON,
)
_NTH: Final = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 5])
_HEADERS: Final = st.tuples(
    st.sampled_from(NAMES) | st.text("abcXYZ-", max_size=8), st.sampled_from(VALUES) | st.text(max_size=20)
)
_PLACES: Final = st.floats(0, 1)

HARMS: Final = st.one_of(
    st.builds(Harm, _NTH, edits=st.lists(_EDITS, min_size=1, max_size=3).map(tuple)),
    st.builds(Harm, _NTH, edits=st.lists(_EDITS, min_size=1, max_size=3).map(tuple)),
    st.builds(Harm, _NTH, body=st.sampled_from(BODIES) | st.binary(max_size=50), honest=st.booleans()),
    st.builds(Harm, _NTH, status=st.sampled_from(STATUSES) | st.integers(100, 999)),
    st.builds(Harm, _NTH, status=st.sampled_from(STATUSES), header=_HEADERS, body=st.sampled_from(BODIES)),
    st.builds(Harm, _NTH, header=_HEADERS),
    st.builds(Harm, _NTH, cut=_PLACES),
    st.builds(Harm, _NTH, insert=st.tuples(_PLACES, st.binary(max_size=20)), honest=st.booleans()),
    st.builds(
        Harm, _NTH, line=st.text(max_size=30) | st.sampled_from(["HTTP/1.1", "HTTP/2 200", "ICY 200 OK", ""])
    ),
)
"""Everything that can be wrong with one answer."""
