"""Nothing that the SDK shows, logs, raises or pickles holds a secret, whatever the backend does with it."""

from __future__ import annotations

import logging
import pickle
import traceback
import warnings

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from synapse import QueryError, Session, SynapseError
from synapse.orm import Entity
from synapse.session import Call, Settings, Trace
from tests.contract.planted import CASES, SECRETS, UNPICKLED, World, backend, world_of
from tests.servers import Server


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """A session to the planted backend."""
    with Server(backend) as server:
        made = world_of(server, tmp_path)
        yield made
        made.session.close()


def happened(case: Callable[[World], Iterator[Any]], world: World) -> list[Any]:
    """Collect everything that a case comes across, its trace, its warnings and its error among it."""
    seen: list[Any] = []
    with world.session.trace() as calls, warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            seen.extend(case(world))
        except (SynapseError, AssertionError) as error:
            seen.append(error)
    return [*seen, calls, *calls, calls.sent, *(each.message for each in warned)]


def printed(value: Any) -> str:
    """Print a value in every way that it has, an error with all it carries."""
    text = f"{value!r} {value}"
    if isinstance(value, BaseException):
        text += f"{vars(value)} {''.join(traceback.format_exception(value))}"
    return text


def pickled(value: Any) -> bytes:
    """Pickle what leads a life of its own: not a value of the user's, which holds what it is made for."""
    if not isinstance(value, Entity | Session | Settings | Trace | Call | SynapseError):
        return b""
    try:
        return pickle.dumps(value)
    except QueryError:  # unsaved credentials are not pickled at all
        return b""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_shows_no_secret(
    world: World, case: Callable[[World], Iterator[Any]], caplog: pytest.LogCaptureFixture, capfd: Any
) -> None:
    """Neither print, pickle, log, warning nor progress line holds a token, a credential or a signature."""
    with caplog.at_level(logging.DEBUG):
        seen = happened(case, world)
    logged = [f"{each.getMessage()} {each.args!r}" for each in caplog.records]
    texts = [*map(printed, seen), *logged, *capfd.readouterr()]

    assert [] == [text for text in texts if any(secret in text for secret in SECRETS)]
    assert [] == [each for each in seen if any(secret.encode() in pickled(each) for secret in UNPICKLED)]
