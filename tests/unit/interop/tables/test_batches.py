"""Record batches: how many rows they hold, and where they go on."""

from __future__ import annotations

import pickle

from typing import Any

import pytest

pytest.importorskip("pyarrow")

import pyarrow as pa

from synapse import MappingError, QueryError, ServerError, Session, Task
from synapse.errors import WrongHostError
from synapse.interop.tables import batches as table_batches
from synapse.testing import HOST, canned
from tests.unit.interop.tables.made import TASKS, columns_of, row, session_of, tasks
from tests.unit.orm.rows import served

ROWS = [row(key) for key in range(1, 26)]
ELSEWHERE = Session("https://elsewhere.invalid", api_token="x")


def keys_of(batch: Any) -> list[int]:
    """The keys of a batch."""
    return pa.record_batch(batch).column("id").to_pylist()


def test_have_the_size_that_was_asked_for():
    """Pages are cut and joined to batches; the last one is smaller."""
    found = [keys_of(batch) for batch in tasks(*ROWS, cap=7).batches(size=10)]

    assert [list(range(1, 11)), list(range(11, 21)), list(range(21, 26))] == found


def test_ask_for_nothing_before_the_first():
    """Making the iterator sends nothing, and it reads no further than it is asked."""
    query = tasks(*ROWS)
    query.batches()

    assert [] == query.session.requests


def test_are_smaller_where_rows_are_large(monkeypatch):
    """A batch ends where its JSON takes too much memory."""
    monkeypatch.setattr(table_batches, "LARGE", 100)
    rows = [row(key, meta={"text": "x" * 60}) for key in range(1, 5)]
    found = [batch.num_rows for batch in tasks(*rows, cap=1).batches(size=10)]

    assert [2, 2] == found


@pytest.mark.parametrize("size", [1, 3, 7, 10, 24, 25, 30])
def test_go_on_behind_a_checkpoint(size):
    """From the checkpoint of any batch on come the rows behind it, each once."""
    batches = list(tasks(*ROWS, cap=7).only("id").batches(size=size))

    for number, batch in enumerate(batches):
        rest = tasks(*ROWS, cap=7).only("id").batches(size=size, checkpoint=batch.checkpoint)
        assert [keys_of(each) for each in batches[number + 1 :]] == [keys_of(each) for each in rest]


def test_refuse_the_checkpoint_of_another_query():
    """A checkpoint of other filters, or of another backend, is refused before a request."""
    batch = next(tasks(*ROWS).batches(size=5))
    with pytest.raises(QueryError, match="another query"):
        tasks(*ROWS).filter(project=1).batches(checkpoint=batch.checkpoint)
    with pytest.raises(WrongHostError):
        Task.objects.using(ELSEWHERE).batches(checkpoint=batch.checkpoint)


@pytest.mark.parametrize("size", [0, -1, 2.5, True, "10"])
def test_refuse_a_size_that_is_none(size):
    """A size is a positive integer."""
    with pytest.raises(QueryError, match="size"):
        tasks().batches(size=size)


class TestBadRows:
    @pytest.mark.parametrize("bad", [1, 2, 5, 6, 10])
    @pytest.mark.parametrize("cap", [5, 1000])
    def test_come_in_turn(self, bad, cap):
        """The rows before a bad one come first, then its error, then those behind it."""
        rows = [row(key, **({"meta": [1]} if key == bad else {})) for key in range(1, 11)]
        batches = tasks(*rows, cap=cap).batches(size=100)
        found: list[Any] = []
        for _ in range(10):
            try:
                found += keys_of(next(batches))
            except MappingError as error:
                found.append(f"bad {error.key}")
            except StopIteration:
                break

        assert [f"bad {key}" if key == bad else key for key in range(1, 11)] == found

    @pytest.mark.parametrize("bad", [1, 4, 6])
    def test_are_ahead_of_the_checkpoint_before_them(self, bad):
        """A checkpoint before a bad row doesn't skip its error."""
        rows = [row(key, **({"meta": [1]} if key == bad else {})) for key in range(1, 11)]
        batches = tasks(*rows, cap=5).batches(size=100)
        if bad > 1:
            next(batches)
        again = tasks(*rows, cap=5).batches(checkpoint=batches.checkpoint)

        with pytest.raises(MappingError, match=f"row {bad}"):
            next(again)

    def test_are_left_out_when_asked(self):
        """With `on_bad_row="skip"` batches go on, and say what was left out."""
        rows = [row(1), row(2, meta=[1]), row(3)]
        batches = tasks(*rows).batches(on_bad_row="skip")

        assert [[1, 3]] == [keys_of(batch) for batch in batches]
        assert (1, [2]) == (batches.bad_count, [error.key for error in batches.bad])


def test_give_what_came_before_a_failure():
    """A backend that dies in the middle: the rows before it come as a batch, then the error with a checkpoint."""
    answer, broken = served(ROWS, cap=5), [False]

    def dying(request: Any) -> Any:
        found = answer(request)
        broken[0] = broken[0] or int(dict(request.params).get("id__gt", 0)) >= 10
        return ServerError("down", status_code=500) if broken[0] else found

    batches = Task.objects.using(canned({TASKS: dying}, workers=1)).batches(size=100)
    before = keys_of(next(batches))
    with pytest.raises(ServerError) as caught:
        next(batches)

    rest = tasks(*ROWS).batches(checkpoint=caught.value.checkpoint)
    assert list(range(1, 26)) == before + keys_of(next(rest))


def test_of_shards_are_those_of_the_query():
    """The shards of a query, and of values, hold its rows, each once; they travel without a token."""
    values = tasks(*ROWS).values("id", "meta")
    shards = [pickle.loads(pickle.dumps(each)) for each in values.shards(3)]
    keys = [key for each in shards for key in columns_of(each.using(session_of(*ROWS)).to_arrow())["id"]]

    assert (list(range(1, 26)), HOST) == (sorted(keys), values.shards(1)[0]._queryset.session.host)
