"""Building queries: lazy, immutable, checked, and picklable without their session."""

from __future__ import annotations

import copy
import operator
import pickle

from datetime import UTC, datetime
from functools import partial
from itertools import count
from typing import Any

import pytest

from synapse import DataUnit, FetchMode, Job, Project, QueryError, Task
from synapse.orm import QuerySet
from synapse.orm import selection as selection_module
from synapse.testing import assert_requests, canned, page
from tests.unit import moments
from tests.unit.orm.rows import served, task

TASKS = "GET sdk/tasks/"
NAIVE = datetime(2026, 1, 1, tzinfo=UTC).replace(tzinfo=None)


def tasks(*keys: int, **settings: Any) -> Any:
    """The query of every task of a backend that has these."""
    return Task.objects.using(canned({TASKS: served([task(key) for key in keys])}, **settings))


class TestRepr:
    def test_says_what_is_asked_and_that_nothing_was_fetched(self):
        """The text shows lookups, raw parameters, order and slice; nothing is sent for it."""
        session = canned({})
        query = Task.objects.using(session).filter(project=1).params(x=2).order_by("-created")[5:9]

        assert "<QuerySet Task project=1 x='2' by -created [5:9] (not fetched)>" == repr(query)
        assert "<QuerySet Task [5:] (not fetched)>" == repr(Task.objects.using(session)[5:])
        assert [] == session.requests

    def test_shows_the_rows_that_were_fetched(self):
        """Once iterated, their number, and one a line."""
        query = tasks(1, 2)
        rows = list(query)

        assert ["<QuerySet Task (2 fetched)>", *map(repr, rows)] == repr(query).splitlines()

    def test_shows_twenty_rows_at_most(self):
        """And how many more there are."""
        query = tasks(*range(1, 31)).only("id")
        list(query)

        assert (21, "… and 11 more rows") == (len(lines := repr(query).splitlines()), lines[-1])

    def test_of_rows_and_references_sends_nothing(self):
        """Neither `repr`, `==`, `hash` nor pickling of a row loads what it lacks."""
        with canned({}) as session, assert_requests(0, session=session):
            ref = Task.ref(5)
            assert ("<Task 5>", True) == (repr(ref), ref == pickle.loads(pickle.dumps(ref)))
            assert {Task.ref(5)} == {ref}


