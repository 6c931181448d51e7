"""The public calls of objects, queries and files that talk to a backend.

`Keys.of(wire)` names rows of a seeded backend, past whatever stands in front of it, and a `World` holds them for one
session. Where no answer has to be right, `World(session, folder)` does without a backend.
"""

from __future__ import annotations

import itertools
import json
import uuid
import zipfile

from collections.abc import Callable
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any, Final, TypeVar

import attrs

from synapse import (
    Agent,
    Assignment,
    AsyncJob,
    BackendClient,
    DataCollection,
    DataFile,
    DataUnit,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    JobLog,
    Model,
    Plugin,
    PluginRelease,
    Project,
    RemoteFile,
    ServeApplication,
    Session,
    Storage,
    Task,
    TaskTag,
)
from synapse.downloads import FileCache
from synapse.orm import Entity
from synapse.session.account import account_of
from synapse.uploads import upload_file
from tests.sandbox.wire import Wire

E = TypeVar("E", bound=Entity)

NUMBERS: Final = itertools.count(1)
MOMENT: Final = datetime(2026, 1, 2, tzinfo=UTC)  # the same each time, for those who play a recorded answer
PNG: Final = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c636060606000000005"
    "0001a5f645400000000049454e44ae426082"
)


@attrs.frozen
class Keys:
    """Rows that are there; without a backend any key does."""

    project: int = 1
    collection: int = 1
    task: int = 1
    unit: int = 1
    free_unit: int = 1
    tag: int = 1
    assignment: int = 1
    data_file: int = 1
    checksum: str = "0" * 32
    address: str = "/media/a.png"
    plugin: int = 1
    code: str = "plugin"
    release: int = 1
    version: str = "1.0.0"
    job: str = "00000000-0000-0000-0000-000000000001"
    running_job: str = "00000000-0000-0000-0000-000000000002"
    async_job: str = "00000000-0000-0000-0000-000000000003"
    cancelled_job: str = "00000000-0000-0000-0000-000000000004"
    agent: int = 1
    agent_token: str = attrs.field(default="agent-token-0123456789", repr=False)
    storage: int = 1
    model: int = 1
    dataset: int = 1
    ground_truth_version: int = 1

    @classmethod
    def of(cls, wire: Wire) -> Keys:
        """Make what is written to, and find what the seed has: `serve(seed="demo")`."""
        collection = wire.collection()
        project = wire.create(
            "projects/", {"title": "Every", "category": "image", "data_collection": collection["id"]}
        )
        files = [wire.data_file(PNG + uuid.uuid4().bytes) for _ in range(2)]
        units = [
            {"data_collection": collection["id"], "files": {"image_1": {"checksum": file["checksum"]}}}
            for file in files
        ]
        unit, free = wire.create("data_units/", units)
        stored = files[0]
        task = wire.create("tasks/", [{"project": project["id"], "data_unit": unit["id"]}])[0]
        tag = wire.create("task_tags/", {"project": project["id"], "name": f"tag {next(NUMBERS)}"})
        release = _first(wire, "plugin_releases/?expand=plugin")
        return cls(
            project=project["id"],
            collection=collection["id"],
            task=task["id"],
            unit=unit["id"],
            free_unit=free["id"],
            tag=tag["id"],
            assignment=_first(wire, "assignments/")["id"],
            data_file=stored["id"],
            checksum=stored["checksum"],
            address=stored["file"],
            plugin=release["plugin"]["id"],
            code=release["plugin"]["code"],
            release=release["id"],
            version=release["version"],
            job=_job(wire, ended=True),
            running_job=_job(wire, ended=False),
            async_job=_async_job(wire, "COMPLETED"),
            cancelled_job=_async_job(wire, "CANCELLED"),
            agent=_first(wire, "agents/")["id"],
            agent_token=wire.get(f"agents/{_first(wire, 'agents/')['id']}/")["token"],
            storage=_first(wire, "storages/")["id"],
            model=_first(wire, "models/")["id"],
            dataset=_first(wire, "ground_truth_datasets/")["id"],
            ground_truth_version=_first(wire, "ground_truth_dataset_versions/")["id"],
        )


def _first(wire: Wire, path: str) -> dict[str, Any]:
    rows = wire.get(path)["results"]
    assert rows, f"{path} is empty: seed the backend"
    return dict(rows[0])


def _job(wire: Wire, *, ended: bool) -> str:
    """Find a job that has ended, or one that has not, as far as there is one."""
    rows = wire.get("jobs/?page_size=100")["results"]
    fitting = [row for row in rows if (row["status"] not in ("PENDING", "RUNNING")) == ended]
    return str((fitting or rows)[0]["id"])


