"""Many rows in one request: payloads by key, and payloads that are too large to come along."""

from __future__ import annotations

import hashlib
import json

from collections.abc import Callable, Mapping
from typing import Any, Final

from django.conf import settings
from rest_framework import serializers, status
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import storedfiles
from ..flexfields import Shape
from ..representation import Column, Context, Face, context_of, read_all
from ..wording import say
from .envelope import Refused
from .views import Rows

MOST_KEYS: Final = 200
MODES: Final = ("inline", "presigned")


def fetch(view: Rows, face: Face, *, named: str = "ids") -> Response:
    """Answer those rows of *view* whose keys the body lists, in its order; keys of none are left out."""
    rows, request = view.get_queryset(), view.request
    # It is a list in the envelope, which always tells of a page.
    view.pagination = {"next_cursor": None, "previous_cursor": None, "per_page": 50}
    body = request.data if isinstance(request.data, dict) else {}
    keys = _keys(body.get(named), named=named)
    mode = mode_of(request)
    found = {row.pk: row for row in face.plan(Shape()).apply(rows.filter(pk__in=keys))}
    loaded = [found[key] for key in keys if key in found]
    answers = read_all(loaded, request, face=face, shape=Shape())
    context = context_of(request)
    return Response([{**answer, "data": held(answer["data"], mode, context)} for answer in answers])


def _keys(asked: Any, *, named: str) -> list[int]:
    if not isinstance(asked, list) or any(type(pk) is not int or abs(pk) >= 2**63 for pk in asked):
        raise ValidationError({named: [say("Expected a list of numbers.")]})
    if not asked:
        text = say("Expected a list that is not empty.")
        raise Refused(status.HTTP_422_UNPROCESSABLE_ENTITY, "UNPROCESSABLE_ENTITY", text, field=named)
    if len(asked) > MOST_KEYS:
        text = say("There are more than %(most)s of them.", most=MOST_KEYS)
        raise Refused(status.HTTP_400_BAD_REQUEST, "ids_limit_exceeded", text, field=named)
    return asked


def mode_of(request: Request) -> str:
    """Return how *request* wants large payloads; its query wins over its body."""
    body = request.data if isinstance(request.data, dict) else {}
    mode = request.query_params.get("response_mode") or body.get("response_mode") or "inline"
    if mode not in MODES:
        raise ValidationError({"response_mode": [say("“%(value)s” is not a valid choice.", value=mode)]})
    return mode


def held(data: Any, mode: str, context: Context) -> Any:
    """Return a payload as it is, or what stands for it if it is too large."""
    content = text_of(data)
    most = settings.SANDBOX_V2.inline_bytes
    facts = {"size": len(content), "data_digest": digest_of(content)}
    if len(content) <= most:
        return data
    if mode == "inline":
        return {"mode": mode, "truncated": True, "inline_max_bytes": most, **facts}
    return {"mode": mode, "presigned_url": context.url(_put_aside(content)), **facts}


def _put_aside(content: bytes) -> str:
    place = f"payloads/{digest_of(content)}.json"
    if not (storedfiles.media_root() / place).exists():
        storedfiles.place(storedfiles.receive([content]), place)
    return place


def text_of(data: Any) -> bytes:
    """Return a payload as the bytes that are counted and digested."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def digest_of(content: bytes) -> str:
    """Return the digest by which a payload is known."""
    return hashlib.sha256(content).hexdigest()


def of_payload(read: Callable[[bytes], Any]) -> Column:
    """Tell something of a row's payload, where there is one."""
    return Column(lambda _context: lambda row: None if row.data is None else read(text_of(row.data)))


def checked(
    rules: type[serializers.Serializer], request: Request, context: Mapping[str, Any] | None = None
) -> Any:
    """Return what the body says, or refuse it."""
    found = rules(data=request.data, context=context or {})
    found.is_valid(raise_exception=True)
    return found.validated_data
