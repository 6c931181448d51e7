"""What reading means against a real backend."""

from __future__ import annotations

import itertools

import pytest

from synapse import QueryError, Session, Task
from synapse.query import FetchMode
from synapse.sandbox import Sandbox
from synapse.testing import assert_requests
from tests.contract.conftest import connected
from tests.contract.equivalence import CappedSession
from tests.contract.factory import Factory


class TestIteration:
    @pytest.mark.every_api(but=["v2"])
    def test_goes_on_to_the_second_page(self, session: Session, make: Factory):
        """A result longer than a page is read whole, in order."""
        rows = make.tasks(120)

        with assert_requests(2):
            found = [task.id for task in Task.objects.filter(project=rows[0].project_id).order_by("id")]

        assert [row.pk for row in rows] == found

    @pytest.mark.every_api
    def test_of_an_empty_result_asks_once(self, session: Session, make: Factory):
        """No rows are one answer, not an error, and are remembered."""
        query = Task.objects.filter(project=make.project().pk)

        with assert_requests(1):
            seen = (list(query), len(query), bool(query), query.first(), query.last(), query.count())

        assert ([], 0, False, None, None, 0) == seen

    @pytest.mark.every_api
    def test_is_kept_once_it_was_done(self, session: Session, make: Factory):
        """Iterating again, measuring and indexing an iterated query sends nothing, and gives the same objects."""
        query = Task.objects.filter(project=make.task().project_id)
        (first,) = query

        with assert_requests(0):
            again = (list(query)[0], query[0], query[:1][0], query.first(), query.last())
            sizes = (len(query), query.count(), bool(query), query.exists(), first in query)

        assert all(each is first for each in again)
        assert (1, 1, True, True, True) == sizes

    @pytest.mark.every_api
    def test_by_iterator_is_not_kept(self, session: Session, make: Factory):
        """`iterator()` asks anew each time."""
        query = Task.objects.filter(project=make.task().project_id)

        with assert_requests(2):
            first, second = next(query.iterator()), next(query.iterator())

        assert first == second
        assert first is not second

    @pytest.mark.every_api(but=["v2"])
    def test_twice_at_once_shares_the_pages(self, session: Session, make: Factory):
        """Two iterators on one query see every row, and each page is fetched once."""
        rows = make.tasks(120)
        query = Task.objects.filter(project=rows[0].project_id).order_by("id")

        with assert_requests(2):
            pairs = list(itertools.zip_longest(query, query))

        assert [(row.pk, row.pk) for row in rows] == [(one.id, two.id) for one, two in pairs]

    @pytest.mark.every_api(but=["v2"])
    def test_may_stop_and_go_on_by_another(self, session: Session, make: Factory):
        """What one loop fetched before it broke out, the next loop does not fetch again."""
        rows = make.tasks(120)
        query = Task.objects.filter(project=rows[0].project_id).order_by("id")

        with assert_requests(2):
            for _ in query:
                break
            found = [task.id for task in query]

        assert [row.pk for row in rows] == found

    def test_sees_every_row_though_the_loop_changes_what_it_filters_on(self, session: Session, make: Factory):
        """Rows that leave the result while it is read do not push others over the edge of a page."""
        rows = make.tasks(21)
        query = Task.objects.filter(project=rows[0].project_id, is_discarded=False)

        for task in query.order_by("-id").iterator(page_size=5):
            task.is_discarded = True
            task.save()

        assert (0, 21) == (query.count(), Task.objects.filter(project=rows[0].project_id).count())

    @pytest.mark.every_api
    def test_copies_ask_anew(self, session: Session, make: Factory):
        """`all()` sees what was added since."""
        project = make.tasks(1)[0].project
        query = Task.objects.filter(project=project.pk)
        assert 1 == len(query)

        make.tasks(1, project=project)

        assert (1, 2) == (len(query), len(query.all()))


