"""Projects, tags, tasks and assignments below `/v2/`."""

from __future__ import annotations

from typing import Any, Final

import django_filters as df

from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import filters, models
from ..annotation import annotate
from ..faces import counted
from ..models.work import LabelStatus, ReviewStatus
from ..representation import Column, computed, plain
from ..serializers import EntitySerializer, TenantRelated
from ..serializers_work import TaskSerializer
from ..transactions import write_transaction
from ..wording import say
from . import bulk
from .envelope import Refused, members_of
from .views import Changes, Creates, Removes, Replaces, Rows, Shown, body_of, display, filters_of
from .workspace import Derived, Owned

STATES: Final = ("status_label", "status_review", "is_confirmed", "is_discarded")
NO_FILES: Final = computed(lambda _row: None)


class Projects(Owned, Creates, Replaces, Removes):
    shows = Shown(
        models.Project,
        "id title category category_display is_archived created task_count",
        "tenant_id data_collection_id description configuration settings caution access_level"
        " count_max_assignments_per_task can_discard enable_workforce",
        columns={
            "category_display": display("category"),
            "task_count": counted("task_count", models.Task, "project"),
        },
    )
    filterset_class = filters.ProjectFilter
    serializer_class = body_of(
        models.Project,
        "title description category* data_collection configuration* caution access_level"
        " count_max_assignments_per_task can_discard enable_workforce",
    )


class TagBody(EntitySerializer):
    """Check a tag, whose name is the only one of its kind in the project."""

    class Meta:
        model = models.TaskTag
        fields = ("name", "category", "description", "meta")
        extra_kwargs: dict[str, Any] = {"category": {"required": True}}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        tag = self.instance or models.TaskTag(project=self.context["view"].above())
        same = {"name": attrs.get("name", tag.name), "category": attrs.get("category", tag.category)}
        if tag.project.task_tags.filter(**same).exclude(pk=tag.pk).exists():
            text = say("The name “%(name)s” is given twice.", name=same["name"])
            raise serializers.ValidationError({"name": [text]})
        return attrs


class TaskTags(Derived, Creates, Changes, Removes):
    shows = Shown(models.TaskTag, "id name category created", "project_id description meta")
    filterset_class = filters_of(filters.TaskTagFilter, "category")
    parent = "project"
    serializer_class = TagBody
    fixed = ("category",)


class ReviewTags(Derived, Changes, Removes):
    shows = Shown(models.ReviewTag, "id name background_color created", "project_id description")
    serializer_class = body_of(models.ReviewTag, "name background_color description")


class ProjectReviewTags(ReviewTags, Creates):
    parent = "project"
    filterset_class = filters.build("ReviewTagFilter", name=df.CharFilter(lookup_expr="contains"))


class Workshops(Derived, Creates, Replaces, Removes):
    shows = Shown(
        models.Workshop,
        "id project_id name status is_reviewable created",
        "configuration visibility level_distribution can_skip_labeler can_skip_reviewer",
    )
    filterset_class = filters.build(
        "WorkshopFilter",
        project=df.NumberFilter(),
        status=df.TypedChoiceFilter(choices=models.Workshop.Status.choices, coerce=int),
    )
    serializer_class = body_of(
        models.Workshop,
        "project name visibility access_code status level_distribution is_reviewable can_skip_labeler"
        " count_max_skippable_labeler timeout_skip_labeler can_skip_reviewer count_max_skippable_reviewer"
        " timeout_skip_reviewer configuration",
    )
    frozen = ("project", "level_distribution", "is_reviewable")

    def update(self, request: Request, pk: str, **_parent: str) -> Response:
        # A whole one would have a project, which can't be sent again.
        return self.change(request, pk, partial=True)

    @write_transaction()
    def destroy(self, request: Request, pk: str, **parent: str) -> Response:
        if self.find(pk).participants.exists():
            raise Refused(status.HTTP_409_CONFLICT, "CONFLICT", say("This object is still used by others."))
        return super().destroy(request, pk, **parent)

    @action(detail=True, methods=["post"])
    @write_transaction()
    def participate(self, request: Request, pk: str) -> Response:
        """Take part in the work, by the code of a workshop that has one."""
        workshop, asked = self.find(pk), bulk.checked(Participation, request)
        if workshop.access_code and workshop.access_code != asked["access_code"]:
            raise PermissionDenied(say("The workshop has another access code."))
        worker, _ = workshop.participants.get_or_create(user=request.auth.user, role=asked["role"])
        return Response({"worker_id": worker.pk, "role": worker.role}, status=status.HTTP_201_CREATED)


class Participation(serializers.Serializer):
    role = serializers.ChoiceField(models.Participant.Role.choices)
    access_code = serializers.CharField(default="", allow_blank=True)


class TaskBody(TaskSerializer):
    """Check a task, whose workshop is known by its key alone."""

    class Meta(TaskSerializer.Meta):
        fields = ("project", "data_unit", "workshop", "meta")


class NewTasks(serializers.Serializer):
    project = TenantRelated(queryset=models.Project.objects.all())
    data_unit_ids = serializers.ListField(child=serializers.IntegerField(), min_length=1, max_length=1000)


