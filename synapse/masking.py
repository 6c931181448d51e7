"""Keep secrets out of everything that is printed, logged or raised."""

from __future__ import annotations

import base64
import html
import json
import re

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Self, SupportsIndex
from urllib.parse import quote, unquote

import attrs

from synapse.errors import ConfigError, hidden

HIDDEN: Final = "***"
_URL_SAFE: Final = str.maketrans("+/", "-_")
_SHORTEST: Final = 8
_KEYS: Final = 12
_WORDS: Final = (
    r"token|secret|passw|passphrase|signature|credential|authorization|install_script|connection[_-]?string"
    r"|(?:api|access|account|private|shared)[_-]?key"
)
_SENSITIVE: Final = re.compile(rf"{_WORDS}|^(?:otp(?:[_-]?code)?|sig|jwt|sas)$", re.IGNORECASE)
# What a storage is configured with is secret as a whole: its providers name their keys as they like.
_WHOLE: Final = "configuration"
_PAIR: Final = re.compile(r"([?&;])([^=&;#\s\"']+)=([^&;#\s\"'<>]*)")
_USER: Final = re.compile(r"(://)[^/?#@\s]*@")
_AGENT: Final = re.compile(r"(\bagents/)[^/?#\s\"']+(?=/connect\b)")
_MEMBER: Final = re.compile(
    rf'("(?:(?=[^"\\]*(?:{_WORDS}))[^"\\]*+|otp|otp_code|sig|jwt|sas)"\s*:\s*)("(?:[^"\\]|\\.)*+"?|[^,}}\]\s]+)',
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(r"\\u([0-9a-fA-F]{4})|\\(/)")
_CONFIGURED: Final = re.compile(rf'("{_WHOLE}"\s*:\s*)[{{\["].*', re.DOTALL)


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda match: match[2] or chr(int(match[1], 16)), text)


def _pair(match: re.Match[str]) -> str:
    mark, key, value = match.groups()
    # An address may be a parameter of another one, with a signature of its own.
    inner = unquote(value) if "%3D" in value.upper() else ""
    hidden = _SENSITIVE.search(key) or (inner and _PAIR.sub(_pair, inner) != inner)
    return f"{mark}{key}={HIDDEN if hidden else value}"


def mask_body(body: Any) -> Any:
    """Return a copy of a JSON value without secrets: see `Masker.body`.

    >>> mask_body({"name": "s3", "meta": {"secret_key": "x"}, "configuration": {"bucket": "b"}})
    {'name': 's3', 'meta': {'secret_key': '***'}, 'configuration': '***'}
    """
    return Masker().body(body)


def outline(value: Any) -> str:
    """Say what kind of answer came, by its keys and never by its values.

    >>> outline({"id": 3, "token": "x"}), outline([1, 2]), outline(None)
    ("an object with 'id', 'token'", 'a list of 2', 'null')
    """
    if isinstance(value, dict):
        named = ", ".join(repr(hidden(str(key))[:40]) for key in list(value)[:_KEYS])
        return f"an object with {named}{', …' if len(value) > _KEYS else ''}" if value else "an empty object"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    return "text" if isinstance(value, str) else json.dumps(value)


