"""Fill a workspace with a small, believable piece of work."""

from __future__ import annotations

import io
import json
import uuid
import zipfile

from datetime import timedelta
from typing import Any, Final

from django.contrib.auth.models import User
from django.utils import timezone

from . import storedfiles
from .datafiles import keep
from .drawing import SIDE, bounds, picture
from .models import (
    Agent,
    Assignment,
    DataCollection,
    DataUnit,
    FileSpecification,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    Model,
    Plugin,
    PluginRelease,
    Project,
    Storage,
    Task,
    TaskTag,
    Tenant,
)
from .models.work import LabelStatus, ReviewStatus
from .seed_records import seed_records
from .transactions import write_transaction
from .units import create_units

SIGNS: Final = {
    "stop": ("circle", (200, 30, 45)),
    "yield": ("triangle", (230, 190, 40)),
    "parking": ("square", (30, 90, 200)),
    "priority": ("diamond", (240, 200, 20)),
}
FRUIT: Final = {
    "apple": ("circle", (190, 40, 40)),
    "배": ("circle", (220, 200, 120)),
    "lime": ("diamond", (90, 170, 50)),
}
PLUGIN: Final = "sign-detector"


def seed(tenant: Tenant, user: User, name: str = "demo") -> bool:
    """Fill *tenant* with the workspace called *name*, once; say whether anything was done."""
    if name != "demo":
        raise ValueError(f"there is no workspace called {name!r} to seed; there is: demo")
    if DataCollection.objects.filter(tenant=tenant, meta__seed=name).exists():
        return False
    signs = _pictures(tenant, SIGNS, count=12)
    fruit = _pictures(tenant, FRUIT, count=9)
    archives = {version: _archive(PLUGIN, version) for version in ("1.0.0", "1.1.0")}
    weights = _archive("sign-weights", "1.0.0")
    with write_transaction():
        people = _people(tenant, user)
        roads = _project(tenant, "Street signs", signs, category="image", classes=list(SIGNS))
        belt = _project(tenant, "Fruit on the belt", fruit, category="image", classes=list(FRUIT))
        _work_on(roads, people)
        _work_on(belt, people[:1])
        releases = _plugin(tenant, user, archives)
        agent = Agent.objects.create(
            tenant=tenant, name="gpu-node-1", url="http://127.0.0.1:8000", status="connected"
        )
        _jobs(tenant, releases[-1], agent)
        _storages(tenant)
        dataset = _ground_truth(roads)
        Model.objects.create(
            tenant=tenant,
            name="Sign detector, first run",
            file=weights,
            neural_net=releases[0],
            dataset=dataset,
            project=roads,
            version="1.0.0",
            metrics={"mAP": 0.81},
            is_released=True,
        )
        seed_records(roads, user, releases[0])
    return True


def _pictures(tenant: Tenant, kinds: dict[str, Any], *, count: int) -> list[dict[str, Any]]:
    """Draw and store *count* pictures with a side file each, as bodies for data units."""
    labels = list(kinds)
    bodies = []
    for index in range(count):
        label = labels[index % len(labels)]
        shape, colour = kinds[label]
        stem = f"{label}_{index + 1:03d}"
        facts = json.dumps({"shape": shape, "frame": index + 1, "label": label}, ensure_ascii=False)
        drawn = keep(
            storedfiles.receive([picture(shape, colour, turn=index)]),
            tenant=tenant,
            name=f"{stem}.png",
            meta={"width": SIDE, "height": SIDE},
        )
        noted = keep(storedfiles.receive([facts.encode()]), tenant=tenant, name=f"{stem}.json")
        files = {
            "image_1": {"checksum": drawn.checksum, "path": f"{stem}.png"},
            "data_meta_1": {"checksum": noted.checksum, "path": f"{stem}.json"},
        }
        meta = {"frame": index + 1, "label": label, "origin_file_stem": stem}
        bodies.append({"files": files, "meta": meta, "groups": ["day 1" if index % 2 else "day 2", label]})
    return bodies


