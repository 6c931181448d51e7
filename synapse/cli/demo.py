"""The demo: the SDK's main job on real pictures, against a backend of its own."""

from __future__ import annotations

import contextlib
import tempfile

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.markup import escape

from synapse.cli.pictures import Input, read_folder, write_digits
from synapse.cli.sandbox import admin, backend, snippet, wait
from synapse.cli.show import Show
from synapse.cli.steps import Demo
from synapse.entities import Session, connect, disconnect

if TYPE_CHECKING:
    from synapse.sandbox import Sandbox


def run_demo(*, images: Path | None, limit: int | None, workers: int, keep: bool, report: Path) -> None:
    """Do every step, then show what each took; a mismatch raises `MismatchError`."""
    show = Show(Console(highlight=False))
    with tempfile.TemporaryDirectory(prefix="synapse-demo-") as folder, contextlib.ExitStack() as stack:
        given = _take(images, show, scratch=Path(folder), limit=limit)
        with show.step(
            "Start a backend", "session = synapse.connect(sandbox.url, api_token=sandbox.api_token)"
        ):
            sandbox = stack.enter_context(backend())
            session = stack.enter_context(_connected(sandbox, workers))
            show.line(f"{sandbox.url}, admin page {admin(sandbox)}")
        Demo(show, session, given=given, scratch=Path(folder), report=report).play()
        show.console.print("", show.table(), sep="\n")
        show.console.print(
            f"[green]✓[/] {len(given.pictures):,} pictures came back with their labels, byte for byte."
        )
        show.console.print(f"[bold]Report[/]      {escape(str(report.resolve()))}", soft_wrap=True)
        _part(show, sandbox, keep=keep)


def _take(images: Path | None, show: Show, *, scratch: Path, limit: int | None) -> Input:
    with show.step("Take pictures") as step:
        given = read_folder(images, limit=limit) if images else write_digits(scratch, limit=limit)
        step.rows = len(given.pictures)
        show.line(given)
    return given


def _part(show: Show, sandbox: Sandbox, *, keep: bool) -> None:
    show.console.print(f"[bold]Admin page[/]  {admin(sandbox)}", soft_wrap=True)
    if keep:
        show.console.print(f"[bold]Connect[/]     {snippet(sandbox)}", soft_wrap=True)
        wait(show.console)
    else:
        show.console.print("It stops now; `synapse demo --keep` leaves it running.")


@contextlib.contextmanager
def _connected(sandbox: Sandbox, workers: int) -> Iterator[Session]:
    # All is said here, so that nothing of the user's environment comes in; no proxy leads to this machine.
    session = connect(
        sandbox.url,
        api_token=sandbox.api_token,
        agent_token=sandbox.agent_token,
        tenant=sandbox.tenant,
        workers=workers,
        proxies={"no_proxy": "127.0.0.1"},
    )
    try:
        yield session
    finally:
        disconnect()
