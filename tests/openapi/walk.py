"""A walk over all that the sandbox has below `/v2/`, which keeps every request with its answer."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile

from typing import Any, Final

import requests

from synapse.sandbox import Sandbox
from tests.openapi.judging import Call

MOMENT: Final = "2026-01-01T00:00:00Z"
RUNS: Final = f"created_after={MOMENT}&created_before=2100-01-01T00:00:00Z&job__status=SUCCEEDED"
BOUNDS: Final = "".join(
    f"&{name}__{side}={MOMENT}"
    for name in ("created", "label_submitted", "last_labeled", "last_reviewed", "labeler_last_action_at")
    for side in ("gt", "gte", "lt", "lte")
)
# Each list with all of its filters.
LISTS: Final = {
    "projects": "category=image&data_collection=1",
    "projects/1/tags": "category=project",
    "projects/1/review-tags": "name=wide",
    "tasks": "has_data=true&is_discarded=false&project=1&schema=dm_schema_v1",
    "assignments": "project=1&workshop=1&id=1&id__in=1,2&id__gt=0&id__gte=1&id__lt=9&id__lte=9"
    "&tasks=1,2&users=2&reviewers=2&groups=1&stages=1&tags=1&task_tags=1&status_label=completed,skipped&status_review=rejected&is_confirmed=true"
    f"&is_discarded=false&is_discard_confirmed=false{BOUNDS}",
    "data-collections": "category=image",
    "data-collections/1/groups": "",
    "data-units": "data_collection=1",
    "data-files": "checksum=0&data_collection=1",
    "ground-truth-datasets": "project=1",
    "ground-truth-datasets/1/versions": "",
    "ground-truths": "categories=test,train&category=train&classes=stop,yield&ground_truth_dataset=1&id=1&task=1",
    "ground-truth-events": "ground_truth_dataset=1&ground_truth_dataset_version=1&pgh_obj_id__in=1,2&project=1",
    "plugins": "category=neural_net&is_active=true",
    "plugin-releases": "debug=false&plugin=1",
    "jobs": "action=train&status=FAILED",
    "job-logs": f"event=status&job={uuid.UUID(int=1)}&level=info",
    "models": "is_released=true",
    "experiments": "",
    "trains": f"{RUNS}&dataset=1&experiment=1&has_model=true&search=Run",
    "uploads": f"{RUNS}&data_collection=1&project=1&storage=1&job__action=train",
    "exports": f"{RUNS}&project=1&storage=1&target=task",
    "pre-annotations": f"{RUNS}&method=file&pre_processor=1&target=task",
    "reviews": "assignment=1&scope=group",
    "workshops": "project=1&status=1",
    "members": "role=owner",
    "groups": "",
    "tenants": "",
    "tokens": "",
}
# Whose single rows can be asked what may be done with them.
WITH_PERMISSIONS: Final = (
    "projects",
    "projects/1/tags",
    "tasks",
    "assignments",
    "data-collections",
    "data-collections/1/groups",
    "data-units",
    "ground-truth-datasets/1/versions",
    "ground-truth-events",
    "experiments",
    "reviews",
    "review-tags",
    "workshops",
)
SINGLES: Final = {"projects/1/review-tags": "review-tags"}
KEYS: Final = {"ground-truth-events": "pgh_id", "tenants": "code"}


class Walker:
    """Goes over one sandbox and keeps what it was answered."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.calls: list[Call] = []
        self._url = f"{sandbox.url}/v2"
        self._session = requests.Session()
        self._session.headers["SYNAPSE-ACCESS-TOKEN"] = sandbox.api_token

    def send(self, method: str, path: str, body: Any = None, *, expected: int = 200, **options: Any) -> Any:
        """Send one request, keep it, and return the data of its answer."""
        given = {"json": body} if body is not None else {}
        answer = self._session.request(method, f"{self._url}/{path}", timeout=60, **given, **options)
        self.calls.append(Call.of(answer, sparse="fields=" in path))
        assert answer.status_code == expected, (method, path, answer.status_code, answer.text[:500])
        if answer.headers.get("Content-Type") != "application/json":
            return None
        found = answer.json()
        return found.get("data", found)

    def get(self, path: str) -> Any:
        """Read."""
        return self.send("GET", path)

    def make(self, path: str, body: Any) -> Any:
        """Try a creation out, and do it."""
        self.send("POST", f"{path}?dry_run=true", body, expected=201)
        return self.send("POST", path, body, expected=201)

    def write(self, method: str, path: str, body: Any = None) -> Any:
        """Try a change out, and do it."""
        self.send(method, f"{path}{'&' if '?' in path else '?'}dry_run=true", body)
        return self.send(method, path, body)

    def remove(self, path: str) -> None:
        """Try a deletion out, and do it."""
        self.send("DELETE", f"{path}?dry_run=true")
        self.send("DELETE", path, expected=204)


