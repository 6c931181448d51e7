"""Collections, groups, units, files and ground truths below `/v2/`."""

from __future__ import annotations

import re

from typing import Any, Final

import django_filters as df

from django.db.models import Max
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import filters, models, presigned, units
from ..faces import counted
from ..fileinfo import by_specification, of_unit
from ..models.columns import Split
from ..representation import Context, computed, context_of, plain
from ..serializers import EntitySerializer
from ..serializers_data import DataCollectionSerializer, FileSpecificationSerializer
from ..serializers_work import freeze
from ..tenancy import get_or_404, tenant_of
from ..transactions import write_transaction
from ..wording import say
from . import bulk
from .envelope import is_dry_run
from .views import Creates, Removes, Replaces, Rows, Shown, body_of, display, filters_of
from .workspace import Derived, Owned

SPECIFICATION: Final = ("id", *FileSpecificationSerializer.Meta.fields)
SPECIFICATION_NAME: Final = re.compile(r"[a-z_]+_[0-9]+")


def specifications_of(collection: models.DataCollection) -> list[dict[str, Any]]:
    """Return the file specifications of *collection* as they are nested in it."""
    return [
        {name: getattr(row, name) for name in SPECIFICATION}
        | {"file_type_display": row.get_file_type_display()}
        for row in collection.file_specifications.all()
    ]


