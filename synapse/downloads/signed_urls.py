"""What of an address says which file it is, and what only says who may read it, and until when."""

from __future__ import annotations

from typing import Final
from urllib.parse import unquote, urlsplit

# A signature, and what comes with it only: without one, `st=2` may well be the second of two files.
_SIGNED: Final[dict[str, tuple[str, ...]]] = {
    "x-amz-signature": ("x-amz-",),
    "x-goog-signature": ("x-goog-",),
    "signature": ("awsaccesskeyid", "googleaccessid", "ossaccesskeyid", "key-pair-id", "policy", "expires"),
    "sig": (
        *(
            "se",
            "sp",
            "spr",
            "sr",
            "srt",
            "ss",
            "st",
            "sv",
            "sip",
            "skoid",
            "sktid",
            "skt",
            "ske",
            "sks",
            "skv",
        ),
        *("saoid", "suoid", "scid", "sdd", "ses"),
    ),
}


def without_signature(url: str) -> str:
    """Return an address without user, fragment and signature: the same for the same file, whenever it was signed.

    >>> without_signature("https://b.example/a.png?id=7&X-Amz-Expires=60&X-Amz-Signature=0a")
    'https://b.example/a.png?id=7'
    """
    parts = urlsplit(url)
    pairs = [(_name(pair), pair) for pair in parts.query.split("&")]
    names = {name for name, _ in pairs}
    dropped = [(mark, *beside) for mark, beside in _SIGNED.items() if mark in names]
    exact = {name for family in dropped for name in family if not name.endswith("-")}
    starts = tuple(name for family in dropped for name in family if name.endswith("-"))
    query = "&".join(pair for name, pair in pairs if name not in exact and not name.startswith(starts))
    where = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=where, query=query, fragment="").geturl()


def _name(pair: str) -> str:
    return unquote(pair.partition("=")[0]).lower()
