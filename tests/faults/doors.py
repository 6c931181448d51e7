"""Every way to write, on the backend in this process: plain, in bulk, with a journal, by the flat client."""

from __future__ import annotations

import hashlib
import itertools
import zipfile

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from synapse import (
    BackendClient,
    BulkError,
    DataCollection,
    DataFile,
    Job,
    Plugin,
    Session,
    SynapseError,
    Task,
    TaskTag,
)
from synapse.dialects import Api
from synapse.orm import Entity
from tests.faults.ledger import Ledger

NUMBERS: Final = itertools.count(1)
ANNOTATION: Final = {"annotations": {"data_1": [{"id": "a"}]}}

# What its request is: never to be sent twice, to be sent as often as needed, or making one thing however often.
Kind = Literal["once", "twice", "harmless"]


@attrs.frozen
class Bench:
    """What a write is made with."""

    ledger: Ledger
    session: Session
    folder: Path

    @property
    def second(self) -> bool:
        """Whether the session speaks API v2."""
        return self.session.dialect.name == "v2"

    def line(self, method: str, *path: object) -> str:
        """Name a request by the path that it has in v1."""
        segments = [str(each) for each in path]
        if self.second:
            segments = ["v2", *(each.replace("_", "-") for each in segments)]
            if segments[1] == "task-tags":
                segments[1:2] = ["projects", "1", "tags"]
        return f"{method} /{'/'.join(segments)}/"

    def ref(self, cls: type[Entity], key: Any, **changes: Any) -> Any:
        """Refer to a row, with unsaved changes."""
        made = cls.ref(key)
        made._state.session = self.session
        for name, value in changes.items():
            setattr(made, name, value)
        return made

    def file(self) -> tuple[Path, str]:
        """Write a file that no other test has, and give its checksum."""
        path = self.folder / f"{next(NUMBERS)}.bin"
        path.write_bytes(path.name.encode())
        return path, hashlib.md5(path.name.encode()).hexdigest()

    def task(self) -> int:
        """Store a task."""
        return int(self.ledger.put("tasks", project=1, data_unit=next(NUMBERS), tags=[], meta={})["id"])


@attrs.frozen
class Door:
    """One write: what it sends, what it does, and how often that is there."""

    request: str
    do: Callable[[], Any]
    had: Callable[[], int]
    kind: Kind = "once"
    found: bool = False
    """Whether the SDK itself looks for what was done."""
    untold: bool = False
    """Whether nobody can be asked what was done."""

    def told(self) -> SynapseError | None:
        """Do it, and return what it ended with."""
        try:
            report = self.do()
        except BulkError as error:
            assert isinstance(error.failed[0][1], SynapseError)
            return error.failed[0][1]
        except SynapseError as error:
            return error
        return next((each.error for each in report or () if each.error is not None), None)


def create(bench: Bench) -> Door:
    name = f"tag {next(NUMBERS)}"
    tags = TaskTag.objects.using(bench.session)
    return Door(
        bench.line("POST", "task_tags"),
        lambda: tags.create(project_id=1, name=name) and None,
        lambda: bench.ledger.count("task_tags", name=name),
    )


def create_each(bench: Bench, **options: Any) -> Door:
    name = f"tag {next(NUMBERS)}"
    tags = TaskTag.objects.using(bench.session)
    return Door(
        bench.line("POST", "task_tags"),
        lambda: tags.bulk_create([TaskTag(project_id=1, name=name)], **options) and None,
        lambda: bench.ledger.count("task_tags", name=name),
        found="journal" in options and not bench.second,
        untold="journal" in options and bench.second,  # its lists are in no order of keys
    )


def create_many(bench: Bench, **options: Any) -> Door:
    unit = next(NUMBERS)
    tasks = Task.objects.using(bench.session)
    return Door(
        bench.line("POST", "tasks"),
        lambda: tasks.bulk_create([Task(project_id=1, data_unit_id=unit)], **options) and None,
        lambda: bench.ledger.count("tasks", data_unit=unit),
        found="journal" in options and not bench.second,
        untold="journal" in options and bench.second,  # its lists are in no order of keys
    )


