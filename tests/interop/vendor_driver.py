"""Run every check with the vendor's own, unmodified client: address on stdin, a JSON line each on stdout."""

from __future__ import annotations

import json
import sys
import tempfile
import time
import traceback

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from vendor_world import World

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    """Run the checks one after the other; one that fails does not stop the rest."""
    import vendor_files  # noqa: F401
    import vendor_plugins  # noqa: F401
    import vendor_work  # noqa: F401

    from synapse_sdk.clients.backend import BackendClient
    from vendor_world import World

    given = json.load(sys.stdin)
    client = BackendClient(given["url"], access_token=given["api_token"], tenant=given["tenant"])
    with tempfile.TemporaryDirectory() as folder, client:
        run_checks(World(client=client, url=given["url"], token=given["api_token"], folder=Path(folder)))


def run_checks(world: World) -> None:
    """Run every check that was declared, and tell of each what came of it."""
    from vendor_world import CHECKS

    for name, run in CHECKS.items():
        started = time.monotonic()
        try:
            run(world)
            problem = None
        except Exception:
            problem = traceback.format_exc(limit=-6)
        took = round(time.monotonic() - started, 3)
        sys.stdout.write(json.dumps({"check": name, "problem": problem, "seconds": took}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