def _async_job(wire: Wire, status: str) -> str:
    """Find an asynchronous job; to cancel one that was cancelled changes nothing."""
    rows = wire.get("v2/async_jobs/")["results"]
    return next(str(row["id"]) for row in rows if row["status"] == status)


@attrs.define(slots=False)
class World:
    """What the calls are made on: one session, and a folder of its own; nothing is fetched before a call."""

    session: Session
    folder: Path
    keys: Keys = attrs.field(factory=Keys)

    @cached_property
    def client(self) -> BackendClient:
        """The flat client, over the very same session."""
        made = BackendClient(self.session.host, api_token=self.session.settings.api_token)
        made.session = self.session
        return made

    def held(self, cls: type[E], key: Any) -> E:
        """Give an object of which only the key is known."""
        made = cls.ref(key)
        made._state.session = self.session
        return made

    def all(self, cls: type[E]) -> Any:
        """Give the manager of an entity."""
        return cls.objects.using(self.session)

    def new(self, name: str) -> Path:
        """Write a picture, or an archive, that no backend has yet."""
        path = self.folder / f"{next(NUMBERS)}-{name}"
        content = f"content {next(NUMBERS)} of {self.folder}".encode()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path, "w") as file:
                file.writestr("config.yaml", content)
        else:
            path.write_bytes(PNG + content)
        return path

    def target(self) -> Path:
        """Name a place that is still free."""
        return self.folder / f"target-{next(NUMBERS)}"

    @property
    def task(self) -> Task:
        """One task."""
        return self.held(Task, self.keys.task)

    @property
    def collection(self) -> DataCollection:
        """One collection."""
        return self.held(DataCollection, self.keys.collection)

    @property
    def plugin(self) -> Plugin:
        """One plugin."""
        return self.held(Plugin, self.keys.plugin)

    @property
    def job(self) -> Job:
        """One job, which has ended."""
        return self.held(Job, self.keys.job)

    @property
    def file(self) -> RemoteFile:
        """One stored file."""
        return RemoteFile(url=self.keys.address, session=self.session)

    @property
    def tasks(self) -> Any:
        """The tasks of one project."""
        return self.all(Task).filter(project=self.keys.project)


@attrs.frozen
class Call:
    """One call; `writes` says that it changes something, so that it must never be made twice unasked."""

    name: str
    do: Callable[[World], Any]
    writes: bool = False


def _changed(row: E, **values: Any) -> E:
    for name, value in values.items():
        setattr(row, name, value)
    return row


def unique(name: str) -> str:
    return f"{name} {next(NUMBERS)}"


ENTITIES: Final = (
    Agent,
    Assignment,
    DataCollection,
    DataFile,
    DataUnit,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    JobLog,
    Model,
    Plugin,
    PluginRelease,
    Project,
    ServeApplication,
    Storage,
    Task,
    TaskTag,
)

