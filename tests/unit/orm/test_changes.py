"""Exact changes, and what of them is sent."""

from __future__ import annotations

import pytest

from synapse import ConflictError, MappingError, Project, QueryError, Storage, Task, TaskTag, ValidationError
from synapse.testing import assert_requests, canned, page
from tests.unit.orm.tasks import ROW, TAG, task


class TestChanges:
    def test_of_a_fresh_row_are_none(self):
        """Loading is no change, nor is opening a field."""
        loaded, _ = task()
        loaded.meta, loaded.tags, loaded.data

        assert {} == loaded.changes

    def test_of_a_field_that_was_not_loaded(self):
        """A deferred field that is assigned is sent, whatever the backend holds."""
        one = Task.ref(7)
        one.meta, one.is_discarded = {}, False

        assert {"meta": {}, "is_discarded": False} == one.changes
        with assert_requests(0, session=canned({})):
            one.changes

    def test_of_equal_json_in_another_order_are_none(self):
        """Key order is no difference, a tuple is the list that it is sent as."""
        loaded, _ = task()
        loaded.meta = {"a": (1,)}

        assert {} == loaded.changes

    def test_leave_out_read_only_values(self):
        """What the backend sets is not sent, even if it was edited."""
        loaded, _ = task()
        loaded.files["image_1"] = None

        assert {} == loaded.changes

    def test_start_from_an_assigned_value(self):
        """JSON that was assigned stays the caller's own object; later edits of it count."""
        loaded, session = task()
        mine = {"x": 1}
        loaded.meta = mine
        mine["y"] = 2

        loaded.save()

        assert {"meta": {"x": 1, "y": 2}} == session.requests[-1].json

    @pytest.mark.parametrize("bad", [float("nan"), {1}, "\0", b"x"], ids=str)
    def test_of_what_was_edited_after_its_check_are_checked_again(self, bad):
        """What is put inside of JSON that was assigned may be what cannot be sent: nothing is, of no row."""
        new = [Task(project_id=1, data_unit_id=number, meta={"x": None}) for number in (1, 2)]
        new[1].meta["x"] = bad
        session = canned({})

        with pytest.raises(MappingError, match="Task.meta"):
            Task.objects.using(session).bulk_create(new)

        assert [] == session.requests

    def test_that_are_sent_are_copies(self):
        """What was sent stays as it was, whatever is done to the object afterwards."""
        loaded, session = task()
        loaded.meta = {"x": [1]}
        loaded.save()

        loaded.meta["x"].append(2)

        assert {"meta": {"x": [1]}} == session.requests[-1].json

    def test_keep_their_tuples_as_lists(self):
        """A tuple is no JSON, and is sent as a list."""
        loaded, session = task()
        loaded.meta = {"x": (1, 2)}

        loaded.save()

        assert {"meta": {"x": [1, 2]}} == session.requests[-1].json

    def test_forget_the_object_of_a_changed_key(self):
        """A new key does not go with the old object."""
        project = {"id": 1, "title": "one", "category": "image"}
        loaded, _ = task(
            **{"GET projects/1/": project, "GET projects/2/": {**project, "id": 2, "title": "two"}}
        )
        assert "one" == loaded.project.title

        loaded.project_id = 2

        assert "two" == loaded.project.title


class TestReadOnly:
    def test_values_that_were_edited_are_told(self):
        """An edit that goes nowhere is refused."""
        loaded, session = task()
        loaded.files["image_1"] = None

        with (
            assert_requests(0, session=session),
            pytest.raises(MappingError, match=r"Task.files is set by the backend, and was edited"),
        ):
            loaded.save()

        assert {} == loaded.refresh().files

    def test_that_were_read_are_no_hindrance(self):
        """Reading tags is no edit."""
        loaded, session = task()
        loaded.is_discarded = loaded.tags == [3]

        with assert_requests(1, session=session):
            loaded.save()


