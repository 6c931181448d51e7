"""What type checkers and editors know of asynchronous twins; `make typed` writes this file."""

# The twins of a class are narrower than those of its bases, as its methods are.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from collections.abc import Callable, Iterable, Mapping, Sequence
from os import PathLike as OsPathLike
from pathlib import Path
from typing import Any, BinaryIO, Generic, Literal, Never, Self, TypeVar, Unpack

import duckdb
import pandas
import polars

from PIL.Image import Image

from synapse.annotations import Annotation, Outside
from synapse.asynchronous.bridge import AsyncRows
from synapse.dialects import Generation
from synapse.downloads import Downloads, RemoteFile
from synapse.downloads.file_cache import FileCache
from synapse.entities.agent import Agent
from synapse.entities.annotating import Annotated
from synapse.entities.async_job import AsyncJob
from synapse.entities.choices import TaskSchema
from synapse.entities.data import DataFile, DataUnit
from synapse.entities.files import Convert
from synapse.entities.ground_truth import GroundTruthVersion
from synapse.entities.job import Job, JobLog
from synapse.entities.model import Model
from synapse.entities.plugin import PluginRelease
from synapse.entities.project import Project
from synapse.entities.storage import Storage
from synapse.entities.task import Task, TaskTag
from synapse.entities.typed import JobLogCreation, ModelCreation
from synapse.errors import Resolution
from synapse.interop.dataset_types import HuggingFaceDataset, RayDataset
from synapse.interop.formats.report import AnnotationReport
from synapse.interop.storages.filesystem import StorageFileSystem
from synapse.interop.storages.verbs import StorageCheck
from synapse.interop.tables.table import ArrowTable, Batch, TableReport
from synapse.interop.torch_rows import TorchRows
from synapse.mapping import Json
from synapse.mapping.unset import Unset
from synapse.orm.bulk import BulkResult
from synapse.orm.values import JsonAs
from synapse.reading.plan import PlanName
from synapse.reading.rows import OnBadRow
from synapse.session import Session
from synapse.showing import View
from synapse.transfer import RemotePath
from synapse.transfer.local_file import PathLike
from synapse.transfer.progress import Meter, ProgressLike
from synapse.uploads import Report
from synapse.values import Table

E = TypeVar("E")
R = TypeVar("R")

class RemoteFileTwins:
    async def aopen(self, *, cache: FileCache | None = ..., verify: bool = ...) -> BinaryIO: ...
    async def aread(self, *, cache: FileCache | None = ..., most: int | None = ...) -> bytes: ...
    async def adownload(
        self,
        to: PathLike,
        *,
        progress: ProgressLike = ...,
        overwrite: bool = ...,
        cache: FileCache | None = ...,
    ) -> Path: ...
    async def afetch_to(
        self,
        target: Path,
        *,
        meter: Meter,
        overwrite: bool = ...,
        cache: FileCache | None = ...,
        link: bool = ...,
    ) -> Path: ...

class AgentTwins:
    async def acheck(self) -> Json: ...

class AssignmentManagerTwins:
    async def aset_tags(
        self,
        *,
        add: Iterable[TaskTag | int] = ...,
        remove: Iterable[TaskTag | int] = ...,
        everything: bool = ...,
    ) -> int: ...

class AsyncJobTwins:
    async def adone(self, *, timeout: float | None = ..., progress: ProgressLike = ...) -> AsyncJob: ...
    def afollow(self) -> AsyncRows[Json]: ...
    async def acancel(self) -> AsyncJob: ...

class DataCollectionTwins:
    async def aadd(
        self,
        files: Mapping[str, str | OsPathLike[str] | RemotePath] | str | OsPathLike[str] | RemotePath,
        *,
        meta: Json | None = ...,
        groups: Sequence[str] = ...,
        root: str | OsPathLike[str] | RemotePath | None = ...,
        check_content: bool = ...,
    ) -> DataUnit: ...
    async def aupload(
        self,
        items: Iterable[Any] | str | OsPathLike[str] | RemotePath,
        *,
        project: Project | int | None = ...,
        workers: int | None = ...,
        batch_size: int = ...,
        progress: ProgressLike = ...,
        on_error: Literal["collect", "raise"] = ...,
        dry_run: bool = ...,
        presigned: bool | None = ...,
        folders: Mapping[str, str | OsPathLike[str]] | None = ...,
        include: str | Sequence[str] | None = ...,
        exclude: str | Sequence[str] | None = ...,
        root: str | OsPathLike[str] | RemotePath | None = ...,
        allow_unpaired: bool = ...,
        check_content: bool = ...,
        annotations: str | OsPathLike[str] | None = ...,
        format: Literal["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"] | None = ...,
        kind: Literal["detect", "segment", "pose", "obb", "classify"] = ...,
        strict: bool = ...,
    ) -> Report: ...
    async def acheck_files(
        self, files: Mapping[str, str | OsPathLike[str] | RemotePath] | str | OsPathLike[str] | RemotePath
    ) -> dict[str, str | OsPathLike[str] | RemotePath]: ...

