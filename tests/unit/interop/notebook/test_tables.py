"""Queries, values, reports, plans and traces as notebooks show them."""

from __future__ import annotations

from typing import Any

import pytest

from synapse import Agent, Box, ConfigError, Session, Task
from synapse.errors import NotFoundError
from synapse.interop.formats.problems import Problem
from synapse.interop.formats.report import AnnotationReport
from synapse.orm import BulkResult, Change
from synapse.testing import canned, page
from tests.unit.interop.notebook.stage import Seen, backend, task_row

HOSTILE = "</td><script>alert(1)</script>\u202e"


def seen(shown: Any) -> Seen:
    """Read what a notebook shows."""
    return Seen(shown._repr_html_())


class TestQuery:
    def test_takes_one_request_of_21_rows(self) -> None:
        """Twenty are shown, and the last one only says that more follow."""
        session = canned({"GET sdk/tasks/": page(*(task_row(pk=key) for key in range(1, 22)), count=90)})
        shown = seen(Task.objects.using(session))

        assert (["sdk/tasks/?ordering=id&page=1&page_size=21"], 21) == (
            [each.target for each in session.requests],
            len(shown.of("tr")),
        )
        assert "more rows follow" in shown.text

    def test_touches_no_relation(self) -> None:
        """What was to be loaded with the rows is not loaded to show them."""
        session = backend(task_row())
        asked = Task.objects.using(session).select_related("data_unit").prefetch_related("assignments")
        asked._repr_html_()

        assert 1 == len(session.requests)

    def test_shows_rows_that_were_fetched_without_a_request(self) -> None:
        """A query that was iterated has its rows already."""
        session = backend(task_row())
        asked = Task.objects.using(session).all()
        list(asked)
        shown = asked._repr_html_()

        assert 1 == len(session.requests)
        assert "<td>7</td>" in shown

    def test_shows_enum_values_as_pills(self) -> None:
        """Their value is set apart from text."""
        shown = Task.objects.using(backend(task_row(status_label="stand_by"))).all()._repr_html_()

        assert '<span class="pill">stand_by</span>' in shown

    def test_cuts_json(self) -> None:
        """A large value is shown by its beginning."""
        row = task_row(meta={"notes": ["word " * 50] * 5_000})

        assert len(Task.objects.using(backend(row)).all()._repr_html_()) < 6_000

    def test_escapes_everything(self) -> None:
        """Markup and invisible characters of a row are text."""
        shown = seen(Task.objects.using(backend(task_row(meta={HOSTILE: HOSTILE}))).all())

        assert [] == shown.of("script")
        assert "\u202e" not in shown.text

    def test_shows_no_secret(self) -> None:
        """Secret fields and what looks like a secret in JSON are stars."""
        rows = page({"id": 1, "name": "a", "token": "agent-token-0123456789"})
        agents = Agent.objects.using(canned({"GET agents/": rows})).all()
        tasks = Task.objects.using(backend(task_row(meta={"api_key": "hidden-0123456789"}))).all()

        assert "0123456789" not in agents._repr_html_() + tasks._repr_html_()

    def test_says_that_there_are_no_rows(self) -> None:
        """An empty result is told in words."""
        assert "no rows" in seen(Task.objects.using(backend()).all()).text


class TestErrors:
    def test_an_error_becomes_its_text(self) -> None:
        """The view says what went wrong, beside what was asked for."""
        session = canned({"GET sdk/tasks/": NotFoundError("<b>gone</b>", status_code=404)})
        shown = seen(Task.objects.using(session).filter(project=1))

        assert "not shown: NotFoundError: <b>gone</b>" in shown.text
        assert "QuerySet Task project=1" in shown.text

    def test_no_session_is_told(self) -> None:
        """Without a session the view names the ways to get one."""
        assert "synapse.connect" in seen(Task.objects.all()).text

    def test_a_closed_session_is_told(self) -> None:
        """A query of a closed session sends nothing."""
        session = Session("http://127.0.0.1:9", api_token="t")
        session.close()
        with pytest.raises(ConfigError):
            session.check_open()

        assert "closed" in seen(Task.objects.using(session)).text


class TestValues:
    def test_dicts_have_a_column_for_each_key(self) -> None:
        """The keys are the head of the table."""
        shown = seen(Task.objects.using(backend(task_row())).values("id", "meta"))

        assert ["values", "id", "meta", "7", "{}"] == shown.text.split()

    def test_flat_values_have_the_column_of_their_field(self) -> None:
        """A value that is an object itself is one cell."""
        shown = seen(Task.objects.using(backend(task_row(meta={"a": 1}))).values_list("meta", flat=True))

        assert ["values", "meta", "{'a': 1}"] == [each for each in shown.words if "synapse" not in each]


def test_a_bulk_result_shows_what_changed() -> None:
    """Each row has its values before and after."""
    result = BulkResult("update", "Task", 3, (Change(7, {"is_discarded": False}, {"is_discarded": True}),))

    assert (
        "updated 1 of 3 Task key before after 7 {'is_discarded': False} {'is_discarded': True}"
        == seen(result).text
    )


def test_a_plan_shows_its_requests() -> None:
    """Nothing is asked to show what would be."""
    shown = seen(Task.objects.filter(project=1)[:2].explain())

    assert "plan one: no session, API v1 method request GET sdk/tasks/?project=1" in shown.text


def test_a_trace_shows_its_calls() -> None:
    """Each call has a row, in order."""
    session = backend(task_row())
    with session.trace() as calls:
        Task.objects.using(session).get(7)

    assert "1 calls, 0 ms" in seen(calls).text
    assert "GET tasks/7/ 200" in seen(calls).text.replace("/tasks", "tasks")


def test_a_report_of_annotations_shows_what_became_of_them() -> None:
    """Classes with counts, and where what didn't go stands."""
    report = AnnotationReport("coco in <out>")
    box = Box("<b>", x=1, y=2, width=3, height=4)
    report.add_task(7, [box], problems=[Problem("lossy", "its rotation", box)])
    shown = seen(report)

    assert (
        "coco in <out> tasks 1 written 1 lossy 1 class written <b> 1 where reason lossy task 7, Box '<b>' its rotation"
        == shown.text
    )
