"""Keep secrets out of everything that is printed, logged or raised."""

from __future__ import annotations

import re

from collections.abc import Iterable
from typing import Any, Final
from urllib.parse import quote

import attrs

HIDDEN: Final = "***"
_SHORTEST: Final = 8
_SENSITIVE: Final = re.compile(
    r"token|secret|passw|signature|credential|authorization|(?:api|access|private)[_-]?key|^sig$|^jwt$",
    re.IGNORECASE,
)
_PAIR: Final = re.compile(r"([?&;])([^=&;#]+)=([^&;#]*)")
_USER: Final = re.compile(r"(://)[^/?#@\s]*@")
_AGENT: Final = re.compile(r"(\bagents/)[^/?#\s\"']+(?=/connect\b)")


def _pair(match: re.Match[str]) -> str:
    mark, key, value = match.groups()
    return f"{mark}{key}={HIDDEN if _SENSITIVE.search(key) else value}"


def mask_body(body: Any) -> Any:
    """Return a copy of a JSON value in which every secret-looking key has its value hidden.

    >>> mask_body({"name": "s3", "configuration": {"secret_key": "x"}})
    {'name': 's3', 'configuration': {'secret_key': '***'}}
    """
    if isinstance(body, dict):
        return {key: _masked(str(key), value) for key, value in body.items()}
    if isinstance(body, list):
        return [mask_body(value) for value in body]
    return body


def _masked(key: str, value: Any) -> Any:
    if key == "configuration" and isinstance(value, dict):
        # A storage's settings are credentials under any name that its provider may give them.
        return dict.fromkeys(value, HIDDEN)
    return HIDDEN if _SENSITIVE.search(key) else mask_body(value)


def _both_forms(secrets: Iterable[str]) -> tuple[str, ...]:
    # A token of a few letters occurs in ordinary words, and hiding it there would tell what it is.
    long = [secret for secret in secrets if len(secret) >= _SHORTEST]
    forms = {form for secret in long for form in (secret, quote(secret, safe=""))}
    return tuple(sorted(forms, key=len, reverse=True))


@attrs.frozen
class Masker:
    """Hides what a session must not show: its own tokens, and the signed parts of addresses."""

    secrets: tuple[str, ...] = attrs.field(default=(), repr=False, converter=_both_forms)

    def text(self, text: str) -> str:
        """Return *text* without any of the session's tokens."""
        for form in self.secrets:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text

    def url(self, url: str) -> str:
        """Return an address without tokens, signatures and user information."""
        url = _AGENT.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", self.text(url)))
        return _PAIR.sub(_pair, url) if "=" in url else url
