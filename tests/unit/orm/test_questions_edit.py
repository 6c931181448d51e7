"""Changes whose answer never came: the row is held against what was sent and what was loaded."""

from __future__ import annotations

import pickle

import pytest

from synapse import BulkError, Job, Plugin, Storage, Task, WriteUnconfirmedError
from synapse.dialects import Reply
from synapse.testing import canned, page
from tests.unit.orm.lost import again

pytestmark = pytest.mark.usefixtures("clock")

ROW = {"id": 7, "project": 1, "data_unit": 2, "meta": {"a": 1}, "is_discarded": False, "tags": []}
LOST = WriteUnconfirmedError("PATCH /tasks/7/: the connection was lost")


def lost(now, **changes):
    """Change a loaded task, lose the answer, and show this row since; give the task, its error and the session."""
    session = canned(
        {"GET tasks/7/": ROW, "PATCH tasks/7/": again(LOST)}, timeout={"connect": 1, "read": 0.05}
    )
    task = Task.objects.using(session).get(7)
    for name, value in changes.items():
        setattr(task, name, value)
    with pytest.raises(WriteUnconfirmedError) as caught:
        task.save()
    session.replies["GET tasks/7/"] = {**ROW, **now} if isinstance(now, dict) else now
    return task, caught.value, session


class TestEdit:
    def test_is_done_where_every_field_is_as_sent(self):
        """The object is saved, as if its answer had come."""
        task, error, _ = lost({"meta": {"a": 2}, "is_discarded": True}, meta={"a": 2}, is_discarded=True)
        found = error.resolve()

        assert (True, (task,), {}) == (found.done, found.rows, task.changes)

    def test_is_repeatable_where_every_field_is_as_loaded(self):
        """The changes are kept, and may be sent again."""
        task, error, session = lost({}, meta={"a": 2})
        assert error.resolve().repeatable

        session.replies["PATCH tasks/7/"] = {**ROW, "meta": {"a": 2}}
        task.save()
        assert {} == task.changes

    def test_cannot_be_told_where_somebody_else_wrote(self):
        """What the row holds is told, and the changes are kept."""
        task, error, _ = lost({"meta": {"a": 3}}, meta={"a": 2})
        found = error.resolve()

        assert (False, False, {"a": 3}) == (found.done, found.repeatable, found.rows[0].meta)
        assert "meta dict with 'a'" in str(found)
        assert {"meta": {"a": 2}} == task.changes

    def test_cannot_be_told_in_part(self):
        """A change is whole or not at all, so one field as sent and one as loaded are somebody else's."""
        _, error, _ = lost({"meta": {"a": 2}}, meta={"a": 2}, is_discarded=True)
        found = error.resolve()

        assert (False, False) == (found.done, found.repeatable)

    def test_of_a_field_that_was_never_loaded(self):
        """What it was before is not known, so nothing says whether it was written and overwritten."""
        session = canned({"GET tasks/7/": ROW, "PATCH tasks/7/": again(LOST)})
        task = Task.ref(7)
        task._state.session, task.meta = session, {"a": 2}
        with pytest.raises(WriteUnconfirmedError) as caught:
            task.save()

        assert (False, False) == caught.value.resolve()[:2]

    def test_of_a_row_that_is_gone(self):
        """A row that was deleted meanwhile is told."""
        gone = Task.DoesNotExist("Not found.", status_code=404)
        _, error, _ = lost(gone, meta={"a": 2})

        assert "does not exist" in str(error.resolve())

    def test_keeps_what_was_assigned_since(self):
        """Another edit of the same field is still to be saved."""
        task, error, _ = lost({"meta": {"a": 2}}, meta={"a": 2})
        task.meta["b"] = 1
        error.resolve()

        assert {"meta": {"a": 2, "b": 1}} == task.changes

    def test_shares_nothing_with_the_rows_that_it_shows(self):
        """An edit of what was found is no edit of the object."""
        task, error, session = lost({"meta": {"a": 2}}, meta={"a": 2})
        raw = {**ROW, "meta": {"a": 2}}
        session.replies["GET tasks/7/"] = lambda request: Reply(200, raw)
        error.resolve()
        task.meta["b"] = 1

        assert ({"a": 2}, {"meta": {"a": 2, "b": 1}}) == (raw["meta"], task.changes)

    def test_takes_texts_without_blanks_around(self):
        """Backends strip texts."""
        row = {"id": 1, "code": "c", "name": "old", "category": "custom"}
        session = canned({"GET plugins/1/": row, "PUT plugins/1/": again(LOST)})
        plugin = Plugin.objects.using(session).get(1)
        plugin.name = " new "
        with pytest.raises(WriteUnconfirmedError) as caught:
            plugin.save()
        session.replies["GET plugins/1/"] = {**row, "name": "new"}

        assert caught.value.resolve().done

    def test_does_not_take_what_was_there_for_a_rewritten_text(self):
        """A title that differs by its case only is still the old one."""
        row = {"id": 1, "code": "c", "name": "night", "category": "custom"}
        session = canned(
            {"GET plugins/1/": row, "PUT plugins/1/": again(LOST)}, timeout={"connect": 1, "read": 0.05}
        )
        plugin = Plugin.objects.using(session).get(1)
        plugin.name = "Night"
        with pytest.raises(WriteUnconfirmedError) as caught:
            plugin.save()

        assert caught.value.resolve().repeatable

    def test_of_many_rows_is_told_row_by_row(self):
        """Each failed row of an update can be asked about."""
        session = canned(
            {"GET sdk/tasks/": page(ROW), "GET tasks/7/": ROW, "PATCH tasks/7/": again(LOST)},
            timeout={"connect": 1, "read": 0.05},
        )
        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).filter(project=1).update(is_discarded=True)
        error = caught.value.failed[0][1]
        assert error.resolve().repeatable

        session.replies["GET tasks/7/"] = {**ROW, "is_discarded": True}
        assert error.resolve().done

    def test_of_a_secret_cannot_be_told(self):
        """A secret is in no question, so nothing is there to compare."""
        row = {"id": 1, "name": "s", "provider": "gcp", "configuration": {"secret_key": "old"}}
        session = canned({"GET storages/1/": row, "PATCH storages/1/": again(LOST)})
        storage = Storage.objects.using(session).get(1)
        storage.configuration = {"secret_key": "hush"}
        with pytest.raises(WriteUnconfirmedError) as caught:
            storage.save()

        assert "nothing of a Storage tells" in str(caught.value.resolve())
        assert b"hush" not in pickle.dumps(caught.value)

    def test_keeps_a_secret_that_was_set_since(self):
        """No row shows it, so it stays to be saved."""
        row = {"id": 1, "name": "s", "provider": "gcp"}
        session = canned({"GET storages/1/": row, "PATCH storages/1/": again(LOST)})
        storage = Storage.objects.using(session).get(1)
        storage.name, storage.configuration = "new", {"key": "two"}
        with pytest.raises(WriteUnconfirmedError) as caught:
            storage.save()
        storage.configuration = {"key": "three"}
        session.replies["GET storages/1/"] = {**row, "name": "new"}

        assert caught.value.resolve().done
        assert {"configuration": {"key": "three"}} == storage.changes

    def test_travels(self):
        """A pickled error asks through the current session."""
        _, error, session = lost({"meta": {"a": 2}}, meta={"a": 2})
        arrived = pickle.loads(pickle.dumps(error))
        with session:
            found = arrived.resolve()

        assert (True, [7]) == (found.done, [row.id for row in found.rows])


