"""Writes to many rows: what is sent, what is counted, and what a partial failure tells."""

from __future__ import annotations

import pytest

from synapse import (
    BulkError,
    ClientError,
    MappingError,
    Project,
    QueryError,
    Storage,
    Task,
    TaskTag,
    ValidationError,
)
from synapse.testing import assert_requests


@pytest.fixture
def project(session, make) -> Project:
    """A project, read through the SDK."""
    return Project.objects.get(make.project().pk)


class TestBulkCreate:
    def test_sends_batches(self, session, project, make):
        """Seven tasks in batches of three are three requests; each object has its key, in the order given."""
        units = make.units(
            7, collection=make.tables.DataCollection.objects.get(pk=project.data_collection_id)
        )
        tasks = [Task(project_id=project.id, data_unit_id=unit.pk) for unit in units]

        with assert_requests(3):
            made = Task.objects.bulk_create(tasks, batch_size=3)

        assert tasks is not made and all(a is b for a, b in zip(tasks, made, strict=True))
        stored = {task.pk: task.data_unit_id for task in make.tables.Task.objects.filter(project=project.id)}
        assert {task.id: task.data_unit_id for task in made} == stored

    @pytest.mark.every_api(full=True)
    def test_goes_side_by_side_where_the_wire_takes_one(self, session, project):
        """Without a list form, each object is a request of its own."""
        with assert_requests(5):
            made = TaskTag.objects.bulk_create(TaskTag(project=project, name=f"{n}") for n in range(5))

        assert [f"{n}" for n in range(5)] == [tag.name for tag in made]
        assert {tag.id for tag in made} == {tag.id for tag in project.tags}

    @pytest.mark.every_api(full=True)
    def test_a_refused_row_stops_no_other(self, session, project, make):
        """`BulkError` holds what was created and what was not, with the reason, in the order given."""
        collection = make.tables.DataCollection.objects.get(pk=project.data_collection_id)
        units = make.units(5, collection=collection)
        tasks = [Task(project_id=project.id, data_unit_id=unit.pk) for unit in units]
        tasks[2].data_unit_id = 10**9

        with pytest.raises(BulkError, match="created 4 of 5 Task; 1 failed") as caught:
            Task.objects.bulk_create(tasks, batch_size=2)

        assert [tasks[0], tasks[1], tasks[3], tasks[4]] == caught.value.succeeded
        assert [id(tasks[2])] == [id(task) for task, _ in caught.value.failed]
        assert all(isinstance(error, ValidationError) for _, error in caught.value.failed)
        assert [False, False, True, False, False] == [task.pk is None for task in tasks]

    @pytest.mark.every_api(full=True)
    def test_what_failed_can_be_sent_again(self, session, project, make):
        """The objects that were not created are still new, and go through once they are mended."""
        tags = [TaskTag(project_id=project.id, name=name) for name in ("a", "")]
        with pytest.raises(BulkError) as caught:
            TaskTag.objects.bulk_create(tags)
        ((failed, _),) = caught.value.failed
        failed.name = "b"

        TaskTag.objects.bulk_create([failed])

        assert {"a", "b"} == {tag.name for tag in project.tags}

    @pytest.mark.every_api(full=True)
    def test_one_bad_object_keeps_all_from_being_sent(self, session, project):
        """Everything is checked before the first batch travels."""
        tags = [TaskTag(project=project, name=f"{n}") for n in range(3)]
        tags[2].meta["bad"] = object()

        with assert_requests(0), pytest.raises(MappingError, match="JSON cannot hold"):
            TaskTag.objects.bulk_create(tags)

    @pytest.mark.every_api(full=True)
    def test_the_same_object_twice_is_refused(self, session, project):
        """One object cannot become two rows."""
        tag = TaskTag(project=project, name="x")

        with assert_requests(0), pytest.raises(MappingError, match="twice"):
            TaskTag.objects.bulk_create([tag, tag])

    @pytest.mark.every_api(full=True)
    def test_a_relation_refuses_objects_of_another(self, session, project, make):
        """`project.tags.bulk_create()` does not take the tags of another project over."""
        tag = TaskTag(project_id=make.project().pk, name="theirs")

        with assert_requests(0), pytest.raises(MappingError, match=str(project.id)):
            project.tags.bulk_create([tag])

    @pytest.mark.every_api(full=True)
    def test_a_relation_takes_its_own(self, session, project):
        """Objects that name the project already are created."""
        project.tags.bulk_create([TaskTag(project=project, name="mine")])

        assert ["mine"] == [tag.name for tag in project.tags]

    @pytest.mark.every_api(full=True)
    def test_of_nothing_sends_nothing(self, session):
        """An empty list is no request."""
        with assert_requests(0):
            assert [] == Task.objects.bulk_create([])


