"""The table of every public call: whole, and right as long as nobody does harm."""

from __future__ import annotations

import inspect

from collections.abc import Iterator
from pathlib import Path

import pytest

from synapse import BackendClient, Session
from tests.amounts import part
from tests.contract.test_bad_input import public_methods
from tests.faults.every import CALLS, Keys, World
from tests.faults.hostile import Backend
from tests.sandbox.wire import Wire

# Those that send nothing, those that another call stands for, and those whose backend the sandbox is not.
SILENT = {
    *(
        "all",
        "filter",
        "exclude",
        "order_by",
        "reverse",
        "none",
        "path",
        "params",
        "defer",
        "fetch_mode",
        "using",
        "via",
        "distinct",
    ),
    "show",  # a view has the error as its text: tests/unit/interop/notebook
    *("describe", "explain", "ref", "to_dict", "of", "connect", "disconnect"),
}
ELSEWHERE = {
    "list_data_collection",  # another name of list_data_collections
    *("get_chunked_upload", "request_presigned_upload", "upload_file_to_presigned_url"),
    "confirm_presigned_upload",
    *("reset_connection", "close"),
}

IN_CLUSTERS = {"to_ray", "to_torch", "to_huggingface"}
"""Datasets whose workers read by iterators of queries; tests/clusters and tests/unit hold their faults."""


@pytest.fixture(scope="module")
def session(seeded: Backend) -> Iterator[Session]:
    """One session for all of them."""
    session = Session(seeded.url, api_token=seeded.sandbox.api_token)
    yield session
    session.close()


@pytest.fixture(scope="module")
def keys(seeded: Backend) -> Keys:
    """Rows that are only read."""
    return keys_of(seeded)


def keys_of(backend: Backend) -> Keys:
    """Make rows that nobody else knows."""
    return Keys.of(Wire(backend.url, backend.sandbox.api_token))


@pytest.mark.parametrize("name", part(CALLS, 2))
def test_is_right_in_itself(seeded: Backend, session: Session, keys: Keys, tmp_path: Path, name: str) -> None:
    """Whatever a fault test sees is the fault's."""
    world = World(session, tmp_path, keys_of(seeded) if CALLS[name].writes else keys)
    with session, session.trace() as calls:
        CALLS[name].do(world)

    assert calls


def test_holds_every_method_of_the_flat_client() -> None:
    """One that is added has to withstand the same."""
    methods = {name for name, _ in inspect.getmembers(BackendClient, inspect.isfunction) if name[0] != "_"}

    assert set() == methods - ELSEWHERE - {
        name.removeprefix("BackendClient.").partition("(")[0] for name in CALLS
    }


def test_holds_every_verb_of_objects_and_queries() -> None:
    """By the bare name of the method, since subclasses share them."""
    tried = {name.partition("(")[0].rpartition(".")[2] for name in CALLS}

    assert set() == {name.rpartition(".")[2] for name in public_methods()} - SILENT - IN_CLUSTERS - tried
