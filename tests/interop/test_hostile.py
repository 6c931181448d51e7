"""Our flat client and the vendor's against the same misbehaving servers."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from tests.faults.hostile import Backend, Proxy
from tests.interop.hostile_cases import CASES, ROW, SIZE, Came, Case, table
from tests.servers import Server, reply

pytestmark = pytest.mark.full

HERE: Final = Path(__file__).parent
ROOT: Final = HERE.parents[1]


@attrs.frozen
class Stage:
    """The servers of one case, as one client met them."""

    near: Server | Proxy
    far: Server

    @property
    def url(self) -> str:
        """Where the client is sent."""
        return self.near.url if isinstance(self.near, Proxy) else self.near.origin

    def leaked(self, token: str) -> bool:
        """Whether the other host got to see the token."""
        return any(token in value for each in self.far.received for value in each.headers.values())


@attrs.frozen
class Run:
    """What one client told of every case, and the servers that it met."""

    told: dict[str, dict[str, Any]]
    stages: dict[str, Stage]
    token: str


@pytest.fixture(scope="module")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run a real backend for the uploads."""
    with Backend(tmp_path_factory.mktemp("backend")) as backend:
        yield backend


def stage(stack: contextlib.ExitStack, case: Case, backend: Backend, *, file: Path) -> Stage:
    """Set up the servers of a case."""
    far = stack.enter_context(Server(reply(data=ROW)))
    if case.harm is not None:
        proxy = stack.enter_context(Proxy(backend.address))
        case.harm(proxy, file)
        return Stage(proxy, far)
    near = stack.enter_context(Server())
    near.script = case.script(near.origin, far.origin)
    return Stage(near, far)


@contextlib.contextmanager
def running(python: Path, name: str, backend: Backend, *, folder: Path) -> Iterator[Run]:
    """Have one client go through all cases in a process of its own."""
    file, token = folder / "scan.bin", backend.sandbox.api_token
    file.write_bytes(os.urandom(SIZE))
    with contextlib.ExitStack() as stack:
        stages = {case.name: stage(stack, case, backend, file=file) for case in CASES}
        urls = {name: each.url for name, each in stages.items()}
        done = subprocess.run(
            [python, HERE / "hostile_deeds.py", name],
            input=json.dumps({"urls": urls, "token": token, "file": str(file)}),
            capture_output=True,
            text=True,
            timeout=120,
            cwd=folder,
            env={"PATH": os.environ.get("PATH", ""), "HOME": str(folder), "PYTHONPATH": str(ROOT)},
        )
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        assert len(CASES) == len(lines), done.stderr
        yield Run({line["deed"]: line for line in lines}, stages, token)


@pytest.fixture(scope="module")
def ours(backend: Backend, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """What our flat client does."""
    with running(Path(sys.executable), "synapse", backend, folder=tmp_path_factory.mktemp("ours")) as run:
        yield run


@pytest.fixture(scope="module")
def theirs(backend: Backend, vendor_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Run]:
    """What the vendor's client does."""
    with running(vendor_python, "synapse_sdk", backend, folder=tmp_path_factory.mktemp("theirs")) as run:
        yield run


def came(run: Run, case: Case, expected: Came) -> Came:
    """Say what came of a case, in so far as it is expected to be something."""
    told, stage = run.told[case.name], run.stages[case.name]
    says = expected.says.format(token=run.token)
    connections = len(stage.near.connections) if isinstance(stage.near, Server) else 0
    return Came(
        told.get("error"),
        told.get("value"),
        expected.says if says in told.get("text", "") else told.get("text", ""),
        None if expected.requests is None else len(stage.near.received),
        None if expected.connections is None else connections,
        stage.leaked(run.token),
        expected.told,
    )


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_ours(ours: Run, case: Case) -> None:
    """Our client does what is promised, and its token is in no message."""
    assert case.ours == came(ours, case, case.ours)
    assert ours.token not in ours.told[case.name].get("text", "")


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_theirs(theirs: Run, case: Case) -> None:
    """The vendor's client does what the table says of it."""
    assert case.theirs == came(theirs, case, case.theirs)


def test_errors_of_ours_are_of_one_tree(ours: Run) -> None:
    """Whatever our client raised is a `SynapseError`."""
    raised = {name: told["kinds"] for name, told in ours.told.items() if "error" in told}

    assert {} == {name: kinds for name, kinds in raised.items() if "SynapseError" not in kinds}


def test_threads_of_ours_share_the_connections(ours: Run) -> None:
    """However many threads ask, there are no more connections than workers."""
    near = ours.stages["threads"].near

    assert isinstance(near, Server)
    assert len(near.connections) <= 8


def test_every_deed_is_a_case() -> None:
    """The script does what the table has, in its order."""
    deeds = [line.split("(")[0].removeprefix("def ") for line in _after_marks()]

    assert [case.name for case in CASES] == deeds


def _after_marks() -> list[str]:
    lines = (HERE / "hostile_deeds.py").read_text(encoding="utf-8").splitlines()
    return [lines[number + 1] for number, line in enumerate(lines) if line == "@deed"]


def test_the_table_of_the_documentation_is_this_one() -> None:
    """`docs/hardening.md` says of both clients what is tested here."""
    assert table() in (ROOT / "docs" / "hardening.md").read_text(encoding="utf-8")
