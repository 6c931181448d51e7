"""Checks of the vendor's client of API v2: every resource is read, and all that can be written is.

Its models deny relations that are empty, and an empty caution. A row that fails for nothing else is as the contract has
it, and is taken: `taken()`.
"""

from __future__ import annotations

import hashlib
import uuid

from collections.abc import Callable
from typing import Any

import requests

from vendor_world import CHECKS, World, check, refused

# Each resource with a member of its rows in lists, the name of their key, and whether it tells permissions.
RESOURCES = {
    "assignments": ("task_id", "id", True),
    "data_collections": ("count_projects", "id", True),
    "data_files": ("checksum", "id", False),
    "data_units": ("data_collection_id", "id", True),
    "experiments": ("access_level", "id", True),
    "exports": ("job_status", "id", False),
    "ground_truth_datasets": ("name", "id", False),
    "ground_truth_events": ("pgh_id", "pgh_id", False),
    "ground_truths": ("category", "id", False),
    "groups": ("name", "id", False),
    "job_logs": ("event", "id", False),
    "jobs": ("status", "id", False),
    "members": ("role", "id", False),
    "models": ("is_released", "id", False),
    "plugin_releases": ("version", "id", False),
    "plugins": ("code", "id", False),
    "pre_annotations": ("method", "id", False),
    "projects": ("task_count", "id", True),
    "reviews": ("scope", "id", True),
    "tasks": ("has_data", "id", True),
    "tenants": ("slug", "code", False),
    "tokens": ("description", "id", False),
    "trains": ("is_tune", "id", False),
    "uploads": ("job_id", "id", False),
    "workshops": ("is_reviewable", "id", True),
}


def value(row: Any, name: str) -> Any:
    """Return a member of a row, which may be a model or an object."""
    return row[name] if isinstance(row, dict) else getattr(row, name)


def taken(call: Callable[[], Any]) -> Any:
    """Return what *call* gives, or nothing if all that its models mind is a relation or a caution that is empty."""
    from synapse_sdk.exceptions import ValidationError

    try:
        return call()
    except ValidationError as error:
        faults = getattr(error.__cause__, "errors", list)()
        if not faults or any(fault["input"] not in (None, "") for fault in faults):
            raise
        return None


def list_of(name: str) -> Callable[[World], None]:
    """Make the check that reads a list."""

    def run(world: World) -> None:
        page = getattr(world.client, name).list(per_page=3)
        assert 0 < len(page.results) <= 3, page
        assert all(value(row, RESOURCES[name][0]) is not None for row in page.results), page

    return run


def one_of(name: str) -> Callable[[World], None]:
    """Make the check that reads a single row."""

    def run(world: World) -> None:
        _, key, _ = RESOURCES[name]
        resource = getattr(world.client, name)
        pk = value(resource.list(per_page=1).results[0], key)
        row = taken(lambda: resource.retrieve(pk))
        assert row is None or str(value(row, key)) == str(pk), row

    return run


def permissions_of(name: str) -> Callable[[World], None]:
    """Make the check that asks what may be done."""

    def run(world: World) -> None:
        resource = getattr(world.client, name)
        pk = resource.list(per_page=1).results[0].id
        resource.check_permission(pk, permission="view")
        assert resource.permissions(pk)["permissions"] and resource.roles(pk)["roles"]

    return run


for _name, (_member, _key, _with_permissions) in RESOURCES.items():
    CHECKS[f"list_{_name}"] = list_of(_name)
    CHECKS[f"retrieve_{_name}"] = one_of(_name)
    if _with_permissions:
        CHECKS[f"permissions_{_name}"] = permissions_of(_name)


@check
def account(world: World) -> None:
    assert world.client.account.me().email


@check
def schemas(world: World) -> None:
    assert "image" in world.client.schemas.file_specifications()["categories"]
    assert "image" in world.client.schemas.annotation_configurations()["categories"]


@check
def request_ids(world: World) -> None:
    with world.client.capture_request_ids():
        world.client.projects.list(per_page=1)
        assert world.client.last_request_id.startswith("req_")


