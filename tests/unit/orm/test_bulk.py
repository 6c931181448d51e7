"""Bulk writes on canned answers: sizes, counts and results."""

from __future__ import annotations

import pickle

import pytest

from synapse import (
    AuthenticationError,
    BulkError,
    ConfigError,
    NotFoundError,
    Project,
    QueryError,
    ServerError,
    Task,
    TaskTag,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.orm import BulkResult, Change
from synapse.orm.arguments import check_size
from synapse.testing import canned, page
from synapse.transfer import ProgressStep
from tests.unit.orm.lost import at, backend, listed
from tests.unit.orm.stored import stored

ROWS = [{"id": n, "project": 1, "data_unit": n, "is_discarded": False} for n in (1, 2, 3)]
FAILED = ServerError("broken", status_code=500)


class TestCheckSize:
    @pytest.mark.parametrize("size", [0, -1, True, 1.0, "5", None])
    def test_refuses_what_is_no_size(self, size):
        """A size is a positive integer."""
        with pytest.raises(QueryError, match="page_size is a positive integer"):
            check_size("page_size", size)


class TestProgress:
    def test_of_rows_that_are_created_one_by_one(self):
        """Each counts once it was tried, whether that went well or not."""
        steps: list[ProgressStep] = []
        session = canned({"POST task_tags/": {"id": 1, "name": "tag 1", "project": 1}}, workers=1)
        tags = [TaskTag(project=1, name=f"tag {n}") for n in (1, 2)]
        with pytest.raises(BulkError, match="created 1 of 2"):
            TaskTag.objects.using(session).bulk_create(tags, progress=steps.append)

        assert [(0, 2, "bulk_create"), (1, 2, "bulk_create"), (2, 2, "bulk_create")] == [
            (step.done, step.total, step.label) for step in steps
        ]

    def test_of_a_run_that_stops(self):
        """What was not tried does not count."""
        steps: list[ProgressStep] = []
        session = canned({"POST task_tags/": AuthenticationError("no")}, workers=1)
        tags = [TaskTag(project=1, name=f"tag {n}") for n in (1, 2, 3)]
        with pytest.raises(BulkError, match="2 were not tried"):
            TaskTag.objects.using(session).bulk_create(tags, progress=steps.append)

        assert (1, 3) == (steps[-1].done, steps[-1].total)


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
        """A relation goes by its bare name; rows are read with these fields and the filtered ones."""
        session = canned({"GET sdk/tasks/": page(*ROWS), **{f"PATCH tasks/{n}/": None for n in (1, 2, 3)}})

        Task.objects.using(session).filter(project=1).update(data_unit=2)

        assert "id,data_unit,project" in [
            value for name, value in session.requests[0].params if name == "fields"
        ]
        assert [("tasks/1/", {"data_unit": 2}), ("tasks/3/", {"data_unit": 2})] == sorted(
            (request.path, request.json) for request in session.requests[1:]
        )

    def test_the_result_holds_copies(self):
        """Neither an edit of what was given nor one of a row's change reaches the others."""
        shared = {"a": [1]}
        result = Task.objects.using(stored(1, 2)).filter(project=1).update(meta=shared)

        shared["a"].append(2)
        result.changes[0].after["meta"]["a"].append(3)

        assert {"meta": {"a": [1]}} == result.changes[1].after

    def test_a_failure_is_told_with_its_key(self):
        """`succeeded` and `failed` hold keys, in the order of the query, and survive pickling."""
        replies = {f"PATCH tasks/{n}/": FAILED if n == 2 else None for n in (1, 2, 3)}
        session = canned({"GET sdk/tasks/": page(*ROWS), **replies})

        words = r"updated 2 of 3 Task; 1 failed, of which 1 may have happened .*, the first with ServerError: broken"
        with pytest.raises(BulkError, match=words) as caught:
            Task.objects.using(session).filter(project=1).update(is_discarded=True)

        assert caught.value.failed[0][1] is caught.value.__cause__
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

    def test_of_tags_forgets_cached_rows(self):
        """A relation does not show the tags of before."""
        session = canned({"GET sdk/tasks/": page(*ROWS), "POST tasks/set_tags/": {}})
        session.cache.put("tasks", 1, row=ROWS[0])

        Task.objects.using(session).filter(project=1).set_tags(add=[5])

        assert session.cache.get("tasks", 1) is None


class TestDelete:
    def test_reads_keys_only(self):
        """Only the keys are asked for, and what tells whether the filter was heard."""
        session = canned({"GET sdk/tasks/": page(*ROWS), **{f"DELETE tasks/{n}/": None for n in (1, 2, 3)}})

        Task.objects.using(session).filter(project=1).select_related("data_unit").delete()

        assert [("fields", "id,project")] == [
            pair for pair in session.requests[0].params if pair[0] in ("fields", "expand")
        ]
        assert {"tasks/1/", "tasks/2/", "tasks/3/"} == {request.path for request in session.requests[1:]}


class TestIgnoredFilters:
    @pytest.mark.parametrize(
        "lookups",
        [
            {"project": 2},
            {"id__in": [1, 2]},
            {"id__lt": 3},
            {"is_discarded": True},
            {"status_label": "completed"},
        ],
    )
    @pytest.mark.parametrize("dry_run", [False, True])
    def test_write_nothing(self, lookups, dry_run):
        """A row that does not meet the filter shows that the backend ignored it."""
        rows = [{**row, "status_label": "stand_by"} for row in ROWS]
        session = canned({"GET sdk/tasks/": page(*rows)})

        with pytest.raises(QueryError, match="the backend ignored"):
            Task.objects.using(session).filter(**lookups).delete(dry_run=dry_run)

        assert 1 == len(session.requests)

    @pytest.mark.parametrize("dry_run", [False, True])
    def test_of_what_no_field_tells_are_proven(self, dry_run):
        """Whether a task has an assignment is in no field of it; a dry run promises nothing that is then refused."""
        session = canned({"GET sdk/tasks/": page(*ROWS)})

        with pytest.raises(QueryError, match="the backend ignored has_assignment"):
            Task.objects.using(session).filter(has_assignment=True).delete(dry_run=dry_run)

    @pytest.mark.parametrize("verb", ["update", "delete", "set_tags"])
    @pytest.mark.parametrize("lookups", [{}, {"project": 1}], ids=["alone", "beside a filter"])
    def test_given_raw_need_a_second_word(self, verb, lookups):
        """A raw parameter may be mistyped, so that it bounds nothing."""
        fields = {"update": {"is_discarded": True}, "set_tags": {"add": [1]}, "delete": {}}[verb]
        session = canned({})

        with pytest.raises(QueryError, match="raw parameters may be ignored"):
            getattr(Task.objects.using(session).filter(**lookups).params(projct=1), verb)(**fields)
        assert [] == session.requests

    def test_a_slice_without_an_end_is_every_row(self):
        """It leaves out the first ones only."""
        with pytest.raises(QueryError, match="this would delete every Task there is"):
            Task.objects.using(canned({}))[1:].delete()


class TestUnknown:
    def test_is_told_apart_from_failed(self):
        """Rows that may be there are among the failed, and by themselves as well."""
        lost = WriteUnconfirmedError("lost")
        replies = iter([ValidationError("no", status_code=400), ServerError("boom", status_code=500), lost])

        def create(_):
            raise next(replies)

        session = canned({"POST task_tags/": create}, workers=1)
        with pytest.raises(BulkError, match="3 failed, of which 2 may have happened") as caught:
            TaskTag.objects.using(session).bulk_create([TaskTag(project_id=1, name=name) for name in "abc"])

        assert ["b", "c"] == [tag.name for tag, _ in caught.value.unknown]
        assert (3, True) == (len(caught.value.failed), caught.value.unconfirmed)


class TestOddAnswers:
    @pytest.mark.parametrize(
        "answer", [None, [{"id": 1, "data_unit": 7}], [{"id": 1, "data_unit": 7}, {"data_unit": 8}]]
    )
    def test_to_a_batch_can_be_asked_about(self, answer):
        """Its rows may have been created, and each of its errors finds out."""
        made = [{"id": n, "project": 1, "data_unit": n + 6, "created": at().isoformat()} for n in (1, 2)]
        session = backend(listed(), **{"POST tasks/": answer, "GET sdk/tasks/": listed(*made)})
        tasks = [Task(project_id=1, data_unit_id=n) for n in (7, 8)]
        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).bulk_create(tasks)

        found = caught.value.failed[-1][1]
        assert isinstance(found, WriteUnconfirmedError)
        assert found.resolve().done
        assert (1, 2) == (tasks[0].id, tasks[1].id)

    @pytest.mark.parametrize("answer", [{"login": "please"}, [], {"id": 2, "project": 1}])
    @pytest.mark.parametrize("verb", ["update", "delete"])
    def test_to_a_change_confirms_nothing(self, verb, answer):
        """Whatever is no row of this key, or says anything to a deletion, is not of the backend."""
        fields = {"is_discarded": True} if verb == "update" else {}
        one = {"PATCH tasks/1/": answer, "DELETE tasks/1/": answer}
        session = canned({"GET sdk/tasks/": page(ROWS[0]), **one})

        with pytest.raises(BulkError, match="may or may not|cannot be read") as caught:
            getattr(Task.objects.using(session).filter(id=1), verb)(**fields)
        assert [1] == [key for key, error in caught.value.failed if isinstance(error, WriteUnconfirmedError)]


