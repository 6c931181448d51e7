"""Write job logs, with files that travel as data URIs."""

from __future__ import annotations

import base64
import binascii
import mimetypes
import re
import uuid

from typing import Any, Final
from urllib.parse import unquote_to_bytes

from django.utils import timezone
from django.utils.dateparse import parse_datetime
from rest_framework import status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import storedfiles
from .models import Job, JobLog, Tenant
from .representation import represent
from .tenancy import tenant_of
from .transactions import write_transaction
from .wording import say

LEVELS: Final = frozenset({"debug", "info", "success", "warning", "danger", "error", "critical"})
DATA_URI: Final = re.compile(r"data:(?P<mime>[^;,]*)(?P<options>(?:;[^,]*)?),(?P<body>.*)", re.DOTALL)


def create_logs(request: Request) -> Response:
    """Write one entry from an object or several from a list; all of them, or none."""
    many = isinstance(request.data, list)
    bodies = request.data if many else [request.data]
    entries, errors = read_entries(bodies, tenant=tenant_of(request))
    if any(errors):
        raise ValidationError(errors if many else errors[0])
    with write_transaction():
        logs = JobLog.objects.bulk_create(entries)
    return Response(represent(logs if many else logs[0], request), status=status.HTTP_201_CREATED)


def read_entries(bodies: list[Any], *, tenant: Tenant) -> tuple[list[JobLog], list[dict[str, list[str]]]]:
    """Turn bodies into unsaved entries and one mapping of faults each."""
    jobs = _jobs_of(bodies, tenant=tenant)
    entries: list[JobLog] = []
    errors: list[dict[str, list[str]]] = []
    for body in bodies:
        try:
            entries.append(_entry(body, jobs))
            errors.append({})
        except ValidationError as error:
            errors.append(error.detail)
    return entries, errors


def _jobs_of(bodies: list[Any], *, tenant: Tenant) -> dict[str, Job]:
    asked = {key for body in bodies if isinstance(body, dict) and (key := _uuid(body.get("job")))}
    return {str(job.pk): job for job in Job.objects.filter(tenant=tenant, pk__in=asked)}


def _uuid(value: Any) -> uuid.UUID | None:
    try:
        return uuid.UUID(str(value))
    except ValueError:
        return None


def _entry(body: Any, jobs: dict[str, Job]) -> JobLog:
    if not isinstance(body, dict):
        raise ValidationError({"non_field_errors": [say("Expected an object.")]})
    job = jobs.get(str(_uuid(body.get("job"))))
    if job is None:
        missing = (
            'Invalid pk "%(pk)s" - object does not exist.' if "job" in body else "This field is required."
        )
        raise ValidationError({"job": [say(missing, pk=body.get("job"))]})
    level = str(body.get("level") or "info").lower()
    if level not in LEVELS:
        raise ValidationError({"level": [say("“%(value)s” is not a valid choice.", value=level)]})
    names = {name: str(body.get(name) or "") for name in ("event", "step")}
    for name, text in names.items():
        if len(text) > 255:
            raise ValidationError({name: [say("Expected at most %(most)s characters.", most=255)]})
    return JobLog(
        job=job,
        **names,
        level=level,
        data=body.get("data", body.get("message")),
        datetime=_moment(body.get("datetime")),
        file=_store(body["file"], job=job) if body.get("file") else None,
    )


def _moment(value: Any) -> Any:
    if value in (None, ""):
        return timezone.now()
    try:
        moment = parse_datetime(str(value))
    except ValueError:
        moment = None
    if moment is None:
        raise ValidationError({"datetime": [say("Expected a point in time as in ISO 8601.")]})
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


def _store(value: Any, *, job: Job) -> str:
    """Write the file inside a data URI to disk and return its place."""
    match = DATA_URI.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise ValidationError({"file": [say("Expected a data URI.")]})
    try:
        body = match["body"]
        content = (
            base64.b64decode(body, validate=True) if "base64" in match["options"] else unquote_to_bytes(body)
        )
    except binascii.Error as error:
        raise ValidationError({"file": [say("The base64 of the data URI is broken.")]}) from error
    extension = mimetypes.guess_extension(match["mime"] or "text/plain") or ".bin"
    received = storedfiles.receive([content])
    return storedfiles.place(received, f"job_logs/{job.pk}/{uuid.uuid4().hex}{extension}")
