"""What an object remembers, and what of it travels to other processes."""

from __future__ import annotations

import pickle

from typing import Any
from unittest.mock import patch

from synapse.mapping import UNSET
from synapse.mapping import state as state_module
from synapse.mapping.json import seal
from synapse.mapping.state import State
from synapse.query import FetchMode


def test_changes_and_what_was_loaded_travel() -> None:
    """An object that was edited here is saved there."""
    state = State(
        saved=True,
        origin={"meta": {"a": 1}},
        before={"title": "old"},
        mode=FetchMode.RAISE,
    )
    again = pickle.loads(pickle.dumps(state))

    assert (True, False) == (again.saved, again.deleted)
    assert ({"meta": {"a": 1}}, {"title": "old"}) == (again.origin, again.before)
    assert FetchMode.RAISE is again.mode


def test_session_and_neighbours_stay_behind() -> None:
    """A session holds tokens and sockets; the rows of a page would drag one another along."""
    again = pickle.loads(pickle.dumps(State(session=lambda: None, peers=lambda: None, related={"a": print})))

    assert [None] * 3 == [again.session, again.peers, again.related]


def test_what_came_beside_the_fields_is_neither_shown_nor_pickled() -> None:
    """An expanded row or an unknown key may hold a token."""
    state = State(extra={"token": "s3cret"}, rows={"agent": {"token": "s3cret"}}, origin={"a": "s3cret"})
    again = pickle.loads(pickle.dumps(state))

    assert (None, None, {"a": "s3cret"}) == (again.extra, again.rows, again.origin)
    assert "s3cret" not in repr(state)


def test_two_states_are_never_equal() -> None:
    """The life of an object is no part of its value."""
    assert State() != State()


def test_a_value_that_was_handed_out_is_remembered_as_it_was() -> None:
    """The user edits the very value that came, and what it was is told for ever."""
    state = State(origin={"meta": (meta := {"a": 1})})
    assert meta is state.hand_out("meta")
    meta["a"] = 2

    assert {"a": 1} == state.loaded("meta") == state.hand_out("meta")
    assert UNSET is state.loaded("data")


def test_null_is_handed_out_as_it_is() -> None:
    """There is nothing in it to edit."""
    state = State(origin={"meta": None})

    assert (None, None) == (state.hand_out("meta"), state.origin["meta"])


def test_the_second_of_two_threads_seals_nothing() -> None:
    """It may come when the first one's user has begun to edit, and gets the same value."""
    state = State(origin={"meta": (meta := {"a": 1})})

    def late(value: Any) -> Any:
        with patch.object(state_module, "seal", seal):
            assert meta is state.hand_out("meta")
        meta["a"] = 2
        return seal(value)

    with patch.object(state_module, "seal", late):
        assert meta is state.hand_out("meta")
    assert {"a": 1} == state.loaded("meta")


def test_pickles_hold_nothing_sealed() -> None:
    """Another version of Python reads them as well."""
    state = State(origin={"meta": {"a": 1}})
    state.hand_out("meta")

    assert {"meta": {"a": 1}} == pickle.loads(pickle.dumps(state)).origin
