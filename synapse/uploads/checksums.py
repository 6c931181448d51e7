"""What the backend says of the bytes of a file: by which checksum it may know them before, and what has arrived."""

from __future__ import annotations

import hashlib
import math

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

import attrs

from synapse.dialects import Reply, Request
from synapse.errors import ClientError, ServerError, TransferError, TransportError, WriteUnconfirmedError
from synapse.masking import Masker, outline
from synapse.session import Session
from synapse.session.concurrency import Outcome, run_one
from synapse.transfer.local_file import BLOCK, Source
from synapse.uploads.local_state import remember_digests, remembered_digests

_SLOWEST: Final = 10 * 1024 * 1024  # bytes a second that a backend stores, or reads again, at the least

T = TypeVar("T")

AT_ONCE: Final = 1000
"""How many checksums are verified by one request."""

Map: TypeAlias = Callable[[Callable[[Any], Any], Iterable[Any]], Iterable[Any]]


@attrs.frozen
class ContentHashes:
    """The checksums of one content: what went through the backend is kept under its MD5, other files under SHA-1."""

    md5: str
    sha1: str


def hash_file(source: Source) -> ContentHashes:
    """Hash a file by reading it once; raises `TransferError` if it changes meanwhile."""
    md5, sha1 = hashlib.md5(usedforsecurity=False), hashlib.sha1(usedforsecurity=False)
    left = source.size
    with source.open() as file:
        while left:
            block = source.read(file, min(BLOCK, left))
            md5.update(block)
            sha1.update(block)
            left -= len(block)
    return ContentHashes(md5.hexdigest(), sha1.hexdigest())


def hash_files(
    session: Session, sources: Sequence[Source], *, mapped: Map
) -> list[Outcome[Source, ContentHashes]]:
    """Give the checksums of files, in order; those that were read before and are still the same are not read again."""
    md5s = remembered_digests(session, sources, kind="md5")
    sha1s = remembered_digests(session, sources, kind="sha1")
    found = [
        ContentHashes(md5, sha1) if md5 and sha1 else None for md5, sha1 in zip(md5s, sha1s, strict=True)
    ]
    unread = [source for source, hashes in zip(sources, found, strict=True) if hashes is None]
    read: list[Outcome[Source, ContentHashes]] = list(mapped(_hashed, unread))
    good = [(source, hashes) for source, hashes, _ in read if hashes is not None]
    remember_digests(session, ((source, hashes.md5) for source, hashes in good), kind="md5")
    remember_digests(session, ((source, hashes.sha1) for source, hashes in good), kind="sha1")
    fresh = iter(read)
    return [
        next(fresh) if hashes is None else Outcome(source, hashes, None)
        for source, hashes in zip(sources, found, strict=True)
    ]


def existing_checksums(session: Session, checksums: Iterable[str]) -> set[str]:
    """Ask which of these checksums the backend has."""
    given = list(dict.fromkeys(checksums))
    found: set[str] = set()
    for start in range(0, len(given), AT_ONCE):
        some = given[start : start + AT_ONCE]
        request = session.dialect.uploads.verify_checksums(some)
        if request is None:
            each_found = session.map(partial(file_with_checksum, session), some)
            found.update(each.item for each in each_found if each.value() is not None)
        else:
            found |= read_answer(session, request, read=session.dialect.uploads.verified)
    return found


