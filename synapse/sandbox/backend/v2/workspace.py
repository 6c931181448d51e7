"""Who the caller is, and what they may do: in a workspace of the sandbox, everything."""

from __future__ import annotations

import re

from collections.abc import Callable
from operator import attrgetter
from typing import Any, Final

import django_filters as df

from django.contrib.auth.models import User
from django.db.models import QuerySet
from rest_framework import serializers, status
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.request import Request
from rest_framework.response import Response

from .. import filters, kinds, models
from ..models.columns import FileType
from ..representation import computed, plain
from ..serializers import EntitySerializer
from ..tenancy import get_or_404, tenant_of
from ..transactions import write_transaction
from ..wording import say
from .envelope import CallersAnywhere, Enveloped, Refused
from .views import Changes, Creates, Removes, Replaces, Rows, Shown, body_of

ROLE: Final = {"id": 1, "display_name": "Leader", "code": "leader"}
VERBS: Final = ("create", "read", "change", "delete")


class Tenants(Rows):
    """The workspaces of who is asking."""

    authentication_classes = (CallersAnywhere,)

    shows = Shown(
        models.Tenant,
        "code name slug is_active",
        columns={"slug": plain("code"), "is_active": computed(lambda _row: True)},
    )

    def get_queryset(self) -> QuerySet[Any]:
        return self.request.auth.user.tenants.all()

    def find(self, pk: str, *, to_change: bool = False) -> Any:
        return get_or_404(self.get_queryset(), code=pk)


class Tokens(Creates, Removes):
    """The tokens of who is asking, without their secrets."""

    shows = Shown(
        models.AccessToken, "id description last_used", columns={"last_used": computed(lambda _row: None)}
    )
    serializer_class = body_of(models.AccessToken, "description")

    def get_queryset(self) -> QuerySet[Any]:
        kind = models.AccessToken.Kind.ACCESS
        return models.AccessToken.objects.filter(**self.owner(), kind=kind)

    def owner(self) -> dict[str, Any]:
        return {"tenant": tenant_of(self.request), "user": self.request.auth.user}

    @write_transaction()
    def create(self, request: Request, **parent: str) -> Response:
        answer = super().create(request, **parent)
        key = models.AccessToken.objects.get(pk=answer.data["id"]).key
        return Response({**answer.data, "token": key}, status=answer.status_code)


class MemberBody(EntitySerializer):
    """Check a member: anybody can become one."""

    user = serializers.PrimaryKeyRelatedField(queryset=User.objects.all())

    class Meta:
        model = models.Member
        fields = ("user", "role")
        extra_kwargs: dict[str, Any] = {"role": {"required": True}}

    def create(self, validated_data: dict[str, Any]) -> models.Member:
        known = {"tenant": validated_data["tenant"], "user": validated_data["user"]}
        if models.Member.objects.filter(**known).exists():
            raise Refused(status.HTTP_409_CONFLICT, "CONFLICT", say("This user is a member already."))
        return super().create(validated_data)


class Members(Creates, Changes, Removes):
    shows = Shown(models.Member, "id user_id role", "tenant_id")
    filterset_class = filters.build("MemberFilter", role=df.ChoiceFilter(choices=models.Member.Role.choices))
    sorts = {}
    default_sort = "-pk"
    serializer_class = MemberBody
    fixed = ("user",)

    def find(self, pk: str, *, to_change: bool = False) -> Any:
        """Find a member; of owners one has to stay."""
        row = super().find(pk, to_change=to_change)
        owners = self.get_queryset().filter(role=models.Member.Role.OWNER)
        if self.request.method in ("PATCH", "DELETE") and [row.pk] == list(
            owners.values_list("pk", flat=True)
        ):
            raise Refused(status.HTTP_409_CONFLICT, "CONFLICT", say("This is the last owner."))
        return row


class Groups(Creates, Replaces, Removes):
    shows = Shown(models.Group, "id name created", "tenant_id description")
    serializer_class = body_of(models.Group, "name description")


