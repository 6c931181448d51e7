"""Whether an object can be worked with, and on which backend."""

from __future__ import annotations

import pickle

from collections import deque

import pytest

from synapse import NotFoundError, Project, QueryError, Session, Task, TaskTag
from synapse.dialects import Request
from synapse.orm import binding
from synapse.testing import canned, page


@pytest.fixture
def elsewhere():
    """A session of another backend."""
    return Session("http://127.0.0.1:9/prefix", api_token="t")


@pytest.fixture
def project(elsewhere) -> Project:
    """A project of that backend."""
    made = Project.ref(5)
    made._state.session = elsewhere
    return made


class TestHeld:
    def test_gives_the_object_its_session(self, project, elsewhere):
        """The session that an object came through is the one that it goes on with."""
        assert binding.held(project, "save") is elsewhere

    def test_refuses_a_new_object(self):
        """What is not saved has no place on the backend."""
        with pytest.raises(QueryError, match=r"call \.save\(\) before \.annotate\(\)"):
            binding.held(Task(project_id=1, data_unit_id=1), "annotate")

    def test_refuses_a_deleted_object(self, project):
        """What is gone is named with its key."""
        project._state.deleted = True

        with pytest.raises(QueryError, match="Project 5 was deleted"):
            binding.held(project, "save")


class TestSend:
    def test_turns_a_missing_object_into_its_own_error(self, project):
        """404 is the entity's DoesNotExist, with what the backend answered."""
        session = canned(
            {"GET x/": NotFoundError("no", status_code=404, response={"detail": "no"}, request_id="r")}
        )

        with pytest.raises(Project.DoesNotExist, match="Project 5") as caught:
            binding.send(project, Request("GET", "x/"), session=session)

        assert ({"detail": "no"}, "r") == (caught.value.response, caught.value.request_id)


class TestHosts:
    def test_of_plain_values_are_none(self):
        """Keys and unbound objects belong to whichever session is used."""
        assert binding.among([1, "a", None, Task.ref(5), [Task.ref(6)]]) is None

    def test_are_found_in_lists(self, project, elsewhere):
        """Objects in lists, tuples and sets count as well."""
        kinds = (list, tuple, set, frozenset, deque, lambda each: dict.fromkeys(each).keys())

        assert [elsewhere.backend] * len(kinds) == [binding.among([kind([project])]) for kind in kinds]

    def test_may_not_be_mixed(self, project):
        """Two backends in one call are a mistake, whichever is current."""
        with pytest.raises(QueryError, match="cannot be mixed"):
            binding.among([project], known=canned({}).backend)


class TestQueries:
    def test_keep_to_the_backend_of_their_objects(self, project):
        """A query filtered by an object does not run elsewhere, by no way of reading."""
        query = Task.objects.using(canned({"GET sdk/tasks/": page()})).filter(project=project)

        for ask in (
            list,
            len,
            bool,
            lambda query: query.count(),
            lambda query: query[0],
            lambda query: query.first(),
        ):
            with pytest.raises(QueryError, match="whose key names another one"):
                ask(query)

    def test_of_the_same_backend_run(self, elsewhere):
        """Two sessions of one host, say with other tokens, are one backend."""
        first, second = canned({}), canned({"GET sdk/tasks/": page()})
        project = Project.ref(5)
        project._state.session = first

        assert [] == list(Task.objects.using(second).filter(project=project))

    def test_remember_it_when_narrowed_and_pickled(self, project):
        """Slices, orders and pickles do not forget."""
        query = pickle.loads(pickle.dumps(Task.objects.filter(project=project).order_by("id")[:5]))

        with pytest.raises(QueryError, match="whose key names another one"):
            list(query.using(canned({})))

    def test_that_can_match_nothing_remember_it_as_well(self, project):
        """Filters that exclude each other leave the host in place."""
        query = Task.objects.filter(project=project).filter(project=6)

        with pytest.raises(QueryError, match="whose key names another one"):
            query.using(canned({})).create(project_id=1, data_unit_id=1)

    def test_take_iterators_once(self):
        """A generator of objects is looked at and used, not used up."""
        query = Task.objects.filter(tags__in=(tag for tag in [TaskTag.ref(1), TaskTag.ref(2)]))

        assert "tags__in=(1, 2)" in repr(query)


class TestPickledObjects:
    @pytest.fixture
    def restored(self, project) -> Project:
        """The same project, out of a pickle: without a session, twice over."""
        return pickle.loads(pickle.dumps(pickle.loads(pickle.dumps(project))))

    def test_do_not_go_to_another_backend(self, restored):
        """An object whose session stayed behind is not written to, or read from, wherever one is now."""
        restored.title = "x"

        with canned({}):
            for use in (restored.save, restored.refresh, restored.delete, lambda: len(restored.tasks)):
                with pytest.raises(QueryError, match="another one"):
                    use()

    def test_are_no_filter_there_either(self, restored):
        """Its key is not taken to another backend."""
        with canned({}), pytest.raises(QueryError, match="another one"):
            Task.objects.filter(project=restored).count()

    def test_go_on_at_home(self, restored, elsewhere):
        """A session of its own host is as good as the old one."""
        home = canned({"DELETE projects/5/": None})
        home.host = elsewhere.host

        with home:
            restored.delete()

        assert ["DELETE"] == [request.method for request in home.requests]
