"""Response bodies: read in blocks and decompressed, never more than is asked for."""

from __future__ import annotations

import contextlib
import http.client
import io
import zlib

from collections.abc import Callable
from typing import Any, Final

from urllib3.exceptions import DecodeError

from synapse.session.connections import DeadlineResponse

BLOCK: Final = 1024 * 1024
_PIECE: Final = 64 * 1024
_GZIP: Final = b"\x1f\x8b"
_KINDS: Final = {"gzip": zlib.MAX_WBITS + 16, "x-gzip": zlib.MAX_WBITS + 16, "deflate": zlib.MAX_WBITS}
_FOREIGN: Final = frozenset({"br", "zstd", "compress", "x-compress"})
_SHORTEST: Final = 2  # bytes that tell the two formats which go by the name of deflate


class UnexpectedEncodingError(DecodeError):
    """An answer has a content encoding that was not asked for."""


class ResponseBody:
    """The body of a response, whose memory is bounded: a few compressed kilobytes may be gigabytes of zeros."""

    # urllib3 decompresses as well, but takes the end of the connection for the end of the compressed stream: an answer
    # that was cut off would pass for a whole one, and so would a damaged second member of a gzip file.

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._read: Callable[[int], bytes] = lambda size: raw.read(size, decode_content=False)
        self._read_some: Callable[[int], bytes] = lambda size: raw.read1(size, decode_content=False)
        self.held: bytes = b""
        self.packed: bool = False
        names = _names(raw.headers.get("Content-Encoding") or "")
        if names:
            self.packed = True
            self._read = self._read_some = _opened(self._read_some, names)

    def close(self) -> None:
        """Drop the rest, and the connection with it."""
        self._raw.close()

    def allow(self, seconds: float | None) -> None:
        """Set the timeout of each read; None means no timeout."""
        response = getattr(self._raw, "_original_response", None)
        if isinstance(response, DeadlineResponse):
            response.allow(seconds)

    def cut(self) -> None:
        """End a read that another thread is waiting in."""
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            self._raw.shutdown()

    def read(self, size: int, *, whole: bool) -> bytes:
        """Return the next bytes, empty at the end: *size* of them if *whole*, else what is there."""
        if not whole:
            return self._read_some(size)
        block = self._read(size)
        if not block or len(block) == size:
            return block
        blocks, left = [block], size - len(block)
        while left and (block := self._read(left)):
            blocks.append(block)
            left -= len(block)
        return b"".join(blocks)

    def read_all(self, most: int) -> bytes | None:
        """Return the whole body, or None if it is larger than *most*; after an error `held` is its beginning."""
        found = io.BytesIO()
        try:
            while block := self._read(min(BLOCK, most + 1)):
                if found.tell() + len(block) > most:
                    self.held = found.getvalue()[:BLOCK]
                    return None
                if found.tell():
                    found.write(block)
                else:
                    # It shares the block, instead of copying it: most bodies come as one.
                    found = io.BytesIO(block)
                    found.seek(len(block))
        except Exception as error:
            self.held = found.getvalue()[:BLOCK] + (b"" if self.packed else _partial(error))
            raise
        return found.getvalue()


class _Decompressed:
    """Decompresses what *take* returns."""

    def __init__(self, take: Callable[[int], bytes], kind: int) -> None:
        self._take, self._kind = take, kind
        self._unpack = zlib.decompressobj(kind)
        self._packed = b""
        self._begun = self._ended = False

    def read(self, size: int) -> bytes:
        """Return up to *size* bytes, empty at the end."""
        while not self._ended:
            last = False
            if not self._packed:
                self._packed = self._take(_PIECE)
                last = not self._packed
                if not self._begun:
                    self._begin()
            try:
                found = self._unpack.decompress(self._packed, size)
            except zlib.error as error:
                raise DecodeError("damaged") from error
            self._packed = self._unpack.unconsumed_tail
            if self._unpack.eof:
                self._end(self._unpack.unused_data)
            elif last and not found:
                if self._begun:
                    raise DecodeError("cut off")
                return b""
            if found:
                return found
        return b""

    def _begin(self) -> None:
        while 0 < len(self._packed) < _SHORTEST and (more := self._take(_PIECE)):
            self._packed += more
        self._begun = bool(self._packed)
        if self._kind == zlib.MAX_WBITS and len(self._packed) >= _SHORTEST:
            first, second = self._packed[:_SHORTEST]
            if first & 15 != zlib.DEFLATED or (first << 8 | second) % 31:
                self._unpack = zlib.decompressobj(-zlib.MAX_WBITS)

    def _end(self, rest: bytes) -> None:
        """Go on with the next member of a gzip file; anything else after the end is ignored."""
        while len(rest) < len(_GZIP) and (more := self._take(_PIECE)):
            rest += more
        if rest.startswith(_GZIP) and self._kind > zlib.MAX_WBITS:
            self._packed, self._unpack = rest, zlib.decompressobj(self._kind)
            return
        self._ended = True
        while self._take(_PIECE):
            pass


def _names(encodings: str) -> list[str]:
    """Return the known encodings of a body; some storages name others, such as `aws-chunked`, which change nothing."""
    return [name for each in encodings.split(",") if (name := each.strip().lower()) in {*_KINDS, *_FOREIGN}]


def _opened(take: Callable[[int], bytes], names: list[str]) -> Callable[[int], bytes]:
    if len(names) == 1 and names[0] in _KINDS:
        return _Decompressed(take, _KINDS[names[0]]).read

    def refuse(_: int) -> bytes:
        raise UnexpectedEncodingError(f"packed as {', '.join(names)[:40]}")

    return refuse


def _partial(error: Exception) -> bytes:
    """Return the bytes that a failed read had already received."""
    broken = error.args[-1] if error.args else None
    partial = broken.partial if isinstance(broken, http.client.IncompleteRead) else None
    return partial if isinstance(partial, bytes) else b""
