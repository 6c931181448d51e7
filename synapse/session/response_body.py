"""Bodies as they come: read in blocks, unpacked where they came packed, and never further than they are wanted."""

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
    """An answer came packed in a way that was not asked for."""


class ResponseBody:
    """The body of an answer. Whatever is packed into it, memory holds what was asked for and one piece more.

    The HTTP stack would unpack whatever it can, and as much as there is: a few kilobytes may hold gigabytes.
    """

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
        """Leave the rest, and the connection with it."""
        self._raw.close()

    def allow(self, seconds: float | None) -> None:
        """Give each read so many seconds, or as many as it takes."""
        response = getattr(self._raw, "_original_response", None)
        if isinstance(response, DeadlineResponse):
            response.allow(seconds)

    def cut(self) -> None:
        """End the reading that another thread is at."""
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
        """Return the whole, or None where it is larger than *most*; `held` is what had come before an error."""
        found = io.BytesIO()
        try:
            while block := self._read(min(BLOCK, most + 1)):
                if found.tell() + len(block) > most:
                    self.held = found.getvalue()[:BLOCK]
                    return None
                found.write(block)
        except Exception as error:
            self.held = found.getvalue()[:BLOCK] + (b"" if self.packed else _partial(error))
            raise
        return found.getvalue()


class _Unpacked:
    """Unpacks what *take* gives."""

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
        """Go on with the next member of a gzip file; anything else behind the end is of no use."""
        while len(rest) < len(_GZIP) and (more := self._take(_PIECE)):
            rest += more
        if rest.startswith(_GZIP) and self._kind > zlib.MAX_WBITS:
            self._packed, self._unpack = rest, zlib.decompressobj(self._kind)
            return
        self._ended = True
        while self._take(_PIECE):
            pass


def _names(encodings: str) -> list[str]:
    """Tell how a body is packed; what names no way of packing, as some storages have it, changes nothing."""
    return [name for each in encodings.split(",") if (name := each.strip().lower()) in {*_KINDS, *_FOREIGN}]


def _opened(take: Callable[[int], bytes], names: list[str]) -> Callable[[int], bytes]:
    if len(names) == 1 and names[0] in _KINDS:
        return _Unpacked(take, _KINDS[names[0]]).read

    def refuse(_: int) -> bytes:
        raise UnexpectedEncodingError(f"packed as {', '.join(names)[:40]}")

    return refuse


def _partial(error: Exception) -> bytes:
    """Return what the read that failed had already brought."""
    broken = error.args[-1] if error.args else None
    partial = broken.partial if isinstance(broken, http.client.IncompleteRead) else None
    return partial if isinstance(partial, bytes) else b""
