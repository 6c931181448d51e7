"""What the bytes of a file are held against."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re

from typing import Any, BinaryIO, Final

import attrs

from synapse.transfer.local_file import BLOCK

# A backend takes the MD5 of what it is sent, and keeps the SHA-1 or SHA-256 of what went to a storage directly. Any
# other text is opaque: it cannot be made again here.
_KINDS: Final = {32: "MD5", 40: "SHA1", 64: "SHA256"}
_HEX: Final = re.compile(r"[0-9a-f]+", re.ASCII)
_LABEL: Final = re.compile(r"\s*(?:(?:md5|sha-?1|sha-?256)\s*[:=]\s*)?", re.IGNORECASE)


@attrs.frozen
class Checksum:
    """A checksum whose kind is known."""

    kind: str
    digest: str

    @classmethod
    def of(cls, text: str | None) -> Checksum | None:
        """Read a checksum as the backend tells it, in hex or base64; None where it cannot be made again here."""
        bare = _LABEL.sub("", text or "", count=1).strip()
        digest = bare.lower()
        if not _HEX.fullmatch(digest) or len(digest) not in _KINDS:
            digest = _decoded(bare)
        kind = _KINDS.get(len(digest))
        return cls(kind, digest) if kind else None

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


def _decoded(text: str) -> str:
    """Return base64 as hex; empty for anything else."""
    if not text.endswith("="):  # none of these digests fills its last group of three bytes
        return ""
    try:
        return base64.b64decode(text.translate({45: 43, 95: 47}), validate=True).hex()
    except (ValueError, binascii.Error):
        return ""
