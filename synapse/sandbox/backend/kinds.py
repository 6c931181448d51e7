"""What a file may be by the extension of its name."""

from __future__ import annotations

from functools import cache
from typing import Final

_EXTENSIONS: Final = {
    "image": "jpg jpeg jpe jfif png gif bmp tif tiff webp avif heic heif jp2 exr tga dng dcm",
    "video": "mp4 m4v mov avi mkv webm wmv mpg mpeg mts flv 3gp",
    "audio": "mp3 wav flac m4a ogg opus aac wma aif aiff amr",
    "pcd": "pcd ply las laz e57 xyz bin npy npz",
    "text": "txt md html htm log srt vtt csv tsv json jsonl ndjson geojson xml yaml yml",
    # What is nothing but data; a specification for data takes all other files as well.
    "data": "parquet arrow feather h5 hdf5 mat pkl xls xlsx db zip",
}
_MEDIA: Final = frozenset(_EXTENSIONS) - {"data"}


def fits(file_type: str, extension: str) -> bool:
    """Tell whether a file with this extension may be of a type; one that nobody knows may be anything."""
    known = _kinds(extension.lower())
    return file_type not in _MEDIA or not known or file_type in known


def extensions_of(file_type: str) -> list[str]:
    """Return the extensions that files of a type usually have."""
    return _EXTENSIONS[file_type].split()


@cache
def _kinds(extension: str) -> frozenset[str]:
    return frozenset(kind for kind, names in _EXTENSIONS.items() if extension in names.split())
