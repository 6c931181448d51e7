"""Projects, their tasks, and who works on them."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from ..wording import say
from .accounts import Tenant
from .columns import AccessLevel, Caution, created, json_object, text
from .data import DataCollection, DataUnit


class LabelStatus(models.TextChoices):
    """Say how far the labelling of a task is."""

    STAND_BY = "stand_by"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    SKIPPED = "skipped"


class ReviewStatus(models.TextChoices):
    """Say how far the review of a task is."""

    STAND_BY = "stand_by"
    IN_PROGRESS = "in_progress"
    REJECTED = "rejected"
    COMPLETED = "completed"
    SKIPPED = "skipped"


class Project(models.Model):
    """A piece of annotation work over one collection."""

    class Category(models.TextChoices):
        """Name the kind of annotation a project asks for."""

        IMAGE = "image"
        VIDEO = "video"
        AUDIO = "audio"
        TEXT = "text"
        PCD = "pcd"
        PROMPT = "prompt"
        TIME_SERIES = "time_series"

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="projects")
    title = models.CharField(max_length=200)
    description = text()
    category = models.CharField(
        max_length=20, choices=Category.choices, default=Category.IMAGE, db_index=True
    )
    data_collection = models.ForeignKey(
        DataCollection, models.SET_NULL, related_name="projects", null=True, blank=True
    )
    configuration = json_object()
    settings = json_object()
    caution = models.CharField(max_length=20, choices=Caution.choices, blank=True, default="")
    access_level = models.CharField(max_length=20, choices=AccessLevel.choices, default=AccessLevel.PRIVATE)
    count_max_assignments_per_task = models.PositiveIntegerField(default=0)
    can_discard = models.BooleanField(default=True)
    enable_workforce = models.BooleanField(default=True)
    is_archived = models.BooleanField(default=False)
    created = created()

    def __str__(self) -> str:
        return self.title


class ReviewTag(models.Model):
    """A label that reviewers put on what they remark."""

    TENANT_PATH = "project__tenant"

    project = models.ForeignKey(Project, models.CASCADE, related_name="review_tags")
    name = models.CharField(max_length=50)
    background_color = models.CharField(max_length=7, default="#00AA55")
    description = text()
    created = created()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "name"], name="one_review_tag_per_name")]

    def __str__(self) -> str:
        return self.name


class Workshop(models.Model):
    """A round of work on a project, which workers take part in."""

    class Status(models.IntegerChoices):
        """Say whether there is work."""

        BLOCKED = 0
        ACTIVE = 1
        RESTRICTED = 2
        INACTIVE = 3

    class Visibility(models.TextChoices):
        """Say who may find a workshop."""

        PUBLIC = "public"
        PRIVATE = "private"

    class Levels(models.IntegerChoices):
        """Say how many tasks are handed out at once."""

        SINGLE = 0
        FIRST_BUNDLE = 1
        SECOND_BUNDLE = 2

    TENANT_PATH = "project__tenant"

    project = models.ForeignKey(Project, models.CASCADE, related_name="workshops")
    name = models.CharField(max_length=200)
    status = models.PositiveSmallIntegerField(choices=Status.choices, default=Status.ACTIVE)
    visibility = models.CharField(max_length=10, choices=Visibility.choices, default=Visibility.PUBLIC)
    access_code = text(20)
    level_distribution = models.PositiveSmallIntegerField(choices=Levels.choices, default=Levels.SINGLE)
    is_reviewable = models.BooleanField(default=True)
    can_skip_labeler = models.BooleanField(default=False)
    count_max_skippable_labeler = models.PositiveSmallIntegerField(null=True, blank=True)
    timeout_skip_labeler = text(50)
    can_skip_reviewer = models.BooleanField(default=False)
    count_max_skippable_reviewer = models.PositiveSmallIntegerField(null=True, blank=True)
    timeout_skip_reviewer = text(50)
    configuration = json_object()
    created = created()

    def __str__(self) -> str:
        return self.name


class Participant(models.Model):
    """Someone who takes part in a workshop."""

    class Role(models.TextChoices):
        """Say what a participant does."""

        LABELER = "labeler"
        REVIEWER = "reviewer"

    TENANT_PATH = "workshop__project__tenant"

    workshop = models.ForeignKey(Workshop, models.CASCADE, related_name="participants")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="participations")
    role = models.CharField(max_length=10, choices=Role.choices)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["workshop", "user", "role"], name="one_participant_per_role")
        ]

    def __str__(self) -> str:
        return say("%(user)s as %(role)s", user=self.user, role=self.role)


class TaskTag(models.Model):
    """A label that people put on tasks and assignments to find them again."""

    class Category(models.TextChoices):
        """Say what a tag is used for."""

        EXPORT = "export"
        PROJECT = "project"

    TENANT_PATH = "project__tenant"

    project = models.ForeignKey(Project, models.CASCADE, related_name="task_tags")
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=20, choices=Category.choices, default=Category.PROJECT)
    description = text()
    meta = json_object()
    created = created()

    def __str__(self) -> str:
        return self.name


class Task(models.Model):
    """One unit to annotate in one project."""

    class Schema(models.TextChoices):
        """Name the format that the annotation payload keeps to."""

        DM_SCHEMA_V1 = "dm_schema_v1"
        ANY = "any"

    TENANT_PATH = "project__tenant"

    project = models.ForeignKey(Project, models.CASCADE, related_name="tasks")
    data_unit = models.ForeignKey(DataUnit, models.CASCADE, related_name="tasks")
    workshop = models.IntegerField(null=True, blank=True, db_index=True)
    stage = models.IntegerField(null=True, blank=True, db_index=True)
    data = models.JSONField(null=True, blank=True)
    meta = models.JSONField(null=True, blank=True, default=dict)
    schema = models.CharField(max_length=20, choices=Schema.choices, default=Schema.DM_SCHEMA_V1)
    is_discarded = models.BooleanField(default=False, db_index=True)
    has_data = models.BooleanField(default=False, db_index=True)
    status_label = models.CharField(
        max_length=20, choices=LabelStatus.choices, default=LabelStatus.STAND_BY, db_index=True
    )
    status_review = models.CharField(
        max_length=20, choices=ReviewStatus.choices, default=ReviewStatus.STAND_BY, db_index=True
    )
    tags = models.ManyToManyField(TaskTag, related_name="tasks", blank=True)
    created = created()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "data_unit"], name="one_task_per_unit")]
        indexes = [
            models.Index(fields=["project", "created", "id"]),
            models.Index(fields=["created", "id"]),
        ]

    def __str__(self) -> str:
        return say("task %(pk)s", pk=self.pk)

    @property
    def current_assignment(self) -> Assignment | None:
        """Return the newest assignment, which stands for the task where only one can be shown."""
        return max(self.assignments.all(), key=lambda assignment: assignment.pk, default=None)


class Assignment(models.Model):
    """One person's work on one task."""

    TENANT_PATH = "task__project__tenant"

    task = models.ForeignKey(Task, models.CASCADE, related_name="assignments")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="assignments", null=True, blank=True
    )
    reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, related_name="reviews", null=True, blank=True
    )
    status_label = models.CharField(
        max_length=20, choices=LabelStatus.choices, default=LabelStatus.STAND_BY, db_index=True
    )
    status_review = models.CharField(
        max_length=20, choices=ReviewStatus.choices, default=ReviewStatus.STAND_BY, db_index=True
    )
    is_confirmed = models.BooleanField(default=False)
    is_discarded = models.BooleanField(default=False)
    is_discard_confirmed = models.BooleanField(default=False)
    data = models.JSONField(null=True, blank=True)
    tags = models.ManyToManyField(TaskTag, related_name="assignments", blank=True)
    label_submitted = models.DateTimeField(null=True, blank=True)
    last_labeled = models.DateTimeField(null=True, blank=True)
    last_reviewed = models.DateTimeField(null=True, blank=True)
    labeler_last_action_at = models.DateTimeField(null=True, blank=True)
    reviewer_last_action_at = models.DateTimeField(null=True, blank=True)
    created = created()

    class Meta:
        indexes = [models.Index(fields=["created", "id"])]

    def __str__(self) -> str:
        return say("assignment %(pk)s", pk=self.pk)


class Review(models.Model):
    """A remark on somebody's work."""

    class Scope(models.TextChoices):
        """Say what a remark is about."""

        PROJECT = "project"
        GROUP = "group"
        ASSIGNMENT = "assignment"
        ANNOTATION = "annotation"

    TENANT_PATH = "assignment__task__project__tenant"

    assignment = models.ForeignKey(Assignment, models.CASCADE, related_name="remarks")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="remarks")
    scope = models.CharField(max_length=20, choices=Scope.choices, default=Scope.ASSIGNMENT, db_index=True)
    is_active = models.BooleanField(default=True)
    tags = models.ManyToManyField(ReviewTag, related_name="reviews", blank=True)
    object_id = text(30)
    description = text()
    position = json_object()
    created = created()

    def __str__(self) -> str:
        return say("review %(pk)s", pk=self.pk)
