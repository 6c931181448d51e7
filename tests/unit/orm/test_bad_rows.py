"""Rows that do not fit, among others that do."""

from __future__ import annotations

import itertools
import logging
import pickle

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from synapse import DataUnit, MappingError, Project, QueryError, Storage, Task, TransportError
from synapse.reading import rows as module
from synapse.testing import CannedSession, canned, page
from tests.amounts import part
from tests.unit.orm.rows import Row, by_cursor, project, served, task

pytestmark = pytest.mark.usefixtures("each_parser")

TASKS = "GET sdk/tasks/"
LISTED = range(1, 3001)
KEYS = list(range(1, 14))
BAD = {3, 4, 9, 13}

Spoil = Callable[[Row], Any]
SPOILT: dict[str, Spoil] = {
    "a field": lambda row: {**row, "project": "?"},
    "a required null": lambda row: {**row, "is_discarded": "yes"},
    "no key": lambda row: {name: value for name, value in row.items() if name != "id"},
    "null key": lambda row: {**row, "id": None},
    "true for a key": lambda row: {**row, "id": True},
    "text for a key": lambda row: {**row, "id": f"t{row['id']}"},
    "list for a key": lambda row: {**row, "id": [row["id"]]},
    "a fraction for a key": lambda row: {**row, "id": row["id"] + 0.5},
    "null": lambda row: None,
    "a number": lambda row: 7,
    "text": lambda row: "row",
    "a list": lambda row: [row],
    "an empty object": lambda row: {},
    "no date": lambda row: {**row, "created": "yesterday"},
    "no date and no key": lambda row: {"project": 1, "created": 5},
}
FEW = ["a field", "no key", "null", "no date and no key"]
QUERIES = {
    "ranges": (lambda T: T.all(), "ranges"),
    "ranges down": (lambda T: T.order_by("-id"), "ranges"),
    "slices": (lambda T: T.all()[:11], "ranges"),
    "pages": (lambda T: T.all(), "pages"),
    "pages by date": (lambda T: T.order_by("created"), "pages"),
    "pages by date, down": (lambda T: T.order_by("-created"), "pages"),
    "cursor": (lambda T: T.all(), "cursor"),
    "one": (lambda T: T.all()[:3], "one"),
    "listed": (lambda T: T.filter(id__in=LISTED), None),
    "listed down": (lambda T: T.filter(id__in=LISTED).order_by("-id"), None),
    "merged": (lambda T: T.filter(id__in=LISTED).order_by("created"), None),
    "merged down": (lambda T: T.filter(id__in=LISTED).order_by("-created"), None),
}


def spoiling(answer: Callable[[Any], Any], spoil: Spoil, *, bad: set[int]) -> Callable[[Any], Any]:
    """Answer the same, with some rows spoilt."""

    def spoilt(request: Any) -> Any:
        reply = answer(request)
        if not isinstance(reply, dict):
            return reply
        return {**reply, "results": [spoil(row) if row["id"] in bad else row for row in reply["results"]]}

    return spoilt


def session_of(plan: str | None, spoil: Spoil, *, bad: set[int] = BAD) -> CannedSession:
    """A session over tasks, some of them spoilt, in pages of three."""
    rows = [task(key) for key in KEYS]
    answer = by_cursor(rows) if plan == "cursor" else served(rows)
    return canned({TASKS: spoiling(answer, spoil, bad=bad)}, page_size=3)


def told(rows: Iterator[Any]) -> list[Any]:
    """Take rows to the end, with the number of each bad one in its place."""
    found: list[Any] = []
    while True:
        try:
            found.append(next(rows).pk)
        except StopIteration:
            return found
        except MappingError as error:
            found.append(f"row {error.row}")


def expected(keys: list[int]) -> list[Any]:
    """What is told of rows in that order."""
    return [f"row {place}" if key in BAD else key for place, key in enumerate(keys, 1)]


