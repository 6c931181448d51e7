"""A loaded task and its canned session."""

from __future__ import annotations

from synapse import Task
from synapse.testing import canned

ROW = {
    "id": 7,
    "project": 1,
    "data_unit": 2,
    "meta": {"a": [1]},
    "data": None,
    "is_discarded": False,
    "tags": [3],
    "files": {},
}
TAG = {"id": 4, "project": 1, "name": "n", "category": "project", "meta": {}}


def patched(request):
    """Answer a change by its row."""
    return {**ROW, **request.json}


def task(**replies) -> tuple[Task, object]:
    """Give a loaded task and its session."""
    session = canned({"GET tasks/7/": ROW, "PATCH tasks/7/": patched, **replies})
    return Task.objects.using(session).get(7), session
