"""Coroutines against the sandbox: everything as without them, and whatever is cancelled leaves no doubt."""

from __future__ import annotations

import asyncio
import random
import threading
import time

import pytest

from synapse import (
    BulkError,
    DataCollection,
    Plugin,
    Project,
    Retry,
    Session,
    SynapseError,
    Task,
    TaskTag,
    WriteUnconfirmedError,
)
from synapse.sandbox import Sandbox
from tests.contract.factory import Factory

SEEDS = [*range(5), *(pytest.param(seed, marks=pytest.mark.full) for seed in range(5, 60))]
CALLS = 100


@pytest.fixture
def make(tables):
    """Make rows in the workspace of the tests."""
    return Factory(tables, tables.Tenant.objects.get(code="contract"))


def settled() -> list[str]:
    """The threads of calls that are left once those that end have ended."""
    until = time.monotonic() + 5
    while (left := [each.name for each in threading.enumerate() if each.name == "synapse-async"]) and (
        time.monotonic() < until
    ):
        time.sleep(0.005)
    return left


class TestCalls:
    def test_write_read_and_delete(self, session, make):
        """A row from its creation to its end."""
        project = make.project()

        async def main():
            tag = await TaskTag.objects.acreate(project_id=project.pk, name="async")
            tag.name = "renamed"
            await tag.asave()
            again, created = await TaskTag.objects.aget_or_create(project=project.pk, name="renamed")
            await again.adelete()
            return again == tag, created, await TaskTag.objects.filter(project=project.pk).aexists()

        assert (True, False, False) == asyncio.run(main())

    def test_files_go_up_and_come_down(self, session, make, tmp_path):
        """Of a collection, and of a row."""
        collection = make.collection()
        (tmp_path / "a.png").write_bytes(b"a picture")

        async def main():
            owner = await DataCollection.objects.aget(collection.pk)
            report = await owner.aupload([{"files": {"image_1": tmp_path / "a.png"}}], check_content=False)
            unit = report.created[0].unit
            return await (await unit.arefresh()).files["image_1"].aread()

        assert b"a picture" == asyncio.run(main())

    def test_sets_are_looped_over(self, session, make):
        """In order, page after page, and again from a checkpoint."""
        tasks = make.tasks(25)

        async def main():
            project = await Project.objects.aget(tasks[0].project_id)
            rows = project.tasks.aiterator(page_size=10)
            first = [(await anext(rows)).pk for _ in range(7)]
            await rows.aclose()
            return first + [each.pk async for each in project.tasks.aresume(rows.checkpoint, page_size=10)]

        assert [each.pk for each in tasks] == asyncio.run(main())

    def test_tasks_share_an_iterator(self, session, make):
        """Each row goes to one of them, and none of them waits in the loop."""
        tasks = make.tasks(11)

        async def main():
            rows = Task.objects.filter(project=tasks[0].project_id).aiterator(page_size=1, workers=2)

            async def taken():
                return [each.pk async for each in rows]

            return sorted(sum(await asyncio.gather(*(taken() for _ in range(5))), []))

        assert [each.pk for each in tasks] == asyncio.run(main())

    def test_many_share_the_connections(self, session, make):
        """A hundred calls at once are no more requests at once than the session has workers."""
        running, most = set(), []
        delivery = session._delivery()
        exchange = delivery.transport.exchange

        def watched(attempt, **how):
            running.add(threading.get_ident())
            most.append(len(running))
            try:
                return exchange(attempt, **how)
            finally:
                running.discard(threading.get_ident())

        delivery.transport.exchange = watched

        async def main():
            return await asyncio.gather(
                *(Task.objects.filter(project=key).acount() for key in range(1, CALLS + 1))
            )

        assert (CALLS, True, []) == (len(asyncio.run(main())), max(most) <= session.workers, settled())


