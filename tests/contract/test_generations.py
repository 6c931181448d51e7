"""Two API generations in one session: which of them is asked, and what is refused before anything is sent."""

from __future__ import annotations

import asyncio
import pickle

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pytest

from synapse import (
    Agent,
    Assignment,
    BackendClient,
    BulkError,
    DataFile,
    DataUnit,
    Experiment,
    GroundTruthVersion,
    Job,
    Plugin,
    PluginRelease,
    Project,
    QueryError,
    ServeApplication,
    Session,
    Storage,
    Task,
    TaskTag,
    TransportError,
    UnsupportedError,
    ValidationError,
)
from synapse.annotations import Box
from synapse.sandbox import Sandbox
from synapse.testing import assert_requests, canned
from tests.contract.factory import Factory


def speaking(box: Sandbox, api: Any, tenant: str = "contract") -> Session:
    """Open a session that speaks one generation, or each entity's own."""
    return Session(box.url, api_token=box.tenants[tenant].api_token, api=api)


@pytest.fixture
def session(box: Sandbox) -> Iterator[Session]:
    """A session of the workspace that speaks both, current during the test."""
    made = speaking(box, "auto")
    with made:
        yield made
    made.close()


@pytest.fixture
def second(box: Sandbox) -> Iterator[Session]:
    """A session of the workspace that speaks API v2 only, current during the test."""
    made = speaking(box, "v2")
    with made:
        yield made
    made.close()


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A small file."""
    path = tmp_path / "a.png"
    path.write_bytes(b"picture")
    return path


# --- refusals ------------------------------------------------------------------
REFUSED: Final[dict[str, Callable[[Path], Any]]] = {
    'Task.count.*count.walk=True. reads .*Task.objects.via."v1"': lambda _: Task.objects.count(),
    "no lookup 'created__gte' on API v2, which has: project, .*API v1 has it": lambda _: list(
        Task.objects.filter(created__gte="2026-01-01")
    ),
    "no order by 'id' on API v2, .*API v1 has it: Task": lambda _: Task.objects.order_by("id").first(),
    "API v2 cannot nest Task.data_unit; prefetch_related.*API v1 has it": lambda _: (
        Task.objects.select_related("data_unit")
    ),
    "Task.shards.*API v1 has it: Task": lambda _: Task.objects.shards(3),
    "DataUnit.files: .*API v1 has it": lambda _: DataUnit.ref(1).files,
    "Task.files: .*API v1 has it": lambda _: Task.ref(1).files,
    "Task.status_label: .*v2 doesn't show .*API v1 has it": lambda _: list(
        Task.objects.values("id", "status_label")
    ),
    "Task.tags: .*v2 doesn't show it": lambda _: list(Task.objects.only("tags")),
    "Assignment.file: .*API v1 has it": lambda _: Assignment.ref(1).file,
    "Storage exists on API v1 only": lambda _: Storage.objects.first(),
    "Agent exists on API v1 only": lambda _: Agent.objects.first(),
    "ServeApplication exists on API v1 only": lambda _: ServeApplication.objects.first(),
    "Plugin.run.. exists on API v1 only": lambda _: Plugin.ref(1).run(action="train"),
    "tags.* API v1": lambda _: Task.ref(1).set_tags(add=[1]),
    "signed addresses of its storage only. API v1": lambda path: DataFile.objects.upload(path, chunked=True),
    "GroundTruthDataset.ref": lambda _: GroundTruthVersion.objects.get(5),
    "by its number only.* API v1": lambda _: PluginRelease.objects.get("detector@1.0.0"),
    "of one Project at a time: filter.project": lambda _: TaskTag.objects.first(),
    'speaks API v2 only.*Session.api="auto"': lambda _: Task.objects.via("v1").first(),
}


@pytest.mark.parametrize("words", REFUSED)
def test_what_the_second_lacks_is_refused(second: Session, picture: Path, words: str) -> None:
    """The refusal comes before a request, and names the other generation."""
    with assert_requests(0), pytest.raises(UnsupportedError, match=words):
        REFUSED[words](picture)


REFUSED_BY_THE_FIRST: Final[dict[str, Callable[[], Any]]] = {
    "dry_run=True: API v1 cannot .*API v2 can": lambda: Project(
        title="x", category="image", configuration={}
    ).save(dry_run=True),
    "create|dry_run=True: API v1 cannot .*API v2 can": lambda: Project.objects.create(
        title="x", category="image", configuration={}, dry_run=True
    ),
    "bulk_create|dry_run=True: API v1 cannot .*API v2 can": lambda: Task.objects.bulk_create(
        [Task(project_id=1, data_unit_id=1)], dry_run=True
    ),
    "delete.*|dry_run=True: API v1 cannot .*API v2 can": lambda: Task.ref(1).delete(dry_run=True),
    'speaks API v1 only.*Session.api="auto"': lambda: Task.objects.via("v2").first(),
}


@pytest.mark.parametrize("words", REFUSED_BY_THE_FIRST)
def test_what_the_first_lacks_is_refused(box: Sandbox, words: str) -> None:
    """So it is the other way round."""
    with speaking(box, "v1"), assert_requests(0), pytest.raises(UnsupportedError, match=words):
        REFUSED_BY_THE_FIRST[words]()


@pytest.mark.parametrize("api", ["auto", "v1"])
def test_what_no_api_can_try_is_not_promised(box: Sandbox, api: str) -> None:
    """Storages are not in the generation that tries writes."""
    with speaking(box, api), assert_requests(0), pytest.raises(UnsupportedError, match="no API can try"):
        Storage.ref(1).delete(dry_run=True)


# --- routing -------------------------------------------------------------------
def test_each_entity_goes_by_its_home(session: Session, make: Factory) -> None:
    """What both have is asked of the first generation, and `explain()` says so."""
    project = make.project()
    query = Task.objects.filter(project=project.pk)

    assert "v1: GET" == str(query.explain())[:7]
    assert "v2: GET" == str(query.via("v2").explain())[:7]
    with session.trace() as trace:
        list(query)
    assert [] == [call for call in trace if "/v2/" in call.path]


def test_a_query_goes_by_the_one_that_it_names(session: Session, make: Factory) -> None:
    """Its pages, what its rows lack and their relations are read by it alone."""
    rows = make.tasks(3)
    with session.trace() as trace:
        tasks = list(Task.objects.via("v2").filter(project=rows[0].project_id))
        read = [(task.data, task.meta, task.project.title) for task in tasks]

    assert 3 == len(read)
    assert all(call.path.startswith("/v2/") for call in trace)


def test_a_choice_of_generation_travels_with_the_query(session: Session, make: Factory) -> None:
    """A pickle, a slice and a narrower query keep it."""
    query = pickle.loads(pickle.dumps(Task.objects.via("v2")))

    assert "v2" == query.filter(project=1)[:5].explain().api


def test_rows_of_both_are_equal(session: Session, make: Factory) -> None:
    """An object is the same one, whichever way it was read."""
    rows = make.tasks(5)
    query = Task.objects.filter(project=rows[0].project_id)

    assert set(query) == set(query.via("v2"))
    assert {each.pk: each.data for each in query} == {each.pk: each.data for each in query.via("v2")}


def test_a_write_by_one_drops_the_rows_of_both(session: Session, make: Factory) -> None:
    """What a relation kept of either shape is read anew."""
    task = make.tasks(1)[0]
    for query in (Task.objects.all(), Task.objects.via("v2")):
        assert query.get(task.pk).project.title
    project = Project.objects.get(task.project_id)
    project.title = "Another title"
    project.save()

    assert ["Another title"] * 2 == [
        query.get(task.pk).project.title for query in (Task.objects.all(), Task.objects.via("v2"))
    ]


def test_a_checkpoint_is_of_one_generation(session: Session, make: Factory) -> None:
    """It is refused by the other, whose pages are others."""
    rows = make.tasks(5)
    query = Task.objects.filter(project=rows[0].project_id)
    reading = query.via("v2").iterator(page_size=2)
    first = [next(reading).id for _ in range(3)]

    with pytest.raises(QueryError, match="another API generation than this Task query goes by, which is v1"):
        query.resume(reading.checkpoint)
    rest = [task.id for task in query.via("v2").resume(reading.checkpoint)]
    assert {row.pk for row in rows} == {*first, *rest}
    assert 5 == len(first + rest)


def test_a_trial_changes_nothing(session: Session, make: Factory) -> None:
    """`save(dry_run=True)` has the values checked; the object keeps its changes, and the backend its row."""
    project = Project.objects.get(make.project().pk)
    before, project.title = project.title, "Tried"
    with session.trace() as trace:
        project.save(dry_run=True)

    assert [("PATCH", True)] == [(each.method, "dry_run=true" in each.url) for each in trace]
    assert {"title": "Tried"} == project.changes
    assert before == Project.objects.get(project.pk).title


def test_a_trial_is_refused_as_the_write_would_be(session: Session, make: Factory) -> None:
    """The refusal has the code of the backend, and the id of the request."""
    project = Project.objects.get(make.project().pk)
    project.title = ""
    with pytest.raises(ValidationError) as caught:
        project.save(dry_run=True)

    assert "VALIDATION_ERROR" == caught.value.backend_code
    assert caught.value.request_id and "title" in caught.value.errors


@pytest.mark.parametrize("api", ["auto", "v2"])
def test_a_creation_is_tried(box: Sandbox, make: Factory, api: str) -> None:
    """The object is given as it would be sent, unsaved, and nothing is there."""
    collection, project = make.collection(), make.project()
    with speaking(box, api):
        made = Project.objects.create(
            title="Tried", category="image", data_collection_id=collection.pk, configuration={}, dry_run=True
        )
        tag = Project.ref(project.pk).tags.create(name="tried", dry_run=True)

    assert [None, None, project.pk] == [made.pk, tag.pk, tag.project_id]
    assert not make.tables.Project.objects.filter(title="Tried").exists()
    assert not make.tables.TaskTag.objects.filter(project=project).exists()


def test_many_creations_are_tried(session: Session, make: Factory) -> None:
    """Each by itself, and a refusal names its row."""
    project = make.project()
    units = make.units(3, collection=project.data_collection)
    tasks = [Task(project_id=project.pk, data_unit_id=unit.pk) for unit in units]
    bad = Task(project_id=project.pk, data_unit_id=10**9)
    with session.trace() as trace:
        assert tasks == Task.objects.bulk_create(tasks, dry_run=True)
        with pytest.raises(BulkError) as caught:
            Task.objects.bulk_create([*tasks, bad], dry_run=True)

    assert {("POST", "dry_run=true")} == {(call.method, call.url.partition("?")[2]) for call in trace}
    assert [bad] == [row for row, _ in caught.value.failed]
    assert 0 == make.tables.Task.objects.filter(project=project).count()
    assert 3 == len(Task.objects.bulk_create(tasks))


def test_what_only_the_other_generation_writes_cannot_be_tried() -> None:
    """A session that speaks both is not told to speak both."""
    given = {"task_id": 1, "user": 1}
    session = canned({}, api="auto")

    with pytest.raises(
        UnsupportedError, match=r"no API can try .* \(Assignment: API v2 creates none\)\. Nothing"
    ):
        Assignment.objects.using(session).create(**given, dry_run=True)


def test_of_many_trials_one_tells_of_a_backend_that_ignores_them() -> None:
    """It would create all rows that it is asked to try."""
    made = {"data": {"id": 5, "project_id": 1, "data_unit_id": 1}, "meta": {}}
    session = canned({"POST v2/tasks/": made}, api="v2")
    tasks = [Task(project_id=1, data_unit_id=unit) for unit in range(1, 9)]

    with assert_requests(1, session=session), pytest.raises(BulkError, match="may have happened") as caught:
        Task.objects.using(session).bulk_create(tasks, dry_run=True)
    assert tasks[1:] == caught.value.untried


def test_a_trial_keeps_no_journal(session: Session, tmp_path: Path) -> None:
    """A run that does nothing has nothing to go on with."""
    with assert_requests(0), pytest.raises(QueryError, match="takes no journal"):
        Task.objects.bulk_create([Task(project_id=1, data_unit_id=1)], dry_run=True, journal=tmp_path / "j")


def test_shapes_are_written_though_no_files_are_shown(second: Session, make: Factory) -> None:
    """The collection says which file they belong to."""
    task = Task.objects.get(make.task().pk)
    task.annotate(Box("stop", x=1, y=2, width=3, height=4), schema="any")
    again = Task.objects.get(task.pk)

    assert [("stop", 1, "image_1")] == [(each.class_name, each.x, each.media) for each in again.annotations]


def test_what_was_sent_is_no_value_of_what_is_not_shown(second: Session, make: Factory) -> None:
    """A unit's files are taken as checksums, and read as files: by API v2 they aren't read."""
    stored = make.files(1)[0]
    unit = DataUnit(data_collection_id=make.collection().pk, files={"image_1": {"checksum": stored.checksum}})
    unit.save()

    assert unit.pk
    with pytest.raises(UnsupportedError, match="DataUnit.files"):
        unit.files


@pytest.mark.parametrize(("via", "path"), [(None, "/jobs/"), ("v1", "/jobs/"), ("v2", "/v2/jobs/")])
def test_a_job_is_stopped_by_either(session: Session, make: Factory, via: Any, path: str) -> None:
    """One marks it as stopped; by the other its agent stops it."""
    agent = make.tables.Agent.objects.create(tenant=make.tenant, name=f"agent of {via}")
    job = Job.objects.get(make.job(status="RUNNING", agent=agent).pk)
    with session.trace() as trace:
        job.stop(via=via)

    assert trace.sent[0][1].startswith(path)
    assert "STOPPED" == job.status


def test_the_newest_come_first_as_asked(second: Session, make: Factory) -> None:
    """It is the order that lists have anyway; the other way round is refused."""
    rows = make.tasks(12)
    query = Task.objects.filter(project=rows[0].project_id).order_by("-created")

    assert [row.pk for row in rows][::-1] == [task.id for task in query.iterator(page_size=5)]
    assert rows[-1].pk == query.latest("created").pk
    assert [rows[-1].pk, rows[-2].pk] == [task.id for task in query.only("id")[:2]]
    with (
        assert_requests(0),
        pytest.raises(UnsupportedError, match="no order by 'created'.*which has: -created"),
    ):
        query.earliest("created")


def test_an_order_that_is_ignored_is_an_error() -> None:
    """No backend says that it heeds this one."""
    rows = [{"id": number, "created": f"2026-01-0{number}T00:00:00Z"} for number in (1, 2)]
    page = {"data": rows, "meta": {"pagination": {"next_cursor": None}}}
    with (
        canned({"GET v2/tasks/": page}, api="v2"),
        pytest.raises(TransportError, match="don't come newest first"),
    ):
        list(Task.objects.order_by("-created"))


@pytest.mark.parametrize("dry_run", [False, True])
def test_writes_of_many_that_it_lacks_are_refused_before_rows_are_read(
    second: Session, dry_run: bool
) -> None:
    """Once, and not for each row; nor does a dry run promise them."""
    with assert_requests(0), pytest.raises(UnsupportedError, match="is_discarded cannot be written"):
        Task.objects.filter(project=1).update(is_discarded=True, dry_run=dry_run)
    with assert_requests(0), pytest.raises(UnsupportedError, match="deletes none"):
        Assignment.objects.filter(project=1).delete(dry_run=dry_run)


def test_a_table_with_what_it_cannot_write_is_refused_once(second: Session, make: Factory) -> None:
    """Its rows are read, and none is written."""
    rows = make.tasks(3)
    table = [{"id": row.pk, "is_discarded": True} for row in rows]
    with second.trace() as trace, pytest.raises(UnsupportedError, match="is_discarded cannot be written"):
        Task.objects.filter(project=rows[0].project_id).update_from(table)

    assert {"GET"} == {call.method for call in trace}


def test_fields_that_lists_lack_come_in_bulk(second: Session, make: Factory) -> None:
    """Of 1,000 rows the payload takes five requests, beside the five of their pages."""
    rows = make.tasks(1_000)
    with second.trace() as trace:
        read = [task.data for task in Task.objects.filter(project=rows[0].project_id).iterator()]

    assert 1_000 == len(read)
    assert ({"GET": 5, "POST": 5}) == Counter(call.method for call in trace)


def test_fields_that_no_list_has_come_side_by_side(second: Session, make: Factory) -> None:
    """Each takes one request; from the second row on several are under way at once, and none comes twice."""
    rows = make.tasks(20)
    tasks = list(Task.objects.filter(project=rows[0].project_id))
    with second.trace() as trace:
        first, read = tasks[0].meta, len(trace)
        rest = [task.meta for task in tasks[1:]]

    assert (1, 20, 20) == (read, len(trace), len([first, *rest]))


def test_fields_that_are_named_come_with_their_rows(session: Session, make: Factory) -> None:
    """Coroutines, in which nothing is loaded when it is read, have them so."""
    rows = make.tasks(3, data={"a": 1})
    query = Task.objects.via("v2").filter(project=rows[0].project_id).only("data", "meta")

    async def read() -> list[Any]:
        return [(task.data, task.meta) async for task in query]

    with session.trace() as trace:
        assert [({"a": 1}, {})] * 3 == asyncio.run(read())
    assert ["GET", "POST", "GET", "GET", "GET"] == [call.method for call in trace]


def test_a_table_has_what_bulk_reads_carry(session: Session, make: Factory) -> None:
    """A column that lists leave out is not null for that."""
    pytest.importorskip("pyarrow")
    rows = make.tasks(3, data={"a": 1})
    query = Task.objects.filter(project=rows[0].project_id)

    data = [query.via(api).to_pandas()["data"].tolist() for api in ("v1", "v2")]
    assert data[0] == data[1] == ['{"a":1}'] * 3


def test_rows_are_counted_by_their_keys(second: Session, make: Factory) -> None:
    """`count(walk=True)` reads nothing else."""
    rows = make.tasks(7)
    with second.trace() as trace:
        assert 7 == Task.objects.filter(project=rows[0].project_id).count(walk=True)

    assert all("fields=id" in call.url for call in trace)


def test_what_only_the_second_has_goes_by_it(session: Session) -> None:
    """Its home is the second generation, in the same session."""
    with session.trace() as trace:
        list(Experiment.objects.all())

    assert ["v2", True] == [Experiment.objects.explain().api, trace[0].path.startswith("/v2/experiments/")]


def test_what_only_the_second_has_is_refused_by_the_first(box: Sandbox) -> None:
    """A session that speaks API v1 only says where it is."""
    with (
        speaking(box, "v1"),
        assert_requests(0),
        pytest.raises(UnsupportedError, match="exists on API v2 only"),
    ):
        Experiment.objects.first()


def test_the_flat_client_stays_with_the_first(box: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its methods are those of API v1, whatever the environment says for queries."""
    monkeypatch.setenv("SYNAPSE_API", "v2")
    client = BackendClient(box.url, box.tenants["contract"].api_token)
    with client.session.trace() as trace:
        client.list_tasks()

    assert ["/sdk/tasks/"] == [call.path.partition("?")[0] for call in trace]
