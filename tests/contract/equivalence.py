"""The same questions twice: put to the SDK, and to Django's own ORM on the sandbox's database."""

from __future__ import annotations

import uuid
import zoneinfo

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import attrs

from hypothesis import strategies as st

from synapse import Session
from synapse.dialects import Reply, Request
from tests.contract.factory import Factory

Strategy = st.SearchStrategy
ZONE = zoneinfo.ZoneInfo("Asia/Seoul")
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MISSING = 900_000
LABELS = ("stand_by", "in_progress", "completed", "skipped")
REVIEWS = (*LABELS, "rejected")


class CappedSession(Session):
    """A session whose backend gives at most `cap` rows a page, whatever was asked for."""

    cap = 1000

    def send(self, request: Request) -> Reply:
        """Send the request as the capping backend would understand it."""
        params = tuple(
            (name, str(min(int(text), self.cap)) if name == "page_size" else text)
            for name, text in request.params
        )
        return super().send(attrs.evolve(request, params=params))


@attrs.frozen
class Ask:
    """One lookup as the SDK takes it, and what it means to Django."""

    spelling: str
    value: Any
    meaning: Any


@attrs.frozen(repr=False)
class Subject:
    """One entity: its Django model, its lookups by name, and what it can be ordered and read by.

    `negative` are the lookups that `exclude()` takes; `once` those that the wire takes one time only.
    """

    entity: Any
    model: Any
    rows: Any
    keys: Sequence[Any]
    asks: Mapping[str, Strategy[Ask]]
    negative: Sequence[str] = ()
    once: Sequence[str] = ()
    orders: Sequence[str] = ("id",)
    fields: Sequence[str] = ("id",)
    decorations: Sequence[Callable[[Any], Any]] = ()
    pk: str = "id"
    single: bool = True

    def __repr__(self) -> str:
        return f"<Subject {self.entity.__name__}>"

    def pairs(self, names: Sequence[str] | None = None) -> Strategy[Ask]:
        """Lookups of these names, or of any."""
        return st.sampled_from(list(names or self.asks)).flatmap(self.asks.__getitem__)


# --- lookups ------------------------------------------------------------------
def exact(name: str, values: Strategy[Any], *, mean: Callable[[Any], Any]) -> Strategy[Ask]:
    """`name=value`."""
    return values.map(lambda value: Ask(name, value, mean(key_of(value))))


def listed(name: str, values: Strategy[Any], *, mean: Callable[[Any], Any], size: int = 6) -> Strategy[Ask]:
    """`name__in=values`: any iterable, empty as well."""
    lists = st.lists(values, max_size=size)
    return lists.map(lambda many: Ask(f"{name}__in", many, mean([key_of(each) for each in many])))


def ranged(name: str, values: Strategy[Any]) -> Strategy[Ask]:
    """`name__gte=value` and the other three."""
    from django.db.models import Q

    sides = st.sampled_from(("gt", "gte", "lt", "lte"))
    return st.builds(
        lambda side, value: Ask(f"{name}__{side}", value, Q(**{f"{name}__{side}": instant(value)})),
        sides,
        values,
    )


def key_of(value: Any) -> Any:
    """Give what Django compares: the key of an object, the text of an enum's member."""
    return getattr(value, "pk", getattr(value, "value", value))


def instant(value: Any) -> Any:
    """Read a moment as the backend does: a day begins at midnight of its own zone."""
    if isinstance(value, str):
        return datetime.fromisoformat(value)
    if isinstance(value, date) and not isinstance(value, datetime):
        return datetime(value.year, value.month, value.day, tzinfo=ZONE)
    return value


