"""An installed wheel tells type checkers and editors what the source tree does; without its stub all would be Any."""

from __future__ import annotations

import shutil
import subprocess
import sys
import sysconfig
import venv

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.meta.test_wheel import built
from tests.typing.language_server import LanguageServer

pytestmark = pytest.mark.full

HERE: Final = Path(__file__).parent
BIN: Final = Path(sys.executable).parent
PROGRAMS: Final = {
    "mypy": ["--strict", "--enable-error-code=redundant-expr", "--python-executable"],
    "pyright": ["--pythonpath"],
}
START: Final = """
from synapse import Project, Session, Task

def work(project: Project, session: Session) -> None:
    """
OFFERED: Final = {
    "Task.objects.filter(sta|)": ["status_label=", "status_label__in=", "status_review="],
    "session.tasks.filter(project=1).exclude(is_|)": ["is_discarded="],
    'Task.objects.filter(status_label="|")': ['"completed"', '"in_progress"'],
    'Task.objects.filter(status_label__in=["|"])': ['"completed"', '"in_progress"'],
    'Task.objects.order_by("|")': ['"created"', '"-created"'],
    'Task.objects.filter(project=1).values("|")': ['"status_label"', '"project_id"'],
    'Task.objects.prefetch_related("pro|")': ['"project__data_collection"'],
    "Project.objects.create(ti|)": ["title="],
    'Project.objects.create(category="|")': ['"image"', '"video"'],
    'Task.objects.get_or_create(defaults={"|"})': ['"meta"'],
    "project.tasks.|": ["filter", "download", "export", "set_tags", "annotate_from"],
    "project.tags.get_or_create(na|)": ["name="],
}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new environment with the wheel; what it depends on is found where the tests have it."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    wheel = built("wheel", tmp_path_factory.mktemp("wheel"))
    subprocess.run([python, "-m", "pip", "install", "-qq", "--no-deps", "--no-index", wheel], check=True)
    packages = next(folder.rglob("site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib"), encoding="utf-8")
    return python


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A project of somebody's: the files of this folder, without the settings of the source tree."""
    for name in ("mistakes.py", "right_uses.py"):
        shutil.copy(HERE / name, tmp_path)
    return tmp_path


def checked(program: str, work: Path, *, python: Path) -> subprocess.CompletedProcess[str]:
    """Run a type checker over the project."""
    command = [str(BIN / program), *PROGRAMS[program], str(python), "mistakes.py", "right_uses.py"]
    return subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("program", PROGRAMS)
def test_checkers_report_every_mistake_and_no_right_use(program: str, installed: Path, work: Path) -> None:
    """A mistake that is not reported is an unused comment, which both report."""
    found = checked(program, work, python=installed)

    assert 0 == found.returncode, found.stdout


@pytest.fixture(scope="module")
def server(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """The language server of an editor that is set to the new environment."""
    with LanguageServer(tmp_path_factory.mktemp("editor"), python=installed) as server:
        yield server


@pytest.mark.parametrize("typed", OFFERED)
def test_editors_offer_the_names_of_the_declaration(typed: str, server: LanguageServer) -> None:
    """Lookups, values, orders, fields, and the verbs of reverse sets."""
    found = server.completions(f"{START}{typed}\n")

    assert [] == [name for name in OFFERED[typed] if name not in found]


@pytest.mark.parametrize("program", PROGRAMS)
def test_checkers_notice_a_wheel_without_the_stub(program: str, installed: Path, work: Path) -> None:
    """Then hardly a mistake is reported, so that the tests above would fail."""
    stub = next(installed.parents[1].rglob("synapse/entities/typed.pyi"))
    kept = stub.rename(stub.with_suffix(".away"))
    try:
        found = checked(program, work, python=installed)
    finally:
        kept.rename(stub)

    assert 20 < found.stdout.count("mistakes.py:")
