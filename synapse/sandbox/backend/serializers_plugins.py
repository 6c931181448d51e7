"""Rules for what clients send about plugins, their releases, jobs and models."""

from __future__ import annotations

import re

from typing import Any, Final

from django.utils import timezone
from rest_framework import serializers

from . import models
from .filters import job_status
from .serializers import EntitySerializer, TenantRelated, entity_serializer
from .tenancy import scoped
from .wording import say

VERSION: Final = re.compile(r"[^/\s@]{1,100}")


def is_key(text: str) -> bool:
    """Tell whether a text can be an integer key."""
    return text.isascii() and text.isdigit() and len(text) < 19


class PluginField(serializers.Field):
    """Take a plugin of the workspace, or one shared by all, by its code or its key."""

    def to_internal_value(self, data: Any) -> models.Plugin:
        text = "" if isinstance(data, bool) else str(data)
        visible = scoped(models.Plugin, self.context["tenant"])
        found = visible.filter(code=text).first()
        if found is None and is_key(text):
            found = visible.filter(pk=text).first()
        if found is None:
            raise serializers.ValidationError(say("Plugin “%(value)s” does not exist.", value=data))
        return found


class PluginSerializer(EntitySerializer):
    """Check a plugin, whose code is unique among those of all workspaces."""

    class Meta:
        model = models.Plugin
        fields = (
            "code",
            "name",
            "category",
            "description",
            "is_active",
            "is_public",
            "system_only",
            "detail",
        )
        # Clients look for these words, in Korean, whatever language they asked for.
        extra_kwargs = {"code": {"validators": [*models.Plugin._meta.get_field("code").validators[:1]]}}

    def validate_code(self, code: str) -> str:
        taken = models.Plugin.objects.filter(code=code)
        if self.instance is not None:
            taken = taken.exclude(pk=self.instance.pk)
        if taken.exists():
            text = f"코드 “{code}”은/는 이미 존재합니다. (Plugin code already exists.)"
            raise serializers.ValidationError(text, code="unique")
        return code

    def validate_system_only(self, wanted: bool) -> bool:
        if wanted:
            raise serializers.ValidationError(say("Only the platform can make a plugin for all workspaces."))
        return wanted


class JobSerializer(EntitySerializer):
    """Check what may be written to a job that exists: its progress, and a status it can go to."""

    TERMINAL = frozenset({"STOPPED", "SUCCEEDED", "FAILED"})
    status = serializers.CharField()
    console_logs = serializers.JSONField()

    class Meta:
        model = models.Job
        fields = ("status", "progress_record", "metrics_record", "console_logs", "result", "meta")

    def validate_status(self, value: str) -> str:
        status = job_status(value)
        if status not in models.Job.Status.values:
            raise serializers.ValidationError(say("“%(value)s” is not a valid choice.", value=value))
        before = self.instance.status if self.instance else status
        backwards = before in self.TERMINAL and status not in self.TERMINAL
        if backwards or (before == "RUNNING" and status == "PENDING"):
            text = say("A job cannot go from %(before)s to %(after)s.", before=before, after=status)
            raise serializers.ValidationError(text)
        return status

    def update(self, instance: models.Job, validated_data: dict[str, Any]) -> models.Job:
        now = timezone.now()
        validated_data["modified"] = now
        if validated_data.get("status") in self.TERMINAL and instance.completed is None:
            validated_data["completed"] = now
        return super().update(instance, validated_data)


class ServeApplicationSerializer(EntitySerializer):
    """Check a serve application."""

    class Meta:
        model = models.ServeApplication
        fields = ("job", "status", "data")


ReleaseSerializer = entity_serializer(
    models.PluginRelease,
    "config readme run_schema installation_schema requirements debug is_released author meta",
)
ModelSerializer = entity_serializer(
    models.Model,
    "name description category version parent neural_net dataset project configuration metrics is_released"
    " is_external",
)


class NewReleaseSerializer(ReleaseSerializer):
    """Check a release that is to be published."""

    plugin = PluginField()
    version = serializers.CharField()
    # What older clients call the text about a version.
    changelog = serializers.CharField(source="readme", required=False)

    class Meta(ReleaseSerializer.Meta):
        fields = ("plugin", "version", "changelog", *ReleaseSerializer.Meta.fields)
        # An existing version is answered in words of its own, or changed.
        validators: list[Any] = []

    def validate_version(self, version: str) -> str:
        if not VERSION.fullmatch(version):
            raise serializers.ValidationError(say("Enter a version without spaces, slashes and @."))
        return version


class NewModelSerializer(ModelSerializer):
    """Check a model that is to be registered, with the other names that clients have for its relations."""

    plugin = PluginField(required=False)
    checkpoint = TenantRelated(source="parent", required=False, queryset=models.Model.objects.all())

    class Meta(ModelSerializer.Meta):
        fields = (*ModelSerializer.Meta.fields, "plugin", "checkpoint")