class TestStop:
    ROW = {"id": "j", "status": "RUNNING", "action": "go"}

    @pytest.mark.parametrize(
        ("status", "told"),
        [
            ("STOPPED", (True, False)),
            ("stopped", (True, False)),
            ("RUNNING", (False, True)),
            ("FAILED", (False, False)),
        ],
    )
    def test_is_told_by_the_status(self, status, told):
        """A job that ended by itself meanwhile is neither."""
        session = canned(
            {"GET jobs/j/": self.ROW, "PATCH jobs/j/": again(LOST)}, timeout={"connect": 1, "read": 0.05}
        )
        job = Job.objects.using(session).get("j")
        with pytest.raises(WriteUnconfirmedError) as caught:
            job.stop()
        session.replies["GET jobs/j/"] = {**self.ROW, "status": status}
        found = caught.value.resolve()

        assert told == (found.done, found.repeatable)
        assert ("STOPPED" if found.done else "RUNNING") == job.status


class TestRemoval:
    @pytest.mark.parametrize("there", [True, False])
    def test_is_done_where_the_row_is_gone(self, there):
        """The object knows it then; a row that is there may be deleted once more."""
        session = canned({"GET tasks/7/": ROW, "DELETE tasks/7/": {"login": "please"}})
        task = Task.objects.using(session).get(7)
        with pytest.raises(WriteUnconfirmedError, match="was to be deleted") as caught:
            task.delete()
        if not there:
            session.replies["GET tasks/7/"] = Task.DoesNotExist("gone", status_code=404)
        found = caught.value.resolve()

        assert (not there, there) == (found.done, found.repeatable)
        assert there != task._state.deleted
