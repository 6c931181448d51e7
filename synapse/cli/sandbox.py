"""A sandbox in the foreground: served, introduced, and stopped with Ctrl-C."""

from __future__ import annotations

import contextlib
import time
import warnings

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import click

from rich.console import Console
from rich.markup import escape

from synapse.cli.show import facts

if TYPE_CHECKING:
    from synapse.sandbox import Sandbox

# Short sleeps, since no signal ends a wait without end on Windows.
PAUSE: Final = 60


def run_sandbox(**options: Any) -> None:
    """Serve until Ctrl-C, saying where it is and how to connect."""
    console = Console(highlight=False)
    with backend(**options) as sandbox:
        console.print(introduction(sandbox), soft_wrap=True)
        if options["data"] is None:
            console.print("Its data goes when it stops; --data DIR keeps it.")
        wait(console)


@contextlib.contextmanager
def backend(**options: Any) -> Iterator[Sandbox]:
    """Serve a sandbox for as long as the block lasts; what keeps it from starting is told in a sentence."""
    from synapse.sandbox import FaultsError, SandboxError, SandboxWarning, serve

    with contextlib.ExitStack() as stack:
        try:
            with warnings.catch_warnings(record=True, action="always", category=SandboxWarning) as told:
                sandbox = stack.enter_context(serve(**options))
            for each in told:
                click.echo(f"Warning: {each.message}.", err=True)
        except (ImportError, FaultsError, SandboxError) as error:
            raise click.ClickException(str(error)) from error
        yield sandbox


def introduction(sandbox: Sandbox) -> str:
    """Say all that a user needs to connect."""
    rows = {
        "url": sandbox.url,
        "api token": sandbox.api_token,
        "agent token": sandbox.agent_token,
        "tenant": sandbox.tenant,
        **{
            f"  {code}": access.api_token
            for code, access in sandbox.tenants.items()
            if code != sandbox.tenant
        },
        "admin page": admin(sandbox),
        "data": sandbox.data,
        **({"faults": sandbox.faults} if sandbox.faults else {}),
    }
    return (
        f"[bold]A Synapse backend is running.[/]\n{facts(rows)}\n\n"
        f"[dim]import synapse[/]\n[dim]{escape(snippet(sandbox))}[/]\n"
    )


def snippet(sandbox: Sandbox) -> str:
    """Spell the call that connects to a sandbox."""
    return f'session = synapse.connect("{sandbox.url}", api_token="{sandbox.api_token}")'


def admin(sandbox: Sandbox) -> str:
    """Say where the admin page is and what opens it."""
    return f"{sandbox.admin_url} (user {sandbox.admin_user}, password {sandbox.admin_password})"


def wait(console: Console) -> None:
    """Wait for Ctrl-C, which is the way to end here."""
    with contextlib.suppress(KeyboardInterrupt):
        console.print("It runs until Ctrl-C.")
        while True:
            time.sleep(PAUSE)
