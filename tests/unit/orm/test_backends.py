"""Queries and objects of one backend, where another one is current: copied, pickled, linked, given as values."""

from __future__ import annotations

import copy
import dataclasses
import os
import pickle
import subprocess
import sys

from collections.abc import Callable
from typing import Any

import attrs
import cloudpickle
import pytest

from synapse import Project, QueryError, Task, TaskTag, WrongHostError
from synapse.entities.collection import _ObjectOf
from synapse.orm import queryset
from synapse.testing import CannedSession, canned, page
from tests.unit.orm.rows import project, served, task

STAGE, PRODUCTION = "https://stage.invalid", "https://production.invalid"
WHOLE = {
    "data": None,
    "schema": "dm_schema_v1",
    "tags": [],
    "files": {},
    "count_assignments": 0,
    "has_data": False,
    "workshop": None,
    "status_review": "stand_by",
}


def backend(host: str, **settings: Any) -> CannedSession:
    """A backend with project 1 and task 20, at this address."""
    replies = {
        "GET projects/1/": project(1),
        "GET tasks/20/": task(20, **WHOLE),
        "GET sdk/tasks/": served([task(20, **WHOLE)]),
        "POST tasks/": lambda request: {"id": 30, **request.json[0]},
        "PATCH tasks/20/": task(20),
        "DELETE tasks/20/": None,
        "GET task_tags/": page(),
    }
    made = canned(replies, **settings)
    made.host = host
    return made


@pytest.fixture
def stage() -> CannedSession:
    """Where the objects come from."""
    return backend(STAGE)


@pytest.fixture
def production() -> Any:
    """Another backend, which is current."""
    with backend(PRODUCTION) as made:
        yield made


@pytest.fixture
def theirs(stage: CannedSession) -> Project:
    """A project of the staging backend."""
    return Project.objects.using(stage).get(1)


@dataclasses.dataclass
class Holder:
    """What somebody's own class keeps."""

    query: Any


def travelled(value: Any) -> Any:
    """Give what a pickle of it opens as."""
    return pickle.loads(pickle.dumps(value))


COPIES: dict[str, Callable[[Any], Any]] = {
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "asdict": lambda query: dataclasses.asdict(Holder(query))["query"],
    "evolve": lambda query: attrs.evolve(attrs.make_class("Held", ["query"])(copy.copy(query))).query,
    "all": lambda query: query.all(),
    "slice": lambda query: query[:5],
    "filter": lambda query: query.filter(is_discarded=False),
    "order": lambda query: query.order_by("-id").reverse(),
}


class TestCopies:
    @pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
    @pytest.mark.parametrize("make", [lambda mine: mine.tasks, lambda mine: mine.tasks.filter(id__in=[20])])
    def test_stay_with_session_and_owner(
        self, copied: Callable[[Any], Any], make: Callable[[Project], Any], theirs, stage, production
    ):
        """Nothing of them reaches the backend that is current, and a set keeps its link."""
        made = copied(make(theirs))

        assert (stage, {"project_id": 1}, 1) == (made.session, made._initial, made.count())
        assert [] == production.requests

    def test_delete_where_they_came_from(self, stage, production):
        """The task of the staging backend goes, not that of the other one."""
        copy.copy(Task.objects.using(stage).filter(id__in=[20])).delete()

        assert ("DELETE", []) == (stage.requests[-1].method, production.requests)

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy])
    def test_of_values_and_managers_stay_as_well(
        self, copied: Callable[[Any], Any], theirs, stage, production
    ):
        """`values()`, `session.tasks` and prefetched sets."""
        assert [20] == list(copied(theirs.tasks.values_list("id", flat=True)))
        assert 1 == copied(Task.objects.using(stage)).count()
        assert [] == production.requests

    def test_of_prefetched_sets_stay_answered(self, stage, production):
        """As `all()` does."""
        (mine,) = [Project.objects.using(stage).prefetch_related("tasks").get(1)]
        before = len(stage.requests)

        assert [20] == [each.pk for each in copy.deepcopy(mine.tasks)]
        assert before == len(stage.requests)

    @pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, attrs.evolve, travelled])
    def test_of_new_objects_remember_what_they_link_to(
        self, copied: Callable[[Any], Any], theirs, production
    ):
        """The key of a project of the staging backend is written nowhere else."""
        with pytest.raises(WrongHostError, match="this new Task came from https://stage"):
            copied(Task(project=theirs, data_unit_id=1)).save()

    def test_by_attrs_are_new_objects_of_the_same_backend(self, stage, production):
        """`attrs.evolve()` gives a row to be created, where its source came from."""
        made = attrs.evolve(Task.objects.using(stage).get(20), is_discarded=True)
        made.save()

        assert ({"POST"}, []) == ({stage.requests[-1].method}, production.requests)


