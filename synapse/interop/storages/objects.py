"""Object storages, by obstore: S3 and what speaks like it, Google's, Azure's."""

from __future__ import annotations

import json
import os

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import obstore

from obstore.exceptions import PreconditionError
from obstore.store import AzureStore, GCSStore, S3Store

from synapse.errors import ConfigError, StorageError
from synapse.interop.storages.access import Access
from synapse.interop.storages.engine import BLOCK, Block, ChangedError, Engine, Entry
from synapse.masking import Secret, conceal
from synapse.session.config import Timeout

_WHOLE: Final = timedelta(hours=1)
_PROCESS: list[int] = []


class ObjectEngine:
    """A bucket. Folders are what keys have before their slashes."""

    def __init__(self, store: Any) -> None:
        _check_process()
        self._store = store

    def look(self, key: str) -> Entry:
        """Tell of an object, or of keys that begin with this one and a slash."""
        _check_process()
        if key:
            try:
                return _entry(obstore.head(self._store, key))
            except FileNotFoundError:
                pass
        found = next(iter(obstore.list(self._store, key or None, chunk_size=1)), None)
        if key and not found:
            raise FileNotFoundError(key)
        return Entry(key, is_folder=True)

    def list(self, key: str) -> list[Entry]:
        """Give the objects and the beginnings of keys one step below, all pages of them."""
        _check_process()
        found = obstore.list_with_delimiter(self._store, key or None)
        folders = [Entry(str(name).rstrip("/"), is_folder=True) for name in found["common_prefixes"]]
        # An empty object called as the folder itself is how some tools keep an empty folder.
        objects = [_entry(each) for each in found["objects"] if each["path"] != key]
        if not folders and not found["objects"] and key:
            if not self.look(key).is_folder:
                raise NotADirectoryError(key)
            raise FileNotFoundError(key)
        return [*folders, *objects]

    def first(self) -> str | None:
        """Give the first key."""
        _check_process()
        found = next(iter(obstore.list(self._store, chunk_size=1)), None)
        return str(found[0]["path"]) if found else None

    def read(self, entry: Entry, *, start: int, stop: int) -> Iterator[Block]:
        """Stream a range of the object, by one request."""
        _check_process()
        options: Any = {"range": (start, stop)}
        if entry.version:
            options["if_match"] = entry.version
        try:
            answer = obstore.get(self._store, entry.key, options=options)
        except (PreconditionError, FileNotFoundError) as error:
            raise ChangedError(
                "it is gone" if isinstance(error, FileNotFoundError) else "it is another one now"
            ) from None
        # As they come: a copy of each into `bytes` is a fifth of the whole work.
        yield from answer.stream(min_chunk_size=BLOCK)

    def head(self, key: str, size: int) -> tuple[Entry, bytes]:
        """Give the first bytes, and what the same answer tells of the object."""
        _check_process()
        try:
            answer = obstore.get(self._store, key, options={"range": (0, size)})
        except FileNotFoundError:
            raise
        except Exception:  # an empty object has no first bytes, which storages refuse each in its own way
            entry = self.look(key)
            if entry.is_folder or entry.size:
                raise
            return entry, b""
        return _entry(answer.meta), bytes(answer.bytes())

    @contextmanager
    def write(self, key: str) -> Iterator[Any]:
        """Write an object, in parts where it is large; one that is not closed never comes to be."""
        _check_process()
        writer = obstore.open_writer(self._store, key)
        yield writer
        writer.close()

    def copy(self, key: str, to: str) -> bool:
        """Have the storage copy an object."""
        _check_process()
        obstore.copy(self._store, key, to)
        return True

    def delete(self, entry: Entry) -> None:
        """Delete an object; a folder goes with the last one in it."""
        _check_process()
        if not entry.is_folder:
            obstore.delete(self._store, entry.key)

    def make_folder(self, key: str) -> None:
        """Do nothing: a folder comes with the first object in it."""


