"""Creations whose answer never came: found by what was sent, since it was sent, on the backend's own clock."""

from __future__ import annotations

import pickle
import time

import pytest

from synapse import BulkError, DataUnit, QueryError, Storage, Task, TaskTag, WriteUnconfirmedError
from synapse.orm.unconfirmed import without_secrets
from synapse.testing import canned, page
from tests.unit.orm.lost import LOST, again, at, backend, listed, lost, tag

pytestmark = pytest.mark.usefixtures("clock")


class TestDone:
    def test_gives_the_object_its_key(self):
        """The row that was made becomes the object's own, as if its answer had come."""
        session = backend(listed(tag(5, description="by the backend"), tag(4, made=-60)))
        made, error = lost(session)
        found = error.resolve()

        assert (True, False, (made,)) == (found.done, found.repeatable, found.rows)
        assert (5, {}, "by the backend") == (made.id, made.changes, made.description)

    def test_keeps_what_was_assigned_since(self):
        """A later edit is still to be saved."""
        made, error = lost(backend(listed(tag(5))))
        made.description = "later"
        error.resolve()

        assert {"description": "later"} == made.changes

    def test_is_told_again(self):
        """Asking twice gives the same answer."""
        made, error = lost(backend(listed(tag(5))))

        assert error.resolve() == error.resolve()
        assert 5 == made.id

    def test_never_writes(self):
        """Only lists are read."""
        session = backend(listed(tag(5)))
        _, error = lost(session)
        error.resolve()

        assert ["POST", "GET"] == [request.method for request in session.requests]

    def test_narrows_by_the_links_that_were_sent(self):
        """One page of the newest rows of the same parent is enough."""
        session = backend(listed(tag(5)))
        _, error = lost(session)
        error.resolve()

        assert {"project": "1", "ordering": "-id"}.items() <= dict(session.requests[-1].params).items()

    @pytest.mark.parametrize("ahead", [-3600, 3600])
    def test_goes_by_the_clock_of_the_backend(self, ahead):
        """A clock that is wrong by an hour hides nothing, and makes nothing old look new."""
        session = backend(listed(tag(5, made=ahead), tag(4, made=ahead - 60), ahead=ahead))
        made, error = lost(session)

        assert error.resolve().done
        assert 5 == made.id

    def test_of_an_answer_without_a_key(self):
        """A creation that was answered by nothing is found as well."""
        session = backend(listed(tag(5, meta={"a": 1})), **{"POST task_tags/": {}})
        made, error = lost(session, meta={"a": 1})

        assert error.resolve().done
        assert (5, {}) == (made.id, made.changes)


class TestFiles:
    """A data unit is told from others by the paths of its files."""

    def lost(self, path):
        """Create a unit, and show one whose file has this path."""
        file = {"url": "/m/x.png", "file_name_original": "x.png", "path_original": path}
        row = {
            "id": 9,
            "data_collection": 1,
            "files": {"image_1": file},
            "meta": {},
            "created": at().isoformat(),
        }
        session = backend([], **{"POST data_units/": again(LOST), "GET data_units/": listed(row)})
        unit = DataUnit(data_collection_id=1, files={"image_1": {"checksum": "c", "path": "a/x.png"}})
        unit._state.session = session
        with pytest.raises(WriteUnconfirmedError) as caught:
            unit.save()
        return caught.value.resolve()

    @pytest.mark.parametrize(("path", "told"), [("a/x.png", (True, False)), ("b/x.png", (False, True))])
    def test_are_held_against_those_that_were_sent(self, path, told):
        """Another file of the same name is another unit."""
        assert told == self.lost(path)[:2]


