"""Chunked upload: the backend says where to go on, and is asked whenever an answer is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

import attrs

from synapse.dialects import Request
from synapse.dialects.uploads import ChunkedState
from synapse.errors import (
    ClientError,
    OriginError,
    ServerError,
    SynapseError,
    TransferError,
    TransportError,
    ValidationError,
    describe,
)
from synapse.masking import outline
from synapse.session import Session
from synapse.session.retry import Effect, rule_of
from synapse.transfer.local_file import CHUNK, PathLike, SentDigest, Source, name_to_send, source_of
from synapse.transfer.progress import ProgressLike, tracked
from synapse.uploads.checksums import check_arrival, json_object, response_timeout
from synapse.uploads.local_state import UploadEntry, claim_upload
from synapse.uploads.multipart import FilePart, MultipartBody

T = TypeVar("T")

_PATIENCE: Final = 5
_GONE: Final = frozenset({404, 410})


def upload_in_chunks(
    session: Session,
    path: PathLike,
    *,
    register: Callable[[str | int], T],
    chunk_size: int = CHUNK,
    progress: ProgressLike = None,
    name: str | None = None,
) -> T:
    """Upload a file in chunks, give the id of the completed upload to *register*, and return what that returns.

    A process that dies before *register* has returned leaves its upload to the next call for the same file.
    """
    source = source_of(path)
    with tracked(progress, total=source.size, label=source.name) as advanced:
        digest = SentDigest(source, advanced=advanced)
        return send_chunks(
            session,
            source,
            register=register,
            name=name_to_send(source, name),
            chunk_size=chunk_size,
            digest=digest,
        )


def send_chunks(
    session: Session,
    source: Source,
    *,
    register: Callable[[str | int], T],
    name: str,
    chunk_size: int,
    digest: SentDigest,
) -> T:
    """Send *source* in chunks, complete the upload, and give its id to *register*."""
    if type(chunk_size) is not int or chunk_size < 1:
        raise TransferError(
            f"chunk_size must be a whole number of bytes, 1 or more, not {describe(chunk_size)}"
        )
    # Two processes that send the same file would each take the other's chunks for lost answers of their own.
    with claim_upload(session, source, name=name, chunk_size=chunk_size) as entry:
        upload = _ChunkedUpload(session, source, name, chunk_size, digest, entry)
        upload.resume()
        while True:
            key = upload.finish()
            try:
                result = register(key)
            except TransferError:
                # What arrived is not the file: to go on with it would fail again, for ever.
                entry.forget()
                raise
            except ValidationError as error:
                if session.dialect.uploads.UPLOAD not in error.errors:
                    raise
                upload.discard(error)
            else:
                entry.forget()
                return result


@attrs.define
class _ChunkedUpload:
    """One chunked upload under way: `offset` is what the backend has, by its own word."""

    session: Session
    source: Source
    name: str
    chunk_size: int
    digest: SentDigest
    entry: UploadEntry
    url: str | None = None
    offset: int = 0
    furthest: int = 0
    stalls: int = 0
    resumed: bool = False
    renewed: bool = False
    completed: dict[str, Any] | None = None

    def resume(self) -> None:
        """Go on with what an earlier call has left, where the backend still has it and its answer makes sense."""
        if self.entry.address is None:
            return
        self.url, self.resumed = self.entry.address, True
        try:
            state = self._object(self.session.dialect.uploads.upload_state(self.url))
            if self._read(state).is_complete:
                self.completed, self.offset = state, self.source.size
            else:
                self._follow(state)
        except TransferError:
            self._restart()
        except (ClientError, TransportError) as error:
            code = error.status_code
            # A backend that is down, or a refused token, says nothing of the upload: it stays for the next call.
            if code in (None, 401) or (code >= 400 and rule_of(code).others is not Effect.NOT_DONE):
                raise
            self._restart()

    def finish(self) -> str | int:
        """Send what the backend lacks, close the upload with the MD5 of the file, and return its id."""
        state = None
        while state is None:
            while self.offset < self.source.size:
                self._send_next()
            md5 = self.digest.digest()
            self.digest.check()
            state = self._end(md5)
        key = self._read(state).key
        if key is None:
            raise TransferError(f"the completed upload of {self.name!r} has no id that could be registered")
        return key

    def discard(self, error: SynapseError) -> None:
        """Forget the upload; begin anew if its bytes are those of an earlier call, else raise *error*."""
        self.entry.forget()
        if not self.resumed:
            raise error
        self._restart()

    def _send_next(self) -> None:
        """Send the chunk that the backend needs next, and take its word for what it has then."""
        self.digest.reach(self.offset)
        size = min(self.chunk_size, self.source.size - self.offset)
        part = FilePart(self.source, "file", self.offset, size, self.digest)
        body = MultipartBody({"filename": self.name}, files={"file": part})
        chunk = self.session.dialect.uploads.chunk(
            body, start=self.offset, size=size, total=self.source.size, url=self.url
        )
        request = attrs.evolve(chunk, read_timeout=response_timeout(self.session, size))
        try:
            self._follow(self._object(request))
        except OriginError:
            raise  # the address led to another host: asking it how far we are would send the token there
        except (ServerError, TransportError) as error:
            # Without an address, the backend has begun nothing that could be asked about.
            if self.url is None or _asks_too_much(error):
                raise
            self._ask_state(self.url, error)
        except ClientError as error:
            if self.url is not None and error.unconfirmed:
                self._ask_state(self.url, error)
            else:
                self._follow_refusal(error)
        # Written with the first chunk, not before: an upload without one has no address to go on at.
        if self.entry.address is None and self.url is not None:
            self.entry.begin(self.url)

    def _end(self, md5: str) -> dict[str, Any] | None:
        """Close the upload and return its state; `None` if it has to be sent once more."""
        if self.completed is not None:
            if self.entry.md5 == md5:
                return self.completed
            self._restart()
            return None
        # Before the request: whoever finds the upload closed must know which bytes it was closed with.
        self.entry.close(md5)
        try:
            state = self._close(md5)
        except ValidationError as error:
            if self.url is None:
                raise
            self.discard(_damaged(self.source, error, md5=md5))
            return None
        except ClientError as error:
            self._renew(error)
            return None
        try:
            check_arrival(self.source, state, md5=md5)
        except TransferError:
            self.entry.forget()
            raise
        return state

    def _close(self, md5: str) -> dict[str, Any]:
        """Close the upload with its MD5; a lost answer is made up for by reading the state."""
        # The backend may read the whole file once more.
        limit = response_timeout(self.session, self.source.size)
        request = attrs.evolve(self.session.dialect.uploads.complete(self.url, md5), read_timeout=limit)
        attempts = 0
        while True:
            try:
                return self._object(request)
            except OriginError:
                raise
            except (ClientError, TransportError) as error:
                if self.url is None:
                    raise
                if _asks_too_much(error):
                    raise
                state = self._state(self.url)
                if self._read(state).is_complete:
                    return state
                attempts += 1
                passing = isinstance(error, ServerError | TransportError)
                if not passing or attempts >= _PATIENCE:
                    raise
            # An upload that is still open can be closed again: with its MD5, it is the same act.
            self._pause(attempts)

    def _renew(self, error: ClientError) -> None:
        """Begin once more, from the first byte, if the backend has dropped the upload; else raise *error*."""
        if error.status_code not in _GONE or self.url is None or self.renewed:
            raise error
        self._restart()

    def _restart(self) -> None:
        # What an earlier call had begun does not count: the upload of this one is still to be tried.
        self.renewed, self.resumed = not self.resumed, False
        self.url, self.completed = None, None
        self.offset = self.furthest = self.stalls = 0
        self.entry.forget()

    def _follow(self, state: dict[str, Any], *, after: SynapseError | None = None) -> None:
        """Go on where the backend says, as long as it gets any further."""
        told = self._read(state)
        offset, url = told.offset, told.url or self.url
        if offset is None or not 0 <= offset <= self.source.size or url is None:
            raise TransferError(
                f"the backend's answer to a chunk of {self.name!r} names no place to go on; it is {outline(state)}"
            )
        self.offset, self.url = offset, url
        # Not "further than before": a backend that goes back and forth between two offsets makes no progress.
        if offset > self.furthest:
            self.furthest, self.stalls = offset, 0
            return
        self.stalls += 1
        if self.stalls >= max(_PATIENCE, self.session.settings.retry.total):
            raise after or TransferError(
                f"the upload of {self.name!r} gets no further than {self.furthest} of {self.source.size} bytes: "
                "the backend takes the chunks and does not keep them"
            )
        self._pause(self.stalls)

    def _follow_refusal(self, error: ClientError) -> None:
        answer = error.response
        if isinstance(answer, dict) and self.url is not None and self._read(answer).offset is not None:
            self._follow(answer)
        else:
            self._renew(error)

    def _ask_state(self, url: str, error: SynapseError) -> None:
        try:
            self._follow(self._state(url), after=error)
        except ClientError as gone:
            self._renew(gone)

    def _state(self, url: str) -> dict[str, Any]:
        """Read how far the upload has come, giving a backend that starts anew the time for it."""
        attempts = 0
        while True:
            try:
                return self._object(self.session.dialect.uploads.upload_state(url))
            except OriginError:
                raise
            except (ServerError, TransportError) as error:
                attempts += 1
                if attempts >= _PATIENCE or _asks_too_much(error):
                    raise
            self._pause(attempts)

    def _object(self, request: Request) -> dict[str, Any]:
        return json_object(self.session, request)

    def _read(self, answer: dict[str, Any]) -> ChunkedState:
        return self.session.dialect.uploads.chunked_state(answer)

    def _pause(self, number: int) -> None:
        self.session.pause(self.session.settings.retry.wait(number))


def _asks_too_much(error: SynapseError) -> bool:
    return isinstance(error, ClientError) and error.too_long


def _damaged(source: Source, error: ClientError, *, md5: str) -> TransferError:
    failure = TransferError(
        f"{str(source.path)!r} arrived damaged, or changed while it was sent: the backend does not take its MD5 "
        f"{md5} ({error}). Nothing was registered: send it again",
        code="file-damaged",
    )
    failure.__cause__ = error
    return failure
