"""The quick way from a row to an object gives what the thorough way gives."""

from __future__ import annotations

import copy

from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse import entities
from synapse.errors import MappingError
from synapse.orm import Entity, loading
from synapse.orm.record import peek, table_of
from synapse.query import FetchMode
from synapse.testing import canned

SESSION = canned({})
FOUND = [each for each in vars(entities).values() if isinstance(each, type) and issubclass(each, Entity)]
CLASSES = sorted((each for each in FOUND if each._schema.resource), key=lambda each: each.__name__)
ROW = {"id": 7, "project": 1, "data_unit": 9, "data": {"a": [1]}, "created": "2026-01-06T09:00:00+09:00"}

json = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.floats(allow_nan=False) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(["id", "k", "files"]), inner),
    max_leaves=6,
)
apt = st.sampled_from(
    [None, 0, 7, True, 1.5, "x", "7", "dm_schema_v1", "2026-01-06T09:00:00+09:00", "2026-01-06T09:00:00"]
    + [{}, [], [1], {"id": 7}, {"id": None}, {"image_1": {"url": "https://h/a"}}, [{"name": "image_1"}]]
)


@st.composite
def rows(draw: st.DrawFn) -> tuple[type[Entity], dict[str, Any]]:
    """Take an entity and put something into its keys, and into others."""
    cls = draw(st.sampled_from(CLASSES))
    known = [*table_of(cls, SESSION).names.values(), *cls._schema.to_many, "created_at", "unheard_of"]
    key = {table_of(cls, SESSION).pk: draw(st.sampled_from([7, "7b0b"]))}
    return cls, key | draw(st.dictionaries(st.sampled_from(known), apt | json, max_size=3))


def held(instance: Entity) -> dict[str, Any]:
    """Give everything that an object holds of its row."""
    state = instance._state
    slots = {name: peek(instance, name) for name in instance._schema.fields}
    kept = {"origin": state.origin, "extra": state.extra, "rows": state.rows}
    return {**slots, **kept, "mode": state.mode, "saved": state.saved, "kinds": [*map(type, slots.values())]}


def read(cls: type[Entity], row: dict[str, Any], *, quickly: bool) -> str:
    """Read one row either way, and tell what came out."""
    copied = copy.deepcopy(row)
    try:
        if quickly:
            (made,) = loading.load_page(cls, [copied], session=SESSION)
        else:
            made = loading.load_odd(cls, copied, session=SESSION, where=" of row 1")
    except MappingError as error:
        return str(error)
    return repr(held(made))


class TestMaker:
    @given(rows())
    def test_agrees_with_the_thorough_way(self, case: tuple[type[Entity], dict[str, Any]]) -> None:
        """Any row of any entity gives the same object, or the same words of what is wrong."""
        cls, row = case

        assert read(cls, row, quickly=False) == read(cls, row, quickly=True)

    @pytest.mark.parametrize("row", [None, [], 5, "x", {}])
    def test_says_which_row_is_none(self, row: Any) -> None:
        """What is no row is named by its number."""
        with pytest.raises(MappingError, match="Task.id of row 12"):
            loading.load_page(entities.Task, [dict(ROW), row], session=SESSION, first=10)

    def test_is_taken_for_usual_rows(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Rows as they are documented, and keys of a newer backend, never go the slow way."""
        monkeypatch.delattr(loading, "load")
        nested = {**ROW, "data_unit": {"id": 9, "files": {}}, "unheard_of": 1}
        task, _ = loading.load_page(entities.Task, [nested, dict(ROW)], session=SESSION)

        assert (9, {"unheard_of": 1}, {"a": [1]}) == (task.data_unit_id, task.extra, task.data)

    def test_makes_peers_of_all_rows(self) -> None:
        """Rows that went the slow way belong to the page as well."""
        odd = {**ROW, "id": 8, "files": [{"name": "image_1", "url": "https://h/a.png"}]}
        page = loading.load_page(entities.Task, [dict(ROW), odd], session=SESSION)

        assert page == page[0]._state.peers.live() == page[1]._state.peers.live()
        assert FetchMode.PEERS is page[1]._state.mode