def journalled_each(bench: Bench) -> Door:
    return create_each(bench, journal=bench.folder / f"{next(NUMBERS)}.journal")


def journalled_many(bench: Bench) -> Door:
    return create_many(bench, journal=bench.folder / f"{next(NUMBERS)}.journal")


def _changed(bench: Bench, method: str, do: Callable[[int, dict[str, Any]], Any]) -> Door:
    key, meta = bench.task(), {"n": next(NUMBERS)}
    return Door(
        bench.line(method, "tasks", key),
        lambda: do(key, meta) and None,
        lambda: bench.ledger.count("tasks", meta=meta),
    )


def change(bench: Bench) -> Door:
    def do(key: int, meta: dict[str, Any]) -> None:
        task = Task.objects.using(bench.session).get(key)
        task.meta = meta
        task.save()

    return _changed(bench, "PATCH", do)


def update(bench: Bench) -> Door:
    tasks = Task.objects.using(bench.session)
    return _changed(bench, "PATCH", lambda _, meta: tasks.filter(project=1).update(meta=meta))


def replace(bench: Bench) -> Door:
    text = f"text {next(NUMBERS)}"
    return Door(
        "PUT /plugins/1/",
        lambda: bench.ref(Plugin, 1, description=text).save() and None,
        lambda: bench.ledger.count("plugins", description=text),
        "twice",
    )


def _deleted(bench: Bench, do: Callable[[int], Any]) -> Door:
    key = bench.task()
    return Door(
        bench.line("DELETE", "tasks", key),
        lambda: do(key) and None,
        lambda: 1 - bench.ledger.count("tasks", id=key),
        "twice",
    )


def delete(bench: Bench) -> Door:
    return _deleted(bench, lambda key: bench.ref(Task, key).delete())


def delete_many(bench: Bench) -> Door:
    return _deleted(bench, lambda key: Task.objects.using(bench.session).filter(id__in=[key]).delete())


def _tagged(bench: Bench, do: Callable[[int], Any]) -> Door:
    key = bench.task()
    return Door(
        "POST /tasks/set_tags/",
        lambda: do(key) and None,
        lambda: bench.ledger.count("tasks", id=key, tags=[5]),
    )


def set_tags(bench: Bench) -> Door:
    return _tagged(bench, lambda key: bench.ref(Task, key).set_tags(add=[5]))


def tag_all(bench: Bench) -> Door:
    return _tagged(
        bench, lambda key: Task.objects.using(bench.session).filter(id__in=[key]).set_tags(add=[5])
    )


def _annotated(bench: Bench, do: Callable[[int], Any]) -> Door:
    key = bench.task()
    return Door(
        bench.line("PUT", "tasks", key, "annotate_task_data"),
        lambda: do(key) and None,
        lambda: bench.ledger.count("tasks", id=key, data=ANNOTATION),
        "twice",
    )


def annotate(bench: Bench) -> Door:
    return _annotated(bench, lambda key: bench.ref(Task, key).annotate(ANNOTATION, schema="any"))


def annotate_many(bench: Bench) -> Door:
    tasks = Task.objects.using(bench.session)
    return _annotated(bench, lambda key: tasks.annotate_many([(key, ANNOTATION)], schema="any"))


def run(bench: Bench) -> Door:
    params = {"n": next(NUMBERS)}
    bench.ledger.put("jobs", plugin=1, status="COMPLETED", action="go", params={"n": 0})
    return Door(
        "POST /plugins/1/run/",
        lambda: bench.ref(Plugin, 1).run(action="go", params=params) and None,
        lambda: bench.ledger.count("jobs", params=params),
    )


