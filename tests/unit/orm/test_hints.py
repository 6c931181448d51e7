"""Names from Django, pandas and other clients."""

from __future__ import annotations

import numpy
import pytest

import synapse

from synapse import FieldError, Project, QueryError, SynapseError, Task
from synapse.orm import hints
from synapse.testing import canned, page
from tests.unit.orm.rows import served, task


class TestNamesAsKeys:
    """A name in the place of a key."""

    def test_tells_how_to_find_an_object_by_its_name(self):
        """A filter takes the object or its key; the error says which call finds it by its title."""
        with pytest.raises(QueryError) as caught:
            Task.objects.filter(project="Street signs")

        assert str(caught.value) == (
            "Task.filter(project=...) takes an integer, got str 'Street signs'; "
            "Project.objects.get(title=...) finds one by its title"
        )

    @pytest.mark.parametrize("key", ["1", 0, None])
    def test_says_nothing_of_names_where_none_was_given(self, key):
        """A number as text, or no possible key, is no name."""
        with pytest.raises(QueryError) as caught:
            Task.objects.filter(project=key)

        assert "finds one" not in str(caught.value)


class TestDjangosNames:
    """Names of Django that have a meaning here, and those that say what to type instead."""

    @pytest.mark.parametrize(
        ("verb", "names", "key"),
        [
            ("latest", ["created"], 3),
            ("latest", ["-created"], 1),
            ("earliest", ["created"], 1),
            ("latest", ["pk"], 3),
        ],
    )
    def test_the_outermost_row(self, verb, names, key):
        """`latest()` and `earliest()` give one row of an order."""
        rows = [task(1), task(2), task(3)]
        answer = served(rows)

        assert key == getattr(Task.objects.using(canned({"GET sdk/tasks/": answer})), verb)(*names).id

    def test_the_outermost_row_of_none(self):
        """Is none, which is an error as in Django."""
        query = Task.objects.using(canned({"GET sdk/tasks/": page()}))

        with pytest.raises(Task.DoesNotExist):
            query.latest("created")
        with pytest.raises(QueryError, match=r"such as latest\('created'\)"):
            query.latest()

    def test_distinct_rows(self):
        """Rows are distinct; fields are told apart here."""
        query = Task.objects.filter(project=1)

        assert query.query == query.distinct().query
        with pytest.raises(QueryError, match="takes no fields"):
            query.distinct("project")

    @pytest.mark.parametrize("name", sorted(hints.OF_QUERIES))
    def test_of_others_say_what_to_type(self, name):
        """Those that work are no hints; no hint is of a name that works."""
        with pytest.raises(AttributeError, match=f"a query has no '{name}': ") as caught:
            getattr(Task.objects.all(), name)

        assert isinstance(caught.value, SynapseError)

    @pytest.mark.parametrize("name", sorted(hints.OF_VALUES))
    def test_of_queries_alone_say_what_to_type_of_values(self, name):
        """Values are not written, and `distinct()` of them means other rows in Django."""
        with pytest.raises(FieldError, match=rf"values\(\) has no '{name}': "):
            getattr(Task.objects.values("id"), name)

    @pytest.mark.parametrize(
        ("name", "said"), [("fliter", "did you mean 'filter'"), ("agett", "did you mean 'aget'")]
    )
    def test_the_nearest_name(self, name, said):
        """And those of twins."""
        with pytest.raises(FieldError, match=said):
            getattr(Task.objects, name)

    @pytest.mark.parametrize("name", ["__array__", "__dataframe__", "__len_hint__"])
    @pytest.mark.parametrize(
        "make", [lambda: Task.objects, lambda: Task.objects.values(), lambda: Task.ref(5)]
    )
    def test_of_python_fail_at_once(self, make, name):
        """Libraries look for dozens of them: no error of ours is made, whose words would have to be found."""
        with pytest.raises(AttributeError) as caught:
            getattr(make(), name)

        assert AttributeError is type(caught.value)


class TestOfObjects:
    @pytest.mark.parametrize("name", sorted(hints.OF_OBJECTS))
    def test_say_what_to_type(self, name):
        """An object has other names for it."""
        with pytest.raises(FieldError, match=f"Task has no attribute '{name}': "):
            getattr(Task.ref(5), name)

    def test_of_sets_are_those_of_the_other_side(self):
        """Django adds `_set`."""
        with pytest.raises(FieldError, match="its set is called 'tasks'"):
            Project.ref(1).task_set

    @pytest.mark.parametrize("name", sorted(synapse._INSTEAD))
    def test_of_the_package_say_what_to_type(self, name):
        """`Q` and `F` are not there."""
        with pytest.raises(AttributeError, match=f"no attribute '{name}': "):
            getattr(synapse, name)


class TestUpdateFields:
    def loaded(self, **replies):
        """A task as it was loaded."""
        session = canned({"GET tasks/7/": task(7), **replies})
        return Task.objects.using(session).get(7), session

    def test_are_those_that_changed(self):
        """Code for Django names what it has set; that works as it is."""
        found, session = self.loaded(**{"PATCH tasks/7/": {**task(7), "is_discarded": True}})
        found.is_discarded = True

        found.save(update_fields=["is_discarded"])

        assert {"is_discarded": True} == session.requests[-1].json

    def test_may_not_leave_a_change_out(self):
        """It would be neither sent nor kept."""
        found, session = self.loaded()
        found.is_discarded, found.meta = True, {"x": 1}

        with pytest.raises(QueryError, match="would leave out is_discarded; save.. sends just what changed"):
            found.save(update_fields=["meta"])
        assert ({"is_discarded", "meta"}, 1) == (set(found.changes), len(session.requests))

    def test_are_fields(self):
        """A typo is told, and a new object has none to update."""
        found, _ = self.loaded()

        with pytest.raises(QueryError, match="did you mean 'meta'"):
            found.save(update_fields=["mtea"])
        with pytest.raises(QueryError, match="takes a Task that is saved already"):
            Task(project=1, data_unit=2).save(update_fields=["project", "data_unit"])


ONE = numpy.array(1)
"""An array of a single value cannot be iterated, though its class says so."""


@pytest.mark.parametrize(
    "call",
    [
        lambda tasks: tasks.filter(id__in=ONE),
        lambda tasks: tasks.in_bulk(ONE),
        lambda tasks: tasks.get(1).set_tags(add=ONE),
        lambda tasks: tasks.bulk_create(ONE),
        lambda tasks: tasks.annotate_many(ONE),
        lambda tasks: tasks.only(numpy.arange(2)),
        lambda tasks: tasks.defer(numpy.arange(2)),
        lambda tasks: tasks.values(numpy.arange(2)),
    ],
)
def test_arrays_that_are_no_list_are_refused(call):
    """As anything else that is none, before something is sent."""
    tasks = Task.objects.using(canned({"GET tasks/1/": task(1)}))

    with pytest.raises(QueryError, match="got ndarray array"):
        call(tasks)