def walk(sandbox: Sandbox) -> list[Call]:
    """Read and write all that a seeded sandbox with an object storage has; return the calls."""
    walker = Walker(sandbox)
    for part in (
        reading,
        lists_in_detail,
        working,
        filling,
        accepting,
        running,
        recording,
        belonging,
        refusing,
    ):
        part(walker)
    return walker.calls


def reading(walker: Walker) -> None:
    """Read every list with and without its filters, and a single row of each."""
    for path, filters in LISTS.items():
        rows = walker.get(f"{path}/?per_page=2")
        walker.get(f"{path}/?{filters}")
        pk = rows[0][KEYS.get(path, "id")]
        one = f"{SINGLES.get(path, path)}/{pk}/"
        walker.get(one)
        if SINGLES.get(path, path) in WITH_PERMISSIONS:
            for name in ("check_permission", "permissions", "roles"):
                walker.get(f"{one}{name}/")


def lists_in_detail(walker: Walker) -> None:
    """Follow a cursor, sort, ask for some members only, and read payloads by their keys."""
    page = walker._session.get(f"{walker._url}/tasks/?per_page=2", timeout=60).json()
    walker.get(f"tasks/?per_page=2&cursor={page['meta']['pagination']['next_cursor']}")
    walker.get("assignments/?sort=-id&fields=id,created")
    walker.get("ground-truth-events/?sort=-pgh_id&per_page=1")
    walker.get("ground-truths/1/?response_mode=presigned")
    walker.get("ground-truth-datasets/1/versions/1/events/")
    for path in ("tasks/bulk-fetch/", "assignments/bulk-fetch/", "ground-truths/bulk-data/"):
        walker.send("POST", path, {"ids": [2, 1, 999_999]})
        walker.send("POST", f"{path}?response_mode=presigned", {"ids": [1]})
    walker.send("POST", "ground-truth-events/bulk-data/", {"pgh_ids": [1, 2], "response_mode": "inline"})


def working(walker: Walker) -> None:
    """Make a project with its tags, tasks, reviews and workshops, work on it, and take it away."""
    body = {"title": "Walked", "category": "image", "configuration": {}, "data_collection": 1}
    project = walker.make("projects/", body)["id"]
    walker.write("PATCH", f"projects/{project}/", {"description": "Changed."})
    walker.write("PUT", f"projects/{project}/", {**body, "title": "Replaced"})
    for kind in ("class", "defect", "rejection", "worker"):
        walker.get(f"projects/{project}/statistics/{kind}/?datetime={MOMENT}")
    tag = walker.make(f"projects/{project}/tags/", {"name": "hard", "category": "project"})["id"]
    walker.write("PATCH", f"projects/{project}/tags/{tag}/", {"name": "harder"})
    walker.remove(f"projects/{project}/tags/{tag}/")
    remark = walker.make(f"projects/{project}/review-tags/", {"name": "loose"})["id"]
    walker.write("PATCH", f"review-tags/{remark}/", {"background_color": "#112233"})
    walker.remove(f"review-tags/{remark}/")
    task = walker.make("tasks/", {"project": project, "data_unit": 1, "meta": {"n": 1}})["id"]
    walker.write("PATCH", f"tasks/{task}/", {"meta": {"n": 2}})
    walker.write("PUT", f"tasks/{task}/", {"project": project, "data_unit": 1, "workshop": None})
    walker.make("tasks/bulk-create/", {"project": project, "data_unit_ids": [1, 2, 3]})
    walker.write("PUT", f"tasks/{task}/annotate-task-data/?schema=any", {"action": "save", "data": {"n": 1}})
    walker.write("PUT", "assignments/1/data/", {"data": {"n": 1}})
    review = walker.make("reviews/", {"assignment": 1, "scope": "annotation", "object_id": "a"})["id"]
    walker.write("PATCH", f"reviews/{review}/", {"description": "Better."})
    workshop = walker.make("workshops/", {"project": project, "name": "Round"})["id"]
    walker.write("PATCH", f"workshops/{workshop}/", {"status": 2})
    walker.remove(f"workshops/{workshop}/")
    other = walker.make("workshops/", {"project": project, "name": "Other"})["id"]
    walker.make(f"workshops/{other}/participate/", {"role": "labeler"})
    walker.send("DELETE", f"workshops/{other}/", expected=409)
    walker.remove(f"tasks/{task}/")
    walker.remove(f"projects/{project}/")


