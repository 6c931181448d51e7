"""Put one file into a storage: read anew for every attempt, repeated where that may help, hashed once."""

from __future__ import annotations

import contextlib
import re
import threading

from collections.abc import Callable
from typing import Final

from synapse.dialects.refusals import summary
from synapse.dialects.uploads import StoredFile, UploadTarget
from synapse.errors import SynapseError, TransferError, TransportError
from synapse.masking import Masker, Secret
from synapse.session import Session
from synapse.session.concurrency import FleetingExecutor
from synapse.session.replies import RawResponse
from synapse.session.retry import BUSY, seconds_until, storage_may_take
from synapse.transfer.local_file import SentBytes, SentDigest, Source
from synapse.uploads.checksums import response_timeout
from synapse.uploads.multipart import FilePart, MultipartReader

_REPEATS: Final = 3
_SHOWN: Final = 8192
_SAID: Final = re.compile(r"<(Code|Message)>\s*([^<]*?)\s*</\1>")
_MARKUP: Final = re.compile(r"\s*(?:<\?xml|<(?:\w+:)?Error\b)")
# What a storage's own words say of an error that may pass, whatever its status is.
_PASSING_CODES: Final = (
    "IncompleteBody InternalError OperationAborted OperationTimedOut RequestThrottled RequestTimeout "
    "ServerBusy ServiceUnavailable SlowDown SlowDownRead SlowDownWrite ThrottlingException "
    "TooManyRequests"
)
_PASSING: Final = frozenset(_PASSING_CODES.split())


class NotStoredError(TransferError):
    """The storage did not take a file, which is as good as it was and may go another way."""


class FileBody:
    """A piece of a file as it is, as the body of a request."""

    def __init__(self, part: FilePart, content_type: str = "") -> None:
        self.part = part
        self.content_type = content_type
        self.length = part.length

    def open(self) -> MultipartReader:
        """Return a fresh reader, which holds the file against what it was."""
        return MultipartReader([self.part])


def put_file(
    session: Session,
    source: Source,
    *,
    target: UploadTarget,
    content_type: str | None,
    advanced: Callable[[int], object],
    workers: int,
    known: str | None = None,
) -> StoredFile:
    """Put a file into its place; what the storage did not take is a `NotStoredError`, and counts as not sent.

    A file whose checksum is *known* already is not hashed again.
    """
    sent, kind = _ReportedBytes(advanced), session.dialect.uploads.CHECKSUM
    try:
        if target.part_size is None:
            digest = SentDigest(source, advanced=sent, kind=kind, known=known)
            part = FilePart.whole(source, source.name, counter=digest)
            _put(session, target.addresses[0], FileBody(part, content_type or ""))
            stored = StoredFile(target, digest.digest(), source.size)
        else:
            stored = _in_parts(
                session,
                source,
                target,
                part_size=target.part_size,
                advanced=sent,
                workers=workers,
                known=known,
            )
        source.check(sent=lambda: stored.checksum, kind=kind)
    except BaseException:
        sent.take_back()
        raise
    return stored


def take_back(advanced: Callable[[int], object], count: int) -> None:
    """Tell that bytes which had travelled did so in vain; who is told has no say in it."""
    if count:
        with contextlib.suppress(SynapseError):
            advanced(-count)


class _ReportedBytes:
    """Counts bytes that have travelled, so that they can be taken back."""

    def __init__(self, advanced: Callable[[int], object]) -> None:
        self._advanced = advanced
        self._count = 0
        self._lock = threading.Lock()

    def __call__(self, count: int) -> None:
        with self._lock:
            self._count += count
        self._advanced(count)

    def take_back(self) -> None:
        take_back(self._advanced, self._count)


def _in_parts(
    session: Session,
    source: Source,
    target: UploadTarget,
    *,
    part_size: int,
    advanced: Callable[[int], object],
    workers: int,
    known: str | None,
) -> StoredFile:
    """Put the parts side by side, while the file is hashed from its start to its end."""
    failed, kind = threading.Event(), session.dialect.uploads.CHECKSUM

    def send(number: int) -> str:
        if failed.is_set():
            raise NotStoredError("not tried, since another part was not taken")
        start = number * part_size
        count = SentBytes(source, start=start, advanced=advanced)
        part = FilePart(source, source.name, start, min(part_size, source.size - start), count)
        try:
            return _put(session, target.addresses[number], FileBody(part)).headers.get("ETag") or ""
        except BaseException:
            failed.set()
            raise

    def proceed(_: int) -> None:
        if failed.is_set():
            raise NotStoredError("not hashed, since a part was not taken")

    pool = FleetingExecutor(1, name="synapse-digest")
    try:
        digest = pool.submit(SentDigest(source, advanced=proceed, kind=kind, known=known).digest)
        outcomes = list(session.map(send, range(len(target.addresses)), workers=workers))
        errors = [outcome.error for outcome in outcomes if outcome.error is not None]
        if errors:
            raise next((error for error in errors if not isinstance(error, NotStoredError)), errors[0])
        etags = tuple(outcome.result or "" for outcome in outcomes)
        return StoredFile(target, digest.result(), source.size, etags)
    except BaseException:
        # After Ctrl-C, too, nothing goes on for a file that is given up.
        failed.set()
        raise
    finally:
        pool.shutdown(wait=False)


def _put(session: Session, url: str, body: FileBody) -> RawResponse:
    """Send a body until the storage has it, or has refused it itself."""
    url = Secret(url)
    repeats = min(session.settings.retry.total, _REPEATS)
    number = 0
    while True:
        answer, asked = None, None
        try:
            answer = session.put(
                url, body, read_timeout=response_timeout(session, body.length), again=number > 0
            )
        except TransportError as error:
            reason, passing = str(error), True
        else:
            if 200 <= answer.status < 300:
                return answer
            masker = Masker(tuple(filter(None, (*session.settings.secrets, url, url.partition("?")[2]))))
            reason, passing = _refusal(answer, masker=masker)
            asked = seconds_until(answer.headers.get("Retry-After"))
        if not passing or number == repeats or not session.settings.retry.allows(asked):
            raise NotStoredError(f"the storage did not take {str(body.part.source.path)!r} ({reason})")
        if asked is None or answer is None or answer.status not in BUSY:
            # Else all wait for it, when they take their turns.
            session.pause(session.settings.retry.wait(number, retry_after=asked))
        number += 1


def _refusal(answer: RawResponse, *, masker: Masker) -> tuple[str, bool]:
    """Say in one line who refused and why, and whether the next attempt may go better."""
    text = masker.text(answer.content.decode("utf-8", "replace"))[:_SHOWN]
    said = dict(_SAID.findall(text)) if _MARKUP.match(text) else {}
    code = said.get("Code")
    if code is None:
        words = summary(masker.words(text)) or "without a word"
        return f"{answer.status}, on the way there: {words}", True
    words = masker.words(f"{code} {said.get('Message', '')}".strip())
    return f"{answer.status} {words}"[:200], storage_may_take(answer.status) or code in _PASSING
