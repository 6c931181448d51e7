"""Bulk creation with a journal on canned answers: what is sent again, what is looked for, and what is left alone."""

from __future__ import annotations

import contextlib
import threading
import time

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import pytest

from synapse import (
    AuthenticationError,
    BulkError,
    ConfigError,
    Job,
    MappingError,
    Retry,
    ServerError,
    Task,
    TaskTag,
    TransportError,
    ValidationError,
    WriteUnconfirmedError,
)
from synapse.dialects import Request
from synapse.orm import journal, recent_rows
from synapse.session.throttle import wait_once
from synapse.testing import CannedSession, page
from tests.unit.orm.rows import served

pytestmark = pytest.mark.usefixtures("clock")
READ = 0.1
LOST = WriteUnconfirmedError("no answer came")
FAILED = ServerError("broken", status_code=500)
Harm = Literal["lost before", "lost after", "failed after"] | BaseException | Callable[[Any], Any]


class Shelf:
    """Tags or tasks as a backend keeps them; `harms` say what happens to the nth creation."""

    def __init__(self, *rows: dict[str, Any]) -> None:
        self.rows = list(rows)
        self.harms: dict[int, Harm] = {}
        self.posts = 0

    def session(self, **settings: Any) -> CannedSession:
        """Make a session that gives up soon."""
        usual = {
            "workers": 1,
            "timeout": {"connect": 1, "read": READ},
            "retry": Retry(total=1, backoff=0, max_wait=0),
        }
        replies = {f"POST {path}": self.create for path in ("tasks/", "task_tags/")}
        replies |= {f"GET {path}": self.list for path in ("sdk/tasks/", "task_tags/", "task_tags/1/")}
        return CannedSession(replies, **{**usual, **settings})

    def list(self, request: Request) -> Any:
        """Answer a page."""
        return served(self.rows)(request)

    def create(self, request: Request) -> Any:
        """Create what is sent, if nothing happens to it."""
        self.posts += 1
        harm = self.harms.get(self.posts)
        if harm == "lost before":
            raise LOST
        if isinstance(harm, BaseException):
            raise harm
        bodies = request.json if isinstance(request.json, list) else [request.json]
        made = [{"id": self.next_key + n, **body} for n, body in enumerate(bodies)]
        self.rows += made
        if harm in ("lost after", "failed after"):
            raise LOST if harm == "lost after" else FAILED
        answer = made if isinstance(request.json, list) else made[0]
        return harm(answer) if callable(harm) else answer

    @property
    def next_key(self) -> int:
        """The key of the next row."""
        return max([0, *(row["id"] for row in self.rows)]) + 1

    @property
    def names(self) -> list[str]:
        """What is there, sorted."""
        return sorted(row["name"] for row in self.rows)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the journal is."""
    return tmp_path / "run.journal"


def tags(*names: str, **values: Any) -> list[TaskTag]:
    """New tags of one project."""
    return [TaskTag(project_id=1, name=name, **values) for name in names]


def create(session: CannedSession, path: Path, *names: str, **values: Any) -> list[int]:
    """Create tags and give their keys."""
    made = TaskTag.objects.using(session).bulk_create(tags(*names, **values), journal=path)
    return [tag.id for tag in made]


def methods(session: CannedSession) -> list[str]:
    """What was sent."""
    return [request.method for request in session.requests]


class TestGoingOn:
    def test_sends_nothing_that_is_done(self, path):
        """Each object has its key again, without a request."""
        shelf = Shelf()
        keys = create(shelf.session(), path, "a", "b", "a")

        again = shelf.session()
        assert keys == create(again, path, "a", "b", "a")
        assert (["a", "a", "b"], []) == (shelf.names, again.requests)

    def test_takes_rows_in_another_order_and_new_ones(self, path):
        """Rows go by their values."""
        shelf = Shelf()
        create(shelf.session(), path, "a", "b")

        assert [2, 3, 1] == create(shelf.session(), path, "b", "c", "a")

    def test_gives_objects_that_can_be_worked_with(self, path):
        """An object that was done before keeps what it was made of, is saved, and loads the rest when it is read."""
        shelf = Shelf()
        create(shelf.session(), path, "a", meta={"n": 1})
        session = shelf.session()
        (tag,) = TaskTag.objects.using(session).bulk_create(tags("a", meta={"n": 1}), journal=path)

        assert ("a", {"n": 1}, {}) == (tag.name, tag.meta, tag.changes)
        assert [] == session.requests
        session.replies["GET task_tags/1/"] = {**shelf.rows[0], "description": "by night"}
        assert "by night" == tag.description

    def test_after_a_refused_row_tries_it_again(self, path):
        """A refused row was surely not created."""
        shelf = Shelf()
        shelf.harms = {2: ValidationError("no", status_code=400)}
        with pytest.raises(BulkError, match="created 2 of 3 TaskTag; 1 failed") as caught:
            create(shelf.session(), path, "a", "b", "c")

        session = shelf.session()
        assert [1, 3, 2] == create(session, path, "a", "b", "c")
        assert (["a", "c"], ["GET", "POST"]) == (
            [tag.name for tag in caught.value.succeeded if isinstance(tag, TaskTag)],
            methods(session),
        )

    def test_after_a_token_that_is_not_taken(self, path):
        """The rest is untried, and comes with the next run."""
        shelf = Shelf()
        shelf.harms = {2: AuthenticationError("no", status_code=401)}
        with pytest.raises(BulkError) as caught:
            create(shelf.session(), path, *"abcd")

        create(shelf.session(), path, *"abcd")
        assert (["c", "d"], [*"abcd"]) == (
            [tag.name for tag in caught.value.untried if isinstance(tag, TaskTag)],
            shelf.names,
        )

    def test_after_an_interrupt(self, path):
        """Ctrl-C leaves a note of what is under way."""
        shelf = Shelf()
        shelf.harms = {2: KeyboardInterrupt()}
        with pytest.raises(KeyboardInterrupt):
            create(shelf.session(), path, *"abc")

        create(shelf.session(), path, *"abc")
        assert [*"abc"] == shelf.names

    def test_after_an_interrupt_nothing_is_sent_late(self, path):
        """A row that waits for its turn is not sent any more: the next run may have begun."""
        shelf, waits, ended, sent = Shelf(), threading.Event(), threading.Event(), []

        def post(request: Request) -> Any:
            if request.json["name"] == "a":
                waits.wait(5)
                raise KeyboardInterrupt
            with contextlib.ExitStack() as stack:
                stack.callback(ended.set)
                waits.set()
                for _ in range(100):
                    wait_once(time.sleep, 0.02)
                sent.append(request)

        session = shelf.session(workers=2)
        session.replies["POST task_tags/"] = post
        with pytest.raises(KeyboardInterrupt):
            create(session, path, *"ab")
        assert (True, []) == (ended.wait(5), sent)

    def test_of_batches_notes_the_rows_that_a_refusal_names(self, path):
        """The good rows of a refused batch are done, the bad one is tried again."""
        shelf = Shelf()
        refusal = ValidationError("no", status_code=400, response=[{}, {"data_unit": ["no"]}, {}])
        shelf.harms = {1: refusal}
        tasks = [Task(project_id=1, data_unit_id=n) for n in (1, 2, 3)]
        with pytest.raises(BulkError, match="created 2 of 3"):
            Task.objects.using(shelf.session()).bulk_create(tasks, journal=path)

        again = [Task(project_id=1, data_unit_id=n) for n in (1, 2, 3)]
        Task.objects.using(shelf.session()).bulk_create(again, journal=path)
        assert ([1, 3, 2], [1, 3, 2]) == (
            [task.id for task in again],
            [row["data_unit"] for row in shelf.rows],
        )


class TestUnknownOutcome:
    @pytest.mark.parametrize("harm", ["lost before", "lost after"])
    def test_is_found_out_about_in_the_same_run(self, path, harm):
        """A row whose answer did not come is looked for; if it is not there in time, it is sent again."""
        shelf = Shelf(*({"id": n, "project": 1, "name": "a"} for n in (4, 5)))
        shelf.harms = {2: harm}

        create(shelf.session(), path, *"abc")

        assert [*"aaabc"] == shelf.names

    @pytest.mark.parametrize(
        "answer",
        [None, [], [{"id": 1}], lambda rows: rows[:1], lambda rows: [{}, {}], lambda rows: [None, "x"]],
    )
    def test_of_an_answer_that_names_no_rows(self, path, answer):
        """A batch whose answer cannot be read is looked for as well."""
        shelf = Shelf()
        shelf.harms = {1: answer if callable(answer) else lambda _: answer}
        tasks = [Task(project_id=1, data_unit_id=n) for n in (7, 8)]

        Task.objects.using(shelf.session()).bulk_create(tasks, journal=path)

        assert ([7, 8], [1, 2]) == ([row["data_unit"] for row in shelf.rows], [task.id for task in tasks])

    def test_of_one_row_with_an_odd_answer(self, path):
        """A single answer without a key leaves the row to be found, with all that it was sent with."""
        shelf = Shelf()
        shelf.harms = {1: lambda _: {"name": "a"}}

        assert [1] == create(shelf.session(), path, "a", meta={"n": 1})

    def test_of_equal_rows_of_two_requests(self, path):
        """Rows that nothing tells apart are counted over all requests, not for each of them."""
        shelf = Shelf()
        for post in (1, 2):
            shelf.harms = {post: KeyboardInterrupt()}
            with pytest.raises(KeyboardInterrupt):
                create(shelf.session(), path, *"aa"[:post])
            shelf.rows.append({"id": post, "project": 1, "name": "a"})
        session = shelf.session()

        assert [1, 2] == sorted(create(session, path, *"aa"))
        assert {"GET"} == set(methods(session))

    def test_of_tasks_is_looked_for_above_the_highest_key(self, path):
        """Where keys can be asked for, no older row is read."""
        shelf = Shelf({"id": 5, "project": 1, "data_unit": 7})
        shelf.harms = {1: "lost after"}
        session = shelf.session()

        Task.objects.using(session).bulk_create([Task(project_id=1, data_unit_id=7)], journal=path)

        assert ("id__gt", "5") in session.requests[-1].params
        assert [5, 6] == [row["id"] for row in shelf.rows]

    def test_is_none_where_the_answer_names_the_key(self, path):
        """A row that cannot be read otherwise is told, and is done."""
        shelf = Shelf()
        shelf.harms = {1: lambda row: {**row, "description": 5}}
        with pytest.raises(BulkError, match="its answer cannot be read"):
            create(shelf.session(), path, "a")

        assert [1] == create(shelf.session(), path, "a")
        assert 1 == shelf.posts

    def test_of_a_failing_backend_is_looked_for_at_once(self, path):
        """A row that was created all the same, though the answer is a 500, is done."""
        shelf = Shelf()
        shelf.harms = {2: "failed after"}

        assert ([1, 2], 2) == (create(shelf.session(), path, *"ab"), shelf.posts)

    def test_of_a_failing_backend_is_left_to_the_next_run(self, path):
        """A row that is not there after a 500 may come: the next run looks for it before it is sent again."""
        shelf = Shelf()
        shelf.harms = {2: FAILED}
        with pytest.raises(BulkError, match="created 1 of 2") as caught:
            create(shelf.session(), path, *"ab")
        session = shelf.session()
        create(session, path, *"ab")

        assert (1, "GET") == (len(caught.value.unknown), methods(session)[0])

    def test_without_repeats_is_told_and_safe_to_run_again(self, path):
        """A session that repeats nothing looks, and says that the row is not there."""
        shelf = Shelf()
        shelf.harms = {1: "lost before"}
        with pytest.raises(BulkError, match="is not on the backend: run the same again"):
            create(shelf.session(retry=Retry(total=0)), path, "a")

        session = shelf.session()
        create(session, path, "a")
        assert (["a"], ["GET", "POST"]) == (shelf.names, methods(session))

    def test_while_the_line_is_down_is_left_to_the_next_run(self, path):
        """Where looking fails as well, that is told with what to do, and the note stays."""
        shelf = Shelf()
        shelf.harms = {1: "lost after"}
        session = shelf.session()
        first = [shelf.list]
        session.replies["GET task_tags/"] = lambda request: (
            first.pop()(request) if first else TransportError("down")
        )
        with pytest.raises(BulkError) as caught:
            create(session, path, "a")

        told = caught.value.failed[0][1]
        assert isinstance(told, WriteUnconfirmedError)
        assert told.__cause__ is LOST
        assert "run the same again with this journal, which looks before it sends (down)" in str(
            told.resolve()
        )
        assert [1] == create(shelf.session(), path, "a")


class TestUntold:
    @pytest.mark.parametrize(
        ("others", "keys"),
        [
            ([{"name": "a", "meta": {"n": 1}}, {"name": "a", "meta": {"n": 1}}], "2, 1"),
            ([{"name": "A", "meta": {"n": 1}}, {"name": "a", "meta": {"n": 1, "by": "x"}}], "2, 1"),
            ([{"name": "a", "meta": {}}], "1"),
        ],
        ids=["more than were sent", "more that were rewritten", "something is missing"],
    )
    def test_is_never_sent_again(self, path, others, keys):
        """Where rows may be it, they are named, and nothing is sent."""
        shelf = Shelf()
        shelf.harms = {1: KeyboardInterrupt()}
        with pytest.raises(KeyboardInterrupt):
            create(shelf.session(), path, "a", meta={"n": 1})
        shelf.rows = [{"id": n, "project": 1, **other} for n, other in enumerate(others, 1)]

        session = shelf.session()
        with pytest.raises(BulkError, match=f"TaskTag {keys} may be it.*not sent again.*another journal"):
            create(session, path, "a", meta={"n": 1})
        assert {"GET"} == set(methods(session))

    @pytest.mark.parametrize(("names", "why"), [("xy", "keys of TaskTag rows do not"), ("x", "not shown")])
    def test_of_keys_in_no_order(self, path, names, why):
        """Without an order of keys, nobody can tell which rows are younger, or whether all were shown."""
        shelf = Shelf(*({"id": n, "project": 1, "name": name} for n, name in enumerate(names, 1)))
        session = shelf.session()
        session.replies["GET task_tags/"] = {"count": 2, "next": None, "results": shelf.rows}
        shelf.harms = {1: "lost after"}

        with pytest.raises(BulkError, match=why):
            create(session, path, "a")
        assert 1 == shelf.posts

    def test_of_a_row_that_cannot_be_read(self, path):
        """A younger row that is broken may be the one; the others are found beside it."""
        shelf = Shelf()
        shelf.harms = {1: KeyboardInterrupt()}
        with pytest.raises(KeyboardInterrupt):
            create(shelf.session(), path, "a", "b")
        shelf.rows = [{"id": 1, "project": 1, "name": 5}, {"id": 2, "project": 1, "name": "b"}]

        with pytest.raises(BulkError, match=r"created 1 of 2 .*a TaskTag that cannot be read, or") as caught:
            create(shelf.session(), path, "a", "b")
        assert (["b"], 1) == (
            [tag.name for tag in caught.value.succeeded if isinstance(tag, TaskTag)],
            shelf.posts,
        )

    def test_of_keys_that_are_no_numbers(self):
        """Jobs go by a UUID, which says nothing of their age."""
        session = CannedSession({"GET jobs/": page({"id": "b"}, {"id": "a"})})

        assert recent_rows.highest_key(Job, session) is None

    def test_stops_no_other_row(self, path):
        """The rows that can be told go on."""
        shelf = Shelf()
        shelf.harms = {1: KeyboardInterrupt()}
        with pytest.raises(KeyboardInterrupt):
            create(shelf.session(), path, "a")
        shelf.rows = [{"id": n, "project": 1, "name": "a"} for n in (1, 2)]

        with pytest.raises(BulkError, match="created 1 of 2"):
            create(shelf.session(), path, "a", "b")
        assert ["a", "a", "b"] == shelf.names


def test_what_is_done_and_cannot_be_noted_is_told(path, monkeypatch):
    """Whoever edited the row before the next run would have it created anew."""
    shelf, write = Shelf(), journal._write_all

    def full(descriptor: int, data: bytes) -> None:
        if b'"done"' in data:
            raise OSError("no room here")
        write(descriptor, data)

    monkeypatch.setattr(journal, "_write_all", full)
    with pytest.raises(BulkError, match=r"created 1 of 1 .*does not say that 1 rows are done") as caught:
        create(shelf.session(), path, "a")

    assert (1, []) == (len(caught.value.succeeded), caught.value.failed)


class TestWaiting:
    @pytest.mark.parametrize("age", [3600, 0, -3600])
    def test_lasts_until_nothing_can_be_under_way(self, path, age, monkeypatch):
        """A request of a dead run may still be served, however long ago a clock says that it was sent."""
        shelf, then = Shelf(), time.time() - age
        shelf.harms = {1: KeyboardInterrupt()}
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(time, "time", lambda: then)
            create(shelf.session(), path, "a")

        session = shelf.session()
        create(session, path, "a")
        *reads, highest, post = methods(session)
        assert len(reads) > 1
        assert ("GET", "POST") == (highest, post)

    def test_ends_when_the_row_is_there(self, path):
        """A row that a dead run had under way is found when it comes."""
        shelf = Shelf()
        shelf.harms = {1: KeyboardInterrupt()}
        with pytest.raises(KeyboardInterrupt):
            create(shelf.session(), path, "a")
        session, looks = shelf.session(timeout={"connect": 1, "read": 30}), []

        def late(request: Request) -> Any:
            looks.append(request)
            if len(looks) == 3:
                shelf.rows.append({"id": 9, "project": 1, "name": "a"})
            return shelf.list(request)

        session.replies["GET task_tags/"] = late
        assert ([9], 3) == (create(session, path, "a"), len(looks))


class TestNotes:
    def test_that_cannot_be_made_stop_the_run(self, path, monkeypatch):
        """What cannot be noted is not sent; the rest is untried."""
        shelf, session = Shelf(), Shelf().session()
        tasks = [Task(project_id=1, data_unit_id=n) for n in range(1, 7)]

        def full(request: Request) -> Any:
            monkeypatch.setattr("os.fsync", no_room)
            return shelf.create(request)

        session.replies["POST tasks/"] = full
        with pytest.raises(BulkError, match=r"created 2 of 6 .*ConfigError: the journal .*written") as caught:
            Task.objects.using(session).bulk_create(tasks, batch_size=2, journal=path)

        assert (1, 3) == (len(caught.value.failed), len(caught.value.untried))
        assert (1, ConfigError) == (shelf.posts, type(caught.value.failed[0][1]))

    def test_hold_no_more_than_keys(self, path):
        """Neither names nor the token are in the file."""
        create(Shelf().session(), path, "hush", description="secret")

        assert all(word not in path.read_text() for word in ("hush", "secret", 'canned"'))

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), object(), {1, 2}])
    def test_are_not_begun_for_what_json_cannot_hold(self, path, value):
        """All rows are checked before the first is noted."""
        given, session = tags("a", "b"), Shelf().session()
        given[1].meta["x"] = value

        with pytest.raises(MappingError, match=r"TaskTag\.meta"):
            TaskTag.objects.using(session).bulk_create(given, journal=path)
        assert (False, []) == (path.exists(), session.requests)

    def test_need_an_open_session(self, path):
        """A closed session leaves no file behind."""
        session = Shelf().session()
        session.close()

        with pytest.raises(ConfigError, match="closed"):
            create(session, path, "a")
        assert not path.exists()


def no_room(_: int) -> None:
    """Do as a full disk does."""
    raise OSError(28, "No space left on device")