def filling(walker: Walker) -> None:
    """Make a collection, put a file into it, and make units of it."""
    main = {"name": "image_1", "file_type": "image", "is_primary": True, "function_type": "main"}
    body = {"name": "Walked", "category": "image", "file_specifications": [main]}
    collection = walker.make("data-collections/", body)["id"]
    walker.write("PATCH", f"data-collections/{collection}/", {"meta": {"n": 1}})
    walker.write("PUT", f"data-collections/{collection}/", body)
    group = walker.make(f"data-collections/{collection}/groups/", {"name": "day 1"})["id"]
    content = uuid.uuid4().bytes
    asked = {"files": [{"filename": "a.png", "size": len(content)}]}
    walker.send("POST", f"data-collections/{collection}/upload-urls/?dry_run=true", asked)
    signed = walker.send("POST", f"data-collections/{collection}/upload-urls/", asked)["files"][0]
    requests.put(signed["presigned_url"], data=content, timeout=60).raise_for_status()
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    put = {"files": [{"file_key": signed["file_key"], "checksum": checksum, "size": len(content)}]}
    walker.send("POST", f"data-collections/{collection}/finalize-upload/?dry_run=true", put)
    walker.send("POST", f"data-collections/{collection}/finalize-upload/", put)
    files = {"image_1": {"checksum": checksum, "path": "a.png"}}
    units = {
        "data_collection": collection,
        "units": [{"files": files, "meta": {"n": 1}, "groups": ["day 1"]}],
    }
    walker.make("data-units/bulk-create/", units)
    unit = walker.make("data-units/", {"data_collection": collection, "group": group})["id"]
    walker.write("PATCH", f"data-units/{unit}/", {"meta": {"n": 2}})
    walker.write("PUT", f"data-units/{unit}/", {"data_collection": collection})
    walker.remove(f"data-units/{unit}/")
    walker.remove(f"data-collections/{collection}/groups/{group}/")
    walker.remove(f"data-collections/{collection}/")


def accepting(walker: Walker) -> None:
    """Make a dataset, freeze a version of it, and take it away."""
    dataset = walker.make("ground-truth-datasets/", {"name": "Walked"})["id"]
    walker.write("PATCH", f"ground-truth-datasets/{dataset}/", {"description": "Changed."})
    walker.write("PUT", f"ground-truth-datasets/{dataset}/", {"name": "Replaced"})
    walker.make(f"ground-truth-datasets/{dataset}/versions/", {"version": "1.0.0"})
    walker.remove(f"ground-truth-datasets/{dataset}/")


