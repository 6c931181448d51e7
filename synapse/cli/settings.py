"""Where settings come from, and whether everything between here and the backend is as it should be."""

from __future__ import annotations

import platform
import sys
import time

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple

import click

from synapse.cli import output
from synapse.cli.endings import DONE, FAILED
from synapse.errors import ConfigError, SynapseError, hidden
from synapse.session.auth import TOKENS

Verdict = Literal["ok", "warning", "error"]
_SETTINGS: Final = ("host", *TOKENS, "tenant", "language", "api")
_MOST_SKEW: Final = 60.0
_LEFTOVER: Final = 100


class Finding(NamedTuple):
    """One thing that was looked at."""

    verdict: Verdict
    what: str
    said: str


def show_settings(settings: dict[str, Any], *, as_json: bool) -> None:
    """Print each setting and where it comes from; tokens are not shown."""
    from synapse.session.config import origins

    found = origins(settings)
    rows = [
        {
            "setting": name,
            "value": "(set)" if name in TOKENS and name in found else found.get(name, (None, ""))[0],
            "from": found.get(name, (None, "not set"))[1],
        }
        for name in _SETTINGS
    ]
    output.rows(rows, ("setting", "value", "from"), as_json=as_json)


def examine(settings: dict[str, Any], *, strict: bool, as_json: bool) -> int:
    """Print what was found, and fail on errors, or on warnings as well if *strict*."""
    worst: set[str] = set()
    for finding in _findings(settings):
        worst.add(finding.verdict)
        if as_json or not output.is_terminal():
            output.rows([finding._asdict()], Finding._fields, as_json=True)
        else:
            mark = {"ok": "✓", "warning": "!", "error": "✗"}[finding.verdict]
            output.say(f"{mark} {finding.what:<12} {finding.said}")
    return FAILED if "error" in worst or (strict and "warning" in worst) else DONE


def _findings(settings: dict[str, Any]) -> Iterator[Finding]:
    yield from _versions()
    yield from _command()
    yield from _settings(settings)
    yield from _leftovers()
    yield from _backend(settings)


def _versions() -> Iterator[Finding]:
    from synapse import __version__

    yield Finding(
        "ok", "versions", f"synapse-orm {__version__}, Python {platform.python_version()} ({sys.platform})"
    )


def _command() -> Iterator[Finding]:
    """Tell whether another package installs a command of the same name, which would replace this one."""
    owners = {
        str(each.metadata["Name"])
        for each in distributions()
        for script in each.entry_points
        if script.group == "console_scripts" and script.name == "synapse"
    }
    others = sorted(owners - {"synapse-orm"})
    if others:
        yield Finding(
            "warning",
            "command",
            f"{', '.join(others)} installs a `synapse` command as well: use `synapse-orm` or `python -m synapse`",
        )
    else:
        yield Finding("ok", "command", "no other package installs a `synapse` command")


def _settings(settings: dict[str, Any]) -> Iterator[Finding]:
    from synapse.session.config import origins

    try:
        found = origins(settings)
    except ConfigError as error:
        yield Finding("error", "settings", str(error))
        return
    for name in _SETTINGS:
        if name in found:
            value, place = found[name]
            yield Finding("ok", name, f"{'(set)' if name in TOKENS else value} from {place}")
    if "host" not in found:
        yield Finding("error", "host", "not set: SYNAPSE_HOST, or `synapse login`")
    if not found.keys() & set(TOKENS):
        yield Finding("error", "token", "not set: SYNAPSE_API_TOKEN, or `synapse login`")


def _leftovers() -> Iterator[Finding]:
    """Look for what killed runs left behind."""
    from platformdirs import user_cache_path, user_state_path

    for what, folder in (
        ("uploads", user_state_path("synapse", appauthor=False)),
        ("cache", user_cache_path("synapse", appauthor=False)),
    ):
        files = [each for each in Path(folder).rglob("*") if each.is_file()] if Path(folder).is_dir() else []
        size = sum(each.stat().st_size for each in files)
        verdict: Verdict = "warning" if len(files) > _LEFTOVER else "ok"
        yield Finding(verdict, what, f"{len(files):,} files, {size:,} bytes in {folder}")


def _backend(settings: dict[str, Any]) -> Iterator[Finding]:
    from synapse.cli.account import account_of
    from synapse.cli.connection import opened

    try:
        with opened(settings) as session:
            with session.trace() as calls:
                began = time.time()
                account = account_of(session)
            yield Finding("ok", "backend", f"{session.host} answered in {calls[0].ms:.0f} ms")
            who = ", ".join(f"{name} {value}" for name, value in account.items() if name != "host")
            yield Finding("ok", "account", who)
            yield from _clock(session, began)
    except SynapseError as error:
        yield Finding("error", "backend", hidden(" ".join(str(error).split())))


def _clock(session: Any, now: float) -> Iterator[Finding]:
    """Compare this machine's clock with the backend's; signed addresses expire by the latter."""
    sent = session.send(session.dialect.actions.me()).headers.get("Date")
    try:
        skew = now - parsedate_to_datetime(sent).astimezone(UTC).timestamp()
    except (TypeError, ValueError):
        yield Finding("warning", "clock", "the backend does not tell its time")
        return
    at = datetime.fromtimestamp(now, UTC)
    verdict: Verdict = "ok" if abs(skew) < _MOST_SKEW else "warning"
    yield Finding(verdict, "clock", f"{at:%Y-%m-%d %H:%M:%S} UTC, {skew:+.0f} s from the backend's")


def shell(session: Any) -> None:
    """Start IPython, or Python's own prompt, with everything imported and connected; run what is piped in."""
    import synapse

    from synapse import entities

    names: dict[str, Any] = {name: getattr(synapse, name) for name in synapse.__all__}
    names |= {name: getattr(entities, name) for name in entities.__all__}
    names |= {"synapse": synapse, "session": session}
    if not sys.stdin.isatty():
        # IPython would echo its prompts into the pipe, and end well whatever went wrong.
        exec(compile(sys.stdin.read(), "<stdin>", "exec"), names)
        return
    banner = f"{session!r}: Project, Task, … are imported; `session.` and tab lists what there is."
    try:
        from IPython.terminal.embed import InteractiveShellEmbed
    except ImportError:
        import code

        code.interact(banner=banner, local=names)
        return
    InteractiveShellEmbed.instance(banner1=banner, user_ns=names)()


def completion(cli: click.Command, *, kind: str) -> None:
    """Print the script that a shell evaluates at its start."""
    from click.shell_completion import get_completion_class

    from synapse.cli import complete  # noqa: F401 - registers our own completion for bash

    found = get_completion_class(kind)
    if found is None:
        raise click.UsageError(f"there is no completion for {kind}")
    output.say(found(cli, {}, "synapse", "_SYNAPSE_COMPLETE").source())
