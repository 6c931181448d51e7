"""Calls of the domain's verbs that cannot be right."""

from __future__ import annotations

from typing import Final

import synapse

from synapse import (
    Agent,
    Assignment,
    AsyncJob,
    BulkError,
    ConfigError,
    DataCollection,
    DataFile,
    GroundTruthDataset,
    Job,
    JobLog,
    Label,
    MappingError,
    Model,
    Plugin,
    Project,
    QueryError,
    Storage,
    StorageError,
    SynapseError,
    Task,
    TransferError,
    ValidationError,
)
from tests.contract.bad_calls import Bad

T = Task.objects
TAGS: Final = (None, 5, "ok", {"a": 1})
GOOD: Final = {"storage": 1, "path": "out/"}
TASKS: Final = [
    *(
        Bad("TaskManager.set_tags", repr(each), lambda w, each=each: w.tasks.set_tags(add=each))
        for each in TAGS
    ),
    Bad(
        "TaskManager.annotate_from", "unknown format", lambda w: w.tasks.annotate_from("labels", format="coc")
    ),
    Bad(
        "TaskManager.annotate_from",
        "a folder that isn't there",
        lambda w: w.tasks.annotate_from("labels", format="coco"),
        TransferError,
    ),
    Bad("AnnotatedManager.export", "unknown format", lambda w: w.tasks.export("labels", format="coc")),
    Bad("TaskManager.set_tags", "one tag", lambda w: w.tasks.set_tags(add=w.tag)),
    Bad("TaskManager.set_tags", "everything", lambda w: T.set_tags(add=[w.tag])),
    Bad("TaskManager.set_tags", "another entity", lambda w: w.tasks.set_tags(remove=[w.project])),
    Bad("TaskManager.set_tags", "deleted", lambda w: w.tasks.set_tags(remove=[w.gone])),
    Bad("TaskManager.set_tags", "another backend", lambda w: w.tasks.set_tags(add=[w.foreign_tag])),
    Bad(
        "TaskManager.set_tags",
        "missing",
        lambda w: w.tasks.set_tags(add=[10**9]),
        BulkError,
        reads=1,
        writes=1,
    ),
    Bad(
        "AssignmentManager.set_tags", "one tag", lambda w: Assignment.objects.filter(id=1).set_tags(add=w.tag)
    ),
    Bad("AssignmentManager.set_tags", "everything", lambda w: Assignment.objects.set_tags(add=[w.tag])),
    *(Bad("Task.set_tags", repr(each), lambda w, each=each: w.task.set_tags(remove=each)) for each in TAGS),
    Bad("Task.set_tags", "unsaved", lambda w: w.new_task.set_tags(add=[1])),
    Bad("Task.set_tags", "unsaved tag", lambda w: w.task.set_tags(add=[w.new_tag])),
    Bad("Task.set_tags", "another backend", lambda w: w.task.set_tags(add=[w.foreign_tag])),
    *(
        Bad("Task.annotate", repr(each), lambda w, each=each: w.task.annotate(each))
        for each in (None, [{"a": 1}], "a", {1: 2})
    ),
    Bad("Task.picture", "width", lambda w: w.task.picture(width=0)),
    Bad("QuerySet.show", "columns", lambda w: w.tasks.show(columns="4")),
    Bad("Task.annotate", "a dict with others", lambda w: w.task.annotate({"a": 1}, Label("a"))),
    Bad("Task.annotate", "no JSON", lambda w: w.task.annotate({"a": {1, 2}})),
    Bad("Task.annotate", "schema", lambda w: w.task.annotate({"a": 1}, schema="anny")),
    Bad("Task.annotate", "submit", lambda w: w.task.annotate({"a": 1}, submit="yes")),
    Bad("Task.annotate", "unsaved", lambda w: w.new_task.annotate({"a": 1})),
    Bad(
        "Task.annotate",
        "missing row",
        lambda w: Task.ref(10**9).annotate({"a": 1}),
        Task.DoesNotExist,
        writes=1,
    ),
    *(
        Bad("TaskManager.annotate_many", repr(each), lambda w, each=each: T.annotate_many(each))
        for each in (None, 5, "ab")
    ),
    *(
        Bad(
            "TaskManager.annotate_many",
            f"[{each!r}]",
            lambda w, each=each: T.annotate_many([each]),
            BulkError,
        )
        for each in (1, (1,), (None, {}), ("x", {}), (1, None))
    ),
    Bad("TaskManager.annotate_many", "schema", lambda w: T.annotate_many({}, schema="anny")),
    Bad("TaskManager.annotate_many", "submit", lambda w: T.annotate_many({}, submit=1)),
    Bad(
        "TaskManager.annotate_many", "unsaved", lambda w: T.annotate_many([(w.new_task, {"a": 1})]), BulkError
    ),
    Bad(
        "TaskManager.annotate_many",
        "another entity",
        lambda w: T.annotate_many({w.project: {"a": 1}}),
        BulkError,
    ),
    Bad(
        "TaskManager.annotate_many",
        "another backend",
        lambda w: T.annotate_many({w.foreign_task: {"a": 1}}),
        BulkError,
    ),
]

