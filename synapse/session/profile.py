"""The profile file, which is that of the vendor's own command line: what it says, logging in, logging out."""

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
KEYS: Final = {"host": "host", "api_token": "access_token", "user_token": "user_token", "tenant": "tenant"}
_TOKENS: Final = ("access_token", "user_token")
_ENTRIES: Final = "environments"
_PATIENCE: Final = 10.0
_warned: Final = itertools.count()


class InsecureConfigWarning(UserWarning):
    """Others may read the profile file, which holds a token, or change it, and so where tokens go."""


def read(profile: str | None) -> dict[str, Any]:
    """Return what the file says, or what it says of *profile*; texts that are tokens are `Secret`."""
    path = _place()
    content = _content(path)
    _beware(content, path)
    return _entry(content, profile, path=path)


def settings_in(entry: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return the settings that an entry of the file has, and where each of them stands."""
    values = _values(entry)
    return values, {name: f"{KEYS.get(name, 'agent.token')} in {_place()}" for name in values}


def _values(entry: dict[str, Any]) -> dict[str, Any]:
    values = {name: entry[key] for name, key in KEYS.items() if entry.get(key)}
    agent = entry.get("agent")
    if isinstance(agent, dict) and agent.get("token"):
        values["agent_token"] = agent["token"]
    return values


def known_host(profile: str | None) -> str | None:
    """Return the host that the file names for *profile*, if it does and nobody else may have written it there."""
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
    """Write down who acts on *host* from now on, and return where.

    What else the file says stays, but for what belongs to the host that was there before: its tokens must not go to
    this one.
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
    """Remove every token from the file, or from its *profile*; return where it is, and which there were."""
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
    # Raised here and not where it went wrong, since the error of the parser has the whole file with it.
    if wrong:
        raise ConfigError(f"{path} cannot be read ({wrong}): mend it or remove it")
    if not isinstance(content, dict):
        raise ConfigError(f"{path} must hold a JSON object with keys such as 'host' and 'access_token'")
    return content


def _parsed(path: Path) -> tuple[object, str]:
    """Return what the file holds, or the name of what keeps it from being read."""
    try:
        if not path.exists():
            return {}, ""
        if not path.is_file():  # a pipe would be waited for
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
    """Warn, once in a process, if others may read a token in the file, or change where tokens go."""
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
    """Say how others may change the file, also through a link; of a *secret* one, how they may read it as well."""
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
    """Change one entry of the file, or of a *new* one; the file is whole at every moment, and nobody else's."""
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
    """Return the entry, which is made where there is none."""
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
    """Have the folder, closed to others, and the file in it to oneself."""
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
    real = Path(os.path.realpath(path))  # a link stays one
    for left in real.parent.glob(f".{real.name}-*"):  # by a process that was killed; it holds a token
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
