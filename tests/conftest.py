"""What every test shares: `--full`, how Hypothesis searches, and which processes coverage measures."""

from __future__ import annotations

import functools
import gc
import itertools
import os
import random
import signal
import time

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pytest

from hypothesis import HealthCheck, settings

from tests import amounts
from tests.clock import Clock, set_ahead
from tests.combining import pairwise
from tests.seeded import Seeded, seeded

if TYPE_CHECKING:
    from synapse.dialects import Request
    from synapse.session.http import Attempt

MEASURE: Final = "COVERAGE_PROCESS_CONFIG"

# Started in the background, a process ignores Ctrl-C, and hands that down to those that tests interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


# Fourteen thousand tests are made, and live to the end: searching them for garbage is a tenth of a run's work.
gc.disable()


def pytest_collection_finish() -> None:
    """Leave the tests themselves out of what the collector looks at."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # by default it looks for young garbage some hundred times a second
    gc.enable()


@pytest.fixture(scope="module", params=["msgspec", pytest.param("stdlib", marks=pytest.mark.full)])
def each_parser(request: pytest.FixtureRequest) -> Iterator[str]:
    """Read pages by msgspec, which leaves JSON fields unparsed, and in a full run by the standard library as well."""
    from synapse.session import decoding

    if request.param == "msgspec":
        pytest.importorskip("msgspec")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(decoding.VARIABLE, request.param)
        decoding.decoder.cache_clear()
        yield request.param
    decoding.decoder.cache_clear()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--full`: whole products of parameters, for `make test-full`; and `--jitter`, for `make test-busy`."""
    parser.addoption("--full", action="store_true", help="run every combination, not only every pair")
    parser.addoption(
        "--jitter", action="store_true", help="let requests wait a little, each for another time"
    )


def pytest_configure(config: pytest.Config) -> None:
    """Choose how much is tried, before a test module is read."""
    if config.getoption("full"):
        os.environ[amounts.VARIABLE] = "1"
    # A loaded machine must not turn a slow example into a failure; a red CI run must fail again when repeated.
    patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
    settings.register_profile(
        "chosen", patient, max_examples=amounts.either(100, 25), derandomize="CI" in os.environ
    )
    settings.load_profile("chosen")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the slow legs to a full run."""
    if not amounts.is_full():
        slow = [item for item in items if item.get_closest_marker("full")]
        config.hook.pytest_deselected(items=slow)
        items[:] = [item for item in items if not item.get_closest_marker("full")]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test of `@pytest.mark.combinations("a, b, c", AS, BS, CS)` for their pairs, or for all of them."""
    combine = itertools.product if amounts.is_full() else pairwise
    for mark in metafunc.definition.iter_markers("combinations"):
        names, *parameters = mark.args
        rows = list(combine(*map(list, parameters)))
        metafunc.parametrize(names, rows, ids=["-".join(map(_id, row)) for row in rows])


def _id(value: object) -> str:
    if isinstance(value, tuple):
        return "-".join(map(_id, value))
    return getattr(value, "__name__", None) or str(value)


@pytest.fixture(scope="session", autouse=True)
def measuring() -> Iterator[str | None]:
    """Keep coverage out of the backends that tests start: measured, they are half as fast."""
    how = os.environ.pop(MEASURE, None)
    yield how
    if how is not None:
        os.environ[MEASURE] = how


@pytest.fixture(scope="session", autouse=True)
def own_state(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Keep what the tests upload out of the state folder of whoever runs them."""
    os.environ["SYNAPSE_STATE_DIR"] = str(tmp_path_factory.mktemp("state"))


@pytest.fixture(scope="session", autouse=True)
def own_certificates() -> None:
    """Do without the certificates that a machine names: each session would read them all, in 15 ms, for plain http."""
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        if bundle := os.environ.pop(name, None):
            os.environ.setdefault("PIP_CERT", bundle)  # the vendor's client is installed by pip


@pytest.fixture(scope="session", autouse=True)
def first_generation_alone() -> Iterator[None]:
    """Fail whatever has a session that speaks API v1 only send something to API v2."""
    from synapse.session.delivery import Delivery

    prepare = Delivery.prepare

    def checked(self: Delivery, request: Request, *, streamed: bool = False) -> Attempt:
        attempt = prepare(self, request, streamed=streamed)
        assert self._dialect.name != "v1" or not attempt.path.startswith("/v2/"), attempt.label
        return attempt

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Delivery, "prepare", checked)
        yield


@pytest.fixture(scope="session", autouse=True)
def jitter(request: pytest.FixtureRequest) -> Iterator[None]:
    """Let requests that are sent side by side overtake one another: what counts on their order fails."""
    from synapse.session.delivery import Delivery
    from synapse.testing import CannedSession

    with pytest.MonkeyPatch.context() as patch:
        for owner, name in ((CannedSession, "send"), (Delivery, "prepare")) * request.config.getoption(
            "jitter"
        ):
            patch.setattr(owner, name, _jittery(getattr(owner, name)))
        yield


def _jittery(function: Callable[..., Any]) -> Callable[..., Any]:
    chance = random.Random()  # that of the module is Hypothesis's

    @functools.wraps(function)
    def waits(*arguments: Any, **named: Any) -> Any:
        time.sleep(chance.random() * 0.005)
        try:
            return function(*arguments, **named)
        finally:
            time.sleep(chance.random() * 0.005)

    return waits


@pytest.fixture(scope="session")
def seeded_sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seeded]:
    """One seeded backend for tests that put it back to its first state before they begin."""
    with seeded(tmp_path_factory.mktemp("seeded")) as kept:
        yield kept


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """A clock on which waiting takes no time."""
    return set_ahead(monkeypatch)


@pytest.fixture
def measured_processes(measuring: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let coverage count what the processes of this test run of the package, as for the command line."""
    if measuring is not None:
        monkeypatch.setenv(MEASURE, measuring)
