"""Enumerations that a newer backend may know more of."""

from __future__ import annotations

from enum import StrEnum


class OpenChoice(StrEnum):
    """An enumeration that is open: a value it does not list may be written and asked for as well.

    Any other enumeration is closed for writing, so that a typo is noticed; what the backend sends is read in both
    cases, as plain text where it is not listed.
    """