def column(path: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """What `name=` and `name__in=` mean for a column, or for a relation that a row has one of."""
    from django.db.models import Q

    return (lambda value: Q(**{path: value})), (lambda many: Q(**{f"{path}__in": many}))


def related(model: Any, path: str) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The same over a relation to many; each row once, however many related rows match."""
    from django.db.models import Q

    def found(**lookups: Any) -> Any:
        return Q(pk__in=model.objects.filter(**lookups).values("pk"))

    return (lambda value: found(**{path: value})), (lambda many: found(**{f"{path}__in": many}))


def both(
    name: str, values: Strategy[Any], meaning: tuple[Callable[[Any], Any], Callable[[Any], Any]]
) -> Strategy[Ask]:
    """`name=` and `name__in=`."""
    return exact(name, values, mean=meaning[0]) | listed(name, values, mean=meaning[1])


def keys(values: Sequence[Any]) -> Strategy[Ask]:
    """Every lookup of an integer key, lists that are too long for one URL among them."""
    near = st.sampled_from([*values, MISSING])
    one, many = column("id")
    padding = list(range(MISSING, MISSING + 2_500))
    long = st.lists(near, max_size=12).map(
        lambda few: Ask("id__in", [*few, *padding], many([*few, *padding]))
    )
    return both("id", near, (one, many)) | ranged("id", near) | long


def truths(name: str, mean: Callable[[bool], Any]) -> Strategy[Ask]:
    """`name=True` and `name=False`."""
    return exact(name, st.booleans(), mean=mean)


def moments() -> Strategy[Any]:
    """Aware datetimes near the rows' own, in two zones, also as text."""
    near = st.integers(-2, 15).map(lambda hours: START + timedelta(hours=hours))
    return near | near.map(lambda when: when.astimezone(ZONE)) | near.map(datetime.isoformat)


def days() -> Strategy[date]:
    """Days round those of the rows."""
    return st.integers(-2, 5).map(lambda number: (START + timedelta(days=number)).date())


# --- the rows -----------------------------------------------------------------
def populate(make: Factory) -> dict[str, list[Any]]:
    """Fill the workspace with rows that differ in everything that can be asked for, with ties and gaps."""
    tables = make.tables
    from django.contrib.auth.models import User

    users = [User.objects.create(username=f"worker {number}") for number in range(3)]
    projects = [
        make.project(category=category, count_max_assignments_per_task=limit, created=START)
        for category, limit in (("image", 1), ("image", 2), ("text", 0), ("video", 0))
    ]
    tags = [make.tag(project=projects[index % 2], name=f"tag {index}") for index in range(5)]
    tasks = [task for project in projects[:3] for task in make.tasks(14, project=project)]
    for task in tasks[5:40:9]:
        task.delete()
    tasks = [task for task in tasks if task.pk]
    for index, task in enumerate(tasks):
        task.is_discarded, task.schema = index % 4 == 0, ("any", "dm_schema_v1")[index % 2]
        task.status_label, task.status_review = LABELS[index % 4], REVIEWS[index % 5]
        task.workshop, task.stage = (None, 1, 2)[index % 3], (1, None)[index % 2]
        task.created = START + timedelta(hours=index % 12)
        task.meta = {"number": index}
        task.save()
        task.tags.set([tag for number, tag in enumerate(tags) if (index + number) % 4 == 0])
    worked = [*tasks[:24], *tasks[:9]]
    assignments = make.assignments(worked, created=START)
    for index, assignment in enumerate(assignments):
        assignment.user, assignment.reviewer = users[index % 3], (None, *users)[index % 4]
        assignment.status_label, assignment.status_review = LABELS[index % 3], REVIEWS[index % 4]
        assignment.is_discarded, assignment.is_confirmed = index % 5 == 0, index % 3 == 0
        assignment.is_discard_confirmed = index % 7 == 0
        assignment.label_submitted = None if index % 4 == 0 else START + timedelta(days=index % 4)
        assignment.created = START + timedelta(hours=index % 7)
        assignment.save()
        assignment.tags.set(tags[index % 3 : index % 3 + 1])
    units = list(tables.DataUnit.objects.filter(data_collection__tenant=make.tenant).order_by("pk").all())
    tables.DataUnit.objects.filter(pk__in=[unit.pk for unit in units[::3]]).update(can_generate_task=False)
    return {
        "projects": projects,
        "tags": tags,
        "tasks": tasks,
        "assignments": assignments,
        "units": units,
        "users": users,
        "events": events(make, units),
        "jobs": jobs(make),
    }


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