class DataFileManagerTwins:
    async def aupload(
        self,
        path: str | OsPathLike[str] | RemotePath,
        *,
        chunked: bool | None = ...,
        chunk_size: int = ...,
        presigned: bool | None = ...,
        progress: ProgressLike = ...,
        check_content: bool = ...,
    ) -> DataFile: ...
    async def aexisting(self, checksums: Iterable[str]) -> set[str]: ...

class AnnotatedManagerTwins:
    async def aexport(
        self,
        folder: str | OsPathLike[str],
        *,
        format: Literal["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"],
        kind: Literal["detect", "segment", "pose", "obb", "classify"] = ...,
        files: Literal["download", "link"] | None = ...,
        split: Mapping[str, float] | Literal["category"] | None = ...,
        lossy: Literal["report", "refuse"] = ...,
        specification: str | None = ...,
        overwrite: bool = ...,
        workers: int | None = ...,
        progress: ProgressLike = ...,
        cache: FileCache | None = ...,
    ) -> AnnotationReport: ...

class FilesManagerTwins:
    async def adownload(
        self,
        folder: str | OsPathLike[str],
        *,
        workers: int | None = ...,
        progress: ProgressLike = ...,
        fields: Iterable[str] | None = ...,
        specifications: Iterable[str] | None = ...,
        overwrite: bool = ...,
        on_error: Literal["collect", "raise"] = ...,
        url_conversion: Mapping[str, Convert] | None = ...,
        cache: FileCache | None = ...,
        original_paths: bool = ...,
    ) -> Downloads: ...

class GroundTruthDatasetTwins:
    async def afreeze(self, version: str, *, description: str = ...) -> GroundTruthVersion: ...

class JobLogManagerTwins:
    async def acreate(
        self,
        *,
        file: str | OsPathLike[str] | RemoteFile | None = ...,
        progress: ProgressLike = ...,
        dry_run: bool = ...,
        **values: Unpack[JobLogCreation],
    ) -> JobLog: ...

class JobTwins:
    async def adone(self, *, timeout: float | None = ..., progress: ProgressLike = ...) -> Job: ...
    async def astop(self, *, via: Generation | None = ...) -> Job: ...
    async def aconsole_logs(self) -> list[str]: ...
    def atail(self) -> AsyncRows[str]: ...

class ModelManagerTwins:
    async def acreate(
        self,
        *,
        file: str | OsPathLike[str] | None = ...,
        progress: ProgressLike = ...,
        dry_run: bool = ...,
        **values: Unpack[ModelCreation],
    ) -> Model: ...

class PluginTwins:
    async def arun(
        self,
        *,
        action: str,
        params: Mapping[str, Any] | None = ...,
        agent: Agent | int | None = ...,
        storage: Storage | int | None = ...,
        version: str | None = ...,
        debug: bool = ...,
        language: str | None = ...,
    ) -> Job: ...
    async def arelease(
        self,
        version: str,
        archive: str | OsPathLike[str],
        *,
        config: Mapping[str, Any] | None = ...,
        requirements: Sequence[str] = ...,
        debug: bool = ...,
        progress: ProgressLike = ...,
    ) -> PluginRelease: ...

class ProjectTwins:
    async def aexport_to(
        self,
        storage: Storage | int,
        path: str,
        *,
        targets: Iterable[Literal["task", "assignment", "ground_truth"]] = ...,
        original_files: bool = ...,
    ) -> AsyncJob: ...

class StorageManagerTwins:
    async def adefault(self) -> Storage: ...

