"""What an object remembers, and what of it travels to other processes."""

from __future__ import annotations

import pickle

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
