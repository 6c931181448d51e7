"""Rows kept in the cache that a write makes stale."""

from __future__ import annotations

import pytest

from synapse import Project, Task
from synapse.testing import canned, page
from tests.unit.orm.tasks import ROW, task


class TestParents:
    @pytest.mark.parametrize("verb", ["create", "save", "delete"])
    def test_are_not_kept_in_the_cache(self, verb):
        """What a project counts may change with each of its tasks."""
        loaded, session = task(**{"POST tasks/": [ROW], "DELETE tasks/7/": None})
        session.cache.put("projects", 1, row={"id": 1})
        loaded.is_discarded = True

        if verb == "create":
            Task.objects.using(session).create(project_id=1, data_unit_id=2)
        else:
            getattr(loaded, verb)()

        assert session.cache.get("projects", 1) is None


class TestChildren:
    @pytest.mark.parametrize("bulk", [False, True], ids=["one", "bulk"])
    def test_are_not_kept_in_the_cache(self, bulk):
        """What the backend deletes together with a project, down to the assignments of its tasks, is asked for anew."""
        session = canned({"GET projects/": page({"id": 1}), "DELETE projects/1/": None})
        for resource in ("tasks", "task_tags", "assignments", "agents"):
            session.cache.put(resource, 5, row={"id": 5})

        with session:
            Project.objects.delete(everything=True) if bulk else Project.ref(1).delete()

        kept = [
            name for name in ("tasks", "task_tags", "assignments", "agents") if session.cache.get(name, 5)
        ]
        assert ["agents"] == kept
