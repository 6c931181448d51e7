"""A backend that signs addresses, and what tests of uploads to them have in common."""

from __future__ import annotations

import hashlib

from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import attrs
import requests

from synapse.sandbox import Sandbox
from synapse.session import Session
from synapse.transfer.local_file import LocalFile
from synapse.uploads.presigned import send_presigned
from tests.faults.hostile import Proxy
from tests.unit.transfer.conftest import quick

ASK, CONFIRM = "data_files/presigned_upload/upload/", "data_files/presigned_upload/confirm_upload/"


@attrs.frozen
class World:
    """A backend that signs addresses of a storage, and a proxy before each of them."""

    box: Sandbox
    storage: Proxy
    backend: Proxy

    def session(self, **settings: Any) -> Session:
        """Open a session that goes by the proxy."""
        return quick(self.backend.url, token=self.box.api_token, **settings)

    def stored(self, row: dict[str, Any]) -> bytes:
        """Return the content of a data file, as anyone can read it."""
        headers = {"Synapse-Access-Token": f"Token {self.box.api_token}"}
        found = requests.get(f"{self.box.url}/data_files/{row['id']}/", headers=headers, timeout=30).json()
        return requests.get(found["file"], timeout=30).content

    def count(self) -> int:
        """Return how many data files there are."""
        headers = {"Synapse-Access-Token": f"Token {self.box.api_token}"}
        return int(requests.get(f"{self.box.url}/data_files/", headers=headers, timeout=30).json()["count"])


def address(url: str) -> tuple[str, int]:
    """Return host and port."""
    parts = urlsplit(url)
    return str(parts.hostname), int(parts.port or 0)


def refuse(source: LocalFile) -> dict[str, Any]:
    """Take the place of the direct way where it must not be gone."""
    raise AssertionError(f"{source.name} went directly")


def by_name(source: LocalFile) -> dict[str, Any]:
    """Take the place of the direct way."""
    return {"direct": source.name}


def send(session: Session, *paths: Path, told: list[int] | None = None, **options: Any) -> Any:
    """Send files, and close the session."""
    advanced = (told if told is not None else []).append
    with session:
        outcomes = send_presigned(
            session,
            [LocalFile.of(path) for path in paths],
            **{"direct": refuse, "advanced": advanced, **options},
        )
    session.close()
    return outcomes


def rows(outcomes: Any) -> list[Any]:
    """Return the rows, where all is well."""
    assert [None] * len(outcomes) == [outcome.error for outcome in outcomes]
    return [outcome.result for outcome in outcomes]


def sha1(path: Path) -> str:
    """Take the checksum of a file."""
    return hashlib.sha1(path.read_bytes(), usedforsecurity=False).hexdigest()
