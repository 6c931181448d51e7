"""Plugins, releases, jobs, their logs, and models below `/v2/`."""

from __future__ import annotations

import hashlib

from typing import Any, Final

import django_filters as df

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponseBase
from django.utils import timezone
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import NotFound, PermissionDenied, ValidationError
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response

from .. import filters, joblogs, models, releases, tail
from ..representation import computed, plain
from ..serializers import EntitySerializer, TenantRelated
from ..serializers_plugins import VERSION as VERSIONS
from ..serializers_plugins import JobSerializer, PluginSerializer, is_key
from ..transactions import write_transaction
from ..wording import say
from .envelope import Refused, members_of
from .views import Changes, Creates, Removes, Rows, Shown, body_of, filters_of, refuse_shared

CODE: Final = "^[a-z0-9][a-z0-9-]*[a-z0-9]$|^[a-z0-9]$"
VERSION: Final = f"^{VERSIONS.pattern}$"
CATEGORIES: Final = [name for name in models.Plugin.Category.values if name != "custom"]
MOST_LOGS: Final = 1000
MOST_ANCESTORS: Final = 20
LINEAGE: Final = ("id", "name", "category", "is_released", "neural_net_id")


class PluginBody(PluginSerializer):
    """Check a plugin and the first release that it comes with."""

    code = serializers.RegexField(CODE)
    category = serializers.ChoiceField(CATEGORIES)
    source = serializers.ChoiceField(["scaffold", "file"], default="scaffold", write_only=True)
    version = serializers.RegexField(VERSION, default="0.0.0", write_only=True)
    readme = serializers.CharField(default="", allow_blank=True, write_only=True)
    debug = serializers.BooleanField(default=False, write_only=True)
    meta = serializers.JSONField(default=dict, write_only=True)
    file = serializers.FileField(required=False, write_only=True)

    class Meta(PluginSerializer.Meta):
        fields = (
            "code",
            "name",
            "category",
            "description",
            "source",
            "version",
            "readme",
            "debug",
            "meta",
            "file",
        )

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("source") == "file" and "file" not in attrs:
            raise serializers.ValidationError({"file": [say("No file was submitted.")]})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> models.Plugin:
        archive, source = validated_data.pop("file", None), validated_data.pop("source")
        facts = {name: validated_data.pop(name) for name in ("version", "readme", "debug", "meta")}
        if source == "file":
            facts["file"] = releases.store_archive(archive, folder="plugin_releases")
        plugin = super().create(validated_data)
        config = {"code": plugin.code, "name": plugin.name, "version": facts["version"], "actions": {}}
        author = self.context["request"].auth.user
        plugin.releases.create(config=config, is_released=False, published_by=author, **facts)
        return plugin


class Plugins(Creates, Changes):
    shows = Shown(
        models.Plugin,
        "id code name category is_active created",
        "tenant_id description system_only is_public",
    )
    filterset_class = filters_of(
        filters.PluginFilter,
        "is_active",
        category=df.ChoiceFilter(choices=[(name, name) for name in CATEGORIES]),
    )
    serializer_class = PluginBody
    frozen = ("code", "tenant", "category")

    def create(self, request: Request, **parent: str) -> Response:
        answer = super().create(request, **parent)
        release = models.PluginRelease.objects.get(plugin=answer.data["id"])
        facts = {"id": release.pk, "version": release.version, "is_released": release.is_released}
        return Response({**answer.data, "release": facts}, status=answer.status_code)

    def get_serializer_class(self) -> Any:
        changed = body_of(models.Plugin, "name description")
        return PluginBody if self.action == "create" else changed


class ReleaseBody(EntitySerializer):
    """Check a release, whose archive is told by its digest."""

    plugin = TenantRelated(queryset=models.Plugin.objects.all())
    version = serializers.RegexField(VERSION)
    sha256 = serializers.RegexField("^[0-9a-f]{64}$", write_only=True)
    file = serializers.FileField()

    class Meta:
        model = models.PluginRelease
        fields = ("plugin", "version", "sha256", "file")
        validators: list[Any] = []

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs["plugin"].tenant_id is None:
            raise PermissionDenied(say("This object belongs to the platform."))
        if attrs["plugin"].releases.filter(version=attrs["version"]).exists():
            raise releases.already_published(attrs["version"])
        digest = hashlib.sha256()
        for block in attrs["file"].chunks():
            digest.update(block)
        if digest.hexdigest() != attrs["sha256"]:
            raise serializers.ValidationError({"sha256": [say("The file has another digest.")]})
        return attrs

    def create(self, validated_data: dict[str, Any]) -> models.PluginRelease:
        plugin, version = validated_data["plugin"], validated_data["version"]
        place = releases.store_archive(validated_data["file"], folder="plugin_releases")
        config = {"code": plugin.code, "name": plugin.name, "version": version, "actions": {}}
        facts = {"config": config, "is_released": False, "published_by": self.context["request"].auth.user}
        return plugin.releases.create(version=version, file=place, **facts)


