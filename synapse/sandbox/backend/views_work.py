"""Projects, tasks, tags, assignments and ground truths over HTTP."""

from __future__ import annotations

from typing import Any

from rest_framework import status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import filters, models
from .annotation import annotate
from .representation import represent
from .serializers import entity_serializer
from .serializers_work import (
    AssignmentSerializer,
    GroundTruthSerializer,
    GroundTruthVersionSerializer,
    TaskSerializer,
)
from .tagging import set_tags
from .transactions import write_transaction
from .views import Entities, Lists

NEWEST = ("-created", "-pk")
UNIT_PATHS = ("data_unit__files__path_original",)


class Projects(Entities):
    face = "project"
    filterset_class = filters.ProjectFilter
    search_fields = ("title",)
    serializer_class = entity_serializer(
        models.Project,
        "title description category data_collection configuration settings caution access_level"
        " count_max_assignments_per_task can_discard enable_workforce is_archived",
    )


class TaskTags(Entities):
    face = "task_tag"
    filterset_class = filters.TaskTagFilter
    search_fields = ("name",)
    serializer_class = entity_serializer(models.TaskTag, "project name category description meta")


class Tasks(Entities):
    face = "task"
    filterset_class = filters.PlainTaskFilter
    default_ordering = NEWEST
    search_fields = UNIT_PATHS
    serializer_class = TaskSerializer
    takes_lists = True

    @write_transaction()
    def create(self, request: Request) -> Response:
        body = request.data
        if not (isinstance(body, dict) and isinstance(body.get("data"), list) and "data_unit" not in body):
            return super().create(request)
        rows = [
            {"project": body.get("project"), **row} if isinstance(row, dict) else row for row in body["data"]
        ]
        try:
            made = self.store(rows, many=True)
        except ValidationError as error:
            raise ValidationError({"data": error.detail}) from error
        return Response(represent(made, request, face=self.face), status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["put"])
    @write_transaction()
    def annotate_task_data(self, request: Request, pk: str) -> Response:
        task = self.find(pk, self.get_queryset().select_for_update(of=("self",)))
        return Response(represent(annotate(task, request), request, face=self.face))

    @action(detail=False, methods=["post"])
    @write_transaction()
    def set_tags(self, request: Request) -> Response:
        return Response(set_tags(self.get_queryset(), request, word="task"))


class Assignments(Entities):
    face = "assignment"
    filterset_class = filters.AssignmentFilter
    default_ordering = NEWEST
    search_fields = ("task__data_unit__files__path_original",)
    serializer_class = AssignmentSerializer
    takes_lists = True

    @action(detail=False, methods=["post"])
    @write_transaction()
    def set_tags(self, request: Request) -> Response:
        return Response(set_tags(self.get_queryset(), request, word="assignment"))


class GroundTruths(Entities):
    face = "ground_truth"
    filterset_class = filters.GroundTruthFilter
    default_ordering = ("-pk",)
    serializer_class = GroundTruthSerializer
    takes_lists = True


class GroundTruthDatasets(Entities):
    face = "ground_truth_dataset"
    search_fields = ("name",)
    serializer_class = entity_serializer(models.GroundTruthDataset, "name description project")


class GroundTruthVersions(Entities):
    face = "ground_truth_version"
    filterset_class = filters.VersionFilter
    serializer_class = GroundTruthVersionSerializer


class LightLists(Lists):
    """Answer the heavy parts of rows on their own: the payloads, or the files."""

    cursors = True
    light_faces: dict[str, str] = {}

    @action(detail=False)
    def data(self, request: Request, **_options: Any) -> Response:
        return self.page(request, face=self.light_faces["data"])

    @action(detail=False)
    def files(self, request: Request, **_options: Any) -> Response:
        return self.page(request, face=self.light_faces["files"])


class SdkTasks(LightLists):
    face = "sdk_task"
    light_faces = {"data": "task_data", "files": "task_files"}
    filterset_class = filters.SdkTaskFilter
    default_ordering = NEWEST
    search_fields = UNIT_PATHS


class SdkAssignments(LightLists):
    face = "sdk_assignment"
    light_faces = {"data": "assignment_data", "files": "assignment_files"}
    filterset_class = filters.SdkAssignmentFilter
    default_ordering = NEWEST
    search_fields = Assignments.search_fields


class SdkGroundTruthEvents(LightLists):
    face = "ground_truth_event"
    light_faces = {"data": "event_data", "files": "event_files"}
    filterset_class = filters.EventFilter
    default_ordering = ("-pk",)
    orderable = {"id": "id", "pgh_id": "pk", "created": "created"}
    search_fields = UNIT_PATHS
