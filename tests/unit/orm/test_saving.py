"""`save(check=True)`: nobody's changes are overwritten unseen."""

from __future__ import annotations

import pickle

import attrs
import pytest

from synapse import (
    UNSET,
    Conflict,
    ConflictError,
    DataCollection,
    FileSpecification,
    Project,
    QueryError,
    Storage,
    Task,
    TaskTag,
)
from synapse.testing import canned

ROW = {
    "id": 7,
    "project": 1,
    "data_unit": 2,
    "meta": {"a": 1},
    "data": None,
    "is_discarded": False,
    "tags": [],
}


OLD = {"id": 1, "title": "old", "category": "image"}


def task(now=None):
    """Give a task that was loaded before its row became this, and its session."""
    row = {**ROW, **(now or {})}
    session = canned({"GET tasks/7/": ROW, "PATCH tasks/7/": lambda request: {**row, **request.json}})
    loaded = Task.objects.using(session).get(7)
    session.replies["GET tasks/7/"] = row
    session.requests.clear()
    return loaded, session


def methods(session):
    """Give the methods of what was sent."""
    return [request.method for request in session.requests]


class TestChecked:
    def test_reads_once_and_sends_the_changes(self):
        """Where nobody else wrote, it is one more request."""
        loaded, session = task()
        loaded.is_discarded = True
        loaded.save(check=True)

        assert ["GET", "PATCH"] == methods(session)

    @pytest.mark.parametrize(
        ("now", "change"),
        [
            ({"meta": {"a": 3}}, {"meta": {"a": 2}}),
            ({"meta": None}, {"meta": {"a": 2}}),
            ({"meta": {"a": True}}, {"meta": {"a": 2}}),
            ({"is_discarded": True, "meta": {"a": 3}}, {"is_discarded": True, "meta": None}),
            ({"data": {"b": 1}}, {"data": {"b": 2}}),
            ({"project": 5}, {"project_id": 6}),
        ],
        ids=["json", "null", "another kind of 1", "one of two", "from null", "relation"],
    )
    def test_refuses_what_somebody_else_changed(self, now, change):
        """Nothing is sent, and the changes are kept."""
        loaded, session = task(now)
        for name, value in change.items():
            setattr(loaded, name, value)
        with pytest.raises(ConflictError, match="changed by somebody else"):
            loaded.save(check=True)

        assert ["GET"] == methods(session)
        assert change == loaded.changes

    @pytest.mark.parametrize(
        ("now", "change"),
        [
            ({"meta": {"a": 2}}, {"meta": {"a": 2}}),
            ({"data": {"x": 1}}, {"meta": {"a": 2}}),
            ({"meta": {"a": 3}}, {"is_discarded": True}),
        ],
        ids=["the same change", "another field", "a field that is not sent"],
    )
    def test_minds_only_what_it_would_overwrite(self, now, change):
        """What others did elsewhere, or did alike, stands in no way."""
        loaded, session = task(now)
        for name, value in change.items():
            setattr(loaded, name, value)
        loaded.save(check=True)

        assert ["GET", "PATCH"] == methods(session)

    def test_takes_what_was_loaded_in_other_words_for_unchanged(self):
        """Members that a backend fills in with what they are anyway are nobody's change."""
        row = {"id": 1, "name": "signs", "file_specifications": [{"name": "image_1", "file_type": "image"}]}
        session = canned(
            {
                "GET data_collections/1/": row,
                "PATCH data_collections/1/": lambda request: {**row, **request.json},
            }
        )
        collection = DataCollection.objects.using(session).get(1)
        filled = attrs.asdict(collection.file_specifications[0])
        collection = DataCollection.objects.using(session).get(1)
        session.replies["GET data_collections/1/"] = {**row, "file_specifications": [filled]}
        collection.file_specifications = [FileSpecification(name="video_1", file_type="video")]
        collection.save(check=True)

        assert "PATCH" in methods(session)

    def test_takes_its_own_text_without_blanks_for_its_own(self):
        """Backends take them off: after a lost answer, nobody else is blamed."""
        session = canned({"PATCH projects/1/": {"id": 1, "title": "Night"}, "GET projects/1/": OLD})
        project = Project.objects.using(session).get(1)
        session.replies["GET projects/1/"] = {**OLD, "title": "Night"}
        project.title = " Night "
        project.save(check=True)

        assert {} == project.changes

    def test_tells_all_three_values(self):
        """Enough to merge them."""
        loaded, _ = task({"meta": {"a": 3}})
        loaded.meta["a"] = 2
        with pytest.raises(ConflictError) as caught:
            loaded.save(check=True)

        assert {"meta": Conflict({"a": 1}, {"a": 3}, {"a": 2})} == caught.value.conflicts
        assert (409, None) == (caught.value.status_code, caught.value.response)

    def test_can_be_merged_and_saved(self):
        """After refresh(), which drops the changes, they are made on top of theirs."""
        loaded, session = task({"meta": {"a": 1, "theirs": 1}})
        loaded.meta["mine"] = 1
        with pytest.raises(ConflictError) as caught:
            loaded.save(check=True)
        conflict = caught.value.conflicts["meta"]
        loaded.refresh().meta = {**conflict.theirs, **conflict.mine}
        loaded.save(check=True)

        assert {"meta": {"a": 1, "theirs": 1, "mine": 1}} == session.requests[-1].json

    def test_says_of_a_field_that_was_never_loaded(self):
        """There is nothing to hold it against: it is not overwritten unseen."""
        one, session = task()
        one = Task.ref(7)
        one._state.session, one.meta = session, {"a": 2}
        with pytest.raises(ConflictError, match="meta is dict.*; read meta before you set it") as caught:
            one.save(check=True)

        assert "changed by somebody else" not in str(caught.value)
        assert UNSET is caught.value.conflicts["meta"].loaded

    def test_of_a_new_object_has_nothing_to_check(self):
        """It is created."""
        session = canned({"POST task_tags/": {"id": 1, "project": 1, "name": "n", "category": "project"}})
        tag = TaskTag(project_id=1, name="n")
        tag._state.session = session
        tag.save(check=True)

        assert ["POST"] == methods(session)

    def test_without_changes_sends_nothing(self):
        """There is nothing to overwrite."""
        loaded, session = task({"meta": None})
        loaded.save(check=True)

        assert [] == methods(session)

    def test_of_a_row_that_is_gone(self):
        """What was deleted cannot be saved."""
        loaded, session = task()
        session.replies["GET tasks/7/"] = Task.DoesNotExist("gone", status_code=404)
        loaded.meta = None

        with pytest.raises(Task.DoesNotExist):
            loaded.save(check=True)
        assert {"meta": None} == loaded.changes

    @pytest.mark.parametrize("wrong", ["yes", 1, None])
    def test_takes_a_truth(self, wrong):
        """Anything else is refused before anything is sent."""
        loaded, session = task()
        loaded.meta = None

        with pytest.raises(QueryError, match=r"save\(check=\.\.\.\) takes True or False"):
            loaded.save(check=wrong)
        assert [] == methods(session)


