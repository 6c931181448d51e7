"""From page to page: while rows come and go, and where the backend does not keep its word."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import NotFoundError, Project, Task, TransportError
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import in_turn, project, served, task

TASKS = "GET sdk/tasks/"
PROJECTS = "GET projects/"
GONE = NotFoundError("Invalid page.", status_code=404)


def asked(session: CannedSession, name: str) -> list[Any]:
    """What each request gave for one parameter."""
    return [dict(request.params).get(name) for request in session.requests]


class TestByKey:
    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_loop_that_changes_what_it_filters_on_sees_every_row(self, order):
        """Rows that leave the result while it is read shift no others, either way round."""
        rows = [task(key) for key in range(1, 22)]
        session = canned({TASKS: served(rows)}, page_size=5)

        for each in Task.objects.using(session).filter(is_discarded=False).order_by(order).iterator():
            rows[:] = [row for row in rows if row["id"] != each.id]

        assert [] == rows

    def test_asks_for_what_follows_the_last_key(self):
        """Every page is the first one of what is left."""
        session = canned({TASKS: served([task(key) for key in range(1, 6)])}, page_size=2)

        list(Task.objects.using(session))

        assert [None, "2", "4"] == asked(session, "id__gt")
        assert ["1", "1", "1"] == asked(session, "page")

    def test_tightens_a_bound_that_was_asked_for(self):
        """A filter on the same side of the key is replaced, one on the other side stays."""
        session = canned({TASKS: served([task(key) for key in range(1, 9)])}, page_size=2)

        found = [each.id for each in Task.objects.using(session).filter(id__gt=3, id__lt=8)]

        assert ([4, 5, 6, 7], ["3", "5"]) == (found, asked(session, "id__gt"))
        assert ["8", "8"] == asked(session, "id__lt")

    @pytest.mark.parametrize("raw", [{"ordering": "created"}, {"id__gt": 1}])
    def test_is_not_tried_beside_raw_parameters_that_it_needs(self, raw):
        """What the user says about keys and order in raw parameters is not contradicted."""
        session = canned({TASKS: served([task(key) for key in range(2, 6)])}, page_size=2)

        list(Task.objects.using(session).params(**raw))

        assert ["1", "2"] == asked(session, "page")

    def test_of_slices_is_by_number(self):
        """A slice counts rows, so its pages are numbered."""
        session = canned({TASKS: served([task(key) for key in range(1, 10)])}, page_size=3)

        assert [3, 4, 5, 6, 7, 8, 9] == [each.id for each in Task.objects.using(session)[2:]]
        assert ({"1", "2", "3"}, [None] * 3) == (set(asked(session, "page")), asked(session, "id__gt"))

    @pytest.mark.parametrize("pages", [[(1, 2), (1, 2)], [(2, 1)], [(1, 2), (4, 3)]])
    def test_refuses_pages_that_do_not_follow(self, pages):
        """A page that ignores the bound or the order, and names a next one, is an error and not a loop without end."""
        answers = [page(*(task(0) | {"id": key} for key in keys), next="/?page=2") for keys in pages]
        session = canned({TASKS: in_turn(*answers)}, page_size=2)

        with pytest.raises(TransportError, match="in the order of their keys"):
            list(Task.objects.using(session))
        assert len(pages) == len(session.requests)


class TestByNumber:
    def test_without_an_end_is_given_up(self):
        """A backend that gives the same full page for ever is not asked for ever."""
        session = canned({PROJECTS: page(project(1), project(2), next="/?page=2")}, page_size=2)

        with pytest.raises(TransportError, match=r"page=2.*only rows of the page before"):
            list(Project.objects.using(session))
        assert 2 == len(session.requests)

    def test_short_last_page_may_repeat(self):
        """A row that slid onto the last page is given once, and is no error."""
        last = page(project(2), count=2)
        session = canned(
            {PROJECTS: in_turn(page(project(1), project(2), count=3, next="/?page=2"), *[last] * 3)},
            page_size=2,
        )

        assert [1, 2] == [each.id for each in Project.objects.using(session)]


class TestMissingPage:
    @pytest.mark.parametrize(("entity", "path", "row"), [(Task, TASKS, task), (Project, PROJECTS, project)])
    def test_is_an_error_while_rows_are_due(self, entity, path, row):
        """A page that was named and is not there does not end the result, as long as the backend counts more rows."""
        first = page(row(1), row(2), count=500, next="/?page=2")
        session = canned({path: in_turn(first, *[GONE] * 99)}, page_size=2)

        with pytest.raises(TransportError, match="not the whole result"):
            list(entity.objects.using(session))

    @pytest.mark.parametrize(
        "before",
        [
            page(project(1), project(2), count=2, next="/?page=2"),
            {**page(project(1), next="/?page=2"), "count": None},
        ],
    )
    def test_is_the_end_where_nothing_is_due(self, before):
        """Where every counted row came, or the page before was short, there is nothing more to miss."""
        first = {**page(project(8), project(9), count=None, next="/?page=2"), "count": None}
        pages = (before, GONE) if before["count"] else (first, before, GONE)
        session = canned({PROJECTS: in_turn(*pages)}, page_size=2)

        assert 2 + (before["count"] is None) == len(list(Project.objects.using(session)))
