"""Export in the background, and tell how far it is: an asynchronous job, as the platform runs them itself."""

from __future__ import annotations

import json
import logging
import threading
import time
import uuid

from collections.abc import Iterator
from typing import Any, Final

from django.db import connection
from django.utils import timezone

from .models import Assignment, AsyncJob, GroundTruth, Task
from .tail import HEARTBEAT, POLL
from .transactions import write_transaction

logger = logging.getLogger(__name__)

STEPS: Final = 4
STEP_SECONDS: Final = 0.05
TARGETS: Final = {"task": Task, "assignment": Assignment, "ground_truth": GroundTruth}
COUNTED: Final = {"task": "project", "assignment": "task__project", "ground_truth": "project"}


def start_export(job: AsyncJob) -> None:
    """Have it run, from when others can see it."""
    threading.Thread(target=_run, args=(job.pk,), name=f"export-{job.pk}", daemon=True).start()


def recover() -> int:
    """Mark what an earlier server left unfinished as FAILED, but for the demo's; count them."""
    now = timezone.now()
    lost = AsyncJob.objects.filter(status__in=AsyncJob.ACTIVE).exclude(type="demo_export")
    with write_transaction():
        return lost.update(status=AsyncJob.Status.FAILED, finished=now, failed=now)


def rows_to_export(job: AsyncJob) -> int:
    """Count the rows of the targets; as on the platform, the filter that was asked for changes nothing."""
    asked = job.data
    total = 0
    for target in asked["targets"]:
        rows = TARGETS[target].objects.all()
        if asked["project_id"] is not None:
            rows = rows.filter(**{COUNTED[target]: asked["project_id"]})
        total += rows.filter(**{f"{TARGETS[target].TENANT_PATH}": job.tenant_id}).count()
    return total


def _run(pk: uuid.UUID) -> None:
    try:
        _play(pk)
    except Exception:
        logger.exception("export %s broke down", pk)
        now = timezone.now()
        _advance(pk, status=AsyncJob.Status.FAILED, finished=now, failed=now)
    finally:
        connection.close()


def _play(pk: uuid.UUID) -> None:
    job = AsyncJob.objects.get(pk=pk)
    total, began = rows_to_export(job), time.monotonic()
    if not _advance(pk, status=AsyncJob.Status.PROCESSING, started=timezone.now()):
        return
    for step in range(1, STEPS + 1):
        time.sleep(STEP_SECONDS)
        spent = time.monotonic() - began
        progress = {
            "total_count": total,
            "processed_count": total * step // STEPS,
            "percent": 100 * step / STEPS,
            "time_elapsed": round(spent, 3),
            "time_remaining": round(spent * (STEPS - step) / step, 3),
        }
        if not _advance(pk, progress=progress):
            return
    now = timezone.now()
    manifest = {**job.data, "total_count": total}
    _advance(pk, status=AsyncJob.Status.COMPLETED, data=manifest, finished=now, succeeded=now)


def _advance(pk: uuid.UUID, **changes: Any) -> bool:
    """Write changes, unless it was cancelled meanwhile."""
    with write_transaction():
        return bool(AsyncJob.objects.filter(pk=pk, status__in=AsyncJob.ACTIVE).update(**changes))


def follow(pk: uuid.UUID) -> Iterator[bytes]:
    """Yield the progress as named events, to its end."""
    yield event("connected", job_id=str(pk))
    told, spoken = None, time.monotonic()
    while True:
        job = AsyncJob.objects.filter(pk=pk).only("status", "progress").first()
        if job is None:
            yield event("error", message=f"Job {pk} was deleted.")
            return
        if job.progress != told:
            told, spoken = job.progress, time.monotonic()
            yield event("async_job.progress", status=job.status, **job.progress)
        if job.status not in AsyncJob.ACTIVE:
            yield event("async_job.completed", status=job.status, **job.progress)
            return
        if time.monotonic() - spoken >= HEARTBEAT:
            # Writing is the only way to notice that nobody listens any more.
            yield event("heartbeat")
            spoken = time.monotonic()
        time.sleep(POLL)


def event(name: str, **payload: Any) -> bytes:
    """Encode one named event."""
    return f"event: {name}\ndata: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()
