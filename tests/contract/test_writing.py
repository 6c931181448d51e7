"""What writing one object means against a real backend."""

from __future__ import annotations

import pickle
import threading

from datetime import UTC, datetime

import pytest

from synapse import Assignment, MappingError, Plugin, Project, QueryError, Task, TaskTag, ValidationError
from synapse.testing import assert_requests
from tests.contract.factory import Factory


@pytest.fixture
def row(make: Factory):
    """A task with some JSON, as Django's object."""
    return make.task(meta={"frame": 1, "flags": ["a"], "deep": {"k": [1]}}, data={"old": 1})


@pytest.fixture
def task(session, row) -> Task:
    """The same task, read through the SDK."""
    return Task.objects.get(row.pk)


class TestSave:
    def test_sends_only_what_changed(self, session, task):
        """`save()` sends the changed fields and nothing else."""
        task.is_discarded = True

        with session.trace() as calls:
            task.save()

        assert [("PATCH", f"/tasks/{task.id}/", {"is_discarded": True})] == calls.sent

    @pytest.mark.every_api(but=["v2"])
    def test_reaches_the_table(self, task, row):
        """What was saved is what the backend stores."""
        task.meta["frame"] = 2
        task.is_discarded = True

        task.save()

        row.refresh_from_db()
        assert (2, ["a"], True) == (row.meta["frame"], row.meta["flags"], row.is_discarded)

    def test_without_changes_sends_nothing(self, session, task):
        """A row that was not touched, or only read, is not sent."""
        task.meta, task.data, task.files

        with assert_requests(0):
            task.save()

    @pytest.mark.every_api
    def test_sends_nothing_for_the_value_it_had(self, task):
        """Set to something and back again is no change."""
        task.is_discarded = True
        task.meta["frame"] = 7
        task.is_discarded = False
        task.meta["frame"] = 1

        with assert_requests(0):
            task.save()

        assert {} == task.changes

    @pytest.mark.parametrize(
        "edit",
        [
            lambda meta: meta["deep"]["k"].append(2),
            lambda meta: meta["flags"].clear(),
            lambda meta: meta.pop("frame"),
            lambda meta: meta.update(frame=True),
            lambda meta: meta.update(frame=1.0),
            lambda meta: meta.update(frame=None),
        ],
        ids=["nested", "list", "removed", "true for 1", "1.0 for 1", "null"],
    )
    def test_notices_an_edit_inside_json(self, session, task, row, edit):
        """An edit in place, however deep, is sent and stored."""
        edit(task.meta)

        with session.trace() as calls:
            task.save()

        row.refresh_from_db()
        assert [("PATCH", {"meta": row.meta})] == [(method, body) for method, _, body in calls.sent]
        assert repr(task.meta) == repr(row.meta)

    @pytest.mark.every_api
    def test_none_clears(self, task, row):
        """None is a value: it empties a nullable field."""
        task.meta = None

        task.save()

        row.refresh_from_db()
        assert (None, None) == (row.meta, task.meta)

    @pytest.mark.every_api
    def test_merges_the_answer(self, session, make):
        """What the backend set at creation is there without another request."""
        project = make.project()

        tag = TaskTag(name="new", project_id=project.pk).save()

        with assert_requests(0):
            assert (True, "project", {}) == (tag.id > 0, tag.category, tag.meta)
            assert tag.created is not None

    @pytest.mark.every_api
    def test_leaves_held_json_alive(self, session, task, row):
        """JSON that the caller holds on to is still the object's own after a save."""
        meta = task.meta
        meta["a"] = 1
        task.save()
        meta["x"] = 1

        task.save()

        row.refresh_from_db()
        assert (1, 1) == (row.meta["a"], row.meta["x"])

    @pytest.mark.every_api
    def test_after_a_save_nothing_is_left_to_send(self, task):
        """Saving twice sends once."""
        task.meta["frame"] = 9
        task.save()

        with assert_requests(0):
            task.save()

    @pytest.mark.every_api(but=["v2"])
    def test_keeps_the_changes_of_a_refused_save(self, session, make):
        """A refusal loses nothing: the object can be mended and saved again."""
        tag = TaskTag.objects.get(make.tag().pk)
        tag.name = ""

        with pytest.raises(ValidationError, match="name"):
            tag.save()

        assert {"name": ""} == tag.changes

    @pytest.mark.every_api(but=["v2"])
    def test_writes_through_a_reference(self, session, row):
        """A reference is saved without ever being read."""
        task = Task.ref(row.pk)
        task.is_discarded = True

        with assert_requests(1):
            task.save()

        row.refresh_from_db()
        assert row.is_discarded

    @pytest.mark.every_api(but=["v2"])
    def test_of_a_missing_row_is_its_does_not_exist(self, session):
        """Saving what is gone raises the entity's own error."""
        task = Task.ref(10**9)
        task.is_discarded = True

        with pytest.raises(Task.DoesNotExist, match="1000000000"):
            task.save()

    def test_of_a_plugin_puts_the_changed_fields(self, session, make):
        """Plugins are changed by PUT, with a partial body."""
        plugin = Plugin.objects.get(make.plugin(description="old").pk)
        plugin.name = "New name"

        with session.trace() as calls:
            plugin.save()

        assert [("PUT", f"/plugins/{plugin.id}/", {"name": "New name"})] == calls.sent
        assert "old" == Plugin.objects.get(plugin.id).description

    @pytest.mark.every_api
    def test_shows_what_it_would_send(self, task):
        """`changes` is what the next save sends."""
        task.meta["frame"] = 3
        task.is_discarded = True

        assert {"meta": {**task.meta}, "is_discarded": True} == task.changes

    @pytest.mark.every_api
    def test_a_change_survives_pickling(self, session, task, row):
        """Unsaved changes travel with the object and can be saved where it arrives."""
        task.meta["frame"] = 5

        pickle.loads(pickle.dumps(task)).save()

        row.refresh_from_db()
        assert 5 == row.meta["frame"]


