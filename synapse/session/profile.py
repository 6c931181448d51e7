"""The profile file, shared with the vendor's command line: reading it, logging in, logging out."""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shlex
import stat
import tempfile
import warnings

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, TypeVar

from synapse.errors import ConfigError, describe, did_you_mean
from synapse.masking import Secret
from synapse.session.origin import origin_of
from synapse.session.process import caller

T = TypeVar("T")

PLACE: Final = "~/.synapse/config.json"
KEYS: Final = {
    "host": "host",
    "api_token": "access_token",
    "user_token": "user_token",
    "tenant": "tenant",
    "language": "language",
    "api": "api",
}
_TOKENS: Final = ("access_token", "user_token")
_ENTRIES: Final = "environments"
_PATIENCE: Final = 10.0
_warned: Final = itertools.count()


class InsecureConfigWarning(UserWarning):
    """Other users may read the profile file, which holds a token, or change the host that tokens are sent to."""


def read(profile: str | None) -> dict[str, Any]:
    """Return the content of the file, or of one *profile* in it; tokens are `Secret`."""
    path = _place()
    content = _content(path)
    _beware(content, path)
    return _entry(content, profile, path=path)


def settings_in(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings of an entry of the file, and where each of them was found."""
    values = _values(entry)
    return values, {name: f"{KEYS.get(name, 'agent.token')} in {_place()}" for name in values}


def _values(entry: dict[str, Any]) -> dict[str, Any]:
    values = {name: entry[key] for name, key in KEYS.items() if entry.get(key)}
    agent = entry.get("agent")
    if isinstance(agent, dict) and agent.get("token"):
        values["agent_token"] = agent["token"]
    return values


def known_host(profile: str | None) -> str | None:
    """Return the host of *profile*, or None if there is none or other users may have written it."""
    try:
        path = _place()
        content = _content(path)
        host = _entry(content, profile or None, path=path).get("host")
    except ConfigError:
        return None
    if wrong := _laxness(path, secret=False):
        _warn(f"{path} says where tokens go, and {wrong}")
        return None
    return host if isinstance(host, str) else None


def log_in(*, host: str, api_token: str, tenant: str | None = None, profile: str | None = None) -> Path:
    """Store host, token and tenant in the file, and return its path.

    Other entries stay, except the tokens of the host that was there before: they must not be sent to this one.
    """

    def change(entry: dict[str, Any]) -> None:
        if entry.get("host") and not _is_at(entry, host):
            _forget(entry)
        entry.update(host=host, access_token=Secret(api_token))
        entry.pop("tenant", None)
        if tenant is not None:
            entry["tenant"] = tenant

    return _edit(change, profile=profile, new=True)[0]


def log_out(*, profile: str | None = None) -> tuple[Path, list[str]]:
    """Remove every token from the file, or from one *profile*; return its path and the names of what was removed."""
    if not _place().exists():
        return _place(), []
    return _edit(_forget if profile else _forget_all, profile=profile, new=False)


def _forget_all(content: dict[str, Any]) -> list[str]:
    entries = content.get(_ENTRIES)
    profiles = entries.items() if isinstance(entries, dict) else ()
    below = [
        f"{name}: {key}" for name, entry in profiles if isinstance(entry, dict) for key in _forget(entry)
    ]
    return [*_forget(content), *below]


def _forget(entry: dict[str, Any]) -> list[str]:
    gone = [key for key in _TOKENS if entry.pop(key, None)]
    agent = entry.get("agent")
    if isinstance(agent, dict) and agent.pop("token", None):
        gone.append("agent.token")
    return gone


def _is_at(entry: dict[str, Any], host: str) -> bool:
    with contextlib.suppress(ValueError):
        return origin_of(str(entry["host"])) == origin_of(host)
    return False


def _place() -> Path:
    try:
        return Path(PLACE).expanduser()
    except RuntimeError:
        raise ConfigError(
            f"there is no home folder to look for {PLACE} in: set HOME, or give the host and the token by arguments "
            "or in the environment"
        ) from None


def _content(path: Path) -> dict[str, Any]:
    content, wrong = _parsed(path)
    # Raised here, since the error of the parser holds the whole file, tokens included.
    if wrong:
        raise ConfigError(f"{path} cannot be read ({wrong}): mend it or remove it")
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a JSON object with keys such as 'host' and 'access_token'")
    return content


def _parsed(path: Path) -> tuple[object, str]:
    """Return the content of the file, or why it cannot be read."""
    try:
        if not path.exists():
            return {}, ""
        if not path.is_file():  # reading a pipe would block
            return None, "it is no file"
        return json.loads(path.read_bytes(), object_hook=_concealed), ""
    except (OSError, ValueError, RecursionError) as error:
        return None, type(error).__name__


def _concealed(pairs: dict[str, Any]) -> dict[str, Any]:
    return {
        name: Secret(value) if isinstance(value, str) and "token" in name else value
        for name, value in pairs.items()
    }


def _entry(content: dict[str, Any], profile: str | None, *, path: Path) -> dict[str, Any]:
    if profile is None:
        return content
    given: object = profile
    if not isinstance(given, str):
        raise ConfigError(f"profile must be the name of one, not {describe(given)}")
    entries = content.get(_ENTRIES)
    entry = entries.get(profile) if isinstance(entries, dict) else None
    if not isinstance(entry, dict):
        known = list(entries) if isinstance(entries, dict) else []
        raise ConfigError(
            f"{path} has no profile {profile!r}{did_you_mean(profile, known)} under {_ENTRIES!r}"
        )
    return entry


def _beware(content: dict[str, Any], path: Path) -> None:
    """Warn once in a process if other users may read a token in the file, or change the host."""
    entries = content.get(_ENTRIES)
    below = entries.values() if isinstance(entries, dict) else ()
    names = {name for each in (content, *below) if isinstance(each, dict) for name in _values(each)}
    secret = any(name.endswith("_token") for name in names)
    wrong = _laxness(path, secret=secret) if secret or "host" in names else ""
    if wrong:
        _warn(f"{path} {'holds a token' if secret else 'says where tokens go'}, and {wrong}")


def _warn(message: str) -> None:
    if not next(_warned):
        file, line = caller()
        warnings.warn_explicit(message, InsecureConfigWarning, file, line)


def _laxness(path: Path, *, secret: bool) -> str:
    """Say how other users may change the file, also through a link, or read it if it is *secret*."""
    if os.name != "posix":
        return ""
    real, writable = Path(os.path.realpath(path)), 0o022
    mask = 0o077 if secret else writable
    places = [("it", real, 600, mask), ("its folder", path.parent, 700, mask)]
    if real.parent != path.parent.resolve():
        places.append(("the folder that the link leads to", real.parent, 700, writable))
    with contextlib.suppress(OSError):
        for what, place, mode, forbidden in places:
            found, name = place.stat(), shlex.quote(str(place))
            if found.st_uid != os.geteuid():
                return f"{what} belongs to another user, number {found.st_uid}: run `chown $USER {name}`"
            if stat.S_IMODE(found.st_mode) & forbidden:
                return f"{what} is open to other users of this machine: run `chmod {mode} {name}`"
    return ""


# --- writing ----------------------------------------------------------------------
def _edit(change: Callable[[dict[str, Any]], T], *, profile: str | None, new: bool) -> tuple[Path, T]:
    """Change one entry, which is made if *new*; the file is replaced at once, and closed to other users."""
    path = _place()
    try:
        with _locked(path):
            content = _content(path)
            entry = _made(content, profile, path=path) if new else _entry(content, profile, path=path)
            result = change(entry)
            if new or result:
                _write(path, Secret(json.dumps(content, indent=2) + "\n"))
    except (OSError, NotImplementedError) as error:
        number = getattr(error, "errno", None)
        why = os.strerror(number).lower() if number else type(error).__name__
        raise ConfigError(f"{path} cannot be written ({why}): it is as it was") from None
    return path, result


def _made(content: dict[str, Any], profile: str | None, *, path: Path) -> dict[str, Any]:
    """Return the entry; make it if there is none."""
    if profile is None:
        return content
    entries = content.setdefault(_ENTRIES, {})
    entry = entries.setdefault(profile, {}) if isinstance(entries, dict) else None
    if not isinstance(entry, dict):
        raise ConfigError(
            f"{path} holds something else than profiles under {_ENTRIES!r}: mend it or remove it"
        )
    return entry


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Lock the file, in a folder that is closed to other users."""
    from filelock import FileLock, Timeout

    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.name == "posix" and stat.S_IMODE(path.parent.stat().st_mode) != 0o700:
        path.parent.chmod(0o700)
    lock = FileLock(path.with_name(f"{path.name}.lock"), timeout=_PATIENCE, mode=0o600)
    try:
        with lock:
            yield
    except Timeout:
        raise ConfigError(
            f"another process has been writing {path} for {_PATIENCE:g} s: try again when it has ended"
        ) from None


def _write(path: Path, text: str) -> None:
    real = Path(os.path.realpath(path))  # replace the file that a link leads to, not the link
    for left in real.parent.glob(f".{real.name}-*"):  # left by a killed process, with a token in it
        left.unlink()
    descriptor, name = tempfile.mkstemp(dir=real.parent, prefix=f".{real.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            Path(name).chmod(0o600)
            file.write(text)
            file.flush()
            os.fsync(descriptor)
        Path(name).replace(real)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
