"""Keys that are text, in the one form that they are compared in."""

from __future__ import annotations

import re

from typing import Annotated, Final, TypeAlias

_UUID: Final = re.compile(
    r"[0-9a-f]{8}(-?)[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{4}\1[0-9a-f]{12}", re.IGNORECASE
)


def uuid_form(text: str) -> str:
    """Give a UUID as backends send it, in lower case with hyphens; any other text stays as it is.

    >>> uuid_form("550E8400E29B41D4A716446655440000")
    '550e8400-e29b-41d4-a716-446655440000'
    """
    if _UUID.fullmatch(text) is None:
        return text
    digits = text.replace("-", "").lower()
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))


Uuid: TypeAlias = Annotated[str, uuid_form]
"""A text field that holds a UUID: it is read and set in one form."""
