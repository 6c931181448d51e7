"""Convert documents with the vendor's converters, as lines of JSON; run by an environment of its own."""

from __future__ import annotations

import json
import sys

from typing import Any


def converted(document: dict[str, Any], ours: dict[str, Any]) -> dict[str, Any]:
    """Convert a document of v1 to v2, and our v2 of it to v1; what is refused has an error."""
    from synapse_sdk.utils.converters.dm.from_v1 import DMV1ToV2Converter
    from synapse_sdk.utils.converters.dm.to_v1 import DMV2ToV1Converter

    try:
        exported = DMV1ToV2Converter().convert(document)["annotation_data"]
    except ValueError as error:
        return {"error": str(error)}
    return {"v2": exported, "v1": DMV2ToV1Converter().convert(ours)}


if __name__ == "__main__":
    for line in sys.stdin:
        sys.stdout.write(json.dumps(converted(*json.loads(line))) + "\n")
