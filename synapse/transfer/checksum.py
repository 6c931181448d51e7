"""What the bytes of a file are held against."""

from __future__ import annotations

import hashlib
import re

from typing import Any, BinaryIO, Final

import attrs

from synapse.transfer.source import BLOCK

# What a backend makes of bytes that it was sent, and of what went to a storage directly; others are not known.
_KINDS: Final = {32: "MD5", 40: "SHA1"}
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)


@attrs.frozen
class Checksum:
    """A checksum whose kind is known."""

    kind: str
    digest: str

    @classmethod
    def of(cls, text: str | None) -> Checksum | None:
        """Read a checksum as the backend tells it; None where it cannot be made again here."""
        digest = (text or "").lower()
        kind = _KINDS.get(len(digest))
        return cls(kind, digest) if kind and _HEX.fullmatch(digest) else None

    def begin(self) -> Any:
        """Begin a checksum of this kind."""
        return hashlib.new(self.kind, usedforsecurity=False)

    def of_bytes(self, content: bytes) -> str:
        """Return the checksum of a content that is held already."""
        return str(hashlib.new(self.kind, content, usedforsecurity=False).hexdigest())

    def taken(self, file: BinaryIO, *, size: int | None = None) -> Any:
        """Begin one with the first *size* bytes of an open file, or with all; the file is left at their end."""
        digest, done = self.begin(), 0
        file.seek(0)
        while block := file.read(BLOCK if size is None else min(BLOCK, size - done)):
            digest.update(block)
            done += len(block)
        return digest