class TestDeletedLink:
    @pytest.mark.parametrize(
        "write",
        [lambda made: made.save(), lambda made: Task.objects.bulk_create([made])],
        ids=["save", "bulk_create"],
    )
    def test_is_refused_before_anything_is_sent(self, write):
        """An object that was set, and deleted since, cannot be linked to."""
        session = canned({"DELETE projects/1/": None})
        with session:
            project = Project.ref(1)
            made = Task(project=project, data_unit_id=2)
            project.delete()

            with pytest.raises(QueryError, match="Task.project is Project 1, which was deleted since"):
                write(made)

        assert ["DELETE"] == [request.method for request in session.requests]

    def test_that_was_replaced_is_none(self):
        """Another key, set later, names a project that is there."""
        session = canned({"DELETE projects/1/": None, "POST tasks/": {**ROW, "project": 3}})
        with session:
            project = Project.ref(1)
            made = Task(project=project, data_unit_id=2)
            project.delete()
            made.project_id = 3

            assert 7 == made.save().id

    def test_stands_in_no_way_of_other_changes(self):
        """A link that is not sent is not held against the object."""
        found, session = task(**{"GET projects/1/": {"id": 1}, "DELETE projects/1/": None})
        found.project.delete()
        found.is_discarded = True

        found.save()

        assert "PATCH" == session.requests[-1].method


class TestRefresh:
    def test_drops_changes_of_fields_that_the_row_lacks(self):
        """A storage's settings do not come with its row; an edit of them is dropped all the same."""
        row = {"id": 1, "name": "s", "provider": "minio", "category": "external"}
        storage = Storage.objects.using(canned({"GET storages/1/": row})).get(1)
        storage.configuration = {"secret_key": "x"}

        storage.refresh()

        assert {} == storage.changes


class TestGetOrCreate:
    @pytest.mark.parametrize(
        "refusal", [ValidationError("taken", status_code=400), ConflictError("x", status_code=409)]
    )
    def test_that_lost_a_race_gives_what_the_other_made(self, refusal):
        """The creation is refused, since someone was faster: theirs is given."""
        answers = [page(), page(TAG)]
        session = canned({"GET task_tags/": lambda _: answers.pop(0), "POST task_tags/": refusal})

        found, made = TaskTag.objects.using(session).get_or_create(project=1, defaults={"name": "n"})

        assert (4, False) == (found.id, made)

    @pytest.mark.parametrize("names", [["midnight", "night"], ["midnight"]])
    def test_of_a_tag_takes_the_same_name_only(self, names):
        """The backend finds parts of names; the whole one is compared here."""
        rows = [{**TAG, "id": 10 + n, "name": name} for n, name in enumerate(names)]
        session = canned({"GET task_tags/": page(*rows), "POST task_tags/": {**TAG, "name": "night"}})

        found, made = TaskTag.objects.using(session).get_or_create(name="night", project=1)

        assert ("night", len(names) == 1, "1") == (
            found.name,
            made,
            dict(session.requests[0].params)["project"],
        )

    def test_of_a_tag_named_twice_says_so(self):
        """Two tags of one name are not chosen among."""
        session = canned({"GET task_tags/": page(TAG, {**TAG, "id": 5})})

        with pytest.raises(TaskTag.MultipleObjectsReturned):
            TaskTag.objects.using(session).get_or_create(name="n", project=1)

    def test_that_is_refused_for_good_says_so(self):
        """A refusal with nothing to find is raised as it came."""
        refusal = ValidationError("name is bad", status_code=400)
        session = canned({"GET task_tags/": page(), "POST task_tags/": refusal})

        with pytest.raises(ValidationError, match="name is bad"):
            TaskTag.objects.using(session).get_or_create(project=1, defaults={"name": "n"})

    def test_creates_without_the_lookups_that_only_narrow(self):
        """`a__in` finds, and is no value of a new object."""
        session = canned({"GET sdk/tasks/": page(), "POST tasks/": [ROW]})

        Task.objects.using(session).get_or_create(
            project=1, status_label__in=["completed"], defaults={"data_unit": 2}
        )

        assert [{"project": 1, "data_unit": 2}] == session.requests[-1].json

    def test_update_sends_nothing_for_what_is_so_already(self):
        """A match that holds the defaults is left alone."""
        session = canned({"GET task_tags/": page(TAG)})

        with assert_requests(1, session=session):
            TaskTag.objects.using(session).update_or_create(project=1, defaults={"name": "n"})
