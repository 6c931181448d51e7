"""What a refusal says, told from its body: the shapes that any backend, or a gateway before it, may answer with."""

from __future__ import annotations

import html
import json
import re

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from synapse.showing import printable

SHOWN: Final = 200
# What a refusal says of fields is told up to here; a hostile one would name millions by paths of megabytes.
_DEEPEST: Final = 32
_MOST: Final = 10_000
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_INVISIBLE: Final = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_CODE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,99}")
_MARKUP: Final = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)


def summary(body: object) -> str:
    """Return one line that says what the backend said, in its own language."""
    if isinstance(body, str):
        return _page(body) if _MARKUP.match(body) else one_line(body)[:SHOWN]
    parts = [
        text if field in ("detail", "non_field_errors") else f"{field}: {text}"
        for field, texts in flatten(body).items()
        for text in texts
    ]
    line = one_line("; ".join(parts))
    return line if len(line) <= 5 * SHOWN else line[: 5 * SHOWN] + "…"


def code_of(body: object) -> str | None:
    """Return the code that the backend gives its refusal, for programs to compare.

    >>> code_of({"error_type": "gpu_unavailable"}), code_of({"detail": "no", "code": 5})
    ('gpu_unavailable', None)
    """
    found = [body.get(name) for name in ("error_type", "code")] if isinstance(body, dict) else []
    return next((each for each in found if isinstance(each, str) and _CODE.fullmatch(each)), None)


def flatten(body: object) -> dict[str, list[str]]:
    """Return the messages of an error body by field; the paths of nested fields and rows are joined by dots.

    >>> flatten([{}, {"name": ["required"]}])
    {'1.name': ['required']}
    """
    found: dict[str, list[str]] = {}
    if isinstance(body, dict | list):
        for path, text in islice(_leaves(body), _MOST):
            found.setdefault(path or "non_field_errors", []).append(text)
    return found


def one_line(text: str) -> str:
    """Return text without line breaks and what a terminal would obey."""
    return printable(" ".join(text.split()))


def _leaves(body: object) -> Iterator[tuple[str, str]]:
    # An explicit stack: a hostile body may be nested deeper than Python recurses.
    stack: list[Iterator[tuple[str, object]]] = [iter([("", body)])]
    while stack:
        path, value = next(stack[-1], (None, None))
        if path is None:
            stack.pop()
        elif isinstance(value, dict | list) and value:
            if len(stack) > _DEEPEST:
                yield path, "…"
            else:
                stack.append(_members(path, value))
        elif value is not None and not isinstance(value, dict | list):
            yield path, value if isinstance(value, str) else json.dumps(value)


def _members(path: str, value: dict[str, Any] | list[Any]) -> Iterator[tuple[str, object]]:
    if isinstance(value, dict):
        for key, item in value.items():
            name = str(key)[:SHOWN]
            yield f"{path}.{name}" if path else name, item
        return
    rows = any(isinstance(item, dict | list) for item in value)
    for index, item in enumerate(value):
        yield f"{path}.{index}".lstrip(".") if rows else path, item


def _page(text: str) -> str:
    text = text[: 100 * SHOWN]
    title = _TITLE.search(text)
    visible = html.unescape(title.group(1) if title else _INVISIBLE.sub(" ", text))
    return f"(an HTML page: {one_line(visible)[:SHOWN]})"