class TestRelations:
    def test_is_set_by_object(self, session, task, row, make):
        """Assigning an object sends its key."""
        other = Project.objects.get(make.project(data_collection=row.project.data_collection).pk)
        task.project = other

        with session.trace() as calls:
            task.save()

        assert [{"project": other.id}] == [body for _, _, body in calls.sent]

    @pytest.mark.every_api(but=["v2"])
    def test_is_set_by_key(self, session, make):
        """Assigning the key forgets the object it named before."""
        tag = TaskTag.objects.get(make.tag().pk)
        before, other = tag.project, make.project()
        tag.project_id = other.pk
        tag.save()

        assert (other.pk, True) == (tag.project.id, before != tag.project)

    @pytest.mark.every_api
    def test_manager_fills_in_the_link(self, session, make):
        """`project.tags.create()` belongs to the project."""
        project = Project.objects.get(make.project().pk)

        tag = project.tags.create(name="mine")

        assert (project.id, [tag]) == (tag.project_id, list(project.tags))

    @pytest.mark.every_api
    def test_manager_refuses_another_link(self, session, make):
        """`project.tags.create(project=other)` contradicts itself."""
        project, other = make.project(), make.project()

        with assert_requests(0), pytest.raises(MappingError, match=str(project.pk)):
            Project.ref(project.pk).tags.create(name="x", project=other.pk)


class TestVerbsAndRefresh:
    def test_annotating_keeps_unsaved_changes(self, task, row):
        """A verb leaves alone what was changed and not sent."""
        task.meta["frame"] = 8

        task.annotate({"label": "a"})

        assert ({"label": "a"}, 8) == (task.data, task.meta["frame"])
        task.save()
        row.refresh_from_db()
        assert ({"label": "a"}, 8) == (row.data, row.meta["frame"])

    def test_tagging_keeps_unsaved_changes(self, task, make):
        """Tags are set while other fields wait to be saved."""
        tag = make.tag(project=None)
        task.is_discarded = True
        task.set_tags(add=[tag.pk])

        assert ([tag.pk], {"is_discarded": True}) == (task.tags, task.changes)

    @pytest.mark.every_api(full=True)
    def test_refresh_drops_changes(self, task, row):
        """`refresh()` gives what the backend holds, edits inside JSON gone as well."""
        type(row).objects.filter(pk=row.pk).update(meta={"frame": 100})
        task.meta["frame"], task.is_discarded = 8, True

        task.refresh()

        assert ({"frame": 100}, False, {}) == (task.meta, task.is_discarded, task.changes)


