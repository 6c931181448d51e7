"""What an answer means: data, or a typed error in the backend's own words."""

from __future__ import annotations

import html
import json
import re

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from synapse.dialects.masking import Masker
from synapse.errors import (
    AuthenticationError,
    ClientError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ValidationError,
)
from synapse.session.decoding import parse
from synapse.session.retry import seconds_until

SHOWN: Final = 200
_CLASSES: Final[Mapping[int, type[ClientError]]] = {
    400: ValidationError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: ValidationError,
    429: RateLimitError,
}
_CHARSET: Final = re.compile(r"charset=[\"']?([\w.:-]+)", re.IGNORECASE)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_INVISIBLE: Final = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_MARKUP: Final = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)


@attrs.frozen
class Answer:
    """One answer as it came: its body read whole, or still open in `stream`."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    stream: Any = attrs.field(default=None, repr=False)


def describe(answer: Answer, *, masker: Masker) -> str:
    """Return the kind and the first characters of a body that could not be read as JSON."""
    kind = answer.headers.get("Content-Type") or "no content type"
    text = masker.words(text_of(answer)[: 4 * SHOWN])
    start = " ".join(text.split())[:SHOWN]
    return f"{kind}: {start}" if start else f"{kind}, empty"


def error_of(answer: Answer, *, label: str, masker: Masker, patience: str = "") -> ClientError:
    """Build the error of an answer that refused, in the backend's words and without the session's tokens.

    *patience* says how often and how long it was tried.
    """
    text = text_of(answer)
    try:
        body = masker.refusal(parse(masker.text(text).encode()))
    except (ValueError, RecursionError):
        body = masker.words(text)
    cls = _CLASSES.get(answer.status, ServerError if answer.status >= 500 else ClientError)
    words = summary(body) or _phrase(answer.status)
    error = cls(
        f"{label}: {answer.status} {words}{patience}",
        status_code=answer.status,
        response=body,
        errors=flatten(body),
        request_id=answer.headers.get("X-Request-Id"),
    )
    if isinstance(error, RateLimitError):
        error.retry_after = seconds_until(answer.headers.get("Retry-After"))
    return error


def summary(body: object) -> str:
    """Return one line that says what the backend said, in its own language."""
    if isinstance(body, str):
        return _page(body) if _MARKUP.match(body) else " ".join(body.split())[:SHOWN]
    parts = [
        text if field in ("detail", "non_field_errors") else f"{field}: {text}"
        for field, texts in flatten(body).items()
        for text in texts
    ]
    line = "; ".join(parts)
    return line if len(line) <= 5 * SHOWN else line[: 5 * SHOWN] + "…"


def flatten(body: object) -> dict[str, list[str]]:
    """Return the messages of an error body by field; the paths of nested fields and rows are joined by dots.

    >>> flatten([{}, {"name": ["required"]}])
    {'1.name': ['required']}
    """
    found: dict[str, list[str]] = {}
    if isinstance(body, dict | list):
        for path, text in _leaves(body):
            found.setdefault(path or "non_field_errors", []).append(text)
    return found


def _leaves(body: object) -> Iterator[tuple[str, str]]:
    # An explicit stack: a hostile body may be nested deeper than Python recurses.
    stack: list[tuple[str, object]] = [("", body)]
    while stack:
        path, value = stack.pop()
        if isinstance(value, dict):
            stack.extend(
                (f"{path}.{key}" if path else str(key), item) for key, item in reversed(value.items())
            )
        elif isinstance(value, list):
            rows = any(isinstance(item, dict | list) for item in value)
            named = [
                (f"{path}.{index}".lstrip(".") if rows else path, item) for index, item in enumerate(value)
            ]
            stack.extend(reversed(named))
        elif value is not None:
            yield path, value if isinstance(value, str) else json.dumps(value)


def text_of(answer: Answer) -> str:
    """Return a body as text, in whatever encoding it came."""
    try:
        return answer.content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    charset = _CHARSET.search(answer.headers.get("Content-Type") or "")
    try:
        return answer.content.decode(charset.group(1) if charset else "utf-8", "replace")
    except LookupError:
        return answer.content.decode("utf-8", "replace")


def _page(text: str) -> str:
    title = _TITLE.search(text)
    visible = html.unescape(title.group(1) if title else _INVISIBLE.sub(" ", text[: 100 * SHOWN]))
    return f"(an HTML page: {' '.join(visible.split())[:SHOWN]})"


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "no words"