class TestFetched:
    @pytest.mark.parametrize(
        "use",
        [
            lambda query: query.delete(),
            lambda query: query.update(is_discarded=True),
            lambda query: query.set_tags(add=[1]),
            lambda query: query.create(project=1, data_unit=2),
            lambda query: query.iterator(),
            travelled,
        ],
        ids=["delete", "update", "set_tags", "create", "iterator", "pickle"],
    )
    def test_rows_keep_a_query_where_they_are_from(self, use: Callable[[Any], Any], stage, production):
        """What was looked at on one backend is not deleted on the one that is current afterwards."""
        with stage:
            query = Task.objects.filter(id__in=[20])
            assert [20] == [task.id for task in query]

        with pytest.raises(WrongHostError, match=r"stage\.invalid.*production\.invalid"):
            list(use(query))
        assert [] == production.requests

    def test_rows_leave_what_is_made_of_it_free(self, stage, production):
        """It was looked at nowhere."""
        query = Task.objects.filter(id__in=[20])
        with stage:
            list(query)

        assert (1, production) == (query.all().count(), query.filter(is_discarded=False).session)

    def test_rows_that_a_write_dropped_keep_it_nowhere(self, stage, production):
        """It goes to what is current again, as if it had never been fetched."""
        query = Task.objects.filter(id__in=[20])
        with stage:
            list(query)
            query.update(is_discarded=False)

        assert production is query.session


class TestUsing:
    def test_cannot_take_a_set_elsewhere(self, theirs, production):
        """The key of its owner names another project there."""
        with pytest.raises(
            WrongHostError, match=r"https://stage.invalid.*\.using\(session\).*SYNAPSE_HOST_ALIASES"
        ):
            theirs.tasks.using(production)

    def test_takes_it_to_another_session_of_its_own(self, theirs):
        """With another token, say."""
        assert 1 == theirs.tasks.using(backend(STAGE)).count()

    def test_takes_it_to_another_address_of_its_own(self, theirs):
        """Which was named as such."""
        assert 1 == theirs.tasks.using(backend(PRODUCTION, aliases=[STAGE])).count()


PICKLES: dict[str, Callable[[CannedSession], Any]] = {
    "a query": lambda stage: Task.objects.using(stage).filter(is_discarded=False),
    "a set": lambda stage: Project.objects.using(stage).get(1).tasks,
    "values": lambda stage: Task.objects.using(stage).values_list("id", flat=True),
    "a shard": lambda stage: Task.objects.using(stage).shards(1)[0],
    "a slice": lambda stage: Task.objects.using(stage)[:5],
}


