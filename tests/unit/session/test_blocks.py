"""Blocks `with session:` in generators, whose callers must not be redirected, and those that are entered on purpose."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import gc
import timeit
import weakref

from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from synapse.errors import QueryError
from synapse.session import Session, current, current_if_any, set_default

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
