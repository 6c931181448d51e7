"""Run plugins: a job that goes through its life in the background, as a run on an agent would."""

from __future__ import annotations

import logging
import threading
import uuid

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from django.db import connection
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .models import Agent, Job, Plugin, PluginRelease, Tenant
from .representation import represent
from .tenancy import tenant_of
from .transactions import write_transaction
from .wording import say

logger = logging.getLogger(__name__)

LOST: Final = "The server stopped while this job was running."
LONGEST_PAUSE: Final = 0.2
# All that the platform hands on to an upload; whatever else it is given gets lost without a word.
UPLOAD_PARAMS: Final = frozenset(
    {
        "name",
        "description",
        "data_collection",
        "storage",
        "project",
        "use_single_path",
        "assets",
        "path",
        "is_recursive",
        "extra_params",
        "excel_metadata_path",
    }
)


def run_plugin(request: Request, plugin: Plugin) -> Response:
    """Make a job of the requested run, start it and answer it with its `job_id`."""
    body = request.data if isinstance(request.data, dict) else {}
    job = start_job(plugin, body, tenant=tenant_of(request))
    return Response({"job_id": str(job.pk), **represent(job, request)})


@dataclass(frozen=True)
class Script:
    """What a simulated run does: how many steps, over how long, and how it ends."""

    steps: int = 5
    seconds: float = 0.5
    fail: bool = False
    lines: tuple[str, ...] = ()

    @classmethod
    def read(cls, params: Mapping[str, Any]) -> Script:
        """Take the script from a run's params; what makes no sense there is left at its default."""
        steps, seconds, lines = params.get("steps"), params.get("seconds"), params.get("lines")
        return cls(
            steps=min(max(steps, 1), 1000) if isinstance(steps, int) else cls.steps,
            seconds=min(max(float(seconds), 0.0), 600.0) if _is_number(seconds) else cls.seconds,
            fail=params.get("fail") is True,
            lines=tuple(map(str, lines)) if isinstance(lines, list) else cls.lines,
        )


def start_job(plugin: Plugin, body: Mapping[str, Any], *, tenant: Tenant) -> Job:
    """Check a run request, store its job as PENDING and start it."""
    params = body.get("params", body.get("parameters"))
    if params is not None and not isinstance(params, dict):
        raise ValidationError({"params": [say("Expected an object.")]})
    script, action = Script.read(params or {}), str(body.get("action") or "")[:100]
    if action == "upload":
        params = {name: value for name, value in (params or {}).items() if name in UPLOAD_PARAMS}
    facts = {
        "plugin_release": _release(plugin, body.get("version")),
        "agent": _agent(body.get("agent"), tenant=tenant),
        "action": action,
        "params": params or {},
    }
    with write_transaction():
        job = Job.objects.create(tenant=tenant, **facts)
    threading.Thread(target=_run, args=(job.pk, script), name=f"job-{job.pk}", daemon=True).start()
    return job


def recover() -> int:
    """Mark the jobs that an earlier server left unfinished as FAILED, but for those of the demo; count them."""
    active = Job.objects.filter(status__in=Job.ACTIVE).values_list("pk", "meta")
    lost = [pk for pk, meta in active if not (isinstance(meta, dict) and meta.get("demo"))]
    now = timezone.now()
    with write_transaction():
        return Job.objects.filter(pk__in=lost).update(
            status=Job.Status.FAILED, result={"error": LOST}, completed=now, modified=now
        )


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _release(plugin: Plugin, version: Any) -> PluginRelease | None:
    releases = plugin.releases.order_by("-pk")
    if version in (None, ""):
        return releases.first()
    release = releases.filter(version=version).first()
    if release is None:
        raise ValidationError({"version": [say("The plugin has no release “%(value)s”.", value=version)]})
    return release


def _agent(key: Any, *, tenant: Tenant) -> Agent | None:
    agents = Agent.objects.filter(tenant=tenant)
    if key is None:
        return agents.filter(status="connected").order_by("pk").first()
    agent = agents.filter(pk=key).first() if type(key) is int else None
    if agent is None:
        raise ValidationError({"agent": [say('Invalid pk "%(pk)s" - object does not exist.', pk=key)]})
    if (agent.status or "").lower() != "connected":
        raise ValidationError({"agent": [say("The agent is not connected.")]})
    return agent


def _run(pk: uuid.UUID, script: Script) -> None:
    try:
        Run(pk, script).play()
    except Exception:
        logger.exception("job %s broke down", pk)
        _finish(pk, status="FAILED", result={"error": "The run broke down."})
    finally:
        connection.close()


def _finish(pk: uuid.UUID, **changes: Any) -> None:
    now = timezone.now()
    with write_transaction():
        unfinished = Job.objects.filter(pk=pk, status__in=Job.ACTIVE)
        unfinished.update(completed=now, modified=now, **changes)


class Run:
    """One simulated run. Whatever it writes gives way to a STOPPED that came from outside."""

    def __init__(self, pk: uuid.UUID, script: Script) -> None:
        self.pk = pk
        self.script = script
        self.title = Job.objects.values_list("action", flat=True).get(pk=pk) or "run"
        self.console: list[str] = []
        self._wake = threading.Event()

    def play(self) -> None:
        """Go from PENDING to the end, a step at a time."""
        if not self._advance(from_status="PENDING", status="RUNNING", line=f"{self.title}: started"):
            return
        for step in range(1, self.script.steps + 1):
            if not self._pause(self.script.seconds / self.script.steps):
                return
            if self.script.fail and step == self.script.steps:
                break
            if not self._step(step):
                return
        if self.script.fail:
            message = f"{self.title}: failed on request"
            self._advance(line=message, status="FAILED", result={"error": message}, completed=timezone.now())
        else:
            result = {"steps": self.script.steps}
            line = f"{self.title}: finished"
            self._advance(line=line, status="SUCCEEDED", result=result, completed=timezone.now())

    def _step(self, step: int) -> bool:
        steps = self.script.steps
        percent = round(100 * step / steps, 1)
        left = round(self.script.seconds * (steps - step) / steps, 2)
        progress = {"overall": percent, "step": step, "percent": percent, "time_remaining": left}
        losses = {str(number): {"loss": round(1 / (number + 1), 4)} for number in range(1, step + 1)}
        own = self.script.lines[step - 1 : step]
        return self._advance(
            line=own[0] if own else f"{self.title}: step {step} of {steps}",
            progress_record={
                "record": {"steps": {"total": steps, "done": step}},
                "current_progress": progress,
            },
            metrics_record={"record": {"steps": losses}},
        )

    def _advance(self, *, line: str, from_status: str = "RUNNING", **changes: Any) -> bool:
        """Write a line and changes, unless the job left *from_status* meanwhile."""
        now = timezone.now()
        stamped = f"[{timezone.localtime(now):%Y-%m-%d %H:%M:%S}] {line}"
        console = [*self.console, stamped]
        rows = Job.objects.filter(pk=self.pk, status=from_status)
        with write_transaction():
            written = rows.update(console_logs=console, modified=now, **changes)
        if not written:
            return False
        self.console = console
        return True

    def _pause(self, seconds: float) -> bool:
        """Wait, looking out for a stop; say whether to go on."""
        while seconds > 0:
            self._wake.wait(min(seconds, LONGEST_PAUSE))
            seconds -= LONGEST_PAUSE
            if not Job.objects.filter(pk=self.pk, status="RUNNING").exists():
                return False
        return True
