"""Whatever is wrong with a call: a typed error that says so, nothing sent and nothing changed."""

from __future__ import annotations

import inspect
import pickle
import zipfile

from types import SimpleNamespace

import pytest

import synapse

from synapse import (
    AsyncJob,
    BulkError,
    ConfigError,
    DataCollection,
    DataUnit,
    GroundTruthDataset,
    Job,
    JobLog,
    Model,
    Plugin,
    Project,
    Session,
    Storage,
    SynapseError,
    Task,
    TaskTag,
    entities,
)
from synapse.asynchronous.twins import twin_of
from synapse.orm import Entity, Manager, QuerySet, Values
from synapse.orm.record import Record
from synapse.orm.selection import Selection
from synapse.orm.values import Tabular
from tests.contract.bad_calls import CALLS as PLAIN
from tests.contract.bad_calls import CLOSED as PLAIN_CLOSED
from tests.contract.bad_calls import HARMLESS, Bad
from tests.contract.bad_tables import CLOSED_TABLES, TABLES
from tests.contract.bad_verbs import VERBS
from tests.contract.conftest import connected
from tests.contract.lookup_world import ENTITIES

CALLS = [*PLAIN, *VERBS, *TABLES]
CLOSED = PLAIN_CLOSED | CLOSED_TABLES
ELSEWHERE = "http://127.0.0.1:9"
GHOST = "00000000-0000-0000-0000-000000000001"


def held(cls, key, session: Session, **changes):
    """Give an object that counts as loaded through a session."""
    made = cls.ref(key)
    made._state.session = session
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def deleted(cls, key, session: Session):
    """Give an object that counts as deleted."""
    made = held(cls, key, session)
    made._state.deleted = True
    return made


def raised(call, *arguments):
    """Raise the error of the one row that failed in a bulk call."""
    with pytest.raises(BulkError) as caught:
        call(*arguments)
    raise caught.value.failed[0][1]


@pytest.fixture(scope="module")
def closed_session():
    """A session that was closed."""
    session = Session(ELSEWHERE, api_token="t")
    session.close()
    return session


