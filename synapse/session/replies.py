"""Raw responses, and the typed error of one that refused."""

from __future__ import annotations

import re

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

import attrs

from synapse.dialects import Dialect
from synapse.dialects.refusals import SHOWN, one_line
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
from synapse.masking import Masker
from synapse.session.decoding import parse
from synapse.session.retry import Rule, rule_of, seconds_until

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
# Python has these as text encodings, but no page is written in them: some take minutes for a large body.
_NO_CHARSETS: Final = frozenset(
    {"idna", "punycode", "undefined", "unicode_escape", "raw_unicode_escape", "utf_7"}
)


@attrs.frozen
class RawResponse:
    """One response: its body is read, or still open in `stream`."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    content: bytes = attrs.field(default=b"", repr=False)
    stream: Any = attrs.field(default=None, repr=False)
    waited: float = 0.0

    @property
    def retry_after(self) -> float | None:
        """The pause in seconds that the answer asks for."""
        return seconds_until(self.headers.get("Retry-After"))

    def rule(self, dialect: Dialect) -> Rule:
        """What the status means for repeating the request, if it is no success."""
        return rule_of(self.status, explained=self.status == 503 and self._is_explained(dialect))

    def _is_explained(self, dialect: Dialect) -> bool:
        return self.retry_after is not None or dialect.is_own(self._json())

    def _json(self) -> Any:
        kind = (self.headers.get("Content-Type") or "").partition(";")[0].strip().lower()
        try:
            return parse(self.content) if kind == "application/json" else None
        except (ValueError, RecursionError, MemoryError):
            return None


def describe(answer: RawResponse, *, masker: Masker) -> str:
    """Return the content type and the first characters of a body that is not JSON."""
    kind = one_line(masker.text(answer.headers.get("Content-Type") or "no content type"))[:SHOWN]
    # Masked before it is cut: the first half of a token is a secret too, and would not be recognised.
    start = one_line(masker.words(one_line(masker.text(text_of(answer)))[: 4 * SHOWN]))[:SHOWN]
    return f"{kind}: {start}" if start else f"{kind}, empty"


def error_of(
    answer: RawResponse, *, label: str, masker: Masker, dialect: Dialect, more: str = ""
) -> ClientError:
    """Build the error of an answer that refused, in the backend's words and without the session's tokens.

    *more* follows them.
    """
    text = text_of(answer)
    try:
        body = masker.refusal(parse(masker.literal(text).encode()))
    except (ValueError, RecursionError):
        body = masker.words(text)
    cls = _CLASSES.get(answer.status, ServerError if answer.status >= 500 else ClientError)
    refusal = dialect.refusal(answer.status, headers=answer.headers, body=body)
    words, request = refusal.words or _phrase(answer.status), refusal.request_id
    error = cls(
        f"{label}: {answer.status} {words}{more}",
        status_code=answer.status,
        response=body,
        errors=refusal.errors,
        request_id=request and masker.text(request),
    )
    error.retry_after, error.backend_code = answer.retry_after, refusal.code
    return error


def text_of(answer: RawResponse) -> str:
    """Return a body as text, whatever its encoding."""
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


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else "no words"
