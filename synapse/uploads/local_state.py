"""The folder in which a session keeps what is to outlive the process: a small database, and locks."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
import logging
import os
import time
import zlib

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypeVar
from urllib.parse import urlsplit

import attrs

from synapse.session import Session
from synapse.transfer.local_file import Source

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

_Key: TypeAlias = dict[str, str | bytes]
_COLUMNS: Final = ("host", "tenant", "path", "stamp", "chunk_size", "name")
_THIS: Final = " AND ".join(f"{column} = :{column}" for column in _COLUMNS)
_BEGUN: Final = f"INSERT OR REPLACE INTO uploads VALUES (:{', :'.join(_COLUMNS)}, :address, NULL, :now)"
Kind: TypeAlias = Literal["md5", "sha1"]
LARGEST_DATABASE: Final = 64 * 1024 * 1024  # bytes of the database; half a million files and more
_AT_ONCE: Final = 500  # SQLite takes no statement with more than 999 variables everywhere


class StateStore:
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
            self._warn_unusable(error)
            return None
        try:
            return self._transact(work)
        except (OSError, sqlite3.Error, UnicodeDecodeError) as error:
            # The words of SQLite's errors hold what is damaged, and may be no text.
            told = isinstance(error, UnicodeDecodeError)
            if not told and getattr(error, "sqlite_errorcode", 0) & 0xFF not in _DAMAGED:
                self._warn_unusable(error)
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
            self._warn_unusable(error)
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
            self._make_folder()
            lock.acquire()
        except Timeout:
            held = False
        except (OSError, NotImplementedError) as error:
            self._warn_unusable(error)
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

        self._make_folder()
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

    def _make_folder(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _close_to_others(self.folder, mode=0o700)

    def _warn_unusable(self, error: Exception) -> None:
        self._warn(
            "nothing can be kept in %s (%s): uploads work, but one that is interrupted begins anew in the next "
            "process. Set SYNAPSE_STATE_DIR to a folder that can be written to",
            self.folder,
            error,
        )

    def _warn(self, words: str, column: Path, error: Exception) -> None:
        if not next(self._failures):
            logger.warning(words, column, error)

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


def state_store(session: Session) -> StateStore | None:
    """Return where *session* keeps its state, `None` if it is to keep none."""
    folder = session.settings.state_dir
    if folder is False:
        return None
    if folder is None:
        from platformdirs import user_state_path

        folder = user_state_path("synapse", appauthor=False)
    # A folder of our own in it can be closed to others, whatever else is in there.
    return _store_in(folder / "uploads")


@lru_cache(maxsize=64)
def _store_in(folder: Path) -> StateStore:
    return StateStore(folder)


@attrs.define
class UploadEntry:
    """What is known of one upload: its `address`, and the `md5` that it is being closed with.

    Without a `key`, nothing is known, and nothing is kept.
    """

    address: str | None = None
    md5: str | None = None
    _session: Session | None = attrs.field(default=None, repr=False)
    _state: StateStore | None = attrs.field(default=None, repr=False)
    _key: _Key | None = attrs.field(default=None, repr=False)
    _path: str | None = attrs.field(default=None, repr=False)

    def begin(self, address: str) -> None:
        """Remember where the upload is gone on with: only its path, on the session's own host."""
        self.address, self.md5 = address, None
        if self._session is None:
            return
        path = urlsplit(self._session.settings.base.follow(address, start=self._session.host)).path
        self._path = path
        self._write(_BEGUN, address=_address_with_crc(path, None, self._key), now=time.time())

    def close(self, md5: str) -> None:
        """Remember the MD5 of the bytes that the backend has, now that it has them all."""
        self.md5 = md5
        if self._path is not None:
            sealed = _address_with_crc(self._path, md5, self._key)
            self._write(
                f"UPDATE uploads SET md5 = :md5, address = :address WHERE {_THIS}", md5=md5, address=sealed
            )

    def forget(self) -> None:
        """Forget the upload: it is registered, or of no use any more."""
        self.address = self.md5 = None
        self._write(f"DELETE FROM uploads WHERE {_THIS}")

    def _write(self, statement: str, **values: object) -> None:
        state, key = self._state, self._key
        if state is not None and key is not None:
            state.run(lambda database: database.execute(statement, {**key, **values}).close())


@contextlib.contextmanager
def claim_upload(session: Session, source: Source, *, name: str, chunk_size: int) -> Iterator[UploadEntry]:
    """Give the entry of this upload to one caller at a time, of all threads and processes; the others get a blank."""
    state = state_store(session)
    if state is None:
        yield UploadEntry()
        return
    tenant = session.settings.tenant or ""
    values = (session.host, tenant, source.place, source.identity, str(chunk_size), name)
    key: _Key = dict(zip(_COLUMNS, values, strict=True))
    with state.locked(hashlib.sha256(repr(values).encode()).hexdigest()[:32]) as held:
        yield _found_entry(session, state, key) if held else UploadEntry()