class TestBuilding:
    def test_leaves_the_query_it_started_from_alone(self):
        """Every step gives a new query."""
        query = Task.objects.filter(project=1)

        query.order_by("id"), query.filter(is_discarded=True), query.only("meta"), query[3:4]

        assert "<QuerySet Task project=1 (not fetched)>" == repr(query)

    @pytest.mark.parametrize(
        ("build", "message"),
        [
            (lambda query: query.filter(projct=1), "no lookup 'projct'.*did you mean 'project'"),
            (lambda query: query.filter(Task.ref(1)), r"filter\(\) takes name=value only"),
            (lambda query: query.exclude(Task.ref(1)), r"exclude\(\) takes name=value only"),
            (lambda query: query.exclude(id=1, is_discarded=True), "NOT \\(a AND b\\)"),
            (lambda query: query | query, "cannot answer OR"),
            (lambda query: query.order_by("creatd"), "cannot be ordered by 'creatd'.*did you mean 'created'"),
            (lambda query: query.only("mta"), "mta.*did you mean 'meta'"),
            (lambda query: query.defer(1), "takes names"),
            (lambda query: query.values("nmae"), "nmae"),
            (lambda query: query.values_list("id", "meta", flat=True), "exactly one field"),
            (lambda query: query.prefetch_related(("project",)), r"prefetch_related\(\) takes names"),
            (lambda query: query.select_related(["data_unit"]), r"select_related\(\) takes names"),
            (lambda query: query.fetch_mode("peers"), r"fetch_mode\(\) takes FetchMode"),
            (lambda query: query.using("here"), r"using\(\) takes a Session, got str"),
            (lambda query: query.params(x=1.5), r"params\(x=...\) takes text or a number"),
            (lambda query: query.params(page=2), "slice the query"),
            (lambda query: query.params(cursor="x"), "the SDK walks the pages itself"),
            (lambda query: query.iterator(chunk_size=5), "takes page_size"),
            (lambda query: query.in_bulk(field_name="name"), "by another field"),
            (lambda query: query.order_by(None), r"order_by\(\) without names drops the order"),
            (lambda query: query.select_related(None), "start from a query without them"),
            (lambda query: query & query, r"chain filter\(\) for AND"),
            (lambda query: query[:5].filter(id=1), r"filter\(\) cannot follow a slice"),
            (lambda query: query[:5].order_by("id"), r"order_by\(\) cannot follow a slice"),
            (lambda query: query[:5].reverse(), r"reverse\(\) cannot follow a slice"),
            (lambda query: query[:5].get(id=1), r"get\(\) cannot follow a slice"),
            (lambda query: query[:5].in_bulk([1]), r"in_bulk\(\) cannot follow a slice"),
            (lambda query: query["1"], "numbered by integers, got str '1'"),
            (lambda query: query[True], "numbered by integers, got bool True"),
            (lambda query: query[0:-1], "negative places"),
            (lambda query: query.params(x=10**5000), r"params\(x=\.\.\.\) takes text or a number"),
            (lambda query: query.get(), "needs a key or lookups"),
            (lambda query: query.filter(project=1).get(None), r"get\(\) got None for a key"),
            (lambda query: query.in_bulk(None), r"in_bulk\(\) takes a list, got None"),
            (lambda query: query.filter(project=1).delete(None), r"delete\(\) takes no key, got None"),
            (lambda query: next(query.iterator(page_size=0)), "page_size is a positive integer"),
            (lambda query: query.filter(created__gte=NAIVE), "without a time zone"),
        ],
    )
    def test_refuses_before_anything_is_sent(self, build, message):
        """What cannot be asked is a `QueryError` that says what to do instead."""
        session = canned({})

        with pytest.raises(QueryError, match=message):
            build(Task.objects.using(session))
        assert [] == session.requests

    def test_takes_objects_for_keys(self):
        """Where a key may be asked for, its object will do, but for one of another kind."""
        query = tasks(1, 2, 3)
        second = query[1]

        assert [second] == list(query.filter(id__in=[second, 9]))
        assert "id=2" in repr(query.filter(id=second))
        assert {2: second} == query.in_bulk([second])
        with pytest.raises(QueryError, match="takes a Task or its key, not a Project"):
            query.get(Project.ref(2))

    def test_takes_iterators_once(self):
        """A generator of keys is read once, and works."""
        query = tasks(1, 2, 3).filter(id__in=(key for key in (1, 3)))

        assert [1, 3] == [each.id for each in query]

    def test_sends_raw_parameters_as_they_are(self):
        """`params()` is the way to ask what the SDK does not know."""
        query = tasks(1).params(colour="red", size=3).order_by("-created")

        list(query)

        assert "colour=red&size=3&ordering=-created,-id" in query.session.requests[0].target

    def test_none_sends_nothing(self):
        """`none()` is empty whatever follows, without a request."""
        query = Task.objects.using(canned({})).none().filter(project=1)

        assert ([], 0, None, None, False, {}) == (
            list(query),
            query.count(),
            query.first(),
            query.last(),
            query.exists(),
            query.in_bulk(),
        )

    def test_without_an_order_have_that_of_their_entity(self):
        """Keys of jobs are random, so their natural order, and that of `first()` and `last()`, is by age."""
        session = canned({"GET jobs/": page()})
        query = Job.objects.using(session)

        query.first(), query.last(), list(query)

        assert ["created,id", "-created,-id", "created,id"] == [
            dict(request.params)["ordering"] for request in session.requests
        ]

    def test_defer_takes_away_from_only(self):
        """`only().defer()` leaves what remains; the key cannot be left out."""
        query = tasks(1).only("meta", "created").defer("created", "id")

        list(query)

        assert "fields=id,meta&" in query.session.requests[0].target

    def test_defer_adds_up(self):
        """Two `defer()` leave out both."""
        query = tasks(1).defer("meta").defer("created")

        list(query)

        assert "omit=meta,created" in query.session.requests[0].target


