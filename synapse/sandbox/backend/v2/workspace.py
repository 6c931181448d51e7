"""Who the caller is, and what they may do: in a workspace of the sandbox, everything."""

from __future__ import annotations

from operator import attrgetter
from typing import Any, Final

from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from .envelope import Enveloped
from .views import Rows

ROLE: Final = {"id": 1, "display_name": "Leader", "code": "leader"}
VERBS: Final = ("create", "read", "change", "delete")


class Account(Enveloped):
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
    return str(row._meta.verbose_name).replace(" ", "_")


def permissions_of(row: Any) -> list[str]:
    """Return the names of what may be done with *row*."""
    return [f"annotation.{kind_of(row)}.{verb}" for verb in VERBS]