@check
def cursor_walk(world: World) -> None:
    page, keys = world.client.tasks.list(per_page=5), []
    while True:
        keys += [row.id for row in page.results]
        if not page.next:
            break
        page = world.client.tasks.list(per_page=5, cursor=page.next)
    assert len(set(keys)) == len(keys) >= 21, keys


@check
def list_all_of_one_page(world: World) -> None:
    assert len(list(world.client.jobs.list(list_all=True))) == 5


@check
def list_all_by_addresses(world: World) -> None:
    from synapse_sdk.clients.backend_v2 import BackendClientV2

    given = world.made["addresses"]
    with_addresses = BackendClientV2(given["url"], access_token=given["api_token"], allow_insecure=True)
    keys = [row.id for row in with_addresses.tasks.list(per_page=5, list_all=True)]
    assert len(set(keys)) == len(keys) == 21, keys
    assert with_addresses.async_jobs.list(page=1)["count"] == 5


@check
def filters(world: World) -> None:
    client = world.client
    assert all(row.is_active for row in client.plugins.list(is_active=True).results)
    assert {"FAILED"} == {row.status.value for row in client.jobs.list(status="FAILED").results}
    assert {"test"} == {row.category.value for row in client.ground_truths.list(category="test").results}


@check
def refusals(world: World) -> None:
    from synapse_sdk.exceptions import ClientError, NotFoundError, ValidationError

    assert refused(NotFoundError, lambda: world.client.projects.retrieve(999_999)).status_code == 404
    assert refused(ValidationError, lambda: world.client.tasks.list(project="x")).status_code == 400
    jobs = world.client.jobs.list(status="SUCCEEDED").results
    assert refused(ClientError, lambda: world.client.jobs.stop(jobs[0].id)).status_code == 409


@check
def project_changes(world: World) -> None:
    projects = world.client.projects
    body = {"title": "Vendor", "category": "image", "configuration": {}, "data_collection": 1}
    body |= {"caution": "sensitive_content"}
    made = projects.create(body)
    assert projects.partial_update(made.id, {"description": "Changed."}).description == "Changed."
    assert projects.update(made.id, {**body, "title": "Replaced"}).title == "Replaced"
    projects.destroy(made.id)


@check
def project_tags(world: World) -> None:
    tags = world.client.projects.tags(1)
    made = tags.create({"name": "vendor", "category": "project"})
    assert made.id in [row.id for row in tags.list().results]
    assert tags.retrieve(made.id).name == "vendor" and tags.permissions(made.id)["is_derived"]
    tags.destroy(made.id)


@check
def project_statistics(world: World) -> None:
    for kind in ("class", "worker"):
        assert world.client.projects.statistics(1).get(kind) is not None


@check
def review_tags(world: World) -> None:
    made = world.client._post("/v2/projects/1/review-tags/", data={"name": "vendor"})
    tags = world.client.review_tags
    assert tags.partial_update(made["id"], {"description": "Changed."}).description == "Changed."
    assert tags.retrieve(made["id"]).project_id == 1 and tags.roles(made["id"])["roles"]
    tags.destroy(made["id"])


@check
def collection_changes(world: World) -> None:
    collections = world.client.data_collections
    main = {"name": "image_1", "file_type": "image", "is_primary": True, "function_type": "main"}
    body = {
        "name": "Vendor",
        "category": "image",
        "file_specifications": [main],
        "caution": "sensitive_content",
    }
    made = collections.create(body)
    assert [each.name for each in made.file_specifications] == ["image_1"]
    assert collections.partial_update(made.id, {"description": "Changed."}).description == "Changed."
    group = collections.groups(made.id).create({"name": "day 1"})
    assert [row.id for row in collections.groups(made.id).list().results] == [group.id]
    collections.groups(made.id).destroy(group.id)
    collections.destroy(made.id)


