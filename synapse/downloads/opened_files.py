"""Files that are opened: fetched whole before they are read, or read by ranges."""

from __future__ import annotations

import errno
import io
import os
import tempfile

from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Final, cast

from synapse.downloads.fetch import Fetch, Version
from synapse.errors import TransferError

IN_MEMORY: Final = 8 * 1024 * 1024  # bytes; what is larger goes to a temporary file
_SKIPPED: Final = 256 * 1024  # bytes ahead that are read over, which is sooner done than another request


def open_whole(blocks: Iterable[tuple[int, bytes]], *, check: Callable[[BinaryIO], object]) -> BinaryIO:
    """Take in blocks, each with its place, and open what they make up once *check* has passed it.

    A large file lies in a temporary one without a name, which is gone when it is closed.
    """
    file: Any = io.BytesIO()
    try:
        for offset, block in blocks:
            if isinstance(file, io.BytesIO) and offset + len(block) > IN_MEMORY:
                file = _to_temporary_file(file)
            if offset != file.tell():  # it begins anew
                file.seek(offset)
                file.truncate()
            file.write(block)
        check(file)
        file.seek(0)
    except OSError as error:
        file.close()
        raise TransferError(
            f"the file cannot be kept while it is open ({error.strerror}): make room in {tempfile.gettempdir()!r}, or "
            "download() it to a place of your own"
        ) from error
    except BaseException:
        file.close()
        raise
    return cast(
        "BinaryIO", file if isinstance(file, io.BytesIO) else io.BufferedReader(_TemporaryReader(file))
    )


class _TemporaryReader(io.RawIOBase):
    """Reads a temporary file. By its number, which is all the name that it has, libraries would look for a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._file.seek(offset, whence)

    def readinto(self, buffer: Any) -> int:
        count: int = self._file.readinto(buffer)  # type: ignore[attr-defined]
        return count

    def close(self) -> None:
        self._file.close()
        super().close()


def _to_temporary_file(file: io.BytesIO) -> Any:
    large: Any = tempfile.TemporaryFile(prefix="synapse-")  # noqa: SIM115 - closed by whoever opened the file
    large.write(file.getbuffer())
    return large


class RangeReader(io.RawIOBase):
    """Reads a file of the web from wherever it is wanted, all of one version; nothing is checked."""

    def __init__(self, new_fetch: Callable[[], Fetch]) -> None:
        self._new_fetch = new_fetch
        self._fetch = new_fetch()
        # What cannot be fetched at all is told when it is opened.
        self._version: Version = self._fetch.probe()
        self._blocks: Iterator[tuple[int, bytes]] = self._fetch.blocks()
        self._buffer = memoryview(b"")
        self._offset = self._wanted = 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Whether the server gives parts that are surely of one version."""
        return bool(self._version.validator) and self._version.size is not None

    def tell(self) -> int:
        """Give the place of the next byte."""
        return self._wanted

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go elsewhere; the next read asks for the file from there on."""
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._wanted, os.SEEK_END: self._version.size or 0}[whence]
        if start + offset < 0:  # as files do: zipfile tries a place before the start of a small one
            raise OSError(errno.EINVAL, f"negative seek position {start + offset}")
        self._wanted = start + offset
        return self._wanted

    def readinto(self, buffer: Any) -> int:
        """Read what has come, at most as much as there is room for."""
        if self._wanted >= (self._version.size or 0):
            return 0
        if not 0 <= self._wanted - self._offset <= len(self._buffer) + _SKIPPED:
            self._reopen()
        self._skip()
        block = self._next_block()
        count = min(len(buffer), len(block))
        buffer[:count] = block[:count]
        self._wanted += count
        self._skip()
        return count

    def close(self) -> None:
        """Let go of the connection."""
        if not self.closed:
            self._fetch.close()
        super().close()

    def _next_block(self) -> memoryview:
        if not self._buffer:
            self._buffer = memoryview(next(self._blocks, (0, b""))[1])
        return self._buffer

    def _skip(self) -> None:
        """Drop what lies before the wanted byte."""
        while (ahead := self._wanted - self._offset) and self._next_block():
            step = min(ahead, len(self._buffer))
            self._buffer = self._buffer[step:]
            self._offset += step

    def _reopen(self) -> None:
        self._fetch.close()
        self._fetch, self._buffer = self._new_fetch(), memoryview(b"")
        self._fetch.offset = self._offset = self._wanted
        self._fetch.version = self._version
        if self._wanted == 0 and not self._version.is_same_as(self._fetch.probe()):
            raise TransferError("the file changed while it was open: open it again", code="file-changed")
        self._blocks = self._fetch.blocks()