class TestUpdate:
    def test_patches_only_rows_that_differ(self, session, make):
        """A row that holds the value already is not sent."""
        tasks = make.tasks(3)
        make.tables.Task.objects.filter(pk=tasks[1].pk).update(is_discarded=True)

        with session.trace() as calls:
            result = Task.objects.filter(project=tasks[0].project_id).update(is_discarded=True)

        assert (3, [tasks[0].pk, tasks[2].pk]) == (result.matched, sorted(result.pks))
        assert {f"/tasks/{task.pk}/" for task in (tasks[0], tasks[2])} == {path for _, path, _ in calls.sent}
        assert "updated 2 of 3 Task" == str(result)

    def test_tells_before_and_after(self, session, make):
        """Each change says what the row held and what it holds now."""
        task = make.task(meta={"a": 1})

        result = Task.objects.filter(id=task.pk).update(meta={"a": True})

        assert [("{'meta': {'a': 1}}", "{'meta': {'a': True}}")] == [
            (repr(change.before), repr(change.after)) for change in result.changes
        ]

    def test_dry_run_writes_nothing(self, session, make):
        """`dry_run=True` tells what would change, and reads only."""
        task = make.task()

        with session.trace() as calls:
            result = Task.objects.filter(id=task.pk).update(is_discarded=True, dry_run=True)

        assert ([], [task.pk], "would update 1 of 1 Task") == (calls.sent, result.pks, str(result))

    @pytest.mark.every_api(but=["v2"])
    def test_takes_a_relation_as_object(self, session, make):
        """A to-one relation is set on every row by object."""
        tags = [make.tag() for _ in range(2)]
        project = Project.objects.get(make.project().pk)

        TaskTag.objects.filter(project=tags[0].project_id).update(project=project)

        tags[0].refresh_from_db()
        assert (project.id, False) == (tags[0].project_id, tags[1].project_id == project.id)

    def test_clears_by_none(self, session, make):
        """None empties a nullable field on every row."""
        task = make.task(meta={"a": 1})

        Task.objects.filter(id=task.pk).update(meta=None)

        task.refresh_from_db()
        assert task.meta is None

    @pytest.mark.every_api(but=["v2"])
    def test_tells_which_rows_failed(self, session, make):
        """A refused row is in `failed` by its key; the others are done."""
        tasks = make.tasks(3)
        spare = make.task(project=tasks[0].project)
        taken = tasks[1].data_unit_id

        with pytest.raises(BulkError, match="updated 0 of 2 Task") as caught:
            Task.objects.filter(id__in=[tasks[0].pk, spare.pk]).update(data_unit=taken)

        assert [] == caught.value.succeeded
        assert {tasks[0].pk, spare.pk} == {pk for pk, _ in caught.value.failed}
        assert all(isinstance(error, ClientError) for _, error in caught.value.failed)

    def test_shows_no_secret(self, session, make):
        """What would change in a storage's settings is masked in every print."""
        storage = Storage.objects.create(name="s", provider="minio", configuration={"secret_key": "hush"})

        result = Storage.objects.filter(category="external").update(
            configuration={"secret_key": "loud"}, dry_run=True
        )

        assert storage.id in result.pks
        assert all(word not in f"{result!r} {result}" for word in ("hush", "loud"))


class TestDelete:
    @pytest.mark.every_api(full=True)
    def test_removes_every_row_of_the_query(self, session, make):
        """The rows of the query are gone, others stay."""
        tasks, other = make.tasks(3), make.task()

        result = Task.objects.filter(project=tasks[0].project_id).delete()

        left = make.tables.Task.objects.filter(pk__in=[*(task.pk for task in tasks), other.pk])
        assert ({task.pk for task in tasks}, [other]) == (set(result.pks), list(left))
        assert "deleted 3 of 3 Task" == str(result)

    def test_dry_run_removes_nothing(self, session, make):
        """`dry_run=True` names the rows and leaves them."""
        task = make.task()

        with session.trace() as calls:
            result = Task.objects.filter(id=task.pk).delete(dry_run=True)

        assert ([task.pk], [], 1) == (result.pks, calls.sent, len(result))

    @pytest.mark.every_api(full=True, but=["v2"])
    def test_of_a_slice_stays_in_the_slice(self, session, make):
        """A slice counts as a filter, and bounds what is deleted."""
        tasks = make.tasks(4)

        Task.objects.filter(project=tasks[0].project_id).order_by("id")[1:3].delete()

        left = make.tables.Task.objects.filter(project=tasks[0].project_id).order_by("pk")
        assert [tasks[0].pk, tasks[3].pk] == [task.pk for task in left]

    def test_everything_is_said_aloud(self, session, stranger):
        """Without filters, `everything=True` empties the workspace of the entity."""
        project = Project.objects.using(stranger).create(title="p", category="image")
        TaskTag.objects.using(stranger).bulk_create([TaskTag(project=project, name="a")])

        TaskTag.objects.using(stranger).delete(everything=True)

        assert 0 == TaskTag.objects.using(stranger).count()


class TestGuards:
    @pytest.mark.every_api
    @pytest.mark.parametrize("everything", [False, 0, 1, "no", None])
    @pytest.mark.parametrize("verb", ["update", "delete"])
    def test_a_query_without_filters_is_refused(self, session, verb, everything):
        """Only `everything=True` itself opens the gate; a merely truthy value does not."""
        fields = {"is_discarded": True} if verb == "update" else {}

        with assert_requests(0), pytest.raises(QueryError):
            getattr(Task.objects, verb)(everything=everything, **fields)

    @pytest.mark.every_api
    def test_a_query_that_can_match_nothing_sends_nothing(self, session):
        """`none()` is a filter, and needs no request."""
        with assert_requests(0):
            assert 0 == len(Task.objects.none().delete())
