"""Pages that are read without parsing what is JSON inside of rows: the same objects and errors as by the other way."""

from __future__ import annotations

import contextlib
import json
import pickle
import sys
import tracemalloc

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import attrs
import pytest

from hypothesis import example, given
from hypothesis import strategies as st

from synapse import Task
from synapse.dialects import Reply, Request, json_rows
from synapse.dialects.json_rows import MOST_SHAPES, ClosedPages, ClosedRow
from synapse.dialects.v1 import names_of
from synapse.errors import MappingError, SynapseError
from synapse.mapping import json as json_text
from synapse.mapping.codecs import codec_of
from synapse.mapping.json import JsonText
from synapse.mapping.unset import UNSET
from synapse.orm.loading import load_page
from synapse.orm.record import OPENED_PAGES, has, peek, schema_of, state_of, table_of
from synapse.session import decoding
from synapse.session.decoding import parse
from synapse.testing import canned

pytest.importorskip("msgspec")

SESSION = canned({})
TABLE = table_of(Task, SESSION)
LAZY = [name for name, field in schema_of(Task).fields.items() if field.codec.lazy]
REQUEST = Request("GET", "sdk/tasks/")
ROW = {
    "id": 7,
    "project": 1,
    "data": {"boxes": [1.5, {"x": None}]},
    "meta": {},
    "tags": [3],
    "schema": "dm_schema_v1",
    "files": {"image_1": {"url": "https://h/a.png"}},
    "is_discarded": False,
    "created": "2026-03-01T12:00:00+00:00",
    "consensus": {"state": ["open"]},
}

