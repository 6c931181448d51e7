"""Rows made since a moment: newest first, on the backend's clock, and never fewer than there are."""

from __future__ import annotations

import time

from datetime import timedelta

import pytest

from synapse import Job, NotFoundError, TaskTag
from synapse.orm import recent_rows
from synapse.orm.recent_rows import made_since
from synapse.orm.unconfirmed import Moment
from synapse.testing import canned
from tests.unit.orm.lost import at, listed, tag


def ago(seconds):
    """Give the moment that long ago, by both clocks."""
    return Moment(time.time() - seconds, time.monotonic() - seconds)


def keys(session, **how):
    """Give the keys of the tags made within the last ten seconds, and whether these are all."""
    found = made_since(TaskTag, ago(10), session=session, **how)
    return [row.id for row, _ in found.rows], found.whole


def pages(*given, counts=()):
    """Answer one page after the other, each but the last with a link to the next."""

    def answer(request):
        number = int(dict(request.params)["page"])
        reply = listed(*given[number - 1])
        reply.data["next"] = "https://canned.invalid/" if number < len(given) else None
        reply.data["count"] = counts[number - 1] if counts else sum(map(len, given))
        return reply

    return canned({"GET task_tags/": answer})


class TestReading:
    def test_stops_at_the_first_older_row(self):
        """Older pages are not read."""
        session = pages([tag(3), tag(2, made=-7200)], [tag(1)])

        assert ([3], True) == keys(session)
        assert 1 == len(session.requests)

    def test_reads_on_while_rows_are_new(self):
        """All new rows are found, however many pages they take."""
        assert ([3, 2], True) == keys(pages([tag(3)], [tag(2)], [tag(1, made=-7200)]))

    def test_gives_a_row_once(self):
        """What is made meanwhile moves rows on to the next page."""
        assert ([3, 2], True) == keys(pages([tag(3), tag(2)], [tag(2)]))

    def test_does_not_stop_where_the_order_is_ignored(self):
        """A backend that shows old rows first hides no new one."""
        assert ([3], True) == keys(pages([tag(1, made=-7300), tag(2, made=-7200)], [tag(3)]))

    def test_says_that_a_page_is_gone(self):
        """Rows were deleted meanwhile, so that others may have moved over its border."""

        def answer(request):
            if dict(request.params)["page"] == "2":
                return NotFoundError("Invalid page.", status_code=404)
            reply = listed(tag(3))
            reply.data["next"] = "https://canned.invalid/"
            return reply

        assert ([3], False) == keys(canned({"GET task_tags/": answer}))

    def test_says_that_rows_moved_back_over_a_border(self):
        """One that is deleted between two pages hides another one."""
        session = pages([tag(3)], [tag(1)], counts=(3, 2))

        assert ([3, 1], False) == keys(session)

    @pytest.mark.parametrize(
        ("ticks", "sure", "unsure"),
        [(-10, [3], [2]), (-3600, [3], [2, 1]), (0, [], [3, 2]), (None, [3], [2, 1])],
        ids=["both clocks agree", "one was set back", "one slept", "of another machine"],
    )
    def test_takes_what_either_clock_leaves_open_as_unsure(self, ticks, sure, unsure):
        """A clock that was set, or that slept, neither makes an old row new nor hides a new one."""
        since = Moment(time.time() - 10, None if ticks is None else time.monotonic() + ticks)
        session = canned({"GET task_tags/": listed(tag(3, made=-5), tag(2, made=-1800), tag(1, made=-5000))})
        found = made_since(TaskTag, since, session=session)

        assert (sure, unsure) == tuple([row.id for row, _ in rows] for rows in (found.rows, found.perhaps))

    def test_stops_at_a_row_that_the_session_had_made_before(self):
        """What comes behind it is older, whatever the clocks say, and however much of it there is."""
        session = pages([tag(3), tag(2, made=-5), tag(1)], [tag(0)])
        session.note_made("task_tags", 2)
        found = made_since(TaskTag, ago(0), session=session)

        assert ([3], [], True) == ([row.id for row, _ in found.rows], found.perhaps, found.whole)
        assert 1 == len(session.requests)

    def test_does_not_take_a_missing_list_for_an_empty_one(self):
        """A list that is not there is an error."""
        with pytest.raises(NotFoundError):
            keys(canned({"GET task_tags/": NotFoundError("none", status_code=404)}))

    def test_says_that_there_are_more(self, monkeypatch):
        """The bound is no end."""
        monkeypatch.setattr(recent_rows, "MOST", recent_rows.PAGE)

        assert ([3], False) == keys(pages([tag(3)], [tag(2)]))

    def test_keeps_on_the_safe_side_of_whole_seconds(self):
        """Dates of answers are cut to seconds, so a row of just before the moment may be of just after it."""
        since = at(-60)
        session = canned(
            {"GET task_tags/": listed(tag(3, created=(since - timedelta(seconds=1)).isoformat()))}
        )
        found = made_since(TaskTag, ago(60), session=session)

        assert [3] == [row.id for row, _ in found.rows]

    def test_tells_of_a_row_that_cannot_be_read(self):
        """It hides no other, and is not passed over."""
        assert ([2], False) == keys(canned({"GET task_tags/": listed(tag(3, name=5), tag(2))}))

    def test_takes_rows_without_a_date_as_undated(self):
        """They may be older."""
        found = made_since(TaskTag, ago(0), session=canned({"GET task_tags/": listed(tag(3, created=None))}))

        assert ([3], False) == ([row.id for row, _ in found.rows], found.dated)

    def test_orders_by_time_where_keys_have_none(self):
        """Keys of jobs are random."""
        jobs = [
            {"id": key, "status": "FAILED", "action": "go", "created": at(made).isoformat()}
            for key, made in (("a", 0), ("c", -7200), ("b", -7300))
        ]
        reply = listed(*jobs)
        reply.data["next"] = "https://canned.invalid/"
        session = canned({"GET jobs/": reply})
        found = made_since(Job, ago(10), session=session)

        assert (["a"], True, 1) == ([row.id for row, _ in found.rows], found.whole, len(session.requests))