class CollectionBody(DataCollectionSerializer):
    """Check a collection, whose file specifications are numbered."""

    def validate_file_specifications(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        if not all(SPECIFICATION_NAME.fullmatch(row["name"]) for row in rows):
            raise serializers.ValidationError(say("A name must be a kind and a number, as in image_1."))
        return super().validate_file_specifications(rows)


class DataCollections(Owned, Creates, Replaces, Removes):
    shows = Shown(
        models.DataCollection,
        "id name category category_display access_level is_archived created count_projects",
        "tenant_id description meta caution file_specifications",
        columns={
            "category_display": display("category"),
            "count_projects": counted("count_projects", models.Project, "data_collection"),
            "file_specifications": computed(specifications_of, fetches=("file_specifications",)),
        },
    )
    filterset_class = filters.DataCollectionFilter
    serializer_class = body_of(
        models.DataCollection,
        "name description category* meta caution access_level file_specifications",
        base=CollectionBody,
    )

    @action(detail=True, methods=["post"], url_path="upload-urls")
    def upload_urls(self, request: Request, pk: str) -> Response:
        """Sign addresses to put files to."""
        self.find(pk)
        if is_dry_run(request):
            return Response(presigned.checked(presigned.Asked, request))
        return presigned.sign(request)

    @action(detail=True, methods=["post"], url_path="finalize-upload")
    def finalize_upload(self, request: Request, pk: str) -> Response:
        """Make files of what has arrived."""
        self.find(pk)
        if is_dry_run(request):
            return Response(presigned.checked(presigned.PutByMd5, request))
        return presigned.confirm(request, presigned.PutByMd5)


class DataGroups(Derived, Creates, Removes):
    shows = Shown(models.DataUnitGroup, "id name", "data_collection_id")
    parent = "data_collection"
    sorts = {}
    default_sort = "-pk"
    serializer_class = body_of(models.DataUnitGroup, "name")


class UnitBody(EntitySerializer):
    """Check a unit, whose group is one of its collection."""

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        collection = attrs.get("data_collection") or self.instance.data_collection
        group = attrs.get("group")
        if group is not None and group.data_collection_id != collection.pk:
            raise serializers.ValidationError({"group": [say("This group is of another data collection.")]})
        return attrs


class AskedUnits(serializers.Serializer):
    data_collection = serializers.IntegerField()
    units = serializers.ListField(child=serializers.DictField(), min_length=1, max_length=units.LARGEST_BATCH)


class DataUnits(Derived, Creates, Replaces, Removes):
    shows = Shown(models.DataUnit, "id data_collection_id checksum created", "group_id meta")
    filterset_class = filters_of(filters.DataUnitFilter, "data_collection")
    serializer_class = body_of(models.DataUnit, "data_collection group meta", base=UnitBody)

    @action(detail=False, methods=["post"], url_path="bulk-create")
    @write_transaction()
    def bulk_create(self, request: Request) -> Response:
        """Make units of files, or find those that are made of them already."""
        asked = bulk.checked(AskedUnits, request)
        bodies = [{**unit, "data_collection": asked["data_collection"]} for unit in asked["units"]]
        newest = models.DataUnit.objects.aggregate(pk=Max("pk"))["pk"] or 0
        try:
            keys = units.create_units(bodies, tenant=tenant_of(request))
        except units.BatchError as error:
            raise ValidationError(_faults(error)) from error
        checksums = dict(models.DataUnit.objects.filter(pk__in=keys).values_list("pk", "checksum"))
        results = [
            {"data_unit_id": pk, "checksum": checksums[pk], "created": pk > newest and pk not in keys[:index]}
            for index, pk in enumerate(keys)
        ]
        made = sum(result["created"] for result in results)
        counts = {"created_count": made, "reused_count": len(results) - made}
        return Response({"results": results, **counts}, status=status.HTTP_201_CREATED)


def _faults(error: units.BatchError) -> dict[str, Any]:
    """Return the faults of a batch under its members."""
    if "data_collection" in error.errors[0]:
        return {"data_collection": error.errors[0]["data_collection"]}
    return {"units": {str(index): faults for index, faults in enumerate(error.errors) if faults}}


class DataFiles(Rows):
    shows = Shown(
        models.DataFile,
        "id checksum file_size created",
        "meta storage_id",
        columns={"file_size": plain("size")},
    )
    filterset_class = filters_of(filters.DataFileFilter, "checksum data_collection")


class GroundTruthDatasets(Creates, Replaces, Removes):
    shows = Shown(models.GroundTruthDataset, "id name", "tenant_id project_id description")
    filterset_class = filters.build("DatasetFilter", project=df.NumberFilter())
    sorts = {}
    default_sort = "-pk"
    serializer_class = body_of(models.GroundTruthDataset, "name description")


class GroundTruthVersions(Derived, Creates):
    shows = Shown(
        models.GroundTruthVersion,
        "id version created",
        "ground_truth_dataset_id description is_archived",
    )
    parent = "ground_truth_dataset"
    serializer_class = body_of(models.GroundTruthVersion, "version description")

    @write_transaction()
    def create(self, request: Request, **parent: str) -> Response:
        answer = super().create(request, **parent)
        freeze(self.find(answer.data["id"]))
        return answer


GROUND_TRUTH: Final = "id ground_truth_dataset_id data_unit_id category"


class GroundTruths(Rows):
    shows = Shown(models.GroundTruth, GROUND_TRUTH, "project_id data classes")
    filterset_class = filters_of(
        filters.GroundTruthFilter,
        "category classes ground_truth_dataset id task",
        categories=filters.AnyChoice(field_name="category", choices=Split.choices),
    )
    sorts = {"id": "pk"}
    default_sort = "-id"

    def shown(self, row: Any) -> dict[str, Any]:
        answer, mode = super().shown(row), bulk.mode_of(self.request)
        return {**answer, "data": bulk.held(answer["data"], mode, context_of(self.request))}

    @action(detail=False, methods=["post"], url_path="bulk-data")
    def bulk_data(self, request: Request) -> Response:
        """Answer whole rows by their keys."""
        return bulk.fetch(self, self.whole)


def signed_files(unit: models.DataUnit | None, context: Context) -> dict[str, Any] | None:
    """Return the files of *unit*, each with its address and what is known of it."""
    if unit is None:
        return None
    files = by_specification(unit, context)
    return {name: {"url": info["url"], "meta": info["meta"]} for name, info in files.items()}


EVENT: Final = (
    "id pgh_id pgh_obj_id pgh_label data_unit_id ground_truth_dataset_id"
    " data_size data_digest data_content_type"
)
EVENT_COLUMNS: Final = {
    # Of an object that is gone only its key is left.
    "pgh_obj_id": plain("id"),
    "data_size": bulk.of_payload(len),
    "data_digest": bulk.of_payload(bulk.digest_of),
    "data_content_type": bulk.of_payload(lambda _content: "application/json"),
}
EVENT_WITH_DATA: Final = Shown(
    models.GroundTruthEvent,
    f"{EVENT} data files files_manifest",
    columns={
        **EVENT_COLUMNS,
        "files": of_unit(signed_files, "data_unit"),
        "files_manifest": computed(lambda _row: None),
    },
).in_lists()


class GroundTruthEvents(Derived, Rows):
    shows = Shown(models.GroundTruthEvent, EVENT, reads="data", columns=EVENT_COLUMNS)
    filterset_class = filters_of(
        filters.EventFilter,
        "ground_truth_dataset_version",
        ground_truth_dataset=df.NumberFilter(),
        project=df.NumberFilter(),
        pgh_obj_id__in=filters.Ints(field_name="id", lookup_expr="in"),
    )
    sorts = {"pgh_id": "pk", "id": "id"}
    default_sort = "-pgh_id"

    @action(detail=False, methods=["post"], url_path="bulk-data")
    def bulk_data(self, request: Request) -> Response:
        """Answer events with their payloads and files by their keys."""
        return bulk.fetch(self, EVENT_WITH_DATA, named="pgh_ids")


class VersionEvents(GroundTruthEvents):
    """The events that a version holds."""

    def get_queryset(self) -> Any:
        tenant = tenant_of(self.request)
        owned = models.GroundTruthVersion.objects.filter(ground_truth_dataset__tenant=tenant)
        version = get_or_404(owned, ground_truth_dataset=self.kwargs["dataset"], pk=self.kwargs["version"])
        return models.GroundTruthEvent.objects.filter(ground_truth_dataset_versions=version)
