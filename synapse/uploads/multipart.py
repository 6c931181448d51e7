"""Multipart bodies that are read from disk while they are sent."""

from __future__ import annotations

import json
import uuid

from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import attrs

from synapse.errors import TransferError
from synapse.mapping.codecs import check_json
from synapse.transfer.local_file import PathLike, RemotePath, SentBytes, Source, source_of
from synapse.values import plain, sendable

_ESCAPES: Final = {ord('"'): "%22", ord("\r"): "%0D", ord("\n"): "%0A"}


@attrs.frozen
class FilePart:
    """`length` bytes of a file from `start` on; `counter` counts them as they are sent."""

    source: Source
    filename: str
    start: int
    length: int
    counter: SentBytes | None = attrs.field(default=None, eq=False, repr=False)

    @classmethod
    def whole(cls, source: Source, filename: str, *, counter: SentBytes | None = None) -> FilePart:
        """Take all of a file."""
        return cls(source, filename, 0, source.size, counter)

    @classmethod
    def of(cls, path: PathLike | RemotePath) -> FilePart:
        """Take all of a file under its own name; raises `TransferError` if it cannot be sent."""
        source = source_of(path)
        return cls.whole(source, source.name)

    def check(self) -> None:
        """Raise `TransferError` if the file has changed, or, for a whole file, differs from the bytes sent."""
        if self.counter is not None and self.length == self.source.size:
            self.counter.check()
        else:
            self.source.check()


_Piece: TypeAlias = bytes | FilePart


class MultipartBody:
    """A `multipart/form-data` body of known length, which can be opened as often as needed.

    In `fields`, a mapping is sent as JSON text, a list as a repeated field, and `None` not at all. Files are read block
    by block: neither a file nor a chunk is ever held in memory.
    """

    def __init__(self, fields: Mapping[str, Any], *, files: Mapping[str, FilePart] | None = None) -> None:
        boundary = uuid.uuid4().hex
        self.content_type = f"multipart/form-data; boundary={boundary}"
        self._pieces = list(_pieces(fields, files or {}, boundary=boundary.encode()))
        self.length = sum(len(piece) if isinstance(piece, bytes) else piece.length for piece in self._pieces)

    def open(self) -> MultipartReader:
        """Return a fresh reader over the whole body."""
        return MultipartReader(self._pieces)


class MultipartReader:
    """Reads a body piece after piece; a read may return less than was asked for, and nothing at the end only."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._pieces = pieces
        self._index = 0
        self._done = 0
        self._file: Any = None

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, all of them if *size* is negative."""
        if size < 0:
            return b"".join(iter(lambda: self.read(65536), b""))
        while self._index < len(self._pieces):
            piece = self._pieces[self._index]
            length = len(piece) if isinstance(piece, bytes) else piece.length
            block = self._next(piece, min(size, length - self._done))
            if block or not size:
                return block
            self._index, self._done = self._index + 1, 0
            self.close()
        return b""

    def close(self) -> None:
        """Close the file that is being read."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _next(self, piece: _Piece, size: int) -> bytes:
        if not size:
            return b""
        if isinstance(piece, bytes):
            block = piece[self._done : self._done + size]
        else:
            block = self._from_disk(piece, size)
        self._done += len(block)
        return block

    def _from_disk(self, part: FilePart, size: int) -> bytes:
        if self._file is None:
            self._file = part.source.open()
            self._file.seek(part.start + self._done)
        block = part.source.read(self._file, size)
        if part.counter is not None:
            part.counter.add(part.start + self._done, block)
        if self._done + len(block) == part.length:
            # Refused before the last bytes are out, the request stays incomplete: nothing is registered.
            part.check()
        return block


def escape(name: str) -> str:
    """Return *name* so that it cannot leave its quotes, escaped as browsers do.

    >>> escape('a"b.png')
    'a%22b.png'
    """
    return name.translate(_ESCAPES)


def _pieces(fields: Mapping[str, Any], files: Mapping[str, FilePart], *, boundary: bytes) -> Iterator[_Piece]:
    start = b"--" + boundary + b"\r\nContent-Disposition: form-data; "
    for name, text in _texts(fields):
        yield start + f'name="{escape(name)}"\r\n\r\n{text}\r\n'.encode()
    for name, part in files.items():
        names = f'name="{escape(name)}"; filename="{escape(part.filename)}"\r\n\r\n'
        yield start + names.encode()
        yield part
        yield b"\r\n"
    yield b"--" + boundary + b"--\r\n"


def _texts(fields: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in fields.items():
        for item in value if isinstance(value, list | tuple) else (value,):
            if item is not None:
                yield name, _text(name, item)


def _text(name: str, value: Any) -> str:
    value = plain(value)
    if isinstance(value, str):
        if reason := sendable(value):
            raise TransferError(f"the field {name!r} is {reason}; nothing was sent")
        return value
    if isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, Mapping | list | tuple):
        try:
            return json.dumps(check_json(value))
        except (TypeError, ValueError) as error:
            raise TransferError(f"the field {name!r} is not JSON ({error})") from error
    raise TransferError(f"the field {name!r} cannot be sent as text: it is a {type(value).__name__}")