class TestPickles:
    @pytest.mark.parametrize("pickler", [pickle, cloudpickle])
    @pytest.mark.parametrize("make", PICKLES.values(), ids=PICKLES)
    def test_refuse_another_backend(self, make: Callable[[Any], Any], pickler: Any, stage, production):
        """The error names both, and what to do."""
        opened = pickle.loads(pickler.dumps(make(stage)))

        words = (
            r"made for https://stage.*goes to https://production.*\.using\(session\).*SYNAPSE_HOST_ALIASES"
        )
        with pytest.raises(WrongHostError, match=words) as caught:
            list(opened)
        with pytest.raises(WrongHostError, match=words):
            opened.explain()
        assert (STAGE, PRODUCTION) == (caught.value.host, caught.value.session_host)
        assert [] == production.requests

    @pytest.mark.parametrize("again", [travelled, lambda query: travelled(travelled(query))])
    def test_run_at_home(self, again: Callable[[Any], Any], stage):
        """Also by another address of it, and out of a pickle of a pickle."""
        query = Task.objects.using(stage)
        for home in (backend(STAGE), backend(PRODUCTION, aliases=[STAGE])):
            with home:
                assert 1 == again(query).count()

    def test_go_where_they_are_told(self, stage, production):
        """`.using()` says it in so many words, for what holds no key of an object."""
        opened = travelled(Task.objects.using(stage).filter(project=1))

        assert 1 == opened.using(production).count()

    def test_of_sets_do_not(self, theirs, production):
        """They hold one."""
        with pytest.raises(WrongHostError, match="whose key names another one"):
            travelled(theirs.tasks).using(production)

    def test_without_a_session_name_the_current_one(self, stage, production):
        """A query or a reference that would go to one backend does not go to another one after a journey."""
        with stage:
            query, row = pickle.dumps(Task.objects.filter(id=20)), pickle.dumps(Task.ref(20))

        for use in (lambda: pickle.loads(query).delete(), lambda: pickle.loads(row).delete()):
            with pytest.raises(WrongHostError):
                use()
        assert [] == production.requests

    def test_keep_to_their_workspace(self):
        """Where both sides name one."""
        opened = travelled(Task.objects.using(backend(STAGE, tenant="one")))

        with backend(STAGE, tenant="other"), pytest.raises(WrongHostError, match=r"workspace 'one'.*'other'"):
            opened.count()
        with backend(STAGE):
            assert 1 == opened.count()

    def test_of_earlier_versions_go_on(self, stage, production):
        """They name no backend, or the address alone."""
        query = Task.objects.filter(project=1)
        free = queryset._restore(type(query), "Task", query.query, ({}, None))
        bound = queryset._restore(type(query), "Task", query.query, ({}, STAGE))
        row = Task.ref(20)
        row._state.__setstate__({"host": STAGE, "origin": {}, "saved": True})

        assert 1 == free.count()
        for use in (bound.count, row.delete):
            with pytest.raises(WrongHostError):
                use()

    def test_of_values_of_earlier_versions_go_on(self, stage, production):
        """They do not say whether the values are JSON."""
        values = Task.objects.filter(id=20).values("id")
        del values._json

        assert [{"id": 20}] == list(travelled(values).using(stage))

    def test_of_objects_name_their_backend_by_either_module(self, stage, production):
        """It was in another one."""
        with stage:
            now = pickle.dumps(Task.ref(20), protocol=0)
        earlier = now.replace(b"csynapse.session.origin\n", b"csynapse.session.backend\n")

        assert now != earlier
        assert pickle.loads(now)._state.backend == pickle.loads(earlier)._state.backend

    def test_of_shards_that_were_cut_here_stay_here(self, stage, production):
        """Ranges of the keys of one backend mean nothing on another one."""
        with stage:
            (shard,) = Task.objects.shards(1)

        with pytest.raises(WrongHostError, match=r"made for https://stage"):
            list(shard)

    def test_of_reports_keep_where_their_objects_are(self, stage, production):
        """The units and tasks of an upload's outcomes."""
        unit = travelled(travelled(_ObjectOf(Task, stage)))(20)

        with pytest.raises(WrongHostError):
            unit.delete()


class TestCheckpoints:
    def test_refuse_another_backend(self, stage, production):
        """A place on one is none on another."""
        rows = Task.objects.using(stage).iterator()
        next(rows)

        with pytest.raises(WrongHostError, match=r"another backend.*SYNAPSE_HOST_ALIASES"):
            Task.objects.resume(rows.checkpoint)

    @pytest.mark.parametrize(("tenants", "fits"), [("ab", False), ("aa", True), ((None, "b"), True)])
    def test_refuse_another_workspace(self, tenants: Any, fits: bool):
        """Where both name one; earlier checkpoints name none."""
        first, second = (backend(STAGE, tenant=each) for each in tenants)
        rows = Task.objects.using(first).iterator()
        next(rows)

        if fits:
            assert [] == list(Task.objects.using(second).resume(rows.checkpoint))
        else:
            with pytest.raises(WrongHostError):
                Task.objects.using(second).resume(rows.checkpoint)


def test_journals_go_on_at_another_address_of_their_backend(tmp_path):
    """A run that was begun at one is finished at the other, which was named as such."""
    journal = tmp_path / "run.journal"
    for session in (backend(STAGE), again := backend(PRODUCTION, aliases=[STAGE])):
        session.replies["POST tasks/"] = [task(30, data_unit=2)]
        Task.objects.using(session).bulk_create([Task(project_id=1, data_unit_id=2)], journal=journal)

    assert [] == [request for request in again.requests if request.method == "POST"]


