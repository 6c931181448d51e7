"""Settings, resolved once: arguments, then the environment, then the profile file."""

from __future__ import annotations

import math
import os
import re

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

import attrs

from synapse.dialects import APIS, DEFAULT, Credentials
from synapse.errors import ConfigError, describe, did_you_mean
from synapse.masking import Secret, conceal
from synapse.session.auth import TOKENS, SettingsSource, credentials_from, header_value
from synapse.session.network_settings import check_bundle, check_cert, proxies_of, secrets_of, shown
from synapse.session.origin import Base, aliases_of
from synapse.session.profile import read, settings_in
from synapse.session.rate import Rate
from synapse.session.retry import Retry
from synapse.values import user_path

MIB: Final = 1024 * 1024
LARGEST: Final = 256 * MIB
_ENVIRONMENT: Final = {
    "host": ("SYNAPSE_HOST",),
    "api_token": ("SYNAPSE_API_TOKEN", "SYNAPSE_ACCESS_TOKEN"),
    "agent_token": ("SYNAPSE_AGENT_TOKEN",),
    "tenant": ("SYNAPSE_TENANT",),
    "language": ("SYNAPSE_LANGUAGE",),
    "api": ("SYNAPSE_API",),
}
_LANGUAGE: Final = re.compile(r"[a-z]{2,3}(-[a-z0-9]{2,8}){0,3}", re.ASCII | re.IGNORECASE)


@attrs.frozen
class Timeout:
    """Seconds to wait for a connection, and for a whole answer or each read of a file or stream."""

    connect: float = 5
    read: float = 30

    def __attrs_post_init__(self) -> None:
        for name in ("connect", "read"):
            value = getattr(self, name)
            if type(value) not in (int, float) or not 0 < value < math.inf:
                raise ConfigError(f"timeout[{name!r}] must be a number of seconds above 0")

    @classmethod
    def of(cls, value: object) -> Timeout:
        """Read the `timeout` argument: a mapping with `connect`, `read` or both."""
        if value is None:
            return cls()
        if isinstance(value, Timeout):
            return value
        if not isinstance(value, Mapping):
            raise ConfigError(
                f"timeout must look like {{'connect': 5, 'read': 30}}, not {type(value).__name__}"
            )
        for name in value:
            if name not in ("connect", "read"):
                hint = did_you_mean(str(name), ("connect", "read"))
                raise ConfigError(f"timeout has no {name!r}{hint}: give 'connect' and 'read'")
        return cls(**value)


@attrs.frozen
class Settings:
    """The settings of a session as one value; secrets are neither shown nor pickled."""

    base: Base
    api_token: str | None = attrs.field(default=None, repr=False)
    agent_token: str | None = attrs.field(default=None, repr=False)
    user_token: str | None = attrs.field(default=None, repr=False)
    tenant: str | None = None
    language: str | None = None
    profile: str | None = None
    api: str = DEFAULT.name
    timeout: Timeout = attrs.field(factory=Timeout)
    retry: Retry = attrs.field(factory=Retry)
    workers: int = 8
    rate: Rate | None = None
    cache: float | None = 300
    page_size: int = 100
    max_answer: int = LARGEST
    verify: bool | str | None = None
    cert: str | tuple[str, str] | None = None
    proxies: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    state_dir: Path | Literal[False] | None = None
    aliases: frozenset[str] = frozenset()

    @property
    def host(self) -> str:
        """The base address without a trailing slash."""
        return self.base.url

    @property
    def secrets(self) -> tuple[str, ...]:
        """The tokens, and the passwords of proxies, for masking."""
        tokens = filter(None, map(self.__getattribute__, TOKENS))
        return (*tokens, *map(Secret, secrets_of(self.proxies)))

    @property
    def credentials(self) -> Credentials:
        """The tokens and the tenant, which the dialect puts into headers."""
        return Credentials(self.api_token, self.agent_token, self.user_token, self.tenant)

    def public(self) -> dict[str, Any]:
        """Return the arguments that make the session again, without its tokens."""
        names = (
            "host",
            "tenant",
            "language",
            "profile",
            "timeout",
            "retry",
            "workers",
            "rate",
            "cache",
            "page_size",
            "max_answer",
            "verify",
            "cert",
            "state_dir",
            "aliases",
        )
        arguments = {name: getattr(self, name) for name in names}
        proxies = {name: shown(url) for name, url in (self.proxies or {}).items()}
        return {**arguments, "proxies": proxies or None}

    def __reduce__(self) -> tuple[Any, ...]:
        public = {name: value for name, value in self.public().items() if name != "host"}
        return _rebuild, (self.base, public)


def _rebuild(base: Base, public: dict[str, Any]) -> Settings:
    return Settings(base, **public)


def resolve(given: Mapping[str, Any], **rest: Any) -> Settings:
    """Resolve host, tokens, tenant and language from *given*, the environment and the profile; check the rest.

    A profile given by argument takes precedence over the environment. Tokens from a source with a host of its own (a
    profile, or an environment with `SYNAPSE_HOST`) are used for that host only.
    """
    sources, profile = _sources(given)
    base = _base(sources)
    who = credentials_from(sources, origin=base.origin)
    aliases = aliases_of(base, rest.get("aliases", ()))
    own = attrs.asdict(who)
    language = _language(sources)
    who_asks = {**own, "language": language, "profile": profile, "api": _api(sources)}
    return Settings(base, **who_asks, **{**_checked(rest), "aliases": aliases})


def origins(given: Mapping[str, Any]) -> dict[str, tuple[Any, str]]:
    """Return each setting that a session would take from outside, with the place that it comes from."""
    found: dict[str, tuple[Any, str]] = {}
    for source in _sources(given)[0]:
        for name, value in source.values.items():
            found.setdefault(name, (value, source.names[name]))
    return found


