"""Plugins, their releases, the jobs they run as, and what jobs leave behind."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.core.validators import RegexValidator
from django.db import models
from django.utils import timezone

from ..wording import say
from .accounts import Agent, Tenant
from .columns import created, json_list, json_object, text
from .ground_truth import GroundTruthDataset
from .work import Project


class Plugin(models.Model):
    """A program that runs on the platform; a system plugin belongs to nobody and serves all."""

    class Category(models.TextChoices):
        """Name what a plugin is for."""

        NEURAL_NET = "neural_net"
        EXPORT = "export"
        UPLOAD = "upload"
        SMART_TOOL = "smart_tool"
        PRE_ANNOTATION = "pre_annotation"
        POST_ANNOTATION = "post_annotation"
        DATA_VALIDATION = "data_validation"
        CONVERTER = "converter"
        CUSTOM = "custom"

    TENANT_PATH = "tenant"
    SHARED = True

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="plugins", null=True, blank=True)
    code = models.CharField(max_length=100, unique=True, validators=[RegexValidator(r"^[-a-zA-Z0-9_]+$")])
    name = models.CharField(max_length=200)
    category = models.CharField(
        max_length=30, choices=Category.choices, default=Category.CUSTOM, db_index=True
    )
    description = text()
    is_active = models.BooleanField(default=True)
    is_public = models.BooleanField(default=False)
    system_only = models.BooleanField(default=False)
    detail = json_object()
    created = created()

    def __str__(self) -> str:
        return self.code


class PluginRelease(models.Model):
    """One published version of a plugin."""

    TENANT_PATH = "plugin__tenant"
    SHARED = True

    plugin = models.ForeignKey(Plugin, models.CASCADE, related_name="releases")
    version = models.CharField(max_length=100)
    config = json_object()
    readme = text()
    run_schema = models.JSONField(null=True, blank=True, default=dict)
    installation_schema = models.JSONField(null=True, blank=True, default=dict)
    requirements = json_list()
    file = models.FileField(upload_to="plugin_releases/%Y/%m/", max_length=500, null=True, blank=True)
    debug = models.BooleanField(default=False)
    is_released = models.BooleanField(default=True)
    author = text(200)
    published_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="releases", null=True, blank=True
    )
    meta = json_object()
    created = created()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["plugin", "version"], name="one_release_per_version")]

    def __str__(self) -> str:
        return f"{self.plugin.code}@{self.version}"

    @property
    def available_actions(self) -> list[str]:
        """Return the names of the actions that the release's configuration declares."""
        actions = self.config.get("actions") if isinstance(self.config, dict) else None
        return list(actions) if isinstance(actions, dict | list) else []


class Job(models.Model):
    """One run of one action of a plugin release."""

    class Status(models.TextChoices):
        """Say how far a job is."""

        PENDING = "PENDING"
        RUNNING = "RUNNING"
        STOPPED = "STOPPED"
        SUCCEEDED = "SUCCEEDED"
        FAILED = "FAILED"

    ACTIVE = (Status.PENDING, Status.RUNNING)
    TENANT_PATH = "tenant"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="jobs")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.PENDING, db_index=True)
    action = text(100)
    params = json_object()
    plugin_release = models.ForeignKey(
        PluginRelease, models.SET_NULL, related_name="jobs", null=True, blank=True
    )
    agent = models.ForeignKey(Agent, models.SET_NULL, related_name="jobs", null=True, blank=True)
    progress_record = json_object()
    metrics_record = json_object()
    result = models.JSONField(null=True, blank=True)
    meta = json_object()
    console_logs = json_list()
    created = created()
    modified = models.DateTimeField(default=timezone.now)
    completed = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return str(self.pk)

    @property
    def is_active(self) -> bool:
        """Tell whether the job may still do something."""
        return self.status in self.ACTIVE


class JobLog(models.Model):
    """One thing that happened during a job."""

    TENANT_PATH = "job__tenant"

    job = models.ForeignKey(Job, models.CASCADE, related_name="logs")
    event = models.CharField(max_length=255)
    step = text(255)
    level = models.CharField(max_length=20, blank=True, default="info")
    data = models.JSONField(null=True, blank=True)
    file = models.FileField(upload_to="logs/%Y/%m/%d/", max_length=500, null=True, blank=True)
    datetime = models.DateTimeField(default=timezone.now)
    created = created()

    class Meta:
        ordering = ("id",)

    def __str__(self) -> str:
        return self.event


class ServeApplication(models.Model):
    """A plugin that answers requests for as long as its job lives."""

    class Status(models.TextChoices):
        """Say whether the application answers."""

        NOT_STARTED = "NOT_STARTED"
        DEPLOYING = "DEPLOYING"
        RUNNING = "RUNNING"
        UNHEALTHY = "UNHEALTHY"
        DEPLOY_FAILED = "DEPLOY_FAILED"
        DELETING = "DELETING"
        UNAVAILABLE = "UNAVAILABLE"

    TENANT_PATH = "job__tenant"

    job = models.ForeignKey(Job, models.CASCADE, related_name="serve_applications")
    status = models.CharField(max_length=20, choices=Status.choices, default=Status.NOT_STARTED)
    data = models.JSONField(null=True, blank=True, default=dict)
    created = created()

    def __str__(self) -> str:
        return say("application %(pk)s", pk=self.pk)


class Model(models.Model):
    """A trained network, as one archive."""

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="models")
    name = models.CharField(max_length=200)
    description = text()
    category = text(50, default="base")
    version = text(100)
    file = models.FileField(upload_to="models/%Y/%m/", max_length=500, null=True, blank=True)
    parent = models.ForeignKey("self", models.SET_NULL, related_name="children", null=True, blank=True)
    neural_net = models.ForeignKey(
        PluginRelease, models.SET_NULL, related_name="models", null=True, blank=True
    )
    dataset = models.ForeignKey(
        GroundTruthDataset, models.SET_NULL, related_name="models", null=True, blank=True
    )
    project = models.ForeignKey(Project, models.SET_NULL, related_name="models", null=True, blank=True)
    configuration = json_object()
    metrics = json_object()
    is_released = models.BooleanField(default=False)
    is_external = models.BooleanField(default=False)
    created = created()

    def __str__(self) -> str:
        return self.name