FILES: Final = (
    ("None", lambda w: None),
    ("number", lambda w: 5),
    ("missing", lambda w: w.folder / "nope.png"),
    ("folder", lambda w: w.folder),
)
DOWNLOADS: Final = [
    *(
        Bad("FilesManager.download", f"folder: {n}", lambda w, f=f: w.tasks.download(f(w)), TransferError)
        for n, f in (
            ("None", lambda w: None),
            ("number", lambda w: 5),
            ("nothing", lambda w: ""),
            ("a file", lambda w: w.picture),
            ("below a file", lambda w: w.picture / "out"),
            ("NUL", lambda w: "out\0"),
        )
    ),
    *(
        Bad(
            "FilesManager.download",
            f"{name}: {given!r}",
            lambda w, name=name, given=given: w.tasks.download(w.folder / "out", **{name: given}),
            error,
        )
        for name, given, error in (
            ("fields", ["file"], QueryError),
            ("fields", "files", QueryError),
            ("specifications", "image_1", QueryError),
            ("specifications", [1], QueryError),
            ("workers", 0, ConfigError),
            ("progress", 5, TransferError),
            ("overwrite", "yes", TransferError),
            ("on_error", "stop", TransferError),
            ("cache", "here", TransferError),
            ("url_conversion", [str], QueryError),
            ("url_conversion", {"fils": str}, QueryError),
            ("url_conversion", {"files": "https://elsewhere"}, TransferError),
        )
    ),
    Bad(
        "FilesManager.download",
        "a field that is not chosen",
        lambda w: Assignment.objects.download(w.folder / "out", url_conversion={"files": str}),
    ),
    Bad(
        "FilesManager.download",
        "another backend",
        lambda w: T.filter(project=w.foreign_project).download(w.folder / "out"),
    ),
]
DATA: Final = [
    *(
        Bad("DataCollection.add", f"file: {n}", lambda w, f=f: w.collection.add(f(w)), TransferError)
        for n, f in FILES
    ),
    *(
        Bad(
            "DataCollection.add",
            f"second: {n}",
            lambda w, f=f: w.collection.add({"image_1": w.picture, "data_meta_1": f(w)}),
            TransferError,
        )
        for n, f in FILES
    ),
    *(
        Bad("DataFileManager.upload", n, lambda w, f=f: DataFile.objects.upload(f(w)), TransferError)
        for n, f in FILES
    ),
    *(Bad("Plugin.release", n, lambda w, f=f: w.plugin.release("2", f(w)), TransferError) for n, f in FILES),
    *(Bad("ModelManager.create", n, lambda w, f=f: w.model(f(w)), TransferError) for n, f in FILES[1:]),
    *(Bad("JobLogManager.create", n, lambda w, f=f: w.log(file=f(w)), SynapseError) for n, f in FILES[1:]),
    Bad(
        "DataCollection.add", "unknown name", lambda w: w.collection.add({"imag_1": w.picture}), MappingError
    ),
    Bad("DataCollection.add", "missing specification", lambda w: w.collection.add({}), MappingError),
    Bad("DataCollection.add", "meta", lambda w: w.collection.add(w.picture, meta=[1]), MappingError),
    Bad("DataCollection.add", "groups", lambda w: w.collection.add(w.picture, groups="day"), MappingError),
    Bad("DataCollection.add", "root", lambda w: w.collection.add(w.picture, root=b"."), TransferError),
    Bad("DataCollection.add", "unsaved", lambda w: w.new_collection.add(w.picture)),
    Bad("DataCollection.add", "deleted", lambda w: w.gone_collection.add(w.picture)),
    Bad(
        "DataCollection.add",
        "missing row",
        lambda w: DataCollection.ref(10**9).add(w.picture),
        DataCollection.DoesNotExist,
        reads=1,
    ),
    Bad(
        "DataCollection.check_files",
        "unknown name",
        lambda w: w.collection.check_files({"nope": "a"}),
        MappingError,
    ),
    Bad("DataCollection.upload", "unsaved", lambda w: w.new_collection.upload([w.picture])),
    *(
        Bad("DataCollection.upload", n, lambda w, f=f: w.collection.upload(f(w)), TransferError)
        for n, f in (
            ("None", lambda w: None),
            ("one path", lambda w: w.picture),
            ("one text", lambda w: str(w.picture)),
            ("no folder", lambda w: w.folder / "nope"),
            ("bytes", lambda w: b"photos"),
            ("one item", lambda w: {"files": {"image_1": w.picture}}),
        )
    ),
    *(
        Bad("DataCollection.upload", f"{n}={v!r}", lambda w, n=n, v=v: w.collection.upload([], **{n: v}), e)
        for n, v, e in (
            ("on_error", "stop", TransferError),
            ("batch_size", 0, TransferError),
            ("workers", 0, ConfigError),
            ("workers", "8", ConfigError),
            ("progress", 5, TransferError),
            ("presigned", 1, TransferError),
            ("dry_run", "yes", QueryError),
            ("project", "signs", QueryError),
            ("project", True, QueryError),
        )
    ),
    *(
        Bad(
            "DataCollection.upload",
            f"project: {n}",
            lambda w, n=n: w.collection.upload([w.picture], project=getattr(w, n)),
            e,
        )
        for n, e in (
            ("new_project", QueryError),
            ("gone_project", QueryError),
            ("foreign_project", QueryError),
            ("other_project", TransferError),
            ("task", QueryError),
        )
    ),
    Bad(
        "DataCollection.upload",
        "project: missing row",
        lambda w: w.collection.upload([w.picture], project=10**9),
        Project.DoesNotExist,
        reads=1,
    ),
    Bad(
        "DataFileManager.upload",
        "chunked",
        lambda w: DataFile.objects.upload(w.picture, chunked="yes"),
        TransferError,
    ),
    Bad(
        "DataFileManager.upload",
        "presigned",
        lambda w: DataFile.objects.upload(w.picture, presigned="yes"),
        TransferError,
    ),
    Bad(
        "DataFileManager.upload",
        "presigned chunks",
        lambda w: DataFile.objects.upload(w.picture, presigned=True, chunked=True),
        TransferError,
    ),
    Bad(
        "DataFileManager.upload",
        "chunk_size",
        lambda w: DataFile.objects.upload(w.picture, chunked=True, chunk_size=0),
        TransferError,
    ),
    Bad(
        "DataFileManager.upload",
        "progress",
        lambda w: DataFile.objects.upload(w.picture, progress=5),
        TransferError,
    ),
    *(
        Bad("DataFileManager.existing", repr(each), lambda w, each=each: DataFile.objects.existing(each))
        for each in (None, "abc", 5, [1], [None], [""])
    ),
    Bad("ModelManager.create", "empty file", lambda w: w.model(w.empty), TransferError),
    Bad("ModelManager.create", "no name", lambda w: Model.objects.create(file=w.archive), MappingError),
    Bad(
        "ModelManager.create",
        "an object for a code",
        lambda w: w.model(w.archive, plugin=w.plugin),
        MappingError,
    ),
    Bad("ModelManager.create", "progress", lambda w: w.model(w.archive, progress=5), TransferError),
    Bad("StorageManager.default", "instance", lambda w: w.storage.objects.default(), AttributeError),
    Bad("Storage.filesystem", "write", lambda w: w.storage.filesystem(write="yes")),
    Bad("Storage.filesystem", "options", lambda w: w.storage.filesystem(options=["a"]), ConfigError),
    Bad("Storage.filesystem", "unsaved", lambda w: Storage(name="x", provider="minio").filesystem()),
    Bad(
        "Storage.filesystem",
        "missing row",
        lambda w: Storage.ref(10**9).filesystem(),
        Storage.DoesNotExist,
        reads=1,
        writes=True,
    ),
    Bad("Storage.path", "leads up", lambda w: w.storage.path("a/../../b"), StorageError),
    Bad("Storage.path", "a number", lambda w: w.storage.path(5), StorageError),
    Bad("Storage.path", "write", lambda w: w.storage.path("a", write=1)),
    Bad("Storage.check", "options", lambda w: w.storage.check(options="a"), ConfigError),
    Bad(
        "Storage.configuration",
        "text",
        lambda w: Storage(name="s", provider="minio", configuration="a=b"),
        MappingError,
    ),
    Bad("DataFile.objects", "create", lambda w: DataFile.objects.create()),
]

