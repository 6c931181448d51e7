"""Ask for tasks the way Django would."""

from __future__ import annotations

import synapse

from synapse import Project, StatusLabel, Task

session = synapse.connect()
project = Project.objects.first()
assert project is not None
tasks = Task.objects.filter(project=project)

print(tasks.count(), "tasks,", tasks.filter(status_label=StatusLabel.COMPLETED).count(), "completed")
print("newest:", tasks.order_by("-created").first())
print("two states:", tasks.filter(status_label__in=["stand_by", "in_progress"]).count())
print("keys:", list(tasks.order_by("id").values_list("id", flat=True)[:3]))

# Relations are loaded for the whole page, not once a row.
with session.trace() as calls:
    for task in tasks.order_by("-id")[:5]:
        print(task.id, task.project.title, task.data_unit.meta["label"])
print("5 tasks, their project and units:", len(calls), "requests")

# `select_related` lets the backend nest the units; `only` keeps the rows light.
for task in tasks.select_related("data_unit").only("status_label")[:2]:
    print(task.status_label, task.data_unit.meta["frame"])

# A filter that the backend would ignore is an error here, before anything is sent.
try:
    Task.objects.filter(projct=project)
except synapse.QueryError as error:
    print(error)