def _people(tenant: Tenant, user: User) -> list[User]:
    names = ("mina", "jun", "sora")
    people = [User.objects.get_or_create(username=f"{name}@{tenant.code}.example")[0] for name in names]
    for person, name in zip(people, names, strict=True):
        person.first_name = name.title()
        person.email = person.username
        person.save()
    tenant.members.add(*people)
    return [user, *people]


def _project(
    tenant: Tenant, title: str, bodies: list[dict[str, Any]], *, category: str, classes: list[str]
) -> Project:
    collection = DataCollection.objects.create(
        tenant=tenant, name=title, category=category, meta={"seed": "demo"}
    )
    common = {"data_collection": collection, "index": 1}
    FileSpecification.objects.create(
        **common, name="image_1", file_type="image", is_required=True, is_primary=True, function_type="main"
    )
    FileSpecification.objects.create(**common, name="data_meta_1", file_type="data", function_type="meta")
    ids = create_units([{**body, "data_collection": collection.pk} for body in bodies], tenant=tenant)
    project = Project.objects.create(
        tenant=tenant,
        title=title,
        category=category,
        data_collection=collection,
        description=f"Find every {classes[0]} and its like.",
        configuration=_configuration(classes),
    )
    Task.objects.bulk_create(Task(project=project, data_unit_id=pk) for pk in ids)
    return project


def _configuration(classes: list[str]) -> dict[str, Any]:
    schema = [
        {
            "id": str(uuid.uuid4()),
            "code": name,
            "name": name,
            "value": "#00AA55",
            "is_default": index == 0,
            "customFields": {},
            "attributes": [],
        }
        for index, name in enumerate(classes)
    ]
    tool = {"id": str(uuid.uuid4()), "representativeCodes": [], "classification_schema": schema}
    return {"schema_type": "dm_schema", "classification": {"bounding_box": tool}}


def _annotation(unit: DataUnit, *, index: int) -> dict[str, Any]:
    key, label = f"seed{index:06d}", unit.meta["label"]
    drawn = {
        "id": key,
        "tool": "bounding_box",
        "classification": {"class": label},
        "label": [label],
        "isLocked": False,
        "isVisible": True,
        "isValid": True,
        "isDrawCompleted": True,
    }
    box = {"id": key, "coordinate": bounds((SIGNS | FRUIT)[label][0], turn=unit.meta["frame"] - 1)}
    return {
        "assignmentId": str(index),
        "extra": {},
        "relations": {"image_1": []},
        "annotationGroups": {"image_1": []},
        "annotations": {"image_1": [drawn]},
        "annotationsData": {"image_1": [box]},
    }


def _work_on(project: Project, people: list[User]) -> None:
    """Annotate half of the tasks and hand out assignments, so that every status occurs."""
    tags = [TaskTag.objects.create(project=project, name=name) for name in ("hard", "golden", "다시 보기")]
    tasks = list(project.tasks.select_related("data_unit").order_by("pk"))
    states = [(label, review) for label in LabelStatus.values for review in ReviewStatus.values]
    now = timezone.now()
    for index, task in enumerate(tasks):
        data = _annotation(task.data_unit, index=task.pk) if index % 2 == 0 else None
        label, review = states[index % len(states)]
        Task.objects.filter(pk=task.pk).update(
            data=data, has_data=data is not None, status_label=label, status_review=review
        )
        task.tags.add(tags[index % len(tags)])
    for index, (label, review) in enumerate(states):
        task, worker = tasks[index % len(tasks)], people[index % len(people)]
        started = now - timedelta(hours=index + 1)
        assignment = Assignment.objects.create(
            task=task,
            user=worker,
            reviewer=people[0] if review != ReviewStatus.STAND_BY else None,
            status_label=label,
            status_review=review,
            is_confirmed=(label, review) == (LabelStatus.COMPLETED, ReviewStatus.COMPLETED),
            data=_annotation(task.data_unit, index=index) if label == LabelStatus.COMPLETED else None,
            label_submitted=started if label == LabelStatus.COMPLETED else None,
            last_labeled=started if label != LabelStatus.STAND_BY else None,
            last_reviewed=started if review != ReviewStatus.STAND_BY else None,
        )
        assignment.tags.add(tags[index % len(tags)])