class TestJobs:
    @pytest.fixture
    def release(self, session, make):
        """A release of a plugin that can run."""
        return make.release()

    def test_are_run_followed_and_waited_for(self, release):
        """From the run to its end."""

        async def main():
            job = await Plugin.ref(release.plugin_id).arun(action="go", params={"seconds": 0.2, "steps": 3})
            lines = [line async for line in job.atail()]
            return len(lines) > 2, str((await job.adone(timeout=20)).status)

        assert (True, "SUCCEEDED") == asyncio.run(main())

    def test_whoever_follows_may_leave(self, release):
        """The stream is cut, and no thread waits for the next line."""

        async def main():
            job = await Plugin.ref(release.plugin_id).arun(action="go", params={"seconds": 60, "steps": 2})
            async with asyncio.timeout(0.3):
                async for _ in job.atail():
                    pass

        with pytest.raises(TimeoutError):
            asyncio.run(main())
        assert [] == settled()

    def test_whoever_waits_may_leave(self, release):
        """The job goes on."""

        async def main():
            job = await Plugin.ref(release.plugin_id).arun(action="go", params={"seconds": 60})
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.1):
                    await job.adone()
            return (await job.astop()).has_ended

        assert (True, []) == (asyncio.run(main()), settled())


class TestCancelled:
    @pytest.mark.parametrize("seed", SEEDS)
    def test_writes_tell_what_became_of_them(self, session, make, seed):
        """At a random moment: the rows that are there are those that were told, or that may have been made."""
        project, moment = make.project(), random.Random(seed)
        names = [f"tag {number}" for number in range(8)]

        async def created(name, made, unclear):
            try:
                made.append((await TaskTag.objects.acreate(project_id=project.pk, name=name)).name)
            except asyncio.CancelledError as error:
                unclear.append((name, error.__cause__))
                raise

        async def main():
            made, unclear = [], []
            running = [asyncio.create_task(created(name, made, unclear)) for name in names]
            await asyncio.sleep(moment.uniform(0, 0.08))
            for each in running:
                each.cancel()
            await asyncio.gather(*running, return_exceptions=True)
            return made, unclear

        made, unclear = asyncio.run(main())
        there = {tag.name for tag in TaskTag.objects.filter(project=project.pk)}
        assert set(made) <= there <= set(made) | {name for name, _ in unclear}
        assert [] == [cause for _, cause in unclear if not isinstance(cause, WriteUnconfirmedError | None)]
        # Whoever was cancelled was waited for: nothing is written behind our back.
        assert there == {tag.name for tag in TaskTag.objects.filter(project=project.pk)}

    @pytest.mark.parametrize("seed", SEEDS)
    def test_reads_leave_the_session_usable(self, session, make, seed):
        """A loop that is cancelled at a random moment has ended, and its checkpoint leads to all the rest."""
        tasks, moment, given = make.tasks(30), random.Random(seed), []

        async def main():
            rows = Task.objects.filter(project=tasks[0].project_id).aiterator(page_size=5, workers=3)

            async def loop():
                async for each in rows:
                    given.append(each.pk)
                    await asyncio.sleep(moment.uniform(0, 0.003))

            with pytest.raises(TimeoutError):
                async with asyncio.timeout(moment.uniform(0, 0.06)):
                    await loop()
                    await asyncio.sleep(1)
            query = Task.objects.filter(project=tasks[0].project_id)
            return [each.pk async for each in query.aresume(rows.checkpoint)]

        rest = asyncio.run(main())
        assert [each.pk for each in tasks] == given + rest
        assert [] == settled()

    def test_bulk_writes_say_how_far_they_came(self, session, make):
        """The cause is the error that a broken run has, with what is done and what was not tried."""
        tasks = make.tasks(40)

        async def main():
            with session.trace() as calls:
                query = Task.objects.filter(project=tasks[0].project_id)
                running = asyncio.create_task(query.aupdate(meta={"n": 1}))
                while not any(call.method == "PATCH" for call in calls):
                    await asyncio.sleep(0.002)
                running.cancel()
                with pytest.raises(asyncio.CancelledError) as caught:
                    await running
                return caught.value.__cause__

        cause = asyncio.run(main())
        changed = sum(each.meta == {"n": 1} for each in Task.objects.filter(project=tasks[0].project_id))
        assert isinstance(cause, BulkError | None) and (cause is None or len(cause.succeeded) <= changed)


def test_a_backend_that_is_gone_is_the_same_error(box: Sandbox) -> None:
    """Errors of the transport pass the bridge as they are."""
    with (
        Session("http://127.0.0.1:9", api_token="t", retry=Retry(total=0)) as session,
        pytest.raises(SynapseError, match="refused"),
    ):
        asyncio.run(session.tasks.acount())
