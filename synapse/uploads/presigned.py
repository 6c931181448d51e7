"""Send files straight to the backend's storage: ask where to, put them there, and have them registered."""

from __future__ import annotations

import logging
import mimetypes
import weakref

from collections.abc import Callable, Sequence
from typing import Any, Final, TypeAlias

import attrs

from synapse.dialects.uploads import StoredFile, Uploads, UploadTarget, Verdict
from synapse.errors import (
    AuthenticationError,
    ClientError,
    ConfigError,
    ServerError,
    SynapseError,
    TransferError,
    TransportError,
    WriteUnconfirmedError,
)
from synapse.session import Outcome, Session
from synapse.transfer.local_file import Source
from synapse.uploads.checksums import existing_checksums, file_with_checksum
from synapse.uploads.presigned_put import NotStoredError, put_file, take_back

Row: TypeAlias = dict[str, Any]
Direct: TypeAlias = Callable[[Source], Row]
Advanced: TypeAlias = Callable[[int], object]

# A backend of an older release, one without a storage of its own, or a token without the right to it.
_DECLINES: Final = frozenset({400, 403, 404, 405, 501})
# A bucket behind a firewall takes nothing: after some files, the session stops paying three attempts for each.
_LOST_IN_A_ROW: Final = 8
_SLOWEST: Final = 128 * 1024  # bytes a second that a client sends, at the least

logger: Final = logging.getLogger("synapse")


def send_presigned(
    session: Session,
    sources: Sequence[Source],
    *,
    direct: Direct,
    advanced: Advanced,
    strict: bool = False,
    workers: int | None = None,
    known: Sequence[str | None] = (),
    collection: int | None = None,
) -> list[Outcome[Source, Row]] | None:
    """Send files to the backend's storage and tell what became of each, in order; None if none can go there.

    A row names its data file by `checksum`, of the API's kind; *known* are those that need not be taken again. What
    cannot go that way (an empty file, and unless *strict* one that the storage does not take) goes by *direct*, and
    has its row. *collection* is the key of the one that the files are for.
    A backend that declines, or whose storage takes nothing, is not asked again by this session.
    """
    checksums = known or [None] * len(sources)
    files = [_NamedFile(source, source.name, each) for source, each in zip(sources, checksums, strict=True)]
    workers = workers or session.workers
    return _PresignedUpload(session, direct, advanced, strict, workers, collection).send(files)


def upload_presigned(
    session: Session,
    source: Source,
    *,
    direct: Direct,
    advanced: Advanced,
    strict: bool = False,
    name: str | None = None,
    collection: int | None = None,
) -> Row | None:
    """Send one file to the backend's storage and return the row of its data file; None if the backend declines."""
    dispatch = _PresignedUpload(session, direct, advanced, strict, session.workers, collection)
    outcomes = dispatch.send([_NamedFile(source, name or source.name)])
    if outcomes is None:
        return None
    row = outcomes[0].value()
    return row if "id" in row else _found(session, row)


def declined(session: Session) -> bool:
    """Whether this session knows that its backend takes no files that way."""
    return _storage_health(session).declined


@attrs.define
class _StorageHealth:
    """What a session knows about the storage of its backend."""

    declined: bool = False
    lost: int = 0

    def note(self, *, stored: bool) -> None:
        """Count files in a row that the storage did not take; after some, it is left alone."""
        self.lost = 0 if stored else self.lost + 1
        if self.lost == _LOST_IN_A_ROW and not self.declined:
            self.declined = True
            logger.warning(
                "the storage took none of %d files in a row; this session sends files by the backend",
                self.lost,
            )


_STORAGE_HEALTH: Final[weakref.WeakKeyDictionary[Session, _StorageHealth]] = weakref.WeakKeyDictionary()


def _storage_health(session: Session) -> _StorageHealth:
    # No lock, which a forked child might inherit closed: of two threads that come first, both get the stored one.
    return _STORAGE_HEALTH.setdefault(session, _StorageHealth())


@attrs.frozen
class _NamedFile:
    """A file, and the name that it is sent under."""

    source: Source
    name: str
    checksum: str | None = None

    def fits(self, uploads: Uploads) -> bool:
        """Whether the wire has a word for it."""
        return self.source.size > 0 and 0 < len(self.name) <= uploads.LONGEST_NAME

    @property
    def kind(self) -> str | None:
        """The content type, guessed from the name."""
        return mimetypes.guess_type(self.name)[0]