VALUES: dict[str, Callable[[Project, Task], Any]] = {
    "filter": lambda theirs, row: Task.objects.filter(project=theirs).count(),
    "exclude": lambda theirs, row: Task.objects.exclude(id=row).count(),
    "in a list": lambda theirs, row: Task.objects.filter(id__in=(row for _ in "a")).count(),
    "in a view": lambda theirs, row: Task.objects.filter(id__in={row: 1}.keys()).count(),
    "get": lambda theirs, row: Task.objects.get(row),
    "get(pk)": lambda theirs, row: Task.objects.get(pk=row),
    "in_bulk": lambda theirs, row: Task.objects.in_bulk([row]),
    "in_bulk of an iterator": lambda theirs, row: Task.objects.in_bulk(iter([row])),
    "create": lambda theirs, row: Task.objects.create(project=theirs, data_unit_id=1),
    "create in a set": lambda theirs, row: Project.ref(1).tasks.create(project=theirs, data_unit_id=1),
    "save": lambda theirs, row: Task(project=theirs, data_unit_id=1).save(),
    "bulk_create": lambda theirs, row: Task.objects.bulk_create([Task(project=theirs, data_unit_id=1)]),
    "bulk_create of theirs": lambda theirs, row: Task.objects.bulk_create([attrs.evolve(row)]),
    "bulk_create of pickles": lambda theirs, row: Task.objects.bulk_create(
        [travelled(Task(project=theirs, data_unit_id=1))]
    ),
    "get_or_create": lambda theirs, row: TaskTag.objects.get_or_create(
        {"project": theirs}, category="project"
    ),
    "update": lambda theirs, row: Task.objects.filter(id=20).update(project=theirs),
    "save of a pickle": lambda theirs, row: (
        setattr(travelled(row), "is_discarded", True) or travelled(row).delete()
    ),
    "a set of a pickle": lambda theirs, row: travelled(theirs).tasks.count(),
}


@pytest.mark.parametrize("given", VALUES.values(), ids=VALUES)
def test_objects_of_another_backend_are_refused(given: Callable[[Any, Any], Any], theirs, stage, production):
    """Before anything is sent, by every door that takes objects."""
    row = Task.objects.using(stage).get(20)

    with pytest.raises(WrongHostError, match="SYNAPSE_HOST_ALIASES"):
        given(theirs, row)
    assert [] == production.requests


class TestLinks:
    def test_to_another_backend_are_refused(self, theirs, production):
        """At once, and nothing is set."""
        row = Task.objects.get(20)

        with pytest.raises(WrongHostError, match="Task.project is an object of https://production"):
            row.project = theirs
        assert ({}, 1) == (row.changes, row.project_id)

    def test_may_be_set_anew(self, theirs, production):
        """What a new object linked to before does not bind it."""
        made = Task(project=theirs, data_unit_id=1)
        made.project = Project.objects.get(1)
        made.save()

        assert 30 == made.pk


WORKER = """
import pickle, sys
from synapse import WrongHostError
for value in pickle.load(sys.stdin.buffer):
    try:
        print(value.session.host if hasattr(value, "session") else value.refresh())
    except WrongHostError as error:
        print(type(error).__name__)
"""


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, "WrongHostError"), ({"SYNAPSE_HOST_ALIASES": f"{STAGE},{PRODUCTION}"}, PRODUCTION)],
)
def test_another_process_refuses_what_is_not_of_its_backend(
    settings: dict[str, str], expected: str, theirs, stage
):
    """A worker whose environment names another host, or the same backend by another address."""
    queries = [
        theirs.tasks,
        *Task.objects.using(stage).shards(2),
        Task.objects.using(stage).filter(project=1),
    ]
    environment = {**os.environ, "SYNAPSE_HOST": PRODUCTION, "SYNAPSE_API_TOKEN": "t", **settings}
    worker = [sys.executable, "-c", WORKER]
    ran = subprocess.run(
        worker, input=cloudpickle.dumps(queries), env=environment, capture_output=True, check=True
    )

    assert [expected] * len(queries) == ran.stdout.decode().split()


def test_the_error_is_a_query_error():
    """Code that catches what a backend cannot answer catches it."""
    assert issubclass(WrongHostError, QueryError)
