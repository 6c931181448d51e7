"""A real backend, a proxy that does harm in front of it, and a look behind it that no fault reaches."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import os
import re
import signal

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from synapse import DataCollection, Session
from synapse.dialects import Api
from synapse.session import Retry
from tests.faults.hostile import Backend, Proxy
from tests.faults.tls import NAME, Certificates
from tests.sandbox.wire import Wire

HANG: Final = 60
"""Seconds after which a test counts as hung; none needs more than a few."""

MakeFile = Callable[..., Path]
Connect = Callable[..., Session]


class HungError(AssertionError):
    """A test took longer than anything may take."""


@pytest.fixture(autouse=True)
def hang_guard() -> Iterator[None]:
    """End a test that hangs, with the place where it does."""

    def ring(*_: object) -> None:
        raise HungError(f"nothing happened for {HANG} s")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(HANG)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


@pytest.fixture(autouse=True)
def swept(request: pytest.FixtureRequest) -> Iterator[None]:
    """Have Python close what a test left to it by an interrupt within that test, where the warning is expected."""
    yield
    marks = request.node.iter_markers("filterwarnings")
    if any(text.startswith("ignore:") for mark in marks for text in mark.args):
        gc.collect()


@pytest.fixture(autouse=True)
def only_given_settings(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings, profile and journals of whoever runs the tests out of them, and theirs to themselves."""
    for name in [
        name for name in os.environ if re.search("^SYNAPSE_|_CA_BUNDLE$|_proxy$", name, re.IGNORECASE)
    ]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run a real backend for every test that does not kill it."""
    with Backend(tmp_path_factory.mktemp("backend"), allow_hosts=[NAME]) as backend:
        yield backend


@pytest.fixture(scope="session")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run a backend with a row of every kind."""
    with Backend(tmp_path_factory.mktemp("seeded"), seed="demo") as backend:
        yield backend


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    """Make an authority, and certificates of every kind."""
    return Certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    """Stand between the session and the backend; harmless until told otherwise."""
    with Proxy(backend.address) as proxy:
        yield proxy


@pytest.fixture
def connect(backend: Backend) -> Iterator[Connect]:
    """Open sessions that give up soon."""
    with contextlib.ExitStack() as stack:

        def make(
            url: str, *, retries: int = 1, backoff: float = 0.001, read: float = 10, api: Api = "auto"
        ) -> Session:
            session = Session(
                url,
                api_token=backend.sandbox.api_token,
                api=api,
                retry=Retry(total=retries, backoff=backoff, cap=1),
                timeout={"connect": 5, "read": read},
            )
            stack.callback(session.close)
            return session

        yield make


@pytest.fixture
def session(proxy: Proxy, connect: Connect) -> Iterator[Session]:
    """The current session, through the proxy."""
    with connect(proxy.url) as session:
        yield session


@pytest.fixture
def make_file(tmp_path: Path) -> MakeFile:
    """Write files whose content no other test has."""

    def make(name: str | bytes = "scan.bin", *, size: int = 3000, content: bytes | None = None) -> Path:
        path = tmp_path / os.fsdecode(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(os.urandom(size) if content is None else content)
        return path

    return make


def md5(path: Path) -> str:
    """Return the MD5 of what is on disk now."""
    return hashlib.md5(path.read_bytes()).hexdigest()


@attrs.frozen
class Place:
    """A collection with its project, and what the backend has of them: asked past the proxy, without the SDK."""

    wire: Wire = attrs.field(repr=False)
    collection: int
    project: int

    def collection_of(self, session: Session) -> DataCollection:
        """Return the collection, as a session has it."""
        return DataCollection.objects.using(session).get(self.collection)

    @property
    def units(self) -> list[dict[str, Any]]:
        """The units of the collection."""
        rows: list[dict[str, Any]] = self.rows(f"data_units/?data_collection={self.collection}&expand=files")
        return rows

    @property
    def names(self) -> list[str]:
        """The original names of the units' files, sorted."""
        return sorted(file["file_name_original"] for unit in self.units for file in self._files_of(unit))

    @property
    def contents(self) -> list[str]:
        """The MD5 of what the backend gives out for every file of a unit, sorted."""
        return sorted(self.md5_at(file["url"]) for unit in self.units for file in self._files_of(unit))

    @property
    def assigned(self) -> list[str]:
        """The same for the units of the project's tasks, each as often as it has one."""
        units = {unit["id"]: self._files_of(unit) for unit in self.units}
        tasks = self.rows(f"tasks/?project={self.project}")
        return sorted(self.md5_at(file["url"]) for task in tasks for file in units[task["data_unit"]])

    @property
    def total(self) -> int:
        """How many files the backend stores, of everyone."""
        return int(self.wire.get("data_files/?page_size=1")["count"])

    def stored(self, checksum: str) -> list[str]:
        """Return the MD5 of what the backend gives out for each stored file of that checksum."""
        return [self.md5_at(row["file"]) for row in self.rows(f"data_files/?checksum={checksum}")]

    def rows(self, path: str) -> Any:
        """Return the rows of a list."""
        return self.wire.get(f"{path}&page_size=1000")["results"]

    def md5_at(self, url: str) -> str:
        """Fetch a file and return its MD5."""
        answer = self.wire.send("GET", url)
        assert 200 == answer.status_code
        return hashlib.md5(answer.content).hexdigest()

    def _files_of(self, unit: dict[str, Any]) -> list[dict[str, Any]]:
        return list(unit["files"].values())


@pytest.fixture
def place(backend: Backend) -> Place:
    """Make a collection of data files and a project over it."""
    return make_place(backend)


def make_place(backend: Backend) -> Place:
    """Make a collection of data files and a project over it."""
    wire = Wire(backend.url, backend.sandbox.api_token)
    spec = {"name": "data_1", "file_type": "data", "index": 1, "function_type": "main"}
    spec |= {"is_primary": True, "is_required": True}
    made = wire.create(
        "data_collections/", {"name": "Faults", "category": "data", "file_specifications": [spec]}
    )
    project = wire.create("projects/", {"title": "Faults", "category": "text", "data_collection": made["id"]})
    return Place(wire, made["id"], project["id"])


@pytest.fixture
def nothing_else_called() -> Iterator[None]:
    """Keep interrupts out of what Hypothesis has called at each collection, which would swallow them."""
    kept, gc.callbacks[:] = list(gc.callbacks), []
    yield
    gc.callbacks[:] = kept
