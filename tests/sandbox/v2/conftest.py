"""A seeded sandbox for each way in which the API below `/v2/` may tell its pages."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest

from synapse.sandbox import Sandbox, serve
from tests.objectstore import object_store
from tests.sandbox.v2.second import Second

INLINE_BYTES = 3_000


@pytest.fixture(scope="session")
def sandboxes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Sandbox]]:
    """Two sandboxes: one with tokens, bare pages and an object storage, one with addresses and wrapped pages."""
    folder = tmp_path_factory.mktemp("second")
    cursors: Literal["url"] = "url"
    with (
        object_store() as store,
        serve(
            folder / "token",
            seed="demo",
            tenants=("first", "second"),
            object_storage=store,
            v2_inline_bytes=INLINE_BYTES,
        ) as bare,
        serve(folder / "url", seed="demo", v2_cursors=cursors, v2_wraps_pages=True) as wrapped,
    ):
        yield {"token": bare, "url": wrapped}


@pytest.fixture(scope="session")
def second(sandboxes: dict[str, Sandbox]) -> Second:
    """A client of the first of them."""
    return Second(sandboxes["token"].url, sandboxes["token"].api_token)


@pytest.fixture(scope="session")
def stranger(sandboxes: dict[str, Sandbox]) -> Second:
    """A client of another workspace of it."""
    return Second(sandboxes["token"].url, sandboxes["token"].tenants["second"].api_token)


@pytest.fixture(params=["token", "url"])
def either(request: pytest.FixtureRequest, sandboxes: dict[str, Sandbox]) -> Second:
    """A client of each of them."""
    sandbox = sandboxes[request.param]
    return Second(sandbox.url, sandbox.api_token)
