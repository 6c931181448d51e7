"""Measure what list pages cost, in a process with a database of its own: SQL statements and processor time.

Run as `python -m tests.sandbox.page_cost DIR [ROUNDS]`; prints one JSON object per page measured.
"""

from __future__ import annotations

import json
import sys
import time

from pathlib import Path
from typing import Any

TASKS = 2_000
ROUNDS = 8
PAGES = (
    "sdk/tasks/?page_size={size}&expand=data_unit",
    "sdk/tasks/?page_size={size}",
    "tasks/?page_size={size}&expand=data_unit,assignment&ordering=-created",
    "sdk/tasks/files/?page_size={size}",
    "sdk/assignments/?page_size={size}&expand=task.data_unit",
    "data_units/?page_size={size}",
    "projects/?page_size={size}",
)


def main(folder: Path, rounds: int = ROUNDS) -> None:
    """Fill a database and print the cost of small and large pages."""
    from synapse.sandbox.backend.server import Options, open_database
    from synapse.sandbox.launch import cache_folder

    open_database(Options(folder, cache=cache_folder()))
    token = fill()
    for page in PAGES:
        small, large = (cost(f"/{page.format(size=size)}", token, rounds=rounds) for size in (10, 100))
        statements = {"small": small[0], "large": large[0]}
        sys.stdout.write(json.dumps({"page": page, **statements, "ms": round(large[1], 1)}) + "\n")


def fill() -> str:
    """Make tasks with units of two files each, tags and assignments, and return a token that sees them."""
    from synapse.sandbox.backend import models as m
    from synapse.sandbox.backend.accounts import ensure_admin, ensure_tenant

    access = ensure_tenant("sandbox", admin=ensure_admin("secret"))
    tenant = access.tenant
    collection = m.DataCollection.objects.create(tenant=tenant, name="Signs")
    specifications = [
        m.FileSpecification.objects.create(data_collection=collection, name=name, file_type=kind)
        for name, kind in (("image_1", "image"), ("data_meta_1", "data"))
    ]
    numbers = range(TASKS)
    files = m.DataFile.objects.bulk_create(
        m.DataFile(tenant=tenant, checksum=f"{n:x}", file=f"files/{n}.png", size=n) for n in range(2 * TASKS)
    )
    units = m.DataUnit.objects.bulk_create(
        m.DataUnit(data_collection=collection, checksum=f"{n:x}", meta={"frame": n}) for n in numbers
    )
    m.DataUnitFile.objects.bulk_create(
        m.DataUnitFile(data_unit=units[n], specification=specifications[k], data_file=files[2 * n + k])
        for n in numbers
        for k in (0, 1)
    )
    project = m.Project.objects.create(tenant=tenant, title="Signs", data_collection=collection)
    m.Project.objects.bulk_create(m.Project(tenant=tenant, title=f"Project {n}") for n in range(100))
    boxes = {"annotations": {"image_1": [{"id": f"{n}", "tool": "bounding_box"} for n in range(10)]}}
    tasks = m.Task.objects.bulk_create(
        m.Task(project=project, data_unit=unit, data=boxes, has_data=True) for unit in units
    )
    m.Assignment.objects.bulk_create(m.Assignment(task=task, user=access.user) for task in tasks)
    tag = m.TaskTag.objects.create(project=project, name="hard")
    tag.tasks.add(*tasks)
    return access.api_token


def cost(address: str, token: str, *, rounds: int) -> tuple[int, float]:
    """Return the SQL statements of one request, and the processor milliseconds of the quickest of several."""
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    client: Any = Client(headers={"Synapse-Access-Token": f"Token {token}", "Host": "localhost"})
    # The first request of a second also asks whose the token is.
    client.get("/users/me/")
    with CaptureQueriesContext(connection) as queries:
        answer = client.get(address)
    statements = len(queries)
    assert answer.status_code == 200, answer.content
    times = []
    for _ in range(rounds):
        start = time.process_time()
        client.get(address)
        times.append(time.process_time() - start)
    return statements, 1000 * min(times)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *map(int, sys.argv[2:]))
