"""What a query would send, and that it does."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

import pytest

from hypothesis import given
from hypothesis import strategies as st

from synapse import Assignment, Project, Task, TaskTag
from synapse.orm import QuerySet
from synapse.testing import HOST, canned
from tests.unit.orm.rows import served, task

TASKS = "GET sdk/tasks/"
DATA = "GET sdk/tasks/data/"


@st.composite
def queries(draw: Any) -> QuerySet[Task]:
    """A random query over a backend with more rows than any slice asks for."""
    answer = served([task(key) for key in range(1, 100)])
    query: Any = Task.objects.using(canned({TASKS: answer, DATA: answer}, page_size=draw(st.integers(5, 60))))
    keys = draw(st.sampled_from([range(1, 90), range(1, 2500)]))
    steps = {
        "filter": lambda: query.filter(id__in=list(keys)),
        "order": lambda: query.order_by(draw(st.sampled_from(["created", "-id"]))),
        "only": lambda: query.only(draw(st.sampled_from(["meta", "data", "created"]))),
        "defer": lambda: query.defer("meta"),
        "expand": lambda: query.select_related("data_unit"),
    }
    for name in draw(st.lists(st.sampled_from(sorted(steps)), max_size=3)):
        query = steps[name]()
    low = draw(st.integers(0, 40))
    return query[low : low + draw(st.integers(0, 40))]


by_target = attrgetter("target")


class TestRequests:
    @given(query=queries())
    def test_of_a_slice_are_those_that_are_sent(self, query: QuerySet[Task]):
        """The requests that are shown are those that iterating makes, side by side; more may follow."""
        shown = query.explain()

        list(query)

        sent = query.session.requests
        if shown.more:
            sent = [request for request in sent if request in shown.requests]
        assert sorted(shown.requests, key=by_target) == sorted(sent, key=by_target)

    def test_of_an_open_query_are_the_first_of_those_that_are_sent(self):
        """Without an end only the first page is known; the text says what follows."""
        session = canned({TASKS: served([task(key) for key in range(1, 10)])}, page_size=4)
        query = Task.objects.using(session)
        shown = query.explain()

        list(query)

        assert (1, 3) == (len(shown), len(session.requests))
        assert shown.requests[0] == session.requests[0]
        assert "until" in shown.more
        assert shown.more in str(shown)

    def test_of_an_open_query_in_another_order_go_on_by_number(self):
        """Where no key leads on, the text says so."""
        assert (
            "pages: then the following pages, 8 at a time, until one names no next"
            == Task.objects.order_by("created").explain().more
        )

    def test_of_nothing_are_none(self):
        """A query that cannot match sends nothing, and says so."""
        shown = Task.objects.filter(id__in=[]).explain()

        assert (0, "(nothing is sent: no row can match)") == (len(shown), str(shown))


class TestText:
    def test_holds_the_whole_address(self):
        """Each request is a line with method and address."""
        shown = Task.objects.using(canned({})).filter(project=1)[:10].explain()

        assert f"v1: GET {HOST}/sdk/tasks/?project=1&ordering=id&page=1&page_size=10" == str(shown)
        assert f"<Explanation of plan 'one'\n{shown}\n>" == repr(shown)

    def test_needs_no_session(self):
        """Without a session the path is shown."""
        assert str(Task.objects.all()[:1].explain()).startswith("v1: GET /sdk/tasks/?")

    def test_names_what_is_prefetched(self):
        """Prefetched relations follow each page."""
        shown = Task.objects.using(canned({})).prefetch_related("data_unit")[:5].explain()

        assert "then data_unit of each page in a batch" == shown.more

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            (
                Task.objects.prefetch_related("project"),
                "then project of each page, by a request for each Project",
            ),
            (
                Project.objects.via("v2").prefetch_related("tasks"),
                "then tasks of each page, by a request for each Project",
            ),
            (
                Task.objects.via("v2").prefetch_related("data_unit"),
                "then data_unit of each page, by a request for each DataUnit",
            ),
            (Assignment.objects.via("v2").prefetch_related("task"), "then task of each page in a batch"),
            (
                Assignment.objects.via("v2").prefetch_related("task__project"),
                "then task__project of each page, project by a request for each Project",
            ),
        ],
    )
    def test_says_what_is_prefetched_one_by_one(self, query, said):
        """Where nothing takes the keys of many, each has a request of its own."""
        assert query.using(canned({}))[:5].explain().more.endswith(said)

    @pytest.mark.parametrize(
        ("query", "said"),
        [
            (Task.objects.via("v2").only("data"), ["then data of each page in a batch"]),
            (Task.objects.via("v2").only("meta"), ["then meta of each page, by a request for each Task"]),
            (
                Task.objects.via("v1").only("has_data"),
                ["then has_data of each page, by a request for each Task"],
            ),
            (
                Project.objects.via("v2").prefetch_related("data_collection"),
                [
                    "then data_collection_id of each page, by a request for each Project",
                    "then data_collection of each page, by a request for each DataCollection",
                ],
            ),
            (
                TaskTag.objects.via("v2").filter(project=1).prefetch_related("project"),
                ["then project of each page, by a request for each Project"],
            ),
        ],
    )
    def test_says_what_lists_lack(self, query, said):
        """Fields that no list has, named by `only()` or led by to what is prefetched, take requests as well."""
        shown = query.using(canned({}))[:5].explain().more

        assert said == [
            each for each in shown.split("; ") if each.startswith("then") and " of each page" in each
        ]

    def test_holds_no_token(self):
        """Tokens travel in headers, which are not shown."""
        session = canned({})

        assert "oken" not in repr(Task.objects.using(session).explain())
