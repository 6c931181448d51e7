"""Upload the pictures of a folder into a new collection: `python upload_folder.py FOLDER`."""

from __future__ import annotations

import sys

from pathlib import Path

from synapse import DataCollection, FileSpecification, Project, Task

folder = Path(sys.argv[1])
image = FileSpecification(name="image_1", file_type="image", function_type="main", is_primary=True)
collection = DataCollection.objects.create(name=folder.name, category="image", file_specifications=[image])

items = [
    {"files": {"image_1": path}, "meta": {"label": path.parent.name}}
    for path in sorted(folder.rglob("*.png"))
]
report = collection.upload(items, workers=8, progress=True)
print(report)
for outcome in report.failed:
    print(outcome.item["files"]["image_1"], outcome.error)

project = Project.objects.create(title=folder.name, category="image", data_collection=collection)
Task.objects.bulk_create([Task(project_id=project.id, data_unit_id=unit.id) for unit in collection.units])
print(project.tasks.count(), "tasks in", project)
