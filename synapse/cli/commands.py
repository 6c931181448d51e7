"""What can be asked for on the command line; each command loads what it needs when it runs."""

from __future__ import annotations

import os
import signal
import sys

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NoReturn

import click

from synapse import __version__
from synapse.cli import endings
from synapse.cli.connection import connected
from synapse.cli.output import ClosedPipeError
from synapse.cli.verbs import VERBS, completed_by
from synapse.errors import SynapseError

PROFILE = click.option(
    "--profile", metavar="NAME", envvar="SYNAPSE_PROFILE", help="An entry of its own under this name."
)
FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)
_COMPLETE: Final = "_SYNAPSE_COMPLETE"
_AGAIN: Final = frozenset({"upload", "download"})


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code; a refusal is one line on standard error."""
    signal.signal(signal.SIGTERM, _terminate)
    given = list(sys.argv[1:] if arguments is None else arguments)
    if _COMPLETE in os.environ:
        from synapse.cli import complete  # noqa: F401 - registers our own completion for bash

        cli.main(given, prog_name="synapse", complete_var=_COMPLETE)
    try:
        code = _invoked(given)
        endings.flush()
    except ClosedPipeError:
        return endings.leave_pipe()
    except (click.ClickException, SynapseError) as error:
        return endings.refuse(error, as_json="--json" in given)
    except (click.Abort, KeyboardInterrupt):
        goes_on = " What is done stays done: the same command goes on with the rest."
        click.echo(f"Stopped.{goes_on if _AGAIN & set(given[:1]) else ''}", err=True)
        return endings.INTERRUPTED
    return code


def _invoked(given: list[str]) -> int:
    # `Command.main()` would make 1 of a closed pipe.
    try:
        with cli.make_context("synapse", given) as context:
            ended = cli.invoke(context)
    except click.exceptions.Exit as ended_early:  # --help and --version
        return ended_early.exit_code
    return ended if isinstance(ended, int) else endings.DONE


def _terminate(number: int, frame: object) -> NoReturn:
    # As an exception it unwinds the stack, so that the sandbox stops and scratch folders go.
    sys.exit(endings.TERMINATED)


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "show_default": True},
    invoke_without_command=True,
)
@click.version_option(__version__)
@click.pass_context
def cli(context: click.Context) -> None:
    """Work with the Synapse annotation platform."""
    if context.invoked_subcommand is None:
        click.echo(_NEXT)


_NEXT: Final = """\
synapse VERB ENTITY [NAME=VALUE]..., such as `synapse ls tasks project=1`.

  synapse login                     keep a token for your backend
  synapse ls projects               see what is there
  synapse fields tasks              see what tasks can be asked by
  synapse upload DIR --collection … put files there
  synapse demo                      see all of it work, on this machine
  synapse sandbox                   have a backend of your own to try things on
  synapse doctor                    find out why something does not work
  synapse --help                    list every command"""

for verb in VERBS:
    cli.add_command(verb)


@cli.command()
@click.option("--images", type=FOLDER, metavar="DIR", help="Take these pictures; a folder's name is a label.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="Take no more than N pictures.")
@click.option("--workers", type=click.IntRange(min=1), default=8, metavar="N", help="Requests at once.")
@click.option(
    "--report",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    default="demo-report.html",
    metavar="FILE",
    help="Write the page at the end to FILE.",
)
@click.option("--keep", is_flag=True, help="Leave the backend running until Ctrl-C.")
def demo(*, images: Path | None, limit: int | None, workers: int, keep: bool, report: Path) -> None:
    """Do the main job on real pictures.

    The backend runs on this machine, the pictures are the handwritten digits that scikit-learn ships, or your own
    with --images. Every step shows its code, and the end holds what came back against what went in.
    """
    from synapse.cli.demo import run_demo

    run_demo(images=images, limit=limit, workers=workers, keep=keep, report=report)


@cli.command()
@click.option(
    "--data", type=click.Path(file_okay=False, path_type=Path), metavar="DIR", help="Keep all in DIR."
)
@click.option("--host", default="127.0.0.1", help="Listen on this address.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=0, help="Listen on this port; 0 takes a free one."
)
@click.option("--database", metavar="URL", help="postgresql://… instead of SQLite in DIR.")
@click.option(
    "--tenant", "tenants", multiple=True, default=["sandbox"], metavar="CODE", help="Have this workspace."
)
@click.option("--seed", type=click.Choice(["demo"]), help="Fill the first workspace with made-up work.")
@click.option(
    "--threads", type=click.IntRange(min=1), default=32, metavar="N", help="Requests answered at once."
)
@click.option(
    "--page-size", type=click.IntRange(min=1), default=20, metavar="N", help="Rows of a page by default."
)
@click.option(
    "--language", type=click.Choice(["en", "ko"]), default="en", help="Language of errors by default."
)
@click.option(
    "--object-storage", metavar="URL", help="Let clients put files into this bucket of an S3 service."
)
@click.option(
    "--allow-host", "allow_hosts", multiple=True, metavar="NAME", help="Answer for this host name too."
)
@click.option(
    "--faults",
    default="",
    metavar="TEXT",
    help="Do wrong on demand: latency=50ms,429=0.05,503@after=0.02,drop=0.01,seed=7.",
)
@click.option(
    "--v2-cursors",
    type=click.Choice(["token", "url"]),
    default="token",
    help="How API v2 tells the next page.",
)
@click.option("--v2-wraps-pages", is_flag=True, help="Put numbered pages of API v2 into its envelope.")
@click.option(
    "--v2-inline-bytes",
    type=click.IntRange(min=1),
    metavar="N",
    help="Leave larger payloads out of rows of API v2.",
)
def sandbox(**options: Any) -> None:
    """Serve a backend on this machine until Ctrl-C.

    Without --data everything is gone when it stops.
    """
    from synapse.cli.sandbox import run_sandbox

    run_sandbox(**options)


@cli.command()
@click.option(
    "--host",
    metavar="URL",
    envvar="SYNAPSE_HOST",
    help="The address of the backend; asked for if it is not known.",
)
@click.option("--tenant", metavar="CODE", help="The workspace, where the token does not carry it.")
@PROFILE
@click.option("--token-stdin", is_flag=True, help="Read the token from standard input instead of asking.")
def login(*, host: str | None, tenant: str | None, profile: str | None, token_stdin: bool) -> None:
    """Keep a token for later, once the backend has taken it.

    It is written into ~/.synapse/config.json, which nobody else can read. The token is asked for and not shown, or read
    from standard input; as an argument, other users of the machine could see it.
    """
    from synapse.cli.account import log_in

    log_in(host=host, tenant=tenant, profile=profile, from_stdin=token_stdin)


@cli.command()
@PROFILE
def logout(*, profile: str | None) -> None:
    """Remove the tokens from ~/.synapse/config.json; what else is in there stays.

    The backend still takes the token: whoever may have seen it should revoke it there.
    """
    from synapse.cli.account import log_out

    log_out(profile=profile)


@cli.command()
@connected
def whoami(*, session: Any) -> None:
    """Show whom the token belongs to.

    The settings are those of the SDK: SYNAPSE_HOST and SYNAPSE_API_TOKEN, or ~/.synapse/config.json.
    """
    from synapse.cli.account import show_account

    show_account(session)


@cli.command()
@click.argument("code", required=False, shell_complete=completed_by("error_codes"))
@click.option(
    "--language",
    envvar=["SYNAPSE_LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"],
    default="en",
    metavar="TAG",
    help="ko for Korean; English otherwise.",
)
def explain(*, code: str | None, language: str) -> None:
    """Say what the code of an error means, and what to do; without a code, list all.

    Every error of the SDK has one: `except SynapseError as error: print(error.code)`.
    """
    from synapse.cli.explain import explain

    explain(code, language=language)
