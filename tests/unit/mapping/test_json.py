"""JSON values: copies that share nothing, and sameness that knows a truth from a number."""

from __future__ import annotations

import json
import sys

from typing import Any
from unittest.mock import Mock

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.errors import MappingError
from synapse.mapping.json import copy_json, dumps, same_json, seal, seal_plain, unseal

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
ALIKE = st.sampled_from([0, 1, True, False, 0.0, 1.0, "1", None, [], {}, [1], [True], {"a": 1}, {"a": True}])


def test_a_copy_shares_nothing_with_its_original() -> None:
    """Edits at any depth stay in the copy."""
    original = {"a": [{"b": 1}], "c": {}}
    made = copy_json(original)
    made["a"][0]["b"] = 2
    made["c"]["d"] = 3

    assert {"a": [{"b": 1}], "c": {}} == original


def test_a_tuple_becomes_a_list() -> None:
    """As it does on the wire, so that what was sent equals what comes back."""
    assert {"point": [1, [2]]} == copy_json({"point": (1, (2,))})


@given(JSON)
def test_a_copy_is_the_same(value: Any) -> None:
    """Whatever JSON holds survives copying, types included."""
    assert same_json(value, copy_json(value))


@given(JSON, JSON)
def test_sameness_is_that_of_the_text(first: Any, second: Any) -> None:
    """Two values are the same just when they are written the same, whatever the order of their keys."""
    texts = [json.dumps(value, sort_keys=True) for value in (first, second)]

    # The text tells -0.0 from 0.0, which is no difference to anybody who reads it.
    assert same_json(first, second) == (texts[0].replace("-0.0", "0.0") == texts[1].replace("-0.0", "0.0"))


@given(ALIKE, ALIKE)
def test_a_truth_is_no_number(first: Any, second: Any) -> None:
    """Python calls 1, 1.0 and True equal; the wire does not."""
    assert (json.dumps(first) == json.dumps(second)) == same_json(first, second)


@pytest.mark.parametrize("second", [{"a": 1}, {"a": 1, "b": 2, "c": 3}, {"b": 1, "a": 2}, {}, [("a", 1)]])
def test_objects_differ_by_keys_and_values(second: Any) -> None:
    """A missing, an additional and a swapped key."""
    assert not same_json({"a": 1, "b": 2}, second)


def test_what_holds_itself_is_refused_in_words() -> None:
    """Copying it would never end."""
    endless: dict[str, Any] = {}
    endless["self"] = endless

    with pytest.raises(MappingError, match="nested too deeply for JSON, or holds itself"):
        copy_json(endless)


@given(JSON)
def test_what_was_sealed_comes_back(value: Any) -> None:
    """The same, its types and its order as well."""
    assert repr(value) == repr(unseal(seal(value)))


def test_what_was_sealed_is_out_of_reach() -> None:
    """Edits of the value, or of one that was given back, change nothing."""
    value = {"a": [1]}
    kept = seal(value)
    value["a"].append(2)
    unseal(kept)["a"].append(3)

    assert {"a": [1]} == unseal(kept)


def test_what_cannot_be_sealed_is_copied(monkeypatch: pytest.MonkeyPatch) -> None:
    """A value that is nested too deeply for it is as safe."""
    value = {"a": [1]}
    monkeypatch.setattr("synapse.mapping.json.marshal.dumps", Mock(side_effect=ValueError))
    kept = seal(value)

    assert ({"a": [1]}, False) == (unseal(kept), kept["a"] is value["a"])


@pytest.mark.parametrize("fast", [True, False])
@given(value=JSON)
def test_what_is_written_reads_the_same(value: Any, fast: bool) -> None:
    """JSON that was checked is written whole, with msgspec and without, integers beyond 64 bits too."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "msgspec.json", pytest.importorskip("msgspec.json") if fast else None)
        written = dumps(value)

    assert same_json(value, json.loads(written))


@given(JSON)
def test_plain_json_is_sealed(value: Any) -> None:
    """JSON of Python's own types is sealed as it is, and comes back the same."""
    sealed = seal_plain(value)

    assert sealed is not None
    assert same_json(value, unseal(sealed))


@pytest.mark.parametrize(
    "value", [{"a": (1,)}, {1: 2}, [float("nan")], {"a": "\0"}, {"\ud800": 1}, {1}, b"a"]
)
def test_what_is_not_plain_is_not_sealed(value: Any) -> None:
    """What cannot be sent as it is needs a closer look."""
    assert seal_plain(value) is None
