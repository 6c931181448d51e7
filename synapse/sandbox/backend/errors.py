"""Turn every refusal into a body that clients of this wire can read."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import RequestDataTooBig, TooManyFieldsSent, TooManyFilesSent
from django.db import DataError, IntegrityError
from django.db.models import ProtectedError
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.views import exception_handler

from .limits import TooLarge
from .wording import say

NON_FIELD = "non_field_errors"


def handle(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer *exc*; one that is the server's own fault stays one."""
    response = exception_handler(_translated(exc), context)
    if response is not None:
        response.data = _readable(response.data)
    return response


def _translated(exc: Exception) -> Exception:
    if isinstance(exc, ProtectedError):
        return ValidationError({NON_FIELD: [say("This object is still used by others.")]})
    if isinstance(exc, IntegrityError):
        return ValidationError({NON_FIELD: [say("This object contradicts one that already exists.")]})
    if isinstance(exc, DataError | OverflowError):
        return ValidationError({NON_FIELD: [say("A value is outside of what can be stored.")]})
    if isinstance(exc, RequestDataTooBig | TooManyFieldsSent | TooManyFilesSent):
        return TooLarge()
    return exc


def _readable(body: Any) -> Any:
    # Clients take the elements of a top-level array for objects, and the detail for one text.
    if isinstance(body, list):
        texts = [str(element) for element in body if not isinstance(element, dict)]
        return {NON_FIELD: texts} if texts else body
    if isinstance(body, dict) and isinstance(body.get("detail"), list):
        return {**body, "detail": " ".join(str(text) for text in body["detail"])}
    return body