def plugin_of(release: models.PluginRelease) -> dict[str, Any]:
    """Return the plugin of *release* as it is nested in it."""
    plugin = release.plugin
    return {"id": plugin.pk, "code": plugin.code, "name": plugin.name, "category": plugin.category}


def author_of(release: models.PluginRelease) -> dict[str, Any] | None:
    """Return who published *release* as it is nested in it."""
    author = release.published_by
    return author and {
        "id": author.pk,
        "email": author.email,
        "name": author.get_full_name() or author.username,
    }


class PluginReleases(Creates, Removes):
    shows = Shown(
        models.PluginRelease,
        "id plugin_id version created debug is_released",
        "plugin readme config run_schema installation_schema available_actions author_id author meta",
        columns={
            "plugin": computed(plugin_of, joins=("plugin",)),
            "available_actions": plain("available_actions"),
            "author_id": plain("published_by_id"),
            "author": computed(author_of, joins=("published_by",)),
        },
    )
    filterset_class = filters_of(filters.PluginReleaseFilter, "debug", plugin=df.NumberFilter())
    serializer_class = ReleaseBody
    parser_classes = (MultiPartParser,)

    @write_transaction()
    def destroy(self, request: Request, pk: str, **parent: str) -> Response:
        release = self.find(pk)
        refuse_shared(release.plugin)
        if models.ServeApplication.objects.filter(job__plugin_release=release).exists():
            raise Refused(status.HTTP_409_CONFLICT, "CONFLICT", say("This object is still used by others."))
        return super().destroy(request, pk, **parent)

    @action(detail=True, methods=["post"])
    @write_transaction()
    def release(self, request: Request, pk: str) -> Response:
        """Release it to everybody, for good."""
        release = self.find(pk, to_change=True)
        refuse_shared(release.plugin)
        release.is_released = True
        release.save(update_fields=["is_released"])
        return Response(self.shown(release))


class JobBody(JobSerializer):
    """Check a report about a job: a status that it can go to, and records."""

    class Meta(JobSerializer.Meta):
        fields = ("status", "progress_record", "metrics_record", "result", "meta")

    def validate_status(self, value: str) -> str:
        if value not in models.Job.Status.values:
            raise serializers.ValidationError(say("“%(value)s” is not a valid choice.", value=value))
        before = self.instance.status
        if value != before and (before in self.TERMINAL or value == models.Job.Status.PENDING):
            text = say("A job cannot go from %(before)s to %(after)s.", before=before, after=value)
            raise Refused(status.HTTP_400_BAD_REQUEST, "INVALID_TRANSITION", text, field="status")
        return value


def queue_of(job: models.Job) -> dict[str, Any] | None:
    """Return how *job* stands in the queue, as long as it waits there."""
    if job.status != models.Job.Status.PENDING:
        return None
    since = timezone.localtime(job.modified).isoformat()
    return {"position": None, "reason": None, "blockers": [], "updated_at": since}


def error_of(job: models.Job) -> dict[str, Any] | None:
    """Return why *job* has failed, if it has."""
    if job.status != models.Job.Status.FAILED:
        return None
    message = job.result.get("error") if isinstance(job.result, dict) else None
    return {"error_type": "execution_error" if message else "unknown", "message": message}


def release_of(job: models.Job) -> dict[str, Any] | None:
    """Return the release that *job* runs as it is nested in it."""
    release = job.plugin_release
    return release and {"id": release.pk, "plugin_id": release.plugin_id, "version": release.version}


class LogBody(EntitySerializer):
    """Check one entry of a job's log."""

    level = serializers.ChoiceField(sorted(joblogs.LEVELS), default="info")

    class Meta:
        model = models.JobLog
        fields = ("event", "step", "level", "data", "file", "datetime")
        extra_kwargs: dict[str, Any] = {"data": {"required": True}, "datetime": {"required": True}}


