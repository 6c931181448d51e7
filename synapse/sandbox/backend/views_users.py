"""Who am I, logging in, and being alive."""

from __future__ import annotations

from django.contrib.auth.models import User
from rest_framework import serializers
from rest_framework.decorators import api_view, authentication_classes, permission_classes
from rest_framework.exceptions import PermissionDenied, ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .accounts import user_token
from .transactions import write_transaction
from .wording import say


class Login(serializers.Serializer):
    email = serializers.CharField()
    password = serializers.CharField(trim_whitespace=False)


@api_view(["GET"])
@authentication_classes([])
@permission_classes([])
def health(request: Request) -> Response:
    return Response({"status": "ok"})


@api_view(["GET"])
def me(request: Request) -> Response:
    user = request.auth.user
    if user is None:
        raise PermissionDenied(say("An agent is nobody."))
    name = user.get_full_name() or user.username
    facts = {"id": user.pk, "email": user.email, "name": name}
    return Response({**facts, "is_synapse_admin": user.is_superuser, "tenant": request.auth.tenant.code})


@api_view(["POST"])
@authentication_classes([])
@permission_classes([])
def login(request: Request) -> Response:
    sent = Login(data=request.data)
    sent.is_valid(raise_exception=True)
    users = User.objects.filter(email__iexact=sent.validated_data["email"], is_active=True).order_by("pk")
    user = users.first()
    if user is None or not user.check_password(sent.validated_data["password"]):
        raise ValidationError({"non_field_errors": [say("Unable to log in with provided credentials.")]})
    with write_transaction():
        return Response({"token": user_token(user)})
