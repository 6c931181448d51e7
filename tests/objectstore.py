"""An S3 service on this machine, with an empty bucket, for backends whose clients put files there directly."""

from __future__ import annotations

import logging

from collections.abc import Iterator
from contextlib import contextmanager

import requests

from moto.server import ThreadedMotoServer

from synapse.sandbox import ObjectStorage

KEY, SECRET = "sandbox-key", "sandbox-secret-0123456789"
MIB = 1024 * 1024


@contextmanager
def object_store(*, threshold: int = 6 * MIB, part_size: int = 5 * MIB) -> Iterator[ObjectStorage]:
    """Serve S3 for as long as the block lasts; files from *threshold* bytes on come in parts of *part_size*."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    bucket = f"http://{host}:{port}/photos"
    try:
        requests.put(bucket, timeout=30).raise_for_status()
        yield ObjectStorage(bucket, key=KEY, secret=SECRET, threshold=threshold, part_size=part_size)
    finally:
        server.stop()
