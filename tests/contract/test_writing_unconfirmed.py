"""Writes whose answer is lost: told as such, and never sent a second time."""

from __future__ import annotations

import pytest

from synapse import (
    BulkError,
    ConfigError,
    Plugin,
    Retry,
    Session,
    Task,
    TaskTag,
    WriteUnconfirmedError,
)
from tests.servers import Server, cut, reply, reset

ROW = {"id": 7, "project": 1, "data_unit": 2, "meta": {"a": 1}, "is_discarded": False, "tags": []}
QUICK = Retry(total=3, backoff=0.001)
LOST = {"reset": reset, "cut": cut(reply(200, ROW), at=5), "not JSON": reply(200, raw=b"<html>")}


@pytest.fixture(params=LOST.values(), ids=LOST)
def lost(request):
    """A server that takes every request and swallows the answer, and a session for it."""
    with Server(request.param) as server:
        yield server, Session(server.origin, api_token="t", retry=QUICK)


def loaded(session: Session) -> Task:
    """Give a task of this session that was read before the answers were lost."""
    task = Task.ref(7)
    task._state.session = session
    return task


class TestUnknownOutcome:
    @pytest.mark.parametrize(
        "write",
        [
            lambda session: Task.objects.using(session).create(project_id=1, data_unit_id=2),
            lambda session: setattr(task := loaded(session), "is_discarded", True) or task.save(),
        ],
        ids=["create", "save"],
    )
    def test_is_not_repeated(self, lost, write):
        """The request arrived once, and the error says that nobody knows."""
        server, session = lost

        with pytest.raises(WriteUnconfirmedError, match="may or may not have happened"):
            write(session)

        assert 1 == len(server.lines)

    def test_leaves_the_change_unsaved(self, lost):
        """What may not have arrived is still a change, so that it can be saved again."""
        _, session = lost
        task = loaded(session)
        task.is_discarded = True

        with pytest.raises(WriteUnconfirmedError):
            task.save()

        assert {"is_discarded": True} == task.changes

    def test_of_one_batch_is_told_with_its_objects(self, lost):
        """A batch without an answer is among the failed; the next one is sent, once as well."""
        server, session = lost
        tasks = [Task(project_id=1, data_unit_id=n) for n in (1, 2)]

        with pytest.raises(BulkError) as caught:
            Task.objects.using(session).bulk_create(tasks, batch_size=1)

        assert [WriteUnconfirmedError] * 2 == [type(error) for _, error in caught.value.failed]
        assert ["POST /tasks/"] * 2 == server.lines

    def test_does_not_become_a_second_row(self, lost):
        """`get_or_create()` does not look for, or create, what it may have created already."""
        server, session = lost
        server.script.insert(0, reply(200, {"count": 0, "next": None, "results": []}))

        with pytest.raises(WriteUnconfirmedError):
            TaskTag.objects.using(session).get_or_create(project=1, defaults={"name": "x"})

        assert ["GET", "POST"] == [line.partition(" ")[0] for line in server.lines]


class TestSafeRepeats:
    def test_a_put_is_repeated(self):
        """A plugin is changed by PUT, which may be sent again."""
        row = {"id": 1, "code": "c", "name": "n", "category": "custom"}
        with Server(reset, reply(200, row)) as server:
            plugin = Plugin.ref(1)
            plugin._state.session = Session(server.origin, api_token="t", retry=QUICK)
            plugin.name = "n"
            plugin.save()

            assert (["PUT /plugins/1/"] * 2, {}) == (server.lines, plugin.changes)

    def test_a_delete_whose_answer_was_lost_is_done(self):
        """The repeat finds nothing, since the first attempt did it."""
        with Server(reset, reply(404, {"detail": "Not found."})) as server:
            task = loaded(Session(server.origin, api_token="t", retry=QUICK))
            task.delete()

            assert ["DELETE /tasks/7/"] * 2 == server.lines

    def test_a_write_that_was_surely_refused_is_repeated(self):
        """A 503 in the backend's own words means that it did not act."""
        with Server(reply(503, {"detail": "later"}), reply(201, [ROW])) as server:
            session = Session(server.origin, api_token="t", retry=QUICK)
            task = Task.objects.using(session).create(project_id=1, data_unit_id=2)

            assert (7, 2) == (task.id, len(server.lines))