class TestGet:
    @pytest.mark.parametrize("get", [lambda q: q.get(5), lambda q: q.get(pk=5), lambda q: q.get(id=5)])
    def test_by_key_asks_for_the_object(self, get):
        """The three spellings of a key are one request for one object."""
        session = canned({"GET tasks/5/": task(5)})

        assert 5 == get(Task.objects.using(session)).id

    def test_by_lookups_asks_for_two(self):
        """One match is given, by a list of at most two rows."""
        query = tasks(7)

        assert 7 == query.get(project=1).id
        assert "page_size=2" in query.session.requests[0].target

    def test_of_several_raises(self):
        """Several matches are `MultipleObjectsReturned`, saying how many."""
        with pytest.raises(Task.MultipleObjectsReturned, match="found 3 Task for project=1"):
            tasks(1, 2, 3).get(project=1)

    def test_of_none_raises(self):
        """No match is the entity's `DoesNotExist`, saying what was asked."""
        with pytest.raises(Task.DoesNotExist, match="no Task matches project=1") as caught:
            tasks().get(project=1)
        assert 404 == caught.value.status_code

    def test_of_a_narrowed_query_keeps_to_it(self):
        """`filter(...).get(key)` gives the object only if the filter holds for it."""
        query = tasks(5)

        assert 5 == query.filter(project=1).get(5).id
        assert "project=1&id=5" in query.session.requests[0].target

    def test_keeps_to_a_raw_parameter_too(self):
        """`params(...).get()` needs no other lookup."""
        assert 5 == tasks(5).params(x=1).get().id

    def test_without_a_match_of_everything_says_so(self):
        """Where nothing was filtered but a parameter sent, the message stays readable."""
        with pytest.raises(Task.DoesNotExist, match="no Task matches x='1'"):
            tasks().params(x=1).get()

    @pytest.mark.parametrize("narrow", [lambda query: query.only("meta"), lambda query: query.defer("data")])
    def test_keeps_to_the_fields_that_were_asked_for(self, narrow):
        """With `only()` or `defer()` the row comes by the list, where the wire can name the key."""
        session = canned({TASKS: page(task(5)), "GET projects/5/": {"id": 5}})

        assert (
            5
            == narrow(Task.objects.using(session)).get(5).id
            == Project.objects.using(session).only("id").get(5).id
        )
        assert "fields=id,meta" in session.requests[0].target or "omit=data" in session.requests[0].target


PLANS = (None, "pages", "ranges")
BOUNDS = ("gt", "gte", "lt", "lte")
NUMBERS = (-(2**63), -5, 0, 2, 2**63 - 1)


class TestBounds:
    @pytest.mark.combinations("bound, number, plan", BOUNDS, NUMBERS, PLANS)
    def test_take_any_integer(self, bound: str, number: int, plan: Any):
        """What keys are compared with need not be a key; every plan of reading keeps to it."""
        query = tasks(1, 2, 3).filter(**{f"id__{bound}": number})
        compare = getattr(operator, {"gte": "ge", "lte": "le"}.get(bound, bound))

        assert [key for key in (1, 2, 3) if compare(key, number)] == [
            row.id for row in query.iterator(plan=plan)
        ]

    @pytest.mark.combinations("bound, number", BOUNDS, (2**63, -(2**63) - 1, 1.0, True, "1", None))
    def test_refuse_what_is_no_64_bit_integer(self, bound: str, number: Any):
        """Beyond 64 bits a database would fail; text and floats are no numbers of rows."""
        with pytest.raises(QueryError, match="takes a"):
            tasks(1).filter(**{f"id__{bound}": number})

    @pytest.mark.parametrize("lookup", [{"id": 0}, {"id__in": [0]}, {"pk": -1}, {"project": 0}])
    def test_keys_stay_positive(self, lookup: dict[str, Any]):
        """No row has such a key."""
        with pytest.raises(QueryError, match="a positive integer"):
            tasks(1).filter(**lookup)

    def test_of_an_object_is_its_key(self):
        """`filter(id__gt=task)` compares keys."""
        assert [3] == [row.id for row in tasks(1, 2, 3).filter(id__gt=Task.ref(2))]

    def test_can_be_excluded_and_split(self):
        """`exclude()` turns a bound around; shards keep to it."""
        query = tasks(1, 2, 3).exclude(id__lte=0)

        assert [1, 2, 3] == [row.id for shard in query.shards(2) for row in shard]


