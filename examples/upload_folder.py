"""Upload the pictures of a folder into a new collection and project: `python upload_folder.py FOLDER`."""

from __future__ import annotations

import sys

from pathlib import Path

from synapse import DataCollection, FileSpecification, Project

folder = Path(sys.argv[1])
image = FileSpecification(name="image_1", file_type="image", is_primary=True, is_required=True)
collection = DataCollection.objects.create(name=folder.name, category="image", file_specifications=[image])
project = Project.objects.create(title=folder.name, category="image", data_collection=collection)

print(collection.upload(folder, dry_run=True))

report = collection.upload(folder, project=project, workers=8, progress=True)
print(report)
for outcome in report.failed:
    print(outcome.item, outcome.error)
print(project.tasks.count(), "tasks in", project)
