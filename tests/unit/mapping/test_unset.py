"""UNSET is the absence of a value, in every process the same."""

from __future__ import annotations

import copy
import pickle

from synapse.mapping import UNSET


def test_there_is_one() -> None:
    """Copies and pickles are the same object, so `is` tells it."""
    assert [True] * 3 == [
        made is UNSET for made in (copy.copy(UNSET), copy.deepcopy(UNSET), pickle.loads(pickle.dumps(UNSET)))
    ]


def test_it_is_not_none() -> None:
    """None is a value: it clears a field."""
    assert UNSET is not None
    assert UNSET != None  # noqa: E711 - equality is what is tested


def test_it_is_false_and_says_its_name() -> None:
    """`if value:` reads as nothing there."""
    assert not UNSET
    assert "UNSET" == repr(UNSET)