def uploaded(world: World, content: bytes) -> str:
    """Put a file into the first collection, and return its checksum."""
    collections = world.client.data_collections
    signed = collections.upload_urls(1, {"files": [{"filename": "a.png", "size": len(content)}]}).files[0]
    requests.put(signed.presigned_url, data=content, timeout=30).raise_for_status()
    checksum = hashlib.md5(content, usedforsecurity=False).hexdigest()
    put = {"file_key": signed.file_key, "checksum": checksum, "size": len(content)}
    result = collections.finalize_upload(1, {"files": [put]}).results[0]
    assert result.success and result.created, result
    return checksum


@check
def upload(world: World) -> None:
    checksum = uploaded(world, uuid.uuid4().bytes)
    units = {"data_collection": 1, "units": [{"files": {"image_1": {"checksum": checksum, "path": "a.png"}}}]}
    first, again = (world.client.data_units.bulk_create(units) for _ in range(2))
    assert (value(first, "created_count"), value(again, "reused_count")) == (1, 1), (first, again)
    unit = value(value(first, "results")[0], "data_unit_id")
    counts = [world.client.tasks.bulk_create({"project": 1, "data_unit_ids": [unit]}) for _ in range(2)]
    assert [value(each, "created_count") for each in counts] == [1, 0], counts


@check
def unit_changes(world: World) -> None:
    units = world.client.data_units
    group = world.client.data_collections.groups(1).list(per_page=1).results[0].id
    made = units.create({"data_collection": 1, "group": group, "meta": {"n": 1}})
    assert units.partial_update(made.id, {"meta": {"n": 2}}).meta == {"n": 2}
    units.destroy(made.id)


@check
def task_changes(world: World) -> None:
    tasks = world.client.tasks
    made = tasks.create({"project": 2, "data_unit": unit_without_task(world), "workshop": 1})
    assert tasks.partial_update(made.id, {"meta": {"n": 1}}).meta == {"n": 1}
    saved = tasks.annotate_task_data(made.id, action="save", data={"n": 1}, schema="any")
    assert saved == {"n": 1}, saved
    assert tasks.bulk_fetch([made.id, 999_999])[0]["data"] == {"n": 1}
    tasks.destroy(made.id)


def unit_without_task(world: World) -> int:
    """Make a unit of the second collection."""
    group = world.client.data_collections.groups(2).list(per_page=1).results[0].id
    return world.client.data_units.create({"data_collection": 2, "group": group}).id


@check
def assignment_data(world: World) -> None:
    assignments = world.client.assignments
    row = assignments.list(status_review="rejected", per_page=1).results[0]
    answer = world.client._put(
        f"/v2/assignments/{row.id}/data/", params={"dry_run": "true"}, data={"data": {"n": 1}}
    )
    assert answer["dry_run"] is True
    assert assignments.set_data(row.id, {"data": {"n": 1}}).data == {"n": 1}
    assert assignments.bulk_fetch([row.id])[0]["data"] == {"n": 1}


@check
def ground_truth_data(world: World) -> None:
    client = world.client
    assert [row["id"] for row in client.ground_truths.bulk_data([2, 1])] == [2, 1]
    events = client.ground_truth_events.bulk_data([1])
    assert events[0]["files"]["image_1"]["url"].startswith("http"), events


@check
def dataset_versions(world: World) -> None:
    datasets = world.client.ground_truth_datasets
    made = world.client._post("/v2/ground-truth-datasets/", data={"name": "Vendor"})
    version = datasets.versions(made["id"]).create({"version": "1.0.0"})
    assert datasets.versions(made["id"]).retrieve(version.id).version == "1.0.0"
    assert len(datasets.versions(1).events(1).list(per_page=2).results) == 2
    datasets.destroy(made["id"])


@check
def plugin_changes(world: World) -> None:
    plugins, releases = world.client.plugins, world.client.plugin_releases
    made = plugins.create({"code": f"v-{uuid.uuid4().hex[:8]}", "name": "Vendor", "category": "export"})
    assert plugins.partial_update(made.id, {"description": "Changed."}).description == "Changed."
    archive = world.archive()
    fields = {
        "plugin": made.id,
        "version": "1.0.0",
        "sha256": hashlib.sha256(archive.read_bytes()).hexdigest(),
    }
    release = releases.create(fields, file=archive)
    assert releases.release(release["id"]).is_released
    releases.destroy(release["id"])


