"""The second generation of the API, below `/v2/`: the same rows in another grammar."""

from __future__ import annotations

import secrets

from typing import Any, Final

PREFIX: Final = "/v2/"
CODES: Final = {
    400: "VALIDATION_ERROR",
    401: "AUTHENTICATION_REQUIRED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    405: "METHOD_NOT_ALLOWED",
    406: "NOT_ACCEPTABLE",
    409: "CONFLICT",
    413: "PAYLOAD_TOO_LARGE",
    415: "UNSUPPORTED_MEDIA_TYPE",
    422: "UNPROCESSABLE_ENTITY",
    429: "RATE_LIMIT_EXCEEDED",
}


def request_id() -> str:
    """Return a name for one answer, to be told to whoever runs the backend."""
    return f"req_{secrets.token_hex(6)}"


def refusal(status: int, message: str, **facts: Any) -> dict[str, Any]:
    """Return the body of every refusal, with the code that programs compare."""
    error = {"code": CODES.get(status, "ERROR"), "message": message, "details": None, **facts}
    return {"error": error, "meta": {"request_id": request_id()}}
