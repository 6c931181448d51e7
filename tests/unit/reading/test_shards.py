"""Queries that hold the rows of another one together."""

from __future__ import annotations

import pickle

from typing import Any

import pytest

from synapse import Project, QueryError, Task
from synapse.errors import ServerError
from synapse.testing import CannedSession, canned
from tests.unit.orm.rows import project, served, task

TASKS = "GET sdk/tasks/"


def over(keys: Any, **settings: Any) -> CannedSession:
    """A session over tasks and projects of these keys."""
    return canned(
        {TASKS: served([task(key) for key in keys]), "GET projects/": served([project(key) for key in keys])},
        **settings,
    )


def read(shards: Any, session: CannedSession) -> list[list[int]]:
    """The keys of each shard, after it travelled."""
    return [[row.pk for row in pickle.loads(pickle.dumps(shard)).using(session)] for shard in shards]


KEYS = {
    "dense": range(1, 201),
    "clusters": [*range(1, 100), *range(10_000, 10_100), 10**6],
    "few": [5, 9],
    "one": [5],
    "none": [],
}


class TestByKey:
    @pytest.mark.parametrize("name", KEYS)
    @pytest.mark.parametrize("number", [1, 2, 3, 7])
    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_hold_every_row_once_in_order(self, name, number, order):
        """One after the other they are the whole, however the keys lie; some may be empty."""
        session = over(KEYS[name])

        shards = Task.objects.using(session).order_by(order).shards(number)
        parts = read(shards, session)

        assert number == len(shards)
        assert sorted(KEYS[name], reverse=order == "-id") == [key for part in parts for key in part]

    @pytest.mark.parametrize("name", ["dense", "clusters"])
    def test_are_about_as_large(self, name):
        """A few counts find where rows lie, so that no worker has most of them."""
        parts = read(Task.objects.using(over(KEYS[name])).shards(4), over(KEYS[name]))

        assert max(len(part) for part in parts) <= 0.5 * len(KEYS[name])

    def test_take_a_few_requests(self):
        """Both ends, and a count of each of the finer ranges."""
        session = over(KEYS["dense"])

        Task.objects.using(session).shards(4)

        assert 2 + 16 == len(session.requests)
        assert {"1"} == {dict(request.params)["page_size"] for request in session.requests}

    @pytest.mark.parametrize("number", [10_001, 10**30])
    def test_are_not_more_than_memory_holds(self, number):
        """A mistyped number does not take the machine with it."""
        session = over([1])
        with pytest.raises(QueryError, match="takes 10000 at most"):
            Task.objects.using(session).shards(number)

        assert [] == session.requests

    def test_have_a_place_for_rows_to_come(self):
        """The first and the last one are open, so that rows that are added later are in one of them."""
        shards = Task.objects.using(over(range(50, 90))).shards(3)

        parts = read(shards, over([1, 2, *range(50, 90), 5000]))

        assert [1, 2, *range(50, 90), 5000] == [key for part in parts for key in part]

    def test_keep_what_the_query_says(self):
        """Filters, order and fields are those of the query; ranges are cut within its own bounds."""
        session = over(range(1, 100))
        query = Task.objects.using(session).filter(id__gt=20, id__lt=81).order_by("-created").only("meta")

        shards = query.shards(3)

        assert list(range(21, 81)) == sorted(key for part in read(shards, session) for key in part)
        assert {(("-created",), ("meta",))} == {(each.query.order, each.query.only) for each in shards}

    def test_of_a_list_of_keys_deal_it_out(self):
        """A list of keys is split without a request, in the order of the query."""
        session = over(range(1, 50))
        listed = Task.objects.using(session).filter(id__in=[9, 3, 5, 1, 7])

        assert [[1, 3], [5, 7, 9]] == read(listed.shards(2), session)
        assert [[9, 7], [5, 3, 1]] == read(listed.order_by("-id").shards(2), session)
        assert 5 == len([part for part in listed.shards(9) if not part.query.empty])

    def test_raise_what_a_count_fails_with(self):
        """A backend that does not count is told of."""
        session = over(range(1, 50))
        answer = session.replies[TASKS]
        session.replies[TASKS] = lambda request: (
            ServerError("no", status_code=500) if "id__gt" in dict(request.params) else answer(request)  # type: ignore[operator]
        )

        with pytest.raises(ServerError):
            Task.objects.using(session).shards(3)


class TestByPlace:
    @pytest.mark.parametrize("name", KEYS)
    @pytest.mark.parametrize("number", [1, 2, 3, 7])
    def test_are_runs_of_whole_pages(self, name, number):
        """Where keys are not compared, pages are dealt out."""
        session = over(KEYS[name], page_size=10)

        parts = read(Project.objects.using(session).shards(number), session)

        assert (number, list(KEYS[name])) == (len(parts), [key for part in parts for key in part])

    def test_of_a_slice_stay_within_it(self):
        """A slice is split by places, whatever its entity."""
        session = over(range(1, 100), page_size=10)

        parts = read(Task.objects.using(session)[5:47].shards(3), session)

        assert list(range(6, 48)) == [key for part in parts for key in part]

    def test_have_a_place_for_rows_to_come(self):
        """The last one that has rows is open."""
        shards = Project.objects.using(over(range(1, 21), page_size=5)).shards(2)

        assert list(range(1, 31)) == [key for part in read(shards, over(range(1, 31))) for key in part]

    def test_of_filters_that_are_too_long_for_one_address_work(self):
        """A query in parts is split by places as well."""
        session = over(range(1, 30), page_size=10)

        parts = read(Task.objects.using(session).filter(tags__in=range(1, 3001)).shards(2), session)

        assert list(range(1, 30)) == [key for part in parts for key in part]


def test_of_nothing_are_nothing():
    """A query that cannot match is split without a request."""
    session = canned({})

    assert [[], [], []] == read(Task.objects.using(session).none().shards(3), session)


def test_hold_no_credentials():
    """What travels to a worker is the question alone."""
    travelling = pickle.dumps(Task.objects.using(over(range(1, 50))).shards(3))

    assert b"canned" not in travelling.replace(b"canned.invalid", b"")


def test_go_to_the_backend_that_they_were_made_for():
    """A query by an object of one backend does not run on another one."""
    session = over(range(1, 50))
    other = canned({})
    other.host = "https://elsewhere.invalid"
    (shard,) = Task.objects.using(session).filter(project=Project.objects.using(session)[0]).shards(1)

    with pytest.raises(QueryError, match="elsewhere"):
        list(shard.using(other))
