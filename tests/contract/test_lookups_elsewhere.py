"""What only API v2 can be asked is refused by API v1, of queries and of the flat client, before anything is sent."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import (
    BackendClient,
    GroundTruthDataset,
    GroundTruthEvent,
    JobLog,
    QueryError,
    Task,
    UnsupportedError,
)
from synapse.testing import HOST, canned

ONLY_V2: list[tuple[Any, dict[str, Any]]] = [
    (Task, {"has_data": True}),
    (JobLog, {"event": "eaten"}),
    (JobLog, {"level": "danger"}),
    (GroundTruthEvent, {"ground_truth_dataset": 1}),
    (GroundTruthEvent, {"project": 1}),
    (GroundTruthDataset, {"project": 1}),
]


@pytest.mark.parametrize(("cls", "given"), ONLY_V2)
def test_the_other_api_is_named(cls: Any, given: dict[str, Any]) -> None:
    """The refusal says how to ask the API that has the lookup."""
    session = canned({})

    with pytest.raises(UnsupportedError, match=rf'API v2 has it: {cls.__name__}.objects.via\("v2"\)'):
        list(cls.objects.using(session).filter(**given))

    assert [] == session.requests


@pytest.mark.parametrize(
    ("method", "given"),
    [
        ("list_tasks", {"has_data": True}),
        ("list_ground_truth_events", {"project": 1}),
        ("list_ground_truth_events", {"ground_truth_dataset": 1}),
    ],
)
def test_the_flat_client_has_no_such_parameter(method: str, given: dict[str, Any]) -> None:
    """Its lists are those of API v1, which would ignore the parameter and answer with every row."""
    with BackendClient(HOST, "t") as client, pytest.raises(QueryError, match="has no parameter"):
        getattr(client, method)(given)
