"""A loop that fetches row by row is told so: once, where it stands, with what to do instead."""

from __future__ import annotations

import contextvars
import inspect
import threading
import warnings

from collections.abc import Iterator
from operator import attrgetter

import pytest

from synapse import FetchMode, Project, Storage, Task
from synapse.orm import SlowLoopWarning, coach
from synapse.session.concurrency import run_all
from synapse.testing import canned, page
from tests.unit.orm.rows import project, served, task

REPLIES = {f"GET tasks/{key}/": task(key, project=key) for key in range(1, 60)}
REPLIES |= {f"GET projects/{key}/": project(key) for key in range(1, 60)}
TASKS = {"GET sdk/tasks/": served([task(key, project=key) for key in range(1, 60)])}


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """Begin without what other tests' loops have done."""
    coach._runs.clear()
    with canned({**REPLIES, **TASKS}):
        yield


class TestLoops:
    def test_over_objects_got_one_by_one_are_told(self):
        """The warning names relation, file and line, and what to do."""
        with pytest.warns(SlowLoopWarning, match=r"Task\.project.*prefetch_related\('project'\)") as caught:
            for key in range(1, 30):
                Task.objects.get(key).project.title
        (warning,) = caught
        here = inspect.currentframe()

        assert here is not None
        assert (__file__, here.f_lineno - 5) == (warning.filename, warning.lineno)

    def test_in_mode_one_are_told(self):
        """Whoever asked for single fetches learns what they cost."""
        with pytest.warns(SlowLoopWarning, match=r"drop fetch_mode\(FetchMode.ONE\)"):
            for each in Task.objects.fetch_mode(FetchMode.ONE):
                each.project.title

    def test_over_references_are_told(self):
        """Reading a field of one reference after the other is a request each as well."""
        with pytest.warns(SlowLoopWarning, match=r"Task\.meta.*only\('meta'\)"):
            for key in range(1, 20):
                Task.ref(key).meta

    def test_over_fields_that_no_list_has_are_told(self):
        """`only()` would not help where lists lack the field."""
        rows = {f"GET v2/tasks/{key}/": {"data": {"id": key, "meta": {}}, "meta": {}} for key in range(1, 20)}
        with canned(rows, api="v2"), pytest.warns(SlowLoopWarning, match="no list of API v2 has it.*via"):
            for key in range(1, 20):
                Task.ref(key).meta

    def test_over_deferred_fields_in_mode_one_are_told(self):
        """A deferred field is loaded for each row, if that was asked for."""
        with canned({**REPLIES, "GET sdk/tasks/": page(*({"id": key} for key in range(1, 20)))}):
            query = Task.objects.only("id").fetch_mode(FetchMode.ONE)
            with pytest.warns(SlowLoopWarning, match=r"Task\.meta.*drop fetch_mode"):
                for each in query:
                    each.meta

    def test_over_reverse_sets_are_told(self):
        """Iterating the set of one owner after the other is what prefetching is for."""
        with (
            canned({"GET sdk/tasks/": page()}),
            pytest.warns(SlowLoopWarning, match=r"add prefetch_related\('tasks'\)"),
        ):
            for key in range(1, 20):
                list(Project.ref(key).tasks)

    def test_over_sets_that_were_prefetched_are_not(self):
        """Prefetching asks each owner on purpose, and side by side."""
        owners = page(*(project(key) for key in range(1, 30)))
        with canned({"GET projects/": owners, "GET sdk/tasks/": page()}):
            for each in Project.objects.prefetch_related("tasks"):
                list(each.tasks)

    def test_over_narrowed_sets_are_not(self):
        """A narrowed set is a question of its own, which cannot be prefetched."""
        with canned({"GET sdk/tasks/": page()}):
            for key in range(1, 30):
                list(Project.ref(key).tasks.filter(is_discarded=True))

    def test_over_pages_are_not(self):
        """With peers a page is loaded at once, and nothing is said."""
        for each in Task.objects.all():
            each.project.title

    def test_that_find_everything_in_the_cache_are_not(self):
        """What needs no request is not counted."""
        for _ in range(30):
            Task.objects.get(1).project.title

    def test_over_secrets_are_not(self):
        """Settings of storages are fetched one by one on purpose."""
        with canned({f"GET storages/{key}/": {"id": key, "configuration": {}} for key in range(1, 20)}):
            for key in range(1, 20):
                Storage.ref(key).configuration

    def test_that_take_their_time_are_not(self, monkeypatch: pytest.MonkeyPatch):
        """A fetch now and then is no loop that waits for fetches."""
        ticks = iter(range(0, 10_000, 5))
        monkeypatch.setattr(coach.time, "monotonic", lambda: float(next(ticks)))

        for key in range(1, 30):
            Task.objects.get(key).project.title

    def test_are_told_once(self):
        """The same line is not told again, whatever the filters of warnings say."""

        def loop() -> None:
            for key in range(1, 30):
                Task.ref(key).meta

        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            loop(), loop()

        assert 1 == len(caught)

    def test_forget_the_oldest_lines(self, monkeypatch: pytest.MonkeyPatch):
        """What is remembered stays small, however many lines fetch."""
        monkeypatch.setattr(coach, "LINES_KEPT", 1)

        Task.ref(1).meta
        Task.ref(2).meta

        assert 1 == len(coach._runs)


class TestElsewhere:
    """Loops in threads, and over rows that stream."""

    def test_over_a_stream_are_told(self):
        """`iterator()` in mode ONE asks for each row."""
        with pytest.warns(SlowLoopWarning, match=r"Task\.project was fetched 10 times") as caught:
            for each in Task.objects.fetch_mode(FetchMode.ONE).iterator():
                each.project.title

        assert [__file__] == [warning.filename for warning in caught]

    def test_in_threads_are_told_together(self):
        """Several workers that run one line are one loop, told once, at the line that they run."""

        def work(first: int) -> None:
            for key in range(first, first + 10):
                Task.objects.get(key).project.title

        with pytest.warns(SlowLoopWarning, match=r"Task\.project") as caught:
            threads = [
                threading.Thread(target=contextvars.copy_context().run, args=(work, first))
                for first in (1, 20, 40)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

        assert [work.__code__.co_firstlineno + 2] == [warning.lineno for warning in caught]

    def test_in_threads_of_the_package_are_not(self):
        """They work for calls that have nothing to do with one another, and have no line of the user's."""
        rows = [Task.ref(key) for key in range(1, 60)]

        assert [None] * 59 == [each.error for each in run_all(attrgetter("meta"), rows, workers=4)]
