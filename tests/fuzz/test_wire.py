"""Whatever travels as text, bytes or rows: it is read as meant, or refused as what it is."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import math
import os
import pickle

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from synapse import (
    ConfigError,
    MappingError,
    OriginError,
    RemoteFile,
    Session,
    SynapseError,
    Task,
    TransferError,
)
from synapse.dialects import DEFAULT, V1, Reply, Request
from synapse.dialects.v1 import found_in
from synapse.downloads.file_names import LONGEST, safe_name
from synapse.errors import ClientError
from synapse.mapping import json as json_text
from synapse.masking import Masker
from synapse.orm import Entity, changes, loading
from synapse.query.kinds import TextKey
from synapse.session.decoding import alike, parse
from synapse.session.delivery import web_address
from synapse.session.origin import Base, origin_of
from synapse.session.replies import RawResponse, error_of
from synapse.session.retry import seconds_until
from synapse.session.streams import Download
from synapse.testing import CannedSession, canned
from synapse.testing import page as rows_page
from synapse.transfer.data_uris import decode
from tests.contract.lookup_world import ENTITIES
from tests.fuzz.budget import bounded, share
from tests.fuzz.harms import BODIES, FOREIGN, JSON, NAMES, ODD, STATUSES, VALUES

pytestmark = pytest.mark.filterwarnings("ignore")

BASE: Final = Base.parse("https://api.example.com/prefix")
HEADER: Final = (
    st.sampled_from(VALUES) | st.text(max_size=40) | st.text('0123456789-/* bytes,;="', max_size=30)
)
LINKS: Final = (
    HEADER
    | st.from_regex(r"(https?:)?//[a-z@.:\\/]{0,20}(\?[a-z=]*)?", fullmatch=True)
    | st.text("htps:/\\.@#?%0a [api.example.com]", max_size=40)
)
BYTES: Final = (
    st.sampled_from(BODIES)
    | st.binary(max_size=60)
    | st.text('{}[]":,0123456789.eE+-truefalsn \\u', max_size=40).map(str.encode)
    | JSON.map(lambda value: json.dumps(value).encode())
    | st.builds(
        lambda value, place, extra: _with(json.dumps(value).encode(), place, extra),
        JSON,
        st.floats(0, 1),
        st.binary(max_size=4),
    )
)


def _with(body: bytes, place: float, extra: bytes) -> bytes:
    at = int(place * len(body))
    return body[:at] + extra + body[at:]


class TestHeaders:
    @share(0.02)
    @given(HEADER)
    @example("-1")
    @example("Fri, 31 Dec 9999 23:59:59 -9999")
    def test_retry_after_is_a_number_of_seconds_or_nothing(self, text: str) -> None:
        """Neither negative nor without end."""
        seconds = seconds_until(text)

        assert seconds is None or 0 <= seconds < math.inf

    @share(0.03)
    @given(LINKS)
    @example("?\ud800")
    def test_a_link_stays_on_its_origin(self, link: str) -> None:
        """Or is refused."""
        try:
            followed = BASE.follow(link, start="https://api.example.com/prefix/tasks/?page=1")
        except OriginError:
            return
        assert BASE.origin == origin_of(followed)
        assert followed.isascii() and followed.isprintable()

    @share(0.03)
    @given(LINKS)
    @example("/\ud800")
    def test_a_file_lies_on_the_web(self, link: str) -> None:
        """Nothing else is fetched."""
        try:
            address = web_address("https://api.example.com/prefix/", link)
        except TransferError:
            return
        assert address.startswith(("http://", "https://"))
        assert address.isascii() and address.isprintable()

    @share(0.02)
    @given(
        st.dictionaries(st.sampled_from(["Content-Length", "Content-Range", "Content-Encoding"]), HEADER),
        st.sampled_from([200, 206]),
    )
    @example({"Content-Length": "²"}, 200)
    @example({"Content-Range": "bytes 0-1/" + "9" * 5000}, 206)
    def test_a_size_is_a_number_or_unknown(self, headers: dict[str, str], status: int) -> None:
        """Whatever the headers of a file say."""
        size = Download(_Opened(status, headers)).size

        assert size is None or size >= 0

    @share(0.03)
    @given(st.sampled_from(STATUSES), st.tuples(st.sampled_from(NAMES), HEADER), BYTES)
    def test_a_refusal_is_told_in_some_words(self, status: int, header: tuple[str, str], body: bytes) -> None:
        """In whatever encoding and shape it comes."""
        with bounded():
            error = error_of(
                RawResponse(status, dict([header]), body),
                label="GET tasks/",
                masker=Masker(["s3cret"]),
                dialect=V1(),
            )

        assert isinstance(error, ClientError)
        assert len(str(error)) < 2000

    @share(0.02)
    @given(
        st.text()
        | st.sampled_from(["../../etc/passwd", "con", "a\0b", "\ud800", ".", "..", "x" * 300 + ".png"])
    )
    def test_a_file_gets_a_name_that_leaves_no_folder(self, name: str) -> None:
        """On any system."""
        safe = safe_name(name)

        assert safe not in ("", ".", "..") and not set(safe) & set("/\\\0:")
        assert len(os.fsencode(safe)) <= LONGEST + 1


class _Opened:
    """An answer whose body nobody reads."""

    def __init__(self, status: int, headers: dict[str, str]) -> None:
        self.answer = RawResponse(status, headers)

    def read(self, *, size: int, whole: bool) -> bytes:
        """Give nothing."""
        return b""


def settled(data: Any) -> str:
    """Write parsed JSON down so that NaN and -0.0 can be compared."""
    return repr(data)


class TestDecoder:
    @share(0.1)
    @given(BYTES)
    @example(b"[" * 100_000)
    @example(b"1" * 5000)
    @example(b'{"a":1,"a":2}')
    def test_all_parsers_read_alike(self, body: bytes) -> None:
        """The same result, or all a `ValueError`."""
        orjson, _ = pytest.importorskip("orjson"), pytest.importorskip("msgspec")

        assert (
            outcome(json.loads, body) == outcome(alike(orjson.loads), body) == outcome(json_text.loads, body)
        )

    @share(0.1)
    @given(BYTES)
    def test_an_answer_becomes_rows_or_a_typed_error(self, body: bytes) -> None:
        """Parsed, taken for a page, and its rows for tasks."""
        with contextlib.suppress(ValueError, SynapseError), bounded():
            decoded(body)


def outcome(loads: Any, body: bytes) -> str:
    """Tell what a parser makes of a body."""
    try:
        return settled(loads(body))
    except (ValueError, RecursionError):
        return "no JSON"


def decoded(body: bytes) -> list[Any]:
    """Read a body as the reading engine does, down to the last field of each row."""
    session = canned({})
    page = found_in(Reply(200, parse(body)), Request("GET", "sdk/tasks/"))
    rows = [loading.load(Task, row, session=session) for row in page.rows]
    return [row.to_dict() for row in rows]


@pytest.fixture(scope="module")
def nowhere() -> CannedSession:
    """A session that has no answer to anything."""
    return canned({})


def names_of(cls: type[Entity]) -> Mapping[str, str]:
    """Map the fields of an entity to its keys on the wire that is its home."""
    return DEFAULT.table(cls._schema, cls._catalog).names


def wire_names(cls: type[Entity]) -> list[str]:
    """Name the keys that a row of an entity has on the wire."""
    return sorted({*names_of(cls).values(), "data_unit", "files", "file_size", "created_at"})


class TestRows:
    @pytest.mark.parametrize("cls", ENTITIES)
    def test_a_row_of_anything(self, nowhere: CannedSession, cls: type[Entity]) -> None:
        """It is read, shown, copied and pickled, or its `MappingError` says where it is wrong."""

        @share(0.05, of=len(ENTITIES))
        @given(
            st.dictionaries(st.sampled_from(wire_names(cls)) | st.text(max_size=5), JSON), st.integers(1, 9)
        )
        def read(row: dict[str, Any], key: int) -> None:
            full = {names_of(cls)[cls._schema.pk]: key, **row}
            try:
                made = loading.load(cls, full, session=nowhere)
                made.to_dict()
                made.changes
            except MappingError as error:
                assert len(str(error)) < 2000
                return
            assert f"<{cls.__name__} " == repr(made)[: len(cls.__name__) + 2]
            assert made.pk == copy.deepcopy(made).pk == pickle.loads(pickle.dumps(made)).pk

        read()

    @pytest.mark.parametrize("cls", ENTITIES)
    def test_a_value_that_is_taken_can_be_sent(self, cls: type[Entity]) -> None:
        """Whatever a field accepts is JSON on its way out, and is accepted again on its way in."""
        settable = [name for name, field in cls._schema.fields.items() if not field.read_only]

        @share(0.05, of=len(ENTITIES))
        @given(st.sampled_from(settable or ["id"]), JSON)
        def assign(name: str, value: Any) -> None:
            made = cls.ref("a" if isinstance(cls._schema.key, TextKey) else 1)
            try:
                setattr(made, name, value)
                sent = changes.to_wire(made)
            except (MappingError, AttributeError) as error:
                assert len(str(error)) < 2000
                return
            again = cls.ref(made.pk)
            setattr(again, name, json.loads(json.dumps(sent, allow_nan=False)).get(name, value))

        assign()


class TestGarbage:
    @share(0.03)
    @given(
        st.text(max_size=40)
        | st.sampled_from(ODD).filter(lambda each: isinstance(each, str))
        | st.text("data:;base64,=A%0x /", max_size=30).map(lambda text: f"data:{text}")
    )
    def test_a_data_uri_is_read_or_refused(self, url: str) -> None:
        """An address that carries its file may be damaged."""
        with contextlib.suppress(TransferError):
            assert isinstance(decode(url), bytes)

    @share(0.02)
    @given(JSON)
    def test_a_file_of_anything(self, raw: Any) -> None:
        """What stands where a file should be."""
        try:
            file = RemoteFile.from_wire(raw)
        except (ValueError, SynapseError):
            return
        assert repr(file) == repr(RemoteFile.from_row(raw)) and safe_name(file.name)

    @share(0.03)
    @given(st.binary(max_size=80) | JSON.map(lambda value: json.dumps(value).encode()))
    def test_a_config_file_of_anything(
        self, tmp_path_factory: pytest.TempPathFactory, content: bytes
    ) -> None:
        """It is used, or refused with its path; a host and a token that are given do without it."""
        home = Path(tmp_path_factory.getbasetemp()) / "garbage"
        place = home / ".synapse" / "config.json"
        place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        place.write_bytes(content)
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("HOME", str(home))
            for given_ in ({}, {"host": FOREIGN}, {"profile": "x"}):
                with contextlib.suppress(ConfigError):
                    Session(**given_)
            assert FOREIGN.rstrip("/") == Session(FOREIGN, api_token="x").host

    @share(0.03)
    @given(st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode()))
    def test_a_checkpoint_of_anything(self, content: bytes) -> None:
        """It is refused, or leads to the end of what there is."""
        query = Task.objects.using(canned({"GET sdk/tasks/": rows_page()}))
        text = base64.urlsafe_b64encode(content).decode().rstrip("=")
        with contextlib.suppress(SynapseError), bounded():
            assert [] == list(query.resume(text))

    @share(0.03)
    @given(
        st.fixed_dictionaries({}, optional=dict.fromkeys(("key", "place", "odd", "token", "last"), JSON)),
        st.sampled_from(["ranges", "pages", "cursor", "one", "parts", None]) | JSON,
        st.sampled_from(["id", "-id", "created"]),
    )
    def test_a_checkpoint_with_a_state_of_anything(self, state: Any, plan: Any, order: str) -> None:
        """One that is of this query by all else: each part of its state is looked at."""
        query = Task.objects.using(canned({"GET sdk/tasks/": rows_page()})).order_by(order)
        good = query.iterator().checkpoint
        kept = json.loads(base64.urlsafe_b64decode(good + "=" * (-len(good) % 4)))
        content = json.dumps({**kept, "at": state, "plan": plan}).encode()
        text = base64.urlsafe_b64encode(content).decode().rstrip("=")
        with contextlib.suppress(SynapseError), bounded():
            assert [] == list(query.resume(text))
