"""Put files into the data folder: streamed, under safe names, never half-written."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
import uuid

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from django.conf import settings

EMPTY_MD5: Final = hashlib.md5(b"", usedforsecurity=False).hexdigest()
LONGEST_NAME: Final = 200
BLOCK: Final = 1024 * 1024
_PLACED: ContextVar[list[Path] | None] = ContextVar("placed", default=None)


@dataclass(frozen=True)
class Received:
    """A file that has arrived whole but has no place yet."""

    path: Path
    checksum: str
    size: int


def media_root() -> Path:
    """Return the folder that everything stored lives under."""
    return Path(settings.MEDIA_ROOT)


def safe_name(name: str) -> str:
    """Keep a file's own name as far as it is harmless: no folders, no control characters, not too long."""
    base = unicodedata.normalize("NFC", name).replace("\\", "/").rsplit("/", 1)[-1]
    base = "".join(char for char in base if char.isprintable()).strip().lstrip(".")
    stem, dot, extension = base.rpartition(".")
    room = LONGEST_NAME - len((dot + extension).encode())
    if len(base.encode()) > LONGEST_NAME:
        stem = (stem if room > 0 else base).encode()[: max(room, LONGEST_NAME // 2)].decode(errors="ignore")
        base = stem + dot + extension if room > 0 else stem
    return base or "file"


def receive(blocks: Iterable[bytes]) -> Received:
    """Stream *blocks* to disk and take their MD5 on the way."""
    path = _incoming()
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with path.open("xb") as file:
            for block in blocks:
                file.write(block)
                digest.update(block)
            size = file.tell()
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return Received(path=path, checksum=digest.hexdigest(), size=size)


def receive_copy(source: Path, *, checksum: str) -> Received:
    """Take a file that is already in the data folder: by a hard link if possible, else a copy."""
    path = _incoming()
    try:
        os.link(source, path)
    except OSError:
        shutil.copyfile(source, path)
    return Received(path=path, checksum=checksum, size=path.stat().st_size)


@contextmanager
def taken_away() -> Iterator[None]:
    """Take away again, at the end of the block, what this thread has placed in it."""
    token = _PLACED.set([])
    try:
        yield
    finally:
        for path in _PLACED.get() or ():
            path.unlink(missing_ok=True)
        _PLACED.reset(token)


def placed(path: Path) -> None:
    """Tell that a file is at its place, in case it is only tried out."""
    if (paths := _PLACED.get()) is not None:
        paths.append(path)


def place(received: Received, relative: str) -> str:
    """Move a received file to its place under the media folder and return that place."""
    target = media_root() / relative
    placed(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    received.path.replace(target)
    # Renaming onto another link of the same file leaves the source where it was.
    received.path.unlink(missing_ok=True)
    return relative


def discard(received: Received) -> None:
    """Forget a received file that is not needed after all."""
    received.path.unlink(missing_ok=True)


def md5_of(path: Path) -> str:
    """Take the MD5 of a file on disk without holding it in memory."""
    digest = hashlib.md5(usedforsecurity=False)
    with path.open("rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    return digest.hexdigest()


def _incoming() -> Path:
    folder = media_root().parent / "incoming"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / uuid.uuid4().hex