RUNS: Final = [
    *(
        Bad("Plugin.run", f"action: {each!r}", lambda w, each=each: w.plugin.run(action=each))
        for each in (None, "", " ", 5)
    ),
    *(
        Bad("Plugin.run", f"params: {each!r}", lambda w, each=each: w.plugin.run(action="go", params=each))
        for each in ([1], "abc", 5, {"a": {1}})
    ),
    Bad("Plugin.run", "agent", lambda w: w.plugin.run(action="go", agent="x")),
    Bad("Plugin.run", "another entity", lambda w: w.plugin.run(action="go", agent=w.tag)),
    Bad("Plugin.run", "storage", lambda w: w.plugin.run(action="go", storage=w.tag)),
    Bad("Plugin.run", "another backend", lambda w: w.plugin.run(action="go", agent=w.foreign_agent)),
    Bad("Plugin.run", "version", lambda w: w.plugin.run(action="go", version=5)),
    Bad("Plugin.run", "debug", lambda w: w.plugin.run(action="go", debug="yes")),
    Bad("Plugin.run", "language", lambda w: w.plugin.run(action="go", language=5)),
    Bad("Plugin.run", "unsaved", lambda w: w.new_plugin.run(action="go")),
    Bad(
        "Plugin.run",
        "missing row",
        lambda w: Plugin.ref("nope").run(action="go"),
        Plugin.DoesNotExist,
        reads=1,
        writes=1,
    ),
    *(
        Bad("Plugin.release", f"version: {each!r}", lambda w, each=each: w.plugin.release(each, w.archive))
        for each in (None, "", 5)
    ),
    *(
        Bad(
            "Plugin.release",
            f"config: {each!r}",
            lambda w, each=each: w.plugin.release("2", w.archive, config=each),
        )
        for each in ([1], "abc", {"a": {1}})
    ),
    *(
        Bad(
            "Plugin.release",
            f"requirements: {each!r}",
            lambda w, each=each: w.plugin.release("2", w.archive, requirements=each),
        )
        for each in (None, "numpy", [1])
    ),
    Bad("Plugin.release", "debug", lambda w: w.plugin.release("2", w.archive, debug="yes")),
    Bad("Plugin.release", "no archive", lambda w: w.plugin.release("2", w.picture), TransferError),
    Bad("Plugin.release", "progress", lambda w: w.plugin.release("2", w.archive, progress=5), TransferError),
    Bad("Plugin.release", "empty file", lambda w: w.plugin.release("2", w.empty), TransferError),
    Bad("Plugin.release", "unsaved", lambda w: w.new_plugin.release("2", w.archive)),
    Bad("JobLogManager.create", "progress", lambda w: w.log(file=w.picture, progress=5), TransferError),
    Bad("JobLogManager.create", "no event", lambda w: JobLog.objects.create(job=w.job), MappingError),
    Bad("JobLogManager.create", "no job", lambda w: w.log(job=None), MappingError),
    Bad("JobLogManager.create", "moment", lambda w: w.log(datetime="soon"), MappingError),
    Bad("JobLogManager.create", "another backend", lambda w: w.log(job=w.foreign_job)),
    *(
        Bad("Job.wait", f"timeout: {each!r}", lambda w, each=each: w.job.wait(timeout=each))
        for each in ("x", -1, True, float("nan"), float("inf"))
    ),
    Bad("Job.stop", "no generation", lambda w: w.job.stop(via="auto")),
    Bad("Job.wait", "progress", lambda w: w.job.wait(progress=5), TransferError),
    *(
        Bad(f"Job.{verb}", "unsaved", lambda w, verb=verb: getattr(Job(), verb)())
        for verb in ("wait", "stop", "console_logs", "tail")
    ),
    *(
        Bad(
            f"Job.{verb}",
            "missing row",
            lambda w, verb=verb: getattr(w.ghost_job, verb)(),
            Job.DoesNotExist,
            reads=verb != "stop",
            writes=verb == "stop",
        )
        for verb in ("wait", "stop", "console_logs")
    ),
    *(
        Bad("AsyncJob.wait", f"timeout: {each!r}", lambda w, each=each: AsyncJob.ref("a").wait(timeout=each))
        for each in ("x", -1)
    ),
    *(
        Bad(
            "Project.export_to",
            f"{name}: {each!r}",
            lambda w, given={**GOOD, name: each}: w.project.export_to(**given),
        )
        for name, wrong in {
            "storage": (None, "1", 1.5, True),
            "path": (None, "", " ", 5),
            "targets": (None, "task", [], ["tasks"], [5]),
            "original_files": (None, 1, "yes"),
        }.items()
        for each in wrong
    ),
    Bad("Project.export_to", "unsaved", lambda w: w.new_project.export_to(1, "out/")),
    Bad("AsyncJob.wait", "progress", lambda w: AsyncJob.ref("a").wait(progress=5), TransferError),
    *(
        Bad(f"AsyncJob.{verb}", "unsaved", lambda w, verb=verb: getattr(AsyncJob(), verb)())
        for verb in ("wait", "follow", "cancel")
    ),
    Bad("Agent.check", "unsaved", lambda w: Agent(name="x").check()),
    Bad("Agent.check", "missing row", lambda w: Agent.ref(10**9).check(), Agent.DoesNotExist, reads=1),
    *(
        Bad(
            "GroundTruthDataset.freeze", repr(each), lambda w, each=each: w.dataset.freeze(each), MappingError
        )
        for each in (None, 1)
    ),
    Bad(
        "GroundTruthDataset.freeze",
        "description",
        lambda w: w.dataset.freeze("1", description=None),
        MappingError,
    ),
    Bad("GroundTruthDataset.freeze", "unsaved", lambda w: GroundTruthDataset(name="x").freeze("1")),
    Bad("GroundTruthDataset.freeze", "empty", lambda w: w.dataset.freeze(""), ValidationError, writes=1),
]

HOST: Final = "http://127.0.0.1:9"
MODULE: Final = [
    Bad("synapse.connect", "no address", lambda w: synapse.connect("nope", api_token="t"), ConfigError),
    Bad("synapse.connect", "number", lambda w: synapse.connect(5, api_token="t"), ConfigError),
    Bad("synapse.connect", "no token", lambda w: synapse.connect(HOST), ConfigError),
    Bad(
        "synapse.connect",
        "token with a line break",
        lambda w: synapse.connect(HOST, api_token="a\nb"),
        ConfigError,
    ),
    Bad("synapse.connect", "number for a token", lambda w: synapse.connect(HOST, api_token=5), ConfigError),
    Bad(
        "synapse.connect",
        "unknown setting",
        lambda w: synapse.connect(HOST, api_token="t", nope=1),
        TypeError,
    ),
    Bad("synapse.disconnect", "an argument", lambda w: synapse.disconnect("now"), TypeError),
]

VERBS: Final = [*TASKS, *DOWNLOADS, *DATA, *RUNS, *MODULE]