def stop(bench: Bench) -> Door:
    key = bench.ledger.put("jobs", status="RUNNING", action="go", params={})["id"]
    return Door(
        bench.line("POST", "jobs", key, "stop") if bench.second else bench.line("PATCH", "jobs", key),
        lambda: Job.objects.using(bench.session).get(key).stop() and None,
        lambda: bench.ledger.count("jobs", id=key, status="STOPPED"),
    )


def release(bench: Bench) -> Door:
    version, path = f"1.0.{next(NUMBERS)}", bench.folder / "code.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.yaml", version)
    return Door(
        "POST /plugin_releases/",
        lambda: Plugin.objects.using(bench.session).get(1).release(version, path) and None,
        lambda: bench.ledger.count("plugin_releases", version=version),
    )


def upload_file(bench: Bench) -> Door:
    path, checksum = bench.file()
    return Door(
        "POST /data_files/",
        lambda: DataFile.objects.using(bench.session).upload(path) and None,
        lambda: bench.ledger.count("data_files", checksum=checksum),
        found=True,
    )


def _with_unit(bench: Bench, do: Callable[[Any, Path], Any], resource: str) -> Door:
    path, checksum = bench.file()
    bench.ledger.put("data_files", checksum=checksum)
    collection = DataCollection.objects.using(bench.session).get(1)

    def had() -> int:
        units = bench.ledger.rows.get("data_units", {}).values()
        keys = [unit["id"] for unit in units if unit["files"]["data_1"]["checksum"] == checksum]
        return (
            len(keys)
            if resource == "data_units"
            else sum(bench.ledger.count("tasks", data_unit=key) for key in keys)
        )

    request = bench.line("POST", resource, *(("bulk-create",) if bench.second else ()))
    return Door(request, lambda: do(collection, path), had, "harmless")


def add(bench: Bench) -> Door:
    return _with_unit(bench, lambda collection, path: collection.add(path) and None, "data_units")


def upload_units(bench: Bench) -> Door:
    return _with_unit(bench, lambda collection, path: collection.upload([path]), "data_units")


def upload_tasks(bench: Bench) -> Door:
    return _with_unit(bench, lambda collection, path: collection.upload([path], project=1), "tasks")


def _client(bench: Bench) -> BackendClient:
    made = BackendClient(bench.session.host, api_token="unused")
    made.session = bench.session
    return made


def client_creates(bench: Bench) -> Door:
    unit = next(NUMBERS)
    return Door(
        "POST /tasks/",
        lambda: _client(bench).create_tasks([{"project": 1, "data_unit": unit}]) and None,
        lambda: bench.ledger.count("tasks", data_unit=unit),
    )


def client_replaces(bench: Bench) -> Door:
    text = f"text {next(NUMBERS)}"
    return Door(
        "PUT /plugins/1/",
        lambda: _client(bench).update_plugin(1, {"description": text}) and None,
        lambda: bench.ledger.count("plugins", description=text),
        "twice",
    )


def client_changes(bench: Bench) -> Door:
    key, result = (
        bench.ledger.put("jobs", status="RUNNING", action="go", params={})["id"],
        {"n": next(NUMBERS)},
    )
    return Door(
        f"PATCH /jobs/{key}/",
        lambda: _client(bench).update_job(key, {"result": result}) and None,
        lambda: bench.ledger.count("jobs", id=key, result=result),
    )


DOORS: Final[tuple[Callable[[Bench], Door], ...]] = (
    *(create, change, replace, delete, set_tags, annotate, run, stop, release, upload_file, add),
    *(create_each, create_many, update, delete_many, tag_all, annotate_many, upload_units, upload_tasks),
    *(journalled_each, journalled_many, client_creates, client_replaces, client_changes),
)

# Those that API v2 has as well, and sends in the same way.
SECOND: Final = (
    *(create, change, delete, annotate, stop, add),
    *(create_each, create_many, update, annotate_many, upload_units, upload_tasks),
    *(journalled_each, journalled_many),
)
BY_EACH: Final[list[tuple[Callable[[Bench], Door], Api]]] = [
    *((make, "auto") for make in DOORS),
    *((make, "v2") for make in SECOND),
]
