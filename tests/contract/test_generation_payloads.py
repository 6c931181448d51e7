"""Payloads that API v2 leaves out of rows as too large: they are loaded from where they are stored."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from synapse import Assignment, GroundTruth, GroundTruthEvent, Session, Task
from synapse.sandbox import serve


@pytest.fixture(scope="module")
def session() -> Iterator[Session]:
    """A session of a backend that leaves out every payload of some bytes; it is current."""
    with serve(seed="demo", v2_inline_bytes=20) as box, Session(box.url, api_token=box.api_token) as made:
        yield made


@pytest.mark.parametrize("cls", [Task, Assignment, GroundTruth, GroundTruthEvent])
def test_they_are_what_they_are_for_the_other_generation(session: Session, cls: Any) -> None:
    """Neither a note of their size nor their address is taken for them."""
    whole = {row.pk: row.data for row in cls.objects.using(session) if row.data}

    assert whole
    assert whole == {row.pk: row.data for row in cls.objects.using(session).via("v2") if row.pk in whole}


def test_an_object_that_was_got_by_its_key_loads_it_when_it_is_read(session: Session) -> None:
    """It may be shown before without it."""
    found = GroundTruth.objects.using(session).via("v2").get(1)

    assert "any" not in repr(found)
    assert GroundTruth.objects.using(session).get(1).data == found.data
