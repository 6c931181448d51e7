"""The verbs of tasks and assignments."""

from __future__ import annotations

import pytest

from synapse import Assignment, BulkError, Project, Task, TaskSchema, TaskTag, ValidationError
from synapse.testing import assert_requests


@pytest.fixture
def rows(make):
    """Three tasks of one project, as Django's objects."""
    return make.tasks(3)


@pytest.fixture
def task(session, rows) -> Task:
    """The first of them, read through the SDK."""
    return Task.objects.get(rows[0].pk)


class TestAnnotate:
    def test_submits(self, task, rows):
        """The annotation is stored, the task completed, and the object knows both."""
        with assert_requests(1):
            same = task.annotate({"label": "stop"})
            assert ({"label": "stop"}, "completed", {}) == (task.data, task.status_label, task.changes)

        rows[0].refresh_from_db()
        assert (task, {"label": "stop"}, True) == (same, rows[0].data, rows[0].has_data)

    def test_saves_for_later(self, session, task):
        """`submit=False` leaves the task in progress."""
        with session.trace() as calls:
            task.annotate({"label": "stop"}, submit=False)

        assert ["save"] == [body["action"] for _, _, body in calls.sent]
        assert "in_progress" == task.status_label

    def test_switches_the_format_check_off(self, task, rows):
        """`schema="any"` takes other formats, by word or by enumeration."""
        task.annotate({"free": "form"}, schema="any")
        assert TaskSchema.ANY == task.schema

        task.annotate({"free": "form"}, schema=TaskSchema.DM_SCHEMA_V1)
        assert TaskSchema.DM_SCHEMA_V1 == task.schema

    def test_refuses_to_submit_nothing(self, task, rows):
        """An empty annotation is refused by the backend, and the task stays as it was."""
        with pytest.raises(ValidationError, match="empty"):
            task.annotate({})

        rows[0].refresh_from_db()
        assert ("stand_by", None) == (rows[0].status_label, rows[0].data)

    def test_replaces_an_unsaved_annotation(self, task):
        """What is annotated takes the place of an edit of `data` that was not saved."""
        task.data = {"draft": 1}

        task.annotate({"final": 1})

        assert ({"final": 1}, {}) == (task.data, task.changes)

    def test_of_a_reference_reads_nothing(self, session, rows):
        """Annotating by key is one request."""
        with assert_requests(1):
            Task.ref(rows[0].pk).annotate({"a": 1})


class TestAnnotateMany:
    def test_takes_a_mapping_of_tasks_or_keys(self, session, rows):
        """Each task is annotated by one request."""
        with assert_requests(3):
            count = Task.objects.annotate_many({row.pk: {"n": n} for n, row in enumerate(rows)})

        assert 3 == count
        assert [{"n": 0}, {"n": 1}, {"n": 2}] == [type(row).objects.get(pk=row.pk).data for row in rows]

    def test_takes_pairs_from_a_generator(self, session, rows):
        """Pairs are taken as they come, tasks as objects."""
        tasks = Task.objects.filter(project=rows[0].project_id)

        assert 3 == Task.objects.annotate_many(((task, {"id": task.id}) for task in tasks), submit=False)
        assert all(task.data == {"id": task.id} for task in tasks)

    def test_tells_which_failed(self, session, rows):
        """One refusal stops no other; `BulkError` has each task with its error, in the order given."""
        tasks = [Task.ref(row.pk) for row in rows]

        with pytest.raises(BulkError, match="annotated 2 of 3 tasks") as caught:
            Task.objects.annotate_many([(tasks[0], {"a": 1}), (tasks[1], {}), (tasks[2], {"a": 1})])

        assert [tasks[0], tasks[2]] == caught.value.succeeded
        ((task, error),) = caught.value.failed
        assert (tasks[1], ValidationError) == (task, type(error))

    @pytest.mark.parametrize("bad", [5, (1,), (1, 2, 3), "ab", (None, {}), ("x", {}), (10**30, {})])
    def test_a_pair_that_is_none_is_told_with_the_others(self, session, rows, bad):
        """A malformed pair is among the failed, and is not sent."""
        with assert_requests(1), pytest.raises(BulkError, match="annotated 1 of 2") as caught:
            Task.objects.annotate_many([(rows[0].pk, {"a": 1}), bad])

        assert [rows[0].pk] == caught.value.succeeded


class TestTags:
    def test_on_one_task(self, session, task, make):
        """Tags are put on and taken off, by object or key, and the object knows."""
        tags = [TaskTag.objects.get(make.tag(project=None).pk) for _ in range(2)]

        task.set_tags(add=[tags[0], tags[1].id])
        assert {tag.id for tag in tags} == set(task.tags)

        task.set_tags(remove=tags[:1])
        assert [tags[1].id] == task.tags

    def test_on_a_query(self, session, rows, make):
        """Every task of the query is tagged by one request; the number of tasks is returned."""
        tag = make.tag(project=rows[0].project)

        with session.trace() as calls:
            count = Task.objects.filter(project=rows[0].project_id).set_tags(add=[tag.pk])

        assert (3, {row.pk for row in rows}) == (count, {task.pk for task in tag.tasks.all()})
        assert [sorted(row.pk for row in rows)] == [sorted(body["ids"]) for _, _, body in calls.sent]

    def test_adding_and_removing_at_once(self, session, rows, make):
        """Both may be said together."""
        old, new = make.tag(project=rows[0].project), make.tag(project=rows[0].project)
        old.tasks.set(rows)

        Task.objects.filter(tags=old.pk).set_tags(add=[new.pk], remove=[old.pk])

        assert (0, 3) == (old.tasks.count(), new.tasks.count())

    def test_of_nothing_sends_nothing(self, session, task):
        """Empty lists, as a program may compute them, are no request."""
        with assert_requests(0):
            task.set_tags(add=[], remove=())
            assert 0 == Task.objects.filter(id=task.id).set_tags()

    def test_on_assignments(self, session, rows, make):
        """Assignments are tagged in the same way."""
        tag = make.tag(project=rows[0].project)
        made = make.assignments(rows)

        count = Assignment.objects.filter(tasks__in=[row.pk for row in rows[:2]]).set_tags(add=[tag.pk])

        assert (2, [[tag.pk], [tag.pk], []]) == (count, [Assignment.objects.get(row.pk).tags for row in made])

    def test_larger_queries_travel_in_batches(self, session, make):
        """More rows than one body should hold are several requests."""
        rows = make.tasks(501)
        tag = make.tag(project=rows[0].project)

        with session.trace() as calls:
            count = Task.objects.filter(project=rows[0].project_id).set_tags(add=[tag.pk])

        assert (501, 501, [500, 1]) == (
            count,
            tag.tasks.count(),
            [len(body["ids"]) for _, _, body in calls.sent],
        )


class TestProjects:
    def test_reach_their_tasks_and_tags(self, session, rows, make):
        """`project.tasks` and `project.tags` are queries like any other."""
        tag = make.tag(project=rows[0].project)
        project = Project.objects.get(rows[0].project_id)

        assert (3, [tag.pk]) == (project.tasks.count(), [each.id for each in project.tags])
        assert [rows[1].pk] == [task.id for task in project.tasks.order_by("id")[1:2]]
