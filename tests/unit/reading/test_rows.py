"""Iterators that can be stopped and gone on from, by every plan."""

from __future__ import annotations

import base64
import gc
import json
import pickle
import threading
import time

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import count
from typing import Any

import pytest

from synapse import MappingError, Project, QueryError, Task, TransportError
from synapse.errors import ServerError
from synapse.orm import Rows
from synapse.reading import rows as rows_module
from synapse.testing import CannedSession, canned, page
from tests.amounts import either
from tests.unit import moments
from tests.unit.orm.rows import by_cursor, in_turn, project, served, task
from tests.waiting import until

TASKS = "GET sdk/tasks/"
LISTED = range(1, 3001)


def raised(error: Any) -> None:
    """Raise what is given, if anything is."""
    if error is not None:
        raise error


def interrupted(_: Any) -> Any:
    """FetchedPage with what Ctrl-C does."""
    raise KeyboardInterrupt


def session_of(plan: str, rows: Any) -> CannedSession:
    """A session over rows, which answers as the plan needs it."""
    return canned({TASKS: by_cursor(rows) if plan == "cursor" else served(rows)}, page_size=5)


QUERIES = {
    "ranges": (lambda T: T.all(), "ranges"),
    "slices": (lambda T: T.all()[:38], "ranges"),
    "pages": (lambda T: T.all(), "pages"),
    "cursor": (lambda T: T.all(), "cursor"),
    "cursor of a slice": (lambda T: T.all()[:38], "cursor"),
    "one": (lambda T: T.all()[:5], "one"),
    "listed": (lambda T: T.filter(id__in=LISTED), None),
    "listed down": (lambda T: T.filter(id__in=LISTED).order_by("-id")[3:41], None),
    "merged": (lambda T: T.filter(id__in=LISTED).order_by("created"), None),
    "merged slice": (lambda T: T.filter(id__in=LISTED).order_by("-created")[3:41], None),
}


class TestCheckpoint:
    @pytest.mark.parametrize("name", QUERIES)
    def test_leads_on_from_every_row(self, name):
        """Wherever a reading stops (in a quick run, every fifth row), what is resumed gives the rest, no row twice."""
        make, plan = QUERIES[name]
        query = make(Task.objects.using(session_of(plan or "", [task(key) for key in range(1, 51)])))
        whole = [row.pk for row in query.iterator(plan=plan)]

        for taken in range(0, len(whole) + 1, either(1, 5)):
            rows = query.iterator(plan=plan)
            first = [next(rows).pk for _ in range(taken)]
            rest = pickle.loads(pickle.dumps(query)).using(query.session).resume(rows.checkpoint)
            assert whole == [*first, *(row.pk for row in rest)]

    def test_of_a_resumed_reading_leads_on_as_well(self):
        """A reading may be broken off as often as one likes; what was not read again stays where it was."""
        query = Task.objects.using(session_of("", [task(key) for key in range(1, 51)]))
        seen, checkpoint = [], query.iterator().checkpoint

        for _ in range(60):
            rows = query.resume(checkpoint, workers=2)
            assert checkpoint == rows.checkpoint
            seen += [row.pk for _, row in zip(range(1), rows, strict=False)]
            checkpoint = rows.checkpoint

        assert list(range(1, 51)) == seen

    def test_is_one_word_without_secrets(self):
        """It is short, and holds no token and nothing of a raw parameter."""
        query = Task.objects.using(canned({TASKS: page(task(7))})).params(api_key="sesame")
        rows = query.iterator()
        next(rows)

        kept = base64.urlsafe_b64decode(rows.checkpoint + "==").decode()

        assert {"key": 7, "place": 1} == json.loads(kept)["at"]
        assert len(rows.checkpoint) < 200
        assert "sesame" not in kept
        assert "canned" not in kept

    def test_of_another_query_is_refused(self):
        """Other filters, another order or slice: the place means nothing there."""
        query = Task.objects.using(canned({TASKS: page(task(7))}))
        checkpoint = query.iterator().checkpoint

        for other in (query.filter(project=1), query.order_by("-id"), query[:5], query.params(a=1)):
            with pytest.raises(QueryError, match="of another query than this Task query"):
                other.resume(checkpoint)
        with pytest.raises(QueryError, match="another query"):
            Project.objects.using(query.session).resume(checkpoint)

    def test_does_not_depend_on_the_order_of_a_list(self):
        """A list means a set: it may be given in any order, as a set of texts is by every process."""
        query = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 9)])}))
        rows = query.filter(id__in=[5, 2, 7]).iterator()
        first = next(rows).pk

        rest = query.filter(id__in=[7, 5, 2]).resume(rows.checkpoint)

        assert [2, 5, 7] == [first, *(row.pk for row in rest)]

    def test_leaves_open_what_rows_carry(self):
        """Fields, nested rows and what is prefetched may be others."""
        query = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 9)])}, page_size=3))
        rows = query.iterator()
        next(rows)

        other = query.only("meta").select_related("data_unit")

        assert list(range(2, 9)) == [row.pk for row in other.resume(rows.checkpoint)]

    @pytest.mark.parametrize("version", [{"v": 2, "at": {}}, {"v": 1, "at": 5}, {}, []])
    def test_of_another_version_is_refused(self, version):
        """What this version does not understand is no place to start from."""
        text = base64.urlsafe_b64encode(json.dumps(version).encode()).decode()

        with pytest.raises(QueryError, match="no checkpoint that this version can read"):
            Task.objects.using(canned({})).resume(text)


