"""Each page of the cookbook is one script that does what the page says, run as a reader runs it."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import time

from importlib.util import find_spec
from pathlib import Path
from typing import Final

import pytest

from PIL import Image

from synapse import Session
from tests.amounts import either, part
from tests.seeded import Seeded

ROOT: Final = Path(__file__).resolve().parents[2]
COOKBOOK: Final = ROOT / "docs" / "cookbook"
PAGES: Final = sorted(set(COOKBOOK.glob("*.md")) - {COOKBOOK / "README.md"})
SCRIPT: Final = re.compile(r"^```python(?: needs (\w+))?\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LONGEST: Final = 45
PICTURES: Final = either(2_000, 120)
ARGUMENTS: Final = {"pictures": ("night-drives",), "cron-and-airflow": ("2026-11-30",)}
TESTS: Final = ("-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:xdist")
every_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def needed(page: Path) -> str:
    """Name the library that the script needs, and `make setup` doesn't install."""
    found = SCRIPT.search(page.read_text(encoding="utf-8"))
    return found[1] or "" if found else ""


def script(page: Path) -> str:
    """Return the one script of a page."""
    [(_, code)] = SCRIPT.findall(page.read_text(encoding="utf-8"))
    return code


def last(body: list[ast.stmt]) -> ast.stmt:
    """Find the statement that a script, or the block that it ends with, ends with."""
    inner = getattr(body[-1], "body", None)
    return last(inner) if inner else body[-1]


class Reader:
    """Somebody who copies scripts into a folder, and runs them beside a seeded backend."""

    def __init__(self, folder: Path, session: Session) -> None:
        self.folder, self.session = folder, session
        own = {"SYNAPSE_HOST": session.host, "SYNAPSE_API_TOKEN": str(session.settings.api_token)}
        self._environment = {**os.environ, **own, "HOME": str(folder), "PYTHONPATH": str(ROOT)}

    def start(self, page: Path) -> subprocess.Popen[str]:
        """Run the script of a page; one that is a file of tests, by pytest."""
        code = script(page)
        is_tests = "def test_" in code
        path = self.folder / ("test_script.py" if is_tests else "script.py")
        path.write_text(code, encoding="utf-8")
        arguments = [*(TESTS if is_tests else ()), str(path), *ARGUMENTS.get(page.stem, ())]
        return subprocess.Popen(
            [sys.executable, *arguments],
            env=self._environment,
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )

    def run(self, page: Path) -> str:
        """Run a script to its end, and return what it printed; its assertion must hold."""
        with self.start(page) as process:
            said = process.communicate(timeout=120)[0]
        assert 0 == process.returncode, said
        return said


@pytest.fixture
def reader(seeded_sandbox: Seeded, tmp_path: Path) -> Reader:
    """A folder with pictures in it, and a fresh backend."""
    sandbox = seeded_sandbox.reset()
    (tmp_path / "night-drives").mkdir()
    for number in range(PICTURES):
        shades = bytes((number % 251, number // 251, 7, 9))
        Image.frombytes("L", (2, 2), shades).save(tmp_path / "night-drives" / f"{number}.png")
    return Reader(tmp_path, Session(sandbox.url, api_token=sandbox.api_token))


@pytest.mark.parametrize("page", part(PAGES, 1), ids=lambda page: page.stem)
def test_script_runs(page: Path, reader: Reader) -> None:
    """The script runs to its end, where it asserts that it did its work."""
    library = needed(page)
    if library == "ray":
        pytest.skip("a script of Ray: run by tests/clusters/test_page.py")
    if library and find_spec(library) is None:
        pytest.skip(f"{library} is not installed: this script was NOT run")

    reader.run(page)


def test_upload_goes_on_after_a_kill(reader: Reader) -> None:
    """Killed when some pictures are there, the script of 20,000 pictures sends the others when it is started again."""
    page, before = COOKBOOK / "pictures.md", reader.session.data_files.count()
    with reader.start(page) as process:
        while reader.session.data_files.count() < before + PICTURES // 10 and process.poll() is None:
            time.sleep(0.02)
        process.kill()

    there = reader.session.data_files.count() - before
    said = reader.run(page)

    assert there < PICTURES == reader.session.data_files.count() - before
    assert f"{PICTURES:,}" in said


@every_page
class TestEachPage:
    def test_ends_with_an_assertion(self, page: Path) -> None:
        """What a script promises, it checks itself."""
        assert isinstance(last(ast.parse(script(page)).body), ast.Assert)

    def test_is_short(self, page: Path) -> None:
        """A script can be read at a glance."""
        assert LONGEST >= len(script(page).splitlines())

    def test_leads_on(self, page: Path) -> None:
        """Each page says where to read on, and the first page of the cookbook leads to it."""
        assert "\nRead on: " in page.read_text(encoding="utf-8")
        assert f"]({page.name})" in (COOKBOOK / "README.md").read_text(encoding="utf-8")