@check
def plugin_twice(world: World) -> None:
    from synapse_sdk.exceptions import ClientError

    body = {"code": "sign-detector", "name": "Vendor", "category": "export"}
    assert refused(ClientError, lambda: world.client.plugins.create(body)).status_code == 409


@check
def model_changes(world: World) -> None:
    models = world.client.models
    taken(lambda: models.create({"name": "Vendor", "plugin": 1}, file=world.archive("model.zip")))
    made = models.list(per_page=1).results[0]
    assert made.name == "Vendor"
    taken(lambda: models.partial_update(made.id, {"description": "Changed."}))
    assert value(models.lineage(made.id), "truncated") is False
    models.destroy(made.id)


@check
def job_reports(world: World) -> None:
    jobs = world.client.jobs
    going = jobs.list(status="RUNNING").results[0].id
    assert jobs.partial_update(going, {"progress_record": {"n": 1}}).progress_record == {"n": 1}
    entry = {"event": "note", "data": {"n": 1}, "datetime": "2026-01-01T00:00:00Z"}
    assert value(jobs.create_log(going, entry), "event") == "note"
    assert len(value(jobs.create_logs_bulk(going, {"logs": [entry, entry]}), "results")) == 2
    assert jobs.stop(going).status.value == "STOPPED"


@check
def job_console(world: World) -> None:
    ended = world.client.jobs.list(status="SUCCEEDED").results[0].id
    assert len(world.client.jobs.console_logs(ended).logs) == 5
    assert "epoch 1" in str(world.client.jobs.tail_console_logs(ended))


@check
def experiment_changes(world: World) -> None:
    experiments = world.client.experiments
    made = experiments.create({"name": "Vendor", "task": 1})
    assert experiments.partial_update(made.id, {"description": "Changed."}).description == "Changed."
    experiments.destroy(made.id)


@check
def review_changes(world: World) -> None:
    reviews = world.client.reviews
    made = reviews.create({"assignment": 1, "scope": "annotation", "object_id": "a"})
    assert reviews.partial_update(made.id, {"description": "Better."}).description == "Better."


@check
def workshop_changes(world: World) -> None:
    workshops = world.client.workshops
    made = workshops.create({"project": 1, "name": "Vendor"})
    assert workshops.partial_update(made.id, {"name": "Changed"}).name == "Changed"
    assert value(workshops.participate(made.id, {"role": "labeler"}), "worker_id")


@check
def group_and_member_changes(world: World) -> None:
    groups, members = world.client.groups, world.client.members
    made = groups.create({"name": "Vendor"})
    assert groups.partial_update(made.id, {"description": "Changed."}).description == "Changed."
    groups.destroy(made.id)
    member = members.list(role="member", per_page=1).results[0]
    assert members.partial_update(member.id, {"role": "guest"}).role.value == "guest"


@check
def token_once(world: World) -> None:
    tokens = world.client.tokens
    made = tokens.create({"description": "vendor"})
    assert made.token.get_secret_value().startswith("syn_")
    tokens.destroy(made.id)


@check
def export_in_the_background(world: World) -> None:
    asked = {"project_id": 1, "storage_id": 1, "path": "out/", "targets": ["task"]}
    begun = world.client.plugin_exports.create(**asked)
    jobs = world.client.async_jobs
    events = [event.event for event in jobs.stream_progress(str(begun.job_id))]
    assert (events[0], events[-1]) == ("connected", "async_job.completed"), events
    assert value(jobs.retrieve(str(begun.job_id)), "status") == "COMPLETED"


@check
def async_jobs(world: World) -> None:
    jobs = world.client.async_jobs
    page = jobs.list(page=1, page_size=2, ordering="-created", search="demo")
    assert (page["count"], len(page["results"])) == (5, 2), page
    going = next(row for row in jobs.list(search="demo")["results"] if row["status"] == "PENDING")
    assert value(jobs.cancel(going["id"]), "status") == "CANCELLED"
