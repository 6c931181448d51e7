"""Write annotations: what a labeler saves or submits, and how that moves the work on."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request

from . import dmschema
from .models import Assignment, Task
from .models.work import LabelStatus
from .wording import say

ACTIONS = ("submit", "save")


def annotate(task: Task, request: Request) -> Task:
    """Store the annotation payload of *request* on *task* and on the assignment of who sent it."""
    action, data = read_body(request.data)
    schema = request.query_params.get("schema") or task.schema
    if schema not in Task.Schema.values:
        raise ValidationError({"schema": [say("“%(value)s” is not a valid choice.", value=schema)]})
    if schema != Task.Schema.ANY and data is not None and not isinstance(data, dict):
        raise ValidationError({"data": [say("Expected an object.")]})
    if schema != Task.Schema.ANY and data and (faults := dmschema.faults_of(data)):
        raise ValidationError({"data": faults})
    if action == "submit" and not data:
        raise ValidationError({"data": [say("An empty annotation cannot be submitted.")]})
    task.data, task.schema, task.has_data = data, schema, bool(data)
    done = action == "submit"
    task.status_label = LabelStatus.COMPLETED if done else LabelStatus.IN_PROGRESS
    task.save(update_fields=["data", "schema", "has_data", "status_label"])
    move_assignment(task, user=request.auth.user, done=done)
    return task


def read_body(body: Any) -> tuple[str, Any]:
    """Return the action and the payload; a body that has no `data` is the payload."""
    if not isinstance(body, dict):
        raise ValidationError({"non_field_errors": [say("Expected an object.")]})
    action = body.get("action") or "submit"
    if action not in ACTIONS:
        raise ValidationError({"action": [say("“%(value)s” is not a valid choice.", value=action)]})
    rest = {key: value for key, value in body.items() if key != "action"}
    return action, body.get("data", rest)


def move_assignment(task: Task, *, user: User | None, done: bool) -> Assignment:
    """Bring the assignment of *user*, made when there is none, to where the task now is."""
    now = timezone.now()
    assignment = task.assignments.filter(user=user).order_by("pk").last() or Assignment(task=task, user=user)
    assignment.data = task.data
    assignment.status_label = task.status_label
    assignment.last_labeled = assignment.labeler_last_action_at = now
    if done:
        assignment.label_submitted = now
    assignment.save()
    return assignment