READS: Final = [
    *(
        Call(f"{cls.__name__}.objects", lambda w, cls=cls: list(w.all(cls).all()[:3]))  # type: ignore[misc]
        for cls in ENTITIES
    ),
    Call("QuerySet.__iter__", lambda w: list(w.tasks)),
    Call("QuerySet.__len__", lambda w: len(w.tasks)),
    Call("QuerySet.__bool__", lambda w: bool(w.tasks)),
    Call("QuerySet.__contains__", lambda w: w.task in w.tasks),
    Call("QuerySet.__getitem__", lambda w: w.tasks[0]),
    Call("QuerySet.get", lambda w: w.all(Task).get(w.keys.task)),
    Call("QuerySet.first", lambda w: w.tasks.first()),
    Call("QuerySet.latest", lambda w: w.tasks.latest("id")),
    Call("QuerySet.earliest", lambda w: w.tasks.earliest("id")),
    Call("QuerySet.last", lambda w: w.tasks.last()),
    Call("QuerySet.count", lambda w: w.tasks.count()),
    Call("QuerySet.exists", lambda w: w.tasks.exists()),
    Call("QuerySet.iterator", lambda w: list(w.tasks.iterator())),
    Call("QuerySet.resume", lambda w: list(w.tasks.resume(w.tasks.iterator().checkpoint))),
    Call("QuerySet.shards", lambda w: w.tasks.shards(2)),
    Call("QuerySet.in_bulk", lambda w: w.all(Task).in_bulk([w.keys.task])),
    Call("QuerySet.values", lambda w: list(w.tasks.values("id"))),
    Call("QuerySet.values_list", lambda w: list(w.tasks.values_list("id", flat=True))),
    Call("QuerySet.select_related", lambda w: list(w.tasks.select_related("data_unit"))),
    Call("QuerySet.prefetch_related", lambda w: list(w.tasks.prefetch_related("project", "assignments"))),
    Call("QuerySet.only", lambda w: list(w.tasks.only("data"))),
    Call("QuerySet.update(dry_run)", lambda w: w.tasks.update(is_discarded=True, dry_run=True)),
    Call("QuerySet.delete(dry_run)", lambda w: w.tasks.delete(dry_run=True)),
    Call("Session.me", lambda w: account_of(w.session.dialect, w.session.send)),
    Call("Entity.refresh", lambda w: w.task.refresh()),
    Call("deferred field", lambda w: w.task.created),
    Call("relation to one", lambda w: w.task.project.title),
    Call("relation to many", lambda w: list(w.task.assignments)),
    Call("Storage.configuration", lambda w: w.held(Storage, w.keys.storage).configuration),
    Call("StorageManager.default", lambda w: w.all(Storage).default()),
    Call("PluginRelease.objects.get", lambda w: w.all(PluginRelease).get(f"{w.keys.code}@{w.keys.version}")),
    Call("Job.wait", lambda w: w.job.wait(timeout=30)),
    Call("AsyncJob.wait", lambda w: w.held(AsyncJob, w.keys.async_job).wait(timeout=30)),
    Call("Job.console_logs", lambda w: w.job.console_logs()),
    Call("AsyncJob.follow", lambda w: list(w.held(AsyncJob, w.keys.cancelled_job).follow())),
    Call("Job.tail", lambda w: list(itertools.islice(w.job.tail(), 3))),
    Call("Job.logs", lambda w: list(w.job.logs)),
    Call("DataFileManager.existing", lambda w: w.all(DataFile).existing([w.keys.checksum])),
    Call("DataCollection.check_files", lambda w: w.collection.check_files({"image_1": w.new("a.png")})),
    Call(
        "DataCollection.upload(dry_run)",
        lambda w: w.collection.upload([{"files": {"image_1": w.new("a.png")}}], dry_run=True),
    ),
]

FILES: Final = [
    Call("RemoteFile.read", lambda w: w.file.read()),
    Call("Task.picture", lambda w: w.task.picture()),
    Call("RemoteFile.open", lambda w: _read(w.file)),
    Call("RemoteFile.download", lambda w: w.file.download(w.target())),
    Call("RemoteFile.open(cache)", lambda w: w.file.open(cache=FileCache(w.target())).close()),
    Call(
        "FilesManager.download",
        lambda w: w.all(DataUnit).filter(data_collection=w.keys.collection).download(w.target()),
    ),
    Call(
        "TaskManager.annotate_from(dry_run)",
        lambda w: w.tasks.annotate_from(_labels(w), format="jsonl", match="id", dry_run=True),
    ),
    Call("AnnotatedManager.export", lambda w: w.tasks.export(w.target(), format="jsonl")),
]

