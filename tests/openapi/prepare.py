"""Make of the vendor's published document of API v2 one that the answers of a backend can be held against.

It is published for people and for a generator: it leaves out the envelope, the bodies of refusals and of dry runs, says
of relations that they are never empty, and gives bulk reads the query of lists. Each step mends one of these, as the
contract has it; what it says of rows and parameters stays, and rows are closed, so that a member too many is seen.
"""

from __future__ import annotations

import hashlib
import json
import sys
import zipfile

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

Json = dict[str, Any]

MEMBER: Final = "synapse_sdk/clients/backend_v2/schema/openapi.yaml"
DIGEST: Final = "1c72b059015c563904a7b52f9a289f234785b43c5be54f92659f459366a4eb78"
METHODS: Final = ("get", "post", "put", "patch", "delete")
REFUSALS: Final = ("400", "401", "403", "404", "405", "409", "422", "429")
BULK: Final = {
    "/v2/tasks/bulk-fetch/": "ids",
    "/v2/assignments/bulk-fetch/": "ids",
    "/v2/ground-truths/bulk-data/": "ids",
    "/v2/ground-truth-events/bulk-data/": "pgh_ids",
}
# Relations that are said to be there always, and whose write side takes none.
MAY_BE_EMPTY: Final = {
    "ProjectV2Detail": "data_collection_id",
    "TaskV2Detail": "workshop_id",
    "TaskV2BulkFetch": "data files_manifest",
    "AssignmentV2List": "user_id",
    "AssignmentV2Detail": "user_id reviewer_id",
    "AssignmentV2BulkFetch": "data files_manifest",
    "DataUnitV2Detail": "group_id",
    "GroundTruthDatasetV2Detail": "project_id",
    "GroundTruthV2List": "data_unit_id",
    "GroundTruthV2Detail": "data_unit_id project_id",
    "GroundTruthV2BulkData": "data data_unit_id project_id",
    "GroundTruthEventV2List": "data_unit_id",
    "GroundTruthEventV2BulkData": "data_unit_id files files_manifest",
    "ModelV2Detail": "neural_net_id dataset_id",
    "PluginReleaseV2Detail": "author_id author",
    "JobV2Detail": "plugin_release_id plugin_release",
    "JobLogV2Detail": "file",
}
ANYTHING: Final = {"TaskV2BulkFetch", "AssignmentV2BulkFetch", "GroundTruthV2BulkData"}
TEXT: Final = {"type": "string"}
META: Final = {
    "type": "object",
    "required": ["request_id"],
    "properties": {"request_id": {"type": "string", "minLength": 1}},
}


def prepared(document: Json) -> Json:
    """Mend a document in place, and return it."""
    schemas = document["components"]["schemas"]
    mend_values(schemas)
    mend_relations(schemas)
    schemas |= own_schemas()
    add_streams(document["paths"])
    operations = [
        (path, method, operation)
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if method in METHODS
    ]
    close_rows(schemas, [operation for _, _, operation in operations])
    for path, method, operation in operations:
        mend_query(path, method, operation)
        mend_form(operation, schemas)
        if path in BULK:
            mend_bulk(operation, key=BULK[path])
        wrap_answers(method, operation, schemas)
        add_refusals(operation)
    return document


def mend_values(schemas: Json) -> None:
    """Take out what no validator reads: empty enums, and `nullable` where there is no type, which is kept as a note."""
    for node in nodes_of(schemas):
        if node.get("enum") == []:
            del node["enum"]
        if "nullable" in node and not {"type", "allOf", "$ref"} & node.keys():
            node["x-nullable"] = node.pop("nullable")
        members = node.get("properties")
        caution = members.get("caution") if isinstance(members, dict) else None
        if caution and "sensitive_content" in json.dumps(caution):
            # It can be written empty, and is then read so.
            caution.clear()
            caution.update(type="string", enum=["sensitive_content", ""])