def test_what_a_conflict_shows_are_copies():
    """An edit of what `error.conflicts` shows is none of the object."""
    loaded, _ = task({"meta": {"a": 3}})
    loaded.meta = {"a": 2}
    with pytest.raises(ConflictError) as caught:
        loaded.save(check=True)
    conflict = caught.value.conflicts["meta"]
    conflict.mine["x"] = conflict.loaded["x"] = 1

    assert {"meta": {"a": 2}} == loaded.changes
    assert "x" not in loaded._state.loaded("meta")


class TestSecrets:
    def test_are_in_no_conflict(self):
        """A secret field is named, and its values are not."""
        row = {"id": 1, "name": "s", "provider": "gcp", "configuration": {"key": "old"}}
        session = canned({"GET storages/1/": row})
        storage = Storage.objects.using(session).get(1)
        storage.configuration = {"key": "hush"}
        session.replies["GET storages/1/"] = {**row, "configuration": {"key": "theirs"}}
        with pytest.raises(ConflictError, match=r"configuration \(a secret\)") as caught:
            storage.save(check=True)

        assert {"configuration": Conflict(UNSET, UNSET, UNSET)} == caught.value.conflicts


def test_a_conflict_travels():
    """The error and its conflicts survive pickling."""
    loaded, _ = task({"meta": {"a": 3}})
    loaded.meta["a"] = 2
    with pytest.raises(ConflictError) as caught:
        loaded.save(check=True)
    arrived = pickle.loads(pickle.dumps(caught.value))

    assert (str(caught.value), caught.value.conflicts) == (str(arrived), arrived.conflicts)
