"""How a storage is reached: by what the backend gives, for as long as that lasts."""

from __future__ import annotations

import json
import socket
import sys
import time

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from synapse import Session, Storage
from synapse.errors import ConfigError, StorageError
from synapse.orm.record import reference
from tests.servers import Server, reply
from tests.storages.conftest import Kind
from tests.storages.servers import Bucket

CONTENT = bytes(range(256)) * 64


@pytest.fixture
def bucket() -> Iterator[tuple[Bucket, str]]:
    """An S3 that takes the first key only, and its address."""
    bucket = Bucket(CONTENT)
    with bucket.served() as address:
        yield bucket, address


def granted(address: str, key: str, expires: str | None) -> bytes:
    """Answer with credentials of a bucket."""
    settings = {
        "bucket_name": "b",
        "access_key": key,
        "secret_key": "secret-0123456789",
        "endpoint_url": address,
    }
    return reply(data={"provider": "amazon_s3", "configuration": settings, "expires_at": expires})


def storage_of(server: Server) -> Storage:
    """Name storage 5 of a backend."""
    session = Session(server.origin, api_token="token-0123456789", state_dir=False)
    return reference(Storage, 5, session=session)


class TestCredentials:
    """They are renewed when they end, and not before."""

    def test_are_renewed_in_the_middle_of_a_read(self, bucket: tuple[Bucket, str]) -> None:
        """A read whose line breaks goes on with others where those that it began with have expired meanwhile."""
        served, address = bucket
        served.cut_at = 5000
        never = "2199-01-01T00:00:00+09:00"
        with Server(granted(address, "KEY-1", never), granted(address, "KEY-2", never)) as server:
            assert CONTENT == storage_of(server).path("a.bin").read_bytes()

        assert ["KEY-1", "KEY-1", "KEY-1", "KEY-2"] == [key for *_, key in served.requests]
        assert ["POST /storages/5/session/"] * 2 == server.lines

    def test_that_are_about_to_end_are_not_used(self, bucket: tuple[Bucket, str]) -> None:
        """Each request to the storage asks for others, if those that came are over already."""
        _, address = bucket
        past = "2026-01-01T00:00:00Z"
        with Server(granted(address, "KEY-1", past)) as server:
            storage_of(server).path("a.bin").read_bytes()

        assert len(server.lines) > 1

    def test_that_last_are_asked_for_once(self, bucket: tuple[Bucket, str]) -> None:
        """A file system asks for credentials once, however much is read."""
        _, address = bucket
        with Server(granted(address, "KEY-1", None)) as server:
            fs = storage_of(server).filesystem()
            assert (CONTENT, CONTENT) == (fs.cat_file("a.bin"), fs.cat_file("a.bin"))

        assert 1 == len(server.lines)

    def test_that_are_refused_for_good_are_asked_for_once_more_only(self, bucket: tuple[Bucket, str]) -> None:
        """A storage that refuses the new credentials as well is told of, and not asked for ever."""
        served, address = bucket
        served.takes = "NONE"
        with (
            Server(granted(address, "KEY-1", "2199-01-01T00:00:00Z")) as server,
            pytest.raises(StorageError, match="refuses what was asked of it"),
        ):
            storage_of(server).path("a.bin").read_bytes()

        assert 2 == len(server.lines)

    @pytest.mark.parametrize("status", [404, 405])
    def test_of_a_backend_without_sessions(self, bucket: tuple[Bucket, str], status: int) -> None:
        """Where the backend gives none of a time, the configuration is read."""
        _, address = bucket
        row = json.loads(granted(address, "KEY-1", None).partition(b"\r\n\r\n")[2])
        with Server(reply(status, {"detail": "no"}), reply(data={**row, "id": 5, "name": "s"})) as server:
            assert CONTENT == storage_of(server).path("a.bin").read_bytes()

        assert "GET /storages/5/?with_configuration=true" == server.lines[1]

    def test_that_the_backend_refuses(self) -> None:
        """A refusal is told by its code, and what can be done."""
        refusal = reply(400, {"code": "credential_not_registered", "detail": "no"})
        with Server(refusal) as server, pytest.raises(StorageError, match=r"no credentials .*options="):
            storage_of(server).filesystem()

    @pytest.mark.parametrize(("write", "purpose"), [(False, "read"), (True, "write")])
    def test_are_asked_for_by_purpose(self, bucket: tuple[Bucket, str], write: bool, purpose: str) -> None:
        """The backend is told whether anything will be written."""
        _, address = bucket
        with Server(granted(address, "KEY-1", None)) as server:
            storage_of(server).filesystem(write=write)

        assert {"purpose": purpose} == json.loads(server.received[0].body)