def mend_relations(schemas: Json) -> None:
    """Let relations be empty that may be, in words that the validator heeds, and payloads be any JSON."""
    for name, members in MAY_BE_EMPTY.items():
        for member in members.split():
            schema = schemas[name]["properties"][member]
            schemas[name]["properties"][member] = {} if member == "data" and name in ANYTHING else schema
            schema["nullable"] = True
    for node in nodes_of(schemas):
        # The validator heeds `nullable` beside a type only.
        parts = [{"$ref": node.pop("$ref")}] if node.get("nullable") and "$ref" in node else node.get("allOf")
        if parts and node.get("nullable"):
            node.clear()
            node["anyOf"] = [*parts, {"type": "object", "nullable": True, "enum": [None]}]


def own_schemas() -> Json:
    """Return what is said nowhere: the envelope's facts, a refusal, and the answer to a dry run."""
    cursor = {"type": "string", "nullable": True}
    pagination = {
        "type": "object",
        "required": ["next_cursor", "previous_cursor", "per_page"],
        "properties": {
            "next_cursor": cursor,
            "previous_cursor": cursor,
            "per_page": {"type": "integer", "minimum": 1, "maximum": 200},
        },
    }
    details = {"type": "array", "nullable": True, "items": {"type": "object"}}
    error = {
        "type": "object",
        "required": ["code", "message", "details"],
        "properties": {"code": {"type": "string", "minLength": 1}, "message": TEXT, "details": details},
    }
    tried = {
        "type": "object",
        "required": ["dry_run", "action"],
        "properties": {"dry_run": {"type": "boolean", "enum": [True]}, "action": TEXT},
    }
    listed = {**META, "required": ["request_id", "pagination"]}
    return {
        "Meta": META,
        "ListMeta": {**listed, "properties": {**META["properties"], "pagination": pagination}},
        "Refusal": closed(error=error, meta=reference("Meta")),
        "DryRun": closed(data=tried, meta=reference("Meta")),
    }


def add_streams(paths: Json) -> None:
    """Declare the streams of events, one of which isn't in the document, and the answer to an export."""
    stream = {"200": {"description": "events", "content": {"text/event-stream": {"schema": {}}}}}
    read = paths["/v2/async_jobs/{id}/"]["get"]
    known = {name: read[name] for name in ("security", "parameters")}
    paths["/v2/async_jobs/{id}/progress/"] = {"get": {**known, "responses": {**stream}}}
    paths["/v2/jobs/{id}/tail_console_logs/"]["get"]["responses"].update(stream)
    begun = {
        "type": "object",
        "required": ["job_id", "status", "targets"],
        "properties": {
            "job_id": {"type": "string", "format": "uuid"},
            "status": TEXT,
            "targets": {"type": "array"},
        },
    }
    answer = paths["/v2/plugin_exports/"]["post"]["responses"]["202"]
    answer["content"] = {"application/json": {"schema": begun}}


def close_rows(schemas: Json, operations: list[Json]) -> None:
    """Let rows hold the members that are declared, and no others."""
    seen: set[str] = set()
    for operation in operations:
        for _, content in answers_of(operation):
            follow(content.get("schema") or {}, schemas, seen)
    for name in seen:
        if schemas[name].get("properties"):
            schemas[name].setdefault("additionalProperties", False)


def mend_query(path: str, method: str, operation: Json) -> None:
    """Read lists as joined by commas, and declare what every list and every request takes."""
    parameters = operation.setdefault("parameters", [])
    for each in parameters:
        if each["in"] == "query" and each["schema"].get("type") == "array":
            each |= {"style": "form", "explode": False}
            items = each["schema"]["items"]
            each["schema"]["items"] = items["items"] if items.get("type") == "array" else items
    known = {each["name"] for each in parameters}
    more = ["url_host"]
    if method == "get" and "cursor" in known:
        more += ["sort", "fields"]
    if path.endswith("/check_permission/"):
        more += ["permission"]
    parameters += [{"in": "query", "name": name, "schema": TEXT} for name in more if name not in known]
    # A token alone is enough; the tenant alone, which the document lets in, is not.
    if operation.get("security"):
        operation["security"] = [{"AccessTokenAuth": []}, {"TokenAuth": [], "SYNAPSE-Tenant": []}]


