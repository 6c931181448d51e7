"""Relations either way: how few requests they take, and what they mean where things are missing."""

from __future__ import annotations

import time

from typing import Any

import pytest

from synapse import (
    Assignment,
    DataUnit,
    FetchMode,
    Job,
    MappingError,
    Project,
    QueryError,
    Session,
    Task,
    TaskTag,
)
from synapse.sandbox import Sandbox
from synapse.testing import assert_requests
from tests.contract.conftest import connected
from tests.contract.factory import Factory


def three_projects(make: Factory, each: int) -> list[Any]:
    """Make tasks of three projects over one collection, and give them in the order of their keys."""
    collection = make.collection()
    return [
        task for _ in range(3) for task in make.tasks(each, project=make.project(data_collection=collection))
    ]


def of(rows: list[Any]) -> Any:
    """The query of exactly these tasks, in the order of their keys."""
    return Task.objects.filter(id__in=[row.pk for row in rows]).order_by("id")


class TestPeers:
    def test_one_touch_loads_a_relation_for_all_its_page(self, session: Session, make: Factory):
        """300 tasks with their projects and units take at most 12 requests, one of them per distinct project."""
        rows = three_projects(make, 100)
        expected = [(row.project.title, row.data_unit.meta) for row in rows]

        with session.trace() as calls:
            found = [(task.project.title, task.data_unit.meta) for task in of(rows)]

        assert expected == found
        assert len(calls) <= 12
        assert 3 == sum(call.path.startswith("/projects/") for call in calls)

    def test_one_touch_does_so_while_streaming(self, session: Session, make: Factory):
        """`iterator()` batches relations too: nothing is kept, but each page is loaded as one."""
        rows = three_projects(make, 100)

        with session.trace() as calls:
            titles = [task.project.title for task in of(rows).iterator(page_size=50)]

        assert [row.project.title for row in rows] == titles
        # Six pages, and one request that told where the keys end.
        assert (7, 3) == (len(calls) - 3, sum(call.path.startswith("/projects/") for call in calls))

    @pytest.mark.every_api(but=["v2"])
    def test_equal_keys_give_one_object(self, session: Session, make: Factory):
        """Rows of a page that point to the same object share it."""
        rows = make.tasks(3)

        assert 1 == len({id(task.project) for task in of(rows)})

    @pytest.mark.every_api(but=["v2"])
    def test_go_on_to_the_second_step(self, session: Session, make: Factory):
        """What a relation led to is a page of its own: the next step is batched as well."""
        rows = [make.tasks(1)[0] for _ in range(4)]
        tasks = list(of(rows))
        assert [task.project.id for task in tasks]

        with assert_requests(4):
            names = [task.project.data_collection.name for task in tasks]

        assert [row.project.data_collection.name for row in rows] == names

    def test_of_assignments_are_found_by_a_list_of_keys(self, session: Session, make: Factory):
        """Where the target can be asked for by a list of keys, one request loads them all."""
        rows = make.assignments(make.tasks(30))
        found = list(Assignment.objects.filter(project=rows[0].task.project_id))

        with assert_requests(1):
            projects = {assignment.task.project_id for assignment in found}

        assert {rows[0].task.project_id} == projects

    @pytest.mark.every_api(but=["v2"])
    def test_may_be_switched_off(self, session: Session, make: Factory):
        """`FetchMode.ONE` loads for the touched row only, `FetchMode.RAISE` never."""
        rows = [make.tasks(1)[0] for _ in range(3)]
        one = list(of(rows).fetch_mode(FetchMode.ONE))
        none = list(of(rows).fetch_mode(FetchMode.RAISE))

        with assert_requests(1):
            assert rows[0].project.title == one[0].project.title
        with assert_requests(0), pytest.raises(QueryError, match="prefetch_related.*project_id"):
            none[0].project