WRITES: Final = [
    Call(
        "Entity.save(create)",
        lambda w: w.all(TaskTag).create(project_id=w.keys.project, name=unique("made")),
        writes=True,
    ),
    Call("Entity.save(change)", lambda w: _changed(w.task, meta={"n": next(NUMBERS)}).save(), writes=True),
    Call(
        "QuerySet.bulk_create(table)",
        lambda w: w.all(TaskTag).bulk_create([{"project": w.keys.project, "name": unique("made")}]),
        writes=True,
    ),
    Call(
        "QuerySet.update_from",
        lambda w: w.tasks.update_from([{"id": w.keys.task, "meta": {"n": next(NUMBERS)}}]),
        writes=True,
    ),
    Call(
        "TaskManager.annotate_many(table)",
        lambda w: w.tasks.annotate_many([{"id": w.keys.task, "found": annotation()}], data="found"),
        writes=True,
    ),
    Call("Entity.delete", lambda w: _deletable(w).delete(), writes=True),
    Call(
        "QuerySet.create",
        lambda w: w.all(Task).create(project_id=w.keys.project, data_unit_id=w.keys.free_unit),
        writes=True,
    ),
    Call(
        "QuerySet.bulk_create",
        lambda w: w.all(DataUnit).bulk_create([_unit(w), _unit(w)], batch_size=1),
        writes=True,
    ),
    Call(
        "QuerySet.bulk_create(one by one)",
        lambda w: w.all(TaskTag).bulk_create(
            [TaskTag(project_id=w.keys.project, name=unique("made")) for _ in range(2)]
        ),
        writes=True,
    ),
    Call(
        "QuerySet.get_or_create",
        lambda w: w.all(TaskTag).get_or_create(project=w.keys.project, name=unique("made")),
        writes=True,
    ),
    Call(
        "QuerySet.update_or_create",
        lambda w: w.all(Task).update_or_create({"meta": {"n": next(NUMBERS)}}, project=w.keys.project),
        writes=True,
    ),
    Call("QuerySet.update", lambda w: w.tasks.update(meta={"n": next(NUMBERS)}), writes=True),
    Call(
        "QuerySet.delete",
        lambda w: w.all(Task).filter(project=w.keys.project, id__in=[w.keys.task]).delete(),
        writes=True,
    ),
    Call("TaskManager.set_tags", lambda w: w.tasks.set_tags(add=[w.keys.tag]), writes=True),
    Call(
        "TaskManager.annotate_many",
        lambda w: w.all(Task).annotate_many([(w.keys.task, annotation())]),
        writes=True,
    ),
    Call("Task.annotate", lambda w: w.task.annotate(annotation(), submit=True), writes=True),
    Call("Task.set_tags", lambda w: w.task.set_tags(add=[w.keys.tag]), writes=True),
    Call(
        "AssignmentManager.set_tags",
        lambda w: w.all(Assignment).filter(id=w.keys.assignment).set_tags(add=[w.keys.tag]),
        writes=True,
    ),
    Call("Plugin.run", lambda w: w.plugin.run(action="train", params={}), writes=True),
    Call(
        "Plugin.release",
        lambda w: w.plugin.release(f"9.0.{next(NUMBERS)}", w.new("plugin.zip")),
        writes=True,
    ),
    Call(
        "Project.export_to",
        lambda w: w.held(Project, w.keys.project).export_to(w.keys.storage, "out/"),
        writes=True,
    ),
    Call("AsyncJob.cancel", lambda w: w.held(AsyncJob, w.keys.cancelled_job).cancel(), writes=True),
    Call("Job.stop", lambda w: w.held(Job, w.keys.running_job).stop(), writes=True),
    Call(
        "JobLog.create",
        lambda w: w.all(JobLog).create(job=w.job, event="log", data={"a": 1}, datetime=MOMENT),
        writes=True,
    ),
    Call("Agent.check", lambda w: w.held(Agent, w.keys.agent).check(), writes=True),
    Call("Storage.filesystem", lambda w: w.held(Storage, w.keys.storage).filesystem(), writes=True),
    Call(
        "GroundTruthDataset.freeze",
        lambda w: w.held(GroundTruthDataset, w.keys.dataset).freeze(unique("v")),
        writes=True,
    ),
    Call(
        "ModelManager.create",
        lambda w: w.all(Model).create(name=unique("model"), file=w.new("weights.zip")),
        writes=True,
    ),
    Call("DataFileManager.upload", lambda w: w.all(DataFile).upload(w.new("a.png")), writes=True),
    Call(
        "DataFileManager.upload(chunked)",
        lambda w: w.all(DataFile).upload(w.new("a.png"), chunked=True),
        writes=True,
    ),
    Call(
        "upload_file",
        lambda w: upload_file(w.session, w.new("a.png"), chunked=True, chunk_size=100),
        writes=True,
    ),
    Call("DataCollection.add", lambda w: w.collection.add({"image_1": w.new("a.png")}), writes=True),
    Call("DataCollection.upload", lambda w: _checked(w.collection, w, project=w.keys.project), writes=True),
]


def _read(file: RemoteFile) -> bytes:
    with file.open() as stream:
        return bytes(stream.read())


def _deletable(w: World) -> Task:
    return w.held(Task, w.keys.task)


def _labels(w: World) -> Path:
    """Write labels of the task into a file."""
    folder = w.target()
    folder.mkdir()
    line = {"id": w.keys.task, "file_name": "a.png", "data": annotation()}
    (folder / "annotations.jsonl").write_text(json.dumps(line), encoding="utf-8")
    return folder


def _unit(w: World) -> DataUnit:
    files = {"image_1": {"checksum": w.keys.checksum}}
    return DataUnit(data_collection_id=w.keys.collection, files=files, meta={"n": next(NUMBERS)})


def annotation() -> dict[str, Any]:
    empty: dict[str, Any] = {"image_1": []}
    return {
        "extra": {},
        "relations": empty,
        "annotations": empty,
        "annotationsData": {"image_1": [{"n": next(NUMBERS)}]},
        "annotationGroups": empty,
    }


def _checked(collection: DataCollection, w: World, **options: Any) -> Any:
    """Upload, and raise what an outcome says."""
    report = collection.upload([{"files": {"image_1": w.new("a.png")}}], **options)
    for outcome in report:
        if outcome.error is not None:
            raise outcome.error
    return report
