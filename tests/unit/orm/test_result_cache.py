"""What a query keeps of its rows, and when it drops them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest

from synapse import BulkError, MappingError, Plugin, Project, QueryError, Session, Task
from synapse.testing import assert_requests, canned, page
from tests.unit.orm.stored import stored

Write = Callable[[Any], object]

WRITES: dict[str, tuple[Write, list[int]]] = {
    "update": (lambda query: query.update(meta={"n": 9}), [9, 9]),
    "delete": (lambda query: query.delete(), []),
    "set_tags": (lambda query: query.set_tags(add=[5]), [5, 5]),
    "annotate_many": (lambda query: query.annotate_many({1: {}, 2: {}}), [8, 8]),
    "create": (lambda query: query.create(project=1, data_unit=7, meta={"n": 3}), [1, 2, 3]),
    "bulk_create": (
        lambda query: query.bulk_create([Task(project=1, data_unit=7, meta={"n": 3})]),
        [1, 2, 3],
    ),
    "update_or_create": (lambda query: query.update_or_create({"meta": {"n": 9}}, id__in=[2]), [1, 9]),
}
WAYS: dict[str, Callable[[Any], Any]] = {
    "itself": lambda tasks: tasks,
    "all": lambda tasks: tasks.all(),
    "filter": lambda tasks: tasks.filter(is_discarded=False),
}


def numbers(rows: Any) -> list[int]:
    """The number in the meta of each row."""
    return [row.meta["n"] for row in rows]


def prefetched(session: Session) -> Project:
    """Project 1 with its tasks."""
    [found] = Project.objects.using(session).prefetch_related("tasks")
    return found


class TestAfterAWrite:
    @pytest.mark.parametrize("verb", WRITES)
    def test_rows_are_read_anew(self, verb: str):
        """A query that wrote shows what the backend has since."""
        write, expected = WRITES[verb]
        query = Task.objects.using(stored(1, 2)).filter(project=1)
        list(query)

        write(query)

        assert (len(expected), bool(expected), expected) == (query.count(), query.exists(), numbers(query))

    @pytest.mark.parametrize("verb", ["update", "delete"])
    def test_that_failed_in_part(self, verb: str):
        """After a `BulkError` as well, rows are read anew."""
        query = Task.objects.using(stored(1, 2, refused=2)).filter(project=1)
        list(query)

        with pytest.raises(BulkError):
            WRITES[verb][0](query)

        assert {"update": [9, 2], "delete": [2]}[verb] == numbers(query)

    def test_a_condition_that_had_a_look_first(self):
        """`if query: query.delete()` leaves nothing behind that looks like rows."""
        query = Task.objects.using(stored(1)).filter(project=1)
        if query:
            query.delete()

        assert (False, 0, None, False) == (query.exists(), query.count(), query.first(), bool(query))

    @pytest.mark.parametrize(
        "attempt",
        [
            lambda query: query.update(meta={}, dry_run=True),
            lambda query: query.delete(dry_run=True),
            lambda query: query.update(mta={}),
            lambda query: query.bulk_create([Task(project=1, data_unit=7), None]),
        ],
        ids=["update", "delete", "misspelt", "no object"],
    )
    def test_that_wrote_nothing_keeps_the_rows(self, attempt: Write):
        """A dry run, and what is refused before anything is sent, change no row."""
        query = Task.objects.using(stored(1, 2)).filter(project=1)
        list(query)
        with suppress(QueryError, MappingError):
            attempt(query)

        with assert_requests(0, session=query.session):
            assert [1, 2] == numbers(query)

    def test_a_loop_over_the_rows_goes_on(self):
        """A loop that creates through its own query ends, as over a list."""
        query = Task.objects.using(stored(1, 2)).filter(project=1)

        seen = [query.create(project=1, data_unit=9) and row.pk for row in query]

        assert ([1, 2], 4) == (seen, len(query))


class TestAPrefetchedSet:
    @pytest.mark.combinations("verb, way", WRITES, WAYS)
    def test_sees_what_was_done_through_it(self, verb: str, way: str):
        """`project.tasks` asks again after a write through it, or through what it was narrowed to."""
        owner = prefetched(stored(1, 2))
        if verb == "create":
            owner.tasks.create(data_unit=7, meta={"n": 3})
        else:
            WRITES[verb][0](WAYS[way](owner.tasks))

        assert WRITES[verb][1] == numbers(owner.tasks.all())

    def test_that_is_held_sees_it_as_well(self):
        """A set that somebody holds on to is as its owner has it."""
        owner = prefetched(stored(1, 2))
        held = owner.tasks

        owner.tasks.delete()

        assert ([], []) == (list(held), list(held.all()))

    def test_of_another_owner_stays(self):
        """What was done through one set is no reason to ask for another one's rows."""
        session = stored(1, 2)
        first, second = prefetched(session), prefetched(session)
        first.tasks.delete()

        with assert_requests(0, session=session):
            assert [1, 2] == numbers(second.tasks)

    def test_stays_after_a_dry_run(self):
        """A dry run through it leaves it answered."""
        owner = prefetched(stored(1, 2))
        owner.tasks.delete(dry_run=True)

        with assert_requests(0, session=owner.tasks.session):
            assert [1, 2] == numbers(owner.tasks)

    def test_sees_what_a_verb_of_its_owner_made(self):
        """The job that `plugin.run()` started is among `plugin.jobs`."""
        jobs = [{"id": "a"}]
        session = canned(
            {
                "GET plugins/": page({"id": 1, "code": "c", "name": "n"}),
                "GET jobs/": lambda request: page(*jobs),
                "POST plugins/1/run/": lambda request: jobs.append({"id": "b"}) or {"job_id": "b"},
            }
        )
        [plugin] = Plugin.objects.using(session).prefetch_related("jobs")
        plugin.run(action="train", params={})

        assert ["a", "b"] == [job.id for job in plugin.jobs]
