"""Download the files of a project's tasks, find them again, and read one without a folder."""

from __future__ import annotations

from pathlib import Path

from synapse import FileCache, Project, Task

project = Project.objects.first()
tasks = Task.objects.filter(project=project)

report = tasks.download("out/", workers=8)
print(report)
for outcome in report.downloaded[:2]:
    print(outcome.key, outcome.specification, outcome.path, outcome.bytes)

report.downloaded[0].path.unlink()
again = tasks.download("out/")
print(len(again.downloaded), "fetched again,", len(again.present), "were there")

pictures = tasks.download("pictures/", specifications=["image_1"], cache=FileCache("cache/"))
print(len(pictures), "pictures in", Path("pictures/image_1"))

image = tasks.first().files["image_1"]
with image.open() as stream:
    print(image.name, "begins with", stream.read(8))