class TestRepeatable:
    @pytest.mark.parametrize(
        "other",
        [None, {"made": -7200}, {"name": "day"}, {"project": 2}],
        ids=["no rows", "an older one", "another name", "another project"],
    )
    def test_where_nothing_was_made(self, other):
        """Rows that are older or hold something else are not it."""
        made, error = lost(backend(listed() if other is None else listed(tag(4, **other))))
        found = error.resolve()

        assert (False, True, ()) == (found.done, found.repeatable, found.rows)
        assert (None, "night") == (made.pk, made.name)

    def test_after_an_answer_that_cannot_be_read(self):
        """All that was sent is held against a stranger's row, and sent again."""
        session = backend(listed(tag(6)), **{"POST task_tags/": tag(5, name=17)})
        made, error = lost(session, name="mine", meta={"a": 1})

        assert error.resolve().repeatable
        assert {"project_id": 1, "name": "mine", "meta": {"a": 1}} == made.changes

    def test_not_for_what_this_session_made_itself(self):
        """Its own row of the same values, made a moment before, is known and left out."""
        session = backend(listed(tag(5)), **{"POST task_tags/": tag(5)})
        TaskTag.objects.using(session).create(project_id=1, name="night")
        session.replies["POST task_tags/"] = again(LOST)
        _, error = lost(session)

        assert error.resolve().repeatable

    def test_is_not_said_before_the_limit(self):
        """As long as the backend may be at work, it is looked for, and nothing is concluded."""
        session = backend(listed(), read=60)
        _, error = lost(session)
        found = error.resolve(wait=0)

        assert (False, False) == (found.done, found.repeatable)
        assert "may still be at work" in str(found)

    def test_is_looked_for_until_it_comes(self):
        """A backend that was only slow is waited for."""
        answers = [listed(), listed(), listed(tag(5))]
        session = backend(lambda request: answers.pop(0), read=60)
        made, error = lost(session)

        assert error.resolve().done
        assert (5, []) == (made.id, answers)


class TestDoubt:
    def test_of_two_that_are_alike(self):
        """Two rows that could be it are shown, and none is taken."""
        made, error = lost(backend(listed(tag(6), tag(5))))
        found = error.resolve()

        assert (False, False, [6, 5]) == (found.done, found.repeatable, [row.id for row in found.rows])
        assert None is made.pk

    def test_of_an_older_one_that_is_alike(self):
        """What answers and what makes the rows may have clocks of their own: it is never said not to be there."""
        made, error = lost(backend(listed(tag(5, made=-60))))
        found = error.resolve()

        assert (False, False, [5]) == (found.done, found.repeatable, [row.id for row in found.rows])
        assert None is made.pk

    def test_of_a_clock_that_is_set(self, monkeypatch):
        """Set back or forward after the sending, it makes nothing `repeatable` that is there."""
        for hours in (-5, 5):
            monkeypatch.undo()
            _, error = lost(backend(listed(tag(5))))
            wrong = time.time() + hours * 3600
            monkeypatch.setattr("synapse.orm.unconfirmed.time.time", lambda now=wrong: now)

            assert not error.resolve().repeatable

    @pytest.mark.parametrize("shown", [{"a": 1, "b": 2}, {"A": 1, "a": 1.0}])
    def test_is_none_of_json_that_the_backend_added_to(self, shown):
        """The only row that may be made of what was sent is it."""
        made, error = lost(backend(listed(tag(5, meta=shown))), meta={"a": 1})

        assert (True, 5) == (error.resolve().done, made.id)

    def test_of_json_that_lacks_something(self):
        """A row that may have been made of it, in part, is shown."""
        _, error = lost(backend(listed(tag(5, meta={"b": 2}))), meta={"a": 1})
        found = error.resolve()

        assert (False, False, [5]) == (found.done, found.repeatable, [row.id for row in found.rows])

    def test_of_answers_without_a_date(self):
        """Without the backend's clock, a row may be an older one."""
        _, error = lost(backend(listed(tag(5), dated=False)))

        assert "does not say when" in str(error.resolve())

    def test_of_rows_without_a_date(self):
        """A storage does not tell when it was made."""
        row = {"id": 1, "name": "s", "provider": "gcp", "category": "external"}
        session = backend([], **{"POST storages/": again(LOST), "GET storages/": listed(row)})
        with pytest.raises(WriteUnconfirmedError) as caught:
            Storage.objects.using(session).create(name="s", provider="gcp")

        assert "does not say when" in str(caught.value.resolve())

    def test_of_more_rows_than_are_read(self, monkeypatch):
        """A flood of new rows hides nothing: it is said."""
        monkeypatch.setattr("synapse.orm.recent_rows.MOST", 2)
        monkeypatch.setattr("synapse.orm.recent_rows.PAGE", 1)
        more = page(tag(5, name="day")) | {"next": "https://canned.invalid/task_tags/?page=2", "count": 9}
        reply = listed()
        reply.data.update(more)
        _, error = lost(backend(reply))

        assert "not all TaskTag rows" in str(error.resolve())

    def test_of_a_row_that_cannot_be_read(self):
        """It may be the one; but where another one surely is, that is told."""
        _, error = lost(backend(listed(tag(6, name=5))))
        assert "not all TaskTag rows" in str(error.resolve())

        _, error = lost(backend(listed(tag(6, name=5), tag(5))))
        assert error.resolve().done


