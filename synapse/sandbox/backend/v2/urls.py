"""The addresses below `/v2/`."""

from __future__ import annotations

from typing import NoReturn

from django.urls import include, path, re_path
from rest_framework.exceptions import NotFound
from rest_framework.request import Request
from rest_framework.routers import SimpleRouter

from . import data, records, runs, work, workspace
from .envelope import Enveloped

router = SimpleRouter()
for prefix, view in {
    "projects": work.Projects,
    "projects/(?P<parent>[^/]+)/tags": work.TaskTags,
    "tasks": work.Tasks,
    "assignments": work.Assignments,
    "data-collections": data.DataCollections,
    "data-collections/(?P<parent>[^/]+)/groups": data.DataGroups,
    "data-units": data.DataUnits,
    "data-files": data.DataFiles,
    "ground-truth-datasets": data.GroundTruthDatasets,
    "ground-truth-datasets/(?P<parent>[^/]+)/versions": data.GroundTruthVersions,
    "ground-truths": data.GroundTruths,
    "ground-truth-events": data.GroundTruthEvents,
    "plugins": runs.Plugins,
    "plugin-releases": runs.PluginReleases,
    "jobs": runs.Jobs,
    "job-logs": runs.JobLogs,
    "models": runs.Models,
    "experiments": records.Experiments,
    "trains": records.Trains,
    "uploads": records.Uploads,
    "exports": records.Exports,
    "pre-annotations": records.PreAnnotations,
    "async_jobs": records.AsyncJobs,
    "reviews": work.Reviews,
    "workshops": work.Workshops,
    "members": workspace.Members,
    "groups": workspace.Groups,
    "tenants": workspace.Tenants,
    "tokens": workspace.Tokens,
}.items():
    router.register(prefix, view, basename=prefix)


class Unknown(Enveloped):
    """Whatever is not here is told in the form of all other errors."""

    authentication_classes = ()
    permission_classes = ()

    def missing(self, request: Request, **_kwargs: str) -> NoReturn:
        raise NotFound


READ_TOGETHER = {"get": "list", "post": "create"}
ONE_TAG = {"get": "retrieve", "patch": "partial_update", "delete": "destroy"}

urlpatterns = [
    path("", include(router.urls)),
    path("projects/<parent>/review-tags/", work.ProjectReviewTags.as_view(READ_TOGETHER)),
    path("review-tags/<pk>/", work.ReviewTags.as_view(ONE_TAG)),
    *(
        path(f"review-tags/<pk>/{name}/", work.ReviewTags.as_view({"get": name}))
        for name in ("check_permission", "permissions", "roles")
    ),
    re_path(
        "^projects/(?P<pk>[^/]+)/statistics/(?P<kind>class|defect|rejection|worker)/$",
        work.Statistics.as_view({"get": "retrieve"}),
    ),
    path("plugin_exports/", records.PluginExports.as_view({"post": "create"})),
    path("schemas/file-specifications/", workspace.Schemas.as_view({"get": "file_specifications"})),
    path(
        "schemas/annotation-configurations/", workspace.Schemas.as_view({"get": "annotation_configurations"})
    ),
    path("users/me/", workspace.Account.as_view({"get": "retrieve"})),
    path(
        "ground-truth-datasets/<dataset>/versions/<version>/events/",
        data.VersionEvents.as_view({"get": "list"}),
    ),
    re_path("", Unknown.as_view(dict.fromkeys(("get", "post", "put", "patch", "delete"), "missing"))),
]
