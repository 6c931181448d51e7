"""Rows with their pictures as notebooks show them."""

from __future__ import annotations

import threading
import time

from collections.abc import Iterator
from typing import Any

import pytest

from synapse import (
    Box,
    Job,
    Label,
    Mask,
    Point,
    Polygon,
    Polyline,
    Project,
    QueryError,
    RemoteFile,
    Task,
    TransferError,
)
from synapse.errors import NotFoundError
from synapse.interop.notebook import workers
from synapse.testing import canned, page
from tests.unit.interop.notebook.stage import URL, Seen, backend, png, task_row

HOSTILE = '"><script>alert(1)</script>'
BOX = Box("정지", x=10, y=20, width=30, height=24, media="image_1")


def shown_task(*annotations: Any, **stage: Any) -> Seen:
    """Show a task that has these annotations."""
    return Seen(Task.objects.using(backend(task_row(*annotations), **stage)).get(7)._repr_html_())


@pytest.fixture
def never(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give the answer of a backend that hangs, and hardly any time to wait for it."""
    monkeypatch.setattr(workers, "SECONDS", 0.2)
    ended = threading.Event()
    yield lambda _: ended.wait(30) and b""
    ended.set()


class TestTask:
    def test_takes_three_requests_at_most(self) -> None:
        """One for each of what is not here: the data, the files, the picture."""
        session = backend(task_row(BOX), **{"GET sdk/tasks/data/": page(task_row(BOX))})
        with session:
            Task.ref(7)._repr_html_()

        assert ["sdk/tasks/files/", "sdk/tasks/data/", URL] == [each.path for each in session.requests]

    def test_draws_a_box_in_the_pixels_of_its_picture(self) -> None:
        """The drawing has the size of the whole picture, however small it is shown."""
        shown = shown_task(BOX)
        [area], [box] = shown.of("svg"), shown.of("rect")

        assert ("0 0 96 64", "10", "20", "30", "24") == (
            area["viewbox"],
            *(box[name] for name in ("x", "y", "width", "height")),
        )

    def test_draws_every_shape(self) -> None:
        """Polygons, lines and points have their own element, masks are one more picture."""
        shapes = [
            Polygon("a", points=[(0, 0), (9, 0), (9, 9)], media="image_1"),
            Polyline("a", points=[(0, 0), (9, 9)], media="image_1"),
            Point("a", x=4, y=5, media="image_1"),
            Mask("a", runs=[(0, 30)], media="image_1"),
        ]
        shown = shown_task(*shapes)

        assert [1, 1, 1, 2] == [len(shown.of(tag)) for tag in ("polygon", "polyline", "circle", "image")]

    def test_turns_a_box(self) -> None:
        """A rotation in radians turns it around its middle."""
        [box] = shown_task(Box("a", x=10, y=20, width=30, height=20, rotation=1, media="image_1")).of("rect")

        assert "rotate(57.3 25 30)" == box["transform"]

    def test_counts_in_a_legend(self) -> None:
        """Colours alone may be taken for each other."""
        shown = shown_task(BOX, BOX, Label("밤", media="image_1"))

        assert "정지 ×2 Box" in " ".join(shown.text.split())
        assert "밤 ×1 Label" in " ".join(shown.text.split())

    def test_holds_pictures_itself(self) -> None:
        """No address leads out of the page, and no signature is in it."""
        html = Task.objects.using(backend(task_row(BOX))).get(7)._repr_html_()

        assert {"data:"} == {link[:5] for link in Seen(html).links}
        assert "Signature" not in html

    def test_escapes_classes_and_names(self) -> None:
        """A class or a file that is named like markup is text; files have names without folders."""
        row = task_row(Box(HOSTILE, x=1, y=1, width=5, height=5, media="image_1"))
        row["files"][0]["file_name_original"] = HOSTILE
        shown = Seen(Task.objects.using(backend(row)).get(7)._repr_html_())

        assert [] == shown.of("script")
        assert ["script>"] == [each["aria-label"] for each in shown.of("svg")]

    def test_draws_500_shapes_at_most(self) -> None:
        """The legend says how many there are."""
        shown = shown_task(*[BOX] * 501)

        assert 500 == len(shown.of("rect"))
        assert "the first 500 of 501 shapes are drawn" in shown.text

    def test_reports_a_broken_picture_beside_its_fields(self) -> None:
        """What is no picture is told, and the rest is shown."""
        shown = shown_task(BOX, content=b"<html>")

        assert "not shown: this is no picture that can be read" in shown.text
        assert "data_unit_id" in shown.text

    def test_reports_a_missing_picture(self) -> None:
        """An address that leads nowhere is told by its error."""
        assert "not shown: NotFoundError" in shown_task(content=NotFoundError("gone", status_code=404)).text

    def test_names_files_that_are_no_pictures(self) -> None:
        """Videos and point clouds are not fetched."""
        row = task_row()
        row["files"][0] |= {"specification": "video_1", "file_type": "video", "file_name_original": "a.mp4"}
        session = backend(row)
        shown = Seen(Task.objects.using(session).get(7)._repr_html_())

        assert "no picture: a.mp4" in shown.text
        assert URL not in [each.path for each in session.requests]

    def test_says_what_did_not_come_in_time(self, never: Any) -> None:
        """A backend that hangs costs no more than the view's time."""
        assert "nothing came within 0.2 seconds" in shown_task(content=never).text

    def test_a_new_one_sends_nothing(self) -> None:
        """What the backend doesn't know has fields only."""
        assert "Task (new)" in Seen(Task(project_id=1, data_unit_id=2)._repr_html_()).text

    def test_show_is_text_in_a_terminal(self) -> None:
        """There it prints as the task does."""
        task = Task.objects.using(backend(task_row(BOX))).get(7)

        assert repr(task) == repr(task.show())


class TestPicture:
    def test_is_as_large_as_the_picture(self) -> None:
        """Without a width nothing is made smaller."""
        assert (96, 64) == Task.objects.using(backend(task_row(BOX))).get(7).picture().size

    def test_is_as_wide_as_asked_for(self) -> None:
        """The height follows."""
        assert (48, 32) == Task.objects.using(backend(task_row(BOX))).get(7).picture(width=48).size

    def test_paints_shapes_where_they_lie(self) -> None:
        """The edge of a box at twice the size is coloured, and its middle is as it was."""
        picture = Task.objects.using(backend(task_row(BOX))).get(7).picture(width=192)

        assert (0, 0, 0) != picture.getpixel((20, 60))
        assert (0, 0, 0) == picture.getpixel((50, 60))

    def test_paints_what_a_mask_covers(self) -> None:
        """Its pixels are tinted, and those behind it aren't."""
        mask = Mask("a", runs=[(96 * 10 + 5, 10)], media="image_1")
        picture = Task.objects.using(backend(task_row(mask))).get(7).picture()

        assert [False, True, True, False] == [picture.getpixel((x, 10)) != (0, 0, 0) for x in (4, 5, 14, 15)]

    def test_shapes_far_outside_do_no_harm(self) -> None:
        """A box that is larger than any picture is cut off."""
        far = Box("a", x=-1e200, y=5, width=1e300, height=1e300, media="image_1")

        assert (96, 64) == Task.objects.using(backend(task_row(far))).get(7).picture().size

    @pytest.mark.parametrize("width", [0, -1, 10_001, True, 1.5, "5"])
    def test_refuses_a_width_that_is_none(self, width: Any) -> None:
        """Nothing is sent."""
        session = backend(task_row())
        task = Task.objects.using(session).get(7)
        with pytest.raises(QueryError, match="width"):
            task.picture(width=width)

        assert 1 == len(session.requests)

    def test_refuses_a_task_without_a_picture(self) -> None:
        """The error names the files that there are."""
        task = Task.objects.using(backend(task_row(files=[]))).get(7)
        with pytest.raises(QueryError, match="task 7 has no picture, only no files at all"):
            task.picture()

    def test_refuses_what_is_no_picture(self) -> None:
        """The error is one of the SDK's own."""
        task = Task.objects.using(backend(task_row(), content=b"GIF8")).get(7)
        with pytest.raises(TransferError, match="task 7: "):
            task.picture()


def with_unit(row: dict[str, Any]) -> dict[str, Any]:
    """Nest the unit, with its files, into a row, as `expand` does."""
    files = {file["specification"]: file for file in row["files"]}
    unit = {"id": row["data_unit"], "data_collection": 1, "meta": {}, "files": files}
    return {**{name: value for name, value in row.items() if name != "files"}, "data_unit": unit}


class TestShow:
    def test_shows_a_sheet_of_20_pictures(self) -> None:
        """Rows with their units, and each picture: 21 requests, and what is behind them is told."""
        rows = [with_unit(task_row(BOX, pk=key)) for key in range(1, 22)]
        session = canned({"GET sdk/tasks/": page(*rows), f"GET {URL}": png()})
        shown = Seen(Task.objects.using(session).show().html)

        assert (20, 20) == (len(shown.of("figure")), len(shown.of("rect")))
        assert "more rows follow" in shown.text
        assert ["sdk/tasks/", *[URL] * 20] == [each.path for each in session.requests]

    def test_rows_that_were_fetched_are_not_asked_again(self) -> None:
        """Nor are files that came with them."""
        rows = [task_row(BOX, pk=key) for key in (1, 2)]
        session = backend(*rows)
        tasks = Task.objects.using(session).all()
        list(tasks)
        tasks.show()

        assert ["sdk/tasks/", URL, URL] == [each.path for each in session.requests]

    def test_a_row_of_pictures_is_small(self) -> None:
        """Four pictures without any pattern take 60 KB."""
        noise = png(400, 400, kind="PPM")[:15] + bytes(range(256)) * 1875
        rows = [task_row(pk=key) for key in range(1, 5)]
        session = backend(*rows, content=noise)

        assert len(Task.objects.using(session).show(columns=4).html) < 64_000

    def test_names_what_did_not_come_in_time(self, never: Any) -> None:
        """The other pictures are shown."""
        other = URL.replace("a.png", "b.png")
        session = backend(task_row(), task_row(pk=8, url=other), **{f"GET {other}": never})
        shown = Seen(Task.objects.using(session).show().html)

        assert (1, 2) == (len(shown.of("svg")), len(shown.of("figcaption")))
        assert "nothing came within 0.2 seconds" in shown.text

    @pytest.mark.full
    @pytest.mark.parametrize("hangs", ["rows", "pictures"])
    def test_a_dead_backend_costs_two_seconds(self, hangs: str) -> None:
        """By then the view is made, with the reason in it."""
        ended = threading.Event()
        row = with_unit(task_row(BOX))
        dead: Any = lambda _: ended.wait(30) and b""  # noqa: E731
        replies = {"GET sdk/tasks/": dead if hangs == "rows" else page(row), f"GET {URL}": dead}
        began = time.monotonic()
        shown = Seen(Task.objects.using(canned(replies)).show().html)
        took = time.monotonic() - began
        ended.set()

        assert took <= 2.5
        assert "nothing came within 2 seconds" in shown.text

    def test_rows_without_files_are_a_table(self) -> None:
        """Projects have no pictures."""
        session = canned({"GET projects/": page({"id": 1, "title": "<i>"})})

        assert "<i>" in Seen(Project.objects.using(session).show().html).text

    @pytest.mark.parametrize("columns", [0, 11, "4", 1.0, None])
    def test_refuses_columns_that_are_none(self, columns: Any) -> None:
        """Nothing is sent."""
        session = backend()
        with pytest.raises(QueryError, match="columns"):
            Task.objects.using(session).show(columns=columns)

        assert [] == session.requests


class TestFile:
    def test_a_picture_is_shown(self) -> None:
        """One request fetches it."""
        shown = Seen(RemoteFile(url=URL, session=backend())._repr_html_())

        assert 1 == len(shown.of("image"))

    def test_another_file_is_named(self) -> None:
        """Nothing is fetched."""
        session = backend()
        shown = Seen(RemoteFile(url="https://a.example/<b>.bin", size=5, session=session)._repr_html_())

        assert ("<b>.bin, 5 bytes", []) == (shown.text, session.requests)

    def test_a_large_one_is_not_fetched(self) -> None:
        """A size above 32 MiB is told instead."""
        session = backend()
        shown = Seen(RemoteFile(url=URL, size=33 * 2**20, session=session)._repr_html_())

        assert "more than 33,554,432 bytes" in shown.text
        assert [] == session.requests


def test_a_job_shows_how_far_it_is() -> None:
    """As it was last loaded; nothing is sent."""
    row = {"id": "00000000-0000-0000-0000-000000000001", "status": "RUNNING"}
    row["progress_record"] = {"current_progress": {"percent": 40}}  # type: ignore[assignment]
    session = canned({f"GET jobs/{row['id']}/": row})
    [bar] = Seen(Job.objects.using(session).get(row["id"])._repr_html_()).of("progress")

    assert ("40", 1) == (bar["value"], len(session.requests))
