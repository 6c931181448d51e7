"""Rows as plain values."""

from __future__ import annotations

import json
import pickle

from typing import Any

import pytest

from synapse import QueryError, Task
from synapse.testing import assert_requests, canned, page
from tests.unit.orm.rows import project, served, task

TASKS = "GET sdk/tasks/"


def values(*fields: str, **how: Any) -> Any:
    """These fields of three tasks, as tuples."""
    return Task.objects.using(canned({TASKS: served([task(1), task(2), task(3)])})).values_list(
        *fields, **how
    )


class TestShapes:
    def test_tuples(self):
        """`values_list` gives the fields in the order asked for; a relation by its bare name is its key."""
        assert [(101, 1, 1), (102, 1, 2), (103, 1, 3)] == list(values("data_unit", "project_id", "pk"))

    def test_flat(self):
        """One field with `flat=True` is its bare value."""
        assert [1, 2, 3] == list(values("id", flat=True))

    def test_dicts(self):
        """`values` names them as asked for."""
        query = Task.objects.using(canned({TASKS: served([task(1)])}))

        assert [{"data_unit": 101, "meta": {"n": 1}}] == list(query.values("data_unit", "meta"))

    def test_all_fields(self):
        """Without names every field is given; the key is among them."""
        whole = dict.fromkeys(Task._schema.fields)
        row = {**task(1), "data": None, "files": {}, "tags": [], "schema": "any", "has_data": False}
        row |= {"status_review": "stand_by", "count_assignments": 0, "workshop": None}
        query = Task.objects.using(canned({TASKS: served([row])}))

        (found,) = query.values()

        assert (set(whole), 1) == (set(found), found["id"])

    @pytest.mark.parametrize("shape", ["values", "values_list"])
    def test_without_names_nothing_is_loaded(self, shape):
        """Without names the fields are those that the rows carry, the same for each."""
        session = canned({TASKS: page({"id": 1, "meta": {}}, {"id": 2, "meta": {}})})

        found = [list(row) for row in getattr(Task.objects.using(session), shape)()]

        assert ([["id", "meta"]] * 2 if shape == "values" else [[1, {}], [2, {}]]) == found
        assert 1 == len(session.requests)

    def test_key_goes_by_the_name_that_was_asked_for(self):
        """`values("pk")` gives `pk`, as in Django."""
        query = Task.objects.using(canned({TASKS: page(task(1))}))

        assert [{"pk": 1}] == list(query.values("pk"))

    def test_only_the_named_fields_travel(self):
        """The request asks for these fields, and nothing is loaded later."""
        query = values("meta", "created")

        with assert_requests(1, session=query._queryset.session) as calls:
            list(query)

        assert "fields=id,meta,created" in calls[0].url

    def test_flat_takes_one_field(self):
        """`flat=True` with two fields is refused."""
        with pytest.raises(QueryError, match="exactly one field"):
            values("id", "meta", flat=True)


class TestLikeQueries:
    def test_narrow_and_order(self):
        """Values can be narrowed and ordered like rows."""
        found = (
            values("id", flat=True).filter(id__in=[1, 2]).exclude(is_discarded=True).order_by("-id").reverse()
        )

        assert [1, 2] == list(found)

    def test_ends(self):
        """`first`, `last`, `count`, `exists`, `len` and `bool` mean what they mean for rows."""
        found = values("id", flat=True)

        assert (1, 3, True, 3, True) == (
            found.first(),
            found.count(),
            found.exists(),
            len(found),
            bool(found),
        )
        assert 3 == found.last()

    def test_ends_of_nothing(self):
        """Without rows there is no first and no last value."""
        found = values("id").filter(id__in=[])

        assert (None, None, False) == (found.first(), found.last(), bool(found))

    def test_slices_and_indexes(self):
        """A slice gives values, a step a list of them, an index one."""
        found = values("id", flat=True)

        assert ([2, 3], [1, 3], 2) == (list(found[1:]), found[0:3:2], found[1])

    def test_streams(self):
        """`iterator()` keeps nothing, and takes a page size."""
        found = values("id", flat=True)

        assert [1, 2, 3] == list(found.iterator(page_size=2))
        assert 2 == len(found._queryset.session.requests)

    def test_explain(self):
        """What would be sent is shown for values too."""
        assert "fields=id" in str(values("id").explain())

    def test_repr_sends_nothing(self):
        """The text names the fields and the query."""
        found = values("id", "meta")

        assert "<Values id, meta of <QuerySet Task (not fetched)>>" == repr(found)
        assert [] == found._queryset.session.requests


class TestNarrowing:
    @pytest.mark.parametrize(
        ("ask", "expected"),
        [
            (lambda v: v.get(2), (2, {"n": 2})),
            (lambda v: v.get(id__in=[2]), (2, {"n": 2})),
            (lambda v: v.in_bulk([3, 9]), {3: (3, {"n": 3})}),
            (lambda v: sorted(v.in_bulk()), [1, 2, 3]),
            (lambda v: list(v.none()), []),
            (lambda v: len(v.all()), 3),
            (
                lambda v: [row for shard in v.shards(2) for row in shard.values_list("id", flat=True)],
                [1, 2, 3],
            ),
            (lambda v: v.values("id")[0], {"id": 1}),
            (lambda v: list(v.params(x=1).values_list("id", flat=True)), [1, 2, 3]),
            (lambda v: list(v.using(v._queryset.session).values_list("id"))[0], (1,)),
            (lambda v: list(v.values())[0]["status_label"], "stand_by"),
            (lambda v: (1, {"n": 1}) in v, True),
        ],
    )
    def test_gives_values(self, ask: Any, expected: Any):
        """What a query can be asked, its values can."""
        assert expected == ask(values("id", "meta"))

    def test_of_a_missing_row_raises(self):
        """`values().get()` raises the entity's own error."""
        with pytest.raises(Task.DoesNotExist):
            values("id").filter(id__in=[9]).get()

    def test_travels_in_a_pickle(self):
        """The values of a shard are what a worker gets; the session stays behind."""
        [shard] = values("id").shards(1)
        sent = pickle.loads(pickle.dumps(shard))

        assert [(1,), (2,), (3,)] == list(sent.using(shard._queryset.session))


