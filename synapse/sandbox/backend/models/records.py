"""Experiments, and what the runs of plugins and of the platform itself are remembered by."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models

from .accounts import Storage, Tenant
from .columns import AccessLevel, created, json_object, text
from .data import DataCollection
from .ground_truth import GroundTruthVersion
from .plugins import Job, Model, PluginRelease
from .work import Project


class Experiment(models.Model):
    """A set of trainings for one kind of task."""

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="experiments")
    name = models.CharField(max_length=200)
    description = text()
    # The key of a kind of task of machine learning, which no list tells.
    task = models.IntegerField()
    access_level = models.CharField(max_length=20, choices=AccessLevel.choices, default=AccessLevel.PRIVATE)
    is_archived = models.BooleanField(default=False)
    created = created()

    def __str__(self) -> str:
        return self.name


class Record(models.Model):
    """What every run of a plugin is remembered by."""

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    job = models.ForeignKey(Job, models.CASCADE, related_name="+")
    name = text(200)
    description = text()
    created = created()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return self.name


class Train(Record):
    """One training of an experiment."""

    experiment = models.ForeignKey(Experiment, models.CASCADE, related_name="trains")
    neural_net = models.ForeignKey(Model, models.SET_NULL, related_name="trains", null=True, blank=True)
    ground_truth_dataset_version = models.ForeignKey(
        GroundTruthVersion, models.CASCADE, related_name="trains"
    )
    checkpoint = models.ForeignKey(Model, models.SET_NULL, related_name="+", null=True, blank=True)
    is_tune = models.BooleanField(default=False)
    tune_config = models.JSONField(null=True, blank=True)
    best_trial = models.JSONField(null=True, blank=True)


class Upload(Record):
    """One run of an upload plugin."""

    storage = models.ForeignKey(Storage, models.SET_NULL, related_name="+", null=True, blank=True)
    path = text(1000)
    data_collection = models.ForeignKey(
        DataCollection, models.SET_NULL, related_name="uploads", null=True, blank=True
    )
    project = models.ForeignKey(Project, models.SET_NULL, related_name="uploads", null=True, blank=True)
    is_recursive = models.BooleanField(default=True)
    extra_params = json_object()


class Export(Record):
    """One run of an export plugin."""

    class Target(models.TextChoices):
        """Say what was exported."""

        ASSIGNMENT = "assignment"
        GROUND_TRUTH = "ground_truth"
        TASK = "task"

    target = models.CharField(max_length=20, choices=Target.choices)
    storage = models.ForeignKey(Storage, models.SET_NULL, related_name="+", null=True, blank=True)
    path = text(1000)
    filter = json_object()
    extra_params = json_object()
    save_original_file = models.BooleanField(default=True)


class PreAnnotation(Record):
    """One run of a plugin that annotates before people do."""

    class Target(models.TextChoices):
        """Say what is annotated."""

        TASK = "task"
        GT = "gt"

    class Method(models.TextChoices):
        """Say where the annotations come from."""

        FILE = "file"
        INFERENCE = "inference"

    target = models.CharField(max_length=10, choices=Target.choices)
    method = models.CharField(max_length=10, choices=Method.choices)
    pre_processor = models.ForeignKey(PluginRelease, models.SET_NULL, related_name="+", null=True, blank=True)


class AsyncJob(models.Model):
    """Something that the platform does by itself, for who asked for it."""

    class Status(models.TextChoices):
        """Say how far it is."""

        PENDING = "PENDING"
        PROCESSING = "PROCESSING"
        COMPLETED = "COMPLETED"
        FAILED = "FAILED"
        CANCELLED = "CANCELLED"

    ACTIVE = (Status.PENDING, Status.PROCESSING)
    TENANT_PATH = "tenant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="async_jobs")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="async_jobs")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING, db_index=True)
    category = text(30, default="plugin_export")
    type = text(100)
    queue = text(20, default="io_bound")
    triggered_by = text(10, default="user")
    progress = json_object()
    data = json_object()
    file = models.FileField(upload_to="async_jobs/%Y/%m/", max_length=500, null=True, blank=True)
    ray_job_id = models.CharField(max_length=100, null=True, blank=True)
    created = created()
    started = models.DateTimeField(null=True, blank=True)
    finished = models.DateTimeField(null=True, blank=True)
    succeeded = models.DateTimeField(null=True, blank=True)
    failed = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.pk)
