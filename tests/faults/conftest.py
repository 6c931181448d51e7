"""A real backend, a proxy that does harm in front of it, and a look behind it that no fault reaches."""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import attrs
import pytest

from synapse import DataCollection, DataFile, FileSpecification, Project, Session, Task
from synapse.session import Retry
from tests.faults.hostile import Backend, Proxy

HANG: Final = 30
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
def only_given_settings(backend: Backend, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep settings, profile and journals of whoever runs the tests out of them, and theirs to themselves."""
    for name in [name for name in os.environ if name.startswith("SYNAPSE_")]:
        monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(home / name.lower()))


@pytest.fixture(scope="session")
def backend(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Backend]:
    """Run a real backend for every test that does not kill it."""
    with Backend(tmp_path_factory.mktemp("backend")) as backend:
        yield backend


@pytest.fixture
def proxy(backend: Backend) -> Iterator[Proxy]:
    """Stand between the session and the backend; harmless until told otherwise."""
    with Proxy(backend.address) as proxy:
        yield proxy


@pytest.fixture
def connect(backend: Backend) -> Iterator[Connect]:
    """Open sessions that give up soon."""
    with contextlib.ExitStack() as stack:

        def make(url: str, *, retries: int = 1, read: float = 10, **settings: Any) -> Session:
            session = Session(
                url,
                api_token=backend.sandbox.api_token,
                retry=Retry(total=retries, backoff=0.001),
                timeout={"connect": 5, "read": read},
                **settings,
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
    """A collection with its project, as they stand at the backend: asked directly, whatever the line is like."""

    collection: DataCollection
    project: Project
    direct: Session = attrs.field(repr=False)

    @property
    def units(self) -> list[Any]:
        """The units of the collection, by their original names."""
        with self.direct:
            return list(self.collection.units.using(self.direct))

    @property
    def names(self) -> list[str]:
        """The original names of the units' files, sorted."""
        return sorted(file.name for unit in self.units for file in unit.files.values())

    @property
    def contents(self) -> list[str]:
        """The MD5 of what the backend gives out for every unit, sorted."""
        with self.direct:
            return sorted(
                hashlib.md5(file.read()).hexdigest() for unit in self.units for file in unit.files.values()
            )

    @property
    def tasks(self) -> int:
        """How many tasks the project has."""
        return Task.objects.using(self.direct).filter(project=self.project.id).count()

    def stored(self, checksum: str) -> list[str]:
        """Return the MD5 of each stored file that goes by *checksum*, read from the backend."""
        files = DataFile.objects.using(self.direct).filter(checksum=checksum)
        with self.direct:
            return [hashlib.md5(file.file.read()).hexdigest() for file in files if file.file]

    @property
    def total(self) -> int:
        """How many files the backend stores."""
        return DataFile.objects.using(self.direct).count()


@pytest.fixture
def direct(backend: Backend, connect: Connect) -> Session:
    """A session past the proxy, which is not current."""
    return connect(backend.url)


@pytest.fixture
def place(direct: Session, session: Session) -> Place:
    """Make a collection of data files and its project; both belong to the session behind the proxy."""
    spec = FileSpecification(name="data_1", file_type="data", is_primary=True, is_required=True)
    made = DataCollection.objects.using(direct).create(
        name="Faults", category="data", file_specifications=[spec]
    )
    project = Project.objects.using(direct).create(
        title="Faults", category="text", data_collection_id=made.id
    )
    collection = DataCollection.objects.using(session).get(made.id)
    return Place(collection, Project.objects.using(session).get(project.id), direct)