texts = st.text(st.characters(exclude_categories=()), max_size=5)
scalars = st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats() | texts
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=6,
)
odd = st.dictionaries(
    st.sampled_from([*ROW, "assignments", "new", "a b", '"', "data_unit"]), values, max_size=2
)
rows = st.builds(
    lambda key, change, without: {
        name: value for name, value in {**ROW, "id": key, **change}.items() if name not in without
    },
    st.integers(0, 50),
    odd,
    st.sets(st.sampled_from([*ROW]), max_size=1),
)
pages = st.builds(
    lambda many, escaped: json.dumps(
        {"count": len(many), "next": None, "results": many}, ensure_ascii=escaped
    ).encode("utf-8", "surrogatepass"),
    st.lists(st.just(ROW) | rows, max_size=4) | st.lists(values, max_size=2),
    st.booleans(),
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """Put something into a page, or cut something out."""
    whole = draw(pages)
    start, end = sorted(draw(st.tuples(*[st.integers(0, len(whole))] * 2)))
    piece = draw(
        st.sampled_from([b"{", b"]", b",", b'"', b"\\", b"9" * 20, b"NaN", b"\xff", b"1e999", b" ", b"\x00"])
    )
    return whole[:start] + piece + whole[draw(st.sampled_from([start, end])) :]


def closed(pages: ClosedPages) -> Callable[[bytes], Any]:
    """Decode as a page whose keys were learnt before."""

    def decode(content: bytes) -> Any:
        with contextlib.suppress(ValueError):
            pages.decode(content, parse=parse)
        return pages.decode(content, parse=parse)

    return decode


def fresh() -> ClosedPages:
    """Begin without anything learnt."""
    return ClosedPages(schema_of(Task), names_of(schema_of(Task)))


def page(*many: Any) -> bytes:
    """Render a page of rows."""
    return json.dumps({"count": len(many), "next": None, "results": list(many)}).encode()


def made(content: bytes, pages: ClosedPages | None = None, **more: Any) -> list[Task]:
    """Make the objects of a page that was decoded unparsed."""
    data = closed(pages or fresh())(content)
    assert all(isinstance(row, ClosedRow) for row in data["results"])
    return load_page(Task, data["results"], session=SESSION, **more)


def shown(task: Task) -> list[str]:
    """Tell all that can be seen of an object, its pickle included, before and after an edit in place."""
    again, told = pickle.loads(pickle.dumps(task)), []
    for each in (task, again):
        for name in schema_of(Task).fields:
            try:
                told.append(repr(getattr(each, name)) if has(each, name) else "absent")
            except MappingError as error:
                told.append(str(error))
        told.append(repr(each.changes))
    told += [repr(task.extra), repr(sorted(state_of(task).rows or ()))]
    if has(task, "data") and isinstance(task.data, dict):
        task.data["edited"] = True
        told.append(repr(task.changes))
    return told


def outcome(decode: Callable[[bytes], Any], content: bytes, *, ahead: int = 0) -> Any:
    """Tell what comes of the body of a page, whose fields are opened *ahead* for so many pages."""
    bad: dict[int, MappingError] = {}
    habits = dict.fromkeys(LAZY, ahead) if ahead else None
    try:
        found = TABLE.found(Reply(200, decode(content)), REQUEST)
        tasks = load_page(Task, found.rows, session=SESSION, bad=bad, habits=habits)
    except (ValueError, SynapseError) as error:
        return f"{type(error).__name__}: {error}"
    told = {place: (str(error), error.row, error.key) for place, error in bad.items()}
    return found.count, list(map(shown, tasks)), told


class TestBothWays:
    @given(pages)
    @example(page({**ROW, "data": 5}))
    @example(page({**ROW, "files": [{"name": "a", "url": "u"}]}))
    @example(page({**ROW, "data_unit": {"id": 3}}))
    @example(page({**ROW, "unknown": 1}, {"another": 2, **ROW, "unknown": 1}))
    @example(page(ROW, {**ROW, "id": None}))
    @example(page({**ROW, "created": "2026-03-01T12:00:00z"}))
    @example(page({**ROW, "created": ""}, {**ROW, "schema": ""}))
    @example(page({**ROW, "project": 2**80, "meta": {"big": 2**80}}))
    @example(b'{"results":[{"id":1,"meta":{"a":1,"b":2,"a":3},"id":2}]}')
    @example(b'{"results":[{"id":1,"meta":{"a":1e999}}]}')
    @example(b'{"results":[{"id":1,"meta":{"a":%b}}]}' % (b"9" * 5000))
    def test_read_pages_alike(self, content: bytes) -> None:
        """Objects, their changes and pickles, and errors are the same."""
        assert outcome(parse, content) == outcome(closed(fresh()), content)

    @given(pages)
    @example(page(ROW, ROW))
    @example(page(ROW, {**ROW, "id": None}))
    @example(page({**ROW, "assignments": [{"id": 1}]}))
    @example(page({**ROW, "data": None}, {**ROW, "data": "closed"}))
    @example(page({"id": 1}))
    def test_read_rows_as_columns_and_one_by_one_alike(self, content: bytes) -> None:
        """Parsed rows with the same keys give the same objects and errors as when each is looked at."""
        found = []
        for few in (1, 1000):
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(json_rows, "FEW_ROWS", few)
                found.append(outcome(parse, content))
        assert found[0] == found[1]

    @given(pages)
    @example(page(ROW, {**ROW, "id": 8, "data": None, "tags": [1.5]}))
    @example(page(ROW, {**ROW, "files": {"image_1": 5}}))
    @example(page(ROW, {**ROW, "files": {"image_1": {"url": "u", "checksum": "c"}, "b": "https://h/b"}}))
    def test_open_fields_ahead_alike(self, content: bytes) -> None:
        """Objects whose fields are open from the start are those whose fields are opened when they are read."""
        expected = outcome(parse, content)
        assert [expected] * 2 == [outcome(each, content, ahead=1) for each in (parse, closed(fresh()))]

    @given(mangled())
    @example(page(ROW).replace(b"boxes", b"\xff"))
    @example(page(ROW).replace(b"boxes", b"\\ud800"))
    def test_read_malformed_pages_alike(self, content: bytes) -> None:
        """What is no JSON, or no text, is refused in the same words."""
        assert outcome(parse, content) == outcome(closed(fresh()), content)


class TestTexts:
    def test_stay_closed_until_they_are_read(self) -> None:
        """A value is kept as its text, and no copy of it is made for change detection."""
        [task] = made(page(ROW))
        assert (ROW["data"], JsonText) == (task.data, type(state_of(task).origin["data"]))

    def test_are_parsed_for_the_page_on_the_second_row(self) -> None:
        """Row by row, the garbage collector would visit every row again and again."""
        tasks = made(page(*({**ROW, "id": key} for key in range(4))))
        ready = [[state_of(tasks[3]).parsed is not None for _ in [task.data]] for task in tasks[:2]]
        assert [[False], [True]] == ready

    @pytest.mark.parametrize("decode", [parse, None], ids=["parsed", "closed"])
    def test_are_open_in_the_next_page_where_they_are_read(self, decode: Any) -> None:
        """Once rows of a page are read for a field, those of the next page have it open; edits are seen."""
        habits: dict[str, int] = {}
        content = page(ROW, {**ROW, "id": 8})
        rows = (decode or closed(fresh()))(content)["results"]
        assert [ROW["data"]] * 2 == [
            task.data for task in load_page(Task, rows, session=SESSION, habits=habits)
        ]
        tasks = load_page(Task, rows, session=SESSION, habits=habits)
        assert [ROW["data"]] * 2 == [peek(task, "data") for task in tasks]
        tasks[1].data["boxes"] = []
        assert [{}, {"data": {"boxes": []}}] == [task.changes for task in tasks]

    def test_stay_open_where_they_are_read(self) -> None:
        """Once in a while two rows of a page stay closed, which tell that the field is still read."""
        habits, content = {"data": OPENED_PAGES}, page(*({**ROW, "id": key} for key in range(4)))
        seen = []
        for _ in range(2 * OPENED_PAGES + 2):
            tasks = made(content, habits=habits)
            seen.append([peek(task, "data") is UNSET for task in tasks].count(True))
            assert [ROW["data"]] * 4 == [task.data for task in tasks]
        assert 2 * [*[0] * OPENED_PAGES, 2] == seen

    def test_stay_closed_again_where_they_are_not_read_any_more(self) -> None:
        """After some pages it is looked again whether rows are read for a field."""
        habits, content = {"data": OPENED_PAGES}, page(ROW, {**ROW, "id": 8})
        tasks = [made(content, habits=habits)[1] for _ in range(OPENED_PAGES + 2)]
        assert [True] * OPENED_PAGES + [False] * 2 == [peek(task, "data") is not UNSET for task in tasks]

    def test_of_a_kept_row_keep_no_page(self) -> None:
        """Of a page of 1 MB whose rows are dropped but one, a row is kept."""
        content = page(*({**ROW, "id": key, "data": {"text": "x" * 10_000}} for key in range(100)))
        pages = fresh()
        made(content, pages)
        tracemalloc.start()
        try:
            kept = made(content, pages)[50]
            assert tracemalloc.get_traced_memory()[0] < 100_000
        finally:
            tracemalloc.stop()
        assert 50 == kept.id

    @pytest.mark.parametrize("decode", [parse, None], ids=["parsed", "closed"])
    def test_of_rows_that_are_dropped_give_their_memory_back(self, decode: Any) -> None:
        """Of 20 pages all rows but one are dropped, and nine tenths of their memory with them."""
        content = page(*({**ROW, "id": key, "data": {"text": "x" * 500}} for key in range(200)))
        decode = decode or closed(fresh())
        tracemalloc.start()
        try:
            held = [load_page(Task, decode(content)["results"], session=SESSION) for _ in range(20)]
            before = tracemalloc.get_traced_memory()[0]
            kept = [tasks[100] for tasks in held]
            held.clear()
            assert tracemalloc.get_traced_memory()[0] < 0.1 * before
        finally:
            tracemalloc.stop()
        assert [100] * 20 == [task.id for task in kept]

    def test_are_not_shown(self) -> None:
        """They may hold tokens."""
        [task] = made(page({**ROW, "data": {"token": "s3cret"}}))
        assert "s3cret" not in repr(state_of(task).origin)

    def test_of_unknown_keys_are_parsed_when_read(self) -> None:
        """`extra` gives the values of keys that no field has."""
        [task] = made(page(ROW))
        assert {"consensus": {"state": ["open"]}} == task.extra

    def test_of_unknown_keys_are_shared_by_rows_that_have_the_same(self) -> None:
        """Rows of a newer backend take no memory each for what they all say; what one gives is its own."""
        first, second, other = made(page(ROW, {**ROW, "id": 8}, {**ROW, "id": 9, "consensus": "closed"}))
        assert state_of(first).extra is not state_of(other).extra
        first.extra["consensus"] = "edited"
        assert [ROW["consensus"]] * 2 + ["closed"] == [
            task.extra["consensus"] for task in (first, second, other)
        ]


class TestLearning:
    def test_has_an_end(self) -> None:
        """A backend that names other keys in every page fills no memory: such pages go the ordinary way."""
        pages = fresh()
        learnt = [closed(pages)(page({**ROW, f"new_{number}": 1})) for number in range(MOST_SHAPES + 3)]
        kinds = [type(data["results"][0]) is dict for data in learnt]
        assert [False] * MOST_SHAPES + [True] * 3 == kinds

    def test_takes_no_long_names(self) -> None:
        """A key of a megabyte isn't kept beyond its page."""
        data = closed(fresh())(page({**ROW, "x" * 1_000_000: 1}))
        assert isinstance(data["results"][0], dict)


class TestWays:
    def test_entity_of_a_type_that_is_taught_goes_the_ordinary_way(self) -> None:
        """What cattrs converts is no type that a struct could check."""
        schema = schema_of(Task)
        price = attrs.evolve(schema.fields["workshop"], name="price", codec=codec_of(Decimal))
        taught = attrs.evolve(schema, fields={**schema.fields, "price": price})
        assert [True, False] == [
            ClosedPages(each, {name: name for name in each.fields}).is_possible for each in (schema, taught)
        ]

    def test_small_answers_import_no_msgspec(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """To import it takes longer than Python's own parser needs for them."""
        monkeypatch.delitem(sys.modules, "msgspec")
        assert [False, True] == [json_text.pays(content) for content in (page(ROW), page(*[ROW] * 1000))]

    def test_parser_may_be_chosen(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """With another one pages are parsed."""
        monkeypatch.setattr(decoding, "decoder", lambda: json.loads)
        assert decoding.page_decoder(TABLE) is None
