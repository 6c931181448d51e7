"""The `synapse` command."""

from __future__ import annotations

import sys

from collections.abc import Sequence

HINT = 'the synapse command needs its extra: pip install "synapse-orm[cli]"'
EXTRA = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that *arguments*, or else those of the process, ask for, and exit with its code."""
    try:
        from synapse.cli.commands import run
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] not in EXTRA:
            raise
        print(HINT, file=sys.stderr)
        sys.exit(2)
    sys.exit(run(arguments))