@attrs.define
class _PresignedUpload:
    """One call: files on their way to the storage, and what has become of each."""

    session: Session
    direct: Direct
    advanced: Advanced
    strict: bool
    workers: int
    collection: int | None = None
    done: dict[int, Outcome[Source, Row]] = attrs.field(factory=dict, init=False)

    def send(self, files: Sequence[_NamedFile]) -> list[Outcome[Source, Row]] | None:
        """Send by the storage what goes there, the rest directly."""
        uploads = self.session.dialect.uploads
        numbered = [(number, named) for number, named in enumerate(files) if named.fits(uploads)]
        for start in range(0, len(numbered), uploads.MOST_FILES):
            if not declined(self.session):
                self._send_batch(dict(numbered[start : start + uploads.MOST_FILES]))
        # Once one file is done, the caller cannot send them all again: the rest goes directly.
        if declined(self.session) and not self.done:
            return None
        left = [number for number in range(len(files)) if number not in self.done]
        sources = (files[number].source for number in left)
        for number, outcome in zip(
            left, self.session.map(self.direct, sources, workers=self.workers), strict=True
        ):
            self.done[number] = outcome
        return [self.done[number] for number in range(len(files))]

    def _send_batch(self, batch: dict[int, _NamedFile]) -> None:
        try:
            targets = self._request_targets(list(batch.values()))
        except (AuthenticationError, ConfigError) as error:
            self._end(batch, error)
            return
        except SynapseError as error:
            if self.strict and not declined(self.session):
                self._end(batch, error)
            return
        stored_files: dict[int, StoredFile] = {}
        for number, result in self._put(batch, targets):
            if isinstance(result, StoredFile):
                stored_files[number] = result
            else:
                self._fail(number, batch[number], result)
        verdicts = confirm_files(self.session, list(stored_files.values()), collection=self.collection)
        for number, file in stored_files.items():
            self._apply_verdict(number, batch[number], file, verdict=verdicts[file.target.key])

    def _request_targets(self, files: list[_NamedFile]) -> list[UploadTarget]:
        """Ask where the files may go."""
        rows = [(named.name, named.source.size, named.kind) for named in files]
        sizes = [named.source.size for named in files]
        uploads = self.session.dialect.uploads
        # Addresses must last until the last file of the batch has travelled, over a slow line too.
        request = uploads.ask_targets(rows, seconds=sum(sizes) // _SLOWEST, collection=self.collection)
        number = 0
        while True:
            try:
                return uploads.targets(self.session.send(request), sizes)
            except ClientError as error:
                self._note_refusal(error)
                raise
            except WriteUnconfirmedError:
                # Asking again makes other targets, and those that nobody uses expire.
                if number == self.session.settings.retry.total:
                    raise
            except ValueError as error:
                words = f"{request.method} {request.path}: an answer that cannot be used ({error})"
                raise TransportError(words, method=request.method, url=request.shown) from error
            self.session.pause(self.session.settings.retry.wait(number))
            number += 1

    def _note_refusal(self, error: ClientError) -> None:
        # What is said about one of the files says nothing about the next.
        if error.status_code in _DECLINES and not any(name.startswith("files") for name in error.errors):
            logger.info("files are sent through the backend, since it signs no upload addresses: %s", error)
            _storage_health(self.session).declined = True

    def _put(
        self, batch: dict[int, _NamedFile], targets: list[UploadTarget]
    ) -> list[tuple[int, StoredFile | Exception]]:
        """Put whole files side by side, then those that come in parts, whose parts travel so themselves."""
        work = list(zip(batch, targets, strict=True))
        whole = [each for each in work if each[1].part_size is None]
        parted = [each for each in work if each[1].part_size is not None]

        def put(each: tuple[int, UploadTarget]) -> StoredFile:
            number, target = each
            return self._put_file(batch[number], target)

        # Parts of several files at once would be workers times workers requests.
        outcomes = [
            *self.session.map(put, whole, workers=self.workers),
            *self.session.map(put, parted, workers=1),
        ]
        return [(number, result or error or AssertionError()) for (number, _), result, error in outcomes]

    def _put_file(self, named: _NamedFile, target: UploadTarget) -> StoredFile:
        health = _storage_health(self.session)
        if health.declined and not self.strict:
            raise NotStoredError("not tried, since the storage takes nothing")
        try:
            stored = put_file(
                self.session,
                named.source,
                target=target,
                content_type=named.kind,
                advanced=self.advanced,
                workers=self.workers,
                known=named.checksum,
            )
        except NotStoredError:
            if not self.strict:
                health.note(stored=False)
            raise
        health.note(stored=True)
        return stored

    def _apply_verdict(
        self, number: int, named: _NamedFile, file: StoredFile, *, verdict: Verdict | Exception
    ) -> None:
        if isinstance(verdict, Verdict) and verdict.error is None:
            key = {} if verdict.data_file is None else {"id": verdict.data_file}
            row = {**key, "checksum": file.checksum, "size": file.size}
            self.done[number] = Outcome(named.source, row, None)
            return
        if isinstance(verdict, Verdict):
            words = f"the backend did not register {str(named.source.path)!r} ({verdict.error})"
            verdict = NotStoredError(words)
        # It travelled in vain: when it goes by the backend, its bytes are counted again.
        take_back(self.advanced, file.size)
        self._fail(number, named, verdict)

    def _fail(self, number: int, named: _NamedFile, error: Exception) -> None:
        """Keep the error of a file, unless it may go directly."""
        if isinstance(error, NotStoredError) and not self.strict:
            logger.info("%s; it goes by the backend", error)
        else:
            self.done[number] = Outcome(named.source, None, error)

    def _end(self, batch: dict[int, _NamedFile], error: Exception) -> None:
        for number, named in batch.items():
            self.done[number] = Outcome(named.source, None, error)


def _found(session: Session, row: Row) -> Row:
    """Look for the data file that a row without a key is about."""
    found = file_with_checksum(session, row["checksum"])
    if found is not None:
        return found
    raise TransferError(
        "the file was registered, but the backend does not list it: look for it before you send it again"
    )


def confirm_files(
    session: Session, files: Sequence[StoredFile], *, collection: int | None = None
) -> dict[str, Verdict | Exception]:
    """Tell the backend what has arrived, until it has said of every file what became of it."""
    verdicts: dict[str, Verdict | Exception] = {}
    pending, unclear = list(files), False
    for number in range(session.settings.retry.total + 1):
        if not pending:
            break
        if unclear:
            session.pause(session.settings.retry.wait(number))
        verdicts.update(_confirm(session, pending, collection))
        refused = [file for file in pending if _is_refused(verdicts.get(file.target.key))]
        pending = [file for file in pending if file.target.key not in verdicts]
        unclear = unclear or bool(pending)
        if unclear:
            # What was registered before may be refused now, as parts are put together only once.
            existing = _existing(session, [*pending, *refused])
            verdicts.update(
                {file.target.key: Verdict() for file in [*pending, *refused] if file.checksum in existing}
            )
            pending = [file for file in pending if file.checksum not in existing]
    lost = WriteUnconfirmedError(
        "the files are in the storage, but no answer says that they are registered: send them again, nothing is doubled"
    )
    return {**dict.fromkeys((file.target.key for file in pending), lost), **verdicts}


def _confirm(
    session: Session, files: list[StoredFile], collection: int | None
) -> dict[str, Verdict | Exception]:
    """Confirm once; files without a verdict are left out."""
    try:
        uploads = session.dialect.uploads
        return dict(uploads.verdicts(session.send(uploads.confirm(files, collection=collection))))
    except (ServerError, WriteUnconfirmedError):
        return {}  # confirming twice changes nothing, so it is asked again
    except ClientError as error:
        # A refused token refuses every other route as well; a refused file may go directly.
        if isinstance(error, AuthenticationError):
            return {file.target.key: error for file in files}
        return {file.target.key: Verdict(error=str(error)) for file in files}
    except SynapseError as error:
        return {file.target.key: error for file in files}


def _is_refused(verdicts: Verdict | Exception | None) -> bool:
    return isinstance(verdicts, Verdict) and verdicts.error is not None


def _existing(session: Session, files: Sequence[StoredFile]) -> set[str]:
    try:
        return existing_checksums(session, [file.checksum for file in files])
    except SynapseError:
        return set()
