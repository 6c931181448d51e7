"""Checksums of files that were read before, so that the next run need not read them again."""

from __future__ import annotations

import hashlib
import time
import zlib

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from synapse.session import Session
from synapse.transfer.source import Source
from synapse.transfer.state import DAY, state_of

if TYPE_CHECKING:
    import sqlite3

Kind: TypeAlias = Literal["md5", "sha1"]

LARGEST: Final = 64 * 1024 * 1024  # bytes of the database; half a million files and more
_AT_ONCE: Final = 500  # SQLite takes no statement with more than 999 variables everywhere


def known_digests(session: Session, sources: Sequence[Source], *, kind: Kind) -> list[str | None]:
    """Return the checksum of each file, in order, as far as it was remembered and the file is still the same.

    One short transaction serves them all: ask for a batch at once.
    """
    state = state_of(session)
    keys = [_key(source, kind) for source in sources]

    def look(database: sqlite3.Connection) -> dict[bytes, str]:
        found: dict[bytes, str] = {}
        for start in range(0, len(keys), _AT_ONCE):
            part = keys[start : start + _AT_ONCE]
            marks = ",".join("?" * len(part))
            rows = database.execute(f"SELECT file, digest FROM digests WHERE file IN ({marks})", part)
            found.update(rows.fetchall())
            # Which day they were used on is enough to know the oldest, and most look-ups then write nothing.
            stale = f"UPDATE digests SET used = ? WHERE file IN ({marks}) AND used < ?"
            database.execute(stale, (time.time(), *part, time.time() - DAY))
        return found

    found = (state.run(look) if state is not None and keys else None) or {}
    return [_opened(key, found.get(key)) for key in keys]


def remember_digests(session: Session, digests: Iterable[tuple[Source, str]], *, kind: Kind) -> None:
    """Remember checksums of files that were read whole and did not change meanwhile; ask for a batch at once.

    A file that was written to just before it was looked at is left out: it could be written to once more without a
    change of its times.
    """
    state = state_of(session)
    now = time.time()
    settled = [(_key(source, kind), digest) for source, digest in digests if source.settled]
    rows = [(key, _sealed(key, digest), now) for key, digest in settled]

    def keep(database: sqlite3.Connection) -> None:
        database.executemany("INSERT OR REPLACE INTO digests VALUES (?, ?, ?)", rows)
        if _size(database) > LARGEST:
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


def _sealed(key: bytes, digest: str) -> str:
    return f"{digest}#{zlib.crc32(key + digest.encode()):08x}"


def _opened(key: bytes, kept: str | None) -> str | None:
    """Give a checksum as it was kept; where a bit of it has changed, the file is read again."""
    digest = (kept or "").partition("#")[0]
    return digest if kept == _sealed(key, digest) else None


def _key(source: Source, kind: Kind) -> bytes:
    # Not the path itself: half a million names are nobody's business, and large. Those of 0.1.0 have no checksums.
    text = f"sealed {kind} {source.identity} {source.changed_ns} ".encode() + source.place
    return hashlib.blake2b(text, digest_size=16).digest()
