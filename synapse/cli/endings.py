"""How a command ends: one line on standard error, and an exit code that says whether anything may have been written."""

from __future__ import annotations

import json
import os
import re
import sys

from typing import Any, Final

import click

from synapse.cli.output import ClosedPipeError
from synapse.errors import (
    AuthenticationError,
    ConfigError,
    MappingError,
    QueryError,
    SynapseError,
    UnsupportedError,
    WaitTimeoutError,
    may_have_happened,
)

DONE: Final = 0
FAILED: Final = 1
TYPED_WRONG: Final = 2
UNKNOWN: Final = 3
NO_TOKEN: Final = 4
TIMED_OUT: Final = 124
INTERRUPTED: Final = 130
CLOSED_PIPE: Final = 141
TERMINATED: Final = 143

_NO_TOKEN: Final = frozenset({"no-host", "no-token", "no-session"})
_LOG_IN: Final = "`synapse login` keeps a token; SYNAPSE_API_TOKEN, where it is set, precedes it"
_BOTH: Final = "With SYNAPSE_API=auto, commands speak both APIs"
_NEAREST: Final = re.compile(r"[Dd]id you mean '([^']+)'")


def code_of(error: SynapseError) -> int:
    """Choose the exit code of an error."""
    if may_have_happened(error):
        return UNKNOWN
    if isinstance(error, AuthenticationError) or error.code in _NO_TOKEN:
        return NO_TOKEN
    if isinstance(error, WaitTimeoutError):
        return TIMED_OUT
    is_row = isinstance(error, MappingError) and error.row is not None
    refused_here = isinstance(error, QueryError | MappingError | ConfigError) and not is_row
    return TYPED_WRONG if refused_here else FAILED


def refuse(error: SynapseError | click.ClickException, *, as_json: bool) -> int:
    """Tell an error in one line, and return the exit code."""
    if isinstance(error, SynapseError):
        message, code, exit_code = str(error), error.code, code_of(error)
        if code == "token-refused":
            message = f"{message.rstrip('.')}; {_LOG_IN}"
        if isinstance(error, UnsupportedError):
            message = f"{message.rstrip('.')}. {_BOTH}"
    else:
        message, code, exit_code = error.format_message(), "wrong-command", error.exit_code
    if as_json:
        told: dict[str, Any] = {"code": code, "message": message}
        if nearest := _NEAREST.search(message):
            told["did_you_mean"] = nearest.group(1)
        click.echo(json.dumps(told, ensure_ascii=False), err=True)
    else:
        click.echo(f"Error: {' '.join(message.split())}", err=True)
    return exit_code


def leave_pipe() -> int:
    """End quietly where nobody reads the output any more."""
    # The interpreter would write what is left, and complain, when it exits.
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return CLOSED_PIPE


def flush() -> None:
    """Write what is left of the output, or raise `ClosedPipeError`."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise ClosedPipeError from None
