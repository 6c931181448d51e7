"""An open storage: reached by what the backend gives, and opened anew when that has expired."""

from __future__ import annotations

import os

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING, Any, Final, TypeVar

from synapse.errors import ConfigError, StorageError, SynapseError
from synapse.interop.storages.access import Access, access_of
from synapse.interop.storages.engine import WINDOW, Block, ChangedError, Engine, Entry
from synapse.interop.storages.problems import explained, is_denied, is_lost, told
from synapse.interop.storages.providers import open_engine
from synapse.orm.binding import backend_of, held
from synapse.session.process import Locks

if TYPE_CHECKING:
    from synapse.entities.storage import Storage

T = TypeVar("T")

_BREAKS: Final = 3


class OpenStorage:
    """A storage, and the engine that reaches it, which is opened with the first request to it.

    A pickle holds the storage's key and no secret, and asks the backend where it is loaded.
    """

    def __init__(
        self, storage: Storage, *, write: bool = False, options: Mapping[str, Any] | None = None
    ) -> None:
        self.storage, self.write = storage, write
        self._options = options
        self._locks = Locks()
        self._held: tuple[int, Engine, Access] | None = None

    def __repr__(self) -> str:
        return f"<{self.label}{'' if self.write else ', read-only'}>"

    def __reduce__(self) -> Any:
        if self._options:
            raise ConfigError(
                f"{self.label} was opened with options=, which may hold secrets and are not pickled: open it on the "
                "worker instead"
            )
        return _reopened, (self.storage, self.write)

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"storage {self.storage.pk}"

    @property
    def host(self) -> str:
        """The backend that it is a storage of."""
        backend = backend_of(self.storage)
        return backend.host if backend is not None else ""

    def open(self) -> None:
        """Ask for what it takes to reach the storage, so that what lacks is told now."""
        self._engine()

    def run(self, key: str, call: Callable[[Engine], T]) -> T:
        """Do something with the engine; what fails is told in our own words."""
        failed: BaseException | None = None
        access = None
        for last in (False, True):
            engine, access = self._engine(instead_of=access if failed else None)
            try:
                return call(engine)
            except SynapseError:
                raise
            except BaseException as error:
                failed = told(error)
            if last or not (is_denied(failed) and access.renewable or self._is_stale(failed, engine)):
                break
        problem = self._problem(failed, access, key)
        failed = None  # tools that show the locals of a traceback would show what it quotes
        raise problem

    @contextmanager
    def telling(self, key: str) -> Iterator[None]:
        """Tell what fails in the block in our own words."""
        problem: StorageError | None = None
        try:
            yield
        except SynapseError:
            raise
        except BaseException as error:
            problem = self._problem(told(error), self._engine()[1], key)
        if problem is not None:
            raise problem

    def change(self, key: str, call: Callable[[Engine], T]) -> T:
        """Do something that writes."""
        self._check_write(key)
        return self.run(key, call)

    def blocks(self, entry: Entry, *, start: int, stop: int, window: int = WINDOW) -> Iterator[Block]:
        """Yield the bytes from *start* to *stop*, window by window; a break is made up for by the next."""
        breaks = 0
        while start < stop:
            part = {"start": start, "stop": min(start + window, stop)}
            begin = partial(_begun, entry=entry, part=part)
            reading, block = self.run(entry.key, begin)
            failed: BaseException | None = None
            while block and failed is None:
                start, breaks = start + len(block), 0
                yield block
                block, failed = _next(reading)
            if failed is not None:
                breaks += 1
                if breaks > _BREAKS or isinstance(failed, ChangedError):
                    problem = self._problem(failed, self._engine()[1], entry.key)
                    failed = None
                    raise problem

    def writing(self, key: str) -> Any:
        """Open a file to write to, as a context."""
        self._check_write(key)
        return self.run(key, lambda engine: engine.write(key))

    def _check_write(self, key: str) -> None:
        if not self.write:
            raise StorageError(
                f"{self.label} is open for reading only, so {key!r} stays as it is: filesystem(write=True) allows it"
            )

    def _engine(self, *, instead_of: Access | None = None) -> tuple[Engine, Access]:
        """Give the engine; another one where the process was forked, or its credentials are (almost) over."""
        with self._locks.mine:
            process = os.getpid()
            if self._held is not None:
                opened_by, engine, access = self._held
                if opened_by == process and not access.expired and access is not instead_of:
                    return engine, access
            engine, access = self._opened()
            self._held = (process, engine, access)
            return engine, access

    def _opened(self) -> tuple[Engine, Access]:
        session = held(self.storage, "open")
        access = access_of(
            self.storage, session, purpose="write" if self.write else "read", options=self._options
        )
        problem: StorageError | None = None
        try:
            engine = open_engine(
                access, label=self.label, options=self._options or {}, timeout=session.settings.timeout
            )
        except (SynapseError, ModuleNotFoundError):
            raise
        except Exception as error:
            problem = self._problem(error, access, "")
        else:
            return engine, access
        raise problem

    def _is_stale(self, error: BaseException, engine: Engine) -> bool:
        # obstore repeats by itself; a server's idle connection that was closed is opened once more.
        return type(engine).__module__.endswith(".servers") and is_lost(error)

    def _problem(self, error: BaseException | None, access: Access | None, key: str) -> StorageError:
        assert error is not None and access is not None
        return explained(error, label=f"{self.label} ({access.provider})", key=key, masker=access.masker())


def _reopened(storage: Storage, write: bool) -> OpenStorage:
    return OpenStorage(storage, write=write)


def _begun(engine: Engine, *, entry: Entry, part: Mapping[str, int]) -> tuple[Iterator[Block], Block]:
    """Ask for the first bytes, so that a refusal is told by the call that begins to read."""
    blocks = engine.read(entry, start=part["start"], stop=part["stop"])
    first = next(blocks, b"")
    if not first:
        raise ChangedError("it was cut")
    return blocks, first


def _next(blocks: Iterator[Block]) -> tuple[Block, BaseException | None]:
    try:
        return next(blocks, b""), None
    except SynapseError:
        raise
    except BaseException as error:
        return b"", told(error)
