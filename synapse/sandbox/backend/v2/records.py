"""Experiments, runs of plugins, and what the platform does by itself, below `/v2/`."""

from __future__ import annotations

import datetime as dt
import uuid

from functools import partial
from typing import Any, Final

import django_filters as df

from django.db import models as db
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Coalesce
from django.http import HttpResponseBase
from django_filters.rest_framework import BooleanFilter
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from .. import exports, filters, models, tail
from ..flexfields import Shape
from ..representation import Column, computed, plain, read_all
from ..serializers import TenantRelated
from ..tenancy import tenant_of
from ..transactions import write_transaction
from ..wording import say
from . import bulk
from .envelope import Enveloped, Refused
from .views import Creates, Removes, Replaces, Rows, Shown, body_of
from .workspace import Owned

NEVER: Final = dt.datetime(9999, 1, 1, tzinfo=dt.UTC)
HEAVY: Final = tuple(
    f"job__{column.name}" for column in models.Job._meta.fields if isinstance(column, db.JSONField)
)


class Experiments(Owned, Creates, Replaces, Removes):
    shows = Shown(
        models.Experiment,
        "id name access_level is_archived created",
        "tenant_id task_id description",
        columns={"task_id": plain("task")},
    )
    serializer_class = body_of(models.Experiment, "name description task access_level")

    @write_transaction()
    def destroy(self, request: Request, pk: str, **_parent: str) -> Response:
        row = self.find(pk)
        facts = {"experiment_id": row.pk, "trains_deleted": row.trains.count()}
        row.delete()
        return Response(facts)


def job_of(record: Any) -> dict[str, Any]:
    """Return the job of a run as it is nested in what the run is remembered by."""
    return {name: getattr(record.job, name) for name in ("id", "status", "action", "created", "completed")}


def recorded(model: type[db.Model], listed: str, more: str) -> Shown:
    """Return how the records of *model* are shown: their job by two members in lists, else as an object."""
    columns = {
        "job": Column(computed(job_of).make, joins=("job",), defers=HEAVY),
        "job_status": Column(plain("job.status").make, joins=("job",), defers=HEAVY),
    }
    listed, more = f"{listed} created job_id job_status", f"{more} name description job -job_id -job_status"
    return Shown(model, listed, more, columns=columns)


def of_run(**declared: df.Filter) -> Any:
    """Return what the records of a kind of run can be filtered by."""
    return filters.build(
        "RecordFilter",
        created_after=df.IsoDateTimeFilter(field_name="created", lookup_expr="gte"),
        created_before=df.IsoDateTimeFilter(field_name="created", lookup_expr="lte"),
        job__status=df.CharFilter(),
        **declared,
    )


class Trains(Rows):
    shows = recorded(
        models.Train,
        "id experiment is_tune",
        "neural_net ground_truth_dataset_version checkpoint tune_config best_trial",
    )
    filterset_class = of_run(
        experiment=df.NumberFilter(),
        dataset=df.NumberFilter(field_name="ground_truth_dataset_version"),
        has_model=BooleanFilter(field_name="neural_net", lookup_expr="isnull", exclude=True),
        search=df.CharFilter(field_name="name", lookup_expr="icontains"),
    )
    sorts = {"created": "created", "job__completed": "completed"}

    def get_queryset(self) -> QuerySet[Any]:
        # A cursor has no position among rows that have none.
        return super().get_queryset().annotate(completed=Coalesce("job__completed", db.Value(NEVER)))


class Uploads(Rows):
    shows = recorded(models.Upload, "id data_collection project", "storage path is_recursive extra_params")
    filterset_class = of_run(
        data_collection=df.NumberFilter(),
        project=df.NumberFilter(),
        storage=df.NumberFilter(),
        job__action=df.CharFilter(),
    )


class Exports(Rows):
    shows = recorded(models.Export, "id target", "storage path filter extra_params save_original_file")
    filterset_class = of_run(
        project=filters.OneOf(field_name="filter__project"),
        storage=df.NumberFilter(),
        target=df.CharFilter(),
    )


class PreAnnotations(Rows):
    shows = recorded(models.PreAnnotation, "id target method", "pre_processor")
    filterset_class = of_run(method=df.CharFilter(), target=df.CharFilter(), pre_processor=df.NumberFilter())


class Numbers(PageNumberPagination):
    page_size_query_param = "page_size"
    page_size = 20
    max_page_size = 200


