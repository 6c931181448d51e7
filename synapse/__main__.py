"""`python -m synapse` is the `synapse` command."""

from __future__ import annotations

from synapse.cli import main

if __name__ == "__main__":
    main()
