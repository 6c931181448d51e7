"""What a user writes, verb by verb, each with a look past every fault at how often it has happened."""

from __future__ import annotations

import itertools
import time
import uuid

from collections.abc import Callable
from typing import Any, Final

import attrs

from synapse import (
    BackendClient,
    GroundTruthDataset,
    Job,
    JobLog,
    Plugin,
    Project,
    RemoteFile,
    Session,
    Task,
    TaskTag,
)
from synapse.orm import Entity
from tests.faults.conftest import Place

NUMBERS: Final = itertools.count(1)
ANNOTATION: Final = {"annotations": {"data_1": [{"id": "a"}]}}


@attrs.frozen
class Write:
    """One write: `do` sends the same each time, `request` matches what is sent, `had` counts how often it is there."""

    request: str
    do: Callable[[], Any]
    had: Callable[[], int]


Make = Callable[[Place, Session], Write]


def new(name: str) -> str:
    """Name something as nothing else is named."""
    return f"{name} {next(NUMBERS)} {uuid.uuid4().hex[:8]}"


def ref(cls: type[Entity], key: Any, session: Session, **changes: Any) -> Any:
    """Refer to a row, with unsaved changes."""
    made = cls.ref(key)
    made._state.session = session
    for name, value in changes.items():
        setattr(made, name, value)
    return made


def unit(place: Place) -> int:
    """Make a data unit of new content."""
    stored = place.wire.data_file()
    files = {"data_1": {"checksum": stored["checksum"], "path": "a.bin"}}
    made = place.wire.create("data_units/", [{"data_collection": place.collection, "files": files}])
    return int(made[0]["id"])


def task(place: Place) -> int:
    """Make a task."""
    made = place.wire.create("tasks/", [{"project": place.project, "data_unit": unit(place)}])
    return int(made[0]["id"])


def tag(place: Place) -> int:
    """Make a tag."""
    return int(place.wire.create("task_tags/", {"project": place.project, "name": new("tag")})["id"])


def job(place: Place) -> str:
    """Make a job that runs, and goes on for longer than any test."""
    run = {"action": "go", "params": {"seconds": 60}}
    answer = place.wire.post(f"plugins/{place.wire.plugin()['code']}/run/", run)
    key = str(answer.json()["job_id"])
    while place.wire.get(f"jobs/{key}/")["status"] == "PENDING":
        time.sleep(0.01)
    return key


def counted(place: Place, path: str, **values: Any) -> Callable[[], int]:
    """Count the rows of a list that hold these values."""
    return lambda: sum(
        all(row.get(name) == value for name, value in values.items()) for row in place.rows(path)
    )


def holds(place: Place, path: str, **values: Any) -> Callable[[], int]:
    """Tell whether one row holds these values."""

    def had() -> int:
        row = place.wire.get(path)
        return int(all(row.get(name) == value for name, value in values.items()))

    return had


# --- objects ------------------------------------------------------------------
def create(place: Place, session: Session) -> Write:
    """Create an object."""
    name = new("tag")
    return Write(
        "POST /(task_tags|v2/projects/[0-9]+/tags)/",
        lambda: TaskTag.objects.using(session).create(project_id=place.project, name=name, meta={"a": [1]}),
        counted(place, f"task_tags/?project={place.project}", name=name),
    )


def create_task(place: Place, session: Session) -> Write:
    """Create a task, of which there is one for each unit."""
    key = unit(place)
    return Write(
        "POST /(v2/)?tasks/",
        lambda: Task.objects.using(session).create(project=place.project, data_unit=key),
        counted(place, f"tasks/?project={place.project}", data_unit=key),
    )


def bulk_create(place: Place, session: Session) -> Write:
    """Create several tasks by one request."""
    keys = [unit(place), unit(place)]

    def do() -> None:
        Task.objects.using(session).bulk_create(
            Task(project_id=place.project, data_unit_id=key) for key in keys
        )

    had = [counted(place, f"tasks/?project={place.project}", data_unit=key) for key in keys]

    def had_all() -> int:
        (count,) = {each() for each in had}
        return count

    return Write("POST /tasks/", do, had_all)


def change(place: Place, session: Session) -> Write:
    """Change an object by PATCH."""
    text, project = new("text"), Project.objects.using(session).get(place.project)

    def do() -> None:
        project.description = text
        project.configuration = {"a": [text]}
        project.save()

    return Write("PATCH /(v2/)?projects/", do, holds(place, f"projects/{place.project}/", description=text))


def change_by_put(place: Place, session: Session) -> Write:
    """Change an object by PUT."""
    text, key = new("text"), place.wire.plugin()["id"]
    return Write(
        "PUT /plugins/",
        lambda: ref(Plugin, key, session, description=text).save(),
        holds(place, f"plugins/{key}/", description=text),
    )


def delete(place: Place, session: Session) -> Write:
    """Delete an object."""
    key = task(place)
    return Write(
        "DELETE /(v2/)?tasks/",
        lambda: ref(Task, key, session).delete(),
        lambda: int(place.wire.send("GET", f"tasks/{key}/").status_code == 404),
    )