class TestSlices:
    def test_past_the_end_are_empty(self, session: Session, make: Factory):
        """A slice beyond the last row is empty, as in Python."""
        query = Task.objects.filter(project=make.task().project_id)

        assert ([], 0, False) == (list(query[50:60]), query[50:60].count(), query[50:60].exists())

    def test_that_fit_a_page_take_one_request(self, session: Session, make: Factory):
        """A slice across the usual borders of pages is fetched by one page that holds it."""
        rows = make.tasks(120)
        query = Task.objects.filter(project=rows[0].project_id).order_by("id")

        with assert_requests(1):
            found = [task.id for task in query[90:110]]

        assert [row.pk for row in rows[90:110]] == found

    def test_reach_their_rows_though_the_backend_caps_its_pages(self, box: Sandbox, make: Factory):
        """Where pages are smaller than asked for, slices still start and end where they should."""
        rows = make.tasks(30)
        session = CappedSession(box.url, api_token=box.tenants["contract"].api_token)
        session.cap = 7
        query = Task.objects.using(session).filter(project=rows[0].project_id).order_by("id")

        slices = [slice(0, 30), slice(5, 20), slice(29, 40), slice(14, None), slice(100, None), slice(31, 33)]
        found = [[task.id for task in query[each]] for each in slices]

        assert [[row.pk for row in rows[each]] for each in slices] == found

    def test_past_the_end_are_empty_though_the_backend_caps_its_pages(self, box: Sandbox, make: Factory):
        """The page that was asked for by number is not taken for the rows that it would have held uncapped."""
        rows = make.tasks(6)
        session = CappedSession(box.url, api_token=box.tenants["contract"].api_token, page_size=10)
        session.cap = 3
        query = Task.objects.using(session).filter(project=rows[0].project_id).order_by("id")

        assert ([], [], [rows[5].pk]) == tuple(
            [task.id for task in each] for each in (query[12:], query[15:20], query[5:25])
        )

    @pytest.mark.every_api(but=["v2"])
    def test_by_index(self, session: Session, make: Factory):
        """An index gives one row by one request, and `IndexError` where there is none."""
        rows = make.tasks(3)
        query = Task.objects.filter(project=rows[0].project_id).order_by("id")

        with assert_requests(1):
            assert rows[1].pk == query[1].id
        with pytest.raises(IndexError, match="no row 3"):
            query[3]

    @pytest.mark.every_api
    def test_refuse_to_count_from_the_end(self, session: Session):
        """Negative places are refused, naming what does it."""
        with assert_requests(0), pytest.raises(QueryError, match=r"reverse\(\) or last\(\)"):
            Task.objects.all()[-1]


