"""Run the command where its script is not on the path: `python -m synapse.cli`."""

from __future__ import annotations

from synapse.cli import main

if __name__ == "__main__":
    main()
