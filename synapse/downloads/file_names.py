"""File names that are safe on every system, whoever chose them."""

from __future__ import annotations

import re
import unicodedata

from typing import Final

LONGEST: Final = 240
_LONGEST_STEM: Final = 160
_LONGEST_ENDING: Final = 32

_SEPARATORS: Final = re.compile(r"[/\\]")
_FORBIDDEN: Final = re.compile(r'[<>:"|?*]')
_PLAIN: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}(?:\.[A-Za-z0-9]{1,8})?")
_DIRECTIONS: Final = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_HIDDEN: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})
_DEVICES: Final = re.compile(
    r"(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])\s*(?:\..*)?", re.IGNORECASE
)


def safe_name(name: str) -> str:
    """Return the last part of *name* as a file name that leaves no folder, hides nothing and that Windows accepts, too.

    Names of our own, such as those of drafts, are hidden ones: no file of a backend can be taken for one.

    >>> safe_name("../../etc/passwd"), safe_name("a:b?.png"), safe_name("con.txt"), safe_name(".bashrc")
    ('passwd', 'a_b_.png', '_con.txt', '_.bashrc')
    """
    # Most names are plain, and millions of them are asked for.
    if _PLAIN.fullmatch(name) and not _DEVICES.fullmatch(name):
        return name
    last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    shown = "".join(
        char for char in last if unicodedata.category(char) not in _HIDDEN and char not in _DIRECTIONS
    )
    tidy = _FORBIDDEN.sub("_", shown).strip().rstrip(". ")
    if tidy.startswith(".") or _DEVICES.fullmatch(tidy):
        tidy = f"_{tidy}"
    return _cut(tidy).rstrip(". ") or "file"


def safe_path(path: str) -> str:
    """Return a path, of which each step is safe, and which leads nowhere but down.

    >>> safe_path("/day1/../a.png"), safe_path("..\\\\.ssh/keys"), safe_path("C:/a.png")
    ('day1/a.png', '_.ssh/keys', 'C_/a.png')
    """
    steps = (step for step in _SEPARATORS.split(path) if step.strip() not in ("", ".", ".."))
    return "/".join(map(safe_name, steps)) or "file"


def with_stem(stem: str, name: str) -> str:
    """Give a file the stem of another one; it keeps its own ending.

    >>> with_stem("photo.jpg", "labels.json"), with_stem("photo.jpg", "notes"), with_stem("a.b.jpg", "notes")
    ('photo.json', 'photo', 'a.b.bin')
    """
    chosen = safe_name(stem)
    chosen = chosen.rpartition(".")[0] or chosen
    # As long for each of them, whatever their endings are.
    chosen = chosen.encode()[:_LONGEST_STEM].decode(errors="ignore").rstrip(". ")
    _, dot, ending = safe_name(name).rpartition(".")
    if dot and len(ending.encode()) < _LONGEST_ENDING:
        return f"{chosen}.{ending}"
    return f"{chosen}.bin" if "." in chosen else chosen  # or its last part would be taken for an ending


def _cut(name: str) -> str:
    """Shorten a name to what file systems take, keeping its extension."""
    if len(name.encode()) <= LONGEST:
        return name
    stem, dot, extension = name.rpartition(".")
    ending = (dot + extension).encode()
    if not stem or len(ending) > LONGEST // 2:
        stem, ending = name, b""
    return stem.encode()[: LONGEST - len(ending)].decode(errors="ignore") + ending.decode()
