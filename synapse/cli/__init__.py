"""The `synapse` command."""

from __future__ import annotations

import importlib.util
import sys

from collections.abc import Sequence

HINT = 'the synapse command needs its extra: pip install "synapse-orm[cli]"'
EXTRA = ("click", "rich")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command that *arguments*, or else those of the process, ask for, and exit with its code."""
    if any(importlib.util.find_spec(name) is None for name in EXTRA):
        print(HINT, file=sys.stderr)
        sys.exit(2)
    from synapse.cli.commands import run

    sys.exit(run(arguments))