class TestInBulk:
    def test_gives_rows_in_the_order_of_the_keys(self):
        """Keys that do not exist are left out, doubles are one."""
        assert [3, 1] == list(tasks(1, 2, 3).in_bulk([3, 9, 1, 3]))

    def test_without_keys_gives_everything(self):
        """`in_bulk()` holds every row of the query."""
        assert [1, 2] == list(tasks(1, 2).in_bulk())

    def test_asks_one_by_one_where_keys_cannot_be_listed(self):
        """Without a lookup for a list of keys, the objects are got side by side."""
        session = canned(
            {"GET data_units/1/": {"id": 1, "data_collection": 7}, "GET data_units/2/": not_found()}
        )

        assert {1: DataUnit.ref(1)} == DataUnit.objects.using(session).in_bulk([1, 2])

    def test_keeps_to_the_filters_there_as_well(self):
        """Of a narrowed query only the rows in it are given."""
        rows = [{"id": key, "data_collection": 7} for key in (1, 2, 3)]
        query = DataUnit.objects.using(canned({"GET data_units/": page(*rows)})).filter(
            can_generate_task=True
        )

        assert {2: DataUnit.ref(2)} == query.in_bulk([2, 9])


def not_found() -> Exception:
    """What the backend answers for an object that is not there."""
    from synapse import NotFoundError

    return NotFoundError("Not found.", status_code=404)


class TestEnds:
    def test_first_of_a_half_read_query_is_its_first_row(self):
        """What was fetched already is not asked for again."""
        query = tasks(*range(1, 6), page_size=2, workers=1)  # nothing is read ahead
        next(iter(query))

        with assert_requests(0, session=query.session):
            assert (1, True, True, 1) == (query.first().id, query.exists(), bool(query), query[0].id)

    def test_last_of_a_half_read_query_asks(self):
        """The last row is not the last one fetched."""
        query = tasks(*range(1, 6), page_size=2, workers=1)  # nothing is read ahead
        next(iter(query))

        with assert_requests(1, session=query.session) as calls:
            query.last()

        assert "ordering=-id" in calls[0].url

    def test_first_follows_the_order(self):
        """With an order, the first row is that of the order, and a tie is broken by the key."""
        query = tasks(1).order_by("-created")

        query.first()

        assert "ordering=-created,-id" in query.session.requests[0].target

    def test_exists_asks_for_one_key(self):
        """Existence takes one row of one field."""
        query = tasks(1, 2)

        assert query.exists()
        assert ["fields=id&page=1&page_size=1"] == [
            each.target.partition("ordering=id&")[2] for each in query.session.requests
        ]

    def test_exists_loads_nothing_beside_it(self):
        """Neither nested nor prefetched relations matter for it."""
        query = tasks(1).select_related("data_unit").prefetch_related("project").defer("meta")

        with assert_requests(1, session=query.session) as calls:
            assert query.exists()

        assert calls[0].url.endswith("ordering=id&fields=id&page=1&page_size=1")

    @pytest.mark.parametrize(
        ("index", "expected"),
        [
            (slice(1, 5, 2), [2, 4]),
            (slice(None, None, -1), [5, 4, 3, 2, 1]),
            (slice(None, None, -2), [5, 3, 1]),
            (slice(1, 3, -1), [3, 2]),
            (slice(2, None, -1), [5, 4, 3]),
        ],
    )
    @pytest.mark.parametrize("fetched", [False, True])
    def test_steps_are_taken_here(self, index: slice, expected: list[int], *, fetched: bool):
        """A slice with a step fetches its rows and gives every n-th as a list, from the end as in Django."""
        query = tasks(1, 2, 3, 4, 5)
        if fetched:
            list(query)

        assert expected == [row.id for row in query[index]]
        assert expected == query.values_list("id", flat=True)[index]

    def test_whatever_has_an_index_is_a_number(self):
        """An object with `__index__` numbers rows, as in a list."""

        class Two:
            def __index__(self) -> int:
                return 2

        assert (3, [1, 2], 3) == (
            tasks(1, 2, 3)[Two()].id,
            [row.id for row in tasks(1, 2, 3)[: Two()]],
            tasks(1, 2, 3).values("id")[Two()]["id"],
        )

    def test_slices_of_an_iterated_query_are_taken_here(self):
        """Once everything is here, slices and indexes send nothing."""
        query = tasks(1, 2, 3)
        list(query)

        with assert_requests(0, session=query.session):
            assert ([2, 3], 3) == ([each.id for each in query[1:]], query[2].id)
        with pytest.raises(IndexError):
            query[3]


