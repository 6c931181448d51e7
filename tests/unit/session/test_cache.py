"""Rows that relations have fetched."""

from __future__ import annotations

import sys
import threading
import time

from collections.abc import Callable
from functools import partial
from itertools import count
from types import FrameType
from typing import Any

import cachetools
import pytest

from synapse.errors import NotFoundError
from synapse.session import RelationCache
from synapse.session import cache as cache_module
from synapse.session.throttle import StoppedError
from tests.unit.moments import interrupted


class TestRelationCache:
    def test_gives_back_what_it_holds(self) -> None:
        """A row is found by resource and key, whether the key is a number or its text."""
        cache = RelationCache()
        cache.put("projects", 7, row={"id": 7})

        assert {"id": 7} == cache.get("projects", "7")
        assert cache.get("tasks", 7) is None

    def test_forgets_one_row(self) -> None:
        """A dropped row is gone, its neighbours stay; dropping what is not held does nothing."""
        cache = RelationCache()
        cache.put("projects", 7, row={"id": 7})
        cache.put("projects", 8, row={"id": 8})
        cache.drop("projects", 7)
        cache.drop("projects", 9)

        assert (None, {"id": 8}) == (cache.get("projects", 7), cache.get("projects", 8))

    def test_forgets_a_whole_resource(self) -> None:
        """All rows of a resource go at once, and later ones are held again."""
        cache = RelationCache()
        cache.put("projects", 7, row={"id": 7})
        cache.put("tasks", 7, row={"id": 7})
        cache.drop_all("projects")
        cache.put("projects", 8, row={"id": 8})

        assert (None, 2) == (cache.get("projects", 7), len(cache))

    def test_forgets_everything(self) -> None:
        """Cleared, the cache is empty."""
        cache = RelationCache()
        cache.put("projects", 7, row={"id": 7})
        cache.clear()

        assert 0 == len(cache)

    def test_forgets_with_time(self) -> None:
        """A row is dropped when its time is over."""
        cache = RelationCache(0.01)
        cache.put("projects", 7, row={"id": 7})
        time.sleep(0.02)

        assert cache.get("projects", 7) is None

    def test_drops_the_row_that_was_used_longest_ago(self) -> None:
        """A full cache keeps what was asked for lately."""
        cache = RelationCache(size=2)
        cache.put("projects", 1, row={})
        cache.put("projects", 2, row={})
        cache.get("projects", 1)
        cache.put("projects", 3, row={})

        assert (None, {}) == (cache.get("projects", 2), cache.get("projects", 1))

    @pytest.mark.parametrize(
        "write", [lambda cache: cache.drop("tasks", 7), lambda cache: cache.drop_all("tasks")]
    )
    def test_row_that_a_write_overtook_is_not_held(self, write: Callable[[RelationCache], None]) -> None:
        """A row that was asked for before a write may be the old one."""
        cache = RelationCache()
        before, other = cache.ticket("tasks"), cache.ticket("projects")
        write(cache)
        cache.put("tasks", 7, row={"old": True}, ticket=before)
        cache.put("projects", 7, row={}, ticket=other)
        cache.put("tasks", 8, row={}, ticket=cache.ticket("tasks"))

        assert (None, {}, {}) == (cache.get("tasks", 7), cache.get("projects", 7), cache.get("tasks", 8))

    @pytest.mark.parametrize("ttl", [None, 0])
    def test_can_be_switched_off(self, ttl: float | None) -> None:
        """Without a life, nothing is held, and every call still works."""
        cache = RelationCache(ttl)
        cache.put("projects", 7, row={"id": 7})
        cache.drop("projects", 7)
        cache.drop_all("projects")
        cache.clear()

        assert (None, 0) == (cache.get("projects", 7), len(cache))

    def test_serves_many_threads(self) -> None:
        """32 threads may use one cache."""
        cache = RelationCache(size=50)

        def work() -> None:
            for pk in range(200):
                cache.put("projects", pk, row={"id": pk})
                assert cache.get("projects", pk) in (None, {"id": pk})
                cache.drop("projects", pk - 1)

        threads = [threading.Thread(target=work) for _ in range(32)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert len(cache) <= 50

    def test_gives_each_reader_a_row_of_its_own(self) -> None:
        """What one reader does to a row, no other one sees."""
        cache = RelationCache()
        row: dict[str, Any] = {"id": 7, "configuration": {}}
        cache.put("projects", 7, row=row)
        row["configuration"]["a"] = 1
        (cache.get("projects", 7) or {})["configuration"]["b"] = 2

        assert {"id": 7, "configuration": {}} == cache.get("projects", 7)


class Source:
    """Gives rows slowly, and counts how often it was asked."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.begun, self.released = threading.Event(), threading.Event()

    def __call__(self) -> Any:
        self.asked += 1
        self.begun.set()
        self.released.wait(10)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer


def at_once(
    cache: RelationCache, source: Source, count: int, *, then: Callable[[], object] = bool
) -> list[Any]:
    """Let several threads ask for one row while the first of them is under way, and return what each one got."""
    got: list[Any] = []

    def ask() -> None:
        try:
            got.append(cache.once("projects", 7, get=source))
        except BaseException as error:
            got.append(error)

    threads = [threading.Thread(target=ask) for _ in range(count)]
    threads[0].start()
    source.begun.wait(10)
    then()
    for thread in threads[1:]:
        thread.start()
    time.sleep(0.05)
    source.released.set()
    for thread in threads:
        thread.join(10)
    return got


class TestOnce:
    def test_asks_once_for_all(self) -> None:
        """Eight threads want one row: one asks, and each has a row of its own."""
        cache, source = RelationCache(), Source({"id": 7})
        got = at_once(cache, source, 8)
        got[0]["id"] = 8

        assert (1, [{"id": 7}] * 7, {"id": 7}) == (source.asked, got[1:], cache.get("projects", 7))

    def test_shares_an_error(self) -> None:
        """What the one is told, all are told; the next caller asks again."""
        cache, error = RelationCache(), NotFoundError("gone", status_code=404)
        source = Source(error, {"id": 7})

        assert [error] * 4 == at_once(cache, source, 4)
        assert {"id": 7} == cache.once("projects", 7, get=source)

    def test_goes_on_for_the_others_when_one_leaves(self) -> None:
        """A worker that was stopped takes nobody along."""
        source = Source(StoppedError("stopped"), {"id": 7})
        got = at_once(RelationCache(), source, 4)

        assert (2, [{"id": 7}] * 3) == (source.asked, [each for each in got if isinstance(each, dict)])

    def test_asks_again_after_a_write(self) -> None:
        """Who comes after a write does not take what was asked for before it, and that is not kept."""
        cache, source = RelationCache(), Source({"id": 7, "old": True}, {"id": 7})
        at_once(cache, source, 3, then=lambda: cache.drop("projects", 7))

        assert 2 == source.asked
        assert cache.get("projects", 7) in ({"id": 7}, {"id": 7, "old": True})

    def test_asks_each_time_where_nothing_is_kept(self) -> None:
        """Without a cache, each caller has its own answer."""
        source = Source({"id": 7})
        at_once(RelationCache(0), source, 3)

        assert 3 == source.asked

    def test_keeps_nothing_that_is_no_row(self) -> None:
        """An odd answer is given, not held."""
        cache, source = RelationCache(), Source([1])
        source.released.set()

        assert ([1], 0) == (cache.once("projects", 7, get=source), len(cache))


DEEDS: dict[str, Callable[[RelationCache], object]] = {
    "once": lambda cache: cache.once("projects", 7, get=lambda: {"id": 7}),
    "put": lambda cache: cache.put("projects", 3, row={"id": 3}),
    "get": lambda cache: cache.get("projects", 1),
    "drop": lambda cache: cache.drop("projects", 1),
}


class TestInterrupts:
    @pytest.mark.parametrize("deed", DEEDS.values(), ids=list(DEEDS))
    def test_leave_it_as_good_as_before(self, deed: Callable[[RelationCache], object]) -> None:
        """Ctrl-C at any moment within a full cache: the row is asked for again, and others come and go."""
        for at in count(1):
            cache = RelationCache(size=2)
            for pk in (1, 2):
                cache.put("projects", pk, row={"id": pk})
            hit = interrupted(partial(deed, cache), within=cache_module, at=at)
            row = in_time(partial(cache.once, "projects", 7, get=lambda: {"id": 7}))
            for pk in (8, 9):
                cache.put("projects", pk, row={"id": pk})

            assert ({"id": 7}, {"id": 9}, True) == (row, cache.get("projects", 9), len(cache) <= 2)
            if not hit:
                break
        assert at > 3

    def test_within_the_library_leave_a_cache_that_works(self) -> None:
        """Ctrl-C at any of 4,000 lines of cachetools: its linked list is made anew, where it may be broken."""
        cache, hits = RelationCache(size=3), 0
        for at in range(1, 4_001):
            hits += cut_off(partial(steps, cache, at), line=at % 60)
            cache.put("projects", at, row={"id": at})

            assert ({"id": at}, True) == (cache.get("projects", at), len(cache) <= 3)
        assert hits > 3_000

    @pytest.mark.parametrize("interrupt", [KeyboardInterrupt, TimeoutError])
    def test_of_one_leave_the_row_to_another(self, interrupt: type[BaseException]) -> None:
        """Who waits for a row asks for it when the one who was at it is interrupted, by whatever a handler raises."""
        source = Source(interrupt(), {"id": 7})
        got = at_once(RelationCache(), source, 3)

        assert (2, [{"id": 7}] * 2) == (source.asked, [each for each in got if isinstance(each, dict)])

    def test_readers_inside_of_readers_do_not_wait_for_themselves(self) -> None:
        """What listens to the log of a request may read the same row."""
        cache = RelationCache()

        def get() -> Any:
            return cache.once("projects", 7, get=lambda: {"id": 7})

        assert {"id": 7} == in_time(partial(cache.once, "projects", 7, get=get))


def steps(cache: RelationCache, number: int) -> None:
    """Hold, read and drop rows."""
    for pk in range(number, number + 3):
        cache.put("projects", pk % 7, row={"id": pk})
        cache.get("projects", (pk + 5) % 7)
        cache.drop("projects", (pk + 3) % 7)


def cut_off(do: Callable[[], object], *, line: int) -> bool:
    """Call *do*, with Ctrl-C before the nth line within cachetools; False if it runs fewer."""
    left = line

    def look(frame: FrameType, event: str, _: object) -> Any:
        nonlocal left
        if frame.f_code.co_filename != cachetools.__file__:
            return None
        left -= event == "line"
        if left < 0:
            raise KeyboardInterrupt
        return look

    before = sys.gettrace()
    sys.settrace(look)
    try:
        do()
    except KeyboardInterrupt:
        return True
    finally:
        sys.settrace(before)
    return False


def in_time(call: Callable[[], Any]) -> Any:
    """Call in a thread, and give what it gives, or nothing where that takes too long."""
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.append(call()), daemon=True)
    thread.start()
    thread.join(10)
    return got[0] if got else None