def _archive(name: str, version: str) -> str:
    """Store a small zip and return its place."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("config.yaml", f"name: {name}\nversion: {version}\n")
        archive.writestr("main.py", "def run(params):\n    return params\n")
    received = storedfiles.receive([buffer.getvalue()])
    return storedfiles.place(received, f"archives/{uuid.uuid4().hex}/{name}-{version}.zip")


def _plugin(tenant: Tenant, user: User, archives: dict[str, str]) -> list[PluginRelease]:
    # Codes are unique over all workspaces, so a second one that is seeded needs its own.
    code = f"{PLUGIN}-{tenant.pk}" if Plugin.objects.filter(code=PLUGIN).exists() else PLUGIN
    plugin = Plugin.objects.create(
        tenant=tenant,
        code=code,
        name="Sign detector",
        category="neural_net",
        description="Finds signs in pictures.",
    )
    actions = {"train": {"method": "job"}, "inference": {"method": "job"}}
    config = {"code": code, "name": plugin.name, "actions": actions}
    return [
        PluginRelease.objects.create(
            plugin=plugin,
            version=version,
            file=place,
            requirements=["numpy"],
            config={**config, "version": version},
            published_by=user,
        )
        for version, place in archives.items()
    ]


def _jobs(tenant: Tenant, release: PluginRelease, agent: Agent) -> None:
    now = timezone.now()
    for index, status in enumerate(Job.Status.values):
        over = status not in Job.ACTIVE
        started = now - timedelta(minutes=10 * (index + 1))
        percent = {"PENDING": 0, "SUCCEEDED": 100}.get(status, 40)
        job = Job.objects.create(
            tenant=tenant,
            status=status,
            action="train",
            params={"epochs": 5},
            plugin_release=release,
            agent=agent,
            meta={"demo": True},
            progress_record={"record": {}, "current_progress": {"overall": percent, "percent": percent}},
            result={"error": "out of memory"}
            if status == "FAILED"
            else {"mAP": 0.81}
            if percent == 100
            else None,
            console_logs=[f"epoch {epoch} of 5" for epoch in range(1, 1 + percent // 20)],
            created=started,
            completed=started + timedelta(minutes=5) if over else None,
        )
        job.logs.create(event="status", step="train", level="info", data={"status": status})


def _storages(tenant: Tenant) -> None:
    bucket = {
        "bucket_name": "example-archive",
        "access_key": "EXAMPLE",
        "secret_key": "example-secret",
        "region_name": "ap-northeast-2",
        "endpoint_url": "http://127.0.0.1:9000",
    }
    Storage.objects.create(
        tenant=tenant,
        name="Archive bucket",
        category=Storage.Category.EXTERNAL,
        provider="amazon_s3",
        configuration=bucket,
    )


def _ground_truth(project: Project) -> GroundTruthDataset:
    """Accept the answers of the annotated tasks and freeze them as a version."""
    dataset = GroundTruthDataset.objects.create(tenant=project.tenant, project=project, name="Accepted signs")
    done = project.tasks.filter(has_data=True).select_related("data_unit").order_by("pk")
    splits = ("train", "train", "validation", "test")
    truths = [
        GroundTruth(
            ground_truth_dataset=dataset,
            data_unit=task.data_unit,
            task=task,
            project=project,
            category=splits[index % len(splits)],
            data=task.data,
            classes=[task.data_unit.meta["label"]],
        )
        for index, task in enumerate(done)
    ]
    GroundTruth.objects.bulk_create(truths)
    events = GroundTruthEvent.record(truths, label="insert")
    version = GroundTruthVersion.objects.create(ground_truth_dataset=dataset, version="1.0.0")
    version.events.add(*events)
    return dataset