def _found_entry(session: Session, state: StateStore, key: _Key) -> UploadEntry:
    def read(database: sqlite3.Connection) -> tuple[str, str | None] | None:
        # The backend keeps an unfinished upload for a day. What comes from the future is the fault of a clock.
        database.execute("DELETE FROM uploads WHERE abs(? - created) > ?", (time.time(), DAY))
        row = database.execute(f"SELECT address, md5 FROM uploads WHERE {_THIS}", key).fetchone()
        return row if row is None else (row[0], row[1])

    address, md5 = state.run(read) or (None, None)
    path = _checked_path(address, md5, key)
    if path is None:
        return UploadEntry(None, None, session, state, key)
    return UploadEntry(session.origin + path, md5, session, state, key, path)


def _address_with_crc(path: str, md5: str | None, key: _Key | None) -> str:
    """Put the checksum of a row behind its address, where an older release takes it for a fragment."""
    crc = zlib.crc32(repr((path, md5, sorted((key or {}).items()))).encode())
    return f"{path}#{crc:08x}"


def _checked_path(address: object, md5: str | None, key: _Key) -> str | None:
    """Give the path of an address; None where the row is damaged. One of 0.1.0 has no checksum."""
    if not isinstance(address, str) or not address.startswith("/") or address.startswith("//"):
        return None
    path, sealed, _ = address.rpartition("#")
    if sealed and address != _address_with_crc(path, md5, key):
        return None
    return path or address


def remembered_digests(session: Session, sources: Sequence[Source], *, kind: Kind) -> list[str | None]:
    """Return the checksum of each file, in order, as far as it was remembered and the file is still the same.

    One short transaction serves them all: ask for a batch at once.
    """
    state = state_store(session)
    keys = [_digest_key(source, kind) for source in sources]

    def read(database: sqlite3.Connection) -> dict[bytes, str]:
        found: dict[bytes, str] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            placeholders = ",".join("?" * len(part))
            rows = database.execute(f"SELECT file, digest FROM digests WHERE file IN ({placeholders})", part)
            found.update(rows.fetchall())
            # Which day they were used on is enough to know the oldest, and most look-ups then write nothing.
            stale = f"UPDATE digests SET used = ? WHERE file IN ({placeholders}) AND used < ?"
            database.execute(stale, (time.time(), *part, time.time() - DAY))
        return found

    found = (state.run(read) if state is not None and keys else None) or {}
    return [_checked_digest(key, found.get(key)) for key in keys]


def remember_digests(session: Session, digests: Iterable[tuple[Source, str]], *, kind: Kind) -> None:
    """Remember checksums of files that were read whole and did not change meanwhile; ask for a batch at once.

    A file that was written to just before it was looked at is left out: it could be written to once more without a
    change of its times.
    """
    state = state_store(session)
    now = time.time()
    settled = [(_digest_key(source, kind), digest) for source, digest in digests if source.settled]
    rows = [(key, _digest_with_crc(key, digest), now) for key, digest in settled]

    def keep(database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", rows)
        if _size(database) > LARGEST_DATABASE:
            oldest = "SELECT file FROM digests ORDER BY used LIMIT (SELECT count(*) / 4 FROM digests)"
            database.execute(f"DELETE FROM digests WHERE file IN ({oldest})")

    if state is not None and rows:
        state.run(keep)


def _size(database: sqlite3.Connection) -> int:
    pages, free, each = (
        database.execute(f"PRAGMA {name}").fetchone()[0]
        for name in ("page_count", "freelist_count", "page_size")
    )
    return int((pages - free) * each)


def _digest_with_crc(key: bytes, digest: str) -> str:
    return f"{digest}#{zlib.crc32(key + digest.encode()):08x}"


def _checked_digest(key: bytes, kept: str | None) -> str | None:
    """Give a checksum as it was kept; where a bit of it has changed, the file is read again."""
    digest = (kept or "").partition("#")[0]
    return digest if kept == _digest_with_crc(key, digest) else None


def _digest_key(source: Source, kind: Kind) -> bytes:
    # Not the path itself: half a million names are nobody's business, and large. Those of 0.1.0 have no checksums.
    text = f"sealed {kind} {source.identity} {source.changed_ns} ".encode() + source.place
    return hashlib.blake2b(text, digest_size=16).digest()
