"""Make workspaces with everything that one needs to be used, and hand out their secrets."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.contrib.auth.models import User
from django.db.models import Case, When

from .models import AccessToken, Agent, Member, Storage, Tenant
from .transactions import write_transaction

FOLDER: Final = "file_system"
BUCKET: Final = "amazon_s3"


class QuickHasher(PBKDF2PasswordHasher):
    """Hash passwords fast: those of a sandbox guard made-up data on one machine."""

    algorithm = "pbkdf2_sha256_sandbox"
    iterations = 1_000


@dataclass(frozen=True, slots=True)
class Access:
    """What someone needs to speak for one workspace."""

    tenant: Tenant
    user: User
    api_token: str
    agent_token: str


def ensure_admin(password: str) -> User:
    """Return the administrator, who logs in with *password*."""
    admin, made = User.objects.get_or_create(
        username="admin",
        defaults={"email": "admin@sandbox.local", "is_staff": True, "is_superuser": True},
    )
    if made or not admin.check_password(password):
        admin.set_password(password)
        admin.save()
    return admin


def ensure_tenant(code: str, *, admin: User) -> Access:
    """Return the access to the workspace called *code*, making the workspace when there is none.

    Asking again gives the same tokens.
    """
    with write_transaction():
        tenant, _ = Tenant.objects.get_or_create(code=code, defaults={"name": code})
        user, _ = User.objects.get_or_create(
            username=f"owner@{code}", defaults={"email": f"owner@{code}.local", "first_name": "Owner"}
        )
        tenant.members.add(user, admin, through_defaults={"role": Member.Role.OWNER})
        token = _first_token(user, tenant)
        agent = Agent.objects.filter(tenant=tenant).order_by("pk").first()
        if agent is None:
            agent = Agent.objects.create(tenant=tenant, name="sandbox agent", status="connected")
        _ensure_storage(tenant)
    return Access(tenant, user, api_token=token.key, agent_token=agent.token)


def user_token(user: User) -> str:
    """Return the token with which *user* speaks for themselves, in any workspace of theirs."""
    tokens = AccessToken.objects.filter(user=user, kind=AccessToken.Kind.USER).order_by("pk")
    token = tokens.first()
    if token is None:
        key = AccessToken._meta.get_field("key").get_default().removeprefix("syn_")
        token = AccessToken.objects.create(user=user, kind=AccessToken.Kind.USER, key=key)
    return token.key


def _first_token(user: User, tenant: Tenant) -> AccessToken:
    tokens = AccessToken.objects.filter(user=user, tenant=tenant, kind=AccessToken.Kind.ACCESS)
    return tokens.order_by("pk").first() or AccessToken.objects.create(user=user, tenant=tenant)


def _ensure_storage(tenant: Tenant) -> None:
    """Have the storages that this server keeps files in, and make the one that clients should use the default."""
    internal = Storage.objects.filter(tenant=tenant, category=Storage.Category.INTERNAL)
    bucket = settings.SANDBOX_BUCKET
    folder = folder_storage(tenant) or Storage.objects.create(
        tenant=tenant,
        name="Default storage",
        category=Storage.Category.INTERNAL,
        provider=FOLDER,
        is_default=bucket is None and not internal.filter(is_default=True).exists(),
        configuration={"location": str(settings.MEDIA_ROOT)},
    )
    if bucket is not None:
        _make_default(bucket_storage(tenant))
    elif internal.filter(is_default=True, provider=BUCKET, configuration__has_key="bucket_name").exists():
        # An earlier server here had a bucket, which this one can't sign addresses of.
        _make_default(folder)


def folder_storage(tenant: Tenant) -> Storage | None:
    """Return the row that stands for the data folder, where files lie that come through this server."""
    own = Storage.objects.filter(tenant=tenant, category=Storage.Category.INTERNAL, provider=FOLDER)
    return own.order_by("pk").first()


def bucket_storage(tenant: Tenant) -> Storage:
    """Return the row that stands for the object storage; its keys are in no row."""
    bucket = settings.SANDBOX_BUCKET
    storage, _ = Storage.objects.get_or_create(
        tenant=tenant,
        provider=BUCKET,
        name=bucket.name,
        defaults={
            "category": Storage.Category.INTERNAL,
            "configuration": {"endpoint_url": bucket.endpoint, "bucket_name": bucket.name},
        },
    )
    return storage


def _make_default(storage: Storage) -> None:
    internal = Storage.objects.filter(tenant=storage.tenant, category=Storage.Category.INTERNAL)
    internal.update(is_default=Case(When(pk=storage.pk, then=True), default=False))
