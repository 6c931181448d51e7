"""Every plan of reading against a real backend: the same rows, in order, once."""

from __future__ import annotations

import multiprocessing
import pickle

from typing import Any

import pytest

from synapse import Assignment, DataCollection, GroundTruthEvent, Project, QueryError, Session, Task
from synapse.orm import PlanName
from synapse.sandbox import Sandbox
from synapse.testing import assert_requests
from tests.amounts import either
from tests.contract.conftest import connected
from tests.contract.factory import Factory

PLANS: tuple[PlanName, ...] = ("ranges", "pages", "cursor")
LEFT = either(600, 180)


@pytest.fixture(scope="module")
def many(box: Sandbox, tables: Any) -> Any:
    """A project of 600 tasks, or of 180 in a quick run; every third one was deleted since."""
    made = Factory(tables, tables.Tenant.objects.get(code="contract")).tasks(LEFT * 3 // 2)
    tables.Task.objects.filter(pk__in=[task.pk for task in made[::3]]).delete()
    return made[0].project


def keys_of(tables: Any, project: Any, *order: str) -> list[int]:
    """What the database holds, in its own order."""
    return list(tables.Task.objects.filter(project=project).order_by(*order).values_list("pk", flat=True))


class TestPlans:
    @pytest.mark.parametrize("plan", PLANS)
    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_give_the_same_rows(self, plan, order, session: Session, many: Any, tables: Any):
        """By ranges, page numbers or cursor: it is the same list."""
        query = Task.objects.filter(project=many.pk).order_by(order)

        found = [task.id for task in query.iterator(plan=plan, page_size=20)]

        assert keys_of(tables, many, order) == found

    def test_of_other_orders_go_by_page(self, session: Session, many: Any, tables: Any):
        """Side by side as well, in the backend's order."""
        query = Task.objects.filter(project=many.pk).order_by("-created")

        assert keys_of(tables, many, "-created", "-id") == [task.id for task in query.iterator(page_size=20)]

    def test_of_events_may_be_by_cursor(self, session: Session):
        """The history of ground truths has cursors as well."""
        by_page = [event.pk for event in GroundTruthEvent.objects.all()]

        assert by_page == [
            event.pk for event in GroundTruthEvent.objects.iterator(plan="cursor", page_size=2)
        ]

    def test_make_few_requests(self, session: Session, many: Any):
        """A long read asks for more at once while that goes fast."""
        with session.trace() as calls:
            assert LEFT == sum(1 for _ in Task.objects.filter(project=many.pk))

        assert len(calls) <= 9

    @pytest.mark.parametrize("plan", PLANS)
    def test_show_the_requests_that_they_begin_with(self, plan, session: Session, many: Any):
        """`explain(plan=...)` names the first request to the letter."""
        query = Task.objects.filter(project=many.pk)

        with session.trace() as calls:
            next(query.iterator(plan=plan))

        assert str(query.explain(plan=plan)).splitlines()[0] == f"v1: {calls[0].method} {calls[0].url}"


class TestCheckpoints:
    @pytest.mark.parametrize("plan", PLANS)
    def test_lead_on_in_another_session(self, plan, box: Sandbox, session: Session, many: Any, tables: Any):
        """A reading that was broken off goes on elsewhere, no row missing or twice."""
        rows = Task.objects.filter(project=many.pk).iterator(plan=plan, page_size=20)
        first = [next(rows).id for _ in range(either(137, 57))]
        rows.close()

        with connected(box, "contract", page_size=33) as other:
            rest = [task.id for task in other.tasks.filter(project=many.pk).resume(rows.checkpoint)]

        assert keys_of(tables, many, "pk") == first + rest

    def test_belong_to_one_backend(self, box: Sandbox, session: Session, many: Any):
        """The same query at another address is another one."""
        checkpoint = Task.objects.filter(project=many.pk).iterator().checkpoint
        elsewhere = Session(box.url.replace("127.0.0.1", "localhost"), api_token="none")

        with assert_requests(0, session=elsewhere), pytest.raises(QueryError, match="another backend"):
            elsewhere.tasks.filter(project=many.pk).resume(checkpoint)
        elsewhere.close()

    @pytest.mark.parametrize("plan", PLANS)
    def test_survive_rows_that_come_and_go(self, plan, session: Session, make: Factory, tables: Any):
        """What was deleted is not missed, and what was handed out is not given again."""
        made = make.tasks(60)
        query = Task.objects.filter(project=made[0].project_id)
        rows = query.iterator(plan=plan, page_size=10)
        first = [next(rows).id for _ in range(25)]

        tables.Task.objects.filter(pk__in=[task.pk for task in made[5:30]]).delete()
        added = make.tasks(3, project=made[0].project)
        rest = [task.id for task in query.resume(rows.checkpoint, page_size=10)]

        assert [task.pk for task in made[:25]] == first
        assert [task.pk for task in (*made[30:], *added)] == rest


class TestLoopsThatEdit:
    def test_by_key_see_every_row(self, session: Session, make: Factory):
        """Tasks that leave the result as the loop edits them push no others away, read ahead or not."""
        project = make.tasks(47)[0].project_id
        query = Task.objects.filter(project=project, is_discarded=False)

        for task in query.iterator(page_size=5):
            task.is_discarded = True
            task.save()

        assert (0, 47) == (query.count(), Task.objects.filter(project=project).count())

    @pytest.mark.parametrize("size", [4, 100])
    @pytest.mark.parametrize("workers", [1, 8])
    def test_by_number_see_every_row(self, size, workers, session: Session, make: Factory, tables: Any):
        """So do collections, which have page numbers only: their loop goes back for those that moved."""
        made = {make.collection(category="pcd").pk for _ in range(23)}
        query = DataCollection.objects.filter(category="pcd")

        seen = []
        for collection in query.iterator(page_size=size, workers=workers):
            seen.append(collection.id)
            collection.category = "text"
            collection.save()

        assert (made, 23, 0) == (set(seen), len(seen), query.count())


def read_shard(url: str, token: str, data: bytes) -> list[int]:
    """Read what a worker was given, in a process of its own."""
    with Session(url, api_token=token):
        return [task.id for task in pickle.loads(data)]


class TestShards:
    @pytest.mark.parametrize("number", [1, 3, 8])
    def test_hold_the_rows_together(self, number, session: Session, many: Any, tables: Any):
        """Each row is in one of them, in order."""
        shards = Task.objects.filter(project=many.pk).shards(number)

        assert number == len(shards)
        assert keys_of(tables, many, "pk") == [task.id for shard in shards for task in shard]

    def test_are_about_as_large(self, session: Session, many: Any):
        """No worker has much more to do than the others."""
        sizes = [shard.count() for shard in Task.objects.filter(project=many.pk).shards(4)]

        assert max(sizes) <= 1.5 * LEFT / 4

    def test_are_read_by_processes(self, box: Sandbox, session: Session, many: Any, tables: Any):
        """They travel without a token, which each worker has of its own."""
        token = box.tenants["contract"].api_token
        pickled = [pickle.dumps(shard) for shard in Task.objects.filter(project=many.pk).shards(2)]

        with multiprocessing.get_context("spawn").Pool(2) as pool:
            parts = pool.starmap(read_shard, [(box.url, token, data) for data in pickled])

        assert keys_of(tables, many, "pk") == [key for part in parts for key in part]
        assert not any(token.encode() in data for data in pickled)

    def test_of_other_entities_are_pages(self, session: Session, make: Factory):
        """Projects are dealt out by places."""
        for _ in range(7):
            make.project(category="prompt")
        query = Project.objects.filter(category="prompt")

        shards = query.shards(3)

        assert [project.id for project in query] == [project.id for shard in shards for project in shard]

    def test_of_assignments_are_ranges(self, session: Session, make: Factory):
        """What has keys that compare is cut by them."""
        made = make.assignments(make.tasks(30))
        query = Assignment.objects.filter(project=made[0].task.project_id)

        shards = query.shards(3)

        assert [row.pk for row in made] == [row.id for shard in shards for row in shard]
        assert all("id__" in shard.explain().requests[0].target for shard in shards)
