"""The same calls for the vendor's client and for ours; each runs them in a process of its own.

The address and the client come on stdin; what came of each call goes to stdout, a JSON line each.
"""

from __future__ import annotations

import json
import re
import sys

from collections.abc import Callable
from pathlib import Path
from types import GeneratorType
from typing import Any

sys.path.insert(0, str(Path(__file__).parent))

CALLS: dict[str, Callable[[Any, Any], Any]] = {}

PAYLOAD = {
    "annotations": {
        "image_1": [{"id": "Qm3Zt81xYk", "tool": "bounding_box", "classification": {"class": "정지"}}]
    },
    "annotationsData": {
        "image_1": [{"id": "Qm3Zt81xYk", "coordinate": {"x": 1, "y": 2, "width": 3, "height": 4}}]
    },
}


def call(function: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """Make a function one of the calls."""
    CALLS[function.__name__] = function
    return function


def each(**calls: Callable[[Any, Any], Any]) -> None:
    """Make several of them."""
    CALLS.update(calls)


class Ids:
    """Keys of what the seeded workspace holds, and files with the same content for everybody."""

    def __init__(self, client: Any) -> None:
        from vendor_world import png

        self.collection = client.list_data_collections()["results"][0]["id"]
        task = client.list_tasks({"ordering": "id"})["results"][0]
        self.task, self.project = task["id"], task["project"]
        self.tags = [row["id"] for row in client.list_task_tags({"project": self.project})["results"]]
        self.assignment = client.list_assignments({"ordering": "id"})["results"][0]["id"]
        self.jobs = [row["id"] for row in client.list_jobs({"ordering": "created"})["results"]]
        release = client.get_plugin_release_by_lookup("sign-detector@1.0.0")
        self.release, self.plugin = release["id"], release["plugin"]["id"]
        self.version = client.list_ground_truth_versions()["results"][0]["id"]
        self.model = client.list_models()["results"][0]["id"]
        for number in range(8):
            Path(f"{number}.png").write_bytes(png(bytes(12 * [number])))
        Path("weights.zip").write_bytes(b"PK\x05\x06" + bytes(18))

    @property
    def token(self) -> str:
        """The token of an agent, as the seed makes one at random."""
        return TOKENS[0]


TOKENS: list[str] = []


def first_token(agents: Any) -> Any:
    """Keep an agent's token for the call that needs it."""
    agent = agents[0]
    TOKENS.append(agent["token"] if isinstance(agent, dict) else agent.token)
    return agents


# --- projects, tasks, tags, assignments ------------------------------------------
each(
    get_project=lambda c, ids: c.get_project(ids.project),
    get_task=lambda c, ids: c.get_task(ids.task),
    get_task_expanded=lambda c, ids: c.get_task(
        ids.task, params={"expand": ["data_unit"], "fields": "id,data,data_unit"}
    ),
    get_task_unknown=lambda c, ids: c.get_task(10**9),
    annotate_task_data=lambda c, ids: c.annotate_task_data(ids.task, {"action": "submit", "data": PAYLOAD}),
    annotate_task_data_any=lambda c, ids: c.annotate_task_data(
        ids.task, {"action": "save", "data": {"free": "form"}}, schema="any"
    ),
    annotate_task_data_empty=lambda c, ids: c.annotate_task_data(ids.task, {"action": "submit", "data": {}}),
    annotate_task_data_batch=lambda c, ids: c.annotate_task_data_batch(
        [{"task_id": ids.task, "data": {"action": "submit", "data": PAYLOAD}}], max_workers=1
    ),
    list_tasks=lambda c, ids: c.list_tasks({"project": ids.project, "page_size": 5}),
    list_tasks_filtered=lambda c, ids: c.list_tasks(
        {"status_label": ["completed", "in_progress"], "is_discarded": False, "ordering": "-id"}
    ),
    list_tasks_unfiltered_by_a_typo=lambda c, ids: c.list_tasks({"projct": ids.project}),
    list_tasks_all=lambda c, ids: c.list_tasks({"project": ids.project, "page_size": 5}, list_all=True),
    list_tasks_of_ids=lambda c, ids: c.list_tasks({"ids": [ids.task, ids.task + 1], "ordering": "id"}),
    list_tasks_beyond=lambda c, ids: c.list_tasks({"page": 9999}),
    list_tasks_beyond_all=lambda c, ids: c.list_tasks({"page": 9999}, list_all=True),
    set_tags_misspelt=lambda c, ids: c.set_tags_tasks({"ids": [ids.task], "tags": ids.tags, "actoin": "remove"}),
    list_tasks_all_ordered=lambda c, ids: c.list_tasks({"ordering": "created", "page_size": 7}, list_all=True),
    list_tasks_all_by_cursor=lambda c, ids: c.list_tasks(
        {"ordering": "-id", "page_size": 9, "pagination": "cursor"}, list_all=True
    ),
    list_tasks_data=lambda c, ids: c.list_tasks_data({"id__in": ids.task}),
    list_tasks_data_all=lambda c, ids: c.list_tasks_data({"project": ids.project}, list_all=True),
    list_tasks_files=lambda c, ids: c.list_tasks_files({"ids": str(ids.task)}),
    list_tasks_files_all=lambda c, ids: c.list_tasks_files(
        {"project": ids.project}, url_conversion={}, list_all=True
    ),
    create_tasks_refused=lambda c, ids: c.create_tasks({"project": ids.project, "data": [{"data_unit": 10**9}]}),
    get_task_tag=lambda c, ids: c.get_task_tag(ids.tags[0]),
    list_task_tags=lambda c, ids: c.list_task_tags({"project": ids.project}),
    set_tags_tasks=lambda c, ids: c.set_tags_tasks({"ids": [ids.task], "tags": ids.tags, "action": "add"}),
    set_tags_tasks_off=lambda c, ids: c.set_tags_tasks(
        {"ids": [ids.task], "tags": ids.tags[:1], "action": "remove"}
    ),
    get_assignment=lambda c, ids: c.get_assignment(ids.assignment),
    list_assignments=lambda c, ids: c.list_assignments({"status_label": "completed", "expand": "data"}),
    list_assignments_all=lambda c, ids: c.list_assignments({"page_size": 4}, list_all=True),
    list_assignments_data=lambda c, ids: c.list_assignments_data(),
    list_assignments_files=lambda c, ids: c.list_assignments_files({"page_size": 3}),
    set_tags_assignments=lambda c, ids: c.set_tags_assignments(
        {"ids": [ids.assignment], "tags": ids.tags[:1], "action": "add"}
    ),
)  # fmt: skip

# --- collections, files, units, storages -----------------------------------------
each(
    list_data_collections=lambda c, ids: c.list_data_collections(),
    get_data_collection=lambda c, ids: c.get_data_collection(ids.collection),
    create_chunked_upload=lambda c, ids: c.create_chunked_upload("0.png", chunk_size=40),
    get_chunked_upload=lambda c, ids: c.get_chunked_upload(c.create_chunked_upload("weights.zip")["id"]),
    create_data_file=lambda c, ids: c.create_data_file("1.png"),
    create_data_file_in_chunks=lambda c, ids: c.create_data_file("2.png", use_chunked_upload=True),
    create_data_file_missing=lambda c, ids: c.create_data_file("nowhere.png"),
    upload_data_file=lambda c, ids: c.upload_data_file(
        {"files": {"image_1": "3.png"}, "meta": {"frame": 3}, "groups": "day 1"}, ids.collection
    ),
    create_data_units=lambda c, ids: c.create_data_units(
        [c.upload_data_file({"files": {"image_1": f"{n}.png"}, "meta": {"n": n}}, ids.collection) for n in (4, 5)]
    ),
    create_data_units_refused=lambda c, ids: c.create_data_units(
        [{"data_collection": ids.collection, "files": {"image_1": {"checksum": "f" * 32}}}]
    ),
    upload_data_collection=lambda c, ids: c.upload_data_collection(
        ids.collection, [{"files": {"image_1": f"{n}.png"}} for n in (6, 7)], max_workers=1
    ),
    create_tasks=lambda c, ids: c.create_tasks(
        {"project": ids.project, "data": [{"data_unit": row["id"]} for row in newest_units(c, ids)]}
    ),
    get_data_unit=lambda c, ids: c.get_data_unit(1, params={"expand": "files"}),
    list_data_units=lambda c, ids: c.list_data_units({"data_collection": ids.collection}),
    list_data_units_all=lambda c, ids: c.list_data_units({"page_size": 10}, url_conversion={}, list_all=True),
    list_data_units_all_fetched=lambda c, ids: c.list_data_units(
        {"data_collection": ids.collection},
        url_conversion={"files_fields": ["files"], "is_list": True, "coerce": lambda path: path.stat().st_size},
        list_all=True,
    ),
    list_data_units_all_by_default=lambda c, ids: c.list_data_units({"page_size": 2}, list_all=True),
    verify_data_files_checksums=lambda c, ids: c.verify_data_files_checksums(["0" * 32, "f" * 32]),
    get_storage=lambda c, ids: c.get_storage(1),
    get_default_storage=lambda c, ids: c.get_default_storage(),
    request_presigned_upload_refused=lambda c, ids: c.request_presigned_upload([{"filename": "a.png", "size": 1}]),
)  # fmt: skip


def newest_units(client: Any, ids: Ids) -> Any:
    """The two units that came last."""
    return client.list_data_units({"data_collection": ids.collection, "ordering": "-id", "page_size": 2})[
        "results"
    ]


# --- agents, plugins, jobs, logs -------------------------------------------------
ENTRY = {"event": "log", "data": {"n": 1}, "datetime": "2026-01-05T10:00:00+09:00"}

each(
    list_agents=lambda c, ids: first_token(c.list_agents()),
    health_check_agent=lambda c, ids: c.health_check_agent(ids.token),
    create_plugin=lambda c, ids: c.create_plugin({"name": "내보내기", "code": "exporter", "category": "export"}),
    create_plugin_twice=lambda c, ids: c.create_plugin({"name": "x", "code": "exporter", "category": "export"}),
    get_plugin=lambda c, ids: c.get_plugin(ids.plugin),
    update_plugin=lambda c, ids: c.update_plugin(ids.plugin, {"description": "finds signs"}),
    create_plugin_release=lambda c, ids: c.create_plugin_release(
        {"plugin": "exporter", "version": "1.0.0", "config": {"a": {"b": 1}}, "requirements": ["numpy", "torch"]},
        file="weights.zip",
    ),
    create_plugin_release_bare=lambda c, ids: c.create_plugin_release({"plugin": "exporter", "version": "1.1.0"}),
    create_plugin_release_twice=lambda c, ids: c.create_plugin_release({"plugin": "exporter", "version": "1.1.0"}),
    get_plugin_release=lambda c, ids: c.get_plugin_release(ids.release, params={"expand": "plugin"}),
    get_plugin_release_by_lookup=lambda c, ids: c.get_plugin_release_by_lookup("sign-detector@1.1.0"),
    list_plugin_releases=lambda c, ids: c.list_plugin_releases("sign-detector"),
    list_jobs=lambda c, ids: c.list_jobs({"status": "SUCCEEDED", "page_size": 2}),
    get_job=lambda c, ids: c.get_job(ids.jobs[0], params={"expand": ["plugin_release", "logs"]}),
    update_job=lambda c, ids: c.update_job(ids.jobs[0], {"result": {"by": "사람"}, "meta": {"a": 1}}),
    update_job_misspelt=lambda c, ids: c.update_job(ids.jobs[0], {"progres_record": {}}),
    update_job_of_none=lambda c, ids: c.update_job(ids.jobs[0], {"meta": {"a": 2}, "result": None}),
    list_job_console_logs=lambda c, ids: c.list_job_console_logs(ids.jobs[0]),
    tail_job_console_logs=lambda c, ids: c.tail_job_console_logs(ids.jobs[0]),
    create_logs=lambda c, ids: c.create_logs({**ENTRY, "job": ids.jobs[0], "file": "0.png"}),
    create_logs_list=lambda c, ids: c.create_logs([{**ENTRY, "job": ids.jobs[0]} for _ in range(2)]),
    create_serve_application=lambda c, ids: c.create_serve_application(
        {"job": ids.jobs[0], "status": "DEPLOYING", "data": {"route": "/detect"}}
    ),
    list_serve_applications=lambda c, ids: c.list_serve_applications(),
    list_serve_applications_all=lambda c, ids: c.list_serve_applications({"job__agent": 1}, list_all=True),
)  # fmt: skip

# --- models, ground truths, the client itself ------------------------------------
each(
    list_models=lambda c, ids: c.list_models({"is_released": True}),
    get_model=lambda c, ids: c.get_model(ids.model, url_conversion={}),
    get_model_fetched=lambda c, ids: c.get_model(
        ids.model, url_conversion={"files_fields": ["file"], "coerce": lambda path: path.stat().st_size}
    ),
    get_model_by_default=lambda c, ids: c.get_model(ids.model),
    create_model=lambda c, ids: c.create_model({"name": "모델", "version": "2"}, file="weights.zip"),
    list_ground_truth_events=lambda c, ids: c.list_ground_truth_events(
        {"ground_truth_dataset_versions": [ids.version], "page_size": 3}
    ),
    list_ground_truth_events_all=lambda c, ids: c.list_ground_truth_events(
        {"ground_truth_dataset_versions": [ids.version], "page_size": 3}, url_conversion={}, list_all=True
    ),
    list_ground_truth_events_data=lambda c, ids: c.list_ground_truth_events_data({"page_size": 2}),
    list_ground_truth_events_data_all=lambda c, ids: c.list_ground_truth_events_data(list_all=True, page_size=4),
    list_ground_truth_events_files=lambda c, ids: c.list_ground_truth_events_files({"page_size": 2}),
    get_ground_truth_version=lambda c, ids: c.get_ground_truth_version(ids.version),
    list_ground_truths=lambda c, ids: c.list_ground_truths({"category": "train"}),
    list_ground_truths_all=lambda c, ids: c.list_ground_truths({"page_size": 5}, url_conversion={}, list_all=True),
    list_ground_truth_versions=lambda c, ids: c.list_ground_truth_versions(),
    exists=lambda c, ids: c.exists("list_tasks", {"project": ids.project}),
    reset_connection=lambda c, ids: c.reset_connection(),
    run_plugin=lambda c, ids: set(c.run_plugin("sign-detector", {"action": "train", "params": {"seconds": 0}})),
)  # fmt: skip


def plain(value: Any) -> Any:
    """Write a value so that both clients' can be compared: iterators as lists, models as objects."""
    if hasattr(value, "model_dump"):
        return plain(value.model_dump(mode="json"))
    if isinstance(value, dict):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, GeneratorType | list | tuple | set | frozenset):
        return (
            sorted(map(plain, value))
            if isinstance(value, set | frozenset)
            else [plain(inner) for inner in value]
        )
    return value if isinstance(value, str | int | float | bool | None) else f"<{type(value).__name__}>"


def outcome(function: Callable[[Any, Any], Any], client: Any, ids: Ids) -> dict[str, Any]:
    """Call, and tell what came of it."""
    try:
        return {"value": plain(function(client, ids))}
    except Exception as error:
        detail = getattr(error, "detail", None)
        return {"error": [getattr(error, "status_code", None), plain(detail)], "kind": type(error).__name__}


def main() -> None:
    """Make every call, each after a word to the recorder between."""
    import requests

    given = json.load(sys.stdin)
    if given["client"] == "vendor":
        import warnings

        from synapse_sdk.clients.backend import BackendClient

        warnings.simplefilter("ignore")
    else:
        from synapse import BackendClient
    client = BackendClient(given["url"], given["token"], tenant=given["tenant"])
    ids = Ids(client)
    for name, function in CALLS.items():
        requests.get(f"{given['url']}/__call__/{name}", timeout=30)
        line = {"call": name, **outcome(function, client, ids)}
        text = json.dumps(line, ensure_ascii=False)
        sys.stdout.write(re.sub(re.escape(given["url"]), "http://backend", text) + "\n")
    client.close()


if __name__ == "__main__":
    main()