class TestStopping:
    @pytest.mark.parametrize(
        ("error", "seen"), [(AuthenticationError("no", status_code=401), 1), (TransportError("lost"), 8)]
    )
    def test_ends_a_run_that_cannot_go_well(self, error, seen):
        """A token that is not taken, or eight writes without an answer, leave untried what is not under way."""
        rows = [{"id": n, "project": 1, "name": "n"} for n in range(1, 61)]
        replies = {f"DELETE task_tags/{row['id']}/": error for row in rows}
        session = canned({"GET task_tags/": page(*rows), **replies})

        with pytest.raises(BulkError, match="were not tried") as caught:
            TaskTag.objects.using(session).filter(project=1).delete()

        failed, untried = caught.value.failed, caught.value.untried
        assert len(session.requests) - 1 == len(failed) < seen + 2 * session.workers
        assert list(range(1, 61)) == sorted([pk for pk, _ in failed] + untried)

    def test_by_the_items_tells_what_is_done(self):
        """Where the iterable raises, what it gave before is written, and the error tells of it."""

        def annotations():
            yield 7, {"a": 1}
            raise OSError("the disk is gone")

        session = canned({"PUT tasks/7/annotate_task_data/": {**ROWS[0], "id": 7}})
        with pytest.raises(BulkError, match="then it broke off with OSError") as caught:
            Task.objects.using(session).annotate_many(annotations())

        assert ([7], []) == (caught.value.succeeded, caught.value.failed)

    def test_ends_batches_as_well(self):
        """After a batch that was refused for its token, no other is sent."""
        session = canned({"POST tasks/": AuthenticationError("no", status_code=401)})
        tasks = [Task(project_id=1, data_unit_id=n) for n in (1, 2, 3)]

        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).bulk_create(tasks, batch_size=1)

        assert (1, [id(task) for task in tasks[1:]]) == (
            len(session.requests),
            [id(task) for task in caught.value.untried],
        )


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

    def test_sifts_a_refused_batch(self):
        """The row to blame fails with its own error, the others are created."""

        def answer(request):
            bodies = request.json
            said = [{"data_unit": ["taken"]} if body["data_unit"] == 2 else {} for body in bodies]
            if any(said):
                raise ValidationError("no", status_code=400, response=said)
            return [{"id": 10 + body["data_unit"], **body} for body in bodies]

        tasks = [Task(project_id=1, data_unit_id=n) for n in (1, 2, 3)]
        with pytest.raises(BulkError, match="created 2 of 3") as caught:
            Task.objects.using(canned({"POST tasks/": answer})).bulk_create(tasks)

        assert ([11, None, 13], [tasks[0], tasks[2]]) == ([t.id for t in tasks], caught.value.succeeded)
        assert "data_unit" in str(caught.value.failed[0][1])

    @pytest.mark.parametrize("answer", [None, [], {"id": 1}, [{"project": 1}, {"id": "x"}]])
    def test_without_readable_rows_is_unconfirmed(self, answer):
        """After a success that names no rows, nobody knows what was created."""
        tasks = [Task(project_id=1, data_unit_id=n) for n in (1, 2)]

        with pytest.raises(BulkError) as caught:
            Task.objects.using(canned({"POST tasks/": answer})).bulk_create(tasks)

        assert [WriteUnconfirmedError] * 2 == [type(error) for _, error in caught.value.failed]

    def test_forgets_the_cached_rows_of_parents(self):
        """A unit that gets a task does not stay one that may get a task."""
        session = canned({"POST tasks/": [{"id": 9, "project": 1, "data_unit": 2}]})
        session.cache.put("data_units", 2, row={"id": 2, "can_generate_task": True})

        Task.objects.using(session).bulk_create([Task(project_id=1, data_unit_id=2)])

        assert session.cache.get("data_units", 2) is None
