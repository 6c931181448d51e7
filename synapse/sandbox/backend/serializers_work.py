"""Rules for what clients send about tasks, assignments and ground truths."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from . import models
from .errors import NON_FIELD
from .serializers import Batch, EntitySerializer
from .wording import say

Pair = tuple[int, int]


class TaskSerializer(EntitySerializer):
    """Check tasks: one per project and unit, and only for units of the project's collection."""

    class Meta:
        model = models.Task
        list_serializer_class = Batch
        fields = ("project", "data_unit", "workshop", "data", "meta", "schema", "is_discarded", "tags")
        # The pair is compared for a whole list at once.
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        project = attrs.get("project") or self.instance.project
        unit = attrs.get("data_unit") or self.instance.data_unit
        if project.data_collection_id != unit.data_collection_id:
            text = say("The data unit is not of the project's data collection.")
            raise serializers.ValidationError({NON_FIELD: [text]})
        if "data_unit" in attrs and not unit.can_generate_task:
            raise serializers.ValidationError({NON_FIELD: [say("No task can be made for this data unit.")]})
        if "data" in attrs:
            attrs["has_data"] = bool(attrs["data"])
        moved = self.instance is None or (project.pk, unit.pk) != pair_of(self.instance)
        if moved and self.parent is None and taken_pairs([(project.pk, unit.pk)]):
            raise serializers.ValidationError({NON_FIELD: [duplicate()]})
        return attrs

    def create_many(self, rows: list[dict[str, Any]]) -> list[models.Task]:
        pairs = [(row["project"].pk, row["data_unit"].pk) for row in rows]
        seen, errors = taken_pairs(pairs), []
        for pair in pairs:
            errors.append({NON_FIELD: [duplicate()]} if pair in seen else {})
            seen.add(pair)
        if any(errors):
            raise serializers.ValidationError(errors)
        tags = [row.pop("tags", []) for row in rows]
        tasks = models.Task.objects.bulk_create(models.Task(**row) for row in rows)
        put_on(tasks, tags)
        return tasks


class AssignmentSerializer(EntitySerializer):
    """Check an assignment."""

    class Meta:
        model = models.Assignment
        list_serializer_class = Batch
        fields = (
            "task",
            "user",
            "reviewer",
            "status_label",
            "status_review",
            "is_confirmed",
            "is_discarded",
            "is_discard_confirmed",
            "data",
            "tags",
            "label_submitted",
            "last_labeled",
            "last_reviewed",
            "labeler_last_action_at",
            "reviewer_last_action_at",
        )


class GroundTruthSerializer(EntitySerializer):
    """Check ground truths; each write leaves an event."""

    classes = serializers.ListField(child=serializers.CharField(max_length=200), required=False)

    class Meta:
        model = models.GroundTruth
        list_serializer_class = Batch
        fields = ("ground_truth_dataset", "data_unit", "task", "project", "category", "data", "classes")

    def create_many(self, rows: list[dict[str, Any]]) -> list[models.GroundTruth]:
        made = models.GroundTruth.objects.bulk_create(models.GroundTruth(**row) for row in rows)
        models.GroundTruthEvent.record(made, label="insert")
        return made


class GroundTruthVersionSerializer(EntitySerializer):
    """Check a version; making one freezes the dataset as it is."""

    class Meta:
        model = models.GroundTruthVersion
        fields = ("ground_truth_dataset", "version", "description", "is_archived")

    def create(self, validated_data: dict[str, Any]) -> models.GroundTruthVersion:
        version = super().create(validated_data)
        freeze(version)
        return version


def freeze(version: models.GroundTruthVersion) -> None:
    """Make the newest event of every present ground truth of the dataset part of *version*."""
    rows = models.GroundTruth.objects.filter(ground_truth_dataset=version.ground_truth_dataset)
    newest: dict[int, int] = dict(
        models.GroundTruthEvent.objects.filter(pgh_obj__in=rows).order_by("pk").values_list("pgh_obj", "pk")
    )
    unrecorded = rows.exclude(pk__in=list(newest)) if newest else rows
    recorded = models.GroundTruthEvent.record(unrecorded, label="snapshot")
    version.events.add(*newest.values(), *recorded)


def pair_of(task: models.Task) -> Pair:
    """Return what makes *task* the only one of its kind."""
    return task.project_id, task.data_unit_id


def taken_pairs(pairs: list[Pair]) -> set[Pair]:
    """Return those of *pairs* that have a task, and maybe others."""
    projects, units = zip(*pairs, strict=True) if pairs else ((), ())
    rows = models.Task.objects.filter(project__in=set(projects), data_unit__in=set(units))
    return set(rows.values_list("project_id", "data_unit_id"))


def duplicate() -> str:
    """Return what to say about a second task for a project and unit."""
    return say("A task for this project and data unit already exists.")


def put_on(tasks: list[models.Task], tags: list[list[models.TaskTag]]) -> None:
    """Put on each new task the tags at its place in *tags*."""
    link = models.Task.tags.through
    link.objects.bulk_create(
        link(task_id=task.pk, tasktag_id=tag.pk)
        for task, wanted in zip(tasks, tags, strict=True)
        for tag in dict.fromkeys(wanted)
    )
