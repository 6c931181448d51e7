"""Single values as HTML, and what happens when a view can't be made."""

from __future__ import annotations

import re

from datetime import UTC, datetime
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse.interop.notebook.drawing import COLOURS, colours_of
from synapse.interop.notebook.markup import STYLE, cell, view
from synapse.masking import Secret

TAG = re.compile(r"<(?!/?(?:code|span|br)\b)")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, '<span class="none">–</span>'),
        (5, "5"),
        (True, "True"),
        ("<b>", "&lt;b&gt;"),
        ("가\u202e", "가\\u202e"),
        (Secret("token-0123456789"), "***"),
        (datetime(2026, 1, 2, 3, 4, tzinfo=UTC), '<span class="whole">2026-01-02 03:04:00+00:00</span>'),
        ({"token": "x" * 9}, "<code>{&#x27;token&#x27;: &#x27;***&#x27;}</code>"),
    ],
)
def test_a_value_is_shown(value: Any, expected: str) -> None:
    """Each kind in its way."""
    assert expected == cell(value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=9) | st.dictionaries(st.text(), inner, max_size=9),
)


@given(JSON)
def test_no_value_brings_elements_of_its_own(value: Any) -> None:
    """Whatever it holds, it is text, and not much of it."""
    shown = cell(value)

    assert None is TAG.search(shown)
    assert len(shown) < 2_500


def test_an_unforeseen_error_is_a_text() -> None:
    """A view that fails never breaks the notebook."""

    def broken(*_: object) -> str:
        raise ZeroDivisionError("<i>")

    assert "not shown: ZeroDivisionError: &lt;i&gt;" in view(7, broken)


def test_ctrl_c_passes() -> None:
    """Who interrupts a view wants the prompt back."""

    def interrupted(*_: object) -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        view(7, interrupted)


def test_colours_are_those_of_the_page() -> None:
    """No text has a colour of its own, so that it is readable on any ground."""
    assert {"inherit"} == set(re.findall(r"[;{]color:([^;}]+)", STYLE.replace("\n", "")))


def test_classes_have_colours_of_their_own() -> None:
    """As long as there are enough."""
    assert len(COLOURS) == len(set(colours_of(map(str, range(len(COLOURS)))).values()))


def test_a_class_keeps_its_colour_from_task_to_task() -> None:
    """Unless another one has it already."""
    assert colours_of(["정지"])["정지"] == colours_of(["정지", None])["정지"]
