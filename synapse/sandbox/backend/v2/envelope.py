"""The form of every answer below `/v2/`: its envelope, refusals with codes and request ids, and dry runs."""

from __future__ import annotations

import contextlib
import re

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Final

from django.conf import settings
from django.db.models import ProtectedError
from django.http import HttpRequest, HttpResponseBase
from rest_framework import status
from rest_framework.exceptions import APIException, ValidationError
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.viewsets import GenericViewSet

from .. import errors
from ..authentication import Caller, SynapseAuthentication
from ..storedfiles import taken_away
from ..tenancy import tenant_of
from ..transactions import write_transaction
from ..wording import say
from . import refusal, request_id

# What the codes of Django REST framework's validators say about a row that is there already.
TAKEN: Final = frozenset({"unique", "version_exists"})
ENCODED_TWICE: Final = re.compile("%25[0-9A-Fa-f]{2}")
NOT_IN_A_KEY: Final = re.compile(r"[?#%&\\]|\.\.")
CONTROLS: Final = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f]")
ACTIONS: Final = {"partial_update": "update", "destroy": "delete"}


class Refused(APIException):
    """A refusal with a code of its own, and facts for programs."""

    def __init__(self, status_code: int, code: str, message: str, **facts: Any) -> None:
        super().__init__(message)
        self.status_code = status_code
        self.code = code
        self.facts = facts


class TriedOut(Exception):  # noqa: N818 (no error: it rolls back what was tried)
    """The request was only to be tried."""


class Callers(SynapseAuthentication):
    """Accept people only: this generation knows no agents."""

    def authenticate(self, request: Request) -> Caller | None:
        caller = super().authenticate(request)
        return caller if caller and caller[1].user is not None else None


class CallersAnywhere(Callers):
    """Accept people who don't say for which workspace they ask."""

    needs_workspace = False


class Enveloped(GenericViewSet):
    """Answer in the envelope; with `dry_run=true`, tell what would have been done, and undo it."""

    authentication_classes = (Callers,)
    is_enveloped: ClassVar[bool] = True
    lookup_value_regex = "[^/]+"
    pagination: Mapping[str, Any] | None = None

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        answer: HttpResponseBase
        if not is_dry_run(request):
            return super().dispatch(request, *args, **kwargs)
        with contextlib.suppress(TriedOut), taken_away(), write_transaction():
            answer = super().dispatch(request, *args, **kwargs)
            raise TriedOut
        return answer

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        if ENCODED_TWICE.search(request.META["QUERY_STRING"]):
            raise ValidationError(say("The query is encoded twice."))
        if any(NOT_IN_A_KEY.search(str(value)) for value in kwargs.values()):
            raise ValidationError(say("A key in the address has characters that no key has."))
        if request.method not in SAFE_METHODS and any(map(CONTROLS.search, texts_in(request.data))):
            raise ValidationError(say("Control characters are not allowed."))

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), "tenant": tenant_of(self.request)}

    def get_exception_handler(self) -> Any:
        return refuse

    def finalize_response(
        self, request: Request, response: HttpResponseBase, *args: Any, **kwargs: Any
    ) -> HttpResponseBase:
        done = super().finalize_response(request, response, *args, **kwargs)
        if not isinstance(done, Response) or done.status_code >= 400:
            return done
        if is_dry_run(request):
            done.data = self.tried(request)
            done.status_code = 200 if done.status_code == 204 else done.status_code
        if done.status_code != 204 and (self.is_enveloped or settings.SANDBOX_V2.wraps_pages):
            pagination = {"pagination": self.pagination} if self.pagination else {}
            done.data = {"data": done.data, "meta": {"request_id": request_id(), **pagination}}
        return done

    def tried(self, request: Request) -> dict[str, Any]:
        """Tell what a request that was only tried would have done."""
        names = list(request.data) if isinstance(request.data, dict) else []
        action = ACTIONS.get(self.action, self.action)
        return {"dry_run": True, "action": action, "validated_fields": names}


def is_dry_run(request: Any) -> bool:
    """Tell whether nothing is to be kept of what *request* does."""
    return request.method not in SAFE_METHODS and request.GET.get("dry_run", "").lower() == "true"


def members_of(request: Request) -> dict[str, Any]:
    """Return the body of *request*, which must be an object."""
    if not isinstance(request.data, dict):
        raise ValidationError({errors.NON_FIELD: [say("Expected an object.")]})
    return request.data


def refuse(exc: Exception, context: dict[str, Any]) -> Response | None:
    """Answer *exc* with the code that programs compare."""
    if isinstance(exc, ProtectedError):
        exc = Refused(status.HTTP_409_CONFLICT, "CONFLICT", say("This object is still used by others."))
    response = errors.handle(exc, context)
    if response is None:
        return None
    if isinstance(exc, ValidationError) and TAKEN & set(codes_in(exc.get_codes())):
        response.status_code = status.HTTP_409_CONFLICT
    message, details = words_of(response.data)
    facts: dict[str, Any] = {"details": details}
    if isinstance(exc, Refused):
        facts = {"code": exc.code, "details": [{"message": message, **exc.facts}] if exc.facts else None}
    response.data = refusal(response.status_code, message, **facts)
    return response


def words_of(body: Any) -> tuple[str, list[dict[str, Any]] | None]:
    """Return what to say of the first generation's body of an error: the sentence, and the fields that are wrong."""
    if isinstance(body, dict) and body.keys() == {"detail"}:
        return str(body["detail"]), None
    details = [{"field": field, "message": text} for field, text in faults_in(body)]
    return say("The request is not valid."), details


def faults_in(body: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Go through the faults below *path*, each with the path of its field."""
    if isinstance(body, dict | list):
        members = body.items() if isinstance(body, dict) else enumerate(body)
        for key, value in members:
            is_text = isinstance(body, list) and isinstance(value, str)
            yield from faults_in(value, path if is_text else f"{path}.{key}".lstrip("."))
    else:
        yield path, str(body)


def codes_in(codes: Any) -> Iterator[str]:
    """Go through the codes of a validation error."""
    if isinstance(codes, dict | list):
        for value in codes.values() if isinstance(codes, dict) else codes:
            yield from codes_in(value)
    else:
        yield str(codes)


def texts_in(value: Any) -> Iterator[str]:
    """Go through the texts of a body, names of members as well."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for element in value.values():
            yield from texts_in(element)
    elif isinstance(value, list):
        for element in value:
            yield from texts_in(element)