class Secret(str):
    """Text that is used as it is, and shown as `***` by everything that lists variables.

    >>> token = Secret("syn_0123456789abcdef")
    >>> token, len(token), token == "syn_0123456789abcdef"
    ('***', 20, True)
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(HIDDEN)

    def __getitem__(self, index: SupportsIndex | slice) -> Secret:
        # What lists variables cuts long ones, and prints the part.
        return Secret(super().__getitem__(index))

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: object) -> Self:
        return self

    def __reduce__(self) -> Any:
        raise ConfigError(
            "a token is not pickled: pickle the session, which looks it up again where it is loaded"
        )


def conceal(value: Any) -> Any:
    """Return text as a `Secret`, and a mapping with its texts as such; anything else stays what it is."""
    if isinstance(value, str):
        return Secret(value)
    if isinstance(value, Mapping):
        return {name: conceal(each) for name, each in value.items()}
    return value


def _forms(secrets: Iterable[str]) -> tuple[Secret, ...]:
    # A token of a few letters occurs in ordinary words, and hiding it there would tell what it is.
    found = {form for secret in secrets if len(secret) >= _SHORTEST for form in _spelled(secret)}
    return tuple(Secret(form) for form in sorted(found, key=len, reverse=True))


def _spelled(secret: str) -> Iterator[str]:
    """Yield what becomes of a secret within an address, JSON, a page, and an encoded whole such as `Basic …`."""
    secret = str(secret)
    percent = quote(secret, safe="")
    yield from (
        secret,
        percent,
        quote(percent),
        re.sub("%[0-9A-F]{2}", lambda code: code[0].lower(), percent),
        secret.lower(),  # in the name of a host
    )
    quoted = json.dumps(secret)[1:-1]
    yield from (quoted, quoted.replace("/", r"\/"), html.escape(secret), html.escape(secret, quote=False))
    raw = secret.encode()
    for before in range(3):  # three bytes become four characters, so that it depends on what stands before it
        whole = base64.b64encode(bytes(before) + raw).decode()
        core = whole[-(-before * 4 // 3) : (before + len(raw)) * 4 // 3]
        yield from (core, core.translate(_URL_SAFE))


@attrs.define(eq=False)
class Masker:
    """Hides what a session must not show: its own tokens, and what looks secret by its name or its place."""

    secrets: tuple[str, ...] = attrs.field(
        default=(), repr=False, converter=_forms, on_setattr=attrs.setters.NO_OP
    )

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these as well from now on."""
        self.secrets = tuple(sorted({*self.secrets, *_forms(secrets)}, key=len, reverse=True))

    def literal(self, text: str) -> str:
        """Return *text* without any of the session's tokens as they are usually written; JSON stays JSON."""
        for form in self.secrets:
            if form in text:
                text = text.replace(form, HIDDEN)
        return text

    def text(self, text: str, /) -> str:
        """Return *text* without any of the session's tokens, and without escapes if they spell one."""
        text = self.literal(text)
        for mark, read in (("&", html.unescape), ("\\", _unescaped)):
            if mark in text and (plain := read(text)) != (masked := self.literal(plain)):
                text = masked
        return text

    def url(self, url: str) -> str:
        """Return an address, or a text with addresses in it, without tokens, signatures and user information."""
        url = _AGENT.sub(rf"\1{HIDDEN}", _USER.sub(rf"\1{HIDDEN}@", self.text(url)))
        return _PAIR.sub(_pair, url) if "=" in url else url

    def words(self, text: str) -> str:
        """Return what a backend said, be it a page, a sentence or JSON that was cut off, without what looks secret."""
        return _CONFIGURED.sub(rf"\1{HIDDEN}", _MEMBER.sub(rf"\1{HIDDEN}", self.url(text)))

    def body(self, body: Any) -> Any:
        """Return a copy of a JSON value in which secrets are hidden: by their keys, in addresses, and known ones."""
        try:
            return self._body(body)
        except RecursionError:
            return HIDDEN

    def _body(self, body: Any) -> Any:
        if isinstance(body, dict):
            return {
                self._key(key): HIDDEN if _SENSITIVE.search(str(key)) or key == _WHOLE else self._body(value)
                for key, value in body.items()
            }
        if isinstance(body, list | tuple):
            return [self._body(value) for value in body]
        if isinstance(body, str):
            return self.url(body) if "://" in body or "?" in body else self.text(body)
        return body

    def refusal(self, body: Any, *, inside: bool = False) -> Any:
        """Return a copy of an error body without the secrets that it repeats; what it says about a field stays.

        What it says comes in lists, what it repeats stands there as it was sent: *inside* a configuration nothing of
        that is shown.
        """
        if isinstance(body, dict):
            return {
                self._key(key): self._repeated(str(key), value, inside=inside) for key, value in body.items()
            }
        if isinstance(body, list):
            return [self.refusal(value) for value in body]
        return self.words(body) if isinstance(body, str) else body

    def _key(self, key: Any) -> Any:
        return self.text(key) if isinstance(key, str) else key

    def _repeated(self, key: str, value: Any, *, inside: bool) -> Any:
        inside = inside or key == _WHOLE
        if (inside or _SENSITIVE.search(key)) and not isinstance(value, dict | list):
            return HIDDEN
        return self.refusal(value, inside=inside)