class TestSkipped:
    @pytest.mark.parametrize(("name", "kind"), part(itertools.product(QUERIES, SPOILT), 0, of=4))
    def test_hide_no_others(self, name, kind):
        """By every plan, the good rows come in order, and each bad one is in `bad` once."""
        make, plan = QUERIES[name]
        query = make(Task.objects.using(session_of(plan, lambda row: row)))
        whole = [row.pk for row in query.iterator(plan=plan)]
        query = query.using(session_of(plan, SPOILT[kind]))
        rows = query.iterator(plan=plan, on_bad_row="skip")

        assert [key for key in whole if key not in BAD] == [row.pk for row in rows]
        assert len(BAD & set(whole)) == len(rows.bad) == rows.bad_count

    @pytest.mark.parametrize("kind", ["no key", "null"])
    @pytest.mark.parametrize("plan", ["ranges", "pages", "cursor"])
    def test_may_fill_a_page(self, plan, kind):
        """A page of which no row has a key hides neither itself nor the ones behind it."""
        bad = {1, 2, 3, 7, 8, 9, 10, 11}
        rows = Task.objects.using(session_of(plan, SPOILT[kind], bad=bad)).iterator(
            plan=plan, on_bad_row="skip"
        )

        assert [key for key in KEYS if key not in bad] == [row.pk for row in rows]
        assert len(bad) == len(rows.bad)

    def test_are_told_by_number_key_and_path(self):
        """Each is an error that is not raised."""
        rows = Task.objects.using(session_of(None, SPOILT["a field"])).iterator(on_bad_row="skip")
        list(rows)

        assert [(3, 3), (4, 4), (9, 9), (13, 13)] == [(bad.row, bad.key) for bad in rows.bad]
        assert {"Task.project_id"} == {bad.path for bad in rows.bad}
        assert str(rows.bad[0]) == (
            "Task.project_id of row 3: expected an integer, got str '?' (its key is 3)"
        )
        assert (3, 3, "Task.project_id") == (
            (again := pickle.loads(pickle.dumps(rows.bad[0]))).row,
            again.key,
            again.path,
        )

    def test_keep_secrets(self):
        """A value of a secret field is in no message."""
        row = {
            "id": 1,
            "name": "s",
            "category": "internal",
            "provider": "file_system",
            "configuration": "hush",
        }
        session = canned({"GET storages/": page({**row, "name": 5, "configuration": "hush"})})
        rows = Storage.objects.using(session).iterator(on_bad_row="skip")
        list(rows)

        assert 1 == rows.bad_count
        assert "hush" not in repr(rows.bad) + str(rows.bad[0])

    def test_are_kept_up_to_a_bound(self, monkeypatch):
        """Whoever reads a million bad rows has their number."""
        monkeypatch.setattr(module, "MOST_BAD", 2)
        rows = Task.objects.using(session_of(None, SPOILT["null"])).iterator(on_bad_row="skip")
        list(rows)

        assert (2, 4) == (len(rows.bad), rows.bad_count)

    def test_are_said_at_the_end(self, caplog):
        """One line of the log says how many there were, however often the end is asked for."""
        rows = Task.objects.using(session_of(None, SPOILT["a field"])).iterator(on_bad_row="skip")
        with caplog.at_level(logging.WARNING, logger="synapse"):
            list(rows)
            list(rows)
            rows.close()

        assert ["4 rows did not fit and were left out; the first: Task.project_id of row 3"] == [
            record.getMessage().partition(": expected")[0] for record in caplog.records
        ]

    def test_count_as_handed_out(self):
        """What is resumed leaves them behind as well, whatever place it starts from."""
        query = Task.objects.using(session_of(None, SPOILT["no key"]))
        for taken in range(10):
            rows = query.iterator(on_bad_row="skip")
            first = [next(rows).pk for _ in range(taken)]
            rest = query.resume(rows.checkpoint, on_bad_row="skip")

            assert [key for key in KEYS if key not in BAD] == [*first, *(row.pk for row in rest)]
            assert 4 == rows.bad_count + rest.bad_count

    def test_by_an_impossible_key_hide_none_behind_them(self):
        """A key beyond all others, in the middle of a list, does not make those behind it count as handed out."""
        session = session_of("pages", lambda row: {**row, "id": 2**70}, bad={3})
        rows = Task.objects.using(session).order_by("id").iterator(plan="pages")
        first = [next(rows).pk for _ in range(3)]
        rest = Task.objects.using(session).order_by("id").resume(rows.checkpoint)

        assert [1, 2, 2**70, *range(4, 14)] == [*first, *(row.pk for row in rest)]

    def test_may_be_all_rows(self):
        """Nothing is left to give, and all are told of."""
        session = session_of(None, SPOILT["a number"], bad=set(KEYS))
        rows = Task.objects.using(session).filter(id__in=KEYS).iterator(on_bad_row="skip", plan="pages")

        assert ([], 13) == (list(rows), rows.bad_count)

    @pytest.mark.parametrize("shape", ["values", "values_list"])
    def test_are_skipped_among_plain_values(self, shape):
        """Dicts and tuples are read as rows are."""
        query = getattr(Task.objects.using(session_of(None, SPOILT["a field"])), shape)("id", "meta")
        rows = query.iterator(on_bad_row="skip")

        assert (9, 4) == (len(list(rows)), rows.bad_count)

    def test_of_values_may_be_bad_when_they_are_opened(self):
        """What is wrong deep in a field is a bad row of values, too."""
        units = [
            {"id": key, "data_collection": 7, "files": {"a": 5} if key == 2 else {}} for key in (1, 2, 3)
        ]
        rows = (
            DataUnit.objects.using(canned({"GET data_units/": page(*units)}))
            .values("id", "files")
            .iterator(on_bad_row="skip")
        )

        assert [1, 3] == [row["id"] for row in rows]
        assert [(2, 2)] == [(bad.row, bad.key) for bad in rows.bad]

    def test_leave_related_rows_to_whoever_reads_them(self):
        """A bad project takes no task along: it is an error where it is touched."""
        session = canned(
            {
                TASKS: served([task(key) for key in (1, 2)]),
                "GET projects/1/": {"id": 1, "title": 5},
                "GET projects/": page({"id": 1, "title": 5}),
            }
        )
        rows = list(Task.objects.using(session).prefetch_related("project").iterator(on_bad_row="skip"))

        assert [1, 2] == [row.pk for row in rows]
        with pytest.raises(MappingError, match="Project"):
            print(rows[0].project)

    def test_are_skipped_in_shards(self):
        """Each shard is a query like any other."""
        query = Task.objects.using(session_of(None, SPOILT["a field"]))
        walks = [shard.iterator(on_bad_row="skip") for shard in query.shards(3)]

        assert [key for key in KEYS if key not in BAD] == sorted(row.pk for walk in walks for row in walk)
        assert 4 == sum(walk.bad_count for walk in walks)