class OfKeys(df.CharFilter):
    """Filter by a comma list of keys, or by all others."""

    def filter(self, qs: QuerySet[Any], value: str) -> QuerySet[Any]:
        keys = [key for part in (value or "").split(",") if (key := _uuid(part.strip()))]
        others = self.exclude or self.parent.data.get("ids_lookup") == "ex"
        return (qs.exclude(pk__in=keys) if others else qs.filter(pk__in=keys)) if value else qs


def _uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


class AsyncJobs(Rows):
    shows = Shown(
        models.AsyncJob,
        "id status category type queue triggered_by progress data file ray_job_id created started finished"
        " succeeded failed",
    )
    filterset_class = filters.build(
        "AsyncJobFilter",
        ids=OfKeys(),
        ids_ex=OfKeys(exclude=True),
        search=df.CharFilter(field_name="type", lookup_expr="icontains"),
        triggered_by=df.ChoiceFilter(choices=[("user", "user"), ("system", "system")]),
    )

    def get_queryset(self) -> QuerySet[Any]:
        return super().get_queryset().filter(user=self.request.auth.user)

    def page(self, request: Request, rows: QuerySet[Any]) -> Response:
        """Answer a numbered page, which may not be in the envelope."""
        self.is_enveloped = False
        wanted = request.query_params.get("ordering", "-created")
        order = wanted if wanted.removeprefix("-") == "created" else "-created"
        pages, chosen = Numbers(), self.selected(request, rows).order_by(order, "pk")
        loaded = pages.paginate_queryset(chosen, request, view=self)
        return pages.get_paginated_response(read_all(loaded or (), request, face=self.listed, shape=Shape()))

    @action(detail=True, methods=["post"])
    @write_transaction()
    def cancel(self, request: Request, pk: str) -> Response:
        """End what has not ended; to do so again changes nothing."""
        job = self.find(pk, to_change=True)
        if job.status in (job.Status.COMPLETED, job.Status.FAILED):
            text = say("The job has ended.")
            raise Refused(status.HTTP_409_CONFLICT, "INVALID_STATE", text, current_status=job.status)
        if job.status != job.Status.CANCELLED:
            job.status, job.finished = job.Status.CANCELLED, dt.datetime.now(dt.UTC)
            job.save(update_fields=["status", "finished"])
        return Response(self.shown(job))

    @action(detail=True, renderer_classes=[JSONRenderer, tail.EventStreamRenderer])
    def progress(self, request: Request, pk: str) -> HttpResponseBase:
        """Follow the progress to its end."""
        return tail.stream(exports.follow(self.find(pk).pk))


class AskedExport(serializers.Serializer):
    storage_id = TenantRelated(queryset=models.Storage.objects.all())
    path = serializers.CharField(max_length=1000)
    project_id = TenantRelated(queryset=models.Project.objects.all(), allow_null=True, default=None)
    targets = serializers.MultipleChoiceField(
        choices=list(exports.TARGETS), default=["task"], allow_empty=False
    )
    format = serializers.CharField(default="raw_bundle_v1")
    include_original_files = serializers.BooleanField(default=False)
    requires_source = serializers.BooleanField(default=True)
    ray_job_id = serializers.CharField(allow_null=True, default=None)
    chunk_size = serializers.IntegerField(min_value=1, allow_null=True, default=None)
    filter = serializers.DictField(default=dict)


class PluginExports(Enveloped):
    @write_transaction()
    def create(self, request: Request) -> Response:
        """Begin an export, and answer how to follow it."""
        asked = bulk.checked(AskedExport, request, self.get_serializer_context())
        targets = [name for name in exports.TARGETS if name in asked["targets"]]
        facts = {name: asked[name] for name in ("path", "format", "include_original_files", "filter")}
        project = asked["project_id"]
        keys = {"storage_id": asked["storage_id"].pk, "project_id": project and project.pk}
        job = models.AsyncJob.objects.create(
            tenant=tenant_of(request),
            user=request.auth.user,
            type="plugin_export",
            ray_job_id=asked["ray_job_id"],
            data={**facts, **keys, "targets": targets},
        )
        transaction.on_commit(partial(exports.start_export, job))
        told = {"job_id": job.pk, "status": job.status, "total_count": None, "targets": targets}
        more = {"message": say("The export has begun."), "ray_job_id": job.ray_job_id}
        return Response({**told, **more}, status=status.HTTP_202_ACCEPTED)
