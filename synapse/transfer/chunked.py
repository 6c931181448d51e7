"""Chunked upload: the backend says where to go on, and is asked whenever an answer is lost."""

from __future__ import annotations

from typing import Any, Final

import attrs

from synapse.dialects import Request
from synapse.dialects import v1_actions as actions
from synapse.dialects.masking import outline
from synapse.errors import ClientError, OriginError, TransferError, TransportError, WriteUnconfirmedError
from synapse.session import Session
from synapse.transfer.answers import answered_object, check_arrival, patience
from synapse.transfer.multipart import FilePart, MultipartBody
from synapse.transfer.progress import ProgressLike, tracked
from synapse.transfer.source import PathLike, Source, Tally

CHUNK: Final = 50 * 1024 * 1024

_PATIENCE: Final = 5
_GONE: Final = frozenset({404, 410})
_COMPLETE: Final = 2


def upload_chunked(
    session: Session,
    path: PathLike,
    *,
    chunk_size: int = CHUNK,
    progress: ProgressLike = None,
    name: str | None = None,
) -> str | int:
    """Upload a file in chunks and return the id of the completed upload, as a model or a data file takes it."""
    source = Source.of(path)
    with tracked(progress, total=source.size, label=source.name) as advanced:
        tally = Tally(source, advanced=advanced)
        return send_chunks(session, source, name=sent_name(source, name), chunk_size=chunk_size, tally=tally)


def send_chunks(session: Session, source: Source, *, name: str, chunk_size: int, tally: Tally) -> str | int:
    """Send *source* in chunks, complete the upload, and return its id."""
    if type(chunk_size) is not int or chunk_size < 1:
        raise TransferError(f"chunk_size must be a whole number of bytes, 1 or more, not {chunk_size!r}")
    upload = _Upload(session, source, name, chunk_size, tally)
    while True:
        while upload.offset < source.size:
            upload.send_next()
        try:
            return upload.complete()
        except ClientError as error:
            upload.renew(error)


def sent_name(source: Source, name: object) -> str:
    """Return the name that a file is sent under: its own, unless it is given another."""
    if name is None:
        return source.name
    if not isinstance(name, str) or not name:
        raise TransferError(f"name must be text such as 'scan.png', not {name!r}")
    return name


@attrs.define
class _Upload:
    """One chunked upload under way: `offset` is what the backend has, by its own word."""

    session: Session
    source: Source
    name: str
    chunk_size: int
    tally: Tally
    url: str | None = None
    offset: int = 0
    furthest: int = 0
    idle: int = 0
    renewed: bool = False

    def send_next(self) -> None:
        """Send the chunk that the backend needs next, and take its word for what it has then."""
        self.tally.reach(self.offset)
        size = min(self.chunk_size, self.source.size - self.offset)
        part = FilePart(self.source, "file", self.offset, size, self.tally)
        body = MultipartBody({"filename": self.name}, files={"file": part})
        chunk = actions.chunk(body, start=self.offset, size=size, total=self.source.size, url=self.url)
        request = attrs.evolve(chunk, read_timeout=patience(self.session, size))
        try:
            self._follow(self._object(request))
        except ClientError as error:
            self._steer(error)
        except OriginError:
            raise
        except TransportError:
            if self.url is None:
                raise
            self._ask(self.url)

    def complete(self) -> str | int:
        """Close the upload with the MD5 of the file; a lost answer is made up for by reading the state."""
        md5 = self.tally.md5()
        self.source.check()
        # The backend may read the whole file once more.
        limit = patience(self.session, self.source.size)
        request = attrs.evolve(actions.complete(self.url, md5), read_timeout=limit)
        state = self._close(request)
        check_arrival(self.source, state, md5=md5)
        key = state.get("id")
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise TransferError(f"{request.method} {request.path}: the completed upload has no id")
        return key

    def renew(self, error: ClientError) -> None:
        """Begin once more, from the first byte, if the backend has dropped the upload; else raise *error*."""
        if error.status_code not in _GONE or self.url is None or self.renewed:
            raise error
        self.url, self.offset, self.furthest, self.renewed = None, 0, 0, True

    def _close(self, request: Request) -> dict[str, Any]:
        attempts = 0
        while True:
            try:
                return self._object(request)
            except (WriteUnconfirmedError, ClientError) as error:
                if self.url is None:
                    raise
                state = self._object(actions.upload_state(self.url))
                if state.get("completed_at") or state.get("status") == _COMPLETE:
                    return state
                attempts += 1
                if isinstance(error, ClientError) or attempts >= _PATIENCE:
                    raise
            # An upload that is still open can be closed again: with its MD5, it is the same act.
            self._pause(attempts)

    def _follow(self, state: dict[str, Any]) -> None:
        """Go on where the backend says, as long as it gets any further."""
        offset, url = state.get("offset"), state.get("url", self.url)
        if type(offset) is not int or not 0 <= offset <= self.source.size or not isinstance(url, str):
            raise TransferError(
                f"the backend's answer to a chunk of {self.name!r} names no place to go on; it is {outline(state)}"
            )
        self.offset, self.url = offset, url
        if offset > self.furthest:
            self.furthest, self.idle = offset, 0
            return
        self.idle += 1
        if self.idle >= _PATIENCE:
            raise TransferError(
                f"the upload of {self.name!r} gets no further than {self.furthest} of {self.source.size} bytes: "
                "the backend takes the chunks and does not keep them"
            )
        self._pause(self.idle)

    def _steer(self, error: ClientError) -> None:
        answer = error.response
        if isinstance(answer, dict) and "expected_offset" in answer and self.url is not None:
            self._follow({"offset": answer["expected_offset"]})
        else:
            self.renew(error)

    def _ask(self, url: str) -> None:
        try:
            self._follow(self._object(actions.upload_state(url)))
        except ClientError as error:
            self.renew(error)

    def _object(self, request: Request) -> dict[str, Any]:
        return answered_object(self.session.send(request), request)

    def _pause(self, number: int) -> None:
        self.session._pause(self.session.settings.retry.wait(number))
