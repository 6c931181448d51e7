"""Whatever is done to an object: what is sent is the difference, and what is stored is the object."""

from __future__ import annotations

import copy

from typing import Any

import pytest

from hypothesis import given, settings
from hypothesis import strategies as st

from synapse import Task
from synapse.mapping.json import same_json
from tests.contract.conftest import connected
from tests.contract.factory import Factory

TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=5)
SCALARS = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | TEXT
JSON = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3)
)
OBJECT = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
EDITS = st.lists(
    st.tuples(st.just("key"), st.sampled_from("abc"), JSON)
    | st.tuples(st.just("pop"), st.sampled_from("abc"), st.none())
    | st.tuples(st.just("meta"), st.none(), st.none() | OBJECT)
    | st.tuples(st.just("flag"), st.none(), st.booleans())
    | st.tuples(st.just("undo"), st.none(), st.none()),
    max_size=6,
)


@pytest.fixture(scope="module")
def one(box, tables):
    """A task, its session, and its row in the table."""
    make = Factory(tables, tables.Tenant.objects.get(code="contract"))
    row = make.task()
    with connected(box, "contract") as session:
        yield Task.objects.get(row.pk), session, row
    session.close()


def apply(edit: tuple[str, Any, Any], task: Task, expected: dict[str, Any]) -> None:
    """Do one edit to the object, and to plain values beside it."""
    verb, key, value = edit
    if verb == "key" and task.meta is not None:
        task.meta[key] = copy.deepcopy(value)
        expected["meta"][key] = value
    elif verb == "pop" and task.meta is not None:
        task.meta.pop(key, None)
        expected["meta"].pop(key, None)
    elif verb == "meta":
        task.meta = copy.deepcopy(value)
        expected["meta"] = copy.deepcopy(value)
    elif verb == "flag":
        task.is_discarded = expected["is_discarded"] = value
    elif verb == "undo":
        task.refresh()
        expected.update(values_of(task))


def values_of(task: Task) -> dict[str, Any]:
    """Give the edited fields of an object, as values of their own."""
    return copy.deepcopy({"meta": task.meta, "is_discarded": task.is_discarded})


@settings(max_examples=60)
@given(edits=EDITS)
def test_a_save_sends_the_difference_and_nothing_else(one, edits):
    """Edits in any order and depth, undone or not: one request with the fields that differ, or none."""
    task, session, row = one
    saved = values_of(task)
    expected = copy.deepcopy(saved)
    for edit in edits:
        apply(edit, task, expected)
    differing = {name: value for name, value in expected.items() if not same_json(value, saved[name])}

    with session.trace() as calls:
        task.save()

    row.refresh_from_db()
    assert [differing] * bool(differing) == [body for _, _, body in calls.sent]
    assert same_json(expected, {"meta": row.meta, "is_discarded": row.is_discarded})
    assert (same_json(expected, values_of(task)), {}) == (True, task.changes)