class TestRaised:
    @pytest.mark.parametrize("kind", FEW)
    @pytest.mark.parametrize(
        "name", [name for name in QUERIES if "date" not in name and "merged" not in name]
    )
    def test_come_in_their_turn(self, name, kind):
        """The rows before come first, and whoever asks on gets those behind."""
        make, plan = QUERIES[name]
        query = make(Task.objects.using(session_of(plan, lambda row: row)))
        whole = [row.pk for row in query.iterator(plan=plan)]

        assert expected(whole) == told(query.using(session_of(plan, SPOILT[kind])).iterator(plan=plan))

    @pytest.mark.parametrize("kind", FEW)
    @pytest.mark.parametrize("name", QUERIES)
    def test_lead_on_by_their_checkpoint(self, name, kind):
        """Resuming at each error goes on behind its row: nothing is lost, given twice, or met for ever."""
        make, plan = QUERIES[name]
        query = make(Task.objects.using(session_of(plan, SPOILT[kind])))
        rows, seen, errors = query.iterator(plan=plan), [], 0
        while errors < 9:
            try:
                seen.extend(row.pk for row in rows)
                break
            except MappingError as error:
                errors += 1
                rows = query.resume(pickle.loads(pickle.dumps(error)).checkpoint)

        assert [row.pk for row in query.iterator(plan=plan, on_bad_row="skip")] == seen
        assert errors == len([key for key in whole_of(query, plan) if key in BAD])

    def test_come_behind_the_rows_before_in_a_plain_loop(self):
        """A loop over the query gives what it can; the query itself keeps no half of a result."""
        query = Task.objects.using(session_of(None, SPOILT["a field"]))
        seen = []
        with pytest.raises(MappingError, match=r"Task\.project_id of row 3"):
            for row in query:
                seen.append(row.pk)

        assert ([1, 2], "(not fetched)") == (seen, repr(query)[-14:-1])

    def test_of_values_come_in_their_turn(self):
        """Plain values are no other."""
        rows = Task.objects.using(session_of(None, SPOILT["a field"])).values_list("id", flat=True).iterator()

        assert [1, 2] == [next(rows), next(rows)]
        with pytest.raises(MappingError, match="of row 3"):
            next(rows)
        with pytest.raises(MappingError, match="of row 4"):
            next(rows)
        assert 5 == next(rows)

    def test_of_projects_too(self):
        """Entities that are read by pages."""
        answer = served([project(key) for key in KEYS])
        session = canned({"GET projects/": spoiling(answer, SPOILT["no key"], bad=BAD)}, page_size=3)

        assert expected(KEYS) == told(Project.objects.using(session).iterator())


class TestRefused:
    @pytest.mark.parametrize("verb", ["iterator", "resume"])
    @pytest.mark.parametrize("value", ["ignore", None, True, ["skip"]])
    def test_before_anything_is_sent(self, verb, value):
        """What to do with bad rows is one of two words."""
        session = canned({})
        query = Task.objects.using(session)
        given = [query.iterator().checkpoint] if verb == "resume" else []

        with pytest.raises(QueryError, match=rf"{verb}\(on_bad_row=...\) takes 'raise' or 'skip', got"):
            getattr(query, verb)(*given, on_bad_row=value)
        assert [] == session.requests

    def test_pages_without_any_key_come_to_an_end(self):
        """A backend that names a next page for ever, of rows that have no key, is given up."""
        session = canned({TASKS: page({"project": 1}, count=9, next="/?page=2")})

        with pytest.raises(TransportError, match="4 empty pages in a row"):
            list(Task.objects.using(session).iterator(on_bad_row="skip"))


def whole_of(query: Any, plan: Any) -> list[int]:
    """The keys of a query whose rows are all good."""
    good = query.using(session_of(plan, lambda row: row))
    return [row.pk for row in good.iterator(plan=plan)]
