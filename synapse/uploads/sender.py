"""Send the files of many items: each content once, straight to the storage where that is offered."""

from __future__ import annotations

import math
import threading

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from functools import partial
from typing import Any, NoReturn
from weakref import WeakValueDictionary

import attrs

from synapse.errors import ConfigError, TransferError
from synapse.session import Run, Session, Untried
from synapse.transfer.local_file import Source
from synapse.transfer.progress import Meter
from synapse.uploads.checksums import ContentHashes
from synapse.uploads.items import ItemPlan, PlannedFile
from synapse.uploads.pipeline import Work
from synapse.uploads.presigned import declined, send_presigned
from synapse.uploads.routes import UploadOptions, checksum_of, route_for, send_to_backend


@attrs.define(eq=False)
class FileContent:
    """What one or several files hold; whoever sends it first does so for all."""

    hashes: ContentHashes
    checksum: str | None = None
    lock: threading.Lock = attrs.field(factory=threading.Lock, repr=False)


@attrs.define(eq=False)
class UploadItem:
    """One item on its way: `missing` is what is to be sent of it, `known` that all may have been there before."""

    index: int
    given: Any
    plan: ItemPlan | None = None
    error: Exception | None = None
    missing: dict[str, FileContent] = attrs.field(factory=dict)
    checksums: dict[str, str] = attrs.field(factory=dict)
    known: bool = True
    asked: bool = True
    """Whether the backend has said which of the files it has."""

    def part(self, name: str) -> PlannedFile:
        """The file of this name."""
        assert self.plan is not None
        return self.plan.parts[name]

    def mark_present(self, name: str, checksum: str, *, known: bool) -> None:
        """Note that the backend has a file."""
        self.missing.pop(name, None)
        self.checksums[name] = checksum
        # Where the backend did not say what it has, a file that was sent may have been there all the same.
        self.known = self.known and (known or not self.asked)


