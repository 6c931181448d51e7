"""Count the SQL statements behind each list below `/v2/`, for a page of one row and for a page of all."""

from __future__ import annotations

import json
import sys

from pathlib import Path


def main(folder: Path) -> None:
    """Print the two numbers for each list."""
    from synapse.sandbox.backend.server import Options, open_database
    from synapse.sandbox.launch import cache_folder

    open_database(Options(folder, cache=cache_folder()))
    from django.conf import settings
    from django.test import Client

    from synapse.sandbox.backend.accounts import ensure_admin, ensure_tenant
    from synapse.sandbox.backend.seed import seed
    from tests.sandbox.v2.test_grammar import LISTS

    settings.ALLOWED_HOSTS = ["testserver"]
    access = ensure_tenant("counting", admin=ensure_admin("secret"))
    seed(access.tenant, access.user)
    client = Client(headers={"SYNAPSE-ACCESS-TOKEN": access.api_token})
    counts = {path: [count(client, path, size) for size in (1, 200)] for path in LISTS}
    sys.stdout.write(json.dumps(counts))


def count(client: object, path: str, size: int) -> int:
    """Read a page and return how many statements it took."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        answer = client.get(f"/v2/{path}/?per_page={size}")  # type: ignore[attr-defined]
    assert answer.status_code == 200, answer.content
    return len(queries)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