class TestSettings:
    """What lacks is named before anything is sent to the storage."""

    def test_an_unknown_provider(self, make_storage: Any) -> None:
        """The providers that are known are named, and `options=`."""
        with pytest.raises(ConfigError, match=r"amazon_s3, minio, .*options=\{'protocol'"):
            make_storage("synology", url="https://nas.example").filesystem()

    @pytest.mark.parametrize(
        ("provider", "lacking"),
        [
            ("azure", "container_name and account_name"),
            ("ftp", "host"),
            ("minio", "bucket_name and endpoint_url"),
        ],
    )
    def test_missing_ones(self, make_storage: Any, provider: str, lacking: str) -> None:
        """A configuration without what is needed names the keys, and how to give them."""
        with pytest.raises(ConfigError, match=rf"lacks {lacking}\. .*options="):
            make_storage(provider, note="none").filesystem()

    def test_options_go_first(self, make_storage: Any, s3: Kind) -> None:
        """What the configuration lacks, or has otherwise here, `options=` gives."""
        s3.put("given.txt", b"given")
        settings = dict(s3.storage.configuration)
        bare = make_storage("digital_ocean", bucket_name="elsewhere")

        assert b"given" == bare.path("given.txt", options=settings).read_bytes()

    def test_an_unknown_option(self, s3: Kind) -> None:
        """A misspelled one is told with the nearest name."""
        with pytest.raises(ConfigError, match="did you mean 'endpoint_url'"):
            s3.storage.filesystem(options={"endpoint_urls": "http://x"})

    def test_any_protocol(self, make_storage: Any) -> None:
        """`protocol` opens whatever fsspec knows."""
        storage = make_storage("synology", url="https://nas.example")
        fs = storage.filesystem(write=True, options={"protocol": "memory", "root_path": "/kept"})
        fs.pipe_file("a.txt", b"a")

        assert b"a" == fs.cat_file("a.txt")

    def test_a_private_key(self, sftp: Kind, private_key: str) -> None:
        """A private key with its phrase goes in the place of a password."""
        sftp.put("keyed.txt", b"keyed")
        options = {"password": "", "private_key": private_key, "private_key_passphrase": "phrase"}

        assert b"keyed" == sftp.storage.path("keyed.txt", options=options).read_bytes()

    @pytest.mark.parametrize("as_text", [False, True])
    def test_the_key_of_a_service_account(
        self, make_storage: Any, bucket: tuple[Bucket, str], as_text: bool
    ) -> None:
        """Google's storage takes the key of a service account as an object and as text."""
        served, address = bucket
        served.takes = ""
        private = rsa.generate_private_key(65537, 1024).private_bytes(
            Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
        )
        key = {"gcs_base_url": address, "disable_oauth": True, "client_email": "a@b", "private_key_id": "k"}
        credentials = {**key, "private_key": private.decode()}
        given = json.dumps(credentials) if as_text else credentials

        assert CONTENT == make_storage("gcp", bucket_name="b", credentials=given).path("a.bin").read_bytes()

    @pytest.mark.parametrize("library", ["fsspec", "obstore", "sshfs", "asyncssh"])
    def test_the_extra_is_named(
        self, s3: Kind, monkeypatch: pytest.MonkeyPatch, session: Session, library: str
    ) -> None:
        """Without one of its libraries, the extra is named and nothing is sent."""
        monkeypatch.setitem(sys.modules, library, None)

        with session.trace() as calls, pytest.raises(ConfigError, match=r"synapse-orm\[storage\]"):
            s3.storage.filesystem()
        assert 0 == len(calls)

    @pytest.mark.parametrize("address", ["::", "minio.example:9000", "http://", "http://a b"])
    def test_an_endpoint_that_is_no_address(self, make_storage: Any, address: str) -> None:
        """It is told of without being quoted, since it may hold a password."""
        told = make_storage("minio", bucket_name="b", endpoint_url=address).check()

        assert ("no address" in str(told), False) == (True, bool(told))

    @pytest.mark.parametrize("name", ["bucket_name", "session_token"])
    @pytest.mark.filterwarnings("ignore")
    def test_one_that_cannot_be_sent(self, make_storage: Any, name: str) -> None:
        """A setting with the end of its line is a failed check, and no panic of a library."""
        settings = {
            "bucket_name": "b",
            "access_key": "k",
            "secret_key": "s",
            "endpoint_url": "http://127.0.0.1:9",
        }
        told = make_storage("minio", **{**settings, name: "a b\n"}).check()

        assert "has a setting that cannot be used" in str(told)


class TestHosts:
    """A host that is not there, or not the one that it should be, is told of soon."""

    @pytest.mark.parametrize("provider", ["minio", "ftp", "sftp"])
    def test_that_is_dead(self, make_storage: Any, provider: str) -> None:
        """Nobody listens: told in a moment."""
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        settings = {"host": "127.0.0.1", "port": port, "username": "u", "password": "p"}
        bucket = {
            "bucket_name": "b",
            "endpoint_url": f"http://127.0.0.1:{port}",
            "access_key": "k",
            "secret_key": "s",
        }
        started = time.monotonic()

        with pytest.raises(StorageError, match="cannot be reached"):
            make_storage(provider, **(bucket if provider == "minio" else settings)).filesystem().ls("")
        assert time.monotonic() - started < 3

    def test_whose_key_is_not_known(self, sftp: Kind, tmp_path: Path) -> None:
        """An SFTP server of another key gets no password."""
        (tmp_path / "known_hosts").write_text("")

        with pytest.raises(StorageError, match="host key that is not known.*known_hosts"):
            sftp.storage.filesystem(options={"known_hosts": str(tmp_path / "known_hosts")})

    def test_that_refuses_the_password(self, ftp: Kind, sftp: Kind) -> None:
        """A wrong password is a refusal, and is not shown."""
        for kind in (ftp, sftp):
            with pytest.raises(StorageError, match="refuses what was asked of it") as caught:
                kind.storage.filesystem(options={"password": "wrong-password-1"})
            assert "wrong-password-1" not in str(caught.value)


class TestCheck:
    """`check()` tells, and raises nothing."""

    def test_of_one_that_works(self, kind: Kind) -> None:
        """It names a key that is there."""
        kind.put("0-first.txt")

        found = kind.storage.check()

        assert found and found.key
        assert "can be read; it has" in str(found)

    def test_of_one_that_does_not(self, make_storage: Any) -> None:
        """It says what failed, without a secret."""
        settings = {"bucket_name": "b", "access_key": "k" * 20, "secret_key": "s" * 20}
        found = make_storage("minio", **settings, endpoint_url="http://127.0.0.1:1").check()

        assert not found
        assert "cannot be reached" in str(found)
        assert "ssss" not in repr(found)