class TestBatch:
    def row(self, key):
        """Give a task's row, made now."""
        return {"id": key, "project": 1, "data_unit": key, "created": at().isoformat()}

    def lost(self, *rows):
        """Create two tasks by one request, and return them with what was raised."""
        session = backend([], **{"POST tasks/": again(LOST), "GET sdk/tasks/": listed(*rows)})
        tasks = [Task(project_id=1, data_unit_id=key) for key in (7, 8)]
        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).bulk_create(tasks)
        return tasks, caught.value.failed[0][1]

    def test_that_is_there_gives_each_object_its_key(self):
        """Each object is found by what tells it from the others."""
        tasks, error = self.lost(self.row(8), self.row(7))

        assert error.resolve().done
        assert [7, 8] == [task.id for task in tasks]

    def test_that_is_there_in_part_is_told(self):
        """Whoever sends them again leaves out those that are there."""
        tasks, error = self.lost(self.row(8))
        found = error.resolve()

        assert (False, False, [8]) == (found.done, found.repeatable, [row.id for row in found.rows])
        assert "1 of 2 are there: Task 8" in str(found)


class TestTravelling:
    def test_asks_through_the_current_session(self):
        """A pickled error has no session, and finds the row all the same."""
        session = backend(listed(tag(5)))
        _, error = lost(session)
        arrived = pickle.loads(pickle.dumps(error))
        with session:
            found = arrived.resolve()

        assert (True, [5]) == (found.done, [row.id for row in found.rows])

    def test_refuses_another_backend(self):
        """Another backend knows nothing of it."""
        _, error = lost(backend(listed(tag(5))))
        other = canned({})
        other.host = "https://other.invalid"

        with pytest.raises(QueryError, match="another one there"):
            error.resolve(using=other)

    def test_refuses_another_workspace(self):
        """It knows nothing of it either."""
        session = canned({"POST task_tags/": again(LOST)}, tenant="one")
        _, error = lost(session)
        arrived = pickle.loads(pickle.dumps(error))

        with pytest.raises(QueryError, match="workspace 'one'"):
            arrived.resolve(using=canned({}, tenant="two"))

    def test_keeps_what_is_empty(self):
        """An empty configuration is no secret, and tells what it is of."""
        values = {"specs": [{"name": "image_1", "configuration": {}}], "configuration": {"key": "x"}}

        assert {"specs"} == without_secrets(values).keys()

    def test_leaves_secrets_behind_and_says_so(self):
        """What could be a secret is in no pickle; what is left of it proves nothing."""
        session = backend(listed(tag(5, meta={"token": "hush"})))
        _, error = lost(session, meta={"token": "hush"})
        kept = pickle.dumps(error)
        with session:
            found = pickle.loads(kept).resolve()

        assert b"hush" not in kept
        assert (False, False, [5]) == (found.done, found.repeatable, [row.id for row in found.rows])


def test_a_session_remembers_its_latest_rows_only(monkeypatch):
    """What it made long ago is not kept for ever."""
    monkeypatch.setattr("synapse.session.session._REMEMBERED", 2)
    session = canned({})
    for key in (1, 2, 3):
        session.note_made("tasks", key)

    assert [False, True, True] == [session.has_made("tasks", key) for key in (1, 2, 3)]
