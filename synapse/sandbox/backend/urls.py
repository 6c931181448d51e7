"""Every address of the backend."""

from __future__ import annotations

from django.contrib import admin
from django.contrib.staticfiles.views import serve as serve_static
from django.urls import include, path, re_path
from django.views.i18n import set_language
from rest_framework.routers import SimpleRouter

from . import (
    faces,  # noqa: F401  (declares what the views answer)
    media,
    uploads,
    views_data,
    views_home,
    views_plugins,
    views_users,
    views_work,
)

router = SimpleRouter()
for prefix, view in {
    "projects": views_work.Projects,
    "tasks": views_work.Tasks,
    "task_tags": views_work.TaskTags,
    "assignments": views_work.Assignments,
    "ground_truths": views_work.GroundTruths,
    "ground_truth_datasets": views_work.GroundTruthDatasets,
    "ground_truth_dataset_versions": views_work.GroundTruthVersions,
    "sdk/tasks": views_work.SdkTasks,
    "sdk/assignments": views_work.SdkAssignments,
    "sdk/ground_truth_events": views_work.SdkGroundTruthEvents,
    "data_collections": views_data.DataCollections,
    "data_files": views_data.DataFiles,
    "data_units": views_data.DataUnits,
    "storages": views_data.Storages,
    "plugins": views_plugins.Plugins,
    "plugin_releases": views_plugins.PluginReleases,
    "jobs": views_plugins.Jobs,
    "logs": views_plugins.JobLogs,
    "models": views_plugins.Models,
    "agents": views_plugins.Agents,
    "serve_applications": views_plugins.ServeApplications,
}.items():
    router.register(prefix, view, basename=prefix.replace("/", "-"))

chunks = uploads.ChunkedUploadView.as_view()

urlpatterns = [
    path("", views_home.home),
    path("", include(router.urls)),
    path("v2/", include("synapse.sandbox.backend.v2.urls")),
    path("chunked_upload/", chunks, name="chunkedupload-list"),
    path("chunked_upload/<uuid:pk>/", chunks, name="chunkedupload-detail"),
    path("users/me/", views_users.me),
    path("users/login/", views_users.login),
    path("health", views_users.health),
    path("health/", views_users.health),
    path("media/<path:path>", media.serve_media),
    re_path(r"^static/(?P<path>.*)$", serve_static, {"insecure": True}),
    path("admin/", admin.site.urls),
    path("language/", set_language, name="set_language"),
]
handler400 = "synapse.sandbox.backend.limits.bad_request"