class TestAhead:
    def test_select_related_takes_no_request_of_its_own(self, session: Session, make: Factory):
        """The backend nests the units into the rows, with their files."""
        rows = make.tasks(20)

        with assert_requests(1):
            frames = [task.data_unit.meta["frame"] for task in of(rows).select_related("data_unit")]

        assert list(range(20)) == frames

    def test_select_related_works_for_get(self, session: Session, make: Factory):
        """A single object may bring its relation along too."""
        row = make.task()

        with assert_requests(1):
            task = Task.objects.select_related("data_unit").get(row.pk)
            assert (row.data_unit_id, {"frame": 0}) == (task.data_unit_id, task.data_unit.meta)

    @pytest.mark.every_api
    def test_select_related_refuses_what_the_wire_cannot_nest(self, session: Session):
        """Another relation is refused, naming what loads it in a batch."""
        with assert_requests(0), pytest.raises(QueryError, match=r"prefetch_related\('project'\)"):
            Task.objects.select_related("project")

    @pytest.mark.every_api(but=["v2"])
    def test_prefetch_of_relations_either_way(self, session: Session, make: Factory):
        """After a prefetch neither way asks again, and rows without any have an empty set."""
        rows = make.tasks(5)
        made = make.assignments(rows[:2])

        with assert_requests(3):
            tasks = list(of(rows).prefetch_related("assignments", "project"))
        with assert_requests(0):
            found = [[each.id for each in task.assignments] for task in tasks]
            titles = {task.project.title for task in tasks}

        assert ([[made[0].pk], [made[1].pk], [], [], []], {rows[0].project.title}) == (found, titles)

    @pytest.mark.every_api
    def test_prefetch_goes_several_steps(self, session: Session, make: Factory):
        """`a__b` goes on from what `a` loaded, here there and back."""
        tasks = make.tasks(3)
        tag = make.tag(project=tasks[0].project)

        (found,) = TaskTag.objects.filter(project=tag.project_id).prefetch_related(
            "project__tasks__data_unit"
        )

        with assert_requests(0):
            frames = sorted(task.data_unit.meta["frame"] for task in found.project.tasks)
        assert [0, 1, 2] == frames

    @pytest.mark.every_api(but=["v2"])
    def test_prefetch_works_with_only(self, session: Session, make: Factory):
        """The key that a prefetched relation hangs on is fetched though `only()` leaves it out."""
        rows = make.tasks(4)

        with assert_requests(2):
            titles = {task.project.title for task in of(rows).only("id").prefetch_related("project")}

        assert {rows[0].project.title} == titles

    @pytest.mark.every_api
    def test_prefetch_asks_each_owner_where_the_wire_takes_one_key(self, session: Session, make: Factory):
        """Projects cannot be listed for their tasks, so each is asked once."""
        collection = make.collection()
        for _ in range(3):
            make.tasks(2, project=make.project(data_collection=collection))

        with assert_requests(4):
            found = list(Project.objects.filter(data_collection=collection.pk).prefetch_related("tasks"))
            assert [2, 2, 2] == [len(project.tasks) for project in found]

    @pytest.mark.every_api
    @pytest.mark.parametrize("path", ["projcet", "project__tsaks", "meta"])
    def test_prefetch_refuses_unknown_relations(self, path: str, session: Session):
        """Every step is checked before anything is sent."""
        with assert_requests(0), pytest.raises(QueryError, match="has no relation"):
            Task.objects.prefetch_related(path)


class TestMissing:
    def test_null_relation_is_none(self, session: Session, make: Factory):
        """A key that is null leads to None, without a request."""
        job = Job.objects.get(str(make.job().pk))

        with assert_requests(0):
            assert (None, None) == (job.plugin_release, job.agent)

    @pytest.mark.every_api(but=["v2"])
    def test_deleted_target_fails_for_its_own_rows_only(self, session: Session, make: Factory):
        """A row whose project is gone raises the project's DoesNotExist; its siblings are served."""
        kept, lost = make.tasks(2), make.tasks(1)[0]
        tasks = {task.id: task for task in of([*kept, lost])}
        lost.project.delete()

        assert kept[0].project.title == tasks[kept[0].pk].project.title
        with pytest.raises(Project.DoesNotExist, match="points to Project"):
            tasks[lost.pk].project
        assert kept[1].project.title == tasks[kept[1].pk].project.title

    @pytest.mark.every_api
    def test_reference_to_nothing_says_so(self, session: Session):
        """A reference is believed until something of it is read."""
        with pytest.raises(Task.DoesNotExist, match="Task 987654 does not exist"):
            Task.ref(987654).meta


class TestSetting:
    @pytest.mark.every_api(full=True)
    def test_by_object_needs_no_fetch(self, session: Session, make: Factory):
        """Setting a relation by an object sets its key, keeps the object, and is saved."""
        row, other = make.task(), make.collection()
        project = Project.objects.get(row.project_id)
        collection = type(project.data_collection).objects.get(other.pk)

        project.data_collection = collection
        with assert_requests(0):
            assert (other.pk, True) == (project.data_collection_id, project.data_collection is collection)
        project.save()

        row.project.refresh_from_db()
        assert other.pk == row.project.data_collection_id

    @pytest.mark.every_api(full=True)
    def test_by_key_leads_to_the_new_object(self, session: Session, make: Factory):
        """Setting the key forgets the object that was loaded for the old one."""
        project, other = Project.objects.get(make.project().pk), make.collection()
        assert other.name != project.data_collection.name

        project.data_collection_id = other.pk

        assert other.name == project.data_collection.name

    @pytest.mark.every_api(full=True)
    def test_by_none_clears_it(self, session: Session, make: Factory):
        """None empties a relation that may be null."""
        row = make.project()
        project = Project.objects.get(row.pk)

        project.data_collection = None
        project.save()

        row.refresh_from_db()
        assert (None, None) == (project.data_collection, row.data_collection)

    @pytest.mark.every_api(full=True)
    def test_refuses_objects_of_another_kind(self, session: Session, make: Factory):
        """A task is no collection; nothing is set."""
        project = Project.objects.get(make.project().pk)

        with pytest.raises(MappingError, match="takes a DataCollection or its key, not a Task"):
            project.data_collection = Task.ref(1)
        assert {} == project.changes