class TestDeferred:
    def test_field_is_loaded_for_the_whole_page_at_once(self, session: Session, make: Factory):
        """Reading a field that the rows lack loads it once, for all of them, by one request."""
        rows = make.tasks(60, meta={"k": 1})
        tasks = list(Task.objects.filter(project=rows[0].project_id).only("id"))

        with assert_requests(1):
            metas = [task.meta for task in tasks for _ in range(2)]

        assert [{"k": 1}] * 120 == metas

    def test_field_is_loaded_in_batches(self, session: Session, make: Factory):
        """A large page is loaded in pieces of a hundred rows."""
        rows = make.tasks(120)
        tasks = list(Task.objects.filter(project=rows[0].project_id).defer("meta").iterator(page_size=200))

        with assert_requests(2):
            assert [{}] * 120 == [task.meta for task in tasks]

    @pytest.mark.every_api
    def test_field_of_one_object_is_loaded_alone(self, session: Session, make: Factory):
        """A reference loads its row when a field is read, and keeps it."""
        task = Task.ref(make.task(schema="any").pk)

        with assert_requests(1):
            assert ("any", False) == (task.schema, task.is_discarded)

    def test_field_is_refused_where_fetching_is(self, session: Session, make: Factory):
        """With `FetchMode.RAISE` a deferred field says what to change."""
        query = Task.objects.filter(project=make.task().project_id).only("id").fetch_mode(FetchMode.RAISE)
        (task,) = query

        with assert_requests(0), pytest.raises(QueryError, match="add 'meta' to only"):
            task.meta

    @pytest.mark.parametrize("field", ["data", "files"])
    def test_light_lists_are_used_for_what_they_hold(self, field: str, session: Session, make: Factory):
        """`only("data")` and `only("files")` read the lists that carry nothing else."""
        project = make.task(data={"a": 1}).project_id

        with assert_requests(1) as calls:
            (task,) = Task.objects.filter(project=project).only(field)
            assert {"data": {"a": 1}, "files": ["image_1"]}[field] == (
                list(task.files) if field == "files" else task.data
            )

        assert f"/sdk/tasks/{field}/" == calls[0].path

    def test_heavy_fields_of_a_page_come_by_the_light_list(self, session: Session, make: Factory):
        """Reading `files` on one row of a page loads it for every row from the light list."""
        rows = make.tasks(20)
        tasks = list(Task.objects.filter(project=rows[0].project_id))

        with assert_requests(1) as calls:
            names = {name for task in tasks for name in task.files}

        assert ({"image_1"}, "/sdk/tasks/files/") == (names, calls[0].path)


class TestSessions:
    @pytest.mark.every_api
    def test_using_goes_another_way(self, session: Session, stranger: Session, make: Factory):
        """`using()` asks another session, which sees another workspace."""
        key = make.task().pk

        with assert_requests(0), assert_requests(1, session=stranger), pytest.raises(Task.DoesNotExist):
            Task.objects.using(stranger).get(key)

    def test_managers_hang_on_the_session(self, session: Session, stranger: Session):
        """`session.tasks` is `Task.objects.using(session)`."""
        with assert_requests(1, session=stranger):
            stranger.tasks.count()

    def test_innermost_with_block_is_current(self, session: Session, stranger: Session, make: Factory):
        """A `with` block makes its session current, and gives the outer one back."""
        project = make.task().project_id

        with stranger:
            inside = Task.objects.filter(project=project).count()

        assert (0, 1) == (inside, Task.objects.filter(project=project).count())

    @pytest.mark.every_api
    def test_rows_keep_the_session_they_came_through(self, session: Session, demo: Session):
        """What a row loads later goes through its own session, whichever is current."""
        task = demo.tasks.first()
        assert task is not None

        with assert_requests(0), assert_requests(1, session=demo):
            assert task.project.title

    def test_closed_session_is_refused(self, box: Sandbox):
        """A closed session says so, whether it was used before or not."""
        closed = connected(box, "contract")
        query = closed.tasks.filter(project=1)
        closed.close()

        with pytest.raises(Exception, match="session is closed"):
            list(query)

    def test_trace_shows_each_call(self, session: Session, make: Factory):
        """A trace holds method, path, status and sizes of each call, in order."""
        key = make.task().pk

        with session.trace() as calls:
            Task.objects.get(key)
            Task.objects.filter(project=1).count()

        assert [("GET", f"/tasks/{key}/", 200), ("GET", "/sdk/tasks/", 200)] == [
            (call.method, call.path, call.status) for call in calls
        ]
        assert all(call.received > 0 and call.sent == 0 and call.ms > 0 for call in calls)

    def test_explain_names_the_addresses_that_are_called(self, session: Session, make: Factory):
        """What `explain()` shows is what the trace sees, letter by letter."""
        rows = make.tasks(130)
        query = Task.objects.filter(project=rows[0].project_id, created__gte="2020-01-01T00:00:00+09:00")
        query = query.order_by("-created").only("meta", "created")[3:130]

        with session.trace() as calls:
            list(query)

        assert str(query.explain()) == "\n".join(f"v1: {call.method} {call.url}" for call in calls)
        assert 2 == len(calls)
