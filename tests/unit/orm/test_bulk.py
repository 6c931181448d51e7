"""Bulk writes on canned answers: sizes, counts and results."""

from __future__ import annotations

import pickle

import pytest

from synapse import BulkError, ConfigError, NotFoundError, Project, QueryError, ServerError, Task, TaskTag
from synapse.orm import BulkResult, Change
from synapse.orm.bulk import check_size
from synapse.testing import canned, page

ROWS = [{"id": n, "project": 1, "data_unit": n, "is_discarded": False} for n in (1, 2, 3)]
FAILED = ServerError("broken", status_code=500)


class TestCheckSize:
    @pytest.mark.parametrize("size", [0, -1, True, 1.0, "5", None])
    def test_refuses_what_is_no_size(self, size):
        """A size is a positive integer."""
        with pytest.raises(QueryError, match="page_size is a positive integer"):
            check_size("page_size", size)


class TestResult:
    def test_counts_and_prints(self):
        """It tells what was done to how many of how many."""
        result = BulkResult("delete", "Task", 5, (Change(1), Change(2)))

        assert ([1, 2], 2, "deleted 2 of 5 Task") == (result.pks, len(result), str(result))

    def test_of_a_dry_run_says_would(self):
        """Nothing was done."""
        assert "would update 0 of 5 Task" == str(BulkResult("update", "Task", 5, (), dry_run=True))


class TestUpdate:
    def test_sends_the_fields_under_their_wire_names(self):
        """A relation goes by its bare name; rows are read with these fields only."""
        session = canned({"GET sdk/tasks/": page(*ROWS), **{f"PATCH tasks/{n}/": {} for n in (1, 2, 3)}})

        Task.objects.using(session).filter(project=1).update(data_unit=2)

        assert "id,data_unit" in [value for name, value in session.requests[0].params if name == "fields"]
        assert [("tasks/1/", {"data_unit": 2}), ("tasks/3/", {"data_unit": 2})] == sorted(
            (request.path, request.json) for request in session.requests[1:]
        )

    def test_a_failure_is_told_with_its_key(self):
        """`succeeded` and `failed` hold keys, in the order of the query, and survive pickling."""
        replies = {f"PATCH tasks/{n}/": FAILED if n == 2 else {} for n in (1, 2, 3)}
        session = canned({"GET sdk/tasks/": page(*ROWS), **replies})

        with pytest.raises(
            BulkError, match="updated 2 of 3 Task; 1 failed, the first with ServerError: broken"
        ) as caught:
            Task.objects.using(session).filter(project=1).update(is_discarded=True)

        error = pickle.loads(pickle.dumps(caught.value))
        assert ([1, 3], [(2, ServerError)]) == (
            error.succeeded,
            [(pk, type(why)) for pk, why in error.failed],
        )

    def test_forgets_cached_rows(self):
        """What relations had cached of these rows is not shown any more, failures or not."""
        session = canned({"GET sdk/tasks/": page(*ROWS), **{f"PATCH tasks/{n}/": FAILED for n in (1, 2, 3)}})
        session.cache.put("tasks", 1, row=ROWS[0])

        with pytest.raises(BulkError):
            Task.objects.using(session).filter(project=1).update(is_discarded=True)

        assert session.cache.get("tasks", 1) is None


class TestDelete:
    def test_reads_keys_only(self):
        """Only the keys are asked for."""
        session = canned({"GET sdk/tasks/": page(*ROWS), **{f"DELETE tasks/{n}/": None for n in (1, 2, 3)}})

        Task.objects.using(session).filter(project=1).select_related("data_unit").delete()

        assert [("fields", "id")] == [
            pair for pair in session.requests[0].params if pair[0] in ("fields", "expand")
        ]
        assert {"tasks/1/", "tasks/2/", "tasks/3/"} == {request.path for request in session.requests[1:]}


class TestOneByOne:
    def test_leaves_out_what_does_not_exist(self):
        """Where the wire takes no list of keys, rows are read side by side."""
        row = {"id": 1, "title": "t", "category": "image"}
        session = canned({"GET projects/1/": row, "GET projects/2/": NotFoundError("no", status_code=404)})

        assert [1] == list(Project.objects.using(session).in_bulk([1, 2]))

    def test_raises_any_other_failure(self):
        """A row that could not be read is not taken for one that does not exist."""
        session = canned({"GET projects/1/": FAILED})

        with pytest.raises(ServerError):
            Project.objects.using(session).in_bulk([1])


class TestCreate:
    def test_binds_the_objects_to_the_session(self):
        """Objects that were created go on through the session that made them."""
        session = canned({"POST task_tags/": {"id": 9, "project": 1, "name": "a"}})

        (made,) = TaskTag.objects.using(session).bulk_create([TaskTag(project_id=1, name="a")])

        assert (9, session) == (made.id, made._state.session)

    def test_of_a_closed_session_sends_nothing(self):
        """A closed session is told before anything else."""
        session = canned({})
        session.close()

        with pytest.raises((BulkError, ConfigError), match="closed"):
            TaskTag.objects.using(session).bulk_create([TaskTag(project_id=1, name="a")])
