"""Hold requests and answers against the prepared document: calls on stdin, a verdict each on stdout, as lines of JSON.

Runs in an environment of its own, whose libraries aren't ours.
"""

from __future__ import annotations

import base64
import json
import re
import sys

from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from openapi_core import OpenAPI
from openapi_core.testing import MockRequest, MockResponse
from werkzeug.datastructures import Headers, ImmutableMultiDict

Paths = list[tuple[str, re.Pattern[str], dict[str, Any]]]


def main(path: str) -> None:
    """Judge every call; the document is read once."""
    document = json.loads(Path(path).read_text(encoding="utf-8"))
    checker, paths = OpenAPI.from_dict(document), paths_of(document)
    for line in sys.stdin:
        sys.stdout.write(json.dumps(judged(json.loads(line), checker, paths)) + "\n")
        sys.stdout.flush()


def paths_of(document: dict[str, Any]) -> Paths:
    """Return each path with what it matches, those without parameters first."""
    return [
        (path, re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), item)
        for path, item in sorted(document["paths"].items(), key=lambda pair: pair[0].count("{"))
    ]


def judged(call: dict[str, Any], checker: OpenAPI, paths: Paths) -> dict[str, Any]:
    """Return the operation of a call, and what is wrong with it."""
    place, method = urlsplit(call["url"]).path, call["method"].lower()
    found = next(
        ((path, item[method]) for path, known, item in paths if known.fullmatch(place) and method in item),
        None,
    )
    if found is None:
        return {"operation": None, "problems": ["there is no such operation"], "undeclared": []}
    path, operation = found
    request, response = request_of(call), response_of(call)
    # What is refused may be anything, and rows that are asked for in part are no whole rows.
    problems = fault(lambda: checker.validate_request(request)) if call["status"] < 400 else []
    problems += [] if call["sparse"] else fault(lambda: checker.validate_response(request, response))
    declared = {each["name"] for each in operation["parameters"] if each["in"] == "query"}
    undeclared = sorted({name for name, _ in query_of(call)} - declared)
    return {"operation": f"{call['method']} {path}", "problems": problems, "undeclared": undeclared}


def fault(check: Any) -> list[str]:
    """Return what a check says, cause by cause."""
    try:
        check()
    except Exception as error:
        return [" / ".join(words_of(error))]
    return []


def words_of(error: BaseException | None) -> list[str]:
    """Return what an error and its causes say."""
    if error is None:
        return []
    schema_errors = getattr(error, "schema_errors", None) or []
    own = [f"{list(each.absolute_path)}: {each.message[:300]}" for each in schema_errors]
    return [str(error)[:300], *own, *words_of(error.__cause__)]


def query_of(call: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the query of a call as pairs."""
    return parse_qsl(urlsplit(call["url"]).query, keep_blank_values=True)


def request_of(call: dict[str, Any]) -> MockRequest:
    """Return the request of a call as the library reads it."""
    url = urlsplit(call["url"])
    headers = {name: value for name, value in call["headers"].items() if name.lower() != "cookie"}
    kind = next((value for name, value in headers.items() if name.lower() == "content-type"), "")
    return MockRequest(
        f"{url.scheme}://{url.netloc}",
        call["method"].lower(),
        url.path,
        args=ImmutableMultiDict(query_of(call)),
        headers=Headers(headers),
        data=base64.b64decode(call["body"]) or None,
        content_type=kind,
    )


def response_of(call: dict[str, Any]) -> MockResponse:
    """Return the answer to a call as the library reads it."""
    kind = call["content_type"].partition(";")[0]
    return MockResponse(data=base64.b64decode(call["answer"]), status_code=call["status"], content_type=kind)


if __name__ == "__main__":
    main(*sys.argv[1:])
