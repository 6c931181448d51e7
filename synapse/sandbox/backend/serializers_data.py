"""Rules for what clients send about collections and storages."""

from __future__ import annotations

from collections import Counter
from typing import Any

from rest_framework import serializers

from . import models
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
