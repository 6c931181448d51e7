"""The steps of the demo: what the SDK does for a team that annotates pictures."""

from __future__ import annotations

import contextlib
import hashlib
import zipfile

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, Final

import attrs
import click

from synapse.annotations import Annotation, Annotations
from synapse.cli.pictures import Input
from synapse.cli.report import write_report
from synapse.cli.show import Show, Step, counted
from synapse.entities import (
    DataCollection,
    FileSpecification,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    JobStatus,
    Plugin,
    Project,
    Session,
    Split,
    Task,
    TaskTag,
)

IMAGE: Final = "image_1"
TAGS: Final = 12
BATCH: Final = 100
SHOWN: Final = 5
SHEET_COLUMNS: Final = 5
PATIENCE: Final = 60
CODE: Final = "label-report"
MAIN: Final = 'def report(params):\n    print("project", params["project"])\n'


class MismatchError(click.ClickException):
    """What came back is not what went in."""


@attrs.define
class Demo:
    """The steps, and what one leaves to the next."""

    show: Show
    session: Session
    given: Input = attrs.field(kw_only=True)
    scratch: Path = attrs.field(kw_only=True)
    report: Path = attrs.field(kw_only=True)
    collection: DataCollection = attrs.field(init=False)
    project: Project = attrs.field(init=False)
    version: GroundTruthVersion = attrs.field(init=False)

    def play(self) -> None:
        """Do the steps in order; one whose outcome is wrong raises `MismatchError`."""
        self.make_collection()
        self.upload()
        self.make_tasks()
        self.query()
        self.annotate()
        self.tag()
        self.export()
        self.run_plugin()
        self.freeze()
        self.check()
        self.draw()

    def _step(self, title: str, *code: str) -> contextlib.AbstractContextManager[Step]:
        """Show a step, counting the requests of the session."""
        return self.show.step(title, *code, session=self.session)

    def _expect(self, what: str, expected: object, actual: object) -> None:
        """Stop the demo where something came out wrong."""
        if expected != actual:
            raise MismatchError(f"{what}: expected {expected!r}, got {actual!r}")

    def make_collection(self) -> None:
        """Describe what a unit of data is made of."""
        with self._step(
            "Make a collection",
            'image = FileSpecification(name="image_1", file_type="image", function_type="main", is_primary=True)',
            'collection = DataCollection.objects.create(name=title, category="image", file_specifications=[image])',
        ) as step:
            image = FileSpecification(name=IMAGE, file_type="image", function_type="main", is_primary=True)
            self.collection = DataCollection.objects.create(
                name=self.given.title, category="image", file_specifications=[image]
            )
            step.rows = 1
            self.show.line(self.collection)

    def upload(self) -> None:
        """Send the pictures, several at once, and make a unit of each."""
        with self._step("Upload the pictures", "report = collection.upload(items, progress=True)") as step:
            items = [
                {
                    "files": {IMAGE: str(picture.path)},
                    "meta": {"picture": picture.name, "label": picture.label},
                }
                for picture in self.given.pictures
            ]
            self.show.line(f"items[0] = {items[0]}")
            report = self.collection.upload(items, progress=True)
            for outcome in [*report.failed, *report.unknown][:1]:
                raise MismatchError(f"{outcome.item}: {outcome.error}\n{report}")
            self._expect("new units", len(items), len(report.created))
            step.rows = len(report)

    def make_tasks(self) -> None:
        """Make a project, and a task for each unit."""
        with self._step(
            "Make a project and its tasks",
            'project = Project.objects.create(title=title, category="image", data_collection=collection,'
            " configuration=configuration)",
            "tasks = [Task(project_id=project.id, data_unit_id=unit.id) for unit in collection.units]",
            "Task.objects.bulk_create(tasks)",
        ) as step:
            self.project = Project.objects.create(
                title=self.given.title,
                category="image",
                data_collection=self.collection,
                configuration=self.given.configuration,
            )
            tasks = [Task(project_id=self.project.id, data_unit_id=unit.id) for unit in self.collection.units]
            step.rows = len(Task.objects.bulk_create(tasks))

    def query(self) -> None:
        """Ask for tasks the way Django would: counted, filtered, ordered, sliced, with what they lead to."""
        with self._step(
            "Query them",
            "tasks = Task.objects.filter(project=project)",
            'tasks.count(), tasks.filter(status_label="stand_by").count()',
            'for task in tasks.select_related("data_unit").order_by("-id")[:5]:',
            '    print(task.id, task.project.title, task.data_unit.meta["label"])',
        ) as step:
            tasks = Task.objects.filter(project=self.project)
            self._expect("tasks", len(self.given.pictures), tasks.count())
            self._expect("tasks to do", tasks.count(), tasks.filter(status_label="stand_by").count())
            newest = tasks.select_related("data_unit").order_by("-id")[:SHOWN]
            for task in newest:
                self.show.line(f"{task.id} {task.project.title} {task.data_unit.meta['label']}")
            step.rows = len(newest)

    def annotate(self) -> None:
        """Draw on every picture what it shows, checked against the classes of the project."""
        answers = {picture.name: picture.annotation for picture in self.given.pictures}
        with self._step(
            "Annotate every task",
            'tasks = project.tasks.select_related("data_unit")',
            'Task.objects.annotate_many((task, answers[task.data_unit.meta["picture"]]) for task in tasks)',
        ) as step:
            self.show.line(self.given.pictures[0].annotation)
            tasks = self.project.tasks.select_related("data_unit")
            shown = counted(tasks, total=len(answers), label="annotating", unit="tasks")
            step.rows = Task.objects.annotate_many(
                (task, answers[task.data_unit.meta["picture"]]) for task in shown
            )
            completed = self.project.tasks.filter(status_label="completed")
            self._expect("annotated tasks", len(answers), completed.count())

    def tag(self) -> None:
        """Tag the tasks by label, and find them by tag."""
        by_label: dict[str, list[int]] = {}
        with self._step(
            "Tag them by label",
            "tag = TaskTag.objects.create(project=project, name=label)",
            "Task.objects.filter(id__in=ids).set_tags(add=[tag])",
            "project.tasks.filter(tags=tag).count()",
        ) as step:
            for task in self.project.tasks:
                by_label.setdefault(str(task.annotations[0].class_name), []).append(task.id)
            frequent = sorted(by_label, key=lambda label: -len(by_label[label]))[:TAGS]
            for label in sorted(frequent):
                tag = TaskTag.objects.create(project=self.project, name=label)
                Task.objects.filter(id__in=by_label[label]).set_tags(add=[tag])
                found = self.project.tasks.filter(tags=tag).count()
                self._expect(f"tasks tagged {label}", len(by_label[label]), found)
                step.rows = (step.rows or 0) + found
            self.show.line(f"{len(frequent)} tags: {', '.join(sorted(frequent))}")

    def export(self) -> None:
        """Write the annotations as COCO, and read them back against those that the tasks have."""
        with self._step(
            "Export them as COCO and read that back",
            'project.tasks.export("coco", format="coco")',
            'project.tasks.annotate_from("coco", format="coco", match="id", existing="replace", dry_run=True)',
        ) as step:
            folder = self.scratch / "coco"
            report = self.project.tasks.export(folder, format="coco")
            self.show.line(repr(report))
            self._expect("exported tasks", len(self.given.pictures), report.tasks)
            read = self.project.tasks.annotate_from(
                folder, format="coco", match="id", existing="replace", dry_run=True
            )
            self._expect("classes that came back", report.classes, read.classes)
            self._expect("problems", [], read.failed)
            step.rows = read.tasks

    def run_plugin(self) -> None:
        """Publish a plugin, run it, and follow what it prints."""
        with self._step(
            "Run a plugin",
            'plugin = Plugin.objects.create(code="label-report", name="Label report", category="export")',
            'plugin.release("1.0.0", archive)',
            'job = plugin.run(action="report", params={"project": project.id, "seconds": 2})',
            "for line in job.tail(): print(line)",
            "job.wait().status",
        ) as step:
            plugin = Plugin.objects.create(code=CODE, name="Label report", category="export")
            plugin.release(
                "1.0.0", self._archive(), config={"code": CODE, "actions": {"report": {"method": "job"}}}
            )
            job = plugin.run(action="report", params={"project": self.project.id, "seconds": 2})
            step.rows = 0
            for line in job.tail():
                self.show.line(line)
                step.rows += 1
            self._expect("job", JobStatus.SUCCEEDED, job.wait(timeout=PATIENCE).status)
            self._expect("kept log lines", step.rows, len(job.console_logs()))

    def _archive(self) -> Path:
        path = self.scratch / f"{CODE}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("config.yaml", f"code: {CODE}\nversion: 1.0.0\n")
            archive.writestr("main.py", MAIN)
        return path

    def freeze(self) -> None:
        """Accept the annotations as ground truth, and freeze them as a version."""
        with self._step(
            "Freeze the ground truth",
            "dataset = GroundTruthDataset.objects.create(name=title, project=project)",
            "truths = [GroundTruth(ground_truth_dataset_id=dataset.id, data_unit_id=task.data_unit_id, data=task.data)"
            " for task in project.tasks]",
            "GroundTruth.objects.bulk_create(truths)",
            'version = dataset.freeze("1.0")',
        ) as step:
            dataset = GroundTruthDataset.objects.create(name=self.given.title, project=self.project)
            truths = (self._truth(dataset, task) for task in self.project.tasks)
            total = len(self.given.pictures)
            for batch in batches(counted(truths, total=total, label="accepting", unit="truths"), size=BATCH):
                GroundTruth.objects.bulk_create(batch)
            self.version = dataset.freeze("1.0")
            step.rows = self.version.events.count()
            self.show.line(self.version)

    def _truth(self, dataset: GroundTruthDataset, task: Task) -> GroundTruth:
        split = Split.TEST if task.id % 10 == 0 else Split.TRAIN
        return GroundTruth(
            ground_truth_dataset_id=dataset.id,
            data_unit_id=task.data_unit_id,
            data=task.data,
            category=split,
        )

    def check(self) -> None:
        """Read the version back, pictures and all, and hold it against what went in."""
        with self._step(
            "Read it back and compare",
            'for event in version.events: event.annotations, event.files["image_1"].read()',
        ) as step:
            names = dict(self.collection.units.values_list("id", "meta"))
            rest = {each.name: (_placed(each.annotation), each.md5) for each in self.given.pictures}
            events = counted(self.version.events, total=len(rest), label="reading", unit="pictures")
            step.rows = 0
            for read in self.session.map(picture_md5, events):
                name = names[read.item.data_unit_id]["picture"]
                self._expect(name, rest.pop(name, None), (read.item.annotations, read.value()))
                step.rows += 1
            self._expect("pictures that did not come back", [], list(rest))

    def draw(self) -> None:
        """Draw a contact sheet with what was annotated, and leave it as a page."""
        with self._step("Look at them", "sheet = project.tasks.show(columns=5)") as step:
            sheet = self.project.tasks.show(columns=SHEET_COLUMNS)
            labels = [picture.label for picture in self.given.pictures]
            write_report(self.report, name=self.given.title, labels=labels, sheet=sheet)
            step.rows = len(labels)


def _placed(annotation: Annotation) -> Annotations:
    """Give what a task holds that was annotated with this."""
    return Annotations([attrs.evolve(annotation, media=IMAGE)])


def batches(items: Iterable[Any], *, size: int) -> Iterator[list[Any]]:
    """Yield the items in lists of *size*."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def picture_md5(event: GroundTruthEvent) -> str:
    """Fetch the picture of a ground truth and return the MD5 of its bytes."""
    assert event.files is not None
    return hashlib.md5(event.files[IMAGE].read(), usedforsecurity=False).hexdigest()
