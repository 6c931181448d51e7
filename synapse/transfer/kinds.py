"""What kind of file a name tells of, in the words of file specifications."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from mimetypes import MimeTypes

# Where several kinds take an extension, the first that a collection has is meant.
_KINDS: Final = {
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
_TOLD: Final = frozenset({"text", "pcd", "image", "video", "audio"})
_LEFT_OVER: Final = frozenset({"part", "partial", "crdownload", "download", "tmp", "temp"})
_KNOWN: Final = {extension: kinds for kinds, names in _KINDS.items() for extension in names.split()}


def kinds_of(name: str) -> tuple[str, ...]:
    """Return the kinds that a file of this name can be, the likeliest first; none, if its name tells of none.

    >>> kinds_of("a.JPG"), kinds_of("frame.json"), kinds_of("README")
    (('image',), ('data', 'text'), ())
    """
    return _kinds(_extension(name))


def takes(file_type: str, name: str) -> bool:
    """Tell whether a file of this name can be what a specification asks for.

    `data` can be anything, and so can a type that nobody knows here.

    >>> takes("image", "a.png"), takes("image", "README"), takes("data", "README")
    (True, False, True)
    """
    return file_type not in _TOLD or file_type in kinds_of(name)


def contradicts(file_type: str, name: str) -> bool:
    """Tell whether a name says that a file is something else; an ending that is not among the usual ones says nothing.

    >>> contradicts("image", "a.mp4"), contradicts("image", "SCAN0001"), contradicts("pcd", "000001.bin")
    (True, False, False)
    """
    return file_type in _TOLD and bool(kinds := _KNOWN.get(_extension(name), ())) and file_type not in kinds


def is_left_over(name: str) -> bool:
    """Tell whether a name is that of a download that was not finished, or of an editor's copy.

    >>> is_left_over("a.png.part"), is_left_over("a.png~"), is_left_over("a.png")
    (True, True, False)
    """
    base = name.rpartition("/")[2]
    return base.endswith("~") or base.startswith("~$") or base.rpartition(".")[2].lower() in _LEFT_OVER


def _extension(name: str) -> str:
    return name.rpartition("/")[2].rpartition(".")[2].lower() if "." in name else ""


@lru_cache(maxsize=1024)
def _kinds(extension: str) -> tuple[str, ...]:
    if extension in _KNOWN or not extension:
        return _KNOWN.get(extension, ())
    guessed = _types().guess_type(f"a.{extension}")[0]
    kind = guessed.partition("/")[0] if guessed else ""
    return (kind,) if kind in ("image", "video", "audio", "text") else ()


@lru_cache(maxsize=1)
def _types() -> MimeTypes:
    """The table that comes with Python: that of the system differs from machine to machine."""
    from mimetypes import MimeTypes

    return MimeTypes()
