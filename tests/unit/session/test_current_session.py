"""Which session is meant when none is named, in blocks, generators, threads and tasks."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import threading
import timeit
import weakref

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from synapse.errors import ConfigError, QueryError
from synapse.session import Session, current, current_if_any, set_default, set_factory
from synapse.session.current_session import leave

HOST = "https://api.example.com"


@pytest.fixture
def session() -> Session:
    """Return a session that never sends."""
    return Session(HOST, api_token="t")


class TestCurrent:
    def test_says_what_to_do_without_a_session(self) -> None:
        """With no session and nothing to make one of, the error says what to do."""
        with pytest.raises(ConfigError, match=r"there is no session: use synapse\.connect\(…\).*no host"):
            current()

        assert current_if_any() is None

    def test_makes_a_default_out_of_the_environment(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """The first use makes the default session of the environment, once."""
        monkeypatch.setenv("SYNAPSE_HOST", HOST)
        monkeypatch.setenv("SYNAPSE_API_TOKEN", "t")

        assert HOST == current().host
        assert current() is current()

    def test_makes_the_default_by_the_factory(self, session: Session) -> None:
        """A higher layer says how the default is made."""
        set_factory(lambda: session)

        assert session is current()

    def test_prefers_the_innermost_block(self, session: Session) -> None:
        """Blocks nest, and the end of each restores what was current before."""
        default, outer = Session(HOST, api_token="a"), Session(HOST, api_token="b")
        set_default(default)
        with outer:
            with session:
                assert session is current()
            assert outer is current()

        assert default is current()

    def test_lets_a_session_be_entered_twice(self, session: Session) -> None:
        """A session may be entered again inside its own block, and stays open after it."""
        with session, session:
            pass

        assert (None, False) == (current_if_any(), session.closed)

    def test_is_seen_in_its_own_thread_only(self, session: Session) -> None:
        """Another thread does not see the session of a block."""
        seen: list[Session | None] = []
        with session:
            thread = threading.Thread(target=lambda: seen.append(current_if_any()))
            thread.start()
            thread.join()

        assert [None] == seen

    def test_is_seen_in_its_own_task_only(self, session: Session) -> None:
        """Two tasks that take turns each see their own session."""
        other = Session(HOST, api_token="o")

        async def look(own: Session) -> bool:
            with own:
                await asyncio.sleep(0)
                return current() is own

        async def both() -> list[bool]:
            return await asyncio.gather(look(session), look(other))

        assert [True, True] == asyncio.run(both())

    def test_forgives_leaving_what_was_not_entered(self, session: Session) -> None:
        """Leaving a session that is not current changes nothing."""
        with session:
            leave(Session(HOST, api_token="o"))

            assert session is current()


class TestSetDefault:
    def test_returns_the_session_it_replaces(self, session: Session) -> None:
        """The former default is handed back, so that it can be closed."""
        assert set_default(session) is None
        assert session is set_default(None)


STAGE, PRODUCTION = (
    Session(f"https://{name}.example.com", api_token="t") for name in ("stage", "production")
)


def inside(session: Session, *, rows: int = 3) -> Iterator[Session]:
    """Give the session that is current inside the block of a generator, row by row."""
    with session:
        for _ in range(rows):
            yield current()


def refused(use: Callable[[], Any] = current) -> bool:
    """Whether a use of the current session is refused, naming what to type."""
    try:
        use()
    except QueryError as error:
        return ".using(session)" in str(error) and "Nothing was sent" in str(error)
    return False


@contextlib.contextmanager
def switched(session: Session) -> Iterator[Session]:
    """Enter a session for the body of a block."""
    with session:
        assert current() is session
        yield session


@contextlib.asynccontextmanager
async def switched_slowly(session: Session) -> AsyncIterator[Session]:
    """Enter a session for the body of a block of a coroutine."""
    with session:
        await asyncio.sleep(0)
        yield session


def twice_removed(session: Session) -> Iterator[Session]:
    """Give what another generator gives."""
    yield from inside(session)


def managed(session: Session) -> Iterator[Session]:
    """Give what is current in a block that a context manager enters."""
    with switched(session):
        yield current()
        yield current()


@pytest.fixture(autouse=True)
def no_default() -> Iterator[None]:
    """Leave no default session behind."""
    yield
    set_default(None)


GENERATORS = {"plain": inside, "delegating": twice_removed, "managed": managed}


@pytest.mark.parametrize("make", GENERATORS.values(), ids=GENERATORS)
class TestGenerators:
    def test_side_by_side_are_refused(self, make: Callable[[Session], Iterator[Session]]):
        """The first one's second row would be of the other backend."""
        with pytest.raises(QueryError, match=r"production.*\.using\(session\)"):
            list(zip(make(STAGE), make(PRODUCTION), strict=True))

    def test_one_after_the_other_are_not(self, make: Callable[[Session], Iterator[Session]]):
        """Each is in its own block."""
        assert [STAGE, PRODUCTION] == [next(iter(make(each))) for each in (STAGE, PRODUCTION)]
        assert {STAGE} == set(make(STAGE))

    def test_of_one_session_are_not(self, make: Callable[[Session], Iterator[Session]]):
        """They agree, in whatever order they end."""
        first, second = make(STAGE), make(STAGE)
        found = [next(first), next(second), next(first)]
        first.close()  # type: ignore[attr-defined]

        assert [STAGE] * 4 == [*found, next(second)]

    def test_do_not_redirect_the_block_that_walks_them(self, make: Callable[[Session], Iterator[Session]]):
        """The loop stands in its own block; after it, all is as before."""
        with PRODUCTION:
            assert [True, True] == [refused() for _, _ in zip(make(STAGE), "ab", strict=False)]
            gc.collect()
            assert current() is PRODUCTION

    def test_do_not_redirect_the_default(self, make: Callable[[Session], Iterator[Session]]):
        """A loop without a block means the default session."""
        set_default(PRODUCTION)

        assert [True, True] == [refused() for _, _ in zip(make(STAGE), "ab", strict=False)]
        gc.collect()
        assert current() is PRODUCTION

    def test_do_not_redirect_functions_that_are_called(self, make: Callable[[Session], Iterator[Session]]):
        """However deep below the loop."""

        def deep(calls: int) -> bool:
            return deep(calls - 1) if calls else refused()

        with PRODUCTION:
            assert {True} == {deep(9) for _ in make(STAGE)}

    def test_leave_blocks_within_the_loop_alone(self, make: Callable[[Session], Iterator[Session]]):
        """A loop may enter what it likes, and the generator goes on in its own."""
        found = []
        for each in make(STAGE):
            with PRODUCTION:
                found += [each, current()]

        assert {STAGE, PRODUCTION} == set(found[:2]) == set(found)

    def test_that_are_walked_inside_of_another_block_are_refused(
        self, make: Callable[[Session], Iterator[Session]]
    ):
        """A generator that began in one block goes on while a later one is open."""
        rows = make(STAGE)
        next(rows)
        with PRODUCTION:
            assert refused(lambda: next(rows))