class TestCreate:
    @pytest.mark.every_api(but=["v2"])
    def test_sends_only_given_fields(self, session):
        """Defaults stay the backend's: a field that was not given is not sent."""
        with session.trace() as calls:
            project = Project.objects.create(title="T", category="image")

        assert [{"title": "T", "category": "image"}] == [body for _, _, body in calls.sent]
        assert (True, "private") == (project.can_discard, project.access_level)

    @pytest.mark.every_api(but=["v2"])
    def test_sends_json_that_was_edited_before(self, session):
        """A default that was filled in place before the first save is sent."""
        project = Project(title="T", category="image")
        project.settings["a"] = 1

        project.save()

        assert {"a": 1} == Project.objects.get(project.id).settings

    @pytest.mark.every_api
    def test_through_an_explicit_session(self, session, stranger):
        """`using()` decides where the object lives, also later."""
        project = Project.objects.using(stranger).create(title="theirs", category="image")
        project.title = "still theirs"

        with assert_requests(1, session=stranger):
            project.save()

    @pytest.mark.every_api
    def test_a_duplicate_is_refused(self, session, row):
        """One task for a project and unit."""
        with pytest.raises(ValidationError, match="already exists"):
            Task.objects.create(project=row.project_id, data_unit=row.data_unit_id)


NAMES = (
    ",",
    '"',
    "\\",
    "'quoted'",
    '"a\\"b"',
    "a, b",
    '5" wide',
    "it's",
    "+plus",
    "-minus",
    "100%_",
    "밤 사진",
    "\u200b",
    " ".join(map(chr, range(0x4E00, 0x4E32))),
    "x" * 100,
)


class TestGetOrCreate:
    @pytest.mark.every_api(full=True)
    def test_gives_the_match(self, session, make):
        """What exists is given, and nothing is written."""
        tag = make.tag()

        with session.trace() as calls:
            found, made = TaskTag.objects.get_or_create(project=tag.project_id, defaults={"name": "no"})

        assert (tag.pk, False, []) == (found.id, made, calls.sent)

    @pytest.mark.every_api(full=True)
    def test_creates_from_lookups_and_defaults(self, session, make):
        """Without a match one is created from both."""
        project = make.project()

        tag, made = TaskTag.objects.get_or_create(project=project.pk, defaults={"name": "yes"})

        assert (project.pk, "yes", True) == (tag.project_id, tag.name, made)

    @pytest.mark.every_api(full=True, but=["v2"])
    def test_update_or_create_changes_the_match(self, session, make):
        """What exists is changed to the defaults, by the fields that differ."""
        tag = make.tag(description="same")

        with session.trace() as calls:
            found, made = TaskTag.objects.update_or_create(
                project=tag.project_id, defaults={"name": "new", "description": "same"}
            )

        assert (tag.pk, "new", False) == (found.id, found.name, made)
        assert [{"name": "new"}] == [body for _, _, body in calls.sent]

    @pytest.mark.every_api(full=True)
    def test_update_or_create_creates(self, session, make):
        """Without a match it creates."""
        tag, made = TaskTag.objects.update_or_create(project=make.project().pk, defaults={"name": "n"})

        assert ("n", True) == (tag.name, made)

    @pytest.mark.parametrize("name", NAMES, ids=ascii)
    def test_finds_a_tag_by_its_name_whatever_that_holds(self, session, make, name):
        """The second time it is there, by all verbs, and among names that hold the same words."""
        project = Project.ref(make.project().pk)
        make.tag(project_id=project.id, name=f"{name} and more")
        tag, made = project.tags.get_or_create(name=name)

        again, remade = TaskTag.objects.get_or_create(name=name, project=project)
        changed, _ = project.tags.update_or_create(name=name, defaults={"description": "d"})

        assert (name, True, False, "d") == (tag.name, made, remade, changed.description)
        assert {tag.id} == {again.id, changed.id}

    @pytest.mark.parametrize(("name", "other"), [("Ärger", "ärger"), ("Red", "red"), ("café", "cafe\u0301")])
    def test_goes_by_the_letters_of_a_name(self, session, make, name, other):
        """Another case, or another form of the same letters, is another name."""
        project = Project.ref(make.project().pk)

        made = [project.tags.get_or_create(name=each) for each in (name, other, name, other)]

        assert [True, True, False, False] == [flag for _, flag in made]
        assert [made[0][0].id, made[1][0].id] == [tag.id for tag, _ in made[2:]]

    @pytest.mark.every_api(full=True)
    @pytest.mark.parametrize("name", ["a\0b", "\ud800", "\t", " x"])
    def test_refuses_a_name_that_no_tag_can_have(self, session, name):
        """It would be made again each time, if at all."""
        with session.trace() as calls, pytest.raises(QueryError):
            TaskTag.objects.get_or_create(name=name, project=1)

        assert [] == list(calls)

    @pytest.mark.every_api(full=True)
    def test_race_gives_everyone_the_same_task(self, session, make):
        """Threads that race to create one task get that one task; a single one made it."""
        unit = make.units(1)[0]
        project = make.project(data_collection=unit.data_collection)
        start, found = threading.Barrier(4), []

        def race() -> None:
            start.wait()
            found.append(
                Task.objects.using(session).get_or_create(project=project.pk, defaults={"data_unit": unit.pk})
            )

        threads = [threading.Thread(target=race) for _ in range(4)]
        [thread.start() for thread in threads]
        [thread.join() for thread in threads]

        assert (1, 1) == (len({task.id for task, _ in found}), sum(made for _, made in found))


