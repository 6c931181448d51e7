"""The calls of the flat client that talk to a backend."""

from __future__ import annotations

import itertools

from collections.abc import Callable
from typing import Any, Final

from tests.faults.every_object import NUMBERS, Call, World, annotation, unique


def _client(method: str, *given: Callable[[World], Any], writes: bool = False, **named: Any) -> Call:
    def do(w: World) -> Any:
        found = getattr(w.client, method)(*(each(w) for each in given), **named)
        if isinstance(found, tuple):  # list_all=True: rows, and how many
            return list(found[0]), found[1]
        return list(itertools.islice(found, 3)) if hasattr(found, "__next__") else found

    all_of = "(list_all)" if named.get("list_all") else ""
    return Call(f"BackendClient.{method}{all_of}", do, writes)


def _body(**values: Any) -> Callable[[World], dict[str, Any]]:
    def make(w: World) -> dict[str, Any]:
        return {name: value(w) if callable(value) else value for name, value in values.items()}

    return make


_LISTS: Final = (
    "list_task_tags",
    "list_tasks",
    "list_tasks_data",
    "list_tasks_files",
    "list_assignments",
    "list_assignments_data",
    "list_assignments_files",
    "list_data_collections",
    "list_data_units",
    "list_agents",
    "list_serve_applications",
    "list_jobs",
    "list_storages",
    "list_models",
    "list_ground_truth_events",
    "list_ground_truth_events_data",
    "list_ground_truth_events_files",
    "list_ground_truths",
    "list_ground_truth_versions",
)
_WHOLE: Final = (
    "list_tasks",
    "list_tasks_data",
    "list_tasks_files",
    "list_assignments",
    "list_assignments_data",
    "list_assignments_files",
    "list_data_units",
    "list_serve_applications",
    "list_ground_truth_events",
    "list_ground_truth_events_data",
    "list_ground_truth_events_files",
    "list_ground_truths",
)

CLIENT: Final = [
    *(_client(name) for name in _LISTS),
    *(_client(name, list_all=True) for name in _WHOLE),
    _client("list_plugin_releases", lambda w: w.keys.code),
    _client("get_project", lambda w: w.keys.project),
    _client("get_task", lambda w: w.keys.task),
    _client("get_task_tag", lambda w: w.keys.tag),
    _client("get_assignment", lambda w: w.keys.assignment),
    _client("get_data_collection", lambda w: w.keys.collection),
    _client("get_data_unit", lambda w: w.keys.unit),
    _client("get_plugin", lambda w: w.keys.plugin),
    _client("get_plugin_release", lambda w: w.keys.release),
    _client("get_plugin_release_by_lookup", lambda w: f"{w.keys.code}@{w.keys.version}"),
    _client("get_job", lambda w: w.keys.job),
    _client("get_storage", lambda w: w.keys.storage),
    _client("get_default_storage"),
    _client("get_model", lambda w: w.keys.model),
    _client("get_ground_truth_version", lambda w: w.keys.ground_truth_version),
    _client("list_job_console_logs", lambda w: w.keys.job),
    _client("tail_job_console_logs", lambda w: w.keys.job),
    _client("verify_data_files_checksums", lambda w: [w.keys.checksum]),
    Call("BackendClient.exists", lambda w: w.client.exists("list_tasks", {"project": w.keys.project})),
    _client("health_check_agent", lambda w: w.keys.agent_token, writes=True),
    _client("annotate_task_data", lambda w: w.keys.task, lambda w: {"data": annotation()}, writes=True),
    _client(
        "annotate_task_data_batch",
        lambda w: [{"task_id": w.keys.task, "data": {"data": annotation()}}],
        writes=True,
    ),
    _client(
        "create_tasks",
        lambda w: [{"project": w.keys.project, "data_unit": w.keys.free_unit}],
        writes=True,
    ),
    *(
        _client(f"set_tags_{name}", _body(ids=key, tags=lambda w: [w.keys.tag], action="add"), writes=True)
        for name, key in (
            ("tasks", lambda w: [w.keys.task]),
            ("assignments", lambda w: [w.keys.assignment]),
        )
    ),
    _client("create_chunked_upload", lambda w: w.new("a.png"), writes=True),
    _client("create_data_file", lambda w: w.new("a.png"), writes=True),
    _client(
        "upload_data_file",
        lambda w: {"files": {"image_1": w.new("a.png")}},
        lambda w: w.keys.collection,
        writes=True,
    ),
    _client(
        "create_data_units",
        lambda w: [
            {"data_collection": w.keys.collection, "files": {"image_1": {"checksum": w.keys.checksum}}}
        ],
        writes=True,
    ),
    _client(
        "upload_data_collection",
        lambda w: w.keys.collection,
        lambda w: [{"files": {"image_1": w.new("a.png")}}],
        writes=True,
    ),
    _client(
        "create_plugin",
        lambda w: {"name": unique("plugin"), "code": f"every-{next(NUMBERS)}", "category": "custom"},
        writes=True,
    ),
    _client("update_plugin", lambda w: w.keys.plugin, lambda w: {"description": "new"}, writes=True),
    _client("run_plugin", lambda w: w.keys.plugin, lambda w: {"action": "train", "params": {}}, writes=True),
    _client(
        "create_plugin_release",
        lambda w: {"plugin": w.keys.code, "version": f"8.0.{next(NUMBERS)}"},
        writes=True,
    ),
    _client(
        "create_serve_application",
        lambda w: {"job": w.keys.job, "status": "RUNNING", "data": {}},
        writes=True,
    ),
    _client("update_job", lambda w: w.keys.job, lambda w: {"progress_record": {"n": 1}}, writes=True),
    _client("create_logs", _body(event="log", data=lambda w: {}, job=lambda w: w.keys.job), writes=True),
    _client(
        "create_storage",
        lambda w: {
            "name": unique("store"),
            "category": "internal",
            "provider": "amazon_s3",
            "configuration": {"bucket_name": "b", "access_key": "a", "secret_key": "s", "region_name": "r"},
        },
        writes=True,
    ),
    _client("upload_files_bulk", lambda w: [w.new("a.png")], writes=True),
    _client("create_model", lambda w: {"name": unique("model")}, writes=True),
]
