"""What API v2 says, over the rows of a ledger: its paths, names and envelopes, told in the words of v1."""

from __future__ import annotations

import json
import re

from collections.abc import Callable
from typing import Any, Final

from tests.servers import Received

BELOW: Final = "/v2/"
_RELATIONS: Final = ("project", "data_unit", "data_collection", "plugin")
_CODES: Final = {400: "VALIDATION_ERROR", 404: "NOT_FOUND"}

Act = Callable[[Received], tuple[int, Any]]


def answered(act: Act, request: Received) -> tuple[int, Any]:
    """Answer a request of v2 by what *act* answers to the same in v1."""
    method, path = request.method, request.target.removeprefix(BELOW[:-1])
    data = json.loads(request.body or b"null")
    if path.startswith("/projects/") and "/tags/" in path:
        path, data = _tags(path, data)
    elif path.endswith("/stop/"):
        method, path, data = "PATCH", path.removesuffix("stop/"), {"status": "STOPPED"}
    elif path.endswith("/bulk-create/"):
        return _in_bulk(act, path.removesuffix("bulk-create/"), data)
    status, found = act(_sent(method, path, data))
    return status, None if status == 204 else _wrapped(status, found, alone="annotate" in path)


def _tags(path: str, data: Any) -> tuple[str, Any]:
    """The tags of a project: its key is in the path alone."""
    project, _, rest = path.removeprefix("/projects/").partition("/tags/")
    sign = "&" if "?" in rest else "?"
    return f"/task_tags/{rest}{sign}project={project}", data and {**data, "project": int(project)}


def _in_bulk(act: Act, path: str, data: dict[str, Any]) -> tuple[int, Any]:
    """Units are told one by one, of tasks only how many there are; what is there already is no mistake."""
    if path == "/tasks/":
        rows = [{"project": data["project"], "data_unit": key} for key in data["data_unit_ids"]]
        made = [act(_sent("POST", path, [row]))[0] == 201 for row in rows]
        return 201, _enveloped({"created_count": sum(made), "skipped_count": len(made) - sum(made)})
    rows = [{**unit, "data_collection": data["data_collection"]} for unit in data["units"]]
    _, made = act(_sent("POST", path, rows))
    told = [{"data_unit_id": row["id"], "checksum": "", "created": True} for row in made]
    return 201, _enveloped({"results": told, "created_count": len(told), "reused_count": 0})


def _sent(method: str, path: str, data: Any) -> Received:
    """Spell the words of a path as v1 does, and leave the keys of jobs as they are."""
    spelt = re.sub("(?<=[a-z])-(?=[a-z])", "_", path)
    return Received(method, spelt, {"content-type": "application/json"}, json.dumps(data).encode())


def _wrapped(status: int, found: Any, *, alone: bool) -> Any:
    if status >= 400:
        said = {"code": _CODES[status], "message": "no", "details": None}
        return {"error": said, "meta": {"request_id": "req_1"}}
    if alone:
        return _enveloped(found["data"])
    if "results" not in found:
        return _enveloped(_row(found))
    pagination = {"next_cursor": None, "previous_cursor": None, "per_page": 100}
    return _enveloped([_row(row) for row in found["results"]], pagination=pagination)


def _row(row: dict[str, Any]) -> dict[str, Any]:
    return {f"{name}_id" if name in _RELATIONS else name: value for name, value in row.items()}


def _enveloped(data: Any, **more: Any) -> dict[str, Any]:
    return {"data": data, "meta": {"request_id": "req_1", **more}}