@attrs.define(eq=False, repr=False)
class BackendFiles:
    """What the backend has of the contents that are sent to one collection, if it is known to which."""

    session: Session
    collection: int | None = None
    _collected: frozenset[str] | None = None
    _tells_nothing: bool = False

    def known(
        self, contents: Iterable[ContentHashes], *, mapped: Map
    ) -> dict[ContentHashes, str | Exception]:
        """Ask which contents the backend has; give the checksum that units know each by, or why that cannot be had.

        A content that came both through the backend and by its storage is there twice. Its units were most likely made
        of the older of these files, and a unit of the other would be a second one.
        """
        contents = list(dict.fromkeys(contents))
        found = self._existing(contents)
        twice = [content for content in contents if {content.md5, content.sha1} <= found]
        older_of = partial(run_one, partial(_older_checksum, self.session))
        older = dict(zip(twice, mapped(older_of, twice), strict=True))
        known: dict[ContentHashes, str | Exception] = {}
        for content in contents:
            if content in older:
                known[content] = older[content].error or older[content].result
            elif checksums := found.intersection((content.md5, content.sha1)):
                known[content] = checksums.pop()
        return known

    def _existing(self, contents: Sequence[ContentHashes]) -> set[str]:
        """Give the checksums that the backend has, each asked for by itself only where nothing tells of several.

        Files that went to the storage by an API that names them by their SHA-1 matter only where units of the
        collection have them: any other is sent again, and makes no second unit.
        """
        collected = self._of_collection(most=max(1, len(contents) // self.session.workers))
        if collected is None:
            return existing_checksums(self.session, (each for it in contents for each in (it.md5, it.sha1)))
        held = set(collected).intersection(each for it in contents for each in (it.md5, it.sha1))
        left = [it.md5 for it in contents if not held.intersection((it.md5, it.sha1))]
        return held | existing_checksums(self.session, left)

    def _of_collection(self, *, most: int) -> frozenset[str] | None:
        """Give the checksums of the collection's files, as they were first read; None where they are no help.

        Reading more than the *most* pages would take longer than it takes to ask for each file, and a row without a
        checksum may be of a file that is to be sent.
        """
        if self.collection is None or self._collected is not None or self._tells_nothing:
            return self._collected
        uploads, found = self.session.dialect.uploads, set[str]()
        at: int | str | None = None
        for _ in range(most):
            request = uploads.files_of(self.collection, at=at)
            if request is None:
                return None
            read = partial(uploads.page_of_files, request=request)
            rows, at = read_answer(self.session, request, read=read)
            checksums = [row.get("checksum") if isinstance(row, dict) else None for row in rows]
            if not all(isinstance(each, str) for each in checksums):
                break
            found.update(str(each).lower() for each in checksums)
            if at is None:
                self._collected = frozenset(found)
                return self._collected
        self._tells_nothing = True
        return None


def file_with_checksum(session: Session, checksum: str) -> dict[str, Any] | None:
    """Find the data file with this checksum, and return its row."""
    uploads = session.dialect.uploads
    for row in read_answer(session, uploads.files_by_checksum(checksum), read=uploads.files):
        # A backend without this filter answers with other files.
        if isinstance(row, dict) and str(row.get("checksum")).lower() == checksum:
            return row
    return None


def _older_checksum(session: Session, content: ContentHashes) -> str:
    def age(checksum: str) -> float:
        try:
            row = file_with_checksum(session, checksum) or {}
        except ServerError:
            raise
        except ClientError:
            return math.inf
        return row["id"] if type(row.get("id")) is int else math.inf

    return min(content.md5, content.sha1, key=age)


def _hashed(source: Source) -> Outcome[Source, ContentHashes]:
    return run_one(hash_file, source)


# --- answers --------------------------------------------------------------------
def read_answer(session: Session, request: Request, *, read: Callable[[Reply], T]) -> T:
    """Send a request and *read* its answer; one that this refuses by a `ValueError` is a `TransportError`."""
    reply = session.send(request)
    try:
        return read(reply)
    except ValueError as error:
        raise TransportError(
            f"{request.method} {Masker().url(request.path)}: {error}, got {outline(reply.data)}",
            method=request.method,
            url=request.shown,
            status_code=reply.status,
        ) from None


def json_object(session: Session, request: Request) -> dict[str, Any]:
    """Send a request, and return the JSON object that it is answered by."""
    reply = session.send(request)
    return as_object(session.dialect.unwrap(reply), request, status=reply.status)


def as_object(data: Any, request: Request, *, status: int) -> dict[str, Any]:
    """Return an answer that is a JSON object; any other is a `TransportError`, or of a write unconfirmed."""
    if isinstance(data, dict):
        return data
    error = TransportError if request.idempotent else WriteUnconfirmedError
    raise error(
        f"{request.method} {Masker().url(request.path)}: expected an object, got {outline(data)}",
        method=request.method,
        url=request.shown,
        status_code=status,
    )


def response_timeout(session: Session, size: int) -> float:
    """Return how many seconds an answer may take for which the backend works through *size* bytes first."""
    return session.settings.timeout.read + size / _SLOWEST


def check_arrival(source: Source, answer: dict[str, Any], *, md5: str) -> None:
    """Raise `TransferError` if the backend has other bytes than were sent, as far as its answer tells."""
    stored = answer.get("checksum")
    # A checksum of another length is of another kind, such as the SHA-1 of a file that went to a storage before.
    if isinstance(stored, str) and len(stored) == len(md5) and stored.lower() != md5:
        raise TransferError(
            f"{str(source.path)!r} arrived damaged: its MD5 is {md5}, the backend has {stored.lower()}. Send it again",
            code="file-damaged",
        )
    size = answer.get("size")
    if type(size) is int and size != source.size:
        raise TransferError(
            f"{str(source.path)!r} arrived damaged: it has {source.size} bytes, the backend has {size}. Send it again",
            code="file-damaged",
        )
