"""Serve a sandbox from the command line: `python -m synapse.sandbox --port 0 --data DIR`."""

from __future__ import annotations

import argparse
import sys

from collections.abc import Sequence
from pathlib import Path

from .backend.settings import INLINE_BYTES
from .faults import EXAMPLE, FILE, Faults, FaultsError
from .launch import cache_folder, require_extra


def parser() -> argparse.ArgumentParser:
    """Return what reads the command line."""
    made = argparse.ArgumentParser(prog="synapse.sandbox", description="Serve a Synapse backend locally.")
    made.add_argument("--data", type=Path, required=True, metavar="DIR", help="keep everything in DIR")
    made.add_argument("--host", default="127.0.0.1", help="listen on HOST (default: %(default)s)")
    made.add_argument("--port", type=port, default=0, help="listen on PORT; 0, the default, takes a free one")
    made.add_argument("--database", metavar="URL", help="postgresql://… instead of SQLite in DIR")
    made.add_argument(
        "--tenant",
        action="append",
        dest="tenants",
        metavar="CODE",
        help="have a workspace called CODE; can be repeated, the first is the one announced",
    )
    made.add_argument("--seed", choices=["demo"], help="fill the first workspace with made-up work")
    made.add_argument("--threads", type=positive, default=32, help="answer so many requests at once")
    made.add_argument("--page-size", type=positive, default=20, metavar="N", help="rows of a page by default")
    made.add_argument("--language", choices=["en", "ko"], default="en", help="language of errors by default")
    made.add_argument(
        "--object-storage",
        metavar="URL",
        help="let clients put files into this bucket: http(s)://host/bucket",
    )
    made.add_argument(
        "--allow-host",
        action="append",
        dest="allow_hosts",
        metavar="NAME",
        help="answer requests for this host name too, such as that of a server in front; can be repeated",
    )
    made.add_argument(
        "--faults",
        type=faults,
        default="",
        metavar="TEXT",
        help=f"do wrong on demand: {EXAMPLE}; DIR/{FILE} changes it while it runs",
    )
    add_second_generation(made)
    made.add_argument("--stop-with-parent", action="store_true", help=argparse.SUPPRESS)
    return made


def add_second_generation(made: argparse.ArgumentParser) -> None:
    """Add the options of the API below `/v2/`."""
    made.add_argument(
        "--v2-cursors",
        choices=["token", "url"],
        default="token",
        help="tell the next page below /v2/ by a bare token or by a whole address (default: %(default)s)",
    )
    made.add_argument(
        "--v2-wraps-pages",
        action="store_true",
        help="below /v2/, put numbered pages into the envelope as well",
    )
    made.add_argument(
        "--v2-inline-bytes",
        type=positive,
        default=INLINE_BYTES,
        metavar="N",
        help="below /v2/, leave payloads of more than N bytes out of rows (default: %(default)s)",
    )


def port(text: str) -> int:
    """Read a port number."""
    if not 0 <= int(text) <= 65535:
        raise ValueError
    return int(text)


def positive(text: str) -> int:
    """Read a number of at least one."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def faults(text: str) -> str:
    """Read what to do wrong, and choose a seed where none is given."""
    try:
        return str(Faults.parse(text))
    except FaultsError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until told to stop."""
    options = vars(parser().parse_args(arguments))
    try:
        require_extra()
    except ImportError as error:
        print(error, file=sys.stderr)
        return 1

    from .backend.server import Options, StartError, run

    options["tenants"] = tuple(options["tenants"] or ["sandbox"])
    options["allow_hosts"] = tuple(options["allow_hosts"] or ())
    try:
        run(Options(**options, cache=cache_folder()))
    except StartError as error:
        print(f"synapse.sandbox: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
