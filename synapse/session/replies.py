"""What an answer means: data, or a typed error in the backend's own words."""

from __future__ import annotations

import html
import json
import re

from collections.abc import Iterator, Mapping
from http import HTTPStatus
from itertools import islice
from typing import Any, Final

import attrs

from synapse.dialects.wire import own_words
from synapse.errors import (
    AuthenticationError,
    ClientError,
    ConflictError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServerError,
    ValidationError,
    printable,
)
from synapse.masking import Masker
from synapse.session.decoding import parse
from synapse.session.retry import Rule, rule_of, seconds_until

SHOWN: Final = 200
# What a refusal says of fields is told up to here; a hostile one would name millions by paths of megabytes.
_DEEPEST: Final = 32
_MOST: Final = 10_000
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
# Python knows these as encodings of text, but they are none of pages: slow with much of it, or for escapes.
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7"}
)
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_INVISIBLE: Final = re.compile(r"<(script|style|head)\b.*?</\1>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_MARKUP: Final = re.compile(r"\s*<(?:!doctype|html|head|body|\?xml)", re.IGNORECASE)


@attrs.frozen
class RawResponse:
    """One answer as it came: its body read whole, or still open in `stream`."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    stream: Any = attrs.field(default=None, repr=False)

    @property
    def retry_after(self) -> float | None:
        """The seconds that whoever answers asks to wait."""
        return seconds_until(self.headers.get("Retry-After"))

    @property
    def rule(self) -> Rule:
        """What it means, if it is no success."""
        return rule_of(self.status, explained=self.status == 503 and self._is_explained())

    def _is_explained(self) -> bool:
        return self.retry_after is not None or own_words(self._json())

    def _json(self) -> Any:
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        try:
            return parse(self.content) if kind == "application/json" else None
        except (ValueError, RecursionError, MemoryError):
            return None


def describe(answer: RawResponse, *, masker: Masker) -> str:
    """Return the kind and the first characters of a body that could not be read as JSON."""
    kind = _line(masker.text(answer.headers.get("Content-Type") or "no content type"))[:SHOWN]
    # Masked before it is cut: the beginning of a token is most of it.
    start = _line(masker.words(_line(masker.text(text_of(answer)))[: 4 * SHOWN]))[:SHOWN]
    return f"{kind}: {start}" if start else f"{kind}, empty"


def error_of(answer: RawResponse, *, label: str, masker: Masker, more: str = "") -> ClientError:
    """Build the error of an answer that refused, in the backend's words and without the session's tokens.

    *more* follows them.
    """
    text = text_of(answer)
    try:
        body = masker.refusal(parse(masker.literal(text).encode()))
    except (ValueError, RecursionError):
        body = masker.words(text)
    cls = _CLASSES.get(answer.status, ServerError if answer.status >= 500 else ClientError)
    words = summary(body) or _phrase(answer.status)
    request = answer.headers.get("X-Request-Id")
    error = cls(
        f"{label}: {answer.status} {words}{more}",
        status_code=answer.status,
        response=body,
        errors=flatten(body),
        request_id=request and masker.text(request),
    )
    error.retry_after = answer.retry_after
    return error


def summary(body: object) -> str:
    """Return one line that says what the backend said, in its own language."""
    if isinstance(body, str):
        return _page(body) if _MARKUP.match(body) else _line(body)[:SHOWN]
    parts = [
        text if field in ("detail", "non_field_errors") else f"{field}: {text}"
        for field, texts in flatten(body).items()
        for text in texts
    ]
    line = _line("; ".join(parts))
    return line if len(line) <= 5 * SHOWN else line[: 5 * SHOWN] + "…"


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


def text_of(answer: RawResponse) -> str:
    """Return a body as text, in whatever encoding it came."""
    try:
        return answer.content.decode("utf-8")
    except UnicodeDecodeError:
        pass
    charset = _CHARSET.search(answer.headers.get("Content-Type") or "")
    name = charset.group(1).lower().replace("-", "_") if charset else "utf-8"
    try:
        return answer.content.decode("utf-8" if name in _NO_CHARSETS else name, "replace")
    except (LookupError, UnicodeError):
        return answer.content.decode("utf-8", "replace")


def _page(text: str) -> str:
    text = text[: 100 * SHOWN]
    title = _TITLE.search(text)
    visible = html.unescape(title.group(1) if title else _INVISIBLE.sub(" ", text))
    return f"(an HTML page: {_line(visible)[:SHOWN]})"


def _line(text: str) -> str:
    return printable(" ".join(text.split()))


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "no words"