class TestErrors:
    @pytest.mark.parametrize("error", [TransportError("broke"), ServerError("no", status_code=500)])
    def test_carry_the_place_that_was_reached(self, error):
        """The error that breaks a walk says where to go on, in another process as well."""
        rows = [task(key) for key in range(1, 4)]
        session = canned({TASKS: in_turn(page(*rows[:2], count=3, next="/?page=2"), error)}, page_size=2)
        walk, seen = Task.objects.using(session).iterator(), []

        with pytest.raises(type(error)) as caught:
            for row in walk:
                seen.append(row.pk)
        session.replies[TASKS] = served(rows)
        checkpoint = pickle.loads(pickle.dumps(caught.value)).checkpoint

        assert [1, 2, 3] == [*seen, *(row.pk for row in Task.objects.using(session).resume(checkpoint))]
        with pytest.raises(QueryError, match=f"broke off .{type(error).__name__}.*resume") as later:
            next(walk)
        assert checkpoint == later.value.checkpoint

    def test_of_a_row_that_does_not_fit_do_so_too(self):
        """A page with a malformed row is not handed out; the place is the one before it."""
        answer = served([task(key, project="?" if key == 3 else 1) for key in range(1, 5)])
        walk = Task.objects.using(canned({TASKS: answer}, page_size=2)).iterator()

        with pytest.raises(MappingError, match="of row 3") as caught:
            list(walk)

        assert caught.value.checkpoint == walk.checkpoint

    def test_of_an_interrupt_while_a_page_comes_are_no_end(self):
        """Nobody knows what the interrupt cost: to ask for more is an error, which says where to go on."""
        rows = [task(key) for key in range(1, 9)]
        session = canned({TASKS: served(rows)}, page_size=4, workers=1)
        query, real = Task.objects.using(session), session.replies[TASKS]
        walk = query.iterator()
        seen = [next(walk).pk for _ in range(4)]
        session.replies[TASKS] = interrupted

        with pytest.raises(KeyboardInterrupt):
            next(walk)
        session.replies[TASKS] = real
        with pytest.raises(QueryError, match="KeyboardInterrupt") as caught:
            list(walk)
        assert list(range(1, 9)) == [*seen, *(row.pk for row in query.resume(caught.value.checkpoint or ""))]

    @pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError, TransportError("no data units")])
    def test_of_what_is_fetched_for_a_page_do_not_lose_it(self, monkeypatch, error):
        """The page is still due: the same iterator gives it next, and the checkpoint is the one before it."""
        rows = canned({TASKS: served([task(key) for key in range(1, 13)])}, page_size=4)
        query, fails = Task.objects.using(rows).prefetch_related("data_unit"), iter([None, error, error])
        monkeypatch.setattr("synapse.orm.results.prefetch", lambda *_, **__: raised(next(fails, None)))
        walk, seen = query.iterator(), []

        for _ in range(2):
            with pytest.raises(error if isinstance(error, type) else type(error)):
                seen.extend(row.pk for row in walk)
        rest = query.resume(walk.checkpoint)

        assert list(range(5, 13)) == [row.pk for row in rest] == [row.pk for row in walk]
        assert [1, 2, 3, 4] == seen

    def test_outside_of_a_walk_have_none(self):
        """Only a walk has a place."""
        assert TransportError("x").checkpoint is None


