"""The folder in which a session keeps what is to outlive the process: a small database, and locks."""

from __future__ import annotations

import contextlib
import itertools
import logging
import os
import time

from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from synapse.session import Session

if TYPE_CHECKING:
    import sqlite3

T = TypeVar("T")

DAY: Final = 86_400
# The number is that of the tables: another version of them is another file, so that two releases can run side by side.
DATABASE: Final = "journal-1.sqlite3"

_BUSY: Final = 5.0
_DAMAGED: Final = frozenset({11, 26})  # SQLITE_CORRUPT and SQLITE_NOTADB
_TABLES: Final = (
    """
    CREATE TABLE IF NOT EXISTS uploads (
        host TEXT, tenant TEXT, path BLOB, stamp TEXT, chunk_size TEXT, name TEXT,
        address TEXT NOT NULL, md5 TEXT, created REAL NOT NULL,
        PRIMARY KEY (host, tenant, path, stamp, chunk_size, name)
    ) WITHOUT ROWID
    """,
    """
    CREATE TABLE IF NOT EXISTS digests (
        file BLOB PRIMARY KEY, digest TEXT NOT NULL, used REAL NOT NULL
    ) WITHOUT ROWID
    """,
    "CREATE INDEX IF NOT EXISTS digests_by_use ON digests (used)",
)

logger: Final = logging.getLogger("synapse")


class State:
    """What is kept in one folder; where it cannot be used, nothing is kept, and the log says so once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._failures = itertools.count()
        self._uses = itertools.count()

    def run(self, work: Callable[[sqlite3.Connection], T]) -> T | None:
        """Do *work* in one short transaction and return its result, `None` if the database cannot be used."""
        try:
            import sqlite3
        except ImportError as error:  # Python can be built without it
            self._without(error)
            return None
        try:
            return self._transact(work)
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            # The words of SQLite's errors hold what is damaged, and may be no text.
            told = isinstance(error, UnicodeDecodeError)
            if not told and getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
                self._without(error)
                return None
            self._warn(
                "%s is damaged (%s) and was put aside: uploads that were under way begin anew",
                self.database,
                error,
            )
        try:
            with contextlib.suppress(FileNotFoundError):
                self.database.replace(self.database.with_suffix(".damaged"))
            return self._transact(work)
        except (OSError, sqlite3.Error) as error:
            self._without(error)
            return None

    @property
    def database(self) -> Path:
        """The file of the database."""
        return self.folder / DATABASE

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[bool]:
        """Hold the lock of that name if it is free, and tell whether it is held; death releases it."""
        from filelock import FileLock, Timeout

        self._sweep()
        path = self.folder / f"{name}.lock"
        lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)
        try:
            self._prepare()
            lock.acquire()
        except Timeout:
            held = False
        except (OSError, NotImplementedError) as error:
            self._without(error)
            held = False
        else:
            held = True
        try:
            yield held
        finally:
            if held:
                with contextlib.suppress(OSError):
                    path.unlink()
                lock.release()

    def _transact(self, work: Callable[[sqlite3.Connection], T]) -> T:
        import sqlite3

        self._prepare()
        # Opened anew each time, a connection is neither shared between threads nor carried into a forked child. It
        # keeps to a rollback journal: a home folder may be a network share, where write-ahead logs do not work. And it
        # never waits for the disk: what a power cut leaves behind is checked before it is used, as all that is kept.
        opened = sqlite3.connect(self.database, timeout=_BUSY, isolation_level=None)
        with contextlib.closing(opened) as database:
            database.execute("PRAGMA synchronous = OFF")
            database.execute("BEGIN IMMEDIATE")
            try:
                for table in _TABLES:
                    database.execute(table)
                _close_to_others(self.database, mode=0o600)
                result = work(database)
                database.execute("COMMIT")
            except BaseException:
                with contextlib.suppress(sqlite3.Error):
                    database.execute("ROLLBACK")
                raise
        return result

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(self.folder, mode=0o700)

    def _without(self, error: Exception) -> None:
        self._warn(
            "nothing can be kept in %s (%s): uploads work, but one that is interrupted begins anew in the next "
            "process. Set SYNAPSE_STATE_DIR to a folder that can be written to",
            self.folder,
            error,
        )

    def _warn(self, words: str, place: Path, error: Exception) -> None:
        if not next(self._failures):
            logger.warning(words, place, error)

    def _sweep(self) -> None:
        """Remove, once in a process, the locks that killed processes left behind long ago."""
        if next(self._uses):
            return
        with contextlib.suppress(OSError):
            for path in self.folder.glob("*.lock"):
                if time.time() - path.stat().st_mtime > 2 * DAY:
                    path.unlink()


def _close_to_others(path: Path, *, mode: int) -> None:
    # By its path only: to open and close the database would drop the locks that other threads have on it.
    if os.name == "posix" and path.stat().st_mode & 0o077:
        path.chmod(mode)


def state_of(session: Session) -> State | None:
    """Return where *session* keeps its state, `None` if it is to keep none."""
    folder = session.settings.state_dir
    if folder is False:
        return None
    if folder is None:
        from platformdirs import user_state_path

        folder = user_state_path("synapse", appauthor=False)
    # A folder of our own in it can be closed to others, whatever else is in there.
    return _state_in(folder / "uploads")


@lru_cache(maxsize=64)
def _state_in(folder: Path) -> State:
    return State(folder)
