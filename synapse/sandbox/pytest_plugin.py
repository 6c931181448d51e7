"""The fixture that gives a test a backend to talk to, which misbehaves on demand."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from . import Sandbox

MARK: Final = "synapse_faults"
FIXTURE: Final = "synapse_sandbox"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--synapse-faults`, for the whole run."""
    parser.getgroup("synapse").addoption(
        "--synapse-faults",
        default="",
        metavar="TEXT",
        help="what synapse_sandbox does wrong: latency=50ms,429=0.05,503@after=0.02,drop=0.01,seed=7",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark, for one test or one class; refuse what `--synapse-faults` can't mean."""
    if text := str(config.getoption("synapse_faults")):
        from .faults import Faults, FaultsError

        try:
            Faults.parse(text)
        except FaultsError as error:
            raise pytest.UsageError(f"--synapse-faults: {error}") from error
    config.addinivalue_line("markers", f"{MARK}(text): what synapse_sandbox does wrong while this test runs")


@pytest.fixture(scope="session")
def synapse_sandbox(pytestconfig: pytest.Config) -> Iterator[Sandbox]:
    """Run one sandbox for the whole test session and hand out where it is and what opens it."""
    from . import serve

    with serve(faults=str(pytestconfig.getoption("synapse_faults"))) as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def synapse_vcr_config() -> dict[str, Any]:
    """Give vcrpy what keeps secrets out of cassettes, for `vcr.VCR(**…)` or a fixture `vcr_config`."""
    from . import cassettes

    return cassettes.config()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, object, object]:
    """Have the sandbox misbehave while a marked test runs, not while its fixtures do; tell the seed if it fails."""
    mark, sandbox = item.get_closest_marker(MARK), getattr(item, "funcargs", {}).get(FIXTURE)
    if mark is None:
        block: AbstractContextManager[str] = nullcontext(getattr(sandbox, "faults", ""))
    elif sandbox is None:
        pytest.fail(f"it is marked {MARK} and does not use the fixture {FIXTURE}", pytrace=False)
    else:
        block = _misbehaving(sandbox, mark)
    with block as told:
        if told:
            item.add_report_section("call", MARK, told)
        return (yield)


def _misbehaving(sandbox: Sandbox, mark: pytest.Mark) -> AbstractContextManager[str]:
    from .faults import Faults, FaultsError

    given = [*mark.args, *mark.kwargs.values()]
    if len(given) != 1 or not isinstance(given[0], str) or {*mark.kwargs} - {"text"}:
        pytest.fail(f'{MARK} takes one text, such as "429=0.05,drop=0.01"', pytrace=False)
    try:
        return sandbox.misbehave(str(Faults.parse(given[0])))
    except FaultsError as error:
        pytest.fail(f"{MARK}: {error}", pytrace=False)
