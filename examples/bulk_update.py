"""Change many rows: look first, then do it, and see what was done."""

from __future__ import annotations

import synapse

from synapse import Project, Task, TaskTag

project = Project.objects.first()
assert project is not None
tasks = Task.objects.filter(project=project)

print(tasks.update(meta={"checked": True}, dry_run=True))
done = tasks.update(meta={"checked": True})
print(done, "and again:", tasks.update(meta={"checked": True}))
print(done.changes[0])

# One object: only what changed is sent, edits inside of JSON included.
task = tasks[0]
assert task.meta is not None
task.meta["by"] = "미나"
print(task.changes)
task.save()

drafts = [TaskTag(project_id=project.id, name=name) for name in ("draft 1", "draft 2", "draft 3")]
print("made", TaskTag.objects.bulk_create(drafts))
print(TaskTag.objects.filter(project=project, search="draft").delete())

# A write without a filter is refused, unless you say that you mean it.
try:
    Task.objects.delete()
except synapse.QueryError as error:
    print(error)
