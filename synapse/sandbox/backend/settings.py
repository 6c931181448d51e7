"""Build the Django settings of one sandbox from its data folder and database address."""

from __future__ import annotations

import os
import secrets

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

from ..privacy import DATABASE

BUSY_SECONDS = 60
# The bytes of a request, most of them a file's (a larger one is sent in chunks), and of one that is held in memory.
MOST_IN_ALL = 1 << 30
MOST_OF_TEXT = 64 << 20
# The commas and opening brackets of a JSON body: no fewer than it has values.
MOST_VALUES = 2_000_000
MOST_FIELDS = 10_000
MOST_FILES = 1_000
# Below /v2/, larger payloads do not come along with their rows.
INLINE_BYTES = 10_000_000
LOCAL = ("localhost", "127.0.0.1", "[::1]")
KEEP_ALIVE_PRAGMAS = (
    "PRAGMA journal_mode=WAL;PRAGMA synchronous=NORMAL;PRAGMA cache_size=-16000;PRAGMA mmap_size=134217728"
)

APPS = [
    # Before the admin, whose templates it changes.
    "synapse.sandbox.backend",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_filters",
    "rest_framework",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    # Says how long each answer is, so that connections are kept.
    "django.middleware.common.CommonMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.locale.LocaleMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "synapse.sandbox.backend.limits.bounded",
]

CONTEXT_PROCESSORS = [
    "django.template.context_processors.request",
    "django.contrib.auth.context_processors.auth",
    "django.contrib.messages.context_processors.messages",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["synapse.sandbox.backend.authentication.SynapseAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_PARSER_CLASSES": [
        "synapse.sandbox.backend.parsing.JsonParser",
        "rest_framework.parsers.FormParser",
        "rest_framework.parsers.MultiPartParser",
    ],
    # The wire has no OPTIONS.
    "DEFAULT_METADATA_CLASS": None,
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PAGINATION_CLASS": "synapse.sandbox.backend.pagination.PageNumbers",
    "EXCEPTION_HANDLER": "synapse.sandbox.backend.errors.handle",
    "UNAUTHENTICATED_USER": None,
    # `format` is an unknown key on this wire, and unknown keys are ignored.
    "URL_FORMAT_OVERRIDE": None,
}

# Errors of the server itself go to stderr with their traceback; requests are logged nowhere.
LOGGING: dict[str, Any] = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"stderr": {"class": "logging.StreamHandler"}, "nowhere": {"class": "logging.NullHandler"}},
    "loggers": {
        "django": {"handlers": ["nowhere"], "level": "ERROR", "propagate": False},
        "django.request": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
        "waitress": {"handlers": ["stderr"], "level": "ERROR", "propagate": False},
    },
}


class SettingsError(ValueError):
    """The sandbox is to be run in a way that cannot be."""


@dataclass(frozen=True)
class SecondGeneration:
    """How the API below `/v2/` behaves where that isn't known for certain, and when it leaves payloads out."""

    cursors: str = "token"
    wraps_pages: bool = False
    inline_bytes: int = INLINE_BYTES