class Jobs(Changes):
    shows = Shown(
        models.Job,
        "id status action queue error is_active created completed",
        "params progress_record metrics_record result meta plugin_release_id plugin_release modified",
        reads="result",
        columns={
            "queue": computed(queue_of),
            "error": computed(error_of),
            "is_active": plain("is_active"),
            "plugin_release": computed(release_of, joins=("plugin_release",)),
        },
    )
    filterset_class = filters_of(
        filters.JobFilter, "action", status=df.ChoiceFilter(choices=models.Job.Status.choices)
    )
    serializer_class = JobBody

    @action(detail=True)
    def console_logs(self, request: Request, pk: str) -> Response:
        """Answer the lines written so far."""
        return Response({"logs": tail.console_lines(self.find(pk))})

    @action(detail=True, renderer_classes=[JSONRenderer, tail.EventStreamRenderer])
    def tail_console_logs(self, request: Request, pk: str) -> HttpResponseBase:
        """Follow the lines to the job's end."""
        return tail.tail_console_logs(request, pk)

    @action(detail=True, methods=["post"])
    @write_transaction()
    def stop(self, request: Request, pk: str) -> Response:
        """End a job that has not ended."""
        job = self.find(pk, to_change=True)
        if not job.is_active:
            text = say("The job has ended.")
            raise Refused(status.HTTP_409_CONFLICT, "INVALID_STATE", text, current_status=job.status)
        if job.agent_id is None:
            raise NotFound(say("The job has no agent."))
        job.status = models.Job.Status.STOPPED
        job.completed = job.modified = timezone.now()
        job.save(update_fields=["status", "completed", "modified"])
        return Response(self.shown(job))

    @action(detail=True, methods=["post"])
    @write_transaction()
    def logs(self, request: Request, pk: str) -> Response:
        """Write one entry of the job's log."""
        entry = LogBody(data=request.data)
        entry.is_valid(raise_exception=True)
        made = entry.save(job=self.find(pk))
        return Response(self.log_shown(made), status=status.HTTP_201_CREATED)

    @action(detail=True, methods=["post"], url_path="logs/bulk")
    @write_transaction()
    def bulk_logs(self, request: Request, pk: str) -> Response:
        """Write many entries, all or none."""
        sent = members_of(request).get("logs")
        if isinstance(sent, list) and len(sent) > MOST_LOGS:
            text = say("There are more than %(most)s of them.", most=MOST_LOGS)
            facts = {"field": "logs", "received": len(sent), "limit": MOST_LOGS}
            raise Refused(status.HTTP_400_BAD_REQUEST, "BULK_SIZE_EXCEEDED", text, **facts)
        if not isinstance(sent, list) or not sent:
            raise ValidationError({"logs": [say("Expected a list that is not empty.")]})
        entries = LogBody(data=sent, many=True)
        entries.is_valid(raise_exception=True)
        made = entries.save(job=self.find(pk))
        return Response([self.log_shown(entry) for entry in made], status=status.HTTP_201_CREATED)

    def log_shown(self, entry: models.JobLog) -> dict[str, Any]:
        """Return the whole of an entry, as its own address answers it."""
        view = JobLogs()
        view.request = self.request
        return view.shown(entry)

    def tried(self, request: Request) -> dict[str, Any]:
        if self.action != "stop":
            return super().tried(request)
        return {"dry_run": True, "action": "stop", "target": self.kwargs["pk"]}


class JobLogs(Rows):
    shows = Shown(models.JobLog, "id job_id event step level datetime created", "data file")
    filterset_class = filters_of(
        filters.JobLogFilter,
        "job",
        event=df.CharFilter(),
        level=df.ChoiceFilter(choices=[(name, name) for name in sorted(joblogs.LEVELS)]),
    )


class Models(Creates, Changes, Removes):
    shows = Shown(
        models.Model,
        "id name category is_released is_external created",
        "tenant_id neural_net_id dataset_id description configuration",
    )
    filterset_class = filters_of(filters.ModelFilter, "is_released")
    serializer_class = body_of(models.Model, "name description")

    def create(self, request: Request, **_parent: str) -> Response:
        body = members_of(request)
        faults = {}
        if not isinstance(body.get("file"), UploadedFile):
            faults["file"] = [say("No file was submitted.")]
        if not is_key(str(body.get("plugin") or "")):
            faults["plugin"] = [say("Expected a number.")]
        if faults:
            raise ValidationError(faults)
        return Response(self.shown(releases.register_model(request)), status=status.HTTP_201_CREATED)

    def partial_update(self, request: Request, pk: str, **parent: str) -> Response:
        self.frozen = tuple(name for name in members_of(request) if name not in ("name", "description"))
        return super().partial_update(request, pk, **parent)

    @write_transaction()
    def destroy(self, request: Request, pk: str, **parent: str) -> Response:
        if self.find(pk).children.exists():
            raise Refused(status.HTTP_409_CONFLICT, "CONFLICT", say("This object is still used by others."))
        return super().destroy(request, pk, **parent)

    @action(detail=True)
    def lineage(self, request: Request, pk: str) -> Response:
        """Answer what the model was made from."""
        row = self.find(pk)
        above, ancestors = row.parent, []
        while above is not None and len(ancestors) < MOST_ANCESTORS:
            ancestors.append({"id": above.pk, "name": above.name, "description": above.description})
            above = above.parent
        return Response(
            {
                "model": {name: getattr(row, name) for name in LINEAGE} | {"created_by_id": None},
                "train_summary": None,
                "dataset_version": None,
                "gt_source_counts": {},
                "ancestors": ancestors,
                "truncated": above is not None,
                "max_depth": MOST_ANCESTORS,
            }
        )
