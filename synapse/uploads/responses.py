"""What the backend says about bytes that it was sent, held against what was sent."""

from __future__ import annotations

from typing import Any, Final

from synapse.dialects import Request
from synapse.errors import TransferError, TransportError, WriteUnconfirmedError
from synapse.masking import Masker, outline
from synapse.session import Session
from synapse.transfer.local_file import Source

_SLOWEST: Final = 10 * 1024 * 1024  # bytes a second that a backend stores, or reads again, at the least


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
