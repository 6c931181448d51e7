"""The origin that a session's token may be sent to, and addresses on it."""

from __future__ import annotations

import ipaddress
import re

from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import attrs

from synapse.errors import ConfigError, OriginError, QueryError
from synapse.masking import Secret

_PORTS: Final = {"http": 80, "https": 443}
_ABSOLUTE: Final = re.compile(r"\s*(?:[A-Za-z][A-Za-z0-9+.\-]*:)?[/\\]{2}")
_UNSAFE: Final = re.compile(r"[^!#$%&'()*+,/:;=?@\[\]~\w.\-]", re.ASCII)
_DOTS: Final = re.compile(r"(?:^|/)\.{1,2}(?:[/?#]|$)")
_BROKEN: Final = re.compile(r"[\\\s\x00-\x1f\x7f\ud800-\udfff]")


def origin_of(url: str) -> str:
    """Return `scheme://host[:port]` in lower case and ASCII, without a default port or trailing dot, or `ValueError`.

    >>> origin_of("HTTPS://API.example.com.:443/tasks/"), origin_of("https://bücher.example")
    ('https://api.example.com', 'https://xn--bcher-kva.example')
    """
    if _BROKEN.search(url):
        raise ValueError("a backslash, a space, a control character or half of a surrogate pair")
    parts = urlsplit(url)
    scheme, host = parts.scheme.lower(), host_of(parts.hostname or "")
    if scheme not in _PORTS or not host:
        raise ValueError("no http(s) scheme or no host")
    if parts.username is not None or parts.password is not None:
        raise ValueError("user information before the host")
    port = parts.port
    return f"{scheme}://{host}" if port in (None, _PORTS[scheme]) else f"{scheme}://{host}:{port}"


def host_of(name: str) -> str:
    """Return a host in the form that is sent; `ValueError` for anything else."""
    if ":" in name:
        return f"[{ipaddress.ip_address(name).compressed}]"
    if not name.isascii():
        import idna

        name = idna.encode(name, uts46=True).decode()
    return name.rstrip(".")


def start_of(url: str) -> str:
    """Return the part of an address before its path, as it is written.

    >>> start_of("https://api.example.com/tasks/?page=2")
    'https://api.example.com'
    """
    end = url.find("/", len("https://"))
    return url[:end] if end > 0 else url


def clean(url: str) -> str:
    """Percent-encode the characters that a request line may not hold."""
    return quote(url, safe="!#$%&'()*+,/:;=?@[]~") if _UNSAFE.search(url) else url


@attrs.frozen
class Base:
    """The base address of a backend: its origin, and the path that all requests start with."""

    origin: str
    prefix: str = ""

    @property
    def url(self) -> str:
        """The base address without a trailing slash."""
        return self.origin + self.prefix

    @classmethod
    def parse(cls, host: object, *, setting: str = "host") -> Base:
        """Read a base address such as `https://host[:port][/prefix]`; anything else is a `ConfigError`."""
        if not isinstance(host, str):
            raise ConfigError(
                f"{setting} must be text such as 'https://api.example.com', not {type(host).__name__}"
            )
        try:
            origin = origin_of(host)
        except ValueError as error:
            raise ConfigError(
                f"{setting} cannot be used ({error}): give it as 'https://api.example.com' or "
                "'https://example.com/prefix'"
            ) from None
        parts = urlsplit(host)
        if "?" in host or "#" in host:
            raise ConfigError(f"{setting} must end with its path: it has a query or a fragment")
        if _DOTS.search(parts.path):
            raise ConfigError(f"{setting} must not contain '.' or '..' in its path")
        return cls(origin, clean(parts.path.rstrip("/")))

    def locate(self, path: str) -> str:
        """Return the absolute address of a relative path, or of a link on this origin.

        A link to another origin is an `OriginError`, since the token would be sent there.
        """
        if _ABSOLUTE.match(path):
            return self.follow(path, start=self.url)
        relative = path.lstrip("/")
        if _DOTS.search(relative.partition("?")[0]):
            raise QueryError("a path may not contain '.' or '..': a key such as '..' names no object")
        try:
            return f"{self.url}/{clean(relative)}"
        except UnicodeEncodeError:
            raise QueryError("a path may not contain lone surrogates, which no address can carry") from None

    def follow(self, link: str, *, start: str) -> str:
        """Return the address of *link*, found at *start*; `OriginError` if it is on another origin."""
        target, other, wrong = Secret(), Secret(), ""
        try:
            target = Secret(urljoin(start, link))
            other = Secret(origin_of(target))
        except ValueError as error:
            wrong = str(error)
        if (
            wrong
        ):  # raised here, since the `ValueError` holds parts of the link, and a link may hold a signature
            raise OriginError(
                f"a link of {self.origin} cannot be followed ({wrong}); the token stays with its origin"
            )
        if other != self.origin:
            raise OriginError(
                f"a link leads from {self.origin} to {other}; it was not followed, for the token would go "
                f"along. If {other} is your backend, give it as the session's host"
            )
        parts = urlsplit(target)
        query = f"?{parts.query}" if parts.query else ""
        return Secret(self.origin + clean((parts.path or "/") + query))

    def relative(self, url: str) -> str:
        """Return the path of *url* below the base address, without its query, for messages."""
        path = url.partition("?")[0].removeprefix(self.origin)
        return path.removeprefix(self.prefix) if path.startswith(f"{self.prefix}/") else path
