"""A script of the documented client, with another import; its last lines have moved over to the ORM."""

from __future__ import annotations

from synapse import BackendClient, QueryError, Task
from synapse.clients.exceptions import ClientError

with BackendClient() as client:
    project = client.get_project(1)
    tasks, count = client.list_tasks({"project": project["id"]}, list_all=True)
    done = [task["id"] for task in tasks if task["status_label"] == "completed"]
    print(f"{project['title']}: {len(done)} of {count} tasks are completed")

    try:
        client.get_task(999_999)
    except ClientError as error:
        print("not there:", error.status_code, error.detail)

    try:
        client.list_tasks({"project": 1, "status": "completed"})
    except QueryError as error:
        print("nothing sent:", error)

    pictures, _ = client.list_data_units(
        {"data_collection": 1}, url_conversion={"files_fields": ["files"]}, list_all=True
    )
    path = next(pictures)["files"]["image_1"]["path"]
    print("fetched:", path.suffix, path.stat().st_size, "bytes")

    completed = Task.objects.using(client.session).filter(project=1, status_label="completed")
    print("by the ORM:", sorted(task.id for task in completed) == sorted(done))