def running(walker: Walker) -> None:
    """Register a plugin, release it, report about jobs, and register a model."""
    plugin = walker.make("plugins/", {"code": "walked", "name": "Walked", "category": "neural_net"})["id"]
    walker.write("PATCH", f"plugins/{plugin}/", {"description": "Changed."})
    archive = zipped()
    fields = {"plugin": str(plugin), "version": "1.0.0", "sha256": hashlib.sha256(archive).hexdigest()}
    files = {"file": ("plugin.zip", archive, "application/zip")}
    release = walker.send("POST", "plugin-releases/", expected=201, data=fields, files=files)["id"]
    walker.write("POST", f"plugin-releases/{release}/release/")
    walker.remove(f"plugin-releases/{release}/")
    jobs = {job["status"]: job["id"] for job in walker.get("jobs/")}
    walker.write("PATCH", f"jobs/{jobs['RUNNING']}/", {"progress_record": {"n": 1}, "status": "RUNNING"})
    walker.write("POST", f"jobs/{jobs['RUNNING']}/stop/")
    walker.send("POST", f"jobs/{jobs['SUCCEEDED']}/stop/", expected=409)
    walker.send("PATCH", f"jobs/{jobs['FAILED']}/", {"status": "RUNNING"}, expected=400)
    walker.get(f"jobs/{jobs['SUCCEEDED']}/console_logs/")
    walker.get(f"jobs/{jobs['SUCCEEDED']}/tail_console_logs/")
    entry = {"event": "note", "data": {"n": 1}, "datetime": MOMENT}
    walker.make(f"jobs/{jobs['SUCCEEDED']}/logs/", entry)
    walker.make(f"jobs/{jobs['SUCCEEDED']}/logs/bulk/", {"logs": [entry, {**entry, "level": "error"}]})
    fields = {"name": "Walked", "plugin": "1", "description": "A model."}
    files = {"file": ("weights.zip", archive, "application/zip")}
    model = walker.send("POST", "models/", expected=201, data=fields, files=files)["id"]
    walker.write("PATCH", f"models/{model}/", {"description": "Changed."})
    walker.get(f"models/{model}/lineage/")
    walker.remove(f"models/{model}/")


def recording(walker: Walker) -> None:
    """Make an experiment, export in the background, follow that, and cancel another."""
    experiment = walker.make("experiments/", {"name": "Walked", "task": 1})["id"]
    walker.write("PATCH", f"experiments/{experiment}/", {"description": "Changed."})
    walker.write("PUT", f"experiments/{experiment}/", {"name": "Replaced", "task": 2})
    walker.write("DELETE", f"experiments/{experiment}/")
    body = {"storage_id": 1, "path": "out/", "project_id": 1, "targets": ["task"]}
    walker.send("POST", "plugin_exports/?dry_run=true", body, expected=202)
    begun = walker.send("POST", "plugin_exports/", body, expected=202)
    walker.get(f"async_jobs/{begun['job_id']}/progress/")
    walker.get(f"async_jobs/{begun['job_id']}/")
    keys = f"ids={begun['job_id']}&ids_lookup=in&ids_ex={uuid.UUID(int=1)}"
    walker.get(f"async_jobs/?page=1&page_size=5&ordering=-created&search=export&triggered_by=user&{keys}")
    going = next(job for job in walker.get("async_jobs/")["results"] if job["status"] == "PENDING")
    walker.write("POST", f"async_jobs/{going['id']}/cancel/")
    walker.send("POST", f"async_jobs/{begun['job_id']}/cancel/", expected=409)


def belonging(walker: Walker) -> None:
    """Look at the workspace, and change who is in it."""
    walker.get("users/me/")
    walker.get("schemas/file-specifications/?category=image")
    walker.get("schemas/annotation-configurations/")
    members = {member["role"]: member for member in walker.get("members/")}
    walker.write("PATCH", f"members/{members['member']['id']}/", {"role": "guest"})
    walker.remove(f"members/{members['member']['id']}/")
    walker.make("members/", {"user": members["member"]["user_id"], "role": "member"})
    group = walker.make("groups/", {"name": "Walked"})["id"]
    walker.write("PATCH", f"groups/{group}/", {"description": "Changed."})
    walker.write("PUT", f"groups/{group}/", {"name": "Replaced"})
    walker.remove(f"groups/{group}/")
    # Its secret is told by a member that the document doesn't have.
    token = walker.send("POST", "tokens/?dry_run=true", {"description": "ci"}, expected=201)
    assert token["dry_run"]


def refusing(walker: Walker) -> None:
    """Be refused for every reason that there is."""
    walker.send("GET", "projects/999999/", expected=404)
    walker.send("GET", "tasks/?project=abc", expected=400)
    walker.send("POST", "tasks/", {}, expected=400)
    walker.send("POST", "tasks/bulk-fetch/", {"ids": []}, expected=422)
    walker.send("POST", "tasks/bulk-fetch/", {"ids": list(range(201))}, expected=400)
    walker.send("POST", "plugins/", {"code": "walked", "name": "W", "category": "export"}, expected=409)
    walker.send("GET", "projects/", expected=401, headers={"SYNAPSE-ACCESS-TOKEN": "wrong"})


def zipped() -> bytes:
    """Return a small archive."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.yaml", "name: walked\n")
    return buffer.getvalue()
