"""Tags on many rows, on canned answers."""

from __future__ import annotations

from contextlib import nullcontext

import pytest

from synapse import (
    AuthenticationError,
    BulkError,
    PermissionDeniedError,
    QueryError,
    Task,
    TaskTag,
    WriteIgnoredError,
    WriteUnconfirmedError,
)
from synapse.entities.tagging import BATCH
from synapse.testing import canned, page

KEYS = range(1, 2 * BATCH + 2)


def tagged(*answers):
    """Make a session with rows for three batches, whose changes are answered in turn."""
    rows = [{"id": key, "project": 1} for key in KEYS]
    left = list(answers)
    return canned({"GET sdk/tasks/": page(*rows), "POST tasks/set_tags/": lambda _: left.pop(0)})


class TestManyBatches:
    @pytest.mark.parametrize(
        ("error", "failed", "untried"),
        [
            (PermissionDeniedError("no", status_code=403), BATCH, 0),
            (AuthenticationError("no", status_code=401), BATCH, 1),
        ],
        ids=["403", "401"],
    )
    def test_tell_of_every_row(self, error, failed, untried):
        """The batches before the one that failed are counted; after a refused token, none is tried."""
        session = tagged({}, error, {})

        with pytest.raises(BulkError, match="no") as caught:
            Task.objects.using(session).filter(project=1).set_tags(add=[1])

        told = caught.value
        assert list(KEYS) == sorted([*told.succeeded, *(key for key, _ in told.failed), *told.untried])
        assert (failed, untried) == (len(told.failed), len(told.untried))


def test_a_tag_to_add_and_to_remove_is_refused():
    """Nothing could tell afterwards whether it happened."""
    session = canned({})
    task = Task.ref(7)
    task._state.session = session

    with pytest.raises(QueryError, match="TaskTag 2 to add and to remove"):
        task.set_tags(add=[1, 2], remove=[2])
    assert [] == session.requests


@pytest.mark.parametrize("answer", ["ok", [], 1])
def test_an_answer_that_is_no_object_is_unconfirmed(answer):
    """What it answers is not known, so a page in its place can be told by its shape only."""
    task = Task.ref(7)
    task._state.session = canned({"POST tasks/set_tags/": answer})

    with pytest.raises(WriteUnconfirmedError) as caught:
        task.set_tags(add=[1])
    assert caught.value.question is not None


@pytest.mark.parametrize("shown", [[{"id": 1}], ["night"], [None], None, []], ids=repr)
def test_a_row_that_shows_no_keys_gives_no_verdict(shown):
    """Only keys can be held against keys; an empty list shows that the tag isn't there."""
    task = Task.ref(7)
    replies = {"POST tasks/set_tags/": {}, "GET tasks/7/": {"id": 7, "project": 1, "tags": shown}}
    task._state.session = canned(replies)

    with pytest.raises(WriteIgnoredError) if shown == [] else nullcontext():
        task.set_tags(add=[1])


def test_a_name_with_blanks_around_it_is_refused():
    """The backend takes the blanks off, so such a tag would be made again each time."""
    session = canned({})

    with pytest.raises(QueryError, match="blanks around the name"):
        TaskTag.objects.using(session).get_or_create(name=" night ", project=1)

    assert [] == session.requests