class TestDelete:
    @pytest.mark.every_api(full=True)
    def test_removes_the_row(self, task, row):
        """The row is gone from the table."""
        task.delete()

        assert not type(row).objects.filter(pk=row.pk).exists()

    @pytest.mark.every_api(full=True)
    @pytest.mark.parametrize(
        "use",
        [
            lambda task: task.save(),
            lambda task: task.delete(),
            lambda task: task.refresh(),
            lambda task: setattr(task, "is_discarded", True),
            lambda task: task.annotate({"a": 1}),
            lambda task: task.set_tags(add=[1]),
            lambda task: Assignment.objects.filter(tasks=task),
        ],
        ids=["save", "delete", "refresh", "assign", "annotate", "set_tags", "filter"],
    )
    def test_leaves_nothing_to_work_with(self, task, use):
        """A deleted object refuses every use, and nothing is sent."""
        task.delete()

        with assert_requests(0), pytest.raises(QueryError, match="was deleted"):
            use(task)

    @pytest.mark.every_api(full=True)
    def test_leaves_its_values_readable(self, task):
        """What was loaded can still be looked at."""
        task.delete()

        assert (1, False) == (task.meta["frame"], task.is_discarded)

    @pytest.mark.every_api(full=True)
    def test_of_a_row_that_is_gone_is_its_does_not_exist(self, session, row):
        """Deleting what someone else has deleted says so."""
        task = Task.objects.get(row.pk)
        row.delete()

        with pytest.raises(Task.DoesNotExist):
            task.delete()

    @pytest.mark.every_api(full=True)
    def test_is_not_a_field_to_link_to(self, session, make):
        """A deleted object is no target of a relation."""
        project = Project.objects.get(make.project().pk)
        project.delete()

        with assert_requests(0), pytest.raises(MappingError, match="was deleted"):
            TaskTag(name="x", project=project)


class TestMoments:
    def test_aware_datetimes_travel(self, session, make):
        """A datetime arrives as the instant that it is."""
        from synapse import JobLog

        moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)

        log = JobLog.objects.create(job=str(make.job().pk), event="tick", datetime=moment)

        assert moment == log.datetime == JobLog.objects.get(log.id).datetime