class TestCopies:
    @pytest.mark.parametrize(
        "first",
        [lambda v: list(v)[0], lambda v: v[0], lambda v: v.first(), lambda v: v[::2][0], lambda v: v[:1][0]],
    )
    def test_are_given_of_what_is_kept(self, first: Any):
        """An edit of a value is seen neither by the next look at it, nor by the rows."""
        rows = Task.objects.using(canned({TASKS: served([task(1), task(2)])}))
        list(rows)
        first(rows.values())["meta"]["n"] = 9

        assert (1, {"n": 1}, {}) == (first(rows.values())["meta"]["n"], rows[0].meta, rows[0].changes)


class TestNamed:
    def test_has_the_fields_by_name(self):
        """As Django's `named=True`."""
        found = list(values("data_unit", "pk", named=True))

        assert (101, 1, (101, 1)) == (found[0].data_unit, found[0].pk, found[0])
        assert ("data_unit", "pk") == found[0]._fields

    def test_without_names_has_all_that_came(self):
        """The first row speaks for all."""
        assert {"id", "meta"} <= set(next(iter(values(named=True)))._fields)

    def test_is_not_flat(self):
        """One value has no names."""
        with pytest.raises(QueryError, match="flat=True or named=True, not both"):
            values("id", flat=True, named=True)

    def test_takes_the_key_of_a_relation_by_any_name(self):
        """`project__id` needs no join."""
        assert [(1, 1, 1)] * 3 == list(values("project__id", "project__pk", "project"))


class TestPaths:
    REPLIES = {
        TASKS: served([task(1), task(2), task(3, project=None)]),
        "GET projects/1/": project(1),
        "GET data_collections/7/": {"id": 7, "name": "Signs"},
    }

    def test_lead_to_fields_of_related_objects(self):
        """A path is followed, through several relations as well; where one leads nowhere there is None."""
        query = Task.objects.using(canned(self.REPLIES))

        assert [
            {"id": 1, "project__title": "project 1", "project__data_collection__name": "Signs"},
            {"id": 2, "project__title": "project 1", "project__data_collection__name": "Signs"},
            {"id": 3, "project__title": None, "project__data_collection__name": None},
        ] == list(query.values("id", "project__title", "project__data_collection__name"))

    @pytest.mark.parametrize("read", [list, lambda each: list(each.iterator())])
    def test_load_what_they_lead_to_for_a_page_at_once(self, read):
        """Two rows of one project take one request for it, also while streaming."""
        session = canned(self.REPLIES)

        assert ["project 1", "project 1", None] == read(
            Task.objects.using(session).values_list("project__title", flat=True)
        )
        assert 2 == len(session.requests)

    def test_fetch_no_more_than_they_need(self):
        """The backend is asked for the key that a path starts from."""
        session = canned(self.REPLIES)
        list(Task.objects.using(session).values("project__title"))

        assert "id,project" == dict(session.requests[0].params)["fields"]

    @pytest.mark.parametrize(
        ("name", "said"),
        [
            ("project__titel", "did you mean 'title'"),
            ("meta__n", "ask for 'meta'"),
            ("tags__id", "look into it"),
        ],
    )
    def test_are_checked(self, name, said):
        """A path that leads to no field is refused before a request."""
        with pytest.raises(QueryError, match=said):
            values(name)


class TestJson:
    def test_is_what_json_takes(self):
        """Moments as ISO 8601, files as objects, enumerations as text; dicts and lists as they are."""
        file = {"image_1": {"url": "https://canned.invalid/a.png", "file_name_original": "a.png"}}
        query = Task.objects.using(canned({TASKS: served([task(1, files=file)])}))

        (found,) = json.loads(
            json.dumps(list(query.values("created", "files", "meta", "status_label", json=True)))
        )

        assert ("2026-03-01T09:01:00+09:00", {"n": 1}, "stand_by") == (
            found["created"],
            found["meta"],
            found["status_label"],
        )
        assert ("a.png", "https://canned.invalid/a.png") == (
            found["files"]["image_1"]["name"],
            found["files"]["image_1"]["url"],
        )

    def test_is_kept_by_what_narrows(self):
        """Filters, slices and streams give the same values."""
        query = Task.objects.using(canned({TASKS: served([task(1), task(2)])})).values("created", json=True)

        assert [{"created": "2026-03-01T09:01:00+09:00"}] == list(
            query.filter(id__lt=2).order_by("id").iterator()
        )

    @pytest.mark.parametrize("shape", ["flat", "named"])
    def test_comes_in_every_shape(self, shape):
        """Tuples and bare values too."""
        assert "2026-03-01T09:01:00+09:00" in json.dumps(list(values("created", json=True, **{shape: True})))

    def test_of_an_object_is_the_same(self):
        """`to_dict(json=True)` is one row of it, without what was not loaded."""
        session = canned({TASKS: served([task(1)])})
        [row] = Task.objects.using(session)

        assert row.to_dict(json=True) == next(iter(Task.objects.using(session).values(json=True)))
        assert json.dumps(row.to_dict(json=True))
