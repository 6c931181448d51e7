"""Proxies and certificates: those that were given, and those that the environment names."""

from __future__ import annotations

import os
import warnings

from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import attrs

from synapse.errors import ConfigError, did_you_mean
from synapse.masking import conceal
from synapse.session.interrupts import reraise_from_signal
from synapse.session.process import caller
from synapse.values import user_path

_KINDS: Final = ("http", "https", "all", "no_proxy")
_BUNDLES: Final = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
_unencrypted: Final = set[str]()  # the hosts that were warned of
_SCHEMES: Final = ("http", "https", "socks4", "socks4a", "socks5", "socks5h")


class UnverifiedTLSWarning(UserWarning):
    """A session was told not to check certificates."""


class UnencryptedHTTPWarning(UserWarning):
    """A session sends its token to another machine by plain http."""


@attrs.frozen
class NetworkSettings:
    """The proxies and certificates for the calls to one origin; `proxy` is the one in use, without its password."""

    proxies: Mapping[str, str] = attrs.field(repr=False)
    verify: bool | str
    cert: str | tuple[str, str] | None
    proxy: str | None = None

    @property
    def options(self) -> dict[str, Any]:
        """The options that `Connections.send()` takes."""
        return {"proxies": self.proxies, "verify": self.verify, "cert": self.cert}


def network_settings_for(
    url: str, *, proxies: Mapping[str, str] | None, verify: Any, cert: Any
) -> NetworkSettings:
    """Merge the given settings with the environment (`HTTPS_PROXY`, `NO_PROXY`, `REQUESTS_CA_BUNDLE`, …)."""
    from urllib.request import getproxies

    import requests

    given = _with_passwords(proxies or {}, conceal(getproxies()))
    with requests.Session() as session:
        merged: Any = session.merge_environment_settings(url, given, None, verify, cert)
    # requests would take the part before the first colon for a scheme.
    merged["proxies"] = conceal(
        {
            name: proxy if not proxy or "://" in proxy or name == "no_proxy" else f"http://{proxy}"
            for name, proxy in merged["proxies"].items()
        }
    )
    # requests applies `no_proxy` to the proxies of the environment only.
    directly = given.get("no_proxy")
    if directly and requests.utils.should_bypass_proxies(url, directly):
        merged["proxies"] = {}
    if merged["verify"] != verify and isinstance(merged["verify"], str):
        setting = next(filter(os.environ.get, _BUNDLES))
        merged["verify"] = str(user_path(merged["verify"], error=ConfigError, setting=setting))
        check_bundle(merged["verify"], setting=setting)
    proxy = requests.utils.select_proxy(url, merged["proxies"])
    return NetworkSettings(
        merged["proxies"],
        merged["verify"],
        merged["cert"],
        shown(check_proxy(proxy, setting="the proxy of the environment")) if proxy else None,
    )


def _with_passwords(given: Mapping[str, str], environment: Mapping[str, str]) -> dict[str, str]:
    # A pickled session has no passwords; the environment may still have them.
    known = {name: url for name, url in environment.items() if shown(url) == given.get(name)}
    return {**given, **known}


def proxies_of(given: object) -> dict[str, str] | None:
    """Read the `proxies` argument."""
    if given is None:
        return None
    if not isinstance(given, Mapping) or not all(isinstance(url, str) for url in given.values()):
        raise ConfigError("proxies must look like {'https': 'http://proxy.example.com:3128'}")
    for name, url in given.items():
        kind, mark, host = str(name).partition("://")
        if kind not in _KINDS or bool(mark) != bool(host) or (kind == "no_proxy" and host):
            hint = did_you_mean(kind, _KINDS)
            raise ConfigError(
                f"proxies has no {name!r}{hint}: its keys are 'http', 'https', 'all' and 'no_proxy', or such as "
                "'https://files.example.com' for one host"
            )
        if url and kind != "no_proxy":
            check_proxy(url, setting=f"proxies[{name!r}]")
    return dict(conceal(given))


