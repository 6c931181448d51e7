"""`synapse demo`, from its start to its end."""

from __future__ import annotations

import contextlib
import doctest
import os
import pty
import re
import signal
import subprocess
import sys
import zipfile

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from PIL import Image
from rich.console import Console

import synapse

from synapse.cli.pictures import Input, write_digits
from synapse.cli.show import Show
from synapse.cli.steps import Demo, MismatchError
from synapse.sandbox import Sandbox
from tests.cli.process import Ended, Running, environment, is_there
from tests.conftest import MEASURE

URL = re.compile(r"http://127\.0\.0\.1:\d+")
STEPS = 13
REPORT = "demo-report.html"
DEMO = ("-m", "synapse.cli", "demo")
STRANGE = {
    "HTTP_PROXY": "http://127.0.0.1:9",
    "SYNAPSE_HOST": "https://backend.example",
    "SYNAPSE_API_TOKEN": "syn_" + "0" * 40,
    "SYNAPSE_TENANT": "acme",
}


def rows(out: str) -> dict[str, list[str]]:
    """Read the table at the end: title → rows, requests, seconds."""
    cells = [line.strip("│").split("│") for line in out.splitlines() if line.startswith("│")]
    return {title.strip(): [cell.strip() for cell in rest] for title, *rest in cells}


