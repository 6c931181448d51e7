"""Every public call that writes, with all its answers lost: nothing is sent again that would make a second one."""

from __future__ import annotations

import contextlib
import math

from collections import Counter
from pathlib import Path
from typing import Final

import pytest

from synapse import Session, SynapseError
from synapse.session import Retry
from tests.amounts import part
from tests.faults.every import CALLS, WRITING, Keys, World
from tests.faults.hostile import FIRST, Backend, Proxy, reset
from tests.sandbox.wire import Wire

# Reads that are sent by POST, and what makes one however often it comes: content is stored once, an upload ends once.
REPEATABLE: Final = ("verify_checksums/", "/data_files/", "chunked_upload/")
TWO_ROWS: Final = ("QuerySet.bulk_create", "QuerySet.bulk_create(one by one)")


def sent(proxy: Proxy) -> Counter[str]:
    """Count what came by POST and PATCH and is not repeatable by its nature."""
    return Counter(
        each.line
        for each in proxy.requests("^(POST|PATCH) ")
        if not any(part in each.target for part in REPEATABLE)
    )


@pytest.mark.parametrize("name", part(WRITING, 0))
def test_is_sent_once(seeded: Backend, tmp_path: Path, name: str) -> None:
    """Whatever the call makes of its lost answers, no POST and no PATCH is repeated, and an error is ours."""
    token = seeded.sandbox.api_token
    world_keys = Keys.of(Wire(seeded.url, token))
    with Proxy(seeded.address) as proxy:
        session = Session(proxy.url, api_token=token, retry=Retry(total=1, backoff=0.001))
        proxy.harm("^(POST|PATCH|PUT|DELETE) ", reset, of="answer", at=FIRST, times=math.inf)
        with session, contextlib.suppress(SynapseError):
            CALLS[name].do(World(session, tmp_path, world_keys))
        session.close()

    assert proxy.requests("^(POST|PATCH|PUT|DELETE) ")
    most = 2 if name in TWO_ROWS else 1
    assert {} == {line: count for line, count in sent(proxy).items() if count > most}
