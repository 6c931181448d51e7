"""Run all benchmarks, or those that are named: `python -m benchmarks foundation reading`."""

from __future__ import annotations

import importlib
import sys

from benchmarks.measure import missed, show, title

PARTS = ("foundation", "reading", "load", "transfers", "storages", "formats", "tables", "clusters", "v2")


def main() -> None:
    """Print the figures of each part, then those that missed."""
    for name in [name for name in sys.argv[1:] if not name.startswith("-")] or PARTS:
        title(name)
        importlib.import_module(f"benchmarks.{name}").main()
    title(f"{len(missed())} figures missed what is wanted")
    for what in missed():
        show(what, "")


if __name__ == "__main__":
    main()
