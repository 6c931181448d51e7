"""Storages of every kind, on this machine."""

from __future__ import annotations

import secrets

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncssh
import attrs
import obstore
import pytest

from obstore.store import S3Store

from synapse import Session, Storage
from synapse.interop.storages.paths import StoragePath
from synapse.sandbox import Sandbox, serve
from tests.objectstore import KEY, SECRET, object_store
from tests.storages.servers import PASSWORD, USER, ftp_server, sftp_server

KINDS = ("amazon_s3", "ftp", "sftp", "file_system")


@attrs.frozen
class Kind:
    """A storage of one kind, a way to put files there past the SDK, and its secret."""

    storage: Storage
    place: Any
    secret: str = PASSWORD

    def put(self, key: str, content: bytes = b"content") -> None:
        """Put a file there."""
        if isinstance(self.place, Path):
            path = self.place / key
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        else:
            obstore.put(self.place, key, content)

    def remove(self, key: str) -> None:
        """Take a file away."""
        if isinstance(self.place, Path):
            (self.place / key).unlink()
        else:
            obstore.delete(self.place, key)


@pytest.fixture(scope="session")
def backend() -> Iterator[Sandbox]:
    """A sandbox whose rows the tests of storages share."""
    with serve(seed="demo") as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def whole_session(backend: Sandbox) -> Iterator[Session]:
    """One session for all of them."""
    session = Session(backend.url, api_token=backend.api_token, state_dir=False)
    yield session
    session.close()


@pytest.fixture(autouse=True)
def session(whole_session: Session) -> Iterator[Session]:
    """The session is the current one."""
    with whole_session:
        yield whole_session


@pytest.fixture(scope="session")
def make_storage(whole_session: Session) -> Any:
    """Make a storage with these settings."""

    def make(provider: str, **configuration: Any) -> Storage:
        storages = Storage.objects.using(whole_session)
        made = storages.create(name=secrets.token_hex(4), provider=provider, configuration=configuration)
        return storages.get(id=made.pk)

    return make


@pytest.fixture(scope="session")
def private_key() -> str:
    """The private key of a user, locked by a phrase."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    return key.export_private_key("pkcs8-pem", passphrase="phrase").decode()


@pytest.fixture(scope="session")
def s3(make_storage: Any) -> Iterator[Kind]:
    """A bucket."""
    with object_store() as bucket:
        endpoint, _, name = bucket.url.rpartition("/")
        settings = {"bucket_name": name, "access_key": KEY, "secret_key": SECRET, "endpoint_url": endpoint}
        place = S3Store(
            name,
            endpoint=endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            region="us-east-1",
            client_options={"allow_http": True},
        )
        yield Kind(make_storage("amazon_s3", **settings), place, SECRET)


@pytest.fixture(scope="session")
def ftp(make_storage: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    """A server of FTP."""
    folder = tmp_path_factory.mktemp("ftp")
    with ftp_server(folder) as port:
        yield Kind(make_storage("ftp", host="127.0.0.1", port=port, username=USER, password=PASSWORD), folder)


@pytest.fixture(scope="session")
def sftp(make_storage: Any, private_key: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kind]:
    """A server of SFTP, whose host key is known."""
    folder = tmp_path_factory.mktemp("sftp")
    with sftp_server(folder, key=private_key) as (port, known):
        settings = {"host": "127.0.0.1", "port": port, "username": USER, "password": PASSWORD}
        yield Kind(make_storage("sftp", **settings, known_hosts=known), folder)


@pytest.fixture(scope="session")
def folder(make_storage: Any, tmp_path_factory: pytest.TempPathFactory) -> Kind:
    """A folder of this machine."""
    place = tmp_path_factory.mktemp("folder")
    return Kind(make_storage("file_system", location=str(place)), place, str(place))


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    """A storage of each kind."""
    names = {"amazon_s3": "s3", "file_system": "folder"}
    found: Kind = request.getfixturevalue(names.get(request.param, request.param))
    return found


@pytest.fixture
def prefix() -> str:
    """A folder of its own for a test."""
    return secrets.token_hex(4)


@pytest.fixture
def place(kind: Kind, prefix: str) -> StoragePath:
    """The same, as a path of each kind of storage."""
    return kind.storage.path(prefix)