def test_an_interrupt_while_rows_are_kept_loses_none_of_them():
    """Ctrl-C at any moment, then again: the rows are all there, once."""
    for at in count(1):
        queryset = Task.objects.using(
            canned({"GET sdk/tasks/": served([task(key) for key in range(1, 6)])}, page_size=2)
        )
        hit = moments.interrupted(partial(list, queryset), within=selection_module, at=at)

        assert [1, 2, 3, 4, 5] == [row.pk for row in queryset]
        if not hit:
            break
    assert at > 10


class TestPickling:
    def test_leaves_session_and_rows_behind(self):
        """A pickled query is the question, not its answer, and holds no token."""
        query = tasks(1).filter(project=1, created__gte=datetime(2026, 1, 1, tzinfo=UTC)).order_by("id")[:5]
        list(query)

        data = pickle.dumps(query)

        assert b"canned" not in data.replace(b"canned.invalid", b"")
        asked = repr(query).splitlines()[0]
        assert asked.replace("1 fetched", "not fetched") == repr(pickle.loads(data))

    def test_query_asks_the_session_that_is_current_where_it_is_opened(self):
        """The opened query goes through the current session."""
        query = pickle.loads(pickle.dumps(tasks(1).filter(project=1)))

        with canned({TASKS: page(task(8))}):
            assert [8] == [each.id for each in query]

    def test_rows_keep_their_values_and_changes(self):
        """A pickled row has its fields, opened or not, and its changes, but nothing that is no field."""
        (row,) = tasks(1).using(canned({TASKS: page(task(1, colour="red"))}))
        row.meta["k"] = 1
        row.is_discarded = True

        opened = pickle.loads(pickle.dumps(row))

        assert ({"meta": {"n": 1, "k": 1}, "is_discarded": True}, {}, 1) == (
            opened.changes,
            opened.extra,
            opened.project_id,
        )

    def test_rows_load_what_they_lack_through_the_current_session(self):
        """A deferred field of an opened row is loaded by whichever session is current there."""
        (row,) = tasks(1).using(canned({TASKS: page({"id": 1})})).only("id")
        opened = pickle.loads(pickle.dumps(row))

        with canned({"GET tasks/1/": task(1)}):
            assert {"n": 1} == opened.meta

    @pytest.mark.parametrize("make", [lambda: Project.ref(3), lambda: Project(title="new", category="image")])
    def test_references_and_new_objects(self, make):
        """A reference and an unsaved object survive too."""
        made = make()
        opened = pickle.loads(pickle.dumps(made))

        assert (made.pk, made.changes, repr(made)) == (opened.pk, opened.changes, repr(opened))

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_copies_of_rows_live_on_their_own(self, copied):
        """An edit of a copy does not reach the row it was made of, and it keeps the session."""
        (row,) = tasks(1)

        other = copied(row)
        other.meta["k"] = 1

        assert ({}, {"meta": {"n": 1, "k": 1}}) == (row.changes, other.changes)
        assert other._state.session is row._state.session


class TestManagers:
    def test_are_querysets_that_keep_their_verbs(self):
        """Every narrowing of `Task.objects` still knows `set_tags`."""
        query = Task.objects.filter(project=1).order_by("id")

        assert isinstance(query, QuerySet)
        assert callable(query.set_tags)

    def test_do_not_hang_on_instances(self):
        """`task.objects` would read as if it knew of the task."""
        with pytest.raises(AttributeError, match="queries start at the class: Task.objects"):
            Task.ref(1).objects

    def test_fetch_mode_is_handed_to_the_rows(self):
        """The mode of the query is that of its rows."""
        query = Task.objects.using(canned({TASKS: page({"id": 1})})).only("id")
        (row,) = query.fetch_mode(FetchMode.RAISE)

        with pytest.raises(QueryError, match="fetch_mode is RAISE"):
            row.meta
