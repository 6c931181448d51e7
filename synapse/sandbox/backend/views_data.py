"""Collections, files, units and storages over HTTP."""

from __future__ import annotations

from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from . import datafiles, filters, models, presigned, units
from .serializers import entity_serializer
from .serializers_data import DataCollectionSerializer, StorageSerializer
from .views import Changes, Entities
from .wording import say


class DataCollections(Entities):
    face = "data_collection"
    filterset_class = filters.DataCollectionFilter
    search_fields = ("name",)
    serializer_class = DataCollectionSerializer


class DataFiles(Changes):
    face = "data_file"
    filterset_class = filters.DataFileFilter
    serializer_class = entity_serializer(models.DataFile, "meta storage")

    def create(self, request: Request) -> Response:
        return datafiles.create_data_file(request)

    @action(detail=False, methods=["post"])
    def verify_checksums(self, request: Request) -> Response:
        return datafiles.verify_checksums(request)

    @action(detail=False, methods=["post"], url_path="presigned_upload/upload")
    def presigned_upload(self, request: Request) -> Response:
        return presigned.sign(request)

    @action(detail=False, methods=["post"], url_path="presigned_upload/confirm_upload")
    def confirm_upload(self, request: Request) -> Response:
        return presigned.confirm(request)


class DataUnits(Changes):
    face = "data_unit"
    filterset_class = filters.DataUnitFilter
    serializer_class = entity_serializer(models.DataUnit, "group meta can_generate_task")

    def create(self, request: Request) -> Response:
        return units.create_data_units(request)


class Storages(Entities):
    face = "storage"
    filterset_class = filters.StorageFilter
    search_fields = ("name",)
    serializer_class = StorageSerializer

    def retrieve(self, request: Request, pk: str) -> Response:
        wanted = request.query_params.get("with_configuration", "").lower() in ("true", "1")
        return self.row(request, pk, face="storage_with_configuration" if wanted else self.face)

    @action(detail=True, methods=["post"])
    def session(self, request: Request, pk: str) -> Response:
        """Answer what a client needs to reach the storage by itself."""
        storage = self.find(pk)
        purpose = request.data.get("purpose") if isinstance(request.data, dict) else None
        if purpose not in ("read", "write"):
            raise ValidationError({"purpose": [say("Expected read or write.")]})
        facts = {"provider": storage.provider, "configuration": storage.configuration}
        return Response({**facts, "expires_at": None, "contract_version": 1})