def _sources(given: Mapping[str, Any]) -> tuple[list[SettingsSource], str | None]:
    """Return the places that settings come from, the first one first, and the profile."""
    profile = given.get("profile") or os.environ.get("SYNAPSE_PROFILE") or None
    sources = [_from_arguments(given), _from_environment()]
    complete = any("host" in source.values for source in sources) and any(
        name in source.values for source in sources for name in TOKENS
    )
    # A profile named by argument precedes the environment; one named by the environment comes after it.
    asked = bool(given.get("profile"))
    sources.insert(1 if asked else 2, _from_file(profile, needed=asked or not complete))
    return sources, profile


def _language(sources: list[SettingsSource]) -> str | None:
    source = next((each for each in sources if "language" in each.values), None)
    if source is None:
        return None
    value: object = source.values["language"]
    if not isinstance(value, str) or not _LANGUAGE.fullmatch(value):
        raise ConfigError(
            f"{source.names['language']} must be the tag of a language, such as 'ko' or 'en-US', not {describe(value)}"
        )
    return value


def _api(sources: list[SettingsSource]) -> str:
    source = next((each for each in sources if "api" in each.values), None)
    if source is None:
        return DEFAULT.name
    value: object = source.values["api"]
    if not isinstance(value, str) or value not in APIS:
        hint = did_you_mean(value, APIS) if isinstance(value, str) else ""
        raise ConfigError(
            f"{source.names['api']} must be {', '.join(map(repr, APIS))}, not {describe(value)}{hint}"
        )
    return value


def _from_arguments(given: Mapping[str, Any]) -> SettingsSource:
    values = {name: value for name, value in given.items() if value is not None and name != "profile"}
    return SettingsSource(values, {name: name for name in values})


def _from_environment() -> SettingsSource:
    found = {
        setting: name
        for setting, names in _ENVIRONMENT.items()
        for name in reversed(names)
        if os.environ.get(name)
    }
    values = {setting: os.environ[name] for setting, name in found.items()}
    return SettingsSource(
        {name: conceal(value) if name in TOKENS else value for name, value in values.items()}, found
    )


def _from_file(profile: str | None, *, needed: bool) -> SettingsSource:
    try:
        return SettingsSource(*settings_in(read(profile)))
    except ConfigError:
        if needed:
            raise
        return SettingsSource({}, {})


def bare(host: str, *, api_token: str, tenant: str | None = None) -> Settings:
    """Return checked settings of just these, without the environment and the profile."""
    named = {"api_token": api_token, "tenant": tenant}
    checked = {name: header_value(value, setting=name) for name, value in named.items() if value is not None}
    return Settings(Base.parse(host), api_token=conceal(checked["api_token"]), tenant=checked.get("tenant"))


def _base(sources: list[SettingsSource]) -> Base:
    for source in sources:
        if "host" in source.values:
            return Base.parse(source.values["host"], setting=source.names["host"])
    raise ConfigError(
        "no host: call synapse.connect('https://…', api_token='…'), or set SYNAPSE_HOST, or log in so that "
        "~/.synapse/config.json names one",
        code="no-host",
    )


def _checked(rest: Mapping[str, Any]) -> dict[str, Any]:
    retry, cache, verify, cert = rest["retry"], rest["cache"], rest["verify"], rest["cert"]
    if retry is not None and not isinstance(retry, Retry):
        raise ConfigError(f"retry must be a Retry, such as Retry(total=3), not {type(retry).__name__}")
    for name in ("workers", "page_size", "max_answer"):
        whole_number(name, rest[name])
    if cache is not None and (type(cache) not in (int, float) or not cache >= 0):
        raise ConfigError("cache must be a number of seconds, or None to keep nothing")
    if isinstance(cert, list):
        cert = tuple(cert)
    if verify is not None and not isinstance(verify, bool):
        verify = _path("verify", verify)
        check_bundle(verify, setting="verify")
    if cert:
        pair = isinstance(cert, tuple)
        cert = tuple(_path("cert", path) for path in cert) if pair else _path("cert", cert)
        check_cert(cert)
    return {
        **rest,
        "verify": verify,
        "timeout": Timeout.of(rest["timeout"]),
        "retry": retry or Retry(),
        "rate": Rate.of(rest.get("rate")),
        "cert": cert,
        "proxies": proxies_of(rest["proxies"]),
        "state_dir": _folder(rest["state_dir"]),
    }


def whole_number(setting: str, value: object) -> int:
    """Return a whole number of 1 or more, or raise `ConfigError`."""
    if type(value) is not int or value < 1:
        raise ConfigError(f"{setting} must be a whole number, 1 or more, not {describe(value)}")
    return value


def _path(setting: str, path: object) -> str:
    if not isinstance(path, str):
        raise ConfigError(f"{setting} must be a path, not {type(path).__name__}")
    place = user_path(path, error=ConfigError, setting=setting)
    if not place.exists():
        raise ConfigError(f"{setting}: there is no file {path!r}")
    return str(place)


def _folder(given: object) -> Path | Literal[False] | None:
    setting, folder = "state_dir", given
    if given is None:
        setting, folder = "SYNAPSE_STATE_DIR", os.environ.get("SYNAPSE_STATE_DIR") or None
    if folder is None or folder is False:
        return folder
    if not isinstance(folder, str | os.PathLike) or not isinstance(os.fspath(folder), str) or not str(folder):
        raise ConfigError(f"{setting} must be the path of a folder, or False to keep nothing, not {folder!r}")
    try:
        return user_path(folder, error=ConfigError, setting=setting).absolute()
    except OSError as error:
        raise ConfigError(f"{setting}: {folder!r} cannot be found ({error})") from error