class Sender:
    """Sends what is missing, until the run has ended; with *raising*, nothing after the first item that fails."""

    def __init__(
        self,
        session: Session,
        run: Run[Any],
        *,
        options: UploadOptions,
        workers: int,
        raising: bool,
        collection: int | None = None,
    ) -> None:
        self.meter = Meter.silent()
        self.bytes_sent = 0
        self.ended = threading.Event()
        self.raising = raising
        self._last = math.inf
        self._session, self._run, self._options = session, run, options
        self._workers, self._collection = workers, collection
        # Weak: a run of a million files holds the contents that are on their way, and forgets the others.
        self._contents: WeakValueDictionary[str, FileContent] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._offered = False
        # Until the backend has offered addresses, one batch asks alone: one that declines is asked once.
        self._first_batch = threading.Semaphore()
        # Then two: while one batch is confirmed, the files of another travel.
        self._batches_at_once = threading.Semaphore(2)

    def content(self, hashes: ContentHashes) -> FileContent:
        """Give the content of these checksums, which files on their way may share; one thread may ask for it."""
        return self._contents.setdefault(hashes.md5, FileContent(hashes))

    def jobs(self, items: Sequence[UploadItem]) -> list[Work]:
        """Give the work of sending what these items miss: together where it goes by the storage, else one by one."""
        for item in items:
            self.note(item, item.error or self._too_late(item))
        lacking = [item for item in items if item.error is None and item.missing]
        if any(self._goes_presigned(item, name) for item, name in _files(lacking)):
            return [partial(self._send_presigned, lacking)]
        return [partial(self._send, item) for item in lacking]

    def note(self, item: UploadItem, error: Exception | None) -> None:
        """Note what went wrong with an item."""
        item.error = error
        if error is not None and self.raising and not isinstance(error, Untried):
            with self._lock:
                self._last = min(self._last, item.index)

    def count(self, count: int) -> None:
        """Count bytes that have travelled; nobody waits for more of them once the run has ended."""
        if self.ended.is_set():
            raise Untried("the run has ended")
        with self._lock:
            self.bytes_sent += count
        self.meter(count)

    # --- by the backend -----------------------------------------------------
    def _send(self, item: UploadItem) -> Sequence[Work]:
        self._attempt(item, self._send_missing)
        return ()

    def _too_late(self, item: UploadItem) -> Untried | None:
        return Untried("an item before it failed") if item.index > self._last else None

    def _attempt(self, item: UploadItem, work: Callable[[UploadItem], None]) -> None:
        try:
            if late := self._too_late(item):
                raise late
            self._run.attempt(work)(item)
        except ConfigError as error:  # such as a session that was closed: no request was made
            self.note(item, Untried(str(error)))
        except Exception as error:
            self.note(item, error)

    def _send_missing(self, item: UploadItem) -> None:
        for name, content in list(item.missing.items()):
            # Who has the lock sends the content; the others wait, and find its checksum.
            with content.lock:
                sent = content.checksum is None
                if content.checksum is None:
                    content.checksum = self._sent(item.part(name), md5=content.hashes.md5)
            if not sent:
                self.meter.resume(item.part(name).source.size)
            item.mark_present(name, content.checksum, known=not sent)

    def _sent(self, part: PlannedFile, *, md5: str) -> str:
        return checksum_of(self._direct(part.source, md5=md5), part.source.path)

    def _direct(self, source: Source, *, md5: str | None = None) -> dict[str, Any]:
        self.count(0)
        return send_to_backend(self._session, source, options=self._options, advanced=self.count, md5=md5)

    # --- by its storage -----------------------------------------------------
    def _goes_presigned(self, item: UploadItem, name: str) -> bool:
        size = item.part(name).source.size
        return route_for(size, self._options, offered=not declined(self._session)) == "presigned"

    def _send_presigned(self, items: Sequence[UploadItem]) -> Sequence[Work]:
        """Send together what goes by the storage; what is left to do of the items is done one by one."""
        files = {content: (item, name) for (item, name), content in self._presigned(items)}
        with ExitStack() as held, self._batches_at_once if self._offered else self._first_batch:
            # In one order, so that no two batches wait for each other.
            for content in sorted(files, key=lambda content: content.hashes.md5):
                held.enter_context(content.lock)
            todo = [content for content in files if content.checksum is None]
            self._put(todo, files)
        return [partial(self._send, item) for item in items if item.error is None and item.missing]

    def _presigned(self, items: Sequence[UploadItem]) -> list[tuple[tuple[UploadItem, str], FileContent]]:
        return [
            ((item, name), item.missing[name])
            for item, name in reversed(_files(items))
            if self._goes_presigned(item, name)
        ]

    def _put(self, contents: Sequence[FileContent], files: dict[FileContent, tuple[UploadItem, str]]) -> None:
        if self.ended.is_set() or self._run.stopped is not None:
            return
        kind = self._session.dialect.uploads.CHECKSUM
        try:
            outcomes = send_presigned(
                self._session,
                [files[content][0].part(files[content][1]).source for content in contents],
                direct=self._direct,
                advanced=self.count,
                known=[getattr(content.hashes, kind) for content in contents],
                collection=self._collection,
                strict=self._options.presigned is True,
                # Two batches share the workers.
                workers=max(1, self._workers // 2),
            )
        except ConfigError as closed:
            for content in contents:
                self._attempt(files[content][0], partial(_raise, closed))
            return
        self._offered = self._offered or outcomes is not None
        # What has neither a checksum nor an error goes by the backend: it stays missing.
        for content, (_, row, error) in zip(contents if outcomes else (), outcomes or (), strict=True):
            item, name = files[content]
            try:
                content.checksum = (
                    checksum_of(row or {}, item.part(name).source.path) if error is None else None
                )
            except TransferError as error_of_row:
                error = error_of_row
            if content.checksum is not None:
                item.mark_present(name, content.checksum, known=False)
            elif error is not None:
                self._attempt(item, partial(_raise, error))


def _files(items: Sequence[UploadItem]) -> list[tuple[UploadItem, str]]:
    return [(item, name) for item in items for name in item.missing]


def _raise(error: Exception, _: UploadItem) -> NoReturn:
    raise error
