"""Whom the settings speak for, and the token that is kept in the profile file."""

from __future__ import annotations

import os
import sys

from typing import Any

import click

from rich.console import Console

from synapse.cli.show import facts
from synapse.entities import Session
from synapse.errors import ConfigError
from synapse.masking import Secret
from synapse.session import profile as kept
from synapse.session.config import bare

SHOWN = ("name", "email", "id", "tenant")
LARGEST = 64 * 1024
# What precedes the file, so that a login would seem to have had no effect.
PRECEDING = ("SYNAPSE_HOST", "SYNAPSE_API_TOKEN", "SYNAPSE_ACCESS_TOKEN", "SYNAPSE_TENANT")


def show_account(session: Session) -> None:
    """Ask the backend who the token belongs to, and print it."""
    _print(account_of(session))


def log_in(*, host: str | None, tenant: str | None, profile: str | None, from_stdin: bool) -> None:
    """Ask the backend whether it takes a token, and write the token down if it does."""
    place = host or kept.known_host(profile) or _asked("Host")
    token = _piped() if from_stdin else Secret(_asked("Token", hide_input=True))
    session = Session.bare(bare(place, api_token=token, tenant=tenant))
    try:
        account = account_of(session)
    finally:
        session.close()
    path = kept.log_in(host=session.host, api_token=token, tenant=tenant, profile=profile or None)
    _print({**account, "file": path})
    for name in filter(os.environ.get, PRECEDING):
        click.echo(f"Note: {name} is set, and precedes the file.", err=True)


def log_out(*, profile: str | None) -> None:
    """Remove the tokens from the file, and say which."""
    path, gone = kept.log_out(profile=profile or None)
    click.echo(f"Removed {', '.join(gone)} from {path}." if gone else f"There is no token in {path}.")


def account_of(session: Session) -> dict[str, Any]:
    """Ask the backend who the token belongs to."""
    me = session.me
    shown = {name: getattr(me, name) for name in SHOWN}
    return {"host": session.host, **{name: value for name, value in shown.items() if value is not None}}


def _asked(what: str, **options: Any) -> str:
    if not sys.stdin.isatty():
        instead = "--token-stdin" if options else "--host"
        raise ConfigError(f"there is no terminal to ask for the {what.lower()} on: use {instead}")
    answer: str = click.prompt(what, err=True, **options)
    return answer


def _piped() -> Secret:
    """Read the token; the line break that ends a file or the output of a command is no part of it."""
    content = Secret(sys.stdin.buffer.read(LARGEST).decode("utf-8", "replace"))
    return Secret(content.removesuffix("\n").removesuffix("\r"))


def _print(rows: dict[str, Any]) -> None:
    Console(highlight=False).print(facts(rows), soft_wrap=True)
