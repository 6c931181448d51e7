"""Bound what a request may hold, as a front server does in production."""

from __future__ import annotations

from collections.abc import Callable

from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from rest_framework import status
from rest_framework.exceptions import APIException

from .settings import MOST_OF_TEXT
from .v2 import PREFIX, refusal
from .wording import say


class TooLarge(APIException):
    """There is more of it than anybody needs to send."""

    status_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE
    default_code = "too_large"

    def __init__(self) -> None:
        super().__init__(say("The request is too large."))


def told(request: HttpRequest, text: str, *, status: int) -> JsonResponse:
    """Refuse in the form that the API which is asked for has."""
    is_second = request.path_info.startswith(PREFIX)
    return JsonResponse(refusal(status, text) if is_second else {"detail": text}, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponseBase:
    """Say what to do about a host that is not on the list, and nothing of what else was bad."""
    if isinstance(exception, DisallowedHost):
        text = say("This sandbox does not go by that host name; --allow-host NAME adds one.")
    else:
        text = say("The request cannot be read.")
    return told(request, text, status=status.HTTP_400_BAD_REQUEST)


def bounded(answer: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Refuse bodies that would be held in memory and are too large for it, before any of them is read."""

    def checked(request: HttpRequest) -> HttpResponseBase:
        length = request.META.get("CONTENT_LENGTH") or "0"
        if request.content_type != "multipart/form-data" and int(length) > MOST_OF_TEXT:
            error = TooLarge()
            return told(request, str(error.detail), status=error.status_code)
        return answer(request)

    return checked
