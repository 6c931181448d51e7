"""Console logs of a job: all at once, or followed line by line as server-sent events."""

from __future__ import annotations

import json
import threading
import time
import uuid

from collections.abc import Iterator
from typing import Any, Final

from django.http import HttpResponseBase, StreamingHttpResponse
from rest_framework import status
from rest_framework.exceptions import APIException, PermissionDenied
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from .models import Job
from .tenancy import tenant_of
from .wording import say

POLL: Final = 0.1
HEARTBEAT: Final = 0.5
# Every stream keeps one of the server's threads; some must be left for everything else.
SEATS: Final = threading.BoundedSemaphore(24)
FINISHED: Final = frozenset({"STOPPED", "SUCCEEDED", "FAILED"})


class TooManyStreams(APIException):
    """There is no seat left; one is free soon."""

    status_code = status.HTTP_429_TOO_MANY_REQUESTS
    wait = 1

    def __init__(self) -> None:
        super().__init__(say("Too many streams."))


class EventStreamRenderer(BaseRenderer):
    """Lets a client that accepts only event streams through content negotiation."""

    media_type = "text/event-stream"
    format = "events"
    charset = "utf-8"

    def render(self, data: Any, accepted_media_type: Any = None, renderer_context: Any = None) -> bytes:
        """Render an error that came before the stream."""
        return JSONRenderer().render(data)


class Seat:
    """A stream that gives its seat back when it is closed, whether or not it was ever read."""

    def __init__(self, events: Iterator[bytes]) -> None:
        self._events = events
        self._taken = True

    def __iter__(self) -> Iterator[bytes]:
        return self._events

    def close(self) -> None:
        """Give the seat back, once."""
        if self._taken:
            self._taken = False
            SEATS.release()


def console_logs(request: Request, job: Job) -> Response:
    """Answer the lines written so far."""
    return Response(console_lines(job))


def tail_console_logs(request: Request, pk: str) -> HttpResponseBase:
    """Follow the lines until the job ends; an unknown job is told inside the stream."""
    job = _find(pk)
    if job is not None and job.tenant_id != tenant_of(request).pk:
        raise PermissionDenied
    return stream(follow(job.pk) if job else iter([frame(type="error", message=f"Job {pk} was not found.")]))


def stream(events: Iterator[bytes]) -> HttpResponseBase:
    """Answer *events* as they come, as long as there is a seat."""
    if not SEATS.acquire(blocking=False):
        raise TooManyStreams
    response = StreamingHttpResponse(Seat(events), content_type="text/event-stream; charset=utf-8")
    response.headers["Cache-Control"] = "no-cache"
    response.headers["X-Accel-Buffering"] = "no"
    return response


def console_lines(job: Job) -> list[str]:
    """Return a job's console as plain lines, whatever shape its writer gave it."""
    logs = job.console_logs
    entries = logs if isinstance(logs, list) else [logs] if logs else []
    return [_line(entry) for entry in entries]


def follow(pk: uuid.UUID) -> Iterator[bytes]:
    """Yield a job's console as frames, from the first line to the job's end."""
    yield frame(type="connected", job_id=str(pk))
    sent = 0
    spoken = time.monotonic()
    while True:
        job = Job.objects.filter(pk=pk).only("status", "console_logs").first()
        if job is None:
            yield frame(type="error", message=f"Job {pk} was deleted.")
            return
        lines = console_lines(job)
        for line in lines[sent:]:
            yield frame(type="log", data=line)
        if len(lines) > sent:
            sent, spoken = len(lines), time.monotonic()
        if job.status in FINISHED:
            yield frame(type="complete", message=f"Job {job.status}")
            return
        if time.monotonic() - spoken >= HEARTBEAT:
            # Writing is the only way to notice that nobody listens any more.
            yield b": heartbeat\n\n"
            spoken = time.monotonic()
        time.sleep(POLL)


def frame(**payload: Any) -> bytes:
    """Encode one event."""
    return f"data: {json.dumps(payload, ensure_ascii=False)}\n\n".encode()


def _find(pk: str) -> Job | None:
    try:
        return Job.objects.filter(pk=uuid.UUID(str(pk))).only("pk", "tenant_id").first()
    except ValueError:
        return None


def _line(entry: Any) -> str:
    if isinstance(entry, dict):
        return str(entry.get("message") or entry.get("data") or json.dumps(entry, ensure_ascii=False))
    return str(entry)