def address(out: str) -> str:
    """Find where the backend was."""
    found = URL.search(out)
    assert found is not None, out
    return found[0]


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that `ended` had for its files."""
    return tmp_path_factory.mktemp("scratch")


@pytest.fixture(scope="module")
def ended(scratch: Path, measuring: str | None) -> Ended:
    """A demo of forty digits that has come to its end, where the environment speaks of another backend."""
    with pytest.MonkeyPatch.context() as patch:
        if measuring is not None:
            patch.setenv(MEASURE, measuring)
        return Running.start(
            [*DEMO, "--limit=40", f"--report={scratch / REPORT}"], scratch=scratch, **STRANGE
        ).end()


class TestWholeDemo:
    def test_does_every_step(self, ended):
        """It ends well, with a table of all steps, in which all pictures occur."""
        table = rows(ended.out)

        assert (0, "", STEPS + 1) == (ended.code, ended.err, len(table))
        for title in (
            "Take pictures",
            "Upload the pictures",
            "Annotate every task",
            "Read it back and compare",
        ):
            assert "40" == table[title][0]

    def test_adds_up_the_requests(self, ended):
        """The last line of the table is the sum of the others."""
        *counts, total = [int(cells[1].replace(",", "")) for cells in rows(ended.out).values()]

        assert (True, sum(counts)) == (total > 160, total)

    def test_says_that_all_came_back(self, ended):
        """It says so, and where to look at the data; without a terminal there are no escape codes."""
        assert "40 pictures came back with their labels, byte for byte." in ended.out
        assert f"{address(ended.out)}/admin/ (user admin, password " in ended.out
        assert "\x1b" not in ended.out

    def test_leaves_a_report(self, ended, scratch):
        """It ends with the path of a page that counts the labels and shows pictures with their boxes."""
        page = scratch / REPORT
        html = page.read_text(encoding="utf-8")

        assert str(page) in ended.out
        assert (20, True) == (html.count("<rect "), "<td>all</td><td>40</td>" in html)

    @pytest.mark.full
    def test_shows_code_that_runs(self, ended, box, tmp_path, monkeypatch):
        """The lines that it shows, run in their order, do what it did."""
        monkeypatch.chdir(tmp_path)
        done = run_shown(ended.out, box, write_digits(tmp_path, limit=5), archive=tmp_path / "x.zip")

        assert ("1.0", {"uploaded": 5, "tasks": 5, "frozen": 5}) == done

    def test_leaves_nothing_behind(self, ended, scratch):
        """After the end nothing listens any more, and no file is left."""
        assert (False, []) == (is_there(address(ended.out)), list(scratch.glob("synapse-*")))


def run_shown(out: str, box: Sandbox, given: Input, *, archive: Path) -> tuple[str, dict[str, int]]:
    """Run the lines that the demo shows, in their order, on another backend, and count what that made."""
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("main.py", "")
    metas = [{"picture": each.name, "label": each.label} for each in given.pictures]
    files = [{"image_1": each.path} for each in given.pictures]
    items = [{"files": each, "meta": meta} for each, meta in zip(files, metas, strict=True)]
    answers = {each.name: each.annotation for each in given.pictures}
    names: dict[str, Any] = {name: getattr(synapse, name) for name in synapse.__all__}
    names |= {"configuration": given.configuration}
    names |= {"synapse": synapse, "sandbox": box, "title": given.title, "items": items}
    names |= {"answers": answers, "label": "3", "ids": [1, 2], "archive": archive}
    try:
        for example in doctest.DocTestParser().get_examples(out):
            exec(compile(example.source, "<shown>", "exec"), names)
        report, version, project = names["report"], names["version"], names["project"]
        counts = {"uploaded": len(report), "tasks": project.tasks.count(), "frozen": version.events.count()}
        return version.version, counts
    finally:
        synapse.disconnect()


@pytest.mark.full
class TestTerminal:
    def test_shows_progress_bars(self, tmp_path, measured_processes):
        """On a terminal, what takes long has a bar that comes to its end."""
        ours, theirs = pty.openpty()
        command = [sys.executable, *DEMO, "--limit=3"]
        surroundings = {**environment(tmp_path), "TERM": "xterm-256color", "COLUMNS": "120"}
        with subprocess.Popen(command, stdout=theirs, stderr=theirs, env=surroundings) as process:
            os.close(theirs)
            said = "".join(read_terminal(ours))

        assert 0 == process.returncode, said
        for label in ("uploading", "annotating", "accepting", "reading"):
            assert re.search(rf"{label} .*[━╸]", said), label


def read_terminal(descriptor: int) -> Iterator[str]:
    """Yield what is written to a terminal until its other end is closed."""
    with contextlib.suppress(OSError), os.fdopen(descriptor, encoding="utf-8", errors="replace") as terminal:
        yield from terminal


@pytest.mark.full
class TestOwnPictures:
    def test_takes_their_folders_as_labels(self, started, tmp_path):
        """With `--images`, the user's pictures go in, each labelled with the name of its folder."""
        for number, name in enumerate(("고양이/[a].png", "dogs/b.png", "dogs/c.png")):
            (tmp_path / "album" / name).parent.mkdir(parents=True, exist_ok=True)
            Image.new("L", (8, 8), 50 * number).save(tmp_path / "album" / name)

        ended = started("demo", f"--images={tmp_path / 'album'}").end()

        assert (0, "") == (ended.code, ended.err)
        assert "album (dogs: 2, 고양이: 1)" in ended.out
        assert "3 pictures came back" in ended.out

    def test_needs_a_picture(self, ran, tmp_path):
        """A folder without pictures is a usage error, and nothing is started."""
        ended = ran("demo", f"--images={tmp_path}")

        assert 2 == ended.code
        assert "there is no picture" in ended.err
        assert "Start a backend" not in ended.out


@pytest.mark.full
class TestInterrupted:
    def test_ctrl_c_stops_everything(self, started, tmp_path):
        """Ctrl-C in the middle ends it without a traceback: exit code 130, no backend, no files."""
        running = started("demo")
        url = address(running.read_until("admin page"))
        running.read_until("Upload the pictures")

        ended = running.signal(signal.SIGINT)

        assert (130, "Stopped.") == (ended.code, ended.err.strip())
        assert (False, []) == (is_there(url), list(tmp_path.glob("synapse-*")))

    def test_keep_leaves_it_running(self, started, tmp_path):
        """With `--keep`, the backend can be used until Ctrl-C, which then is the normal end."""
        running = started("demo", "--keep", "--limit=3")
        connect = running.read_until("Connect").partition("Connect")[2].strip()
        running.read_until("runs until Ctrl-C")
        names: dict[str, Any] = {"synapse": synapse}
        exec(connect, names)
        with names["session"] as session:
            counted = session.tasks.count()
        synapse.disconnect()

        ended = running.signal(signal.SIGINT)

        assert (3, 0, "") == (counted, ended.code, ended.err)
        assert not is_there(session.host)