def mapped(session: Session) -> Iterator[list[Session]]:
    """Give what threads find current that a generator has work for it."""
    with session:
        for _ in range(2):
            yield [each.value() for each in session.map(lambda _: current(), range(3))]


def test_threads_of_a_generator_are_in_its_block():
    """And nowhere else: they are refused where the generator is."""
    set_default(PRODUCTION)

    assert [[STAGE] * 3] * 2 == list(mapped(STAGE))
    with pytest.raises(QueryError, match=r"\.using\(session\)"):
        list(zip(mapped(STAGE), mapped(PRODUCTION), strict=True))


class TestOnPurpose:
    def test_context_managers_redirect(self):
        """`@contextmanager`, also inside of a block, and on an `ExitStack`."""
        set_default(PRODUCTION)
        with PRODUCTION, switched(STAGE):
            assert current() is STAGE
        with contextlib.ExitStack() as stack:
            stack.enter_context(switched(STAGE))
            assert current() is STAGE
            stack.enter_context(PRODUCTION)
            assert current() is PRODUCTION
        assert current() is PRODUCTION

    def test_context_managers_nest(self):
        """In any mixture with blocks, and each end restores what was current."""
        with switched(STAGE):
            with PRODUCTION:
                with switched(STAGE):
                    assert current() is STAGE
                assert current() is PRODUCTION
            assert current() is STAGE
        assert current_if_any() is None

    def test_decorators_redirect(self):
        """A context manager as a decorator."""
        assert switched(STAGE)(current)() is STAGE

    @pytest.fixture
    def staged(self) -> Iterator[Session]:
        """A fixture that stands around the test."""
        with STAGE:
            yield STAGE

    def test_fixtures_redirect(self, staged: Session, request: pytest.FixtureRequest):
        """The test runs in the fixture's block, and may have its own."""
        set_default(PRODUCTION)

        assert current() is staged
        with PRODUCTION:
            assert current() is PRODUCTION
            assert [STAGE] * 3 == list(inside(STAGE))
        assert [True] * 3 == [refused() for _ in inside(PRODUCTION)]

    def test_coroutines_redirect(self):
        """Blocks and context managers of tasks that take turns."""
        set_default(PRODUCTION)

        async def look(own: Session) -> bool:
            async with switched_slowly(own):
                await asyncio.sleep(0)
                with STAGE:
                    await asyncio.sleep(0)
                return current() is own

        async def all_of_them() -> list[bool]:
            return await asyncio.gather(*map(look, (STAGE, PRODUCTION, STAGE)))

        assert [True] * 3 == asyncio.run(all_of_them())

    def test_tasks_and_threads_of_a_generator_keep_its_session(self):
        """What a generator has others do while it runs is done in its block."""
        set_default(PRODUCTION)

        async def rows() -> AsyncIterator[list[Session]]:
            with STAGE:
                yield await asyncio.gather(*(asyncio.to_thread(current) for _ in "ab"), ask())

        async def ask() -> Session:
            return current()

        async def walk() -> list[list[Session]]:
            return [row async for row in rows()]

        assert [[STAGE] * 3] == asyncio.run(walk())

    def test_async_generators_do_not_redirect_their_loop(self):
        """`async for` is a loop like any other."""
        set_default(PRODUCTION)

        async def rows() -> AsyncIterator[int]:
            with STAGE:
                yield 1

        async def walk() -> list[bool]:
            return [refused() async for _ in rows()]

        assert [True] == asyncio.run(walk())

    def test_without_another_session_there_is_nothing_to_redirect_from(self):
        """A script that has only the generator's session goes on."""
        assert {STAGE} == {current() for _ in inside(STAGE)}


class TestFrames:
    def test_are_not_kept(self):
        """A generator that is dropped half-way ends at once, with what its caller held."""

        class Held:
            pass

        def begin() -> weakref.ref[Held]:
            held, rows = Held(), inside(STAGE)
            next(rows)
            return weakref.ref(held)

        with PRODUCTION:
            assert begin()() is None
            assert current() is PRODUCTION

    def test_of_other_threads_are_no_ones_business(self):
        """A context that was handed to a thread works there."""
        set_default(PRODUCTION)
        found: list[Session] = []
        for _ in inside(STAGE, rows=1):
            with ThreadPoolExecutor(1) as pool:
                found.append(pool.submit(contextvars.copy_context().run, current).result())

        assert [STAGE] == found

    def test_cost_next_to_nothing(self):
        """A look at the current session stays far below the time of any request."""

        def deep(calls: int) -> float:
            return deep(calls - 1) if calls else timeit.timeit(current, number=100) / 100

        with STAGE:
            assert deep(50) < 0.001
        for _ in managed(STAGE):
            assert deep(50) < 0.001