def build(
    data_dir: str | os.PathLike[str],
    database: str | None = None,
    *,
    page_size: int = 20,
    language: str = "en",
    bucket: Any = None,
    hosts: Sequence[str] = LOCAL,
    is_local: bool = False,
    v2: SecondGeneration | None = None,
) -> dict[str, Any]:
    """Return the settings of the sandbox that keeps its files in *data_dir*, and maybe in a *bucket* as well.

    *hosts* are the names that it goes by: a request for another one is refused. *is_local* says that only this machine
    reaches it.
    """
    folder = Path(data_dir).resolve()
    # On the same disk as the media, so that a received file is renamed into place.
    incoming = folder / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    return {
        "SECRET_KEY": _secret_key(folder),
        "DEBUG": False,
        "ALLOWED_HOSTS": list(hosts),
        # Said by a front that speaks TLS, so that links lead back through it.
        "SECURE_PROXY_SSL_HEADER": ("HTTP_FRONT_END_HTTPS", "on"),
        "ROOT_URLCONF": "synapse.sandbox.backend.urls",
        "INSTALLED_APPS": APPS,
        "MIDDLEWARE": MIDDLEWARE,
        "TEMPLATES": [
            {
                "BACKEND": "django.template.backends.django.DjangoTemplates",
                "APP_DIRS": True,
                "OPTIONS": {"context_processors": CONTEXT_PROCESSORS},
            }
        ],
        "DATABASES": {"default": database_settings(folder, database)},
        "DEFAULT_AUTO_FIELD": "django.db.models.BigAutoField",
        "PASSWORD_HASHERS": ["synapse.sandbox.backend.accounts.QuickHasher"],
        "APPEND_SLASH": False,
        "USE_TZ": True,
        "TIME_ZONE": "Asia/Seoul",
        "USE_I18N": True,
        "LANGUAGE_CODE": language,
        "LANGUAGES": [("en", "English"), ("ko", "한국어")],
        "STATIC_URL": "/static/",
        "MEDIA_URL": "/media/",
        "MEDIA_ROOT": folder / "media",
        "STORAGES": {
            "default": {"BACKEND": "synapse.sandbox.backend.media.SignedStorage"},
            "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
        },
        "DATA_UPLOAD_MAX_MEMORY_SIZE": MOST_OF_TEXT,
        "DATA_UPLOAD_MAX_NUMBER_FIELDS": MOST_FIELDS,
        "DATA_UPLOAD_MAX_NUMBER_FILES": MOST_FILES,
        "FILE_UPLOAD_TEMP_DIR": str(incoming),
        "FILE_UPLOAD_PERMISSIONS": 0o600,
        "CSRF_TRUSTED_ORIGINS": [],
        "REST_FRAMEWORK": REST_FRAMEWORK,
        "LOGGING": LOGGING,
        "SANDBOX_DATA_DIR": folder,
        "SANDBOX_PAGE_SIZE": page_size,
        "SANDBOX_BUCKET": bucket,
        "SANDBOX_IS_LOCAL": is_local,
        "SANDBOX_V2": v2 or SecondGeneration(),
    }


def database_settings(folder: Path, database: str | None) -> dict[str, Any]:
    """Return Django's description of *database*: a URL, or the SQLite file in *folder* when there is none."""
    if database is None:
        return _sqlite(folder / DATABASE)
    try:
        url = urlsplit(database)
        port = str(url.port or "")
    except ValueError:
        # Its own words may hold a part of the password.
        text = "its address cannot be read; special characters of the password are written as %XX"
        raise SettingsError(text) from None
    if url.scheme in ("postgres", "postgresql"):
        return {
            "ENGINE": "django.db.backends.postgresql",
            "NAME": unquote(url.path.lstrip("/")) or "postgres",
            "USER": unquote(url.username or ""),
            "PASSWORD": unquote(url.password or ""),
            "HOST": unquote(url.hostname or ""),
            "PORT": port,
            "CONN_MAX_AGE": None,
            "CONN_HEALTH_CHECKS": True,
            "OPTIONS": dict(parse_qsl(url.query)),
        }
    if url.scheme == "sqlite":
        return _sqlite(Path(unquote(url.path)))
    kind = f"{url.scheme}://…" if "://" in database else "that"
    raise SettingsError(f"its address must be postgresql://… or sqlite:///path, not {kind}")


def _sqlite(path: Path) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": path,
        "CONN_MAX_AGE": None,
        # IMMEDIATE takes the write lock at BEGIN, where waiting for it is still allowed.
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": BUSY_SECONDS,
            "init_command": KEEP_ALIVE_PRAGMAS,
        },
    }


def _secret_key(folder: Path) -> str:
    path = folder / "secret.key"
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
    return path.read_text()
