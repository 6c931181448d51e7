"""Which settings each provider needs, and what opens it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import attrs

from synapse.errors import ConfigError, did_you_mean
from synapse.interop.storages.access import Access
from synapse.interop.storages.engine import Engine
from synapse.interop.storages.objects import open_azure, open_gcs, open_s3
from synapse.interop.storages.servers import open_folder, open_ftp, open_protocol, open_sftp
from synapse.session.config import Timeout


@attrs.frozen
class Provider:
    """What opens a storage, the settings that it cannot do without, and others that it heeds."""

    opened_by: Callable[[Access, Timeout], Engine]
    needs: tuple[str, ...]
    takes: tuple[str, ...] = ()


_BUCKET: Final = Provider(
    open_s3,
    ("bucket_name",),
    ("access_key", "secret_key", "session_token", "region_name", "endpoint_url"),
)
PROVIDERS: Final[Mapping[str, Provider]] = {
    "amazon_s3": _BUCKET,
    "minio": attrs.evolve(_BUCKET, needs=("bucket_name", "endpoint_url")),
    "digital_ocean": attrs.evolve(_BUCKET, needs=("bucket_name", "endpoint_url")),
    "gcp": Provider(open_gcs, ("bucket_name", "credentials"), ("project",)),
    "azure": Provider(
        open_azure, ("container_name", "account_name"), ("account_key", "sas_token", "endpoint_url")
    ),
    "sftp": Provider(
        open_sftp,
        ("host", "username"),
        ("password", "private_key", "private_key_passphrase", "port", "root_path", "known_hosts"),
    ),
    "ftp": Provider(open_ftp, ("host",), ("username", "password", "port", "root_path", "tls")),
    "file_system": Provider(open_folder, ("location",)),
}
_ANY: Final = Provider(open_protocol, ("protocol",))


def open_engine(access: Access, *, label: str, options: Mapping[str, Any], timeout: Timeout) -> Engine:
    """Open a storage by its settings; what lacks, or what no provider takes, is a `ConfigError`."""
    provider = _ANY if access.settings.get("protocol") else PROVIDERS.get(access.provider)
    if provider is None:
        raise ConfigError(
            f"{label}: no storage of the provider {access.provider!r} can be opened here, only {', '.join(PROVIDERS)}. "
            "options={'protocol': ..., ...} opens any that fsspec knows by its own arguments, and "
            "options={'provider': 'minio', ...} one that speaks like another"
        )
    if provider is not _ANY:
        _check_names(options, provider, label=label)
    lacking = [name for name in provider.needs if not access.settings.get(name)]
    if lacking:
        raise ConfigError(
            f"{label}: its configuration lacks {' and '.join(lacking)}. A storage of this provider takes "
            f"{', '.join((*provider.needs, *provider.takes))}; filesystem(options={{{lacking[0]!r}: ...}}) gives what "
            "the configuration does not"
        )
    return provider.opened_by(access, timeout)


def _check_names(options: Mapping[str, Any], provider: Provider, *, label: str) -> None:
    known = (*provider.needs, *provider.takes, "provider")
    for name in options:
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(
                f"{label}: options={{{name!r}: ...}} is no setting of it{hint}, only {', '.join(known)}"
            )
