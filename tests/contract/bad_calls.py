"""Calls that cannot be right, one table for every public method: what is wrong with each, and how it is refused."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Final, NamedTuple

from synapse import (
    Agent,
    AsyncJob,
    ConfigError,
    DataCollection,
    DataFile,
    GroundTruthDataset,
    Job,
    JobLog,
    MappingError,
    Model,
    Plugin,
    PluginRelease,
    Project,
    QueryError,
    ServeApplication,
    Session,
    Storage,
    Task,
    TaskTag,
    ValidationError,
)


class Bad(NamedTuple):
    """A call that is refused; `reads` and `writes` say how many requests it may take to find out."""

    method: str
    wrong: str
    call: Callable[[SimpleNamespace], Any]
    error: type[BaseException] = QueryError
    reads: int = 0
    writes: int = 0


T = Task.objects
NAMES: Final = (None, 5, ["data"], "nope", "Data")

READING: Final = [
    Bad("QuerySet.filter", "positional", lambda w: T.filter(1)),
    Bad("QuerySet.filter", "unknown name", lambda w: T.filter(projct=1)),
    Bad("QuerySet.filter", "None", lambda w: T.filter(project=None)),
    Bad("QuerySet.filter", "text for a key", lambda w: T.filter(project="1")),
    Bad("QuerySet.filter", "another entity", lambda w: T.filter(project=w.tag)),
    Bad("QuerySet.filter", "unsaved", lambda w: T.filter(project=w.new_project)),
    Bad("QuerySet.filter", "deleted", lambda w: T.filter(tags=w.gone)),
    Bad("QuerySet.filter", "deleted in a list", lambda w: T.filter(tags__in=[w.gone])),
    Bad("QuerySet.filter", "another backend", lambda w: T.filter(project=w.foreign_project).count()),
    Bad("QuerySet.filter", "another backend in a list", lambda w: list(T.filter(tags__in=[w.foreign_tag]))),
    Bad("QuerySet.filter", "two backends", lambda w: T.filter(project=w.project, tags=w.foreign_tag)),
    Bad(
        "QuerySet.filter",
        "two backends in turn",
        lambda w: T.filter(project=w.project).filter(tags=w.foreign_tag),
    ),
    Bad("QuerySet.filter", "text for a list", lambda w: T.filter(id__in="12")),
    Bad("QuerySet.filter", "unknown value", lambda w: T.filter(status_label="don")),
    Bad("QuerySet.exclude", "what the wire cannot say", lambda w: T.exclude(project=1)),
    Bad("QuerySet.exclude", "unknown name", lambda w: T.exclude(nope=1)),
    Bad("QuerySet.exclude", "several", lambda w: T.exclude(id=1, is_discarded=True)),
    Bad("QuerySet.params", "None", lambda w: T.params(x=None)),
    Bad("QuerySet.params", "a list", lambda w: T.params(x=[1])),
    *(Bad("QuerySet.order_by", repr(each), lambda w, each=each: T.order_by(each)) for each in NAMES),
    *(Bad("QuerySet.only", repr(each), lambda w, each=each: Project.objects.only(each)) for each in NAMES),
    *(Bad("QuerySet.defer", repr(each), lambda w, each=each: Project.objects.defer(each)) for each in NAMES),
    *(Bad("QuerySet.values", repr(each), lambda w, each=each: T.values(each)) for each in NAMES),
    *(Bad("QuerySet.values_list", repr(each), lambda w, each=each: T.values_list(each)) for each in NAMES),
    *(
        Bad("QuerySet.select_related", repr(each), lambda w, each=each: T.select_related(each))
        for each in NAMES
    ),
    *(
        Bad("QuerySet.prefetch_related", repr(each), lambda w, each=each: T.prefetch_related(each))
        for each in NAMES
    ),
    Bad("QuerySet.values_list", "two flat", lambda w: T.values_list("id", "data", flat=True)),
    Bad("QuerySet.select_related", "what cannot be nested", lambda w: T.select_related("project")),
    Bad("QuerySet.prefetch_related", "unknown step", lambda w: T.prefetch_related("project__nope")),
    Bad("QuerySet.fetch_mode", "text", lambda w: T.fetch_mode("PEERS")),
    *(
        Bad("QuerySet.via", repr(each), lambda w, each=each: T.via(each))
        for each in (None, "", 2, "V2", "auto")
    ),
    Bad("QuerySet.count", "no flag", lambda w: T.count(walk="yes")),
    Bad("QuerySet.using", "None", lambda w: T.using(None)),
    Bad("QuerySet.using", "text", lambda w: T.using("https://api.example.com")),
    Bad("QuerySet.iterator", "no size", lambda w: list(T.iterator(page_size=0))),
    Bad("QuerySet.iterator", "text", lambda w: list(T.iterator(page_size="5"))),
    Bad("QuerySet.iterator", "no workers", lambda w: T.iterator(workers=0)),
    Bad("QuerySet.iterator", "what to do with bad rows", lambda w: T.iterator(on_bad_row="ignore")),
    Bad("QuerySet.iterator", "unknown plan", lambda w: T.iterator(plan="page")),
    Bad("QuerySet.iterator", "a number for a plan", lambda w: T.iterator(plan=1)),
    Bad("QuerySet.iterator", "keys not compared", lambda w: Project.objects.iterator(plan="ranges")),
    Bad("QuerySet.iterator", "keys not in order", lambda w: T.order_by("created").iterator(plan="ranges")),
    Bad("QuerySet.iterator", "a slice by ranges", lambda w: T.all()[5:].iterator(plan="ranges")),
    Bad("QuerySet.iterator", "no cursors", lambda w: Project.objects.iterator(plan="cursor")),
    Bad("QuerySet.iterator", "cursor by age", lambda w: T.order_by("created").iterator(plan="cursor")),
    Bad("QuerySet.iterator", "a slice by cursor", lambda w: T.all()[5:].iterator(plan="cursor")),
    Bad("QuerySet.iterator", "more than one", lambda w: T.iterator(plan="one")),
    *(
        Bad("QuerySet.resume", repr(each), lambda w, each=each: T.resume(each))
        for each in (None, 5, "x", "é", "bm8=")
    ),
    Bad("QuerySet.resume", "another query", lambda w: T.resume(T.filter(id=1).iterator().checkpoint)),
    Bad(
        "QuerySet.resume",
        "another backend",
        lambda w: T.resume(T.using(Session("http://127.0.0.1:9", api_token="x")).iterator().checkpoint),
    ),
    Bad("QuerySet.resume", "no size", lambda w: T.resume(T.iterator().checkpoint, page_size=0)),
    *(
        Bad("QuerySet.shards", repr(each), lambda w, each=each: T.shards(each))
        for each in (0, "2", None, True)
    ),
    Bad("QuerySet.explain", "unknown plan", lambda w: T.explain(plan="page")),
    Bad("QuerySet.explain", "a plan it cannot have", lambda w: Project.objects.explain(plan="ranges")),
    *(
        Bad("QuerySet.get", repr(each), lambda w, each=each: T.get(each))
        for each in (None, "x", True, 0, -1, 5.0, 2**64)
    ),
    Bad("QuerySet.get", "nothing", lambda w: T.get()),
    Bad("QuerySet.get", "unknown name", lambda w: T.get(nope=1)),
    Bad("QuerySet.get", "missing row", lambda w: T.get(10**9), Task.DoesNotExist, reads=1),
    Bad(
        "QuerySet.get",
        "missing code",
        lambda w: PluginRelease.objects.get("no@1"),
        PluginRelease.DoesNotExist,
        reads=1,
    ),
    Bad("QuerySet.get", "a path for a code", lambda w: Plugin.objects.get("../users")),
    Bad(
        "QuerySet.get", "too many", lambda w: T.get(project=w.project), Task.MultipleObjectsReturned, reads=2
    ),
    Bad("QuerySet.get", "None for a key of a set", lambda w: w.project.tags.get({}.get("tag_id"))),
    Bad("QuerySet.get", "None by name", lambda w: T.get(pk=None)),
    Bad("QuerySet.get", "None beside a lookup", lambda w: T.get(None, project=1)),
    Bad("QuerySet.in_bulk", "None", lambda w: w.project.tags.in_bulk({}.get("tag_ids"))),
    Bad("QuerySet.in_bulk", "number", lambda w: T.in_bulk(5)),
    Bad("QuerySet.in_bulk", "text", lambda w: T.in_bulk("12")),
    Bad("QuerySet.in_bulk", "None inside", lambda w: T.in_bulk([None])),
    *(Bad("QuerySet.latest", repr(each), lambda w, each=each: T.latest(each)) for each in NAMES),
    Bad("QuerySet.latest", "nothing", lambda w: T.latest()),
    Bad("QuerySet.latest", "after a slice", lambda w: T.all()[:3].latest("id")),
    Bad("QuerySet.latest", "no row", lambda w: T.none().latest("id"), Task.DoesNotExist),
    Bad("QuerySet.earliest", "unknown name", lambda w: T.earliest("titel")),
    Bad("QuerySet.earliest", "nothing", lambda w: T.earliest()),
    Bad("QuerySet.distinct", "a field", lambda w: T.distinct("project")),
    Bad("QuerySet.reverse", "after a slice", lambda w: T.all()[:3].reverse()),
    Bad("QuerySet.last", "after a slice", lambda w: T.all()[:3].last()),
    Bad("QuerySet.__getitem__", "negative", lambda w: T.all()[-1]),
    Bad("QuerySet.__getitem__", "text", lambda w: T.all()["a"]),
    Bad("QuerySet.__getitem__", "no step", lambda w: T.all()[::0]),
    *(
        Bad(
            "QuerySet.__getitem__", f"{each!r} as {error.__name__}", lambda w, each=each: T.all()[each], error
        )
        for each in (None, 1.5, True, "1", slice("1"), slice(None, None, "1"), (1, 2))
        for error in (QueryError, TypeError)
    ),
    Bad("QuerySet.__getitem__", "None of values", lambda w: T.values()[None], TypeError),
    Bad("QuerySet.__getitem__", "beyond the end", lambda w: T.filter(id=w.task.id)[5], IndexError, reads=1),
    Bad("QuerySet.__or__", "OR", lambda w: T.filter(id=1) | T.filter(id=2)),
    *(Bad("FilesManager.only", repr(each), lambda w, each=each: T.only(each)) for each in NAMES),
    *(Bad("FilesManager.defer", repr(each), lambda w, each=each: T.defer(each)) for each in NAMES),
    Bad("Values.filter", "unknown name", lambda w: T.values("id").filter(nope=1)),
    Bad("Values.filter", "positional", lambda w: T.values("id").filter(1)),
    Bad("Values.params", "None", lambda w: T.values("id").params(x=None)),
    Bad("Values.using", "None", lambda w: T.values("id").using(None)),
    Bad("Values.get", "None", lambda w: T.values("id").get(None)),
    Bad("Values.get", "nothing", lambda w: T.values("id").get()),
    Bad("Values.get", "missing row", lambda w: T.values("id").get(10**9), Task.DoesNotExist, reads=1),
    Bad("Values.in_bulk", "None", lambda w: T.values("id").in_bulk(None)),
    Bad("Values.shards", "None", lambda w: T.values("id").shards(None)),
    Bad("Values.values", "unknown name", lambda w: T.values("id").values("nope")),
    Bad("Values.values_list", "two flat", lambda w: T.values("id").values_list("id", "meta", flat=True)),
    Bad("Values.exclude", "unknown name", lambda w: T.values("id").exclude(nope=1)),
    Bad("Values.order_by", "unknown name", lambda w: T.values("id").order_by("nope")),
    Bad("Values.iterator", "no size", lambda w: list(T.values("id").iterator(page_size=0))),
    Bad("Values.iterator", "what to do with bad rows", lambda w: T.values("id").iterator(on_bad_row=None)),
    Bad("Values.resume", "text", lambda w: T.values("id").resume("x")),
    Bad("Values.explain", "unknown plan", lambda w: T.values("id").explain(plan="page")),
    Bad("Values.reverse", "after a slice", lambda w: T.values("id")[:3].reverse()),
    Bad("Values.last", "after a slice", lambda w: T.values("id")[:3].last()),
]


TASK: Final = {"project_id": 1, "data_unit_id": 1}
WRITING: Final = [
    Bad("QuerySet.create", "nothing", lambda w: T.create(), MappingError),
    Bad("QuerySet.create", "unknown name", lambda w: T.create(**TASK, nope=1), MappingError),
    Bad("QuerySet.create", "None", lambda w: T.create(project=None, data_unit_id=1), MappingError),
    Bad("QuerySet.create", "text for a key", lambda w: T.create(project="1", data_unit_id=1), MappingError),
    Bad("QuerySet.create", "another entity", lambda w: T.create(project=w.tag, data_unit_id=1), MappingError),
    Bad(
        "QuerySet.create", "unsaved", lambda w: T.create(project=w.new_project, data_unit_id=1), MappingError
    ),
    Bad(
        "QuerySet.create",
        "deleted",
        lambda w: TaskTag.objects.create(project=w.gone_project, name="x"),
        MappingError,
    ),
    Bad(
        "QuerySet.create",
        "another backend",
        lambda w: TaskTag.objects.create(project=w.foreign_project, name="x"),
    ),
    Bad(
        "QuerySet.create",
        "twice",
        lambda w: TaskTag.objects.create(project=w.project, project_id=1, name="x"),
        MappingError,
    ),
    Bad(
        "QuerySet.create",
        "another link",
        lambda w: w.project.tags.create(project=10**6, name="x"),
        MappingError,
    ),
    Bad("QuerySet.create", "no JSON", lambda w: T.create(**TASK, meta={"a": object()}), MappingError),
    Bad("QuerySet.create", "read-only", lambda w: T.create(**TASK, id=5), MappingError),
    Bad(
        "QuerySet.create",
        "no such row",
        lambda w: T.create(project_id=10**9, data_unit_id=1),
        ValidationError,
        writes=1,
    ),
    Bad("QuerySet.create", "files without a url", lambda w: w.unit(files={"image_1": 5}), MappingError),
    Bad(
        "QuerySet.create",
        "unknown choice",
        lambda w: Project(title="x", category="image", access_level="n"),
        MappingError,
    ),
    Bad(
        "QuerySet.create", "number for a uuid", lambda w: ServeApplication.objects.create(job=5), MappingError
    ),
    *(
        Bad("QuerySet.bulk_create", repr(each), lambda w, each=each: T.bulk_create(each))
        for each in (None, 5, "abc", {})
    ),
    Bad("QuerySet.bulk_create", "one object", lambda w: T.bulk_create(w.new_task)),
    Bad("QuerySet.bulk_create", "None inside", lambda w: T.bulk_create([None]), MappingError),
    Bad("QuerySet.bulk_create", "another entity", lambda w: T.bulk_create([w.tag]), MappingError),
    Bad("QuerySet.bulk_create", "saved", lambda w: T.bulk_create([w.task]), MappingError),
    *(
        Bad("QuerySet.bulk_create", f"journal {each!r}", lambda w, each=each: T.bulk_create([], journal=each))
        for each in (5, True, "", b"run.journal", "tests")
    ),
    *(
        Bad(
            "QuerySet.bulk_create",
            f"journal {each!r}",
            lambda w, each=each: T.bulk_create([], journal=each),
            ConfigError,
        )
        for each in ("nowhere/run.journal", "a\0b")
    ),
    Bad("QuerySet.bulk_create", "no size", lambda w: T.bulk_create([], batch_size=0)),
    Bad(
        "QuerySet.bulk_create",
        "another backend",
        lambda w: TaskTag.objects.bulk_create([w.tag_of_foreign_project]),
    ),
    Bad("QuerySet.get_or_create", "no lookup", lambda w: T.get_or_create(None)),
    Bad("QuerySet.get_or_create", "text", lambda w: T.get_or_create("x", project=1)),
    Bad("QuerySet.get_or_create", "unknown lookup", lambda w: T.get_or_create(nope=1)),
    Bad(
        "QuerySet.get_or_create",
        "unknown default",
        lambda w: T.get_or_create(project=1, defaults={"nope": 1}),
    ),
    Bad("QuerySet.get_or_create", "read-only", lambda w: T.get_or_create(id=10**9), MappingError),
    Bad("QuerySet.get_or_create", "another backend", lambda w: T.get_or_create(project=w.foreign_project)),
    Bad("QuerySet.get_or_create", "no name", lambda w: TaskTag.objects.get_or_create(name="", project=1)),
    Bad(
        "QuerySet.get_or_create",
        "blanks",
        lambda w: TaskTag.objects.get_or_create(name=" padded ", project=1),
    ),
    Bad("QuerySet.get_or_create", "a number", lambda w: TaskTag.objects.get_or_create(name=5, project=1)),
    Bad("QuerySet.get_or_create", "a name and text", lambda w: TaskTag.objects.get_or_create("x", name="x")),
    Bad("QuerySet.get", "a name that is none", lambda w: Project.objects.get(title=5)),
    Bad("QuerySet.get", "an empty name", lambda w: Project.objects.get(title="")),
    Bad("QuerySet.get", "a name and a lookup", lambda w: Project.objects.get(title="x", nope=1)),
    Bad("QuerySet.get", "a name and a slice", lambda w: Project.objects.all()[:5].get(title="x")),
    Bad("QuerySet.filter", "a name", lambda w: Project.objects.filter(title="x")),
    Bad("QuerySet.get_or_create", "a slice", lambda w: TaskTag.objects.all()[:5].get_or_create(name="x")),
    Bad("QuerySet.update_or_create", "text", lambda w: T.update_or_create("x", project=1)),
    Bad(
        "QuerySet.update_or_create",
        "unknown default",
        lambda w: T.update_or_create(project=1, defaults={"nope": 1}),
    ),
    Bad(
        "QuerySet.update_or_create",
        "None",
        lambda w: T.update_or_create(project=1, defaults={"schema": None}),
        MappingError,
    ),
    Bad("QuerySet.update", "nothing", lambda w: w.tasks.update()),
    Bad("QuerySet.update", "everything", lambda w: T.update(is_discarded=True)),
    Bad("QuerySet.update", "unknown name", lambda w: w.tasks.update(nope=1)),
    Bad("QuerySet.update", "read-only", lambda w: w.tasks.update(id=5), MappingError),
    Bad("QuerySet.update", "None", lambda w: w.tasks.update(is_discarded=None), MappingError),
    Bad("QuerySet.update", "wrong type", lambda w: w.tasks.update(is_discarded="yes"), MappingError),
    Bad("QuerySet.update", "another entity", lambda w: w.tasks.update(project=w.tag), MappingError),
    Bad("QuerySet.update", "deleted", lambda w: w.tasks.update(project=w.gone_project), MappingError),
    Bad("QuerySet.update", "another backend", lambda w: w.tasks.update(project=w.foreign_project)),
    Bad("QuerySet.update", "twice", lambda w: w.tasks.update(project=w.project, project_id=1), MappingError),
    Bad("QuerySet.create", "dry_run", lambda w: w.tasks.create(project_id=1, data_unit_id=1, dry_run="no")),
    Bad("QuerySet.bulk_create", "dry_run", lambda w: w.tasks.bulk_create([], dry_run="no")),
    Bad("QuerySet.update", "dry_run", lambda w: w.tasks.update(is_discarded=True, dry_run="no")),
    Bad("QuerySet.delete", "everything", lambda w: T.delete()),
    Bad("QuerySet.delete", "None", lambda w: w.tasks.delete(None)),
    Bad("QuerySet.delete", "a key", lambda w: w.tasks.delete(w.task.id), TypeError),
    Bad("QuerySet.delete", "merely truthy", lambda w: T.delete(everything="no")),
    *(
        Bad("Entity.ref", repr(each), lambda w, each=each: Task.ref(each))
        for each in (None, "5", True, 0, 1.5)
    ),
    Bad("Entity.ref", "a path", lambda w: Job.ref("../users")),
    Bad("Entity.save", "deleted", lambda w: w.gone.save()),
    Bad("Entity.save", "no flag", lambda w: w.changed_ghost.save(dry_run="yes")),
    Bad("Entity.save", "edited to no JSON", lambda w: w.edited.save(), MappingError),
    Bad("Entity.__setattr__", "another backend", lambda w: setattr(w.own_tag, "project", w.foreign_project)),
    *(
        Bad("Entity.save", f"check={given!r}", lambda w, given=given: w.changed_ghost.save(check=given))
        for given in ("yes", 1, None)
    ),
    Bad(
        "Entity.save",
        "missing row, checked",
        lambda w: w.changed_ghost.save(check=True),
        Task.DoesNotExist,
        reads=1,
    ),
    Bad("Entity.save", "missing row", lambda w: w.changed_ghost.save(), Task.DoesNotExist, writes=1),
    Bad("Entity.refresh", "unsaved", lambda w: w.new_task.refresh()),
    Bad("Entity.refresh", "deleted", lambda w: w.gone.refresh()),
    Bad("Entity.refresh", "missing row", lambda w: Task.ref(10**9).refresh(), Task.DoesNotExist, reads=1),
    Bad("Entity.delete", "unsaved", lambda w: w.new_task.delete()),
    Bad("Entity.delete", "no flag", lambda w: w.task.delete(dry_run=1)),
    Bad("Entity.delete", "deleted", lambda w: w.gone.delete()),
    Bad("Entity.delete", "missing row", lambda w: Task.ref(10**9).delete(), Task.DoesNotExist, writes=1),
    Bad("Entity.to_dict", "an unknown name on the way", lambda w: w.task.nope, AttributeError),
    Bad("Entity.__setattr__", "unknown name", lambda w: setattr(w.task, "nmae", 1), AttributeError),
    Bad("Entity.__setattr__", "read-only", lambda w: setattr(w.task, "id", 1), AttributeError),
    Bad("Entity.__setattr__", "a query", lambda w: setattr(w.task, "assignments", []), AttributeError),
    Bad("Entity.__setattr__", "wrong type", lambda w: setattr(w.task, "meta", [1]), MappingError),
    Bad("Entity.__setattr__", "another entity", lambda w: setattr(w.task, "project", w.tag), MappingError),
    Bad("Entity.__setattr__", "deleted", lambda w: setattr(w.gone, "name", "x")),
    Bad("Entity.__delattr__", "a field", lambda w: delattr(w.task, "meta"), AttributeError),
    Bad("Entity.__hash__", "unsaved", lambda w: hash(w.new_task), TypeError),
    Bad("Entity.objects", "on an object", lambda w: w.task.objects, AttributeError),
    Bad("Entity.objects", "a relation of an unsaved object", lambda w: w.new_task.assignments, MappingError),
]

CALLS: Final = [*READING, *WRITING]

# Methods that take nothing, so that only a closed session can make them fail.
CLOSED: Final[dict[str, Callable[[SimpleNamespace], Any]]] = {
    "QuerySet.all": lambda w: list(w.closed_tasks.all()),
    "QuerySet.first": lambda w: w.closed_tasks.first(),
    "QuerySet.latest": lambda w: w.closed_tasks.latest("id"),
    "QuerySet.earliest": lambda w: w.closed_tasks.earliest("id"),
    "QuerySet.last": lambda w: w.closed_tasks.last(),
    "QuerySet.count": lambda w: w.closed_tasks.count(),
    "QuerySet.exists": lambda w: w.closed_tasks.exists(),
    "QuerySet.get": lambda w: w.closed_tasks.get(1),
    "QuerySet.in_bulk": lambda w: w.closed_tasks.in_bulk([1]),
    "QuerySet.iterator": lambda w: list(w.closed_tasks.iterator()),
    "QuerySet.none": lambda w: w.closed_tasks.none().create(**TASK),
    "QuerySet.values": lambda w: list(w.closed_tasks.values("id")),
    "QuerySet.create": lambda w: w.closed_tasks.create(**TASK),
    "QuerySet.bulk_create": lambda w: w.raised(w.closed_tasks.bulk_create, [Task(**TASK)]),
    "QuerySet.get_or_create": lambda w: w.closed_tasks.get_or_create(project=1),
    "QuerySet.update_or_create": lambda w: w.closed_tasks.update_or_create(project=1),
    "QuerySet.update": lambda w: w.closed_tasks.filter(id=1).update(is_discarded=True),
    "QuerySet.delete": lambda w: w.closed_tasks.filter(id=1).delete(),
    "Values.all": lambda w: list(w.closed_tasks.values("id").all()),
    "Values.first": lambda w: w.closed_tasks.values("id").first(),
    "Values.count": lambda w: w.closed_tasks.values("id").count(),
    "Values.exists": lambda w: w.closed_tasks.values("id").exists(),
    "Entity.save": lambda w: w.closed(Task, is_discarded=True).save(),
    "Entity.refresh": lambda w: w.closed(Task).refresh(),
    "Entity.delete": lambda w: w.closed(Task).delete(),
    "TaskManager.set_tags": lambda w: w.closed_tasks.filter(id=1).set_tags(add=[1]),
    "TaskManager.annotate_many": lambda w: w.raised(w.closed_tasks.annotate_many, {1: {"a": 1}}),
    "Task.annotate": lambda w: w.closed(Task).annotate({"a": 1}),
    "Task.picture": lambda w: w.closed(Task).picture(),
    "Task.set_tags": lambda w: w.closed(Task).set_tags(add=[1]),
    "DataCollection.add": lambda w: w.closed(DataCollection).add(w.picture),
    "DataCollection.upload": lambda w: w.closed(DataCollection).upload([w.picture]),
    "FilesManager.download": lambda w: w.closed_tasks.filter(id=1).download(w.folder / "out"),
    "DataFileManager.upload": lambda w: DataFile.objects.using(w.closed_session).upload(w.picture),
    "DataFileManager.existing": lambda w: DataFile.objects.using(w.closed_session).existing(["a"]),
    "ModelManager.create": lambda w: Model.objects.using(w.closed_session).create(name="m", file=w.archive),
    "StorageManager.default": lambda w: Storage.objects.using(w.closed_session).default(),
    "JobLogManager.create": lambda w: JobLog.objects.using(w.closed_session).create(job="a", event="e"),
    "Plugin.run": lambda w: w.closed(Plugin).run(action="go"),
    "Plugin.release": lambda w: w.closed(Plugin).release("1", w.archive),
    "Job.wait": lambda w: w.closed(Job).wait(),
    "Job.stop": lambda w: w.closed(Job).stop(),
    "Job.console_logs": lambda w: w.closed(Job).console_logs(),
    "Job.tail": lambda w: list(w.closed(Job).tail()),
    "AsyncJob.wait": lambda w: w.closed(AsyncJob).wait(),
    "Project.export_to": lambda w: w.closed(Project).export_to(1, "out/"),
    "AsyncJob.follow": lambda w: list(w.closed(AsyncJob).follow()),
    "AsyncJob.cancel": lambda w: w.closed(AsyncJob).cancel(),
    "Agent.check": lambda w: w.closed(Agent).check(),
    "Storage.check": lambda w: w.closed(Storage).check(),
    "Storage.filesystem": lambda w: w.closed(Storage).filesystem(),
    "GroundTruthDataset.freeze": lambda w: w.closed(GroundTruthDataset).freeze("1"),
}
# Nothing can be wrong with these: they take nothing of the user, and touch no network.
HARMLESS: Final = {
    "Entity.describe",
    "QuerySet.explain",
    "Task.show",
    "Values.explain",
    "Values.none",
    "Values.of",
}
