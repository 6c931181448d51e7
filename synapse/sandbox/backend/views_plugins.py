"""Plugins, releases, jobs, logs, models, agents and applications over HTTP."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpResponseBase
from rest_framework import status
from rest_framework.decorators import action
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from . import filters, joblogs, models, releases, runs, tail
from .representation import represent
from .serializers import entity_serializer
from .serializers_plugins import (
    JobSerializer,
    ModelSerializer,
    PluginSerializer,
    ReleaseSerializer,
    ServeApplicationSerializer,
)
from .tenancy import get_or_404
from .transactions import write_transaction
from .views import Changes, Entities, Reads


class Plugins(Entities):
    """Plugins, each found by its key or its code."""

    face = "plugin"
    filterset_class = filters.PluginFilter
    search_fields = ("name", "code")
    serializer_class = PluginSerializer

    def find(self, pk: str, rows: QuerySet[Any] | None = None) -> Any:
        source = self.get_queryset() if rows is None else rows
        by_code = source.filter(code=pk.replace("\0", "")).first()
        return by_code or super().find(pk, source)

    @write_transaction()
    def create(self, request: Request) -> Response:
        plugin = self.store(request.data, many=False)
        answer = {**represent(plugin, request, face=self.face), "release": None}
        return Response(answer, status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"])
    def run(self, request: Request, pk: str) -> Response:
        return runs.run_plugin(request, self.find(pk))


class PluginReleases(Changes):
    face = "plugin_release"
    filterset_class = filters.PluginReleaseFilter
    default_ordering = ("-pk",)
    serializer_class = ReleaseSerializer

    def find(self, pk: str, rows: QuerySet[Any] | None = None) -> Any:
        source = self.get_queryset() if rows is None else rows
        return releases.find_release(source, pk.replace("\0", ""))

    def create(self, request: Request) -> Response:
        return releases.create_release(request)

    def refuse_shared(self, row: Any) -> None:
        super().refuse_shared(row.plugin)


class Jobs(Changes):
    face = "job"
    filterset_class = filters.JobFilter
    default_ordering = ("-created", "-pk")
    serializer_class = JobSerializer

    @action(detail=True)
    def console_logs(self, request: Request, pk: str) -> Response:
        return tail.console_logs(request, self.find(pk))

    @action(detail=True, renderer_classes=[JSONRenderer, tail.EventStreamRenderer])
    def tail_console_logs(self, request: Request, pk: str) -> HttpResponseBase:
        return tail.tail_console_logs(request, pk)


class JobLogs(Reads):
    face = "job_log"
    filterset_class = filters.JobLogFilter

    def create(self, request: Request) -> Response:
        return joblogs.create_logs(request)


class Models(Changes):
    face = "model"
    filterset_class = filters.ModelFilter
    default_ordering = ("-pk",)
    search_fields = ("name",)
    serializer_class = ModelSerializer

    def create(self, request: Request) -> Response:
        return releases.create_model(request)


class Agents(Entities):
    face = "agent"
    filterset_class = filters.AgentFilter
    search_fields = ("name",)
    serializer_class = entity_serializer(models.Agent, "name url status")

    @action(detail=True, methods=["post"])
    def connect(self, request: Request, pk: str) -> Response:
        """Take the sign of life of the agent whose token stands in the address."""
        agent = get_or_404(self.get_queryset(), token=pk.replace("\0", ""))
        with write_transaction():
            models.Agent.objects.filter(pk=agent.pk).update(status=models.Agent.Status.CONNECTED)
        return Response({"id": agent.pk, "name": agent.name, "status": models.Agent.Status.CONNECTED})


class ServeApplications(Entities):
    face = "serve_application"
    filterset_class = filters.ServeApplicationFilter
    default_ordering = ("-pk",)
    serializer_class = ServeApplicationSerializer
