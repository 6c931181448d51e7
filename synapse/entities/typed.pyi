"""What type checkers and editors know of each entity's queries; `make typed` writes this file."""

# The names of each entity are narrower than what the base of all managers takes.
# mypy: disable-error-code="override"
# pyright: reportIncompatibleMethodOverride=false

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any, Literal, Never, Self, SupportsIndex, TypeAlias, TypedDict, Unpack, overload
from uuid import UUID

from synapse import (
    AccessLevel,
    Agent,
    Assignment,
    AsyncJob,
    AsyncJobStatus,
    CollectionCategory,
    DataCollection,
    DataFile,
    DataGroup,
    DataUnit,
    Experiment,
    Export,
    ExportTarget,
    FileSpecification,
    GroundTruth,
    GroundTruthDataset,
    GroundTruthEvent,
    GroundTruthVersion,
    Job,
    JobLog,
    JobStatus,
    LogLevel,
    Model,
    Plugin,
    PluginCategory,
    PluginRelease,
    Project,
    ProjectCategory,
    RemoteFile,
    Review,
    ReviewScope,
    ReviewTag,
    ServeApplication,
    ServeStatus,
    Split,
    StatusLabel,
    StatusReview,
    Storage,
    StorageCategory,
    StorageProvider,
    TagCategory,
    Task,
    TaskSchema,
    TaskTag,
    Train,
    Upload,
)
from synapse.entities.exporting import AnnotatedManager
from synapse.entities.files import FilesManager
from synapse.mapping.unset import Unset
from synapse.orm import BulkResult, Manager, Values

Int: TypeAlias = int | SupportsIndex

__all__ = [
    "AccessLevelValue",
    "AgentField",
    "AgentKey",
    "AgentLookups",
    "AgentOrder",
    "AgentValues",
    "AssignmentField",
    "AssignmentKey",
    "AssignmentLookups",
    "AssignmentOrder",
    "AssignmentValues",
    "AsyncJobField",
    "AsyncJobKey",
    "AsyncJobLookups",
    "AsyncJobOrder",
    "AsyncJobStatusValue",
    "AsyncJobValues",
    "CollectionCategoryValue",
    "DataCollectionField",
    "DataCollectionKey",
    "DataCollectionLookups",
    "DataCollectionOrder",
    "DataCollectionValues",
    "DataFileField",
    "DataFileKey",
    "DataFileLookups",
    "DataFileOrder",
    "DataFileValues",
    "DataGroupField",
    "DataGroupKey",
    "DataGroupLookups",
    "DataGroupOrder",
    "DataGroupValues",
    "DataUnitField",
    "DataUnitKey",
    "DataUnitLookups",
    "DataUnitOrder",
    "DataUnitValues",
    "ExperimentField",
    "ExperimentKey",
    "ExperimentLookups",
    "ExperimentOrder",
    "ExperimentValues",
    "ExportField",
    "ExportKey",
    "ExportLookups",
    "ExportOrder",
    "ExportTargetValue",
    "ExportValues",
    "GroundTruthDatasetField",
    "GroundTruthDatasetKey",
    "GroundTruthDatasetLookups",
    "GroundTruthDatasetOrder",
    "GroundTruthDatasetValues",
    "GroundTruthEventField",
    "GroundTruthEventKey",
    "GroundTruthEventLookups",
    "GroundTruthEventOrder",
    "GroundTruthEventValues",
    "GroundTruthField",
    "GroundTruthKey",
    "GroundTruthLookups",
    "GroundTruthOrder",
    "GroundTruthValues",
    "GroundTruthVersionField",
    "GroundTruthVersionKey",
    "GroundTruthVersionLookups",
    "GroundTruthVersionOrder",
    "GroundTruthVersionValues",
    "JobField",
    "JobKey",
    "JobLogField",
    "JobLogKey",
    "JobLogLookups",
    "JobLogOrder",
    "JobLogValues",
    "JobLookups",
    "JobOrder",
    "JobStatusValue",
    "JobValues",
    "LogLevelValue",
    "ModelField",
    "ModelKey",
    "ModelLookups",
    "ModelOrder",
    "ModelValues",
    "PluginCategoryValue",
    "PluginField",
    "PluginKey",
    "PluginLookups",
    "PluginOrder",
    "PluginReleaseField",
    "PluginReleaseKey",
    "PluginReleaseLookups",
    "PluginReleaseOrder",
    "PluginReleaseValues",
    "PluginValues",
    "ProjectCategoryValue",
    "ProjectField",
    "ProjectKey",
    "ProjectLookups",
    "ProjectOrder",
    "ProjectValues",
    "ReviewField",
    "ReviewKey",
    "ReviewLookups",
    "ReviewOrder",
    "ReviewScopeValue",
    "ReviewTagField",
    "ReviewTagKey",
    "ReviewTagLookups",
    "ReviewTagOrder",
    "ReviewTagValues",
    "ReviewValues",
    "ServeApplicationField",
    "ServeApplicationKey",
    "ServeApplicationLookups",
    "ServeApplicationOrder",
    "ServeApplicationValues",
    "ServeStatusValue",
    "SplitValue",
    "StatusLabelValue",
    "StatusReviewValue",
    "StorageCategoryValue",
    "StorageField",
    "StorageKey",
    "StorageLookups",
    "StorageOrder",
    "StorageProviderValue",
    "StorageValues",
    "TagCategoryValue",
    "TaskField",
    "TaskKey",
    "TaskLookups",
    "TaskOrder",
    "TaskSchemaValue",
    "TaskTagField",
    "TaskTagKey",
    "TaskTagLookups",
    "TaskTagOrder",
    "TaskTagValues",
    "TaskValues",
    "TrainField",
    "TrainKey",
    "TrainLookups",
    "TrainOrder",
    "TrainValues",
    "UploadField",
    "UploadKey",
    "UploadLookups",
    "UploadOrder",
    "UploadValues",
]

AccessLevelValue: TypeAlias = AccessLevel | Literal["public", "partially_public", "private"]

AsyncJobStatusValue: TypeAlias = (
    AsyncJobStatus | Literal["PENDING", "PROCESSING", "COMPLETED", "FAILED", "CANCELLED"]
)

CollectionCategoryValue: TypeAlias = (
    CollectionCategory | Literal["image", "video", "audio", "text", "pcd", "data"]
)

ExportTargetValue: TypeAlias = ExportTarget | Literal["assignment", "ground_truth", "task"]

