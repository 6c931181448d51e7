"""Files that are certainly not what they should be: told by what they are, never by what they lack."""

from __future__ import annotations

import codecs
import json
import re

from collections.abc import Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Final

import attrs

from synapse.errors import MappingError, TransferError
from synapse.transfer.local_file import Source, shown_path

if TYPE_CHECKING:
    from mimetypes import MimeTypes

# Where several kinds take an extension, the first that a collection has is meant.
_EXTENSIONS: Final = {
    ("data", "text"): "json jsonl ndjson geojson xml yaml yml csv tsv",
    ("data", "pcd"): "bin npy npz",
    ("data",): "parquet arrow feather h5 hdf5 mat pkl xls xlsx db zip",
    ("text", "data"): "txt",
    ("text",): "md html htm log srt vtt",
    ("pcd",): "pcd ply las laz e57 xyz",
    ("image",): "jpg jpeg jpe jfif png gif bmp tif tiff webp avif heic heif jp2 exr tga dng dcm",
    ("video",): "mp4 m4v mov avi mkv webm wmv mpg mpeg mts flv 3gp",
    ("audio",): "mp3 wav flac m4a ogg opus aac wma aif aiff amr",
}
_CHECKED_TYPES: Final = frozenset({"text", "pcd", "image", "video", "audio"})
_TEMPORARY: Final = frozenset({"part", "partial", "crdownload", "download", "tmp", "temp"})
_TYPES_BY_EXTENSION: Final = {
    extension: kinds for kinds, names in _EXTENSIONS.items() for extension in names.split()
}

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


@attrs.frozen
class Spec:
    """What a collection requires of one of the files of each unit."""

    name: str
    file_type: str = ""
    required: bool = False


def file_types_of(name: str) -> tuple[str, ...]:
    """Return the kinds that a file of this name can be, the likeliest first; none, if its name tells of none.

    >>> file_types_of("a.JPG"), file_types_of("frame.json"), file_types_of("README")
    (('image',), ('data', 'text'), ())
    """
    return _types_of(_extension(name))


def may_be(file_type: str, name: str) -> bool:
    """Tell whether a file of this name can be what a specification asks for.

    `data` can be anything, and so can a type that nobody knows here.

    >>> may_be("image", "a.png"), may_be("image", "README"), may_be("data", "README")
    (True, False, True)
    """
    return file_type not in _CHECKED_TYPES or file_type in file_types_of(name)


def name_contradicts(file_type: str, name: str) -> bool:
    """Tell whether a name says that a file is something else; an ending that is not among the usual ones says nothing.

    >>> name_contradicts("image", "a.mp4"), name_contradicts("image", "SCAN0001"), name_contradicts("pcd", "000001.bin")
    (True, False, False)
    """
    return (
        file_type in _CHECKED_TYPES
        and bool(kinds := _TYPES_BY_EXTENSION.get(_extension(name), ()))
        and file_type not in kinds
    )


def is_temporary_name(name: str) -> bool:
    """Tell whether a name is that of a download that was not finished, or of an editor's copy.

    >>> is_temporary_name("a.png.part"), is_temporary_name("a.png~"), is_temporary_name("a.png")
    (True, True, False)
    """
    base = name.rpartition("/")[2]
    return base.endswith("~") or base.startswith("~$") or base.rpartition(".")[2].lower() in _TEMPORARY


def _extension(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2].lower() if "." in name else ""


@lru_cache(maxsize=1024)
def _types_of(extension: str) -> tuple[str, ...]:
    if extension in _TYPES_BY_EXTENSION or not extension:
        return _TYPES_BY_EXTENSION.get(extension, ())
    guessed = _mime_types().guess_type(f"a.{extension}")[0]
    kind = guessed.partition("/")[0] if guessed else ""
    return (kind,) if kind in ("image", "video", "audio", "text") else ()


@lru_cache(maxsize=1)
def _mime_types() -> MimeTypes:
    """The table that comes with Python: that of the system differs from machine to machine."""
    from mimetypes import MimeTypes

    return MimeTypes()


def check_file_for(source: Source, spec: Spec) -> None:
    """Refuse a file that its name or its content shows to be something else than its specification asks for."""
    if name_contradicts(spec.file_type, source.path.name):
        said = " or ".join(file_types_of(source.path.name))
        raise MappingError(
            f"{shown_path(source.path)} is {said} by its name, and {spec.name} takes {spec.file_type} files: it was "
            "not sent. check_content=False sends it as it is"
        )
    _refuse_mismatch(source, {spec.file_type}, f"{spec.name} takes {spec.file_type} files")


def check_file(source: Source) -> None:
    """Refuse a file whose content contradicts its name."""
    kinds = file_types_of(source.path.name)
    _refuse_mismatch(
        source, kinds, f"it is {' or '.join(kinds)} by its name" if kinds else "that is of no use there"
    )


def _refuse_mismatch(source: Source, kinds: Iterable[str], why: str) -> None:
    if words := _mismatch(source, set(kinds)):
        raise TransferError(
            f"{shown_path(source.path)} {words}, and {why}: it was not sent. check_content=False sends it as it is"
        )


def _mismatch(source: Source, kinds: set[str]) -> str | None:
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