class TestRows:
    def test_are_an_iterator(self):
        """They are their own iterator, and end once."""
        rows = Task.objects.using(canned({TASKS: page(task(1))})).iterator()

        assert rows is iter(rows)
        assert isinstance(rows, Rows)
        assert (1, "<Rows by ranges>") == (next(rows).pk, repr(rows))
        assert [None, None] == [next(rows, None), next(rows, None)]

    def test_may_be_closed_in_the_middle_of_a_page(self):
        """What a closed reading had is dropped, and it can still be gone on from."""
        query = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 9)])}, page_size=4))
        with query.iterator() as rows:
            first = next(rows).pk

        assert ([], 1) == (list(rows), first)
        assert list(range(2, 9)) == [row.pk for row in query.resume(rows.checkpoint)]

    @pytest.mark.parametrize("values", [False, True])
    def test_of_values_know_their_place_as_well(self, values):
        """`values()` and `values_list()` can be gone on from."""
        query = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 9)])}, page_size=4))
        flat = query.values_list("id", flat=True)
        rows = flat.iterator(workers=2)
        first = [next(rows), next(rows)]

        assert list(range(1, 9)) == [*first, *flat.resume(rows.checkpoint)]

    def test_may_be_shared_by_threads(self):
        """Each row goes to one of the threads that take them."""
        rows = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 501)])})).iterator(
            page_size=7
        )

        def take(_: int) -> list[Any]:
            return [row.pk for row in rows]

        with ThreadPoolExecutor(4) as pool:
            found = [key for part in pool.map(take, range(4)) for key in part]

        assert list(range(1, 501)) == sorted(found)

    @pytest.mark.parametrize("late", range(8))
    def test_may_be_closed_by_another_thread(self, late):
        """Whoever waits for a row then comes to the end at once, without an error."""
        rows = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 400)])})).iterator(
            page_size=5
        )
        with ThreadPoolExecutor(1) as pool:
            came = pool.submit(list, rows)
            time.sleep(late / 1000)
            rows.close()
            keys = [row.pk for row in came.result(timeout=60)]

        assert list(range(1, len(keys) + 1)) == keys

    def test_do_not_travel(self):
        """What travels is the checkpoint, and the error says so."""
        rows = Task.objects.using(canned({})).iterator()

        with pytest.raises(TypeError, match=r"keep rows\.checkpoint"):
            pickle.dumps(rows)

    def test_close_when_nobody_holds_them(self):
        """A reading that nobody holds any more ends, threads and all."""
        rows = Task.objects.using(canned({TASKS: served([task(key) for key in range(1, 99)])})).iterator(
            page_size=7
        )
        next(rows)
        del rows
        gc.collect()

        until(lambda: not [thread for thread in threading.enumerate() if thread.name == "synapse-read"])


