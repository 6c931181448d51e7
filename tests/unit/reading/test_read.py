"""From pages to rows: what a backend may send, and what becomes of it."""

from __future__ import annotations

import pytest

from synapse import (
    DataUnit,
    MappingError,
    NotFoundError,
    OriginError,
    QueryError,
    StatusLabel,
    Task,
    TransportError,
)
from synapse.testing import HOST, canned, page
from tests.unit.orm.rows import in_turn, served, task

TASKS = "GET sdk/tasks/"


class TestRows:
    def test_unknown_keys_are_kept(self):
        """What a newer backend sends beside the known fields is in `.extra`, and nothing else is."""
        session = canned({TASKS: page(task(1, colour="red"))})

        assert {"colour": "red"} == Task.objects.using(session)[0].extra

    def test_unknown_choice_stays_text(self):
        """A status that the SDK does not know is given as it came; a known one is a member."""
        session = canned({TASKS: page(task(1, status_label="frozen"), task(2))})

        assert ["frozen", StatusLabel.STAND_BY] == [each.status_label for each in Task.objects.using(session)]

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            (task(3, created="yesterday"), r"Task\.created of row 3: .*yesterday"),
            (task(3, is_discarded="no"), r"Task\.is_discarded of row 3"),
            (task(3, project=[1]), r"Task\.project_id of row 3"),
            ({**task(3), "id": None}, r"Task\.id of row 3: the row has no key 'id'"),
            ("no row", r"Task\.id of row 3: the row has no key 'id'"),
        ],
    )
    def test_malformed_row_names_field_and_row(self, row, message):
        """A value that does not fit raises `MappingError` with its path and the number of its row."""
        session = canned({TASKS: page(task(1), task(2), row)})

        with pytest.raises(MappingError, match=message):
            list(Task.objects.using(session))

    def test_rows_are_numbered_through_all_pages(self):
        """The number in an error counts from the first row of the result, not of the page."""
        rows = [*(task(key) for key in range(1, 5)), task(5, project="?")]
        session = canned({TASKS: served(rows)}, page_size=2)

        with pytest.raises(MappingError, match="of row 5"):
            list(Task.objects.using(session))

    def test_rows_are_numbered_within_a_slice(self):
        """A slice keeps the numbers of the whole result."""
        rows = [*(task(key) for key in range(1, 5)), task(5, project="?")]
        session = canned({TASKS: served(rows)}, page_size=2)

        with pytest.raises(MappingError, match="of row 5"):
            list(Task.objects.using(session)[3:])


class TestPages:
    def test_list_without_results_is_a_transport_error(self):
        """Something else than a page is refused, showing how it begins."""
        session = canned({TASKS: {"detail": "maintenance"}})

        with pytest.raises(TransportError, match="expected a page with a list 'results'.*detail"):
            list(Task.objects.using(session))

    def test_rows_that_move_between_pages_are_given_once(self):
        """A row that slid onto the next page while it was asked for is not given twice."""
        first = page(task(1), task(2), count=4, next="/?page=2")
        session = canned({TASKS: in_turn(first, page(task(2), task(3), count=2))}, page_size=2)

        assert [1, 2, 3] == [each.id for each in Task.objects.using(session)]

    def test_empty_page_within_does_not_end_the_result(self):
        """A page without rows that names a next one is passed over."""
        pages = (page(task(1), next="/?page=2"), page(next="/?page=3"), page(task(2)))
        session = canned({TASKS: in_turn(*pages)}, page_size=1)

        assert [1, 2] == [each.id for each in Task.objects.using(session)]

    def test_endless_empty_pages_are_given_up(self):
        """A backend that names next pages for ever, all of them empty, is not followed for ever."""
        session = canned({TASKS: page(next="/?page=2")})

        with pytest.raises(TransportError, match="4 empty pages in a row"):
            list(Task.objects.using(session))
        assert 4 == len(session.requests)

    def test_page_that_vanished_ends_the_result(self):
        """Rows were deleted meanwhile: a later page that is not there any more is the end."""
        gone = NotFoundError("Invalid page.", status_code=404)
        session = canned({TASKS: in_turn(page(task(1), next="/?page=2"), gone)}, page_size=1)

        assert [1] == [each.id for each in Task.objects.using(session)]

    def test_first_page_must_be_there(self):
        """A list that does not exist is an error, not an empty result."""
        session = canned({TASKS: NotFoundError("no such list", status_code=404)})

        with pytest.raises(NotFoundError, match="no such list"):
            list(Task.objects.using(session))

    def test_next_page_elsewhere_is_refused(self):
        """A `next` link to another host is not followed; the error names both."""
        session = canned({TASKS: page(task(1), next="https://evil.example/tasks/?page=2")})

        with pytest.raises(OriginError, match=r"evil\.example") as caught:
            list(Task.objects.using(session))
        assert HOST in str(caught.value)
        assert 1 == len(session.requests)

    @pytest.mark.parametrize("cap", [1, 2, 3, 7])
    @pytest.mark.parametrize("counted", [True, False])
    def test_capped_pages_are_read_whole(self, cap: int, counted: bool):
        """Pages smaller than asked for change the number of requests, never the rows."""
        session = canned({TASKS: served([task(key) for key in range(1, 11)], cap=cap, counted=counted)})
        query = Task.objects.using(session)

        assert list(range(1, 11)) == [each.id for each in query]
        assert [4, 5, 6, 7, 8] == [each.id for each in query.all()[3:8]]

    def test_empty_page_beyond_the_end_says_nothing_of_its_size(self):
        """A backend that answers an empty page past the end, instead of 404, is understood."""
        session = canned({TASKS: page(count=6)}, page_size=5)

        assert [] == list(Task.objects.using(session)[12:])