class Tasks(Derived, Creates, Replaces, Removes):
    shows = Shown(
        models.Task,
        "id project_id data_unit_id is_discarded has_data created",
        "workshop_id meta data schema",
        columns={"workshop_id": plain("workshop")},
    )
    payloads = Shown(
        models.Task,
        "id project_id data_unit_id data files_manifest",
        columns={"files_manifest": NO_FILES},
    ).in_lists()
    filterset_class = filters_of(filters.PlainTaskFilter, "has_data is_discarded project schema")
    serializer_class = TaskBody

    @action(detail=True, methods=["put"], url_path="annotate-task-data")
    @write_transaction()
    def annotate_task_data(self, request: Request, pk: str) -> Response:
        """Save or submit the payload, and answer it."""
        return Response(annotate(self.find(pk, to_change=True), request).data or {})

    @action(detail=False, methods=["post"], url_path="bulk-fetch")
    def bulk_fetch(self, request: Request) -> Response:
        """Answer payloads by the keys of their tasks."""
        return bulk.fetch(self, self.payloads)

    @action(detail=False, methods=["post"], url_path="bulk-create")
    @write_transaction()
    def bulk_create(self, request: Request) -> Response:
        """Make a task of each unit that has none in the project, and answer how many those are."""
        asked = bulk.checked(NewTasks, request, self.get_serializer_context())
        project, keys = asked["project"], list(dict.fromkeys(asked["data_unit_ids"]))
        units = models.DataUnit.objects.filter(data_collection=project.data_collection_id, pk__in=keys)
        known = set(units.values_list("pk", flat=True))
        if strange := [key for key in keys if key not in known]:
            texts = [say('Invalid pk "%(pk)s" - object does not exist.', pk=key) for key in strange]
            raise ValidationError({"data_unit_ids": texts})
        taken = set(project.tasks.filter(data_unit__in=keys).values_list("data_unit_id", flat=True))
        fresh = [models.Task(project=project, data_unit_id=key) for key in keys if key not in taken]
        models.Task.objects.bulk_create(fresh)
        counts = {"created_count": len(fresh), "skipped_count": len(asked["data_unit_ids"]) - len(fresh)}
        return Response(counts, status=status.HTTP_201_CREATED)


def of_task(attribute: str) -> Column:
    """Read *attribute* of the task of a row, without its payload."""
    return Column(plain(f"task.{attribute}").make, joins=("task",), defers=("task__data", "task__meta"))


class Assignments(Derived, Rows):
    shows = Shown(
        models.Assignment,
        "id user_id task_id status_label status_review is_confirmed is_discarded created",
        "reviewer_id data tags",
    )
    payloads = Shown(
        models.Assignment,
        "id project_id data_unit_id data files_manifest",
        columns={
            "project_id": of_task("project_id"),
            "data_unit_id": of_task("data_unit_id"),
            "files_manifest": NO_FILES,
        },
    ).in_lists()
    # The bounds that end in `_after` and `_before` are accepted here, and not heeded.
    filterset_class = filters_of(
        filters.AssignmentFilter,
        " ".join(name for name in filters.AssignmentFilter.base_filters if not name.startswith("status_")),
        status_label=filters.AnyChoice(choices=LabelStatus.choices),
        status_review=filters.AnyChoice(choices=ReviewStatus.choices),
    )
    sorts = {"created": "created", "id": "pk"}

    @action(detail=False, methods=["post"], url_path="bulk-fetch")
    def bulk_fetch(self, request: Request) -> Response:
        """Answer payloads by the keys of their assignments."""
        return bulk.fetch(self, self.payloads)

    @action(detail=True, methods=["put"])
    @write_transaction()
    def data(self, request: Request, pk: str) -> Response:
        """Replace the payload, and nothing of the state."""
        row, body = self.find(pk, to_change=True), members_of(request)
        faults = {name: [say("This field cannot be changed.")] for name in STATES if name in body}
        if "data" not in body:
            faults["data"] = [say("This field is required.")]
        if faults:
            raise ValidationError(faults)
        if row.is_confirmed or row.is_discard_confirmed:
            text = say("This assignment is confirmed.")
            raise Refused(status.HTTP_409_CONFLICT, "CONFLICT", text, is_confirmed=row.is_confirmed)
        row.data = body["data"]
        row.save(update_fields=["data"])
        return Response(self.shown(row))


class ReviewBody(EntitySerializer):
    """Check a review, whose tags are of the project that it is about."""

    class Meta:
        model = models.Review
        fields = ("assignment", "scope", "tags", "object_id", "description", "position")

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        assignment = attrs.get("assignment") or self.instance.assignment
        if any(tag.project_id != assignment.task.project_id for tag in attrs.get("tags", ())):
            raise serializers.ValidationError({"tags": [say("This tag is of another project.")]})
        return attrs


class Reviews(Derived, Creates, Changes):
    shows = Shown(
        models.Review,
        "id assignment_id scope is_active created",
        "user_id tags object_id description position",
    )
    filterset_class = filters.build(
        "ReviewFilter",
        assignment=df.NumberFilter(),
        scope=df.ChoiceFilter(choices=models.Review.Scope.choices),
    )
    serializer_class = ReviewBody
    frozen = ("assignment", "user", "scope", "object_id", "position")

    def owner(self) -> dict[str, Any]:
        return {"user": self.request.auth.user}


class Statistics(Rows):
    """What a project counts; in a sandbox there is nothing to count."""

    shows = Projects.shows

    def retrieve(self, request: Request, pk: str, **kind: str) -> Response:
        self.find(pk)
        empty = {"labeler": [], "reviewer": []} if kind["kind"] == "worker" else []
        now = timezone.localtime().isoformat()
        return Response({"kind": kind["kind"], "computed_at": now, "realtime": True, "results": empty})
