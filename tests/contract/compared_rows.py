"""The rows whose queries are compared with Django's."""

from __future__ import annotations

import uuid

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from tests.contract.equivalence import LABELS, REVIEWS, START
from tests.contract.factory import Factory


def populate(make: Factory) -> dict[str, list[Any]]:
    """Fill the workspace with rows that differ in everything that can be asked for, with ties and gaps."""
    from django.contrib.auth.models import User

    users = [User.objects.create(username=f"worker {number}") for number in range(3)]
    projects = [
        make.project(category=category, count_max_assignments_per_task=limit, created=START)
        for category, limit in (("image", 1), ("image", 2), ("text", 0), ("video", 0))
    ]
    tags = [make.tag(project=projects[index % 2], name=f"tag {index}") for index in range(5)]
    tasks = varied_tasks([task for each in projects[:3] for task in make.tasks(14, project=each)], tags)
    units = list(make.tables.DataUnit.objects.filter(data_collection__tenant=make.tenant).order_by("pk"))
    for unit in units[::3]:
        unit.can_generate_task = False
        unit.save()
    return {
        "projects": projects,
        "tags": tags,
        "tasks": tasks,
        "assignments": varied_assignments(make.assignments([*tasks[:24], *tasks[:9]]), users, tags),
        "units": units,
        "users": users,
        "events": events(make, units),
        "jobs": jobs(make),
    }


def varied_tasks(tasks: list[Any], tags: Sequence[Any]) -> list[Any]:
    """Delete some of these tasks, and make the others differ."""
    for task in tasks[5:40:9]:
        task.delete()
    kept = [task for task in tasks if task.pk]
    for index, task in enumerate(kept):
        task.is_discarded, task.schema = index % 4 == 0, ("any", "dm_schema_v1")[index % 2]
        task.status_label, task.status_review = LABELS[index % 4], REVIEWS[index % 5]
        task.workshop, task.stage = (None, 1, 2)[index % 3], (1, None)[index % 2]
        task.created = START + timedelta(hours=index % 12)
        task.meta = {"number": index}
        task.save()
        task.tags.set([tag for number, tag in enumerate(tags) if (index + number) % 4 == 0])
    return kept


def varied_assignments(assignments: list[Any], users: Sequence[Any], tags: Sequence[Any]) -> list[Any]:
    """Make these assignments differ."""
    for index, assignment in enumerate(assignments):
        assignment.user, assignment.reviewer = users[index % 3], (None, *users)[index % 4]
        assignment.status_label, assignment.status_review = LABELS[index % 3], REVIEWS[index % 4]
        assignment.is_discarded, assignment.is_confirmed = index % 5 == 0, index % 3 == 0
        assignment.is_discard_confirmed = index % 7 == 0
        assignment.label_submitted = None if index % 4 == 0 else START + timedelta(days=index % 4)
        assignment.created = START + timedelta(hours=index % 7)
        assignment.save()
        assignment.tags.set(tags[index % 3 : index % 3 + 1])
    return assignments


def events(make: Factory, units: Sequence[Any]) -> list[Any]:
    """Make ground truths in two versions, some of them changed since."""
    tables, dataset = make.tables, make.dataset()
    truths_made = [
        tables.GroundTruth.objects.create(
            ground_truth_dataset=dataset,
            data_unit=unit,
            category=("train", "validation", "test")[index % 3],
            classes=(["cat"], ["dog", "cat"], [])[index % 3],
        )
        for index, unit in enumerate(units[:9])
    ]
    for truth in truths_made[::2]:
        truth.category = "test"
        truth.save()
    made = list(tables.GroundTruthEvent.objects.filter(ground_truth_dataset=dataset).order_by("pk"))
    for number in (1, 2):
        version = tables.GroundTruthVersion.objects.create(ground_truth_dataset=dataset, version=str(number))
        version.events.set(made[number::2])
    return made


def jobs(make: Factory) -> list[Any]:
    """Make jobs in every status, of two plugins."""
    releases = [make.release(), make.release()]
    statuses = ("PENDING", "RUNNING", "SUCCEEDED", "FAILED", "STOPPED")
    return [
        make.job(
            id=uuid.UUID(int=(index * 7 + 3) % 13),
            status=statuses[index % 5],
            action=("train", "go")[index % 2],
            plugin_release=(*releases, None)[index % 3],
            created=START + timedelta(hours=index % 5),
        )
        for index in range(13)
    ]