class TestCursors:
    def test_follow_the_backend(self):
        """Each page is asked for by the cursor that the one before names."""
        session = session_of("cursor", [task(key) for key in range(1, 13)])

        assert list(range(1, 13)) == [row.pk for row in Task.objects.using(session).iterator(plan="cursor")]
        assert [None, "k5", "k10"] == [dict(request.params).get("cursor") for request in session.requests]

    def test_end_with_the_slice(self):
        """No page behind the slice is asked for."""
        session = session_of("cursor", [task(key) for key in range(1, 99)])

        assert 8 == len(list(Task.objects.using(session)[:8].iterator(plan="cursor")))
        assert 2 == len(session.requests)

    @pytest.mark.parametrize("order", ["id", "-id"])
    def test_may_have_moved(self, order):
        """Rows up to the last key are left out, though the page begins elsewhere now."""
        keys = sorted(range(1, 21), reverse=order == "-id")
        whole = {"next": None, "previous": None, "results": [task(key) for key in keys]}
        query = Task.objects.using(canned({TASKS: whole})).order_by(order)
        rows = query.iterator(plan="cursor")
        first = [next(rows).pk for _ in range(7)]

        assert keys == [*first, *(row.pk for row in query.resume(rows.checkpoint))]

    @pytest.mark.parametrize("size", [1, 2, 3, 5, 8])
    def test_may_be_gone_on_with_by_smaller_pages(self, size):
        """Several pages may lie in front of the last row that was handed out; none of theirs comes twice."""
        query = Task.objects.using(session_of("cursor", [task(key) for key in range(1, 31)]))[:25]
        rows = query.iterator(plan="cursor", page_size=10)
        first = [next(rows).pk for _ in range(19)]

        rest = query.resume(rows.checkpoint, page_size=size)

        assert list(range(1, 26)) == [*first, *(row.pk for row in rest)]

    @pytest.mark.parametrize("link", ["/?page=2", "/?pagination=cursor&cursor="])
    def test_that_the_backend_does_not_know_are_an_error(self, link):
        """A backend that answers by numbers instead is found out, before a row could be given twice."""
        session = canned({TASKS: page(task(1), next=link)})

        with pytest.raises(TransportError, match='plan="pages" instead'):
            list(Task.objects.using(session).iterator(plan="cursor"))

    def test_without_an_end_are_given_up(self):
        """Empty pages that go on naming others are not followed for ever."""
        tokens = iter(range(99))
        session = canned({TASKS: lambda request: page(next=f"/?cursor=k{next(tokens)}")})

        with pytest.raises(TransportError, match="4 empty pages in a row"):
            list(Task.objects.using(session).iterator(plan="cursor"))

    def test_of_pages_that_take_too_long_ask_for_less(self):
        """The same cursor is asked for with a smaller page; one row that takes too long is an error."""
        answer = by_cursor([task(key) for key in range(1, 13)])

        def slow(least: int) -> Any:
            late = TransportError("late", timed_out=True)
            return lambda request: late if int(dict(request.params)["page_size"]) > least else answer(request)

        session = canned({TASKS: slow(2)}, page_size=8)
        assert list(range(1, 13)) == [row.pk for row in Task.objects.using(session).iterator(plan="cursor")]
        session.replies[TASKS] = slow(0)
        with pytest.raises(TransportError, match="late"):
            list(Task.objects.using(session).iterator(plan="cursor"))

    def test_leave_tokens_with_the_own_backend(self):
        """A `next` link to another host is refused, whatever cursor it names."""
        session = canned({TASKS: page(task(1), next="https://evil.example/?cursor=k1")})

        with pytest.raises(TransportError, match=r"evil\.example"):
            list(Task.objects.using(session).iterator(plan="cursor"))
        assert 1 == len(session.requests)


def test_projects_know_their_place_by_number():
    """Where keys are not compared, the plan of a checkpoint is that of its pages."""
    session = canned({"GET projects/": served([project(key) for key in range(1, 30)])}, page_size=4)
    query = Project.objects.using(session)
    rows = query.iterator()
    first = [next(rows).pk for _ in range(9)]

    rest = query.resume(rows.checkpoint, page_size=3)

    assert ("<Rows by pages>", list(range(1, 30))) == (repr(rest), [*first, *(row.pk for row in rest)])


@pytest.mark.parametrize("on_bad_row", ["raise", "skip"])
def test_an_interrupt_between_two_rows_loses_nothing(on_bad_row):
    """Ctrl-C at any moment, then on: each row comes once, and of each bad one is told once."""
    sent = [task(key, **{} if key % 3 else {"project": "?"}) for key in range(1, 9)]
    query = Task.objects.using(canned({TASKS: served(sent)}, page_size=4))
    for at in count(1):
        rows, found, bad = query.iterator(on_bad_row=on_bad_row), [], []
        told = [rows.bad]
        if not moments.interrupted(partial(read, rows, found, bad), within=rows_module, at=at):
            break
        try:
            read(rows, found, bad)
        except QueryError:  # it broke off where a page may have been lost, and says so
            rows = query.resume(rows.checkpoint, on_bad_row=on_bad_row)
            told.append(rows.bad)
            read(rows, found, bad)

        assert ([1, 2, 4, 5, 7, 8], [3, 6]) == (found, bad + [error.key for some in told for error in some])
    assert at > 20


def read(rows, found, bad):
    """Read to the end, keeping what comes."""
    while True:
        try:
            for row in rows:
                found.append(row.pk)
        except MappingError as error:
            bad.append(error.key)
        else:
            return
