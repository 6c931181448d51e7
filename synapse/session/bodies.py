"""Bodies that are sent as a stream of known length."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from synapse.dialects.wire import Body
from synapse.errors import TransferError

BLOCK: Final = 128 * 1024


class Reader:
    """Reads a body block by block, never past its length, and keeps what went wrong in `error`."""

    def __init__(self, body: Body, *, label: str) -> None:
        try:
            self._source = body.open()
        except OSError as error:
            raise TransferError(f"{label}: the body cannot be opened ({error.strerror})") from error
        self._label = label
        self._left = body.length
        self.error: Exception | None = None

    def read(self, size: int = BLOCK) -> bytes:
        """Return the next block, empty at the end."""
        if not self._left:
            return b""
        try:
            block: bytes = self._source.read(min(size, self._left))
            if not block:
                raise TransferError(
                    f"{self._label}: the body ended {self._left} bytes early; was its file changed?"
                )
        except OSError as error:
            self.error = TransferError(f"{self._label}: the body cannot be read ({error.strerror})")
            raise self.error from error
        except Exception as error:
            self.error = error
            raise
        self._left -= len(block)
        return block

    def close(self) -> None:
        """Close the source, where it can be closed."""
        close: Callable[[], object] | None = getattr(self._source, "close", None)
        if close is not None:
            close()
