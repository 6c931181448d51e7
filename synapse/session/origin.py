"""The origin that a session's token may be sent to, addresses on it, and the backend that answers at several."""

from __future__ import annotations

import ipaddress
import os
import re

from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import quote, urljoin, urlsplit

import attrs

from synapse.errors import ConfigError, OriginError, QueryError, describe
from synapse.masking import Secret

VARIABLE: Final = "SYNAPSE_HOST_ALIASES"
_FORMAT: Final = (
    "the addresses of one backend, separated by commas, such as "
    "'https://api.example.com,http://10.0.0.5:8000'; a semicolon between backends"
)
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


@attrs.frozen
class Backend:
    """The address and the workspace that keys and queries belong to; `aliases` are its other addresses."""

    host: str
    tenant: str | None = None
    aliases: frozenset[str] = frozenset()

    def is_at(self, other: Backend) -> bool:
        """Whether both are known to be addresses of one backend."""
        return not {self.host, *self.aliases}.isdisjoint({other.host, *other.aliases})

    def holds(self, other: Backend) -> bool:
        """Whether both are the same workspace of one backend; a missing tenant matches any."""
        unknown = self.tenant is None or other.tenant is None
        return self.is_at(other) and (unknown or self.tenant == other.tenant)

    def __str__(self) -> str:
        return self.host if self.tenant is None else f"{self.host} (workspace {self.tenant!r})"


def aliases_of(base: Base, given: object) -> frozenset[str]:
    """Return the other addresses of a backend: those that were *given*, and those of the environment."""
    found = {base.url}
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise ConfigError(f"aliases is a list of other addresses of this backend, not {describe(given)}")
    found |= {Base.parse(each, setting="aliases").url for each in given}
    for same in _groups(os.environ.get(VARIABLE, "")):
        found |= same if base.url in same else set()
    return frozenset(found - {base.url})


def _groups(variable: str) -> Iterator[set[str]]:
    """Read the addresses of each backend."""
    for group in filter(str.strip, variable.split(";")):
        named = [address.strip() for address in group.split(",") if address.strip()]
        if "=" in group or len(named) < 2:
            raise ConfigError(f"{VARIABLE} must be {_FORMAT}")
        yield {Base.parse(address, setting=VARIABLE).url for address in named}
