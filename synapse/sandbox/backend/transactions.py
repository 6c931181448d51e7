"""One way to write: a transaction that other threads of this process queue for."""

from __future__ import annotations

import threading

from collections.abc import Iterator
from contextlib import contextmanager

from django.db import connection, transaction

_WRITER = threading.RLock()


@contextmanager
def write_transaction() -> Iterator[None]:
    """Run the block in one transaction, all or nothing.

    SQLite has one writer at a time and makes the others poll; a queue inside the process hands the turn
    over at once. A block that is already in a transaction must not wait for the queue: its turn is taken.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    with _WRITER, transaction.atomic():
        yield
