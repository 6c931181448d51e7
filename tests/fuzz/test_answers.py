"""Whatever answers: only our own errors come out, in time; a write is sent once; the session goes on working."""

from __future__ import annotations

import pytest

from hypothesis import example, given

from tests.amounts import part
from tests.fuzz.budget import share
from tests.fuzz.harms import HARMS, Harm
from tests.fuzz.stage import PLAYED, Stage

pytestmark = [pytest.mark.filterwarnings("ignore"), pytest.mark.usefixtures("each_parser")]


@pytest.mark.parametrize("name", part(PLAYED, 1, of=6))
def test_the_stage_plays_what_was_recorded(stage: Stage, name: str) -> None:
    """Without harm, every call goes as it went: else nothing below would reach far."""
    assert stage.play(name) is None


@pytest.mark.parametrize("name", part(PLAYED, 1))
def test_a_harmed_answer(stage: Stage, name: str) -> None:
    """Its status, a header, its bytes or its JSON are not what they should be."""

    @share(0.3, of=len(PLAYED))
    # In the quick run a call meets few: this one every time, which no parser reads.
    @example(Harm(0, body=b"\xff"))
    @given(HARMS)
    def play(harm: Harm) -> None:
        stage.play(name, harm)

    play()