@pytest.mark.parametrize("module", ["sklearn", "PIL"])
def test_says_what_to_install(started, module):
    """Without what makes the digits, it says how to get it, or to bring pictures."""
    code = f"import sys; sys.modules[{module!r}] = None; from synapse.cli import main; main()"

    ended = started("demo", code=code).end()

    assert 1 == ended.code
    assert re.search(r'pip install "synapse-orm\[demo\]", or .*--images DIR', ended.err)


class TestMismatch:
    @pytest.fixture
    def demo_of(self, box, tmp_path) -> Iterator[Callable[..., Demo]]:
        """Make demos whose first picture is changed before it goes in."""
        session = synapse.connect(box.url, api_token=box.api_token)

        def make(**changes: object) -> Demo:
            given = write_digits(tmp_path, limit=3)
            given.pictures[0] = attrs.evolve(given.pictures[0], **changes)
            return Demo(Show(Console()), session, given=given, scratch=tmp_path, report=tmp_path / REPORT)

        yield make
        synapse.disconnect()

    def test_other_bytes_are_noticed(self, demo_of):
        """A picture whose bytes are not those that went in ends the demo."""
        demo = demo_of(md5="0" * 32)
        for step in (demo.make_collection, demo.upload, demo.make_tasks, demo.annotate, demo.freeze):
            step()

        with pytest.raises(MismatchError, match=r"0000\.png: expected .*'00000000"):
            demo.check()

    def test_another_label_is_noticed(self, demo_of):
        """A label that is not the one that went in ends the demo."""
        demo = demo_of()
        for step in (demo.make_collection, demo.upload, demo.make_tasks, demo.annotate):
            step()
        first = demo.project.tasks[0]
        first.annotate(attrs.evolve(each, class_name="1") for each in first.annotations)
        demo.freeze()

        with pytest.raises(MismatchError, match=r"0000\.png: expected .*Box\('0'.*got .*Box\('1'"):
            demo.check()

    def test_a_picture_that_does_not_come_back_is_noticed(self, demo_of):
        """A ground truth that is missing in the version ends the demo."""
        demo = demo_of()
        for step in (demo.make_collection, demo.upload, demo.make_tasks, demo.annotate):
            step()
        demo.project.tasks[0].delete()
        demo.freeze()

        with pytest.raises(MismatchError, match=r"did not come back: expected \[\], got \['0000\.png'\]"):
            demo.check()

    def test_a_picture_that_cannot_be_fetched_is_an_error(self, demo_of, box):
        """A file that is gone at the backend ends the demo."""
        demo = demo_of()
        for step in (demo.make_collection, demo.upload, demo.make_tasks, demo.annotate, demo.freeze):
            step()
        digest = demo.given.pictures[0].md5
        (path,) = box.data.rglob(f"*{digest}*/*")
        path.rename(box.data / "gone.png")

        with pytest.raises(synapse.SynapseError):
            demo.check()
        (box.data / "gone.png").rename(path)  # the same picture goes to this backend in other tests

    def test_a_picture_that_cannot_be_sent_is_noticed(self, demo_of, tmp_path):
        """A picture that vanishes before it is sent ends the demo, by name."""
        demo = demo_of(path=tmp_path / "gone.png")
        demo.make_collection()

        with pytest.raises(MismatchError, match=r"gone\.png"):
            demo.upload()
