"""What each list can be filtered by: unknown keys are ignored, a bad value is an error under its key."""

from __future__ import annotations

from typing import Any

import django_filters as df

from django import forms
from django.db.models import Count, Exists, F, JSONField, Lookup, OuterRef, Q, QuerySet
from django_filters.rest_framework import BooleanFilter

from . import models
from .models.columns import Split
from .models.work import LabelStatus, ReviewStatus

BIGGEST = 2**63 - 1
MOMENTS = ("gt", "gte", "lt", "lte")


@JSONField.register_lookup
class Overlaps(Lookup):
    """Match JSON arrays that hold at least one of the given texts."""

    lookup_name = "overlaps"

    def get_prep_lookup(self) -> list[str]:
        return list(self.rhs)

    def as_sqlite(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        marks = ", ".join(["%s"] * len(self.rhs))
        return f"EXISTS (SELECT 1 FROM json_each({column}) WHERE value IN ({marks}))", [*params, *self.rhs]

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        column, params = self.process_lhs(compiler, connection)
        return f"{column} ?| %s", [*params, self.rhs]


class WholeNumberField(forms.IntegerField):
    """Take a whole number that a database can hold."""

    def __init__(self) -> None:
        super().__init__(min_value=-BIGGEST, max_value=BIGGEST)


class Ints(df.BaseInFilter, df.NumberFilter):
    """Filter by a comma list of numbers."""


class Names(df.BaseCSVFilter, df.CharFilter):
    """Filter JSON arrays by a comma list of texts, one of which must be in them."""

    def filter(self, qs: QuerySet[Any], value: list[str] | None) -> QuerySet[Any]:
        names = [name.strip() for name in value or [] if name.strip()]
        return qs.filter(**{f"{self.field_name}__overlaps": names}) if names else qs


class ListOrRepeat(forms.SelectMultiple):
    """Read values from a comma list, from repeated keys, or both."""

    def value_from_datadict(self, data: Any, files: Any, name: str) -> list[str]:
        return [part.strip() for value in data.getlist(name) for part in value.split(",") if part.strip()]


class IntListField(forms.Field):
    """Take any number of whole numbers."""

    widget = ListOrRepeat

    def clean(self, value: Any) -> list[int]:
        number = WholeNumberField()
        return [number.clean(part) for part in value or []]


class AnyChoice(df.MultipleChoiceFilter):
    """Filter by words, given as a comma list or repeated, one of which the row must have."""

    def __init__(self, **options: Any) -> None:
        super().__init__(widget=ListOrRepeat, **options)


class OneOf(df.Filter):
    """Filter by keys, given as a comma list or repeated, one of which the row must have."""

    field_class = IntListField

    def filter(self, qs: QuerySet[Any], value: list[int] | None) -> QuerySet[Any]:
        return self.keep(qs, Q(**{f"{self.field_name}__in": value})) if value else qs

    def keep(self, rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
        return rows.filter(condition)


class AnyOf(OneOf):
    """Filter by keys in the same way, over a relation that a row may have many of."""

    def keep(self, rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
        return related(rows, condition)


class OfTask(df.NumberFilter):
    """Filter by a whole number that the row's task has."""

    def filter(self, qs: QuerySet[Any], value: int | None) -> QuerySet[Any]:
        return qs if value is None else of_task(qs, Q(**{self.field_name: value}))


class OneOfTask(OneOf):
    """Filter by keys, one of which the row's task must have."""

    def keep(self, rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
        return of_task(rows, condition)


def of_task(rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
    """Keep the rows for whose task *condition* holds.

    Not by a join: the list is to be walked in its order, which an index has, and not sorted.
    """
    return rows.filter(Exists(models.Task.objects.filter(condition, pk=OuterRef("task"))))


def related(rows: QuerySet[Any], condition: Q) -> QuerySet[Any]:
    """Keep the rows that *condition*, which may reach over relations to many, holds for; none twice."""
    found = rows.model._default_manager.filter(condition, pk=OuterRef("pk"))
    return rows.filter(Exists(found))


def bounds(*columns: str) -> dict[str, df.Filter]:
    """Return the filters `<column>__gt`, `__gte`, `__lt` and `__lte` for points in time."""
    return {
        f"{column}__{side}": df.IsoDateTimeFilter(field_name=column, lookup_expr=side)
        for column in columns
        for side in MOMENTS
    }


def keys() -> dict[str, df.Filter]:
    """Return the filters by `id`, its bounds and its lists."""
    sides = {f"id__{side}": df.NumberFilter(field_name="id", lookup_expr=side) for side in MOMENTS}
    return {"id": df.NumberFilter(), "id__in": Ints(field_name="id", lookup_expr="in"), **sides}


class FilterSet(df.FilterSet):
    """Filter by what a query names, and make no form fields for the rest: a list has up to 28 of them."""

    def __init__(self, data: Any = None, *args: Any, **options: Any) -> None:
        named = data or ()
        self.base_filters = {name: each for name, each in type(self).base_filters.items() if name in named}
        super().__init__(data, *args, **options)


def build(name: str, base: type[df.FilterSet] = FilterSet, /, **declared: df.Filter) -> type[df.FilterSet]:
    """Return a filter set with the filters *declared*, some of whose names Python cannot spell."""
    return type(name, (base,), declared)


class SdkFilter(FilterSet):
    """What every list under `sdk/` can be filtered by."""

    ids = Ints(field_name="pk", lookup_expr="in")
    ids_ex = Ints(field_name="pk", lookup_expr="in", exclude=True)


def has_assignment(rows: QuerySet[Any], _name: str, wanted: bool) -> QuerySet[Any]:
    found = Exists(models.Assignment.objects.filter(task=OuterRef("pk")))
    return rows.filter(found if wanted else ~found)


def has_reached_max(rows: QuerySet[Any], _name: str, wanted: bool) -> QuerySet[Any]:
    counted = models.Task.objects.annotate(number=Count("assignments"))
    full = counted.filter(
        project__count_max_assignments_per_task__gt=0,
        number__gte=F("project__count_max_assignments_per_task"),
    )
    reached = Q(pk__in=full.values("pk"))
    return rows.filter(reached if wanted else ~reached)


def discarded(rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
    """Keep discarded tasks, kept ones, or all."""
    return rows if value == "all" else rows.filter(is_discarded=value == "discarded")


def discarded_assignments(rows: QuerySet[Any], _name: str, wanted: bool) -> QuerySet[Any]:
    return related(rows, Q(assignments__is_discarded=wanted))


def by_code_or_pk(path: str) -> Any:
    """Return the method that filters by a plugin at *path*, given by its code or its key."""

    def method(rows: QuerySet[Any], _name: str, value: str) -> QuerySet[Any]:
        chosen = Q(**{f"{path}__code": value})
        if value.isdecimal() and int(value) <= BIGGEST:
            chosen |= Q(**{path: int(value)})
        return rows.filter(chosen)

    return method


class JobStatusField(forms.ChoiceField):
    """Take a job status in any case, and `completed` for the one it has come to be called."""

    def to_python(self, value: Any) -> str:
        return job_status(value) if value else ""


def job_status(value: str) -> str:
    """Return *value* as the wire spells job statuses today."""
    known = {"COMPLETED": "SUCCEEDED", "QUEUED": "PENDING"}
    return known.get(value.upper(), value.upper())


class JobStatus(df.ChoiceFilter):
    """Filter by a job status in any case."""

    field_class = JobStatusField


def statuses() -> dict[str, df.Filter]:
    """Return the filters by the progress of labelling and review; each can be repeated."""
    return {
        "status_label": df.MultipleChoiceFilter(choices=LabelStatus.choices),
        "status_review": df.MultipleChoiceFilter(choices=ReviewStatus.choices),
    }


TaskFilter = build(
    "TaskFilter",
    **keys(),
    **statuses(),
    **bounds("created"),
    project=df.NumberFilter(),
    is_discarded=BooleanFilter(),
    schema=df.ChoiceFilter(choices=models.Task.Schema.choices),
    has_assignment=BooleanFilter(method=has_assignment),
    has_reached_max_assignments=BooleanFilter(method=has_reached_max),
    assignments=AnyOf(),
    labelers=AnyOf(field_name="assignments__user"),
    reviewers=AnyOf(field_name="assignments__reviewer"),
    groups=OneOf(field_name="data_unit__group"),
    stages=OneOf(field_name="stage"),
    workshops=OneOf(field_name="workshop"),
    tags=AnyOf(),
    assignments__is_discarded=BooleanFilter(method=discarded_assignments),
    discarded_filter=df.ChoiceFilter(
        choices=[(word, word) for word in ("all", "discarded", "active")], method=discarded
    ),
)
PlainTaskFilter = build("PlainTaskFilter", TaskFilter, has_data=BooleanFilter())
SdkTaskFilter = build("SdkTaskFilter", TaskFilter, **SdkFilter.base_filters)

AssignmentFilter = build(
    "AssignmentFilter",
    **keys(),
    **statuses(),
    **bounds(
        "created",
        "label_submitted",
        "last_labeled",
        "last_reviewed",
        "labeler_last_action_at",
        "reviewer_last_action_at",
    ),
    project=OfTask(),
    workshop=OfTask(),
    tasks=OneOf(field_name="task"),
    users=OneOf(field_name="user"),
    reviewers=OneOf(field_name="reviewer"),
    groups=OneOfTask(field_name="data_unit__group"),
    stages=OneOfTask(field_name="stage"),
    tags=AnyOf(),
    task_tags=OneOfTask(field_name="tags"),
    is_discarded=BooleanFilter(),
    is_discard_confirmed=BooleanFilter(),
    is_confirmed=BooleanFilter(),
)
SdkAssignmentFilter = build("SdkAssignmentFilter", AssignmentFilter, **SdkFilter.base_filters)

GROUND_TRUTH_COMMON: dict[str, df.Filter] = {
    "category": df.ChoiceFilter(choices=Split.choices),
    "categories": df.MultipleChoiceFilter(field_name="category", choices=Split.choices),
    "classes": Names(),
    "task": df.NumberFilter(),
}
EventFilter = build(
    "EventFilter",
    SdkFilter,
    **GROUND_TRUTH_COMMON,
    ground_truth=df.NumberFilter(field_name="id"),
    ground_truth_dataset_versions=AnyOf(),
    ground_truth_dataset_version=AnyOf(field_name="ground_truth_dataset_versions"),
)
GroundTruthFilter = build(
    "GroundTruthFilter",
    **GROUND_TRUTH_COMMON,
    id=df.NumberFilter(),
    ground_truth_dataset=df.NumberFilter(),
    ground_truth_dataset_versions=AnyOf(field_name="events__ground_truth_dataset_versions"),
    ground_truth_dataset_version=AnyOf(field_name="events__ground_truth_dataset_versions"),
)
VersionFilter = build("VersionFilter", ground_truth_dataset=df.NumberFilter(), is_archived=BooleanFilter())

ProjectFilter = build(
    "ProjectFilter",
    category=df.ChoiceFilter(choices=models.Project.Category.choices),
    data_collection=df.NumberFilter(),
)
TaskTagFilter = build(
    "TaskTagFilter",
    project=df.NumberFilter(),
    category=df.ChoiceFilter(choices=models.TaskTag.Category.choices),
)
DataCollectionFilter = build(
    "DataCollectionFilter", category=df.ChoiceFilter(choices=models.DataCollection.Category.choices)
)
DataUnitFilter = build("DataUnitFilter", data_collection=df.NumberFilter(), can_generate_task=BooleanFilter())
DataFileFilter = build(
    "DataFileFilter",
    checksum=df.CharFilter(),
    data_collection=AnyOf(field_name="unit_files__data_unit__data_collection"),
    processing_status=df.ChoiceFilter(choices=models.DataFile.ProcessingStatus.choices),
)

PluginFilter = build(
    "PluginFilter",
    category=df.ChoiceFilter(choices=models.Plugin.Category.choices),
    is_active=BooleanFilter(),
)
PluginReleaseFilter = build(
    "PluginReleaseFilter", plugin=df.CharFilter(method=by_code_or_pk("plugin")), debug=BooleanFilter()
)
JobFilter = build(
    "JobFilter",
    status=JobStatus(choices=models.Job.Status.choices),
    agent=df.NumberFilter(),
    plugin=df.CharFilter(method=by_code_or_pk("plugin_release__plugin")),
    action=df.CharFilter(),
)
JobLogFilter = build("JobLogFilter", job=df.UUIDFilter())
ServeApplicationFilter = build(
    "ServeApplicationFilter",
    plugin_code=df.CharFilter(field_name="job__plugin_release__plugin__code"),
    job__agent=df.NumberFilter(),
)
AgentFilter = build("AgentFilter", id=df.NumberFilter())
StorageFilter = build("StorageFilter", category=df.ChoiceFilter(choices=models.Storage.Category.choices))
ModelFilter = build("ModelFilter", is_released=BooleanFilter(), project=df.NumberFilter())
