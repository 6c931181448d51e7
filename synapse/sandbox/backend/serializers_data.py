"""Rules for what clients send about collections, storages, plugins and jobs."""

from __future__ import annotations

from collections import Counter
from typing import Any

from django.utils import timezone
from rest_framework import serializers

from . import models
from .filters import job_status
from .serializers import EntitySerializer
from .wording import say


class FileSpecificationSerializer(EntitySerializer):
    """Check one file specification of a collection."""

    class Meta:
        model = models.FileSpecification
        fields = (
            "name",
            "description",
            "file_type",
            "configuration",
            "is_sequential",
            "is_required",
            "is_primary",
            "function_type",
            "index",
        )
        # Names are compared within the list that is sent, which replaces the one before.
        validators: list[Any] = []


class DataCollectionSerializer(EntitySerializer):
    """Check a collection together with its file specifications."""

    file_specifications = FileSpecificationSerializer(many=True, required=False)

    class Meta:
        model = models.DataCollection
        fields = (
            "name",
            "description",
            "category",
            "meta",
            "caution",
            "access_level",
            "is_archived",
            "file_specifications",
        )

    def validate_file_specifications(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        names = Counter(row["name"] for row in rows)
        faults = [say("The name “%(name)s” is given twice.", name=n) for n, k in names.items() if k > 1]
        if rows and sum(bool(row.get("is_primary")) for row in rows) != 1:
            faults.append(say("Exactly one file specification must have is_primary."))
        if rows and sum(row.get("function_type") == "main" for row in rows) != 1:
            faults.append(say("Exactly one file specification must have the function_type main."))
        if faults:
            raise serializers.ValidationError(faults)
        return rows

    def create(self, validated_data: dict[str, Any]) -> models.DataCollection:
        specifications = validated_data.pop("file_specifications", [])
        collection = super().create(validated_data)
        for row in specifications:
            models.FileSpecification.objects.create(data_collection=collection, **row)
        return collection

    def update(self, instance: models.DataCollection, validated_data: dict[str, Any]) -> Any:
        specifications = validated_data.pop("file_specifications", None)
        collection = super().update(instance, validated_data)
        if specifications is not None:
            self._replace_specifications(collection, specifications)
        return collection

    def _replace_specifications(self, collection: Any, rows: list[dict[str, Any]]) -> None:
        gone = collection.file_specifications.exclude(name__in=[row["name"] for row in rows])
        if gone.filter(unit_files__isnull=False).exists():
            text = say("A file specification that units use cannot be taken away.")
            raise serializers.ValidationError({"file_specifications": [text]})
        gone.delete()
        for row in rows:
            collection.file_specifications.update_or_create(name=row["name"], defaults=row)


class StorageSerializer(EntitySerializer):
    """Check a storage; of each category one may be the default."""

    class Meta:
        model = models.Storage
        fields = ("name", "category", "provider", "is_default", "configuration")

    def create(self, validated_data: dict[str, Any]) -> models.Storage:
        return self._only_default(super().create(validated_data))

    def update(self, instance: models.Storage, validated_data: dict[str, Any]) -> models.Storage:
        return self._only_default(super().update(instance, validated_data))

    def _only_default(self, storage: models.Storage) -> models.Storage:
        if storage.is_default:
            same = models.Storage.objects.filter(tenant=storage.tenant, category=storage.category)
            same.exclude(pk=storage.pk).update(is_default=False)
        return storage


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

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        return {**attrs, "is_public": True} if attrs.get("system_only") else attrs


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