class TestBrokenWalk:
    @pytest.mark.parametrize("read", [list, len, lambda query: 9 in query])
    def test_does_not_look_finished(self, read):
        """After the second page failed, the query starts anew instead of giving half of its rows."""
        broken = TransportError("the connection broke")
        whole = served([task(1), task(2), task(3)])
        session = canned(
            {TASKS: in_turn(page(task(1), task(2), count=3, next="/?page=2"), broken)}, page_size=2
        )
        query = Task.objects.using(session)

        with pytest.raises(TransportError):
            read(query)
        session.replies[TASKS] = whole

        assert [1, 2, 3] == [each.id for each in query]

    def test_goes_on_in_an_iterator_that_was_under_way(self):
        """An iterator that another one's failure caught half-way still gives each row once."""
        rows = served([task(1), task(2), task(3)])
        broken = TransportError("the connection broke")
        session = canned(
            {TASKS: in_turn(page(task(1), task(2), count=3, next="/?page=2"), broken)}, page_size=2
        )
        query = Task.objects.using(session)
        walk = iter(query)
        seen = [next(walk).id]

        with pytest.raises(TransportError):
            list(query)
        session.replies[TASKS] = rows

        assert [1, 2, 3] == [*seen, *(each.id for each in walk)]

    def test_by_iterator_raises_after_the_rows_that_came(self):
        """Streaming gives the pages that came, then the error."""
        broken = TransportError("the connection broke")
        session = canned({TASKS: in_turn(page(task(1), count=2, next="/?page=2"), broken)}, page_size=1)
        walk = Task.objects.using(session).iterator()

        assert 1 == next(walk).id
        with pytest.raises(TransportError):
            next(walk)