JobStatusValue: TypeAlias = JobStatus | Literal["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]

LogLevelValue: TypeAlias = (
    LogLevel | Literal["debug", "info", "success", "warning", "danger", "error", "critical"]
)

PluginCategoryValue: TypeAlias = (
    PluginCategory
    | Literal[
        "neural_net",
        "export",
        "upload",
        "smart_tool",
        "pre_annotation",
        "post_annotation",
        "data_validation",
        "converter",
        "custom",
    ]
)

ProjectCategoryValue: TypeAlias = (
    ProjectCategory | Literal["image", "video", "audio", "text", "pcd", "prompt", "time_series"]
)

ReviewScopeValue: TypeAlias = ReviewScope | Literal["project", "group", "assignment", "annotation"]

ServeStatusValue: TypeAlias = (
    ServeStatus
    | Literal["NOT_STARTED", "DEPLOYING", "RUNNING", "UNHEALTHY", "DEPLOY_FAILED", "DELETING", "UNAVAILABLE"]
)

SplitValue: TypeAlias = Split | Literal["train", "validation", "test"]

StatusLabelValue: TypeAlias = StatusLabel | Literal["stand_by", "in_progress", "completed", "skipped"]

StatusReviewValue: TypeAlias = (
    StatusReview | Literal["stand_by", "in_progress", "rejected", "completed", "skipped"]
)

StorageCategoryValue: TypeAlias = StorageCategory | Literal["internal", "external"]

StorageProviderValue: TypeAlias = (
    StorageProvider
    | Literal["amazon_s3", "azure", "digital_ocean", "file_system", "ftp", "sftp", "minio", "gcp"]
)

TagCategoryValue: TypeAlias = TagCategory | Literal["export", "project"]

TaskSchemaValue: TypeAlias = TaskSchema | Literal["dm_schema_v1", "any"]

AgentKey: TypeAlias = Agent | Int

AssignmentKey: TypeAlias = Assignment | Int

AsyncJobKey: TypeAlias = AsyncJob | str | UUID

DataCollectionKey: TypeAlias = DataCollection | Int

DataFileKey: TypeAlias = DataFile | Int

DataGroupKey: TypeAlias = DataGroup | Int

DataUnitKey: TypeAlias = DataUnit | Int

ExperimentKey: TypeAlias = Experiment | Int

ExportKey: TypeAlias = Export | Int

GroundTruthKey: TypeAlias = GroundTruth | Int

GroundTruthDatasetKey: TypeAlias = GroundTruthDataset | Int

GroundTruthEventKey: TypeAlias = GroundTruthEvent | Int

GroundTruthVersionKey: TypeAlias = GroundTruthVersion | Int

JobKey: TypeAlias = Job | str | UUID

JobLogKey: TypeAlias = JobLog | Int

ModelKey: TypeAlias = Model | Int

PluginKey: TypeAlias = Plugin | str | UUID | Int

PluginReleaseKey: TypeAlias = PluginRelease | str | UUID | Int

ProjectKey: TypeAlias = Project | Int

ReviewKey: TypeAlias = Review | Int

ReviewTagKey: TypeAlias = ReviewTag | Int

ServeApplicationKey: TypeAlias = ServeApplication | Int

StorageKey: TypeAlias = Storage | Int

TaskKey: TypeAlias = Task | Int

TaskTagKey: TypeAlias = TaskTag | Int

TrainKey: TypeAlias = Train | Int

UploadKey: TypeAlias = Upload | Int

class AgentLookups(TypedDict, total=False):
    id: AgentKey
    pk: AgentKey

class AgentExclusions(TypedDict, total=False):
    pass

class AgentKeyLookups(AgentLookups, total=False):
    pass

class AgentMatch(AgentKeyLookups, total=False):
    pass

class AgentCreation(TypedDict, total=False):
    name: str
    url: str | None

class AgentValues(AgentCreation, total=False):
    pass

AgentOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

AgentField: TypeAlias = Literal["id", "name", "url", "status", "token", "node_install_script", "pk"]

AgentBehind: TypeAlias = Never

AgentNested: TypeAlias = Never

AgentPath: TypeAlias = Literal[
    "jobs",
    "jobs__plugin_release",
    "jobs__agent",
    "jobs__logs",
    "jobs__plugin_release__plugin",
    "jobs__agent__jobs",
    "jobs__logs__job",
]

class AgentQueries(Manager[Agent]):
    """Queries of `Agent`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[AgentLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[AgentExclusions]) -> Self: ...
    def order_by(self, *names: AgentOrder) -> Self: ...
    def only(self, *names: AgentField) -> Self: ...
    def defer(self, *names: AgentField) -> Self: ...
    def select_related(self, *names: AgentNested) -> Self: ...
    def prefetch_related(self, *paths: AgentPath) -> Self: ...
    def values(self, *fields: AgentField | AgentBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: AgentField | AgentBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: AgentField | AgentBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: AgentKey | Unset = ..., /, **lookups: Unpack[AgentMatch]) -> Agent: ...
    def latest(self, name: AgentOrder, /, *names: AgentOrder) -> Agent: ...
    def earliest(self, name: AgentOrder, /, *names: AgentOrder) -> Agent: ...
    def in_bulk(
        self, keys: Iterable[AgentKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Agent]: ...
    def get_or_create(
        self, defaults: AgentValues | None = None, **lookups: Unpack[AgentMatch]
    ) -> tuple[Agent, bool]: ...
    def update_or_create(
        self, defaults: AgentValues | None = None, **lookups: Unpack[AgentMatch]
    ) -> tuple[Agent, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[AgentValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[AgentValues]) -> Agent: ...
    async def aget(self, key: AgentKey | Unset = ..., /, **lookups: Unpack[AgentMatch]) -> Agent: ...
    async def alatest(self, name: AgentOrder, /, *names: AgentOrder) -> Agent: ...
    async def aearliest(self, name: AgentOrder, /, *names: AgentOrder) -> Agent: ...
    async def ain_bulk(
        self, keys: Iterable[AgentKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Agent]: ...
    async def aget_or_create(
        self, defaults: AgentValues | None = None, **lookups: Unpack[AgentMatch]
    ) -> tuple[Agent, bool]: ...
    async def aupdate_or_create(
        self, defaults: AgentValues | None = None, **lookups: Unpack[AgentMatch]
    ) -> tuple[Agent, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[AgentValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[AgentValues]) -> Agent: ...

class AssignmentLookups(TypedDict, total=False):
    id: AssignmentKey
    id__in: Iterable[AssignmentKey]
    id__gt: Assignment | Int
    id__gte: Assignment | Int
    id__lt: Assignment | Int
    id__lte: Assignment | Int
    pk: AssignmentKey
    pk__in: Iterable[AssignmentKey]
    pk__gt: Assignment | Int
    pk__gte: Assignment | Int
    pk__lt: Assignment | Int
    pk__lte: Assignment | Int
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    tasks: TaskKey
    tasks__in: Iterable[TaskKey]
    tasks__id: TaskKey
    tasks__id__in: Iterable[TaskKey]
    tasks__pk: TaskKey
    tasks__pk__in: Iterable[TaskKey]
    workshop: Int
    users: Int
    users__in: Iterable[Int]
    reviewers: Int
    reviewers__in: Iterable[Int]
    groups: Int
    groups__in: Iterable[Int]
    stages: Int
    stages__in: Iterable[Int]
    tags: TaskTagKey
    tags__in: Iterable[TaskTagKey]
    tags__id: TaskTagKey
    tags__id__in: Iterable[TaskTagKey]
    tags__pk: TaskTagKey
    tags__pk__in: Iterable[TaskTagKey]
    task_tags: TaskTagKey
    task_tags__in: Iterable[TaskTagKey]
    task_tags__id: TaskTagKey
    task_tags__id__in: Iterable[TaskTagKey]
    task_tags__pk: TaskTagKey
    task_tags__pk__in: Iterable[TaskTagKey]
    status_label: StatusLabelValue
    status_label__in: Iterable[StatusLabelValue]
    status_review: StatusReviewValue
    status_review__in: Iterable[StatusReviewValue]
    is_discarded: bool
    is_discard_confirmed: bool
    is_confirmed: bool
    created__gt: date | str
    created__gte: date | str
    created__lt: date | str
    created__lte: date | str
    label_submitted__gt: date | str
    label_submitted__gte: date | str
    label_submitted__lt: date | str
    label_submitted__lte: date | str
    last_labeled__gt: date | str
    last_labeled__gte: date | str
    last_labeled__lt: date | str
    last_labeled__lte: date | str
    last_reviewed__gt: date | str
    last_reviewed__gte: date | str
    last_reviewed__lt: date | str
    last_reviewed__lte: date | str
    labeler_last_action_at__gt: date | str
    labeler_last_action_at__gte: date | str
    labeler_last_action_at__lt: date | str
    labeler_last_action_at__lte: date | str
    reviewer_last_action_at__gt: date | str
    reviewer_last_action_at__gte: date | str
    reviewer_last_action_at__lt: date | str
    reviewer_last_action_at__lte: date | str
    search: str

class AssignmentExclusions(TypedDict, total=False):
    id: AssignmentKey
    id__in: Iterable[AssignmentKey]
    id__gt: Assignment | Int
    id__gte: Assignment | Int
    id__lt: Assignment | Int
    id__lte: Assignment | Int
    pk: AssignmentKey
    pk__in: Iterable[AssignmentKey]
    pk__gt: Assignment | Int
    pk__gte: Assignment | Int
    pk__lt: Assignment | Int
    pk__lte: Assignment | Int
    is_discarded: bool
    is_discard_confirmed: bool
    is_confirmed: bool

class AssignmentKeyLookups(AssignmentLookups, total=False):
    pass

class AssignmentMatch(AssignmentKeyLookups, total=False):
    pass

class AssignmentCreation(TypedDict, total=False):
    task_id: Int
    user: Int | None
    reviewer: Int | None
    status_label: StatusLabelValue
    status_review: StatusReviewValue
    is_confirmed: bool
    is_discarded: bool
    data: dict[str, Any] | None
    task: TaskKey

class AssignmentValues(AssignmentCreation, total=False):
    pass

AssignmentOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

AssignmentField: TypeAlias = Literal[
    "id",
    "task_id",
    "user",
    "reviewer",
    "status_label",
    "status_review",
    "is_confirmed",
    "is_discarded",
    "data",
    "tags",
    "data_unit_id",
    "file",
    "files",
    "label_submitted",
    "last_labeled",
    "last_reviewed",
    "labeler_last_action_at",
    "reviewer_last_action_at",
    "created",
    "task",
    "data_unit",
    "pk",
    "task__id",
    "task__pk",
    "data_unit__id",
    "data_unit__pk",
]

AssignmentBehind: TypeAlias = Literal[
    "task__project_id",
    "task__data_unit_id",
    "task__data",
    "task__meta",
    "task__schema",
    "task__is_discarded",
    "task__tags",
    "task__status_label",
    "task__status_review",
    "task__count_assignments",
    "task__has_data",
    "task__workshop",
    "task__files",
    "task__created",
    "data_unit__data_collection_id",
    "data_unit__files",
    "data_unit__meta",
    "data_unit__groups",
    "data_unit__group",
    "data_unit__checksum",
    "data_unit__can_generate_task",
    "data_unit__created",
    "task__project__title",
    "task__project__category",
    "task__project__data_collection_id",
    "task__project__description",
    "task__project__configuration",
    "task__project__settings",
    "task__project__caution",
    "task__project__access_level",
    "task__project__count_max_assignments_per_task",
    "task__project__can_discard",
    "task__project__enable_workforce",
    "task__project__is_archived",
    "task__project__tenant",
    "task__project__created",
    "task__data_unit__data_collection_id",
    "task__data_unit__files",
    "task__data_unit__meta",
    "task__data_unit__groups",
    "task__data_unit__group",
    "task__data_unit__checksum",
    "task__data_unit__can_generate_task",
    "task__data_unit__created",
    "data_unit__data_collection__name",
    "data_unit__data_collection__category",
    "data_unit__data_collection__description",
    "data_unit__data_collection__file_specifications",
    "data_unit__data_collection__meta",
    "data_unit__data_collection__caution",
    "data_unit__data_collection__access_level",
    "data_unit__data_collection__is_archived",
    "data_unit__data_collection__count_projects",
    "data_unit__data_collection__tenant",
    "data_unit__data_collection__created",
]

AssignmentNested: TypeAlias = Never

AssignmentPath: TypeAlias = Literal[
    "task",
    "data_unit",
    "reviews",
    "task__project",
    "task__data_unit",
    "task__assignments",
    "task__project__data_collection",
    "task__project__tasks",
    "task__project__tags",
    "task__project__review_tags",
    "task__data_unit__data_collection",
    "task__assignments__task",
    "task__assignments__data_unit",
    "task__assignments__reviews",
    "data_unit__data_collection",
    "data_unit__data_collection__units",
    "data_unit__data_collection__projects",
    "data_unit__data_collection__groups",
    "reviews__assignment",
    "reviews__assignment__task",
    "reviews__assignment__data_unit",
    "reviews__assignment__reviews",
]

class AssignmentQueries(FilesManager[Assignment]):
    """Queries of `Assignment`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[AssignmentLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[AssignmentExclusions]) -> Self: ...
    def order_by(self, *names: AssignmentOrder) -> Self: ...
    def only(self, *names: AssignmentField) -> Self: ...
    def defer(self, *names: AssignmentField) -> Self: ...
    def select_related(self, *names: AssignmentNested) -> Self: ...
    def prefetch_related(self, *paths: AssignmentPath) -> Self: ...
    def values(
        self, *fields: AssignmentField | AssignmentBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: AssignmentField | AssignmentBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: AssignmentField | AssignmentBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: AssignmentKey | Unset = ..., /, **lookups: Unpack[AssignmentMatch]) -> Assignment: ...
    def latest(self, name: AssignmentOrder, /, *names: AssignmentOrder) -> Assignment: ...
    def earliest(self, name: AssignmentOrder, /, *names: AssignmentOrder) -> Assignment: ...
    def in_bulk(
        self, keys: Iterable[AssignmentKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Assignment]: ...
    def get_or_create(
        self, defaults: AssignmentValues | None = None, **lookups: Unpack[AssignmentMatch]
    ) -> tuple[Assignment, bool]: ...
    def update_or_create(
        self, defaults: AssignmentValues | None = None, **lookups: Unpack[AssignmentMatch]
    ) -> tuple[Assignment, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[AssignmentValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[AssignmentValues]) -> Assignment: ...
    async def aget(
        self, key: AssignmentKey | Unset = ..., /, **lookups: Unpack[AssignmentMatch]
    ) -> Assignment: ...
    async def alatest(self, name: AssignmentOrder, /, *names: AssignmentOrder) -> Assignment: ...
    async def aearliest(self, name: AssignmentOrder, /, *names: AssignmentOrder) -> Assignment: ...
    async def ain_bulk(
        self, keys: Iterable[AssignmentKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Assignment]: ...
    async def aget_or_create(
        self, defaults: AssignmentValues | None = None, **lookups: Unpack[AssignmentMatch]
    ) -> tuple[Assignment, bool]: ...
    async def aupdate_or_create(
        self, defaults: AssignmentValues | None = None, **lookups: Unpack[AssignmentMatch]
    ) -> tuple[Assignment, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[AssignmentValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[AssignmentValues]) -> Assignment: ...

class AsyncJobLookups(TypedDict, total=False):
    id__in: Iterable[AsyncJobKey]
    pk__in: Iterable[AsyncJobKey]
    triggered_by: str
    search: str

class AsyncJobExclusions(TypedDict, total=False):
    pass

class AsyncJobKeyLookups(AsyncJobLookups, total=False):
    id: AsyncJobKey
    pk: AsyncJobKey

class AsyncJobMatch(AsyncJobKeyLookups, total=False):
    pass

class AsyncJobCreation(TypedDict, total=False):
    pass

class AsyncJobValues(AsyncJobCreation, total=False):
    pass

AsyncJobOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

AsyncJobField: TypeAlias = Literal[
    "id",
    "status",
    "category",
    "type",
    "queue",
    "triggered_by",
    "progress",
    "data",
    "file",
    "ray_job_id",
    "created",
    "started",
    "finished",
    "succeeded",
    "failed",
    "pk",
]

AsyncJobBehind: TypeAlias = Never

AsyncJobNested: TypeAlias = Never

AsyncJobPath: TypeAlias = Never

class AsyncJobQueries(FilesManager[AsyncJob]):
    """Queries of `AsyncJob`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[AsyncJobLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[AsyncJobExclusions]) -> Self: ...
    def order_by(self, *names: AsyncJobOrder) -> Self: ...
    def only(self, *names: AsyncJobField) -> Self: ...
    def defer(self, *names: AsyncJobField) -> Self: ...
    def select_related(self, *names: AsyncJobNested) -> Self: ...
    def prefetch_related(self, *paths: AsyncJobPath) -> Self: ...
    def values(
        self, *fields: AsyncJobField | AsyncJobBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: AsyncJobField | AsyncJobBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: AsyncJobField | AsyncJobBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: AsyncJobKey | Unset = ..., /, **lookups: Unpack[AsyncJobMatch]) -> AsyncJob: ...
    def latest(self, name: AsyncJobOrder, /, *names: AsyncJobOrder) -> AsyncJob: ...
    def earliest(self, name: AsyncJobOrder, /, *names: AsyncJobOrder) -> AsyncJob: ...
    def in_bulk(
        self, keys: Iterable[AsyncJobKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, AsyncJob]: ...
    def get_or_create(
        self, defaults: AsyncJobValues | None = None, **lookups: Unpack[AsyncJobMatch]
    ) -> tuple[AsyncJob, bool]: ...
    def update_or_create(
        self, defaults: AsyncJobValues | None = None, **lookups: Unpack[AsyncJobMatch]
    ) -> tuple[AsyncJob, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[AsyncJobValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[AsyncJobValues]) -> AsyncJob: ...
    async def aget(self, key: AsyncJobKey | Unset = ..., /, **lookups: Unpack[AsyncJobMatch]) -> AsyncJob: ...
    async def alatest(self, name: AsyncJobOrder, /, *names: AsyncJobOrder) -> AsyncJob: ...
    async def aearliest(self, name: AsyncJobOrder, /, *names: AsyncJobOrder) -> AsyncJob: ...
    async def ain_bulk(
        self, keys: Iterable[AsyncJobKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, AsyncJob]: ...
    async def aget_or_create(
        self, defaults: AsyncJobValues | None = None, **lookups: Unpack[AsyncJobMatch]
    ) -> tuple[AsyncJob, bool]: ...
    async def aupdate_or_create(
        self, defaults: AsyncJobValues | None = None, **lookups: Unpack[AsyncJobMatch]
    ) -> tuple[AsyncJob, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[AsyncJobValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[AsyncJobValues]) -> AsyncJob: ...

class DataCollectionLookups(TypedDict, total=False):
    category: CollectionCategoryValue

class DataCollectionExclusions(TypedDict, total=False):
    pass

class DataCollectionKeyLookups(DataCollectionLookups, total=False):
    id: DataCollectionKey
    pk: DataCollectionKey

class DataCollectionMatch(DataCollectionKeyLookups, total=False):
    name: str

class DataCollectionCreation(TypedDict, total=False):
    name: str
    category: CollectionCategoryValue
    description: str
    file_specifications: list[FileSpecification] | tuple[FileSpecification, ...]
    meta: dict[str, Any]
    caution: str
    access_level: AccessLevelValue
    is_archived: bool

class DataCollectionValues(DataCollectionCreation, total=False):
    pass

DataCollectionOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

DataCollectionField: TypeAlias = Literal[
    "id",
    "name",
    "category",
    "description",
    "file_specifications",
    "meta",
    "caution",
    "access_level",
    "is_archived",
    "count_projects",
    "tenant",
    "created",
    "pk",
]

DataCollectionBehind: TypeAlias = Never

DataCollectionNested: TypeAlias = Never

DataCollectionPath: TypeAlias = Literal[
    "units",
    "projects",
    "groups",
    "units__data_collection",
    "units__data_collection__units",
    "units__data_collection__projects",
    "units__data_collection__groups",
    "projects__data_collection",
    "projects__tasks",
    "projects__tags",
    "projects__review_tags",
    "projects__data_collection__units",
    "projects__data_collection__projects",
    "projects__data_collection__groups",
    "projects__tasks__project",
    "projects__tasks__data_unit",
    "projects__tasks__assignments",
    "projects__tags__project",
    "projects__tags__tasks",
    "projects__review_tags__project",
    "groups__data_collection",
    "groups__data_collection__units",
    "groups__data_collection__projects",
    "groups__data_collection__groups",
]

class DataCollectionQueries(Manager[DataCollection]):
    """Queries of `DataCollection`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[DataCollectionLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[DataCollectionExclusions]) -> Self: ...
    def order_by(self, *names: DataCollectionOrder) -> Self: ...
    def only(self, *names: DataCollectionField) -> Self: ...
    def defer(self, *names: DataCollectionField) -> Self: ...
    def select_related(self, *names: DataCollectionNested) -> Self: ...
    def prefetch_related(self, *paths: DataCollectionPath) -> Self: ...
    def values(
        self, *fields: DataCollectionField | DataCollectionBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: DataCollectionField | DataCollectionBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: DataCollectionField | DataCollectionBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: DataCollectionKey | Unset = ..., /, **lookups: Unpack[DataCollectionMatch]
    ) -> DataCollection: ...
    def latest(self, name: DataCollectionOrder, /, *names: DataCollectionOrder) -> DataCollection: ...
    def earliest(self, name: DataCollectionOrder, /, *names: DataCollectionOrder) -> DataCollection: ...
    def in_bulk(
        self, keys: Iterable[DataCollectionKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataCollection]: ...
    def get_or_create(
        self, defaults: DataCollectionValues | None = None, **lookups: Unpack[DataCollectionMatch]
    ) -> tuple[DataCollection, bool]: ...
    def update_or_create(
        self, defaults: DataCollectionValues | None = None, **lookups: Unpack[DataCollectionMatch]
    ) -> tuple[DataCollection, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataCollectionValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[DataCollectionValues]) -> DataCollection: ...
    async def aget(
        self, key: DataCollectionKey | Unset = ..., /, **lookups: Unpack[DataCollectionMatch]
    ) -> DataCollection: ...
    async def alatest(self, name: DataCollectionOrder, /, *names: DataCollectionOrder) -> DataCollection: ...
    async def aearliest(
        self, name: DataCollectionOrder, /, *names: DataCollectionOrder
    ) -> DataCollection: ...
    async def ain_bulk(
        self, keys: Iterable[DataCollectionKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataCollection]: ...
    async def aget_or_create(
        self, defaults: DataCollectionValues | None = None, **lookups: Unpack[DataCollectionMatch]
    ) -> tuple[DataCollection, bool]: ...
    async def aupdate_or_create(
        self, defaults: DataCollectionValues | None = None, **lookups: Unpack[DataCollectionMatch]
    ) -> tuple[DataCollection, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataCollectionValues]
    ) -> BulkResult: ...
    async def acreate(
        self, *, dry_run: bool = False, **values: Unpack[DataCollectionValues]
    ) -> DataCollection: ...

class DataFileLookups(TypedDict, total=False):
    checksum: str
    data_collection: DataCollectionKey
    data_collection__id: DataCollectionKey
    data_collection__pk: DataCollectionKey

class DataFileExclusions(TypedDict, total=False):
    pass

class DataFileKeyLookups(DataFileLookups, total=False):
    id: DataFileKey
    pk: DataFileKey

class DataFileMatch(DataFileKeyLookups, total=False):
    pass

class DataFileCreation(TypedDict, total=False):
    meta: dict[str, Any] | None

class DataFileValues(DataFileCreation, total=False):
    pass

DataFileOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

DataFileField: TypeAlias = Literal["id", "checksum", "file", "size", "meta", "storage", "created", "pk"]

DataFileBehind: TypeAlias = Never

DataFileNested: TypeAlias = Never

DataFilePath: TypeAlias = Never

class DataFileQueries(FilesManager[DataFile]):
    """Queries of `DataFile`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[DataFileLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[DataFileExclusions]) -> Self: ...
    def order_by(self, *names: DataFileOrder) -> Self: ...
    def only(self, *names: DataFileField) -> Self: ...
    def defer(self, *names: DataFileField) -> Self: ...
    def select_related(self, *names: DataFileNested) -> Self: ...
    def prefetch_related(self, *paths: DataFilePath) -> Self: ...
    def values(
        self, *fields: DataFileField | DataFileBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: DataFileField | DataFileBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: DataFileField | DataFileBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: DataFileKey | Unset = ..., /, **lookups: Unpack[DataFileMatch]) -> DataFile: ...
    def latest(self, name: DataFileOrder, /, *names: DataFileOrder) -> DataFile: ...
    def earliest(self, name: DataFileOrder, /, *names: DataFileOrder) -> DataFile: ...
    def in_bulk(
        self, keys: Iterable[DataFileKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataFile]: ...
    def get_or_create(
        self, defaults: DataFileValues | None = None, **lookups: Unpack[DataFileMatch]
    ) -> tuple[DataFile, bool]: ...
    def update_or_create(
        self, defaults: DataFileValues | None = None, **lookups: Unpack[DataFileMatch]
    ) -> tuple[DataFile, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataFileValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[DataFileValues]) -> DataFile: ...
    async def aget(self, key: DataFileKey | Unset = ..., /, **lookups: Unpack[DataFileMatch]) -> DataFile: ...
    async def alatest(self, name: DataFileOrder, /, *names: DataFileOrder) -> DataFile: ...
    async def aearliest(self, name: DataFileOrder, /, *names: DataFileOrder) -> DataFile: ...
    async def ain_bulk(
        self, keys: Iterable[DataFileKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataFile]: ...
    async def aget_or_create(
        self, defaults: DataFileValues | None = None, **lookups: Unpack[DataFileMatch]
    ) -> tuple[DataFile, bool]: ...
    async def aupdate_or_create(
        self, defaults: DataFileValues | None = None, **lookups: Unpack[DataFileMatch]
    ) -> tuple[DataFile, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataFileValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[DataFileValues]) -> DataFile: ...

class DataGroupLookups(TypedDict, total=False):
    data_collection: DataCollectionKey
    data_collection__id: DataCollectionKey
    data_collection__pk: DataCollectionKey
    data_collection_id: DataCollectionKey

class DataGroupExclusions(TypedDict, total=False):
    pass

class DataGroupKeyLookups(DataGroupLookups, total=False):
    id: DataGroupKey
    pk: DataGroupKey

class DataGroupMatch(DataGroupKeyLookups, total=False):
    name: str

class DataGroupCreation(TypedDict, total=False):
    data_collection_id: Int
    name: str
    data_collection: DataCollectionKey

class DataGroupValues(DataGroupCreation, total=False):
    pass

DataGroupOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

DataGroupField: TypeAlias = Literal[
    "id", "data_collection_id", "name", "data_collection", "pk", "data_collection__id", "data_collection__pk"
]

DataGroupBehind: TypeAlias = Literal[
    "data_collection__name",
    "data_collection__category",
    "data_collection__description",
    "data_collection__file_specifications",
    "data_collection__meta",
    "data_collection__caution",
    "data_collection__access_level",
    "data_collection__is_archived",
    "data_collection__count_projects",
    "data_collection__tenant",
    "data_collection__created",
]

DataGroupNested: TypeAlias = Never

DataGroupPath: TypeAlias = Literal[
    "data_collection",
    "data_collection__units",
    "data_collection__projects",
    "data_collection__groups",
    "data_collection__units__data_collection",
    "data_collection__projects__data_collection",
    "data_collection__projects__tasks",
    "data_collection__projects__tags",
    "data_collection__projects__review_tags",
    "data_collection__groups__data_collection",
]

class DataGroupQueries(Manager[DataGroup]):
    """Queries of `DataGroup`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[DataGroupLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[DataGroupExclusions]) -> Self: ...
    def order_by(self, *names: DataGroupOrder) -> Self: ...
    def only(self, *names: DataGroupField) -> Self: ...
    def defer(self, *names: DataGroupField) -> Self: ...
    def select_related(self, *names: DataGroupNested) -> Self: ...
    def prefetch_related(self, *paths: DataGroupPath) -> Self: ...
    def values(
        self, *fields: DataGroupField | DataGroupBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: DataGroupField | DataGroupBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: DataGroupField | DataGroupBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: DataGroupKey | Unset = ..., /, **lookups: Unpack[DataGroupMatch]) -> DataGroup: ...
    def latest(self, name: DataGroupOrder, /, *names: DataGroupOrder) -> DataGroup: ...
    def earliest(self, name: DataGroupOrder, /, *names: DataGroupOrder) -> DataGroup: ...
    def in_bulk(
        self, keys: Iterable[DataGroupKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataGroup]: ...
    def get_or_create(
        self, defaults: DataGroupValues | None = None, **lookups: Unpack[DataGroupMatch]
    ) -> tuple[DataGroup, bool]: ...
    def update_or_create(
        self, defaults: DataGroupValues | None = None, **lookups: Unpack[DataGroupMatch]
    ) -> tuple[DataGroup, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataGroupValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[DataGroupValues]) -> DataGroup: ...
    async def aget(
        self, key: DataGroupKey | Unset = ..., /, **lookups: Unpack[DataGroupMatch]
    ) -> DataGroup: ...
    async def alatest(self, name: DataGroupOrder, /, *names: DataGroupOrder) -> DataGroup: ...
    async def aearliest(self, name: DataGroupOrder, /, *names: DataGroupOrder) -> DataGroup: ...
    async def ain_bulk(
        self, keys: Iterable[DataGroupKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataGroup]: ...
    async def aget_or_create(
        self, defaults: DataGroupValues | None = None, **lookups: Unpack[DataGroupMatch]
    ) -> tuple[DataGroup, bool]: ...
    async def aupdate_or_create(
        self, defaults: DataGroupValues | None = None, **lookups: Unpack[DataGroupMatch]
    ) -> tuple[DataGroup, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataGroupValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[DataGroupValues]) -> DataGroup: ...

class DataUnitLookups(TypedDict, total=False):
    data_collection: DataCollectionKey
    data_collection__id: DataCollectionKey
    data_collection__pk: DataCollectionKey
    data_collection_id: DataCollectionKey
    can_generate_task: bool

class DataUnitExclusions(TypedDict, total=False):
    can_generate_task: bool

class DataUnitKeyLookups(DataUnitLookups, total=False):
    id: DataUnitKey
    pk: DataUnitKey

class DataUnitMatch(DataUnitKeyLookups, total=False):
    pass

class DataUnitCreation(TypedDict, total=False):
    data_collection_id: Int
    files: dict[str, Any]
    meta: dict[str, Any]
    groups: list[str] | tuple[str, ...]
    data_collection: DataCollectionKey

class DataUnitValues(DataUnitCreation, total=False):
    pass

DataUnitOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

DataUnitField: TypeAlias = Literal[
    "id",
    "data_collection_id",
    "files",
    "meta",
    "groups",
    "group",
    "checksum",
    "can_generate_task",
    "created",
    "data_collection",
    "pk",
    "data_collection__id",
    "data_collection__pk",
]

DataUnitBehind: TypeAlias = Literal[
    "data_collection__name",
    "data_collection__category",
    "data_collection__description",
    "data_collection__file_specifications",
    "data_collection__meta",
    "data_collection__caution",
    "data_collection__access_level",
    "data_collection__is_archived",
    "data_collection__count_projects",
    "data_collection__tenant",
    "data_collection__created",
]

DataUnitNested: TypeAlias = Never

DataUnitPath: TypeAlias = Literal[
    "data_collection",
    "data_collection__units",
    "data_collection__projects",
    "data_collection__groups",
    "data_collection__units__data_collection",
    "data_collection__projects__data_collection",
    "data_collection__projects__tasks",
    "data_collection__projects__tags",
    "data_collection__projects__review_tags",
    "data_collection__groups__data_collection",
]

class DataUnitQueries(FilesManager[DataUnit]):
    """Queries of `DataUnit`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[DataUnitLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[DataUnitExclusions]) -> Self: ...
    def order_by(self, *names: DataUnitOrder) -> Self: ...
    def only(self, *names: DataUnitField) -> Self: ...
    def defer(self, *names: DataUnitField) -> Self: ...
    def select_related(self, *names: DataUnitNested) -> Self: ...
    def prefetch_related(self, *paths: DataUnitPath) -> Self: ...
    def values(
        self, *fields: DataUnitField | DataUnitBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: DataUnitField | DataUnitBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: DataUnitField | DataUnitBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: DataUnitKey | Unset = ..., /, **lookups: Unpack[DataUnitMatch]) -> DataUnit: ...
    def latest(self, name: DataUnitOrder, /, *names: DataUnitOrder) -> DataUnit: ...
    def earliest(self, name: DataUnitOrder, /, *names: DataUnitOrder) -> DataUnit: ...
    def in_bulk(
        self, keys: Iterable[DataUnitKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataUnit]: ...
    def get_or_create(
        self, defaults: DataUnitValues | None = None, **lookups: Unpack[DataUnitMatch]
    ) -> tuple[DataUnit, bool]: ...
    def update_or_create(
        self, defaults: DataUnitValues | None = None, **lookups: Unpack[DataUnitMatch]
    ) -> tuple[DataUnit, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataUnitValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[DataUnitValues]) -> DataUnit: ...
    async def aget(self, key: DataUnitKey | Unset = ..., /, **lookups: Unpack[DataUnitMatch]) -> DataUnit: ...
    async def alatest(self, name: DataUnitOrder, /, *names: DataUnitOrder) -> DataUnit: ...
    async def aearliest(self, name: DataUnitOrder, /, *names: DataUnitOrder) -> DataUnit: ...
    async def ain_bulk(
        self, keys: Iterable[DataUnitKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, DataUnit]: ...
    async def aget_or_create(
        self, defaults: DataUnitValues | None = None, **lookups: Unpack[DataUnitMatch]
    ) -> tuple[DataUnit, bool]: ...
    async def aupdate_or_create(
        self, defaults: DataUnitValues | None = None, **lookups: Unpack[DataUnitMatch]
    ) -> tuple[DataUnit, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[DataUnitValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[DataUnitValues]) -> DataUnit: ...

class ExperimentLookups(TypedDict, total=False):
    pass

class ExperimentExclusions(TypedDict, total=False):
    pass

class ExperimentKeyLookups(ExperimentLookups, total=False):
    id: ExperimentKey
    pk: ExperimentKey

class ExperimentMatch(ExperimentKeyLookups, total=False):
    name: str

class ExperimentCreation(TypedDict, total=False):
    name: str
    task_type: Int
    description: str
    access_level: AccessLevelValue

class ExperimentValues(ExperimentCreation, total=False):
    pass

ExperimentOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

ExperimentField: TypeAlias = Literal[
    "id", "name", "task_type", "description", "access_level", "is_archived", "tenant", "created", "pk"
]

ExperimentBehind: TypeAlias = Never

ExperimentNested: TypeAlias = Never

ExperimentPath: TypeAlias = Literal[
    "trains",
    "trains__experiment",
    "trains__ground_truth_version",
    "trains__job",
    "trains__checkpoint",
    "trains__experiment__trains",
    "trains__ground_truth_version__ground_truth_dataset",
    "trains__ground_truth_version__events",
    "trains__job__plugin_release",
    "trains__job__agent",
    "trains__job__logs",
]

class ExperimentQueries(Manager[Experiment]):
    """Queries of `Experiment`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ExperimentLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ExperimentExclusions]) -> Self: ...
    def order_by(self, *names: ExperimentOrder) -> Self: ...
    def only(self, *names: ExperimentField) -> Self: ...
    def defer(self, *names: ExperimentField) -> Self: ...
    def select_related(self, *names: ExperimentNested) -> Self: ...
    def prefetch_related(self, *paths: ExperimentPath) -> Self: ...
    def values(
        self, *fields: ExperimentField | ExperimentBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: ExperimentField | ExperimentBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ExperimentField | ExperimentBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: ExperimentKey | Unset = ..., /, **lookups: Unpack[ExperimentMatch]) -> Experiment: ...
    def latest(self, name: ExperimentOrder, /, *names: ExperimentOrder) -> Experiment: ...
    def earliest(self, name: ExperimentOrder, /, *names: ExperimentOrder) -> Experiment: ...
    def in_bulk(
        self, keys: Iterable[ExperimentKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Experiment]: ...
    def get_or_create(
        self, defaults: ExperimentValues | None = None, **lookups: Unpack[ExperimentMatch]
    ) -> tuple[Experiment, bool]: ...
    def update_or_create(
        self, defaults: ExperimentValues | None = None, **lookups: Unpack[ExperimentMatch]
    ) -> tuple[Experiment, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ExperimentValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[ExperimentValues]) -> Experiment: ...
    async def aget(
        self, key: ExperimentKey | Unset = ..., /, **lookups: Unpack[ExperimentMatch]
    ) -> Experiment: ...
    async def alatest(self, name: ExperimentOrder, /, *names: ExperimentOrder) -> Experiment: ...
    async def aearliest(self, name: ExperimentOrder, /, *names: ExperimentOrder) -> Experiment: ...
    async def ain_bulk(
        self, keys: Iterable[ExperimentKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Experiment]: ...
    async def aget_or_create(
        self, defaults: ExperimentValues | None = None, **lookups: Unpack[ExperimentMatch]
    ) -> tuple[Experiment, bool]: ...
    async def aupdate_or_create(
        self, defaults: ExperimentValues | None = None, **lookups: Unpack[ExperimentMatch]
    ) -> tuple[Experiment, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ExperimentValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[ExperimentValues]) -> Experiment: ...

class ExportLookups(TypedDict, total=False):
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    storage: StorageKey
    storage__id: StorageKey
    storage__pk: StorageKey
    storage_id: StorageKey
    target: ExportTargetValue
    job__status: JobStatusValue
    created__gte: date | str
    created__lte: date | str

class ExportExclusions(TypedDict, total=False):
    pass

class ExportKeyLookups(ExportLookups, total=False):
    id: ExportKey
    pk: ExportKey

class ExportMatch(ExportKeyLookups, total=False):
    pass

class ExportCreation(TypedDict, total=False):
    pass

class ExportValues(ExportCreation, total=False):
    pass

ExportOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

ExportField: TypeAlias = Literal[
    "id",
    "target",
    "job_id",
    "job_status",
    "name",
    "description",
    "storage_id",
    "path",
    "filter",
    "extra_params",
    "save_original_file",
    "created",
    "storage",
    "job",
    "pk",
    "storage__id",
    "storage__pk",
    "job__id",
    "job__pk",
]

ExportBehind: TypeAlias = Literal[
    "storage__name",
    "storage__provider",
    "storage__category",
    "storage__is_default",
    "storage__configuration",
    "job__status",
    "job__action",
    "job__params",
    "job__plugin_release_id",
    "job__agent_id",
    "job__progress_record",
    "job__metrics_record",
    "job__result",
    "job__meta",
    "job__queue",
    "job__error",
    "job__is_active",
    "job__created",
    "job__modified",
    "job__completed",
    "job__plugin_release__plugin_id",
    "job__plugin_release__version",
    "job__plugin_release__config",
    "job__plugin_release__readme",
    "job__plugin_release__requirements",
    "job__plugin_release__run_schema",
    "job__plugin_release__installation_schema",
    "job__plugin_release__available_actions",
    "job__plugin_release__file",
    "job__plugin_release__debug",
    "job__plugin_release__is_released",
    "job__plugin_release__author",
    "job__plugin_release__meta",
    "job__plugin_release__created",
    "job__agent__name",
    "job__agent__url",
    "job__agent__status",
    "job__agent__token",
    "job__agent__node_install_script",
]

ExportNested: TypeAlias = Never

ExportPath: TypeAlias = Literal[
    "storage",
    "job",
    "job__plugin_release",
    "job__agent",
    "job__logs",
    "job__plugin_release__plugin",
    "job__agent__jobs",
    "job__logs__job",
]

class ExportQueries(Manager[Export]):
    """Queries of `Export`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ExportLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ExportExclusions]) -> Self: ...
    def order_by(self, *names: ExportOrder) -> Self: ...
    def only(self, *names: ExportField) -> Self: ...
    def defer(self, *names: ExportField) -> Self: ...
    def select_related(self, *names: ExportNested) -> Self: ...
    def prefetch_related(self, *paths: ExportPath) -> Self: ...
    def values(self, *fields: ExportField | ExportBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: ExportField | ExportBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ExportField | ExportBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: ExportKey | Unset = ..., /, **lookups: Unpack[ExportMatch]) -> Export: ...
    def latest(self, name: ExportOrder, /, *names: ExportOrder) -> Export: ...
    def earliest(self, name: ExportOrder, /, *names: ExportOrder) -> Export: ...
    def in_bulk(
        self, keys: Iterable[ExportKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Export]: ...
    def get_or_create(
        self, defaults: ExportValues | None = None, **lookups: Unpack[ExportMatch]
    ) -> tuple[Export, bool]: ...
    def update_or_create(
        self, defaults: ExportValues | None = None, **lookups: Unpack[ExportMatch]
    ) -> tuple[Export, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ExportValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[ExportValues]) -> Export: ...
    async def aget(self, key: ExportKey | Unset = ..., /, **lookups: Unpack[ExportMatch]) -> Export: ...
    async def alatest(self, name: ExportOrder, /, *names: ExportOrder) -> Export: ...
    async def aearliest(self, name: ExportOrder, /, *names: ExportOrder) -> Export: ...
    async def ain_bulk(
        self, keys: Iterable[ExportKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Export]: ...
    async def aget_or_create(
        self, defaults: ExportValues | None = None, **lookups: Unpack[ExportMatch]
    ) -> tuple[Export, bool]: ...
    async def aupdate_or_create(
        self, defaults: ExportValues | None = None, **lookups: Unpack[ExportMatch]
    ) -> tuple[Export, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ExportValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[ExportValues]) -> Export: ...

class GroundTruthLookups(TypedDict, total=False):
    id: GroundTruthKey
    pk: GroundTruthKey
    ground_truth_dataset: GroundTruthDatasetKey
    ground_truth_dataset__id: GroundTruthDatasetKey
    ground_truth_dataset__pk: GroundTruthDatasetKey
    ground_truth_dataset_id: GroundTruthDatasetKey
    ground_truth_dataset_versions: GroundTruthVersionKey
    ground_truth_dataset_versions__in: Iterable[GroundTruthVersionKey]
    ground_truth_dataset_versions__id: GroundTruthVersionKey
    ground_truth_dataset_versions__id__in: Iterable[GroundTruthVersionKey]
    ground_truth_dataset_versions__pk: GroundTruthVersionKey
    ground_truth_dataset_versions__pk__in: Iterable[GroundTruthVersionKey]
    task: TaskKey
    task__id: TaskKey
    task__pk: TaskKey
    category: SplitValue
    category__in: Iterable[SplitValue]
    classes: str
    classes__in: Iterable[str]

class GroundTruthExclusions(TypedDict, total=False):
    pass

class GroundTruthKeyLookups(GroundTruthLookups, total=False):
    pass

class GroundTruthMatch(GroundTruthKeyLookups, total=False):
    pass

class GroundTruthCreation(TypedDict, total=False):
    ground_truth_dataset_id: Int
    data_unit_id: Int
    category: SplitValue
    data: dict[str, Any] | None
    classes: list[str] | tuple[str, ...]
    project_id: Int | None
    ground_truth_dataset: GroundTruthDatasetKey
    data_unit: DataUnitKey
    project: ProjectKey | None

class GroundTruthValues(GroundTruthCreation, total=False):
    pass

GroundTruthOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

GroundTruthField: TypeAlias = Literal[
    "id",
    "ground_truth_dataset_id",
    "data_unit_id",
    "category",
    "data",
    "classes",
    "project_id",
    "files",
    "ground_truth_dataset",
    "data_unit",
    "project",
    "pk",
    "ground_truth_dataset__id",
    "ground_truth_dataset__pk",
    "data_unit__id",
    "data_unit__pk",
    "project__id",
    "project__pk",
]

GroundTruthBehind: TypeAlias = Literal[
    "ground_truth_dataset__name",
    "ground_truth_dataset__description",
    "ground_truth_dataset__project_id",
    "ground_truth_dataset__tenant",
    "data_unit__data_collection_id",
    "data_unit__files",
    "data_unit__meta",
    "data_unit__groups",
    "data_unit__group",
    "data_unit__checksum",
    "data_unit__can_generate_task",
    "data_unit__created",
    "project__title",
    "project__category",
    "project__data_collection_id",
    "project__description",
    "project__configuration",
    "project__settings",
    "project__caution",
    "project__access_level",
    "project__count_max_assignments_per_task",
    "project__can_discard",
    "project__enable_workforce",
    "project__is_archived",
    "project__tenant",
    "project__created",
    "ground_truth_dataset__project__title",
    "ground_truth_dataset__project__category",
    "ground_truth_dataset__project__data_collection_id",
    "ground_truth_dataset__project__description",
    "ground_truth_dataset__project__configuration",
    "ground_truth_dataset__project__settings",
    "ground_truth_dataset__project__caution",
    "ground_truth_dataset__project__access_level",
    "ground_truth_dataset__project__count_max_assignments_per_task",
    "ground_truth_dataset__project__can_discard",
    "ground_truth_dataset__project__enable_workforce",
    "ground_truth_dataset__project__is_archived",
    "ground_truth_dataset__project__tenant",
    "ground_truth_dataset__project__created",
    "data_unit__data_collection__name",
    "data_unit__data_collection__category",
    "data_unit__data_collection__description",
    "data_unit__data_collection__file_specifications",
    "data_unit__data_collection__meta",
    "data_unit__data_collection__caution",
    "data_unit__data_collection__access_level",
    "data_unit__data_collection__is_archived",
    "data_unit__data_collection__count_projects",
    "data_unit__data_collection__tenant",
    "data_unit__data_collection__created",
    "project__data_collection__name",
    "project__data_collection__category",
    "project__data_collection__description",
    "project__data_collection__file_specifications",
    "project__data_collection__meta",
    "project__data_collection__caution",
    "project__data_collection__access_level",
    "project__data_collection__is_archived",
    "project__data_collection__count_projects",
    "project__data_collection__tenant",
    "project__data_collection__created",
]

GroundTruthNested: TypeAlias = Never

GroundTruthPath: TypeAlias = Literal[
    "ground_truth_dataset",
    "data_unit",
    "project",
    "ground_truth_dataset__project",
    "ground_truth_dataset__ground_truths",
    "ground_truth_dataset__versions",
    "ground_truth_dataset__project__data_collection",
    "ground_truth_dataset__project__tasks",
    "ground_truth_dataset__project__tags",
    "ground_truth_dataset__project__review_tags",
    "ground_truth_dataset__ground_truths__ground_truth_dataset",
    "ground_truth_dataset__ground_truths__data_unit",
    "ground_truth_dataset__ground_truths__project",
    "ground_truth_dataset__versions__ground_truth_dataset",
    "ground_truth_dataset__versions__events",
    "data_unit__data_collection",
    "data_unit__data_collection__units",
    "data_unit__data_collection__projects",
    "data_unit__data_collection__groups",
    "project__data_collection",
    "project__tasks",
    "project__tags",
    "project__review_tags",
    "project__data_collection__units",
    "project__data_collection__projects",
    "project__data_collection__groups",
    "project__tasks__project",
    "project__tasks__data_unit",
    "project__tasks__assignments",
    "project__tags__project",
    "project__tags__tasks",
    "project__review_tags__project",
]

class GroundTruthQueries(AnnotatedManager[GroundTruth]):
    """Queries of `GroundTruth`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[GroundTruthLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[GroundTruthExclusions]) -> Self: ...
    def order_by(self, *names: GroundTruthOrder) -> Self: ...
    def only(self, *names: GroundTruthField) -> Self: ...
    def defer(self, *names: GroundTruthField) -> Self: ...
    def select_related(self, *names: GroundTruthNested) -> Self: ...
    def prefetch_related(self, *paths: GroundTruthPath) -> Self: ...
    def values(
        self, *fields: GroundTruthField | GroundTruthBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: GroundTruthField | GroundTruthBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: GroundTruthField | GroundTruthBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: GroundTruthKey | Unset = ..., /, **lookups: Unpack[GroundTruthMatch]
    ) -> GroundTruth: ...
    def latest(self, name: GroundTruthOrder, /, *names: GroundTruthOrder) -> GroundTruth: ...
    def earliest(self, name: GroundTruthOrder, /, *names: GroundTruthOrder) -> GroundTruth: ...
    def in_bulk(
        self, keys: Iterable[GroundTruthKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruth]: ...
    def get_or_create(
        self, defaults: GroundTruthValues | None = None, **lookups: Unpack[GroundTruthMatch]
    ) -> tuple[GroundTruth, bool]: ...
    def update_or_create(
        self, defaults: GroundTruthValues | None = None, **lookups: Unpack[GroundTruthMatch]
    ) -> tuple[GroundTruth, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[GroundTruthValues]) -> GroundTruth: ...
    async def aget(
        self, key: GroundTruthKey | Unset = ..., /, **lookups: Unpack[GroundTruthMatch]
    ) -> GroundTruth: ...
    async def alatest(self, name: GroundTruthOrder, /, *names: GroundTruthOrder) -> GroundTruth: ...
    async def aearliest(self, name: GroundTruthOrder, /, *names: GroundTruthOrder) -> GroundTruth: ...
    async def ain_bulk(
        self, keys: Iterable[GroundTruthKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruth]: ...
    async def aget_or_create(
        self, defaults: GroundTruthValues | None = None, **lookups: Unpack[GroundTruthMatch]
    ) -> tuple[GroundTruth, bool]: ...
    async def aupdate_or_create(
        self, defaults: GroundTruthValues | None = None, **lookups: Unpack[GroundTruthMatch]
    ) -> tuple[GroundTruth, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[GroundTruthValues]) -> GroundTruth: ...

class GroundTruthDatasetLookups(TypedDict, total=False):
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    project_id: ProjectKey

class GroundTruthDatasetExclusions(TypedDict, total=False):
    pass

class GroundTruthDatasetKeyLookups(GroundTruthDatasetLookups, total=False):
    id: GroundTruthDatasetKey
    pk: GroundTruthDatasetKey

class GroundTruthDatasetMatch(GroundTruthDatasetKeyLookups, total=False):
    name: str

class GroundTruthDatasetCreation(TypedDict, total=False):
    name: str
    description: str
    project_id: Int | None
    project: ProjectKey | None

class GroundTruthDatasetValues(GroundTruthDatasetCreation, total=False):
    pass

GroundTruthDatasetOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

GroundTruthDatasetField: TypeAlias = Literal[
    "id", "name", "description", "project_id", "tenant", "project", "pk", "project__id", "project__pk"
]

GroundTruthDatasetBehind: TypeAlias = Literal[
    "project__title",
    "project__category",
    "project__data_collection_id",
    "project__description",
    "project__configuration",
    "project__settings",
    "project__caution",
    "project__access_level",
    "project__count_max_assignments_per_task",
    "project__can_discard",
    "project__enable_workforce",
    "project__is_archived",
    "project__tenant",
    "project__created",
    "project__data_collection__name",
    "project__data_collection__category",
    "project__data_collection__description",
    "project__data_collection__file_specifications",
    "project__data_collection__meta",
    "project__data_collection__caution",
    "project__data_collection__access_level",
    "project__data_collection__is_archived",
    "project__data_collection__count_projects",
    "project__data_collection__tenant",
    "project__data_collection__created",
]

GroundTruthDatasetNested: TypeAlias = Never

GroundTruthDatasetPath: TypeAlias = Literal[
    "project",
    "ground_truths",
    "versions",
    "project__data_collection",
    "project__tasks",
    "project__tags",
    "project__review_tags",
    "project__data_collection__units",
    "project__data_collection__projects",
    "project__data_collection__groups",
    "project__tasks__project",
    "project__tasks__data_unit",
    "project__tasks__assignments",
    "project__tags__project",
    "project__tags__tasks",
    "project__review_tags__project",
    "ground_truths__ground_truth_dataset",
    "ground_truths__data_unit",
    "ground_truths__project",
    "ground_truths__ground_truth_dataset__project",
    "ground_truths__ground_truth_dataset__ground_truths",
    "ground_truths__ground_truth_dataset__versions",
    "ground_truths__data_unit__data_collection",
    "ground_truths__project__data_collection",
    "ground_truths__project__tasks",
    "ground_truths__project__tags",
    "ground_truths__project__review_tags",
    "versions__ground_truth_dataset",
    "versions__events",
    "versions__ground_truth_dataset__project",
    "versions__ground_truth_dataset__ground_truths",
    "versions__ground_truth_dataset__versions",
    "versions__events__ground_truth",
    "versions__events__ground_truth_dataset",
    "versions__events__data_unit",
]

class GroundTruthDatasetQueries(Manager[GroundTruthDataset]):
    """Queries of `GroundTruthDataset`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[GroundTruthDatasetLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[GroundTruthDatasetExclusions]) -> Self: ...
    def order_by(self, *names: GroundTruthDatasetOrder) -> Self: ...
    def only(self, *names: GroundTruthDatasetField) -> Self: ...
    def defer(self, *names: GroundTruthDatasetField) -> Self: ...
    def select_related(self, *names: GroundTruthDatasetNested) -> Self: ...
    def prefetch_related(self, *paths: GroundTruthDatasetPath) -> Self: ...
    def values(
        self, *fields: GroundTruthDatasetField | GroundTruthDatasetBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self,
        field: GroundTruthDatasetField | GroundTruthDatasetBehind,
        /,
        *,
        flat: Literal[True],
        json: bool = ...,
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: GroundTruthDatasetField | GroundTruthDatasetBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: GroundTruthDatasetKey | Unset = ..., /, **lookups: Unpack[GroundTruthDatasetMatch]
    ) -> GroundTruthDataset: ...
    def latest(
        self, name: GroundTruthDatasetOrder, /, *names: GroundTruthDatasetOrder
    ) -> GroundTruthDataset: ...
    def earliest(
        self, name: GroundTruthDatasetOrder, /, *names: GroundTruthDatasetOrder
    ) -> GroundTruthDataset: ...
    def in_bulk(
        self, keys: Iterable[GroundTruthDatasetKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruthDataset]: ...
    def get_or_create(
        self, defaults: GroundTruthDatasetValues | None = None, **lookups: Unpack[GroundTruthDatasetMatch]
    ) -> tuple[GroundTruthDataset, bool]: ...
    def update_or_create(
        self, defaults: GroundTruthDatasetValues | None = None, **lookups: Unpack[GroundTruthDatasetMatch]
    ) -> tuple[GroundTruthDataset, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthDatasetValues]
    ) -> BulkResult: ...
    def create(
        self, *, dry_run: bool = False, **values: Unpack[GroundTruthDatasetValues]
    ) -> GroundTruthDataset: ...
    async def aget(
        self, key: GroundTruthDatasetKey | Unset = ..., /, **lookups: Unpack[GroundTruthDatasetMatch]
    ) -> GroundTruthDataset: ...
    async def alatest(
        self, name: GroundTruthDatasetOrder, /, *names: GroundTruthDatasetOrder
    ) -> GroundTruthDataset: ...
    async def aearliest(
        self, name: GroundTruthDatasetOrder, /, *names: GroundTruthDatasetOrder
    ) -> GroundTruthDataset: ...
    async def ain_bulk(
        self, keys: Iterable[GroundTruthDatasetKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruthDataset]: ...
    async def aget_or_create(
        self, defaults: GroundTruthDatasetValues | None = None, **lookups: Unpack[GroundTruthDatasetMatch]
    ) -> tuple[GroundTruthDataset, bool]: ...
    async def aupdate_or_create(
        self, defaults: GroundTruthDatasetValues | None = None, **lookups: Unpack[GroundTruthDatasetMatch]
    ) -> tuple[GroundTruthDataset, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthDatasetValues]
    ) -> BulkResult: ...
    async def acreate(
        self, *, dry_run: bool = False, **values: Unpack[GroundTruthDatasetValues]
    ) -> GroundTruthDataset: ...

class GroundTruthEventLookups(TypedDict, total=False):
    ground_truth: GroundTruthKey
    ground_truth__id: GroundTruthKey
    ground_truth__pk: GroundTruthKey
    ground_truth_id: GroundTruthKey
    ground_truth_dataset: GroundTruthDatasetKey
    ground_truth_dataset__id: GroundTruthDatasetKey
    ground_truth_dataset__pk: GroundTruthDatasetKey
    ground_truth_dataset_id: GroundTruthDatasetKey
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    ground_truth_dataset_versions: GroundTruthVersionKey
    ground_truth_dataset_versions__in: Iterable[GroundTruthVersionKey]
    ground_truth_dataset_versions__id: GroundTruthVersionKey
    ground_truth_dataset_versions__id__in: Iterable[GroundTruthVersionKey]
    ground_truth_dataset_versions__pk: GroundTruthVersionKey
    ground_truth_dataset_versions__pk__in: Iterable[GroundTruthVersionKey]
    task: TaskKey
    task__id: TaskKey
    task__pk: TaskKey
    category: SplitValue
    category__in: Iterable[SplitValue]
    classes: str
    classes__in: Iterable[str]

class GroundTruthEventExclusions(TypedDict, total=False):
    pass

class GroundTruthEventKeyLookups(GroundTruthEventLookups, total=False):
    pgh_id: GroundTruthEventKey
    pk: GroundTruthEventKey

class GroundTruthEventMatch(GroundTruthEventKeyLookups, total=False):
    pass

class GroundTruthEventCreation(TypedDict, total=False):
    pass

class GroundTruthEventValues(GroundTruthEventCreation, total=False):
    pass

GroundTruthEventOrder: TypeAlias = Literal["pgh_id", "-pgh_id", "pk", "-pk"]

GroundTruthEventField: TypeAlias = Literal[
    "pgh_id",
    "ground_truth_id",
    "pgh_label",
    "ground_truth_dataset_id",
    "data_unit_id",
    "category",
    "data",
    "classes",
    "files",
    "data_digest",
    "data_size",
    "ground_truth",
    "ground_truth_dataset",
    "data_unit",
    "pk",
    "ground_truth__id",
    "ground_truth__pk",
    "ground_truth_dataset__id",
    "ground_truth_dataset__pk",
    "data_unit__id",
    "data_unit__pk",
]

GroundTruthEventBehind: TypeAlias = Literal[
    "ground_truth__ground_truth_dataset_id",
    "ground_truth__data_unit_id",
    "ground_truth__category",
    "ground_truth__data",
    "ground_truth__classes",
    "ground_truth__project_id",
    "ground_truth__files",
    "ground_truth_dataset__name",
    "ground_truth_dataset__description",
    "ground_truth_dataset__project_id",
    "ground_truth_dataset__tenant",
    "data_unit__data_collection_id",
    "data_unit__files",
    "data_unit__meta",
    "data_unit__groups",
    "data_unit__group",
    "data_unit__checksum",
    "data_unit__can_generate_task",
    "data_unit__created",
    "ground_truth__ground_truth_dataset__name",
    "ground_truth__ground_truth_dataset__description",
    "ground_truth__ground_truth_dataset__project_id",
    "ground_truth__ground_truth_dataset__tenant",
    "ground_truth__data_unit__data_collection_id",
    "ground_truth__data_unit__files",
    "ground_truth__data_unit__meta",
    "ground_truth__data_unit__groups",
    "ground_truth__data_unit__group",
    "ground_truth__data_unit__checksum",
    "ground_truth__data_unit__can_generate_task",
    "ground_truth__data_unit__created",
    "ground_truth__project__title",
    "ground_truth__project__category",
    "ground_truth__project__data_collection_id",
    "ground_truth__project__description",
    "ground_truth__project__configuration",
    "ground_truth__project__settings",
    "ground_truth__project__caution",
    "ground_truth__project__access_level",
    "ground_truth__project__count_max_assignments_per_task",
    "ground_truth__project__can_discard",
    "ground_truth__project__enable_workforce",
    "ground_truth__project__is_archived",
    "ground_truth__project__tenant",
    "ground_truth__project__created",
    "ground_truth_dataset__project__title",
    "ground_truth_dataset__project__category",
    "ground_truth_dataset__project__data_collection_id",
    "ground_truth_dataset__project__description",
    "ground_truth_dataset__project__configuration",
    "ground_truth_dataset__project__settings",
    "ground_truth_dataset__project__caution",
    "ground_truth_dataset__project__access_level",
    "ground_truth_dataset__project__count_max_assignments_per_task",
    "ground_truth_dataset__project__can_discard",
    "ground_truth_dataset__project__enable_workforce",
    "ground_truth_dataset__project__is_archived",
    "ground_truth_dataset__project__tenant",
    "ground_truth_dataset__project__created",
    "data_unit__data_collection__name",
    "data_unit__data_collection__category",
    "data_unit__data_collection__description",
    "data_unit__data_collection__file_specifications",
    "data_unit__data_collection__meta",
    "data_unit__data_collection__caution",
    "data_unit__data_collection__access_level",
    "data_unit__data_collection__is_archived",
    "data_unit__data_collection__count_projects",
    "data_unit__data_collection__tenant",
    "data_unit__data_collection__created",
]

GroundTruthEventNested: TypeAlias = Never

GroundTruthEventPath: TypeAlias = Literal[
    "ground_truth",
    "ground_truth_dataset",
    "data_unit",
    "ground_truth__ground_truth_dataset",
    "ground_truth__data_unit",
    "ground_truth__project",
    "ground_truth__ground_truth_dataset__project",
    "ground_truth__ground_truth_dataset__ground_truths",
    "ground_truth__ground_truth_dataset__versions",
    "ground_truth__data_unit__data_collection",
    "ground_truth__project__data_collection",
    "ground_truth__project__tasks",
    "ground_truth__project__tags",
    "ground_truth__project__review_tags",
    "ground_truth_dataset__project",
    "ground_truth_dataset__ground_truths",
    "ground_truth_dataset__versions",
    "ground_truth_dataset__project__data_collection",
    "ground_truth_dataset__project__tasks",
    "ground_truth_dataset__project__tags",
    "ground_truth_dataset__project__review_tags",
    "ground_truth_dataset__ground_truths__ground_truth_dataset",
    "ground_truth_dataset__ground_truths__data_unit",
    "ground_truth_dataset__ground_truths__project",
    "ground_truth_dataset__versions__ground_truth_dataset",
    "ground_truth_dataset__versions__events",
    "data_unit__data_collection",
    "data_unit__data_collection__units",
    "data_unit__data_collection__projects",
    "data_unit__data_collection__groups",
]

class GroundTruthEventQueries(AnnotatedManager[GroundTruthEvent]):
    """Queries of `GroundTruthEvent`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[GroundTruthEventLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[GroundTruthEventExclusions]) -> Self: ...
    def order_by(self, *names: GroundTruthEventOrder) -> Self: ...
    def only(self, *names: GroundTruthEventField) -> Self: ...
    def defer(self, *names: GroundTruthEventField) -> Self: ...
    def select_related(self, *names: GroundTruthEventNested) -> Self: ...
    def prefetch_related(self, *paths: GroundTruthEventPath) -> Self: ...
    def values(
        self, *fields: GroundTruthEventField | GroundTruthEventBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self,
        field: GroundTruthEventField | GroundTruthEventBehind,
        /,
        *,
        flat: Literal[True],
        json: bool = ...,
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: GroundTruthEventField | GroundTruthEventBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: GroundTruthEventKey | Unset = ..., /, **lookups: Unpack[GroundTruthEventMatch]
    ) -> GroundTruthEvent: ...
    def latest(self, name: GroundTruthEventOrder, /, *names: GroundTruthEventOrder) -> GroundTruthEvent: ...
    def earliest(self, name: GroundTruthEventOrder, /, *names: GroundTruthEventOrder) -> GroundTruthEvent: ...
    def in_bulk(
        self, keys: Iterable[GroundTruthEventKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruthEvent]: ...
    def get_or_create(
        self, defaults: GroundTruthEventValues | None = None, **lookups: Unpack[GroundTruthEventMatch]
    ) -> tuple[GroundTruthEvent, bool]: ...
    def update_or_create(
        self, defaults: GroundTruthEventValues | None = None, **lookups: Unpack[GroundTruthEventMatch]
    ) -> tuple[GroundTruthEvent, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthEventValues]
    ) -> BulkResult: ...
    def create(
        self, *, dry_run: bool = False, **values: Unpack[GroundTruthEventValues]
    ) -> GroundTruthEvent: ...
    async def aget(
        self, key: GroundTruthEventKey | Unset = ..., /, **lookups: Unpack[GroundTruthEventMatch]
    ) -> GroundTruthEvent: ...
    async def alatest(
        self, name: GroundTruthEventOrder, /, *names: GroundTruthEventOrder
    ) -> GroundTruthEvent: ...
    async def aearliest(
        self, name: GroundTruthEventOrder, /, *names: GroundTruthEventOrder
    ) -> GroundTruthEvent: ...
    async def ain_bulk(
        self, keys: Iterable[GroundTruthEventKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruthEvent]: ...
    async def aget_or_create(
        self, defaults: GroundTruthEventValues | None = None, **lookups: Unpack[GroundTruthEventMatch]
    ) -> tuple[GroundTruthEvent, bool]: ...
    async def aupdate_or_create(
        self, defaults: GroundTruthEventValues | None = None, **lookups: Unpack[GroundTruthEventMatch]
    ) -> tuple[GroundTruthEvent, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthEventValues]
    ) -> BulkResult: ...
    async def acreate(
        self, *, dry_run: bool = False, **values: Unpack[GroundTruthEventValues]
    ) -> GroundTruthEvent: ...

class GroundTruthVersionLookups(TypedDict, total=False):
    ground_truth_dataset: GroundTruthDatasetKey
    ground_truth_dataset__id: GroundTruthDatasetKey
    ground_truth_dataset__pk: GroundTruthDatasetKey
    ground_truth_dataset_id: GroundTruthDatasetKey
    is_archived: bool

class GroundTruthVersionExclusions(TypedDict, total=False):
    is_archived: bool

class GroundTruthVersionKeyLookups(GroundTruthVersionLookups, total=False):
    id: GroundTruthVersionKey
    pk: GroundTruthVersionKey

class GroundTruthVersionMatch(GroundTruthVersionKeyLookups, total=False):
    version: str

class GroundTruthVersionCreation(TypedDict, total=False):
    ground_truth_dataset_id: Int
    version: str
    description: str
    is_archived: bool
    ground_truth_dataset: GroundTruthDatasetKey

class GroundTruthVersionValues(GroundTruthVersionCreation, total=False):
    pass

GroundTruthVersionOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

GroundTruthVersionField: TypeAlias = Literal[
    "id",
    "ground_truth_dataset_id",
    "version",
    "description",
    "is_archived",
    "created",
    "ground_truth_dataset",
    "pk",
    "ground_truth_dataset__id",
    "ground_truth_dataset__pk",
]

GroundTruthVersionBehind: TypeAlias = Literal[
    "ground_truth_dataset__name",
    "ground_truth_dataset__description",
    "ground_truth_dataset__project_id",
    "ground_truth_dataset__tenant",
    "ground_truth_dataset__project__title",
    "ground_truth_dataset__project__category",
    "ground_truth_dataset__project__data_collection_id",
    "ground_truth_dataset__project__description",
    "ground_truth_dataset__project__configuration",
    "ground_truth_dataset__project__settings",
    "ground_truth_dataset__project__caution",
    "ground_truth_dataset__project__access_level",
    "ground_truth_dataset__project__count_max_assignments_per_task",
    "ground_truth_dataset__project__can_discard",
    "ground_truth_dataset__project__enable_workforce",
    "ground_truth_dataset__project__is_archived",
    "ground_truth_dataset__project__tenant",
    "ground_truth_dataset__project__created",
]

GroundTruthVersionNested: TypeAlias = Literal["ground_truth_dataset"]

GroundTruthVersionPath: TypeAlias = Literal[
    "ground_truth_dataset",
    "events",
    "ground_truth_dataset__project",
    "ground_truth_dataset__ground_truths",
    "ground_truth_dataset__versions",
    "ground_truth_dataset__project__data_collection",
    "ground_truth_dataset__project__tasks",
    "ground_truth_dataset__project__tags",
    "ground_truth_dataset__project__review_tags",
    "ground_truth_dataset__ground_truths__ground_truth_dataset",
    "ground_truth_dataset__ground_truths__data_unit",
    "ground_truth_dataset__ground_truths__project",
    "ground_truth_dataset__versions__ground_truth_dataset",
    "ground_truth_dataset__versions__events",
    "events__ground_truth",
    "events__ground_truth_dataset",
    "events__data_unit",
    "events__ground_truth__ground_truth_dataset",
    "events__ground_truth__data_unit",
    "events__ground_truth__project",
    "events__ground_truth_dataset__project",
    "events__ground_truth_dataset__ground_truths",
    "events__ground_truth_dataset__versions",
    "events__data_unit__data_collection",
]

class GroundTruthVersionQueries(Manager[GroundTruthVersion]):
    """Queries of `GroundTruthVersion`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[GroundTruthVersionLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[GroundTruthVersionExclusions]) -> Self: ...
    def order_by(self, *names: GroundTruthVersionOrder) -> Self: ...
    def only(self, *names: GroundTruthVersionField) -> Self: ...
    def defer(self, *names: GroundTruthVersionField) -> Self: ...
    def select_related(self, *names: GroundTruthVersionNested) -> Self: ...
    def prefetch_related(self, *paths: GroundTruthVersionPath) -> Self: ...
    def values(
        self, *fields: GroundTruthVersionField | GroundTruthVersionBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self,
        field: GroundTruthVersionField | GroundTruthVersionBehind,
        /,
        *,
        flat: Literal[True],
        json: bool = ...,
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: GroundTruthVersionField | GroundTruthVersionBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: GroundTruthVersionKey | Unset = ..., /, **lookups: Unpack[GroundTruthVersionMatch]
    ) -> GroundTruthVersion: ...
    def latest(
        self, name: GroundTruthVersionOrder, /, *names: GroundTruthVersionOrder
    ) -> GroundTruthVersion: ...
    def earliest(
        self, name: GroundTruthVersionOrder, /, *names: GroundTruthVersionOrder
    ) -> GroundTruthVersion: ...
    def in_bulk(
        self, keys: Iterable[GroundTruthVersionKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruthVersion]: ...
    def get_or_create(
        self, defaults: GroundTruthVersionValues | None = None, **lookups: Unpack[GroundTruthVersionMatch]
    ) -> tuple[GroundTruthVersion, bool]: ...
    def update_or_create(
        self, defaults: GroundTruthVersionValues | None = None, **lookups: Unpack[GroundTruthVersionMatch]
    ) -> tuple[GroundTruthVersion, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthVersionValues]
    ) -> BulkResult: ...
    def create(
        self, *, dry_run: bool = False, **values: Unpack[GroundTruthVersionValues]
    ) -> GroundTruthVersion: ...
    async def aget(
        self, key: GroundTruthVersionKey | Unset = ..., /, **lookups: Unpack[GroundTruthVersionMatch]
    ) -> GroundTruthVersion: ...
    async def alatest(
        self, name: GroundTruthVersionOrder, /, *names: GroundTruthVersionOrder
    ) -> GroundTruthVersion: ...
    async def aearliest(
        self, name: GroundTruthVersionOrder, /, *names: GroundTruthVersionOrder
    ) -> GroundTruthVersion: ...
    async def ain_bulk(
        self, keys: Iterable[GroundTruthVersionKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, GroundTruthVersion]: ...
    async def aget_or_create(
        self, defaults: GroundTruthVersionValues | None = None, **lookups: Unpack[GroundTruthVersionMatch]
    ) -> tuple[GroundTruthVersion, bool]: ...
    async def aupdate_or_create(
        self, defaults: GroundTruthVersionValues | None = None, **lookups: Unpack[GroundTruthVersionMatch]
    ) -> tuple[GroundTruthVersion, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[GroundTruthVersionValues]
    ) -> BulkResult: ...
    async def acreate(
        self, *, dry_run: bool = False, **values: Unpack[GroundTruthVersionValues]
    ) -> GroundTruthVersion: ...

class JobLookups(TypedDict, total=False):
    status: JobStatusValue
    agent: AgentKey
    agent__id: AgentKey
    agent__pk: AgentKey
    agent_id: AgentKey
    plugin: PluginKey
    plugin__id: PluginKey
    plugin__pk: PluginKey
    action: str

class JobExclusions(TypedDict, total=False):
    pass

class JobKeyLookups(JobLookups, total=False):
    id: JobKey
    pk: JobKey

class JobMatch(JobKeyLookups, total=False):
    pass

class JobCreation(TypedDict, total=False):
    progress_record: dict[str, Any] | None
    metrics_record: dict[str, Any] | None
    result: Any
    meta: dict[str, Any] | None

class JobValues(JobCreation, total=False):
    pass

JobOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

JobField: TypeAlias = Literal[
    "id",
    "status",
    "action",
    "params",
    "plugin_release_id",
    "agent_id",
    "progress_record",
    "metrics_record",
    "result",
    "meta",
    "queue",
    "error",
    "is_active",
    "created",
    "modified",
    "completed",
    "plugin_release",
    "agent",
    "pk",
    "plugin_release__id",
    "plugin_release__pk",
    "agent__id",
    "agent__pk",
]

JobBehind: TypeAlias = Literal[
    "plugin_release__plugin_id",
    "plugin_release__version",
    "plugin_release__config",
    "plugin_release__readme",
    "plugin_release__requirements",
    "plugin_release__run_schema",
    "plugin_release__installation_schema",
    "plugin_release__available_actions",
    "plugin_release__file",
    "plugin_release__debug",
    "plugin_release__is_released",
    "plugin_release__author",
    "plugin_release__meta",
    "plugin_release__created",
    "agent__name",
    "agent__url",
    "agent__status",
    "agent__token",
    "agent__node_install_script",
    "plugin_release__plugin__code",
    "plugin_release__plugin__name",
    "plugin_release__plugin__category",
    "plugin_release__plugin__description",
    "plugin_release__plugin__is_active",
    "plugin_release__plugin__is_public",
    "plugin_release__plugin__system_only",
    "plugin_release__plugin__detail",
    "plugin_release__plugin__tenant",
    "plugin_release__plugin__created",
]

JobNested: TypeAlias = Literal["logs"]

JobPath: TypeAlias = Literal[
    "plugin_release",
    "agent",
    "logs",
    "plugin_release__plugin",
    "plugin_release__plugin__releases",
    "plugin_release__plugin__jobs",
    "agent__jobs",
    "agent__jobs__plugin_release",
    "agent__jobs__agent",
    "agent__jobs__logs",
    "logs__job",
    "logs__job__plugin_release",
    "logs__job__agent",
    "logs__job__logs",
]

class JobQueries(Manager[Job]):
    """Queries of `Job`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[JobLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[JobExclusions]) -> Self: ...
    def order_by(self, *names: JobOrder) -> Self: ...
    def only(self, *names: JobField) -> Self: ...
    def defer(self, *names: JobField) -> Self: ...
    def select_related(self, *names: JobNested) -> Self: ...
    def prefetch_related(self, *paths: JobPath) -> Self: ...
    def values(self, *fields: JobField | JobBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: JobField | JobBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: JobField | JobBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: JobKey | Unset = ..., /, **lookups: Unpack[JobMatch]) -> Job: ...
    def latest(self, name: JobOrder, /, *names: JobOrder) -> Job: ...
    def earliest(self, name: JobOrder, /, *names: JobOrder) -> Job: ...
    def in_bulk(self, keys: Iterable[JobKey] | Unset = ..., *, field_name: None = None) -> dict[Any, Job]: ...
    def get_or_create(
        self, defaults: JobValues | None = None, **lookups: Unpack[JobMatch]
    ) -> tuple[Job, bool]: ...
    def update_or_create(
        self, defaults: JobValues | None = None, **lookups: Unpack[JobMatch]
    ) -> tuple[Job, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[JobValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[JobValues]) -> Job: ...
    async def aget(self, key: JobKey | Unset = ..., /, **lookups: Unpack[JobMatch]) -> Job: ...
    async def alatest(self, name: JobOrder, /, *names: JobOrder) -> Job: ...
    async def aearliest(self, name: JobOrder, /, *names: JobOrder) -> Job: ...
    async def ain_bulk(
        self, keys: Iterable[JobKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Job]: ...
    async def aget_or_create(
        self, defaults: JobValues | None = None, **lookups: Unpack[JobMatch]
    ) -> tuple[Job, bool]: ...
    async def aupdate_or_create(
        self, defaults: JobValues | None = None, **lookups: Unpack[JobMatch]
    ) -> tuple[Job, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[JobValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[JobValues]) -> Job: ...

class JobLogLookups(TypedDict, total=False):
    job: JobKey
    job__id: JobKey
    job__pk: JobKey
    job_id: JobKey
    event: str
    level: LogLevelValue

class JobLogExclusions(TypedDict, total=False):
    pass

class JobLogKeyLookups(JobLogLookups, total=False):
    id: JobLogKey
    pk: JobLogKey

class JobLogMatch(JobLogKeyLookups, total=False):
    pass

class JobLogCreation(TypedDict, total=False):
    job_id: str
    event: str
    data: Any
    datetime: datetime | str
    step: str
    level: LogLevelValue
    job: JobKey

class JobLogValues(JobLogCreation, total=False):
    file: RemoteFile | str | None

JobLogOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

JobLogField: TypeAlias = Literal[
    "id",
    "job_id",
    "event",
    "data",
    "datetime",
    "step",
    "level",
    "file",
    "created",
    "job",
    "pk",
    "job__id",
    "job__pk",
]

JobLogBehind: TypeAlias = Literal[
    "job__status",
    "job__action",
    "job__params",
    "job__plugin_release_id",
    "job__agent_id",
    "job__progress_record",
    "job__metrics_record",
    "job__result",
    "job__meta",
    "job__queue",
    "job__error",
    "job__is_active",
    "job__created",
    "job__modified",
    "job__completed",
    "job__plugin_release__plugin_id",
    "job__plugin_release__version",
    "job__plugin_release__config",
    "job__plugin_release__readme",
    "job__plugin_release__requirements",
    "job__plugin_release__run_schema",
    "job__plugin_release__installation_schema",
    "job__plugin_release__available_actions",
    "job__plugin_release__file",
    "job__plugin_release__debug",
    "job__plugin_release__is_released",
    "job__plugin_release__author",
    "job__plugin_release__meta",
    "job__plugin_release__created",
    "job__agent__name",
    "job__agent__url",
    "job__agent__status",
    "job__agent__token",
    "job__agent__node_install_script",
]

JobLogNested: TypeAlias = Never

JobLogPath: TypeAlias = Literal[
    "job",
    "job__plugin_release",
    "job__agent",
    "job__logs",
    "job__plugin_release__plugin",
    "job__agent__jobs",
    "job__logs__job",
]

class JobLogQueries(FilesManager[JobLog]):
    """Queries of `JobLog`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[JobLogLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[JobLogExclusions]) -> Self: ...
    def order_by(self, *names: JobLogOrder) -> Self: ...
    def only(self, *names: JobLogField) -> Self: ...
    def defer(self, *names: JobLogField) -> Self: ...
    def select_related(self, *names: JobLogNested) -> Self: ...
    def prefetch_related(self, *paths: JobLogPath) -> Self: ...
    def values(self, *fields: JobLogField | JobLogBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: JobLogField | JobLogBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: JobLogField | JobLogBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: JobLogKey | Unset = ..., /, **lookups: Unpack[JobLogMatch]) -> JobLog: ...
    def latest(self, name: JobLogOrder, /, *names: JobLogOrder) -> JobLog: ...
    def earliest(self, name: JobLogOrder, /, *names: JobLogOrder) -> JobLog: ...
    def in_bulk(
        self, keys: Iterable[JobLogKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, JobLog]: ...
    def get_or_create(
        self, defaults: JobLogValues | None = None, **lookups: Unpack[JobLogMatch]
    ) -> tuple[JobLog, bool]: ...
    def update_or_create(
        self, defaults: JobLogValues | None = None, **lookups: Unpack[JobLogMatch]
    ) -> tuple[JobLog, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[JobLogValues]
    ) -> BulkResult: ...
    async def aget(self, key: JobLogKey | Unset = ..., /, **lookups: Unpack[JobLogMatch]) -> JobLog: ...
    async def alatest(self, name: JobLogOrder, /, *names: JobLogOrder) -> JobLog: ...
    async def aearliest(self, name: JobLogOrder, /, *names: JobLogOrder) -> JobLog: ...
    async def ain_bulk(
        self, keys: Iterable[JobLogKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, JobLog]: ...
    async def aget_or_create(
        self, defaults: JobLogValues | None = None, **lookups: Unpack[JobLogMatch]
    ) -> tuple[JobLog, bool]: ...
    async def aupdate_or_create(
        self, defaults: JobLogValues | None = None, **lookups: Unpack[JobLogMatch]
    ) -> tuple[JobLog, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[JobLogValues]
    ) -> BulkResult: ...

class ModelLookups(TypedDict, total=False):
    is_released: bool

class ModelExclusions(TypedDict, total=False):
    is_released: bool

class ModelKeyLookups(ModelLookups, total=False):
    id: ModelKey
    pk: ModelKey

class ModelMatch(ModelKeyLookups, total=False):
    name: str

class ModelCreation(TypedDict, total=False):
    name: str
    description: str
    plugin: str | None
    version: str | None
    checkpoint: Int | None
    configuration: dict[str, Any]
    chunked_upload: str | None
    is_released: bool

class ModelValues(ModelCreation, total=False):
    pass

ModelOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

ModelField: TypeAlias = Literal[
    "id",
    "name",
    "description",
    "plugin",
    "version",
    "checkpoint",
    "configuration",
    "chunked_upload",
    "category",
    "file",
    "parent",
    "neural_net",
    "dataset",
    "is_released",
    "is_external",
    "tenant",
    "created",
    "pk",
]

ModelBehind: TypeAlias = Never

ModelNested: TypeAlias = Never

ModelPath: TypeAlias = Never

class ModelQueries(FilesManager[Model]):
    """Queries of `Model`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ModelLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ModelExclusions]) -> Self: ...
    def order_by(self, *names: ModelOrder) -> Self: ...
    def only(self, *names: ModelField) -> Self: ...
    def defer(self, *names: ModelField) -> Self: ...
    def select_related(self, *names: ModelNested) -> Self: ...
    def prefetch_related(self, *paths: ModelPath) -> Self: ...
    def values(self, *fields: ModelField | ModelBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: ModelField | ModelBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ModelField | ModelBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: ModelKey | Unset = ..., /, **lookups: Unpack[ModelMatch]) -> Model: ...
    def latest(self, name: ModelOrder, /, *names: ModelOrder) -> Model: ...
    def earliest(self, name: ModelOrder, /, *names: ModelOrder) -> Model: ...
    def in_bulk(
        self, keys: Iterable[ModelKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Model]: ...
    def get_or_create(
        self, defaults: ModelValues | None = None, **lookups: Unpack[ModelMatch]
    ) -> tuple[Model, bool]: ...
    def update_or_create(
        self, defaults: ModelValues | None = None, **lookups: Unpack[ModelMatch]
    ) -> tuple[Model, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ModelValues]
    ) -> BulkResult: ...
    async def aget(self, key: ModelKey | Unset = ..., /, **lookups: Unpack[ModelMatch]) -> Model: ...
    async def alatest(self, name: ModelOrder, /, *names: ModelOrder) -> Model: ...
    async def aearliest(self, name: ModelOrder, /, *names: ModelOrder) -> Model: ...
    async def ain_bulk(
        self, keys: Iterable[ModelKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Model]: ...
    async def aget_or_create(
        self, defaults: ModelValues | None = None, **lookups: Unpack[ModelMatch]
    ) -> tuple[Model, bool]: ...
    async def aupdate_or_create(
        self, defaults: ModelValues | None = None, **lookups: Unpack[ModelMatch]
    ) -> tuple[Model, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ModelValues]
    ) -> BulkResult: ...

class PluginLookups(TypedDict, total=False):
    category: PluginCategoryValue
    is_active: bool

class PluginExclusions(TypedDict, total=False):
    is_active: bool

class PluginKeyLookups(PluginLookups, total=False):
    id: PluginKey
    pk: PluginKey

class PluginMatch(PluginKeyLookups, total=False):
    code: str
    name: str

class PluginCreation(TypedDict, total=False):
    code: str
    name: str
    category: PluginCategoryValue
    description: str
    is_active: bool
    is_public: bool
    system_only: bool
    detail: dict[str, Any]

class PluginValues(PluginCreation, total=False):
    pass

PluginOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

PluginField: TypeAlias = Literal[
    "id",
    "code",
    "name",
    "category",
    "description",
    "is_active",
    "is_public",
    "system_only",
    "detail",
    "tenant",
    "created",
    "pk",
]

PluginBehind: TypeAlias = Never

PluginNested: TypeAlias = Never

PluginPath: TypeAlias = Literal[
    "releases",
    "jobs",
    "releases__plugin",
    "releases__plugin__releases",
    "releases__plugin__jobs",
    "jobs__plugin_release",
    "jobs__agent",
    "jobs__logs",
    "jobs__plugin_release__plugin",
    "jobs__agent__jobs",
    "jobs__logs__job",
]

class PluginQueries(Manager[Plugin]):
    """Queries of `Plugin`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[PluginLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[PluginExclusions]) -> Self: ...
    def order_by(self, *names: PluginOrder) -> Self: ...
    def only(self, *names: PluginField) -> Self: ...
    def defer(self, *names: PluginField) -> Self: ...
    def select_related(self, *names: PluginNested) -> Self: ...
    def prefetch_related(self, *paths: PluginPath) -> Self: ...
    def values(self, *fields: PluginField | PluginBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: PluginField | PluginBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: PluginField | PluginBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: PluginKey | Unset = ..., /, **lookups: Unpack[PluginMatch]) -> Plugin: ...
    def latest(self, name: PluginOrder, /, *names: PluginOrder) -> Plugin: ...
    def earliest(self, name: PluginOrder, /, *names: PluginOrder) -> Plugin: ...
    def in_bulk(
        self, keys: Iterable[PluginKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Plugin]: ...
    def get_or_create(
        self, defaults: PluginValues | None = None, **lookups: Unpack[PluginMatch]
    ) -> tuple[Plugin, bool]: ...
    def update_or_create(
        self, defaults: PluginValues | None = None, **lookups: Unpack[PluginMatch]
    ) -> tuple[Plugin, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[PluginValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[PluginValues]) -> Plugin: ...
    async def aget(self, key: PluginKey | Unset = ..., /, **lookups: Unpack[PluginMatch]) -> Plugin: ...
    async def alatest(self, name: PluginOrder, /, *names: PluginOrder) -> Plugin: ...
    async def aearliest(self, name: PluginOrder, /, *names: PluginOrder) -> Plugin: ...
    async def ain_bulk(
        self, keys: Iterable[PluginKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Plugin]: ...
    async def aget_or_create(
        self, defaults: PluginValues | None = None, **lookups: Unpack[PluginMatch]
    ) -> tuple[Plugin, bool]: ...
    async def aupdate_or_create(
        self, defaults: PluginValues | None = None, **lookups: Unpack[PluginMatch]
    ) -> tuple[Plugin, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[PluginValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[PluginValues]) -> Plugin: ...

class PluginReleaseLookups(TypedDict, total=False):
    plugin: PluginKey
    plugin__id: PluginKey
    plugin__pk: PluginKey
    plugin_id: PluginKey
    debug: bool

class PluginReleaseExclusions(TypedDict, total=False):
    debug: bool

class PluginReleaseKeyLookups(PluginReleaseLookups, total=False):
    id: PluginReleaseKey
    pk: PluginReleaseKey

class PluginReleaseMatch(PluginReleaseKeyLookups, total=False):
    pass

class PluginReleaseCreation(TypedDict, total=False):
    config: dict[str, Any]
    readme: str
    requirements: Any
    is_released: bool
    meta: dict[str, Any]

class PluginReleaseValues(PluginReleaseCreation, total=False):
    pass

PluginReleaseOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

PluginReleaseField: TypeAlias = Literal[
    "id",
    "plugin_id",
    "version",
    "config",
    "readme",
    "requirements",
    "run_schema",
    "installation_schema",
    "available_actions",
    "file",
    "debug",
    "is_released",
    "author",
    "meta",
    "created",
    "plugin",
    "pk",
    "plugin__id",
    "plugin__pk",
]

PluginReleaseBehind: TypeAlias = Literal[
    "plugin__code",
    "plugin__name",
    "plugin__category",
    "plugin__description",
    "plugin__is_active",
    "plugin__is_public",
    "plugin__system_only",
    "plugin__detail",
    "plugin__tenant",
    "plugin__created",
]

PluginReleaseNested: TypeAlias = Literal["plugin"]

PluginReleasePath: TypeAlias = Literal[
    "plugin",
    "plugin__releases",
    "plugin__jobs",
    "plugin__releases__plugin",
    "plugin__jobs__plugin_release",
    "plugin__jobs__agent",
    "plugin__jobs__logs",
]

class PluginReleaseQueries(FilesManager[PluginRelease]):
    """Queries of `PluginRelease`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[PluginReleaseLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[PluginReleaseExclusions]) -> Self: ...
    def order_by(self, *names: PluginReleaseOrder) -> Self: ...
    def only(self, *names: PluginReleaseField) -> Self: ...
    def defer(self, *names: PluginReleaseField) -> Self: ...
    def select_related(self, *names: PluginReleaseNested) -> Self: ...
    def prefetch_related(self, *paths: PluginReleasePath) -> Self: ...
    def values(
        self, *fields: PluginReleaseField | PluginReleaseBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: PluginReleaseField | PluginReleaseBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: PluginReleaseField | PluginReleaseBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: PluginReleaseKey | Unset = ..., /, **lookups: Unpack[PluginReleaseMatch]
    ) -> PluginRelease: ...
    def latest(self, name: PluginReleaseOrder, /, *names: PluginReleaseOrder) -> PluginRelease: ...
    def earliest(self, name: PluginReleaseOrder, /, *names: PluginReleaseOrder) -> PluginRelease: ...
    def in_bulk(
        self, keys: Iterable[PluginReleaseKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, PluginRelease]: ...
    def get_or_create(
        self, defaults: PluginReleaseValues | None = None, **lookups: Unpack[PluginReleaseMatch]
    ) -> tuple[PluginRelease, bool]: ...
    def update_or_create(
        self, defaults: PluginReleaseValues | None = None, **lookups: Unpack[PluginReleaseMatch]
    ) -> tuple[PluginRelease, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[PluginReleaseValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[PluginReleaseValues]) -> PluginRelease: ...
    async def aget(
        self, key: PluginReleaseKey | Unset = ..., /, **lookups: Unpack[PluginReleaseMatch]
    ) -> PluginRelease: ...
    async def alatest(self, name: PluginReleaseOrder, /, *names: PluginReleaseOrder) -> PluginRelease: ...
    async def aearliest(self, name: PluginReleaseOrder, /, *names: PluginReleaseOrder) -> PluginRelease: ...
    async def ain_bulk(
        self, keys: Iterable[PluginReleaseKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, PluginRelease]: ...
    async def aget_or_create(
        self, defaults: PluginReleaseValues | None = None, **lookups: Unpack[PluginReleaseMatch]
    ) -> tuple[PluginRelease, bool]: ...
    async def aupdate_or_create(
        self, defaults: PluginReleaseValues | None = None, **lookups: Unpack[PluginReleaseMatch]
    ) -> tuple[PluginRelease, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[PluginReleaseValues]
    ) -> BulkResult: ...
    async def acreate(
        self, *, dry_run: bool = False, **values: Unpack[PluginReleaseValues]
    ) -> PluginRelease: ...

class ProjectLookups(TypedDict, total=False):
    category: ProjectCategoryValue
    data_collection: DataCollectionKey
    data_collection__id: DataCollectionKey
    data_collection__pk: DataCollectionKey
    data_collection_id: DataCollectionKey

class ProjectExclusions(TypedDict, total=False):
    pass

class ProjectKeyLookups(ProjectLookups, total=False):
    id: ProjectKey
    pk: ProjectKey

class ProjectMatch(ProjectKeyLookups, total=False):
    title: str

class ProjectCreation(TypedDict, total=False):
    title: str
    category: ProjectCategoryValue
    data_collection_id: Int | None
    description: str
    configuration: dict[str, Any]
    settings: dict[str, Any]
    caution: str
    access_level: AccessLevelValue
    count_max_assignments_per_task: Int
    can_discard: bool
    enable_workforce: bool
    is_archived: bool
    data_collection: DataCollectionKey | None

class ProjectValues(ProjectCreation, total=False):
    pass

ProjectOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

ProjectField: TypeAlias = Literal[
    "id",
    "title",
    "category",
    "data_collection_id",
    "description",
    "configuration",
    "settings",
    "caution",
    "access_level",
    "count_max_assignments_per_task",
    "can_discard",
    "enable_workforce",
    "is_archived",
    "tenant",
    "created",
    "data_collection",
    "pk",
    "data_collection__id",
    "data_collection__pk",
]

ProjectBehind: TypeAlias = Literal[
    "data_collection__name",
    "data_collection__category",
    "data_collection__description",
    "data_collection__file_specifications",
    "data_collection__meta",
    "data_collection__caution",
    "data_collection__access_level",
    "data_collection__is_archived",
    "data_collection__count_projects",
    "data_collection__tenant",
    "data_collection__created",
]

ProjectNested: TypeAlias = Never

ProjectPath: TypeAlias = Literal[
    "data_collection",
    "tasks",
    "tags",
    "review_tags",
    "data_collection__units",
    "data_collection__projects",
    "data_collection__groups",
    "data_collection__units__data_collection",
    "data_collection__projects__data_collection",
    "data_collection__projects__tasks",
    "data_collection__projects__tags",
    "data_collection__projects__review_tags",
    "data_collection__groups__data_collection",
    "tasks__project",
    "tasks__data_unit",
    "tasks__assignments",
    "tasks__project__data_collection",
    "tasks__project__tasks",
    "tasks__project__tags",
    "tasks__project__review_tags",
    "tasks__data_unit__data_collection",
    "tasks__assignments__task",
    "tasks__assignments__data_unit",
    "tasks__assignments__reviews",
    "tags__project",
    "tags__tasks",
    "tags__project__data_collection",
    "tags__project__tasks",
    "tags__project__tags",
    "tags__project__review_tags",
    "tags__tasks__project",
    "tags__tasks__data_unit",
    "tags__tasks__assignments",
    "review_tags__project",
    "review_tags__project__data_collection",
    "review_tags__project__tasks",
    "review_tags__project__tags",
    "review_tags__project__review_tags",
]

class ProjectQueries(Manager[Project]):
    """Queries of `Project`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ProjectLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ProjectExclusions]) -> Self: ...
    def order_by(self, *names: ProjectOrder) -> Self: ...
    def only(self, *names: ProjectField) -> Self: ...
    def defer(self, *names: ProjectField) -> Self: ...
    def select_related(self, *names: ProjectNested) -> Self: ...
    def prefetch_related(self, *paths: ProjectPath) -> Self: ...
    def values(self, *fields: ProjectField | ProjectBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: ProjectField | ProjectBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ProjectField | ProjectBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: ProjectKey | Unset = ..., /, **lookups: Unpack[ProjectMatch]) -> Project: ...
    def latest(self, name: ProjectOrder, /, *names: ProjectOrder) -> Project: ...
    def earliest(self, name: ProjectOrder, /, *names: ProjectOrder) -> Project: ...
    def in_bulk(
        self, keys: Iterable[ProjectKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Project]: ...
    def get_or_create(
        self, defaults: ProjectValues | None = None, **lookups: Unpack[ProjectMatch]
    ) -> tuple[Project, bool]: ...
    def update_or_create(
        self, defaults: ProjectValues | None = None, **lookups: Unpack[ProjectMatch]
    ) -> tuple[Project, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ProjectValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[ProjectValues]) -> Project: ...
    async def aget(self, key: ProjectKey | Unset = ..., /, **lookups: Unpack[ProjectMatch]) -> Project: ...
    async def alatest(self, name: ProjectOrder, /, *names: ProjectOrder) -> Project: ...
    async def aearliest(self, name: ProjectOrder, /, *names: ProjectOrder) -> Project: ...
    async def ain_bulk(
        self, keys: Iterable[ProjectKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Project]: ...
    async def aget_or_create(
        self, defaults: ProjectValues | None = None, **lookups: Unpack[ProjectMatch]
    ) -> tuple[Project, bool]: ...
    async def aupdate_or_create(
        self, defaults: ProjectValues | None = None, **lookups: Unpack[ProjectMatch]
    ) -> tuple[Project, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ProjectValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[ProjectValues]) -> Project: ...

class ReviewLookups(TypedDict, total=False):
    assignment: AssignmentKey
    assignment__id: AssignmentKey
    assignment__pk: AssignmentKey
    assignment_id: AssignmentKey
    scope: ReviewScopeValue

class ReviewExclusions(TypedDict, total=False):
    pass

class ReviewKeyLookups(ReviewLookups, total=False):
    id: ReviewKey
    pk: ReviewKey

class ReviewMatch(ReviewKeyLookups, total=False):
    pass

class ReviewCreation(TypedDict, total=False):
    assignment_id: Int
    scope: ReviewScopeValue
    description: str
    tags: list[int] | tuple[int, ...]
    object_id: str
    position: Any
    assignment: AssignmentKey

class ReviewValues(ReviewCreation, total=False):
    pass

ReviewOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

ReviewField: TypeAlias = Literal[
    "id",
    "assignment_id",
    "scope",
    "description",
    "tags",
    "object_id",
    "position",
    "user",
    "is_active",
    "created",
    "assignment",
    "pk",
    "assignment__id",
    "assignment__pk",
]

ReviewBehind: TypeAlias = Literal[
    "assignment__task_id",
    "assignment__user",
    "assignment__reviewer",
    "assignment__status_label",
    "assignment__status_review",
    "assignment__is_confirmed",
    "assignment__is_discarded",
    "assignment__data",
    "assignment__tags",
    "assignment__data_unit_id",
    "assignment__file",
    "assignment__files",
    "assignment__label_submitted",
    "assignment__last_labeled",
    "assignment__last_reviewed",
    "assignment__labeler_last_action_at",
    "assignment__reviewer_last_action_at",
    "assignment__created",
    "assignment__task__project_id",
    "assignment__task__data_unit_id",
    "assignment__task__data",
    "assignment__task__meta",
    "assignment__task__schema",
    "assignment__task__is_discarded",
    "assignment__task__tags",
    "assignment__task__status_label",
    "assignment__task__status_review",
    "assignment__task__count_assignments",
    "assignment__task__has_data",
    "assignment__task__workshop",
    "assignment__task__files",
    "assignment__task__created",
    "assignment__data_unit__data_collection_id",
    "assignment__data_unit__files",
    "assignment__data_unit__meta",
    "assignment__data_unit__groups",
    "assignment__data_unit__group",
    "assignment__data_unit__checksum",
    "assignment__data_unit__can_generate_task",
    "assignment__data_unit__created",
]

ReviewNested: TypeAlias = Never

ReviewPath: TypeAlias = Literal[
    "assignment",
    "assignment__task",
    "assignment__data_unit",
    "assignment__reviews",
    "assignment__task__project",
    "assignment__task__data_unit",
    "assignment__task__assignments",
    "assignment__data_unit__data_collection",
    "assignment__reviews__assignment",
]

class ReviewQueries(Manager[Review]):
    """Queries of `Review`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ReviewLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ReviewExclusions]) -> Self: ...
    def order_by(self, *names: ReviewOrder) -> Self: ...
    def only(self, *names: ReviewField) -> Self: ...
    def defer(self, *names: ReviewField) -> Self: ...
    def select_related(self, *names: ReviewNested) -> Self: ...
    def prefetch_related(self, *paths: ReviewPath) -> Self: ...
    def values(self, *fields: ReviewField | ReviewBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: ReviewField | ReviewBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ReviewField | ReviewBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: ReviewKey | Unset = ..., /, **lookups: Unpack[ReviewMatch]) -> Review: ...
    def latest(self, name: ReviewOrder, /, *names: ReviewOrder) -> Review: ...
    def earliest(self, name: ReviewOrder, /, *names: ReviewOrder) -> Review: ...
    def in_bulk(
        self, keys: Iterable[ReviewKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Review]: ...
    def get_or_create(
        self, defaults: ReviewValues | None = None, **lookups: Unpack[ReviewMatch]
    ) -> tuple[Review, bool]: ...
    def update_or_create(
        self, defaults: ReviewValues | None = None, **lookups: Unpack[ReviewMatch]
    ) -> tuple[Review, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ReviewValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[ReviewValues]) -> Review: ...
    async def aget(self, key: ReviewKey | Unset = ..., /, **lookups: Unpack[ReviewMatch]) -> Review: ...
    async def alatest(self, name: ReviewOrder, /, *names: ReviewOrder) -> Review: ...
    async def aearliest(self, name: ReviewOrder, /, *names: ReviewOrder) -> Review: ...
    async def ain_bulk(
        self, keys: Iterable[ReviewKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Review]: ...
    async def aget_or_create(
        self, defaults: ReviewValues | None = None, **lookups: Unpack[ReviewMatch]
    ) -> tuple[Review, bool]: ...
    async def aupdate_or_create(
        self, defaults: ReviewValues | None = None, **lookups: Unpack[ReviewMatch]
    ) -> tuple[Review, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ReviewValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[ReviewValues]) -> Review: ...

class ReviewTagLookups(TypedDict, total=False):
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    project_id: ProjectKey
    name__contains: str

class ReviewTagExclusions(TypedDict, total=False):
    pass

class ReviewTagKeyLookups(ReviewTagLookups, total=False):
    id: ReviewTagKey
    pk: ReviewTagKey

class ReviewTagMatch(ReviewTagKeyLookups, total=False):
    name: str

class ReviewTagCreation(TypedDict, total=False):
    project_id: Int
    name: str
    background_color: str
    description: str
    project: ProjectKey

class ReviewTagValues(ReviewTagCreation, total=False):
    pass

ReviewTagOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

ReviewTagField: TypeAlias = Literal[
    "id",
    "project_id",
    "name",
    "background_color",
    "description",
    "created",
    "project",
    "pk",
    "project__id",
    "project__pk",
]

ReviewTagBehind: TypeAlias = Literal[
    "project__title",
    "project__category",
    "project__data_collection_id",
    "project__description",
    "project__configuration",
    "project__settings",
    "project__caution",
    "project__access_level",
    "project__count_max_assignments_per_task",
    "project__can_discard",
    "project__enable_workforce",
    "project__is_archived",
    "project__tenant",
    "project__created",
    "project__data_collection__name",
    "project__data_collection__category",
    "project__data_collection__description",
    "project__data_collection__file_specifications",
    "project__data_collection__meta",
    "project__data_collection__caution",
    "project__data_collection__access_level",
    "project__data_collection__is_archived",
    "project__data_collection__count_projects",
    "project__data_collection__tenant",
    "project__data_collection__created",
]

ReviewTagNested: TypeAlias = Never

ReviewTagPath: TypeAlias = Literal[
    "project",
    "project__data_collection",
    "project__tasks",
    "project__tags",
    "project__review_tags",
    "project__data_collection__units",
    "project__data_collection__projects",
    "project__data_collection__groups",
    "project__tasks__project",
    "project__tasks__data_unit",
    "project__tasks__assignments",
    "project__tags__project",
    "project__tags__tasks",
    "project__review_tags__project",
]

class ReviewTagQueries(Manager[ReviewTag]):
    """Queries of `ReviewTag`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ReviewTagLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ReviewTagExclusions]) -> Self: ...
    def order_by(self, *names: ReviewTagOrder) -> Self: ...
    def only(self, *names: ReviewTagField) -> Self: ...
    def defer(self, *names: ReviewTagField) -> Self: ...
    def select_related(self, *names: ReviewTagNested) -> Self: ...
    def prefetch_related(self, *paths: ReviewTagPath) -> Self: ...
    def values(
        self, *fields: ReviewTagField | ReviewTagBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: ReviewTagField | ReviewTagBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ReviewTagField | ReviewTagBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: ReviewTagKey | Unset = ..., /, **lookups: Unpack[ReviewTagMatch]) -> ReviewTag: ...
    def latest(self, name: ReviewTagOrder, /, *names: ReviewTagOrder) -> ReviewTag: ...
    def earliest(self, name: ReviewTagOrder, /, *names: ReviewTagOrder) -> ReviewTag: ...
    def in_bulk(
        self, keys: Iterable[ReviewTagKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, ReviewTag]: ...
    def get_or_create(
        self, defaults: ReviewTagValues | None = None, **lookups: Unpack[ReviewTagMatch]
    ) -> tuple[ReviewTag, bool]: ...
    def update_or_create(
        self, defaults: ReviewTagValues | None = None, **lookups: Unpack[ReviewTagMatch]
    ) -> tuple[ReviewTag, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ReviewTagValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[ReviewTagValues]) -> ReviewTag: ...
    async def aget(
        self, key: ReviewTagKey | Unset = ..., /, **lookups: Unpack[ReviewTagMatch]
    ) -> ReviewTag: ...
    async def alatest(self, name: ReviewTagOrder, /, *names: ReviewTagOrder) -> ReviewTag: ...
    async def aearliest(self, name: ReviewTagOrder, /, *names: ReviewTagOrder) -> ReviewTag: ...
    async def ain_bulk(
        self, keys: Iterable[ReviewTagKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, ReviewTag]: ...
    async def aget_or_create(
        self, defaults: ReviewTagValues | None = None, **lookups: Unpack[ReviewTagMatch]
    ) -> tuple[ReviewTag, bool]: ...
    async def aupdate_or_create(
        self, defaults: ReviewTagValues | None = None, **lookups: Unpack[ReviewTagMatch]
    ) -> tuple[ReviewTag, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ReviewTagValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[ReviewTagValues]) -> ReviewTag: ...

class ServeApplicationLookups(TypedDict, total=False):
    plugin_code: str
    job__agent: AgentKey
    job__agent__id: AgentKey
    job__agent__pk: AgentKey

class ServeApplicationExclusions(TypedDict, total=False):
    pass

class ServeApplicationKeyLookups(ServeApplicationLookups, total=False):
    id: ServeApplicationKey
    pk: ServeApplicationKey

class ServeApplicationMatch(ServeApplicationKeyLookups, total=False):
    pass

class ServeApplicationCreation(TypedDict, total=False):
    job_id: str
    status: ServeStatusValue
    data: dict[str, Any] | None
    job: JobKey

class ServeApplicationValues(ServeApplicationCreation, total=False):
    pass

ServeApplicationOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

ServeApplicationField: TypeAlias = Literal[
    "id", "job_id", "status", "data", "job", "pk", "job__id", "job__pk"
]

ServeApplicationBehind: TypeAlias = Literal[
    "job__status",
    "job__action",
    "job__params",
    "job__plugin_release_id",
    "job__agent_id",
    "job__progress_record",
    "job__metrics_record",
    "job__result",
    "job__meta",
    "job__queue",
    "job__error",
    "job__is_active",
    "job__created",
    "job__modified",
    "job__completed",
    "job__plugin_release__plugin_id",
    "job__plugin_release__version",
    "job__plugin_release__config",
    "job__plugin_release__readme",
    "job__plugin_release__requirements",
    "job__plugin_release__run_schema",
    "job__plugin_release__installation_schema",
    "job__plugin_release__available_actions",
    "job__plugin_release__file",
    "job__plugin_release__debug",
    "job__plugin_release__is_released",
    "job__plugin_release__author",
    "job__plugin_release__meta",
    "job__plugin_release__created",
    "job__agent__name",
    "job__agent__url",
    "job__agent__status",
    "job__agent__token",
    "job__agent__node_install_script",
]

ServeApplicationNested: TypeAlias = Never

ServeApplicationPath: TypeAlias = Literal[
    "job",
    "job__plugin_release",
    "job__agent",
    "job__logs",
    "job__plugin_release__plugin",
    "job__agent__jobs",
    "job__logs__job",
]

class ServeApplicationQueries(Manager[ServeApplication]):
    """Queries of `ServeApplication`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[ServeApplicationLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[ServeApplicationExclusions]) -> Self: ...
    def order_by(self, *names: ServeApplicationOrder) -> Self: ...
    def only(self, *names: ServeApplicationField) -> Self: ...
    def defer(self, *names: ServeApplicationField) -> Self: ...
    def select_related(self, *names: ServeApplicationNested) -> Self: ...
    def prefetch_related(self, *paths: ServeApplicationPath) -> Self: ...
    def values(
        self, *fields: ServeApplicationField | ServeApplicationBehind, json: bool = False
    ) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self,
        field: ServeApplicationField | ServeApplicationBehind,
        /,
        *,
        flat: Literal[True],
        json: bool = ...,
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: ServeApplicationField | ServeApplicationBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(
        self, key: ServeApplicationKey | Unset = ..., /, **lookups: Unpack[ServeApplicationMatch]
    ) -> ServeApplication: ...
    def latest(self, name: ServeApplicationOrder, /, *names: ServeApplicationOrder) -> ServeApplication: ...
    def earliest(self, name: ServeApplicationOrder, /, *names: ServeApplicationOrder) -> ServeApplication: ...
    def in_bulk(
        self, keys: Iterable[ServeApplicationKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, ServeApplication]: ...
    def get_or_create(
        self, defaults: ServeApplicationValues | None = None, **lookups: Unpack[ServeApplicationMatch]
    ) -> tuple[ServeApplication, bool]: ...
    def update_or_create(
        self, defaults: ServeApplicationValues | None = None, **lookups: Unpack[ServeApplicationMatch]
    ) -> tuple[ServeApplication, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ServeApplicationValues]
    ) -> BulkResult: ...
    def create(
        self, *, dry_run: bool = False, **values: Unpack[ServeApplicationValues]
    ) -> ServeApplication: ...
    async def aget(
        self, key: ServeApplicationKey | Unset = ..., /, **lookups: Unpack[ServeApplicationMatch]
    ) -> ServeApplication: ...
    async def alatest(
        self, name: ServeApplicationOrder, /, *names: ServeApplicationOrder
    ) -> ServeApplication: ...
    async def aearliest(
        self, name: ServeApplicationOrder, /, *names: ServeApplicationOrder
    ) -> ServeApplication: ...
    async def ain_bulk(
        self, keys: Iterable[ServeApplicationKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, ServeApplication]: ...
    async def aget_or_create(
        self, defaults: ServeApplicationValues | None = None, **lookups: Unpack[ServeApplicationMatch]
    ) -> tuple[ServeApplication, bool]: ...
    async def aupdate_or_create(
        self, defaults: ServeApplicationValues | None = None, **lookups: Unpack[ServeApplicationMatch]
    ) -> tuple[ServeApplication, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[ServeApplicationValues]
    ) -> BulkResult: ...
    async def acreate(
        self, *, dry_run: bool = False, **values: Unpack[ServeApplicationValues]
    ) -> ServeApplication: ...

class StorageLookups(TypedDict, total=False):
    category: StorageCategoryValue

class StorageExclusions(TypedDict, total=False):
    pass

class StorageKeyLookups(StorageLookups, total=False):
    id: StorageKey
    pk: StorageKey

class StorageMatch(StorageKeyLookups, total=False):
    name: str

class StorageCreation(TypedDict, total=False):
    name: str
    provider: StorageProviderValue | str
    category: StorageCategoryValue
    is_default: bool
    configuration: dict[str, Any]

class StorageValues(StorageCreation, total=False):
    pass

StorageOrder: TypeAlias = Literal["id", "-id", "pk", "-pk"]

StorageField: TypeAlias = Literal["id", "name", "provider", "category", "is_default", "configuration", "pk"]

StorageBehind: TypeAlias = Never

StorageNested: TypeAlias = Never

StoragePath: TypeAlias = Never

class StorageQueries(Manager[Storage]):
    """Queries of `Storage`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[StorageLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[StorageExclusions]) -> Self: ...
    def order_by(self, *names: StorageOrder) -> Self: ...
    def only(self, *names: StorageField) -> Self: ...
    def defer(self, *names: StorageField) -> Self: ...
    def select_related(self, *names: StorageNested) -> Self: ...
    def prefetch_related(self, *paths: StoragePath) -> Self: ...
    def values(self, *fields: StorageField | StorageBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: StorageField | StorageBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: StorageField | StorageBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: StorageKey | Unset = ..., /, **lookups: Unpack[StorageMatch]) -> Storage: ...
    def latest(self, name: StorageOrder, /, *names: StorageOrder) -> Storage: ...
    def earliest(self, name: StorageOrder, /, *names: StorageOrder) -> Storage: ...
    def in_bulk(
        self, keys: Iterable[StorageKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Storage]: ...
    def get_or_create(
        self, defaults: StorageValues | None = None, **lookups: Unpack[StorageMatch]
    ) -> tuple[Storage, bool]: ...
    def update_or_create(
        self, defaults: StorageValues | None = None, **lookups: Unpack[StorageMatch]
    ) -> tuple[Storage, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[StorageValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[StorageValues]) -> Storage: ...
    async def aget(self, key: StorageKey | Unset = ..., /, **lookups: Unpack[StorageMatch]) -> Storage: ...
    async def alatest(self, name: StorageOrder, /, *names: StorageOrder) -> Storage: ...
    async def aearliest(self, name: StorageOrder, /, *names: StorageOrder) -> Storage: ...
    async def ain_bulk(
        self, keys: Iterable[StorageKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Storage]: ...
    async def aget_or_create(
        self, defaults: StorageValues | None = None, **lookups: Unpack[StorageMatch]
    ) -> tuple[Storage, bool]: ...
    async def aupdate_or_create(
        self, defaults: StorageValues | None = None, **lookups: Unpack[StorageMatch]
    ) -> tuple[Storage, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[StorageValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[StorageValues]) -> Storage: ...

class TaskLookups(TypedDict, total=False):
    id: TaskKey
    id__in: Iterable[TaskKey]
    id__gt: Task | Int
    id__gte: Task | Int
    id__lt: Task | Int
    id__lte: Task | Int
    pk: TaskKey
    pk__in: Iterable[TaskKey]
    pk__gt: Task | Int
    pk__gte: Task | Int
    pk__lt: Task | Int
    pk__lte: Task | Int
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    project_id: ProjectKey
    is_discarded: bool
    schema: TaskSchemaValue
    has_data: bool
    status_label: StatusLabelValue
    status_label__in: Iterable[StatusLabelValue]
    status_review: StatusReviewValue
    status_review__in: Iterable[StatusReviewValue]
    created__gt: date | str
    created__gte: date | str
    created__lt: date | str
    created__lte: date | str
    has_assignment: bool
    has_reached_max_assignments: bool
    assignments__is_discarded: bool
    assignments: AssignmentKey
    assignments__in: Iterable[AssignmentKey]
    assignments__id: AssignmentKey
    assignments__id__in: Iterable[AssignmentKey]
    assignments__pk: AssignmentKey
    assignments__pk__in: Iterable[AssignmentKey]
    tags: TaskTagKey
    tags__in: Iterable[TaskTagKey]
    tags__id: TaskTagKey
    tags__id__in: Iterable[TaskTagKey]
    tags__pk: TaskTagKey
    tags__pk__in: Iterable[TaskTagKey]
    labelers: Int
    labelers__in: Iterable[Int]
    reviewers: Int
    reviewers__in: Iterable[Int]
    groups: Int
    groups__in: Iterable[Int]
    stages: Int
    stages__in: Iterable[Int]
    workshops: Int
    workshops__in: Iterable[Int]
    search: str

class TaskExclusions(TypedDict, total=False):
    id: TaskKey
    id__in: Iterable[TaskKey]
    id__gt: Task | Int
    id__gte: Task | Int
    id__lt: Task | Int
    id__lte: Task | Int
    pk: TaskKey
    pk__in: Iterable[TaskKey]
    pk__gt: Task | Int
    pk__gte: Task | Int
    pk__lt: Task | Int
    pk__lte: Task | Int
    is_discarded: bool
    has_data: bool
    has_assignment: bool
    has_reached_max_assignments: bool

class TaskKeyLookups(TaskLookups, total=False):
    pass

class TaskMatch(TaskKeyLookups, total=False):
    pass

class TaskCreation(TypedDict, total=False):
    project_id: Int
    data_unit_id: Int
    data: dict[str, Any] | None
    meta: dict[str, Any] | None
    schema: TaskSchemaValue
    is_discarded: bool
    project: ProjectKey
    data_unit: DataUnitKey

class TaskValues(TaskCreation, total=False):
    pass

TaskOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

TaskField: TypeAlias = Literal[
    "id",
    "project_id",
    "data_unit_id",
    "data",
    "meta",
    "schema",
    "is_discarded",
    "tags",
    "status_label",
    "status_review",
    "count_assignments",
    "has_data",
    "workshop",
    "files",
    "created",
    "project",
    "data_unit",
    "pk",
    "project__id",
    "project__pk",
    "data_unit__id",
    "data_unit__pk",
]

TaskBehind: TypeAlias = Literal[
    "project__title",
    "project__category",
    "project__data_collection_id",
    "project__description",
    "project__configuration",
    "project__settings",
    "project__caution",
    "project__access_level",
    "project__count_max_assignments_per_task",
    "project__can_discard",
    "project__enable_workforce",
    "project__is_archived",
    "project__tenant",
    "project__created",
    "data_unit__data_collection_id",
    "data_unit__files",
    "data_unit__meta",
    "data_unit__groups",
    "data_unit__group",
    "data_unit__checksum",
    "data_unit__can_generate_task",
    "data_unit__created",
    "project__data_collection__name",
    "project__data_collection__category",
    "project__data_collection__description",
    "project__data_collection__file_specifications",
    "project__data_collection__meta",
    "project__data_collection__caution",
    "project__data_collection__access_level",
    "project__data_collection__is_archived",
    "project__data_collection__count_projects",
    "project__data_collection__tenant",
    "project__data_collection__created",
    "data_unit__data_collection__name",
    "data_unit__data_collection__category",
    "data_unit__data_collection__description",
    "data_unit__data_collection__file_specifications",
    "data_unit__data_collection__meta",
    "data_unit__data_collection__caution",
    "data_unit__data_collection__access_level",
    "data_unit__data_collection__is_archived",
    "data_unit__data_collection__count_projects",
    "data_unit__data_collection__tenant",
    "data_unit__data_collection__created",
]

TaskNested: TypeAlias = Literal["data_unit"]

TaskPath: TypeAlias = Literal[
    "project",
    "data_unit",
    "assignments",
    "project__data_collection",
    "project__tasks",
    "project__tags",
    "project__review_tags",
    "project__data_collection__units",
    "project__data_collection__projects",
    "project__data_collection__groups",
    "project__tasks__project",
    "project__tasks__data_unit",
    "project__tasks__assignments",
    "project__tags__project",
    "project__tags__tasks",
    "project__review_tags__project",
    "data_unit__data_collection",
    "data_unit__data_collection__units",
    "data_unit__data_collection__projects",
    "data_unit__data_collection__groups",
    "assignments__task",
    "assignments__data_unit",
    "assignments__reviews",
    "assignments__task__project",
    "assignments__task__data_unit",
    "assignments__task__assignments",
    "assignments__data_unit__data_collection",
    "assignments__reviews__assignment",
]

class TaskQueries(AnnotatedManager[Task]):
    """Queries of `Task`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[TaskLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[TaskExclusions]) -> Self: ...
    def order_by(self, *names: TaskOrder) -> Self: ...
    def only(self, *names: TaskField) -> Self: ...
    def defer(self, *names: TaskField) -> Self: ...
    def select_related(self, *names: TaskNested) -> Self: ...
    def prefetch_related(self, *paths: TaskPath) -> Self: ...
    def values(self, *fields: TaskField | TaskBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: TaskField | TaskBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: TaskField | TaskBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: TaskKey | Unset = ..., /, **lookups: Unpack[TaskMatch]) -> Task: ...
    def latest(self, name: TaskOrder, /, *names: TaskOrder) -> Task: ...
    def earliest(self, name: TaskOrder, /, *names: TaskOrder) -> Task: ...
    def in_bulk(
        self, keys: Iterable[TaskKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Task]: ...
    def get_or_create(
        self, defaults: TaskValues | None = None, **lookups: Unpack[TaskMatch]
    ) -> tuple[Task, bool]: ...
    def update_or_create(
        self, defaults: TaskValues | None = None, **lookups: Unpack[TaskMatch]
    ) -> tuple[Task, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[TaskValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[TaskValues]) -> Task: ...
    async def aget(self, key: TaskKey | Unset = ..., /, **lookups: Unpack[TaskMatch]) -> Task: ...
    async def alatest(self, name: TaskOrder, /, *names: TaskOrder) -> Task: ...
    async def aearliest(self, name: TaskOrder, /, *names: TaskOrder) -> Task: ...
    async def ain_bulk(
        self, keys: Iterable[TaskKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Task]: ...
    async def aget_or_create(
        self, defaults: TaskValues | None = None, **lookups: Unpack[TaskMatch]
    ) -> tuple[Task, bool]: ...
    async def aupdate_or_create(
        self, defaults: TaskValues | None = None, **lookups: Unpack[TaskMatch]
    ) -> tuple[Task, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[TaskValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[TaskValues]) -> Task: ...

class TaskTagLookups(TypedDict, total=False):
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    project_id: ProjectKey
    category: TagCategoryValue
    search: str

class TaskTagExclusions(TypedDict, total=False):
    pass

class TaskTagKeyLookups(TaskTagLookups, total=False):
    id: TaskTagKey
    pk: TaskTagKey

class TaskTagMatch(TaskTagKeyLookups, total=False):
    name: str

class TaskTagCreation(TypedDict, total=False):
    project_id: Int
    name: str
    category: TagCategoryValue
    description: str
    meta: dict[str, Any]
    project: ProjectKey

class TaskTagValues(TaskTagCreation, total=False):
    pass

TaskTagOrder: TypeAlias = Literal["id", "-id", "created", "-created", "pk", "-pk"]

TaskTagField: TypeAlias = Literal[
    "id",
    "project_id",
    "name",
    "category",
    "description",
    "meta",
    "created",
    "project",
    "pk",
    "project__id",
    "project__pk",
]

TaskTagBehind: TypeAlias = Literal[
    "project__title",
    "project__category",
    "project__data_collection_id",
    "project__description",
    "project__configuration",
    "project__settings",
    "project__caution",
    "project__access_level",
    "project__count_max_assignments_per_task",
    "project__can_discard",
    "project__enable_workforce",
    "project__is_archived",
    "project__tenant",
    "project__created",
    "project__data_collection__name",
    "project__data_collection__category",
    "project__data_collection__description",
    "project__data_collection__file_specifications",
    "project__data_collection__meta",
    "project__data_collection__caution",
    "project__data_collection__access_level",
    "project__data_collection__is_archived",
    "project__data_collection__count_projects",
    "project__data_collection__tenant",
    "project__data_collection__created",
]

TaskTagNested: TypeAlias = Never

TaskTagPath: TypeAlias = Literal[
    "project",
    "tasks",
    "project__data_collection",
    "project__tasks",
    "project__tags",
    "project__review_tags",
    "project__data_collection__units",
    "project__data_collection__projects",
    "project__data_collection__groups",
    "project__tasks__project",
    "project__tasks__data_unit",
    "project__tasks__assignments",
    "project__tags__project",
    "project__tags__tasks",
    "project__review_tags__project",
    "tasks__project",
    "tasks__data_unit",
    "tasks__assignments",
    "tasks__project__data_collection",
    "tasks__project__tasks",
    "tasks__project__tags",
    "tasks__project__review_tags",
    "tasks__data_unit__data_collection",
    "tasks__assignments__task",
    "tasks__assignments__data_unit",
    "tasks__assignments__reviews",
]

class TaskTagQueries(Manager[TaskTag]):
    """Queries of `TaskTag`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[TaskTagLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[TaskTagExclusions]) -> Self: ...
    def order_by(self, *names: TaskTagOrder) -> Self: ...
    def only(self, *names: TaskTagField) -> Self: ...
    def defer(self, *names: TaskTagField) -> Self: ...
    def select_related(self, *names: TaskTagNested) -> Self: ...
    def prefetch_related(self, *paths: TaskTagPath) -> Self: ...
    def values(self, *fields: TaskTagField | TaskTagBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: TaskTagField | TaskTagBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: TaskTagField | TaskTagBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: TaskTagKey | Unset = ..., /, **lookups: Unpack[TaskTagMatch]) -> TaskTag: ...
    def latest(self, name: TaskTagOrder, /, *names: TaskTagOrder) -> TaskTag: ...
    def earliest(self, name: TaskTagOrder, /, *names: TaskTagOrder) -> TaskTag: ...
    def in_bulk(
        self, keys: Iterable[TaskTagKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, TaskTag]: ...
    def get_or_create(
        self, defaults: TaskTagValues | None = None, **lookups: Unpack[TaskTagMatch]
    ) -> tuple[TaskTag, bool]: ...
    def update_or_create(
        self, defaults: TaskTagValues | None = None, **lookups: Unpack[TaskTagMatch]
    ) -> tuple[TaskTag, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[TaskTagValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[TaskTagValues]) -> TaskTag: ...
    async def aget(self, key: TaskTagKey | Unset = ..., /, **lookups: Unpack[TaskTagMatch]) -> TaskTag: ...
    async def alatest(self, name: TaskTagOrder, /, *names: TaskTagOrder) -> TaskTag: ...
    async def aearliest(self, name: TaskTagOrder, /, *names: TaskTagOrder) -> TaskTag: ...
    async def ain_bulk(
        self, keys: Iterable[TaskTagKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, TaskTag]: ...
    async def aget_or_create(
        self, defaults: TaskTagValues | None = None, **lookups: Unpack[TaskTagMatch]
    ) -> tuple[TaskTag, bool]: ...
    async def aupdate_or_create(
        self, defaults: TaskTagValues | None = None, **lookups: Unpack[TaskTagMatch]
    ) -> tuple[TaskTag, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[TaskTagValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[TaskTagValues]) -> TaskTag: ...

class TrainLookups(TypedDict, total=False):
    experiment: ExperimentKey
    experiment__id: ExperimentKey
    experiment__pk: ExperimentKey
    experiment_id: ExperimentKey
    ground_truth_version: GroundTruthVersionKey
    ground_truth_version__id: GroundTruthVersionKey
    ground_truth_version__pk: GroundTruthVersionKey
    ground_truth_version_id: GroundTruthVersionKey
    has_model: bool
    job__status: JobStatusValue
    created__gte: date | str
    created__lte: date | str
    search: str

class TrainExclusions(TypedDict, total=False):
    has_model: bool

class TrainKeyLookups(TrainLookups, total=False):
    id: TrainKey
    pk: TrainKey

class TrainMatch(TrainKeyLookups, total=False):
    pass

class TrainCreation(TypedDict, total=False):
    pass

class TrainValues(TrainCreation, total=False):
    pass

TrainOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

TrainField: TypeAlias = Literal[
    "id",
    "experiment_id",
    "ground_truth_version_id",
    "job_id",
    "job_status",
    "name",
    "description",
    "neural_net",
    "checkpoint_id",
    "is_tune",
    "tune_config",
    "best_trial",
    "created",
    "experiment",
    "ground_truth_version",
    "job",
    "checkpoint",
    "pk",
    "experiment__id",
    "experiment__pk",
    "ground_truth_version__id",
    "ground_truth_version__pk",
    "job__id",
    "job__pk",
    "checkpoint__id",
    "checkpoint__pk",
]

TrainBehind: TypeAlias = Literal[
    "experiment__name",
    "experiment__task_type",
    "experiment__description",
    "experiment__access_level",
    "experiment__is_archived",
    "experiment__tenant",
    "experiment__created",
    "ground_truth_version__ground_truth_dataset_id",
    "ground_truth_version__version",
    "ground_truth_version__description",
    "ground_truth_version__is_archived",
    "ground_truth_version__created",
    "job__status",
    "job__action",
    "job__params",
    "job__plugin_release_id",
    "job__agent_id",
    "job__progress_record",
    "job__metrics_record",
    "job__result",
    "job__meta",
    "job__queue",
    "job__error",
    "job__is_active",
    "job__created",
    "job__modified",
    "job__completed",
    "checkpoint__name",
    "checkpoint__description",
    "checkpoint__plugin",
    "checkpoint__version",
    "checkpoint__checkpoint",
    "checkpoint__configuration",
    "checkpoint__chunked_upload",
    "checkpoint__category",
    "checkpoint__file",
    "checkpoint__parent",
    "checkpoint__neural_net",
    "checkpoint__dataset",
    "checkpoint__is_released",
    "checkpoint__is_external",
    "checkpoint__tenant",
    "checkpoint__created",
    "ground_truth_version__ground_truth_dataset__name",
    "ground_truth_version__ground_truth_dataset__description",
    "ground_truth_version__ground_truth_dataset__project_id",
    "ground_truth_version__ground_truth_dataset__tenant",
    "job__plugin_release__plugin_id",
    "job__plugin_release__version",
    "job__plugin_release__config",
    "job__plugin_release__readme",
    "job__plugin_release__requirements",
    "job__plugin_release__run_schema",
    "job__plugin_release__installation_schema",
    "job__plugin_release__available_actions",
    "job__plugin_release__file",
    "job__plugin_release__debug",
    "job__plugin_release__is_released",
    "job__plugin_release__author",
    "job__plugin_release__meta",
    "job__plugin_release__created",
    "job__agent__name",
    "job__agent__url",
    "job__agent__status",
    "job__agent__token",
    "job__agent__node_install_script",
]

TrainNested: TypeAlias = Never

TrainPath: TypeAlias = Literal[
    "experiment",
    "ground_truth_version",
    "job",
    "checkpoint",
    "experiment__trains",
    "experiment__trains__experiment",
    "experiment__trains__ground_truth_version",
    "experiment__trains__job",
    "experiment__trains__checkpoint",
    "ground_truth_version__ground_truth_dataset",
    "ground_truth_version__events",
    "ground_truth_version__ground_truth_dataset__project",
    "ground_truth_version__ground_truth_dataset__ground_truths",
    "ground_truth_version__ground_truth_dataset__versions",
    "ground_truth_version__events__ground_truth",
    "ground_truth_version__events__ground_truth_dataset",
    "ground_truth_version__events__data_unit",
    "job__plugin_release",
    "job__agent",
    "job__logs",
    "job__plugin_release__plugin",
    "job__agent__jobs",
    "job__logs__job",
]

class TrainQueries(Manager[Train]):
    """Queries of `Train`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[TrainLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[TrainExclusions]) -> Self: ...
    def order_by(self, *names: TrainOrder) -> Self: ...
    def only(self, *names: TrainField) -> Self: ...
    def defer(self, *names: TrainField) -> Self: ...
    def select_related(self, *names: TrainNested) -> Self: ...
    def prefetch_related(self, *paths: TrainPath) -> Self: ...
    def values(self, *fields: TrainField | TrainBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: TrainField | TrainBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: TrainField | TrainBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: TrainKey | Unset = ..., /, **lookups: Unpack[TrainMatch]) -> Train: ...
    def latest(self, name: TrainOrder, /, *names: TrainOrder) -> Train: ...
    def earliest(self, name: TrainOrder, /, *names: TrainOrder) -> Train: ...
    def in_bulk(
        self, keys: Iterable[TrainKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Train]: ...
    def get_or_create(
        self, defaults: TrainValues | None = None, **lookups: Unpack[TrainMatch]
    ) -> tuple[Train, bool]: ...
    def update_or_create(
        self, defaults: TrainValues | None = None, **lookups: Unpack[TrainMatch]
    ) -> tuple[Train, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[TrainValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[TrainValues]) -> Train: ...
    async def aget(self, key: TrainKey | Unset = ..., /, **lookups: Unpack[TrainMatch]) -> Train: ...
    async def alatest(self, name: TrainOrder, /, *names: TrainOrder) -> Train: ...
    async def aearliest(self, name: TrainOrder, /, *names: TrainOrder) -> Train: ...
    async def ain_bulk(
        self, keys: Iterable[TrainKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Train]: ...
    async def aget_or_create(
        self, defaults: TrainValues | None = None, **lookups: Unpack[TrainMatch]
    ) -> tuple[Train, bool]: ...
    async def aupdate_or_create(
        self, defaults: TrainValues | None = None, **lookups: Unpack[TrainMatch]
    ) -> tuple[Train, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[TrainValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[TrainValues]) -> Train: ...

class UploadLookups(TypedDict, total=False):
    data_collection: DataCollectionKey
    data_collection__id: DataCollectionKey
    data_collection__pk: DataCollectionKey
    data_collection_id: DataCollectionKey
    project: ProjectKey
    project__id: ProjectKey
    project__pk: ProjectKey
    project_id: ProjectKey
    storage: StorageKey
    storage__id: StorageKey
    storage__pk: StorageKey
    storage_id: StorageKey
    job__action: str
    job__status: JobStatusValue
    created__gte: date | str
    created__lte: date | str

class UploadExclusions(TypedDict, total=False):
    pass

class UploadKeyLookups(UploadLookups, total=False):
    id: UploadKey
    pk: UploadKey

class UploadMatch(UploadKeyLookups, total=False):
    pass

class UploadCreation(TypedDict, total=False):
    pass

class UploadValues(UploadCreation, total=False):
    pass

UploadOrder: TypeAlias = Literal["created", "-created", "id", "-id", "pk", "-pk"]

UploadField: TypeAlias = Literal[
    "id",
    "data_collection_id",
    "project_id",
    "job_id",
    "job_status",
    "name",
    "description",
    "storage_id",
    "path",
    "is_recursive",
    "extra_params",
    "created",
    "data_collection",
    "project",
    "storage",
    "job",
    "pk",
    "data_collection__id",
    "data_collection__pk",
    "project__id",
    "project__pk",
    "storage__id",
    "storage__pk",
    "job__id",
    "job__pk",
]

UploadBehind: TypeAlias = Literal[
    "data_collection__name",
    "data_collection__category",
    "data_collection__description",
    "data_collection__file_specifications",
    "data_collection__meta",
    "data_collection__caution",
    "data_collection__access_level",
    "data_collection__is_archived",
    "data_collection__count_projects",
    "data_collection__tenant",
    "data_collection__created",
    "project__title",
    "project__category",
    "project__data_collection_id",
    "project__description",
    "project__configuration",
    "project__settings",
    "project__caution",
    "project__access_level",
    "project__count_max_assignments_per_task",
    "project__can_discard",
    "project__enable_workforce",
    "project__is_archived",
    "project__tenant",
    "project__created",
    "storage__name",
    "storage__provider",
    "storage__category",
    "storage__is_default",
    "storage__configuration",
    "job__status",
    "job__action",
    "job__params",
    "job__plugin_release_id",
    "job__agent_id",
    "job__progress_record",
    "job__metrics_record",
    "job__result",
    "job__meta",
    "job__queue",
    "job__error",
    "job__is_active",
    "job__created",
    "job__modified",
    "job__completed",
    "project__data_collection__name",
    "project__data_collection__category",
    "project__data_collection__description",
    "project__data_collection__file_specifications",
    "project__data_collection__meta",
    "project__data_collection__caution",
    "project__data_collection__access_level",
    "project__data_collection__is_archived",
    "project__data_collection__count_projects",
    "project__data_collection__tenant",
    "project__data_collection__created",
    "job__plugin_release__plugin_id",
    "job__plugin_release__version",
    "job__plugin_release__config",
    "job__plugin_release__readme",
    "job__plugin_release__requirements",
    "job__plugin_release__run_schema",
    "job__plugin_release__installation_schema",
    "job__plugin_release__available_actions",
    "job__plugin_release__file",
    "job__plugin_release__debug",
    "job__plugin_release__is_released",
    "job__plugin_release__author",
    "job__plugin_release__meta",
    "job__plugin_release__created",
    "job__agent__name",
    "job__agent__url",
    "job__agent__status",
    "job__agent__token",
    "job__agent__node_install_script",
]

UploadNested: TypeAlias = Never

UploadPath: TypeAlias = Literal[
    "data_collection",
    "project",
    "storage",
    "job",
    "data_collection__units",
    "data_collection__projects",
    "data_collection__groups",
    "data_collection__units__data_collection",
    "data_collection__projects__data_collection",
    "data_collection__projects__tasks",
    "data_collection__projects__tags",
    "data_collection__projects__review_tags",
    "data_collection__groups__data_collection",
    "project__data_collection",
    "project__tasks",
    "project__tags",
    "project__review_tags",
    "project__data_collection__units",
    "project__data_collection__projects",
    "project__data_collection__groups",
    "project__tasks__project",
    "project__tasks__data_unit",
    "project__tasks__assignments",
    "project__tags__project",
    "project__tags__tasks",
    "project__review_tags__project",
    "job__plugin_release",
    "job__agent",
    "job__logs",
    "job__plugin_release__plugin",
    "job__agent__jobs",
    "job__logs__job",
]

class UploadQueries(Manager[Upload]):
    """Queries of `Upload`, with the names that its declaration has."""

    def filter(self, **lookups: Unpack[UploadLookups]) -> Self: ...
    def exclude(self, **lookups: Unpack[UploadExclusions]) -> Self: ...
    def order_by(self, *names: UploadOrder) -> Self: ...
    def only(self, *names: UploadField) -> Self: ...
    def defer(self, *names: UploadField) -> Self: ...
    def select_related(self, *names: UploadNested) -> Self: ...
    def prefetch_related(self, *paths: UploadPath) -> Self: ...
    def values(self, *fields: UploadField | UploadBehind, json: bool = False) -> Values[dict[str, Any]]: ...
    @overload
    def values_list(
        self, field: UploadField | UploadBehind, /, *, flat: Literal[True], json: bool = ...
    ) -> Values[Any]: ...
    @overload
    def values_list(
        self, *fields: UploadField | UploadBehind, named: bool = ..., json: bool = ...
    ) -> Values[tuple[Any, ...]]: ...
    def get(self, key: UploadKey | Unset = ..., /, **lookups: Unpack[UploadMatch]) -> Upload: ...
    def latest(self, name: UploadOrder, /, *names: UploadOrder) -> Upload: ...
    def earliest(self, name: UploadOrder, /, *names: UploadOrder) -> Upload: ...
    def in_bulk(
        self, keys: Iterable[UploadKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Upload]: ...
    def get_or_create(
        self, defaults: UploadValues | None = None, **lookups: Unpack[UploadMatch]
    ) -> tuple[Upload, bool]: ...
    def update_or_create(
        self, defaults: UploadValues | None = None, **lookups: Unpack[UploadMatch]
    ) -> tuple[Upload, bool]: ...
    def update(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[UploadValues]
    ) -> BulkResult: ...
    def create(self, *, dry_run: bool = False, **values: Unpack[UploadValues]) -> Upload: ...
    async def aget(self, key: UploadKey | Unset = ..., /, **lookups: Unpack[UploadMatch]) -> Upload: ...
    async def alatest(self, name: UploadOrder, /, *names: UploadOrder) -> Upload: ...
    async def aearliest(self, name: UploadOrder, /, *names: UploadOrder) -> Upload: ...
    async def ain_bulk(
        self, keys: Iterable[UploadKey] | Unset = ..., *, field_name: None = None
    ) -> dict[Any, Upload]: ...
    async def aget_or_create(
        self, defaults: UploadValues | None = None, **lookups: Unpack[UploadMatch]
    ) -> tuple[Upload, bool]: ...
    async def aupdate_or_create(
        self, defaults: UploadValues | None = None, **lookups: Unpack[UploadMatch]
    ) -> tuple[Upload, bool]: ...
    async def aupdate(
        self, *, everything: bool = False, dry_run: bool = False, **fields: Unpack[UploadValues]
    ) -> BulkResult: ...
    async def acreate(self, *, dry_run: bool = False, **values: Unpack[UploadValues]) -> Upload: ...
