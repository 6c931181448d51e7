"""The sandbox below `/v2/` is what the vendor's own document describes; and the judge of that is no pushover."""

from __future__ import annotations

import json

from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from tests.openapi.__main__ import SDK, figures, recorded, verdicts
from tests.openapi.judging import Call, judge
from tests.sandbox.postgresql import programs, scratch_database

pytestmark = [pytest.mark.full, pytest.mark.usefixtures("prepared")]

FEWEST: Final = 100
ROW: Final = {"id": 1, "project_id": 1, "data_unit_id": 2, "is_discarded": False, "has_data": True}
META: Final = {
    "request_id": "r",
    "pagination": {"next_cursor": None, "previous_cursor": None, "per_page": 50},
}
GOOD: Final = Call(
    "GET",
    "http://backend.test/v2/tasks/?project=1&sort=created",
    {"SYNAPSE-ACCESS-TOKEN": "syn_1"},
    b"",
    200,
    "application/json",
    json.dumps({"data": [{**ROW, "created": "2026-01-01T00:00:00Z"}], "meta": META}).encode(),
)


def test_walk_over_the_sandbox() -> None:
    """Every request and answer of a walk over more than a hundred operations is as the document has it."""
    found = verdicts()

    assert [] == [verdict.words for verdict in found if verdict.problems or verdict.undeclared]
    assert figures(found)[1] >= FEWEST


def test_requests_of_the_sdk() -> None:
    """What the SDK sends in its tests of API v2, and what it is answered, is as the document has it."""
    found = recorded(*SDK)

    assert [] == [verdict.words for verdict in found if verdict.problems or verdict.undeclared]
    assert figures(found)[0] >= FEWEST


def test_walk_on_postgresql() -> None:
    """The answers of the other database are no others."""
    binaries = programs()
    if binaries is None:
        pytest.skip("PostgreSQL is not installed: NOTHING was tried on it")
    with scratch_database(binaries) as address:
        found = verdicts(address)

    assert [] == [verdict.words for verdict in found if verdict.problems or verdict.undeclared]


def changed(**members: Any) -> bytes:
    """Return the good answer with its row changed."""
    return json.dumps(
        {"data": [{**ROW, "created": "2026-01-01T00:00:00Z", **members}], "meta": META}
    ).encode()


WRONG: Final = {
    "a member too many": attrs.evolve(GOOD, answer=changed(extra=1)),
    "a member of another type": attrs.evolve(GOOD, answer=changed(id="1")),
    "a member too few": attrs.evolve(GOOD, answer=json.dumps({"data": [ROW], "meta": META}).encode()),
    "no page": attrs.evolve(GOOD, answer=b'{"data": [], "meta": {"request_id": "r"}}'),
    "no envelope": attrs.evolve(GOOD, answer=b'{"results": [], "next": null, "previous": null}'),
    "a refusal of another form": attrs.evolve(GOOD, status=404, answer=b'{"detail": "Not found."}'),
    "a status that is not declared": attrs.evolve(GOOD, status=203),
    "a bad filter": attrs.evolve(GOOD, url="http://backend.test/v2/tasks/?project=abc"),
    "an unknown address": attrs.evolve(GOOD, url="http://backend.test/v2/nonsense/"),
    "no token": attrs.evolve(GOOD, headers={"SYNAPSE-Tenant": "first"}),
    "a body too short": attrs.evolve(
        GOOD,
        method="POST",
        url="http://backend.test/v2/tasks/bulk-fetch/",
        headers={**GOOD.headers, "Content-Type": "application/json"},
        body=b'{"ids": []}',
    ),
}


def test_judge_knows_right_from_wrong(prepared: Path) -> None:
    """Each thing that can be wrong with a call is a violation, and nothing else is."""
    good, *wrong = judge([GOOD, *WRONG.values()])

    assert ([], []) == (good.problems, good.undeclared)
    assert [] == [name for name, verdict in zip(WRONG, wrong, strict=True) if not verdict.problems]


def test_key_that_no_operation_declares_is_told(prepared: Path) -> None:
    """A server drops it without a word, and no validator minds."""
    [verdict] = judge([attrs.evolve(GOOD, url="http://backend.test/v2/tasks/?projct=1&fields=id")])

    assert ([], ["projct"]) == (verdict.problems, verdict.undeclared)
