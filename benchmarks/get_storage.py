"""Reading an object of a bucket, by obstore alone and by the SDK: contestants of `storages.py`."""

from __future__ import annotations

import sys

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import obstore

from obstore.store import S3Store

from benchmarks.measure import MIB, run_rounds
from synapse import Session, Storage
from synapse.orm.record import reference
from synapse.testing import canned
from synapse.uploads import upload_in_chunks

URL, SINK = sys.argv[1:3]
SETTINGS = {"bucket_name": "b", "access_key": "key", "secret_key": "secret-0123456789", "endpoint_url": URL}
ANSWER = {"provider": "minio", "configuration": SETTINGS, "expires_at": None}

bare = S3Store(
    "b",
    endpoint=URL,
    region="us-east-1",
    access_key_id="key",
    secret_access_key="secret-0123456789",
    client_options={"allow_http": True},
)
storage = reference(Storage, 1, session=canned({"POST storages/1/session/": ANSWER}))


@cache
def opened() -> Any:
    """Open the storage once."""
    return storage.filesystem()


def get_bare() -> int:
    """Stream the object into a file that drops it, by obstore alone."""
    done = 0
    with Path("/dev/null").open("wb") as file:
        for block in obstore.get(bare, "zeros").stream(min_chunk_size=MIB):
            done += file.write(block)
    return done


def get() -> None:
    """Download it by the file system of the SDK."""
    with Path("/dev/null").open("wb") as file:
        opened().get_file("zeros", file)


def upload() -> None:
    """Upload it in chunks into the sink."""
    with Session(SINK, api_token="sink", state_dir=False) as session:
        upload_in_chunks(session, storage.path("zeros"), register=str)


JOBS: dict[str, Callable[[], Any]] = {"bare": get_bare, "ours": get, "upload": upload}


def work(job: str) -> Any:
    """Do one of the jobs."""
    return JOBS[job]()


if __name__ == "__main__":
    run_rounds(work)