class TestCache:
    @pytest.mark.every_api(full=True, but=["v2"])
    def test_serves_the_next_query(self, session: Session, make: Factory):
        """What one query's relations fetched, another's find in the session."""
        rows = make.tasks(2)
        assert all(task.project.title for task in of(rows))

        with assert_requests(1):
            assert all(task.project.title for task in of(rows))

    @pytest.mark.every_api(full=True)
    def test_is_dropped_by_a_save(self, session: Session, make: Factory):
        """After an object was saved, relations lead to it as it is now."""
        rows = make.tasks(2)
        project = Task.objects.get(rows[0].pk).project
        project.title = "renamed"
        project.save()

        assert "renamed" == Task.objects.get(rows[1].pk).project.title

    @pytest.mark.every_api(full=True)
    def test_is_dropped_by_a_deletion(self, session: Session, make: Factory):
        """After an object was deleted, relations no longer lead to it."""
        project = Project.objects.get(make.project().pk)
        tasks = [Task.objects.get(row.pk) for row in make.tasks(2, project=project_row(make, project))]
        tasks[0].project.delete()

        with pytest.raises(Project.DoesNotExist):
            tasks[1].project

    def test_is_over_after_its_time(self, box: Sandbox, make: Factory):
        """Once its time is over, a row is asked for again."""
        row, session = make.task(), connected(box, "contract", cache=0.05)
        assert session.tasks.get(row.pk).project.title

        time.sleep(0.06)

        with assert_requests(2, session=session):
            assert row.project.title == session.tasks.get(row.pk).project.title
        session.close()

    def test_may_be_switched_off(self, box: Sandbox, make: Factory):
        """With `cache=0` nothing is kept between queries."""
        row, session = make.task(), connected(box, "contract", cache=0)

        with assert_requests(4, session=session):
            for _ in range(2):
                assert row.project.title == session.tasks.get(row.pk).project.title
        session.close()


def project_row(make: Factory, project: Project) -> Any:
    """Find the stored row of a project."""
    return make.tables.Project.objects.get(pk=project.id)


class TestReverse:
    def test_sets_are_queries(self, session: Session, make: Factory):
        """`project.tasks` narrows, orders and counts like any query."""
        rows = make.tasks(3)
        make.tasks(2)
        project = Project.objects.get(rows[0].project_id)

        assert 3 == project.tasks.count()
        assert rows[2].pk == project.tasks.filter(is_discarded=False).order_by("-id")[0].id

    def test_sets_create_with_the_link_filled_in(self, session: Session, make: Factory):
        """`project.tags.create(...)` makes a tag of that project."""
        project = Project.objects.get(make.project().pk)

        with assert_requests(1) as calls:
            tag = project.tags.create(name="ripe")

        assert (project.id, "ripe") == (tag.project_id, tag.name)
        assert [("POST", "/task_tags/", {"project": project.id, "name": "ripe"})] == [
            (method, path, {name: body[name] for name in ("project", "name")})
            for method, path, body in calls.sent
        ]

    def test_sets_over_many_to_many(self, session: Session, make: Factory):
        """A tag's tasks are found by the tag."""
        rows = make.tasks(3)
        tag = make.tag(project=rows[0].project)
        tag.tasks.set(rows[:2])

        assert {row.pk for row in rows[:2]} == {task.id for task in TaskTag.ref(tag.pk).tasks}

    @pytest.mark.every_api
    def test_sets_cannot_be_assigned(self, session: Session, make: Factory):
        """Assigning to a set is refused: the link lies on the other side."""
        with assert_requests(0), pytest.raises(AttributeError, match="change the link on the Task objects"):
            Project.ref(1).tasks = []  # type: ignore[assignment]

    @pytest.mark.every_api
    def test_sets_need_a_saved_owner(self, session: Session):
        """An object without a key has no sets yet."""
        project = Project(title="new", category="image")

        with assert_requests(0), pytest.raises(MappingError, match="not saved yet"):
            project.tasks

    def test_units_of_a_collection(self, session: Session, make: Factory):
        """`collection.units` are found by their collection, through the reference's own session."""
        units = make.units(3)

        assert {unit.pk for unit in units} == {
            unit.id for unit in DataUnit.ref(units[0].pk).data_collection.units
        }