def check_proxy(url: str, *, setting: str) -> str:
    """Return the address of a proxy; anything else is a `ConfigError` without it, since it may hold a password."""
    scheme = _scheme_of(url)
    if scheme is not None and scheme not in _SCHEMES:
        raise ConfigError(f"{setting} has the scheme {scheme!r}: use one of {', '.join(_SCHEMES)}")
    if scheme is None:
        raise ConfigError(
            f"{setting} is no address of a proxy: give it as 'http://host:port' or 'http://name:password@host:port', "
            "with / : @ # ? and % in a password written as %2F %3A %40 %23 %3F %25"
        )
    return url


def _scheme_of(url: str) -> str | None:
    """Return the scheme of a proxy's address, None for anything else."""
    try:
        parts = urlsplit(url if "://" in url else f"http://{url}")
        fits = bool(parts.hostname) and url.isprintable() and " " not in url and parts.port != 0
    except ValueError:
        return None
    return parts.scheme if fits else None


def shown(proxy: str) -> str:
    """Return the address of a proxy without name and password.

    >>> shown("http://name:password@proxy.example.com:3128")
    'http://proxy.example.com:3128'
    """
    before, mark, rest = proxy.partition("://")
    scheme, place = (before + mark, rest) if mark else ("", proxy)
    return scheme + place.rpartition("@")[2]


def secrets_of(proxies: Mapping[str, str] | None) -> Iterator[str]:
    """Yield the names and passwords of the given proxies, and of those of the environment.

    >>> list(secrets_of({"https": "http://name:pass%2Fword@proxy.example.com:3128"}))
    ['name:pass/word', 'pass/word', 'pass%2Fword']
    """
    from urllib.request import getproxies

    for url in (*(proxies or {}).values(), *getproxies().values()):
        user = url.rpartition("@")[0].rpartition("//")[2]
        _, mark, password = user.partition(":")
        if mark:
            yield from (unquote(user), unquote(password), password)
        elif user:  # some providers take one key instead of name and password
            yield from (unquote(user), user)


def check_bundle(path: str, *, setting: str) -> None:
    """Refuse a file or folder of certificates that cannot be read."""
    import ssl

    place = Path(path)
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_verify_locations(
            **{"capath" if place.is_dir() else "cafile": path}
        )
    except FileNotFoundError:
        raise ConfigError(f"{setting}: there is no file {path!r}") from None
    except OSError as error:
        reraise_from_signal(error)
        raise ConfigError(f"{setting}: {path!r} cannot be read as certificates in PEM form") from error


def check_cert(cert: str | tuple[str, ...]) -> None:
    """Refuse a client certificate that cannot be read, does not match its key, or needs a password."""
    import ssl

    def locked() -> str:
        raise ConfigError("cert: its key needs a password; give a key without one")

    file, *key = (cert,) if isinstance(cert, str) else cert
    if len(key) > 1:
        raise ConfigError("cert must be one path, or the paths of the certificate and of its key")
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).load_cert_chain(
            file, key[0] if key else None, password=locked
        )
    except OSError as error:
        reraise_from_signal(error)
        raise ConfigError(
            "cert must name a certificate and its key in PEM form, in one file or in two that belong together"
        ) from error


def warn_unverified() -> None:
    """Warn once, at the line that made the session, about `verify=False`."""
    file, line = caller()
    message = (
        "verify=False: certificates are not checked, so anyone on the way can read the token and change what is "
        "sent and fetched. To trust an authority of your own, give verify='/path/to/ca.pem'"
    )
    warnings.warn_explicit(message, UnverifiedTLSWarning, file, line)


def warn_unencrypted(origin: str) -> None:
    """Warn once for each host, at the line that made the session, about plain http to another machine."""
    if (
        origin in _unencrypted
        or urlsplit(origin).scheme != "http"
        or _is_loopback(urlsplit(origin).hostname or "")
    ):
        return
    file, line = caller()
    message = (
        f"{origin} is plain http, to another machine: anyone on the way can read the token and change what is sent and "
        "fetched. Give the host as https://…"
    )
    warnings.warn_explicit(message, UnencryptedHTTPWarning, file, line)
    _unencrypted.add(origin)


def _is_loopback(host: str) -> bool:
    """Whether a host is this machine, judged by its name without a DNS request."""
    name = host.rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return True
    try:
        address = ip_address(name)
    except ValueError:
        return False
    meant = getattr(address, "ipv4_mapped", None) or address
    return meant.is_loopback or meant.is_unspecified  # connecting to 0.0.0.0 reaches this machine
