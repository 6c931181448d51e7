"""Annotate one task, then many, and tag what was done."""

from __future__ import annotations

import attrs

from synapse import Box, Project, Task, TaskTag

project = Project.objects.first()
assert project is not None
print(project.title, "has the classes", ", ".join(project.classes))
tasks = project.tasks.select_related("data_unit").order_by("id")

# One task: saved first, then submitted with a box that was moved.
task = tasks[0]
task.annotate(Box(project.classes[0], x=10, y=10, width=40, height=30), submit=False)
print(task.status_label, task.annotations)
task.annotate(attrs.evolve(box, x=20) for box in task.annotations.boxes)
print(task.status_label, task.annotations.boxes[0].x)

# Many tasks, several at once, each with as many annotations as it has.
answers = {task: [Box(task.data_unit.meta["label"], x=18, y=18, width=60, height=60)] for task in tasks[1:]}
print(Task.objects.annotate_many(answers), "tasks annotated")

tag = TaskTag.objects.create(project=project, name="by script")
done = Task.objects.filter(project=project, status_label="completed")
print(done.set_tags(add=[tag]), "tasks tagged,", project.tasks.filter(tags=tag).count(), "found by tag")
