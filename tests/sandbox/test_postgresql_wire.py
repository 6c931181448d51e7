"""The grammar of the wire on PostgreSQL: the same answers as on SQLite."""

from __future__ import annotations

import pytest

from tests.sandbox.test_annotation import TestAnnotate, TestSetTags, fresh
from tests.sandbox.test_concurrency import (
    test_changes_of_different_fields_do_not_undo_each_other,
    test_every_write_of_sixteen_writers_is_kept,
    test_mixed_writes_all_succeed,
    test_one_of_many_equal_tasks_is_made,
)
from tests.sandbox.test_entities import TestFileSpecifications, TestJobs, TestStorages, job
from tests.sandbox.test_errors import (
    test_detail_is_one_text,
    test_text_that_cannot_be_stored_is_refused,
)
from tests.sandbox.test_filters import TestAssignments, TestTasks, mixed
from tests.sandbox.test_flexfields import TestExpand, task
from tests.sandbox.test_ground_truths import TestEvents, TestFreezing, dataset, truths
from tests.sandbox.test_lists import TestCursor, TestOrdering, TestSearch
from tests.sandbox.test_postgresql import data_dir, served, stranger, wire
from tests.sandbox.test_tasks import TestForms, TestRefusals, empty
from tests.sandbox.wire import Wire
from tests.sandbox.world import World, make_world

# test_postgresql.py holds in every run what is special to it.
pytestmark = pytest.mark.full

__all__ = [
    "TestAnnotate",
    "TestAssignments",
    "TestCursor",
    "TestEvents",
    "TestExpand",
    "TestFileSpecifications",
    "TestForms",
    "TestFreezing",
    "TestJobs",
    "TestOrdering",
    "TestRefusals",
    "TestSearch",
    "TestSetTags",
    "TestStorages",
    "TestTasks",
    "data_dir",
    "dataset",
    "empty",
    "fresh",
    "job",
    "mixed",
    "served",
    "stranger",
    "task",
    "test_changes_of_different_fields_do_not_undo_each_other",
    "test_detail_is_one_text",
    "test_every_write_of_sixteen_writers_is_kept",
    "test_mixed_writes_all_succeed",
    "test_one_of_many_equal_tasks_is_made",
    "test_text_that_cannot_be_stored_is_refused",
    "truths",
    "wire",
    "world",
]


@pytest.fixture(scope="module")
def world(wire: Wire) -> World:
    """Twelve tasks with their units, for tests that only read."""
    return make_world(wire)
