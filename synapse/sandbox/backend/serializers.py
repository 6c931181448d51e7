"""Check what clients send, the same way for every entity; answers are the business of faces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import models as db
from rest_framework import serializers

from .tenancy import scoped
from .wording import say


class TenantRelated(serializers.PrimaryKeyRelatedField):
    """Take the key of a row that the caller's workspace may see; any other does not exist."""

    def get_queryset(self) -> db.QuerySet[Any]:
        return scoped(super().get_queryset(), self.context["tenant"])

    def to_internal_value(self, data: Any) -> Any:
        known = self.context.get("known", {}).get(self.field_name, {})
        if isinstance(data, int) and not isinstance(data, bool) and data in known:
            return known[data]
        if isinstance(data, dict | list):
            self.fail("incorrect_type", data_type=type(data).__name__)
        try:
            return super().to_internal_value(data)
        except OverflowError:
            self.fail("does_not_exist", pk_value=data)


class JsonOf(serializers.JSONField):
    """Take JSON of one kind: the kind that the column holds when nothing was given."""

    def __init__(self, *, kind: type[Any], **options: Any) -> None:
        self.kind = kind
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> Any:
        value = super().to_internal_value(data)
        if not isinstance(value, self.kind):
            raise serializers.ValidationError(
                say("Expected an object.") if self.kind is dict else say("Expected a list.")
            )
        return value


class Batch(serializers.ListSerializer):
    """Check a list of rows with one query per relation, and create them all or none."""

    def to_internal_value(self, data: Any) -> list[Any]:
        if isinstance(data, list):
            self.context["known"] = self._known([row for row in data if isinstance(row, Mapping)])
        try:
            return super().to_internal_value(data)
        except serializers.ValidationError as error:
            raise serializers.ValidationError(self._in_order(error.detail, data)) from error

    def create(self, validated_data: list[dict[str, Any]]) -> list[Any]:
        return self.child.create_many(validated_data)

    def _in_order(self, detail: Any, data: Any) -> Any:
        # Newer libraries number the faulty rows; clients of this wire expect one entry for each row.
        if isinstance(detail, dict) and all(isinstance(key, int) for key in detail):
            return [detail.get(index, {}) for index in range(len(data))]
        return detail

    def _known(self, rows: list[Mapping[str, Any]]) -> dict[str, dict[int, Any]]:
        known = {}
        for name, field in self.child.fields.items():
            if isinstance(field, TenantRelated):
                asked = {row[name] for row in rows if type(row.get(name)) is int}
                known[name] = field.get_queryset().in_bulk(pk for pk in asked if abs(pk) < 2**63)
        return known


class EntitySerializer(serializers.ModelSerializer):
    """Check the body of one row, field by field as its table says."""

    serializer_related_field = TenantRelated

    def build_standard_field(self, field_name: str, model_field: Any) -> tuple[Any, dict[str, Any]]:
        kind, options = super().build_standard_field(field_name, model_field)
        default = getattr(model_field, "default", None)
        if isinstance(model_field, db.JSONField) and default in (dict, list) and not model_field.null:
            options.pop("encoder", None)
            options.pop("decoder", None)
            return JsonOf, {**options, "kind": default}
        return kind, options

    def create_many(self, rows: list[dict[str, Any]]) -> list[Any]:
        return [self.create(row) for row in rows]

    def update(self, instance: Any, validated_data: dict[str, Any]) -> Any:
        """Write the given columns only, so that no one else's change is undone."""
        many = {f.name for f in instance._meta.many_to_many}
        columns = [name for name in validated_data if name not in many]
        for name in columns:
            setattr(instance, name, validated_data[name])
        if columns:
            instance.save(update_fields=columns)
        for name in validated_data.keys() & many:
            getattr(instance, name).set(validated_data[name])
        return instance


def entity_serializer(model: Any, fields: str, base: type[Any] = EntitySerializer) -> type[EntitySerializer]:
    """Return the serializer that takes *fields* of *model* and has no rules of its own."""
    meta = type("Meta", (), {"model": model, "fields": tuple(fields.split())})
    return type(f"{model.__name__}Serializer", (base,), {"Meta": meta, "__module__": __name__})
