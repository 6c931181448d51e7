"""Twins: what is called, what is refused in coroutines, and what is not."""

from __future__ import annotations

import asyncio
import inspect

import pytest

from synapse import FetchMode, Session, SynchronousOnlyError, Task
from synapse.asynchronous import AsyncRows
from synapse.testing import canned, page
from tests.servers import Server, reply
from tests.unit.orm.rows import project, task, unit

TASKS = "GET sdk/tasks/"


@pytest.fixture
def session():
    """Two tasks, which have the same project."""
    replies = {
        TASKS: page(task(1), task(2)),
        "GET tasks/1/": task(1),
        "GET projects/1/": project(1),
        "GET sdk/projects/": page(project(1)),
        "GET sdk/data_units/": page(unit(1)),
    }
    with canned(replies) as session:
        yield session


def in_coroutine(call):
    """Call something in a coroutine, and return what it gives."""

    async def main():
        return call()

    return asyncio.run(main())


class TestTwins:
    def test_give_what_the_method_gives(self, session):
        """Awaited, with the same arguments."""
        assert Task.ref(1) == asyncio.run(Task.objects.aget(1))

    def test_are_coroutine_functions(self):
        """Tools that ask, such as web frameworks, are told so."""
        assert inspect.iscoroutinefunction(Task.objects.aget)

    def test_raise_what_the_method_raises(self, session):
        """Nothing is sent for an argument that is refused."""
        with pytest.raises(Exception, match="got None for a key"):
            asyncio.run(Task.objects.aget(None))
        assert [] == session.requests

    def test_call_what_a_subclass_has_instead(self, session):
        """Whoever overrides `refresh()` has overridden `arefresh()`."""

        class Mine(Task):
            def refresh(self):
                return "mine"

        assert "mine" == asyncio.run(Mine.ref(1).arefresh())

    def test_loops_give_the_rows_and_keep_them(self, session):
        """The second loop over the same query asks for nothing."""

        async def main():
            query = Task.objects.all()
            return [each.pk async for each in query] + [each.pk async for each in query]

        assert [1, 2, 1, 2] == asyncio.run(main())
        assert 1 == len(session.requests)

    def test_loops_over_values_load_what_they_name(self, session):
        """A field of a related object is read in the worker, too."""

        async def main():
            return [each async for each in Task.objects.values_list("id", "project__title")]

        assert [(1, project(1)["title"]), (2, project(1)["title"])] == asyncio.run(main())

    def test_properties_have_one_as_well(self):
        """`session.me` is asked for once, by whoever asks first."""
        me = reply(data={"id": 3, "name": "Ada", "email": "ada@example.com"})
        with Server(me) as server, Session(server.origin, api_token="t") as session:
            with pytest.raises(SynchronousOnlyError, match=r"await session\.ame\(\)"):
                in_coroutine(lambda: session.me)
            assert asyncio.run(session.ame()) is in_coroutine(lambda: session.me)

    def test_iterators_have_a_checkpoint(self, session):
        """That of the rows that were handed out, not of those that were fetched."""

        async def main():
            rows = Task.objects.aiterator()
            assert isinstance(rows, AsyncRows)
            return (await anext(rows)).pk, rows.checkpoint

        rows = Task.objects.iterator()
        assert (next(rows).pk, rows.checkpoint) == asyncio.run(main())

    def test_iterators_stop_with_their_block(self, session):
        """`async with` closes what it read from."""

        async def main():
            async with Task.objects.aiterator() as rows:
                await anext(rows)
            return [each async for each in rows]

        assert [] == asyncio.run(main())


REFUSED = {
    "a method": (lambda row: Task.objects.get(1), r"get\(\) would block .*`await aget\(\.\.\.\)`"),
    "a stream": (lambda row: Task.objects.iterator(), r"async for … in aiterator"),
    "a verb": (lambda row: row.refresh(), "await arefresh"),
    "a relation": (lambda row: row.project, r"select_related\('project'\).*prefetch_related.*aget"),
    "a field": (lambda row: Task.ref(1).meta, r"await arefresh\(\)"),
    "a loop": (lambda row: list(Task.objects.all()), "async for row in query"),
    "a length": (lambda row: len(Task.objects.all()), "async for row in query"),
    "a set": (lambda row: list(row.assignments), "async for row in query"),
    "values": (lambda row: list(Task.objects.values("id")), "async for row in query"),
}


class TestCoroutines:
    @pytest.mark.parametrize("what", REFUSED)
    def test_must_not_wait(self, session, what):
        """What would keep the loop waiting is refused, with what to write instead, before anything is sent."""
        call, said = REFUSED[what]
        row = Task.objects.first()
        session.requests.clear()

        with pytest.raises(SynchronousOnlyError, match=said) as caught:
            in_coroutine(lambda: call(row))

        assert ("blocks-event-loop", []) == (caught.value.code, session.requests)

    def test_may_use_what_is_here(self, session):
        """Rows that were fetched, relations that were loaded."""

        async def main():
            query = Task.objects.prefetch_related("project")
            rows = [each async for each in query]
            return len(query), query[0].project.title, rows[0].pk

        assert (2, project(1)["title"], 1) == asyncio.run(main())

    def test_may_do_as_they_like(self, session, monkeypatch):
        """`SYNAPSE_ALLOW_ASYNC_UNSAFE` turns the check off, as its like does in Django."""
        monkeypatch.setenv("SYNAPSE_ALLOW_ASYNC_UNSAFE", "1")

        assert 2 == in_coroutine(lambda: len(Task.objects.all()))

    def test_are_told_before_the_mode_of_fetching(self, session):
        """`FetchMode.RAISE` says so in its own words."""
        row = Task.objects.fetch_mode(FetchMode.RAISE).first()

        with pytest.raises(Exception, match="fetch_mode is RAISE"):
            in_coroutine(lambda: row.project)

    @pytest.mark.parametrize("name", ["<module>", "<cell line: 1>"])
    def test_top_level_code_is_none(self, session, name):
        """A cell of a notebook runs inside of a coroutine, and with an `await` in it is one."""
        source = "async def cell(): return len(Task.objects.all())"
        scope = {"Task": Task}
        exec(source, scope)
        cell = scope["cell"]
        cell.__code__ = cell.__code__.replace(co_name=name)

        assert 2 == asyncio.run(cell())

    def test_those_of_ipython_are_none(self, session):
        """Its displays and callbacks, as those of widgets, are called by coroutines of its own."""
        scope = {"Task": Task, "__name__": "ipykernel.kernelbase"}
        exec("async def dispatch(): return len(Task.objects.all())", scope)

        assert 2 == asyncio.run(scope["dispatch"]())

    def test_callbacks_of_the_loop_are_none(self, session):
        """They are no coroutine that could await anything."""

        async def main():
            done = asyncio.get_running_loop().create_future()
            asyncio.get_running_loop().call_soon(lambda: done.set_result(len(Task.objects.all())))
            return await done

        assert 2 == asyncio.run(main())
