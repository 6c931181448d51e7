"""What plugins were asked to bring in and to hand out: the records of their runs."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from synapse.entities.choices import ExportTarget, JobStatus
from synapse.entities.typed import ExportQueries, UploadQueries
from synapse.mapping import Json, Uuid, read_only
from synapse.orm import Entity, ManagedBy, ToOne, entity
from synapse.query import EXACT, By, Exact, Gte, Lte

if TYPE_CHECKING:
    from synapse.entities.collection import DataCollection
    from synapse.entities.job import Job
    from synapse.entities.project import Project
    from synapse.entities.storage import Storage


class UploadManager(UploadQueries):
    """Queries of upload runs."""


@entity("uploads", order_by=("created", "id"))
class Upload(Entity):
    """One run of an upload plugin: what it reads, and into which collection; `collection.upload()` makes none."""

    id: int = read_only()
    data_collection_id: int | None = read_only()
    project_id: int | None = read_only()
    job_id: Uuid | None = read_only()
    job_status: JobStatus | str | None = read_only()
    name: str = read_only()
    description: str = read_only()
    storage_id: int | None = read_only()
    path: str = read_only()
    is_recursive: bool = read_only()
    extra_params: Json | None = read_only()
    created: datetime | None = read_only()

    _made_by = "plugin.run(action=...) of a plugin that uploads"

    data_collection = ToOne["DataCollection | None"](via="data_collection_id")
    project = ToOne["Project | None"](via="project_id")
    storage = ToOne["Storage | None"](via="storage_id")
    job = ToOne["Job | None"](via="job_id")

    objects = ManagedBy(UploadManager)

    lookups = {
        "data_collection": EXACT,
        "project": EXACT,
        "storage": EXACT,
        "job__action": By(Exact, of=str),
        "job__status": By(Exact, of=JobStatus),
        "created": By(Gte, Lte),
    }


class ExportManager(ExportQueries):
    """Queries of export runs."""


@entity("exports", order_by=("created", "id"))
class Export(Entity):
    """One run of an export plugin: what it hands out, and where to; a query's own `export()` makes none."""

    id: int = read_only()
    target: ExportTarget | str = read_only()
    job_id: Uuid | None = read_only()
    job_status: JobStatus | str | None = read_only()
    name: str = read_only()
    description: str = read_only()
    storage_id: int | None = read_only()
    path: str = read_only()
    filter: Json | None = read_only()
    extra_params: Json | None = read_only()
    save_original_file: bool = read_only()
    created: datetime | None = read_only()

    _made_by = "plugin.run(action=...) of a plugin that exports"

    storage = ToOne["Storage | None"](via="storage_id")
    job = ToOne["Job | None"](via="job_id")

    objects = ManagedBy(ExportManager)

    lookups = {
        "project": By(Exact, of="Project"),
        "storage": EXACT,
        "target": EXACT,
        "job__status": By(Exact, of=JobStatus),
        "created": By(Gte, Lte),
    }
