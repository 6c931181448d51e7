"""Make of the prepared document one that a mock server can make answers up from.

What is held against a document may be one thing or another; what is made up has to be the one that a client can use: an
answer and no dry run's, the last page and no endless list, a key that can be one.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from tests.openapi.prepare import METHODS, Json, answers_of, nodes_of, reference

STREAMS: Final = {
    "/v2/async_jobs/{id}/progress/": "event: connected\ndata: {}\n\n"
    'event: async_job.progress\ndata: {"processed_count": 1, "total_count": 2, "percent": 50.0}\n\n'
    'event: async_job.completed\ndata: {"status": "COMPLETED"}\n\n',
    "/v2/jobs/{id}/tail_console_logs/": 'data: {"type": "connected", "job_id": "1"}\n\n'
    'data: {"type": "log", "data": "hello"}\n\n: heartbeat\n\ndata: {"type": "complete"}\n\n',
}
SHAPES: Final = {"type", "$ref", "allOf", "anyOf", "oneOf", "enum"}
LARGEST: Final = 2**31 - 1
# The mock keeps nothing: so that it answers with the row that was asked for, there is one of each kind.
FEW: Final = {"minItems": 1, "maxItems": 1}
KEYS: Final[Json] = {"integer": 1, "string": "00000000-0000-4000-8000-000000000001"}
# What is written is more narrowly bounded than what is read, and what was read is written.
TEXTS: Final = {"code": "made-up", "background_color": "#112233", "object_id": "a"}
ANSWERED_ALONE: Final = {
    "DataCollectionV2Detail": "file_specifications",
    "DataUnitV2BulkCreateResult": "results",
}
# What a collection's units are made of follows rules that the document doesn't tell.
SPECIFICATION: Final = {
    "name": "image_1",
    "file_type": "image",
    "function_type": "main",
    "is_primary": True,
    "index": 1,
}
# Stands wherever any JSON may, so that what is read, written and answered is one.
JSON: Final = {"text": "고양이", "numbers": [1, -2.5, None]}
PAYLOAD: Final[Json] = {
    "type": "object",
    "required": list(JSON),
    "properties": {name: {"enum": [value]} for name, value in JSON.items()},
}
ANY_OBJECT: Final = {"type": "object", "additionalProperties": {}}
NO_MORE: Final = {"enum": [None]}


def mockable(document: Json) -> Json:
    """Change a prepared document in place, and return it."""
    for item in document["paths"].values():
        for method, operation in item.items():
            if method in METHODS:
                keep_answers(operation)
    for path, text in STREAMS.items():
        told = {"text/event-stream": {"schema": {"type": "string", "enum": [text]}}}
        document["paths"][path]["get"]["responses"]["200"]["content"] = told
    mend_schemas(document["components"]["schemas"])
    return document


def mend_schemas(schemas: Json) -> None:
    """Let rows be made up that fit each other, on pages that are the last ones."""
    mend_nulls(schemas)
    for members in objects_of(schemas):
        for name, schema in members.items():
            mend_member(name, schema)
    for name, member in ANSWERED_ALONE.items():
        schemas[name]["properties"][member] |= FEW
    for member, value in SPECIFICATION.items():
        schemas["DataCollectionFileSpecificationV2"]["properties"][member] = {"enum": [value]}
    # Work that goes on would never end.
    schemas["AsyncJobV2"]["properties"]["status"] = {"enum": ["COMPLETED", "FAILED", "CANCELLED"]}
    for schema in schemas.values():
        if {"count", "results"} <= schema.get("properties", {}).keys():
            end_page(schema)
    ends = schemas["ListMeta"]["properties"]["pagination"]["properties"]
    ends |= {"next_cursor": NO_MORE, "previous_cursor": NO_MORE}


def end_page(schema: Json) -> None:
    """Make a page with a number the only one."""
    members = schema["properties"]
    members |= {"next": NO_MORE, "previous": NO_MORE, "count": {"enum": [FEW["maxItems"]]}}
    members["results"] = {**members["results"], **FEW}
    schema["required"] = list(members)


def keep_answers(operation: Json) -> None:
    """Leave the answers of what is done; where none is declared, the mock says itself what a request lacks."""
    tried = reference("DryRun")
    for _, content in answers_of(operation):
        if tried in content["schema"].get("anyOf", ()):
            content["schema"] = content["schema"]["anyOf"][0]
        members = content["schema"].get("properties", {})
        if members.get("meta") == reference("ListMeta"):
            members["data"] = {**members["data"], **FEW}
        elif members.get("data") == ANY_OBJECT:
            members["data"] = PAYLOAD
    operation["responses"] = {
        code: answer
        for code, answer in operation["responses"].items()
        if code.startswith("2")
        and tried not in [each["schema"] for each in answer.get("content", {}).values()]
    }


def mend_nulls(schemas: Json) -> None:
    """Take nulls out of enums that may be empty: the mock adds its own, and a second one stops its validation."""
    for node in nodes_of(schemas):
        if node.get("enum") == [None]:
            node.pop("nullable", None)
            node.pop("type", None)
        elif node.get("nullable") and None in (node.get("enum") or ()):
            node["enum"] = [value for value in node["enum"] if value is not None]


def objects_of(schemas: Json) -> Iterator[Json]:
    """Go through the members of all objects that are answered; what is sent stays as it is checked."""
    for name, schema in schemas.items():
        for node in nodes_of(schema if not name.endswith("Request") else {}):
            members = node.get("properties")
            # A member may be called `properties` as well.
            if isinstance(members, dict) and node.get("type", "object") == "object":
                yield members


def mend_member(name: str, schema: Json) -> None:
    """Bound numbers, and let what can be any JSON be an object: made up freely, it is a copy of its own schema."""
    if name in ("id", "pgh_id"):
        schema["enum"] = [KEYS[schema["type"]]]
    elif name in TEXTS and schema.get("type") == "string":
        schema.clear()  # a pattern beside it would count for more
        schema["enum"] = [TEXTS[name]]
    elif schema.get("type") == "integer":
        schema.setdefault("minimum", 1 if name.endswith("_id") else 0)
        schema.setdefault("maximum", LARGEST)
    elif not SHAPES & schema.keys():
        schema |= {**PAYLOAD, "nullable": schema.get("x-nullable", False)}
