"""Annotate one task, then many, and tag what was done."""

from __future__ import annotations

from synapse import Project, Task, TaskTag

project = Project.objects.first()
assert project is not None
tasks = project.tasks.select_related("data_unit").order_by("id")

# One task: saved first, then submitted. "any" switches the check of the annotation format off.
task = tasks[0]
task.annotate({"label": "?"}, submit=False, schema="any")
print(task.status_label, task.data)
task.annotate({"label": task.data_unit.meta["label"]}, schema="any")
print(task.status_label, task.data)

# Many tasks, several at once.
answers = {task.id: {"label": task.data_unit.meta["label"]} for task in tasks[1:]}
print(Task.objects.annotate_many(answers, schema="any"), "tasks annotated")

tag = TaskTag.objects.create(project=project, name="by script")
done = Task.objects.filter(project=project, status_label="completed")
print(done.set_tags(add=[tag]), "tasks tagged,", project.tasks.filter(tags=tag).count(), "found by tag")