def mend_form(operation: Json, schemas: Json) -> None:
    """Read the numbers of what can be sent as a form only as the texts that they are there."""
    content = (operation.get("requestBody") or {}).get("content") or {}
    if content.keys() == {"multipart/form-data"}:
        name = content["multipart/form-data"]["schema"]["$ref"].rpartition("/")[2]
        for member in schemas[name]["properties"].values():
            if member.get("type") == "integer":
                member.clear()
                member.update(type="string", pattern="^[0-9]+$")


def mend_bulk(operation: Json, *, key: str) -> None:
    """Give a bulk read its body in the place of the query of lists."""
    mode = {"type": "string", "enum": ["inline", "presigned"]}
    kept = [each for each in operation["parameters"] if each["name"] in ("dry_run", "url_host")]
    operation["parameters"] = [*kept, {"in": "query", "name": "response_mode", "schema": mode}]
    keys = {"type": "array", "minItems": 1, "maxItems": 200, "items": {"type": "integer"}}
    body = {"type": "object", "required": [key], "properties": {key: keys, "response_mode": mode}}
    operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}


def wrap_answers(method: str, operation: Json, schemas: Json) -> None:
    """Put answers into the envelope, but for numbered pages and streams; or they tell of a dry run."""
    can_try = any(each["name"] == "dry_run" for each in operation["parameters"])
    for kind, content in answers_of(operation):
        schema = content.get("schema")
        if schema and kind == "application/json":
            wrapped = enveloped(schema, schemas)
            content["schema"] = {"anyOf": [wrapped, reference("DryRun")]} if can_try else wrapped
    if can_try and method == "delete":
        tried = {"application/json": {"schema": reference("DryRun")}}
        operation["responses"].setdefault("200", {"description": "tried", "content": tried})


def enveloped(schema: Json, schemas: Json) -> Json:
    """Return the envelope of a schema; of a list, with what is said of its page."""
    name = schema.get("$ref", "").rpartition("/")[2]
    members = schemas.get(name, schema).get("properties") or {}
    if "results" in members and "count" in members:
        return schema
    if "results" in members and "next" in members:
        return closed(data=members["results"], meta=reference("ListMeta"))
    # What is read by its keys is a list without pages.
    return closed(data=schema, meta=reference("Meta"))


def add_refusals(operation: Json) -> None:
    """Give every refusal the one body that all have."""
    for code in REFUSALS:
        operation["responses"].setdefault(code, {"description": "refused"})
        operation["responses"][code]["content"] = {"application/json": {"schema": reference("Refusal")}}


def closed(**members: Json) -> Json:
    """Return an object that has these members and no others."""
    return {"type": "object", "required": list(members), "additionalProperties": False, "properties": members}


def reference(name: str) -> Json:
    """Return a reference to a schema."""
    return {"$ref": f"#/components/schemas/{name}"}


def answers_of(operation: Json) -> Iterator[tuple[str, Json]]:
    """Go through the contents of an operation's answers that are no refusals."""
    for code, response in operation["responses"].items():
        if code.startswith("2"):
            yield from (response.get("content") or {}).items()


def follow(node: Any, schemas: Json, seen: set[str]) -> None:
    """Add the names of the schemas that *node* refers to, however deep."""
    for each in nodes_of(node):
        name = each["$ref"].rpartition("/")[2] if isinstance(each.get("$ref"), str) else ""
        if name and name not in seen:
            seen.add(name)
            follow(schemas[name], schemas, seen)


def nodes_of(node: Any) -> Iterator[Json]:
    """Go through the objects of a document, outer ones first."""
    if isinstance(node, dict):
        yield node
        node = list(node.values())
    if isinstance(node, list):
        for value in node:
            yield from nodes_of(value)


def main(wheel: str, target: str) -> None:
    """Read the document out of the vendor's wheel, and write what is made of it."""
    import yaml

    with zipfile.ZipFile(wheel) as archive:
        text = archive.read(MEMBER)
    if hashlib.sha256(text).hexdigest() != DIGEST:
        raise SystemExit(f"{MEMBER} of {wheel} is another document than the one that this prepares")
    document = prepared(yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)))
    Path(target).write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")


if __name__ == "__main__":
    main(*sys.argv[1:])
