"""Read the four headers of the wire and say who is asking, and for which workspace."""

from __future__ import annotations

from dataclasses import dataclass

from django.contrib.auth.models import User
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from .models import AccessToken, Agent, Tenant
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


class SynapseAuthentication(BaseAuthentication):
    """Accept an access token, a user token with a workspace, or an agent token, in this order."""

    def authenticate(self, request: Request) -> tuple[User | AgentUser, Credentials] | None:
        if key := _secret(request, "Synapse-Access-Token"):
            return _by_access_token(key)
        if key := _secret(request, "Authorization"):
            return _by_user_token(key, _secret(request, "Synapse-Tenant"))
        if key := _secret(request, "SYNAPSE-Agent"):
            return _by_agent_token(key)
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
