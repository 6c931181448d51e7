"""Run every check with the vendor's own client of API v2: two sandboxes on stdin, a JSON line each on stdout."""

from __future__ import annotations

import json
import sys
import tempfile

from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))


def main() -> None:
    """Run the checks one after the other; one that fails does not stop the rest."""
    import vendor_second  # noqa: F401

    from synapse_sdk.clients.backend_v2 import BackendClientV2
    from vendor_driver import run_checks
    from vendor_world import World

    given = json.load(sys.stdin)
    token = given["api_token"]
    client = BackendClientV2(given["url"], access_token=token, tenant=given["tenant"], allow_insecure=True)
    with tempfile.TemporaryDirectory() as folder:
        world = World(client=client, url=given["url"], token=token, folder=Path(folder))
        world.made["addresses"] = given["addresses"]
        run_checks(world)


if __name__ == "__main__":
    main()
