"""The bridge: worker threads, what they inherit, and what becomes of a call that is cancelled."""

from __future__ import annotations

import asyncio
import threading
import time

from contextvars import ContextVar

import pytest

from synapse import QueryError, Session, SynchronousOnlyError, Task, TaskTag, WriteUnconfirmedError
from synapse.asynchronous.bridge import MOST_THREADS, in_worker
from synapse.session import Retry, current
from synapse.testing import canned
from tests.servers import Server, reply, reset
from tests.unit.orm.rows import task

NAMED: ContextVar[str] = ContextVar("named", default="")


def tag_row(key: int) -> dict[str, object]:
    """A tag as the backend gives it."""
    return {"id": key, "project": 1, "name": "a", "category": "project", "description": "", "meta": {}}


def working() -> list[str]:
    """The threads of calls that are under way."""
    return [each.name for each in threading.enumerate() if each.name.startswith("synapse")]


def settled() -> list[str]:
    """The threads that are left once those that end have ended."""
    until = time.monotonic() + 2
    while working() and time.monotonic() < until:
        time.sleep(0.005)
    return working()


def opened(server: Server, *, read: float = 20) -> Session:
    """A session that gives up at once."""
    return Session(
        server.origin,
        api_token="t",
        retry=Retry(total=0),
        timeout={"connect": 5, "read": read},
        state_dir=False,
    )


async def begun(server: Server, call, *, after: int = 1) -> asyncio.Task:
    """Begin a call, and return its task once the server has so many requests."""
    running = asyncio.create_task(call)
    while len(server.received) < after:
        await asyncio.sleep(0.005)
    return running


async def cancelled(running: asyncio.Task) -> asyncio.CancelledError:
    """Cancel a task, and return the error that it ended with."""
    running.cancel()
    with pytest.raises(asyncio.CancelledError) as caught:
        await running
    return caught.value


class TestThreads:
    def test_leave_the_loop_alone(self):
        """A call runs elsewhere, and what it returns comes back."""
        here = threading.get_ident()

        assert here != asyncio.run(in_worker(threading.get_ident))

    def test_inherit_variables_and_the_session(self):
        """As a task does that is made here."""

        async def main():
            NAMED.set("here")
            with canned({}) as session:
                return await in_worker(NAMED.get), await in_worker(current) is session

        assert ("here", True) == asyncio.run(main())

    def test_do_not_hand_a_generators_session_on(self):
        """Who is not in the block that a waiting generator opened is told so, as without the bridge."""

        def held():
            with canned({}):
                yield

        async def main():
            with canned({}):
                waiting = held()
                next(waiting)
                with pytest.raises(QueryError, match="a generator waits"):
                    await in_worker(current)
                waiting.close()

        asyncio.run(main())

    def test_are_bounded(self):
        """A thousand calls at once take no thousand threads."""
        seen = []

        async def main():
            calls = (in_worker(lambda: (seen.append(len(working())), time.sleep(0.001))) for _ in range(300))
            await asyncio.gather(*calls)

        asyncio.run(main())
        assert (300, True) == (len(seen), max(seen) <= MOST_THREADS)

    def test_those_that_wait_do_not_count(self):
        """However many jobs are waited for, what ends them gets a thread."""
        go = threading.Event()

        async def main():
            waits = [asyncio.create_task(in_worker(go.wait, waits=True)) for _ in range(2 * MOST_THREADS)]
            await asyncio.sleep(0)
            await in_worker(go.set)
            return await asyncio.gather(*waits)

        assert 2 * MOST_THREADS == sum(asyncio.run(main()))

    def test_none_is_left(self):
        """They end with what they do."""
        asyncio.run(in_worker(threading.get_ident))

        assert [] == settled()

    def test_errors_keep_their_traceback(self):
        """It leads into the code that raised."""

        def fail():
            raise KeyError("here")

        with pytest.raises(KeyError) as caught:
            asyncio.run(in_worker(fail))
        assert "fail" == caught.traceback[-1].name