@pytest.fixture
def files(tmp_path):
    """A picture, an archive, an empty file and the folder that they are in."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("a", "a")
    (tmp_path / "a.png").write_bytes(b"png")
    (tmp_path / "empty.zip").write_bytes(b"")
    return {
        "folder": tmp_path,
        "picture": tmp_path / "a.png",
        "archive": tmp_path / "a.zip",
        "empty": tmp_path / "empty.zip",
    }


@pytest.fixture(scope="module")
def rows(tables):
    """Rows that every call is tried on."""
    from tests.contract.factory import Factory

    make = Factory(tables, tables.Tenant.objects.get(code="contract"))
    tasks = make.tasks(2)
    return SimpleNamespace(
        tasks=tasks, tag=make.tag(project=tasks[0].project), plugin=make.plugin(), job=make.job()
    )


@pytest.fixture(scope="module")
def loaded(box, rows):
    """What is got from the backend, once for all calls."""
    with connected(box, "contract"):
        collection = DataCollection.objects.get(rows.tasks[0].project.data_collection_id)
        return [pickle.dumps(each) for each in (collection, Plugin.objects.get(rows.plugin.pk))]


@pytest.fixture
def w(session, rows, loaded, files, closed_session):
    """Objects of every wrong kind: unsaved, deleted, of another backend, of a closed session."""
    abroad = Session(ELSEWHERE, api_token="t")
    world = SimpleNamespace(**files, closed_session=closed_session, raised=raised)
    world.task = held(Task, rows.tasks[0].pk, session)
    world.project = held(Project, rows.tasks[0].project_id, session)
    world.collection, world.plugin = map(pickle.loads, loaded)
    world.collection._state.session = world.plugin._state.session = session
    world.tag = held(TaskTag, rows.tag.pk, session)
    world.job = held(Job, str(rows.job.pk), session)
    world.ghost_job = held(Job, GHOST, session)
    world.dataset = held(GroundTruthDataset, 1, session)
    world.storage = held(Storage, 1, session)
    world.tasks = Task.objects.filter(project=rows.tasks[0].project_id)
    add_new(world)
    add_gone_and_foreign(world, session, abroad)
    world.closed_tasks = Task.objects.using(closed_session)
    world.closed = lambda cls, **changes: held(
        cls, "a" if cls in (Job, AsyncJob) else 1, closed_session, **changes
    )
    world.unit = lambda **values: DataUnit.objects.create(data_collection_id=1, **values)
    world.model = lambda file, **values: Model.objects.create(name="m", file=file, **values)
    world.log = lambda **values: JobLog.objects.create(**{"job": world.job, "event": "e", **values})
    return world


def add_new(world: SimpleNamespace) -> None:
    """Add objects that are not saved."""
    world.new_task = Task(project_id=1, data_unit_id=1)
    world.new_project = Project(title="t", category="image")
    world.new_tag = TaskTag(project_id=1, name="n")
    world.new_collection = DataCollection(name="n", category="image")
    world.new_plugin = Plugin(code="c", name="n", category="custom")


def add_gone_and_foreign(world: SimpleNamespace, session: Session, abroad: Session) -> None:
    """Add objects that were deleted, that belong elsewhere, or that were changed to what cannot be sent."""
    world.gone = deleted(TaskTag, 1, session)
    world.gone_project = deleted(Project, 1, session)
    world.gone_collection = deleted(DataCollection, 1, session)
    world.foreign_task = held(Task, 1, abroad)
    world.foreign_project = held(Project, 1, abroad)
    world.other_project = held(Project, 1, session, data_collection_id=10**9)
    world.foreign_project = held(Project, 1, abroad)
    world.foreign_tag = held(TaskTag, 1, abroad)
    world.foreign_agent = held(synapse.Agent, 1, abroad)
    world.foreign_job = held(Job, GHOST, abroad)
    world.tag_of_foreign_project = TaskTag(project=world.foreign_project, name="n")
    world.own_tag = held(TaskTag, 1, session)
    world.changed_ghost = held(Task, 10**9, session, is_discarded=True)
    world.edited = Task(project_id=1, data_unit_id=1, meta={})
    world.edited.meta["a"] = object()


class TestBadInput:
    @pytest.mark.parametrize("bad", CALLS, ids=[f"{bad.method}({bad.wrong})" for bad in CALLS])
    def test_is_refused(self, session, w, bad: Bad):
        """The error is of its kind and in words; no request more than is needed to know is made."""
        with session.trace() as calls, pytest.raises(bad.error) as caught:
            bad.call(w)

        assert (bad.reads, bad.writes) == (len(calls) - len(calls.sent), len(calls.sent)), calls
        assert issubclass(bad.error, (SynapseError, AttributeError, TypeError, IndexError))
        assert len(str(caught.value)) > 15

    @pytest.mark.parametrize("method", CLOSED)
    def test_a_closed_session_is_told(self, w, method):
        """What needs the network says that the session is closed."""
        with pytest.raises(ConfigError, match="closed"):
            CLOSED[method](w)

    def test_refusals_change_nothing(self, session, w, tables):
        """After all of them, the rows are as they were."""
        before = [list(tables.Task.objects.order_by("pk").values()), tables.TaskTag.objects.count()]

        for bad in CALLS:
            with pytest.raises(bad.error):
                bad.call(w)

        assert before == [list(tables.Task.objects.order_by("pk").values()), tables.TaskTag.objects.count()]


class TestNoSession:
    @pytest.mark.parametrize(
        "use",
        [
            lambda: Task.objects.count(),
            lambda: Task.objects.create(project_id=1, data_unit_id=1),
            lambda: Task.ref(5).meta,
            lambda: Task.ref(5).annotate({"a": 1}),
            lambda: TaskTag(project_id=1, name="n").save(),
            lambda: Job.ref("a").stop(),
        ],
    )
    def test_says_what_to_do(self, use):
        """Without a session, the error names the ways to get one."""
        with pytest.raises(ConfigError, match="synapse.connect"):
            use()


# What users know as one class, in two modules.
BASES: dict[type, type] = {QuerySet: Selection, Entity: Record}


def public_methods() -> set[str]:
    """Name every method that users can call, under the class that declares it."""
    managers = [each for each in _subclasses(Manager) if each.__module__.startswith("synapse")]
    classes = [QuerySet, Values, Tabular, Entity, *ENTITIES, *managers]
    found = {
        f"{cls.__name__}.{name}"
        for cls in classes
        for name, value in {**vars(BASES.get(cls, object)), **vars(cls)}.items()
        if not name.startswith("_") and inspect.isroutine(getattr(cls, name)) and not isinstance(value, type)
        # What a twin is called with goes to its method: tests/meta/test_twins.py.
        if twin_of(value) is None
    }
    functions = {name for name in entities.__all__ if inspect.isfunction(getattr(entities, name))}
    return found | {f"synapse.{name}" for name in functions}


def _subclasses(cls: type) -> list[type]:
    return [each for direct in cls.__subclasses__() for each in (direct, *_subclasses(direct))]


class TestTables:
    def test_every_public_method_is_in_a_table(self):
        """A method that is added must be tried with what is wrong, or with a closed session."""
        tried = {bad.method for bad in CALLS} | set(CLOSED) | HARMLESS

        assert set() == public_methods() - tried

    def test_no_table_names_a_method_that_is_gone(self):
        """A method that is renamed is renamed here as well."""
        named = {each for each in {bad.method for bad in CALLS} | set(CLOSED) if "__" not in each}

        assert {"Entity.objects", "DataFile.objects", "Storage.configuration"} == named - public_methods()