def open_s3(access: Access, timeout: Timeout) -> Engine:
    """Open a bucket of S3, MinIO or another that speaks like them."""
    given = access.settings
    endpoint = given.get("endpoint_url") or None
    known: dict[str, Any] = {"endpoint": str(endpoint)} if endpoint else {}
    if given.get("access_key"):
        known["credential_provider"] = _Keys(given)
    else:
        known["skip_signature"] = True
    region = str(given.get("region_name") or "us-east-1")
    return ObjectEngine(
        S3Store(str(given["bucket_name"]), region=region, **known, **_limits(endpoint, timeout))
    )


def open_gcs(access: Access, timeout: Timeout) -> Engine:
    """Open a bucket of Google Cloud Storage, by the key of a service account or its path."""
    credentials = access.settings["credentials"]
    known: dict[str, Any]
    endpoint: object
    if isinstance(credentials, str) and not credentials.lstrip().startswith("{"):
        known, endpoint = {"service_account_path": str(credentials)}, None
    else:
        key = credentials if isinstance(credentials, Mapping) else conceal(json.loads(credentials))
        known, endpoint = {"service_account_key": Secret(json.dumps(key))}, key.get("gcs_base_url")
    return ObjectEngine(GCSStore(str(access.settings["bucket_name"]), **known, **_limits(endpoint, timeout)))


def open_azure(access: Access, timeout: Timeout) -> Engine:
    """Open a container of Azure's blob storage."""
    given = access.settings
    names = {"account_key": "account_key", "sas_token": "sas_key", "endpoint_url": "endpoint"}
    known: Any = {name: given[key] for key, name in names.items() if given.get(key)}
    limits = _limits(given.get("endpoint_url"), timeout)
    return ObjectEngine(
        AzureStore(str(given["container_name"]), account_name=str(given["account_name"]), **known, **limits)
    )


class _Keys:
    """Hands over keys when requests are signed: a store that is given them shows them in its pickle and its config."""

    def __init__(self, settings: Any) -> None:
        self._settings = settings

    def __call__(self) -> Any:
        held = self._settings
        return {
            "access_key_id": held.get("access_key"),
            "secret_access_key": held.get("secret_key"),
            "token": held.get("session_token"),
            "expires_at": None,
        }

    def __repr__(self) -> str:
        return "keys of a storage"


def _limits(endpoint: object, timeout: Timeout) -> dict[str, Any]:
    _check_address(endpoint)
    client = {
        "allow_http": str(endpoint or "").startswith("http://"),
        "connect_timeout": timedelta(seconds=timeout.connect),
        "read_timeout": timedelta(seconds=timeout.read),
        "timeout": _WHOLE,
    }
    # The default of ten attempts within three minutes would keep a dead host from being told of.
    return {
        "client_options": client,
        "retry_config": {"max_retries": 2, "retry_timeout": timedelta(seconds=timeout.read)},
    }


def _check_address(endpoint: object) -> None:
    # obstore panics at what is no address. It may hold a password, and is not quoted.
    if not endpoint:
        return
    try:
        parts = urlsplit(str(endpoint))
        is_address = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_address = False
    if not is_address or not str(endpoint).isascii() or " " in str(endpoint):
        raise ConfigError(
            "the endpoint_url of this storage is no address such as 'https://minio.example.org:9000'"
        )


def _entry(meta: Any) -> Entry:
    modified: datetime | None = meta.get("last_modified")
    return Entry(meta["path"], size=meta["size"], modified=modified, version=meta.get("e_tag") or "")


def _check_process() -> None:
    # obstore panics in a process that was forked from one that had used it.
    if not _PROCESS:
        _PROCESS.append(os.getpid())
    if _PROCESS[0] != os.getpid():
        raise StorageError(
            "this process was forked from one that had opened an object storage, whose threads a fork does not take "
            "along: start workers by multiprocessing.get_context('spawn'), or open storages in the workers only"
        )