class TestCancelledReads:
    def test_end_at_once(self):
        """The answer is not waited for, no thread is left, and the session goes on."""

        async def main(server, session):
            running = await begun(server, Task.objects.using(session).aget(1))
            server.script[:] = [reply(data=task(1))]
            error = await cancelled(running)
            return error.__cause__, settled(), (await Task.objects.using(session).aget(1)).pk

        with Server() as server, opened(server) as session:
            server.script[:] = [server.stall()]
            assert (None, [], 1) == asyncio.run(main(server, session))

    def test_time_out(self):
        """`asyncio.timeout()` is a cancellation."""

        async def main(session):
            async with asyncio.timeout(0.05):
                await Task.objects.using(session).acount()

        with Server() as server, opened(server) as session:
            server.script[:] = [server.stall()]
            with pytest.raises(TimeoutError):
                asyncio.run(main(session))
            assert [] == settled()

    def test_are_not_tried_again(self):
        """A call that nobody awaits sends nothing more."""

        async def main(server, session):
            running = await begun(server, Task.objects.using(session).acount())
            await cancelled(running)
            return settled()

        with Server(reply(503)) as server:
            session = Session(server.origin, api_token="t", retry=Retry(total=9, backoff=5), state_dir=False)
            with session:
                assert [] == asyncio.run(main(server, session))
            assert 1 == len(server.received)


class TestCancelledWrites:
    def test_are_waited_for(self):
        """One whose answer comes is done when the `CancelledError` is raised."""
        arrived = threading.Event()

        def late(connection, _):
            arrived.wait(10)
            connection.sendall(reply(201, {"id": 7, "project": 1, "name": "a", "category": "project"}))

        async def main(server, session):
            tag = TaskTag(project_id=1, name="a")
            tag._state.session = session
            running = await begun(server, tag.asave())
            asyncio.get_running_loop().call_later(0.05, arrived.set)
            return (await cancelled(running)).__cause__, tag.pk

        with Server(late) as server, opened(server) as session:
            assert (None, 7) == asyncio.run(main(server, session))

    def test_without_an_answer_are_the_cause(self):
        """It may have happened: the error asks, as without the bridge."""

        async def main(server, session):
            with session:
                running = await begun(server, TaskTag.objects.acreate(project_id=1, name="a"))
                return (await cancelled(running)).__cause__

        with Server() as server, opened(server, read=0.3) as session:
            server.script[:] = [server.stall()]
            cause = asyncio.run(main(server, session))
            assert (True, True) == (type(cause) is WriteUnconfirmedError, cause.unconfirmed)
            assert [] == settled()

    def test_are_not_waited_for_twice(self):
        """Who cancels again wants to go now; the outcome is unknown."""

        async def main(server, session):
            with session:
                running = await begun(server, TaskTag.objects.acreate(project_id=1, name="a"))
                running.cancel()
                await asyncio.sleep(0.05)
                return (await cancelled(running)).__cause__

        with Server() as server, opened(server) as session:
            server.script[:] = [server.stall()]
            assert WriteUnconfirmedError is type(asyncio.run(main(server, session)))
            assert [] == settled()

    def test_that_have_not_begun_never_do(self):
        """A call that waits for a thread is dropped."""
        go, done = threading.Event(), []

        async def main():
            busy = [asyncio.create_task(in_worker(go.wait)) for _ in range(MOST_THREADS)]
            late = asyncio.create_task(in_worker(lambda: done.append(1)))
            await asyncio.sleep(0)
            await cancelled(late)
            go.set()
            await asyncio.gather(*busy)

        asyncio.run(main())
        assert ([], []) == (done, settled())

    def test_are_asked_about_in_coroutines(self):
        """`error.aresolve()` is `resolve()`, which would keep the loop waiting."""
        listed = reply(data={"count": 1, "next": None, "results": [tag_row(7)]})

        async def main(server, session):
            with session:
                with pytest.raises(WriteUnconfirmedError) as caught:
                    await TaskTag.objects.acreate(project_id=1, name="a")
                server.script[:] = [listed]
                with pytest.raises(SynchronousOnlyError, match="await aresolve"):
                    caught.value.resolve()
                return await caught.value.aresolve()

        with Server(reset) as server, opened(server) as session:
            found = asyncio.run(main(server, session))
            assert [7] == [each.pk for each in found.rows]
