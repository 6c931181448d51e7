"""JSON is read alike, whichever parser reads it."""

from __future__ import annotations

import json
import math
import sys

from collections.abc import Callable, Iterator
from types import ModuleType
from typing import Any

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from synapse.errors import ConfigError
from synapse.mapping import json as json_text
from synapse.session import decoding
from synapse.session.decoding import alike, decoder, parse

orjson = pytest.importorskip("orjson")
pytest.importorskip("msgspec")
FAST = (alike(orjson.loads), json_text.loads)

texts = st.text(st.characters(exclude_categories=()))
scalars = st.none() | st.booleans() | st.integers() | st.integers(-(2**70), 2**70) | st.floats() | texts
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)
documents = st.builds(
    lambda value, escaped: json.dumps(value, ensure_ascii=escaped).encode("utf-8", "surrogatepass"),
    values,
    st.booleans(),
)
pieces = st.sampled_from(
    [b"{", b"}", b"[", b"]", b",", b":", b'"', b"\\", b"\\u", b"1", b"-", b".", b"e", b"0", b"9" * 20, b"NaN"]
    + [
        b"Infinity",
        b"true",
        b"null",
        b" ",
        b"\n",
        b"\x0b",
        b"\x00",
        b"\xff",
        b"\xed\xa0\x80",
        b"\xef\xbb\xbf",
    ]
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Cut a piece out of a document, or put something in."""
    whole = draw(documents)
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    return whole[:start] + draw(pieces | st.binary(max_size=3)) + whole[draw(st.sampled_from([start, end])) :]


def read(loads: Callable[[bytes], Any], content: bytes) -> str:
    """Tell what came out, its types and order as well, or with which error."""
    try:
        return repr(loads(content))
    except ValueError as error:
        return f"{type(error).__name__}: {error}"


@pytest.fixture
def chosen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], decoding.Decode]]:
    """Choose the parser by the environment variable."""

    def choose(name: str) -> decoding.Decode:
        monkeypatch.setenv("SYNAPSE_JSON", name)
        decoder.cache_clear()
        return decoder()

    yield choose
    decoder.cache_clear()


class TestAlike:
    @given(documents)
    @example(b"NaN")
    @example(b"[1e400, -Infinity]")
    @example(b"18446744073709551616")
    @example(b"[-9223372036854775809]")
    @example(b"[18446744073709551616]")
    @example(b'{"a":\t-9223372036854775809}')
    @example(b"\r\n18446744073709551616 ")
    @example(b'{"a": 1, "b": 2, "a": 3}')
    def test_reads_documents_alike(self, content: bytes) -> None:
        """All parsers give the same values, of the same types, in the same order."""
        assert [read(json.loads, content)] * 2 == [read(fast, content) for fast in FAST]

    @given(mangled() | st.lists(pieces).map(b"".join) | st.binary())
    @example(b'"\xf4\x90\x80\x80"')
    @example(b"1\x00")
    @example(b"1" * 5000)
    def test_refuses_broken_ones_alike(self, content: bytes) -> None:
        """What one refuses, the other refuses in the same words."""
        assert [read(json.loads, content)] * 2 == [read(fast, content) for fast in FAST]

    @pytest.mark.parametrize("depth", [10, 500, 200_000])
    def test_agrees_on_nesting(self, depth: int) -> None:
        """Deep nesting is read, or refused, by both."""

        def verdict(loads: Callable[[bytes], Any]) -> str:
            try:
                return type(loads(b"[" * depth + b"]" * depth)).__name__
            except RecursionError as error:
                return type(error).__name__

        assert [verdict(json.loads)] * 2 == [verdict(fast) for fast in FAST]

    @pytest.mark.parametrize(
        "content", [b'{"at": 1767694200123456789}', b'{"checksum": "27182818284590452353602874713526"}']
    )
    def test_leaves_usual_digits_to_the_faster(self, content: bytes) -> None:
        """Nineteen digits, as of a time in nanoseconds, and those of a checksum are no reason to be slow."""
        asked: list[bytes] = []
        alike(lambda each: asked.append(each))(content)

        assert [content] == asked


class TestDecoder:
    def test_takes_the_faster_where_there_is_one(
        self, chosen: Callable[[str], decoding.Decode], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """With orjson installed, and no msgspec, orjson parses."""
        monkeypatch.setattr(json_text, "is_readable", lambda: False)
        faster = ModuleType("orjson")
        monkeypatch.setattr(faster, "loads", lambda content: "fast", raising=False)
        monkeypatch.setitem(sys.modules, "orjson", faster)

        assert "fast" == chosen("auto")(b"{}") == chosen("orjson")(b"{}")

    def test_does_without(
        self, chosen: Callable[[str], decoding.Decode], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """Without msgspec and orjson, the standard library parses."""
        monkeypatch.setattr(json_text, "is_readable", lambda: False)
        monkeypatch.setitem(sys.modules, "orjson", None)

        assert json.loads is chosen("auto") is chosen("")

    def test_can_be_told_not_to(self, chosen: Callable[[str], decoding.Decode]) -> None:
        """`SYNAPSE_JSON=stdlib` leaves installed parsers aside."""
        assert json.loads is chosen("stdlib")

    def test_prefers_msgspec(self, chosen: Callable[[str], decoding.Decode]) -> None:
        """It reads pages without parsing all of them."""
        assert json_text.loads is chosen("auto") is chosen("msgspec")

    @pytest.mark.parametrize(
        ("name", "words"),
        [("orjson", "install orjson"), ("msgspec", "synapse-orm.fast"), ("simdjson", "must be one of")],
    )
    def test_says_what_it_cannot_do(
        self,
        chosen: Callable[[str], decoding.Decode],
        monkeypatch: pytest.MonkeyPatch,
        name: str,
        words: str,
    ) -> None:
        """A parser that is not there, or not known, is no silent slowness."""
        monkeypatch.setattr(json_text, "is_readable", lambda: False)
        monkeypatch.setitem(sys.modules, "orjson", None)
        with pytest.raises(ConfigError, match=words):
            chosen(name)


class TestParse:
    @pytest.mark.parametrize(
        ("content", "expected"),
        [(b"", None), (b" \r\n", None), (b"null", None), (b'\xef\xbb\xbf{"a": 1}', {"a": 1}), (b"[]", [])],
    )
    def test_reads_json(self, content: bytes, expected: object) -> None:
        """JSON is parsed; an empty body and a byte order mark do no harm."""
        assert expected == parse(content)

    def test_reads_what_python_alone_calls_json(self) -> None:
        """NaN is a value, and left to the fields to refuse."""
        assert math.isnan(parse(b"[NaN]")[0])

    @pytest.mark.parametrize("content", [b"<html>", b'{"a": ', b"\xff\xfe\xfd", b"[" * 200_000])
    def test_refuses_anything_else(self, content: bytes) -> None:
        """What is no JSON is a `ValueError`, however broken."""
        with pytest.raises(ValueError, match=r".+"):
            parse(content)
