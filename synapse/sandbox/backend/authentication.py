"""Read the four headers of the wire and say who is asking, and for which workspace."""

from __future__ import annotations

import time

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models.signals import m2m_changed, post_delete, post_save
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import AccessToken, Agent, Member, Tenant
from .wording import say


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who asks, and in which workspace; exactly one of *user* and *agent* is set."""

    tenant: Tenant
    user: User | None = None
    agent: Agent | None = None


class AgentUser:
    """Stand where Django expects a user when an agent asks."""

    is_authenticated = True
    is_anonymous = False
    is_active = True
    is_staff = False
    pk = None


Caller = tuple[User | AgentUser, Credentials]


class KnownCallers:
    """Remember for a moment whom a secret stands for: asking is a fifth of what a write costs.

    A change in this process is noticed at once, one made elsewhere after a second.
    """

    SECONDS: Final = 1.0

    def __init__(self) -> None:
        self._callers: dict[tuple[Any, ...], tuple[float, Caller]] = {}

    def find(self, ask: Callable[..., Caller], *secrets: str) -> Caller:
        """Return what *ask* answers to *secrets*, or has answered a moment ago."""
        # An answer from before a change goes to the table that the change took out of use.
        callers = self._callers
        until, caller = callers.get((ask, *secrets), (0.0, None))
        if caller is None or until < time.monotonic():
            caller = ask(*secrets)
            callers[ask, *secrets] = (time.monotonic() + self.SECONDS, caller)
        return caller

    def forget(self) -> None:
        """Ask anew from now on."""
        self._callers = {}

    def forget_when_committed(self, **_signal: Any) -> None:
        """Ask anew as soon as others can see the change that is going on."""
        transaction.on_commit(self.forget)


CALLERS: Final = KnownCallers()
for _model in (AccessToken, Agent, Member, Tenant, User):
    post_save.connect(CALLERS.forget_when_committed, sender=_model)
    post_delete.connect(CALLERS.forget_when_committed, sender=_model)
m2m_changed.connect(CALLERS.forget_when_committed, sender=Tenant.members.through)


class SynapseAuthentication(BaseAuthentication):
    """Accept an access token, a user token with a workspace, or an agent token, in this order."""

    needs_workspace: ClassVar[bool] = True

    def authenticate(self, request: Request) -> Caller | None:
        if key := _secret(request, "Synapse-Access-Token"):
            return CALLERS.find(_by_access_token, key)
        if key := _secret(request, "Authorization"):
            if not self.needs_workspace and "Synapse-Tenant" not in request.headers:
                return CALLERS.find(_by_user_token_alone, key)
            return CALLERS.find(_by_user_token, key, _secret(request, "Synapse-Tenant"))
        if key := _secret(request, "SYNAPSE-Agent"):
            return CALLERS.find(_by_agent_token, key)
        return None

    def authenticate_header(self, request: Request) -> str:
        return "Token"


def _secret(request: Request, header: str) -> str:
    value = request.headers.get(header, "").strip()
    scheme, _space, rest = value.partition(" ")
    return rest.strip() if scheme.lower() == "token" else value


def _by_access_token(key: str) -> tuple[User, Credentials]:
    token = _token(key, kind=AccessToken.Kind.ACCESS)
    if token.tenant is None:
        raise AuthenticationFailed(say("Invalid token."))
    return token.user, Credentials(token.tenant, user=token.user)


def _by_user_token(key: str, tenant_code: str) -> tuple[User, Credentials]:
    token = _token(key, kind=AccessToken.Kind.USER)
    tenant = token.user.tenants.filter(code=tenant_code).first()
    if tenant is None:
        raise AuthenticationFailed(say("Invalid token."))
    return token.user, Credentials(tenant, user=token.user)


def _by_user_token_alone(key: str) -> tuple[User, Credentials]:
    """Let a user in who names no workspace: the first of theirs will do."""
    user = _token(key, kind=AccessToken.Kind.USER).user
    tenant = user.tenants.order_by("pk").first()
    if tenant is None:
        raise AuthenticationFailed(say("Invalid token."))
    return user, Credentials(tenant, user=user)


def _by_agent_token(key: str) -> tuple[AgentUser, Credentials]:
    agent = Agent.objects.select_related("tenant").filter(token=key).first()
    if agent is None:
        raise AuthenticationFailed(say("Invalid token."))
    return AgentUser(), Credentials(agent.tenant, agent=agent)


def _token(key: str, *, kind: str) -> AccessToken:
    tokens = AccessToken.objects.select_related("user", "tenant")
    token = tokens.filter(key=key, kind=kind, user__is_active=True).first()
    if token is None:
        raise AuthenticationFailed(say("Invalid token."))
    return token
