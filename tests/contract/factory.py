"""Rows for tests to work on, written by Django into the sandbox's database within milliseconds."""

from __future__ import annotations

import hashlib
import itertools

from collections.abc import Sequence
from typing import Any

NUMBERS = itertools.count(1)


class Factory:
    """Makes rows of one workspace and gives them back as Django's objects: `.pk`, and `.refresh_from_db()` to look."""

    def __init__(self, tables: Any, tenant: Any) -> None:
        self.tables = tables
        self.tenant = tenant

    def collection(self, **columns: Any) -> Any:
        """Make a collection whose units need one picture, `image_1`, and may have `data_meta_1`."""
        made = self.tables.DataCollection.objects.create(
            **{"tenant": self.tenant, "name": f"collection {next(NUMBERS)}", "category": "image", **columns}
        )
        common = {"data_collection": made, "index": 1}
        specification = self.tables.FileSpecification.objects
        specification.create(
            **common,
            name="image_1",
            file_type="image",
            is_required=True,
            is_primary=True,
            function_type="main",
        )
        specification.create(**common, name="data_meta_1", file_type="data", function_type="meta")
        return made

    def files(self, count: int) -> list[Any]:
        """Make stored files: a checksum each, and a place without bytes."""
        sums = [hashlib.md5(f"file {next(NUMBERS)}".encode()).hexdigest() for _ in range(count)]
        return list(
            self.tables.DataFile.objects.bulk_create(
                self.tables.DataFile(tenant=self.tenant, checksum=each, file=f"made/{each}.png", size=8)
                for each in sums
            )
        )

    def units(self, count: int, *, collection: Any = None, **columns: Any) -> list[Any]:
        """Make units of one picture each, with `meta={"frame": 0}` and so on."""
        collection = collection or self.collection()
        made = self.tables.DataUnit.objects.bulk_create(
            self.tables.DataUnit(**{"data_collection": collection, "meta": {"frame": index}, **columns})
            for index in range(count)
        )
        specification = collection.file_specifications.get(name="image_1")
        self.tables.DataUnitFile.objects.bulk_create(
            self.tables.DataUnitFile(
                data_unit=unit, specification=specification, data_file=file, path_original=f"{file.pk}.png"
            )
            for unit, file in zip(made, self.files(count), strict=True)
        )
        return list(made)

    def project(self, **columns: Any) -> Any:
        """Make a project over a collection of its own, if none is given."""
        columns.setdefault("data_collection", self.collection() if "data_collection" not in columns else None)
        return self.tables.Project.objects.create(
            **{"tenant": self.tenant, "title": f"project {next(NUMBERS)}", "category": "image", **columns}
        )

    def tasks(self, count: int, *, project: Any = None, **columns: Any) -> list[Any]:
        """Make tasks of one project, each with a unit of its own."""
        project = project or self.project()
        units = self.units(count, collection=project.data_collection)
        return list(
            self.tables.Task.objects.bulk_create(
                self.tables.Task(**{"project": project, "data_unit": unit, **columns}) for unit in units
            )
        )

    def task(self, **columns: Any) -> Any:
        """Make one task, in a project of its own if none is given."""
        return self.tasks(1, **columns)[0]

    def tag(self, *, project: Any = None, **columns: Any) -> Any:
        """Make a tag."""
        values = {"project": project or self.project(), "name": f"tag {next(NUMBERS)}", **columns}
        return self.tables.TaskTag.objects.create(**values)

    def assignments(self, tasks: Sequence[Any], **columns: Any) -> list[Any]:
        """Make one assignment for each task."""
        made = (self.tables.Assignment(**{"task": task, **columns}) for task in tasks)
        return list(self.tables.Assignment.objects.bulk_create(made))

    def plugin(self, **columns: Any) -> Any:
        """Make a plugin."""
        number = next(NUMBERS)
        values = {"tenant": self.tenant, "code": f"plugin-{number}", "name": f"Plugin {number}", **columns}
        return self.tables.Plugin.objects.create(**values)

    def release(self, *, plugin: Any = None, **columns: Any) -> Any:
        """Make a release that declares the action `go`."""
        values = {"plugin": plugin or self.plugin(), "version": "1.0.0", "config": {"actions": {"go": {}}}}
        return self.tables.PluginRelease.objects.create(**{**values, **columns})

    def job(self, **columns: Any) -> Any:
        """Make a job that has succeeded; it does not run."""
        values = {"tenant": self.tenant, "status": "SUCCEEDED", "action": "go", **columns}
        return self.tables.Job.objects.create(**values)

    def dataset(self, **columns: Any) -> Any:
        """Make a ground-truth dataset."""
        values = {"tenant": self.tenant, "name": f"dataset {next(NUMBERS)}", **columns}
        return self.tables.GroundTruthDataset.objects.create(**values)