class TestOddAnswers:
    @pytest.mark.parametrize("answer", [{}, [], [ROW, ROW], {"id": None}, "done", None])
    def test_a_creation_without_a_key_is_told(self, answer):
        """An answer that names no key leaves the object new, and says that the row may exist."""
        with Server(reply(201, answer)) as server:
            session = Session(server.origin, api_token="t", retry=QUICK)
            tag = TaskTag(project_id=1, name="x", meta={"n": 1})
            with session, pytest.raises(WriteUnconfirmedError, match="cannot be read"):
                tag.save()

            assert (None, {"project_id": 1, "name": "x", "meta": {"n": 1}}) == (tag.pk, tag.changes)
            assert 1 == len(server.lines)

    def test_a_change_with_an_empty_answer_is_done(self):
        """What was sent stays, as saved."""
        with Server(reply(200, None)) as server:
            task = loaded(Session(server.origin, api_token="t", retry=QUICK))
            task.meta = {"a": 2}
            task.save()

            assert ({"a": 2}, {}, 1) == (task.meta, task.changes, len(server.lines))

    @pytest.mark.parametrize(
        "answer", [{}, [], "ok", {"status": "log in"}, {**ROW, "id": 8}, {**ROW, "meta": 1}]
    )
    def test_a_change_that_is_answered_by_anything_but_its_row_is_told(self, answer):
        """A gateway may have answered: the object is what it was, with its changes, and can be asked about."""
        with Server(reply(200, answer)) as server:
            task = loaded(Session(server.origin, api_token="t", retry=QUICK))
            task.meta = {"a": 2}
            with pytest.raises(WriteUnconfirmedError, match="Task 7 was to be changed") as caught:
                task.save()

            assert (7, {"meta": {"a": 2}}, 1) == (task.pk, task.changes, len(server.lines))
            assert caught.value.question is not None

    def test_a_deletion_that_is_answered_by_a_page_is_told(self):
        """The row may be there: asking reads it."""
        with Server(reply(200, {"login": "please"}), reply(200, ROW)) as server:
            task = loaded(Session(server.origin, api_token="t", retry=QUICK))
            with pytest.raises(WriteUnconfirmedError, match="Task 7 was to be deleted") as caught:
                task.delete()

            assert caught.value.resolve().repeatable
            assert (7, ["DELETE", "GET"]) == (task.pk, [line.split()[0] for line in server.lines])

    @pytest.mark.parametrize("answer", [[ROW], {}, "done"])
    def test_a_batch_of_another_length_is_told(self, answer):
        """Rows that cannot be matched to objects may exist, and nothing is guessed."""
        with Server(reply(201, answer)) as server:
            session = Session(server.origin, api_token="t", retry=QUICK)
            tasks = [Task(project_id=1, data_unit_id=n) for n in (1, 2)]
            with pytest.raises(BulkError, match="may have been created") as caught:
                Task.objects.using(session).bulk_create(tasks)

            assert ([], [None, None]) == (caught.value.succeeded, [task.pk for task in tasks])

    def test_a_json_edit_survives_an_answer_without_it(self):
        """Held JSON stays live where the answer leaves the field out."""
        with Server(reply(200, ROW), reply(200, {"id": 7})) as server:
            session = Session(server.origin, api_token="t", retry=QUICK)
            task = Task.objects.using(session).get(7)
            meta = task.meta
            meta["b"] = 1
            task.save()
            meta["c"] = 1

            assert {"meta": {"a": 1, "b": 1, "c": 1}} == task.changes
            assert 2 == len(server.lines)


class TestClosedSession:
    @pytest.mark.parametrize("verb", ["save", "delete", "refresh"])
    def test_refuses_and_loses_nothing(self, verb):
        """A closed session says so; the change is still there."""
        session = Session("http://127.0.0.1:9", api_token="t")
        task = loaded(session)
        task.is_discarded = True
        session.close()

        with pytest.raises(ConfigError, match="closed"):
            getattr(task, verb)()

        assert {"is_discarded": True} == task.changes
