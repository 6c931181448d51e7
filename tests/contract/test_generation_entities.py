"""The entities that only API v2 has, against the sandbox: read in every way, filtered, written, waited for."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from typing import Any, Final

import pytest

from synapse import (
    Assignment,
    AsyncJob,
    ConflictError,
    DataCollection,
    DataGroup,
    Experiment,
    Export,
    Project,
    Review,
    ReviewTag,
    Session,
    Train,
    Upload,
)
from synapse.orm import Entity
from synapse.orm.record import entity_named
from synapse.query.lookups import Contains, Exact, Gte, In, Lte
from synapse.sandbox import Sandbox, serve
from synapse.testing import assert_requests

ALL: Final = (AsyncJob, DataGroup, Experiment, Export, Review, ReviewTag, Train, Upload)
BELOW: Final[dict[type[Entity], dict[str, int]]] = {
    DataGroup: {"data_collection": 1},
    ReviewTag: {"project": 1},
}


@pytest.fixture(scope="module", params=["tokens", pytest.param("links", marks=pytest.mark.full)])
def world(request: pytest.FixtureRequest, box: Sandbox) -> Iterator[Session]:
    """A session of a seeded workspace, in each of the forms that lists may have; it is current."""
    with ExitStack() as stack:
        if request.param == "links":
            box = stack.enter_context(serve(seed="demo", v2_cursors="url"))
        token = box.tenants["demo"].api_token if request.param == "tokens" else box.api_token
        yield stack.enter_context(Session(box.url, api_token=token))


def rows_of(cls: Any, **options: Any) -> list[Any]:
    """Read an entity, below the first object that has some of it."""
    return list(cls.objects.filter(**BELOW.get(cls, {})).iterator(**options))


@pytest.mark.parametrize("cls", ALL)
class TestEach:
    def test_is_read_page_by_page(self, world: Session, cls: Any) -> None:
        """Each row comes once, however small the pages are."""
        whole, small = rows_of(cls), rows_of(cls, page_size=2)

        assert whole and whole == small
        assert len({row.pk for row in whole}) == len(whole)

    def test_shows_every_field(self, world: Session, cls: Any) -> None:
        """What a list leaves out is loaded when it is read; nothing is left over that no field has."""
        row = rows_of(cls)[0]
        read = {name: getattr(row, name) for name in cls._schema.fields}

        assert read == {name: getattr(row.refresh(), name) for name in cls._schema.fields}
        assert set() == set(row._state.extra or ()) - {"parent"}

    def test_leads_to_what_it_is_of(self, world: Session, cls: Any) -> None:
        """Relations give objects of other generations as well."""
        row = rows_of(cls)[0]
        for name, link in cls._schema.to_one.items():
            found = getattr(row, name)
            assert found is None or (entity_named(link.target), getattr(row, link.via)) == (
                type(found),
                found.pk,
            )

    def test_is_filtered_by_what_it_declares(self, world: Session, cls: Any) -> None:
        """The rows that come are those that have the value: a filter that is ignored would give them all."""
        rows = rows_of(cls)
        for name, by in cls.lookups.items():
            if name not in cls._schema.fields and name not in cls._schema.relations:
                continue
            field = cls._schema.relations.get(name, name)
            for lookup in by.lookups:
                _check_filter(cls, rows, name=name, field=field, lookup=lookup)


def _check_filter(cls: Any, rows: list[Any], *, name: str, field: str, lookup: Any) -> None:
    value = next((each for each in (getattr(row, field) for row in rows) if each is not None), None)
    if value is None:
        return
    spelling = name if lookup is Exact else f"{name}__{lookup.name}"
    tests = {
        Exact: lambda held: held == value,
        Gte: lambda held: held >= value,
        Lte: lambda held: held <= value,
        Contains: lambda held: value[1:] in held,
        In: lambda held: held == value,
    }
    asked = {Contains: value[1:], In: [value]}.get(lookup, value) if isinstance(value, str) else value
    found = cls.objects.filter(**{**BELOW.get(cls, {}), spelling: asked})

    assert {row.pk for row in rows if tests[lookup](getattr(row, field))} == {row.pk for row in found}


def test_filters_that_are_no_fields(world: Session) -> None:
    """By the job of a run, by a model that came of it, by what its name holds."""
    failed = Train.objects.filter(job__status="FAILED")
    assert {row.pk for row in rows_of(Train) if row.job_status == "FAILED"} == {row.pk for row in failed}
    assert 1 == len(list(Train.objects.filter(has_model=True)))
    assert ["Run 2"] == [row.name for row in Train.objects.filter(search="run 2")]
    assert {row.pk for row in Export.objects.filter(project=1)} == {row.pk for row in rows_of(Export)}


def test_moments_are_bounds(world: Session) -> None:
    """Both are inclusive."""
    first, *_, last = sorted(row.created for row in rows_of(Upload))
    between = Upload.objects.filter(created__gte=first, created__lte=last - timedelta(microseconds=1))

    assert len(rows_of(Upload)) - 1 == len(list(between))


def test_runs_are_in_the_order_that_is_asked_for(world: Session) -> None:
    """By their moment, either way."""
    keys = [row.pk for row in Train.objects.order_by("created")]

    assert keys[::-1] == [row.pk for row in Train.objects.order_by("-created")] != keys


def test_an_experiment_is_made_changed_and_deleted(world: Session) -> None:
    """Its training runs go with it."""
    made = Experiment.objects.create(name="Night", task_type=3, access_level="public")
    made.description = "in the dark"
    made.save()
    again = Experiment.objects.get(made.pk)

    assert (3, "public", "in the dark", []) == (
        again.task_type, again.access_level, again.description, list(again.trains),
    )  # fmt: skip
    made.delete()
    with pytest.raises(Experiment.DoesNotExist):
        again.refresh()


def test_a_review_says_something_of_an_assignment(world: Session) -> None:
    """Its reviewer is whoever makes it; tags are those of its project."""
    tag = Project.objects.get(1).review_tags.create(name="dim", background_color="#000000")
    review = Assignment.objects.get(1).reviews.create(description="too dark", tags=[tag.pk])
    review.description = "far too dark"
    review.save()

    assert (world.me.id, [tag.pk]) == (review.user, review.tags)
    assert "far too dark" == next(each for each in Assignment.ref(1).reviews if each == review).description
    tag.name = "dark"
    tag.save()
    assert "dark" == ReviewTag.objects.get(tag.pk).name
    tag.delete()


def test_a_group_is_made_and_deleted(world: Session) -> None:
    """Below its collection, by its name or its key."""
    groups = DataCollection.objects.get(1).groups
    made = groups.create(name="night")

    assert made == groups.get(made.pk) == groups.get(name="night")
    made.delete()
    assert [] == [group for group in groups if group.name == "night"]


def test_an_asynchronous_job_is_waited_for(world: Session) -> None:
    """An export without a plugin is one."""
    done = Project.ref(1).export_to(1, "out/").wait(timeout=30)
    assert ("COMPLETED", 100.0) == (done.status, done.percent)
    with pytest.raises(ConflictError):
        done.cancel()


def test_its_progress_is_followed_to_the_end(world: Session) -> None:
    """Each step is told as it is made, and the object is as the work has ended."""
    job = Project.ref(1).export_to(1, "out/", targets=["task", "assignment"])

    steps = [told.get("percent", 0) for told in job.follow()]

    assert steps == sorted(steps)
    assert (100, "COMPLETED") == (steps[-1], job.status)


def test_nobody_follows_what_there_is_not(world: Session) -> None:
    """It has no stream."""
    with pytest.raises(AsyncJob.DoesNotExist):
        list(AsyncJob.ref("00000000-0000-0000-0000-00000000dead").follow())


def test_one_is_cancelled(world: Session) -> None:
    """It is counted, found by its status here, and cancelled."""
    with assert_requests(1):
        assert AsyncJob.objects.count() >= 4
    goes_on = next(job for job in AsyncJob.objects.all() if not job.has_ended)

    assert "CANCELLED" == goes_on.cancel().status
