"""What no client of this wire can guard, as its documents say, and what to use in its place."""

from __future__ import annotations

import warnings

import pytest

from synapse import Plugin, Project, Retry, Session, Task, TaskTag, TransportError
from synapse.testing import canned, page
from tests.servers import Received, Server, reply, reset
from tests.unit.orm.rows import project, served, task

CALLS = [(method, key) for method in ("DELETE", "PATCH") for key in (1, 2)]
FAST = {total: Retry(total=total, backoff=0) for total in (0, 1)}


class TestTwoAtOnce:
    def test_that_get_or_create_both_create(self):
        """A colleague's whole call fits between finding and creating: each is told that it created."""
        tags, theirs = [], []

        def create(request):
            if not theirs:
                theirs.append(None)
                theirs[0] = TaskTag.objects.using(session).get_or_create(name="night", project=1)
            tags.append({"id": len(tags) + 1, **request.json})
            return tags[-1]

        session = canned({"GET task_tags/": lambda _: page(*tags), "POST task_tags/": create})
        mine = TaskTag.objects.using(session).get_or_create(name="night", project=1)

        assert [(2, True), (1, True)] == [(tag.id, made) for tag, made in (mine, theirs[0])]

    def test_that_look_again_under_a_lock_create_one(self):
        """Where each waits for the other, the second finds what the first made."""
        tags = []

        def create(request):
            tags.append({"id": len(tags) + 1, **request.json})
            return tags[-1]

        session = canned({"GET task_tags/": lambda _: page(*tags), "POST task_tags/": create})
        made = [TaskTag.objects.using(session).get_or_create(name="night", project=1) for _ in range(2)]

        assert [(1, True), (1, False)] == [(tag.id, flag) for tag, flag in made]


class TestRowsThatLeftTheFilter:
    @pytest.mark.parametrize("verb", ["delete", "update"])
    def test_are_written_all_the_same(self, verb):
        """A colleague takes a row back after it was read: by its key it is written nevertheless."""
        rows = [task(1, is_discarded=True), task(2, is_discarded=True)]

        def write(_request):
            rows[1]["is_discarded"] = False  # so that the filter would not find it any more

        session = canned({"GET sdk/tasks/": served(rows), **{f"{m} tasks/{n}/": write for m, n in CALLS}})
        found = Task.objects.using(session).filter(is_discarded=True)
        result = found.delete() if verb == "delete" else found.update(meta={"checked": True})

        assert [1, 2] == sorted(result.pks)

    def test_are_left_alone_where_each_is_read_again(self):
        """`refresh()` right before leaves a gap of milliseconds in place of the whole run's."""
        rows = {1: task(1, is_discarded=True), 2: task(2, is_discarded=True)}
        details = {f"GET tasks/{key}/": lambda _, key=key: rows[key] for key in rows}
        session = canned({"GET sdk/tasks/": served(list(rows.values())), **details, "DELETE tasks/1/": None})
        found = list(Task.objects.using(session).filter(is_discarded=True))
        rows[2] = task(2, is_discarded=False)

        for each in found:
            if each.refresh().is_discarded:
                each.delete()

        assert ["tasks/1/"] == [request.path for request in session.requests if request.method == "DELETE"]


class TestPutThatIsRepeated:
    @pytest.mark.parametrize(("total", "kept"), [(1, "mine"), (0, "a colleague's")])
    def test_takes_back_what_was_saved_between(self, total, kept):
        """The first one arrived and its answer was lost; without repeats the failure is told, and nothing is."""
        stored = []

        def arrive_and_lose(connection, request: Received):
            stored.extend(["mine", "a colleague's"])
            reset(connection, request)

        def arrive(connection, _request: Received):
            stored.append("mine")
            connection.sendall(reply(data={"id": 1, "code": "p", "name": "mine"}))

        with (
            Server(arrive_and_lose, arrive) as server,
            Session(server.origin, api_token="t", retry=FAST[total]),
        ):
            plugin = Plugin.ref("p")
            plugin.name = "mine"
            if total:
                plugin.save()
            else:
                pytest.raises(TransportError, plugin.save)

        assert kept == stored[-1]


class TestRowsThatMove:
    def test_between_page_numbers_may_be_left_out(self):
        """Read newest first, one row left the result and an older one came in: nothing tells of the one between."""
        rows = [project(key) for key in range(2, 7)]
        session = canned({"GET projects/": moving(rows, project(1))}, page_size=2)

        with warnings.catch_warnings(action="error"):
            found = [each.id for each in Project.objects.using(session).order_by("-id").iterator(workers=1)]

        assert [6, 5, 3, 2, 1] == found

    def test_are_all_found_by_their_keys(self):
        """Tasks and assignments in the order of their keys are asked for by key, which no row changes."""
        rows = [task(key) for key in range(2, 7)]
        session = canned({"GET sdk/tasks/": moving(rows, task(1))}, page_size=2)

        found = [each.id for each in Task.objects.using(session).order_by("-id").iterator(workers=1)]

        assert {2, 3, 4, 5} <= set(found)


def moving(rows, other):
    """Serve rows, the newest of which leaves after the first page, while another one comes in."""
    answer, asked = served(rows), []

    def answered(request):
        asked.append(request)
        if len(asked) == 2:
            rows.pop()
            rows.insert(0, other)
        return answer(request)

    return answered
