"""Fill a seeded workspace with what runs left behind, and with what people remarked."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django.contrib.auth.models import User
from django.utils import timezone

from .models import (
    AsyncJob,
    Experiment,
    Export,
    GroundTruthVersion,
    Group,
    Job,
    Model,
    PluginRelease,
    PreAnnotation,
    Project,
    Review,
    ReviewTag,
    Storage,
    Train,
    Upload,
    Workshop,
)


def seed_records(project: Project, user: User, release: PluginRelease) -> None:
    """Remember a few runs of every kind, and review the work on *project*."""
    tenant = project.tenant
    jobs = list(Job.objects.filter(tenant=tenant).order_by("-created"))
    storage = Storage.objects.filter(tenant=tenant).order_by("pk").first()
    _trainings(project, jobs)
    common = {"tenant": tenant, "path": "street-signs/", "storage": storage}
    for index, job in enumerate(jobs):
        collection = project.data_collection
        Upload.objects.create(
            job=job, name=f"Day {index}", data_collection=collection, project=project, **common
        )
        target = Export.Target.values[index % 3]
        Export.objects.create(
            job=job, name=f"Export {index}", target=target, filter={"project": project.pk}, **common
        )
        PreAnnotation.objects.create(
            tenant=tenant,
            job=job,
            name=f"Boxes {index}",
            target=PreAnnotation.Target.values[index % 2],
            method=PreAnnotation.Method.values[index % 2],
            pre_processor=release if index % 2 else None,
        )
    _remarks(project, user)
    Group.objects.create(tenant=tenant, name="Night shift", description="Works while others sleep.")
    Workshop.objects.create(project=project, name="First round")
    Workshop.objects.create(project=project, name="Second round", status=Workshop.Status.INACTIVE)
    _async_jobs(project, user)


def _trainings(project: Project, jobs: list[Job]) -> None:
    experiment = Experiment.objects.create(tenant=project.tenant, name="Signs at night", task=1)
    model = Model.objects.filter(tenant=project.tenant).first()
    version = GroundTruthVersion.objects.get(ground_truth_dataset__project=project)
    for index, job in enumerate(jobs):
        Train.objects.create(
            tenant=project.tenant,
            experiment=experiment,
            job=job,
            name=f"Run {index}",
            ground_truth_dataset_version=version,
            neural_net=model if job.status == Job.Status.SUCCEEDED else None,
            is_tune=index == 0,
            tune_config={"samples": 8} if index == 0 else None,
        )


def _remarks(project: Project, user: User) -> None:
    tags = [ReviewTag.objects.create(project=project, name=name) for name in ("too wide", "너무 좁음")]
    for index, task in enumerate(project.tasks.order_by("pk")[:4]):
        review = Review.objects.create(
            assignment=task.assignments.order_by("pk").first(),
            user=user,
            scope=Review.Scope.values[index],
            description="The box is not tight.",
            object_id=f"seed{task.pk:06d}",
            position={"x": 18, "y": 18},
        )
        review.tags.add(tags[index % 2])


def _async_jobs(project: Project, user: User) -> None:
    now = timezone.now()
    for index, status in enumerate(AsyncJob.Status.values):
        began = now - timedelta(minutes=10 * (index + 1))
        ended = began + timedelta(minutes=1) if status not in AsyncJob.ACTIVE else None
        done = {"PENDING": 0, "COMPLETED": 12}.get(status, 5)
        facts: dict[str, Any] = {
            "tenant": project.tenant,
            "user": user,
            "type": "demo_export",
            "progress": {"total_count": 12, "processed_count": done, "percent": round(100 * done / 12, 1)},
        }
        moments = {
            "created": began,
            "started": began if status != "PENDING" else None,
            "finished": ended,
            "succeeded": ended if status == "COMPLETED" else None,
            "failed": ended if status == "FAILED" else None,
        }
        AsyncJob.objects.create(status=status, **facts, **moments)
