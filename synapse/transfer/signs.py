"""Files that are certainly not what they should be: told by what they are, never by what they lack."""

from __future__ import annotations

import codecs
import json
import re

from collections.abc import Iterable
from typing import Any, Final

from synapse.errors import MappingError, TransferError
from synapse.transfer.kinds import contradicts, kinds_of
from synapse.transfer.source import Source, shown
from synapse.transfer.specifications import Spec

# Text and data may be empty, a page or an error that somebody wants to keep.
MEDIA: Final = frozenset({"image", "video", "audio", "pcd"})
_LFS: Final = b"version https://git-lfs.github.com/spec/"
_PROLOGUE: Final = r"\s*(?:<\?xml[^>]*>\s*)?(?:<!--.*?-->\s*)*"
_PAGE: Final = re.compile(_PROLOGUE + r"<(?:!doctype\s+html|html)\b", re.DOTALL | re.IGNORECASE)
_ERROR_XML: Final = re.compile(
    _PROLOGUE
    + r"<(?:\w+:)?(?:errors?|error-?response|fault|exception|(?:service)?exception-?report|envelope\b.*fault)\b",
    re.DOTALL | re.IGNORECASE,
)
_ERROR_KEYS: Final = re.compile(r"(error|exception|fault|detail|message|msg)s?([_-]?\w+)?", re.IGNORECASE)
_LARGEST_ERROR: Final = 64 * 1024
_ENCODINGS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def check_fits(source: Source, spec: Spec) -> None:
    """Refuse a file that its name or its content shows to be something else than its specification asks for."""
    if contradicts(spec.file_type, source.path.name):
        said = " or ".join(kinds_of(source.path.name))
        raise MappingError(
            f"{shown(source.path)} is {said} by its name, and {spec.name} takes {spec.file_type} files: it was not "
            "sent. check_content=False sends it as it is"
        )
    _check(source, {spec.file_type}, f"{spec.name} takes {spec.file_type} files")


def check_alone(source: Source) -> None:
    """Refuse a file whose content shows it to be something else than its name says."""
    kinds = kinds_of(source.path.name)
    _check(source, kinds, f"it is {' or '.join(kinds)} by its name" if kinds else "that is of no use there")


def _check(source: Source, kinds: Iterable[str], why: str) -> None:
    if words := _sign(source, set(kinds)):
        raise TransferError(
            f"{shown(source.path)} {words}, and {why}: it was not sent. check_content=False sends it as it is"
        )


def _sign(source: Source, kinds: set[str]) -> str | None:
    """Say what a file is, where that is nothing of these kinds."""
    if source.head.startswith(_LFS):
        return "is a Git LFS pointer in the place of the file (`git lfs pull` gets that)"
    if not kinds or not kinds <= MEDIA:
        return None
    if not source.size:
        return "is empty"
    text = _text(source.head)
    if _PAGE.match(text):
        return "holds a web page"
    if _ERROR_XML.match(text):
        return "holds an error message in XML"
    if text.lstrip()[:1] in ("{", "[") and source.size <= _LARGEST_ERROR and _is_error(source):
        return "holds an error message in JSON"
    return None


def _text(content: bytes) -> str:
    for mark, encoding in _ENCODINGS:
        if content.startswith(mark):
            return content.decode(encoding, "replace")
    return content.decode("latin-1")


def _is_error(source: Source) -> bool:
    try:
        value = json.loads(_text(b"".join(source.blocks(0, source.size))))
    except (ValueError, RecursionError):
        return False
    first = value[0] if isinstance(value, list) and value else value
    return isinstance(first, dict) and any(_tells_error(name, each) for name, each in first.items())


def _tells_error(name: str, value: Any) -> bool:
    plain = name.lower()
    if plain in ("status", "code", "statuscode", "status_code"):
        return (type(value) is int and 400 <= value < 600) or (
            isinstance(value, str) and value.lower() in ("error", "fail", "failed", "failure")
        )
    return (plain in ("success", "ok") and value is False) or bool(_ERROR_KEYS.fullmatch(plain))
