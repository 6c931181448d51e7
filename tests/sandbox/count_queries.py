"""Count the SQL statements behind a batch of data units, in a process with a database of its own."""

from __future__ import annotations

import json
import sys

from pathlib import Path
from typing import Any


def main(folder: Path, many: int) -> None:
    """Print the number of statements for batches of 200 and of *many* new units, and of these once more."""
    from synapse.sandbox.backend.server import Options, open_database
    from synapse.sandbox.launch import cache_folder

    open_database(Options(folder, cache=cache_folder()))
    from synapse.sandbox.backend.models import DataCollection, DataFile, FileSpecification, Tenant

    tenant = Tenant.objects.create(code="counting")
    collection = DataCollection.objects.create(tenant=tenant, name="units")
    for name in ("image_1", "data_meta_1"):
        FileSpecification.objects.create(
            data_collection=collection, name=name, file_type="data", is_required=True
        )
    DataFile.objects.bulk_create(
        DataFile(tenant=tenant, checksum=f"{number:032x}") for number in range(2 * (200 + many))
    )
    bodies = [body(collection.pk, number) for number in range(200 + many)]
    counts = [count(part, tenant) for part in (bodies[:200], bodies[200:], bodies[200:])]
    sys.stdout.write(json.dumps(counts))


def body(collection: int, number: int) -> dict[str, Any]:
    """Return the body of one unit of two files in nested groups."""
    files = {
        "image_1": {"checksum": f"{2 * number:032x}"},
        "data_meta_1": {"checksum": f"{2 * number + 1:032x}"},
    }
    return {"data_collection": collection, "files": files, "groups": ["day 1", f"hour {number % 24}"]}


def count(bodies: list[dict[str, Any]], tenant: Any) -> int:
    """Create the units and return how many statements it took."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from synapse.sandbox.backend.units import create_units

    with CaptureQueriesContext(connection) as queries:
        create_units(bodies, tenant=tenant)
    return len(queries)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
