"""Whom the current settings speak for."""

from __future__ import annotations

from rich.console import Console

from synapse.cli.show import facts
from synapse.dialects import v1_actions
from synapse.entities import Session
from synapse.errors import TransportError

SHOWN = ("name", "email", "id", "tenant")


def show_account() -> None:
    """Ask the backend who the token belongs to, and print it."""
    session = Session()
    try:
        me = session.send(v1_actions.me()).data
    finally:
        session.close()
    if not isinstance(me, dict):
        raise TransportError(
            f"{session.host}/users/me/ answered {type(me).__name__}: is that a Synapse backend?"
        )
    rows = {"host": session.host, **{name: me[name] for name in SHOWN if me.get(name) is not None}}
    Console(highlight=False).print(facts(rows), soft_wrap=True)
