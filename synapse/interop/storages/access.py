"""What it takes to reach a storage: the credentials that the backend gives, for as long as they last."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Literal

import attrs

from synapse.errors import ClientError, ConfigError, StorageError, ValidationError, describe
from synapse.masking import Masker, conceal

if TYPE_CHECKING:
    from synapse.entities.storage import Storage
    from synapse.session import Session

_NO_SESSIONS: Final = (404, 405, 501)
"""How backends answer that give no credentials for a time, only the configuration itself."""
_PUBLIC: Final = frozenset(
    {
        *(
            "account_name",
            "bucket_name",
            "container_name",
            "endpoint_url",
            "host",
            "location",
            "port",
            "project",
        ),
        *("provider", "protocol", "region_name", "root_path", "share", "tls", "username"),
    }
)
_MARGIN: Final = timedelta(seconds=30)


@attrs.frozen
class Access:
    """The provider of a storage, and its settings; `expires_at` is None for what lasts."""

    provider: str
    settings: Mapping[str, Any] = attrs.field(repr=False)
    expires_at: datetime | None = None

    @property
    def renewable(self) -> bool:
        """Whether the backend gives others when these have expired."""
        return self.expires_at is not None

    @property
    def expired(self) -> bool:
        """Whether these are over, or about to be."""
        return self.expires_at is not None and datetime.now(UTC) > self.expires_at - _MARGIN

    def masker(self) -> Masker:
        """Give what hides the secrets of these settings."""
        return Masker(tuple(_secrets(self.settings)))


def access_of(
    storage: Storage,
    session: Session,
    *,
    purpose: Literal["read", "write"],
    options: Mapping[str, Any] | None,
) -> Access:
    """Ask the backend for credentials, and where it has none of a time, for the configuration; *options* go first."""
    given = dict(options or {})
    provider = given.pop("provider", None)
    try:
        answer = session.dialect.unwrap(
            session.send(session.dialect.actions.storage_session(storage.pk, purpose))
        )
    except ValidationError as refusal:
        if not given:
            raise _refused(storage, refusal) from None
        answer = {}
    except ClientError as error:
        if error.status_code not in _NO_SESSIONS:
            raise
        # The configuration first: it brings the rest of the row along, where none was read yet.
        answer = {"configuration": storage.configuration, "provider": storage.provider}
    settings = answer.get("configuration") if isinstance(answer, dict) else None
    if not isinstance(answer, dict) or not isinstance(settings or {}, Mapping):
        raise StorageError(f"storage {storage.pk}: the backend's answer holds no settings to reach it by")
    expires = answer.get("expires_at")
    return Access(
        str(provider or answer.get("provider") or storage.provider),
        conceal({**(settings or {}), **given}),
        _moment(expires),
    )


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
    return found if found is None or found.tzinfo else found.replace(tzinfo=UTC)


def check_options(options: object) -> None:
    """Refuse options that are no settings by their names."""
    if options is not None and not (
        isinstance(options, Mapping) and all(isinstance(name, str) for name in options)
    ):
        raise ConfigError(f"filesystem(options=...) takes {{setting: value}}, got {describe(options)}")


def _refused(storage: Storage, refusal: ValidationError) -> StorageError:
    answer = refusal.response
    code = answer.get("code") if isinstance(answer, dict) else None
    return StorageError(
        f"storage {storage.pk}: the backend gives no credentials for it ({code or refusal}); "
        "filesystem(options={...}) takes settings of your own"
    )


def _secrets(settings: Any, *, name: str = "") -> Iterator[str]:
    if isinstance(settings, Mapping):
        for key, value in settings.items():
            yield from _secrets(value, name=str(key))
    elif isinstance(settings, str) and name not in _PUBLIC:
        yield str(settings)
        yield from (line for line in str(settings).splitlines() if len(line) > 20)  # of a private key
