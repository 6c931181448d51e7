"""The enumerations of the wire; the backend may add values, which then stay plain text."""

from __future__ import annotations

from enum import StrEnum

from synapse.mapping import OpenChoice


class ProjectCategory(StrEnum):
    """What a project annotates."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    PCD = "pcd"
    PROMPT = "prompt"
    TIME_SERIES = "time_series"


class CollectionCategory(StrEnum):
    """What a data collection holds."""

    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    TEXT = "text"
    PCD = "pcd"
    DATA = "data"


class AccessLevel(StrEnum):
    """Who sees a project or collection."""

    PUBLIC = "public"
    PARTIALLY_PUBLIC = "partially_public"
    PRIVATE = "private"


class TaskSchema(StrEnum):
    """The format that a task's annotation is checked against."""

    DM_SCHEMA_V1 = "dm_schema_v1"
    ANY = "any"


class TagCategory(StrEnum):
    """What a task tag is for."""

    EXPORT = "export"
    PROJECT = "project"


class StatusLabel(StrEnum):
    """How far labeling has come."""

    STAND_BY = "stand_by"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"


class StatusReview(StrEnum):
    """How far the review has come."""

    STAND_BY = "stand_by"
    IN_PROGRESS = "in_progress"
    REJECTED = "rejected"
    COMPLETED = "completed"
    SKIPPED = "skipped"


class Split(StrEnum):
    """The part of a dataset that a ground truth belongs to."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


class PluginCategory(StrEnum):
    """What a plugin does."""

    NEURAL_NET = "neural_net"
    EXPORT = "export"
    UPLOAD = "upload"
    SMART_TOOL = "smart_tool"
    PRE_ANNOTATION = "pre_annotation"
    POST_ANNOTATION = "post_annotation"
    DATA_VALIDATION = "data_validation"
    CONVERTER = "converter"
    CUSTOM = "custom"


class JobStatus(StrEnum):
    """Where a job is in its life; `SUCCEEDED`, `FAILED` and `STOPPED` are its ends."""

    PENDING = "PENDING"
    RUNNING = "RUNNING"
    STOPPED = "STOPPED"
    SUCCEEDED = "SUCCEEDED"
    FAILED = "FAILED"

    @classmethod
    def _missing_(cls, value: object) -> JobStatus | None:
        """Read any case, as older backends send lower case."""
        return cls.__members__.get(str(value).upper())


class LogLevel(StrEnum):
    """How much a log entry matters."""

    DEBUG = "debug"
    INFO = "info"
    SUCCESS = "success"
    WARNING = "warning"
    DANGER = "danger"
    ERROR = "error"
    CRITICAL = "critical"


class StorageCategory(StrEnum):
    """Who runs a storage."""

    INTERNAL = "internal"
    EXTERNAL = "external"


class StorageProvider(OpenChoice):
    """The kind of a storage; open to new ones."""

    AMAZON_S3 = "amazon_s3"
    AZURE = "azure"
    DIGITAL_OCEAN = "digital_ocean"
    FILE_SYSTEM = "file_system"
    FTP = "ftp"
    SFTP = "sftp"
    MINIO = "minio"
    GCP = "gcp"


class ServeStatus(StrEnum):
    """How a serve application is doing."""

    NOT_STARTED = "NOT_STARTED"
    DEPLOYING = "DEPLOYING"
    RUNNING = "RUNNING"
    UNHEALTHY = "UNHEALTHY"
    DEPLOY_FAILED = "DEPLOY_FAILED"
    DELETING = "DELETING"
    UNAVAILABLE = "UNAVAILABLE"


class ReviewScope(StrEnum):
    """What a review is about."""

    PROJECT = "project"
    GROUP = "group"
    ASSIGNMENT = "assignment"
    ANNOTATION = "annotation"


class ExportTarget(StrEnum):
    """What an export hands out."""

    ASSIGNMENT = "assignment"
    GROUND_TRUTH = "ground_truth"
    TASK = "task"


class AsyncJobStatus(StrEnum):
    """Where an asynchronous job is in its life; `COMPLETED`, `FAILED` and `CANCELLED` are its ends."""

    PENDING = "PENDING"
    PROCESSING = "PROCESSING"
    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"
