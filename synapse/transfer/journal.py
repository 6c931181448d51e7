"""Which uploads are under way, remembered for the next process in case this one dies.

An address is kept with a checksum of its whole row: where a bit of it has changed, it could be another upload's.
"""

from __future__ import annotations

import contextlib
import hashlib
import time
import zlib

from collections.abc import Iterator
from typing import TYPE_CHECKING, Final, TypeAlias
from urllib.parse import urlsplit

import attrs

from synapse.session import Session
from synapse.transfer.source import Source
from synapse.transfer.state import DAY, State, state_of

if TYPE_CHECKING:
    import sqlite3

_Key: TypeAlias = dict[str, str | bytes]

_PLACES: Final = ("host", "tenant", "path", "stamp", "chunk_size", "name")
_THIS: Final = " AND ".join(f"{place} = :{place}" for place in _PLACES)
_BEGUN: Final = f"INSERT OR REPLACE INTO uploads VALUES (:{', :'.join(_PLACES)}, :address, NULL, :now)"


@attrs.define
class Entry:
    """What is known of one upload: its `address`, and the `md5` that it is being closed with.

    Without a `key`, nothing is known, and nothing is kept.
    """

    address: str | None = None
    md5: str | None = None
    _session: Session | None = attrs.field(default=None, repr=False)
    _state: State | None = attrs.field(default=None, repr=False)
    _key: _Key | None = attrs.field(default=None, repr=False)
    _path: str | None = attrs.field(default=None, repr=False)

    def begin(self, address: str) -> None:
        """Remember where the upload is gone on with: only its path, on the session's own host."""
        self.address, self.md5 = address, None
        if self._session is None:
            return
        path = urlsplit(self._session.settings.base.follow(address, start=self._session.host)).path
        self._path = path
        self._write(_BEGUN, address=_sealed(path, None, self._key), now=time.time())

    def close(self, md5: str) -> None:
        """Remember the MD5 of the bytes that the backend has, now that it has them all."""
        self.md5 = md5
        if self._path is not None:
            sealed = _sealed(self._path, md5, self._key)
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
def claimed(session: Session, source: Source, *, name: str, chunk_size: int) -> Iterator[Entry]:
    """Give the entry of this upload to one caller at a time, of all threads and processes; the others get a blank."""
    state = state_of(session)
    if state is None:
        yield Entry()
        return
    tenant = session.settings.tenant or ""
    values = (session.host, tenant, source.place, source.identity, str(chunk_size), name)
    key: _Key = dict(zip(_PLACES, values, strict=True))
    with state.locked(hashlib.sha256(repr(values).encode()).hexdigest()[:32]) as held:
        yield _found(session, state, key) if held else Entry()


def _found(session: Session, state: State, key: _Key) -> Entry:
    def look(database: sqlite3.Connection) -> tuple[str, str | None] | None:
        # The backend keeps an unfinished upload for a day. What comes from the future is the fault of a clock.
        database.execute("DELETE FROM uploads WHERE abs(? - created) > ?", (time.time(), DAY))
        row = database.execute(f"SELECT address, md5 FROM uploads WHERE {_THIS}", key).fetchone()
        return row if row is None else (row[0], row[1])

    address, md5 = state.run(look) or (None, None)
    path = _opened(address, md5, key)
    if path is None:
        return Entry(None, None, session, state, key)
    return Entry(session.origin + path, md5, session, state, key, path)


def _sealed(path: str, md5: str | None, key: _Key | None) -> str:
    """Put the checksum of a row behind its address, where an older release takes it for a fragment."""
    crc = zlib.crc32(repr((path, md5, sorted((key or {}).items()))).encode())
    return f"{path}#{crc:08x}"


def _opened(address: object, md5: str | None, key: _Key) -> str | None:
    """Give the path of an address; None where the row is damaged. One of 0.1.0 has no checksum."""
    if not isinstance(address, str) or not address.startswith("/") or address.startswith("//"):
        return None
    path, sealed, _ = address.rpartition("#")
    if sealed and address != _sealed(path, md5, key):
        return None
    return path or address