class StorageTwins:
    async def afilesystem(
        self, *, write: bool = ..., options: Mapping[str, Any] | None = ...
    ) -> StorageFileSystem: ...
    async def acheck(self, *, options: Mapping[str, Any] | None = ...) -> StorageCheck: ...

class TaskManagerTwins:
    async def aset_tags(
        self,
        *,
        add: Iterable[TaskTag | int] = ...,
        remove: Iterable[TaskTag | int] = ...,
        everything: bool = ...,
    ) -> int: ...
    async def aannotate_many(
        self,
        annotations: Mapping[Task, Annotated]
        | Mapping[int, Annotated]
        | Iterable[tuple[Task | int, Annotated]]
        | Iterable[Mapping[str, Any]]
        | Table,
        *,
        data: str | None = ...,
        on: str = ...,
        submit: bool = ...,
        schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = ...,
        outside: Outside = ...,
        progress: ProgressLike = ...,
    ) -> int: ...
    async def aannotate_from(
        self,
        source: str | OsPathLike[str],
        *,
        format: Literal["coco", "yolo", "voc", "imagefolder", "dm_v2", "jsonl"],
        kind: Literal["detect", "segment", "pose", "obb", "classify"] = ...,
        match: Literal["stem", "name", "id"] | Callable[[Task], str] = ...,
        existing: Literal["refuse", "replace", "add"] = ...,
        dry_run: bool = ...,
        strict: bool = ...,
        classes: Sequence[str] | None = ...,
        specification: str | None = ...,
        submit: bool = ...,
        schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = ...,
        outside: Outside = ...,
    ) -> AnnotationReport: ...

class TaskTwins:
    async def aannotate(
        self,
        data: Annotated,
        *more: Annotation,
        submit: bool = ...,
        schema: TaskSchema | Literal["any", "dm_schema_v1"] | None = ...,
        outside: Outside = ...,
    ) -> Task: ...
    async def ashow(self) -> View: ...
    async def apicture(self, *, width: int | None = ...) -> Image: ...
    async def aset_tags(
        self, *, add: Iterable[TaskTag | int] = ..., remove: Iterable[TaskTag | int] = ...
    ) -> None: ...

class EntityTwins:
    async def asave(
        self, *, check: bool = ..., update_fields: Iterable[str] | None = ..., dry_run: bool = ...
    ) -> Self: ...
    async def arefresh(self) -> Self: ...
    async def adelete(self, *, dry_run: bool = ...) -> None: ...