class Schemas(Enveloped):
    """What the bodies of collections and projects may hold."""

    authentication_classes = (CallersAnywhere,)

    def file_specifications(self, request: Request) -> Response:
        """Answer the kinds of file that the collections of each category take."""
        types = {name: {"extensions": kinds.extensions_of(name)} for name in FileType.values}
        return Response(
            {
                "categories": self.chosen(
                    models.DataCollection.Category.values,
                    lambda name: {"file_specifications": {name: specification(name)}, "subsets": {}},
                ),
                "file_types": types,
                "function_types": ["main", "sub", "meta"],
                "validation_rules": {"naming": {"pattern": "{kind}_{index}"}},
                "payload_schema": {"required_fields": ["name", "category", "file_specifications"]},
            }
        )

    def annotation_configurations(self, request: Request) -> Response:
        """Answer the tools of each category of projects."""
        box = {"name": "bounding_box", "name_display": "Box", "option_schema": None, "smart_tools": []}
        widget = {"name": "select", "description": "One of several.", "has_options": True}
        return Response(
            {
                "categories": self.chosen(
                    models.Project.Category.values, lambda _name: {"annotation_types": [box]}
                ),
                "configuration_schema": {"schema_type": {"type": "string"}},
                "widget_types": [widget],
                "validation_rules": {},
                "payload_schema": {"required_fields": ["title", "category", "configuration"]},
            }
        )

    def chosen(self, names: list[str], describe: Callable[[str], Any]) -> dict[str, Any]:
        """Describe the category that is asked for, or all."""
        wanted = self.request.query_params.get("category")
        if wanted and wanted not in names:
            text = say("“%(value)s” is not a valid choice.", value=wanted)
            raise ValidationError({"category": [text]})
        return {name: describe(name) for name in names if wanted in (None, "", name)}


def specification(name: str) -> dict[str, Any]:
    """Describe the main file of units in collections of a category."""
    flags = {"is_sequential": False, "is_required": True, "is_primary": True}
    return {"file_type": name, "extensions": kinds.extensions_of(name), **flags, "function_type": "main"}


class Account(Enveloped):
    authentication_classes = (CallersAnywhere,)

    def retrieve(self, request: Request) -> Response:
        """Answer who is asking."""
        user = request.auth.user
        name = user.get_full_name() or user.username
        facts = {"id": user.pk, "email": user.email, "name": name}
        return Response({**facts, "is_synapse_admin": user.is_superuser})


class Owned(Rows):
    """Tell what the caller may do with rows that have members of their own."""

    @action(detail=True)
    def check_permission(self, request: Request, pk: str, **_parent: str) -> Response:
        """Answer whether the row may be seen."""
        self.find(pk)
        return Response({"has_permission": True})

    @action(detail=True)
    def permissions(self, request: Request, pk: str, **_parent: str) -> Response:
        """Answer what may be done with the row."""
        return Response(self.permitted(self.find(pk)))

    @action(detail=True)
    def roles(self, request: Request, pk: str, **_parent: str) -> Response:
        """Answer which roles there are."""
        return Response(self.roles_at(self.find(pk)))

    def permitted(self, row: Any) -> dict[str, Any]:
        return {"role": ROLE, "permissions": permissions_of(row), "role_source": "member_role"}

    def roles_at(self, row: Any) -> dict[str, Any]:
        return {"roles": [{**ROLE, "permissions": permissions_of(row)}]}


class Derived(Owned):
    """Tell what the caller may do with rows whose members are those of a row above them."""

    def permitted(self, row: Any) -> dict[str, Any]:
        facts = {"user_id": self.request.auth.user.pk, "has_access": True, "access_via": "derived"}
        own = {"user_role": ROLE["code"], "permissions": permissions_of(row)}
        return {**facts, **self.whose(row), **own, "can_invite": False, "is_derived": True}

    def roles_at(self, row: Any) -> dict[str, Any]:
        return {**self.whose(row), **super().roles_at(row)}

    def whose(self, row: Any) -> dict[str, Any]:
        """Return what there is to say about the row that *row* belongs to."""
        above = attrgetter(row.TENANT_PATH.removesuffix("__tenant").replace("__", "."))(row)
        return {"parent_model": kind_of(above), "parent_id": above.pk, "parent_name": str(above)}


def kind_of(row: Any) -> str:
    """Return the name of what *row* is, as the wire writes it."""
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", type(row).__name__).lower()


def permissions_of(row: Any) -> list[str]:
    """Return the names of what may be done with *row*."""
    return [f"annotation.{kind_of(row)}.{verb}" for verb in VERBS]
