"""Who may come in, and what belongs to a workspace as a whole."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from ..wording import say
from .columns import access_key, agent_key, created, json_object, text


class Tenant(models.Model):
    """A workspace; nothing of it can be seen from another."""

    code = models.SlugField(max_length=100, unique=True)
    name = models.CharField(max_length=200, blank=True, default="")
    members = models.ManyToManyField(settings.AUTH_USER_MODEL, related_name="tenants", through="Member")
    created = created()

    def __str__(self) -> str:
        return self.code


class Member(models.Model):
    """A user's place in a workspace."""

    class Role(models.TextChoices):
        """Say what a member may do on the platform; in a sandbox everybody may do everything."""

        OWNER = "owner"
        ADMIN = "admin"
        MEMBER = "member"
        GUEST = "guest"

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="+")
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="+")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.MEMBER)

    class Meta:
        unique_together = (("tenant", "user"),)
        # The name that Django gave it when it had no columns of its own.
        db_table = "sandbox_tenant_members"

    def __str__(self) -> str:
        return say("%(user)s in %(tenant)s", user=self.user, tenant=self.tenant)


class Group(models.Model):
    """A team of a workspace."""

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="groups")
    name = models.CharField(max_length=200)
    description = text()
    created = created()

    def __str__(self) -> str:
        return self.name


class AccessToken(models.Model):
    """A secret that speaks for a user: inside one workspace (access) or anywhere they belong (user)."""

    class Kind(models.TextChoices):
        """Say which header a token is good for."""

        ACCESS = "access"
        USER = "user"

    key = models.CharField(max_length=64, unique=True, default=access_key)
    kind = models.CharField(max_length=10, choices=Kind.choices, default=Kind.ACCESS)
    user = models.ForeignKey(settings.AUTH_USER_MODEL, models.CASCADE, related_name="access_tokens")
    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="access_tokens", null=True, blank=True)
    description = text()
    created = created()

    def __str__(self) -> str:
        return say("%(kind)s token of %(user)s", kind=self.kind, user=self.user)


class Agent(models.Model):
    """A machine that runs jobs."""

    class Status(models.TextChoices):
        """Say whether the machine is there."""

        CONNECTED = "connected"
        DISCONNECTED = "disconnected"

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="agents")
    name = models.CharField(max_length=100)
    url = models.CharField(max_length=500, null=True, blank=True)
    status = models.CharField(
        max_length=20, choices=Status.choices, default=Status.DISCONNECTED, null=True, blank=True
    )
    token = models.CharField(max_length=40, unique=True, default=agent_key)
    created = created()

    def __str__(self) -> str:
        return self.name


class Storage(models.Model):
    """A place where files are kept."""

    class Category(models.TextChoices):
        """Say whether the platform or the customer keeps the files."""

        INTERNAL = "internal"
        EXTERNAL = "external"

    TENANT_PATH = "tenant"

    tenant = models.ForeignKey(Tenant, models.CASCADE, related_name="storages")
    name = models.CharField(max_length=100)
    category = models.CharField(max_length=20, choices=Category.choices, default=Category.EXTERNAL)
    provider = models.CharField(max_length=50)
    is_default = models.BooleanField(default=False)
    configuration = json_object()
    created = created()

    def __str__(self) -> str:
        return self.name
