"""Which plan a query is read by, and which it cannot be read by."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import GroundTruthEvent, Job, Project, QueryError, Task
from synapse.query import Query
from synapse.reading.plan import page_size_for
from synapse.testing import canned

T = Task.objects


def plan_of(query: Any, **how: Any) -> str:
    """The name of the plan."""
    return str(query.explain(**how).plan)


class TestChoice:
    @pytest.mark.parametrize(
        ("query", "plan"),
        [
            (T.all(), "ranges"),
            (T.filter(project=1).order_by("-id"), "ranges"),
            (T.all()[:5000], "ranges"),
            (T.all()[:500], "pages"),
            (T.all()[5:], "pages"),
            (T.order_by("created"), "pages"),
            (T.params(ordering="created"), "pages"),
            (T.params(id__gt=5), "pages"),
            (Project.objects.all(), "pages"),
            (Job.objects.all(), "pages"),
            (T.all()[:100], "one"),
            (T.all()[7:20], "one"),
            (T.filter(id=5), "one"),
            (T.filter(id__in=range(1, 101)), "one"),
            (T.filter(id__in=range(1, 102)), "ranges"),
            (T.filter(id__in=range(1, 3001)), "parts"),
        ],
    )
    def test_follows_from_the_query(self, query, plan):
        """Ranges where the key orders and is compared, one request where a page will do, else pages."""
        assert plan == plan_of(query)

    def test_walks_where_raw_parameters_bound_the_other_side(self):
        """Where one side of the key is bounded raw, pages follow the last key and nothing is cut."""
        shown = T.params(id__lt=50).explain()

        assert ("ranges", "ranges: then id__gt=<last id> and so on, until a page names no next") == (
            shown.plan,
            shown.more,
        )

    @pytest.mark.parametrize(
        ("query", "plan"),
        [
            (T.all()[:50], "ranges"),
            (T.all(), "pages"),
            (T.all(), "cursor"),
            (T.all()[:500], "cursor"),
            (T.order_by("-id"), "cursor"),
            (GroundTruthEvent.objects.all(), "cursor"),
            (T.filter(id=5), "one"),
        ],
    )
    def test_may_be_made_by_the_caller(self, query, plan):
        """`plan=` chooses among those that the query can have."""
        assert plan == plan_of(query, plan=plan)

    @pytest.mark.parametrize(
        ("query", "plan", "why"),
        [
            (Project.objects.all(), "ranges", "the backend has no id__gt and id__lt for Project"),
            (T.order_by("created"), "ranges", r"the order of the query is created,id; order_by\('id'\)"),
            (T.all()[5:9], "ranges", "does not start at the first row"),
            (T.params(ordering="id"), "ranges", "raw parameters choose keys or the order"),
            (Project.objects.all(), "cursor", "no cursors for Project"),
            (T.order_by("-created"), "cursor", r"no two rows share a place; order_by\('id'\)"),
            (T.all()[5:], "cursor", "starts at the first row"),
            (T.params(ordering="id"), "cursor", "raw parameters choose the order"),
            (T.all(), "one", "take a slice, or name the keys"),
            (T.all(), "range", r"did you mean 'ranges'\?"),
        ],
    )
    def test_says_why_a_plan_is_none_for_the_query(self, query, plan, why):
        """Nothing is sent where the plan cannot be had."""
        session = canned({})

        with pytest.raises(QueryError, match=why):
            query.using(session).iterator(plan=plan)
        assert [] == session.requests


class TestWords:
    def test_estimate_the_ranges_where_the_query_bounds_its_keys(self):
        """What is known without a request is said."""
        assert "573 ranges of 100 ids, 8 at a time" in T.filter(id__gte=1, id__lt=57_301).explain().more
        assert "573 ranges of 100 ids, 8 at a time" in T.filter(id__gt=1, id__lte=57_301).explain().more

    @pytest.mark.parametrize("bounds", [{}, {"id__gt": 5}, {"id__lt": 5}, {"id__gt": 9, "id__lt": 5}])
    def test_say_how_much_a_range_holds_otherwise(self, bounds):
        """Where the query does not bound its keys on both sides, their number is not known yet."""
        assert "ranges that hold about 100 rows each" in T.filter(**bounds).explain().more

    def test_tell_of_the_session_that_is_asked(self):
        """Page size and workers are those of the session."""
        shown = Task.objects.using(canned({}, page_size=20, workers=3)).explain()

        assert "about 20 rows each, 3 at a time" in shown.more

    def test_show_the_cursor(self):
        """The first page by cursor has none yet."""
        shown = T.all().explain(plan="cursor")

        assert shown.requests[0].target.endswith("ordering=id&pagination=cursor&page_size=100")
        assert "by the cursor that the one before names" in shown.more

    def test_say_what_a_list_of_keys_in_parts_takes(self):
        """Long lists are shown part by part, a slice of one as far as it is known."""
        query = T.filter(id__in=range(1, 3001))

        assert "after each, then id__gt" in query.explain().more
        assert (1, True) == (len(query[:200].explain()), "other 1 parts" in query[:200].explain().more)
        assert "after each, then the following pages" in query.order_by("created")[:50].explain().more


class TestPageSize:
    @pytest.mark.parametrize(
        ("start", "stop", "size"), [(0, None, 100), (90, 110, 22), (0, 1, 1), (0, 300, 100)]
    )
    def test_holds_the_slice_where_it_can(self, start, stop, size):
        """A slice that fits on a page of any size up to the usual one is read by it."""
        assert size == page_size_for(Query(start=start, stop=stop), 100)

    def test_of_fields_holds_what_rows_are_ordered_by(self):
        """Rows carry what tells how far a reading got, but for the light lists, which carry nothing else."""
        heavy, light = T.only("meta").order_by("created"), T.only("data").order_by("created")

        assert "fields=id,meta,created" in heavy.explain().requests[0].target
        assert light.explain().requests[0].path == "sdk/tasks/data/"