# --- verbs ----------------------------------------------------------------------
def set_tags(place: Place, session: Session) -> Write:
    """Put a tag on a task."""
    key, label = task(place), tag(place)
    return Write(
        "POST /tasks/set_tags/",
        lambda: ref(Task, key, session).set_tags(add=[label]),
        holds(place, f"tasks/{key}/", tags=[label]),
    )


def tag_all(place: Place, session: Session) -> Write:
    """Put a tag on the tasks of a query."""
    key, label = task(place), tag(place)
    return Write(
        "POST /tasks/set_tags/",
        lambda: Task.objects.using(session).filter(id=key).set_tags(add=[label]),
        holds(place, f"tasks/{key}/", tags=[label]),
    )


def annotate(place: Place, session: Session) -> Write:
    """Submit an annotation."""
    key = task(place)
    return Write(
        "PUT /(v2/)?tasks/.*annotate",
        lambda: ref(Task, key, session).annotate(ANNOTATION, schema="any"),
        holds(place, f"tasks/{key}/", data=ANNOTATION),
    )


def annotate_many(place: Place, session: Session) -> Write:
    """Annotate tasks side by side."""
    key = task(place)
    return Write(
        "PUT /(v2/)?tasks/.*annotate",
        lambda: Task.objects.using(session).annotate_many([(key, ANNOTATION)], schema="any"),
        holds(place, f"tasks/{key}/", data=ANNOTATION),
    )


def run(place: Place, session: Session) -> Write:
    """Run a plugin, which has run before."""
    plugin = place.wire.plugin()
    place.wire.post(f"plugins/{plugin['code']}/run/", {"action": "go", "params": {"n": 0, "seconds": 0}})
    params = {"n": next(NUMBERS), "seconds": 0}
    return Write(
        "POST /plugins/.*run/",
        lambda: ref(Plugin, plugin["id"], session).run(action="go", params=params),
        counted(place, f"jobs/?plugin={plugin['id']}", params=params),
    )


def stop(place: Place, session: Session) -> Write:
    """Stop a job."""
    key = job(place)
    return Write(
        "(PATCH|POST) /(v2/)?jobs/",
        lambda: Job.objects.using(session).get(key).stop(),
        holds(place, f"jobs/{key}/", status="STOPPED"),
    )


def log(place: Place, session: Session) -> Write:
    """Write a log entry, with a file inside, which the backend keeps at an address of its own."""
    key, event = job(place), new("event")
    values = {"job": key, "event": event, "data": {"n": 1}, "file": RemoteFile(url="data:,hello")}
    return Write(
        "POST /logs/",
        lambda: JobLog.objects.using(session).create(**values),
        counted(place, f"logs/?job={key}", event=event),
    )


def freeze(place: Place, session: Session) -> Write:
    """Freeze a dataset."""
    dataset = place.wire.create("ground_truth_datasets/", {"name": new("set")})["id"]
    return Write(
        "POST /(ground_truth_dataset_versions|v2/ground-truth-datasets/[0-9]+/versions)/",
        lambda: ref(GroundTruthDataset, dataset, session).freeze("v1"),
        counted(place, f"ground_truth_dataset_versions/?ground_truth_dataset={dataset}", version="v1"),
    )


# --- the flat client --------------------------------------------------------------
def client_of(session: Session) -> BackendClient:
    """Give the flat client over a session."""
    made = BackendClient(session.host, api_token="unused")
    made.session = session
    return made


def client_creates(place: Place, session: Session) -> Write:
    """Create a task by the flat client."""
    key = unit(place)
    return Write(
        "POST /tasks/",
        lambda: client_of(session).create_tasks([{"project": place.project, "data_unit": key}]),
        counted(place, f"tasks/?project={place.project}", data_unit=key),
    )


def client_changes(place: Place, session: Session) -> Write:
    """Change a plugin by the flat client, which is a PUT."""
    text, key = new("text"), place.wire.plugin()["id"]
    return Write(
        "PUT /plugins/",
        lambda: client_of(session).update_plugin(key, {"description": text}),
        holds(place, f"plugins/{key}/", description=text),
    )


def client_updates(place: Place, session: Session) -> Write:
    """Change a job by the flat client, which is a PATCH."""
    key, result = job(place), {"text": new("result")}
    return Write(
        "PATCH /jobs/",
        lambda: client_of(session).update_job(key, {"result": result}),
        holds(place, f"jobs/{key}/", result=result),
    )


def client_runs(place: Place, session: Session) -> Write:
    """Run a plugin by the flat client."""
    plugin, params = place.wire.plugin(), {"n": next(NUMBERS), "seconds": 0}
    return Write(
        "POST /plugins/.*run/",
        lambda: client_of(session).run_plugin(plugin["id"], {"action": "go", "params": params}),
        counted(place, f"jobs/?plugin={plugin['id']}", params=params),
    )


OBJECTS: Final[tuple[Make, ...]] = (
    *(create, create_task, bulk_create, change, change_by_put, delete),
    *(set_tags, tag_all, annotate, annotate_many, run, stop, log, freeze),
)
FLAT: Final[tuple[Make, ...]] = (client_creates, client_changes, client_updates, client_runs)
WRITES: Final = (*OBJECTS, *FLAT)

# Those that API v2 has, and that send by it what they send by v1.
SECOND: Final[tuple[Make, ...]] = (
    *(create, create_task, change, delete, annotate, annotate_many, stop, freeze),
)
