"""Secrets of storages show nowhere."""

from __future__ import annotations

import logging
import pickle
import traceback

from typing import Any

import cloudpickle
import fsspec
import pytest

from synapse import Session
from synapse.errors import ConfigError, StorageError
from tests.storages.conftest import Kind


def shown(error: BaseException) -> str:
    """Give all that a tool could show of an error: its words, its causes, and the variables of its frames."""
    told: list[str] = []
    seen: BaseException | None = error.with_traceback(getattr(error.__traceback__, "tb_next", None))
    while seen is not None:  # without the frame of the test
        told += traceback.TracebackException.from_exception(seen, capture_locals=True).format()
        told.append(f"{seen!r} {vars(seen)}")
        seen = seen.__cause__ or seen.__context__
    return "".join(told)


def test_are_in_no_pickle(kind: Kind, prefix: str) -> None:
    """A pickle of a file system, a path and an open file holds the key of the storage only."""
    kind.put(f"{prefix}/a.txt", b"a")
    fs = kind.storage.filesystem()
    path = kind.storage.path(f"{prefix}/a.txt")
    path.read_bytes()
    with fs.open(f"{prefix}/a.txt") as file:
        pickles = [dumps(each) for dumps in (pickle.dumps, cloudpickle.dumps) for each in (fs, path, file)]

    assert not [each for each in pickles if kind.secret.encode() in each]
    assert [b"a", b"a"] == [
        pickle.loads(pickles[0]).cat_file(path.key),
        pickle.loads(pickles[1]).read_bytes(),
    ]


def test_are_in_no_json(kind: Kind) -> None:
    """`to_json()` describes the storage by its key, and opens it again."""
    fs = kind.storage.filesystem()
    text = fs.to_json()

    assert kind.secret not in text
    assert fs.ls("") == fsspec.AbstractFileSystem.from_json(text).ls("")


def test_are_in_no_repr(kind: Kind) -> None:
    """Neither what is shown nor the attributes of what is open have any."""
    fs, path = kind.storage.filesystem(), kind.storage.path("a")
    fs.ls("")
    opened = fs._opened
    inside = (vars(fs), vars(path), vars(opened), opened._held, fs.storage_options, fs.storage_args)

    for each in (fs, path, opened, *inside):
        assert kind.secret not in repr(each)


def test_are_in_no_cache(kind: Kind) -> None:
    """fsspec keeps no file system of a storage, from which others could take it."""
    kind.storage.filesystem().ls("")

    for cls in {type(kind.storage.filesystem()), *fsspec.AbstractFileSystem.__subclasses__()}:
        assert kind.secret not in repr(getattr(cls, "_cache", {}))
        assert not [fs for fs in getattr(cls, "_cache", {}).values() if kind.secret in repr(vars(fs))]


@pytest.mark.parametrize("name", ["minio", "ftp", "sftp"])
def test_are_in_no_error(make_storage: Any, caplog: pytest.LogCaptureFixture, name: str) -> None:
    """A failure shows none in its words, its causes, its frames or the log."""
    secret = "storage-secret-0123456789"
    caplog.set_level(logging.DEBUG)
    settings = {"host": "127.0.0.1", "port": 1, "username": "u", "password": secret}
    bucket = {
        "bucket_name": "b",
        "endpoint_url": "http://127.0.0.1:1",
        "access_key": "k" * 9,
        "secret_key": secret,
    }

    with pytest.raises(StorageError) as caught:
        make_storage(name, **(bucket if name == "minio" else settings)).filesystem().ls("")

    assert secret not in shown(caught.value) + caplog.text


def test_are_in_no_refusal(s3: Kind, make_storage: Any) -> None:
    """What the storage says is short, and no page of XML."""
    settings = {**s3.storage.configuration, "bucket_name": "missing-bucket"}

    with pytest.raises(StorageError, match="NoSuchBucket The specified bucket does not exist") as caught:
        make_storage("minio", **settings).filesystem().ls("")

    assert len(str(caught.value)) < 200
    assert "<" not in str(caught.value).removeprefix("<")


def test_options_are_not_pickled(s3: Kind) -> None:
    """They may hold secrets, so a pickle is refused with what to do."""
    fs = s3.storage.filesystem(options={"region_name": "eu-west-1"})

    with pytest.raises(ConfigError, match="on the worker instead"):
        pickle.dumps(fs)
    with pytest.raises(ConfigError, match="on the worker instead"):
        fs.to_json()


def test_are_not_traced(s3: Kind, session: Session) -> None:
    """The answer that brings them is masked in a trace."""
    with session.trace() as calls:
        s3.storage.filesystem()

    assert s3.secret not in f"{calls}{[vars(call) if hasattr(call, '__dict__') else call for call in calls]}"


@pytest.mark.parametrize(
    ("provider", "settings"),
    [
        ("gcp", {"bucket_name": "b", "credentials": "/nowhere/hunter2"}),
        ("minio", {"bucket_name": "b", "endpoint_url": "http://user:hunter2@127.0.0.1:9"}),
    ],
    ids=["path", "address"],
)
def test_are_in_no_variable_of_a_trace(make_storage: Any, provider: str, settings: dict[str, str]) -> None:
    """What a library quotes in its error stays in no variable of ours, which some tools show."""
    storage = make_storage(provider, **settings)

    with pytest.raises(StorageError) as caught:
        storage.filesystem().ls("")

    assert "hunter2" not in shown(caught.value)