class QuerySetTwins(Generic[E]):
    async def ashow(self, *, columns: int = ...) -> View: ...
    async def acreate(self, *, dry_run: bool = ..., **values: Any) -> E: ...
    async def abulk_create(
        self,
        objects: Iterable[E] | Iterable[Mapping[str, Any]] | Table,
        *,
        columns: Mapping[str, str] | None = ...,
        nulls: Literal["omit", "clear"] = ...,
        batch_size: int = ...,
        journal: str | OsPathLike[str] | None = ...,
        dry_run: bool = ...,
        progress: ProgressLike = ...,
    ) -> list[E]: ...
    async def aupdate_from(
        self,
        table: Table | Iterable[Mapping[str, Any]],
        *,
        on: str = ...,
        fields: Iterable[str] | None = ...,
        columns: Mapping[str, str] | None = ...,
        nulls: Literal["omit", "clear"] = ...,
        dry_run: bool = ...,
        journal: str | OsPathLike[str] | None = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> BulkResult: ...
    async def aget_or_create(
        self, defaults: Mapping[str, Any] | None = ..., **lookups: Any
    ) -> tuple[E, bool]: ...
    async def aupdate_or_create(
        self, defaults: Mapping[str, Any] | None = ..., **lookups: Any
    ) -> tuple[E, bool]: ...
    async def aupdate(self, *, everything: bool = ..., dry_run: bool = ..., **fields: Any) -> BulkResult: ...
    async def adelete(self, *refused: Never, everything: bool = ..., dry_run: bool = ...) -> BulkResult: ...

class SelectionTwins(Generic[E]):
    def aiterator(
        self,
        *,
        page_size: int | None = ...,
        workers: int | None = ...,
        plan: PlanName | None = ...,
        on_bad_row: OnBadRow = ...,
        chunk_size: None = ...,
    ) -> AsyncRows[E]: ...
    def aresume(
        self,
        checkpoint: str,
        /,
        *,
        page_size: int | None = ...,
        workers: int | None = ...,
        on_bad_row: OnBadRow = ...,
    ) -> AsyncRows[E]: ...
    async def ashards(self, number: int, /) -> list[Self]: ...
    async def aget(self, pk: Any = ..., /, **lookups: Any) -> E: ...
    async def afirst(self) -> E | None: ...
    async def alast(self) -> E | None: ...
    async def alatest(self, *names: str) -> E: ...
    async def aearliest(self, *names: str) -> E: ...
    async def acount(self, *, walk: bool = ...) -> int: ...
    async def aexists(self) -> bool: ...
    async def ain_bulk(
        self, keys: Iterable[Any] | Unset = ..., *, field_name: None = ...
    ) -> dict[Any, E]: ...

class AskedTwins:
    async def aresolve(self, *, using: Session | None, wait: float | None) -> Resolution: ...

class HarmlessTwins:
    async def aresolve(self, *, using: Session | None, wait: float | None) -> Resolution: ...

class TabularTwins:
    async def ato_arrow(
        self,
        *,
        columns: Iterable[str] | None = ...,
        json: JsonAs = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> ArrowTable: ...
    async def ato_pandas(
        self,
        *,
        columns: Iterable[str] | None = ...,
        categories: bool = ...,
        json: JsonAs = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> pandas.DataFrame: ...
    async def ato_polars(
        self,
        *,
        columns: Iterable[str] | None = ...,
        categories: bool = ...,
        json: JsonAs = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> polars.DataFrame: ...
    async def ato_duckdb(
        self,
        con: duckdb.DuckDBPyConnection,
        *,
        name: str,
        columns: Iterable[str] | None = ...,
        json: JsonAs = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> duckdb.DuckDBPyRelation: ...
    async def ato_parquet(
        self,
        path: str | OsPathLike[str],
        *,
        columns: Iterable[str] | None = ...,
        json: JsonAs = ...,
        resume: bool = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> TableReport: ...
    async def ato_csv(
        self,
        path: str | OsPathLike[str],
        *,
        columns: Iterable[str] | None = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> TableReport: ...
    def abatches(
        self,
        *,
        size: int = ...,
        columns: Iterable[str] | None = ...,
        json: JsonAs = ...,
        checkpoint: str | None = ...,
        on_bad_row: OnBadRow = ...,
    ) -> AsyncRows[Batch]: ...
    async def ato_ray(
        self, *, shards: int = ..., columns: Iterable[str] | None = ..., on_bad_row: OnBadRow = ...
    ) -> RayDataset: ...
    async def ato_torch(
        self,
        *,
        columns: Iterable[str] | None = ...,
        files: str | Iterable[str] = ...,
        transform: Callable[[dict[str, Any]], Any] | None = ...,
        cache: str | OsPathLike[str] | None = ...,
        shards: int = ...,
        shuffle_shards: bool = ...,
        seed: int = ...,
        on_bad_row: OnBadRow = ...,
    ) -> TorchRows: ...
    async def ato_huggingface(
        self,
        *,
        streaming: bool = ...,
        shards: int = ...,
        columns: Iterable[str] | None = ...,
        progress: ProgressLike = ...,
        on_bad_row: OnBadRow = ...,
    ) -> HuggingFaceDataset: ...

class ValuesTwins(Generic[R]):
    async def aget(self, pk: Any = ..., /, **lookups: Any) -> R: ...
    async def afirst(self) -> R | None: ...
    async def alast(self) -> R | None: ...
    async def acount(self) -> int: ...
    async def aexists(self) -> bool: ...
    async def ain_bulk(self, keys: Iterable[Any] | Unset = ...) -> dict[Any, R]: ...
    def aiterator(
        self,
        *,
        page_size: int | None = ...,
        workers: int | None = ...,
        plan: PlanName | None = ...,
        on_bad_row: OnBadRow = ...,
        chunk_size: None = ...,
    ) -> AsyncRows[R]: ...
    def aresume(
        self,
        checkpoint: str,
        /,
        *,
        page_size: int | None = ...,
        workers: int | None = ...,
        on_bad_row: OnBadRow = ...,
    ) -> AsyncRows[R]: ...
    async def ashards(self, number: int, /) -> list[Self]: ...