class TestLongFilters:
    def test_are_split_over_several_requests(self):
        """A list of keys that is too long for one URL is asked for in parts, and joined in order."""
        rows = [task(key) for key in range(1, 4001)]
        session = canned({TASKS: served(rows)}, page_size=1000)

        found = [each.id for each in Task.objects.using(session).filter(id__in=range(4000, 0, -1))]

        assert list(range(1, 4001)) == found
        assert all(len(request.target) < 8_200 for request in session.requests)

    def test_are_split_by_their_longest_list(self):
        """Of several lists the longest is split; the others stay whole in every part."""
        session = canned({TASKS: served([])})
        query = Task.objects.using(session).filter(
            id__in=range(1, 3001), status_label__in=["completed", "skipped"]
        )

        assert [] == list(query)
        assert all(2 == request.target.count("status_label=") for request in session.requests)

    def test_are_counted_by_parts(self):
        """Counting such a query reads keys only, and counts each row once."""
        rows = [task(key) for key in range(1, 3001)]
        session = canned({TASKS: served(rows)}, page_size=1000)

        assert (
            2990
            == Task.objects.using(session).filter(id__in=[*range(1, 3001), *range(9000, 9010)])[10:].count()
        )
        assert all("fields=id" in request.target for request in session.requests)

    def test_are_counted_by_the_backend(self):
        """Parts that differ in their keys only are counted without reading them."""
        session = canned({TASKS: served([task(key) for key in range(1, 3001)])}, page_size=100)
        query = Task.objects.using(session).filter(id__in=range(1, 3001))

        assert (3000, len(query.explain())) == (query.count(), len(session.requests))

    @pytest.mark.parametrize(
        "read", [lambda q: q.exists(), lambda q: q.first(), lambda q: list(q[:3]), lambda q: q[1]]
    )
    def test_are_read_no_further_than_needed(self, read):
        """The first rows in the order of the key are in the first part, by one request."""
        session = canned({TASKS: served([task(key) for key in range(1, 3001)])}, page_size=100)

        assert read(Task.objects.using(session).filter(id__in=range(3000, 0, -1)))
        assert 1 == len(session.requests)

    def test_that_overlap_are_counted_here(self):
        """A row that two parts can hold is counted once, by its key."""
        session = canned({TASKS: served([task(1), task(2)])})

        assert 2 == Task.objects.using(session).filter(tags__in=range(1, 3001)).count()
        assert all("fields=id" in request.target for request in session.requests)

    def test_are_streamed_in_the_order_of_the_key(self):
        """A part is read when the one before is done, from the largest key down if so asked."""
        session = canned({TASKS: served([task(key) for key in range(1, 3001)])}, page_size=1000)
        walk = Task.objects.using(session).filter(id__in=range(1, 3001)).order_by("-id").iterator()

        assert 3000 == next(walk).id
        assert len(session.requests) <= 2
        assert list(range(2999, 0, -1)) == [each.id for each in walk]

    def test_sort_null_last(self):
        """Rows without what they are ordered by come last, or first when the order is turned around."""
        rows = [task(1, created=None), task(2), task(3, created=None), task(4)]
        query = Task.objects.using(canned({TASKS: served(rows)})).filter(id__in=range(1, 3001))

        assert [2, 4, 1, 3] == [each.id for each in query.order_by("created")]
        assert [3, 1, 4, 2] == [each.id for each in query.order_by("-created")]

    @pytest.mark.parametrize(
        ("row", "said"), [(task(1, created="?"), "Task.created"), ("no row", "Task.id of row")]
    )
    def test_name_what_does_not_fit(self, row, said):
        """A value that cannot be sorted by is told as everywhere."""
        query = Task.objects.using(canned({TASKS: page(row)})).filter(id__in=range(1, 3001))

        with pytest.raises(MappingError, match=said):
            list(query.order_by("created"))

    def test_that_cannot_be_split_are_refused(self):
        """An exclusion cannot be split: the parts would answer something else."""
        query = Task.objects.using(canned({})).exclude(id__in=range(1, 3001))

        with pytest.raises(QueryError, match="too long for one URL and cannot be split"):
            list(query)


class TestCount:
    def test_asks_for_one_row(self):
        """Counting takes one request, and no rows worth mentioning."""
        session = canned({TASKS: page(task(1), count=57)})

        assert 57 == Task.objects.using(session).order_by("-created").select_related("data_unit").count()
        assert ["fields=id&page=1&page_size=1"] == [
            request.target.partition("?")[2] for request in session.requests
        ]

    def test_of_slices_is_cut_to_them(self):
        """A slice counts its own rows."""
        session = canned({TASKS: page(task(1), count=57)})
        query = Task.objects.using(session)

        assert (10, 7, 0) == (query[5:15].count(), query[50:60].count(), query[60:70].count())

    def test_reads_the_keys_where_the_backend_does_not_count(self):
        """A list without a count is counted by its rows."""
        session = canned({"GET data_units/": served([task(key) for key in range(5)][1:], counted=False)})

        assert 4 == DataUnit.objects.using(session).count()

    def test_of_nothing_sends_nothing(self):
        """A query that cannot match is counted here."""
        assert 0 == Task.objects.using(canned({})).filter(id__in=[]).count()
