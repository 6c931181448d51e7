"""Accepted answers, their history, and the versions frozen from it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.db import models, transaction
from django.utils import timezone

from ..wording import say
from .accounts import Tenant
from .columns import Split, created, json_list, text
from .data import DataUnit
from .work import Project


class GroundTruthDataset(models.Model):
    """A set of accepted answers that grows over time."""

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="ground_truth_datasets")
    name = models.CharField(max_length=200)
    description = text()
    project = models.ForeignKey(
        Project, models.SET_NULL, related_name="ground_truth_datasets", null=True, blank=True
    )
    created = created()

    def __str__(self) -> str:
        return self.name


class GroundTruthVersion(models.Model):
    """The state of a ground-truth dataset at one moment, kept for ever."""

    TENANT_PATH = "ground_truth_dataset__tenant"

    ground_truth_dataset = models.ForeignKey(GroundTruthDataset, models.CASCADE, related_name="versions")
    version = models.CharField(max_length=100)
    description = text()
    is_archived = models.BooleanField(default=False)
    created = created()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["ground_truth_dataset", "version"], name="one_ground_truth_version_per_name"
            )
        ]

    def __str__(self) -> str:
        return self.version


class GroundTruth(models.Model):
    """The accepted answer for one unit; every saved state of it stays readable as an event."""

    TENANT_PATH = "ground_truth_dataset__tenant"

    ground_truth_dataset = models.ForeignKey(GroundTruthDataset, models.CASCADE, related_name="ground_truths")
    data_unit = models.ForeignKey(
        DataUnit, models.SET_NULL, related_name="ground_truths", null=True, blank=True
    )
    task = models.ForeignKey("Task", models.SET_NULL, related_name="ground_truths", null=True, blank=True)
    project = models.ForeignKey(Project, models.SET_NULL, related_name="ground_truths", null=True, blank=True)
    category = models.CharField(max_length=20, choices=Split.choices, default=Split.TRAIN, db_index=True)
    data = models.JSONField(null=True, blank=True)
    classes = json_list()
    created = created()

    def __str__(self) -> str:
        return say("ground truth %(pk)s", pk=self.pk)

    @transaction.atomic
    def save(self, *args: Any, **kwargs: Any) -> None:
        """Write the row and the event that remembers this state."""
        label = "insert" if self._state.adding else "update"
        super().save(*args, **kwargs)
        GroundTruthEvent.record([self], label=label)


class GroundTruthEvent(models.Model):
    """One past or present state of a ground truth; `id` is the original's and repeats."""

    TENANT_PATH = "ground_truth_dataset__tenant"

    pgh_id = models.BigAutoField(primary_key=True)
    pgh_created_at = models.DateTimeField(default=timezone.now)
    pgh_label = models.CharField(max_length=20)
    pgh_obj = models.ForeignKey(GroundTruth, models.SET_NULL, related_name="events", null=True, blank=True)
    id = models.BigIntegerField(db_index=True)
    ground_truth_dataset = models.ForeignKey(GroundTruthDataset, models.CASCADE, related_name="events")
    data_unit = models.ForeignKey(
        DataUnit, models.SET_NULL, related_name="ground_truth_events", null=True, blank=True
    )
    task = models.ForeignKey(
        "Task", models.SET_NULL, related_name="ground_truth_events", null=True, blank=True
    )
    project = models.ForeignKey(
        Project, models.SET_NULL, related_name="ground_truth_events", null=True, blank=True
    )
    category = models.CharField(max_length=20, choices=Split.choices, db_index=True)
    data = models.JSONField(null=True, blank=True)
    classes = json_list()
    created = models.DateTimeField(default=timezone.now)
    ground_truth_dataset_versions = models.ManyToManyField(
        GroundTruthVersion, related_name="events", blank=True
    )

    def __str__(self) -> str:
        return say("event %(pk)s", pk=self.pk)

    @classmethod
    def record(cls, rows: Iterable[GroundTruth], *, label: str) -> list[GroundTruthEvent]:
        """Write one event per ground truth, holding what it holds now."""
        names = ("ground_truth_dataset_id", "data_unit_id", "task_id", "project_id", "category")
        copied = (*names, "data", "classes", "created")
        return cls.objects.bulk_create(
            cls(pgh_label=label, pgh_obj_id=row.pk, id=row.pk, **{n: getattr(row, n) for n in copied})
            for row in rows
        )
